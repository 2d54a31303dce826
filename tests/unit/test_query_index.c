/* The index: against a brute force, one query and many, on every kernel and any number of threads,
 * on tables made to mislead it; and how it ends early: refused, cancelled, out of memory. */
#define _GNU_SOURCE /* setenv, mkdtemp */
#include "analysis/near_list.h"
#include "analysis/vectors.h"
#include "failing_allocation.h"
#include "kernel/kernel.h"
#include "tables.h"

#include <pthread.h>

/* ---- against a brute force ---------------------------------------------------------------------
 */

/* Unit rows (n, d) in float64, NaN where undefined: the rows of the rule of section 3. */
static double *unit_rows(es_space *space)
{
    int64_t n = es_space_row_count(space), d = es_space_column_count(space);
    const es_kernel *kernel = es_kernel_find("scalar");
    double *units = malloc((size_t)(n * d) * sizeof *units);
    es_error error = {0};
    assert_non_null(units);
    assert_ok(es_space_read_rows(space, 0, n, units, &error), error);
    for (int64_t i = 0; i < n; i++) es_make_unit(kernel, units + i * d, d, units + i * d);
    return units;
}

/* All defined rows by cosine, then id: returns how many. cosines is (n), reordered with the ids. */
static int64_t brute_force(const double *units, int64_t n, int64_t d, const double *vector,
                           int64_t *ids, double *cosines)
{
    const es_kernel *kernel = es_kernel_find("scalar");
    double *unit = malloc((size_t)d * sizeof *unit);
    int64_t count = 0;
    assert_non_null(unit);
    assert_true(es_make_unit(kernel, vector, d, unit) > 0);
    for (int64_t i = 0; i < n; i++) {
        double cosine = kernel->dot(units + i * d, unit, d);
        if (isnan(cosine)) continue;
        int64_t at = count++;
        for (; at > 0 && cosines[at - 1] < cosine; at--) {
            cosines[at] = cosines[at - 1];
            ids[at] = ids[at - 1];
        }
        cosines[at] = cosine;
        ids[at] = i;
    }
    free(unit);
    return count;
}

enum { QUERIES = 70 }; /* enough for tiles on two threads */

/* Rows, vectors near rows, and vectors of no row's direction, in turn. */
static double *draw_queries(const double *units, int64_t n, int64_t d, uint64_t seed)
{
    es_random random = {seed};
    double *queries = malloc((size_t)(QUERIES * d) * sizeof *queries);
    assert_non_null(queries);
    for (int64_t q = 0; q < QUERIES; q++) {
        int64_t row = es_random_below(&random, n);
        double noise = q % 3 == 0 ? 0 : q % 3 == 1 ? 0.3 / sqrt((double)d) : 1;
        for (int64_t k = 0; k < d; k++) {
            double x = noise < 1 && !isnan(units[row * d]) ? units[row * d + k] : 1e-3;
            queries[q * d + k] = 7 * (x + noise * draw_normal(&random));
        }
    }
    return queries;
}

typedef struct answers {
    int64_t wanted, *ids;
    double *cosines;
} answers;

static answers empty_answers(int64_t wanted)
{
    answers made = {wanted, malloc((size_t)(QUERIES * wanted) * sizeof *made.ids),
                    malloc((size_t)(QUERIES * wanted) * sizeof *made.cosines)};
    assert_true(made.ids && made.cosines);
    return made;
}

static void release_answers(answers *answers)
{
    free(answers->ids);
    free(answers->cosines);
}

/* What there must be: the first of all rows, -1 and NaN behind the last. */
static answers expected_answers(es_space *space, const double *queries, int64_t wanted)
{
    int64_t n = es_space_row_count(space), d = es_space_column_count(space);
    double *units = unit_rows(space), *cosines = malloc((size_t)n * sizeof *cosines);
    int64_t *ids = malloc((size_t)n * sizeof *ids);
    assert_true(cosines && ids);
    answers made = empty_answers(wanted);
    for (int64_t q = 0; q < QUERIES; q++) {
        int64_t count = brute_force(units, n, d, queries + q * d, ids, cosines);
        for (int64_t r = 0; r < wanted; r++) {
            made.ids[q * wanted + r] = r < count ? ids[r] : -1;
            made.cosines[q * wanted + r] = r < count ? cosines[r] : NAN;
        }
    }
    free(units);
    free(cosines);
    free(ids);
    return made;
}

