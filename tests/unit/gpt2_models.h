/* GPT-2s of made-up weights, as folders: any size, any layout that files in the wild have, and any
 * one fault. A weight is a formula of its place, so that tools/golden/gpt2.py makes the same bits.
 */
#ifndef ES_TEST_GPT2_MODELS_H
#define ES_TEST_GPT2_MODELS_H

#include "models.h"

#include <math.h>

enum { GPT2_OF_A_LAYER = 12, GPT2_MOST_TENSORS = 5 + 8 * GPT2_OF_A_LAYER };

typedef enum gpt2_head { GPT2_TIED, GPT2_EQUAL_HEAD, GPT2_OTHER_HEAD, GPT2_HEAD_MISSING } gpt2_head;

/* What the model is. All but the sizes may be zero: F32, no prefix, gelu_new, tied. */
typedef struct gpt2_plan {
    uint64_t seed;
    int64_t layers, heads, width, inner, context, rows;
    const char *dtype, *prefix, *activation;
    gpt2_head head;
    int64_t head_rows; /* 0: as many as the embedding */
    bool scale_by_layer, unscaled;
} gpt2_plan;

/* One tensor: values are those that its bytes stand for. A vector has columns 0. */
typedef struct gpt2_tensor {
    char name[64];
    int64_t rows, columns;
    double *values;
} gpt2_tensor;

/* In the order wte, wpe, the layers', ln_f.weight, ln_f.bias and, where there is one, lm_head. */
typedef struct gpt2_tensors {
    gpt2_plan plan;
    int64_t count;
    gpt2_tensor tensor[GPT2_MOST_TENSORS];
} gpt2_tensors;

/* What is wrong with the folder; all zero: nothing. */
typedef struct gpt2_fault {
    const char *config;  /* the whole config.json */
    const char *missing; /* tensor that is left out */
    const char *reshaped;
    int64_t rows, columns; /* of the reshaped one: its data become zeros */
    const char *poisoned;  /* tensor whose last component becomes `value` */
    double value;
    const char *dtype; /* of the poisoned one, if not the model's */
    int64_t cut;       /* bytes taken off the end of the file */
    bool sharded;      /* no fault: two files and an index */
} gpt2_fault;

static inline int64_t gpt2_count(const gpt2_tensor *tensor)
{
    return tensor->rows * (tensor->columns ? tensor->columns : 1);
}

/* F16 and BF16 by cutting bits off, which needs no rule for halves. */
static inline uint16_t cut_to_half(float value, bool brain)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (brain) return (uint16_t)(bits >> 16);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude < 0x38800000) return (uint16_t)sign; /* below 2^-14: zero */
    return (uint16_t)(sign | (magnitude >= 0x7F800000 ? 0x7E00 : (magnitude - 0x38000000) >> 13));
}

static inline void append_value(es_text *out, const char *dtype, double value)
{
    float single = (float)value;
    uint16_t half = cut_to_half(single, strcmp(dtype, "BF16") == 0);
    if (strcmp(dtype, "F64") == 0)
        es_text_append(out, (const char *)&value, sizeof value);
    else if (strcmp(dtype, "F32") == 0)
        es_text_append(out, (const char *)&single, sizeof single);
    else
        es_text_append(out, (const char *)&half, sizeof half);
}

/* The value as it is read back. */
static inline double stored_value(const char *dtype, double value)
{
    static const char *const names[] = {"F32", "F16", "BF16", "F64"};
    static const es_dtype dtypes[] = {ES_DTYPE_F32, ES_DTYPE_F16, ES_DTYPE_BF16, ES_DTYPE_F64};
    es_text bytes = {0};
    append_value(&bytes, dtype, value);
    double out = 0;
    for (int i = 0; i < 4; i++)
        if (strcmp(dtype, names[i]) == 0) es_dtype_widen(dtypes[i], bytes.data, 1, &out);
    es_text_release(&bytes);
    return out;
}

