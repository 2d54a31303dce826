/* Average linkage against SciPy, the order of leaves against an exhaustive dynamic programme
 * (tools/golden/analysis.py): SciPy's own order is not always the best one. */
#include "analysis/linkage.h"
#include "distances.h"
#include "test.h"

#include <math.h>

static double cost_of(int64_t n, const double *matrix, const int64_t *order)
{
    double cost = 0;
    for (int64_t i = 0; i + 1 < n; i++) cost += matrix[order[i] * n + order[i + 1]];
    return cost;
}

/* Leaves of every cluster stand side by side in the order: no crossing in the drawing. */
static void check_tree_order(int64_t n, const es_merge *merges, const int64_t *order)
{
    int64_t low[2 * MOST], high[2 * MOST];
    for (int64_t i = 0; i < n; i++) low[i] = high[i] = -1;
    for (int64_t i = 0; i < n; i++) {
        assert_true(order[i] >= 0 && order[i] < n && low[order[i]] == -1);
        low[order[i]] = high[order[i]] = i;
    }
    for (int64_t r = 0; r < n - 1; r++) {
        int64_t a = merges[r].a, b = merges[r].b;
        low[n + r] = low[a] < low[b] ? low[a] : low[b];
        high[n + r] = high[a] > high[b] ? high[a] : high[b];
        assert_int_equal(high[n + r] - low[n + r] + 1, merges[r].size);
    }
}

typedef struct golden {
    char kind[16];
    int64_t n;
    es_merge merges[MOST];
    double cost;
    int64_t order[MOST];
} golden;

static void compare(const golden *expected, uint64_t seed)
{
    int64_t n = expected->n, order[MOST];
    static double matrix[MOST * MOST], consumed[MOST * MOST];
    es_merge merges[MOST];
    es_error error = {0};
    make_distances(expected->kind, n, seed, matrix);
    memcpy(consumed, matrix, sizeof matrix);
    assert_ok(es_linkage_average(n, consumed, merges, &error), error);
    assert_ok(es_leaf_order(n, matrix, merges, 2, NULL, order, &error), error);
    for (int64_t r = 0; r < n - 1; r++) {
        const es_merge *found = &merges[r], *want = &expected->merges[r];
        if (found->a != want->a || found->b != want->b || found->size != want->size ||
            !(fabs(found->height - want->height) <= 1e-12))
            fail_msg("%s, n = %lld, merge %lld: (%lld, %lld, %.17g, %lld)", expected->kind,
                     (long long)n, (long long)r, (long long)found->a, (long long)found->b,
                     found->height, (long long)found->size);
    }
    check_tree_order(n, merges, order);
    double cost = cost_of(n, matrix, order);
    if (!(fabs(cost - expected->cost) <= 1e-12 * (1 + expected->cost)))
        fail_msg("%s, n = %lld: cost %.17g, expected %.17g", expected->kind, (long long)n, cost,
                 expected->cost);
    assert_true(order[0] <= order[n - 1]);
    if (strcmp(expected->kind, "ties") == 0) return;
    bool forward = true, backward = true;
    for (int64_t i = 0; i < n; i++) {
        forward = forward && order[i] == expected->order[i];
        backward = backward && order[i] == expected->order[n - 1 - i];
    }
    assert_true(forward || backward);
}

static void agrees_with_the_reference(void **state)
{
    (void)state;
    FILE *file = fopen(test_source_path("tests/golden/linkage.txt"), "r");
    assert_non_null(file);
    static char line[4096];
    static golden expected;
    unsigned long long seed = 0;
    int64_t merges = 0, compared = 0;
    while (fgets(line, sizeof line, file)) {
        long long a, b, size;
        double height;
        if (sscanf(line, "matrix %15s %lld %llu", expected.kind, &a, &seed) == 3) {
            assert_true(a <= MOST);
            expected.n = a;
            merges = 0;
        } else if (sscanf(line, "merge %lld %lld %la %lld", &a, &b, &height, &size) == 4) {
            expected.merges[merges++] = (es_merge){a, b, height, size};
        } else if (sscanf(line, "cost %la", &height) == 1) {
            expected.cost = height;
        } else if (strncmp(line, "order ", 6) == 0) {
            char *at = line + 6;
            for (int64_t i = 0; i < expected.n; i++) expected.order[i] = strtoll(at, &at, 10);
            assert_int_equal(merges, expected.n - 1);
            compare(&expected, seed);
            compared++;
        }
    }
    fclose(file);
    assert_int_equal(compared, 36);
}

/* Heights never fall by more than rounding, sizes add up, the last merge holds everything. */
static void is_a_tree(void **state)
{
    (void)state;
    for (int64_t n = 2; n <= MOST; n += 3) {
        static double matrix[MOST * MOST];
        es_merge merges[MOST];
        es_error error = {0};
        make_distances("uniform", n, (uint64_t)n + 100, matrix);
        assert_ok(es_linkage_average(n, matrix, merges, &error), error);
        int64_t size[2 * MOST];
        for (int64_t i = 0; i < n; i++) size[i] = 1;
        for (int64_t r = 0; r < n - 1; r++) {
            const es_merge *m = &merges[r];
            assert_true(m->a < m->b && m->b < n + r);
            size[n + r] = size[m->a] + size[m->b];
            assert_int_equal(size[n + r], m->size);
            size[m->a] = size[m->b] = 0; /* a cluster is joined once */
            assert_true(!r || m->height >= merges[r - 1].height);
        }
        assert_int_equal(merges[n - 2].size, n);
    }
}

/* All distances equal (all rows orthogonal), and all zero (all rows equal). */
static void flat_matrices(void **state)
{
    (void)state;
    for (int zero = 0; zero < 2; zero++) {
        enum { N = 17 };
        double matrix[N * N], kept[N * N];
        for (int i = 0; i < N * N; i++) matrix[i] = zero || i % (N + 1) == 0 ? 0 : 1;
        memcpy(kept, matrix, sizeof kept);
        es_merge merges[N];
        int64_t order[N];
        es_error error = {0};
        assert_ok(es_linkage_average(N, matrix, merges, &error), error);
        for (int r = 0; r < N - 1; r++) assert_true(merges[r].height == !zero);
        assert_ok(es_leaf_order(N, kept, merges, 1, NULL, order, &error), error);
        check_tree_order(N, merges, order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_reference),
        cmocka_unit_test(is_a_tree),
        cmocka_unit_test(flat_matrices),
    };
    return cmocka_run_group_tests_name("linkage", tests, NULL, NULL);
}
