#include "tables.h"

enum { ROWS = 80, D = 20 };

static es_matrix arrange(es_space *space, const int64_t *ids, int64_t n)
{
    es_selection chosen = select_ids(space, ids, n);
    es_matrix matrix;
    es_error error = {0};
    assert_ok(es_matrix_compute(space, &chosen, NULL, &matrix, &error), error);
    es_selection_release(&chosen);
    return matrix;
}

static void check_matrix(const es_matrix *matrix, int64_t d)
{
    int64_t n = matrix->n;
    double sum = 0, low = (1 - sqrt((double)n / (double)d)), high = 1 + sqrt((double)n / (double)d);
    bool *seen = calloc((size_t)n, sizeof *seen);
    for (int64_t i = 0; i < n; i++) {
        assert_true(matrix->cosine[i * n + i] == 1);
        for (int64_t j = 0; j < i; j++)
            assert_true(matrix->cosine[i * n + j] == matrix->cosine[j * n + i]);
        sum += matrix->eigenvalues[i];
        assert_true(!i || matrix->eigenvalues[i] <= matrix->eigenvalues[i - 1]);
        assert_true(matrix->eigenvalues[i] >
                    -1e-12 * (double)n); /* a Gram matrix has none below 0 */
        assert_true(matrix->order[i] >= 0 && matrix->order[i] < n && !seen[matrix->order[i]]);
        seen[matrix->order[i]] = true;
        double square = 0, largest = 0;
        for (int64_t k = 0; k < n; k++) {
            double x = matrix->eigenvectors[i * n + k];
            square += x * x;
            if (fabs(x) > fabs(largest)) largest = x;
        }
        assert_near(square, 1, 1e-13);
        assert_true(largest > 0);
    }
    assert_near(sum, (double)n, 1e-13 * (double)n); /* the trace */
    assert_near(matrix->random_edges[0], low * low, 1e-15);
    assert_near(matrix->random_edges[1], high * high, 1e-15);
    assert_true(matrix->residual >= 0 && matrix->residual < 1e-13 * (double)n);
    for (int64_t r = 0; r < n - 1; r++) {
        assert_true(matrix->linkage[r].height >= 0);
        assert_true(!r || matrix->linkage[r].height >= matrix->linkage[r - 1].height - 1e-15);
    }
    assert_int_equal(matrix->linkage[n - 2].size, n);
    free(seen);
}

static void properties(void **state)
{
    (void)state;
    double *values = draw_table(ROWS, D, 1);
    es_space *space = open_values("f4", ROWS, D, values);
    int64_t ids[ROWS];
    static const int64_t sizes[] = {2, 3, 19, 20, 21, ROWS};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t n = sizes[s];
        for (int64_t i = 0; i < n; i++) ids[i] = (i * 7 + 3) % ROWS;
        es_matrix matrix = arrange(space, ids, n);
        check_matrix(&matrix, D);
        for (int64_t i = 0; i < n; i++) {
            assert_int_equal(matrix.items[i].id, ids[i]);
            for (int64_t j = 0; j < i; j++)
                assert_near(matrix.cosine[i * n + j],
                            plain_cosine(values + ids[i] * D, values + ids[j] * D, D), 1e-15);
        }
        es_matrix_release(&matrix);
    }
    es_space_free(space);
    free(values);
}

/* Two bundles of rows, far from each other: they are joined last, and stand apart in the order. */
static void finds_bundles(void **state)
{
    (void)state;
    double values[10 * 3];
    es_random random = {2};
    for (int i = 0; i < 10; i++)
        for (int k = 0; k < 3; k++) values[i * 3 + k] = (k == i % 2) + 0.05 * draw_uniform(&random);
    es_space *space = open_values("f4", 10, 3, values);
    int64_t ids[10];
    for (int i = 0; i < 10; i++) ids[i] = i;
    es_matrix matrix = arrange(space, ids, 10);
    check_matrix(&matrix, 3);
    assert_true(matrix.linkage[8].height > 0.8 && matrix.linkage[7].height < 0.05);
    int changes = 0;
    for (int i = 1; i < 10; i++) changes += matrix.order[i] % 2 != matrix.order[i - 1] % 2;
    assert_int_equal(changes, 1);
    assert_true(matrix.order[0] < matrix.order[9]);
    es_matrix_release(&matrix);
    es_space_free(space);
}

