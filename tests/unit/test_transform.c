/* Transforms against NumPy (tools/golden/analysis.py), and what must hold by definition. */
#include "tables.h"

enum { N = 14, D = 5 };

static void make_table(const char *kind, double *values)
{
    es_random random = {5};
    for (int i = 0; i < N * D; i++)
        values[i] = (double)(es_random_next(&random) >> 11) * 0x1p-53 - 0.2;
    for (int i = 0; i < N; i++) {
        double *row = values + i * D;
        if (strcmp(kind, "constant") == 0) row[2] = 0.1;
        if (strcmp(kind, "deficient") == 0) row[4] = row[0] + row[1];
    }
}

static es_space *open_transformed(int64_t n, int64_t d, const double *values, const char *chain)
{
    es_open_options options = {.transform = chain};
    return open_path(write_table("table.npy", "f8", n, d, values), &options);
}

/* Rows after the chain; the caller's to free. */
static double *transformed(int64_t n, int64_t d, const double *values, const char *chain)
{
    es_space *space = open_transformed(n, d, values, chain);
    double *rows = malloc((size_t)(n * d) * sizeof *rows);
    es_error error = {0};
    assert_ok(es_space_read_rows(space, 0, n, rows, &error), error);
    es_space_free(space);
    return rows;
}

static double norm_of(const double *row, int64_t d)
{
    double square = 0;
    for (int64_t k = 0; k < d; k++) square += row[k] * row[k];
    return sqrt(square);
}

/* One or two well-conditioned 5 x 5 eigenproblems on each side. */
static void check_rows(const char *kind, const char *chain, char *norms, char *cosines)
{
    double values[N * D];
    make_table(kind, values);
    double *rows = transformed(N, D, values, chain);
    for (int i = 0; i < N; i++) {
        double expected = strtod(norms, &norms), found = norm_of(rows + i * D, D);
        if (!(fabs(found - expected) <= 1e-12))
            fail_msg("%s, %s: norm %d %.17g, expected %.17g", kind, chain, i, found, expected);
    }
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++) {
            double expected = strtod(cosines, &cosines);
            double found = plain_cosine(rows + i * D, rows + j * D, D);
            if (!(fabs(found - expected) <= 1e-12))
                fail_msg("%s, %s: cosine (%d, %d) %.17g, expected %.17g", kind, chain, i, j, found,
                         expected);
        }
    free(rows);
}

static void agrees_with_numpy(void **state)
{
    (void)state;
    FILE *file = fopen(test_source_path("tests/golden/transform.txt"), "r");
    assert_non_null(file);
    static char kind[16], chain[64], norms[8192], line[8192];
    int compared = 0;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "table ", 6) == 0)
            assert_int_equal(sscanf(line, "table %15s %63s", kind, chain), 2);
        if (strncmp(line, "norms ", 6) == 0) snprintf(norms, sizeof norms, "%s", line + 6);
        if (strncmp(line, "cosines ", 8) != 0) continue;
        check_rows(kind, chain, norms, line + 8);
        compared++;
    }
    fclose(file);
    assert_int_equal(compared, 26);
}

/* By definition: mean zero; variance one; covariance the identity; the top directions gone. */
static void does_what_it_says(void **state)
{
    (void)state;
    enum { ROWS = 700, COLUMNS = 12 }; /* more rows than a block */
    double *values = draw_table(ROWS, COLUMNS, 1);
    static const char *const chains[] = {"center", "standardize", "whiten", "abtt:4"};
    for (int c = 0; c < 4; c++) {
        double *rows = transformed(ROWS, COLUMNS, values, chains[c]);
        double rank = 0;
        for (int p = 0; p < COLUMNS; p++)
            for (int q = p; q < COLUMNS; q++) {
                double mean = 0, product = 0;
                for (int i = 0; i < ROWS; i++) {
                    mean += rows[i * COLUMNS + p] / ROWS;
                    product += rows[i * COLUMNS + p] * rows[i * COLUMNS + q] / ROWS;
                }
                assert_true(fabs(mean) < 1e-12);
                if (c == 1 && p == q) assert_near(product, 1, 1e-12);
                if (c == 2) assert_near(product, p == q, 1e-11);
                if (p == q) rank += product;
            }
        if (c == 2) assert_near(rank, COLUMNS, 1e-11);
        free(rows);
    }
    free(values);
}

/* A row comes out with the same bits alone and in a crowd; the whole table, too. */
static void rows_are_read_alike(void **state)
{
    (void)state;
    enum { ROWS = 600, COLUMNS = 9 };
    double *values = draw_table(ROWS, COLUMNS, 2), row[COLUMNS];
    es_error error = {0};
    es_space *space = open_transformed(ROWS, COLUMNS, values, "center,abtt:2,whiten");
    double *all = transformed(ROWS, COLUMNS, values, "center,abtt:2,whiten");
    for (int i = 0; i < ROWS; i += 37) {
        assert_ok(es_space_read_rows(space, i, 1, row, &error), error);
        assert_memory_equal(row, all + i * COLUMNS, sizeof row);
    }
    const es_source *source = es_space_source(space);
    assert_int_equal(source->transform_count, 3);
    assert_string_equal(source->transforms[0], "center");
    assert_string_equal(source->transforms[1], "abtt:2");
    assert_string_equal(source->transforms[2], "whiten");
    es_space_free(space);
    free(all);
    free(values);
}

