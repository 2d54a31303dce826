#include "analysis/position_spectrum.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "kernel/fourier.h"
#include "kernel/gram.h"
#include "kernel/linear.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_SIDE = 3072, BAND = 16 };

typedef struct table {
    const es_kernel *kernel;
    int64_t n, d, side; /* side = min(n, d) */
    double *rows;       /* (n, d), centred */
    double *gram;       /* (side, side): of the columns, or of the rows where they are fewer */
} table;

static es_status add_band(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const table *table = context;
    int64_t first = index * BAND, end = first + BAND, n = table->n, d = table->d;
    if (end > table->side) end = table->side;
    if (table->side == d) {
        es_gram_add_band(table->kernel, table->rows, n, d, first, end, table->gram);
        return ES_OK;
    }
    for (int64_t i = first; i < end; i++)
        for (int64_t j = i; j < n; j++)
            table->gram[i * n + j] =
                table->kernel->dot(table->rows + i * d, table->rows + j * d, d);
    return ES_OK;
}

/* Scale by a power of two, so that no square leaves float64's range, and take the mean row off.
 * Returns the exponent. */
static int center(const table *table, double *mean, double *length)
{
    int64_t n = table->n, d = table->d;
    double largest = 0;
    for (int64_t k = 0; k < n * d; k++) largest = fmax(largest, fabs(table->rows[k]));
    int exponent;
    frexp(largest, &exponent);
    *length = 0;
    for (int64_t i = 0; i < n; i++) {
        double *row = table->rows + i * d;
        for (int64_t k = 0; k < d; k++) row[k] = ldexp(row[k], -exponent);
        *length += table->kernel->dot(row, row, d);
        for (int64_t k = 0; k < d; k++) mean[k] += row[k];
    }
    for (int64_t k = 0; k < d; k++) mean[k] /= (double)n;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < d; k++) table->rows[i * d + k] -= mean[k];
    return exponent;
}

static void summarise(es_positions *positions)
{
    double total = positions->total_variance, entropy = 0, sum = 0;
    for (int64_t k = 0; k < positions->eigenvalue_count; k++) {
        double share = positions->eigenvalues[k] / total;
        if (share > 0) entropy -= share * log(share);
        if (sum < 0.9) positions->components_90 = k + 1;
        sum += share;
    }
    positions->effective_rank = exp(entropy);
}

/* The centred rows along direction `index`, read at their positions: to `line`, (positions->rows).
 */
static void project(const table *table, int64_t index, const double *value, const int64_t *ids,
                    int64_t positions, double *line)
{
    for (int64_t i = 0; i < positions; i++) line[i] = NAN;
    const double *vector = table->gram + index * table->side;
    double largest = 0;
    for (int64_t i = 0; i < table->n; i++) {
        double x = table->side == table->d
                       ? table->kernel->dot(table->rows + i * table->d, vector, table->d)
                       : sqrt(value[index]) * vector[i];
        line[ids[i]] = x;
        if (fabs(x) > fabs(largest)) largest = x;
    }
    for (int64_t i = 0; largest < 0 && i < positions; i++) line[i] = -line[i];
}

/* The strongest frequency of a line: its mean off, a gap counting as the mean. */
static es_status find_peak(const double *line, int64_t n, double *work,
                           es_position_component *component, es_error *error)
{
    double sum = 0, count = 0, total = 0, best = 0, *power = work + n;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(line[i])) continue;
        sum += line[i];
        count++;
    }
    for (int64_t i = 0; i < n; i++) work[i] = isnan(line[i]) ? 0 : line[i] - sum / count;
    ES_TRY(es_fourier_power(work, n, power, error));
    int64_t peak = 0;
    for (int64_t k = 1; k <= n / 2; k++) {
        double share = 2 * k == n ? power[k] : 2 * power[k]; /* k and n - k are one wave */
        total += share;
        if (share > best) best = share, peak = k;
    }
    component->period = peak ? (double)n / (double)peak : NAN;
    component->peak_share = peak ? best / total : NAN;
    return ES_OK;
}

