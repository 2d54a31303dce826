/* What the checks of kernels share: which sets, which depths, which numbers, and what "the same"
 * is. */
#ifndef ES_TEST_KERNEL_INPUTS_H
#define ES_TEST_KERNEL_INPUTS_H

#include "base/random.h"
#include "kernel/kernel.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { MOST_DEPTH = 4096 };

static const int64_t depths[] = {1, 2, 15, 16, 17, 255, 256, 257, 511, 768, 1000, MOST_DEPTH};
enum { DEPTHS = sizeof depths / sizeof *depths };

typedef enum pattern { ORDINARY, DENORMAL, EXTREME, SIGNED_ZEROS, PATTERNS } pattern;

static double uniform(es_random *random)
{
    return (double)(es_random_next(random) >> 11) * 0x1p-52 - 1;
}

/* A component of a float32 row. */
static float draw(es_random *random, pattern pattern)
{
    static const float extremes[] = {1e-30f, -1e-30f, 1e30f,   -1e30f,  0.0f,     -0.0f,
                                     1.0f,   -1.0f,   FLT_MIN, FLT_MAX, 0x1p-149f};
    double x = uniform(random);
    switch (pattern) {
    case DENORMAL: return (float)(x * 1e-38);
    case EXTREME: return extremes[es_random_below(random, sizeof extremes / sizeof *extremes)];
    case SIGNED_ZEROS: return x < -0.5 ? -0.0f : x < 0 ? 0.0f : (float)x;
    default: return (float)x;
    }
}

/* A component of a float64 vector: no float32, so that products need rounding; denormal in float64
 * too. */
static double draw_double(es_random *random, pattern pattern)
{
    switch (pattern) {
    case ORDINARY: return uniform(random);
    case DENORMAL: return uniform(random) * 1e-160;
    default: return (double)draw(random, pattern);
    }
}

static bool same_bits(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

/* NaN (infinity less infinity) is NaN, whatever its payload. */
static inline bool same_floats(const float *a, const float *b, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!(isnan(a[i]) && isnan(b[i])) && !same_bits(&a[i], &b[i], sizeof *a)) return false;
    return true;
}

static inline bool same_doubles(const double *a, const double *b, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!(isnan(a[i]) && isnan(b[i])) && !same_bits(&a[i], &b[i], sizeof *a)) return false;
    return true;
}

/* The sets to hold against scalar, best first; how many. Says once which there are. */
static int64_t usable(const es_kernel *sets[8])
{
    static bool said;
    int64_t count = 0;
    for (const char *const *name = es_kernel_names; *name; name++) {
        const es_kernel *found = es_kernel_find(*name);
        if (!said) print_message("# this machine %s %s\n", found ? "runs" : "cannot run", *name);
        if (!found) continue;
        assert_string_equal(found->name, *name);
        if (strcmp(*name, "scalar") != 0) sets[count++] = found;
    }
    said = true;
    return count;
}

static const es_kernel *scalar(void)
{
    const es_kernel *table = es_kernel_find("scalar");
    assert_non_null(table);
    return table;
}

#endif
