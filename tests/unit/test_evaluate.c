#define _GNU_SOURCE
/* Figures worked out by hand, what is refused, words of several tokens, how it ends early. All
 * answers are held against NumPy and gensim by tests/reference/test_evaluate.py. */
#include "analysis/evaluate_parts.h"
#include "failing_allocation.h"
#include "random_rows.h"

#include <embscope/evaluate.h>

static es_dataset set_of(const char *text)
{
    es_dataset set;
    es_error error = {0};
    assert_ok(es_dataset_parse("set", text, strlen(text), NULL, &set, &error), error);
    return set;
}

/* Word vectors as text: "cat 1 0". */
static es_space *open_words(const char *text)
{
    es_space *space = NULL;
    es_error error = {0};
    const char *path = scratch_write("words.txt", text, strlen(text));
    assert_ok(es_space_open(path, NULL, &space, &error), error);
    return space;
}

static es_evaluation evaluate(es_space *space, const es_dataset *set,
                              const es_evaluate_options *options)
{
    es_evaluation evaluation;
    es_error error = {0};
    assert_ok(es_evaluate(space, set, options, &evaluation, &error), error);
    return evaluation;
}

static es_correlation correlate(const double *x, const double *y, int64_t count, int64_t resamples)
{
    es_correlation result;
    es_error error = {0};
    assert_ok(es_correlation_compute(x, y, count, resamples, 0, 2, NULL, &result, &error), error);
    return result;
}

static void correlations_by_hand(void **state)
{
    (void)state;
    /* Ranks 1, 2.5, 2.5, 4 and 2, 1, 3, 4: deviations -1.5, 0, 0, 1.5 and -.5, -1.5, .5, 1.5. */
    static const double x[] = {1, 2, 2, 9}, y[] = {0.2, 0.1, 0.3, 0.4};
    es_correlation c = correlate(x, y, 4, -1);
    assert_true(fabs(c.spearman - 3 / sqrt(4.5 * 5)) < 1e-15);
    /* Deviations -2.5, -1.5, -1.5, 5.5 and -.05, -.15, .05, .15. */
    assert_true(fabs(c.pearson - 1.1 / sqrt(41 * 0.05)) < 1e-14);
    assert_true(isnan(c.low) && c.resamples == 0);
    /* Of four pairs r is uniform (a cosine in three dimensions): p = 1 - |r|. */
    assert_true(fabs(c.spearman_p - (1 - c.spearman)) < 1e-14);
    static const double huge[] = {1e300, -1e300, 5e299, 1e-300}, up[] = {4, 1, 3, 2};
    c = correlate(huge, up, 4, -1);
    assert_true(fabs(c.spearman - 1) < 1e-15);
    assert_true(c.pearson > 0.9 && c.pearson < 1);
    assert_true(c.spearman_p < 1e-7);
}

static void what_is_undefined_is_nan(void **state)
{
    (void)state;
    static const double same[] = {3, 3, 3, 3}, y[] = {0.2, 0.1, 0.3, 0.4};
    es_correlation c = correlate(same, y, 4, 10);
    assert_true(isnan(c.spearman) && isnan(c.pearson) && isnan(c.spearman_p) && isnan(c.low));
    c = correlate(y, same, 4, 10);
    assert_true(isnan(c.spearman) && isnan(c.pearson));
    c = correlate(y, y, 2, 10);
    assert_true(isnan(c.spearman) && c.pairs == 2);
    /* Of three pairs some draws hold one pair thrice: they are left out. */
    c = correlate(y, y, 3, 500);
    assert_true(c.spearman == 1 && c.low == 1 && c.high == 1);
    assert_true(c.resamples > 300 && c.resamples < 500);
}

