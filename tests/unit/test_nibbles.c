/* Nibbles: every set's functions against the scalar ones, bounds that are never wrong, and panels
 * that hold what was put in. */
#include "base/memory.h"
#include "base/random.h"
#include "kernel/nibbles.h"
#include "test.h"

#include <math.h>

enum { MOST_DEPTH = 4096 };

static double uniform(es_random *random)
{
    return (double)(es_random_next(random) >> 11) * 0x1p-52 - 1;
}

static const es_kernel *scalar(void)
{
    return es_kernel_find("scalar");
}

static void all_sets_agree(void **state)
{
    (void)state;
    static const int64_t strides[] = {64, 128, 192, 384, 2048};
    uint8_t *rows = es_alloc_aligned(ES_GROUP, MOST_DEPTH / 2);
    int8_t *query = es_alloc_aligned(MOST_DEPTH, 1);
    assert_true(rows && query);
    es_random random = {1};
    for (int round = 0; round < 40; round++) {
        int64_t stride = strides[round % 5];
        bool extreme = round >= 30; /* the largest sums there can be, of either sign */
        float scale[ES_GROUP], offset[ES_GROUP], length[ES_GROUP], residual[ES_GROUP];
        for (int64_t i = 0; i < ES_GROUP * stride; i++)
            rows[i] = extreme ? 255 : (uint8_t)es_random_below(&random, 256);
        for (int64_t i = 0; i < 2 * stride; i++)
            query[i] = (int8_t)(extreme ? (round % 2 ? 127 : -127)
                                        : (int)es_random_below(&random, 255) - 127);
        for (int i = 0; i < ES_GROUP; i++) {
            scale[i] = (float)fabs(uniform(&random)) * 1e-3f;
            offset[i] = i % 9 ? (float)uniform(&random) : -INFINITY;
            length[i] = (float)fabs(uniform(&random));
            residual[i] = (float)fabs(uniform(&random));
        }
        es_nibble_sides sides = {rows,    scale, offset, length, residual, query,
                                 -120000, 1e-3f, 0.1f,   0.9f,   0.01f};
        float expected[ES_GROUP], found[ES_GROUP];
        float largest = scalar()->nibble_bounds(stride, &sides, expected);
        int32_t dot = scalar()->nibble_dot(stride, rows + stride, query);
        for (int s = 0; es_kernel_names[s]; s++) {
            const es_kernel *kernel = es_kernel_find(es_kernel_names[s]);
            if (!kernel) continue;
            float most = kernel->nibble_bounds(stride, &sides, found);
            if (memcmp(found, expected, sizeof found) != 0 || most != largest ||
                kernel->nibble_dot(stride, rows + stride, query) != dot)
                fail_msg("%s: stride %lld", kernel->name, (long long)stride);
            assert_true(kernel->at_least(expected, expected[5]) ==
                        scalar()->at_least(expected, expected[5]));
        }
    }
    free(rows);
    free(query);
}

static void dots_are_right(void **state)
{
    (void)state;
    uint8_t row[128];
    int8_t query[256];
    es_random random = {2};
    int32_t expected = 0;
    for (int j = 0; j < 128; j++) row[j] = 0;
    for (int k = 0; k < 256; k++) {
        int nibble = (int)es_random_below(&random, 16);
        query[k] = (int8_t)((int)es_random_below(&random, 255) - 127);
        row[k / 128 * 64 + k % 64] |= (uint8_t)(k % 128 < 64 ? nibble : nibble << 4);
        expected += nibble * query[k];
    }
    assert_int_equal(scalar()->nibble_dot(128, row, query), expected);
    float values[ES_GROUP];
    for (int i = 0; i < ES_GROUP; i++) values[i] = (float)(i % 7);
    values[12] = NAN; /* would be 5 */
    for (int s = 0; es_kernel_names[s]; s++) {
        const es_kernel *kernel = es_kernel_find(es_kernel_names[s]);
        uint64_t mask = kernel ? kernel->at_least(values, 5) : 0;
        for (int i = 0; kernel && i < ES_GROUP; i++)
            if ((mask >> i & 1) != (i % 7 >= 5 && i != 12)) fail_msg("%s: %d", kernel->name, i);
    }
}

/* Vectors that quantise badly, or do not at all. */
static void draw_vector(es_random *random, int64_t depth, int kind, double *y)
{
    for (int64_t k = 0; k < depth; k++) y[k] = uniform(random);
    if (kind == 1) y[es_random_below(random, depth)] = 40;
    if (kind == 2)
        for (int64_t k = 0; k < depth; k++) y[k] = k == 0;
    if (kind == 3)
        for (int64_t k = 0; k < depth; k++) y[k] = 1 + 1e-9 * y[k];
    if (kind == 4)
        for (int64_t k = 0; k < depth; k++) y[k] *= exp2(-40 * fabs(uniform(random)));
    double square = 0;
    for (int64_t k = 0; k < depth; k++) square += y[k] * y[k];
    /* Centred unit vectors: at most 2 long, and as short as one likes. */
    double size = kind == 5 ? 0 : kind == 6 ? 1e-12 : 2 * fabs(uniform(random));
    for (int64_t k = 0; k < depth; k++) y[k] *= size / sqrt(square);
}

