#define _GNU_SOURCE /* setenv */
/* What a small GPT-2 of random weights predicts: identities that hold for any model; odd rows, odd
 * states; what is refused; how it ends early. The figures are held against NumPy on the model demo
 * by tests/reference/test_predict.py. */
#include "failing_allocation.h"
#include "random_gpt2.h"

#include "analysis/logit_order.h"
#include "render/figure_style.h"

#include <embscope/predict.h>
#include <embscope/prompt.h>
#include <embscope/render.h>
#include <math.h>

static const int64_t prompt[] = {10, 99, 258, 3, 10, 77, 30};
enum { TOKENS = sizeof prompt / sizeof *prompt };

static es_predictions predict(const loaded *at, int64_t count, const es_predict_options *options)
{
    es_predictions predictions;
    es_error error = {0};
    assert_ok(es_predict_compute(at->model, prompt, count, options, &predictions, &error), error);
    return predictions;
}

static void sorts_rows_with_ties_and_gaps(void **state)
{
    (void)state;
    static const double values[] = {1, -0.0, 3, NAN, 0.0, -1e300, 3, 1e-310, -1, NAN};
    static const int32_t expected[] = {2, 6, 0, 7, 1, 4, 8, 5, 3, 9};
    enum { N = 10 };
    int32_t ids[N], ranks[N];
    double means[N];
    es_row_sorter sorter = {0};
    es_error error = {0};
    assert_ok(es_row_sorter_init(&sorter, N, &error), error);
    es_rows_sort(&sorter, N, values, ids);
    assert_memory_equal(ids, expected, sizeof expected);
    es_rows_rank(N, ids, N - 2, ranks);
    assert_int_equal(ranks[6], 2);
    assert_int_equal(ranks[5], 8);
    assert_int_equal(ranks[3], 0);
    es_rows_mean_rank(N, values, values, ids, means);
    assert_true(means[2] == 1.5 && means[6] == 1.5 && means[0] == 3 && means[7] == 4);
    assert_true(means[1] == 5.5 && means[4] == 5.5 && means[8] == 7 && means[5] == 8);
    es_row_sorter_release(&sorter);
}

/* ---- identities -------------------------------------------------------------------------------
 */

static void check_candidates(const es_prediction *at)
{
    double sum = 0, entropy = 0;
    for (int64_t i = 0; i < at->count; i++) {
        const es_next_token *c = &at->next[i];
        assert_int_equal(c->rank, i + 1);
        sum += c->probability;
        entropy -= c->probability * log(c->probability);
        if (c->id == ZERO_ROW && c->norm == 0) continue;
        assert_true(fabs(c->logit - c->norm * at->hidden_norm * c->cosine) < 1e-12);
        assert_true(fabs(c->behind_first.logit - c->behind_first.angle - c->behind_first.norm) <
                    1e-12);
        assert_true(fabs(at->next[0].logit - c->logit - c->behind_first.logit) < 1e-15);
        if (i + 1 == at->count) continue;
        const es_next_token *next = &at->next[i + 1];
        assert_true(c->logit > next->logit || (c->logit == next->logit && c->id < next->id));
        assert_true(fabs(c->ahead_of_next.logit - (c->logit - next->logit)) < 1e-15);
    }
    assert_true(isnan(at->next[at->count - 1].ahead_of_next.logit));
    assert_true(fabs(sum - 1) < 1e-12);
    assert_true(fabs(entropy - at->entropy) < 1e-12);
    const es_logit_order *order = &at->order;
    assert_true(fabs(order->angle_share + order->norm_share + order->shared - 1) < 1e-12);
}

static void every_candidate_adds_up(void **state)
{
    (void)state;
    for (int untied = 0; untied < 2; untied++) {
        loaded at = load(&(plan){.untied = untied});
        es_predictions all = predict(
            &at, TOKENS, &(es_predict_options){.k = 10000, .all_positions = true, .lens = true});
        assert_int_equal(all.position_count, TOKENS);
        assert_int_equal(all.depth, LAYERS + 1);
        assert_int_equal(all.left_out, untied);
        assert_int_equal(all.tying, untied ? ES_TYING_UNTIED : ES_TYING_TIED);
        for (int64_t i = 0; i < TOKENS * (LAYERS + 1); i++) {
            assert_int_equal(all.states[i].count, MODEL_ROWS);
            assert_int_equal(all.states[i].layer, i % (LAYERS + 1));
            assert_int_equal(all.states[i].position, i / (LAYERS + 1));
            check_candidates(&all.states[i]);
            const es_prediction *last = &all.states[i - i % (LAYERS + 1) + LAYERS];
            int64_t rank = all.states[i].answer_rank;
            assert_int_equal(all.states[i].next[rank - 1].id, last->next[0].id);
            assert_true(all.states[i].next[rank - 1].logit == all.states[i].answer_logit);
        }
        es_predict_release(&all);
        unload(&at);
    }
}

