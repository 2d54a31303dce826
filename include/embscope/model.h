/* A GPT-2 that can be run: from token ids to hidden states and logits.
 *
 *     residual stream  x_0 = wte[token] + wpe[position]
 *     every layer      x  += attention(ln_1(x));  x += mlp(ln_2(x))
 *     the end          h = ln_f(x);  z = E h, one logit a row of the unembedding E
 *
 * (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners".) Sizes come from
 * config.json and are held against the tensors. Weights are float32 in memory, whatever they were
 * stored as; sums run in float32. The same bits come out for any number of threads, on every
 * instruction set, and for a text fed token by token as for one fed at once. */
#ifndef EMBSCOPE_MODEL_H
#define EMBSCOPE_MODEL_H

#include <embscope/progress.h>
#include <embscope/space.h>

ES_BEGIN_DECLARATIONS

typedef struct es_model es_model;

typedef struct es_model_shape {
    int64_t layers, heads;
    int64_t width;   /* d, components of a hidden state */
    int64_t inner;   /* of the MLP */
    int64_t context; /* most tokens of a prompt */
    int64_t rows;    /* of the unembedding: logits */
} es_model_shape;

/* Read the weights of the model whose embedding `space` is (opened with the default `space`, no
 * transform). The space is borrowed and must outlive the model; its rows are loaded.
 * UNSUPPORTED for an architecture other than GPT-2 (the text says which predict); BAD_INPUT where
 * config.json and the tensors disagree, a tensor is missing, or a weight is not finite;
 * BAD_ARGUMENT for another table or a transform. On success *model is released with
 * es_model_free(). */
es_status es_model_create(es_space *space, int threads, es_model **model, es_error *error);
void es_model_free(es_model *model); /* NULL is legal */

const es_model_shape *es_model_get_shape(const es_model *model);
es_space *es_model_space(const es_model *model); /* the embedding */

/* The space of the unembedding's rows: the embedding's own where the two are tied, by one tensor or
 * by equal bytes. Belongs to the model. */
es_space *es_model_unembedding(const es_model *model);

/* What goes on inside, kept while tokens are fed: each array may be NULL. `count` is the number of
 * tokens fed in that call; everything is float32, row-major. */
typedef struct es_trace {
    float *residual;  /* (layers + 1, count, width): after the embedding, after each layer */
    float *attention; /* (layers, count, width): what the attention of a layer adds to it */
    float *mlp;       /* (layers, count, width): what the MLP adds */
    float *heads;     /* (layers, count, width): the heads' outputs side by side, width / heads
                         components each, before the output matrix of the layer mixes them */
} es_trace;

/* A text under way: the keys and values of the tokens fed so far (the cache), 2 layers x capacity x
 * width floats. */
typedef struct es_run es_run;
es_status es_run_create(es_model *model, int64_t capacity, es_run **run, es_error *error);
void es_run_free(es_run *run); /* NULL is legal */
int64_t es_run_length(const es_run *run);
void es_run_rewind(es_run *run, int64_t length); /* forget the tokens from there on */

/* Go on with `count` tokens. `last`, (width) or NULL, receives the residual stream after the last
 * layer at the last of them; `trace` may be NULL. BAD_INPUT for an id without a row;
 * BAD_ARGUMENT past the capacity or with no token; CANCELLED. A failed call leaves the run as it
 * was. */
es_status es_run_feed(es_run *run, const int64_t *ids, int64_t count, const es_trace *trace,
                      float *last, const es_progress *progress, es_error *error);

/* h = ln_f(x) in float64 of a residual stream (width): h_k = gain_k (x_k - mean) / scale + bias_k,
 * scale = sqrt(variance + epsilon), the population variance. *scale may be NULL. */
void es_model_final_norm(const es_model *model, const float *residual, double *hidden,
                         double *scale);

/* Logits of a residual stream (width) in float32, (rows): quick, for choosing the next token.
 * BAD_INPUT where one overflows float32. */
es_status es_model_logits(es_model *model, const float *residual, float *logits, es_error *error);

ES_END_DECLARATIONS
#endif
