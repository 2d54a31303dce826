/* predict for people: what follows a prompt, and how far it is angle and how far norm. */
#include "render/render_predict.h"

#include "render/display.h"
#include "render/number_text.h"
#include "render/table.h"

#include <math.h>

enum {
    ECHOED = 24,      /* tokens of the prompt that are shown, the last ones */
    LENS_COLUMNS = 7, /* layers side by side, where every position has its lens */
    LISTED_MOVED = 3, /* tokens named as promoted, and as held back */
};

static const double degrees = 57.29577951308232; /* of a radian */

static void add_token(es_text *text, es_bytes token, int64_t id)
{
    if (token.data)
        es_display_quoted(text, token.data, token.size);
    else
        es_text_printf(text, "#%lld", (long long)id);
}

static void add_row(es_text *text, const es_space *space, int64_t id)
{
    add_token(text, es_vocabulary_token(es_space_vocabulary(space), id), id);
}

static void add_token_cell(es_table *table, es_bytes token, int64_t id)
{
    es_text text = {0};
    add_token(&text, token, id);
    es_table_cell(table, text.data ? text.data : "");
    table->failed |= text.failed;
    es_text_release(&text);
}

static void add_row_cell(es_table *table, const es_space *space, int64_t id)
{
    if (id < 0)
        es_table_cell(table, "-");
    else
        add_token_cell(table, es_vocabulary_token(es_space_vocabulary(space), id), id);
}

/* The end of a prompt matters most: whole tokens are left out at its beginning. */
void es_render_prompt_label(es_text *text, const es_space *space, const es_predictions *predictions,
                            int64_t count, int columns)
{
    const es_vocabulary *vocabulary = es_space_vocabulary(space);
    int64_t first = count;
    for (int width = 0; first > 0; first--) {
        es_bytes token = es_vocabulary_token(vocabulary, predictions->tokens[first - 1]);
        width += token.data ? es_display_width(token.data, token.size) : 4;
        if (width > columns && first < count) break;
    }
    es_text shown = {0};
    if (first) es_text_add(&shown, "…");
    for (int64_t i = first; i < count; i++) {
        es_bytes token = es_vocabulary_token(vocabulary, predictions->tokens[i]);
        if (token.data) es_text_append(&shown, token.data, token.size);
    }
    es_display_quoted(text, shown.data ? shown.data : "", shown.size);
    text->failed |= shown.failed;
    es_text_release(&shown);
}

static es_status print_text(es_text *text, FILE *out, es_error *error)
{
    bool failed = text->failed;
    if (!failed && text->data) fputs(text->data, out);
    es_text_release(text);
    return failed ? es_fail_memory(error, "a line", 0) : ES_OK;
}

/* ---- what was asked ---------------------------------------------------------------------------
 */

/* `after "A" " cat" " is", 3 tokens` and what h is there. */
static es_status print_question(const es_space *space, const es_predictions *predictions, FILE *out,
                                es_error *error)
{
    const es_prediction *final = es_predict_final(predictions);
    int64_t end = predictions->all_positions ? predictions->token_count : final->position + 1;
    int64_t first = end > ECHOED ? end - ECHOED : 0;
    es_text text = {0};
    if (predictions->all_positions) {
        es_text_add(&text, "along ");
        es_render_prompt_label(&text, space, predictions, end, 70);
    } else {
        es_text_add(&text, "after");
        if (first) es_text_add(&text, " ...");
    }
    for (int64_t i = first; i < end && !predictions->all_positions; i++) {
        es_text_add(&text, " ");
        add_row(&text, space, predictions->tokens[i]);
    }
    es_text_printf(&text, ", %lld token%s", (long long)end, end == 1 ? "" : "s");
    if (end < predictions->token_count)
        es_text_printf(&text, " of %lld", (long long)predictions->token_count);
    es_text_add(&text, "\n");
    if (!predictions->all_positions) {
        es_text_add(&text, "||h|| ");
        es_text_fixed(&text, final->hidden_norm, 4);
        es_text_add(&text, ", entropy ");
        es_text_fixed(&text, final->entropy, 3);
        es_text_add(&text, " nats of at most ");
        es_text_fixed(&text, log((double)predictions->rows), 3);
        es_text_add(&text, "\n");
    }
    es_text_add(&text, "\n");
    return print_text(&text, out, error);
}

/* ---- the candidates ---------------------------------------------------------------------------
 */

static void add_rank(es_table *table, int64_t rank)
{
    if (rank)
        es_table_count(table, rank);
    else
        es_table_cell(table, "-");
}