static es_status describe(const table *table, const int64_t *ids, const double *values,
                          int64_t wanted, int exponent, es_positions *positions, es_error *error)
{
    int64_t n = positions->rows, count = 0;
    double total = 0;
    for (int64_t k = 0; k < table->side; k++) total += values[k] > 0 ? values[k] : 0;
    while (count < wanted && count < table->side && values[count] > 1e-12 * total) count++;
    positions->eigenvalues = es_alloc(table->side, sizeof(double));
    positions->components = es_alloc(count, sizeof *positions->components);
    positions->projections = es_alloc(count, (size_t)n * sizeof(double));
    double *work = es_alloc(2 * n, sizeof *work);
    es_status status = ES_OK;
    if (!positions->eigenvalues || !positions->components || !positions->projections || !work)
        status = es_fail_memory(error, "projections", (size_t)(count * n) * sizeof(double));
    if (status == ES_OK) {
        positions->eigenvalue_count = table->side;
        positions->component_count = count;
        positions->total_variance = total / (double)table->n;
        for (int64_t k = 0; k < table->side; k++)
            positions->eigenvalues[k] = values[k] > 0 ? values[k] / (double)table->n : 0;
        summarise(positions);
    }
    for (int64_t k = 0; k < count && status == ES_OK; k++) {
        double *line = positions->projections + k * n;
        es_position_component *component = &positions->components[k];
        component->share = values[k] / total;
        component->variance = ldexp(positions->eigenvalues[k], 2 * exponent);
        project(table, k, values, ids, n, line);
        status = find_peak(line, n, work, component, error);
        for (int64_t i = 0; i < n; i++) line[i] = ldexp(line[i], exponent);
    }
    free(work);
    if (status != ES_OK) return status;
    positions->total_variance = ldexp(positions->total_variance, 2 * exponent);
    for (int64_t k = 0; k < table->side; k++)
        positions->eigenvalues[k] = ldexp(positions->eigenvalues[k], 2 * exponent);
    return ES_OK;
}

es_status es_position_spectrum(const es_kernel *kernel, double *rows, int64_t d, const int64_t *ids,
                               int64_t components, int threads, es_positions *positions,
                               const es_progress *progress, es_error *error)
{
    table table = {.kernel = kernel, .d = d, .rows = rows};
    table.n = positions->rows - positions->left_out;
    table.side = d < table.n ? d : table.n;
    positions->total_variance = positions->effective_rank = NAN;
    if (table.side > MOST_SIDE) return ES_OK;
    table.gram = es_alloc(table.side, (size_t)table.side * sizeof(double));
    double *values = es_alloc(table.side, sizeof *values), *mean = es_alloc(d, sizeof *mean);
    es_status status = ES_OK;
    if (!table.gram || !values || !mean)
        status = es_fail_memory(error, "a covariance", (size_t)(table.side * table.side) * 8);
    if (status == ES_OK) {
        double length, trace = 0;
        int exponent = center(&table, mean, &length);
        status = es_parallel_for(threads, (table.side + BAND - 1) / BAND, add_band, &table,
                                 progress, error);
        for (int64_t k = 0; k < table.side; k++) trace += table.gram[k * table.side + k];
        if (status == ES_OK && trace > 1e-24 * length) { /* else there is one row, many times */
            for (int64_t i = 0; i < table.side; i++)
                for (int64_t j = 0; j < i; j++)
                    table.gram[i * table.side + j] = table.gram[j * table.side + i];
            status = es_eigen_symmetric(table.side, table.gram, values, error);
            if (status == ES_OK)
                status = describe(&table, ids, values, components, exponent, positions, error);
        } else if (status == ES_OK) {
            positions->total_variance = 0;
        }
    }
    free(table.gram);
    free(values);
    free(mean);
    return status;
}
