/* A text through a GPT-2, token by token or many at once. */
#include "base/memory.h"
#include "model/gpt2.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct es_run {
    es_model *model;
    int64_t capacity, length;
    es_cache *layers; /* (layers) */
    float *keys, *values;
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
    int64_t width = shape->width / shape->heads;
    int64_t keys = es_cache_key_floats(capacity, shape->heads, width);
    int64_t values = es_cache_value_floats(capacity, shape->heads, width);
    run->layers = es_alloc(shape->layers, sizeof *run->layers);
    run->keys = es_alloc_aligned(shape->layers * keys, sizeof *run->keys);
    run->values = es_alloc_aligned(shape->layers * values, sizeof *run->values);
    if (!run->layers || !run->keys || !run->values) {
        es_run_free(run);
        return es_fail_memory(error, "keys and values",
                              (size_t)(shape->layers * (keys + values)) * sizeof *run->keys);
    }
    for (int64_t i = 0; i < shape->layers; i++)
        run->layers[i] = (es_cache){.capacity = capacity,
                                    .heads = shape->heads,
                                    .width = width,
                                    .keys = run->keys + i * keys,
                                    .values = run->values + i * values};
    /* The columns of a panel that no token fills yet are multiplied with the others. */
    memset(run->keys, 0, (size_t)(shape->layers * keys) * sizeof *run->keys);
    memset(run->values, 0, (size_t)(shape->layers * values) * sizeof *run->values);
    *out = run;
    return ES_OK;
}

void es_run_free(es_run *run)
{
    if (!run) return;
    free(run->layers);
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
    es_machine machine; /* the model's, with a crew: a token takes some sixty short steps */
    int64_t T;
    float *memory;
    float *x;      /* (T, width): the residual stream */
    float *added;  /* (T, width): what a block adds to it */
    float *normed; /* panels of (T, width) */
    float *mixed;  /* panels of (T, width): the heads' outputs */
    float *wide;   /* panels of (T, 3 width or inner) */
} work;

static es_status work_open(work *work, es_error *error)
{
    const es_gpt2_config *config = &work->run->model->config;
    int64_t d = config->width, wide = config->inner > 3 * d ? config->inner : 3 * d;
    int64_t size = work->T * d, padded = es_panel_count(work->T) * ES_PANEL;
    int64_t floats = 2 * size + padded * (2 * d + wide);
    work->memory = es_alloc(floats, sizeof *work->memory);
    if (!work->memory)
        return es_fail_memory(error, "a text's states", (size_t)floats * sizeof *work->memory);
    work->x = work->memory;
    work->added = work->x + size;
    work->normed = work->added + size;
    work->mixed = work->normed + padded * d;
    work->wide = work->mixed + padded * d;
    return ES_OK;
}

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

/* Panels of (T, width) to a layer of the trace, row by row. */
static void keep_panels(const work *work, float *trace, int64_t layer, const float *panels)
{
    int64_t d = work->run->model->config.width;
    if (!trace) return;
    float *out = trace + layer * work->T * d;
    for (int64_t t = 0; t < work->T; t++)
        for (int64_t k = 0; k < d; k++) out[t * d + k] = panels[es_panel_place(d, t, k)];
}

