#define _GNU_SOURCE /* setenv */
/* Position tables: against sums over all pairs, on waves whose period is known, and what is
 * refused.
 */
#include "analysis/position_profile.h"
#include "failing_allocation.h"
#include "kernel/kernel.h"
#include "random_rows.h"

static es_positions compute(es_space *space, const es_positions_options *options)
{
    es_positions positions;
    es_error error = {0};
    assert_ok(es_positions_compute(space, options, &positions, &error), error);
    return positions;
}

/* ---- against a brute force ---------------------------------------------------------------------
 */

static void check_profile(const float *rows, int64_t n, int64_t d, const es_positions *found)
{
    long double all = 0, all_square = 0, between = 0, pairs = 0, norm[512];
    assert_true(n <= 512);
    for (int64_t i = 0; i < n; i++) {
        norm[i] = 0;
        for (int64_t k = 0; k < d; k++) norm[i] += (long double)rows[i * d + k] * rows[i * d + k];
        norm[i] = sqrtl(norm[i]);
    }
    for (int64_t t = 1; t < n; t++) {
        long double sum = 0, square = 0, count = 0;
        for (int64_t i = 0; i + t < n; i++) {
            long double dot = 0;
            if (!(norm[i] > 0 && norm[i + t] > 0)) continue;
            for (int64_t k = 0; k < d; k++)
                dot += (long double)rows[i * d + k] * rows[(i + t) * d + k];
            dot /= norm[i] * norm[i + t];
            sum += dot;
            square += dot * dot;
            count++;
        }
        const es_position_distance *at = &found->profile[t - 1];
        assert_int_equal(at->distance, t);
        assert_int_equal(at->pairs, (int64_t)count);
        all += sum;
        all_square += square;
        pairs += count;
        if (count == 0) {
            assert_true(isnan(at->mean) && isnan(at->standard_deviation));
            continue;
        }
        between += sum * sum / count;
        assert_true(fabs(at->mean - (double)(sum / count)) < 1e-14);
        double variance = (double)(square / count - sum / count * (sum / count));
        double deviation = at->standard_deviation;
        assert_true(fabs(deviation * deviation - variance) < 1e-14);
    }
    double mean = (double)(all / pairs), variance = (double)(all_square / pairs) - mean * mean;
    assert_int_equal(found->pairs, (int64_t)pairs);
    assert_true(fabs(found->mean - mean) < 1e-14);
    assert_true(fabs(found->standard_deviation - sqrt(variance)) < 1e-13);
    double share = ((double)(between / pairs) - mean * mean) / variance;
    assert_true(fabs(found->toeplitz_share - share) < 1e-11);
}

static void is_the_brute_force(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{3, 2}, {31, 5}, {32, 7}, {33, 3}, {97, 48}, {161, 20}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int64_t n = shapes[s][0], d = shapes[s][1];
        float *rows = gaussian_rows(n, d, s + 1);
        for (int64_t i = 0; i < n * d; i++) rows[i] += (float)sin(0.1 * (double)(i / d));
        for (int gaps = 0; gaps < 2; gaps++) {
            es_space *space = open_rows(rows, n, d);
            es_positions found = compute(space, &(es_positions_options){.threads = 3});
            assert_int_equal(found.left_out, gaps ? (n + 6) / 7 : 0);
            check_profile(rows, n, d, &found);
            es_positions_release(&found);
            es_space_free(space);
            for (int64_t i = n < 7 ? n : 0; i < n; i += 7)
                for (int64_t k = 0; k < d; k++) rows[i * d + k] = 0;
            if (n < 7) break;
        }
        free(rows);
    }
}

/* Sums by Fourier transforms, of the orders drawn: each order's share is that of a table written in
 * that order. */
