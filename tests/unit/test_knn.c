#define _GNU_SOURCE /* setenv */
/* The knn graph: against a brute force on every kernel, what it says of known point sets, and how
 * it ends early: cancelled, refused, out of memory. */
#include "analysis/knn_lists.h"
#include "failing_allocation.h"
#include "kernel/kernel.h"
#include "random_rows.h"

/* ---- against a brute force ---------------------------------------------------------------------
 */

/* The k nearest of `row` among unit rows (n, d), by cosine, then id. NaN rows are nobody's. */
static void brute_force(const es_kernel *kernel, const double *units, int64_t n, int64_t d,
                        int64_t row, int64_t k, int32_t *ids)
{
    double *cosines = malloc((size_t)n * sizeof *cosines);
    assert_non_null(cosines);
    for (int64_t j = 0; j < n; j++) cosines[j] = kernel->dot(units + row * d, units + j * d, d);
    cosines[row] = NAN;
    for (int64_t r = 0; r < k; r++) {
        int64_t best = -1;
        for (int64_t j = 0; j < n; j++)
            if (cosines[j] == cosines[j] && (best < 0 || cosines[j] > cosines[best])) best = j;
        ids[r] = (int32_t)best;
        cosines[best] = NAN;
    }
    free(cosines);
}

static void check_graph(const float *rows, int64_t n, int64_t d, int64_t k)
{
    es_space *space = open_rows(rows, n, d);
    const es_kernel *kernel = es_kernel_find("scalar");
    double *units = malloc((size_t)(n * d) * sizeof *units);
    int32_t *expected = malloc((size_t)k * sizeof *expected);
    es_error error = {0};
    es_knn knn = {0};
    es_knn_options options = {.k = k, .threads = 3};
    assert_true(units && expected);
    assert_ok(es_knn_compute(space, &options, &knn, &error), error);
    const double *norms;
    assert_ok(es_space_norms(space, &norms, &error), error);
    for (int64_t i = 0; i < n * d; i++)
        units[i] = norms[i / d] > 0 ? (double)rows[i] / norms[i / d] : NAN;
    for (int64_t i = 0; i < n; i++) {
        if (norms[i] == 0) {
            for (int64_t j = 0; j < k; j++)
                assert_true(knn.ids[i * k + j] == -1 && isnan(knn.cosines[i * k + j]));
            continue;
        }
        brute_force(kernel, units, n, d, i, k, expected);
        assert_memory_equal(knn.ids + i * k, expected, (size_t)k * sizeof *expected);
        for (int64_t j = 0; j < k; j++) {
            double cosine = kernel->dot(units + i * d, units + expected[j] * d, d);
            assert_true(knn.cosines[i * k + j] == (float)cosine);
        }
    }
    es_knn_release(&knn);
    es_space_free(space);
    free(units);
    free(expected);
}

/* Every kernel in turn, by the one word of the environment that the library hears. */
static void check_everywhere(const float *rows, int64_t n, int64_t d, int64_t k)
{
    for (int i = 0; es_kernel_names[i]; i++) {
        if (!es_kernel_find(es_kernel_names[i])) continue;
        setenv("EMBSCOPE_KERNEL", es_kernel_names[i], 1);
        check_graph(rows, n, d, k);
    }
    unsetenv("EMBSCOPE_KERNEL");
}

static void is_the_brute_force(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{2, 1, 1},   {3, 2, 2},    {49, 3, 48},
                                        {97, 10, 5}, {193, 48, 7}, {400, 257, 10}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int64_t n = shapes[s][0], d = shapes[s][1];
        float *rows = gaussian_rows(n, d, s + 1);
        check_everywhere(rows, n, d, shapes[s][2]);
        free(rows);
    }
}

