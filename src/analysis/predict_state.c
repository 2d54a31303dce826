#include "analysis/predict_state.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Norm moved a row when one of its ranks is this many times the other. */
static const double moved_ratio = 2;

/* ---- what all states share --------------------------------------------------------------------
 */

static es_status order_norms(es_row_facts *facts, es_error *error)
{
    es_row_sorter sorter = {0};
    ES_TRY(es_row_sorter_init(&sorter, facts->n, error));
    es_rows_sort(&sorter, facts->n, facts->norms_or_nan, facts->norm_order);
    es_rows_rank(facts->n, facts->norm_order, facts->n - facts->undefined, facts->norm_ranks);
    es_rows_mean_rank(facts->n, facts->norms_or_nan, facts->norms_or_nan, facts->norm_order,
                      facts->norm_means);
    es_row_sorter_release(&sorter);
    return ES_OK;
}

es_status es_row_facts_init(es_row_facts *facts, es_space *unembedding, es_error *error)
{
    int64_t n = unembedding->source.rows;
    *facts = (es_row_facts){.n = n, .vocabulary = unembedding->vocabulary};
    if (n > INT32_MAX)
        return es_fail(error, ES_UNSUPPORTED, "%lld rows are more than an order of rows can hold",
                       (long long)n);
    ES_TRY(es_space_norms(unembedding, &facts->norms, error));
    ES_TRY(es_space_row_states(unembedding, &facts->states, error));
    facts->norms_or_nan = es_alloc(n, sizeof *facts->norms_or_nan);
    facts->norm_order = es_alloc(n, sizeof *facts->norm_order);
    facts->norm_ranks = es_alloc(n, sizeof *facts->norm_ranks);
    facts->norm_means = es_alloc(n, sizeof *facts->norm_means);
    es_status status = ES_OK;
    if (!facts->norms_or_nan || !facts->norm_order || !facts->norm_ranks || !facts->norm_means)
        status = es_fail_memory(error, "norms", (size_t)n * 24);
    for (int64_t i = 0; status == ES_OK && i < n; i++) {
        bool defined = facts->states[i] == ES_ROW_DEFINED;
        facts->norms_or_nan[i] = defined ? facts->norms[i] : NAN;
        facts->undefined += !defined;
    }
    if (status == ES_OK) status = order_norms(facts, error);
    if (status != ES_OK) es_row_facts_release(facts);
    return status;
}

void es_row_facts_release(es_row_facts *facts)
{
    free(facts->norms_or_nan);
    free(facts->norm_order);
    free(facts->norm_ranks);
    free(facts->norm_means);
    *facts = (es_row_facts){0};
}

es_status es_state_scratch_init(es_state_scratch *scratch, int64_t n, es_error *error)
{
    *scratch = (es_state_scratch){0};
    ES_TRY(es_row_sorter_init(&scratch->sorter, n, error));
    scratch->cosines = es_alloc(n, sizeof(double));
    scratch->logit_means = es_alloc(n, sizeof(double));
    scratch->cosine_means = es_alloc(n, sizeof(double));
    scratch->logit_order = es_alloc(n, sizeof(int32_t));
    scratch->logit_ranks = es_alloc(n, sizeof(int32_t));
    scratch->cosine_order = es_alloc(n, sizeof(int32_t));
    scratch->cosine_ranks = es_alloc(n, sizeof(int32_t));
    if (scratch->cosines && scratch->logit_means && scratch->cosine_means && scratch->logit_order &&
        scratch->logit_ranks && scratch->cosine_order && scratch->cosine_ranks)
        return ES_OK;
    es_state_scratch_release(scratch);
    return es_fail_memory(error, "a state's orders", (size_t)n * 40);
}

void es_state_scratch_release(es_state_scratch *scratch)
{
    es_row_sorter_release(&scratch->sorter);
    free(scratch->cosines);
    free(scratch->logit_means);
    free(scratch->cosine_means);
    free(scratch->logit_order);
    free(scratch->logit_ranks);
    free(scratch->cosine_order);
    free(scratch->cosine_ranks);
    *scratch = (es_state_scratch){0};
}

/* ---- one state --------------------------------------------------------------------------------
 */

