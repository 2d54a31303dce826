#define _GNU_SOURCE /* mkdtemp */
/* The spectrum: tables whose answer is known, statuses, the map, another chain on the same space.
 * Its numbers are held against NumPy by tests/reference/test_spectrum.py. */
#include "analysis/spectrum_parts.h"
#include "random_rows.h"

static es_spectrum compute(es_space *space, const es_spectrum_options *options)
{
    es_spectrum spectrum;
    es_error error = {0};
    assert_ok(es_spectrum_compute(space, options, &spectrum, &error), error);
    return spectrum;
}

static void assert_close(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-13 * fmax(1, fabs(expected))))
        fail_msg("%.17g, expected %.17g", found, expected);
}

/* Rows +-e_k: S has d eigenvalues n/d, the mean is 0, everything is even. */
static void a_cross_is_even(void **state)
{
    (void)state;
    enum { D = 5, N = 2 * D };
    float rows[N * D] = {0};
    for (int k = 0; k < D; k++) {
        rows[2 * k * D + k] = 3;
        rows[(2 * k + 1) * D + k] = -3;
    }
    es_space *space = open_rows(rows, N, D);
    es_spectrum answer = compute(space, NULL);
    assert_int_equal(answer.rows, N);
    assert_int_equal(answer.raw.count, D);
    for (int k = 0; k < D; k++) {
        assert_close(answer.raw.values[k], 2);
        assert_close(answer.centered.values[k], 1.0 / D);
        assert_close(answer.contributions[k], -2.0 / (N * (N - 1)));
    }
    assert_close(answer.raw.effective_rank, D);
    assert_close(answer.raw.participation_ratio, D);
    assert_close(answer.raw.stable_rank, D);
    assert_int_equal(answer.raw.directions_90, 5);
    assert_close(answer.raw.random_edges[1], (1 + sqrt(2)) * (1 + sqrt(2)));
    assert_int_equal(answer.raw.above_random, 0);
    assert_close(answer.isotropy.isoscore, 1);
    assert_close(answer.isotropy.isoscore_unit, 1);
    assert_close(answer.isotropy.partition.isotropy, 1);
    assert_close(answer.isotropy.partition.log_min, log(2 * cosh(3) + N - 2));
    assert_close(answer.isotropy.mean_cosine, -10.0 / (N * (N - 1)));
    /* 5 of 45 pairs are opposite, the others at right angles */
    assert_close(answer.isotropy.uniformity, log((5 * exp(-8) + 40 * exp(-4)) / 45));
    assert_int_equal(answer.isotropy.uniformity_pairs, 45);
    es_spectrum_release(&answer);
    es_space_free(space);
}

/* The first direction of rows along one axis, its ends by id where they tie, and the map. */
static void ends_and_map(void **state)
{
    (void)state;
    enum { N = 30, D = 3 };
    float rows[N * D];
    for (int i = 0; i < N; i++) {
        rows[i * D] = 10;
        rows[i * D + 1] = (float)(i / 2);
        rows[i * D + 2] = 0;
    }
    memset(rows + 4 * D, 0, D * sizeof *rows); /* row 4 is undefined */
    es_space *space = open_rows(rows, N, D);
    es_spectrum answer = compute(space, &(es_spectrum_options){.directions = 2});
    assert_int_equal(answer.left_out, 1);
    assert_int_equal(answer.direction_count, 2);
    const es_direction *first = &answer.directions[0];
    assert_int_equal(first->end_count, 10);
    static const int64_t high[] = {28, 29, 26, 27}, low[] = {0, 1, 2, 3, 5, 6};
    for (int i = 0; i < 4; i++) assert_int_equal(first->high[i].id, high[i]);
    for (int i = 0; i < 6; i++) assert_int_equal(first->low[i].id, low[i]);
    assert_true(first->spearman_id > 0.99 && first->spearman_norm > 0.99);
    double map[2 * N];
    es_error error = {0};
    assert_ok(es_spectrum_project(space, &answer, 2, map, &error), error);
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        assert_int_equal(isnan(map[2 * i]), i == 4);
        if (i == 4) continue;
        sum += map[2 * i];
        squares += map[2 * i] * map[2 * i];
    }
    assert_close(sum, 0);
    assert_close(squares / (N - 1), answer.centered.values[0]);
    assert_true(map[2 * 28] == first->high[0].projection);
    es_spectrum_release(&answer);
    es_space_free(space);
}

