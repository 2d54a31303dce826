#include "analysis/logits.h"
#include "analysis/predict_state.h"
#include "analysis/stages.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/text.h"

#include <embscope/predict.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_K = 10,
    STATES_AT_ONCE = 32, /* whose logits are in memory; one position's, where these are more */
};

typedef struct job {
    es_model *model;
    es_space *unembedding;
    const es_predict_options *options;
    es_predictions *result;
    int64_t k, n, d, layers, tokens;
    int64_t first; /* the first position of the result */
    int threads;
    float *residual; /* (layers + 1, tokens, d), or the last state alone: (d) */
    bool last_alone;
    es_row_facts facts;
    es_state_scratch *scratch; /* (threads) */
    int64_t at_once;           /* positions of a block */
    double *hidden, *logits;   /* (at_once * depth, d), (at_once * depth, n) */
    int64_t block_first;       /* state of the result that the block begins with */
} job;

void es_predict_release(es_predictions *predictions)
{
    int64_t count = predictions->states ? predictions->position_count * predictions->depth : 0;
    for (int64_t i = 0; i < count; i++) free(predictions->states[i].next);
    free(predictions->states);
    free(predictions->tokens);
    free(predictions->prompt);
    free(predictions->logits);
    free(predictions->cosines);
    free(predictions->hidden);
    *predictions = (es_predictions){0};
}

const es_prediction *es_predict_final(const es_predictions *predictions)
{
    return &predictions->states[predictions->position_count * predictions->depth - 1];
}

/* ---- the forward pass -------------------------------------------------------------------------
 */

static es_status check(job *job, const int64_t *ids, int64_t count, es_error *error)
{
    const es_predict_options *options = job->options;
    const es_model_shape *shape = es_model_get_shape(job->model);
    if (job->k < 1)
        return es_fail(error, ES_BAD_ARGUMENT, "k must be 1 or more, not %lld", (long long)job->k);
    if (count < 1 || count > shape->context)
        return es_fail(error, ES_BAD_ARGUMENT, "a prompt has 1 to %lld tokens here, not %lld",
                       (long long)shape->context, (long long)count);
    for (int64_t i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= es_space_row_count(es_model_space(job->model)))
            return es_fail(error, ES_BAD_INPUT, "token @%lld of the prompt has no row",
                           (long long)ids[i]);
    int64_t position = options->has_position ? options->position : -1;
    if (position < -count || position >= count)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "position %lld is not there: the prompt has %lld token%s; count from 0, or "
                       "backwards from -1",
                       (long long)position, (long long)count, count == 1 ? "" : "s");
    job->first = options->all_positions ? 0 : position < 0 ? count + position : position;
    job->tokens = count;
    job->last_alone = !options->all_positions && !options->lens && !options->keep_hidden &&
                      job->first == count - 1;
    return ES_OK;
}

static es_status run_model(job *job, const int64_t *ids, const es_progress *progress,
                           es_error *error)
{
    int64_t states = job->last_alone ? 1 : (job->layers + 1) * job->tokens;
    job->residual = es_alloc(states, (size_t)job->d * sizeof *job->residual);
    if (!job->residual)
        return es_fail_memory(error, "residual streams",
                              (size_t)(states * job->d) * sizeof *job->residual);
    es_run *run = NULL;
    es_trace trace = {.residual = job->residual};
    es_status status = es_run_create(job->model, job->tokens, &run, error);
    if (status == ES_OK)
        status = es_run_feed(run, ids, job->tokens, job->last_alone ? NULL : &trace,
                             job->last_alone ? job->residual : NULL, progress, error);
    es_run_free(run);
    return status;
}

static const float *residual_of(const job *job, const es_prediction *state)
{
    if (job->last_alone) return job->residual;
    return job->residual + (state->layer * job->tokens + state->position) * job->d;
}

/* ---- the states, block by block ---------------------------------------------------------------
 */

static es_status describe_piece(void *context, int64_t index, int worker, es_error *error)
{
    const job *job = context;
    es_prediction *state = &job->result->states[job->block_first + index];
    return es_state_describe(&job->facts, job->logits + index * job->n, job->k,
                             &job->scratch[worker], state, error);
}

static es_status compare_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    (void)error;
    const job *job = context;
    int64_t depth = job->result->depth, final = index - index % depth + depth - 1;
    es_prediction *states = job->result->states + job->block_first;
    es_state_compare(job->n, job->d, job->logits + index * job->n, job->hidden + index * job->d,
                     job->logits + final * job->n, job->hidden + final * job->d, &states[final],
                     &states[index]);
    return ES_OK;
}

