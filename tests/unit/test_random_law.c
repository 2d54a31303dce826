/* Cosines of random directions against 50-digit arithmetic (tools/golden/analysis.py). */
#include "test.h"

#include <embscope/similarity.h>
#include <math.h>

/* What rounding may do to a tail, relative to it. Its logarithm is a sum of five terms of the given
 * sizes, each right to an ulp or two; 1 - t^2 is right to 1.5 ulp, which its power multiplies by
 * (d - 1) / 2; the continued fraction adds a few dozen. */
static double relative_bound(double t, double d)
{
    double a = 0.5 * (d - 1), x = (1 - t) * (1 + t);
    double terms = fabs(lgamma(a + 0.5)) + fabs(lgamma(a)) + fabs(lgamma(0.5));
    if (x > 0 && x < 1) terms += a * fabs(log(x)) + 0.5 * fabs(log(t * t));
    return 0x1p-52 * (2 * terms + 3 * a + 100);
}

static FILE *open_golden(void)
{
    FILE *file = fopen(test_source_path("tests/golden/random_law.txt"), "r");
    assert_non_null(file);
    return file;
}

static void agrees_with_exact_arithmetic(void **state)
{
    (void)state;
    FILE *file = open_golden();
    char line[256];
    int tails = 0, levels = 0;
    while (fgets(line, sizeof line, file)) {
        long long d;
        double x, expected;
        if (sscanf(line, "tail %lld %la %la", &d, &x, &expected) == 3) {
            double found = es_random_cosine_tail(x, d);
            double bound = relative_bound(x, (double)d) * expected;
            if (!(fabs(found - expected) <= bound))
                fail_msg("d = %lld, t = %.17g: %.17g, expected %.17g (off by %g, bound %g)", d, x,
                         found, expected, found / expected - 1, bound / expected);
            tails++;
        } else if (sscanf(line, "level %lld %lf %la", &d, &x, &expected) == 3) {
            double found = es_random_cosine_level(x, d);
            /* The tail over its density is 2 at most: so far is a level moved by a relative error.
             * In two dimensions the density grows without bound at the ends instead. */
            double bound = 2 * relative_bound(expected, (double)d) + 0x1p-51;
            if (!(fabs(found - expected) <= bound))
                fail_msg("d = %lld, %g pairs: level %.17g, expected %.17g", d, x, found, expected);
            levels++;
        }
    }
    fclose(file);
    assert_true(tails > 180 && levels == 70);
}

static void has_the_right_ends(void **state)
{
    (void)state;
    static const int64_t dimensions[] = {1, 2, 3, 4, 10, 768, 4096};
    for (size_t i = 0; i < sizeof dimensions / sizeof *dimensions; i++) {
        int64_t d = dimensions[i];
        assert_true(es_random_cosine_tail(-1, d) == 1);
        assert_true(es_random_cosine_tail(-1.5, d) == 1);
        assert_true(es_random_cosine_tail(1.0000001, d) == 0);
        assert_true(es_random_cosine_tail(1, d) == (d == 1 ? 0.5 : 0));
        assert_true(fabs(es_random_cosine_tail(0, d) - 0.5) < 1e-15);
        assert_true(isnan(es_random_cosine_tail(NAN, d)));
        assert_true(isnan(es_random_cosine_level(0, d)));
        assert_true(isnan(es_random_cosine_level(NAN, d)));
        double before = 2;
        for (double t = -1; t <= 1; t += 1.0 / 512) { /* it falls */
            double tail = es_random_cosine_tail(t, d);
            assert_true(tail >= 0 && tail <= before + 1e-15);
            before = tail;
        }
    }
    assert_true(isnan(es_random_cosine_tail(0, 0)));
    /* one dimension: -1 or 1 */
    assert_true(es_random_cosine_tail(0.3, 1) == 0.5);
    assert_true(es_random_cosine_tail(-0.3, 1) == 0.5);
    /* three: the cosine is uniform */
    assert_true(fabs(es_random_cosine_tail(0.25, 3) - 0.375) < 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_exact_arithmetic),
        cmocka_unit_test(has_the_right_ends),
    };
    return cmocka_run_group_tests_name("random_law", tests, NULL, NULL);
}