static void the_interval_follows_the_seed_alone(void **state)
{
    (void)state;
    enum { N = 60 };
    double x[N], y[N];
    es_random random = {4};
    for (int i = 0; i < N; i++) {
        x[i] = gaussian(&random);
        y[i] = x[i] + gaussian(&random);
    }
    es_correlation first, again, other;
    es_error error = {0};
    assert_ok(es_correlation_compute(x, y, N, 500, 1, 1, NULL, &first, &error), error);
    assert_ok(es_correlation_compute(x, y, N, 500, 1, 7, NULL, &again, &error), error);
    assert_ok(es_correlation_compute(x, y, N, 500, 2, 1, NULL, &other, &error), error);
    assert_memory_equal(&first, &again, sizeof first);
    assert_true(first.low != other.low);
    assert_true(first.low < first.spearman && first.spearman < first.high);
}

static void letters_find_their_keys(void **state)
{
    (void)state;
    es_space *space = open_words("Cat 1 0\ncat 0 1\nDOG 1 1\nbird -1 1\n");
    es_dataset set = set_of("cat DOG 1\nCAT dog 2\nÉ bird 3\n");
    es_evaluation exact = evaluate(space, &set, NULL);
    assert_int_equal(exact.questions[ES_WORD_ROW], 1);
    assert_int_equal(exact.words[ES_WORD_MISSING], 3);
    assert_int_equal(exact.word_ids[0], 1);
    es_evaluation lower =
        evaluate(space, &set, &(es_evaluate_options){.letter_case = ES_CASE_LOWER});
    assert_int_equal(lower.word_ids[2], 1); /* CAT -> cat */
    assert_int_equal(lower.word_ids[1], -1);
    es_evaluation any =
        evaluate(space, &set, &(es_evaluate_options){.letter_case = ES_CASE_IGNORE});
    assert_int_equal(any.word_ids[0], 0); /* the first row of them */
    assert_int_equal(any.word_ids[2], 0);
    assert_int_equal(any.questions[ES_WORD_ROW], 2);
    es_evaluation few = evaluate(space, &set, &(es_evaluate_options){.rows = 2});
    assert_int_equal(few.questions[ES_WORD_ROW], 0);
    assert_true(isnan(few.correlation[ES_GROUP_SINGLE].spearman));
    es_evaluation_release(&exact);
    es_evaluation_release(&lower);
    es_evaluation_release(&any);
    es_evaluation_release(&few);
    es_dataset_release(&set);
    es_space_free(space);
}

/* In any case: an answer that differs from an input by its case is no answer; one that differs from
 * the expected one by its case is right. */
static void answers_without_case(void **state)
{
    (void)state;
    es_space *space = open_words("a 1 0\nb 0 1\nc 1 0.1\nC 0.1 1\nD 0.3 0.9\nd -1 -1\n");
    es_dataset set = set_of(": s\na b c d\n");
    es_evaluation any =
        evaluate(space, &set, &(es_evaluate_options){.letter_case = ES_CASE_IGNORE});
    assert_int_equal(any.answer_ids[ES_ANALOGY_ADD], 4);
    assert_true(es_evaluation_is_right(&any, 0, ES_ANALOGY_ADD));
    es_evaluation exact = evaluate(space, &set, NULL);
    assert_int_equal(exact.answer_ids[ES_ANALOGY_ADD], 3);
    assert_false(es_evaluation_is_right(&exact, 0, ES_ANALOGY_ADD));
    es_evaluation_release(&any);
    es_evaluation_release(&exact);
    es_dataset_release(&set);
    es_space_free(space);
}

