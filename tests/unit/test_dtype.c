#include "format/format.h"
#include "test.h"

#include <math.h>

/* A float16 by its definition, not by bit tricks. */
static double half_by_definition(unsigned half)
{
    int exponent = half >> 10 & 31;
    double mantissa = half & 1023, sign = half & 0x8000 ? -1 : 1;
    if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * ldexp(mantissa, -24);
    return sign * ldexp(1024 + mantissa, exponent - 25);
}

static void widens_every_f16(void **state)
{
    (void)state;
    char bytes[2 * 65536 + 1];
    double *out = malloc(65536 * sizeof *out);
    assert_non_null(out);
    for (unsigned i = 0; i < 65536; i++) {
        bytes[1 + 2 * i] = (char)i; /* at odd addresses */
        bytes[2 + 2 * i] = (char)(i >> 8);
    }
    es_dtype_widen(ES_DTYPE_F16, bytes + 1, 65536, out);
    for (unsigned i = 0; i < 65536; i++) {
        double expected = half_by_definition(i);
        if (isnan(expected) ? !isnan(out[i])
                            : out[i] != expected || signbit(out[i]) != signbit(expected))
            fail_msg("float16 0x%04X: %a, expected %a", i, out[i], expected);
    }
    free(out);
}

static void widens_every_bf16(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        uint16_t upper = (uint16_t)i;
        uint32_t bits = i << 16;
        float expected;
        double out;
        memcpy(&expected, &bits, sizeof expected);
        es_dtype_widen(ES_DTYPE_BF16, &upper, 1, &out);
        assert_true(isnan(expected) ? isnan(out) : out == (double)expected);
    }
}

static void widens_f32_and_f64(void **state)
{
    (void)state;
    const float single[] = {0x1p-149f, 1.1f, -0.0f, INFINITY, 3.4e38f, -1e-40f};
    const double wide[] = {0x1p-1074, 1.1, -0.0, -INFINITY};
    char bytes[64];
    double out[8];
    memcpy(bytes + 3, single, sizeof single);
    es_dtype_widen(ES_DTYPE_F32, bytes + 3, 6, out);
    for (int i = 0; i < 6; i++) assert_true(out[i] == (double)single[i]);
    assert_true(signbit(out[2]));
    memcpy(bytes + 3, wide, sizeof wide);
    es_dtype_widen(ES_DTYPE_F64, bytes + 3, 4, out);
    assert_memory_equal(out, wide, sizeof wide);
    es_dtype_widen(ES_DTYPE_F64, NULL, 0, out);
}

/* Every float16, what lies half way to the next, and a little to both sides of that. */
static void narrows_to_the_nearest_f16(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 0x7C00; half++) {
        double here = half_by_definition(half);
        double next = half == 0x7BFF ? 65536 : half_by_definition(half + 1);
        double middle = (here + next) / 2; /* exact */
        double values[] = {here, nextafter(middle, 0), middle, nextafter(middle, INFINITY)};
        unsigned even = half % 2 ? half + 1 : half;
        unsigned expected[] = {half, half, even, half + 1};
        for (int sign = 0; sign < 2; sign++) {
            uint16_t found[4];
            double signed_values[4];
            for (int i = 0; i < 4; i++) signed_values[i] = sign ? -values[i] : values[i];
            int64_t lost = es_dtype_narrow(ES_DTYPE_F16, signed_values, 4, found);
            assert_int_equal(lost, half == 0x7BFF ? 2 : 0);
            for (int i = 0; i < 4; i++)
                if (found[i] != (expected[i] | (sign ? 0x8000u : 0)))
                    fail_msg("%a became 0x%04X, expected 0x%04X", signed_values[i], found[i],
                             expected[i]);
        }
    }
    const double odd[] = {NAN, -NAN, INFINITY, -INFINITY, 1e300, -1e-300};
    uint16_t found[6];
    assert_int_equal(es_dtype_narrow(ES_DTYPE_F16, odd, 6, found), 1);
    assert_true((found[0] & 0x7FFF) > 0x7C00 && (found[1] & 0x7FFF) > 0x7C00);
    assert_int_equal(found[2], 0x7C00);
    assert_int_equal(found[3], 0xFC00);
    assert_int_equal(found[4], 0x7C00);
    assert_int_equal(found[5], 0x8000);
}

static void narrows_to_float32_and_float64(void **state)
{
    (void)state;
    const double values[] = {0.1, 1e39, -1e39, INFINITY, NAN, 0x1.000001p0, 0x1.000003p0, -0.0};
    float singles[8];
    double doubles[8];
    assert_int_equal(es_dtype_narrow(ES_DTYPE_F32, values, 8, singles), 2);
    for (int i = 0; i < 8; i++) {
        float expected = (float)values[i];
        assert_true(isnan(expected) ? isnan(singles[i]) : !memcmp(&expected, &singles[i], 4));
    }
    assert_int_equal(es_dtype_narrow(ES_DTYPE_F64, values, 8, doubles), 0);
    assert_memory_equal(values, doubles, sizeof values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widens_every_f16),
        cmocka_unit_test(widens_every_bf16),
        cmocka_unit_test(widens_f32_and_f64),
        cmocka_unit_test(narrows_to_the_nearest_f16),
        cmocka_unit_test(narrows_to_float32_and_float64),
    };
    return cmocka_run_group_tests_name("dtype", tests, NULL, NULL);
}
