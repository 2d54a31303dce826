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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties),
        cmocka_unit_test(finds_bundles),
        cmocka_unit_test(degenerate),
        cmocka_unit_test(faults_are_named),
    };
    return cmocka_run_group_tests_name("matrix", tests, scratch_setup, scratch_teardown);
}
