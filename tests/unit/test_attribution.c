/* What the parts of a model add to a logit: they add up to it, they are what they are called, and
 * a head that is silenced is missed where it should be. */
#include "failing_allocation.h"
#include "tiny_gpt2.h"

#include "analysis/logits.h"

static const int64_t text[] = {65, 258, 7, 261, 200, 258, 11, 3, 99, 265};
enum { TEXT = sizeof text / sizeof *text, MOST = 3 + TINY_LAYERS * (TINY_HEADS + 2) };

static es_attribution attribute(es_model *model, int64_t count, int64_t token, int64_t against)
{
    es_error error = {0};
    es_attribution out;
    es_attribution_target target = {token, against};
    assert_ok(es_attribution_compute(model, text, count, &target, NULL, &out, &error), error);
    return out;
}

/* All parts in one order; returns how many. */
static int list(const es_attribution *from, double parts[MOST])
{
    int n = 0;
    parts[n++] = from->token_embedding;
    parts[n++] = from->position_embedding;
    parts[n++] = from->final_bias;
    for (int64_t i = 0; i < from->layers; i++) {
        for (int64_t h = 0; h < from->heads; h++) parts[n++] = from->head[i * from->heads + h];
        parts[n++] = from->attention_bias[i];
        parts[n++] = from->mlp[i];
    }
    assert_int_equal(n, MOST);
    return n;
}

/* Logits after `count` tokens fed at once, in float64, (MODEL_ROWS). */
static void logits_after(es_model *model, int64_t count, double *logits)
{
    es_error error = {0};
    es_run *run;
    float last[TINY_WIDTH];
    double hidden[TINY_WIDTH];
    assert_ok(es_run_create(model, count, &run, &error), error);
    assert_ok(es_run_feed(run, text, count, NULL, last, NULL, &error), error);
    es_run_free(run);
    es_model_final_norm(model, last, hidden, NULL);
    assert_ok(es_logits_compute(es_model_unembedding(model), 1, hidden, 1, logits, NULL, &error),
              error);
}

/* The float32 states have 24 bits; some dozens of sums of numbers around 1 keep 1e-5. */
static void parts_add_up(void **state)
{
    (void)state;
    for (int untied = 0; untied < 2; untied++) {
        es_model *model = open_tiny_gpt2(&(tiny_gpt2){.untied = untied}, 2);
        for (int64_t count = 1; count <= TEXT; count++) {
            double logits[MODEL_ROWS], parts[MOST], sum = 0;
            logits_after(model, count, logits);
            int64_t token = 13 * count, against = count % 2 ? -1 : 5;
            es_attribution out = attribute(model, count, token, against);
            for (int i = 0; i < list(&out, parts); i++) sum += parts[i];
            double logit = logits[token] - (against < 0 ? 0 : logits[against]);
            assert_true(fabs(out.logit - logit) < 1e-5);
            assert_true(fabs(out.logit - sum - out.remainder) < 1e-12);
            assert_true(fabs(out.remainder) < 1e-5);
            assert_true(out.path[TINY_LAYERS] + out.remainder == out.logit ||
                        fabs(out.path[TINY_LAYERS] + out.remainder - out.logit) < 1e-12);
            for (int i = 0; i < TINY_LAYERS; i++)
                assert_true(fabs(out.path[i] + out.attention[i] + out.mlp[i] - out.path[i + 1]) <
                            1e-12);
            assert_int_equal(out.position, count - 1);
            es_attribution_release(&out);
        }
        close_tiny_gpt2(model);
    }
}

/* The attention of a layer as the forward pass adds it is the heads and the bias. */
static void heads_make_the_attention(void **state)
{
    (void)state;
    es_model *model = open_tiny_gpt2(&(tiny_gpt2){0}, 1);
    es_error error = {0};
    es_run *run;
    static float attention[TINY_LAYERS][TEXT][TINY_WIDTH];
    float last[TINY_WIDTH];
    double hidden[TINY_WIDTH], row[TINY_WIDTH];
    assert_ok(es_run_create(model, TEXT, &run, &error), error);
    assert_ok(es_run_feed(run, text, TEXT, &(es_trace){.attention = &attention[0][0][0]}, last,
                          NULL, &error),
              error);
    es_run_free(run);
    es_attribution out = attribute(model, TEXT, 40, -1);
    es_model_final_norm(model, last, hidden, NULL);
    assert_ok(es_space_read_rows(es_model_unembedding(model), 40, 1, row, &error), error);
    for (int i = 0; i < TINY_LAYERS; i++) {
        /* ln_f is linear but for its scale: of x less the attention, the logit without it. */
        double without[TINY_WIDTH], mean = 0, logit = 0;
        const float *added = attention[i][TEXT - 1];
        for (int k = 0; k < TINY_WIDTH; k++) mean += added[k] / TINY_WIDTH;
        float zero[TINY_WIDTH] = {0}, one[TINY_WIDTH] = {0};
        double bias[TINY_WIDTH], gain[TINY_WIDTH], scale;
        es_model_final_norm(model, zero, bias, NULL);
        for (int k = 0; k < TINY_WIDTH; k++) {
            memset(one, 0, sizeof one);
            one[k] = 1;
            es_model_final_norm(model, one, without, &scale);
            gain[k] = (without[k] - bias[k]) * scale / (1 - 1.0 / TINY_WIDTH);
            logit += gain[k] * (added[k] - mean) / out.scale * row[k];
        }
        assert_true(fabs(logit - out.attention[i]) < 1e-5);
    }
    es_attribution_release(&out);
    close_tiny_gpt2(model);
}

