/* The steps of GPT-2 on plain pointers, in float32. T is the number of tokens; "panels" are laid
 * out as panels.h says, everything else row-major. A step gives the same bits for any number of
 * threads, on every instruction set, and for tokens one by one as for all at once. */
#ifndef ES_MODEL_GPT2_STEPS_H
#define ES_MODEL_GPT2_STEPS_H

#include "base/parallel.h"
#include "base/status.h"
#include "model/panels.h"

#include <stdint.h>

typedef enum es_activation {
    ES_IDENTITY,
    ES_GELU_TANH, /* "gelu_new", GPT-2's own: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))),
                     Hendrycks and Gimpel 2016 */
    ES_GELU,      /* "gelu": x/2 (1 + erf(x / sqrt(2))) */
    ES_RELU,
} es_activation;

/* What every step is given. */
typedef struct es_machine {
    const es_kernel *kernel;
    int threads;
    es_crew *crew; /* threads that stay from step to step, or NULL: each starts its own */
} es_machine;

static inline es_status es_machine_run(const es_machine *machine, int64_t count, es_piece *piece,
                                       void *context, es_error *error)
{
    if (machine->crew) return es_crew_run(machine->crew, count, piece, context, NULL, error);
    return es_parallel_for(machine->threads, count, piece, context, NULL, error);
}

/* out, panels of (T, d): each row of x (T, d) with mean 0 and variance 1 (the population's, plus
 * epsilon), times weight (d), plus bias (d). Ba, Kiros and Hinton 2016. */
es_status es_layer_norm(const es_machine *machine, int64_t T, int64_t d, const float *x,
                        const float *weight, const float *bias, double epsilon, float *out,
                        es_error *error);

/* out = activation(x W + bias): x panels of (T, k), W (k, m), bias (m). */
typedef struct es_linear {
    int64_t T;
    const float *x;
    const es_weight *weight;
    const float *bias;
    es_activation activation;
    float *panels; /* out as panels of (T, m), or */
    float *rows;   /* out as (T, m) */
} es_linear;
es_status es_linear_apply(const es_machine *machine, const es_linear *linear, es_error *error);

/* Keys and values of one layer, each head's apart. */
typedef struct es_cache {
    int64_t capacity, heads, width; /* tokens, heads, components a head */
    float *keys;                    /* (heads) panels of (capacity, width): a token a column */
    float *values; /* (heads) panels of (width) columns, a token a row: (panels, capacity, 48) */
} es_cache;
int64_t es_cache_key_floats(int64_t capacity, int64_t heads, int64_t width); /* of `keys` */
int64_t es_cache_value_floats(int64_t capacity, int64_t heads, int64_t width);

/* Keys and values of T tokens, in qkv as panels of (T, 3 d), to the places past ... past + T - 1.
 */
es_status es_cache_store(const es_machine *machine, const es_cache *cache, int64_t past, int64_t T,
                         const float *qkv, es_error *error);

/* Causal self-attention of T tokens, whose keys and values are stored already: out, panels of (T,
 * d), is for each head softmax(scale q . k) v over the tokens up to its own. Vaswani et al. 2017.
 */
typedef struct es_attention {
    int64_t T, past;
    const float *qkv; /* panels of (T, 3 d): queries, keys, values */
    const es_cache *cache;
    float scale;
    float *out;
} es_attention;
es_status es_attend(const es_machine *machine, const es_attention *attention, es_error *error);

/* out (n) = rows (n, d) times x (d). */
es_status es_rows_times(const es_machine *machine, int64_t n, int64_t d, const float *rows,
                        const float *x, float *out, es_error *error);

#endif
