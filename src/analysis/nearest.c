#include "analysis/nearest.h"

#include "analysis/pack.h"
#include "analysis/vectors.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct nearest_job {
    es_space *space;
    const es_packed_space *pack;
    int64_t k;
    double *means; /* by row of the space */
} nearest_job;

static int compare_descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The mean of the k largest of `count` values, which are reordered. Summed from the largest on. */
static double mean_of_largest(double *values, int64_t count, int64_t k)
{
    if (!count) return NAN;
    qsort(values, (size_t)count, sizeof *values, compare_descending);
    if (k > count) k = count;
    double sum = 0;
    for (int64_t i = 0; i < k; i++) sum += values[i];
    return sum / (double)k;
}

/* Cosines (float32) of one strip of rows against every packed row: out is (ES_STRIP, padded). */
static void cosines_of_strip(const nearest_job *job, int64_t first, int64_t padded, float *out)
{
    const es_packed *packed = &job->pack->packed;
    int64_t d = packed->depth;
    const float *left = packed->data + first / ES_PANEL * ES_PANEL * d + first % ES_PANEL;
    float tile[ES_TILE];
    for (int64_t column = 0; column < padded; column += ES_PANEL) {
        job->space->kernel->product(d, left, packed->data + column * d, tile);
        for (int r = 0; r < ES_STRIP; r++)
            memcpy(out + r * padded + column, tile + r * ES_PANEL, ES_PANEL * sizeof *tile);
    }
}

/* The k-th largest float32 cosine of a row to others. `scratch` holds `count` floats. */
static float kth_largest(const float *cosines, int64_t count, int64_t self, int64_t k,
                         float *scratch)
{
    /* A heap of the k largest, smallest on top. */
    int64_t held = 0;
    for (int64_t j = 0; j < count; j++) {
        if (j == self) continue;
        float c = cosines[j];
        if (held == k && c <= scratch[0]) continue;
        int64_t hole = held < k ? held++ : 0;
        if (hole) { /* sift up */
            while (hole && scratch[(hole - 1) / 2] > c) {
                scratch[hole] = scratch[(hole - 1) / 2];
                hole = (hole - 1) / 2;
            }
        } else {
            for (int64_t child; (child = 2 * hole + 1) < held; hole = child) {
                if (child + 1 < held && scratch[child + 1] < scratch[child]) child++;
                if (scratch[child] >= c) break;
                scratch[hole] = scratch[child];
            }
        }
        scratch[hole] = c;
    }
    return held < k ? -INFINITY : scratch[0];
}

/* The float64 mean for one packed place from its float32 cosines: every row that could be among
 * the k nearest by the bound of the product is scored again. */
static es_status exact_mean(const nearest_job *job, int64_t place, const float *cosines,
                            float *heap, double *mean, es_error *error)
{
    es_space *space = job->space;
    int64_t n = job->pack->packed.rows, d = job->pack->packed.depth, kept = 0, capacity = 0;
    double margin = 2 * es_product_bound(d);
    float kth = kth_largest(cosines, n, place, job->k, heap);
    double *values = NULL, *rows = es_alloc(2, (size_t)d * sizeof *rows);
    if (!rows) return es_fail_memory(error, "a row", (size_t)d * sizeof *rows);
    es_status status = es_space_read_unit_rows(space, job->pack->ids[place], 1, rows, error);
    for (int64_t j = 0; j < n && status == ES_OK; j++) {
        if (j == place || (double)cosines[j] < (double)kth - margin) continue;
        status = es_space_read_unit_rows(space, job->pack->ids[j], 1, rows + d, error);
        if (status == ES_OK && !es_grow((void **)&values, &capacity, kept + 1, sizeof *values))
            status = es_fail_memory(error, "neighbors", (size_t)kept * sizeof *values);
        if (status == ES_OK) values[kept++] = space->kernel->dot(rows, rows + d, d);
    }
    if (status == ES_OK) *mean = mean_of_largest(values, kept, job->k);
    free(values);
    free(rows);
    return status;
}

static es_status means_of_strip(void *context, int64_t strip, int worker, es_error *error)
{
    (void)worker;
    const nearest_job *job = context;
    int64_t n = job->pack->packed.rows, first = strip * ES_STRIP;
    int64_t padded = (n + ES_PANEL - 1) / ES_PANEL * ES_PANEL;
    float *cosines = es_alloc(ES_STRIP, (size_t)padded * sizeof *cosines);
    float *heap = es_alloc(job->k, sizeof *heap);
    es_status status = ES_OK;
    if (!cosines || !heap)
        status = es_fail_memory(error, "cosines", (size_t)(ES_STRIP * padded) * sizeof *cosines);
    if (status == ES_OK) cosines_of_strip(job, first, padded, cosines);
    for (int64_t r = 0; r < ES_STRIP && first + r < n && status == ES_OK; r++)
        status = exact_mean(job, first + r, cosines + r * padded, heap,
                            &job->means[job->pack->ids[first + r]], error);
    free(cosines);
    free(heap);
    return status;
}

es_status es_nearest_means(es_space *space, int64_t k, int threads, const es_progress *progress,
                           double **means, es_error *error)
{
    es_packed_space pack;
    ES_TRY(es_pack_space(space, threads, &pack, error));
    int64_t rows = space->source.rows, n = pack.packed.rows;
    nearest_job job = {space, &pack, k, es_alloc(rows, sizeof(double))};
    es_status status = ES_OK;
    if (!job.means) status = es_fail_memory(error, "means", (size_t)rows * sizeof(double));
    for (int64_t i = 0; status == ES_OK && i < rows; i++) job.means[i] = NAN;
    if (status == ES_OK)
        status = es_parallel_for(threads, (n + ES_STRIP - 1) / ES_STRIP, means_of_strip, &job,
                                 progress, error);
    es_packed_space_release(&pack);
    if (status == ES_OK)
        *means = job.means;
    else
        free(job.means);
    return status;
}

es_status es_nearest_mean_of_vector(es_space *space, const double *unit, int64_t k,
                                    const int64_t *excluded, int64_t excluded_count, double *mean,
                                    es_error *error)
{
    int64_t *ids, count, kept = 0, d = space->source.columns;
    ES_TRY(es_space_defined_rows(space, &ids, &count, error));
    double *values = es_alloc(count, sizeof *values), *row = es_alloc(d, sizeof *row);
    es_status status = values && row ? ES_OK : es_fail_memory(error, "cosines", (size_t)count * 8);
    for (int64_t i = 0; i < count && status == ES_OK; i++) {
        bool left_out = false;
        for (int64_t j = 0; j < excluded_count; j++) left_out = left_out || excluded[j] == ids[i];
        if (left_out) continue;
        status = es_space_read_unit_rows(space, ids[i], 1, row, error);
        if (status == ES_OK) values[kept++] = space->kernel->dot(unit, row, d);
    }
    if (status == ES_OK) *mean = mean_of_largest(values, kept, k);
    free(ids);
    free(values);
    free(row);
    return status;
}
