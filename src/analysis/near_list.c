#include "analysis/near_list.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

void es_near_release(es_near_list *list)
{
    free(list->items);
    free(list->best);
    *list = (es_near_list){0};
}

es_status es_near_begin(es_near_list *list, int64_t k, es_error *error)
{
    if (!es_grow((void **)&list->best, &list->heap_capacity, k, sizeof *list->best))
        return es_fail(error, ES_NO_MEMORY, "out of memory (%lld nearest rows)", (long long)k);
    list->k = k;
    list->count = list->ranked = 0;
    list->least = -INFINITY;
    return ES_OK;
}

void es_near_cut(es_near_list *list)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < list->count; i++)
        if (list->items[i].upper >= list->least) list->items[kept++] = list->items[i];
    list->count = kept;
}

static void sink(float *heap, int64_t count, int64_t at, float value)
{
    for (int64_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= value) break;
        heap[at] = heap[child];
    }
    heap[at] = value;
}

static void rank(es_near_list *list, float lower)
{
    float *heap = list->best;
    if (list->ranked == list->k) {
        if (lower > heap[0]) sink(heap, list->k, 0, lower);
    } else {
        int64_t at = list->ranked++;
        for (; at > 0 && heap[(at - 1) / 2] > lower; at = (at - 1) / 2)
            heap[at] = heap[(at - 1) / 2];
        heap[at] = lower;
    }
    if (list->ranked == list->k) list->least = heap[0];
}

es_status es_near_push(es_near_list *list, es_near near, es_error *error)
{
    if (near.upper < list->least) return ES_OK;
    rank(list, near.lower);
    if (list->count == list->capacity) {
        es_near_cut(list);
        if (list->count > list->capacity / 2 && !es_grow((void **)&list->items, &list->capacity,
                                                         list->capacity + 1, sizeof *list->items))
            return es_fail_memory(error, "candidates",
                                  (size_t)list->capacity * 2 * sizeof *list->items);
        if (!list->items &&
            !es_grow((void **)&list->items, &list->capacity, 1, sizeof *list->items))
            return es_fail_memory(error, "candidates", sizeof *list->items);
    }
    list->items[list->count++] = near;
    return ES_OK;
}

/* Hoare's selection. */
float es_select_largest(float *values, int64_t count, int64_t k)
{
    int64_t low = 0, high = count - 1;
    while (low < high) {
        float pivot = values[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (values[i] > pivot) i++;
            while (values[j] < pivot) j--;
            if (i <= j) {
                float held = values[i];
                values[i++] = values[j];
                values[j--] = held;
            }
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return values[k];
}