static es_status print_candidates(const es_prediction *state, const es_render_options *options,
                                  FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "rank", ES_ALIGN_RIGHT);
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_column(&table, "logit", ES_ALIGN_RIGHT);
    es_table_column(&table, "probability", ES_ALIGN_RIGHT);
    es_table_column(&table, "angle", ES_ALIGN_RIGHT);
    es_table_column(&table, "cosine", ES_ALIGN_RIGHT);
    es_table_column(&table, "norm", ES_ALIGN_RIGHT);
    es_table_column(&table, "by cosine", ES_ALIGN_RIGHT);
    es_table_column(&table, "behind", ES_ALIGN_RIGHT);
    es_table_column(&table, "= angle", ES_ALIGN_RIGHT);
    es_table_column(&table, "+ norm", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "token");
    for (int64_t i = 0; i < state->count; i++) {
        const es_next_token *candidate = &state->next[i];
        es_table_id(&table, candidate->rank);
        es_table_id(&table, candidate->id);
        es_table_number(&table, candidate->logit, 4);
        es_table_number(&table, candidate->probability, 6);
        es_table_number(&table, acos(candidate->cosine) * degrees, 2);
        es_table_number(&table, candidate->cosine, 4);
        es_table_number(&table, candidate->norm, 4);
        add_rank(&table, candidate->rank_by_cosine);
        es_table_number(&table, candidate->behind_first.logit, 3);
        es_table_number(&table, candidate->behind_first.angle, 3);
        es_table_number(&table, candidate->behind_first.norm, 3);
        add_token_cell(&table, candidate->text, candidate->id);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

static void add_percent(es_text *text, double share)
{
    es_text_fixed(text, 100 * share, 1);
    es_text_add(text, " %");
}

static void say_moved(es_text *text, const char *words, const es_next_token *moved, int64_t count)
{
    if (!count) return;
    es_text_add(text, words);
    for (int64_t i = 0; i < count && i < LISTED_MOVED; i++) {
        es_text_add(text, i ? ", " : " ");
        add_token(text, moved[i].text, moved[i].id);
        es_text_add(text, " (");
        es_text_count(text, moved[i].rank_by_cosine);
        es_text_add(text, " to ");
        es_text_count(text, moved[i].rank);
        es_text_add(text, ")");
    }
    es_text_add(text, "\n");
}

static void say_tying(es_text *text, const es_predictions *predictions)
{
    if (predictions->tying == ES_TYING_TIED) {
        es_text_add(text, "Tied weights: the v are the token embeddings themselves.");
    } else if (predictions->tying == ES_TYING_UNTIED) {
        bool few = predictions->differing_rows < predictions->rows / 2;
        es_text_add(text, few ? "Weights tied but for " : "Untied weights (");
        es_text_count(text, predictions->differing_rows);
        es_text_add(text, predictions->differing_rows == 1 ? " row" : " rows");
        es_text_add(text, few ? ": the v are rows of the unembedding."
                              : " differ): the v are rows of the unembedding, not of the "
                                "embedding.");
    } else {
        es_text_add(text, "Nothing is known of weight tying.");
    }
}

/* What the figures say, in a few lines. */
static es_status print_reading(const es_predictions *predictions, const es_prediction *state,
                               const es_render_options *options, FILE *out, es_error *error)
{
    const es_logit_order *order = &state->order;
    es_text text = {0};
    es_text_add(&text, "\nlogit = ||v|| ||h|| cos. behind: how far behind the first, as what the "
                       "angles make of it and\nwhat the norms make of it. by cosine: the rank if "
                       "all norms were equal.\nOver ");
    es_text_count(&text, predictions->rows - predictions->left_out);
    es_text_add(&text, " rows, rank correlation of the logits with the cosines ");
    es_text_fixed(&text, order->spearman_cosine, 3);
    es_text_add(&text, ", with the norms ");
    es_text_fixed(&text, order->spearman_norm, 3);
    es_text_add(&text, ";\ntheir variance: ");
    add_percent(&text, order->angle_share);
    es_text_add(&text, " by angle, ");
    add_percent(&text, order->norm_share);
    es_text_add(&text, " by norm, ");
    add_percent(&text, order->shared);
    es_text_add(&text,
                order->shared < 0 ? " as the two pull apart.\n" : " as the two pull together.\n");
    if (state->next[0].cosine < 0)
        es_text_add(&text, "Every cosine is negative: here a longer row has the lower logit.\n");
    if (predictions->left_out) {
        es_text_count(&text, predictions->left_out);
        es_text_add(&text, predictions->left_out == 1 ? " row is" : " rows are");
        es_text_add(&text, " zero: logit 0, no cosine.\n");
    }
    say_moved(&text, "Norm promotes (by cosine to rank):", state->promoted, state->promoted_count);
    say_moved(&text, "Norm holds back:", state->held_back, state->held_back_count);
    say_tying(&text, predictions);
    return es_render_remark(&text, options, out, error);
}

/* ---- the lens ---------------------------------------------------------------------------------
 */

static es_status print_lens(const es_prediction *states, int64_t depth,
                            const es_render_options *options, FILE *out, es_error *error)
{
    es_text title = {0}, remark = {0};
    es_table table = {0};
    const es_next_token *answer = &states[depth - 1].next[0];
    es_table_column(&table, "layer", ES_ALIGN_RIGHT);
    es_table_column(&table, "||h||", ES_ALIGN_RIGHT);
    es_table_column(&table, "cos to last", ES_ALIGN_RIGHT);
    es_table_column(&table, "entropy", ES_ALIGN_RIGHT);
    es_table_column(&table, "divergence", ES_ALIGN_RIGHT);
    add_token(&title, answer->text, answer->id);
    es_text_add(&title, " ranks");
    es_table_column(&table, title.data ? title.data : "", ES_ALIGN_RIGHT);
    es_table_column(&table, "probability", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "first there");
    es_table_column(&table, "probability", ES_ALIGN_RIGHT);
    table.failed |= title.failed;
    es_text_release(&title);
    for (int64_t i = 0; i < depth; i++) {
        const es_prediction *state = &states[i];
        es_table_id(&table, state->layer);
        es_table_number(&table, state->hidden_norm, 3);
        es_table_number(&table, state->cosine_to_final, 4);
        es_table_number(&table, state->entropy, 3);
        es_table_number(&table, state->divergence, 3);
        es_table_count(&table, state->answer_rank);
        es_table_number(&table, state->answer_probability, 6);
        add_token_cell(&table, state->next[0].text, state->next[0].id);
        es_table_number(&table, state->next[0].probability, 6);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    if (status != ES_OK) return status;
    es_text_add(&remark, "\nWhat each layer would answer, read through the last LayerNorm and the "
                         "unembedding; 0 is the\nembedding. divergence: D(P of the last layer || P "
                         "here), in nats; cos to last: of the two h.\n");
    return es_render_remark(&remark, options, out, error);
}

/* ---- every position ---------------------------------------------------------------------------
 */

static int lens_columns(int64_t depth)
{
    return depth == 1 ? 0 : depth < LENS_COLUMNS ? (int)depth : LENS_COLUMNS;
}

/* The layer of column c: evenly spread, the embedding and the last layer always among them. */
static int64_t lens_layer(int64_t depth, int c)
{
    return c * (depth - 1) / (lens_columns(depth) - 1);
}

static void add_position_columns(es_table *table, int64_t depth)
{
    es_table_column(table, "", ES_ALIGN_RIGHT);
    es_table_token_column(table, "token");
    es_table_token_column(table, "next");
    es_table_column(table, "ranks", ES_ALIGN_RIGHT);
    es_table_column(table, "probability", ES_ALIGN_RIGHT);
    es_table_column(table, "surprisal", ES_ALIGN_RIGHT);
    es_table_column(table, "entropy", ES_ALIGN_RIGHT);
    if (depth == 1) {
        es_table_column(table, "||h||", ES_ALIGN_RIGHT);
        es_table_token_column(table, "first");
        es_table_column(table, "probability", ES_ALIGN_RIGHT);
    }
    for (int c = 0; c < lens_columns(depth); c++) {
        es_text title = {0};
        es_text_printf(&title, "layer %lld", (long long)lens_layer(depth, c));
        es_table_token_column(table, title.data ? title.data : "");
        table->failed |= title.failed;
        es_text_release(&title);
    }
}

static void add_position(es_table *table, const es_space *space, const es_predictions *predictions,
                         int64_t p)
{
    const es_prediction *states = es_states_of(predictions, p);
    const es_prediction *final = &states[predictions->depth - 1];
    es_table_id(table, final->position);
    add_row_cell(table, space, predictions->tokens[final->position]);
    add_row_cell(table, space, final->actual);
    add_rank(table, final->actual_rank);
    es_table_number(table, final->actual_probability, 6);
    es_table_number(table, final->surprisal, 3);
    es_table_number(table, final->entropy, 3);
    if (predictions->depth == 1) {
        es_table_number(table, final->hidden_norm, 3);
        add_token_cell(table, final->next[0].text, final->next[0].id);
        es_table_number(table, final->next[0].probability, 6);
    }
    for (int c = 0; c < lens_columns(predictions->depth); c++) {
        const es_next_token *first = &states[lens_layer(predictions->depth, c)].next[0];
        add_token_cell(table, first->text, first->id);
    }
}

static es_status print_positions(const es_space *space, const es_predictions *predictions,
                                 const es_render_options *options, FILE *out, es_error *error)
{
    es_table table = {0};
    add_position_columns(&table, predictions->depth);
    for (int64_t p = 0; p < predictions->position_count; p++)
        add_position(&table, space, predictions, p);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    if (status != ES_OK) return status;
    es_text text = {0};
    if (predictions->surprisal_count) {
        es_text_add(&text, "\nThe prompt's surprisal is ");
        es_text_fixed(&text, predictions->surprisal, 3);
        es_text_printf(&text, " nats over %lld token%s (all but the first),\n",
                       (long long)predictions->surprisal_count,
                       predictions->surprisal_count == 1 ? "" : "s");
        es_text_fixed(&text, predictions->mean_surprisal, 3);
        es_text_add(&text, " a token, a perplexity of ");
        es_text_fixed(&text, predictions->perplexity, 2);
        es_text_add(&text, ".");
    }
    es_text_add(&text, "\nranks, probability, surprisal (-ln P, in nats): of the token that does "
                       "follow");
    es_text_add(&text, predictions->depth > 1
                           ? "; layer: the token\nthat would be the first after it, 0 being the "
                             "embedding.\n"
                           : "; first: the one\nthat the model expects most.\n");
    say_tying(&text, predictions);
    return es_render_remark(&text, options, out, error);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

es_status es_render_predict_body(const es_space *space, const es_predictions *predictions,
                                 const es_render_options *options, FILE *out, es_error *error)
{
    ES_TRY(print_question(space, predictions, out, error));
    if (predictions->all_positions) return print_positions(space, predictions, options, out, error);
    const es_prediction *final = es_predict_final(predictions);
    if (predictions->depth > 1)
        ES_TRY(print_lens(predictions->states, predictions->depth, options, out, error));
    ES_TRY(print_candidates(final, options, out, error));
    return print_reading(predictions, final, options, out, error);
}

static void write_lines(const es_space *space, const es_predictions *answers, int64_t count,
                        FILE *out)
{
    for (int64_t q = 0; q < count && !ferror(out); q++) {
        es_json_writer json = es_json_write_to(out);
        json.one_line = true;
        es_json_write_object(&json);
        es_render_predict_members(&json, space, &answers[q]);
        es_json_write_end(&json);
    }
}

static void write_object(const es_space *space, const es_predictions *answers, int64_t count,
                         bool listed, const es_render_options *options, FILE *out)
{
    es_json_writer json = es_json_write_to(out);
    es_render_json_begin(&json, space, "predict");
    if (listed) {
        es_json_write_key(&json, "prompts");
        es_json_write_array(&json);
    }
    for (int64_t q = 0; q < count && !ferror(out); q++) {
        if (listed) es_json_write_object(&json);
        es_render_predict_members(&json, space, &answers[q]);
        if (listed) es_json_write_end(&json);
    }
    if (listed) es_json_write_end(&json);
    es_render_json_end(&json, options);
}

static es_status render(const es_space *space, const es_predictions *answers, int64_t count,
                        bool listed, const es_render_options *options, FILE *out, es_error *error)
{
    switch (options->output) {
    case ES_OUTPUT_JSON: write_object(space, answers, count, listed, options, out); break;
    case ES_OUTPUT_JSONL: write_lines(space, answers, count, out); break;
    case ES_OUTPUT_CSV:
        if (answers->attribution)
            es_render_attribution_csv(answers->attribution, out);
        else
            es_render_predict_csv(space, answers, count, listed, out);
        break;
    default:
        ES_TRY(es_render_heading(space, options, out, error));
        for (int64_t q = 0; q < count; q++) {
            if (q) fputc('\n', out);
            ES_TRY(es_render_predict_body(space, &answers[q], options, out, error));
            if (!answers[q].attribution) continue;
            fputc('\n', out);
            ES_TRY(es_render_attribution_body(space, answers[q].attribution, options, out, error));
        }
    }
    return es_render_finish(out, error);
}

es_status es_render_predict(const es_space *space, const es_predictions *predictions,
                            const es_render_options *options, FILE *out, es_error *error)
{
    return render(space, predictions, 1, false, options, out, error);
}

es_status es_render_predict_list(const es_space *space, const es_predictions *answers,
                                 int64_t count, const es_render_options *options, FILE *out,
                                 es_error *error)
{
    return render(space, answers, count, true, options, out, error);
}
