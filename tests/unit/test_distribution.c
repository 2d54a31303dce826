/* All pairs: properties that hold whatever the numbers are. tests/reference holds the numbers. */
#include "tables.h"

static es_distribution distribute(es_space *space, const es_distribution_options *options)
{
    es_distribution answer;
    es_error error = {0};
    assert_ok(es_distribution_compute(space, options, &answer, &error), error);
    return answer;
}

static es_distribution distribute_values(const char *dtype, int64_t n, int64_t d,
                                         const double *values)
{
    es_space *space = open_values(dtype, n, d, values);
    es_distribution_options options = {.per_row = true};
    es_distribution answer = distribute(space, &options);
    es_space_free(space);
    return answer;
}

static bool same_double(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void assert_same(const es_distribution *a, const es_distribution *b)
{
    assert_true(same_double(a->mean, b->mean) && same_double(a->variance, b->variance));
    assert_true(same_double(a->skewness, b->skewness));
    assert_true(same_double(a->excess_kurtosis, b->excess_kurtosis));
    assert_true(same_double(a->equivalent_dimension, b->equivalent_dimension));
    assert_true(same_double(a->ks_random, b->ks_random));
    assert_memory_equal(&a->minimum, &b->minimum, sizeof a->minimum);
    assert_memory_equal(&a->maximum, &b->maximum, sizeof a->maximum);
    assert_memory_equal(a->quantiles, b->quantiles, sizeof a->quantiles);
    assert_memory_equal(a->counts, b->counts, (size_t)a->bins * sizeof *a->counts);
    assert_int_equal(a->above_chance, b->above_chance);
}

static void check_sanity(const es_distribution *answer)
{
    int64_t counted = 0;
    for (int64_t k = 0; k < answer->bins; k++) {
        assert_true(answer->counts[k] >= 0 && answer->edges[k] < answer->edges[k + 1]);
        counted += answer->counts[k];
    }
    assert_int_equal(counted, answer->pairs);
    assert_int_equal(answer->pairs, answer->rows * (answer->rows - 1) / 2);
    assert_true(answer->edges[0] == -1 && answer->edges[answer->bins] == 1);
    for (int i = 0; i < ES_QUANTILE_COUNT; i++) {
        const es_quantile *q = &answer->quantiles[i];
        assert_true(q->cosine >= answer->minimum.cosine && q->cosine <= answer->maximum.cosine);
        assert_true(!i || (q->probability > q[-1].probability && q->cosine >= q[-1].cosine));
    }
    assert_true(answer->minimum.a < answer->minimum.b && answer->maximum.a < answer->maximum.b);
    assert_true(answer->minimum.cosine <= answer->mean + 1e-12 &&
                answer->mean <= answer->maximum.cosine + 1e-12);
    assert_true(answer->variance >= 0 && answer->ks_random >= 0 && answer->ks_random <= 1);
    assert_true(answer->above_chance >= 0 && answer->above_chance <= answer->pairs);
}

/* Each row times a power of two of its own: the same bits, out to the ends of float64. */
static void scale_does_not_matter(void **state)
{
    (void)state;
    enum { N = 150, D = 37 };
    double *values = draw_table(N, D, 1), *scaled = malloc(N * D * sizeof *scaled);
    static const int powers[] = {0, 3, -7, 40, -60, 500, -480, 900, -900, 1000, -1000};
    for (int i = 0; i < N; i++)
        for (int k = 0; k < D; k++)
            scaled[i * D + k] =
                ldexp(values[i * D + k], powers[i % (int)(sizeof powers / sizeof *powers)]);
    es_distribution plain = distribute_values("f8", N, D, values);
    es_distribution other = distribute_values("f8", N, D, scaled);
    check_sanity(&plain);
    assert_same(&plain, &other);
    assert_memory_equal(plain.row_means, other.row_means, N * sizeof(double));
    es_distribution_release(&plain);
    es_distribution_release(&other);
    free(values);
    free(scaled);
}

/* Rows in another order: the same pairs. Means and counts to within the order of sums. */
static void order_of_rows_does_not_matter(void **state)
{
    (void)state;
    enum { N = 500, D = 20 };
    double *values = draw_table(N, D, 2), *turned = malloc(N * D * sizeof *turned);
    for (int i = 0; i < N; i++)
        memcpy(turned + i * D, values + (N - 1 - i) * D, D * sizeof *values);
    es_distribution plain = distribute_values("f4", N, D, values);
    es_distribution other = distribute_values("f4", N, D, turned);
    assert_near(other.mean, plain.mean, 1e-14);
    assert_near(other.variance, plain.variance, 1e-14);
    /* c(i, j) and c(j, i) are the same bits: so are the counts */
    assert_memory_equal(plain.counts, other.counts, (size_t)plain.bins * sizeof *plain.counts);
    assert_true(plain.maximum.cosine == other.maximum.cosine);
    assert_int_equal(other.maximum.a, N - 1 - plain.maximum.b);
    assert_int_equal(other.maximum.b, N - 1 - plain.maximum.a);
    assert_true(plain.minimum.cosine == other.minimum.cosine);
    assert_int_equal(other.minimum.a, N - 1 - plain.minimum.b);
    es_distribution_release(&plain);
    es_distribution_release(&other);
    free(values);
    free(turned);
}

/* The table turned in space: the same cosines to rounding. */
static void rotation_does_not_matter(void **state)
{
    (void)state;
    enum { N = 200, D = 16 };
    double *values = draw_table(N, D, 3), *turned = malloc(N * D * sizeof *turned);
    memcpy(turned, values, N * D * sizeof *turned);
    es_random random = {4};
    for (int turn = 0; turn < 60; turn++) { /* plane by plane */
        int p = (int)es_random_below(&random, D), q = (p + 1 + turn % (D - 1)) % D;
        double angle = draw_uniform(&random) * 3, c = cos(angle), s = sin(angle);
        for (int i = 0; i < N; i++) {
            double *x = turned + i * D, a = x[p], b = x[q];
            x[p] = c * a - s * b;
            x[q] = s * a + c * b;
        }
    }
    es_distribution plain = distribute_values("f8", N, D, values);
    es_distribution other = distribute_values("f8", N, D, turned);
    assert_near(other.mean, plain.mean, 1e-13);
    assert_near(other.variance, plain.variance, 1e-13);
    assert_near(other.equivalent_dimension, plain.equivalent_dimension, 1e-12);
    assert_near(other.maximum.cosine, plain.maximum.cosine, 1e-13);
    assert_int_equal(other.maximum.a, plain.maximum.a);
    assert_int_equal(other.minimum.b, plain.minimum.b);
    for (int i = 0; i < N; i++) assert_near(other.row_means[i], plain.row_means[i], 1e-13);
    es_distribution_release(&plain);
    es_distribution_release(&other);
    free(values);
    free(turned);
}

static void degenerate_tables(void **state)
{
    (void)state;
    enum { N = 100, D = 128 };
    double *values = calloc(N * D, sizeof *values);
    for (int i = 0; i < N; i++) values[i * D + i] = i + 1; /* all orthogonal */
    es_distribution answer = distribute_values("f4", N, D, values);
    check_sanity(&answer);
    assert_true(answer.mean == 0 && answer.variance == 0);
    assert_true(isnan(answer.skewness) && isnan(answer.excess_kurtosis));
    assert_true(answer.maximum.cosine == 0 && answer.maximum.a == 0 && answer.maximum.b == 1);
    assert_true(answer.minimum.cosine == 0 && answer.minimum.a == 0 && answer.minimum.b == 1);
    assert_near(answer.equivalent_dimension, N, 1e-12);
    es_distribution_release(&answer);
    for (int i = 0; i < N * D; i++) values[i] = 0.1 * (i % D + 1); /* all equal */
    answer = distribute_values("f8", N, D, values);
    check_sanity(&answer);
    assert_near(answer.mean, 1, 1e-14);
    assert_true(answer.variance < 1e-13 && isnan(answer.skewness));
    assert_int_equal(answer.maximum.a, 0);
    assert_int_equal(answer.maximum.b, 1);
    assert_int_equal(answer.counts[answer.bins - 1], answer.pairs);
    assert_near(answer.equivalent_dimension, 1, 1e-12);
    es_distribution_release(&answer);
    answer = distribute_values("f4", 2, D, values); /* one pair */
    check_sanity(&answer);
    assert_int_equal(answer.pairs, 1);
    assert_near(answer.quantiles[0].cosine, 1, 1e-6);
    es_distribution_release(&answer);
    for (int i = 0; i < N; i++) values[i] = i % 4 ? i + 1 : -i - 1; /* one dimension: -1 or 1 */
    answer = distribute_values("f4", N, 1, values);
    check_sanity(&answer);
    assert_true(answer.minimum.cosine == -1 && answer.maximum.cosine == 1);
    assert_int_equal(answer.counts[0], 25 * 75);
    assert_int_equal(answer.counts[answer.bins - 1], answer.pairs - 25 * 75);
    assert_true(answer.ks_random < 0.15);
    es_distribution_release(&answer);
    free(values);
}

/* Undefined rows are counted and left out: what is left is as if they had never been. */
static void undefined_rows_are_left_out(void **state)
{
    (void)state;
    enum { N = 130, D = 9, BAD = 3 };
    double *values = draw_table(N, D, 5), *with = malloc((N + BAD) * D * sizeof *with);
    static const int at[BAD] = {0, 64, N + BAD - 1};
    int from = 0;
    for (int i = 0; i < N + BAD; i++) {
        bool bad = i == at[0] || i == at[1] || i == at[2];
        for (int k = 0; k < D; k++) with[i * D + k] = bad ? 0 : values[from * D + k];
        from += !bad;
    }
    with[at[1] * D + 3] = NAN;
    with[at[2] * D + 1] = -INFINITY;
    es_distribution plain = distribute_values("f4", N, D, values);
    es_distribution other = distribute_values("f4", N + BAD, D, with);
    assert_int_equal(other.left_out, BAD);
    assert_int_equal(other.rows, N);
    for (int i = 0; i < BAD; i++) assert_true(isnan(other.row_means[at[i]]));
    assert_true(same_double(other.row_means[1], plain.row_means[0]));
    assert_int_equal(other.maximum.a, plain.maximum.a + (plain.maximum.a < 63 ? 1 : 2));
    other.maximum = plain.maximum;
    other.minimum = plain.minimum;
    assert_same(&plain, &other);
    es_distribution_release(&plain);
    es_distribution_release(&other);
    es_error error = {0};
    for (int i = 0; i < N * D; i++) values[i] = i < D; /* one row is not enough */
    es_space *space = open_values("f4", N, D, values);
    assert_int_equal(es_distribution_compute(space, NULL, &other, &error), ES_BAD_INPUT);
    assert_says(error, "table.npy: a distribution needs two rows");
    assert_null(other.counts);
    es_space_free(space);
    free(values);
    free(with);
}

static void options_are_checked(void **state)
{
    (void)state;
    es_space *space = open_drawn(40, 5, 6);
    es_error error = {0};
    es_distribution answer;
    static const int64_t wrong[] = {-1, 65537, INT64_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        es_distribution_options options = {.bins = wrong[i]};
        assert_int_equal(es_distribution_compute(space, &options, &answer, &error),
                         ES_BAD_ARGUMENT);
        assert_says(error, "bins");
    }
    static const int64_t right[] = {1, 2, 3, 1999, 2000, 40000, 65536};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        es_distribution_options options = {.bins = right[i], .threads = 3};
        answer = distribute(space, &options);
        assert_int_equal(answer.bins, right[i]);
        assert_null(answer.row_means);
        check_sanity(&answer);
        es_distribution_release(&answer);
    }
    es_distribution_release(&answer);
    es_space_free(space);
}