static void keeps_duplicates_and_leaves_out_the_undefined(void **state)
{
    (void)state;
    enum { N = 300, D = 24 };
    float *rows = gaussian_rows(N, D, 9);
    for (int i = 60; i < 110; i++) memcpy(rows + i * D, rows + 7 * D, D * sizeof *rows);
    for (int i = 200; i < 230; i++) /* the same direction, other bytes */
        for (int k = 0; k < D; k++) rows[i * D + k] = 2 * rows[7 * D + k];
    memset(rows + 5 * D, 0, D * sizeof *rows);
    rows[6 * D + 3] = NAN;
    rows[250 * D] = INFINITY;
    check_everywhere(rows, N, D, 10);
    for (int i = 0; i < N * D; i++) rows[i] = 1;
    check_everywhere(rows, N, D, 10);
    free(rows);
}

static void knows_norms_of_every_size(void **state)
{
    (void)state;
    enum { N = 260, D = 32 };
    float *rows = gaussian_rows(N, D, 10);
    for (int i = 0; i < N * D; i++) rows[i] *= i / D < 80 ? 1e-30f : i / D < 160 ? 1e30f : 1;
    rows[0] = 1e38f;                                   /* one huge component */
    for (int k = 0; k < D; k++) rows[D + k] *= 1e-12f; /* denormal */
    check_everywhere(rows, N, D, 10);
    for (int i = 0; i < N; i++) rows[i * D + 3] += 60; /* an outlier dimension */
    check_everywhere(rows, N, D, 10);
    free(rows);
}

/* ---- what the graph says -----------------------------------------------------------------------
 */

static double dimension_of(float *rows, int64_t n, int64_t d)
{
    es_space *space = open_rows(rows, n, d);
    es_error error = {0};
    es_knn knn = {0};
    es_knn_options options = {.k = 2};
    assert_ok(es_knn_compute(space, &options, &knn, &error), error);
    double dimension = knn.twonn_dimension;
    assert_int_equal(knn.twonn_dropped, 0);
    es_knn_release(&knn);
    es_space_free(space);
    free(rows);
    return dimension;
}

/* The estimate spreads by about dimension / sqrt(n), 1.6 % here. */
static void finds_the_dimension(void **state)
{
    (void)state;
    enum { N = 4000 };
    static const int64_t spheres[] = {2, 3, 6};
    for (size_t s = 0; s < sizeof spheres / sizeof *spheres; s++) {
        int64_t d = spheres[s];
        double found = dimension_of(gaussian_rows(N, d, 20 + s), N, d);
        if (!(fabs(found / (double)(d - 1) - 1) < 0.05))
            fail_msg("sphere of dimension %d: %g", (int)d - 1, found);
    }
    /* A small cube of three dimensions on the sphere of four: it is flat there. */
    es_random random = {30};
    float *rows = malloc((size_t)N * 4 * sizeof *rows);
    assert_non_null(rows);
    for (int64_t i = 0; i < (int64_t)N * 4; i++)
        rows[i] = i % 4 ? (float)(1e-2 * (uniform(&random) - 0.5)) : 1;
    double found = dimension_of(rows, N, 4);
    if (!(fabs(found / 3 - 1) < 0.05)) fail_msg("cube: %g", found);
}

typedef void point_maker(es_random *random, int64_t dimension, double *point);

static double normal(es_random *random)
{
    double u = (uniform(random) + 1) / 2, v = uniform(random);
    return sqrt(-2 * log(1 - u)) * cos(3.14159265358979323846 * v);
}

/* dimension + 1 components; all makers fill six, those that are not theirs with zeros. */
static void on_sphere(es_random *random, int64_t dimension, double *point)
{
    double square = 0;
    for (int64_t k = 0; k <= dimension; k++) {
        point[k] = normal(random);
        square += point[k] * point[k];
    }
    for (int64_t k = 0; k <= dimension; k++) point[k] /= sqrt(square);
}

static void in_cube(es_random *random, int64_t dimension, double *point)
{
    for (int64_t k = 0; k < dimension; k++) point[k] = uniform(random);
}

/* A sheet rolled up, t (cos t, sin t) with the arc's density evened out, times a cube. */
static void on_swiss_roll(es_random *random, int64_t dimension, double *point)
{
    const double low = 4.7, high = 14.1; /* arc length grows like t^2 / 2 */
    double u = (uniform(random) + 1) / 2, t = sqrt(low * low + u * (high * high - low * low));
    point[0] = t * cos(t);
    point[1] = t * sin(t);
    for (int64_t k = 2; k <= dimension; k++) point[k] = 20 * uniform(random);
}