/* A residual stream of equal components has nothing to divide by where epsilon is 0. */
static es_status fail_hidden(const job *job, const es_prediction *state, es_error *error)
{
    return es_fail(error, ES_BAD_INPUT,
                   "%s: token %lld of the prompt, after layer %lld: the last LayerNorm's result is "
                   "not finite: there are no logits",
                   es_space_source(es_model_space(job->model))->path, (long long)state->position,
                   (long long)state->layer);
}

static es_status find_hidden(const job *job, int64_t count, es_error *error)
{
    for (int64_t i = 0; i < count; i++) {
        es_prediction *state = &job->result->states[job->block_first + i];
        double *hidden = job->hidden + i * job->d, largest = 0, sum = 0;
        es_model_final_norm(job->model, residual_of(job, state), hidden, NULL);
        for (int64_t k = 0; k < job->d; k++) {
            if (!isfinite(hidden[k])) return fail_hidden(job, state, error);
            largest = fmax(largest, fabs(hidden[k]));
        }
        for (int64_t k = 0; k < job->d && largest > 0; k++)
            sum += (hidden[k] / largest) * (hidden[k] / largest);
        state->hidden_norm = largest * sqrt(sum);
    }
    return ES_OK;
}

/* The last layer's logits lie apart by `depth`: bring them together, one after the other, when all
 * else is done with the block. */
static es_status give_logits(job *job, int64_t count, es_error *error)
{
    int64_t depth = job->result->depth, positions = count / depth;
    for (int64_t p = 0; p < positions; p++)
        memmove(job->logits + p * job->n, job->logits + (p * depth + depth - 1) * job->n,
                (size_t)job->n * sizeof *job->logits);
    const es_predict_options *options = job->options;
    return options->take_logits
               ? options->take_logits(options->take_context, job->logits, positions, error)
               : ES_OK;
}

static es_status do_block(job *job, int64_t count, const es_progress *progress, es_error *error)
{
    ES_TRY(find_hidden(job, count, error));
    ES_TRY(es_logits_compute(job->unembedding, count, job->hidden, job->threads, job->logits,
                             progress, error));
    ES_TRY(es_parallel_for(job->threads, count, describe_piece, job, NULL, error));
    ES_TRY(es_parallel_for(job->threads, count, compare_piece, job, NULL, error));
    return give_logits(job, count, error);
}