static void degenerate(void **state)
{
    (void)state;
    double equal[5 * 2], apart[5 * 5] = {0}, line[4] = {1, -2, 3, -4};
    int64_t ids[] = {0, 1, 2, 3, 4};
    for (int i = 0; i < 5; i++) equal[2 * i] = 0.1, equal[2 * i + 1] = 0.7, apart[6 * i] = i + 1;
    es_space *space = open_values("f8", 5, 2, equal);
    es_matrix matrix = arrange(space, ids, 5);
    check_matrix(&matrix, 2);
    assert_near(matrix.eigenvalues[0], 5, 1e-14);
    assert_true(matrix.linkage[3].height < 1e-15); /* not below zero, whatever rounding says */
    assert_true(isnan(matrix.cophenetic) && isnan(matrix.mds_share[0]));
    for (int i = 0; i < 10; i++) assert_true(matrix.coordinates[i] == 0);
    assert_near(matrix.mean_cosine, 1, 1e-15);
    es_matrix_release(&matrix);
    /* the same row twice */
    matrix = arrange(space, (int64_t[]){3, 3, 1}, 3);
    check_matrix(&matrix, 2);
    es_matrix_release(&matrix);
    es_space_free(space);
    space = open_values("f4", 5, 5, apart);
    matrix = arrange(space, ids, 5);
    check_matrix(&matrix, 5);
    for (int i = 0; i < 5; i++) assert_near(matrix.eigenvalues[i], 1, 1e-15);
    for (int i = 0; i < 4; i++) assert_true(matrix.linkage[i].height == 1);
    es_matrix_release(&matrix);
    es_space_free(space);
    space = open_values("f4", 4, 1, line); /* cosines of -1 and 1 */
    matrix = arrange(space, ids, 4);
    check_matrix(&matrix, 1);
    assert_true(matrix.linkage[2].height == 2 && matrix.linkage[1].height == 0);
    assert_near(matrix.eigenvalues[0], 4, 1e-15);
    es_matrix_release(&matrix);
    es_space_free(space);
}

static void faults_are_named(void **state)
{
    (void)state;
    double values[] = {1, 2, 0, 0, 1, NAN, 3, 1};
    es_space *space = open_values("f4", 4, 2, values);
    es_error error = {0};
    for (int64_t bad = 1; bad <= 2; bad++) {
        es_selection chosen = select_ids(space, (int64_t[]){0, 3, bad}, 3);
        es_matrix matrix;
        assert_int_equal(es_matrix_compute(space, &chosen, NULL, &matrix, &error), ES_BAD_INPUT);
        char says[64];
        snprintf(says, sizeof says, "'#%d' has a row that is zero or not finite", (int)bad);
        assert_says(error, says);
        assert_null(matrix.cosine);
        chosen.count = 1;
        assert_int_equal(es_matrix_compute(space, &chosen, NULL, &matrix, &error), ES_BAD_ARGUMENT);
        chosen.count = 4097;
        assert_int_equal(es_matrix_compute(space, &chosen, NULL, &matrix, &error), ES_BAD_ARGUMENT);
        assert_says(error, "2 to 4096 tokens");
        chosen.count = 3;
        es_selection_release(&chosen);
        es_matrix_release(&matrix);
    }
    es_space_free(space);
}

static void check_range(const es_null_figure *figure)
{
    assert_true(figure->low <= figure->mean && figure->mean <= figure->high);
    assert_true(figure->deviation >= 0 && figure->p > 0 && figure->p <= 1);
}

