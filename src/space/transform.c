#include "space/transform.h"

#include "base/memory.h"
#include "kernel/linear.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 512 };

typedef enum step_kind { CENTER, ABTT, STANDARDIZE, WHITEN } step_kind;

static const char *const step_names[] = {"center", "abtt", "standardize", "whiten"};

typedef struct step {
    step_kind kind;
    int64_t directions; /* abtt: D; whiten: how many are kept */
    double *mean;       /* (columns) */
    double *scale;      /* standardize: (columns), 1 / sigma */
    double *basis; /* abtt: (D, columns); whiten: (kept, columns), rows scaled by 1/sqrt(lambda) */
} step;

struct es_transform {
    const es_kernel *kernel;
    int64_t columns, count;
    step *steps;
    char **names;
};

void es_transform_free(es_transform *transform)
{
    if (!transform) return;
    for (int64_t i = 0; i < transform->count; i++) {
        free(transform->steps[i].mean);
        free(transform->steps[i].scale);
        free(transform->steps[i].basis);
        free(transform->names[i]);
    }
    free(transform->steps);
    free(transform->names);
    free(transform);
}

static es_status parse_step(const char *text, size_t length, int64_t columns, step *step,
                            es_error *error)
{
    const char *colon = memchr(text, ':', length);
    size_t name_length = colon ? (size_t)(colon - text) : length;
    for (int kind = CENTER; kind <= WHITEN; kind++) {
        if (strlen(step_names[kind]) != name_length ||
            strncmp(text, step_names[kind], name_length) != 0)
            continue;
        step->kind = (step_kind)kind;
        if (kind != ABTT && colon)
            return es_fail(error, ES_BAD_ARGUMENT, "transform '%.*s': '%s' takes no number",
                           (int)length, text, step_names[kind]);
        if (kind != ABTT) return ES_OK;
        step->directions = (columns + 50) / 100 > 0 ? (columns + 50) / 100 : 1;
        if (!colon) return ES_OK;
        char *end;
        long long asked = strtoll(colon + 1, &end, 10);
        if (end == colon + 1 || end != text + length || asked < 1 || asked >= columns)
            return es_fail(error, ES_BAD_ARGUMENT,
                           "transform '%.*s': the number of components must be from 1 to %lld",
                           (int)length, text, (long long)columns - 1);
        step->directions = asked;
        return ES_OK;
    }
    return es_fail(error, ES_BAD_ARGUMENT,
                   "'%.*s' is not a transform; there are center, abtt:D, standardize and whiten, "
                   "joined by commas",
                   (int)length, text);
}

/* "abtt:7", with its number where none was given. */
static char *name_of(const step *step)
{
    const char *name = step_names[step->kind];
    return step->kind == ABTT ? es_copy_format("%s:%lld", name, (long long)step->directions)
                              : es_copy_text(name);
}

es_status es_transform_parse(const char *chain, const es_kernel *kernel, int64_t columns,
                             es_transform **transform, es_error *error)
{
    int64_t count = 1;
    for (const char *at = chain; (at = strchr(at, ',')); at++) count++;
    es_transform *made = es_alloc(1, sizeof *made);
    if (!made) return es_fail_memory(error, "a transform", sizeof *made);
    made->kernel = kernel;
    made->columns = columns;
    made->steps = es_alloc(count, sizeof *made->steps);
    made->names = es_alloc(count, sizeof *made->names);
    es_status status = made->steps && made->names ? ES_OK : es_fail_memory(error, "a transform", 0);
    for (const char *at = chain; status == ES_OK;) {
        size_t length = strcspn(at, ",");
        status = parse_step(at, length, columns, &made->steps[made->count], error);
        if (status == ES_OK && !(made->names[made->count] = name_of(&made->steps[made->count])))
            status = es_fail_memory(error, "a transform", length);
        if (status == ES_OK) made->count++;
        if (!at[length]) break;
        at += length + 1;
    }
    if (status != ES_OK) {
        es_transform_free(made);
        return status;
    }
    *transform = made;
    return ES_OK;
}

int64_t es_transform_count(const es_transform *transform)
{
    return transform ? transform->count : 0;
}

const char *const *es_transform_names(const es_transform *transform)
{
    return transform ? (const char *const *)transform->names : NULL;
}

