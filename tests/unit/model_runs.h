/* A model opened, run and closed: what the tests of GPT-2 share. */
#ifndef ES_TEST_MODEL_RUNS_H
#define ES_TEST_MODEL_RUNS_H

#include "tables.h"

#include <embscope/model.h>

typedef struct opened {
    es_space *space;
    es_model *model;
} opened;

static inline opened open_model(const char *folder, int threads)
{
    opened out = {open_path(folder, &(es_open_options){.threads = threads}), NULL};
    es_error error = {0};
    assert_ok(es_model_create(out.space, threads, &out.model, &error), error);
    return out;
}

static inline void close_model(opened *open)
{
    es_model_free(open->model);
    es_space_free(open->space);
}

static inline es_run *create_run(es_model *model, int64_t capacity)
{
    es_run *run = NULL;
    es_error error = {0};
    assert_ok(es_run_create(model, capacity, &run, &error), error);
    return run;
}

static inline void feed(es_run *run, const int64_t *ids, int64_t count, const es_trace *trace,
                        float *last)
{
    es_error error = {0};
    assert_ok(es_run_feed(run, ids, count, trace, last, NULL, &error), error);
}

static inline float *float_room(int64_t count)
{
    float *room = malloc((size_t)count * sizeof *room);
    assert_non_null(room);
    return room;
}

static inline es_trace trace_room(const es_model_shape *shape, int64_t T)
{
    int64_t size = T * shape->width;
    return (es_trace){.residual = float_room((shape->layers + 1) * size),
                      .attention = float_room(shape->layers * size),
                      .mlp = float_room(shape->layers * size),
                      .heads = float_room(shape->layers * size)};
}

static inline void release_trace(es_trace *trace)
{
    free(trace->residual);
    free(trace->attention);
    free(trace->mlp);
    free(trace->heads);
}

static inline void draw_ids(int64_t *ids, int64_t count, int64_t rows)
{
    es_random random = {(uint64_t)count};
    for (int64_t i = 0; i < count; i++) ids[i] = es_random_below(&random, rows);
}

/* Logits of every position of a trace. */
static inline float *logits_of(es_model *model, const es_trace *trace, int64_t T)
{
    const es_model_shape *shape = es_model_get_shape(model);
    float *logits = float_room(T * shape->rows);
    const float *last = trace->residual + shape->layers * T * shape->width;
    es_error error = {0};
    for (int64_t t = 0; t < T; t++)
        assert_ok(es_model_logits(model, last + t * shape->width, logits + t * shape->rows, &error),
                  error);
    return logits;
}

#endif