static void what_is_undefined_is_nan(void **state)
{
    (void)state;
    float rows[] = {1, 2, 2, 4, 3, 6, 0.1f, 0.2f};
    es_space *space = open_rows(rows, 4, 2);
    es_spectrum answer = compute(space, NULL);
    assert_true(answer.centered.trace == 0 && isnan(answer.centered.effective_rank));
    assert_true(isnan(answer.centered.participation_ratio) && isnan(answer.centered.stable_rank));
    assert_true(isnan(answer.isotropy.isoscore_unit) && answer.isotropy.isoscore >= 0);
    assert_true(isnan(answer.directions[0].spearman_id));
    assert_true(answer.isotropy.uniformity_error == 0);
    assert_int_equal(answer.above_null, 0);
    es_spectrum_release(&answer);
    es_space_free(space);
    assert_true(isnan(es_isoscore((double[]){2}, 1)));
    assert_true(isnan(es_isoscore((double[]){0, 0, 0, 0}, 2)));
    assert_close(es_isoscore((double[]){1, 0, 0, 0}, 2), 0);
    assert_close(es_isoscore((double[]){1e300, 0, 0, 1e300}, 2), 1);
}

static bool stop(void *context, int64_t done, int64_t total)
{
    assert_true(done >= 0 && done <= total);
    return --*(int *)context > 0;
}

static bool go_on(void *context, int64_t done, int64_t total)
{
    int64_t *last = context;
    assert_true(done >= *last && done <= total);
    *last = done;
    return true;
}

static void it_refuses_and_stops(void **state)
{
    (void)state;
    es_error error = {0};
    es_spectrum spectrum;
    float two[] = {1, 2, 0, 0};
    es_space *space = open_rows(two, 2, 2);
    assert_int_equal(es_spectrum_compute(space, NULL, &spectrum, &error), ES_BAD_INPUT);
    assert_says(error, "1 of 2 rows have a direction");
    es_spectrum_options many = {.null_tables = 1001};
    assert_int_equal(es_spectrum_compute(space, &many, &spectrum, &error), ES_BAD_ARGUMENT);
    es_space_free(space);
    float *rows = gaussian_rows(3000, 20, 1);
    space = open_rows(rows, 3000, 20);
    free(rows);
    for (int calls = 1; calls < 12; calls++) {
        int left = calls;
        es_spectrum_options options = {.progress = {stop, &left}};
        es_status status = es_spectrum_compute(space, &options, &spectrum, &error);
        if (left <= 0) assert_int_equal(status, ES_CANCELLED);
        if (status == ES_OK) es_spectrum_release(&spectrum);
    }
    int64_t last = 0;
    es_spectrum answer =
        compute(space, &(es_spectrum_options){.null_tables = 2, .progress = {go_on, &last}});
    assert_true(last > 0);
    es_spectrum_release(&answer);
    es_space_free(space);
}

/* Another chain on an open space gives what opening it so gives. */
static void the_chain_can_change(void **state)
{
    (void)state;
    es_error error = {0};
    float *rows = gaussian_rows(200, 6, 2);
    es_space *space = open_rows(rows, 200, 6), *fresh = NULL;
    free(rows);
    es_open_options options = {.transform = "center,abtt:1"};
    assert_ok(es_space_open(scratch_path("rows.npy"), &options, &fresh, &error), error);
    double before[6], found[6], expected[6];
    assert_ok(es_space_read_rows(space, 3, 1, before, &error), error);
    assert_ok(es_space_set_transform(space, "center,abtt:1", &error), error);
    assert_int_equal(es_space_source(space)->transform_count, 2);
    assert_int_equal(es_space_set_transform(space, "middle", &error), ES_BAD_ARGUMENT);
    assert_int_equal(es_space_source(space)->transform_count, 2);
    assert_ok(es_space_read_rows(space, 3, 1, found, &error), error);
    assert_ok(es_space_read_rows(fresh, 3, 1, expected, &error), error);
    assert_memory_equal(found, expected, sizeof found);
    const double *norms, *fresh_norms;
    assert_ok(es_space_norms(space, &norms, &error), error);
    assert_ok(es_space_norms(fresh, &fresh_norms, &error), error);
    assert_memory_equal(norms, fresh_norms, 200 * sizeof *norms);
    assert_ok(es_space_set_transform(space, "raw", &error), error);
    assert_int_equal(es_space_source(space)->transform_count, 0);
    assert_ok(es_space_read_rows(space, 3, 1, found, &error), error);
    assert_memory_equal(found, before, sizeof found);
    es_space_free(space);
    es_space_free(fresh);
}

/* A bounded draw takes every value, and none beyond. */
static void draws_are_bounded(void **state)
{
    (void)state;
    es_random random = {1};
    int64_t seen[7] = {0};
    for (int i = 0; i < 70000; i++) {
        uint64_t drawn = es_random_bounded(&random, 7);
        assert_true(drawn < 7);
        seen[drawn]++;
    }
    for (int k = 0; k < 7; k++) assert_true(seen[k] > 9500 && seen[k] < 10500);
    assert_true(es_random_bounded(&random, 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cross_is_even),          cmocka_unit_test(ends_and_map),
        cmocka_unit_test(what_is_undefined_is_nan), cmocka_unit_test(it_refuses_and_stops),
        cmocka_unit_test(the_chain_can_change),     cmocka_unit_test(draws_are_bounded),
    };
    return cmocka_run_group_tests_name("spectrum", tests, scratch_setup, scratch_teardown);
}
