#include "analysis/knn_lists.h"

#include "base/memory.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { SPARE = 16, MOST_TIES = 256, LEAST_TIES = 16, ROOM = 128 << 20 /* of all lists */ };

es_status es_lists_init(es_candidate_lists *lists, int64_t rows, int64_t keep, double bound,
                        es_error *error)
{
    *lists = (es_candidate_lists){.rows = rows, .keep = keep, .bound = bound};
    lists->lists = es_alloc(rows, sizeof *lists->lists);
    int64_t ties = rows ? ROOM / ((int64_t)sizeof(es_candidate) * rows) - 2 * keep : 0;
    lists->most_ties = ties < LEAST_TIES ? LEAST_TIES : ties < MOST_TIES ? ties : MOST_TIES;
    if (!lists->lists)
        return es_fail_memory(error, "candidate lists", (size_t)rows * sizeof *lists->lists);
    for (int64_t i = 0; i < rows; i++) {
        atomic_init(&lists->lists[i].least, -INFINITY);
        lists->lists[i].assumed = -INFINITY;
        atomic_flag_clear(&lists->lists[i].lock);
    }
    return ES_OK;
}

void es_lists_release(es_candidate_lists *lists)
{
    for (int64_t i = 0; lists->lists && i < lists->rows; i++) free(lists->lists[i].items);
    free(lists->lists);
    *lists = (es_candidate_lists){0};
}

static void swap(es_candidate *a, es_candidate *b)
{
    es_candidate held = *a;
    *a = *b;
    *b = held;
}

enum { SHORT = 512 };

/* Those above the pivot first, in their order, then the others: how many come first. Every item is
 * written to both sides and counted on one, so that there is no branch to be guessed wrong. */
static int32_t part(es_candidate *items, int32_t count, float pivot, bool or_equal)
{
    es_candidate others[SHORT];
    int32_t first = 0, other = 0;
    for (int32_t i = 0; i < count; i++) {
        es_candidate item = items[i];
        bool above = or_equal ? item.cosine >= pivot : item.cosine > pivot;
        items[first] = item;
        others[other] = item;
        first += above;
        other += !above;
    }
    memcpy(items + first, others, (size_t)other * sizeof *others);
    return first;
}

static float middle_of(float a, float b, float c)
{
    return fmaxf(fminf(a, b), fminf(fmaxf(a, b), c));
}

/* The same from both ends (Hoare 1961), for lists of any length: narrow [*low, *high] around k. */
static void narrow(es_candidate *items, int32_t *low, int32_t *high, int32_t k)
{
    float pivot = items[*low + (*high - *low) / 2].cosine;
    int32_t i = *low, j = *high;
    while (i <= j) {
        while (items[i].cosine > pivot) i++;
        while (items[j].cosine < pivot) j--;
        if (i <= j) swap(&items[i++], &items[j--]);
    }
    if (k <= j)
        *high = j;
    else if (k >= i)
        *low = i;
    else
        *low = *high = k;
}

/* Quickselect: afterwards items[k] has the k-th largest cosine (from 0), larger ones before. */
static void select_largest(es_candidate *items, int32_t count, int32_t k)
{
    int32_t low = 0, high = count - 1;
    while (high - low >= SHORT) narrow(items, &low, &high, k);
    for (int32_t size; (size = high - low + 1) > 1;) {
        es_candidate *from = items + low;
        float pivot = middle_of(from[0].cosine, from[size / 2].cosine, from[size - 1].cosine);
        int32_t above = part(from, size, pivot, false);
        if (k < low + above) {
            high = low + above - 1;
            continue;
        }
        low += above;
        above = part(items + low, high - low + 1, pivot, true);
        if (k < low + above || !above) return;
        low += above;
    }
}

static void raise_level(es_candidate_list *list, double cosine)
{
    float least = nextafterf((float)cosine, -INFINITY);
    if (least > atomic_load_explicit(&list->least, memory_order_relaxed))
        atomic_store_explicit(&list->least, least, memory_order_relaxed);
}

/* Rows up to `cosine` may now be missing. True of all that a list drops for keeping fewer. */
static void assume(const es_candidate_lists *lists, int64_t row, int64_t keep, double cosine)
{
    es_candidate_list *list = &lists->lists[row];
    float up = nextafterf((float)cosine, INFINITY);
    if (keep < lists->keep && up > list->assumed) list->assumed = up;
}