static void pooled_words_are_told_apart(void **state)
{
    (void)state;
    es_space *space = NULL;
    es_error error = {0};
    assert_ok(es_space_open(test_source_path("models/demo"), NULL, &space, &error), error);
    es_dataset set = set_of("cat dog 3\ncat qzqz 1\nking queen 2\nqzqz zqzq 0\ncar truck 2\n");
    es_evaluation evaluation = evaluate(space, &set, NULL);
    assert_int_equal(evaluation.questions[ES_WORD_ROW], 3);
    assert_int_equal(evaluation.questions[ES_WORD_POOLED], 2);
    assert_int_equal(evaluation.correlation[ES_GROUP_SINGLE].pairs, 3);
    assert_int_equal(evaluation.correlation[ES_GROUP_POOLED].pairs, 2);
    assert_int_equal(evaluation.correlation[ES_GROUP_ALL].pairs, 5);
    const char *words[] = {"cat", "qzqz"};
    es_selection chosen;
    es_selection_options options = {.prefix = ES_PREFIX_SPACE, .pool_mean = true};
    assert_ok(es_selection_resolve(space, words, 2, &options, &chosen, &error), error);
    es_similarity similarity;
    assert_ok(es_similarity_compute(space, &chosen, &similarity, &error), error);
    assert_true(fabs(similarity.pairs[0].cosine - evaluation.cosines[1]) < 1e-14);
    es_similarity_release(&similarity);
    es_selection_release(&chosen);
    es_evaluation_release(&evaluation);
    es_evaluation_release(&evaluation);
    assert_int_equal(es_evaluate(space, &set, &(es_evaluate_options){.letter_case = ES_CASE_IGNORE},
                                 &evaluation, &error),
                     ES_BAD_ARGUMENT);
    assert_says(error, "a tokenizer (byte-level BPE) has its own rule");
    es_dataset_release(&set);
    es_space_free(space);
}

/* Where the odd one is as near as another, it is not found. */
static void odd_ones(void **state)
{
    (void)state;
    es_space *space = open_words("a 1 0\nb 1 0\nc 0 1\nz 0 0\nd 1 1\n");
    es_dataset set = set_of("a b c\n*a b a\na b z\nd a c\na d missing\n");
    es_evaluation evaluation = evaluate(space, &set, NULL);
    assert_int_equal(evaluation.places[0], 2);
    assert_true(fabs(evaluation.margins[0] - 0.5) < 1e-15);
    assert_true(evaluation.places[1] != 0);
    assert_true(evaluation.margins[1] == 0);
    assert_int_equal(evaluation.places[2], -1);
    assert_int_equal(evaluation.states[2], ES_WORD_UNDEFINED);
    assert_int_equal(evaluation.states[4], ES_WORD_MISSING);
    assert_int_equal(evaluation.odd[ES_GROUP_SINGLE].questions, 3);
    assert_int_equal(evaluation.odd[ES_GROUP_SINGLE].correct, 1); /* a and c tie in the fourth */
    assert_true(fabs(evaluation.chance - 1.0 / 3) < 1e-15);
    es_evaluation_release(&evaluation);
    evaluation = evaluate(space, &set, &(es_evaluate_options){.missing_counts = true});
    assert_int_equal(evaluation.odd[ES_GROUP_SINGLE].questions, 5);
    es_evaluation_release(&evaluation);
    es_dataset_release(&set);
    es_space_free(space);
}

static void shares_have_wilsons_interval(void **state)
{
    (void)state;
    es_accuracy none = es_accuracy_of(0, 0), half = es_accuracy_of(10, 5);
    es_accuracy all = es_accuracy_of(20, 20);
    assert_true(isnan(none.share) && isnan(none.low));
    /* z = 1.96: 0.5 -+ 0.2634 (Wilson's own form for p = 1/2: z / (2 sqrt(n + z^2))). */
    assert_true(fabs(half.high - 0.5 - 1.959963984540054 / (2 * sqrt(10 + 3.841458820694124))) <
                1e-14);
    assert_true(fabs(half.low + half.high - 1) < 1e-14);
    assert_true(all.high == 1 && fabs(all.low - 20 / (20 + 3.841458820694124)) < 1e-14);
}

static void refuses_what_cannot_be(void **state)
{
    (void)state;
    static const float rows[] = {1, 0, 0, 1};
    es_error error = {0};
    es_evaluation evaluation;
    es_dataset set = set_of("a b 1\n");
    es_space *space = open_rows(rows, 2, 2);
    assert_int_equal(es_evaluate(space, &set, NULL, &evaluation, &error), ES_BAD_INPUT);
    assert_says(error, "name them with --vocab FILE");
    assert_null(evaluation.word_ids);
    es_space_free(space);
    es_dataset_release(&set);
}

static bool never(void *context, int64_t done, int64_t total)
{
    ++*(int64_t *)context;
    assert_true(done >= 0 && done <= total);
    return false;
}

