/* Model folders as the Hub lays them out, small enough to read: a byte-level BPE of 256 bytes and a
 * few words, with "cat" and "dog" tokens with and without their space, " banana" one token and
 * "banana" two, as GPT-2 has it. */
#ifndef ES_TEST_MODELS_H
#define ES_TEST_MODELS_H

#include "tables.h"

#include "base/utf8.h"

#include <sys/stat.h>

enum { MODEL_ROWS = 267, MODEL_COLUMNS = 6, MODEL_CAT = 257, MODEL_SPACED_CAT = 258 };

typedef struct test_tensor {
    const char *name, *dtype;
    int64_t rows, columns;
    const void *data;
} test_tensor;

static inline size_t dtype_bytes(const char *dtype)
{
    return strcmp(dtype, "F64") == 0 ? 8 : strcmp(dtype, "F32") == 0 ? 4 : 2;
}

static inline const char *write_safetensors(const char *name, const test_tensor *tensors,
                                            int64_t count)
{
    es_text header = {0}, file = {0};
    int64_t offset = 0;
    es_text_add(&header, "{");
    for (int64_t i = 0; i < count; i++) {
        const test_tensor *t = &tensors[i];
        int64_t size = t->rows * t->columns * (int64_t)dtype_bytes(t->dtype);
        es_text_printf(&header,
                       "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%lld,%lld],"
                       "\"data_offsets\":[%lld,%lld]}",
                       i ? "," : "", t->name, t->dtype, (long long)t->rows, (long long)t->columns,
                       (long long)offset, (long long)(offset + size));
        offset += size;
    }
    es_text_add(&header, "}");
    append_le(&file, header.size, 8);
    es_text_append(&file, header.data, header.size);
    for (int64_t i = 0; i < count; i++)
        es_text_append(&file, tensors[i].data,
                       (size_t)(tensors[i].rows * tensors[i].columns) *
                           dtype_bytes(tensors[i].dtype));
    const char *path = scratch_write_text(name, &file);
    es_text_release(&header);
    es_text_release(&file);
    return path;
}

/* A folder inside the scratch folder, made with those above it. */
static inline const char *make_folder(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s", scratch_path(name));
    for (char *at = path + strlen(scratch_folder) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
    mkdir(path, 0700);
    return scratch_path(name);
}

static inline void write_in(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    scratch_write(path, text, strlen(text));
}

/* The printable stand-in of a byte, as GPT-2's vocab.json has it. */
static inline void add_letter(es_text *out, int byte, int *extra)
{
    bool plain = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    char bytes[4];
    int size = es_utf8_encode(plain ? (uint32_t)byte : 256 + (uint32_t)(*extra)++, bytes);
    if (byte == '"' || byte == '\\') es_text_add(out, "\\");
    es_text_append(out, bytes, (size_t)size);
}

/* vocab.json and merges.txt: ids 0 ... 255 are the bytes in order, then the merges. */
static inline void write_bpe(const char *folder)
{
    static const char *const merges[][2] = {{"a", "t"},
                                            {"c", "at"},
                                            {"\xC4\xA0", "cat"},
                                            {"o", "g"},
                                            {"d", "og"},
                                            {"\xC4\xA0", "dog"},
                                            {"a", "n"},
                                            {"an", "a"},
                                            {"b", "an"},
                                            {"\xC4\xA0", "ban"},
                                            {"\xC4\xA0"
                                             "ban",
                                             "ana"}};
    es_text vocab = {0}, list = {0};
    int extra = 0;
    es_text_add(&vocab, "{");
    for (int byte = 0; byte < 256; byte++) {
        es_text_add(&vocab, byte ? ",\"" : "\"");
        add_letter(&vocab, byte, &extra);
        es_text_printf(&vocab, "\":%d", byte);
    }
    es_text_add(&list, "#version: 0.2\n");
    for (int i = 0; i < MODEL_ROWS - 256; i++) {
        es_text_printf(&vocab, ",\"%s%s\":%d", merges[i][0], merges[i][1], 256 + i);
        es_text_printf(&list, "%s %s\n", merges[i][0], merges[i][1]);
    }
    es_text_add(&vocab, "}");
    write_in(folder, "vocab.json", vocab.data);
    write_in(folder, "merges.txt", list.data);
    es_text_release(&vocab);
    es_text_release(&list);
}

static inline float *model_rows(uint64_t seed)
{
    static float rows[2][MODEL_ROWS * MODEL_COLUMNS];
    static int next;
    float *out = rows[next++ % 2];
    es_random random = {seed};
    for (int i = 0; i < MODEL_ROWS * MODEL_COLUMNS; i++) out[i] = (float)draw_uniform(&random);
    return out;
}

/* A whole folder: config.json, model.safetensors with wte.weight and wpe.weight, the BPE. */
static inline const char *write_model(const char *folder)
{
    make_folder(folder);
    char path[512];
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    const test_tensor tensors[] = {
        {"transformer.wte.weight", "F32", MODEL_ROWS, MODEL_COLUMNS, model_rows(1)},
        {"transformer.wpe.weight", "F32", 10, MODEL_COLUMNS, model_rows(2)}};
    write_safetensors(path, tensors, 2);
    write_in(folder, "config.json",
             "{\"model_type\": \"gpt2\", \"vocab_size\": 267, \"n_embd\": 6, \"extra\": [1, {}]}");
    write_bpe(folder);
    return scratch_path(folder);
}

#endif
