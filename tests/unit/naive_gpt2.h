/* GPT-2 in float64, each step a plain loop: what src/model/ is held against. T tokens, d = width,
 * H heads of w = d / H components; row-major. */
#ifndef ES_TEST_NAIVE_GPT2_H
#define ES_TEST_NAIVE_GPT2_H

#include "gpt2_models.h"

/* What one forward pass leaves behind. */
typedef struct naive_pass {
    int64_t T, rows;
    double *residual;  /* (layers + 1, T, d) */
    double *attention; /* (layers, T, d) */
    double *mlp;       /* (layers, T, d) */
    double *heads;     /* (layers, T, d) */
    double *hidden;    /* (T, d): ln_f of the last residual */
    double *logits;    /* (T, rows) */
} naive_pass;

static inline double *naive_room(int64_t count)
{
    double *room = calloc((size_t)count, sizeof *room);
    assert_non_null(room);
    return room;
}

/* out (T, d): rows of x (T, d) with mean 0 and variance 1, times weight (d), plus bias (d). */
static inline void naive_layer_norm(int64_t T, int64_t d, const double *x, const double *weight,
                                    const double *bias, double *out)
{
    for (int64_t t = 0; t < T; t++) {
        double mean = 0, variance = 0;
        for (int64_t k = 0; k < d; k++) mean += x[t * d + k] / (double)d;
        for (int64_t k = 0; k < d; k++) {
            double centred = x[t * d + k] - mean;
            variance += centred * centred / (double)d;
        }
        for (int64_t k = 0; k < d; k++)
            out[t * d + k] = (x[t * d + k] - mean) / sqrt(variance + 1e-5) * weight[k] + bias[k];
    }
}

/* out (T, m) = x (T, k) weight (k, m) + bias (m) */
static inline void naive_linear(int64_t T, int64_t k, int64_t m, const double *x,
                                const double *weight, const double *bias, double *out)
{
    for (int64_t t = 0; t < T; t++)
        for (int64_t j = 0; j < m; j++) {
            double sum = bias[j];
            for (int64_t i = 0; i < k; i++) sum += x[t * k + i] * weight[i * m + j];
            out[t * m + j] = sum;
        }
}

/* One head at one token: out (w) = sum over s <= t of softmax(scale q_t . k_s) v_s, where qkv
 * (T, 3 d) holds queries, keys and values side by side and the head begins at component `at`. */
static inline void naive_head(int64_t d, int64_t w, int64_t t, int64_t at, const double *qkv,
                              double scale, double *out)
{
    double *score = naive_room(t + 1), largest = -INFINITY, sum = 0;
    const double *query = qkv + t * 3 * d + at;
    for (int64_t s = 0; s <= t; s++) {
        const double *key = qkv + s * 3 * d + d + at;
        for (int64_t k = 0; k < w; k++) score[s] += scale * query[k] * key[k];
        largest = fmax(largest, score[s]);
    }
    for (int64_t s = 0; s <= t; s++) sum += exp(score[s] - largest);
    for (int64_t k = 0; k < w; k++) out[k] = 0;
    for (int64_t s = 0; s <= t; s++) {
        const double *value = qkv + s * 3 * d + 2 * d + at;
        for (int64_t k = 0; k < w; k++) out[k] += exp(score[s] - largest) / sum * value[k];
    }
    free(score);
}

static inline double naive_activation(const char *name, double x)
{
    if (name && strcmp(name, "relu") == 0) return x > 0 ? x : 0;
    if (name && strcmp(name, "gelu") == 0) return x / 2 * erfc(-x / sqrt(2.0));
    return x / 2 * (1 + tanh(sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

/* One layer: residual (T, d) in, residual (T, d) out, and what it added. */
static inline void naive_layer(const gpt2_tensors *all, int64_t index, int64_t T, const double *x,
                               double *heads, double *attention, double *mlp, double *out)
{
    const gpt2_plan *plan = &all->plan;
    const gpt2_tensor *tensor = &all->tensor[2 + index * GPT2_OF_A_LAYER];
    int64_t d = plan->width, inner = plan->inner, w = d / plan->heads;
    double *normed = naive_room(T * d), *qkv = naive_room(T * 3 * d), *up = naive_room(T * inner);
    double scale = plan->unscaled ? 1 : 1 / sqrt((double)w);
    if (plan->scale_by_layer) scale /= (double)(index + 1);
    naive_layer_norm(T, d, x, tensor[0].values, tensor[1].values, normed);
    naive_linear(T, d, 3 * d, normed, tensor[2].values, tensor[3].values, qkv);
    for (int64_t t = 0; t < T; t++)
        for (int64_t at = 0; at < d; at += w)
            naive_head(d, w, t, at, qkv, scale, heads + t * d + at);
    naive_linear(T, d, d, heads, tensor[4].values, tensor[5].values, attention);
    for (int64_t i = 0; i < T * d; i++) out[i] = x[i] + attention[i];
    naive_layer_norm(T, d, out, tensor[6].values, tensor[7].values, normed);
    naive_linear(T, d, inner, normed, tensor[8].values, tensor[9].values, up);
    for (int64_t i = 0; i < T * inner; i++) up[i] = naive_activation(plan->activation, up[i]);
    naive_linear(T, inner, d, up, tensor[10].values, tensor[11].values, mlp);
    for (int64_t i = 0; i < T * d; i++) out[i] += mlp[i];
    free(normed);
    free(qkv);
    free(up);
}

/* logits (T, rows) = hidden (T, d) times the unembedding's rows (rows, d) */
static inline naive_pass naive_gpt2(const gpt2_tensors *all, const int64_t *ids, int64_t T)
{
    int64_t d = all->plan.width, layers = all->plan.layers;
    const gpt2_tensor *last = &all->tensor[2 + layers * GPT2_OF_A_LAYER];
    const gpt2_tensor *head = all->plan.head == GPT2_OTHER_HEAD ? &last[2] : &all->tensor[0];
    naive_pass pass = {.T = T,
                       .rows = head->rows,
                       .residual = naive_room((layers + 1) * T * d),
                       .attention = naive_room(layers * T * d),
                       .mlp = naive_room(layers * T * d),
                       .heads = naive_room(layers * T * d),
                       .hidden = naive_room(T * d),
                       .logits = naive_room(T * head->rows)};
    for (int64_t t = 0; t < T; t++)
        for (int64_t k = 0; k < d; k++)
            pass.residual[t * d + k] =
                all->tensor[0].values[ids[t] * d + k] + all->tensor[1].values[t * d + k];
    for (int64_t i = 0, size = T * d; i < layers; i++)
        naive_layer(all, i, T, pass.residual + i * size, pass.heads + i * size,
                    pass.attention + i * size, pass.mlp + i * size, pass.residual + (i + 1) * size);
    naive_layer_norm(T, d, pass.residual + layers * T * d, last[0].values, last[1].values,
                     pass.hidden);
    for (int64_t t = 0; t < T; t++)
        for (int64_t i = 0; i < head->rows; i++)
            for (int64_t k = 0; k < d; k++)
                pass.logits[t * head->rows + i] += pass.hidden[t * d + k] * head->values[i * d + k];
    return pass;
}

static inline void release_naive(naive_pass *pass)
{
    free(pass->residual);
    free(pass->attention);
    free(pass->mlp);
    free(pass->heads);
    free(pass->hidden);
    free(pass->logits);
}

#endif
