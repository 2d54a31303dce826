/* The functions of one component against the C library's in double, over all sizes of float. */
#include "model/gpt2_activations.h"
#include "test.h"

#include <math.h>

static const double u = 0x1p-24;

enum { COUNT = 1 << 16 };

/* COUNT values from `first` on, `step` representable numbers apart: every exponent is met. */
static void draw(float *values, uint32_t first, uint32_t step)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t bits = first + i * step;
        memcpy(&values[i], &bits, sizeof bits);
    }
}

/* e^x within 2 u of itself where |x| <= 87, with an odd number of values as well. */
static void exponential_is_close(void **state)
{
    (void)state;
    float *x = malloc(COUNT * sizeof *x), *out = malloc(COUNT * sizeof *out);
    double worst = 0;
    for (int sign = 0; sign < 2; sign++)
        for (uint32_t start = 0; start < 7; start++) {
            draw(x, ((uint32_t)sign << 31) + start * 2357, 17000); /* 0 ... 0x42AE0000 is 87 */
            memcpy(out, x, COUNT * sizeof *x);
            es_exponential(COUNT - start, out);
            for (uint32_t i = 0; i < COUNT - start; i++) {
                if (!(fabsf(x[i]) <= 87)) continue;
                double exact = exp((double)x[i]);
                worst = fmax(worst, fabs(out[i] - exact) / exact);
            }
        }
    if (!(worst <= 2 * u)) fail_msg("off by %g u", worst / u);
    float ends[] = {-INFINITY, INFINITY, -1e30F, 88, 0, -0.0F};
    es_exponential(6, ends);
    assert_true(ends[0] > 0 && ends[0] < 2e-38F && ends[2] == ends[0]);
    assert_true(ends[1] > 5e37F && isfinite(ends[1]) && ends[3] == ends[1]);
    assert_true(ends[4] == 1 && ends[5] == 1);
    free(x);
    free(out);
}

static double exact_gelu_tanh(double x)
{
    return x / (1 + exp(-2 * sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

/* Within 4 u |x|. */
static void gelu_is_close(void **state)
{
    (void)state;
    float *x = malloc(COUNT * sizeof *x), *out = malloc(COUNT * sizeof *out);
    double worst = 0, worst_erf = 0;
    for (int sign = 0; sign < 2; sign++)
        for (uint32_t start = 0; start < 5; start++) {
            draw(x, ((uint32_t)sign << 31) + (start << 8) + 0x3A000000, 2400); /* from 5e-4 to 60 */
            memcpy(out, x, COUNT * sizeof *x);
            es_gelu_tanh(COUNT - start, out);
            for (uint32_t i = 0; i < COUNT - start; i++)
                worst = fmax(worst, fabs(out[i] - exact_gelu_tanh(x[i])) / fabs((double)x[i]));
            memcpy(out, x, COUNT * sizeof *x);
            es_gelu(COUNT, out);
            for (uint32_t i = 0; i < COUNT; i++)
                worst_erf = fmax(worst_erf, fabs(out[i] - x[i] / 2 * erfc(-x[i] * sqrt(0.5))) /
                                                fabs((double)x[i]));
        }
    if (!(worst <= 4 * u)) fail_msg("gelu_new is off by %g u |x|", worst / u);
    if (!(worst_erf <= 4 * u)) fail_msg("gelu is off by %g u |x|", worst_erf / u);
    float few[] = {0, -0.0F, 1e30F, -1e30F, 3};
    es_gelu_tanh(5, few);
    assert_true(few[0] == 0 && few[1] == 0 && few[2] == 1e30F);
    assert_true(fabsf(few[3]) < 1e-6F && fabsf(few[4] - 2.9963627F) < 1e-5F);
    float signs[] = {-2, 0, 3};
    es_relu(3, signs);
    assert_true(signs[0] == 0 && signs[1] == 0 && signs[2] == 3);
    free(x);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exponential_is_close),
        cmocka_unit_test(gelu_is_close),
    };
    return cmocka_run_group_tests_name("gpt2_activations", tests, NULL, NULL);
}
