#include "base/memory.h"
#include "model/gpt2.h"

#include <embscope/attribution.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
    es_model *model;
    const int64_t *ids;
    int64_t count;
    es_trace trace; /* of the last token alone */
    double *hidden; /* (width): ln_f(x) */
    double *v;      /* (width): the unembedding's row, or the difference of two */
    double *toward; /* (width): what a part is multiplied with */
    float *row;     /* (width) of a matrix */
} job;

static double dot(int64_t n, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t k = 0; k < n; k++) sum += a[k] * b[k];
    return sum;
}

static double project(int64_t n, const float *part, const double *toward)
{
    double sum = 0;
    for (int64_t k = 0; k < n; k++) sum += (double)part[k] * toward[k];
    return sum;
}

/* ---- which logit ------------------------------------------------------------------------------
 */

static double logit_of(const job *job, int64_t row)
{
    int64_t d = job->model->config.width;
    return project(d, job->model->weights.unembedding + row * d, job->hidden);
}

/* The ids of the two largest logits; the second is -1 where there is one row. */
static void find_top(const job *job, int64_t top[2])
{
    double best[2] = {-INFINITY, -INFINITY};
    top[0] = top[1] = -1;
    for (int64_t i = 0; i < job->model->shape.rows; i++) {
        double logit = logit_of(job, i);
        if (top[0] < 0 || logit > best[0]) {
            best[1] = best[0];
            top[1] = top[0];
            best[0] = logit;
            top[0] = i;
        } else if (top[1] < 0 || logit > best[1]) {
            best[1] = logit;
            top[1] = i;
        }
    }
}

static es_status check_row(const job *job, int64_t row, es_error *error)
{
    if (row >= 0 && row < job->model->shape.rows) return ES_OK;
    return es_fail(error, ES_BAD_ARGUMENT,
                   "token @%lld has no logit: the unembedding has %lld rows", (long long)row,
                   (long long)job->model->shape.rows);
}

static es_status choose(const job *job, const es_attribution_target *target,
                        es_attribution *attribution, es_error *error)
{
    int64_t top[2] = {-1, -1}, token = target->token, against = target->against;
    if (token <= ES_ATTRIBUTE_TOP || against <= ES_ATTRIBUTE_TOP) find_top(job, top);
    if (token <= ES_ATTRIBUTE_TOP) token = top[token == ES_ATTRIBUTE_SECOND];
    if (against <= ES_ATTRIBUTE_TOP) against = top[against == ES_ATTRIBUTE_SECOND];
    ES_TRY(check_row(job, token, error));
    if (target->against != ES_ATTRIBUTE_NONE) ES_TRY(check_row(job, against, error));
    if (token == against)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "token @%lld against itself: the difference is 0 and has no parts",
                       (long long)token);
    attribution->token = token;
    attribution->against = against;
    return ES_OK;
}

/* ---- the parts --------------------------------------------------------------------------------
 */

/* v, and toward: with it a part's contribution is a product, the mean's removal included:
 * sum_k gain_k (x_k - mean(x)) v_k / scale = sum_k x_k (u_k - mean(u)), u_k = gain_k v_k / scale */
static void aim(const job *job, const es_attribution *attribution)
{
    const es_gpt2_weights *weights = &job->model->weights;
    int64_t d = job->model->config.width;
    const float *own = weights->unembedding + attribution->token * d;
    const float *other =
        attribution->against < 0 ? NULL : weights->unembedding + attribution->against * d;
    double mean = 0;
    for (int64_t k = 0; k < d; k++) {
        job->v[k] = own[k] - (other ? (double)other[k] : 0);
        job->toward[k] = weights->ln_f_weight[k] * job->v[k] / attribution->scale;
        mean += job->toward[k];
    }
    mean /= (double)d;
    for (int64_t k = 0; k < d; k++) job->toward[k] -= mean;
}

/* What each head adds: its outputs times its own rows of the (width, width) output matrix. */
static void split_heads(const job *job, const es_gpt2_layer *layer, const float *outputs,
                        double *heads)
{
    const es_gpt2_config *config = &job->model->config;
    int64_t d = config->width, size = d / config->heads;
    for (int64_t h = 0; h < config->heads; h++) {
        heads[h] = 0;
        for (int64_t k = h * size; k < (h + 1) * size; k++) {
            es_weight_row(&layer->attention, k, job->row);
            heads[h] += outputs[k] * project(d, job->row, job->toward);
        }
    }
}

