#include "base/random.h"
#include "test.h"

/* SplitMix64's own first numbers for seed 1234567, as its authors' reference code gives them. */
static void is_splitmix64(void **state)
{
    (void)state;
    es_random random = {1234567};
    static const uint64_t expected[] = {6457827717110365317u, 3203168211198807973u,
                                        9817491932198370423u, 4593380528125082431u,
                                        16408922859458223821u};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_true(es_random_next(&random) == expected[i]);
}

static void stays_below(void **state)
{
    (void)state;
    es_random random = {0};
    for (int i = 0; i < 1000; i++) assert_int_equal(es_random_below(&random, 1), 0);
    enum { BOUND = 6, DRAWS = 60000 };
    int64_t counts[BOUND] = {0};
    for (int i = 0; i < DRAWS; i++) {
        int64_t drawn = es_random_below(&random, BOUND);
        assert_true(drawn >= 0 && drawn < BOUND);
        counts[drawn]++;
    }
    double chi = 0;
    for (int k = 0; k < BOUND; k++) {
        double off = (double)counts[k] - DRAWS / BOUND;
        chi += off * off / (DRAWS / BOUND);
    }
    assert_true(chi < 30); /* five degrees of freedom: P < 2e-5, and the seed is fixed */
    for (int i = 0; i < 1000; i++) {
        int64_t drawn = es_random_below(&random, INT64_MAX);
        assert_true(drawn >= 0 && drawn < INT64_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_splitmix64),
        cmocka_unit_test(stays_below),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
