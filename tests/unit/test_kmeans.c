#define _GNU_SOURCE /* setenv */
/* The parts of spherical k-means: nearest centres against a brute force, whatever bounds and chunks
 * they are found with; seeds and their law; clusters that lose all their rows. */
#include "analysis/kmeans.h"
#include "kernel/kernel.h"
#include "random_rows.h"

/* Rows, in place where they may be. */
typedef struct table {
    es_space *space;
    int64_t *ids;
    es_kmeans_rows rows;
} table;

static table open_table(const float *values, int64_t n, int64_t d)
{
    table table = {.space = open_rows(values, n, d)};
    es_error error = {0};
    int64_t count;
    assert_ok(es_space_load(table.space, &error), error);
    assert_ok(es_space_defined_rows(table.space, &table.ids, &count, &error), error);
    assert_ok(es_kmeans_rows_init(&table.rows, table.space, table.ids, count, 2, &error), error);
    return table;
}

static void close_table(table *table)
{
    es_kmeans_rows_release(&table->rows);
    es_space_free(table->space);
    free(table->ids);
}

/* The centre with the largest float64 cosine, the first of equal ones, `excluded` left out. */
static int32_t brute_force(const es_kmeans_centers *centers, int64_t p, int32_t excluded,
                           double *largest)
{
    es_error error = {0};
    int64_t d = centers->d;
    double *u = malloc(2 * (size_t)d * sizeof *u);
    int32_t best = -1;
    assert_non_null(u);
    assert_ok(es_kmeans_rows_wide(centers->rows, p, u, &error), error);
    for (int64_t c = 0; c < centers->k; c++) {
        double cosine;
        if (c == excluded) continue;
        assert_ok(es_kmeans_centers_cosine(centers, u, c, u + d, &cosine, &error), error);
        if (best >= 0 && cosine <= *largest) continue;
        best = (int32_t)c;
        *largest = cosine;
    }
    free(u);
    return best;
}

static void check_labels(const es_kmeans_nearest *nearest)
{
    for (int64_t p = 0; p < nearest->rows->count; p++) {
        double cosine;
        int32_t best = brute_force(nearest->centers, p, -1, &cosine);
        if (nearest->labels[p] != best)
            fail_msg("row %lld: centre %d, not %d", (long long)p, nearest->labels[p], best);
        if (nearest->own[p] > cosine)
            fail_msg("row %lld: %g is no lower bound of %.9g", (long long)p, nearest->own[p],
                     cosine);
    }
}

/* Follow a run by hand, and hold every step against the brute force. */
static void follow(const float *values, int64_t n, int64_t d, int64_t k, int64_t room, bool flat)
{
    enum { STEPS = 12 };
    table table = open_table(values, n, d);
    es_error error = {0};
    es_kmeans_centers centers;
    es_kmeans_nearest nearest;
    int64_t *places = malloc((size_t)k * sizeof *places);
    int32_t *before = malloc((size_t)n * sizeof *before);
    assert_true(places && before);
    for (int64_t c = 0; c < k; c++) places[c] = c * table.rows.count / k;
    assert_ok(es_kmeans_centers_init(&centers, &table.rows, k, flat, &error), error);
    assert_ok(es_kmeans_centers_start(&centers, places, &error), error);
    assert_ok(es_kmeans_nearest_init(&nearest, &table.rows, &centers, room, 2, &error), error);
    for (int step = 0; step < STEPS; step++) {
        assert_ok(es_kmeans_nearest_step(&nearest, step == 0, NULL, &error), error);
        check_labels(&nearest);
        assert_ok(es_kmeans_centers_update(&centers, before, nearest.labels, step == 0, 2, &error),
                  error);
        memcpy(before, nearest.labels, (size_t)table.rows.count * sizeof *before);
    }
    if (k > 1) {
        assert_ok(es_kmeans_nearest_others(&nearest, NULL, &error), error);
        for (int64_t p = 0; p < table.rows.count; p++) {
            double cosine;
            assert_int_equal(nearest.others[p],
                             brute_force(&centers, p, nearest.labels[p], &cosine));
            assert_true(nearest.cosines[p] == cosine);
        }
    }
    es_kmeans_nearest_release(&nearest);
    es_kmeans_centers_release(&centers);
    close_table(&table);
    free(places);
    free(before);
}