static void assert_same(const es_prediction *a, const es_prediction *b)
{
    assert_int_equal(a->position, b->position);
    assert_true(a->hidden_norm == b->hidden_norm && a->entropy == b->entropy);
    assert_true(a->order.spearman_norm == b->order.spearman_norm);
    for (int64_t i = 0; i < 10; i++) {
        assert_int_equal(a->next[i].id, b->next[i].id);
        assert_true(a->next[i].logit == b->next[i].logit);
        assert_int_equal(a->next[i].rank_by_cosine, b->next[i].rank_by_cosine);
    }
}

/* However a state is asked for, it is the same to the last bit. */
static void every_way_gives_the_same(void **state)
{
    (void)state;
    loaded at = load(&(plan){0});
    es_predictions all = predict(&at, TOKENS, &(es_predict_options){.all_positions = true});
    for (int64_t p = 0; p < TOKENS; p++) {
        es_predictions cut = predict(&at, p + 1, NULL);
        es_predictions one =
            predict(&at, TOKENS, &(es_predict_options){.has_position = true, .position = p});
        es_predictions back = predict(
            &at, TOKENS,
            &(es_predict_options){.has_position = true, .position = p - TOKENS, .lens = true});
        assert_same(&all.states[p], es_predict_final(&cut));
        assert_same(&all.states[p], es_predict_final(&one));
        assert_same(&all.states[p], es_predict_final(&back));
        const es_prediction *last = es_predict_final(&back);
        assert_int_equal(last->answer_rank, 1);
        assert_true(last->divergence == 0 && fabs(last->cosine_to_final - 1) < 1e-15);
        assert_true(back.states[0].divergence > 0);
        es_predict_release(&cut);
        es_predict_release(&one);
        es_predict_release(&back);
    }
    es_predict_release(&all);
    unload(&at);
}

static void the_prompt_surprises(void **state)
{
    (void)state;
    loaded at = load(&(plan){0});
    es_predictions all = predict(
        &at, TOKENS, &(es_predict_options){.k = 10000, .all_positions = true, .lens = true});
    double sum = 0;
    for (int64_t p = 0; p < TOKENS; p++) {
        const es_prediction *last = &all.states[p * all.depth + all.depth - 1];
        if (p == TOKENS - 1) {
            assert_int_equal(last->actual, -1);
            assert_true(isnan(last->surprisal) && isnan(last->actual_probability));
            break;
        }
        assert_int_equal(last->actual, prompt[p + 1]);
        const es_next_token *c = &last->next[last->actual_rank - 1];
        assert_int_equal(c->id, prompt[p + 1]);
        assert_true(fabs(c->probability - last->actual_probability) < 1e-15);
        sum -= log(c->probability);
    }
    assert_int_equal(all.surprisal_count, TOKENS - 1);
    assert_true(fabs(all.surprisal - sum) < 1e-12);
    assert_true(fabs(all.perplexity - exp(sum / (TOKENS - 1))) < 1e-9);
    es_predict_release(&all);
    es_predictions one = predict(&at, 1, &(es_predict_options){.all_positions = true});
    assert_true(isnan(one.perplexity) && one.surprisal_count == 0);
    es_predict_release(&one);
    unload(&at);
}

/* ---- odd rows and states ----------------------------------------------------------------------
 */

static const es_next_token *find(const es_prediction *at, int64_t id)
{
    for (int64_t i = 0; i < at->count; i++)
        if (at->next[i].id == id) return &at->next[i];
    fail_msg("no candidate %lld", (long long)id);
    return NULL;
}

