#include "analysis/vectors.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "kernel/tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLE_GROUPS = 145, /* of ES_PANEL rows each */
    SAMPLE_NEXT = 3,     /* each group against this many of the next: 1,002,240 pairs */
    SAMPLE_SEED = 20200213,
};

double es_make_unit(const es_kernel *kernel, const double *vector, int64_t count, double *unit)
{
    es_row_state state;
    double norm = es_row_unit(kernel, vector, count, unit, &state);
    for (int64_t k = 0; state != ES_ROW_DEFINED && k < count; k++) unit[k] = NAN;
    return norm;
}

double es_difference_norm(const es_kernel *kernel, const double *a, const double *b, int64_t count,
                          double *scratch)
{
    for (int64_t k = 0; k < count; k++) scratch[k] = a[k] - b[k];
    es_row_state state;
    double norm = es_row_norm(kernel, scratch, count, &state);
    return state == ES_ROW_NON_FINITE ? NAN : norm;
}

es_status es_sample_mean(es_space *space, const int64_t *ids, int64_t count, int64_t wanted,
                         double *mean, es_error *error)
{
    int64_t d = space->source.columns, step = count / wanted + 1, used = 0;
    double *row = es_alloc(d, sizeof *row);
    if (!row) return es_fail_memory(error, "a row", (size_t)d * sizeof *row);
    memset(mean, 0, (size_t)d * sizeof *mean);
    es_status status = ES_OK;
    for (int64_t i = 0; i < count && status == ES_OK; i += step, used++) {
        status = es_space_read_unit_rows(space, ids[i], 1, row, error);
        for (int64_t k = 0; k < d && status == ES_OK; k++) mean[k] += row[k];
    }
    for (int64_t k = 0; k < d; k++) mean[k] /= (double)used;
    free(row);
    return status;
}

typedef struct sample {
    es_space *space;
    es_packed packed;
    const int64_t *ids; /* (packed.rows) */
    unsigned char *defined;
    float *cosines;
    bool all; /* every pair of the rows, not groups */
} sample;

static es_status pack_group(void *context, int64_t group, int worker, es_error *error)
{
    (void)worker;
    sample *sample = context;
    int64_t d = sample->packed.depth, first = group * ES_PANEL;
    int64_t end = first + ES_PANEL < sample->packed.rows ? first + ES_PANEL : sample->packed.rows;
    double *row = es_alloc(d, sizeof *row);
    if (!row) return es_fail_memory(error, "a row", (size_t)d * sizeof *row);
    es_status status = ES_OK;
    for (int64_t i = first; i < end && status == ES_OK; i++) {
        status = es_space_read_rows(sample->space, sample->ids[i], 1, row, error);
        if (status != ES_OK) break;
        sample->defined[i] = es_make_unit(sample->space->kernel, row, d, row) > 0;
        if (sample->defined[i])
            es_packed_put(&sample->packed, i, row);
        else
            memset(row, 0, (size_t)d * sizeof *row), es_packed_put(&sample->packed, i, row);
    }
    free(row);
    return status;
}

/* One group against its next ones, into its own slot; pairs with an undefined row become NaN. */
static es_status multiply_group(void *context, int64_t group, int worker, es_error *error)
{
    (void)worker, (void)error;
    sample *sample = context;
    int64_t d = sample->packed.depth, groups = sample->packed.rows / ES_PANEL;
    const float *data = sample->packed.data;
    for (int64_t next = 1; next <= SAMPLE_NEXT; next++) {
        int64_t other = (group + next) % groups;
        float *out = sample->cosines + (group * SAMPLE_NEXT + next - 1) * ES_PANEL * ES_PANEL;
        for (int64_t r = 0; r < ES_PANEL; r += ES_STRIP)
            sample->space->kernel->product(d, data + group * ES_PANEL * d + r,
                                           data + other * ES_PANEL * d, out + r * ES_PANEL);
        for (int64_t r = 0; r < ES_PANEL; r++)
            for (int64_t c = 0; c < ES_PANEL; c++)
                if (!sample->defined[group * ES_PANEL + r] ||
                    !sample->defined[other * ES_PANEL + c])
                    out[r * ES_PANEL + c] = NAN;
    }
    return ES_OK;
}

