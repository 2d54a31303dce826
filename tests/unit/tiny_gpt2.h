/* A GPT-2 of made-up weights as a folder, small enough for a test to run thousands of times, with
 * the tokenizer of models.h. */
#ifndef ES_TEST_TINY_GPT2_H
#define ES_TEST_TINY_GPT2_H

#include "models.h"

enum { TINY_LAYERS = 2, TINY_HEADS = 3, TINY_WIDTH = 12, TINY_INNER = 20, TINY_CONTEXT = 16 };

/* All zero: tied, nothing special. */
typedef struct tiny_gpt2 {
    bool untied;
    const char *config;  /* members of config.json to be added, ", \"eos_token_id\": 3" */
    int64_t silent_head; /* of the last layer, from 1: its rows of the output matrix are zero */
    double size;         /* of the weights; 0: 1 */
} tiny_gpt2;

static inline void add_tiny(es_text *header, es_text *data, const char *name, int64_t rows,
                            int64_t columns, const float *values)
{
    int64_t count = rows * (columns ? columns : 1);
    size_t begin = data->size;
    for (int64_t i = 0; i < count; i++) append_float(data, values[i]);
    es_text_printf(header, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%lld",
                   header->size > 1 ? "," : "", name, (long long)rows);
    if (columns) es_text_printf(header, ",%lld", (long long)columns);
    es_text_printf(header, "],\"data_offsets\":[%zu,%zu]}", begin, data->size);
}

/* Uniform around `middle`; each tensor from a seed of its own. */
static inline float *draw_tiny(int64_t count, uint64_t seed, double middle, double size)
{
    es_random random = {seed};
    float *values = malloc((size_t)count * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++) values[i] = (float)(middle + size * draw_uniform(&random));
    return values;
}

static inline void add_tiny_layer(es_text *header, es_text *data, const tiny_gpt2 *plan, int layer,
                                  double size)
{
    enum { D = TINY_WIDTH, HEAD = D / TINY_HEADS };
    const struct {
        const char *name;
        int64_t rows, columns;
        double middle;
    } parts[] = {{"ln_1.weight", D, 0, 1},
                 {"ln_1.bias", D, 0, 0},
                 {"attn.c_attn.weight", D, 3 * D, 0},
                 {"attn.c_attn.bias", 3 * D, 0, 0},
                 {"attn.c_proj.weight", D, D, 0},
                 {"attn.c_proj.bias", D, 0, 0},
                 {"ln_2.weight", D, 0, 1},
                 {"ln_2.bias", D, 0, 0},
                 {"mlp.c_fc.weight", D, TINY_INNER, 0},
                 {"mlp.c_fc.bias", TINY_INNER, 0, 0},
                 {"mlp.c_proj.weight", TINY_INNER, D, 0},
                 {"mlp.c_proj.bias", D, 0, 0}};
    for (int i = 0; i < 12; i++) {
        char name[64];
        int64_t columns = parts[i].columns, count = parts[i].rows * (columns ? columns : 1);
        snprintf(name, sizeof name, "h.%d.%s", layer, parts[i].name);
        float *values = draw_tiny(count, (uint64_t)(100 * layer + i + 10), parts[i].middle,
                                  (columns ? 0.6 : 0.3) * size);
        if (i == 4 && layer == TINY_LAYERS - 1 && plan->silent_head)
            memset(values + (plan->silent_head - 1) * HEAD * D, 0, HEAD * D * sizeof *values);
        add_tiny(header, data, name, parts[i].rows, columns, values);
        free(values);
    }
}

static inline void add_tiny_drawn(es_text *header, es_text *data, const char *name, int64_t rows,
                                  int64_t columns, uint64_t seed, double middle, double size)
{
    float *values = draw_tiny(rows * (columns ? columns : 1), seed, middle, size);
    add_tiny(header, data, name, rows, columns, values);
    free(values);
}

static inline void write_tiny_gpt2(const char *folder, const tiny_gpt2 *plan)
{
    es_text header = {0}, data = {0}, file = {0}, config = {0};
    double size = plan->size != 0 ? plan->size : 1;
    make_folder(folder);
    es_text_add(&header, "{");
    add_tiny_drawn(&header, &data, "wte.weight", MODEL_ROWS, TINY_WIDTH, 1, 0, size);
    add_tiny_drawn(&header, &data, "wpe.weight", TINY_CONTEXT, TINY_WIDTH, 2, 0, 0.5 * size);
    for (int i = 0; i < TINY_LAYERS; i++) add_tiny_layer(&header, &data, plan, i, size);
    add_tiny_drawn(&header, &data, "ln_f.weight", TINY_WIDTH, 0, 3, 1, 0.5);
    add_tiny_drawn(&header, &data, "ln_f.bias", TINY_WIDTH, 0, 4, 0, 0.3);
    if (plan->untied)
        add_tiny_drawn(&header, &data, "lm_head.weight", MODEL_ROWS, TINY_WIDTH, 5, 0, 1);
    es_text_add(&header, "}");
    append_le(&file, header.size, 8);
    es_text_append(&file, header.data, header.size);
    es_text_append(&file, data.data, data.size);
    char path[512];
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    scratch_write_text(path, &file);
    es_text_printf(&config,
                   "{\"model_type\": \"gpt2\", \"n_layer\": %d, \"n_head\": %d, \"n_embd\": %d, "
                   "\"n_inner\": %d, \"tie_word_embeddings\": %s%s}",
                   TINY_LAYERS, TINY_HEADS, TINY_WIDTH, TINY_INNER, plan->untied ? "false" : "true",
                   plan->config ? plan->config : "");
    write_in(folder, "config.json", config.data);
    write_bpe(folder);
    es_text_release(&header);
    es_text_release(&data);
    es_text_release(&file);
    es_text_release(&config);
}

/* The folder, opened; the model is to be freed before its space. */
static inline es_model *open_tiny_gpt2(const tiny_gpt2 *plan, int threads)
{
    es_space *space = NULL;
    es_model *model = NULL;
    es_error error = {0};
    write_tiny_gpt2("tiny", plan);
    assert_ok(es_space_open(scratch_path("tiny"), NULL, &space, &error), error);
    assert_ok(es_model_create(space, threads, &model, &error), error);
    return model;
}

static inline void close_tiny_gpt2(es_model *model)
{
    es_space *space = es_model_space(model);
    es_model_free(model);
    es_space_free(space);
}

#endif
