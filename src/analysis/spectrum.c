/* The spectrum of a space, from sums over its rows: two readings for the eigenvalues and the
 * isotropy, one for the partition function, one a shuffled table. */
#include "analysis/spectrum_parts.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "kernel/linear.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_DIRECTIONS = 5, MOST_TABLES = 1000 };

void es_spectrum_release(es_spectrum *spectrum)
{
    free(spectrum->raw.values);
    free(spectrum->centered.values);
    free(spectrum->mean);
    free(spectrum->null_values);
    free(spectrum->contributions);
    free(spectrum->directions);
    free(spectrum->vectors);
    *spectrum = (es_spectrum){0};
}

/* ---- rows and progress ------------------------------------------------------------------------
 */

es_progress es_spectrum_phase(es_spectrum_job *job, double readings)
{
    return es_stages_next(&job->stages, readings * (double)job->n);
}

es_status es_spectrum_read_unit(void *context, int64_t first, int64_t count, double *out,
                                es_error *error)
{
    const es_spectrum_job *job = context;
    for (int64_t i = 0; i < count; i++)
        ES_TRY(
            es_space_read_unit_rows(job->space, job->ids[first + i], 1, out + i * job->d, error));
    return ES_OK;
}

es_status es_spectrum_read_stored(void *context, int64_t first, int64_t count, double *out,
                                  es_error *error)
{
    const es_spectrum_job *job = context;
    for (int64_t i = 0; i < count; i++)
        ES_TRY(es_space_read_rows(job->space, job->ids[first + i], 1, out + i * job->d, error));
    for (int64_t i = 0; job->scale && i < count * job->d; i++) out[i] = ldexp(out[i], -job->scale);
    return ES_OK;
}

void es_spectrum_seeds(uint64_t seed, int64_t count, uint64_t *seeds)
{
    es_random random = {seed};
    for (int64_t i = 0; i < count; i++) seeds[i] = es_random_next(&random);
}

/* ---- eigenvalues ------------------------------------------------------------------------------
 */

es_status es_spectrum_describe(const double *values, int64_t d, int64_t count, double floor,
                               es_eigenvalues *described, es_error *error)
{
    *described = (es_eigenvalues){.count = count, .values = es_alloc(count, sizeof(double))};
    if (!described->values)
        return es_fail_memory(error, "eigenvalues", (size_t)count * sizeof(double));
    double rounding = fmax(floor, (double)d * DBL_EPSILON * values[0]), sum = 0, squares = 0,
           entropy = 0;
    for (int64_t k = 0; k < count; k++) {
        double value = values[k] > rounding ? values[k] : 0;
        described->values[k] = value;
        sum += value;
        squares += value * value;
    }
    described->trace = sum;
    double reached = 0;
    for (int64_t k = 0; k < count && sum > 0; k++) {
        double p = described->values[k] / sum;
        if (p > 0) entropy -= p * log(p);
        if (reached < 0.9) described->directions_90 = k + 1;
        reached += p;
    }
    bool any = sum > 0;
    described->effective_rank = any ? exp(entropy) : NAN;
    described->participation_ratio = any ? sum * (sum / squares) : NAN;
    described->stable_rank = any ? sum / described->values[0] : NAN;
    return ES_OK;
}

/* Marchenko and Pastur (1967): the edges of the non-zero eigenvalues of the covariance of n rows
 * of d independent components, times n for the raw ones. */
static void set_edges(es_eigenvalues *values, double variance, double n, double d)
{
    double low = 1 - sqrt(d / n), high = 1 + sqrt(d / n);
    values->random_edges[0] = variance * low * low;
    values->random_edges[1] = variance * high * high;
    for (int64_t k = 0; k < values->count; k++)
        values->above_random += values->values[k] > values->random_edges[1];
}

static es_status fill_raw(const es_spectrum_job *job, const es_sums *sums, const double *shift,
                          double *matrix, es_spectrum *spectrum, es_error *error)
{
    int64_t n = job->n, d = job->d;
    double *values = es_alloc(d, sizeof *values);
    if (!values) return es_fail_memory(error, "eigenvalues", (size_t)d * sizeof *values);
    es_sums_gram(sums, n, d, shift, matrix);
    /* The mean cosine, by dimension: unit rows are unit to rounding, so take off what is there. */
    double pairs = (double)n * (double)(n - 1);
    es_long_sum total = {0};
    for (int64_t k = 0; k < d; k++) {
        double sum = (double)n * spectrum->mean[k];
        spectrum->contributions[k] = (sum * sum - matrix[k * d + k]) / pairs;
        es_long_sum_add(&total, spectrum->contributions[k]);
    }
    spectrum->isotropy.mean_cosine = total.total + total.lost;
    int before = es_products_begin();
    es_status status = es_eigen_values(d, matrix, values, error);
    es_products_end(before);
    if (status == ES_OK)
        status = es_spectrum_describe(values, d, n < d ? n : d, 0, &spectrum->raw, error);
    if (status == ES_OK) set_edges(&spectrum->raw, (double)n / (double)d, (double)n, (double)d);
    free(values);
    return status;
}