/* Keep what could be among the best `keep` of those offered. */
static void cut(es_candidate_lists *lists, int64_t row, int64_t keep)
{
    es_candidate_list *list = &lists->lists[row];
    if (list->count < keep) return;
    select_largest(list->items, list->count, (int32_t)keep - 1);
    /* The keep-th best is at least this; whoever is further below than two bounds cannot be among
     * them. */
    double kth = list->items[keep - 1].cosine, limit = kth - 2 * lists->bound;
    int32_t kept = (int32_t)keep;
    for (int32_t i = kept; i < list->count; i++)
        if ((double)list->items[i].cosine >= limit) list->items[kept++] = list->items[i];
    list->count = kept;
    assume(lists, row, keep, kth - lists->bound);
    raise_level(list, kth - lists->bound);
}

/* Keep the best `keep` by float64, ties as they end at last; *last as es_rank_exactly has it. */
static es_status keep_best(es_candidate_lists *lists, int64_t row, int64_t keep, double *last,
                           es_error *error)
{
    es_candidate_list *list = &lists->lists[row];
    ES_TRY(lists->rank(lists->context, row, keep, list->items, list->count, last, error));
    list->count = (int32_t)keep;
    return ES_OK;
}

es_status es_lists_finish(es_candidate_lists *lists, int64_t row, bool *whole, es_error *error)
{
    es_candidate_list *list = &lists->lists[row];
    cut(lists, row, lists->keep);
    *whole = list->assumed == -INFINITY;
    if (*whole || list->count < lists->keep) return ES_OK;
    double kth = list->items[lists->keep - 1].cosine, last; /* where cut() has put it */
    *whole = kth - lists->bound > (double)list->assumed;
    if (*whole || kth + lists->bound <= (double)list->assumed || !lists->rank) return ES_OK;
    ES_TRY(keep_best(lists, row, lists->keep, &last, error));
    *whole = last - 2 * ES_RANK_ERROR > (double)list->assumed;
    if (*whole) list->assumed = -INFINITY; /* nothing is assumed any more */
    return ES_OK;
}

void es_lists_clear(es_candidate_lists *lists, int64_t row)
{
    es_candidate_list *list = &lists->lists[row];
    list->count = 0;
    list->assumed = -INFINITY;
    atomic_store_explicit(&list->least, -INFINITY, memory_order_relaxed);
}

int64_t es_lists_keep(int64_t keep, double share)
{
    if (keep < 2 || share >= 1) return keep;
    /* One is the row itself; of the others, how many are in the share is binomial at most. Sum its
     * tail from the far end, where the terms are least. */
    int64_t others = keep - 1, j = others;
    double odds = log((1 - share) / share), term = (double)others * log(share), tail = exp(term);
    while (j > 0 && tail <= 1e-8) {
        term += log((double)j / (double)(others - j + 1)) + odds;
        j--;
        tail += exp(term);
    }
    /* P(more than j) <= 1e-8 < P(j or more) */
    return 1 + j + 1 < keep ? 1 + j + 1 : keep;
}

/* The bound cannot tell the rest apart. */
static es_status settle(es_candidate_lists *lists, int64_t row, int64_t keep, es_error *error)
{
    double last;
    ES_TRY(keep_best(lists, row, keep, &last, error));
    assume(lists, row, keep, last);
    raise_level(&lists->lists[row], last - 2 * ES_RANK_ERROR);
    return ES_OK;
}

static es_status push_locked(es_candidate_lists *lists, int64_t row, int64_t place, float cosine,
                             int64_t keep, es_error *error)
{
    es_candidate_list *list = &lists->lists[row];
    if (list->count == list->capacity) {
        cut(lists, row, keep);
        if (list->count > 2 * keep + lists->most_ties) ES_TRY(settle(lists, row, keep, error));
        /* A short list is cut often, which raises the level early. */
        int64_t held = list->count > keep ? list->count : keep;
        int64_t wanted = held + (held / 8 > SPARE ? held / 8 : SPARE);
        if (wanted > lists->rows) wanted = lists->rows;
        if (wanted > list->capacity) {
            es_candidate *items = realloc(list->items, (size_t)wanted * sizeof *items);
            if (!items) return es_fail_memory(error, "candidates", (size_t)wanted * sizeof *items);
            list->items = items;
            list->capacity = (int32_t)wanted;
        }
    }
    list->items[list->count++] = (es_candidate){(int32_t)place, cosine};
    return ES_OK;
}

es_status es_lists_push(es_candidate_lists *lists, int64_t row, int64_t place, float cosine,
                        int64_t keep, es_error *error)
{
    if ((double)cosine + lists->bound < (double)es_lists_least(lists, row)) return ES_OK;
    /* Held for well under a microsecond, unless its thread was put to sleep: then let it wake. */
    for (int tries = 1;
         atomic_flag_test_and_set_explicit(&lists->lists[row].lock, memory_order_acquire); tries++)
        if (tries % 64 == 0) (void)sched_yield();
    es_status status = push_locked(lists, row, place, cosine, keep, error);
    atomic_flag_clear_explicit(&lists->lists[row].lock, memory_order_release);
    return status;
}
