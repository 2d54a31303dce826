/* A text through a GPT-2, token by token or many at once. */
#include "base/memory.h"
#include "kernel/linear.h"
#include "model/gpt2.h"
#include "model/gpt2_steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct es_run {
    es_model *model;
    int64_t capacity, length;
    float *keys, *values; /* (layers, capacity, width) */
};

es_status es_run_create(es_model *model, int64_t capacity, es_run **out, es_error *error)
{
    const es_model_shape *shape = &model->shape;
    if (capacity < 1 || capacity > shape->context)
        return es_fail(error, ES_BAD_ARGUMENT, "%lld tokens: the model's context has 1 to %lld",
                       (long long)capacity, (long long)shape->context);
    es_run *run = es_alloc(1, sizeof *run);
    if (!run) return es_fail_memory(error, "a run", sizeof *run);
    *run = (es_run){.model = model, .capacity = capacity};
    int64_t floats = shape->layers * capacity * shape->width;
    run->keys = es_alloc_aligned(floats, sizeof *run->keys);
    run->values = es_alloc_aligned(floats, sizeof *run->values);
    if (!run->keys || !run->values) {
        es_run_free(run);
        return es_fail_memory(error, "keys and values", (size_t)floats * 2 * sizeof *run->keys);
    }
    *out = run;
    return ES_OK;
}

void es_run_free(es_run *run)
{
    if (!run) return;
    free(run->keys);
    free(run->values);
    free(run);
}

int64_t es_run_length(const es_run *run)
{
    return run->length;
}

void es_run_rewind(es_run *run, int64_t length)
{
    if (length >= 0 && length < run->length) run->length = length;
}

/* What one call needs beside the run: T tokens' worth of everything between two steps. */
typedef struct work {
    es_run *run;
    const es_trace *trace;
    int64_t T;
    float *x;      /* (T, width): the residual stream */
    float *normed; /* (T, width) */
    float *wide;   /* (T, 3 width or inner) */
    float *mixed;  /* (T, width): the heads' outputs */
    float *added;  /* (T, width): what a block adds to the stream */
} work;

static es_status check_ids(const es_run *run, const int64_t *ids, int64_t count, es_error *error)
{
    if (count < 1) return es_fail(error, ES_BAD_ARGUMENT, "no token to go on with");
    if (count > run->capacity - run->length)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "%lld tokens after %lld: there is room for %lld (the model's context is "
                       "%lld)",
                       (long long)count, (long long)run->length, (long long)run->capacity,
                       (long long)run->model->shape.context);
    int64_t rows = run->model->space->source.rows;
    for (int64_t i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= rows)
            return es_fail(error, ES_BAD_INPUT,
                           "token @%lld of the text has no row: the embedding has %lld",
                           (long long)ids[i], (long long)rows);
    return ES_OK;
}

/* x_t = wte[token] + wpe[position] */
static void embed(const work *work, const int64_t *ids)
{
    const es_gpt2_weights *weights = &work->run->model->weights;
    int64_t d = work->run->model->config.width;
    for (int64_t t = 0; t < work->T; t++) {
        const float *token = weights->wte + ids[t] * d;
        const float *position = weights->wpe + (work->run->length + t) * d;
        for (int64_t k = 0; k < d; k++) work->x[t * d + k] = token[k] + position[k];
    }
}

/* Copy (T, width) to a layer of the trace, where it is wanted. */
static void keep(const work *work, float *trace, int64_t layer, const float *values)
{
    int64_t size = work->T * work->run->model->config.width;
    if (trace) memcpy(trace + layer * size, values, (size_t)size * sizeof *values);
}

static void add(int64_t count, const float *added, float *x)
{
    for (int64_t i = 0; i < count; i++) x[i] += added[i];
}

