/* As test_kernel.c, what kernels do with whole rows: rounding them to 16 bits and multiplying them,
 * Hadamard transforms, Gram matrices. */
#include "base/random.h"
#include "kernel/gram.h"
#include "kernel_inputs.h"
#include "test.h"

#include <math.h>

enum { GRAM_MOST = 270, GRAM_FEW = 17, GRAM_ROWS = 200 };

static void halves_are_the_same(void **state)
{
    (void)state;
    const es_kernel *sets[8];
    int64_t set_count = usable(sets);
    enum { MOST = 1 << 16 };
    static float values[MOST];
    static uint16_t expected[MOST], found[MOST];
    /* Every half, what lies half way to the next one, and a little to both sides of that. */
    for (int part = 0; part < 4; part++) {
        for (int h = 0; h < MOST; h++) {
            int size = h & 0x7FFF, step = size < 0x7BFF;
            double here = ldexp(size < 1024 ? size : 1024 + size % 1024,
                                (size < 1024 ? 1 : size / 1024) - 25);
            double next = here + ldexp(step, (size < 1024 ? 1 : size / 1024) - 25);
            double value = part ? (here + next) / 2 : here;
            if (size > 0x7BFF) value = here = next = 1; /* infinities and NaN are nobody's rows */
            float single = (float)value;
            if (part == 2) single = nextafterf(single, 0);
            if (part == 3) single = nextafterf(single, INFINITY);
            values[h] = h & 0x8000 ? -single : single;
            expected[h] = (uint16_t)h;
            if (size > 0x7BFF) expected[h] = (uint16_t)(0x3C00 | (h & 0x8000));
            bool up = part == 3 || (part == 1 && size % 2);
            if (size <= 0x7BFF && part && step && up) expected[h]++;
            if (size > 0x7BFF && part > 1) values[h] = h & 0x8000 ? -1.0f : 1.0f;
            if (size == 0x7BFF) values[h] = h & 0x8000 ? -65504.0f : 65504.0f;
        }
        for (int64_t s = 0; s < set_count; s++) {
            memset(found, 0xAA, sizeof found);
            sets[s]->to_halves(values, MOST - 5, found);
            for (int h = 0; h < MOST - 5; h++)
                if (found[h] != expected[h])
                    fail_msg("%s: %.9g is %04x, not %04x", sets[s]->name, (double)values[h],
                             (unsigned)found[h], (unsigned)expected[h]);
            assert_int_equal(found[MOST - 5], 0xAAAA);
        }
    }
}

/* Products of halves are those of the floats that they are. */
static void half_dots_are_the_same(void **state)
{
    (void)state;
    const es_kernel *sets[8];
    int64_t set_count = usable(sets);
    enum { MOST = 40 * ES_HALF_ROW };
    static float a[MOST], b[MOST];
    static uint16_t halves_a[MOST], halves_b[MOST];
    es_random random = {11};
    for (int64_t n = 0; n <= MOST; n += ES_HALF_ROW) {
        for (int64_t k = 0; k < n; k++) {
            int64_t whole = es_random_below(&random, 2048);
            int shift = -(int)es_random_below(&random, n % 3 ? 12 : 25);
            a[k] = (float)ldexp((double)whole - 1024, shift < -24 ? -24 : shift);
            b[k] = (float)ldexp((double)es_random_below(&random, 2048) - 1024, -12);
        }
        float expected = scalar()->float_dot(a, b, n);
        for (int64_t s = 0; s < set_count; s++) {
            sets[s]->to_halves(a, n, halves_a);
            sets[s]->to_halves(b, n, halves_b);
            float found = sets[s]->half_dot(halves_a, halves_b, n);
            if (!same_bits(&found, &expected, sizeof found))
                fail_msg("%s: half dot of %lld: %.9g is not %.9g", sets[s]->name, (long long)n,
                         (double)found, (double)expected);
        }
    }
}

static void hadamards_are_the_same(void **state)
{
    (void)state;
    const es_kernel *sets[8];
    int64_t set_count = usable(sets);
    enum { MOST = 4096 };
    static double start[MOST], expected[MOST], found[MOST];
    es_random random = {12};
    for (int64_t n = 1; n <= MOST; n *= 2) {
        for (int64_t k = 0; k < n; k++) start[k] = draw_double(&random, ORDINARY);
        memcpy(expected, start, (size_t)n * sizeof *start);
        scalar()->hadamard(expected, n);
        for (int64_t i = 0; i < n && n <= 64; i++) { /* the definition */
            double sum = 0, size = 0;
            for (int64_t k = 0; k < n; k++) {
                sum += __builtin_parityll((uint64_t)(i & k)) ? -start[k] : start[k];
                size += fabs(start[k]);
            }
            assert_true(fabs(sum - expected[i]) <= 1e-14 * size);
        }
        for (int64_t s = 0; s < set_count; s++) {
            memcpy(found, start, (size_t)n * sizeof *start);
            sets[s]->hadamard(found, n);
            if (!same_bits(found, expected, (size_t)n * sizeof *found))
                fail_msg("%s: Hadamard of %lld", sets[s]->name, (long long)n);
        }
    }
}