static void odd_rows_have_their_rule(void **state)
{
    (void)state;
    loaded at = load(&(plan){.untied = true});
    es_predictions all = predict(&at, TOKENS, &(es_predict_options){.k = MODEL_ROWS});
    const es_prediction *last = es_predict_final(&all);
    const es_next_token *zero = find(last, ZERO_ROW);
    assert_true(zero->logit == 0 && isnan(zero->cosine) && zero->norm == 0);
    assert_int_equal(zero->rank_by_cosine, 0);
    assert_int_equal(zero->rank_by_norm, 0);
    assert_true(isnan(zero->behind_first.angle) && !isnan(zero->behind_first.logit));
    const es_next_token *a = find(last, TWIN_A), *b = find(last, TWIN_B);
    const es_next_token *longer = find(last, LONG_TWIN);
    assert_int_equal(b->rank, a->rank + 1); /* equal rows: by id */
    assert_int_equal(b->rank_by_cosine, a->rank_by_cosine + 1);
    assert_true(fabs(a->cosine - longer->cosine) < 1e-15);
    assert_int_equal(longer->rank_by_norm, 1);
    es_logit_gap gap = es_logit_gap_between(last->hidden_norm, longer, a);
    assert_true(fabs(gap.angle) < 1e-12 && fabs(gap.norm - 7 * a->logit) < 1e-12);
    es_predict_release(&all);
    unload(&at);
}

static void a_silent_model_prefers_nothing(void **state)
{
    (void)state;
    loaded at = load(&(plan){.silent = true});
    es_predictions all = predict(&at, TOKENS, &(es_predict_options){.lens = true});
    const es_prediction *last = es_predict_final(&all);
    assert_true(last->hidden_norm == 0 && isnan(last->cosine_to_final));
    assert_true(fabs(last->entropy - log(MODEL_ROWS)) < 1e-12);
    assert_int_equal(last->next[3].id, 3);
    assert_true(isnan(last->next[0].cosine) && isnan(last->order.spearman_cosine));
    assert_int_equal(last->promoted_count + last->held_back_count, 0);
    es_predict_release(&all);
    unload(&at);
}

typedef struct taken {
    int64_t positions, most;
    double first[TOKENS];
} taken;

static es_status take(void *context, const double *logits, int64_t count, es_error *error)
{
    taken *taken = context;
    (void)error;
    for (int64_t p = 0; p < count; p++) taken->first[taken->positions++] = logits[p * MODEL_ROWS];
    return taken->positions > taken->most ? ES_CANNOT_WRITE : ES_OK;
}

static void hands_out_logits_and_streams(void **state)
{
    (void)state;
    loaded at = load(&(plan){0});
    taken got = {.most = TOKENS};
    es_predict_options options = {.k = MODEL_ROWS,
                                  .all_positions = true,
                                  .lens = true,
                                  .keep_rows = true,
                                  .keep_hidden = true,
                                  .take_logits = take,
                                  .take_context = &got};
    es_predictions all = predict(&at, TOKENS, &options);
    assert_int_equal(got.positions, TOKENS);
    for (int64_t p = 0; p < TOKENS; p++)
        assert_true(got.first[p] == find(&all.states[(p + 1) * all.depth - 1], 0)->logit);
    const es_prediction *last = es_predict_final(&all);
    for (int64_t i = 0; i < MODEL_ROWS; i++) {
        assert_true(all.logits[i] == find(last, i)->logit);
        assert_true(all.cosines[i] == find(last, i)->cosine);
        assert_true(all.norms[i] == find(last, i)->norm);
    }
    double hidden[WIDTH], sum = 0;
    es_model_final_norm(at.model, all.hidden + (LAYERS * TOKENS + TOKENS - 1) * WIDTH, hidden,
                        NULL);
    for (int k = 0; k < WIDTH; k++) sum += hidden[k] * hidden[k];
    assert_true(fabs(sqrt(sum) - last->hidden_norm) < 1e-12);
    es_predict_release(&all);
    got = (taken){.most = 2};
    es_error error = {0};
    assert_int_equal(es_predict_compute(at.model, prompt, TOKENS, &options, &all, &error),
                     ES_CANNOT_WRITE);
    unload(&at);
}

/* ---- what is refused, and how it ends ---------------------------------------------------------
 */

static void refuse(const loaded *at, int64_t count, const es_predict_options *options,
                   es_status status, const char *says)
{
    es_error error = {0};
    es_predictions predictions;
    assert_int_equal(es_predict_compute(at->model, prompt, count, options, &predictions, &error),
                     status);
    assert_says(error, says);
    assert_null(predictions.states);
}