static es_status do_blocks(job *job, es_stages *stages, es_error *error)
{
    int64_t depth = job->result->depth, total = job->result->position_count * depth;
    int64_t largest = job->at_once * depth;
    for (int64_t first = 0; first < total; first += largest) {
        int64_t count = total - first < largest ? total - first : largest;
        job->block_first = first;
        es_progress progress = es_stages_next(stages, (double)(count * job->n));
        ES_TRY(do_block(job, count, &progress, error));
    }
    return ES_OK;
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static es_status allocate(job *job, const int64_t *ids, es_error *error)
{
    es_predictions *result = job->result;
    const es_predict_options *options = job->options;
    result->all_positions = options->all_positions;
    result->position_count = options->all_positions ? job->tokens : 1;
    result->depth = options->lens ? job->layers + 1 : 1;
    int64_t states = result->position_count * result->depth, blocks = STATES_AT_ONCE;
    job->at_once = blocks / result->depth > 1 ? blocks / result->depth : 1;
    if (job->at_once > result->position_count) job->at_once = result->position_count;
    int64_t most = job->at_once * result->depth;
    result->tokens = es_alloc(job->tokens, sizeof *result->tokens);
    result->states = es_alloc(states, sizeof *result->states);
    job->hidden = es_alloc(most, (size_t)job->d * sizeof *job->hidden);
    job->logits = es_alloc(most, (size_t)job->n * sizeof *job->logits);
    job->scratch = es_alloc(job->threads, sizeof *job->scratch);
    if (!result->tokens || !result->states || !job->hidden || !job->logits || !job->scratch)
        return es_fail_memory(error, "logits", (size_t)(most * job->n) * sizeof *job->logits);
    result->token_count = job->tokens;
    memcpy(result->tokens, ids, (size_t)job->tokens * sizeof *ids);
    for (int64_t i = 0; i < states; i++) {
        int64_t position = job->first + i / result->depth;
        int64_t layer = options->lens ? i % result->depth : job->layers;
        int64_t actual = position + 1 < job->tokens ? ids[position + 1] : -1;
        result->states[i] = (es_prediction){.position = position, .layer = layer, .actual = actual};
    }
    for (int t = 0; t < job->threads; t++)
        ES_TRY(es_state_scratch_init(&job->scratch[t], job->n, error));
    return es_row_facts_init(&job->facts, job->unembedding, error);
}

static void release(job *job)
{
    for (int t = 0; job->scratch && t < job->threads; t++)
        es_state_scratch_release(&job->scratch[t]);
    es_row_facts_release(&job->facts);
    free(job->scratch);
    free(job->residual);
    free(job->hidden);
    free(job->logits);
}

static void sum_surprisal(const job *job)
{
    es_predictions *result = job->result;
    result->surprisal = result->mean_surprisal = result->perplexity = NAN;
    if (!job->options->all_positions) return;
    double sum = 0;
    for (int64_t p = 0; p < result->position_count; p++) {
        const es_prediction *state = &result->states[(p + 1) * result->depth - 1];
        if (isnan(state->surprisal)) continue;
        sum += state->surprisal;
        result->surprisal_count++;
    }
    if (!result->surprisal_count) return;
    result->surprisal = sum;
    result->mean_surprisal = sum / (double)result->surprisal_count;
    result->perplexity = exp(result->mean_surprisal);
}

static es_status keep(job *job, es_error *error)
{
    es_predictions *result = job->result;
    if (job->options->keep_hidden) {
        result->hidden = job->residual;
        job->residual = NULL;
    }
    if (!job->options->keep_rows) return ES_OK;
    result->logits = es_alloc(job->n, sizeof *result->logits);
    result->cosines = es_alloc(job->n, sizeof *result->cosines);
    if (!result->logits || !result->cosines)
        return es_fail_memory(error, "logits", (size_t)job->n * 16);
    int64_t positions = (result->position_count - 1) % job->at_once;
    memcpy(result->logits, job->logits + positions * job->n, (size_t)job->n * sizeof(double));
    double norm = es_predict_final(result)->hidden_norm;
    for (int64_t i = 0; i < job->n; i++)
        result->cosines[i] = isnan(job->facts.norms_or_nan[i]) || !(norm > 0)
                                 ? NAN
                                 : fmax(-1, fmin(1, result->logits[i] / result->norms[i] / norm));
    return ES_OK;
}

static es_status join_tokens(const job *job, es_error *error)
{
    es_predictions *result = job->result;
    const es_vocabulary *vocabulary = es_space_vocabulary(es_model_space(job->model));
    es_text text = {0};
    es_text_append(&text, "", 0);
    for (int64_t i = 0; i < result->token_count; i++) {
        es_bytes token = es_vocabulary_token(vocabulary, result->tokens[i]);
        if (token.data) es_text_append(&text, token.data, token.size);
    }
    if (text.failed) return es_text_release(&text), es_fail_memory(error, "a prompt", text.size);
    result->prompt = text.data;
    result->prompt_size = text.size;
    return ES_OK;
}

static es_status predict(job *job, const int64_t *ids, es_error *error)
{
    es_predictions *result = job->result;
    result->rows = job->n;
    result->columns = job->d;
    result->layers = job->layers;
    ES_TRY(
        es_space_tying(es_model_space(job->model), &result->tying, &result->differing_rows, error));
    ES_TRY(allocate(job, ids, error));
    ES_TRY(join_tokens(job, error));
    result->norms = job->facts.norms;
    result->left_out = job->facts.undefined;
    double states = (double)(result->position_count * result->depth);
    double pass = (double)job->tokens * (double)job->layers * 12 * (double)job->d;
    double rest = states * (double)job->n;
    es_stages stages = {.outer = job->options->progress, .total = pass + rest};
    es_progress progress = es_stages_next(&stages, pass);
    ES_TRY(run_model(job, ids, &progress, error));
    ES_TRY(do_blocks(job, &stages, error));
    sum_surprisal(job);
    return keep(job, error);
}

es_status es_predict_compute(es_model *model, const int64_t *ids, int64_t count,
                             const es_predict_options *options, es_predictions *predictions,
                             es_error *error)
{
    static const es_predict_options standard;
    if (!options) options = &standard;
    const es_model_shape *shape = es_model_get_shape(model);
    *predictions = (es_predictions){0};
    job job = {.model = model,
               .unembedding = es_model_unembedding(model),
               .options = options,
               .result = predictions,
               .k = options->k ? options->k : DEFAULT_K,
               .n = shape->rows,
               .d = shape->width,
               .layers = shape->layers,
               .threads = es_thread_count(options->threads)};
    es_status status = check(&job, ids, count, error);
    if (status == ES_OK) status = predict(&job, ids, error);
    release(&job);
    if (status != ES_OK) es_predict_release(predictions);
    return status;
}