/* One row through one step. Plain loops and the kernel's dot: the same bits on every machine. */
static void apply_step(const es_kernel *kernel, const step *step, int64_t d, double *row,
                       double *scratch)
{
    for (int64_t k = 0; k < d; k++) row[k] -= step->mean[k];
    if (step->kind == STANDARDIZE)
        for (int64_t k = 0; k < d; k++) row[k] *= step->scale[k];
    if (step->kind == CENTER || step->kind == STANDARDIZE) return;
    for (int64_t j = 0; j < step->directions; j++)
        scratch[j] = kernel->dot(step->basis + j * d, row, d);
    if (step->kind == WHITEN) {
        memcpy(row, scratch, (size_t)step->directions * sizeof *row);
        memset(row + step->directions, 0, (size_t)(d - step->directions) * sizeof *row);
        return;
    }
    for (int64_t j = 0; j < step->directions; j++)
        for (int64_t k = 0; k < d; k++) row[k] -= scratch[j] * step->basis[j * d + k];
}

static bool is_zero(const double *row, int64_t d)
{
    for (int64_t k = 0; k < d; k++)
        if (row[k] != 0) return false;
    return true;
}

/* The first `steps` steps, row by row: a row comes out with the same bits alone and in a crowd. A
 * row of zeros stays one: less the mean it would be the direction of no row. */
static es_status apply_steps(const es_transform *transform, int64_t steps, int64_t count,
                             double *rows, es_error *error)
{
    int64_t d = transform->columns;
    double *scratch = es_alloc(d, sizeof *scratch);
    if (!scratch) return es_fail_memory(error, "a transform", (size_t)d * sizeof *scratch);
    for (int64_t i = 0; i < count; i++)
        for (int64_t s = 0; s < steps && !is_zero(rows + i * d, d); s++)
            apply_step(transform->kernel, &transform->steps[s], d, rows + i * d, scratch);
    free(scratch);
    return ES_OK;
}

es_status es_transform_apply(const es_transform *transform, int64_t count, double *rows,
                             es_error *error)
{
    return apply_steps(transform, transform->count, count, rows, error);
}

/* A row that takes part: finite and not zero, as stored. */
static bool takes_part(const double *row, int64_t d)
{
    bool any = false;
    for (int64_t k = 0; k < d; k++) {
        if (!isfinite(row[k])) return false;
        any = any || row[k] != 0;
    }
    return any;
}

typedef struct fitting {
    es_transform *transform;
    int64_t rows;
    es_read_raw_rows *read;
    void *context;
    double *block; /* (BLOCK_ROWS, columns) */
} fitting;

/* Rows first .. of one block that take part, after `steps` steps, packed to the front. */
static es_status read_block(const fitting *fit, int64_t steps, int64_t first, int64_t *kept,
                            es_error *error)
{
    int64_t d = fit->transform->columns;
    int64_t count = fit->rows - first < BLOCK_ROWS ? fit->rows - first : BLOCK_ROWS;
    ES_TRY(fit->read(fit->context, first, count, fit->block, error));
    *kept = 0;
    for (int64_t i = 0; i < count; i++) {
        const double *row = fit->block + i * d;
        if (!takes_part(row, d)) continue;
        if (*kept != i) memcpy(fit->block + *kept * d, row, (size_t)d * sizeof *row);
        ++*kept;
    }
    return apply_steps(fit->transform, steps, *kept, fit->block, error);
}

/* Sums of the components, with what rounding loses of them (Neumaier 1974), and their range: the
 * mean of a constant component is that constant, to the bit, so that nothing is left of it. */
typedef struct component_sums {
    double *sum, *lost, *least, *most; /* (d) each, one allocation at `sum` */
} component_sums;

static void add_row(int64_t d, const double *row, const component_sums *sums)
{
    for (int64_t k = 0; k < d; k++) {
        double x = row[k], before = sums->sum[k], total = before + x;
        sums->lost[k] += fabs(before) >= fabs(x) ? (before - total) + x : (x - total) + before;
        sums->sum[k] = total;
        sums->least[k] = fmin(sums->least[k], x);
        sums->most[k] = fmax(sums->most[k], x);
    }
}

/* The mean of the rows after the steps before `s`. */
static es_status fit_mean(const fitting *fit, int64_t s, int64_t *total, es_error *error)
{
    int64_t d = fit->transform->columns, kept;
    double *mean = fit->transform->steps[s].mean, *sum = es_alloc(4, (size_t)d * sizeof *sum);
    component_sums sums = {sum, sum + d, sum + 2 * d, sum + 3 * d};
    if (!sum) return es_fail_memory(error, "a transform", 4 * (size_t)d * sizeof *sum);
    for (int64_t k = 0; k < d; k++) sums.least[k] = INFINITY, sums.most[k] = -INFINITY;
    es_status status = ES_OK;
    *total = 0;
    for (int64_t first = 0; first < fit->rows && status == ES_OK; first += BLOCK_ROWS) {
        status = read_block(fit, s, first, &kept, error);
        for (int64_t i = 0; status == ES_OK && i < kept; i++) add_row(d, fit->block + i * d, &sums);
        if (status == ES_OK) *total += kept;
    }
    if (status == ES_OK && !*total)
        status =
            es_fail(error, ES_BAD_INPUT, "no row is finite and not zero: nothing to transform");
    for (int64_t k = 0; status == ES_OK && k < d; k++) {
        bool constant = sums.least[k] == sums.most[k];
        mean[k] = constant ? sums.least[k] : (sums.sum[k] + sums.lost[k]) / (double)*total;
    }
    free(sum);
    return status;
}

