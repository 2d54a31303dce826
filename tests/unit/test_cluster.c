#define _GNU_SOURCE /* setenv */
/* Clusters of rows whose clusters are plain; what is refused; how it ends early. The answer's
 * figures are held against NumPy by tests/reference/test_cluster.py. */
#include "failing_allocation.h"
#include "kernel/kernel.h"
#include "random_rows.h"

static es_clusters cluster_rows(const float *rows, int64_t n, int64_t d,
                                const es_cluster_options *options)
{
    es_space *space = open_rows(rows, n, d);
    es_error error = {0};
    es_clusters clusters;
    assert_ok(es_cluster_compute(space, options, &clusters, &error), error);
    es_space_free(space);
    return clusters;
}

static void finds_plain_clusters(void **state)
{
    (void)state;
    static const float rows[] = {1, 0,     0.1f, 0,   5, 0, 0, 0, 1,    0.1f, 0, 2,
                                 1, 0.05f, 0,    NAN, 1, 1, 0, 1, 0.2f, 0,    0, 0};
    es_clusters clusters = cluster_rows(rows, 8, 3, &(es_cluster_options){.k = 3, .map = true});
    assert_int_equal(clusters.count, 3);
    assert_int_equal(clusters.left_out, 2);
    assert_int_equal(clusters.labels[5], -1);
    assert_int_equal(clusters.labels[7], -1);
    assert_true(isnan(clusters.cosines[5]));
    assert_int_equal(clusters.labels[0], clusters.labels[4]);
    assert_int_equal(clusters.labels[2], clusters.labels[3]);
    assert_true(clusters.labels[0] != clusters.labels[1]);
    assert_true(clusters.labels[2] != clusters.labels[0]);
    assert_true(clusters.converged);
    assert_true(!isnan(clusters.clusters[2].y));
    assert_true(clusters.map_share[0] >= clusters.map_share[1]);
    int64_t rows_in = 0;
    for (int64_t c = 0; c < clusters.count; c++) rows_in += clusters.clusters[c].size;
    assert_int_equal(rows_in, 6);
    es_clusters_release(&clusters);
}

/* The centres' distances on the map are at most those in space, and in two dimensions they are. */
static void the_map_keeps_distances(void **state)
{
    (void)state;
    enum { N = 400, D = 2, K = 12 };
    float *rows = gaussian_rows(N, D, 2);
    es_clusters clusters = cluster_rows(rows, N, D, &(es_cluster_options){.k = K, .map = true});
    for (int i = 0; i < K; i++)
        for (int j = 0; j < K; j++) {
            const float *a = clusters.centers + i * D, *b = clusters.centers + j * D;
            double apart = hypot(a[0] - b[0], a[1] - b[1]);
            double shown = hypot(clusters.clusters[i].x - clusters.clusters[j].x,
                                 clusters.clusters[i].y - clusters.clusters[j].y);
            assert_true(fabs(apart - shown) < 1e-6);
        }
    assert_true(fabs(clusters.map_share[0] + clusters.map_share[1] - 1) < 1e-12);
    es_clusters_release(&clusters);
    free(rows);
    rows = gaussian_rows(N, 30, 2); /* fewer centres than columns: the other way round */
    clusters = cluster_rows(rows, N, 30, &(es_cluster_options){.k = 3, .map = true});
    double apart = 0;
    for (int k = 0; k < 30; k++)
        apart += pow((double)clusters.centers[k] - (double)clusters.centers[30 + k], 2);
    double shown = hypot(clusters.clusters[0].x - clusters.clusters[1].x,
                         clusters.clusters[0].y - clusters.clusters[1].y);
    assert_true(fabs(sqrt(apart) - shown) < 1e-6); /* three points lie in a plane */
    es_clusters_release(&clusters);
    free(rows);
}

static void opposite_rows_have_no_mean_direction(void **state)
{
    (void)state;
    static const float rows[] = {1, 2, -1, -2};
    es_clusters clusters = cluster_rows(rows, 2, 2, &(es_cluster_options){.k = 1});
    assert_int_equal(clusters.count, 1);
    assert_true(clusters.objective == 0);
    assert_true(clusters.converged);
    assert_true(isnan(clusters.silhouette));
    es_clusters_release(&clusters);
}

static void refuses_what_cannot_be(void **state)
{
    (void)state;
    static const float rows[] = {1, 0, 0, 1, 0, 0, NAN, 1, 1, 1};
    es_space *space = open_rows(rows, 5, 2);
    es_error error = {0};
    es_clusters clusters;
    assert_int_equal(es_cluster_compute(space, &(es_cluster_options){.k = 4}, &clusters, &error),
                     ES_BAD_ARGUMENT);
    assert_says(error, "from 1 to 3");
    assert_int_equal(es_cluster_compute(space, &(es_cluster_options){.k = -1}, &clusters, &error),
                     ES_BAD_ARGUMENT);
    assert_ok(es_cluster_compute(space, NULL, &clusters, &error), error); /* k: all three */
    assert_int_equal(clusters.count, 3);
    es_clusters_release(&clusters);
    es_space_free(space);
    space = open_rows(rows + 4, 2, 2);
    assert_int_equal(es_cluster_compute(space, NULL, &clusters, &error), ES_BAD_INPUT);
    assert_says(error, "there is none");
    es_space_free(space);
}

static bool never(void *context, int64_t done, int64_t total)
{
    int64_t *calls = context;
    ++*calls;
    assert_true(done >= 0 && done <= total);
    return false;
}

static void can_be_cancelled(void **state)
{
    (void)state;
    enum { N = 1500, D = 96 };
    float *rows = gaussian_rows(N, D, 11);
    es_space *space = open_rows(rows, N, D);
    es_error error = {0};
    es_clusters clusters;
    int64_t calls = 0;
    es_cluster_options options = {.threads = 2, .progress = {never, &calls}};
    assert_int_equal(es_cluster_compute(space, &options, &clusters, &error), ES_CANCELLED);
    assert_true(calls >= 1);
    assert_null(clusters.labels);
    assert_ok(es_cluster_compute(space, NULL, &clusters, &error), error);
    assert_int_equal(clusters.count, 20);
    es_clusters_release(&clusters);
    es_space_free(space);
    free(rows);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    enum { N = 150, D = 20 };
    float *rows = gaussian_rows(N, D, 12);
    memcpy(rows + 30 * D, rows, D * sizeof *rows);
    bool failed = true;
    int64_t n = 0;
    for (; failed; n++) {
        es_space *space = open_rows(rows, N, D);
        es_error error = {0};
        es_clusters clusters;
        es_cluster_options options = {
            .k = 70, .restarts = 2, .iterations = 2, .threads = 1, .map = true};
        atomic_store(&failures, 0);
        atomic_store(&allocations_left, n);
        es_status status = es_cluster_compute(space, &options, &clusters, &error);
        atomic_store(&allocations_left, -1);
        failed = atomic_load(&failures) > 0;
        if (status != ES_OK && (status != ES_NO_MEMORY || !failed))
            fail_msg("allocation %lld: %s", (long long)n, error.text);
        es_clusters_release(&clusters);
        es_space_free(space);
    }
    assert_true(n > 40);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_plain_clusters),
        cmocka_unit_test(the_map_keeps_distances),
        cmocka_unit_test(opposite_rows_have_no_mean_direction),
        cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(can_be_cancelled),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("cluster", tests, scratch_setup, scratch_teardown);
}