static void shuffles_are_orders(void **state)
{
    (void)state;
    enum { N = 61, D = 9 };
    float *rows = gaussian_rows(N, D, 3);
    for (int i = 0; i < N * D; i++) rows[i] += (float)(2 * cos(0.05 * (double)(i / D)));
    for (int k = 0; k < D; k++) rows[11 * D + k] = 0;
    es_space *space = open_rows(rows, N, D);
    es_positions found = compute(space, &(es_positions_options){.shuffles = 1, .seed = 5});
    es_space_free(space);
    int64_t order[N], places[N], count = 0;
    float shuffled[N * D];
    for (int64_t i = 0; i < N; i++)
        if (i != 11) order[count++] = i;
    memcpy(places, order, sizeof order);
    es_random random = {5};
    for (int64_t a = count - 1; a > 0; a--) {
        int64_t b = es_random_below(&random, a + 1), held = order[a];
        order[a] = order[b];
        order[b] = held;
    }
    memset(shuffled, 0, sizeof shuffled);
    for (int64_t a = 0; a < count; a++)
        memcpy(shuffled + places[a] * D, rows + order[a] * D, D * sizeof *rows);
    space = open_rows(shuffled, N, D);
    es_positions again = compute(space, NULL);
    assert_true(fabs(again.toeplitz_share - found.shuffled_mean) < 1e-12);
    assert_true(found.shuffled_mean == found.shuffled_maximum);
    assert_true(found.toeplitz_p == 0.5);
    es_positions_release(&found);
    es_positions_release(&again);
    es_space_free(space);
    free(rows);
}

static void same_bits_everywhere(void **state)
{
    (void)state;
    enum { N = 210, D = 37 };
    float *rows = gaussian_rows(N, D, 8);
    es_positions first = {0};
    for (int i = 0; es_kernel_names[i]; i++) {
        if (!es_kernel_find(es_kernel_names[i])) continue;
        setenv("EMBSCOPE_KERNEL", es_kernel_names[i], 1);
        for (int threads = 1; threads <= 3; threads++) {
            es_space *space = open_rows(rows, N, D);
            es_positions found = compute(space, &(es_positions_options){.threads = threads});
            es_space_free(space);
            if (!first.profile) {
                first = found;
                continue;
            }
            size_t size = (N - 1) * sizeof *first.profile;
            assert_memory_equal(found.profile, first.profile, size);
            assert_true(found.toeplitz_share == first.toeplitz_share);
            assert_true(found.shuffled_mean == first.shuffled_mean);
            assert_true(found.total_variance == first.total_variance);
            assert_memory_equal(found.map, first.map, sizeof(float) * N * N);
            es_positions_release(&found);
        }
    }
    unsetenv("EMBSCOPE_KERNEL");
    es_positions_release(&first);
    free(rows);
}

/* Long tables go through closed forms: the same means as a direct sum, no spread. */
static void long_tables_have_a_profile(void **state)
{
    (void)state;
    enum { N = ES_POSITIONS_PAIRWISE + 300, D = 6 };
    float *rows = gaussian_rows(N, D, 4);
    for (int64_t i = 0; i < (int64_t)N * D; i++)
        rows[i] += (float)(3 * sin(0.002 * (double)(i / D)));
    memset(rows + 40 * D, 0, D * sizeof *rows);
    es_space *space = open_rows(rows, N, D);
    es_positions found = compute(space, &(es_positions_options){.shuffles = 2});
    double *unit = malloc((size_t)N * D * sizeof *unit);
    assert_non_null(unit);
    es_error error = {0};
    assert_ok(es_space_read_unit_rows(space, 0, N, unit, &error), error);
    long double all = 0, square = 0, between = 0;
    for (int64_t t = 1; t < N; t++) {
        double sum = 0;
        int64_t pairs = N - t - (t <= 40) - (40 + t < N);
        for (int64_t i = 0; i + t < N; i++) {
            double dot = 0;
            for (int k = 0; k < D; k++) dot += unit[i * D + k] * unit[(i + t) * D + k];
            sum += dot;
            square += (long double)dot * dot;
        }
        all += sum;
        between += (long double)sum * sum / (long double)pairs;
        assert_int_equal(found.profile[t - 1].pairs, pairs);
        assert_true(fabs(found.profile[t - 1].mean - sum / (double)pairs) < 1e-11);
        assert_true(isnan(found.profile[t - 1].standard_deviation));
    }
    long double count = (long double)found.pairs, mean = all / count;
    long double variance = square / count - mean * mean;
    assert_true(fabs(found.mean - (double)mean) < 1e-12);
    assert_true(fabs(found.toeplitz_share - (double)((between / count - mean * mean) / variance)) <
                1e-9);
    es_positions_release(&found);
    es_space_free(space);
    free(unit);
    free(rows);
}