static es_status fill_centered(const es_spectrum_job *job, const es_sums *sums, double *matrix,
                               es_spectrum *spectrum, es_error *error)
{
    int64_t n = job->n, d = job->d;
    double *values = es_alloc(d, sizeof *values);
    if (!values) return es_fail_memory(error, "eigenvalues", (size_t)d * sizeof *values);
    /* A unit row is known to rounding: rows of one direction differ by that, and have no spread. */
    const double floor = 16 * DBL_EPSILON * DBL_EPSILON;
    es_sums_covariance(sums, n, d, matrix);
    spectrum->isotropy.isoscore_unit = es_isoscore(matrix, d);
    es_status status = es_eigen_symmetric(d, matrix, values, error);
    if (status == ES_OK)
        status = es_spectrum_describe(values, d, n < d ? n : d, floor, &spectrum->centered, error);
    if (status == ES_OK) {
        es_eigenvalues *centered = &spectrum->centered;
        if (!(centered->trace > 0)) spectrum->isotropy.isoscore_unit = NAN;
        if (spectrum->direction_count > centered->count)
            spectrum->direction_count = centered->count;
        memcpy(spectrum->vectors, matrix, (size_t)(spectrum->direction_count * d) * sizeof *matrix);
        set_edges(centered, centered->trace / (double)d, (double)n, (double)d);
    }
    free(values);
    return status;
}

/* A point near the mean of the rows; where a component is the same in every row of the sample, it
 * is that, so that nothing is left of a constant one. */
static es_status sample_shift(es_spectrum_job *job, es_read_summands *read, double *shift,
                              es_error *error)
{
    enum { SAMPLE = 1024 };
    int64_t d = job->d, step = job->n / SAMPLE + 1, used = 0;
    double *row = es_alloc(3, (size_t)d * sizeof *row), *least = row + d, *most = least + d;
    if (!row) return es_fail_memory(error, "a row", 3 * (size_t)d * sizeof *row);
    es_status status = ES_OK;
    for (int64_t i = 0; i < job->n && status == ES_OK; i += step, used++) {
        status = read(job, i, 1, row, error);
        for (int64_t k = 0; k < d && status == ES_OK; k++) {
            shift[k] = used ? shift[k] + row[k] : row[k];
            least[k] = used && least[k] < row[k] ? least[k] : row[k];
            most[k] = used && most[k] > row[k] ? most[k] : row[k];
        }
    }
    for (int64_t k = 0; k < d; k++)
        shift[k] = least[k] == most[k] ? least[k] : shift[k] / (double)used;
    free(row);
    return status;
}

es_status es_spectrum_sums(es_spectrum_job *job, es_read_summands *read, double *shift,
                           es_sums *sums, es_error *error)
{
    es_progress progress = es_spectrum_phase(job, 1);
    ES_TRY(sample_shift(job, read, shift, error));
    es_summands from = {.read = read,
                        .context = job,
                        .count = job->n,
                        .d = job->d,
                        .shift = shift,
                        .kernel = job->space->kernel,
                        .threads = job->threads,
                        .progress = &progress};
    return es_sums_compute(&from, true, sums, error);
}

static es_status fill_eigenvalues(es_spectrum_job *job, es_spectrum *spectrum, es_error *error)
{
    int64_t d = job->d;
    es_sums sums = {0};
    double *shift = es_alloc(d, sizeof *shift);
    double *matrix = es_alloc(d, (size_t)d * sizeof *matrix);
    es_status status = ES_OK;
    if (!shift || !matrix)
        status = es_fail_memory(error, "the Gram matrix", (size_t)d * (size_t)d * sizeof *matrix);
    if (status == ES_OK) status = es_spectrum_sums(job, es_spectrum_read_unit, shift, &sums, error);
    for (int64_t k = 0; k < d && status == ES_OK; k++)
        spectrum->mean[k] = shift[k] + sums.sum[k] / (double)job->n;
    if (status == ES_OK) status = fill_raw(job, &sums, shift, matrix, spectrum, error);
    if (status == ES_OK) status = fill_centered(job, &sums, matrix, spectrum, error);
    es_sums_release(&sums);
    free(shift);
    free(matrix);
    return status;
}

/* ---- dimensions -------------------------------------------------------------------------------
 */

