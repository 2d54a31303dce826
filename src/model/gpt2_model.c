#include "base/memory.h"
#include "model/gpt2.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static es_status check_kind(const es_space *space, es_error *error)
{
    const es_source *source = &space->source;
    if (space->transform)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "a model runs on its rows as they are, not under a transform");
    if (!*source->folder)
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: one file alone cannot be run; give the model's folder, with its "
                       "config.json",
                       source->path);
    if (strcmp(source->architecture, "gpt2") != 0)
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: its architecture is %s%s%s; only GPT-2 (model_type \"gpt2\") can be "
                       "run; the commands on geometry work on it",
                       source->folder, *source->architecture ? "'" : "not said",
                       source->architecture, *source->architecture ? "'" : "");
    const char *wanted = "wte.weight";
    size_t length = strlen(source->tensor), ending = strlen(wanted);
    if (length < ending || strcmp(source->tensor + length - ending, wanted) != 0)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "a model is run from its embedding, wte.weight, not from '%s'",
                       source->tensor);
    return ES_OK;
}

es_status es_model_create(es_space *space, int threads, es_model **out, es_error *error)
{
    ES_TRY(check_kind(space, error));
    es_model *model = es_alloc(1, sizeof *model);
    if (!model) return es_fail_memory(error, "a model", sizeof *model);
    model->space = model->unembedding = space;
    model->machine = (es_machine){space->kernel, threads, NULL};
    es_gpt2_config *config = &model->config;
    es_status status = es_gpt2_config_read(space->source.folder, config, error);
    if (status == ES_OK)
        status = es_gpt2_weights_read(space, config, threads, &model->weights, error);
    if (status == ES_OK && model->weights.unembedding != model->weights.wte)
        status = es_space_create_view(space, space->other, &model->unembedding, error);
    if (status != ES_OK) {
        es_model_free(model);
        return status;
    }
    model->shape = (es_model_shape){.layers = config->layers,
                                    .heads = config->heads,
                                    .width = config->width,
                                    .inner = config->inner,
                                    .context = config->context,
                                    .rows = model->unembedding->source.rows};
    *out = model;
    return ES_OK;
}

void es_model_free(es_model *model)
{
    if (!model) return;
    es_gpt2_weights_release(&model->weights);
    if (model->unembedding != model->space) es_space_free(model->unembedding);
    free(model);
}

const es_model_shape *es_model_get_shape(const es_model *model)
{
    return &model->shape;
}

es_space *es_model_space(const es_model *model)
{
    return model->space;
}

es_space *es_model_unembedding(const es_model *model)
{
    return model->unembedding;
}

void es_model_final_norm(const es_model *model, const float *residual, double *hidden,
                         double *scale)
{
    int64_t d = model->config.width;
    double mean = 0, variance = 0;
    for (int64_t k = 0; k < d; k++) mean += residual[k];
    mean /= (double)d;
    for (int64_t k = 0; k < d; k++) {
        double centred = residual[k] - mean;
        variance += centred * centred;
    }
    double divisor = sqrt(variance / (double)d + model->config.epsilon);
    const es_gpt2_weights *weights = &model->weights;
    for (int64_t k = 0; k < d; k++)
        hidden[k] =
            (residual[k] - mean) / divisor * weights->ln_f_weight[k] + weights->ln_f_bias[k];
    if (scale) *scale = divisor;
}

es_status es_model_logits(es_model *model, const float *residual, float *logits, es_error *error)
{
    int64_t d = model->config.width;
    int64_t floats = d * ES_PANEL; /* one token in a panel of its own */
    float *panel = es_alloc(floats + d, sizeof *panel), *hidden = panel + floats;
    if (!panel) return es_fail_memory(error, "a hidden state", (size_t)(floats + d) * 4);
    const es_gpt2_weights *weights = &model->weights;
    es_status status = es_layer_norm(&model->machine, 1, d, residual, weights->ln_f_weight,
                                     weights->ln_f_bias, model->config.epsilon, panel, error);
    for (int64_t k = 0; k < d; k++) hidden[k] = panel[k * ES_PANEL];
    if (status == ES_OK)
        status = es_rows_times(&model->machine, model->shape.rows, d, weights->unembedding, hidden,
                               logits, error);
    free(panel);
    for (int64_t i = 0; i < model->shape.rows && status == ES_OK; i++)
        if (!isfinite(logits[i]))
            status = es_fail(error, ES_BAD_INPUT,
                             "%s: the logits overflow: the model cannot be run in float32",
                             model->space->path);
    return status;
}
