#include "tables.h"

enum { N = 60, D = 48 };

static es_similarity compare(es_space *space, const int64_t *ids, int64_t count)
{
    es_selection chosen = select_ids(space, ids, count);
    es_similarity answer;
    es_error error = {0};
    assert_ok(es_similarity_compute(space, &chosen, &answer, &error), error);
    es_selection_release(&chosen);
    return answer;
}

static void figures_are_right(void **state)
{
    (void)state;
    double *values = draw_table(N, D, 1);
    es_space *space = open_values("f4", N, D, values);
    static const int64_t ids[] = {0, 7, 31, 59, 7};
    es_similarity answer = compare(space, ids, 5);
    assert_int_equal(answer.pair_count, 10);
    assert_int_equal(answer.percentile_pairs, N * (N - 1) / 2);
    for (int64_t p = 0; p < answer.pair_count; p++) {
        const es_pair *pair = &answer.pairs[p];
        const double *a = values + ids[pair->a] * D, *b = values + ids[pair->b] * D;
        double cosine = plain_cosine(a, b, D), dot = 0, euclidean = 0, mean[2] = {0};
        double centered[2][D];
        for (int k = 0; k < D; k++) {
            dot += a[k] * b[k];
            euclidean += (a[k] - b[k]) * (a[k] - b[k]);
            mean[0] += a[k] / D, mean[1] += b[k] / D;
        }
        for (int k = 0; k < D; k++)
            centered[0][k] = a[k] - mean[0], centered[1][k] = b[k] - mean[1];
        assert_true(pair->a < pair->b);
        assert_near(pair->cosine, cosine, 1e-15);
        assert_near(pair->dot, dot, 1e-13);
        assert_near(pair->euclidean, sqrt(euclidean), 1e-14);
        assert_near(pair->pearson, plain_cosine(centered[0], centered[1], D), 1e-14);
        assert_near(pair->z_random, cosine * sqrt(D), 1e-14);
        assert_true(pair->p_random == es_random_cosine_tail(pair->cosine, D));
        /* acos itself is only good to sqrt(2^-53) near 1 */
        assert_near(cos(pair->angle_degrees / 57.295779513082320877), cosine, 1e-14);
        double apart = pair->unit_euclidean;
        assert_near(apart * apart, 2 - 2 * cosine, 1e-14);
        assert_true(pair->cosine == answer.cosine[pair->a * 5 + pair->b]);
        assert_true(pair->cosine == answer.cosine[pair->b * 5 + pair->a]);
        int64_t below = 0;
        for (int i = 0; i < N; i++)
            for (int j = i + 1; j < N; j++)
                below += plain_cosine(values + i * D, values + j * D, D) < cosine - 1e-6;
        assert_true(fabs(pair->percentile - 100.0 * (double)below / (N * (N - 1) / 2)) < 0.2);
    }
    const es_pair *same = &answer.pairs[6]; /* (1, 4): one row twice */
    assert_true(same->a == 1 && same->b == 4);
    assert_near(same->cosine, 1, 1e-15);
    assert_true(same->angle_degrees == 0 && same->euclidean == 0 && same->unit_euclidean == 0);
    es_similarity_release(&answer);
    es_space_free(space);
    free(values);
}

/* Where 2 - 2 cos cancels, the difference vector does not. */
static void near_rows_are_told_apart(void **state)
{
    (void)state;
    double values[3 * 2] = {1, 0, 1, 1e-12, -1, 1e-13};
    es_space *space = open_values("f8", 3, 2, values);
    es_similarity answer = compare(space, (int64_t[]){0, 1, 2}, 3);
    assert_true(answer.pairs[0].cosine == 1);
    assert_true(fabs(answer.pairs[0].unit_euclidean / 1e-12 - 1) < 1e-12);
    assert_true(fabs(answer.pairs[0].angle_degrees / 57.295779513082320877e-12 - 1) < 1e-12);
    assert_near(answer.pairs[1].cosine, -1, 1e-15);
    assert_near(answer.pairs[1].angle_degrees, 180, 1e-12);
    assert_true(answer.pairs[1].angle_degrees < 180);
    es_similarity_release(&answer);
    es_space_free(space);
}

/* A row of zeros, one that is not finite, one that is constant (no Pearson correlation). */
static void undefined_is_nan(void **state)
{
    (void)state;
    double values[5 * D];
    es_random random = {3};
    for (int k = 0; k < D; k++) {
        values[k] = draw_uniform(&random);
        values[D + k] = 0;
        values[2 * D + k] = k == 5 ? NAN : 1;
        values[3 * D + k] = 0.1; /* its sum is rounded */
        values[4 * D + k] = k == 7 ? INFINITY : 1;
    }
    es_space *space = open_values("f8", 5, D, values);
    es_similarity answer = compare(space, (int64_t[]){0, 1, 2, 3, 4}, 5);
    assert_true(answer.tokens[1].norm == 0);
    assert_true(isnan(answer.tokens[2].norm) && isnan(answer.tokens[4].norm));
    for (int64_t p = 0; p < answer.pair_count; p++) {
        const es_pair *pair = &answer.pairs[p];
        bool defined = pair->a == 0 && pair->b == 3;
        assert_int_equal(isnan(pair->cosine), !defined);
        assert_int_equal(isnan(pair->angle_degrees), !defined);
        assert_int_equal(isnan(pair->unit_euclidean), !defined);
        assert_int_equal(isnan(pair->z_random), !defined);
        assert_int_equal(isnan(pair->p_random), !defined);
        assert_int_equal(isnan(pair->percentile), !defined);
        assert_true(isnan(pair->pearson));
    }
    assert_int_equal(answer.percentile_pairs, 1);
    es_similarity_release(&answer);
    es_space_free(space);
}

