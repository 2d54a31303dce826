/* Horn's parallel analysis (1965): what eigenvalues a table has whose columns keep their values but
 * know nothing of each other. Every column of the unit rows is shuffled by itself, exactly; a row
 * is then no unit row any more, and is left so: to normalise it again would change the marginals.
 *
 * The shuffled table is kept in float32, column by column: one more table in memory, and each
 * column is shuffled in cache. Each column has a stream of its own, so that it does not matter
 * which thread shuffles it. */
#include "analysis/spectrum_parts.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "kernel/linear.h"

#include <math.h>
#include <stdlib.h>

enum { GROUP_ROWS = 32 };

typedef struct shuffled {
    es_spectrum_job *job;
    float *columns; /* (d, n) */
    const uint64_t *seeds;
} shuffled;

static es_status fill_group(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const shuffled *table = context;
    int64_t n = table->job->n, d = table->job->d, first = index * GROUP_ROWS;
    int64_t count = n - first < GROUP_ROWS ? n - first : GROUP_ROWS;
    double *rows = es_alloc(count, (size_t)d * sizeof *rows);
    if (!rows) return es_fail_memory(error, "rows", (size_t)(count * d) * sizeof *rows);
    es_status status = es_spectrum_read_unit(table->job, first, count, rows, error);
    for (int64_t k = 0; k < d && status == ES_OK; k++)
        for (int64_t i = 0; i < count; i++)
            table->columns[k * n + first + i] = (float)rows[i * d + k];
    free(rows);
    return status;
}

/* Fisher and Yates. A column that was shuffled before is as good as the first one. */
static es_status shuffle_column(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const shuffled *table = context;
    int64_t n = table->job->n;
    float *column = table->columns + index * n;
    es_random random = {table->seeds[index]};
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)es_random_bounded(&random, (uint64_t)i + 1);
        float held = column[i];
        column[i] = column[j];
        column[j] = held;
    }
    return ES_OK;
}

static es_status read_shuffled(void *context, int64_t first, int64_t count, double *out,
                               es_error *error)
{
    (void)error;
    const shuffled *table = context;
    int64_t n = table->job->n, d = table->job->d;
    for (int64_t k = 0; k < d; k++)
        for (int64_t i = 0; i < count; i++)
            out[i * d + k] = (double)table->columns[k * n + first + i];
    return ES_OK;
}

static es_status add_table(shuffled *table, const double *mean, double *matrix, double *values,
                           es_error *error)
{
    es_spectrum_job *job = table->job;
    es_progress progress = es_spectrum_phase(job, 0.5);
    ES_TRY(es_parallel_for(job->threads, job->d, shuffle_column, table, &progress, error));
    progress = es_spectrum_phase(job, 1);
    es_summands from = {.read = read_shuffled,
                        .context = table,
                        .count = job->n,
                        .d = job->d,
                        .shift = mean,
                        .kernel = job->space->kernel,
                        .threads = job->threads,
                        .progress = &progress};
    es_sums sums;
    ES_TRY(es_sums_compute(&from, true, &sums, error));
    es_sums_covariance(&sums, job->n, job->d, matrix);
    es_sums_release(&sums);
    es_spectrum_phase(job, 0.5);
    int before = es_products_begin();
    es_status status = es_eigen_values(job->d, matrix, values, error);
    es_products_end(before);
    return status;
}

es_status es_spectrum_null(es_spectrum_job *job, const double *mean, int64_t tables, double *values,
                           es_error *error)
{
    int64_t n = job->n, d = job->d;
    float *columns = es_alloc_aligned(d, (size_t)n * sizeof *columns);
    double *matrix = es_alloc(d + 1, (size_t)d * sizeof *matrix), *of_one = matrix + d * d;
    uint64_t *seeds = es_alloc(tables, (size_t)d * sizeof *seeds);
    es_status status = ES_OK;
    if (!columns || !matrix || !seeds)
        status = es_fail_memory(error, "a shuffled table", (size_t)(n * d) * sizeof *columns);
    shuffled table = {job, columns, seeds};
    if (status == ES_OK) {
        es_spectrum_seeds(job->seed, tables * d, seeds);
        es_progress progress = es_spectrum_phase(job, 0);
        status = es_parallel_for(job->threads, (n + GROUP_ROWS - 1) / GROUP_ROWS, fill_group,
                                 &table, &progress, error);
    }
    for (int64_t t = 0; t < tables && status == ES_OK; t++) {
        table.seeds = seeds + t * d;
        status = add_table(&table, mean, matrix, of_one, error);
        for (int64_t k = 0; k < d && status == ES_OK; k++)
            values[k] += fmax(0, of_one[k]) / (double)tables;
    }
    free(columns);
    free(matrix);
    free(seeds);
    return status;
}
