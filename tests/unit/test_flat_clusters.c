/* Cuts of the average-linkage tree, cophenetic correlation and silhouettes against SciPy and
 * scikit-learn (tools/golden/clusters.py); the largest eigenvalue against LAPACK. */
#include "tables.h"

#include "analysis/flat_clusters.h"
#include "analysis/leading_eigenvalue.h"
#include "distances.h"
#include "kernel/linear.h"

typedef struct golden {
    char kind[16];
    int64_t n, wanted, count;
    double matrix[MOST * MOST];
    es_merge merges[MOST];
    int64_t labels[MOST];
    int64_t found[MOST];
} golden;

static void make_tree(golden *golden, uint64_t seed)
{
    static double consumed[MOST * MOST];
    es_error error = {0};
    make_distances(golden->kind, golden->n, seed, golden->matrix);
    memcpy(consumed, golden->matrix, sizeof consumed);
    assert_ok(es_linkage_average(golden->n, consumed, golden->merges, &error), error);
}

static void check_cut(golden *golden, char *at)
{
    int64_t roots[2 * MOST];
    int64_t count =
        es_tree_cut(golden->n, golden->merges, golden->wanted, NULL, golden->found, roots);
    assert_int_equal(count, golden->count);
    for (int64_t i = 0; i < golden->n; i++)
        assert_int_equal(golden->found[i], strtoll(at, &at, 10));
}

static void check_silhouettes(const golden *golden, double expected_mean, char *at)
{
    double each[MOST], mean;
    es_error error = {0};
    for (int threads = 1; threads <= 3; threads += 2) {
        char *here = at;
        assert_ok(es_silhouettes(golden->n, golden->matrix, golden->found, golden->count, threads,
                                 NULL, each, &mean, &error),
                  error);
        assert_near(mean, expected_mean, 1e-14);
        for (int64_t i = 0; i < golden->n; i++) assert_near(each[i], strtod(here, &here), 1e-14);
    }
}

static void agrees_with_the_reference(void **state)
{
    (void)state;
    FILE *file = fopen(test_source_path("tests/golden/clusters.txt"), "r");
    assert_non_null(file);
    static char line[8192];
    static golden golden;
    double value, mean = 0;
    int64_t cuts = 0, silhouettes = 0, correlations = 0;
    int start;
    while (fgets(line, sizeof line, file)) {
        long long n, wanted, count;
        unsigned long long seed;
        es_error error = {0};
        if (sscanf(line, "matrix %15s %lld %llu", golden.kind, &n, &seed) == 3) {
            assert_true(n <= MOST);
            golden.n = n;
            make_tree(&golden, seed);
        } else if (sscanf(line, "cophenetic %la", &value) == 1) {
            double found;
            assert_ok(
                es_cophenetic_correlation(golden.n, golden.matrix, golden.merges, &found, &error),
                error);
            assert_near(found, value, 1e-13);
            correlations++;
        } else if (sscanf(line, "cut %lld %lld %n", &wanted, &count, &start) == 2) {
            golden.wanted = wanted;
            golden.count = count;
            check_cut(&golden, line + start);
            cuts++;
        } else if (sscanf(line, "mean %la", &mean) == 1) {
            continue;
        } else if (strncmp(line, "silhouettes ", 12) == 0) {
            check_silhouettes(&golden, mean, line + 12);
            silhouettes++;
        }
    }
    fclose(file);
    assert_int_equal(correlations, 33);
    assert_int_equal(cuts, 171);
    assert_int_equal(silhouettes, 138);
}

/* Every number of clusters of an untied tree, the finest two included. */
static void every_cut(void **state)
{
    (void)state;
    static golden golden = {.kind = "uniform", .n = 17};
    int64_t roots[2 * MOST], order[MOST];
    make_tree(&golden, 3);
    for (int64_t i = 0; i < golden.n; i++) order[i] = golden.n - 1 - i;
    for (int64_t wanted = 1; wanted <= golden.n; wanted++) {
        assert_int_equal(es_tree_cut(golden.n, golden.merges, wanted, order, golden.labels, roots),
                         wanted);
        int64_t highest = -1; /* a label appears first in the order of the leaves */
        for (int64_t place = 0; place < golden.n; place++) {
            int64_t label = golden.labels[order[place]];
            assert_true(label >= 0 && label <= highest + 1);
            if (label > highest) highest = label;
        }
        assert_int_equal(highest, wanted - 1);
        double each[MOST], mean;
        es_error error = {0};
        assert_ok(es_silhouettes(golden.n, golden.matrix, golden.labels, wanted, 1, NULL, each,
                                 &mean, &error),
                  error);
        assert_true(isnan(mean) == (wanted == 1 || wanted == golden.n));
    }
}

/* All distances alike: no cut but the whole and the single items. */
static void merges_of_one_height_stay_together(void **state)
{
    (void)state;
    enum { N = 6 };
    double matrix[N * N], consumed[N * N], correlation;
    es_merge merges[N];
    int64_t labels[N], roots[2 * N];
    es_error error = {0};
    for (int i = 0; i < N * N; i++) matrix[i] = consumed[i] = i % (N + 1) ? 0.5 : 0;
    assert_ok(es_linkage_average(N, consumed, merges, &error), error);
    for (int64_t wanted = 1; wanted < N; wanted++)
        assert_int_equal(es_tree_cut(N, merges, wanted, NULL, labels, roots), 1);
    assert_int_equal(es_tree_cut(N, merges, N, NULL, labels, roots), N);
    assert_ok(es_cophenetic_correlation(N, matrix, merges, &correlation, &error), error);
    assert_true(isnan(correlation));
    es_flat_clusters clusters = {0};
    assert_ok(es_flat_clusters_make(N, matrix, merges, NULL, 1, NULL, &clusters, &error), error);
    assert_int_equal(clusters.count, 1);
    assert_int_equal(clusters.candidate_count, N - 2);
    assert_true(isnan(clusters.mean_silhouette) && isnan(clusters.candidates[0]));
    es_flat_clusters_release(&clusters);
}

static void largest_eigenvalue(void **state)
{
    (void)state;
    const es_kernel *kernel;
    es_error error = {0};
    assert_ok(es_kernel_get(&kernel, &error), error);
    static const struct {
        int64_t n, d;
    } sizes[] = {{1, 3}, {2, 3}, {3, 2}, {17, 5}, {40, 40}, {150, 64}, {400, 100}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t n = sizes[s].n, d = sizes[s].d;
        for (int centered = 0; centered < 2; centered++) {
            double *rows = draw_table(n, d, 3 + s), *matrix = calloc((size_t)(n * n), 8);
            double *scratch = malloc((size_t)es_leading_eigenvalue_scratch(n) * 8);
            double *values = malloc((size_t)n * 8);
            assert_true(matrix && scratch && values);
            for (int64_t i = 0; i < n * d; i++) rows[i] -= centered * 0.5 * (i % d % 3 == 0);
            for (int64_t i = 0; i < n; i++)
                for (int64_t j = 0; j < n; j++)
                    matrix[i * n + j] = plain_cosine(rows + i * d, rows + j * d, d);
            double found = es_leading_eigenvalue(kernel, n, matrix, scratch);
            assert_ok(es_eigen_symmetric(n, matrix, values, &error), error);
            assert_near(found, values[0], 1e-9);
            free(rows);
            free(matrix);
            free(scratch);
            free(values);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_reference),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(merges_of_one_height_stay_together),
        cmocka_unit_test(largest_eigenvalue),
    };
    return cmocka_run_group_tests_name("flat_clusters", tests, scratch_setup, scratch_teardown);
}