static void check_same(const answers *found, const answers *expected, const char *what)
{
    for (int64_t i = 0; i < QUERIES * expected->wanted; i++) {
        double a = found->cosines[i], b = expected->cosines[i];
        if (found->ids[i] != expected->ids[i] || !(a == b || (isnan(a) && isnan(b))))
            fail_msg("%s, query %lld, place %lld: row %lld %.17g, not row %lld %.17g", what,
                     (long long)(i / expected->wanted), (long long)(i % expected->wanted),
                     (long long)found->ids[i], a, (long long)expected->ids[i], b);
    }
}

static void check_index(es_space *space, const double *queries, const answers *expected,
                        const char *what)
{
    int64_t d = es_space_column_count(space), k = expected->wanted;
    es_index *index;
    es_error error = {0};
    assert_ok(es_index_create(space, &(es_index_options){.threads = 2}, &index, &error), error);
    answers found = empty_answers(k);
    for (int64_t q = 0; q < QUERIES; q++) {
        int64_t count, *ids = found.ids + q * k;
        assert_ok(es_index_query(index, queries + q * d, k, NULL, 0, ids, found.cosines + q * k,
                                 &count, &error),
                  error);
        assert_int_equal(count, k < es_index_row_count(index) ? k : es_index_row_count(index));
        for (; count < k; count++) {
            ids[count] = -1;
            found.cosines[q * k + count] = NAN;
        }
    }
    check_same(&found, expected, what);
    static const int threads[] = {1, 2, 7};
    for (int t = 0; t < 3; t++) {
        memset(found.ids, 0, (size_t)(QUERIES * k) * sizeof *found.ids);
        assert_ok(es_index_query_many(index, queries, QUERIES, k, NULL,
                                      &(es_index_options){.threads = threads[t]}, found.ids,
                                      found.cosines, &error),
                  error);
        check_same(&found, expected, what);
    }
    release_answers(&found);
    es_index_free(index);
}

/* Every kernel in turn, by the one word of the environment that the library hears. */
static void check_everywhere(const char *dtype, const double *values, int64_t n, int64_t d,
                             int64_t k, const char *transform)
{
    for (int i = 0; es_kernel_names[i]; i++) {
        if (!es_kernel_find(es_kernel_names[i])) continue;
        setenv("EMBSCOPE_KERNEL", es_kernel_names[i], 1);
        es_open_options options = {.transform = transform};
        es_space *space = open_path(write_table("table.npy", dtype, n, d, values), &options);
        double *units = unit_rows(space), *queries = draw_queries(units, n, d, 5);
        answers expected = expected_answers(space, queries, k);
        check_index(space, queries, &expected, es_kernel_names[i]);
        release_answers(&expected);
        free(units);
        free(queries);
        es_space_free(space);
    }
    unsetenv("EMBSCOPE_KERNEL");
}

static void is_the_brute_force(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{1, 1, 1},     {2, 1, 3},       {100, 1, 5},
                                        {63, 3, 7},    {65, 64, 10},    {193, 129, 1},
                                        {1001, 64, 9}, {300, 130, 300}, {70, 4096, 4}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int64_t n = shapes[s][0], d = shapes[s][1];
        double *values = draw_table(n, d, s + 1);
        check_everywhere("f4", values, n, d, shapes[s][2], NULL);
        free(values);
    }
}

static void keeps_duplicates_and_leaves_out_the_undefined(void **state)
{
    (void)state;
    enum { N = 300, D = 24 };
    double *values = draw_table(N, D, 9);
    for (int i = 60; i < 110; i++) memcpy(values + i * D, values + 7 * D, D * sizeof *values);
    for (int i = 200; i < 230; i++) /* the same direction, other bytes */
        for (int k = 0; k < D; k++) values[i * D + k] = 2 * values[7 * D + k];
    for (int k = 0; k < D; k++) values[5 * D + k] = 0;
    values[6 * D + 3] = NAN;
    values[250 * D] = INFINITY;
    check_everywhere("f4", values, N, D, 10, NULL);
    check_everywhere("f4", values, N, D, N + 5, NULL); /* more than there are */
    for (int i = 0; i < N * D; i++) values[i] = 1;
    check_everywhere("f4", values, N, D, 10, NULL);
    free(values);
}