static void refuses_what_cannot_be(void **state)
{
    (void)state;
    loaded at = load(&(plan){0});
    refuse(&at, 0, NULL, ES_BAD_ARGUMENT, "1 to 12 tokens");
    refuse(&at, 2, &(es_predict_options){.k = -1}, ES_BAD_ARGUMENT, "k must be");
    refuse(&at, 2, &(es_predict_options){.has_position = true, .position = 2}, ES_BAD_ARGUMENT,
           "position 2 is not there");
    refuse(&at, 2, &(es_predict_options){.has_position = true, .position = -3}, ES_BAD_ARGUMENT,
           "position -3 is not there");
    static const int64_t wrong[] = {MODEL_ROWS};
    es_error error = {0};
    es_predictions predictions;
    assert_int_equal(es_predict_compute(at.model, wrong, 1, NULL, &predictions, &error),
                     ES_BAD_INPUT);
    assert_says(error, "no row");
    unload(&at);
}

static void encode(const loaded *at, const char *text, es_status status, const char *says)
{
    es_ids ids = {0};
    es_error error = {0};
    es_bytes bytes = {text, strlen(text)};
    assert_int_equal(es_prompt_encode(at->model, "it", bytes, false, &ids, &error), status);
    if (says) assert_says(error, says);
    es_ids_release(&ids);
}

static void reads_prompts(void **state)
{
    (void)state;
    loaded at = load(&(plan){0});
    encode(&at, "", ES_BAD_INPUT, "it is empty");
    encode(&at, " cat dog", ES_OK, NULL);
    encode(&at, "zzzzzzzzzzzz", ES_OK, NULL);
    encode(&at, "zzzzzzzzzzzzz", ES_BAD_INPUT, "it has 13 tokens");
    assert_non_null(es_prompt_note(at.model, (es_bytes){"a ", 2}, false));
    assert_null(es_prompt_note(at.model, (es_bytes){"a", 1}, false));
    unload(&at);
}

static bool count_down(void *context, int64_t done, int64_t total)
{
    assert_true(done >= 0 && done <= total);
    return --*(int64_t *)context >= 0;
}

static void can_be_cancelled(void **state)
{
    (void)state;
    loaded at = load(&(plan){0});
    es_error error = {0};
    es_predictions all;
    int64_t ends = 0;
    for (int64_t calls = 0;; calls++, ends++) {
        int64_t left = calls;
        es_predict_options options = {.all_positions = true,
                                      .lens = true,
                                      .progress = {.report = count_down, .context = &left}};
        es_status status = es_predict_compute(at.model, prompt, TOKENS, &options, &all, &error);
        if (status == ES_OK) break;
        assert_int_equal(status, ES_CANCELLED);
    }
    assert_true(ends > LAYERS);
    es_predict_release(&all);
    unload(&at);
}

static void survives_every_failing_allocation(void **state)
{
    (void)state;
    loaded at = load(&(plan){.untied = true});
    es_predict_options options = {
        .threads = 1, .lens = true, .keep_rows = true, .keep_hidden = true};
    for (long long n = 0;; n++) {
        es_predictions all;
        es_error error = {0};
        atomic_store(&failures, 0);
        atomic_store(&allocations_left, n);
        es_status status = es_predict_compute(at.model, prompt, TOKENS, &options, &all, &error);
        atomic_store(&allocations_left, -1);
        if (status == ES_OK) es_predict_release(&all);
        if (!atomic_load(&failures)) {
            assert_int_equal(status, ES_OK);
            assert_true(n > 20);
            break;
        }
        assert_int_equal(status, ES_NO_MEMORY);
    }
    unload(&at);
}

typedef struct drawn {
    const es_space *space;
    es_predictions one, lens, all, both;
} drawn;

static es_status draw(es_figure figure, es_error *error)
{
    bool failed = figure.script.failed;
    es_text_release(&figure.script);
    return failed ? es_fail(error, ES_NO_MEMORY, "a script") : ES_OK;
}

static es_status render_all(const drawn *drawn, FILE *out, es_error *error)
{
    const es_predictions *answers[] = {&drawn->one, &drawn->lens, &drawn->all, &drawn->both};
    es_status status = ES_OK;
    for (int form = 0; form < 4; form++) {
        es_render_options options = {.output = (es_output)form};
        for (int i = 0; i < 4 && !status; i++)
            status = es_render_predict(drawn->space, answers[i], &options, out, error);
        if (!status)
            status = es_render_predict_list(drawn->space, answers[0], 1, &options, out, error);
    }
    if (!status) status = draw(es_figure_prediction(drawn->space, &drawn->one), error);
    if (!status) status = draw(es_figure_lens(drawn->space, &drawn->lens), error);
    if (!status) status = draw(es_figure_lens(drawn->space, &drawn->both), error);
    if (!status) status = draw(es_figure_surprisal(drawn->space, &drawn->all), error);
    return status;
}

