/* Who lies near whom, in one model and in the other: how many neighbours are the same, and which
 * tokens have others now. */
#include "analysis/compare_parts.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ITEMS = 64, FEWEST = 199, MOST = 999 };

#define BUDGET 1e8 /* neighbours looked at by all permutations, where they go by default */

typedef struct overlapping {
    const es_pair_job *job;
    int64_t n, k, d[2];
    const es_model_part *parts[2];
    int64_t *common; /* (n) */
    double *drift;   /* (n), or NULL */
    double *permuted;
    int32_t *marks;  /* (threads, n): the last item that marked a row */
    int32_t *orders; /* (threads, n) */
    double *rows;    /* (threads, 2 d) */
    int64_t widest;
} overlapping;

static const int32_t *list_of(const overlapping *work, int m, int64_t item)
{
    return work->parts[m]->knn.ids + item * work->k;
}

/* How many of a's neighbours of i are, each renamed, b's neighbours of the renamed i. */
static int64_t count_common(const overlapping *work, int64_t i, const int32_t *order,
                            int32_t *marks)
{
    const int32_t *a = list_of(work, 0, i), *b = list_of(work, 1, order ? order[i] : i);
    int64_t common = 0;
    for (int64_t j = 0; j < work->k; j++) marks[b[j]] = (int32_t)i + 1;
    for (int64_t j = 0; j < work->k; j++) common += marks[order ? order[a[j]] : a[j]] == i + 1;
    return common;
}

/* ---- drift ------------------------------------------------------------------------------------
 */

/* The cosine of items i and j in model m; rows holds i's unit row where rows as stored are not at
 * hand. */
static es_status cosine_of(const overlapping *work, int m, int64_t i, int64_t j, double *rows,
                           double *cosine, es_error *error)
{
    es_space *space = work->parts[m]->space;
    const float *plain = es_space_plain_rows(space);
    int64_t d = work->d[m];
    if (plain) {
        double product = space->kernel->wide_dot(plain + i * d, plain + j * d, d);
        *cosine = product / space->norms[i] / space->norms[j];
        return ES_OK;
    }
    ES_TRY(es_space_read_unit_rows(space, j, 1, rows + d, error));
    *cosine = space->kernel->dot(rows, rows + d, d);
    return ES_OK;
}

/* The sum of the cosines of i, in model m, to those of a list that do not bear `mark`. */
static es_status sum_unmarked(const overlapping *work, int m, int64_t i, const int32_t *list,
                              const int32_t *marks, int32_t mark, double *rows, double *sum,
                              es_error *error)
{
    es_space *space = work->parts[m]->space;
    double cosine;
    *sum = 0;
    if (!es_space_plain_rows(space)) ES_TRY(es_space_read_unit_rows(space, i, 1, rows, error));
    for (int64_t j = 0; j < work->k; j++) {
        if (marks[list[j]] == mark) continue;
        ES_TRY(cosine_of(work, m, i, list[j], rows, &cosine, error));
        *sum += cosine;
    }
    return ES_OK;
}

/* Neighbours in both lists take themselves away: only the others are looked at. Those of the second
 * model bear i + 1 from count_common(). */
static es_status drift_of(const overlapping *work, int64_t i, int32_t *marks, double *rows,
                          es_error *error)
{
    double sums[2][2]; /* of a list, in a model */
    int32_t mark = (int32_t)i + 1;
    work->drift[i] = 0;
    if (work->common[i] == work->k) return ES_OK;
    for (int list = 0; list < 2; list++) {
        const int32_t *ids = list_of(work, list, i);
        for (int m = 0; m < 2; m++)
            ES_TRY(sum_unmarked(work, m, i, ids, marks, mark, rows, &sums[list][m], error));
        mark = -mark;
        for (int64_t j = 0; j < work->k; j++) marks[ids[j]] = mark;
    }
    double lost = (sums[0][0] - sums[1][0]) + (sums[1][1] - sums[0][1]);
    work->drift[i] = fmax(0, lost / (2 * (double)work->k));
    return ES_OK;
}