static void knows_norms_of_every_size(void **state)
{
    (void)state;
    enum { N = 260, D = 32 };
    double *values = draw_table(N, D, 10);
    for (int i = 0; i < N * D; i++) values[i] *= i / D < 80 ? 1e-30 : i / D < 160 ? 1e30 : 1;
    values[0] = 1e38;                                   /* one huge component */
    for (int k = 0; k < D; k++) values[D + k] *= 1e-12; /* denormal */
    check_everywhere("f4", values, N, D, 10, NULL);
    for (int i = 0; i < N; i++) values[i * D + 3] += 60; /* an outlier dimension */
    check_everywhere("f4", values, N, D, 10, NULL);
    for (int i = 0; i < 40 * D; i++) values[i] *= 1e-200;
    check_everywhere("f8", values, N, D, 10, NULL);
    free(values);
}

static void tells_near_ties_apart(void **state)
{
    (void)state;
    enum { N = 600, D = 40 };
    double *values = draw_table(N, D, 11);
    es_random random = {12};
    for (int i = 20 * D; i < N * D; i++)
        values[i] = values[i % (20 * D)] + 1e-7 * draw_normal(&random);
    check_everywhere("f4", values, N, D, 10, NULL);
    check_everywhere("f4", values, N, D, 10, "center");
    free(values);
}

static void tops_are_prefixes(void **state)
{
    (void)state;
    enum { N = 900, D = 48, MOST = 40 };
    es_space *space = open_drawn(N, D, 13);
    double *units = unit_rows(space), *queries = draw_queries(units, N, D, 14);
    es_index *index;
    es_error error = {0};
    assert_ok(es_index_create(space, NULL, &index, &error), error);
    int64_t all[MOST], some[MOST], count;
    double all_cosines[MOST], cosines[MOST];
    for (int q = 0; q < 6; q++)
        for (int64_t k = 1; k < MOST; k++) {
            assert_ok(es_index_query(index, queries + q * D, MOST, NULL, 0, all, all_cosines,
                                     &count, &error),
                      error);
            assert_ok(
                es_index_query(index, queries + q * D, k, NULL, 0, some, cosines, &count, &error),
                error);
            assert_memory_equal(some, all, (size_t)k * sizeof *all);
            assert_memory_equal(cosines, all_cosines, (size_t)k * sizeof *cosines);
        }
    es_index_free(index);
    es_space_free(space);
    free(units);
    free(queries);
}

static void agrees_with_neighbors(void **state)
{
    (void)state;
    enum { N = 700, D = 96, K = 12 };
    es_space *space = open_drawn(N, D, 15);
    double *units = unit_rows(space), *queries = draw_queries(units, N, D, 16);
    es_index *index;
    es_error error = {0};
    assert_ok(es_index_create(space, NULL, &index, &error), error);
    for (int q = 0; q < QUERIES; q++) {
        es_neighbors neighbors;
        int64_t ids[K], count;
        double cosines[K];
        assert_ok(es_neighbors_of_vector(space, queries + q * D, NULL,
                                         &(es_neighbors_options){.k = K}, &neighbors, &error),
                  error);
        assert_ok(es_index_query(index, queries + q * D, K, NULL, 0, ids, cosines, &count, &error),
                  error);
        assert_int_equal(neighbors.count, count);
        for (int i = 0; i < K; i++) {
            assert_int_equal(neighbors.neighbors[i].id, ids[i]);
            assert_true(neighbors.neighbors[i].cosine == cosines[i]);
        }
        es_neighbors_release(&neighbors);
    }
    es_index_free(index);
    es_space_free(space);
    free(units);
    free(queries);
}

static void leaves_out_the_excluded(void **state)
{
    (void)state;
    enum { N = 500, D = 32, K = 6, OUT = 3 };
    es_space *space = open_drawn(N, D, 17);
    double *units = unit_rows(space), *queries = draw_queries(units, N, D, 18);
    es_index *index;
    es_error error = {0};
    assert_ok(es_index_create(space, NULL, &index, &error), error);
    int64_t first[QUERIES], ids[QUERIES * K], all[K + OUT], some[K], count;
    double cosines[QUERIES * K], all_cosines[K + OUT], some_cosines[K];
    for (int q = 0; q < QUERIES; q++) {
        assert_ok(es_index_query(index, queries + q * D, K + OUT, NULL, 0, all, all_cosines, &count,
                                 &error),
                  error);
        assert_ok(es_index_query(index, queries + q * D, K, (int64_t[]){all[0], -1, all[2], all[1]},
                                 OUT + 1, some, some_cosines, &count, &error),
                  error);
        assert_memory_equal(some, all + OUT, sizeof some);
        assert_memory_equal(some_cosines, all_cosines + OUT, sizeof some_cosines);
        first[q] = q % 2 ? all[0] : -1;
    }
    for (int threads = 1; threads < 4; threads += 2) { /* tiles, and one by one */
        assert_ok(es_index_query_many(index, queries, QUERIES, K, first,
                                      &(es_index_options){.threads = threads}, ids, cosines,
                                      &error),
                  error);
        for (int q = 0; q < QUERIES; q++) {
            assert_ok(es_index_query(index, queries + q * D, K, &first[q], 1, some, some_cosines,
                                     &count, &error),
                      error);
            assert_memory_equal(ids + q * K, some, sizeof some);
            assert_memory_equal(cosines + q * K, some_cosines, sizeof some_cosines);
        }
    }
    /* Everything left out but two. */
    int64_t most[N];
    for (int i = 0; i < N; i++) most[i] = i;
    assert_ok(
        es_index_query(index, queries, K, most + 2, N - 2, some, some_cosines, &count, &error),
        error);
    assert_int_equal(count, 2);
    assert_int_equal(some[0] + some[1], 1);
    es_index_free(index);
    es_space_free(space);
    free(units);
    free(queries);
}