/* ln sum exp z and the entropy, both from differences to the largest logit. */
static void sum_up(int64_t n, const double *logits, int32_t first, es_prediction *state)
{
    double largest = logits[first], sum = 0, entropy = 0;
    for (int64_t i = 0; i < n; i++) sum += exp(logits[i] - largest);
    double log_sum = log(sum);
    for (int64_t i = 0; i < n; i++) {
        double log_inverse = log_sum - (logits[i] - largest); /* -ln P */
        entropy += exp(-log_inverse) * log_inverse;
    }
    state->log_sum = largest + log_sum;
    state->entropy = fmax(0, entropy);
}

/* z = ||v|| ||h|| cos: undefined for a zero row, and for h of norm 0. */
static void find_cosines(const es_row_facts *facts, const double *logits, double hidden_norm,
                         double *cosines)
{
    for (int64_t i = 0; i < facts->n; i++) {
        bool defined = facts->states[i] == ES_ROW_DEFINED && hidden_norm > 0;
        cosines[i] = defined ? fmax(-1, fmin(1, logits[i] / facts->norms[i] / hidden_norm)) : NAN;
    }
}

static es_next_token candidate_of(const es_row_facts *facts, const double *logits,
                                  const es_state_scratch *scratch, const es_prediction *state,
                                  int32_t id)
{
    return (es_next_token){
        .id = id,
        .text = es_vocabulary_token(facts->vocabulary, id),
        .logit = logits[id],
        .probability = exp(logits[id] - state->log_sum),
        .cosine = scratch->cosines[id],
        .norm = facts->norms[id],
        .rank = scratch->logit_ranks[id],
        .rank_by_cosine = scratch->cosine_ranks[id],
        .rank_by_norm = facts->norm_ranks[id],
    };
}

/* The candidate at a place of the logit order, with its gaps to the first and to the one after. */
static es_next_token describe(const es_row_facts *facts, const double *logits,
                              const es_state_scratch *scratch, const es_prediction *state,
                              int32_t id)
{
    es_next_token found = candidate_of(facts, logits, scratch, state, id);
    es_next_token first = candidate_of(facts, logits, scratch, state, scratch->logit_order[0]);
    found.behind_first = es_logit_gap_between(state->hidden_norm, &first, &found);
    found.ahead_of_next = (es_logit_gap){NAN, NAN, NAN};
    if (found.rank < facts->n) {
        es_next_token next =
            candidate_of(facts, logits, scratch, state, scratch->logit_order[found.rank]);
        found.ahead_of_next = es_logit_gap_between(state->hidden_norm, &found, &next);
    }
    return found;
}

/* Of the first rows of `order`, those that stand there far better than by the other ranks: into
 * `ids`, the farthest first, ties by their place in the order. */
static int64_t find_moved(const es_row_facts *facts, int64_t defined, const int32_t *order,
                          const int32_t *ranks, const int32_t *other_ranks,
                          int32_t ids[ES_PREDICT_MOVED])
{
    double ratios[ES_PREDICT_MOVED];
    int64_t count = 0, most = facts->n < ES_PREDICT_POOL ? facts->n : ES_PREDICT_POOL;
    for (int64_t i = 0; i < most && defined; i++) {
        int32_t id = order[i];
        if (!ranks[id] || !other_ranks[id]) continue;
        double ratio = (double)other_ranks[id] / ranks[id];
        if (ratio < moved_ratio) continue;
        int64_t place = count < ES_PREDICT_MOVED ? count++ : ES_PREDICT_MOVED;
        while (place > 0 && ratios[place - 1] < ratio) {
            if (place < ES_PREDICT_MOVED) {
                ratios[place] = ratios[place - 1];
                ids[place] = ids[place - 1];
            }
            place--;
        }
        if (place < ES_PREDICT_MOVED) {
            ratios[place] = ratio;
            ids[place] = id;
        }
    }
    return count;
}