/* Population covariance (d, d) of the rows after the steps before `s`, around the step's mean. */
static es_status fit_covariance(const fitting *fit, int64_t s, int64_t total, double *covariance,
                                es_error *error)
{
    int64_t d = fit->transform->columns, kept;
    const double *mean = fit->transform->steps[s].mean;
    for (int64_t first = 0; first < fit->rows; first += BLOCK_ROWS) {
        ES_TRY(read_block(fit, s, first, &kept, error));
        for (int64_t i = 0; i < kept; i++)
            for (int64_t k = 0; k < d; k++) fit->block[i * d + k] -= mean[k];
        es_gram_add(kept, d, fit->block, covariance);
    }
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = i; j < d; j++)
            covariance[i * d + j] = covariance[j * d + i] = covariance[i * d + j] / (double)total;
    return ES_OK;
}

static es_status fit_scale(const fitting *fit, int64_t s, int64_t total, es_error *error)
{
    step *step = &fit->transform->steps[s];
    int64_t d = fit->transform->columns, kept;
    if (!(step->scale = es_alloc(d, sizeof(double))))
        return es_fail_memory(error, "a transform", (size_t)d * sizeof(double));
    for (int64_t first = 0; first < fit->rows; first += BLOCK_ROWS) {
        ES_TRY(read_block(fit, s, first, &kept, error));
        for (int64_t i = 0; i < kept; i++)
            for (int64_t k = 0; k < d; k++) {
                double x = fit->block[i * d + k] - step->mean[k];
                step->scale[k] += x * x;
            }
    }
    for (int64_t k = 0; k < d; k++) {
        double sigma = sqrt(step->scale[k] / (double)total);
        bool constant = sigma <= 4 * DBL_EPSILON * fabs(step->mean[k]); /* but for rounding */
        step->scale[k] = constant ? 0 : 1 / sigma;
    }
    return ES_OK;
}

/* Principal directions for abtt and whiten. */
static es_status fit_basis(const fitting *fit, int64_t s, int64_t total, es_error *error)
{
    step *step = &fit->transform->steps[s];
    int64_t d = fit->transform->columns;
    double *covariance = es_alloc(d, (size_t)d * sizeof *covariance);
    double *values = es_alloc(d, sizeof *values);
    es_status status = ES_OK;
    if (!covariance || !values)
        status = es_fail(error, ES_NO_MEMORY, "out of memory (covariance of %lld columns)",
                         (long long)d);
    if (status == ES_OK) status = fit_covariance(fit, s, total, covariance, error);
    if (status == ES_OK) status = es_eigen_symmetric(d, covariance, values, error);
    if (status == ES_OK && step->kind == WHITEN) {
        step->directions = 0;
        for (int64_t k = 0; k < d; k++) step->directions += values[k] > 1e-12 * values[0];
    }
    if (status == ES_OK && !(step->basis = es_alloc(step->directions * d, sizeof(double))))
        status = es_fail_memory(error, "a transform", 0);
    for (int64_t j = 0; status == ES_OK && j < step->directions; j++) {
        double scale = step->kind == WHITEN ? 1 / sqrt(values[j]) : 1;
        for (int64_t k = 0; k < d; k++) step->basis[j * d + k] = scale * covariance[j * d + k];
    }
    free(covariance);
    free(values);
    return status;
}

es_status es_transform_fit(es_transform *transform, int64_t rows, es_read_raw_rows *read,
                           void *context, es_error *error)
{
    fitting fit = {transform, rows, read, context, NULL};
    fit.block = es_alloc(BLOCK_ROWS * transform->columns, sizeof *fit.block);
    if (!fit.block) return es_fail_memory(error, "a block of rows", 0);
    es_status status = ES_OK;
    for (int64_t s = 0; s < transform->count && status == ES_OK; s++) {
        step *step = &transform->steps[s];
        int64_t total = 0;
        if (!(step->mean = es_alloc(transform->columns, sizeof(double))))
            status = es_fail_memory(error, "a transform", 0);
        if (status == ES_OK) status = fit_mean(&fit, s, &total, error);
        if (status == ES_OK && step->kind == STANDARDIZE) status = fit_scale(&fit, s, total, error);
        if (status == ES_OK && (step->kind == ABTT || step->kind == WHITEN))
            status = fit_basis(&fit, s, total, error);
    }
    free(fit.block);
    return status;
}