/* All pairs of a small space: tile t of the triangle is short, so each strip finds its place. */
static es_status take_all(void *context, int worker, const es_strip *strip, es_error *error)
{
    (void)worker, (void)error;
    sample *sample = context;
    int64_t n = sample->packed.rows;
    for (int r = 0; r < strip->row_count; r++)
        for (int c = 0; c < strip->column_count; c++) {
            int64_t i = strip->first_row + r, j = strip->first_column + c;
            if (i >= j) continue;
            bool defined = sample->defined[i] && sample->defined[j];
            sample->cosines[i * (2 * n - i - 1) / 2 + j - i - 1] =
                defined ? strip->cosines[r * ES_PANEL + c] : NAN;
        }
    return ES_OK;
}

/* Distinct rows in random order. */
static void draw_rows(int64_t n, int64_t count, int64_t *ids)
{
    es_random random = {SAMPLE_SEED};
    for (int64_t i = 0; i < count; i++) {
        int64_t j = i + es_random_below(&random, n - i), held = ids[i];
        ids[i] = ids[j];
        ids[j] = held;
    }
}

/* Bits of a float as an unsigned number that orders as the float does (no NaN). */
static uint32_t ordered_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* Ascending, by least significant digits: a million floats in a few milliseconds. */
static void sort_floats(float *values, float *scratch, int64_t count)
{
    enum { DIGIT = 11, DIGITS = 1 << DIGIT };
    for (int shift = 0; shift < 32; shift += DIGIT) {
        int64_t place[DIGITS] = {0}, before = 0;
        for (int64_t i = 0; i < count; i++)
            place[ordered_bits(values[i]) >> shift & (DIGITS - 1)]++;
        for (int digit = 0; digit < DIGITS; digit++) {
            int64_t here = place[digit];
            place[digit] = before;
            before += here;
        }
        for (int64_t i = 0; i < count; i++)
            scratch[place[ordered_bits(values[i]) >> shift & (DIGITS - 1)]++] = values[i];
        float *held = values;
        values = scratch;
        scratch = held;
    }
    /* Three passes: what was `values` is the scratch now. */
    memcpy(scratch, values, (size_t)count * sizeof *values);
}

/* Drop NaN, sort. */
static es_status finish_sample(float *cosines, int64_t *count, es_error *error)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < *count; i++)
        if (cosines[i] == cosines[i]) cosines[kept++] = cosines[i];
    *count = kept;
    float *scratch = es_alloc(kept, sizeof *scratch);
    if (!scratch) return es_fail_memory(error, "a sample of pairs", (size_t)kept * sizeof(float));
    sort_floats(cosines, scratch, kept);
    free(scratch);
    return ES_OK;
}

es_status es_sample_cosines(es_space *space, float **cosines, int64_t *count, es_error *error)
{
    int64_t n = space->source.rows, d = space->source.columns;
    int64_t whole = (int64_t)SAMPLE_GROUPS * ES_PANEL;
    sample sample = {.space = space, .all = n <= 1414};
    int64_t rows = sample.all ? n : n < whole ? n / ES_PANEL * ES_PANEL : whole;
    int64_t groups = (rows + ES_PANEL - 1) / ES_PANEL;
    *count = sample.all ? n * (n - 1) / 2 : groups * SAMPLE_NEXT * ES_PANEL * ES_PANEL;
    int64_t *ids = es_alloc(n, sizeof *ids);
    sample.defined = es_alloc(rows, 1);
    sample.cosines = es_alloc(*count, sizeof *sample.cosines);
    es_status status = es_packed_init(&sample.packed, rows, d, error);
    if (!ids || !sample.defined || !sample.cosines)
        status = es_fail_memory(error, "a sample of pairs", (size_t)*count * sizeof(float));
    if (status == ES_OK) {
        for (int64_t i = 0; i < n; i++) ids[i] = i;
        if (!sample.all) draw_rows(n, rows, ids);
        sample.ids = ids;
        status = es_parallel_for(space->threads, groups, pack_group, &sample, NULL, error);
    }
    if (status == ES_OK && sample.all)
        status = es_tiles_run(space->kernel, &sample.packed, space->threads, take_all, &sample,
                              NULL, error);
    if (status == ES_OK && !sample.all)
        status = es_parallel_for(space->threads, groups, multiply_group, &sample, NULL, error);
    free(ids);
    free(sample.defined);
    es_packed_release(&sample.packed);
    if (status == ES_OK) status = finish_sample(sample.cosines, count, error);
    if (status != ES_OK) {
        free(sample.cosines);
        return status;
    }
    *cosines = sample.cosines;
    return ES_OK;
}