/* Draw a tensor: middle + size * u, u uniform in [-1, 1), in float32, then as the dtype has it. */
static inline void add_gpt2_tensor(gpt2_tensors *all, const char *name, int64_t rows,
                                   int64_t columns, double middle, double size)
{
    const char *dtype = all->plan.dtype ? all->plan.dtype : "F32";
    es_random random = {all->plan.seed * 1000 + (uint64_t)all->count};
    gpt2_tensor *tensor = &all->tensor[all->count++];
    *tensor = (gpt2_tensor){.rows = rows, .columns = columns};
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    int64_t count = gpt2_count(tensor);
    tensor->values = malloc((size_t)count * sizeof *tensor->values);
    assert_non_null(tensor->values);
    for (int64_t i = 0; i < count; i++)
        tensor->values[i] = stored_value(dtype, (float)(middle + size * draw_uniform(&random)));
}

static inline void add_gpt2_layer(gpt2_tensors *all, int64_t index)
{
    int64_t d = all->plan.width, inner = all->plan.inner;
    double narrow = 2 / sqrt((double)d), wide = 2 / sqrt((double)inner);
    const struct {
        const char *name;
        int64_t rows, columns;
        double middle, size;
    } parts[GPT2_OF_A_LAYER] = {
        {"ln_1.weight", d, 0, 1, 0.5},
        {"ln_1.bias", d, 0, 0, 0.25},
        {"attn.c_attn.weight", d, 3 * d, 0, narrow},
        {"attn.c_attn.bias", 3 * d, 0, 0, 0.25},
        {"attn.c_proj.weight", d, d, 0, narrow},
        {"attn.c_proj.bias", d, 0, 0, 0.25},
        {"ln_2.weight", d, 0, 1, 0.5},
        {"ln_2.bias", d, 0, 0, 0.25},
        {"mlp.c_fc.weight", d, inner, 0, narrow},
        {"mlp.c_fc.bias", inner, 0, 0, 0.25},
        {"mlp.c_proj.weight", inner, d, 0, wide},
        {"mlp.c_proj.bias", d, 0, 0, 0.25},
    };
    for (int i = 0; i < GPT2_OF_A_LAYER; i++) {
        char name[64];
        snprintf(name, sizeof name, "h.%lld.%s", (long long)index, parts[i].name);
        add_gpt2_tensor(all, name, parts[i].rows, parts[i].columns, parts[i].middle, parts[i].size);
    }
}

/* All weights of a plan; release with release_gpt2(). */
static inline gpt2_tensors *draw_gpt2(const gpt2_plan *plan)
{
    assert_true(plan->layers <= 8);
    gpt2_tensors *all = calloc(1, sizeof *all);
    assert_non_null(all);
    all->plan = *plan;
    int64_t d = plan->width;
    add_gpt2_tensor(all, "wte.weight", plan->rows, d, 0, 1);
    add_gpt2_tensor(all, "wpe.weight", plan->context, d, 0, 0.5);
    for (int64_t i = 0; i < plan->layers; i++) add_gpt2_layer(all, i);
    add_gpt2_tensor(all, "ln_f.weight", d, 0, 1, 0.5);
    add_gpt2_tensor(all, "ln_f.bias", d, 0, 0, 0.25);
    if (plan->head == GPT2_EQUAL_HEAD) {
        gpt2_tensor *head = &all->tensor[all->count++];
        *head = (gpt2_tensor){"lm_head.weight", plan->rows, d, NULL};
        size_t size = (size_t)(plan->rows * d) * sizeof *head->values;
        head->values = malloc(size);
        assert_non_null(head->values);
        memcpy(head->values, all->tensor[0].values, size);
    }
    if (plan->head == GPT2_OTHER_HEAD)
        add_gpt2_tensor(all, "lm_head.weight", plan->head_rows ? plan->head_rows : plan->rows, d, 0,
                        1);
    return all;
}

static inline void release_gpt2(gpt2_tensors *all)
{
    for (int64_t i = 0; i < all->count; i++) free(all->tensor[i].values);
    free(all);
}

