/* A report on a model that can be run says what predict says; one that cannot be run says why. */
#include "random_gpt2.h"

#include <embscope/predict.h>
#include <embscope/prompt.h>
#include <embscope/report.h>
#include <math.h>

static es_status report_of(es_space *space, es_model *model, const char *prompt, es_report *report,
                           es_error *error)
{
    const char *const words[] = {"@3", "@4", "@6", "@7"};
    es_report_options options = {.words = words, .word_count = 4, .threads = 2, .model = model};
    if (prompt) options.prompt = (es_bytes){prompt, strlen(prompt)};
    if (!model) options.model_missing = "nothing to run";
    return es_report_compute(space, &options, report, error);
}

static void agrees_with_predict(bool untied)
{
    loaded at = load(&(plan){.untied = untied});
    es_error error = {0};
    es_ids ids;
    es_bytes text = {"a cat", 5};
    assert_ok(es_prompt_encode(at.model, "it", text, false, &ids, &error), error);
    es_predictions alone;
    es_predict_options how = {.lens = true, .keep_rows = true};
    assert_ok(es_predict_compute(at.model, ids.id, ids.count, &how, &alone, &error), error);
    const es_prediction *last = es_predict_final(&alone);
    es_report report;
    es_model *again;
    assert_ok(es_model_create(at.space, 2, &again, &error), error);
    assert_ok(report_of(at.space, again, "a cat", &report, &error), error);
    assert_true(report.has_prediction && !report.model_missing);
    assert_true((report.model != NULL) == untied); /* else it has been freed */
    assert_true(report.has_tying == untied);
    assert_int_equal(report.prediction.token_count, ids.count);
    assert_int_equal(report.prediction.depth, LAYERS + 1);
    for (int64_t i = 0; i < last->count; i++) {
        const es_next_token *here = &es_predict_final(&report.prediction)->next[i];
        assert_int_equal(here->id, last->next[i].id);
        assert_true(here->logit == last->next[i].logit);
        assert_int_equal(here->text.size, last->next[i].text.size);
    }
    assert_memory_equal(report.prediction.logits, alone.logits,
                        (size_t)alone.rows * sizeof *alone.logits);
    assert_int_equal(report.attribution->token, last->next[0].id);
    assert_int_equal(report.attribution->against, last->next[1].id);
    assert_true(fabs(report.attribution->logit - last->next[1].behind_first.logit) < 1e-9);
    es_report_release(&report);
    es_predict_release(&alone);
    es_ids_release(&ids);
    unload(&at);
}

static void says_what_predict_says(void **state)
{
    (void)state;
    agrees_with_predict(false);
    agrees_with_predict(true);
}

/* The library's own prompt is longer here than the context: a line, no fault. */
static void says_why_there_is_none(void **state)
{
    (void)state;
    loaded at = load(&(plan){0});
    es_error error = {0};
    es_report report;
    es_model *model;
    assert_ok(es_model_create(at.space, 2, &model, &error), error);
    assert_ok(report_of(at.space, model, NULL, &report, &error), error);
    assert_false(report.has_prediction);
    assert_non_null(strstr(report.model_missing, "the prompt"));
    es_report_release(&report);
    assert_ok(report_of(at.space, NULL, NULL, &report, &error), error);
    assert_string_equal(report.model_missing, "nothing to run");
    es_report_release(&report);
    assert_ok(es_model_create(at.space, 2, &model, &error), error);
    assert_int_equal(report_of(at.space, model, "much too long a prompt here", &report, &error),
                     ES_BAD_INPUT);
    assert_says(error, "the prompt");
    unload(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_predict_says),
        cmocka_unit_test(says_why_there_is_none),
    };
    return cmocka_run_group_tests_name("report_model", tests, scratch_setup, scratch_teardown);
}
