/* Spaces of made-up rows. Include scratch.h's setup and teardown with it. */
#ifndef ES_TEST_RANDOM_ROWS_H
#define ES_TEST_RANDOM_ROWS_H

#include "base/random.h"
#include "render/npz_writer.h"
#include "scratch.h"

#include <embscope/embscope.h>
#include <math.h>

/* In [0, 1). */
static inline double uniform(es_random *random)
{
    return (double)(es_random_next(random) >> 11) * 0x1p-53;
}

static inline double gaussian(es_random *random)
{
    double radius = sqrt(-2 * log(1 - uniform(random)));
    return radius * cos(6.283185307179586 * uniform(random));
}

/* Rows (n, d) as a file, opened. */
static inline es_space *open_rows(const float *rows, int64_t n, int64_t d)
{
    es_text file = {0};
    char header[ES_NPY_HEADER];
    es_npy_header_bytes("<f4", n, d, header);
    es_text_append(&file, header, sizeof header);
    es_text_append(&file, (const char *)rows, (size_t)(n * d) * sizeof *rows);
    const char *path = scratch_write_text("rows.npy", &file);
    es_text_release(&file);
    es_space *space = NULL;
    es_error error = {0};
    assert_ok(es_space_open(path, NULL, &space, &error), error);
    return space;
}

static inline float *gaussian_rows(int64_t n, int64_t d, uint64_t seed)
{
    es_random random = {seed};
    float *rows = malloc((size_t)(n * d) * sizeof *rows);
    assert_non_null(rows);
    for (int64_t i = 0; i < n * d; i++) rows[i] = (float)gaussian(&random);
    return rows;
}

#endif