static void fill_dimensions(es_spectrum *spectrum)
{
    int64_t d = spectrum->columns;
    const double *part = spectrum->contributions;
    double mean = spectrum->isotropy.mean_cosine / (double)d, spread = 0, without;
    for (int64_t k = 0; k < d; k++) spread += (part[k] - mean) * (part[k] - mean) / (double)d;
    for (int64_t k = 0; k < d; k++) spectrum->outlier_count += part[k] > mean + 3 * sqrt(spread);
    without = spectrum->isotropy.mean_cosine;
    for (int64_t r = 0; r < ES_SPECTRUM_DIMENSIONS && r < d; r++) {
        int64_t best = -1;
        for (int64_t k = 0; k < d; k++) {
            bool taken = false;
            for (int64_t t = 0; t < r; t++) taken = taken || spectrum->dimensions[t].index == k;
            if (!taken && (best < 0 || part[k] > part[best])) best = k;
        }
        without -= part[best];
        spectrum->dimensions[r] = (es_dimension){.index = best,
                                                 .contribution = part[best],
                                                 .share = part[best] / mean / (double)d,
                                                 .mean = spectrum->mean[best],
                                                 .without = without};
        if (mean == 0) spectrum->dimensions[r].share = NAN;
        spectrum->dimension_count = r + 1;
    }
}

/* ---- the null ---------------------------------------------------------------------------------
 */

static es_status fill_null(es_spectrum_job *job, es_spectrum *spectrum, es_error *error)
{
    if (spectrum->null_tables < 1) return ES_OK;
    double *values = es_alloc(job->d, sizeof *values);
    if (!values) return es_fail_memory(error, "eigenvalues", (size_t)job->d * sizeof *values);
    spectrum->null_values = values;
    ES_TRY(es_spectrum_null(job, spectrum->mean, spectrum->null_tables, values, error));
    const es_eigenvalues *centered = &spectrum->centered;
    while (spectrum->above_null < centered->count &&
           centered->values[spectrum->above_null] > values[spectrum->above_null])
        spectrum->above_null++;
    return ES_OK;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static es_status prepare(es_spectrum_job *job, es_spectrum *spectrum, int64_t **ids,
                         es_error *error)
{
    int64_t d = job->d, rows = job->space->source.rows;
    if (d > ES_SPECTRUM_COLUMNS)
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: %lld columns; a spectrum is computed for at most %d",
                       job->space->source.path, (long long)d, (int)ES_SPECTRUM_COLUMNS);
    /* Beside the shuffled table, float64 rows would take too much: they are read as they are
     * needed. */
    if (es_dtype_size(job->space->tensor->dtype) <= sizeof(float))
        ES_TRY(es_space_load(job->space, error));
    ES_TRY(es_space_defined_rows(job->space, ids, &job->n, error));
    job->ids = *ids;
    job->norms = job->space->norms;
    if (job->n < 2)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: %lld of %lld rows have a direction; a spectrum needs 2 at least",
                       job->space->source.path, (long long)job->n, (long long)rows);
    double largest = 0;
    for (int64_t i = 0; i < job->n; i++) largest = fmax(largest, job->norms[job->ids[i]]);
    if (largest < 1e-70 || largest > 1e70) frexp(largest, &job->scale);
    spectrum->rows = job->n;
    spectrum->left_out = rows - job->n;
    spectrum->columns = d;
    spectrum->seed = job->seed;
    if (spectrum->direction_count > d) spectrum->direction_count = d;
    spectrum->mean = es_alloc(d, sizeof(double));
    spectrum->contributions = es_alloc(d, sizeof(double));
    spectrum->vectors = es_alloc(spectrum->direction_count, (size_t)d * sizeof(double));
    spectrum->directions = es_alloc(spectrum->direction_count, sizeof(es_direction));
    if (!spectrum->mean || !spectrum->contributions || !spectrum->vectors || !spectrum->directions)
        return es_fail_memory(error, "a spectrum", (size_t)d * sizeof(double));
    return ES_OK;
}

es_status es_spectrum_compute(es_space *space, const es_spectrum_options *options,
                              es_spectrum *spectrum, es_error *error)
{
    static const es_spectrum_options defaults;
    if (!options) options = &defaults;
    int64_t tables = options->null_tables ? options->null_tables : 1;
    *spectrum = (es_spectrum){.direction_count =
                                  options->directions ? options->directions : DEFAULT_DIRECTIONS,
                              .null_tables = tables < 0 ? 0 : tables};
    if (spectrum->direction_count < 0 || tables > MOST_TABLES)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "directions must not be negative, and null tables at most %d", MOST_TABLES);
    es_spectrum_job job = {.space = space,
                           .d = space->source.columns,
                           .threads = options->threads,
                           .seed = options->seed,
                           .stages = {.outer = options->progress}};
    int64_t *ids = NULL;
    es_status status = prepare(&job, spectrum, &ids, error);
    job.stages.total = (4.5 + 2 * (double)spectrum->null_tables) * (double)job.n; /* rows */
    if (status == ES_OK) status = fill_eigenvalues(&job, spectrum, error);
    if (status == ES_OK) fill_dimensions(spectrum);
    if (status == ES_OK) status = fill_null(&job, spectrum, error);
    if (status == ES_OK) status = es_spectrum_isotropy(&job, &spectrum->isotropy, error);
    if (status == ES_OK) status = es_spectrum_directions(&job, spectrum, error);
    free(ids);
    if (status != ES_OK) es_spectrum_release(spectrum);
    return status;
}