/* A constant component becomes zero, however many rows there are and whatever its sum rounds to. */
static void constant_components_vanish(void **state)
{
    (void)state;
    enum { ROWS = 1000, COLUMNS = 3 };
    double values[ROWS * COLUMNS];
    es_random random = {3};
    for (int i = 0; i < ROWS; i++) {
        values[i * COLUMNS] = draw_uniform(&random);
        values[i * COLUMNS + 1] = 0.1;
        values[i * COLUMNS + 2] = 1e9 / 3;
    }
    static const char *const chains[] = {"center", "standardize", "center,standardize"};
    for (int c = 0; c < 3; c++) {
        double *rows = transformed(ROWS, COLUMNS, values, chains[c]);
        for (int i = 0; i < ROWS; i++)
            assert_true(rows[i * COLUMNS + 1] == 0 && rows[i * COLUMNS + 2] == 0 &&
                        rows[i * COLUMNS] != 0);
        free(rows);
    }
}

/* Rows that are zero or not finite take no part in the fit. */
static void undefined_rows_are_left_out(void **state)
{
    (void)state;
    double values[N * D], with[(N + 3) * D];
    make_table("plain", values);
    memcpy(with + 2 * D, values, sizeof values);
    for (int k = 0; k < D; k++) with[k] = 0, with[D + k] = k ? 1 : NAN;
    for (int k = 0; k < D; k++) with[(N + 2) * D + k] = k ? 1 : INFINITY;
    static const char *const chains[] = {"center", "standardize", "whiten", "abtt:2"};
    for (int c = 0; c < 4; c++) {
        double *plain = transformed(N, D, values, chains[c]);
        double *other = transformed(N + 3, D, with, chains[c]);
        for (int i = 0; i < N * D; i++) assert_near(fabs(other[2 * D + i]), fabs(plain[i]), 1e-12);
        for (int k = 0; k < D; k++) assert_true(other[k] == 0); /* still no direction */
        free(plain);
        free(other);
    }
    es_open_options options = {.transform = "center"};
    es_error error = {0};
    es_space *space = NULL;
    memset(values, 0, sizeof values);
    const char *path = write_table("zero.npy", "f8", N, D, values);
    assert_int_equal(es_space_open(path, &options, &space, &error), ES_BAD_INPUT);
    assert_says(error, "no row is finite and not zero");
    assert_null(space);
}

static void chains_are_checked(void **state)
{
    (void)state;
    double values[N * D];
    make_table("plain", values);
    const char *path = write_table("table.npy", "f8", N, D, values);
    static const struct {
        const char *chain, *says;
    } cases[] = {{"centre", "'centre' is not a transform; there are center, abtt:D"},
                 {"center,", "'' is not a transform"},
                 {",center", "'' is not a transform"},
                 {"center, whiten", "' whiten' is not a transform"},
                 {"abtt:0", "must be from 1 to 4"},
                 {"abtt:5", "must be from 1 to 4"},
                 {"abtt:-1", "must be from 1 to 4"},
                 {"abtt:", "must be from 1 to 4"},
                 {"abtt:2x", "must be from 1 to 4"},
                 {"abtt:99999999999999999999", "must be from 1 to 4"},
                 {"abtt:1,abtt:9", "must be from 1 to 4"},
                 {"center:1", "takes no number"},
                 {"whiten:", "takes no number"},
                 {"CENTER", "is not a transform"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_open_options options = {.transform = cases[i].chain};
        es_error error = {0};
        es_space *space = NULL;
        if (es_space_open(path, &options, &space, &error) != ES_BAD_ARGUMENT)
            fail_msg("'%s' is taken", cases[i].chain);
        assert_says(error, cases[i].says);
    }
    es_space *space = open_transformed(N, D, values, "abtt,center");
    assert_string_equal(es_space_source(space)->transforms[0], "abtt:1");
    assert_string_equal(es_space_source(space)->transforms[1], "center");
    es_space_free(space);
    space = open_transformed(N, D, values, "");
    assert_int_equal(es_space_source(space)->transform_count, 0);
    es_space_free(space);
}

/* One column has no direction to spare; all rows equal leave nothing to whiten. */
static void small_tables(void **state)
{
    (void)state;
    es_open_options options = {.transform = "abtt"};
    es_error error = {0};
    es_space *space = NULL;
    static const double column[] = {1, 2, 4};
    es_status status =
        es_space_open(write_table("one.npy", "f8", 3, 1, column), &options, &space, &error);
    assert_true(status == ES_OK || status == ES_BAD_ARGUMENT);
    es_space_free(space);
    double equal[6] = {1, 2, 1, 2, 1, 2};
    double *rows = transformed(3, 2, equal, "whiten");
    for (int i = 0; i < 6; i++) assert_true(rows[i] == 0);
    free(rows);
    rows = transformed(3, 1, column, "whiten");
    assert_near(rows[0] * rows[0] + rows[1] * rows[1] + rows[2] * rows[2], 3, 1e-14);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_numpy),
        cmocka_unit_test(does_what_it_says),
        cmocka_unit_test(rows_are_read_alike),
        cmocka_unit_test(constant_components_vanish),
        cmocka_unit_test(undefined_rows_are_left_out),
        cmocka_unit_test(chains_are_checked),
        cmocka_unit_test(small_tables),
    };
    return cmocka_run_group_tests_name("transform", tests, scratch_setup, scratch_teardown);
}