static inline void write_gpt2_config(const char *folder, const gpt2_plan *plan)
{
    es_text text = {0};
    es_text_printf(&text,
                   "{\"model_type\": \"gpt2\", \"n_layer\": %lld, \"n_head\": %lld, "
                   "\"n_embd\": %lld, \"n_inner\": %lld, \"n_positions\": %lld, "
                   "\"vocab_size\": %lld, \"activation_function\": \"%s\", "
                   "\"scale_attn_by_inverse_layer_idx\": %s, \"scale_attn_weights\": %s, "
                   "\"tie_word_embeddings\": %s}",
                   (long long)plan->layers, (long long)plan->heads, (long long)plan->width,
                   (long long)plan->inner, (long long)plan->context, (long long)plan->rows,
                   plan->activation ? plan->activation : "gelu_new",
                   plan->scale_by_layer ? "true" : "false", plan->unscaled ? "false" : "true",
                   plan->head <= GPT2_EQUAL_HEAD ? "true" : "false");
    write_in(folder, "config.json", text.data);
    es_text_release(&text);
}

/* Tensors first ... end-1 as a safetensors file, with the fault. */
static inline void write_gpt2_part(const char *path, const gpt2_tensors *all,
                                   const gpt2_fault *fault, int64_t first, int64_t end)
{
    es_text header = {0}, data = {0}, file = {0};
    for (int64_t i = first; i < end; i++) {
        gpt2_tensor t = all->tensor[i];
        const char *dtype = all->plan.dtype ? all->plan.dtype : "F32";
        bool is_head = strcmp(t.name, "lm_head.weight") == 0;
        const char *prefix = all->plan.prefix && !is_head ? all->plan.prefix : "";
        if (fault->missing && strcmp(fault->missing, t.name) == 0) continue;
        bool reshaped = fault->reshaped && strcmp(fault->reshaped, t.name) == 0;
        bool poisoned = fault->poisoned && strcmp(fault->poisoned, t.name) == 0;
        if (reshaped) t.rows = fault->rows, t.columns = fault->columns;
        if (poisoned && fault->dtype) dtype = fault->dtype;
        size_t begin = data.size;
        int64_t count = gpt2_count(&t);
        for (int64_t j = 0; j < count; j++) {
            bool last = poisoned && j == count - 1;
            append_value(&data, dtype, reshaped ? 0 : last ? fault->value : t.values[j]);
        }
        es_text_printf(&header, "%s\"%s%s\":{\"dtype\":\"%s\",\"shape\":[%lld",
                       header.size ? "," : "{", prefix, t.name, dtype, (long long)t.rows);
        if (t.columns) es_text_printf(&header, ",%lld", (long long)t.columns);
        es_text_printf(&header, "],\"data_offsets\":[%zu,%zu]}", begin, data.size);
    }
    es_text_add(&header, "}");
    append_le(&file, header.size, 8);
    es_text_append(&file, header.data, header.size);
    es_text_append(&file, data.data, data.size - (size_t)fault->cut);
    scratch_write_text(path, &file);
    es_text_release(&header);
    es_text_release(&data);
    es_text_release(&file);
}

/* Two shards and the index that says which tensor lies where. */
static inline void write_gpt2_shards(const char *folder, const gpt2_tensors *all,
                                     const gpt2_fault *fault)
{
    int64_t half = all->count / 2;
    char path[512];
    es_text index = {0};
    for (int64_t i = 0; i < all->count; i++)
        es_text_printf(&index, "%s\"%s%s\": \"part%d\"", i ? ", " : "{\"weight_map\": {",
                       all->plan.prefix ? all->plan.prefix : "", all->tensor[i].name, i >= half);
    es_text_add(&index, "}}");
    write_in(folder, "model.safetensors.index.json", index.data);
    es_text_release(&index);
    snprintf(path, sizeof path, "%s/part0", folder);
    write_gpt2_part(path, all, fault, 0, half);
    snprintf(path, sizeof path, "%s/part1", folder);
    write_gpt2_part(path, all, fault, half, all->count);
}

/* A folder of these weights, without a tokenizer; its path, in scratch_path()'s buffers. */
static inline const char *write_gpt2(const char *folder, const gpt2_tensors *all,
                                     const gpt2_fault *fault)
{
    static const gpt2_fault nothing;
    if (!fault) fault = &nothing;
    make_folder(folder);
    if (fault->config)
        write_in(folder, "config.json", fault->config);
    else
        write_gpt2_config(folder, &all->plan);
    char path[512];
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    if (fault->sharded)
        write_gpt2_shards(folder, all, fault);
    else
        write_gpt2_part(path, all, fault, 0, all->count);
    return scratch_path(folder);
}

#endif