/* Euclidean TwoNN within 5 % of the truth; it spreads by about dimension / sqrt(n) of it, and edges
 * take a little off. */
static void finds_euclidean_dimensions(void **state)
{
    (void)state;
    enum { N = 6000, D = 6 };
    static point_maker *const makers[] = {on_sphere, in_cube, on_swiss_roll};
    static const char *const names[] = {"sphere", "cube", "Swiss roll"};
    double *points = malloc((size_t)N * D * sizeof *points);
    assert_non_null(points);
    for (int m = 0; m < 3; m++)
        for (int64_t dimension = 2; dimension <= 5; dimension++) {
            es_random random = {(uint64_t)(100 * m + dimension)};
            double found;
            int64_t dropped;
            es_error error = {0};
            memset(points, 0, (size_t)N * D * sizeof *points);
            for (int64_t i = 0; i < N; i++) makers[m](&random, dimension, points + i * D);
            assert_ok(es_twonn_points(points, N, D, 0, &found, &dropped, &error), error);
            assert_int_equal(dropped, 0);
            print_message("# %s of dimension %d: %.3f\n", names[m], (int)dimension, found);
            if (!(fabs(found / (double)dimension - 1) < 0.05))
                fail_msg("%s of dimension %d: %g", names[m], (int)dimension, found);
        }
    free(points);
}

static void counts_points_in_one_place(void **state)
{
    (void)state;
    double points[] = {0, 1e200, 3e200, 7e200, 7e200, 1.5e201}, found;
    int64_t dropped;
    es_error error = {0};
    assert_ok(es_twonn_points(points, 6, 1, 1, &found, &dropped, &error), error);
    assert_int_equal(dropped, 2);
    assert_true(found > 0);
    assert_ok(es_twonn_points(points, 2, 1, 1, &found, &dropped, &error), error);
    assert_true(isnan(found));
    points[4] = NAN;
    assert_int_equal(es_twonn_points(points, 3, 2, 1, &found, &dropped, &error), ES_BAD_INPUT);
    assert_says(error, "point 2 is not finite");
}

static void fits_the_ratios_law(void **state)
{
    (void)state;
    enum { N = 1000 };
    double ratios[N];
    /* F(mu) = 1 - mu^-D at i / n exactly, in another order: the slope is D. */
    for (int i = 0; i < N; i++) ratios[i * 7 % N] = pow(1 - (i + 1.0) / (N + 1e-9), -1 / 4.5);
    double found = es_twonn_dimension(ratios, N);
    assert_true(fabs(found - 4.5) < 1e-6);
    assert_true(isnan(es_twonn_dimension(ratios, 2)));
    for (int i = 0; i < N; i++) ratios[i] = 1;
    assert_true(isnan(es_twonn_dimension(ratios, N)));
}

/* Four rows on a line of directions: who is whose neighbour is plain. */
static void describes_a_small_graph(void **state)
{
    (void)state;
    static const float rows[] = {1, 0, 1, 0.1f, 1, 0.3f, 1, 1, 1, 0.1f};
    es_space *space = open_rows(rows, 5, 2);
    es_error error = {0};
    es_knn knn = {0};
    assert_ok(es_knn_compute(space, &(es_knn_options){.k = 1}, &knn, &error), error);
    static const int32_t expected[] = {1, 4, 1, 2, 1};
    assert_memory_equal(knn.ids, expected, sizeof expected);
    assert_int_equal(knn.duplicate_rows, 1);
    assert_int_equal(knn.maximum_occurrence, 3);
    assert_int_equal(knn.hubs[0].id, 1);
    assert_int_equal(knn.hub_count, 5);
    assert_memory_equal(knn.occurrences, ((const int32_t[]){0, 3, 1, 0, 1}), 5 * sizeof(int32_t));
    assert_true(knn.antihub_share == 0.4); /* 0 and 3 */
    assert_true(knn.mutual_share == 0.4);  /* 1 and 4 */
    assert_int_equal(knn.pair_count, 4);
    assert_int_equal(knn.pairs[0].a, 1);
    assert_int_equal(knn.pairs[0].b, 4);
    assert_true(fabs(knn.pairs[0].cosine - 1) < 1e-15);
    assert_true(isnan(knn.twonn_dimension));
    es_knn_release(&knn);
    es_space_free(space);
}