/* added = W_O softmax(q . k) v + b, of ln_1(x) */
static es_status attention_block(const work *work, int64_t index, es_error *error)
{
    es_run *run = work->run;
    const es_model *model = run->model;
    const es_gpt2_config *config = &model->config;
    const es_gpt2_layer *layer = &model->weights.layers[index];
    int64_t d = config->width, T = work->T, past = run->length;
    float *keys = run->keys + index * run->capacity * d;
    float *values = run->values + index * run->capacity * d;
    es_layer_norm(T, d, work->x, layer->ln_1_weight, layer->ln_1_bias, config->epsilon,
                  work->normed);
    ES_TRY(es_linear(model->threads, T, d, 3 * d, work->normed, layer->qkv_weight, layer->qkv_bias,
                     work->wide, error));
    for (int64_t t = 0; t < T; t++) {
        const float *qkv = work->wide + t * 3 * d;
        memcpy(keys + (past + t) * d, qkv + d, (size_t)d * sizeof *keys);
        memcpy(values + (past + t) * d, qkv + 2 * d, (size_t)d * sizeof *values);
    }
    double scale = config->scale_by_width ? 1 / sqrt((double)(d / config->heads)) : 1;
    if (config->scale_by_layer) scale /= (double)(index + 1);
    es_attention attention = {.T = T,
                              .past = past,
                              .d = d,
                              .heads = config->heads,
                              .qkv = work->wide,
                              .keys = keys,
                              .values = values,
                              .scale = (float)scale,
                              .out = work->mixed};
    ES_TRY(es_attend(model->threads, &attention, error));
    return es_linear(model->threads, T, d, d, work->mixed, layer->attention_weight,
                     layer->attention_bias, work->added, error);
}

/* added = W_down activation(W_up ln_2(x) + b) + b */
static es_status mlp_block(const work *work, int64_t index, es_error *error)
{
    const es_model *model = work->run->model;
    const es_gpt2_config *config = &model->config;
    const es_gpt2_layer *layer = &model->weights.layers[index];
    int64_t d = config->width, inner = config->inner, T = work->T;
    es_layer_norm(T, d, work->x, layer->ln_2_weight, layer->ln_2_bias, config->epsilon,
                  work->normed);
    ES_TRY(es_linear(model->threads, T, d, inner, work->normed, layer->up_weight, layer->up_bias,
                     work->wide, error));
    switch (config->activation) {
    case ES_GELU_TANH: es_gelu_tanh(T * inner, work->wide); break;
    case ES_GELU: es_gelu(T * inner, work->wide); break;
    case ES_RELU: es_relu(T * inner, work->wide); break;
    }
    return es_linear(model->threads, T, inner, d, work->wide, layer->down_weight, layer->down_bias,
                     work->added, error);
}

static es_status run_layer(const work *work, int64_t index, es_error *error)
{
    int64_t size = work->T * work->run->model->config.width;
    const es_trace *trace = work->trace;
    ES_TRY(attention_block(work, index, error));
    keep(work, trace->heads, index, work->mixed);
    keep(work, trace->attention, index, work->added);
    add(size, work->added, work->x);
    ES_TRY(mlp_block(work, index, error));
    keep(work, trace->mlp, index, work->added);
    add(size, work->added, work->x);
    keep(work, trace->residual, index + 1, work->x);
    return ES_OK;
}

static es_status run_layers(const work *work, const es_progress *progress, es_error *error)
{
    int64_t layers = work->run->model->config.layers;
    int before = es_products_begin();
    es_status status = ES_OK;
    for (int64_t i = 0; i < layers && status == ES_OK; i++) {
        status = run_layer(work, i, error);
        if (status == ES_OK && progress && progress->report &&
            !progress->report(progress->context, i + 1, layers))
            status = es_fail(error, ES_CANCELLED, "interrupted");
    }
    es_products_end(before);
    return status;
}

es_status es_run_feed(es_run *run, const int64_t *ids, int64_t count, const es_trace *trace,
                      float *last, const es_progress *progress, es_error *error)
{
    static const es_trace nothing;
    ES_TRY(check_ids(run, ids, count, error));
    int64_t d = run->model->config.width, inner = run->model->config.inner;
    int64_t wide = inner > 3 * d ? inner : 3 * d;
    float *memory = es_alloc_aligned(count, (size_t)(4 * d + wide) * sizeof *memory);
    if (!memory)
        return es_fail_memory(error, "a text's states", (size_t)(count * (4 * d + wide)) * 4);
    int64_t size = count * d;
    work work = {.run = run,
                 .trace = trace ? trace : &nothing,
                 .T = count,
                 .x = memory,
                 .normed = memory + size,
                 .mixed = memory + 2 * size,
                 .added = memory + 3 * size,
                 .wide = memory + 4 * size};
    embed(&work, ids);
    keep(&work, work.trace->residual, 0, work.x);
    es_status status = run_layers(&work, progress, error);
    if (status == ES_OK) {
        run->length += count;
        if (last) memcpy(last, work.x + size - d, (size_t)d * sizeof *last);
    }
    free(memory);
    return status;
}