static void list_moved(const es_row_facts *facts, const double *logits,
                       const es_state_scratch *scratch, int64_t defined, es_prediction *state)
{
    int32_t ids[ES_PREDICT_MOVED];
    state->promoted_count = find_moved(facts, defined, scratch->logit_order, scratch->logit_ranks,
                                       scratch->cosine_ranks, ids);
    for (int64_t i = 0; i < state->promoted_count; i++)
        state->promoted[i] = describe(facts, logits, scratch, state, ids[i]);
    state->held_back_count = find_moved(facts, defined, scratch->cosine_order,
                                        scratch->cosine_ranks, scratch->logit_ranks, ids);
    for (int64_t i = 0; i < state->held_back_count; i++)
        state->held_back[i] = describe(facts, logits, scratch, state, ids[i]);
}

static void describe_order(const es_row_facts *facts, const double *logits,
                           es_state_scratch *scratch, es_prediction *state)
{
    int64_t n = facts->n;
    es_rows_mean_rank(n, logits, scratch->cosines, scratch->logit_order, scratch->logit_means);
    es_rows_mean_rank(n, scratch->cosines, scratch->cosines, scratch->cosine_order,
                      scratch->cosine_means);
    es_order_input input = {.n = n,
                            .hidden_norm = state->hidden_norm,
                            .logits = logits,
                            .cosines = scratch->cosines,
                            .norms = facts->norms,
                            .logit_ranks = scratch->logit_means,
                            .cosine_ranks = scratch->cosine_means,
                            .norm_ranks = facts->norm_means};
    es_logit_order_describe(&input, &state->order);
}

es_status es_state_describe(const es_row_facts *facts, const double *logits, int64_t k,
                            es_state_scratch *scratch, es_prediction *state, es_error *error)
{
    int64_t n = facts->n, defined = state->hidden_norm > 0 ? n - facts->undefined : 0;
    es_rows_sort(&scratch->sorter, n, logits, scratch->logit_order);
    es_rows_rank(n, scratch->logit_order, n, scratch->logit_ranks);
    sum_up(n, logits, scratch->logit_order[0], state);
    find_cosines(facts, logits, state->hidden_norm, scratch->cosines);
    es_rows_sort(&scratch->sorter, n, scratch->cosines, scratch->cosine_order);
    es_rows_rank(n, scratch->cosine_order, defined, scratch->cosine_ranks);
    state->count = k < n ? k : n;
    state->next = es_alloc(state->count, sizeof *state->next);
    if (!state->next)
        return es_fail_memory(error, "candidates", (size_t)state->count * sizeof *state->next);
    for (int64_t i = 0; i < state->count; i++)
        state->next[i] = describe(facts, logits, scratch, state, scratch->logit_order[i]);
    list_moved(facts, logits, scratch, defined, state);
    describe_order(facts, logits, scratch, state);
    state->actual_probability = state->surprisal = NAN;
    if (state->actual >= 0 && state->actual < n) {
        state->actual_rank = scratch->logit_ranks[state->actual];
        state->surprisal = fmax(0, state->log_sum - logits[state->actual]);
        state->actual_probability = exp(-state->surprisal);
    }
    return ES_OK;
}

/* ---- a state and the last layer's -------------------------------------------------------------
 */

static double dot(int64_t d, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t k = 0; k < d; k++) sum += a[k] * b[k];
    return sum;
}

void es_state_compare(int64_t n, int64_t d, const double *logits, const double *hidden,
                      const double *final_logits, const double *final_hidden,
                      const es_prediction *final, es_prediction *state)
{
    int64_t answer = final->next[0].id, rank = 1;
    for (int64_t i = 0; i < n; i++)
        rank += logits[i] > logits[answer] || (logits[i] == logits[answer] && i < answer);
    state->answer_rank = rank;
    state->answer_logit = logits[answer];
    state->answer_probability = exp(logits[answer] - state->log_sum);
    double divergence = 0;
    for (int64_t i = 0; i < n; i++) {
        double log_final = final_logits[i] - final->log_sum, log_here = logits[i] - state->log_sum;
        divergence += exp(log_final) * (log_final - log_here);
    }
    state->divergence = fmax(0, divergence);
    double norms = state->hidden_norm * final->hidden_norm;
    state->cosine_to_final =
        norms > 0 ? fmax(-1, fmin(1, dot(d, hidden, final_hidden) / norms)) : NAN;
}