static void split(const job *job, es_attribution *out)
{
    const es_gpt2_weights *weights = &job->model->weights;
    int64_t d = job->model->config.width, last = job->count - 1;
    const double *toward = job->toward;
    out->token_embedding = project(d, weights->wte + job->ids[last] * d, toward);
    out->position_embedding = project(d, weights->wpe + last * d, toward);
    out->final_bias = project(d, weights->ln_f_bias, job->v);
    out->path[0] = out->final_bias + out->token_embedding + out->position_embedding;
    for (int64_t i = 0; i < out->layers; i++) {
        const es_gpt2_layer *layer = &weights->layers[i];
        double *heads = out->head + i * out->heads;
        split_heads(job, layer, job->trace.heads + i * d, heads);
        out->attention_bias[i] = project(d, layer->attention_bias, toward);
        out->mlp[i] = project(d, job->trace.mlp + i * d, toward);
        out->attention[i] = out->attention_bias[i];
        for (int64_t h = 0; h < out->heads; h++) out->attention[i] += heads[h];
        out->path[i + 1] = out->path[i] + out->attention[i] + out->mlp[i];
    }
    out->logit = dot(d, job->hidden, job->v);
    out->remainder = out->logit - out->path[out->layers];
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static es_status allocate(job *job, es_attribution *out, es_error *error)
{
    const es_model_shape *shape = &job->model->shape;
    int64_t layers = shape->layers, d = shape->width;
    out->layers = layers;
    out->heads = shape->heads;
    out->head = es_alloc(layers * shape->heads, sizeof *out->head);
    out->attention_bias = es_alloc(layers, sizeof *out->attention_bias);
    out->attention = es_alloc(layers, sizeof *out->attention);
    out->mlp = es_alloc(layers, sizeof *out->mlp);
    out->path = es_alloc(layers + 1, sizeof *out->path);
    job->hidden = es_alloc(d, 3 * sizeof *job->hidden);
    job->row = es_alloc(d, sizeof *job->row);
    job->trace.mlp = es_alloc(layers * d, sizeof *job->trace.mlp);
    job->trace.heads = es_alloc(layers * d, sizeof *job->trace.heads);
    if (!out->head || !out->attention_bias || !out->attention || !out->mlp || !out->path ||
        !job->hidden || !job->row || !job->trace.mlp || !job->trace.heads)
        return es_fail_memory(error, "a text's states",
                              (size_t)(2 * layers * d) * sizeof *job->trace.mlp);
    job->v = job->hidden + d;
    job->toward = job->v + d;
    return ES_OK;
}

static es_status check_finite(const job *job, const es_attribution *out, es_error *error)
{
    if (isfinite(out->path[out->layers]) && isfinite(out->logit)) return ES_OK;
    return es_fail(error, ES_BAD_INPUT,
                   "%s: after %lld tokens the residual stream is not finite: the model's numbers "
                   "overflow float32",
                   job->model->space->source.path, (long long)job->count);
}

/* The tokens before the last one need no trace. */
static es_status feed(const job *job, const es_progress *progress, float *last, es_error *error)
{
    es_run *run;
    int64_t before = job->count - 1;
    ES_TRY(es_run_create(job->model, job->count, &run, error));
    es_status status = ES_OK;
    if (before) status = es_run_feed(run, job->ids, before, NULL, NULL, progress, error);
    if (status == ES_OK)
        status = es_run_feed(run, job->ids + before, 1, &job->trace, last, NULL, error);
    es_run_free(run);
    return status;
}

static es_status compute(job *job, const es_attribution_target *target, const es_progress *progress,
                         es_attribution *out, es_error *error)
{
    ES_TRY(allocate(job, out, error));
    float *last = es_alloc(job->model->shape.width, sizeof *last);
    if (!last) return es_fail_memory(error, "a hidden state", sizeof *last);
    es_status status = feed(job, progress, last, error);
    if (status == ES_OK) {
        es_model_final_norm(job->model, last, job->hidden, &out->scale);
        status = choose(job, target, out, error);
    }
    free(last);
    if (status != ES_OK) return status;
    aim(job, out);
    split(job, out);
    return check_finite(job, out, error);
}

es_status es_attribution_compute(es_model *model, const int64_t *ids, int64_t count,
                                 const es_attribution_target *target, const es_progress *progress,
                                 es_attribution *attribution, es_error *error)
{
    static const es_attribution_target top = {ES_ATTRIBUTE_TOP, ES_ATTRIBUTE_NONE};
    *attribution = (es_attribution){.position = count - 1};
    if (count < 1 || count > model->shape.context)
        return es_fail(error, ES_BAD_ARGUMENT, "%lld tokens: the model's context has 1 to %lld",
                       (long long)count, (long long)model->shape.context);
    job job = {.model = model, .ids = ids, .count = count};
    es_status status = compute(&job, target ? target : &top, progress, attribution, error);
    free(job.hidden);
    free(job.row);
    free(job.trace.mlp);
    free(job.trace.heads);
    if (status != ES_OK) es_attribution_release(attribution);
    return status;
}

void es_attribution_release(es_attribution *attribution)
{
    free(attribution->head);
    free(attribution->attention_bias);
    free(attribution->attention);
    free(attribution->mlp);
    free(attribution->path);
    *attribution = (es_attribution){0};
}
