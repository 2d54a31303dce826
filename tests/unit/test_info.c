#include "models.h"

static es_info describe(es_space *space)
{
    es_info info;
    es_error error = {0};
    assert_ok(es_info_compute(space, &info, &error), error);
    return info;
}

static void counts_what_is_odd(void **state)
{
    (void)state;
    enum { N = 200, D = 7 };
    double *values = draw_table(N, D, 1);
    for (int i = 0; i < 12; i++) memset(values + (20 + i) * D, 0, D * sizeof *values);
    values[20 * D] = -0.0;
    values[5 * D + 2] = NAN;
    values[6 * D] = -INFINITY;
    for (int i = 100; i < 115; i++) memcpy(values + i * D, values + 1 * D, D * sizeof *values);
    values[114 * D] = nextafterf((float)values[114 * D], 10); /* all but equal */
    es_space *space = open_values("f4", N, D, values);
    es_info info = describe(space);
    assert_int_equal(info.zero.count, 12);
    assert_int_equal(info.zero.listed, ES_INFO_LISTED);
    for (int i = 0; i < ES_INFO_LISTED; i++) assert_int_equal(info.zero.first[i], 20 + i);
    assert_int_equal(info.non_finite.count, 2);
    assert_int_equal(info.non_finite.listed, 2);
    assert_true(info.non_finite.first[0] == 5 && info.non_finite.first[1] == 6);
    assert_int_equal(info.duplicates.count, 14); /* zero rows are none */
    assert_int_equal(info.duplicates.first[0], 100);
    assert_int_equal(info.vocabulary_kind, ES_VOCABULARY_NONE);
    assert_int_equal(info.vocabulary_size, N);
    assert_int_equal(info.tying, ES_TYING_UNKNOWN);
    assert_true(info.norm_minimum > 0 && info.norm_minimum <= info.norm_quartile1 &&
                info.norm_quartile1 <= info.norm_median &&
                info.norm_median <= info.norm_quartile3 &&
                info.norm_quartile3 <= info.norm_maximum);
    es_space_free(space);
    free(values);
}

/* By linear interpolation: of 1, 2, 3, 4 the quartiles are 1.75, 2.5, 3.25. */
static void quartiles_interpolate(void **state)
{
    (void)state;
    double values[] = {3, 0, 0, 1, 0, -4, 2, 0};
    es_space *space = open_values("f4", 4, 2, values);
    es_info info = describe(space);
    assert_true(info.norm_minimum == 1 && info.norm_maximum == 4 && info.norm_mean == 2.5);
    assert_true(info.norm_quartile1 == 1.75 && info.norm_median == 2.5 &&
                info.norm_quartile3 == 3.25);
    es_space_free(space);
    space = open_values("f4", 1, 2, values);
    info = describe(space);
    assert_true(info.norm_minimum == 3 && info.norm_median == 3 && info.norm_quartile3 == 3);
    es_space_free(space);
}

static void nothing_is_defined(void **state)
{
    (void)state;
    double values[] = {0, 0, NAN, 1};
    es_space *space = open_values("f8", 2, 2, values);
    es_info info = describe(space);
    assert_true(isnan(info.norm_minimum) && isnan(info.norm_median) && isnan(info.norm_mean));
    assert_true(info.zero.count == 1 && info.non_finite.count == 1 && info.duplicates.count == 0);
    es_space_free(space);
}

static void knows_a_model(void **state)
{
    (void)state;
    es_space *space = open_path(write_model("model"), NULL);
    es_info info = describe(space);
    assert_int_equal(info.vocabulary_kind, ES_VOCABULARY_BPE);
    assert_int_equal(info.vocabulary_size, MODEL_ROWS);
    assert_int_equal(info.tying, ES_TYING_TIED);
    assert_int_equal(info.untied_rows, 0);
    assert_int_equal(info.duplicate_keys, 0);
    es_space_free(space);
    static const char text[] = "4 1\ncat 1\ndog 2\ncat 3\ncat 4\n";
    space = open_path(scratch_write("twice.vec", text, sizeof text - 1), NULL);
    info = describe(space);
    assert_int_equal(info.duplicate_keys, 2);
    assert_int_equal(info.vocabulary_kind, ES_VOCABULARY_WORDS);
    assert_non_null(es_space_note(space));
    es_space_free(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_what_is_odd),
        cmocka_unit_test(quartiles_interpolate),
        cmocka_unit_test(nothing_is_defined),
        cmocka_unit_test(knows_a_model),
    };
    return cmocka_run_group_tests_name("info", tests, scratch_setup, scratch_teardown);
}