/* ---- candidate lists ---------------------------------------------------------------------------
 */

static void lists_keep_the_best(void **state)
{
    (void)state;
    enum { ROWS = 3, KEEP = 5, PUSHED = 2000 };
    const double bound = 1e-3;
    es_candidate_lists lists;
    es_error error = {0};
    es_random random = {4};
    float values[PUSHED];
    assert_ok(es_lists_init(&lists, PUSHED, KEEP, bound, &error), error);
    for (int i = 0; i < PUSHED; i++) {
        values[i] = (float)uniform(&random);
        float least = es_lists_least(&lists, ROWS);
        assert_ok(es_lists_push(&lists, ROWS, i, values[i], KEEP, &error), error);
        assert_true(es_lists_least(&lists, ROWS) >= least); /* it only rises */
    }
    bool whole;
    assert_ok(es_lists_finish(&lists, ROWS, &whole, &error), error);
    assert_true(whole);
    float fifth = 0;
    for (int i = 0; i < PUSHED; i++) {
        int larger = 0;
        for (int j = 0; j < PUSHED; j++) larger += values[j] > values[i];
        if (larger == KEEP - 1) fifth = values[i];
    }
    const es_candidate_list *list = &lists.lists[ROWS];
    for (int i = 0; i < PUSHED; i++) { /* whoever could be among the best is there */
        bool kept = false;
        for (int32_t j = 0; j < list->count; j++) kept = kept || list->items[j].place == i;
        if (values[i] >= (double)fifth - 2 * bound) assert_true(kept);
    }
    assert_true((double)es_lists_least(&lists, ROWS) <= (double)fifth - bound);
    assert_true((double)es_lists_least(&lists, ROWS) >= (double)fifth - bound - 1e-6);
    es_lists_release(&lists);
}

/* P(more than keep - 2 of keep_all - 1 are in the share) <= 1e-8, by a sum from the near end. */
static void short_lists_are_rarely_too_short(void **state)
{
    (void)state;
    static const double shares[] = {1e-6, 0.003, 0.0077, 0.1, 0.25, 0.5, 0.9, 0.999};
    static const int64_t lengths[] = {2, 3, 11, 101, 1001, 20001};
    for (size_t s = 0; s < sizeof shares / sizeof *shares; s++)
        for (size_t n = 0; n < sizeof lengths / sizeof *lengths; n++) {
            int64_t all = lengths[n], others = all - 1, keep = es_lists_keep(all, shares[s]);
            assert_true(keep >= 2 && keep <= all);
            double tail = 0;
            for (int64_t x = keep - 1; x <= others && keep < all; x++)
                tail += exp(lgamma((double)others + 1) - lgamma((double)x + 1) -
                            lgamma((double)(others - x) + 1) + (double)x * log(shares[s]) +
                            (double)(others - x) * log1p(-shares[s]));
            assert_true(tail <= 1.0001e-8);
        }
    assert_int_equal(es_lists_keep(101, 1), 101);
    assert_true(es_lists_keep(101, 0.01) < 20); /* or nothing is gained */
    assert_true(es_lists_keep(1001, 0.1) < 180);
}

enum { PUSHED = 400 };