static void every_step_is_the_brute_force(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{1, 1, 1},    {5, 2, 5},     {97, 3, 9},
                                        {300, 48, 7}, {700, 20, 90}, {500, 257, 70}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int64_t n = shapes[s][0], d = shapes[s][1], k = shapes[s][2];
        float *rows = gaussian_rows(n, d, s + 1);
        for (int i = 0; es_kernel_names[i]; i++) {
            if (!es_kernel_find(es_kernel_names[i])) continue;
            setenv("EMBSCOPE_KERNEL", es_kernel_names[i], 1);
            follow(rows, n, d, k, 1 << 20, true);
            follow(rows, n, d, k, 0, true); /* groups of several centres */
            follow(rows, n, d, k, 0, false);
        }
        unsetenv("EMBSCOPE_KERNEL");
        free(rows);
    }
}

/* Many centres that float32 cannot tell apart, rows that are equal, rows between two centres. */
static void near_ties_are_decided_in_float64(void **state)
{
    (void)state;
    enum { N = 600, D = 24 };
    float *rows = gaussian_rows(N, D, 3);
    for (int64_t i = D; i < N * D; i++) rows[i] = rows[i % D] + 1e-6f * rows[i];
    follow(rows, N, D, 100, 1 << 20, true);
    follow(rows, N, D, 100, 0, true);
    free(rows);
    rows = gaussian_rows(N, D, 4);
    for (int64_t i = 40 * D; i < N * D; i++) rows[i] = rows[i % (40 * D)];
    follow(rows, N, D, 90, 1 << 20, true);
    for (int64_t i = 0; i < N * D; i++) rows[i] = i / D % D == i % D ? 1 : 0;
    follow(rows, N, D, 30, 0, true);
    free(rows);
}

/* Centres come in twins, all else is far: a row looks at the twin alone, and float32 cannot tell.
 */
static void twins_are_decided_in_float64(void **state)
{
    (void)state;
    enum { N = 945, D = 64, DIRECTIONS = 45 };
    float *rows = gaussian_rows(N, D, 8);
    for (int64_t i = DIRECTIONS * D; i < N * D; i++)
        rows[i] = rows[i % (DIRECTIONS * D)] + 3e-6f * rows[i];
    follow(rows, N, D, 2 * DIRECTIONS, 1 << 20, true);
    free(rows);
}

/* More centres than are packed at a time. */
static void centers_come_in_chunks(void **state)
{
    (void)state;
    enum { N = 9000, D = 3, K = 8500 };
    float *rows = gaussian_rows(N, D, 5);
    table table = open_table(rows, N, D);
    es_error error = {0};
    es_kmeans_centers centers;
    es_kmeans_nearest nearest;
    int64_t *places = malloc(K * sizeof *places);
    assert_non_null(places);
    for (int64_t c = 0; c < K; c++) places[c] = N - K + c;
    assert_ok(es_kmeans_centers_init(&centers, &table.rows, K, false, &error), error);
    assert_ok(es_kmeans_centers_start(&centers, places, &error), error);
    assert_ok(es_kmeans_nearest_init(&nearest, &table.rows, &centers, 0, 2, &error), error);
    assert_ok(es_kmeans_nearest_step(&nearest, true, NULL, &error), error);
    for (int64_t p = 0; p < N; p += 9) {
        double cosine;
        assert_int_equal(nearest.labels[p], brute_force(&centers, p, -1, &cosine));
    }
    for (int64_t p = N - K; p < N; p++) assert_int_equal(nearest.labels[p], p - (N - K));
    es_kmeans_nearest_release(&nearest);
    es_kmeans_centers_release(&centers);
    close_table(&table);
    free(places);
    free(rows);
}

/* ---- clusters that lose all their rows ---------------------------------------------------------
 */

static es_kmeans_run run_from(const es_kmeans_rows *rows, int64_t k, const int64_t *seeds)
{
    es_error error = {0};
    es_kmeans_limits limits = {.k = k, .iterations = 100, .threads = 2};
    es_kmeans_run run = {.k = k, .seeds = malloc((size_t)k * sizeof *seeds)};
    assert_non_null(run.seeds);
    memcpy(run.seeds, seeds, (size_t)k * sizeof *seeds);
    assert_ok(es_kmeans_run_from(rows, &limits, &run, &error), error);
    return run;
}