/* ---- waves ------------------------------------------------------------------------------------
 */

/* A helix of radius 2 and period 25, and a smaller wave of period 10 across it. */
static void finds_the_waves(void **state)
{
    (void)state;
    enum { N = 150, D = 6 };
    float rows[N * D];
    for (int i = 0; i < N; i++) {
        double turn = 2 * 3.14159265358979323846 * i;
        const double row[D] = {
            5, 2 * cos(turn / 25), 2 * sin(turn / 25), cos(turn / 10), 0.01 * sin(turn / 3), 0};
        for (int k = 0; k < D; k++) rows[i * D + k] = (float)row[k];
    }
    es_space *space = open_rows(rows, N, D);
    es_positions found = compute(space, NULL);
    assert_int_equal(found.component_count, 4);
    static const double periods[] = {25, 25, 10, 3}, variances[] = {2, 2, 0.5, 5e-5};
    for (int k = 0; k < 4; k++) {
        const es_position_component *component = &found.components[k];
        assert_true(fabs(component->period - periods[k]) < 1e-9);
        assert_true(fabs(component->peak_share - 1) < 1e-5);
        assert_true(fabs(component->variance / variances[k] - 1) < 1e-5);
        assert_true(fabs(component->share - variances[k] / 4.50005) < 1e-5);
        double largest = 0, sum = 0;
        for (int i = 0; i < N; i++) {
            double x = found.projections[k * N + i];
            if (fabs(x) > fabs(largest)) largest = x;
            sum += x * x;
        }
        assert_true(largest > 0);
        assert_true(fabs(sum / N / component->variance - 1) < 1e-9);
    }
    assert_true(fabs(found.total_variance - 4.50005) < 1e-5);
    assert_int_equal(found.components_90, 3);
    assert_true(found.toeplitz_share > 0.9);
    assert_true(found.toeplitz_p == 0.05);
    assert_true(found.shuffled_maximum < 0.2);
    es_positions_release(&found);
    es_space_free(space);
}

/* Fewer rows than columns, and rows of 1e-30: the spectrum through the other Gram matrix. */
static void few_rows_and_small_ones(void **state)
{
    (void)state;
    enum { N = 12, D = 40 };
    float *rows = gaussian_rows(N, D, 6), wide[N * (N + 28)];
    for (int i = 0; i < N * D; i++) wide[i] = rows[i] * 0x1p-100f;
    es_space *space = open_rows(rows, N, D);
    es_positions found = compute(space, &(es_positions_options){.components = 64});
    es_space_free(space);
    space = open_rows(wide, N, D);
    es_positions small = compute(space, &(es_positions_options){.components = 64});
    assert_int_equal(found.component_count, N - 1);
    assert_int_equal(found.eigenvalue_count, N);
    double sum = 0;
    for (int k = 0; k < N; k++) sum += found.eigenvalues[k];
    assert_true(fabs(sum / found.total_variance - 1) < 1e-12);
    double direct = 0;
    for (int k = 0; k < D; k++) {
        double mean = 0;
        for (int i = 0; i < N; i++) mean += rows[i * D + k] / N;
        for (int i = 0; i < N; i++) direct += (rows[i * D + k] - mean) * (rows[i * D + k] - mean);
    }
    assert_true(fabs(direct / N / found.total_variance - 1) < 1e-6);
    for (int k = 0; k < N - 1; k++) {
        double square = 0;
        for (int i = 0; i < N; i++)
            square += found.projections[k * N + i] * found.projections[k * N + i];
        assert_true(fabs(square / N / found.components[k].variance - 1) < 1e-9);
        assert_true(small.components[k].variance * 0x1p200 == found.components[k].variance);
    }
    es_positions_release(&found);
    es_positions_release(&small);
    es_space_free(space);
    free(rows);
}

/* ---- odd tables -------------------------------------------------------------------------------
 */

