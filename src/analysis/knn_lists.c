#include "analysis/knn_lists.h"

#include "base/memory.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { SPARE = 16, MOST_TIES = 256 };

es_status es_lists_init(es_candidate_lists *lists, int64_t rows, int64_t keep, double bound,
                        es_error *error)
{
    *lists = (es_candidate_lists){.rows = rows, .keep = keep, .bound = bound};
    lists->lists = es_alloc(rows, sizeof *lists->lists);
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

static const float *scoring_row(const es_scoring *scoring, int64_t place)
{
    return scoring->rows +
           (scoring->place_row ? scoring->place_row[place] : place) * scoring->depth;
}

static float score(const es_scoring *scoring, int64_t row, int64_t place)
{
    float dot = scoring->kernel->float_dot(scoring_row(scoring, row), scoring_row(scoring, place),
                                           scoring->depth);
    if (!scoring->inverse_norms) return dot;
    return dot * (scoring->inverse_norms[row] * scoring->inverse_norms[place]);
}

static bool by_halves(const es_candidate_lists *lists, const es_candidate_list *list)
{
    return lists->scoring.halves && !list->fine;
}

/* |score - exact| of the items of a list. */
static double bound_of(const es_candidate_lists *lists, const es_candidate_list *list)
{
    return by_halves(lists, list) ? lists->scoring.half_bound : lists->bound;
}

enum { BATCH = 4 };

/* Score items [from, to). */
static void score_batch(const es_candidate_lists *lists, int64_t row, es_candidate *items,
                        int32_t from, int32_t to)
{
    const es_scoring *scoring = &lists->scoring;
    bool halves = by_halves(lists, &lists->lists[row]);
    for (int32_t start = from; start < to; start += BATCH) {
        int32_t end = start + BATCH < to ? start + BATCH : to;
        for (int32_t i = start; i < end; i++) {
            int64_t place = items[i].place;
            if (halves)
                es_call_for_row(es_halves_row(scoring->halves, place), scoring->halves->stride * 2);
            else
                es_call_for_row(scoring_row(scoring, place), scoring->depth * 4);
        }
        for (int32_t i = start; i < end; i++)
            items[i].cosine =
                halves ? es_halves_score(scoring->kernel, scoring->halves, row, items[i].place)
                       : score(scoring, row, items[i].place);
    }
}

/* Score what could matter, the most promising first, and drop the rest unseen: those whose cosine
 * cannot reach the keep-th best of the scored ones. */
static void score_new(const es_candidate_lists *lists, int64_t row, int32_t keep)
{
    es_candidate_list *list = &lists->lists[row];
    int32_t count = list->count, step = BATCH + keep / 4;
    es_candidate *items = list->items;
    while (list->scored < count) {
        es_candidate *next = items + list->scored;
        int32_t some = count - list->scored < step ? count - list->scored : step;
        select_largest(next, count - list->scored, some - 1); /* the some-th best at its place */
        if (list->scored >= keep) {
            select_largest(items, list->scored, keep - 1);
            double kth = (double)items[keep - 1].cosine - bound_of(lists, list);
            int32_t hopeful = 0;
            for (int32_t i = 0; i < some; i++)
                if ((double)next[i].cosine >= kth) swap(&next[hopeful++], &next[i]);
            if (!hopeful) break;
            some = hopeful;
        }
        score_batch(lists, row, items, list->scored, list->scored + some);
        list->scored += some;
    }
    list->count = list->scored;
}

/* Rows up to `cosine` may now be missing. True of all that a list drops for keeping fewer. */
static void assume(const es_candidate_lists *lists, int64_t row, int64_t keep, double cosine)
{
    es_candidate_list *list = &lists->lists[row];
    float up = nextafterf((float)cosine, INFINITY);
    if (keep < lists->keep && up > list->assumed) list->assumed = up;
}

/* Keep what could be among the best `keep` of the scored ones. */
static void cut_scored(es_candidate_lists *lists, int64_t row, int64_t keep)
{
    es_candidate_list *list = &lists->lists[row];
    double bound = bound_of(lists, list);
    if (list->count < keep) return;
    select_largest(list->items, list->count, (int32_t)keep - 1);
    /* The keep-th best is at least this; whoever is further below than two bounds cannot be among
     * them. */
    double kth = list->items[keep - 1].cosine, limit = kth - 2 * bound;
    int32_t kept = (int32_t)keep;
    for (int32_t i = kept; i < list->count; i++)
        if ((double)list->items[i].cosine >= limit) list->items[kept++] = list->items[i];
    list->count = list->scored = kept;
    assume(lists, row, keep, kth - bound);
    float least = nextafterf((float)(kth - bound), -INFINITY);
    if (least > es_lists_least(lists, row))
        atomic_store_explicit(&list->least, least, memory_order_relaxed);
}

/* From now on the list is scored in float32; what it holds becomes bounds from above again. */
static void turn_fine(const es_candidate_lists *lists, es_candidate_list *list)
{
    for (int32_t i = 0; i < list->scored; i++)
        list->items[i].cosine =
            nextafterf((float)(list->items[i].cosine + lists->scoring.half_bound), INFINITY);
    list->scored = 0;
    list->fine = true;
}

/* Keep what could be among the best `keep` of those offered. */
static void cut(es_candidate_lists *lists, int64_t row, int64_t keep)
{
    es_candidate_list *list = &lists->lists[row];
    if (list->scored < list->count) score_new(lists, row, (int32_t)keep);
    cut_scored(lists, row, keep);
    if (!by_halves(lists, list) || list->count <= 2 * keep + SPARE) return;
    turn_fine(lists, list);
    score_new(lists, row, (int32_t)keep);
    cut_scored(lists, row, keep);
}

bool es_lists_finish(es_candidate_lists *lists, int64_t row)
{
    es_candidate_list *list = &lists->lists[row];
    cut(lists, row, lists->keep);
    if (list->assumed == -INFINITY) return true;
    if (list->count < lists->keep) return false;
    double kth = INFINITY; /* cut() has put the best lists->keep first */
    for (int64_t i = 0; i < lists->keep; i++)
        if ((double)list->items[i].cosine < kth) kth = list->items[i].cosine;
    return kth - bound_of(lists, list) > (double)list->assumed;
}

void es_lists_clear(es_candidate_lists *lists, int64_t row)
{
    es_candidate_list *list = &lists->lists[row];
    list->count = list->scored = 0;
    list->fine = false;
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

/* The bound cannot tell the rest apart: let float64 do it, and keep `keep`, ties as they would end
 * at last. */
static es_status settle(es_candidate_lists *lists, int64_t row, int64_t keep, es_error *error)
{
    es_candidate_list *list = &lists->lists[row];
    double last;
    ES_TRY(lists->rank(lists->context, row, keep, list->items, list->count, &last, error));
    list->count = list->scored = (int32_t)keep;
    assume(lists, row, keep, last);
    return ES_OK;
}

static es_status push_locked(es_candidate_lists *lists, int64_t row, int64_t place, float cosine,
                             int64_t keep, es_error *error)
{
    es_candidate_list *list = &lists->lists[row];
    if (list->count == list->capacity) {
        cut(lists, row, keep);
        if (list->count > 2 * keep + MOST_TIES) ES_TRY(settle(lists, row, keep, error));
        /* A short list is cut often, which raises the level early. */
        int64_t held = list->count > keep ? list->count : keep;
        int64_t wanted = held + (held / 2 > SPARE ? held / 2 : SPARE);
        if (wanted > lists->rows) wanted = lists->rows;
        if (wanted > list->capacity) {
            es_candidate *items = realloc(list->items, (size_t)wanted * sizeof *items);
            if (!items) return es_fail_memory(error, "candidates", (size_t)wanted * sizeof *items);
            list->items = items;
            list->capacity = (int32_t)wanted;
        }
    }
    list->items[list->count++] = (es_candidate){(int32_t)place, cosine};
    if (!lists->scoring.rows) list->scored = list->count;
    return ES_OK;
}

es_status es_lists_push(es_candidate_lists *lists, int64_t row, int64_t place, float cosine,
                        int64_t keep, es_error *error)
{
    /* Held for well under a microsecond, unless its thread was put to sleep: then let it wake. */
    for (int tries = 1;
         atomic_flag_test_and_set_explicit(&lists->lists[row].lock, memory_order_acquire); tries++)
        if (tries % 64 == 0) (void)sched_yield();
    es_status status = push_locked(lists, row, place, cosine, keep, error);
    atomic_flag_clear_explicit(&lists->lists[row].lock, memory_order_release);
    return status;
}