/* The head of the last layer whose rows of the output matrix are zero adds nothing; whatever was
 * computed before it, and its neighbours, add the same, under the new scale. */
static void a_silent_head_is_missed(void **state)
{
    (void)state;
    es_model *whole = open_tiny_gpt2(&(tiny_gpt2){0}, 1);
    es_attribution before = attribute(whole, TEXT, 40, -1);
    close_tiny_gpt2(whole);
    for (int silent = 1; silent <= TINY_HEADS; silent++) {
        es_model *model = open_tiny_gpt2(&(tiny_gpt2){.silent_head = silent}, 1);
        es_attribution after = attribute(model, TEXT, 40, -1);
        double factor = before.scale / after.scale, parts[2][MOST];
        assert_true(fabs(factor - 1) > 1e-4);
        list(&before, parts[0]);
        list(&after, parts[1]);
        int place = 3 + (TINY_LAYERS - 1) * (TINY_HEADS + 2) + silent - 1;
        for (int i = 0; i < MOST - 1; i++) {
            double expected = i == place ? 0 : parts[0][i] * (i == 2 ? 1 : factor);
            assert_true(fabs(parts[1][i] - expected) < 1e-12);
        }
        assert_true(fabs(parts[0][place]) > 1e-3);
        /* The MLP after it reads what it wrote. */
        assert_true(fabs(parts[1][MOST - 1] - parts[0][MOST - 1] * factor) > 1e-4);
        es_attribution_release(&after);
        close_tiny_gpt2(model);
    }
    es_attribution_release(&before);
}

static void a_difference_is_one_of_parts(void **state)
{
    (void)state;
    es_model *model = open_tiny_gpt2(&(tiny_gpt2){.untied = true}, 1);
    es_attribution both = attribute(model, 5, 20, 30), first = attribute(model, 5, 20, -1),
                   second = attribute(model, 5, 30, -1);
    double parts[3][MOST];
    list(&both, parts[0]);
    list(&first, parts[1]);
    list(&second, parts[2]);
    for (int i = 0; i < MOST; i++)
        assert_true(fabs(parts[0][i] - (parts[1][i] - parts[2][i])) < 1e-12);
    assert_int_equal(both.token, 20);
    assert_int_equal(both.against, 30);
    assert_int_equal(first.against, -1);
    es_attribution_release(&both);
    es_attribution_release(&first);
    es_attribution_release(&second);
    close_tiny_gpt2(model);
}

static void finds_the_top(void **state)
{
    (void)state;
    es_model *model = open_tiny_gpt2(&(tiny_gpt2){0}, 1);
    for (int64_t count = 1; count <= TEXT; count++) {
        double logits[MODEL_ROWS];
        int64_t top = 0, second = -1;
        logits_after(model, count, logits);
        for (int64_t i = 1; i < MODEL_ROWS; i++)
            if (logits[i] > logits[top]) top = i;
        for (int64_t i = 0; i < MODEL_ROWS; i++)
            if (i != top && (second < 0 || logits[i] > logits[second])) second = i;
        es_attribution out = attribute(model, count, ES_ATTRIBUTE_TOP, ES_ATTRIBUTE_SECOND);
        assert_int_equal(out.token, top);
        assert_int_equal(out.against, second);
        es_attribution_release(&out);
        es_error error = {0};
        assert_ok(es_attribution_compute(model, text, count, NULL, NULL, &out, &error), error);
        assert_int_equal(out.token, top);
        assert_int_equal(out.against, -1);
        es_attribution_release(&out);
    }
    close_tiny_gpt2(model);
}

static bool refuse(void *context, int64_t done, int64_t total)
{
    (void)context, (void)done, (void)total;
    return false;
}

static void refuses(void **state)
{
    (void)state;
    es_model *model = open_tiny_gpt2(&(tiny_gpt2){0}, 1);
    es_attribution out;
    es_error error = {0};
    const struct {
        es_attribution_target target;
        const char *says;
    } cases[] = {{{MODEL_ROWS, -1}, "has no logit"},
                 {{3, MODEL_ROWS}, "has no logit"},
                 {{-1, -1}, "has no logit"},
                 {{3, 3}, "against itself"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            es_attribution_compute(model, text, 3, &cases[i].target, NULL, &out, &error),
            ES_BAD_ARGUMENT);
        assert_says(error, cases[i].says);
        assert_null(out.head);
    }
    assert_int_equal(es_attribution_compute(model, text, 0, NULL, NULL, &out, &error),
                     ES_BAD_ARGUMENT);
    assert_int_equal(
        es_attribution_compute(model, text, TINY_CONTEXT + 1, NULL, NULL, &out, &error),
        ES_BAD_ARGUMENT);
    es_progress progress = {.report = refuse};
    assert_int_equal(es_attribution_compute(model, text, 3, NULL, &progress, &out, &error),
                     ES_CANCELLED);
    const int64_t beyond[] = {MODEL_ROWS};
    assert_int_equal(es_attribution_compute(model, beyond, 1, NULL, NULL, &out, &error),
                     ES_BAD_INPUT);
    close_tiny_gpt2(model);
}

