/* LayerNorm, the linear layers and what is applied to them. */
#include "base/parallel.h"
#include "model/gpt2_activations.h"
#include "model/gpt2_steps.h"

#include <math.h>
#include <string.h>

enum {
    GROUP = 4,       /* panels of tokens that one piece of a product takes */
    NORM_ROWS = 16,  /* tokens normalised in one piece */
    DOT_ROWS = 1024, /* rows of the unembedding in one piece */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The sum of (x - shift)^power for power 1 or 2, in lanes. */
static double sum_of(const float *x, int64_t d, double shift, bool squares)
{
    double lane[ES_LANES] = {0};
    int64_t k = 0;
    for (; k + ES_LANES <= d; k += ES_LANES)
        for (int j = 0; j < ES_LANES; j++) {
            double value = (double)x[k + j] - shift;
            lane[j] += squares ? value * value : value;
        }
    for (int j = 0; k + j < d; j++) {
        double value = (double)x[k + j] - shift;
        lane[j] += squares ? value * value : value;
    }
    return es_fold_lanes(lane);
}

typedef struct norm {
    int64_t T, d;
    const float *x, *weight, *bias;
    double epsilon;
    float *out;
} norm;

static es_status norm_rows(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const norm *n = context;
    int64_t d = n->d, end = least(n->T, (index + 1) * NORM_ROWS);
    for (int64_t t = index * NORM_ROWS; t < end; t++) {
        const float *x = n->x + t * d;
        double mean = sum_of(x, d, 0, false) / (double)d;
        double variance = sum_of(x, d, mean, true) / (double)d;
        double factor = 1 / sqrt(variance + n->epsilon);
        float *out = n->out + es_panel_place(d, t, 0);
        for (int64_t k = 0; k < d; k++)
            out[k * ES_PANEL] = (float)(((double)x[k] - mean) * factor) * n->weight[k] + n->bias[k];
    }
    return ES_OK;
}

es_status es_layer_norm(const es_machine *machine, int64_t T, int64_t d, const float *x,
                        const float *weight, const float *bias, double epsilon, float *out,
                        es_error *error)
{
    norm norm = {T, d, x, weight, bias, epsilon, out};
    return es_machine_run(machine, (T + NORM_ROWS - 1) / NORM_ROWS, norm_rows, &norm, error);
}

static void activate(es_activation activation, int64_t count, float *x)
{
    switch (activation) {
    case ES_IDENTITY: return;
    case ES_GELU_TANH: es_gelu_tanh(count, x); return;
    case ES_GELU: es_gelu(count, x); return;
    case ES_RELU: es_relu(count, x); return;
    }
}

typedef struct linear_job {
    const es_linear *linear;
    const es_kernel *kernel;
    int64_t weight_panels;
} linear_job;

/* Eight tokens by a panel of columns, from `tile` to where the output has them. */
static void put_tile(const es_linear *linear, int64_t token, int64_t column, float *tile)
{
    int64_t m = linear->weight->m, columns = least(ES_PANEL, m - column);
    int64_t tokens = least(ES_STRIP, linear->T - token);
    for (int64_t r = 0; r < tokens; r++)
        for (int64_t c = 0; c < columns; c++) tile[r * ES_PANEL + c] += linear->bias[column + c];
    activate(linear->activation, tokens * ES_PANEL, tile);
    if (linear->rows) {
        for (int64_t r = 0; r < tokens; r++)
            memcpy(linear->rows + (token + r) * m + column, tile + r * ES_PANEL,
                   (size_t)columns * sizeof *tile);
        return;
    }
    float *out = linear->panels + es_panel_place(m, token, column);
    for (int64_t c = 0; c < columns; c++)
        for (int64_t r = 0; r < tokens; r++) out[c * ES_PANEL + r] = tile[r * ES_PANEL + c];
}

/* One panel of the weight, for a few panels of tokens: it stays in the cache meanwhile. */
static es_status multiply_panel(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const linear_job *job = context;
    const es_linear *linear = job->linear;
    int64_t k = linear->weight->k, panel = index % job->weight_panels;
    int64_t first = index / job->weight_panels * GROUP * ES_PANEL;
    int64_t end = least(linear->T, first + GROUP * ES_PANEL);
    const float *right = linear->weight->panels + panel * k * ES_PANEL;
    _Alignas(64) float tile[ES_TILE];
    for (int64_t token = first; token < end; token += ES_STRIP) {
        job->kernel->product(k, linear->x + es_panel_place(k, token, 0), right, tile);
        put_tile(linear, token, panel * ES_PANEL, tile);
    }
    return ES_OK;
}

es_status es_linear_apply(const es_machine *machine, const es_linear *linear, es_error *error)
{
    linear_job job = {linear, machine->kernel, es_panel_count(linear->weight->m)};
    int64_t groups = (es_panel_count(linear->T) + GROUP - 1) / GROUP;
    return es_machine_run(machine, groups * job.weight_panels, multiply_panel, &job, error);
}

typedef struct rows_job {
    const es_kernel *kernel;
    int64_t n, d;
    const float *rows, *x;
    float *out;
} rows_job;

static es_status multiply_rows(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const rows_job *job = context;
    int64_t end = least(job->n, (index + 1) * DOT_ROWS);
    for (int64_t i = index * DOT_ROWS; i < end; i++)
        job->out[i] = job->kernel->float_dot(job->rows + i * job->d, job->x, job->d);
    return ES_OK;
}

es_status es_rows_times(const es_machine *machine, int64_t n, int64_t d, const float *rows,
                        const float *x, float *out, es_error *error)
{
    rows_job job = {machine->kernel, n, d, rows, x, out};
    return es_machine_run(machine, (n + DOT_ROWS - 1) / DOT_ROWS, multiply_rows, &job, error);
}