/* Of a set that is the whole table every random set is the same set again: p = 1. Of fewer tokens
 * the sets differ. */
static void random_sets(void **state)
{
    (void)state;
    es_space *space = open_drawn(ROWS, D, 5);
    es_error error = {0};
    int64_t ids[ROWS];
    for (int64_t i = 0; i < ROWS; i++) ids[i] = ROWS - 1 - i;
    es_matrix matrix = arrange(space, ids, ROWS);
    assert_int_equal(matrix.null_sets.count, 100);
    assert_true(matrix.null_sets.leading_eigenvalue.p == 1);
    assert_true(matrix.null_sets.mean_cosine.p == 1);
    assert_true(matrix.null_sets.silhouette.p == 1);
    assert_near(matrix.null_sets.leading_eigenvalue.mean, matrix.eigenvalues[0], 1e-9);
    assert_near(matrix.null_sets.leading_eigenvalue.deviation, 0, 1e-9);
    es_matrix_release(&matrix);
    es_matrix one, many;
    es_selection chosen = select_ids(space, ids, 10);
    es_matrix_options options = {.null_sets = 37, .seed = 4, .threads = 1};
    assert_ok(es_matrix_compute(space, &chosen, &options, &one, &error), error);
    options.threads = 5;
    assert_ok(es_matrix_compute(space, &chosen, &options, &many, &error), error);
    assert_int_equal(one.null_sets.count, 37);
    check_range(&one.null_sets.leading_eigenvalue);
    check_range(&one.null_sets.mean_cosine);
    check_range(&one.null_sets.silhouette);
    assert_true(one.null_sets.mean_cosine.deviation > 0.01);
    assert_memory_equal(&one.null_sets, &many.null_sets, sizeof one.null_sets);
    es_matrix_release(&many);
    options.seed = 5;
    assert_ok(es_matrix_compute(space, &chosen, &options, &many, &error), error);
    assert_true(one.null_sets.mean_cosine.mean != many.null_sets.mean_cosine.mean);
    es_matrix_release(&many);
    options.null_sets = ES_MATRIX_NO_SETS;
    assert_ok(es_matrix_compute(space, &chosen, &options, &many, &error), error);
    assert_int_equal(many.null_sets.count, 0);
    assert_true(isnan(many.null_sets.mean_cosine.p));
    es_matrix_release(&many);
    es_matrix_release(&one);
    es_selection_release(&chosen);
    es_space_free(space);
}

/* The mean over many sets is the mean cosine of the whole table: sets are drawn evenly. */
static void random_sets_are_fair(void **state)
{
    (void)state;
    double values[6 * 6] = {0};
    for (int i = 0; i < 6; i++) values[7 * i] = 1;
    values[6 * 5] = values[6 * 5 + 5] = 1; /* rows 0 and 5 are 45 degrees apart, all else 90 */
    es_space *space = open_values("f8", 6, 6, values);
    es_selection chosen = select_ids(space, (int64_t[]){0, 5}, 2);
    es_matrix_options options = {.null_sets = 15000};
    es_matrix matrix;
    es_error error = {0};
    assert_ok(es_matrix_compute(space, &chosen, &options, &matrix, &error), error);
    double p = 1.0 / 15, slack = 4 * sqrt(p * (1 - p) / 15000); /* of a binomial share */
    assert_true(fabs(matrix.null_sets.mean_cosine.p - p) < slack);
    assert_true(fabs(matrix.null_sets.mean_cosine.mean - p * sqrt(0.5)) < slack);
    assert_int_equal(matrix.clusters.count, 1); /* n = 2: nothing to choose */
    assert_true(isnan(matrix.clusters.mean_silhouette) && isnan(matrix.cophenetic));
    assert_near(matrix.mds_share[0], 1, 1e-14);
    assert_true(matrix.mds_share[1] == 0 && matrix.coordinates[1] == 0);
    es_matrix_release(&matrix);
    es_selection_release(&chosen);
    es_space_free(space);
}

