/* A small GPT-2 of random weights, in a folder with a tokenizer. Include scratch.h's setup and
 * teardown with it. */
#ifndef ES_TEST_RANDOM_GPT2_H
#define ES_TEST_RANDOM_GPT2_H

#include "models.h"

#include <embscope/model.h>

enum { LAYERS = 2, HEADS = 2, WIDTH = 8, INNER = 12, CONTEXT = 12 };

typedef struct plan {
    bool untied; /* with rows that are zero, equal, and in one direction with one another */
    bool silent; /* ln_f gives 0: h is zero */
} plan;

enum { ZERO_ROW = 5, TWIN_A = 40, TWIN_B = 200, LONG_TWIN = 201 };

typedef struct writing {
    es_text header, data;
    es_random random;
} writing;

static inline void add_tensor(writing *to, const char *name, int64_t rows, int64_t columns,
                              const float *values)
{
    int64_t count = rows * (columns ? columns : 1);
    es_text_printf(&to->header, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%lld",
                   to->header.size ? "," : "{", name, (long long)rows);
    if (columns) es_text_printf(&to->header, ",%lld", (long long)columns);
    es_text_printf(&to->header, "],\"data_offsets\":[%zu,", to->data.size);
    for (int64_t i = 0; i < count; i++)
        append_float(&to->data, values ? values[i] : 2 * (float)draw_uniform(&to->random) - 1);
    es_text_printf(&to->header, "%zu]}", to->data.size);
}

static inline void add_layer(writing *to, int layer)
{
    static const struct {
        const char *name;
        int64_t rows, columns;
    } parts[] = {{"ln_1.weight", WIDTH, 0},
                 {"ln_1.bias", WIDTH, 0},
                 {"attn.c_attn.weight", WIDTH, 3 * WIDTH},
                 {"attn.c_attn.bias", 3 * WIDTH, 0},
                 {"attn.c_proj.weight", WIDTH, WIDTH},
                 {"attn.c_proj.bias", WIDTH, 0},
                 {"ln_2.weight", WIDTH, 0},
                 {"ln_2.bias", WIDTH, 0},
                 {"mlp.c_fc.weight", WIDTH, INNER},
                 {"mlp.c_fc.bias", INNER, 0},
                 {"mlp.c_proj.weight", INNER, WIDTH},
                 {"mlp.c_proj.bias", WIDTH, 0}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char name[64];
        snprintf(name, sizeof name, "h.%d.%s", layer, parts[i].name);
        add_tensor(to, name, parts[i].rows, parts[i].columns, NULL);
    }
}

static inline void add_unembedding(writing *to)
{
    static float rows[MODEL_ROWS * WIDTH];
    for (int i = 0; i < MODEL_ROWS * WIDTH; i++) rows[i] = 2 * (float)draw_uniform(&to->random) - 1;
    for (int k = 0; k < WIDTH; k++) {
        rows[ZERO_ROW * WIDTH + k] = 0;
        rows[TWIN_B * WIDTH + k] = rows[TWIN_A * WIDTH + k];
        rows[LONG_TWIN * WIDTH + k] = 8 * rows[TWIN_A * WIDTH + k];
    }
    add_tensor(to, "lm_head.weight", MODEL_ROWS, WIDTH, rows);
}

/* A folder with the BPE of models.h. */
static const char *write_gpt2_of(const plan *plan)
{
    static const float zeros[WIDTH] = {0};
    writing to = {.random = {7}};
    es_text file = {0};
    make_folder("gpt2");
    add_tensor(&to, "wte.weight", MODEL_ROWS, WIDTH, NULL);
    add_tensor(&to, "wpe.weight", CONTEXT, WIDTH, NULL);
    for (int layer = 0; layer < LAYERS; layer++) add_layer(&to, layer);
    add_tensor(&to, "ln_f.weight", WIDTH, 0, plan->silent ? zeros : NULL);
    add_tensor(&to, "ln_f.bias", WIDTH, 0, plan->silent ? zeros : NULL);
    if (plan->untied) add_unembedding(&to);
    es_text_add(&to.header, "}");
    append_le(&file, to.header.size, 8);
    es_text_append(&file, to.header.data, to.header.size);
    es_text_append(&file, to.data.data, to.data.size);
    scratch_write_text("gpt2/model.safetensors", &file);
    es_text config = {0};
    es_text_printf(&config,
                   "{\"model_type\":\"gpt2\",\"n_layer\":%d,\"n_head\":%d,\"n_embd\":%d,"
                   "\"n_inner\":%d,\"n_positions\":%d,\"vocab_size\":%d,"
                   "\"tie_word_embeddings\":%s}",
                   LAYERS, HEADS, WIDTH, INNER, CONTEXT, MODEL_ROWS,
                   plan->untied ? "false" : "true");
    write_in("gpt2", "config.json", config.data);
    write_bpe("gpt2");
    es_text_release(&to.header);
    es_text_release(&to.data);
    es_text_release(&file);
    es_text_release(&config);
    return scratch_path("gpt2");
}

typedef struct loaded {
    es_space *space;
    es_model *model;
} loaded;

static inline loaded load(const plan *plan)
{
    loaded at = {0};
    es_error error = {0};
    assert_ok(es_space_open(write_gpt2_of(plan), NULL, &at.space, &error), error);
    assert_ok(es_model_create(at.space, 2, &at.model, &error), error);
    return at;
}

static inline void unload(loaded *at)
{
    es_model_free(at->model);
    es_space_free(at->space);
}

#endif
