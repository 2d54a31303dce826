/* predict for programs: JSON, CSV, arrays for NumPy. */
#include "render/csv.h"
#include "render/npz_writer.h"
#include "render/render_predict.h"

#include <math.h>

/* ---- JSON -------------------------------------------------------------------------------------
 */

static void write_gap(es_json_writer *json, const char *key, const es_logit_gap *gap)
{
    es_json_write_key(json, key);
    if (isnan(gap->logit)) {
        es_json_write_null(json);
        return;
    }
    es_json_write_object(json);
    es_json_member_double(json, "logit", gap->logit);
    es_json_member_double(json, "angle", gap->angle);
    es_json_member_double(json, "norm", gap->norm);
    es_json_write_end(json);
}

/* A rank that an undefined row does not have is null. */
static void write_rank(es_json_writer *json, const char *key, int64_t rank)
{
    es_json_write_key(json, key);
    if (rank)
        es_json_write_int(json, rank);
    else
        es_json_write_null(json);
}

static void write_candidates(es_json_writer *json, const char *key, const es_next_token *candidates,
                             int64_t count)
{
    es_json_write_key(json, key);
    es_json_write_array(json);
    for (int64_t i = 0; i < count; i++) {
        const es_next_token *candidate = &candidates[i];
        es_json_write_object(json);
        es_json_member_int(json, "rank", candidate->rank);
        es_json_member_int(json, "id", candidate->id);
        es_json_write_key(json, "text");
        es_json_write_bytes(json, candidate->text.data, candidate->text.size);
        es_json_member_double(json, "logit", candidate->logit);
        es_json_member_double(json, "probability", candidate->probability);
        es_json_member_double(json, "cosine", candidate->cosine);
        es_json_member_double(json, "norm", candidate->norm);
        write_rank(json, "rank_by_cosine", candidate->rank_by_cosine);
        write_rank(json, "rank_by_norm", candidate->rank_by_norm);
        write_gap(json, "behind_first", &candidate->behind_first);
        write_gap(json, "ahead_of_next", &candidate->ahead_of_next);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

static void write_order(es_json_writer *json, const es_logit_order *order)
{
    es_json_write_key(json, "order");
    es_json_write_object(json);
    es_json_member_double(json, "spearman_cosine", order->spearman_cosine);
    es_json_member_double(json, "spearman_norm", order->spearman_norm);
    es_json_member_double(json, "mean_cosine", order->mean_cosine);
    es_json_member_double(json, "mean_norm", order->mean_norm);
    es_json_write_key(json, "variance");
    es_json_write_object(json);
    es_json_member_double(json, "logit", order->variance);
    es_json_member_double(json, "angle_share", order->angle_share);
    es_json_member_double(json, "norm_share", order->norm_share);
    es_json_member_double(json, "covariance_share", order->shared);
    es_json_write_end(json);
    es_json_write_end(json);
}

/* The token that does follow in the prompt; null after the last. */
static void write_actual(es_json_writer *json, const es_space *space, const es_prediction *state)
{
    es_json_write_key(json, "actual");
    if (state->actual < 0) {
        es_json_write_null(json);
        return;
    }
    es_json_write_object(json);
    es_json_member_int(json, "id", state->actual);
    es_render_json_token(json, space, state->actual);
    write_rank(json, "rank", state->actual_rank);
    es_json_member_double(json, "probability", state->actual_probability);
    es_json_member_double(json, "surprisal", state->surprisal);
    es_json_write_end(json);
}

static void write_state(es_json_writer *json, const es_space *space, const es_prediction *state)
{
    es_json_member_double(json, "hidden_norm", state->hidden_norm);
    write_candidates(json, "next", state->next, state->count);
    es_json_member_double(json, "entropy", state->entropy);
    write_order(json, &state->order);
    write_candidates(json, "promoted", state->promoted, state->promoted_count);
    write_candidates(json, "held_back", state->held_back, state->held_back_count);
    write_actual(json, space, state);
}

static void write_layers(es_json_writer *json, const es_space *space, const es_prediction *states,
                         int64_t depth)
{
    es_json_write_key(json, "layers");
    es_json_write_array(json);
    for (int64_t i = 0; i < depth; i++) {
        const es_prediction *state = &states[i];
        es_json_write_object(json);
        es_json_member_int(json, "layer", state->layer);
        write_state(json, space, state);
        es_json_write_key(json, "answer");
        es_json_write_object(json);
        es_json_member_int(json, "id", states[depth - 1].next[0].id);
        es_json_member_int(json, "rank", state->answer_rank);
        es_json_member_double(json, "logit", state->answer_logit);
        es_json_member_double(json, "probability", state->answer_probability);
        es_json_write_end(json);
        es_json_member_double(json, "divergence", state->divergence);
        es_json_member_double(json, "cosine_to_final", state->cosine_to_final);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

static void write_position(es_json_writer *json, const es_space *space,
                           const es_predictions *predictions, int64_t p)
{
    const es_prediction *states = es_states_of(predictions, p);
    es_json_member_int(json, "position", states->position);
    write_state(json, space, &states[predictions->depth - 1]);
    if (predictions->depth > 1) write_layers(json, space, states, predictions->depth);
}

static void write_tokens(es_json_writer *json, const es_space *space,
                         const es_predictions *predictions)
{
    es_json_write_key(json, "prompt");
    es_json_write_bytes(json, predictions->prompt, predictions->prompt_size);
    es_json_write_key(json, "tokens");
    es_json_write_array(json);
    for (int64_t i = 0; i < predictions->token_count; i++) {
        es_json_write_object(json);
        es_json_member_int(json, "id", predictions->tokens[i]);
        es_render_json_token(json, space, predictions->tokens[i]);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

static void write_tying(es_json_writer *json, const es_predictions *predictions)
{
    bool known = predictions->tying != ES_TYING_UNKNOWN;
    es_json_write_key(json, "tied");
    if (known)
        es_json_write_bool(json, predictions->tying == ES_TYING_TIED);
    else
        es_json_write_null(json);
    es_json_write_key(json, "untied_rows");
    if (known)
        es_json_write_int(json, predictions->differing_rows);
    else
        es_json_write_null(json);
}

static void write_surprisal(es_json_writer *json, const es_predictions *predictions)
{
    es_json_write_key(json, "surprisal");
    es_json_write_object(json);
    es_json_member_int(json, "tokens", predictions->surprisal_count);
    es_json_member_double(json, "total", predictions->surprisal);
    es_json_member_double(json, "mean", predictions->mean_surprisal);
    es_json_member_double(json, "perplexity", predictions->perplexity);
    es_json_write_end(json);
}

void es_render_predict_members(es_json_writer *json, const es_space *space,
                               const es_predictions *predictions)
{
    write_tokens(json, space, predictions);
    es_json_member_int(json, "model_layers", predictions->layers);
    write_tying(json, predictions);
    es_json_member_int(json, "left_out", predictions->left_out);
    write_position(json, space, predictions, predictions->position_count - 1);
    if (predictions->attribution)
        es_render_attribution_members(json, space, predictions->attribution);
    if (!predictions->all_positions) return;
    write_surprisal(json, predictions);
    es_json_write_key(json, "positions");
    es_json_write_array(json);
    for (int64_t p = 0; p < predictions->position_count && !ferror(json->out); p++) {
        es_json_write_object(json);
        write_position(json, space, predictions, p);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

/* ---- CSV --------------------------------------------------------------------------------------
 */

static void add_rank(es_csv *csv, int64_t rank)
{
    if (rank)
        es_csv_int(csv, rank);
    else
        es_csv_bytes(csv, NULL, 0);
}

static void add_token(es_csv *csv, const es_space *space, int64_t id)
{
    es_bytes token = {0};
    if (id >= 0) token = es_vocabulary_token(es_space_vocabulary(space), id);
    if (id >= 0)
        es_csv_int(csv, id);
    else
        es_csv_bytes(csv, NULL, 0);
    es_csv_bytes(csv, token.data, token.size);
}

static const char *const candidate_names[] = {
    "prompt", "rank",           "id",           "text",         "logit",    "probability", "cosine",
    "norm",   "rank_by_cosine", "rank_by_norm", "behind_first", "by_angle", "by_norm",     NULL};

static void add_candidate(es_csv *csv, const es_next_token *candidate)
{
    es_csv_int(csv, candidate->rank);
    es_csv_int(csv, candidate->id);
    es_csv_bytes(csv, candidate->text.data, candidate->text.size);
    es_csv_double(csv, candidate->logit);
    es_csv_double(csv, candidate->probability);
    es_csv_double(csv, candidate->cosine);
    es_csv_double(csv, candidate->norm);
    add_rank(csv, candidate->rank_by_cosine);
    add_rank(csv, candidate->rank_by_norm);
    es_csv_double(csv, candidate->behind_first.logit);
    es_csv_double(csv, candidate->behind_first.angle);
    es_csv_double(csv, candidate->behind_first.norm);
    es_csv_end_line(csv);
}

static const char *const state_names[] = {"prompt",
                                          "position",
                                          "layer",
                                          "id",
                                          "text",
                                          "hidden_norm",
                                          "entropy",
                                          "first_id",
                                          "first_text",
                                          "first_probability",
                                          "actual_id",
                                          "actual_text",
                                          "actual_rank",
                                          "actual_probability",
                                          "surprisal",
                                          "answer_rank",
                                          "answer_probability",
                                          "divergence",
                                          "cosine_to_final",
                                          NULL};

static void add_state(es_csv *csv, const es_space *space, const es_predictions *predictions,
                      const es_prediction *state)
{
    const es_next_token *first = &state->next[0];
    es_csv_int(csv, state->position);
    es_csv_int(csv, state->layer);
    add_token(csv, space, predictions->tokens[state->position]);
    es_csv_double(csv, state->hidden_norm);
    es_csv_double(csv, state->entropy);
    add_token(csv, space, first->id);
    es_csv_double(csv, first->probability);
    add_token(csv, space, state->actual);
    add_rank(csv, state->actual_rank);
    es_csv_double(csv, state->actual_probability);
    es_csv_double(csv, state->surprisal);
    es_csv_int(csv, state->answer_rank);
    es_csv_double(csv, state->answer_probability);
    es_csv_double(csv, state->divergence);
    es_csv_double(csv, state->cosine_to_final);
    es_csv_end_line(csv);
}

void es_render_predict_csv(const es_space *space, const es_predictions *answers, int64_t count,
                           bool named, FILE *out)
{
    bool by_state = count && (answers->all_positions || answers->depth > 1);
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (by_state ? state_names : candidate_names) + !named);
    for (int64_t q = 0; q < count && !ferror(out); q++) {
        const es_predictions *answer = &answers[q];
        const es_prediction *final = es_predict_final(answer);
        int64_t lines = by_state ? answer->position_count * answer->depth : final->count;
        for (int64_t i = 0; i < lines; i++) {
            if (named) es_csv_bytes(&csv, answer->prompt, answer->prompt_size);
            if (by_state)
                add_state(&csv, space, answer, &answer->states[i]);
            else
                add_candidate(&csv, &final->next[i]);
        }
    }
}

/* ---- arrays -----------------------------------------------------------------------------------
 */

void es_render_logits_header(int64_t positions, int64_t rows, FILE *out)
{
    char header[ES_NPY_HEADER];
    es_npy_header_bytes("<f8", positions, rows, header);
    fwrite(header, 1, sizeof header, out);
}

es_status es_render_logits(const double *logits, int64_t positions, int64_t rows, FILE *out,
                           es_error *error)
{
    fwrite(logits, sizeof *logits, (size_t)(positions * rows), out);
    return es_render_finish(out, error);
}

es_status es_render_hidden_npy(const es_predictions *predictions, FILE *out, es_error *error)
{
    char header[ES_NPY_HEADER];
    int64_t shape[3] = {predictions->layers + 1, predictions->token_count, predictions->columns};
    es_npy_header_of_shape("<f4", shape, 3, header);
    fwrite(header, 1, sizeof header, out);
    fwrite(predictions->hidden, sizeof *predictions->hidden,
           (size_t)(shape[0] * shape[1] * shape[2]), out);
    return es_render_finish(out, error);
}
