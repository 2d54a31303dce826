#include "analysis/knn_graph.h"

#include "analysis/vectors.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK_ROWS = 64, LONG_LIST = 256 /* from where a sorted copy is searched faster */ };

/* What the blocks of rows fill in, each its own part. */
typedef struct describing {
    es_space *space;
    const es_knn *knn;
    double *ratios;          /* (rows): r2 / r1; 0 where r1 is 0, NaN where a row has no list */
    int32_t *sorted;         /* (rows, k) or NULL */
    int64_t *edges, *mutual; /* (blocks) */
} describing;

static int64_t block_count(const es_knn *knn)
{
    return (knn->rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
}

static int64_t block_end(const es_knn *knn, int64_t block)
{
    int64_t end = (block + 1) * BLOCK_ROWS;
    return end < knn->rows ? end : knn->rows;
}

/* Chord distances of a row to its two nearest, from the differences of the unit vectors. `rows`:
 * room for four. */
static es_status ratio_of(const describing *job, int64_t i, double *rows, double *ratio,
                          es_error *error)
{
    int64_t d = job->space->source.columns;
    const int32_t *ids = job->knn->ids + i * job->knn->k;
    double chord[2];
    *ratio = NAN;
    if (ids[0] < 0) return ES_OK;
    ES_TRY(es_space_read_unit_rows(job->space, i, 1, rows, error));
    for (int c = 0; c < 2; c++) {
        ES_TRY(es_space_read_unit_rows(job->space, ids[c], 1, rows + (1 + c) * d, error));
        chord[c] =
            es_difference_norm(job->space->kernel, rows, rows + (1 + c) * d, d, rows + 3 * d);
    }
    /* Where the cosines' order and the chords' part by rounding, the ratio is 1. */
    *ratio = chord[0] > 0 ? (chord[1] >= chord[0] ? chord[1] / chord[0] : 1) : 0;
    return ES_OK;
}

static es_status fill_ratios(void *context, int64_t block, int worker, es_error *error)
{
    (void)worker;
    const describing *job = context;
    size_t row = (size_t)job->space->source.columns * sizeof(double);
    double *rows = es_alloc(4, row);
    es_status status = rows ? ES_OK : es_fail_memory(error, "rows", 4 * row);
    for (int64_t i = block * BLOCK_ROWS; i < block_end(job->knn, block) && status == ES_OK; i++)
        status = ratio_of(job, i, rows, &job->ratios[i], error);
    free(rows);
    return status;
}

static es_status fill_twonn(es_space *space, es_knn *knn, int threads, es_error *error)
{
    knn->twonn_dimension = NAN;
    if (knn->k < 2) return ES_OK;
    describing job = {.space = space, .knn = knn, .ratios = es_alloc(knn->rows, sizeof(double))};
    if (!job.ratios) return es_fail_memory(error, "ratios", (size_t)knn->rows * sizeof(double));
    es_status status = es_parallel_for(threads, block_count(knn), fill_ratios, &job, NULL, error);
    int64_t used = 0;
    for (int64_t i = 0; i < knn->rows && status == ES_OK; i++) {
        if (job.ratios[i] > 0) job.ratios[used++] = job.ratios[i];
        knn->twonn_dropped += job.ratios[i] == 0;
    }
    if (status == ES_OK) knn->twonn_dimension = es_twonn_dimension(job.ratios, used);
    free(job.ratios);
    return status;
}

static void insert_hub(es_knn *knn, es_hub hub)
{
    int64_t at = knn->hub_count;
    while (at > 0 && knn->hubs[at - 1].occurrences < hub.occurrences) at--;
    if (at == ES_KNN_LISTED) return;
    if (knn->hub_count < ES_KNN_LISTED) knn->hub_count++;
    for (int64_t i = knn->hub_count - 1; i > at; i--) knn->hubs[i] = knn->hubs[i - 1];
    knn->hubs[at] = hub;
}

static es_status fill_hubness(es_knn *knn, es_error *error)
{
    int32_t *occurrences = knn->occurrences = es_alloc(knn->rows, sizeof *occurrences);
    if (!occurrences)
        return es_fail_memory(error, "occurrences", (size_t)knn->rows * sizeof *occurrences);
    for (int64_t e = 0; e < knn->rows * knn->k; e++)
        if (knn->ids[e] >= 0) occurrences[knn->ids[e]]++;
    int64_t rows = 0, antihubs = 0;
    double second = 0, third = 0, mean = (double)knn->k;
    for (int64_t i = 0; i < knn->rows; i++) {
        if (knn->ids[i * knn->k] < 0) {
            occurrences[i] = -1;
            continue;
        }
        double off = (double)occurrences[i] - mean;
        rows++;
        antihubs += occurrences[i] == 0;
        second += off * off;
        third += off * off * off;
        insert_hub(knn, (es_hub){i, occurrences[i]});
    }
    double variance = second / (double)rows;
    knn->hubness_skewness = variance > 0 ? third / (double)rows / (variance * sqrt(variance)) : NAN;
    knn->antihub_share = (double)antihubs / (double)rows;
    knn->maximum_occurrence = knn->hubs[0].occurrences;
    return ES_OK;
}

/* Without a way out of the loop, it is a few vector comparisons. */
static bool has_neighbor(const es_knn *knn, int64_t row, int64_t id)
{
    const int32_t *ids = knn->ids + row * knn->k;
    unsigned found = 0;
    for (int64_t j = 0; j < knn->k; j++) found |= ids[j] == (int32_t)id;
    return found;
}

static int compare_ids(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static es_status sort_block(void *context, int64_t block, int worker, es_error *error)
{
    (void)worker, (void)error;
    const describing *job = context;
    int64_t k = job->knn->k;
    for (int64_t i = block * BLOCK_ROWS; i < block_end(job->knn, block); i++) {
        for (int64_t j = 0; j < k; j++) job->sorted[i * k + j] = job->knn->ids[i * k + j];
        qsort(job->sorted + i * k, (size_t)k, sizeof *job->sorted, compare_ids);
    }
    return ES_OK;
}

static es_status count_block(void *context, int64_t block, int worker, es_error *error)
{
    (void)worker, (void)error;
    const describing *job = context;
    const es_knn *knn = job->knn;
    int64_t k = knn->k;
    for (int64_t i = block * BLOCK_ROWS; i < block_end(knn, block); i++)
        for (int64_t j = 0; j < k; j++) {
            int32_t id = knn->ids[i * k + j], self = (int32_t)i;
            if (id < 0) continue;
            job->edges[block]++;
            job->mutual[block] += job->sorted ? bsearch(&self, job->sorted + (int64_t)id * k,
                                                        (size_t)k, sizeof self, compare_ids) != NULL
                                              : has_neighbor(knn, id, i);
        }
    return ES_OK;
}

/* Edges whose reverse is there, too. */
static es_status fill_mutual(es_knn *knn, int threads, es_error *error)
{
    int64_t blocks = block_count(knn), mutual = 0, edges = 0;
    describing job = {.knn = knn, .edges = es_alloc(2 * blocks, sizeof *job.edges)};
    if (!job.edges) return es_fail_memory(error, "edges", (size_t)blocks * 2 * sizeof *job.edges);
    job.mutual = job.edges + blocks;
    es_status status = ES_OK;
    if (knn->k > LONG_LIST) {
        job.sorted = es_alloc(knn->rows * knn->k, sizeof *job.sorted);
        if (!job.sorted)
            status =
                es_fail_memory(error, "edges", (size_t)(knn->rows * knn->k) * sizeof *job.sorted);
        else
            status = es_parallel_for(threads, blocks, sort_block, &job, NULL, error);
    }
    if (status == ES_OK) status = es_parallel_for(threads, blocks, count_block, &job, NULL, error);
    for (int64_t b = 0; b < blocks; b++) {
        edges += job.edges[b];
        mutual += job.mutual[b];
    }
    knn->mutual_share = (double)mutual / (double)edges;
    free(job.sorted);
    free(job.edges);
    return status;
}

static bool pair_before(const es_near_pair *x, const es_near_pair *y)
{
    if (x->cosine != y->cosine) return x->cosine > y->cosine;
    return x->a != y->a ? x->a < y->a : x->b < y->b;
}

static int compare_pairs(const void *a, const void *b)
{
    return pair_before(a, b) ? -1 : pair_before(b, a);
}

static void insert_pair(es_knn *knn, es_near_pair pair)
{
    int64_t at = knn->pair_count;
    while (at > 0 && pair_before(&pair, &knn->pairs[at - 1])) at--;
    if (at == ES_KNN_LISTED) return;
    if (knn->pair_count < ES_KNN_LISTED) knn->pair_count++;
    for (int64_t i = knn->pair_count - 1; i > at; i--) knn->pairs[i] = knn->pairs[i - 1];
    knn->pairs[at] = pair;
}

/* The most similar pairs of all stand first in the lists of both. The graph's float32 cosines
 * choose ten, ties by id; they are then told, and put in order, in float64. */
static es_status fill_pairs(es_space *space, es_knn *knn, es_error *error)
{
    for (int64_t i = 0; i < knn->rows; i++)
        for (int64_t j = 0; j < knn->k; j++) {
            int32_t id = knn->ids[i * knn->k + j];
            double cosine = knn->cosines[i * knn->k + j];
            if (id < 0 ||
                (knn->pair_count == ES_KNN_LISTED && cosine < knn->pairs[ES_KNN_LISTED - 1].cosine))
                break; /* the list descends */
            if (id > i || !has_neighbor(knn, id, i))
                insert_pair(knn,
                            id > i ? (es_near_pair){i, id, cosine} : (es_near_pair){id, i, cosine});
        }
    int64_t d = space->source.columns;
    double *rows = es_alloc(2, (size_t)d * sizeof *rows);
    if (!rows) return es_fail_memory(error, "rows", (size_t)d * 16);
    es_status status = ES_OK;
    for (int64_t p = 0; p < knn->pair_count && status == ES_OK; p++) {
        status = es_space_read_unit_rows(space, knn->pairs[p].a, 1, rows, error);
        if (status == ES_OK)
            status = es_space_read_unit_rows(space, knn->pairs[p].b, 1, rows + d, error);
        if (status == ES_OK) knn->pairs[p].cosine = space->kernel->dot(rows, rows + d, d);
    }
    if (knn->pair_count)
        qsort(knn->pairs, (size_t)knn->pair_count, sizeof *knn->pairs, compare_pairs);
    free(rows);
    return status;
}

es_status es_knn_describe(es_space *space, es_knn *knn, int threads, es_error *error)
{
    ES_TRY(fill_hubness(knn, error));
    ES_TRY(fill_mutual(knn, threads, error));
    ES_TRY(fill_pairs(space, knn, error));
    return fill_twonn(space, knn, threads, error);
}