/* ---- categories --------------------------------------------------------------------------------
 */

enum { FEW = 8 };

static double contrast_of(const double *cosine, const int *labels, int n)
{
    double sum[2] = {0}, count[2] = {0};
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) {
            sum[labels[i] == labels[j]] += cosine[i * n + j];
            count[labels[i] == labels[j]]++;
        }
    return sum[1] / count[1] - sum[0] / count[0];
}

/* All labelings of FEW items with three of one category, three of another, two of a third: how many
 * there are, and the share that reaches the observed difference. */
static double enumerate(const double *cosine, double observed, int *total)
{
    int reach = 0, power = 1;
    *total = 0;
    for (int i = 0; i < FEW; i++) power *= 3;
    for (int code = 0; code < power; code++) {
        int labels[FEW], sizes[3] = {0};
        for (int i = 0, rest = code; i < FEW; i++, rest /= 3) sizes[labels[i] = rest % 3]++;
        if (sizes[0] != 3 || sizes[1] != 3 || sizes[2] != 2) continue;
        ++*total;
        reach += contrast_of(cosine, labels, FEW) >= observed - 1e-12;
    }
    return (double)reach / *total;
}

static void categories_against_enumeration(void **state)
{
    (void)state;
    static const char *const names[FEW] = {"b", "a", "b", "c", "a", "b", "a", "c"};
    static const int labels[FEW] = {0, 1, 0, 2, 1, 0, 1, 2};
    es_space *space = open_drawn(ROWS, 6, 11);
    es_error error = {0};
    int64_t ids[FEW];
    for (int i = 0; i < FEW; i++) ids[i] = i * 5;
    es_selection chosen = select_ids(space, ids, FEW);
    es_matrix_options options = {.categories = names, .permutations = 20000, .threads = 1};
    es_matrix matrix;
    assert_ok(es_matrix_compute(space, &chosen, &options, &matrix, &error), error);
    const es_contrast *contrast = matrix.categories;
    assert_int_equal(contrast->count, 3);
    assert_string_equal(contrast->list[0].name, "b");
    assert_int_equal(contrast->list[1].size, 3);
    assert_int_equal(contrast->within_pairs, 7);
    assert_int_equal(contrast->between_pairs, 21);
    double observed = contrast_of(matrix.cosine, labels, FEW);
    assert_near(contrast->difference, observed, 1e-14);
    int total;
    double share = enumerate(matrix.cosine, observed, &total);
    assert_true(contrast->labelings == total / 2); /* two categories of three swap names */
    assert_true(share > 0.02 && share < 0.98);
    assert_true(fabs(contrast->p - share) < 4 * sqrt(share * (1 - share) / 20000) + 1e-4);
    double p = contrast->p;
    options.threads = 3;
    es_matrix_release(&matrix);
    assert_ok(es_matrix_compute(space, &chosen, &options, &matrix, &error), error);
    assert_true(matrix.categories->p == p);
    assert_near(matrix.categories->means[0 * 3 + 1], matrix.categories->means[1 * 3 + 0], 0);
    assert_near(matrix.categories->list[2].within, matrix.cosine[3 * FEW + 7], 1e-15);
    es_matrix_release(&matrix);
    es_selection_release(&chosen);
    es_space_free(space);
}

