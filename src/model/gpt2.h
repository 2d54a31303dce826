/* Inside of an es_model: sizes, weights, and the steps on plain pointers. */
#ifndef ES_MODEL_GPT2_H
#define ES_MODEL_GPT2_H

#include "base/status.h"
#include "model/gpt2_steps.h"
#include "space/space.h"

#include <embscope/model.h>

/* What config.json says of a GPT-2. */
typedef struct es_gpt2_config {
    int64_t layers, heads, width, inner, context, vocabulary;
    double epsilon; /* of every LayerNorm */
    es_activation activation;
    bool scale_by_width; /* scores / sqrt(head width) */
    bool scale_by_layer; /* and / (layer + 1): "scale_attn_by_inverse_layer_idx" */
    bool tied;
} es_gpt2_config;

/* Read folder/config.json. What is not there has the value that Transformers' GPT2Config gives it,
 * but for sizes that only a file can know: those are errors. */
es_status es_gpt2_config_read(const char *folder, es_gpt2_config *config, es_error *error);

/* The same of a file's text; `path` is for messages. */
es_status es_gpt2_config_parse(const char *path, const char *data, int64_t size,
                               es_gpt2_config *config, es_error *error);

/* Matrices are (in, out), as GPT-2 stores them: y = x W + b. */
typedef struct es_gpt2_layer {
    const float *ln_1_weight, *ln_1_bias; /* (width) */
    es_weight qkv;                        /* (width, 3 width): queries, keys, values */
    const float *qkv_bias;
    es_weight attention; /* (width, width) */
    const float *attention_bias;
    const float *ln_2_weight, *ln_2_bias; /* (width) */
    es_weight up;                         /* (width, inner) */
    const float *up_bias;
    es_weight down; /* (inner, width) */
    const float *down_bias;
} es_gpt2_layer;

typedef struct es_gpt2_weights {
    const float *wte;                     /* (vocabulary, width) */
    const float *wpe;                     /* (context, width) */
    const float *unembedding;             /* (rows, width): wte where they are tied */
    const float *ln_f_weight, *ln_f_bias; /* (width) */
    es_gpt2_layer *layers;
    void **memory; /* everything above that is not the space's own, to be freed */
    int64_t memory_count;
} es_gpt2_weights;

/* Find, check and read every weight of the space's file. A context that the config does not say is
 * that of the position table. */
es_status es_gpt2_weights_read(es_space *space, es_gpt2_config *config, int threads,
                               es_gpt2_weights *weights, es_error *error);
void es_gpt2_weights_release(es_gpt2_weights *weights);

struct es_model {
    es_gpt2_config config;
    es_gpt2_weights weights;
    es_model_shape shape;
    es_space *space;
    es_space *unembedding; /* the same, or the model's own */
    es_machine machine;
};

#endif