/* A list that held too few of the best on the way must say so. */
static void lists_own_up_to_a_wrong_assumption(void **state)
{
    (void)state;
    enum { KEEP = 8, SHORT = 3 };
    for (int descending = 0; descending < 2; descending++) {
        es_candidate_lists lists;
        es_error error = {0};
        assert_ok(es_lists_init(&lists, PUSHED, KEEP, 1e-6, &error), error);
        for (int i = 0; i < PUSHED; i++) { /* the best come first, or last */
            float value = (float)(descending ? PUSHED - i : i) / PUSHED;
            int64_t keep = i < PUSHED / 2 ? SHORT : KEEP;
            assert_ok(es_lists_push(&lists, 1, i, value, keep, &error), error);
        }
        bool whole;
        assert_ok(es_lists_finish(&lists, 1, &whole, &error), error);
        assert_true(whole == !descending);
        es_lists_clear(&lists, 1);
        for (int i = 0; i < PUSHED; i++) {
            float value = (float)(descending ? PUSHED - i : i) / PUSHED;
            assert_ok(es_lists_push(&lists, 1, i, value, KEEP, &error), error);
        }
        assert_ok(es_lists_finish(&lists, 1, &whole, &error), error);
        assert_true(whole);
        es_lists_release(&lists);
    }
}

/* An item's value is its place over PUSHED. */
static es_status rank_by_place(void *context, int64_t row, int64_t keep, es_candidate *items,
                               int32_t count, double *last, es_error *error)
{
    (void)row, (void)error;
    ++*(int *)context;
    for (int64_t k = 0; k < keep; k++)
        for (int32_t i = (int32_t)k + 1; i < count; i++)
            if (items[i].place > items[k].place) {
                es_candidate held = items[i];
                items[i] = items[k];
                items[k] = held;
            }
    *last = (double)items[keep - 1].place / PUSHED;
    return ES_OK;
}

/* A bound that tells nothing apart: hundreds are ranked on the way, and what was then assumed lies
 * within the bound of what came of it. The exact cosines confirm it. */
static void what_the_bound_leaves_open_is_ranked(void **state)
{
    (void)state;
    enum { KEEP = 8, SHORT = 3 };
    es_candidate_lists lists;
    es_error error = {0};
    int asked = 0;
    bool whole;
    assert_ok(es_lists_init(&lists, PUSHED, KEEP, 0.5, &error), error);
    lists.rank = rank_by_place;
    lists.context = &asked;
    for (int i = 0; i < PUSHED; i++)
        assert_ok(
            es_lists_push(&lists, 1, i, (float)i / PUSHED, i < PUSHED - 20 ? SHORT : KEEP, &error),
            error);
    assert_int_equal(asked, 1);
    assert_ok(es_lists_finish(&lists, 1, &whole, &error), error);
    assert_true(whole);
    assert_int_equal(asked, 2);
    assert_int_equal(lists.lists[1].count, KEEP);
    for (int i = 0; i < KEEP; i++) assert_int_equal(lists.lists[1].items[i].place, PUSHED - 1 - i);
    es_lists_release(&lists);
}

/* All cosines of one-hot rows are equal, so that no assumption can be confirmed: the second screen
 * answers. */
static void screens_again_where_rows_tie(void **state)
{
    (void)state;
    enum { N = 800, K = 60 };
    float *rows = calloc(N * N, sizeof *rows);
    assert_non_null(rows);
    for (int i = 0; i < N; i++) rows[i * N + i] = 1;
    check_graph(rows, N, N, K);
    free(rows);
}

/* A cluster far narrower than what scores in 16 bits can tell apart, among others: its lists go on
 * in float32. */
static void tells_apart_what_halves_cannot(void **state)
{
    (void)state;
    enum { N = 900, D = 64 };
    float *rows = malloc(N * D * sizeof *rows);
    assert_non_null(rows);
    es_random random = {21};
    for (int64_t i = 0; i < N; i++)
        for (int64_t k = 0; k < D; k++) {
            double off = uniform(&random) + uniform(&random) + uniform(&random) - 1.5;
            rows[i * D + k] = (float)(i % 3 ? sin((double)k) + 1e-3 * off : off);
        }
    check_everywhere(rows, N, D, 5);
    check_everywhere(rows, N, D, 70);
    free(rows);
}