/* added = W_O softmax(q . k) v + b, of ln_1(x) */
static es_status attention_block(const work *work, int64_t index, es_error *error)
{
    const es_model *model = work->run->model;
    const es_gpt2_config *config = &model->config;
    const es_gpt2_layer *layer = &model->weights.layers[index];
    const es_cache *cache = &work->run->layers[index];
    int64_t T = work->T, past = work->run->length;
    double scale = config->scale_by_width ? 1 / sqrt((double)cache->width) : 1;
    if (config->scale_by_layer) scale /= (double)(index + 1);
    es_linear to_qkv = {.T = T,
                        .x = work->normed,
                        .weight = &layer->qkv,
                        .bias = layer->qkv_bias,
                        .panels = work->wide};
    es_attention attention = {.T = T,
                              .past = past,
                              .qkv = work->wide,
                              .cache = cache,
                              .scale = (float)scale,
                              .out = work->mixed};
    es_linear to_stream = {.T = T,
                           .x = work->mixed,
                           .weight = &layer->attention,
                           .bias = layer->attention_bias,
                           .rows = work->added};
    ES_TRY(es_layer_norm(&work->machine, T, config->width, work->x, layer->ln_1_weight,
                         layer->ln_1_bias, config->epsilon, work->normed, error));
    ES_TRY(es_linear_apply(&work->machine, &to_qkv, error));
    ES_TRY(es_cache_store(&work->machine, cache, past, T, work->wide, error));
    ES_TRY(es_attend(&work->machine, &attention, error));
    return es_linear_apply(&work->machine, &to_stream, error);
}

/* added = W_down activation(W_up ln_2(x) + b) + b */
static es_status mlp_block(const work *work, int64_t index, es_error *error)
{
    const es_model *model = work->run->model;
    const es_gpt2_config *config = &model->config;
    const es_gpt2_layer *layer = &model->weights.layers[index];
    es_linear up = {.T = work->T,
                    .x = work->normed,
                    .weight = &layer->up,
                    .bias = layer->up_bias,
                    .activation = config->activation,
                    .panels = work->wide};
    es_linear down = {.T = work->T,
                      .x = work->wide,
                      .weight = &layer->down,
                      .bias = layer->down_bias,
                      .rows = work->added};
    ES_TRY(es_layer_norm(&work->machine, work->T, config->width, work->x, layer->ln_2_weight,
                         layer->ln_2_bias, config->epsilon, work->normed, error));
    ES_TRY(es_linear_apply(&work->machine, &up, error));
    return es_linear_apply(&work->machine, &down, error);
}

static es_status run_layer(const work *work, int64_t index, es_error *error)
{
    int64_t size = work->T * work->run->model->config.width;
    const es_trace *trace = work->trace;
    ES_TRY(attention_block(work, index, error));
    keep_panels(work, trace->heads, index, work->mixed);
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
    es_status status = ES_OK;
    for (int64_t i = 0; i < layers && status == ES_OK; i++) {
        status = run_layer(work, i, error);
        if (status == ES_OK && progress && progress->report &&
            !progress->report(progress->context, i + 1, layers))
            status = es_fail(error, ES_CANCELLED, "interrupted");
    }
    return status;
}

/* Weights that are finite can still overflow: nothing after that means anything. */
static es_status check_states(const work *work, es_error *error)
{
    int64_t d = work->run->model->config.width;
    for (int64_t i = 0; i < work->T * d; i++)
        if (!isfinite(work->x[i]))
            return es_fail(error, ES_BAD_INPUT,
                           "%s: the states overflow at token %lld of the text: the model cannot be "
                           "run in float32",
                           work->run->model->space->source.path, (long long)(i / d));
    return ES_OK;
}

es_status es_run_feed(es_run *run, const int64_t *ids, int64_t count, const es_trace *trace,
                      float *last, const es_progress *progress, es_error *error)
{
    static const es_trace nothing;
    ES_TRY(check_ids(run, ids, count, error));
    int64_t d = run->model->config.width;
    work work = {.run = run, .trace = trace ? trace : &nothing, .T = count};
    work.machine = run->model->machine;
    ES_TRY(work_open(&work, error));
    embed(&work, ids);
    keep(&work, work.trace->residual, 0, work.x);
    es_status status = es_crew_create(work.machine.threads, &work.machine.crew, error);
    if (status == ES_OK) status = run_layers(&work, progress, error);
    es_crew_free(work.machine.crew);
    if (status == ES_OK) status = check_states(&work, error);
    if (status == ES_OK) {
        run->length += count;
        if (last) memcpy(last, work.x + (count - 1) * d, (size_t)d * sizeof *last);
    }
    free(work.memory);
    return status;
}