/* Each allocation fails once, and is told. The stream's own buffer is there before. */
static void renders_or_says_why(void **state)
{
    (void)state;
    static char buffer[1 << 16];
    loaded at = load(&(plan){.untied = true});
    drawn drawn = {
        .space = es_model_unembedding(at.model),
        .one = predict(&at, TOKENS, &(es_predict_options){.keep_rows = true}),
        .lens = predict(&at, TOKENS, &(es_predict_options){.lens = true}),
        .all = predict(&at, TOKENS, &(es_predict_options){.all_positions = true}),
        .both = predict(&at, TOKENS, &(es_predict_options){.all_positions = true, .lens = true})};
    int64_t n = 0;
    for (bool failed = true; failed; n++) {
        FILE *out = fopen("/dev/null", "w");
        assert_non_null(out);
        setvbuf(out, buffer, _IOFBF, sizeof buffer);
        es_error error = {{0}};
        atomic_store(&failures, 0);
        atomic_store(&allocations_left, n);
        es_status status = render_all(&drawn, out, &error);
        atomic_store(&allocations_left, -1);
        failed = atomic_load(&failures) > 0;
        fclose(out);
        if (failed && status != ES_NO_MEMORY) fail_msg("allocation %lld", (long long)n);
        if (!failed) assert_ok(status, error);
    }
    assert_true(n > 100);
    es_predict_release(&drawn.one);
    es_predict_release(&drawn.lens);
    es_predict_release(&drawn.all);
    es_predict_release(&drawn.both);
    unload(&at);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    loaded at = load(&(plan){.untied = true});
    es_predictions first = predict(&at, TOKENS, &(es_predict_options){.threads = 1});
    for (int threads = 2; threads < 6; threads++) {
        es_predictions other = predict(&at, TOKENS, &(es_predict_options){.threads = threads});
        assert_same(es_predict_final(&first), es_predict_final(&other));
        es_predict_release(&other);
    }
    es_predict_release(&first);
    unload(&at);
}

/* Without an epsilon, a stream of equal components leaves the last LayerNorm nothing to divide by.
 */
static void a_constant_stream_is_told(void **state)
{
    (void)state;
    enum { D = 4, ID = 65, LAST_BIAS = 2 + GPT2_OF_A_LAYER - 1 };
    const char *config = "{\"model_type\": \"gpt2\", \"n_layer\": 1, \"n_head\": 1, "
                         "\"n_embd\": 4, \"n_inner\": 4, \"layer_norm_epsilon\": 0}";
    gpt2_tensors *all = draw_gpt2(&(gpt2_plan){.seed = 3,
                                               .layers = 1,
                                               .heads = 1,
                                               .width = D,
                                               .inner = D,
                                               .context = D,
                                               .rows = MODEL_ROWS});
    for (int t = 1; t <= LAST_BIAS; t++)
        memset(all->tensor[t].values, 0, (size_t)gpt2_count(&all->tensor[t]) * sizeof(double));
    for (int k = 0; k < D; k++) /* takes the token's row off again */
        all->tensor[LAST_BIAS].values[k] = -all->tensor[0].values[ID * D + k];
    write_gpt2("still", all, &(gpt2_fault){.config = config});
    write_bpe("still");
    release_gpt2(all);
    loaded at = {0};
    es_error error = {0};
    es_predictions answer = {0};
    assert_ok(es_space_open(scratch_path("still"), NULL, &at.space, &error), error);
    assert_ok(es_model_create(at.space, 1, &at.model, &error), error);
    assert_int_equal(es_predict_compute(at.model, (int64_t[]){ID}, 1, NULL, &answer, &error),
                     ES_BAD_INPUT);
    assert_non_null(strstr(error.text, "token 0 of the prompt, after layer 1"));
    assert_ok(es_predict_compute(at.model, (int64_t[]){ID + 1}, 1, NULL, &answer, &error), error);
    es_predict_release(&answer);
    unload(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_rows_with_ties_and_gaps),
        cmocka_unit_test(every_candidate_adds_up),
        cmocka_unit_test(every_way_gives_the_same),
        cmocka_unit_test(the_prompt_surprises),
        cmocka_unit_test(odd_rows_have_their_rule),
        cmocka_unit_test(a_silent_model_prefers_nothing),
        cmocka_unit_test(hands_out_logits_and_streams),
        cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(reads_prompts),
        cmocka_unit_test(can_be_cancelled),
        cmocka_unit_test(survives_every_failing_allocation),
        cmocka_unit_test(renders_or_says_why),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(a_constant_stream_is_told),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