static void check_bounds(int64_t depth, es_random *random)
{
    enum { ROWS = 100 };
    es_nibbles pack;
    es_error error = {0};
    assert_ok(es_nibbles_init(&pack, ROWS, depth, &error), error);
    double *y = malloc((size_t)(ROWS * depth) * sizeof *y), *q = malloc((size_t)depth * sizeof *q);
    double offsets[ROWS];
    int8_t *scratch = malloc((size_t)pack.stride * 2);
    int8_t *components = malloc((size_t)pack.stride * 2);
    assert_true(y && q && scratch && components);
    for (int i = 0; i < ROWS; i++) {
        draw_vector(random, depth, i % 7, y + i * depth);
        es_nibbles_put(&pack, i, y + i * depth, offsets[i] = uniform(random), scratch);
    }
    for (int round = 0; round < 14; round++) {
        es_nibble_query query = {.components = components};
        draw_vector(random, depth, round % 7, q);
        double offset = uniform(random);
        es_nibble_query_put(&pack, q, offset, &query);
        float upper[2 * ES_GROUP];
        es_nibbles_coarse(scalar(), &pack, 0, &query, upper);
        es_nibbles_coarse(scalar(), &pack, ES_GROUP, &query, upper + ES_GROUP);
        for (int i = 0; i < ROWS; i++) {
            double value = offset + offsets[i], norm = 0;
            for (int64_t k = 0; k < depth; k++) value += y[i * depth + k] * q[k];
            for (int64_t k = 0; k < depth; k++) norm += q[k] * q[k];
            es_interval fine = es_nibbles_fine(scalar(), &pack, i, &query, upper[i]);
            if (!((double)upper[i] >= value && (double)fine.upper >= value &&
                  (double)fine.lower <= value))
                fail_msg("depth %lld, row %d: %.9g is not in %.9g ... %.9g, %.9g", (long long)depth,
                         i, value, (double)fine.lower, (double)fine.upper, (double)upper[i]);
            /* and they bound: the residuals and the allowances, no more */
            double room = 2.1 * ((double)pack.fine[i] * sqrt(norm) +
                                 (double)pack.length[i] * query.residual) +
                          1e-4;
            assert_true((double)fine.upper - (double)fine.lower <= room);
        }
        for (int i = ROWS; i < 2 * ES_GROUP; i++) assert_true(isinf(upper[i]) && upper[i] < 0);
    }
    es_nibbles_release(&pack);
    free(y);
    free(q);
    free(scratch);
    free(components);
}

static void bounds_are_never_wrong(void **state)
{
    (void)state;
    static const int64_t depths[] = {1, 2, 3, 63, 64, 65, 127, 128, 129, 300, 768, MOST_DEPTH};
    es_random random = {3};
    for (size_t s = 0; s < sizeof depths / sizeof *depths; s++) check_bounds(depths[s], &random);
}

static void panels_hold_the_rows(void **state)
{
    (void)state;
    enum { ROWS = 70 };
    static const int64_t depths[] = {1, 7, 64, 130, 300};
    es_random random = {4};
    es_error error = {0};
    for (size_t s = 0; s < sizeof depths / sizeof *depths; s++) {
        int64_t depth = depths[s], padded = (depth + 3) / 4 * 4;
        es_nibbles pack;
        es_bytes_pack bytes;
        assert_ok(es_nibbles_init(&pack, ROWS, depth, &error), error);
        assert_ok(es_bytes_init(&bytes, ROWS, depth, &error), error);
        double *y = malloc((size_t)depth * sizeof *y);
        int8_t *scratch = malloc((size_t)pack.stride * 2);
        uint8_t *panel = malloc((size_t)(padded * ES_PANEL));
        assert_true(y && scratch && panel);
        for (int i = 0; i < ROWS; i++) {
            draw_vector(&random, depth, 0, y);
            es_nibbles_put(&pack, i, y, 0, scratch);
            es_bytes_put(&bytes, i, y, 0);
            assert_true(pack.scale[i] == bytes.scale[i]);
        }
        es_nibbles_expand(&pack, 0, panel);
        assert_memory_equal(panel, bytes.right, (size_t)(padded * ES_PANEL));
        es_nibbles_expand(&pack, ES_PANEL, panel); /* places past the last row are anything */
        for (int64_t k = 0; k < padded; k++)
            for (int c = 0; ES_PANEL + c < ROWS; c++) {
                int64_t at = (k / 4 * ES_PANEL + c) * 4 + k % 4;
                assert_int_equal(panel[at], bytes.right[ES_PANEL * padded + at]);
            }
        es_nibbles_release(&pack);
        es_bytes_release(&bytes);
        free(y);
        free(scratch);
        free(panel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sets_agree),
        cmocka_unit_test(dots_are_right),
        cmocka_unit_test(bounds_are_never_wrong),
        cmocka_unit_test(panels_hold_the_rows),
    };
    return cmocka_run_group_tests_name("nibbles", tests, NULL, NULL);
}
