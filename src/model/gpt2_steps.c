#include "model/gpt2_steps.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMNS = 256, /* of a matrix that one piece of a product takes */
    TOKENS = 128,  /* and tokens */
    QUERIES = 64,  /* of a head that one piece of attention takes */
    ROWS = 2048,   /* of the unembedding in one piece */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void es_layer_norm(int64_t T, int64_t d, const float *x, const float *weight, const float *bias,
                   double epsilon, float *out)
{
    for (int64_t t = 0; t < T; t++, x += d, out += d) {
        double mean = 0, variance = 0;
        for (int64_t k = 0; k < d; k++) mean += x[k];
        mean /= (double)d;
        for (int64_t k = 0; k < d; k++) variance += (x[k] - mean) * (x[k] - mean);
        double factor = 1 / sqrt(variance / (double)d + epsilon);
        for (int64_t k = 0; k < d; k++)
            out[k] = (float)((x[k] - mean) * factor) * weight[k] + bias[k];
    }
}

typedef struct product {
    int64_t T, k, m, column_blocks;
    const float *x, *weight, *bias;
    float *out;
} product;

/* A block of tokens times a block of columns. */
static es_status multiply_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const product *p = context;
    int64_t token = index / p->column_blocks * TOKENS, column = index % p->column_blocks * COLUMNS;
    int64_t tokens = least(TOKENS, p->T - token), columns = least(COLUMNS, p->m - column);
    float *out = p->out + token * p->m + column;
    for (int64_t t = 0; t < tokens; t++)
        memcpy(out + t * p->m, p->bias + column, (size_t)columns * sizeof *out);
    const float *x = p->x + token * p->k, *weight = p->weight + column;
    if (tokens == 1)
        cblas_sgemv(CblasRowMajor, CblasTrans, (int)p->k, (int)columns, 1, weight, (int)p->m, x, 1,
                    1, out, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)tokens, (int)columns, (int)p->k,
                    1, x, (int)p->k, weight, (int)p->m, 1, out, (int)p->m);
    return ES_OK;
}

es_status es_linear(int threads, int64_t T, int64_t k, int64_t m, const float *x,
                    const float *weight, const float *bias, float *out, es_error *error)
{
    product product = {.T = T,
                       .k = k,
                       .m = m,
                       .column_blocks = (m + COLUMNS - 1) / COLUMNS,
                       .x = x,
                       .weight = weight,
                       .bias = bias,
                       .out = out};
    int64_t token_blocks = (T + TOKENS - 1) / TOKENS;
    return es_parallel_for(threads, token_blocks * product.column_blocks, multiply_block, &product,
                           NULL, error);
}

/* The softmax of scores (length); what lies beyond becomes 0. */
static void softmax(float *scores, int64_t length, int64_t stride)
{
    float largest = scores[0];
    for (int64_t i = 1; i < length; i++)
        if (scores[i] > largest) largest = scores[i];
    float sum = 0;
    for (int64_t i = 0; i < length; i++) {
        scores[i] = expf(scores[i] - largest);
        sum += scores[i];
    }
    for (int64_t i = 0; i < length; i++) scores[i] /= sum;
    for (int64_t i = length; i < stride; i++) scores[i] = 0;
}

/* A block of queries of one head. */
static es_status attend_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const es_attention *a = context;
    int64_t width = a->d / a->heads, head = index % a->heads;
    int64_t first = index / a->heads * QUERIES, count = least(QUERIES, a->T - first);
    int64_t seen = a->past + first + count; /* by the last of the queries */
    float *scores = es_alloc_aligned(count * seen, sizeof *scores);
    if (!scores) return es_fail_memory(error, "attention", (size_t)(count * seen) * sizeof *scores);
    const float *query = a->qkv + first * 3 * a->d + head * width;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)seen, (int)width,
                a->scale, query, (int)(3 * a->d), a->keys + head * width, (int)a->d, 0, scores,
                (int)seen);
    for (int64_t t = 0; t < count; t++) softmax(scores + t * seen, a->past + first + t + 1, seen);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)count, (int)width, (int)seen, 1,
                scores, (int)seen, a->values + head * width, (int)a->d, 0,
                a->out + first * a->d + head * width, (int)a->d);
    free(scores);
    return ES_OK;
}

es_status es_attend(int threads, const es_attention *attention, es_error *error)
{
    int64_t blocks = (attention->T + QUERIES - 1) / QUERIES * attention->heads;
    return es_parallel_for(threads, blocks, attend_block, (void *)attention, NULL, error);
}

void es_gelu_tanh(int64_t count, float *x)
{
    for (int64_t i = 0; i < count; i++) {
        float inner = 0.7978845608F * (x[i] + 0.044715F * x[i] * x[i] * x[i]);
        x[i] = 0.5F * x[i] * (1 + tanhf(inner));
    }
}

void es_gelu(int64_t count, float *x)
{
    for (int64_t i = 0; i < count; i++) x[i] = 0.5F * x[i] * (1 + erff(x[i] * 0.7071067812F));
}

void es_relu(int64_t count, float *x)
{
    for (int64_t i = 0; i < count; i++) x[i] = x[i] > 0 ? x[i] : 0;
}

typedef struct rows_product {
    int64_t n, d;
    const float *rows, *x;
    float *out;
} rows_product;

static es_status multiply_rows(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const rows_product *p = context;
    int64_t first = index * ROWS, count = least(ROWS, p->n - first);
    cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)count, (int)p->d, 1, p->rows + first * p->d,
                (int)p->d, p->x, 1, 0, p->out + first, 1);
    return ES_OK;
}

es_status es_rows_times(int threads, int64_t n, int64_t d, const float *rows, const float *x,
                        float *out, es_error *error)
{
    rows_product product = {n, d, rows, x, out};
    return es_parallel_for(threads, (n + ROWS - 1) / ROWS, multiply_rows, &product, NULL, error);
}