static void gram_is_the_same(void **state)
{
    (void)state;
    const es_kernel *sets[8];
    int64_t set_count = usable(sets);
    static double rows[GRAM_ROWS * GRAM_MOST], expected[GRAM_MOST * GRAM_MOST],
        found[GRAM_MOST * GRAM_MOST];
    static const int64_t widths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, GRAM_MOST};
    es_random random = {7};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (int64_t count = 0; count <= GRAM_ROWS; count += count < GRAM_FEW ? 1 : 61) {
            int64_t d = widths[w], first = es_random_below(&random, d);
            int64_t end = first + 1 + es_random_below(&random, d - first);
            for (int64_t k = 0; k < count * d; k++)
                rows[k] = draw_double(&random, count % 3 ? ORDINARY : DENORMAL);
            for (int64_t k = 0; k < d * d; k++) expected[k] = uniform(&random);
            static double start[GRAM_MOST * GRAM_MOST];
            memcpy(start, expected, (size_t)(d * d) * sizeof *start);
            es_gram_add_band(scalar(), rows, count, d, first, end, expected);
            for (int64_t s = 0; s < set_count; s++) {
                memcpy(found, start, (size_t)(d * d) * sizeof *found);
                es_gram_add_band(sets[s], rows, count, d, first, end, found);
                if (!same_bits(expected, found, (size_t)(d * d) * sizeof *found))
                    fail_msg("%s: gram, %lld rows of %lld", sets[s]->name, (long long)count,
                             (long long)d);
            }
            for (int64_t i = 0; i < d; i++)
                for (int64_t j = 0; j < d; j++) {
                    double sum = start[i * d + j];
                    for (int64_t r = 0; r < count && i >= first && i < end && j >= i; r++)
                        sum = fma(rows[r * d + i], rows[r * d + j], sum);
                    assert_true(sum == expected[i * d + j]);
                }
        }
}

/* Packed rows, in blocks of any shape: the sums of a band, which the test above holds. */
static void gram_blocks_are_the_same(void **state)
{
    (void)state;
    enum { MOST_PANELS = (GRAM_MOST + ES_GRAM_PANEL - 1) / ES_GRAM_PANEL };
    enum { STRIDE = MOST_PANELS * ES_GRAM_PANEL, ROWS = 300 }; /* more than go through at once */
    const es_kernel *sets[8];
    int64_t set_count = usable(sets);
    static double rows[ROWS * GRAM_MOST], expected[GRAM_MOST * GRAM_MOST];
    static double sums[STRIDE * STRIDE];
    static _Alignas(64) double panels[MOST_PANELS * ROWS * ES_GRAM_PANEL];
    static const int64_t widths[] = {1, 23, 24, 25, 100, GRAM_MOST};
    es_random random = {9};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        int64_t d = widths[w], count = w % 2 ? ROWS : 37, all = es_gram_panels(d);
        for (int64_t k = 0; k < count * d; k++) rows[k] = draw_double(&random, ORDINARY);
        memset(expected, 0, sizeof expected);
        es_gram_add_band(scalar(), rows, count, d, 0, d, expected);
        es_gram_rows packed = {.count = count, .room = ROWS, .panels = panels};
        es_gram_put(&packed, 0, count / 3, d, rows);
        es_gram_put(&packed, count / 3, count - count / 3, d, rows + count / 3 * d);
        for (int64_t s = 0; s < set_count; s++) {
            memset(sums, 0, sizeof sums);
            for (int64_t j = 0; j < all; j += 3)
                for (int64_t i = 0; i < all && i < j + 3; i += 5)
                    es_gram_add_block(sets[s], &packed, i, i + 5 < all ? i + 5 : all, j,
                                      j + 3 < all ? j + 3 : all, sums, STRIDE);
            for (int64_t i = 0; i < d; i++)
                for (int64_t j = i; j < d; j++)
                    if (!same_bits(&sums[i * STRIDE + j], &expected[i * d + j], sizeof(double)))
                        fail_msg("%s: block, %lld rows of %lld, %lld %lld", sets[s]->name,
                                 (long long)count, (long long)d, (long long)i, (long long)j);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_are_the_same),      cmocka_unit_test(half_dots_are_the_same),
        cmocka_unit_test(hadamards_are_the_same),   cmocka_unit_test(gram_is_the_same),
        cmocka_unit_test(gram_blocks_are_the_same),
    };
    return cmocka_run_group_tests_name("kernel rows", tests, NULL, NULL);
}
