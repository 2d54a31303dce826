/* The cache of keys and values, and causal attention over it. */
#include "base/memory.h"
#include "base/parallel.h"
#include "model/gpt2_activations.h"
#include "model/gpt2_steps.h"

#include <stdlib.h>
#include <string.h>

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t es_cache_key_floats(int64_t capacity, int64_t heads, int64_t width)
{
    return heads * es_panel_count(capacity) * ES_PANEL * width;
}

int64_t es_cache_value_floats(int64_t capacity, int64_t heads, int64_t width)
{
    return heads * es_panel_count(width) * ES_PANEL * capacity;
}

static float *keys_of(const es_cache *cache, int64_t head)
{
    return cache->keys + es_cache_key_floats(cache->capacity, head, cache->width);
}

static float *values_of(const es_cache *cache, int64_t head)
{
    return cache->values + es_cache_value_floats(cache->capacity, head, cache->width);
}

typedef struct store_job {
    const es_cache *cache;
    int64_t past, T;
    const float *qkv;
} store_job;

static es_status store_head(void *context, int64_t head, int worker, es_error *error)
{
    (void)worker, (void)error;
    const store_job *job = context;
    const es_cache *cache = job->cache;
    int64_t width = cache->width, d = cache->heads * width;
    float *keys = keys_of(cache, head), *values = values_of(cache, head);
    for (int64_t i = 0; i < width; i++) {
        int64_t key = d + head * width + i, value = key + d;
        for (int64_t t = 0; t < job->T; t++) {
            int64_t place = job->past + t;
            keys[es_panel_place(width, place, i)] = job->qkv[es_panel_place(3 * d, t, key)];
            values[es_panel_place(cache->capacity, i, place)] =
                job->qkv[es_panel_place(3 * d, t, value)];
        }
    }
    return ES_OK;
}

es_status es_cache_store(const es_machine *machine, const es_cache *cache, int64_t past, int64_t T,
                         const float *qkv, es_error *error)
{
    store_job job = {cache, past, T, qkv};
    return es_machine_run(machine, cache->heads, store_head, &job, error);
}

/* The softmax of scale * scores over the first `length`, to a column of `out`; zeros up to `end`.
 * Sums run in lanes, by place. */
static void softmax(const float *scores, float scale, int64_t length, int64_t end, float *scratch,
                    float *out)
{
    float largest = scores[0], lane[ES_LANES] = {0};
    for (int64_t s = 1; s < length; s++) largest = scores[s] > largest ? scores[s] : largest;
    for (int64_t s = 0; s < length; s++) scratch[s] = (scores[s] - largest) * scale;
    es_exponential(length, scratch);
    int64_t s = 0;
    for (; s + ES_LANES <= length; s += ES_LANES)
        for (int j = 0; j < ES_LANES; j++) lane[j] += scratch[s + j];
    for (int j = 0; s + j < length; j++) lane[j] += scratch[s + j];
    for (int half = ES_LANES / 2; half; half /= 2)
        for (int j = 0; j < half; j++) lane[j] += lane[j + half];
    for (s = 0; s < length; s++) out[s * ES_PANEL] = scratch[s] / lane[0];
    for (; s < end; s++) out[s * ES_PANEL] = 0;
}

/* Room for a strip of queries: scores (ES_STRIP, seen) row by row, a row of scratch, and the
 * probabilities as a panel of (seen) components. */
typedef struct strip {
    int64_t seen; /* tokens that the last query of the strip sees */
    float *scores, *scratch, *probabilities;
} strip;

static void score_strip(const es_attention *a, const es_kernel *kernel, int64_t head, int64_t query,
                        const strip *strip)
{
    int64_t width = a->cache->width, d = a->cache->heads * width, stride = strip->seen;
    const float *left = a->qkv + es_panel_place(3 * d, query, head * width);
    const float *keys = keys_of(a->cache, head);
    _Alignas(64) float tile[ES_TILE];
    for (int64_t s = 0; s < strip->seen; s += ES_PANEL) {
        kernel->product(width, left, keys + s * width, tile);
        int64_t count = least(ES_PANEL, strip->seen - s);
        for (int64_t r = 0; r < ES_STRIP; r++)
            memcpy(strip->scores + r * stride + s, tile + r * ES_PANEL,
                   (size_t)count * sizeof *tile);
    }
}

/* out = probabilities times values, a panel of the head's components at a time. */
static void mix_strip(const es_attention *a, const es_kernel *kernel, int64_t head, int64_t query,
                      const strip *strip)
{
    int64_t width = a->cache->width, d = a->cache->heads * width;
    int64_t tokens = least(ES_STRIP, a->T - query);
    _Alignas(64) float tile[ES_TILE];
    for (int64_t i = 0; i < width; i += ES_PANEL) {
        const float *values = values_of(a->cache, head) + i * a->cache->capacity;
        kernel->product(strip->seen, strip->probabilities, values, tile);
        float *out = a->out + es_panel_place(d, query, head * width + i);
        for (int64_t c = 0; c < least(ES_PANEL, width - i); c++)
            for (int64_t r = 0; r < tokens; r++) out[c * ES_PANEL + r] = tile[r * ES_PANEL + c];
    }
}

typedef struct attention_job {
    const es_attention *attention;
    const es_kernel *kernel;
} attention_job;

/* A panel of queries of one head. */
static es_status attend_panel(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const attention_job *job = context;
    const es_attention *a = job->attention;
    int64_t head = index % a->cache->heads, first = index / a->cache->heads * ES_PANEL;
    int64_t end = least(a->T, first + ES_PANEL), most = a->past + end;
    float *memory = es_alloc_aligned(most, (ES_STRIP + 1 + ES_PANEL) * sizeof *memory);
    if (!memory) return es_fail_memory(error, "attention", (size_t)most * 57 * sizeof *memory);
    /* Columns that no query of the strip fills are multiplied, too: they must be numbers. */
    memset(memory, 0, (size_t)most * (ES_STRIP + 1 + ES_PANEL) * sizeof *memory);
    for (int64_t query = first; query < end; query += ES_STRIP) {
        int64_t tokens = least(ES_STRIP, a->T - query);
        strip strip = {.seen = a->past + query + tokens,
                       .probabilities = memory,
                       .scores = memory + most * ES_PANEL,
                       .scratch = memory + most * (ES_PANEL + ES_STRIP)};
        score_strip(a, job->kernel, head, query, &strip);
        for (int64_t r = 0; r < tokens; r++)
            softmax(strip.scores + r * strip.seen, a->scale, a->past + query + r + 1, strip.seen,
                    strip.scratch, strip.probabilities + r);
        mix_strip(a, job->kernel, head, query, &strip);
    }
    free(memory);
    return ES_OK;
}

es_status es_attend(const es_machine *machine, const es_attention *attention, es_error *error)
{
    attention_job job = {attention, machine->kernel};
    return es_machine_run(machine, es_panel_count(attention->T) * attention->cache->heads,
                          attend_panel, &job, error);
}