static es_status compare_block(void *context, int64_t index, int worker, es_error *error)
{
    overlapping *work = context;
    int64_t first = index * BLOCK_ITEMS, end = first + BLOCK_ITEMS;
    int32_t *marks = work->marks + worker * work->n;
    double *rows = work->rows + worker * 2 * work->widest;
    for (int64_t i = first; i < end && i < work->n; i++) {
        work->common[i] = count_common(work, i, NULL, marks);
        if (work->drift) ES_TRY(drift_of(work, i, marks, rows, error));
    }
    return ES_OK;
}

/* The mean of x / (2k - x), x being how many of k rows drawn by lot from n - 1 are among k given
 * ones (hypergeometric). */
static double expected_jaccard(double n, double k)
{
    double mean = 0, others = n - 1;
    for (double x = fmax(0, 2 * k - others); x <= k; x++) {
        double log_ways = lgamma(k + 1) - lgamma(x + 1) - lgamma(k - x + 1) +
                          lgamma(others - k + 1) - lgamma(k - x + 1) -
                          lgamma(others - 2 * k + x + 1);
        double log_all = lgamma(others + 1) - lgamma(k + 1) - lgamma(others - k + 1);
        mean += exp(log_ways - log_all) * x / (2 * k - x);
    }
    return mean;
}

static void fill_overlap(const overlapping *work, es_neighbor_overlap *overlap)
{
    double common = 0, jaccard = 0, n = (double)work->n, k = (double)work->k;
    for (int64_t i = 0; i < work->n; i++) {
        double here = (double)work->common[i];
        common += here;
        jaccard += here / (2 * k - here);
        overlap->unchanged += work->common[i] == work->k;
        overlap->disjoint += work->common[i] == 0;
    }
    overlap->k = work->k;
    overlap->mutual = common / (n * k);
    overlap->jaccard = jaccard / n;
    overlap->expected = k / (n - 1);
    overlap->jaccard_expected = expected_jaccard(n, k);
}

static void prepare(overlapping *work, const es_pair_job *job)
{
    *work = (overlapping){.job = job,
                          .n = job->a->n,
                          .k = job->a->knn.k,
                          .d = {job->a->d, job->b->d},
                          .parts = {job->a, job->b}};
    work->widest = work->d[0] > work->d[1] ? work->d[0] : work->d[1];
}

es_status es_pair_lists(const es_pair_job *job, const es_progress *progress, int64_t *common,
                        double *drift, es_neighbor_overlap *overlap, es_error *error)
{
    overlapping work;
    prepare(&work, job);
    size_t threads = (size_t)job->threads;
    work.common = common;
    work.drift = drift;
    work.marks = es_alloc(work.n, threads * sizeof *work.marks);
    work.rows = es_alloc(2 * work.widest, threads * sizeof *work.rows);
    es_status status = ES_OK;
    if (!work.marks || !work.rows)
        status = es_fail_memory(error, "an overlap", (size_t)work.n * threads * 4);
    if (status == ES_OK)
        status = es_parallel_for(job->threads, (work.n + BLOCK_ITEMS - 1) / BLOCK_ITEMS,
                                 compare_block, &work, progress, error);
    if (status == ES_OK) fill_overlap(&work, overlap);
    free(work.marks);
    free(work.rows);
    return status;
}

/* ---- chance -----------------------------------------------------------------------------------
 */

static es_status permute_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)error;
    overlapping *work = context;
    int32_t *marks = work->marks + worker * work->n, *order = work->orders + worker * work->n;
    int64_t common = 0;
    es_draw_permutation(work->job->seed, index, work->n, order);
    memset(marks, 0, (size_t)work->n * sizeof *marks);
    for (int64_t i = 0; i < work->n; i++) common += count_common(work, i, order, marks);
    work->permuted[index] = (double)common / ((double)work->n * (double)work->k);
    return ES_OK;
}

