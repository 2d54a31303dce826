/* Pairs at a threshold: none missed at the last bit, and how it ends early. */
#define _GNU_SOURCE /* setenv */
#include "failing_allocation.h"
#include "random_rows.h"

/* A row of ones in the first `i` of d places: cosines sqrt(i / j), many of them equal. */
static void fill_steps(float *rows, int64_t n, int64_t d)
{
    for (int64_t i = 0; i < n * d; i++) rows[i] = i % d <= i / d ? 1 : 0;
}

static void is_exact_at_the_threshold(void **state)
{
    (void)state;
    enum { N = 70 };
    float rows[N * N];
    fill_steps(rows, N, N);
    es_space *space = open_rows(rows, N, N);
    es_error error = {0};
    es_near_pairs all = {0}, some = {0};
    assert_ok(es_near_pairs_compute(space, &(es_near_pairs_options){.minimum = 0}, &all, &error),
              error);
    assert_int_equal(all.count, N * (N - 1) / 2);
    for (int64_t i = 0; i < all.count; i += 7) {
        double minimum = all.pairs[i].cosine;
        int64_t expected = i + 1;
        while (expected < all.count && all.pairs[expected].cosine == minimum) expected++;
        for (int above = 0; above < 2; above++) {
            if (above) {
                minimum = nextafter(minimum, 2);
                for (expected = i; expected && all.pairs[expected - 1].cosine < minimum;)
                    expected--;
            }
            if (minimum > 1) continue;
            es_near_pairs_options options = {.minimum = minimum, .threads = 2};
            assert_ok(es_near_pairs_compute(space, &options, &some, &error), error);
            assert_int_equal(some.count, expected);
            if (expected)
                assert_memory_equal(some.pairs, all.pairs, (size_t)expected * sizeof *some.pairs);
            es_near_pairs_release(&some);
        }
    }
    es_near_pairs_release(&all);
    es_space_free(space);
}

static void refuses_too_many(void **state)
{
    (void)state;
    enum { N = 50, D = 4 };
    float *rows = gaussian_rows(N, D, 1);
    es_space *space = open_rows(rows, N, D);
    es_error error = {0};
    es_near_pairs pairs = {0};
    es_near_pairs_options options = {.minimum = -1, .limit = N * (N - 1) / 2, .threads = 3};
    assert_ok(es_near_pairs_compute(space, &options, &pairs, &error), error);
    assert_int_equal(pairs.count, options.limit);
    es_near_pairs_release(&pairs);
    options.limit--;
    assert_int_equal(es_near_pairs_compute(space, &options, &pairs, &error), ES_BAD_ARGUMENT);
    assert_says(error, "more than 1224 pairs");
    options.minimum = NAN;
    assert_int_equal(es_near_pairs_compute(space, &options, &pairs, &error), ES_BAD_ARGUMENT);
    assert_null(pairs.pairs);
    es_space_free(space);
    free(rows);
}

static void few_rows_have_no_pairs(void **state)
{
    (void)state;
    static const float rows[] = {0, 0, 1, 2, NAN, 1};
    es_space *space = open_rows(rows, 3, 2);
    es_error error = {0};
    es_near_pairs pairs = {0};
    assert_ok(es_near_pairs_compute(space, &(es_near_pairs_options){.minimum = -1}, &pairs, &error),
              error);
    assert_int_equal(pairs.count, 0);
    assert_int_equal(pairs.rows, 1);
    assert_int_equal(pairs.left_out, 2);
    es_near_pairs_release(&pairs);
    es_space_free(space);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    enum { N = 60, D = 6 };
    float *rows = gaussian_rows(N, D, 2);
    bool failed = true;
    int64_t n = 0;
    for (; failed; n++) {
        es_space *space = open_rows(rows, N, D);
        es_error error = {0};
        es_near_pairs pairs = {0};
        atomic_store(&failures, 0);
        atomic_store(&allocations_left, n);
        es_near_pairs_options options = {.minimum = 0, .threads = 1};
        es_status status = es_near_pairs_compute(space, &options, &pairs, &error);
        atomic_store(&allocations_left, -1);
        failed = atomic_load(&failures) > 0;
        if (status != ES_OK && (status != ES_NO_MEMORY || !failed))
            fail_msg("allocation %lld: %s", (long long)n, error.text);
        es_near_pairs_release(&pairs);
        es_space_free(space);
    }
    assert_true(n > 8);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_exact_at_the_threshold),
        cmocka_unit_test(refuses_too_many),
        cmocka_unit_test(few_rows_have_no_pairs),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("near_pairs", tests, scratch_setup, scratch_teardown);
}
