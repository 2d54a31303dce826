/* The steps of GPT-2 on plain pointers, float32, row-major; T is the number of tokens. A step that
 * takes `threads` runs on them and gives the same bits for any number: what one piece computes does
 * not depend on it. Matrix products are OpenBLAS's, called between es_products_begin() and
 * es_products_end(). */
#ifndef ES_MODEL_GPT2_STEPS_H
#define ES_MODEL_GPT2_STEPS_H

#include "base/status.h"

#include <stdint.h>

/* out (T, d): each row of x (T, d) with mean 0 and variance 1 (population variance plus epsilon),
 * times weight (d), plus bias (d). Ba, Kiros and Hinton 2016. */
void es_layer_norm(int64_t T, int64_t d, const float *x, const float *weight, const float *bias,
                   double epsilon, float *out);

/* out (T, m) = x (T, k) weight (k, m) + bias (m). */
es_status es_linear(int threads, int64_t T, int64_t k, int64_t m, const float *x,
                    const float *weight, const float *bias, float *out, es_error *error);

/* Causal self-attention of T new tokens after `past` old ones. qkv (T, 3 d) holds queries, keys and
 * values; keys and values (capacity, d) are the caches of the layer, whose rows past ... past+T-1
 * are those of qkv already. out (T, d): of each head, softmax(scale q . k) v over the tokens up to
 * its own. Vaswani et al. 2017. */
typedef struct es_attention {
    int64_t T, past, d, heads;
    const float *qkv, *keys, *values;
    float scale;
    float *out;
} es_attention;
es_status es_attend(int threads, const es_attention *attention, es_error *error);

/* x (count) = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), GPT-2's approximation of GELU
 * (Hendrycks and Gimpel 2016); and the two others that a config.json may ask for. */
void es_gelu_tanh(int64_t count, float *x);
void es_gelu(int64_t count, float *x); /* x/2 (1 + erf(x / sqrt(2))) */
void es_relu(int64_t count, float *x);

/* out (n) = rows (n, d) times x (d). */
es_status es_rows_times(int threads, int64_t n, int64_t d, const float *rows, const float *x,
                        float *out, es_error *error);

#endif
