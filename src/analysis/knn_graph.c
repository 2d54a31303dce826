#include "analysis/knn_graph.h"

#include "analysis/vectors.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* Chord distance of two rows, from the difference of their unit vectors. */
static es_status chord(es_space *space, int64_t a, int64_t b, double *rows, double *distance,
                       es_error *error)
{
    int64_t d = space->source.columns;
    ES_TRY(es_space_read_unit_rows(space, a, 1, rows, error));
    ES_TRY(es_space_read_unit_rows(space, b, 1, rows + d, error));
    *distance = es_difference_norm(space->kernel, rows, rows + d, d, rows + 2 * d);
    return ES_OK;
}

static es_status fill_twonn(es_space *space, es_knn *knn, es_error *error)
{
    knn->twonn_dimension = NAN;
    if (knn->k < 2) return ES_OK;
    double *rows = es_alloc(3, (size_t)space->source.columns * sizeof *rows);
    double *ratios = es_alloc(knn->rows, sizeof *ratios);
    es_status status = rows && ratios ? ES_OK : es_fail_memory(error, "ratios", 0);
    int64_t used = 0;
    for (int64_t i = 0; i < knn->rows && status == ES_OK; i++) {
        const int32_t *ids = knn->ids + i * knn->k;
        if (ids[0] < 0) continue;
        double r1, r2;
        status = chord(space, i, ids[0], rows, &r1, error);
        if (status == ES_OK) status = chord(space, i, ids[1], rows, &r2, error);
        if (status != ES_OK) break;
        if (r1 > 0 && r2 >= r1)
            ratios[used++] = r2 / r1;
        else if (r1 > 0)
            ratios[used++] = 1; /* the cosines' order and the chords' part by rounding */
        else
            knn->twonn_dropped++;
    }
    if (status == ES_OK) knn->twonn_dimension = es_twonn_dimension(ratios, used);
    free(rows);
    free(ratios);
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

static bool has_neighbor(const es_knn *knn, int64_t row, int64_t id)
{
    for (int64_t j = 0; j < knn->k; j++)
        if (knn->ids[row * knn->k + j] == id) return true;
    return false;
}

static int compare_ids(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Edges whose reverse is there, too. Long lists are sorted once, so that each look is a search. */
static es_status fill_mutual(es_knn *knn, es_error *error)
{
    int64_t k = knn->k, mutual = 0, edges = 0;
    int32_t *sorted = NULL;
    if (k > 32) {
        if (!(sorted = es_alloc(knn->rows * k, sizeof *sorted)))
            return es_fail_memory(error, "edges", (size_t)(knn->rows * k) * sizeof *sorted);
        for (int64_t i = 0; i < knn->rows; i++) {
            for (int64_t j = 0; j < k; j++) sorted[i * k + j] = knn->ids[i * k + j];
            qsort(sorted + i * k, (size_t)k, sizeof *sorted, compare_ids);
        }
    }
    for (int64_t i = 0; i < knn->rows; i++)
        for (int64_t j = 0; j < k; j++) {
            int32_t id = knn->ids[i * k + j], self = (int32_t)i;
            if (id < 0) continue;
            edges++;
            mutual += sorted ? bsearch(&self, sorted + (int64_t)id * k, (size_t)k, sizeof self,
                                       compare_ids) != NULL
                             : has_neighbor(knn, id, i);
        }
    knn->mutual_share = (double)mutual / (double)edges;
    free(sorted);
    return ES_OK;
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

es_status es_knn_describe(es_space *space, es_knn *knn, es_error *error)
{
    ES_TRY(fill_hubness(knn, error));
    ES_TRY(fill_mutual(knn, error));
    ES_TRY(fill_pairs(space, knn, error));
    return fill_twonn(space, knn, error);
}