/* ---- ending early ------------------------------------------------------------------------------
 */

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
    setenv("EMBSCOPE_KERNEL", "scalar", 1); /* slow enough to be asked */
    es_space *space = open_rows(rows, N, D);
    es_error error = {0};
    es_knn knn = {0};
    int64_t calls = 0;
    es_knn_options options = {.threads = 2, .progress = {never, &calls}};
    assert_int_equal(es_knn_compute(space, &options, &knn, &error), ES_CANCELLED);
    assert_true(calls >= 1);
    assert_null(knn.ids);
    assert_null(knn.cosines);
    assert_ok(es_knn_compute(space, NULL, &knn, &error), error); /* the space is as good as new */
    assert_int_equal(knn.k, 10);
    es_knn_release(&knn);
    es_space_free(space);
    free(rows);
    unsetenv("EMBSCOPE_KERNEL");
}

static void refuses_what_cannot_be(void **state)
{
    (void)state;
    static const float rows[] = {1, 0, 0, 1, 0, 0, NAN, 1, 1, 1};
    es_space *space = open_rows(rows, 5, 2);
    es_error error = {0};
    es_knn knn = {0};
    assert_int_equal(es_knn_compute(space, &(es_knn_options){.k = 3}, &knn, &error),
                     ES_BAD_ARGUMENT);
    assert_says(error, "from 1 to 2");
    assert_int_equal(es_knn_compute(space, &(es_knn_options){.k = -1}, &knn, &error),
                     ES_BAD_ARGUMENT);
    assert_ok(es_knn_compute(space, &(es_knn_options){.k = 2}, &knn, &error), error);
    assert_int_equal(knn.left_out, 2);
    es_knn_release(&knn);
    es_space_free(space);
    space = open_rows(rows + 2, 3, 2);
    assert_int_equal(es_knn_compute(space, NULL, &knn, &error), ES_BAD_INPUT);
    assert_says(error, "there is 1");
    es_space_free(space);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    enum { N = 150, D = 20 };
    float *rows = gaussian_rows(N, D, 12);
    memcpy(rows + 30 * D, rows, D * sizeof *rows);
    for (int i = 0; es_kernel_names[i]; i++) {
        if (!es_kernel_find(es_kernel_names[i])) continue;
        setenv("EMBSCOPE_KERNEL", es_kernel_names[i], 1);
        bool failed = true;
        int64_t n = 0;
        for (; failed; n++) {
            es_space *space = open_rows(rows, N, D);
            es_error error = {0};
            es_knn knn = {0};
            atomic_store(&failures, 0);
            atomic_store(&allocations_left, n);
            es_status status =
                es_knn_compute(space, &(es_knn_options){.k = 40, .threads = 1}, &knn, &error);
            atomic_store(&allocations_left, -1);
            failed = atomic_load(&failures) > 0;
            if (status != ES_OK && (status != ES_NO_MEMORY || !failed))
                fail_msg("allocation %lld: %s", (long long)n, error.text);
            es_knn_release(&knn);
            es_space_free(space);
        }
        assert_true(n > 20);
    }
    unsetenv("EMBSCOPE_KERNEL");
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_brute_force),
        cmocka_unit_test(keeps_duplicates_and_leaves_out_the_undefined),
        cmocka_unit_test(knows_norms_of_every_size),
        cmocka_unit_test(finds_the_dimension),
        cmocka_unit_test(fits_the_ratios_law),
        cmocka_unit_test(finds_euclidean_dimensions),
        cmocka_unit_test(counts_points_in_one_place),
        cmocka_unit_test(describes_a_small_graph),
        cmocka_unit_test(lists_keep_the_best),
        cmocka_unit_test(short_lists_are_rarely_too_short),
        cmocka_unit_test(lists_own_up_to_a_wrong_assumption),
        cmocka_unit_test(screens_again_where_rows_tie),
        cmocka_unit_test(what_the_bound_leaves_open_is_ranked),
        cmocka_unit_test(tells_apart_what_halves_cannot),
        cmocka_unit_test(can_be_cancelled),
        cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("knn", tests, scratch_setup, scratch_teardown);
}