/* Both ends of float64: norms and cosines of rows whose squares leave it, or that are denormal. */
static void extreme_rows(void **state)
{
    (void)state;
    static const double sizes[] = {1e-30, 1e30, 1e-200, 1e200, 1.1e308, 3e-310, 1e-318};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    double values[(SIZES + 1) * 4];
    static const double shape[] = {1, -0.5, 0.25, 1}; /* norm 1.5209..., exact components */
    for (int i = 0; i <= SIZES; i++)
        for (int k = 0; k < 4; k++) values[i * 4 + k] = (i < SIZES ? sizes[i] : 1) * shape[k];
    es_space *space = open_values("f8", SIZES + 1, 4, values);
    int64_t ids[SIZES + 1];
    for (int i = 0; i <= SIZES; i++) ids[i] = i;
    es_similarity answer = compare(space, ids, SIZES + 1);
    for (int i = 0; i < SIZES; i++) {
        double cosine = answer.cosine[i * (SIZES + 1) + SIZES];
        /* the last one has a few bits only: 1e-318 is 202402 units of the smallest number */
        assert_near(cosine, 1, i == SIZES - 1 ? 1e-5 : 4e-16);
        if (sizes[i] > 1e-300 && sizes[i] < 1e300)
            assert_true(fabs(answer.tokens[i].norm / sizes[i] / sqrt(2.3125) - 1) < 4e-16);
    }
    es_similarity_release(&answer);
    es_space_free(space);
}

static void listed_pairs(void **state)
{
    (void)state;
    es_space *space = open_drawn(N, D, 4);
    es_selection chosen = select_ids(space, (int64_t[]){1, 2, 3, 4, 2, 1}, 6);
    es_similarity answer;
    es_error error = {0};
    assert_ok(es_similarity_compute_pairs(space, &chosen, &answer, &error), error);
    assert_int_equal(answer.pair_count, 3);
    assert_null(answer.cosine);
    assert_true(answer.pairs[1].a == 2 && answer.pairs[1].b == 3);
    assert_true(answer.pairs[0].cosine == answer.pairs[2].cosine);
    es_similarity_release(&answer);
    chosen.count = 5;
    assert_int_equal(es_similarity_compute_pairs(space, &chosen, &answer, &error), ES_BAD_ARGUMENT);
    chosen.count = 1;
    assert_int_equal(es_similarity_compute(space, &chosen, &answer, &error), ES_BAD_ARGUMENT);
    assert_says(error, "two tokens at least");
    chosen.count = 10001;
    assert_int_equal(es_similarity_compute(space, &chosen, &answer, &error), ES_BAD_ARGUMENT);
    chosen.count = 6;
    es_selection_release(&chosen);
    es_similarity_release(&answer);
    es_space_free(space);
}

/* The percentile's sample: all pairs of a small space; of a larger one, pairs drawn from all over
 * it, whatever the number of rows: here the first half of the rows points one way, the second half
 * another, so that half of all pairs are across. */
static void the_sample_is_random(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1000, 1414, 1440, 2000, 4800, 6960, 7000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t n = sizes[s];
        double *values = calloc((size_t)n * 2, sizeof *values);
        assert_non_null(values);
        for (int64_t i = 0; i < n; i++) values[2 * i + (i >= n / 2)] = 1 + (double)(i % 5);
        es_space *space = open_values("f4", n, 2, values);
        es_similarity answer = compare(space, (int64_t[]){0, 1}, 2);
        if (n <= 1414) assert_int_equal(answer.percentile_pairs, n * (n - 1) / 2);
        assert_true(answer.percentile_pairs >= 190000 && answer.percentile_pairs <= 1002240);
        /* share of pairs with a cosine below 1: n/2 n/2 / (n (n-1) / 2), and of the sample: groups
         * of 48 rows, each an eighth off a half by 3 / sqrt(48 * 3 * groups) or so */
        assert_true(fabs(answer.pairs[0].percentile - 50) < 3);
        es_similarity again = compare(space, (int64_t[]){0, 1}, 2);
        assert_memory_equal(&again.pairs[0], &answer.pairs[0], sizeof answer.pairs[0]);
        es_similarity_release(&again);
        es_similarity_release(&answer);
        es_space_free(space);
        free(values);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_right), cmocka_unit_test(near_rows_are_told_apart),
        cmocka_unit_test(undefined_is_nan),  cmocka_unit_test(extreme_rows),
        cmocka_unit_test(listed_pairs),      cmocka_unit_test(the_sample_is_random),
    };
    return cmocka_run_group_tests_name("similarity", tests, scratch_setup, scratch_teardown);
}