/* ---- words to targets -------------------------------------------------------------------------
 */

static void check_target(const es_space *space, const char *token, const char *against,
                         int64_t first, int64_t second)
{
    es_attribution_target target;
    char *note;
    es_error error = {0};
    assert_ok(es_attribution_target_resolve(space, token, against, NULL, &target, &note, &error),
              error);
    assert_int_equal(target.token, first);
    assert_int_equal(target.against, second);
    free(note);
}

static void check_no_target(const es_space *space, const char *token, const char *against,
                            es_status status, const char *says)
{
    es_attribution_target target;
    char *note;
    es_error error = {0};
    assert_int_equal(
        es_attribution_target_resolve(space, token, against, NULL, &target, &note, &error), status);
    assert_says(error, says);
    assert_null(note);
}

static void words_become_targets(void **state)
{
    (void)state;
    es_space *space = NULL;
    es_error error = {0};
    write_tiny_gpt2("tiny", &(tiny_gpt2){0});
    assert_ok(es_space_open(scratch_path("tiny"), NULL, &space, &error), error);
    check_target(space, "cat", NULL, MODEL_CAT, -1);
    check_target(space, "cat", "dog", MODEL_CAT, 260);
    check_target(space, " cat", " dog", MODEL_SPACED_CAT, 261);
    check_target(space, "cat-dog", NULL, MODEL_CAT, 260);
    check_target(space, " cat- dog", NULL, MODEL_SPACED_CAT, 261);
    check_target(space, "@7-@8", NULL, 7, 8);
    check_target(space, "cat-banana", NULL, MODEL_SPACED_CAT, 266); /* both with their space */
    check_target(space, "-", NULL, '-', -1);
    check_target(space, "---", NULL, '-', '-');
    check_target(space, "@top", NULL, ES_ATTRIBUTE_TOP, -1);
    check_target(space, "@top", "@second", ES_ATTRIBUTE_TOP, ES_ATTRIBUTE_SECOND);
    check_target(space, "cat", "@top", MODEL_CAT, ES_ATTRIBUTE_TOP);
    check_target(space, "@top-dog", NULL, ES_ATTRIBUTE_TOP, 260);
    check_no_target(space, "cat-", NULL, ES_NOT_FOUND, "cat-");
    check_no_target(space, "cat-cow", NULL, ES_NOT_FOUND, "cat-cow");
    check_no_target(space, "cat-dog", "cat", ES_NOT_FOUND, "cat-dog");
    es_space_free(space);
}

static void two_readings_are_refused(void **state)
{
    (void)state;
    static const char words[] = "5 2\na 1 0\nb-c 0 1\na-b 1 1\nc 2 1\nx 1 3\n";
    es_space *space = NULL;
    es_error error = {0};
    const char *path = scratch_write("words.vec", words, strlen(words));
    assert_ok(es_space_open(path, NULL, &space, &error), error);
    check_target(space, "a-b", NULL, 2, -1);
    check_target(space, "a-x", NULL, 0, 4);
    check_target(space, "a-b-x", NULL, 2, 4);
    check_no_target(space, "a-b-c", NULL, ES_BAD_ARGUMENT, "more than one minus");
    es_space_free(space);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    es_model *model = open_tiny_gpt2(&(tiny_gpt2){0}, 1);
    for (int64_t n = 0;; n++) {
        assert_true(n < 1000);
        es_attribution out;
        es_attribution_target target;
        char *note;
        allocations_left = n;
        es_status status = es_attribution_target_resolve(es_model_space(model), "cat-dog", NULL,
                                                         NULL, &target, &note, NULL);
        if (status == ES_OK) {
            free(note);
            status = es_attribution_compute(model, text, 4, &target, NULL, &out, NULL);
        }
        bool failed = allocations_left == -1;
        allocations_left = -1;
        if (status == ES_OK) es_attribution_release(&out);
        if (status == ES_OK && !failed) break;
        assert_true(status == ES_OK || status == ES_NO_MEMORY);
    }
    close_tiny_gpt2(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(heads_make_the_attention),
        cmocka_unit_test(a_silent_head_is_missed),
        cmocka_unit_test(a_difference_is_one_of_parts),
        cmocka_unit_test(finds_the_top),
        cmocka_unit_test(refuses),
        cmocka_unit_test(words_become_targets),
        cmocka_unit_test(two_readings_are_refused),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests_name("attribution", tests, scratch_setup, scratch_teardown);
}
