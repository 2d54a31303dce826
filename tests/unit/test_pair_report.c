/* The report on two models is compare, twice: over all tokens, and over a few words. */
#include "models.h"
#include "random_rows.h"

#include <embscope/pair_report.h>

static bool stop(void *context, int64_t done, int64_t total)
{
    (void)context, (void)done, (void)total;
    return false;
}

static void is_what_compare_says(void **state)
{
    (void)state;
    enum { N = 60, D = 5 };
    float *a = gaussian_rows(N, D, 1), *b = gaussian_rows(N, D, 2);
    es_error error = {0};
    es_space *spaces[2] = {open_rows(a, N, D), NULL};
    assert_ok(es_space_load(spaces[0], &error), error); /* the next takes the file's name */
    spaces[1] = open_rows(b, N, D);
    es_pair_report report;
    es_comparison alone;
    assert_ok(es_pair_report_compute(spaces, NULL, &report, &error), error);
    assert_ok(es_compare_compute(spaces, 2, NULL, &alone, &error), error);
    assert_int_equal(report.comparison.shared.count, N);
    assert_true(report.comparison.pairs[0].rsa.pearson == alone.pairs[0].rsa.pearson);
    assert_true(report.comparison.pairs[0].overlap.mutual == alone.pairs[0].overlap.mutual);
    assert_true(report.comparison.pairs[0].rsa.chance.p == alone.pairs[0].rsa.chance.p);
    assert_non_null(report.comparison.order); /* so few have their matrices drawn */
    assert_false(report.has_words);           /* rows without names */
    assert_true(report.info[1].norm_median > 0);
    es_pair_report_release(&report);
    es_pair_report_release(&report);
    es_comparison_release(&alone);
    es_pair_report_options stopped = {.progress = {stop, NULL}};
    assert_int_equal(es_pair_report_compute(spaces, &stopped, &report, &error), ES_CANCELLED);
    assert_null(report.comparison.models);
    for (int m = 0; m < 2; m++) es_space_free(spaces[m]);
    free(a);
    free(b);
}

static void looks_at_words(void **state)
{
    (void)state;
    es_error error = {0};
    es_space *space = open_path(write_model("model"), NULL);
    es_space *spaces[2] = {space, space};
    es_pair_report report;
    const char *const words[] = {"a", "b", "c", "d", "cat"};
    es_pair_report_options options = {.words = words, .word_count = 5};
    assert_ok(es_pair_report_compute(spaces, &options, &report, &error), error);
    assert_true(report.has_words && !report.words.models[0].has_categories);
    assert_int_equal(report.words.shared.asked, 5);
    assert_near(report.words.pairs[0].rsa.pearson, 1, 1e-12);
    assert_near(report.comparison.pairs[0].rsa.pearson, 1, 1e-12);
    assert_int_equal(report.comparison.pairs[0].overlap.unchanged, report.comparison.shared.count);
    es_pair_report_release(&report);
    const char *const unknown[] = {"no such", "nor this"};
    options = (es_pair_report_options){.words = unknown, .word_count = 2};
    assert_int_equal(es_pair_report_compute(spaces, &options, &report, &error), ES_BAD_INPUT);
    es_space_free(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_compare_says),
        cmocka_unit_test(looks_at_words),
    };
    return cmocka_run_group_tests_name("pair_report", tests, scratch_setup, scratch_teardown);
}