static void empty_clusters_begin_anew(void **state)
{
    (void)state;
    enum { N = 200, D = 5, K = 12 };
    float *rows = gaussian_rows(N, D, 6);
    table table = open_table(rows, N, D);
    /* Nine times the same seed: the first of the equal centres takes its rows. */
    static const int64_t seeds[K] = {3, 3, 3, 3, 3, 3, 3, 3, 3, 50, 90, 120};
    es_kmeans_run run = run_from(&table.rows, K, seeds);
    int64_t sizes[K] = {0};
    for (int64_t p = 0; p < N; p++) sizes[run.labels[p]]++;
    for (int c = 0; c < K; c++) assert_true(sizes[c] > 0);
    assert_true(run.reseeded >= 8);
    assert_true(run.converged);
    for (int64_t i = 0; i < run.iterations; i++)
        assert_true(run.history[i + 1] >= run.history[i] - 1e-14);
    es_kmeans_run_release(&run);
    close_table(&table);
    free(rows);
}

static void a_cluster_may_stay_empty(void **state)
{
    (void)state;
    static const float rows[] = {1, 2, 1, 2, 2, 4, 3, -1};
    table table = open_table(rows, 4, 2);
    es_kmeans_run run = run_from(&table.rows, 3, (const int64_t[]){0, 1, 3});
    static const int32_t expected[] = {0, 0, 0, 2};
    assert_memory_equal(run.labels, expected, sizeof expected);
    assert_true(run.converged);
    assert_int_equal(run.reseeded, 0);
    assert_true(fabs(run.objective - 1) < 1e-15);
    es_kmeans_run_release(&run);
    close_table(&table);
}

/* ---- seeds -------------------------------------------------------------------------------------
 */

static void seeds_are_different_directions(void **state)
{
    (void)state;
    enum { N = 300, D = 8, DIRECTIONS = 20 };
    float *rows = gaussian_rows(N, D, 7);
    for (int64_t i = DIRECTIONS * D; i < N * D; i++) rows[i] = 4 * rows[i % (DIRECTIONS * D)];
    table table = open_table(rows, N, D);
    es_error error = {0};
    int64_t places[50], count;
    for (uint64_t seed = 0; seed < 20; seed++) {
        bool seen[DIRECTIONS] = {false};
        es_random random = {seed};
        assert_ok(es_kmeans_seed(&table.rows, 50, &random, 2, NULL, places, &count, &error), error);
        assert_int_equal(count, DIRECTIONS);
        for (int64_t i = 0; i < count; i++) {
            assert_false(seen[places[i] % DIRECTIONS]);
            seen[places[i] % DIRECTIONS] = true;
        }
    }
    close_table(&table);
    free(rows);
}

/* Three directions, 0, 90 and 180 degrees from the first. From a first seed at 0, a second one has
 * the law 1 - cos = 0, 1, 2 a row. With k past the sample of judges there are no candidates. */
static void seeds_have_their_law(void **state)
{
    (void)state;
    enum { N = 4200, RUNS = 1000, K = 4150 };
    float *rows = malloc(2 * N * sizeof *rows);
    assert_non_null(rows);
    for (int i = 0; i < N; i++) {
        rows[2 * i] = i % 3 == 0 ? 1 : i % 3 == 1 ? 0 : -1;
        rows[2 * i + 1] = i % 3 == 1 ? 1 : 0;
    }
    table table = open_table(rows, N, 2);
    es_error error = {0};
    int64_t *places = malloc(K * sizeof *places), count, from_end = 0, opposite = 0;
    assert_non_null(places);
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        es_random random = {seed};
        assert_ok(es_kmeans_seed(&table.rows, K, &random, 1, NULL, places, &count, &error), error);
        assert_int_equal(count, 3);
        if (places[0] % 3 == 1) continue; /* 90 degrees from both others */
        from_end++;
        opposite += places[1] % 3 == 2 - places[0] % 3;
    }
    double share = (double)opposite / (double)from_end, spread = sqrt(2.0 / 9 / (double)from_end);
    if (fabs(share - 2.0 / 3) > 4 * spread) fail_msg("%g, not 2/3 +- %g", share, spread);
    close_table(&table);
    free(places);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_is_the_brute_force),
        cmocka_unit_test(near_ties_are_decided_in_float64),
        cmocka_unit_test(twins_are_decided_in_float64),
        cmocka_unit_test(centers_come_in_chunks),
        cmocka_unit_test(empty_clusters_begin_anew),
        cmocka_unit_test(a_cluster_may_stay_empty),
        cmocka_unit_test(seeds_are_different_directions),
        cmocka_unit_test(seeds_have_their_law),
    };
    return cmocka_run_group_tests_name("kmeans", tests, scratch_setup, scratch_teardown);
}
