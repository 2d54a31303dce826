/* config.json of a GPT-2. */
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/gpt2.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_LIMIT = 16 << 20 };

/* The names that files use: GPT-2's own, and the common ones that Transformers takes for them. */
static int64_t *find_size(es_gpt2_config *config, es_bytes key, const char **found)
{
    const struct {
        const char *name, *common;
        int64_t *value;
    } sizes[] = {
        {"n_layer", "num_hidden_layers", &config->layers},
        {"n_head", "num_attention_heads", &config->heads},
        {"n_embd", "hidden_size", &config->width},
        {"n_inner", "n_inner", &config->inner},
        {"n_positions", "max_position_embeddings", &config->context},
        {"vocab_size", "vocab_size", &config->vocabulary},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (es_bytes_equal(key, sizes[i].name) || es_bytes_equal(key, sizes[i].common)) {
            *found = es_bytes_equal(key, sizes[i].name) ? sizes[i].name : sizes[i].common;
            return sizes[i].value;
        }
    return NULL;
}

static bool *find_flag(es_gpt2_config *config, es_bytes key)
{
    if (es_bytes_equal(key, "scale_attn_weights")) return &config->scale_by_width;
    if (es_bytes_equal(key, "scale_attn_by_inverse_layer_idx")) return &config->scale_by_layer;
    if (es_bytes_equal(key, "tie_word_embeddings")) return &config->tied;
    return NULL;
}

static es_status read_activation(es_json *json, es_activation *activation)
{
    static const struct {
        const char *name;
        es_activation activation;
    } known[] = {
        {"gelu_new", ES_GELU_TANH},  {"gelu_pytorch_tanh", ES_GELU_TANH},
        {"gelu_fast", ES_GELU_TANH}, {"gelu", ES_GELU},
        {"relu", ES_RELU},
    };
    es_bytes name;
    ES_TRY(es_json_string(json, &name));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (es_bytes_equal(name, known[i].name)) {
            *activation = known[i].activation;
            return ES_OK;
        }
    return json->status =
               es_fail(json->error, ES_UNSUPPORTED,
                       "%s: activation_function is '%.*s'; there are gelu_new, gelu and relu",
                       json->path, (int)(name.size < 64 ? name.size : 64), name.data);
}

static es_status read_member(es_json *json, es_bytes key, es_gpt2_config *config)
{
    if (es_json_peek(json) == ES_JSON_NULL) return es_json_skip(json);
    const char *name = NULL;
    int64_t *size = find_size(config, key, &name);
    if (size) {
        ES_TRY(es_json_int(json, size));
        if (*size < 1 || *size > INT32_MAX)
            return es_json_fail(json, "%s is %lld; a size lies from 1 to %d", name,
                                (long long)*size, INT32_MAX);
        return ES_OK;
    }
    bool *flag = find_flag(config, key);
    if (flag) return es_json_bool(json, flag);
    if (es_bytes_equal(key, "activation_function"))
        return read_activation(json, &config->activation);
    if (es_bytes_equal(key, "layer_norm_epsilon")) {
        ES_TRY(es_json_double(json, &config->epsilon));
        if (!(config->epsilon >= 0 && config->epsilon < 1))
            return es_json_fail(json, "layer_norm_epsilon is %g", config->epsilon);
        return ES_OK;
    }
    return es_json_skip(json);
}

static es_status check(const char *path, es_gpt2_config *config, es_error *error)
{
    const struct {
        const char *name;
        int64_t value;
    } needed[] = {
        {"n_layer", config->layers}, {"n_head", config->heads}, {"n_embd", config->width}};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!needed[i].value)
            return es_fail(error, ES_BAD_INPUT, "%s: no %s, which running the model takes", path,
                           needed[i].name);
    if (config->width % config->heads)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: n_embd %lld is not a multiple of n_head %lld: no whole number of "
                       "components a head",
                       path, (long long)config->width, (long long)config->heads);
    if (config->width > INT32_MAX / 16)
        return es_fail(error, ES_BAD_INPUT, "%s: n_embd is %lld, more than any model's", path,
                       (long long)config->width);
    if (!config->inner) config->inner = 4 * config->width;
    return ES_OK;
}

es_status es_gpt2_config_parse(const char *path, const char *data, int64_t size,
                               es_gpt2_config *config, es_error *error)
{
    *config = (es_gpt2_config){
        .epsilon = 1e-5, .activation = ES_GELU_TANH, .scale_by_width = true, .tied = true};
    es_json json;
    es_status status = es_json_open(&json, path, data, size, 0, error);
    if (status == ES_OK) status = es_json_begin_object(&json);
    for (es_bytes key; status == ES_OK && es_json_next_member(&json, &key);)
        status = read_member(&json, key, config);
    if (status == ES_OK) status = es_json_finish(&json);
    es_json_close(&json);
    return status == ES_OK ? check(path, config, error) : status;
}

es_status es_gpt2_config_read(const char *folder, es_gpt2_config *config, es_error *error)
{
    char *path = es_path_join(folder, "config.json"), *data = NULL;
    if (!path) return es_fail_memory(error, "a path", strlen(folder));
    int64_t size;
    es_status status = es_file_read_all(path, CONFIG_LIMIT, &data, &size, error);
    if (status == ES_OK) status = es_gpt2_config_parse(path, data, size, config, error);
    free(data);
    free(path);
    return status;
}
