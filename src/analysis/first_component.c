/* The direction in which the rows differ most: power iteration on their covariance, d x d. */
#include "analysis/audit_parts.h"
#include "analysis/closed_forms.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "kernel/gram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 512, READ_ROWS = 32, GRAM_ROWS = 32, MOST_STEPS = 2000 };

typedef struct block {
    es_space *space;
    const int64_t *ids; /* of the block's rows */
    int64_t count, d;
    double scale;
    const double *center;
    double *rows; /* (BLOCK_ROWS, d) */
    double *gram;
} block;

static es_status read_some(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const block *block = context;
    int64_t first = index * READ_ROWS;
    for (int64_t i = first; i < first + READ_ROWS && i < block->count; i++) {
        double *row = block->rows + i * block->d;
        ES_TRY(es_space_read_rows(block->space, block->ids[i], 1, row, error));
        for (int64_t k = 0; k < block->d; k++) row[k] = row[k] * block->scale - block->center[k];
    }
    return ES_OK;
}

/* A band of rows of the matrix: no two threads write the same sum. */
static es_status add_band(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const block *block = context;
    int64_t first = index * GRAM_ROWS, end = first + GRAM_ROWS;
    if (end > block->d) end = block->d;
    es_gram_add_band(block->space->kernel, block->rows, block->count, block->d, first, end,
                     block->gram);
    return ES_OK;
}

/* Sums of the rows, less the centre, and (with a matrix) of their products. */
static es_status sum_rows(block *block, const int64_t *ids, int64_t count,
                          const es_audit_options *options, double *sum, es_error *error)
{
    int64_t d = block->d;
    for (int64_t first = 0; first < count; first += BLOCK_ROWS) {
        block->ids = ids + first;
        block->count = count - first < BLOCK_ROWS ? count - first : BLOCK_ROWS;
        ES_TRY(es_parallel_for(options->threads, (block->count + READ_ROWS - 1) / READ_ROWS,
                               read_some, block, NULL, error));
        for (int64_t i = 0; i < block->count; i++)
            for (int64_t k = 0; k < d; k++) sum[k] += block->rows[i * d + k];
        if (block->gram)
            ES_TRY(es_parallel_for(options->threads, (d + GRAM_ROWS - 1) / GRAM_ROWS, add_band,
                                   block, NULL, error));
        if (options->progress.report &&
            !options->progress.report(options->progress.context, first, count))
            return ES_CANCELLED;
    }
    return ES_OK;
}

/* The eigenvector of the largest eigenvalue of the symmetric matrix (d, d), or zeros where steps of
 * the iteration keep turning it. `next` is scratch (d). */
static void iterate(const es_kernel *kernel, const double *matrix, int64_t d, double *vector,
                    double *next)
{
    /* From the longest row: it cannot be orthogonal to what it is looking for. */
    int64_t longest = 0;
    for (int64_t k = 1; k < d; k++)
        if (matrix[k * d + k] > matrix[longest * d + longest]) longest = k;
    memcpy(vector, matrix + longest * d, (size_t)d * sizeof *vector);
    double turned = INFINITY;
    for (int step = 0; step <= MOST_STEPS && turned > 1e-11; step++) {
        double norm = sqrt(kernel->dot(vector, vector, d));
        if (!(norm > 0)) break;
        for (int64_t k = 0; k < d; k++) vector[k] /= norm;
        for (int64_t k = 0; k < d; k++) next[k] = kernel->dot(matrix + k * d, vector, d);
        double length = sqrt(kernel->dot(next, next, d));
        turned = 0;
        for (int64_t k = 0; k < d; k++) turned += fabs(next[k] / length - vector[k]);
        memcpy(vector, next, (size_t)d * sizeof *vector);
    }
    double norm = sqrt(kernel->dot(vector, vector, d));
    bool found = norm > 0 && turned < 1e-6;
    for (int64_t k = 0; k < d; k++) vector[k] = found ? vector[k] / norm : 0;
}

static es_status find(block *block, const int64_t *ids, int64_t count,
                      const es_audit_options *options, double *mean, double *component, double *sum,
                      es_error *error)
{
    int64_t d = block->d;
    double *gram = block->gram;
    memset(mean, 0, (size_t)d * sizeof *mean);
    memset(component, 0, (size_t)d * sizeof *component);
    /* Products about a point near the mean, so that taking off the mean's own loses nothing: a few
     * hundred rows spread over the table are near enough. */
    int64_t stride = count / BLOCK_ROWS + 1, near = 0;
    for (int64_t i = 0; i < count; i += stride, near++) {
        ES_TRY(es_space_read_rows(block->space, ids[i], 1, sum, error));
        for (int64_t k = 0; k < d; k++) mean[k] += sum[k] * block->scale;
    }
    for (int64_t k = 0; k < d; k++) mean[k] /= (double)near;
    block->center = mean;
    memset(sum, 0, (size_t)d * sizeof *sum);
    ES_TRY(sum_rows(block, ids, count, options, sum, error));
    for (int64_t k = 0; k < d; k++) sum[k] /= (double)count;
    for (int64_t i = 0; gram && i < d; i++)
        for (int64_t j = i; j < d; j++)
            gram[j * d + i] = gram[i * d + j] -= (double)count * sum[i] * sum[j];
    for (int64_t k = 0; k < d; k++) mean[k] += sum[k];
    if (gram) iterate(block->space->kernel, gram, d, component, sum);
    return ES_OK;
}

es_status es_first_component(es_space *space, const int64_t *ids, int64_t count, double scale,
                             const es_audit_options *options, double *mean, double *component,
                             es_error *error)
{
    int64_t d = space->source.columns;
    block block = {.space = space, .d = d, .scale = scale};
    double *sum = es_alloc(d, sizeof *sum);
    block.rows = es_alloc(BLOCK_ROWS, (size_t)d * sizeof(double));
    if (d <= ES_GRAM_COLUMNS) block.gram = es_alloc(d, (size_t)d * sizeof(double));
    es_status status = ES_OK;
    if (!sum || !block.rows || (!block.gram && d <= ES_GRAM_COLUMNS))
        status = es_fail_memory(error, "the covariance", (size_t)d * (size_t)d * sizeof(double));
    if (status == ES_OK) status = find(&block, ids, count, options, mean, component, sum, error);
    free(sum);
    free(block.rows);
    free(block.gram);
    return status;
}
