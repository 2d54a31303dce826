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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widens_every_f16),
        cmocka_unit_test(widens_every_bf16),
        cmocka_unit_test(widens_f32_and_f64),
    };
    return cmocka_run_group_tests_name("dtype", tests, NULL, NULL);
}