static void says_what_is_undefined(void **state)
{
    (void)state;
    float rows[20 * 3];
    for (int i = 0; i < 60; i++) rows[i] = (float)(1 + i % 3);
    es_space *space = open_rows(rows, 20, 3);
    es_positions found = compute(space, NULL); /* all rows equal */
    assert_true(isnan(found.toeplitz_share) && isnan(found.toeplitz_p));
    assert_true(isnan(found.shuffled_mean) && isnan(found.shuffled_maximum));
    assert_true(fabs(found.mean - 1) < 1e-15 && found.standard_deviation < 1e-15);
    assert_int_equal(found.component_count, 0);
    assert_true(found.total_variance == 0);
    es_positions_release(&found);
    es_space_free(space);
    space = open_rows((const float[]){1, 0, 0, 2}, 2, 2);
    found = compute(space, NULL);
    assert_int_equal(found.pairs, 1);
    assert_true(fabs(found.profile[0].mean) < 1e-16 && found.profile[0].standard_deviation == 0);
    assert_true(isnan(found.toeplitz_share));
    assert_int_equal(found.component_count, 1);
    assert_true(found.components[0].period == 2);
    assert_true(found.norms[0] == 1 && found.norms[1] == 2 && found.longest == 1);
    assert_true(found.norm_quartiles[1] == 1.5);
    es_positions_release(&found);
    es_space_free(space);
}

static void refuse(const float *rows, int64_t n, int64_t d, const es_positions_options *options,
                   es_status status, const char *words)
{
    es_space *space = open_rows(rows, n, d);
    es_positions positions;
    es_error error = {0};
    assert_int_equal(es_positions_compute(space, options, &positions, &error), status);
    assert_says(error, words);
    assert_null(positions.profile);
    es_space_free(space);
}

static bool never(void *context, int64_t done, int64_t total)
{
    assert_true(done >= 0 && done <= total);
    ++*(int *)context;
    return false;
}

static void refuses_what_cannot_be(void **state)
{
    (void)state;
    static const float few[] = {1, 2, 0, 0, NAN, 1};
    float *many = calloc(ES_POSITIONS_ROWS + 1, sizeof *many);
    assert_non_null(many);
    refuse(few, 1, 2, NULL, ES_BAD_INPUT, "there is 1");
    refuse(few, 3, 2, NULL, ES_BAD_INPUT, "there is 1");
    refuse(few + 2, 2, 2, NULL, ES_BAD_INPUT, "there are 0");
    refuse(many, ES_POSITIONS_ROWS + 1, 1, NULL, ES_BAD_INPUT, "65537 rows are no position table");
    refuse(few, 3, 2, &(es_positions_options){.components = 65}, ES_BAD_ARGUMENT, "from 1 to 64");
    refuse(few, 3, 2, &(es_positions_options){.shuffles = -1}, ES_BAD_ARGUMENT, "from 1 to 9999");
    free(many);
    int calls = 0;
    float *rows = gaussian_rows(300, 20, 2);
    refuse(rows, 300, 20, &(es_positions_options){.progress = {never, &calls}}, ES_CANCELLED,
           "interrupted");
    assert_int_equal(calls, 1);
    free(rows);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    enum { N = 40, D = 10 };
    float *rows = gaussian_rows(N, D, 12);
    bool failed = true;
    int64_t n = 0;
    for (; failed; n++) {
        es_space *space = open_rows(rows, N, D);
        es_error error = {0};
        es_positions positions = {0};
        atomic_store(&failures, 0);
        atomic_store(&allocations_left, n);
        es_status status =
            es_positions_compute(space, &(es_positions_options){.threads = 1}, &positions, &error);
        atomic_store(&allocations_left, -1);
        failed = atomic_load(&failures) > 0;
        if (status != ES_OK && (status != ES_NO_MEMORY || !failed))
            fail_msg("allocation %lld: %s", (long long)n, error.text);
        es_positions_release(&positions);
        es_space_free(space);
    }
    assert_true(n > 20);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_brute_force),        cmocka_unit_test(shuffles_are_orders),
        cmocka_unit_test(same_bits_everywhere),      cmocka_unit_test(long_tables_have_a_profile),
        cmocka_unit_test(finds_the_waves),           cmocka_unit_test(few_rows_and_small_ones),
        cmocka_unit_test(says_what_is_undefined),    cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("positions", tests, scratch_setup, scratch_teardown);
}