static void cancels(void **state)
{
    (void)state;
    es_space *space = open_drawn(1500, 64, 7);
    int64_t asked = 0;
    es_distribution_options options = {.threads = 1, .progress = {stop_at_once, &asked}};
    es_distribution answer;
    es_error error = {0};
    assert_int_equal(es_distribution_compute(space, &options, &answer, &error), ES_CANCELLED);
    assert_true(asked == 1 && !answer.counts);
    options.progress.report = NULL; /* the space is still good */
    answer = distribute(space, &options);
    check_sanity(&answer);
    es_distribution_release(&answer);
    es_space_free(space);
}

/* What is no histogram is the same for every number of bins that 16,000 is a multiple of. */
static void bins_change_the_histogram_alone(void **state)
{
    (void)state;
    double *values = draw_table(200, 30, 4);
    es_space *space = open_values("f4", 200, 30, values);
    es_error error = {0};
    es_distribution usual, other;
    assert_ok(es_distribution_compute(space, NULL, &usual, &error), error);
    static const int64_t bins[] = {1, 20, 500, 1600, 16000};
    for (size_t i = 0; i < sizeof bins / sizeof *bins; i++) {
        es_distribution_options options = {.bins = bins[i]};
        assert_ok(es_distribution_compute(space, &options, &other, &error), error);
        assert_memory_equal(other.quantiles, usual.quantiles, sizeof usual.quantiles);
        assert_true(other.ks_random == usual.ks_random);
        assert_true(other.skewness == usual.skewness && other.variance == usual.variance);
        es_distribution_release(&other);
    }
    es_distribution_release(&usual);
    es_space_free(space);
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scale_does_not_matter),
        cmocka_unit_test(order_of_rows_does_not_matter),
        cmocka_unit_test(rotation_does_not_matter),
        cmocka_unit_test(degenerate_tables),
        cmocka_unit_test(undefined_rows_are_left_out),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(cancels),
        cmocka_unit_test(bins_change_the_histogram_alone),
    };
    return cmocka_run_group_tests_name("distribution", tests, scratch_setup, scratch_teardown);
}