/* ---- candidates --------------------------------------------------------------------------------
 */

static void lists_keep_what_could_be_best(void **state)
{
    (void)state;
    enum { K = 7, PUSHED = 3000 };
    es_near_list list = {0};
    es_error error = {0};
    es_random random = {30};
    float lower[PUSHED], upper[PUSHED], sorted[PUSHED];
    for (int round = 0; round < 2; round++) { /* a list is used again */
        assert_ok(es_near_begin(&list, K, &error), error);
        for (int i = 0; i < PUSHED; i++) {
            lower[i] = sorted[i] = (float)draw_uniform(&random);
            upper[i] = lower[i] + 0.01f;
            float least = list.least;
            assert_ok(es_near_push(&list, (es_near){i, lower[i], upper[i]}, &error), error);
            assert_true(list.least >= least);
            if (i < K - 1) assert_true(isinf(list.least));
        }
        es_near_cut(&list);
        float kth = es_select_largest(sorted, PUSHED, K - 1);
        assert_true(list.least == kth);
        int64_t above = 0, expected = 0;
        for (int i = 0; i < PUSHED; i++) {
            above += lower[i] > kth;
            expected += upper[i] >= kth;
        }
        assert_int_equal(above, K - 1);
        assert_int_equal(list.count, expected);
        for (int64_t i = 0; i < list.count; i++) assert_true(upper[list.items[i].place] >= kth);
    }
    assert_true(list.capacity < PUSHED / 2); /* what is out does not pile up */
    es_near_release(&list);
}

/* ---- from many threads -------------------------------------------------------------------------
 */

typedef struct caller {
    es_index *index;
    const double *queries;
    int64_t d, ids[QUERIES];
} caller;

static void *ask_all(void *context)
{
    caller *caller = context;
    for (int64_t q = 0; q < QUERIES; q++) {
        int64_t count;
        double cosine;
        if (es_index_query(caller->index, caller->queries + q * caller->d, 1, NULL, 0,
                           &caller->ids[q], &cosine, &count, NULL) != ES_OK)
            caller->ids[q] = -2;
    }
    return NULL;
}

static void answers_several_threads(void **state)
{
    (void)state;
    enum { N = 800, D = 64, CALLERS = 4 };
    es_space *space = open_drawn(N, D, 19);
    double *units = unit_rows(space), *queries = draw_queries(units, N, D, 20);
    es_index *index;
    es_error error = {0};
    assert_ok(es_index_create(space, NULL, &index, &error), error);
    caller callers[CALLERS + 1];
    pthread_t threads[CALLERS];
    for (int i = 0; i <= CALLERS; i++)
        callers[i] = (caller){.index = index, .queries = queries, .d = D};
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all, &callers[i]), 0);
    for (int i = 0; i < CALLERS; i++) pthread_join(threads[i], NULL);
    ask_all(&callers[CALLERS]);
    for (int i = 0; i < CALLERS; i++)
        assert_memory_equal(callers[i].ids, callers[CALLERS].ids, sizeof callers[i].ids);
    es_index_free(index);
    es_space_free(space);
    free(units);
    free(queries);
}

/* ---- ending early ------------------------------------------------------------------------------
 */