/* ---- the tokens -------------------------------------------------------------------------------
 */

typedef struct ranked {
    int64_t item, common;
    double drift;
} ranked;

/* Fewest common neighbours first, of those the farthest drift, then the lowest item. */
static int compare_moved(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->common != y->common) return x->common < y->common ? -1 : 1;
    if (x->drift != y->drift) return x->drift > y->drift ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* Most common neighbours first, of those the least drift, then the lowest item. */
static int compare_stable(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->common != y->common) return x->common > y->common ? -1 : 1;
    if (x->drift != y->drift) return x->drift < y->drift ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static es_moved_token token_of(const overlapping *work, const ranked *from)
{
    es_moved_token token = {from->item, from->common, from->drift, {0}, {0}};
    for (int m = 0; m < 2; m++) {
        token.neighbors[m] = list_of(work, m, from->item);
        token.cosines[m] = work->parts[m]->knn.cosines + from->item * work->k;
    }
    return token;
}

static es_status list_tokens(const overlapping *work, es_pair_comparison *pair, es_error *error)
{
    int64_t n = work->n, shown = work->job->shown < n ? work->job->shown : n;
    ranked *all = es_alloc(n, sizeof *all);
    pair->moved = es_alloc(shown, sizeof *pair->moved);
    pair->stable = es_alloc(shown, sizeof *pair->stable);
    if (!all || !pair->moved || !pair->stable) {
        free(all);
        return es_fail_memory(error, "tokens that moved", (size_t)n * sizeof *all);
    }
    for (int64_t i = 0; i < n; i++) all[i] = (ranked){i, work->common[i], work->drift[i]};
    qsort(all, (size_t)n, sizeof *all, compare_moved);
    pair->shown = shown;
    for (int64_t i = 0; i < shown; i++) pair->moved[i] = token_of(work, &all[i]);
    qsort(all, (size_t)n, sizeof *all, compare_stable);
    for (int64_t i = 0; i < shown; i++) pair->stable[i] = token_of(work, &all[i]);
    free(all);
    return ES_OK;
}

static es_status run(overlapping *work, es_pair_comparison *pair, es_error *error)
{
    const es_pair_job *job = work->job;
    double lists = (double)work->n * (double)work->k;
    double affordable = BUDGET / (2 * lists);
    int64_t count = job->permutations     ? job->permutations
                    : affordable < FEWEST ? FEWEST
                    : affordable > MOST   ? MOST
                                          : (int64_t)affordable;
    size_t threads = (size_t)job->threads;
    work->common = es_alloc(work->n, sizeof *work->common);
    work->drift = es_alloc(work->n, sizeof *work->drift);
    work->marks = es_alloc(work->n, threads * sizeof *work->marks);
    work->orders = es_alloc(work->n, threads * sizeof *work->orders);
    work->permuted = es_alloc(count, sizeof *work->permuted);
    if (!work->common || !work->drift || !work->marks || !work->orders || !work->permuted)
        return es_fail_memory(error, "an overlap", (size_t)work->n * 8);
    es_progress progress = es_stages_next(job->stages, job->neighbors_weight / 2);
    ES_TRY(es_pair_lists(job, &progress, work->common, work->drift, &pair->overlap, error));
    progress = es_stages_next(job->stages, job->neighbors_weight / 2);
    ES_TRY(es_parallel_for(job->threads, count, permute_piece, work, &progress, error));
    es_chance_fill(&pair->overlap.chance, work->n, pair->overlap.mutual, work->permuted, count);
    return list_tokens(work, pair, error);
}

es_status es_pair_neighbors(es_pair_job *job, es_pair_comparison *pair, es_error *error)
{
    overlapping work;
    prepare(&work, job);
    es_status status = run(&work, pair, error);
    free(work.common);
    free(work.drift);
    free(work.marks);
    free(work.orders);
    free(work.permuted);
    return status;
}