static void category_faults_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *names[3], *says;
    } cases[] = {{{"a", NULL, "b"}, "'#1' has no category"},
                 {{"a", "a", ""}, "'#2' has no category"},
                 {{"a", "a", "a"}, "of the category 'a'; a contrast needs two categories"},
                 {{"a", "b", "c"}, "every category has a single token"}};
    es_space *space = open_drawn(4, 3, 2);
    es_selection chosen = select_ids(space, (int64_t[]){0, 1, 2}, 3);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        es_error error = {0};
        es_matrix matrix;
        es_matrix_options options = {.categories = cases[c].names};
        assert_int_equal(es_matrix_compute(space, &chosen, &options, &matrix, &error),
                         ES_BAD_INPUT);
        assert_says(error, cases[c].says);
        assert_null(matrix.categories);
    }
    es_error error = {0};
    es_matrix matrix;
    es_matrix_options options = {.clusters = 4};
    assert_int_equal(es_matrix_compute(space, &chosen, &options, &matrix, &error), ES_BAD_ARGUMENT);
    assert_says(error, "3 tokens make 1 to 3 clusters, not 4");
    options.clusters = 3;
    assert_ok(es_matrix_compute(space, &chosen, &options, &matrix, &error), error);
    assert_int_equal(matrix.clusters.count, 3);
    assert_true(isnan(matrix.clusters.mean_silhouette));
    es_matrix_release(&matrix);
    es_selection_release(&chosen);
    es_space_free(space);
}

/* Two categories of two rows each: all figures by hand. */
static void category_figures_by_hand(void **state)
{
    (void)state;
    double values[4 * 2] = {1, 0, 1, 0, 0, 1, 0.6, 0.8};
    static const char *const names[4] = {"x", "x", "y", "y"};
    es_space *space = open_values("f8", 4, 2, values);
    es_selection chosen = select_ids(space, (int64_t[]){0, 1, 2, 3}, 4);
    es_matrix_options options = {.categories = names, .permutations = 999};
    es_matrix matrix;
    es_error error = {0};
    assert_ok(es_matrix_compute(space, &chosen, &options, &matrix, &error), error);
    const es_contrast *contrast = matrix.categories;
    assert_near(contrast->within, 0.9, 1e-15);             /* 1, 0.8 */
    assert_near(contrast->between, 0.3, 1e-15);            /* 0, 0.6, 0, 0.6 */
    double pooled = sqrt((0.02 + 4 * 0.09) / (2 + 4 - 2)); /* squares about the two means */
    assert_near(contrast->cohens_d, 0.6 / pooled, 1e-14);
    assert_true(contrast->labelings == 3);
    assert_near(contrast->p_floor, 1.0 / 3, 1e-15);
    assert_true(fabs(contrast->p - 1.0 / 3) < 0.07);
    assert_near(contrast->means[1], 0.3, 1e-15);
    assert_near(matrix.mean_cosine, 0.5, 1e-15);
    es_matrix_release(&matrix);
    es_selection_release(&chosen);
    es_space_free(space);
}

static bool stop_late(void *context, int64_t done, int64_t total)
{
    int64_t *calls = context;
    assert_true(done >= 0 && done <= total && total > 0);
    return ++*calls < 8;
}

static void can_be_cancelled(void **state)
{
    (void)state;
    es_space *space = open_drawn(ROWS, D, 7);
    int64_t ids[ROWS];
    for (int64_t i = 0; i < ROWS; i++) ids[i] = i;
    es_selection chosen = select_ids(space, ids, ROWS);
    int64_t calls = 0;
    es_matrix matrix;
    es_error error = {0};
    es_matrix_options options = {.progress = {stop_at_once, &calls}};
    assert_int_equal(es_matrix_compute(space, &chosen, &options, &matrix, &error), ES_CANCELLED);
    assert_int_equal(calls, 1);
    calls = 0;
    options.progress.report = stop_late;
    assert_int_equal(es_matrix_compute(space, &chosen, &options, &matrix, &error), ES_CANCELLED);
    assert_int_equal(calls, 8);
    assert_null(matrix.cosine);
    es_selection_release(&chosen);
    es_space_free(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties),
        cmocka_unit_test(finds_bundles),
        cmocka_unit_test(degenerate),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(random_sets),
        cmocka_unit_test(random_sets_are_fair),
        cmocka_unit_test(categories_against_enumeration),
        cmocka_unit_test(category_faults_are_named),
        cmocka_unit_test(category_figures_by_hand),
        cmocka_unit_test(can_be_cancelled),
    };
    return cmocka_run_group_tests_name("matrix", tests, scratch_setup, scratch_teardown);
}