static void refuses_what_cannot_be(void **state)
{
    (void)state;
    static const double rows[] = {1, 0, 0, 1, 0, 0, NAN, 1, 1, 1};
    es_space *space = open_values("f4", 5, 2, rows);
    es_index *index;
    es_error error = {0};
    int64_t ids[4], count = 9;
    double cosines[4];
    static const double vectors[] = {1, 2, 0, 0};
    assert_ok(es_index_create(space, NULL, &index, &error), error);
    assert_int_equal(es_index_row_count(index), 3);
    assert_int_equal(es_index_query(index, vectors + 2, 2, NULL, 0, ids, cosines, &count, &error),
                     ES_BAD_INPUT);
    assert_says(error, "zero or not finite");
    assert_int_equal(count, 0);
    assert_int_equal(es_index_query(index, vectors, 0, NULL, 0, ids, cosines, &count, &error),
                     ES_BAD_ARGUMENT);
    assert_int_equal(es_index_query_many(index, vectors, 2, 2, NULL, NULL, ids, cosines, &error),
                     ES_BAD_INPUT);
    assert_says(error, "query 1");
    assert_int_equal(es_index_query_many(index, vectors, 1, -1, NULL, NULL, ids, cosines, &error),
                     ES_BAD_ARGUMENT);
    assert_ok(es_index_query_many(index, vectors, 0, 2, NULL, NULL, ids, cosines, &error), error);
    es_index_free(index);
    es_space_free(space);
    space = open_values("f4", 2, 2, rows + 4);
    assert_int_equal(es_index_create(space, NULL, &index, &error), ES_BAD_INPUT);
    assert_says(error, "no row");
    assert_null(index);
    es_space_free(space);
    es_index_free(NULL);
}

static void can_be_cancelled(void **state)
{
    (void)state;
    es_space *space = open_drawn(400, 32, 21);
    double *units = unit_rows(space), *queries = draw_queries(units, 400, 32, 22);
    es_index *index;
    es_error error = {0};
    int64_t calls = 0, ids[QUERIES];
    double cosines[QUERIES];
    es_index_options options = {.threads = 1, .progress = {stop_at_once, &calls}};
    assert_int_equal(es_index_create(space, &options, &index, &error), ES_CANCELLED);
    assert_true(calls > 0);
    assert_ok(es_index_create(space, NULL, &index, &error), error);
    assert_int_equal(
        es_index_query_many(index, queries, QUERIES, 1, NULL, &options, ids, cosines, &error),
        ES_CANCELLED);
    es_index_free(index);
    es_space_free(space);
    free(units);
    free(queries);
}

static es_status build_and_ask(es_space *space, const double *queries, es_error *error)
{
    enum { K = 30 };
    static int64_t ids[QUERIES * K];
    static double cosines[QUERIES * K];
    es_index_options options = {.threads = 1};
    int64_t count;
    es_index *index;
    ES_TRY(es_index_create(space, &options, &index, error));
    es_status status = es_index_query(index, queries, K, NULL, 0, ids, cosines, &count, error);
    if (status == ES_OK)
        status =
            es_index_query_many(index, queries, QUERIES, K, NULL, &options, ids, cosines, error);
    es_index_free(index);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    enum { N = 150, D = 20 };
    double *values = draw_table(N, D, 23);
    const char *path = write_table("table.npy", "f4", N, D, values);
    for (int i = 0; es_kernel_names[i]; i++) {
        if (!es_kernel_find(es_kernel_names[i])) continue;
        setenv("EMBSCOPE_KERNEL", es_kernel_names[i], 1);
        bool failed = true;
        int64_t n = 0;
        for (; failed; n++) {
            es_space *space = open_path(path, NULL);
            double *units = unit_rows(space), *queries = draw_queries(units, N, D, 24);
            es_error error = {0};
            atomic_store(&failures, 0);
            atomic_store(&allocations_left, n);
            es_status status = build_and_ask(space, queries, &error);
            atomic_store(&allocations_left, -1);
            failed = atomic_load(&failures) > 0;
            if (status != ES_OK && (status != ES_NO_MEMORY || !failed))
                fail_msg("allocation %lld: %s", (long long)n, error.text);
            es_space_free(space);
            free(units);
            free(queries);
        }
        assert_true(n > 20);
    }
    unsetenv("EMBSCOPE_KERNEL");
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_brute_force),
        cmocka_unit_test(keeps_duplicates_and_leaves_out_the_undefined),
        cmocka_unit_test(knows_norms_of_every_size),
        cmocka_unit_test(tells_near_ties_apart),
        cmocka_unit_test(tops_are_prefixes),
        cmocka_unit_test(agrees_with_neighbors),
        cmocka_unit_test(leaves_out_the_excluded),
        cmocka_unit_test(lists_keep_what_could_be_best),
        cmocka_unit_test(answers_several_threads),
        cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(can_be_cancelled),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("query_index", tests, scratch_setup, scratch_teardown);
}