static const char *const texts[] = {"a b 1\nb c 2\na c 3\nc d 1\n",
                                    ": s\na b c d\nb a d c\n: t\nc d a b\n", "a b c\nb c d\n",
                                    "a\tx\nb\tx\nc\ty\nd\ty\n"};
static const char vectors[] = "a 1 0 0.5\nb 0 1 0.5\nc 1 0.1 0\nd 0.1 1 -1\ne 1 1 1\n";

static void can_be_cancelled(void **state)
{
    (void)state;
    es_space *space = open_words(vectors);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        es_dataset set = set_of(texts[i]);
        es_evaluation evaluation;
        es_error error = {0};
        int64_t calls = 0;
        es_evaluate_options options = {.progress = {never, &calls}};
        assert_int_equal(es_evaluate(space, &set, &options, &evaluation, &error), ES_CANCELLED);
        assert_true(calls >= 1);
        assert_null(evaluation.word_ids);
        es_dataset_release(&set);
    }
    es_space_free(space);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        es_dataset set = set_of(texts[i]);
        int64_t n = 0;
        for (bool failed = true; failed; n++) {
            es_space *space = open_words(vectors);
            es_error error = {0};
            es_evaluation evaluation;
            es_evaluate_options options = {
                .threads = 1, .resamples = 5, .letter_case = ES_CASE_IGNORE};
            atomic_store(&failures, 0);
            atomic_store(&allocations_left, n);
            es_status status = es_evaluate(space, &set, &options, &evaluation, &error);
            atomic_store(&allocations_left, -1);
            failed = atomic_load(&failures) > 0;
            if (status != ES_OK && (status != ES_NO_MEMORY || !failed))
                fail_msg("allocation %lld: %s", (long long)n, error.text);
            es_evaluation_release(&evaluation);
            es_space_free(space);
        }
        assert_true(n > 10);
        es_dataset_release(&set);
    }
}

/* As a table, as JSON, as CSV. */
static es_status render(const es_space *space, const es_evaluation *evaluation, int form,
                        es_error *error)
{
    static const es_output outputs[] = {ES_OUTPUT_TABLE, ES_OUTPUT_JSON, ES_OUTPUT_CSV,
                                        ES_OUTPUT_CSV};
    FILE *out = fopen("/dev/null", "w");
    assert_non_null(out);
    es_render_options options = {.output = outputs[form]};
    es_status status =
        es_render_evaluate(space, evaluation, 1, form % 2 == 1, &options, out, error);
    fclose(out);
    return status;
}

static void every_allocation_of_an_answer_may_fail(void **state)
{
    (void)state;
    es_space *space = open_words(vectors);
    for (size_t i = 0; i < 4 * sizeof texts / sizeof *texts; i++) {
        es_dataset set = set_of(texts[i / 4]);
        es_evaluation evaluation = evaluate(space, &set, NULL);
        int64_t n = 0;
        for (bool failed = true; failed; n++) {
            es_error error = {0};
            atomic_store(&failures, 0);
            atomic_store(&allocations_left, n);
            es_status status = render(space, &evaluation, (int)(i % 4), &error);
            atomic_store(&allocations_left, -1);
            failed = atomic_load(&failures) > 0;
            if (failed != (status == ES_NO_MEMORY))
                fail_msg("form %d, allocation %lld: %s", (int)(i % 4), (long long)n, error.text);
        }
        es_evaluation_release(&evaluation);
        es_dataset_release(&set);
    }
    es_space_free(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(correlations_by_hand),
        cmocka_unit_test(what_is_undefined_is_nan),
        cmocka_unit_test(the_interval_follows_the_seed_alone),
        cmocka_unit_test(letters_find_their_keys),
        cmocka_unit_test(answers_without_case),
        cmocka_unit_test(pooled_words_are_told_apart),
        cmocka_unit_test(odd_ones),
        cmocka_unit_test(shares_have_wilsons_interval),
        cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(can_be_cancelled),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_allocation_of_an_answer_may_fail),
    };
    return cmocka_run_group_tests_name("evaluate", tests, scratch_setup, scratch_teardown);
}
