/* Tables that tests make, as .npy files in the scratch folder, and spaces opened from them. */
#ifndef ES_TEST_TABLES_H
#define ES_TEST_TABLES_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkdtemp, as scratch.h; before any system header */
#endif

#include "base/random.h"
#include "scratch.h"

#include <embscope/embscope.h>
#include <math.h>

static inline double draw_uniform(es_random *random)
{
    return (double)(es_random_next(random) >> 11) * 0x1p-52 - 1;
}

/* Near enough to normal for a test: the sum of twelve. */
static inline double draw_normal(es_random *random)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) sum += draw_uniform(random);
    return sum / 2;
}

/* (rows, columns) of float32 values, held in float64: around a common direction, as embeddings
 * are. The caller's to free. */
static inline double *draw_table(int64_t rows, int64_t columns, uint64_t seed)
{
    es_random random = {seed};
    double *values = malloc((size_t)(rows * columns) * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < rows; i++) {
        double size = exp2(draw_uniform(&random));
        for (int64_t k = 0; k < columns; k++)
            values[i * columns + k] = (float)(size * (draw_normal(&random) + 0.5 * (k % 3 == 0)));
    }
    return values;
}

/* A .npy file of float32 or float64. */
static inline const char *write_table(const char *name, const char *dtype, int64_t rows,
                                      int64_t columns, const double *values)
{
    es_text text = {0};
    es_text header = {0};
    es_text_printf(&header, "{'descr': '<%s', 'fortran_order': False, 'shape': (%lld, %lld), }",
                   dtype, (long long)rows, (long long)columns);
    while ((10 + header.size + 1) % 64) es_text_add(&header, " ");
    es_text_add(&header, "\n");
    es_text_append(&text, "\x93NUMPY\x01", 7);
    append_le(&text, 0, 1);
    append_le(&text, header.size, 2);
    es_text_append(&text, header.data, header.size);
    for (int64_t i = 0; i < rows * columns; i++) {
        float single = (float)values[i];
        if (strcmp(dtype, "f4") == 0)
            es_text_append(&text, (const char *)&single, sizeof single);
        else
            es_text_append(&text, (const char *)&values[i], sizeof values[i]);
    }
    const char *path = scratch_write_text(name, &text);
    es_text_release(&text);
    es_text_release(&header);
    return path;
}

static inline es_space *open_path(const char *path, const es_open_options *options)
{
    es_error error = {0};
    es_space *space = NULL;
    assert_ok(es_space_open(path, options, &space, &error), error);
    assert_non_null(space);
    return space;
}

static inline es_space *open_values(const char *dtype, int64_t rows, int64_t columns,
                                    const double *values)
{
    return open_path(write_table("table.npy", dtype, rows, columns, values), NULL);
}

/* open_values() of draw_table(). */
static inline es_space *open_drawn(int64_t rows, int64_t columns, uint64_t seed)
{
    double *values = draw_table(rows, columns, seed);
    es_space *space = open_values("f4", rows, columns, values);
    free(values);
    return space;
}

static inline es_selection select_ids(const es_space *space, const int64_t *ids, int64_t count)
{
    es_error error = {0};
    es_selection selection;
    assert_ok(es_selection_from_ids(space, ids, count, &selection, &error), error);
    return selection;
}

/* The cosine of two rows in long double, each scaled by its largest component. */
static inline double plain_cosine(const double *a, const double *b, int64_t count)
{
    long double ab = 0, aa = 0, bb = 0, largest_a = 0, largest_b = 0;
    for (int64_t k = 0; k < count; k++) {
        largest_a = fmaxl(largest_a, fabsl((long double)a[k]));
        largest_b = fmaxl(largest_b, fabsl((long double)b[k]));
    }
    for (int64_t k = 0; k < count; k++) {
        long double x = a[k] / largest_a, y = b[k] / largest_b;
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return (double)(ab / sqrtl(aa * bb));
}

/* Float64 sums on both sides may differ by their order: d * 2^-53, and then some. */
static inline void assert_near(double found, double expected, double tolerance)
{
    double size = fabs(expected) > 1 ? fabs(expected) : 1;
    if (!(fabs(found - expected) <= tolerance * size))
        fail_msg("%.17g, expected %.17g (off by %g)", found, expected, found - expected);
}

/* A progress callback that asks to stop at once, and counts how often it was asked. */
static inline bool stop_at_once(void *context, int64_t done, int64_t total)
{
    (void)done, (void)total;
    if (context) ++*(int64_t *)context;
    return false;
}

#endif
