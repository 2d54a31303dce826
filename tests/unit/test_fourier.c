#define _GNU_SOURCE /* mkdtemp */
/* Transforms against the sum that defines them. */
#include "kernel/fourier.h"
#include "random_rows.h"

static const double pi = 3.14159265358979323846;

static void slow(const double *re, const double *im, int64_t n, int64_t k, double *a, double *b)
{
    long double x = 0, y = 0;
    for (int64_t t = 0; t < n; t++) {
        long double angle = 2 * (long double)pi * (long double)(k * t % n) / (long double)n;
        x += re[t] * cosl(angle) + im[t] * sinl(angle);
        y += im[t] * cosl(angle) - re[t] * sinl(angle);
    }
    *a = (double)x;
    *b = (double)y;
}

static void is_the_sum(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 256; n *= 2) {
        es_random random = {(uint64_t)n};
        es_error error = {0};
        es_fourier plan;
        double re[256], im[256], x[256], y[256];
        assert_ok(es_fourier_init(&plan, n, &error), error);
        assert_int_equal(plan.size, n);
        for (int64_t t = 0; t < n; t++) {
            x[t] = re[t] = gaussian(&random);
            y[t] = im[t] = gaussian(&random);
        }
        es_fourier_forward(&plan, re, im);
        for (int64_t k = 0; k < n; k++) {
            double a, b;
            slow(x, y, n, k, &a, &b);
            assert_true(fabs(re[k] - a) < 1e-13 * (double)n && fabs(im[k] - b) < 1e-13 * (double)n);
        }
        es_fourier_forward(&plan, im, re); /* and back */
        for (int64_t t = 0; t < n; t++) {
            assert_true(fabs(re[t] / (double)n - x[t]) < 1e-14);
            assert_true(fabs(im[t] / (double)n - y[t]) < 1e-14);
        }
        es_fourier_release(&plan);
    }
}

static void power_is_of_any_length(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 3, 4, 5, 7, 12, 97, 128, 250};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t n = sizes[s];
        es_random random = {s};
        es_error error = {0};
        double x[250], zero[250] = {0}, power[126];
        for (int64_t t = 0; t < n; t++) x[t] = gaussian(&random);
        assert_ok(es_fourier_power(x, n, power, &error), error);
        for (int64_t k = 0; k <= n / 2; k++) {
            double a, b;
            slow(x, zero, n, k, &a, &b);
            assert_true(fabs(power[k] - (a * a + b * b)) < 1e-12 * (double)n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_sum),
        cmocka_unit_test(power_is_of_any_length),
    };
    return cmocka_run_group_tests_name("fourier", tests, NULL, NULL);
}
