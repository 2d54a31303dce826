/* safetensors: tensors by name, as huggingface/safetensors writes and checks them.
 *
 *     0      8 bytes   N, little-endian, at most 100,000,000
 *     8      N bytes   JSON, begins with '{', may end in spaces:
 *                      {"__metadata__": {"text": "text"},
 *                       "wte": {"dtype": "F32", "shape": [50257, 768], "data_offsets": [0, e0]},
 *                       "wpe": {"dtype": "F32", "shape": [1024, 768], "data_offsets": [e0, e1]}}
 *     8 + N            the tensors, little-endian, row-major, each from 8 + N + its first offset
 *
 * In the order of their offsets the tensors begin where the one before ends, and the last one ends
 * with the file: no hole, no overlap, nothing after. Tensors need not be aligned. */
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "format/format.h"
#include "format/little_endian.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX_SIZE = 8, LARGEST_HEADER = 100000000 };

/* Where a tensor's data lie (from the header's end) and where the header tells of it. */
typedef struct span {
    int64_t begin, end;
    uint32_t tensor, told_at;
} span;

typedef struct reader {
    es_file *file;
    es_container *container;
    es_json json;
    span *spans;
    int64_t span_capacity;
    es_map names;
} reader;

static const struct {
    const char *text;
    int bits;
    es_dtype dtype;
} dtypes[] = {
    {"F32", 32, ES_DTYPE_F32},      {"F16", 16, ES_DTYPE_F16},
    {"BF16", 16, ES_DTYPE_BF16},    {"F64", 64, ES_DTYPE_F64},
    {"BOOL", 8, ES_DTYPE_OTHER},    {"F4", 4, ES_DTYPE_OTHER},
    {"F6_E2M3", 6, ES_DTYPE_OTHER}, {"F6_E3M2", 6, ES_DTYPE_OTHER},
    {"U8", 8, ES_DTYPE_OTHER},      {"I8", 8, ES_DTYPE_OTHER},
    {"F8_E5M2", 8, ES_DTYPE_OTHER}, {"F8_E4M3", 8, ES_DTYPE_OTHER},
    {"F8_E8M0", 8, ES_DTYPE_OTHER}, {"F8_E4M3FNUZ", 8, ES_DTYPE_OTHER},
    {"I16", 16, ES_DTYPE_OTHER},    {"F8_E5M2FNUZ", 8, ES_DTYPE_OTHER},
    {"U16", 16, ES_DTYPE_OTHER},    {"I32", 32, ES_DTYPE_OTHER},
    {"U32", 32, ES_DTYPE_OTHER},    {"C64", 64, ES_DTYPE_OTHER},
    {"I64", 64, ES_DTYPE_OTHER},    {"U64", 64, ES_DTYPE_OTHER},
};

static bool recognise(const unsigned char *head, size_t size, const es_file *file)
{
    if (size <= PREFIX_SIZE) return es_path_ends(file->path, ".safetensors");
    uint64_t header = es_load_u64(head);
    /* A first '{' and a sane length tell it whatever its name; a broken one is told by its name. */
    return (head[PREFIX_SIZE] == '{' && header <= LARGEST_HEADER) ||
           es_path_ends(file->path, ".safetensors");
}

/* The first eight bytes: how long the header is. */
static es_status read_prefix(const es_file *file, int64_t *header_size, es_error *error)
{
    if (file->size < PREFIX_SIZE)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: %lld bytes; a safetensors file has at least 8 (a failed download?)",
                       file->path, (long long)file->size);
    unsigned char prefix[PREFIX_SIZE];
    ES_TRY(es_file_read(file, 0, prefix, PREFIX_SIZE, error));
    uint64_t size = es_load_u64(prefix);
    if (size > LARGEST_HEADER)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: at byte 0: a header of %" PRIu64
                       " bytes; at most %d are allowed: not a safetensors file, or a damaged one",
                       file->path, size, LARGEST_HEADER);
    if ((int64_t)size > file->size - PREFIX_SIZE)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: at byte 0: a header of %" PRIu64
                       " bytes, but the file ends %lld bytes earlier (a truncated download?)",
                       file->path, size, (long long)((int64_t)size - file->size + PREFIX_SIZE));
    if (size < 2)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: at byte 0: a header of %" PRIu64 " bytes; the shortest is {}",
                       file->path, size);
    *header_size = (int64_t)size;
    return ES_OK;
}

static es_status read_dtype(reader *reader, es_tensor *tensor, int *bits)
{
    es_bytes text;
    int64_t at = es_json_tell(&reader->json);
    ES_TRY(es_json_string(&reader->json, &text));
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (!es_bytes_equal(text, dtypes[i].text)) continue;
        tensor->dtype = dtypes[i].dtype;
        *bits = dtypes[i].bits;
        snprintf(tensor->dtype_text, sizeof tensor->dtype_text, "%s", dtypes[i].text);
        return ES_OK;
    }
    es_json_seek(&reader->json, at);
    return es_json_fail(&reader->json, "tensor '%.200s' has the unsupported dtype '%.*s'",
                        tensor->name, (int)(text.size < 40 ? text.size : 40), text.data);
}

static es_status read_shape(reader *reader, es_tensor *tensor)
{
    es_json *json = &reader->json;
    ES_TRY(es_json_begin_array(json));
    while (es_json_next_element(json)) {
        int64_t at = es_json_tell(json), extent;
        ES_TRY(es_json_int(json, &extent));
        if (extent < 0) {
            es_json_seek(json, at);
            return es_json_fail(json, "tensor '%.200s' has a negative dimension, %lld",
                                tensor->name, (long long)extent);
        }
        if (tensor->rank < ES_MAX_RANK) tensor->shape[tensor->rank] = extent;
        tensor->rank++;
    }
    ES_TRY(json->status);
    if (tensor->rank > ES_MAX_RANK)
        return es_json_fail(json, "tensor '%.200s' has %d dimensions; at most %d are supported",
                            tensor->name, tensor->rank, ES_MAX_RANK);
    return ES_OK;
}

static es_status read_offsets(reader *reader, const es_tensor *tensor, span *span)
{
    es_json *json = &reader->json;
    int64_t offsets[2];
    int count = 0;
    ES_TRY(es_json_begin_array(json));
    for (; es_json_next_element(json); count++) {
        if (count == 2)
            return es_json_fail(json, "tensor '%.200s' has more than two data_offsets",
                                tensor->name);
        int64_t at = es_json_tell(json);
        ES_TRY(es_json_int(json, &offsets[count]));
        if (offsets[count] >= 0) continue;
        es_json_seek(json, at);
        return es_json_fail(json, "tensor '%.200s' has a negative offset", tensor->name);
    }
    ES_TRY(json->status);
    if (count != 2)
        return es_json_fail(json, "tensor '%.200s' has fewer than two data_offsets", tensor->name);
    span->begin = offsets[0];
    span->end = offsets[1];
    return ES_OK;
}

/* Does the span hold exactly the components of the shape? */
static es_status check_size(reader *reader, const es_tensor *tensor, int bits, const span *span)
{
    es_json *json = &reader->json;
    int64_t components = 1, size;
    for (int i = 0; i < tensor->rank; i++)
        if (!es_multiply_counts(components, tensor->shape[i], &components))
            return es_json_fail(json, "the dimensions of tensor '%.200s' overflow when multiplied",
                                tensor->name);
    if (!es_multiply_counts(components, bits, &size))
        return es_json_fail(json, "the size of tensor '%.200s' overflows", tensor->name);
    if (size % 8)
        return es_json_fail(json, "tensor '%.200s' does not end on a whole byte", tensor->name);
    if (span->end < span->begin)
        return es_json_fail(json, "tensor '%.200s' ends (%lld) before it begins (%lld)",
                            tensor->name, (long long)span->end, (long long)span->begin);
    if (span->end - span->begin != size / 8)
        return es_json_fail(
            json, "tensor '%.200s' has %lld bytes by its offsets, %lld by its shape and dtype",
            tensor->name, (long long)(span->end - span->begin), (long long)(size / 8));
    return ES_OK;
}

/* {"dtype": ..., "shape": ..., "data_offsets": ...}, in any order, each once. */
static es_status read_tensor(reader *reader, es_tensor *tensor, span *span)
{
    es_json *json = &reader->json;
    int64_t at = es_json_tell(json);
    int bits = 0;
    bool has_dtype = false, has_shape = false, has_offsets = false;
    span->told_at = (uint32_t)at;
    ES_TRY(es_json_begin_object(json));
    for (es_bytes key; es_json_next_member(json, &key);) {
        bool *seen = es_bytes_equal(key, "dtype")          ? &has_dtype
                     : es_bytes_equal(key, "shape")        ? &has_shape
                     : es_bytes_equal(key, "data_offsets") ? &has_offsets
                                                           : NULL;
        if (!seen) {
            ES_TRY(es_json_skip(json));
            continue;
        }
        if (*seen)
            return es_json_fail(json, "tensor '%.200s' has '%.*s' twice", tensor->name,
                                (int)key.size, key.data);
        *seen = true;
        ES_TRY(seen == &has_dtype   ? read_dtype(reader, tensor, &bits)
               : seen == &has_shape ? read_shape(reader, tensor)
                                    : read_offsets(reader, tensor, span));
    }
    ES_TRY(json->status);
    int64_t after = es_json_tell(json);
    es_json_seek(json, at); /* faults of the whole are told where it begins */
    if (!has_dtype || !has_shape || !has_offsets)
        return es_json_fail(json, "tensor '%.200s' has no %s", tensor->name,
                            !has_dtype   ? "dtype"
                            : !has_shape ? "shape"
                                         : "data_offsets");
    ES_TRY(check_size(reader, tensor, bits, span));
    es_json_seek(json, after);
    return ES_OK;
}

static es_status skip_metadata(es_json *json)
{
    ES_TRY(es_json_begin_object(json));
    for (es_bytes key, value; es_json_next_member(json, &key);) {
        if (es_json_peek(json) != ES_JSON_STRING)
            return es_json_fail(json, "__metadata__ '%.*s' is not a string",
                                (int)(key.size < 100 ? key.size : 100), key.data);
        ES_TRY(es_json_string(json, &value));
    }
    return json->status;
}

static es_status add_tensor(reader *reader, es_bytes name, int64_t name_at, es_error *error)
{
    es_json *json = &reader->json;
    es_container *container = reader->container;
    int64_t index = container->tensor_count;
    if (index == ES_MAX_TENSORS)
        return es_json_fail(json, "more than %d tensors; at most so many are supported",
                            ES_MAX_TENSORS);
    if (memchr(name.data, '\0', name.size))
        return es_json_fail(json, "a tensor's name has a NUL in it");
    es_tensor *tensor;
    void *spans = reader->spans;
    ES_TRY(es_container_add(container, name, &tensor, error));
    if (!es_grow(&spans, &reader->span_capacity, index + 1, sizeof *reader->spans))
        return es_fail_memory(error, "the tensors' places", sizeof(span) * (size_t)(index + 1));
    reader->spans = spans;
    switch (es_map_insert(&reader->names, (es_bytes){tensor->name, name.size}, index, NULL)) {
    case ES_MAP_ADDED: break;
    case ES_MAP_NO_MEMORY: return es_fail_memory(error, "the names of tensors", name.size);
    case ES_MAP_EXISTS:
        es_json_seek(json, name_at);
        return es_json_fail(json, "two tensors have the name '%.200s'", tensor->name);
    }
    reader->spans[index] = (span){.tensor = (uint32_t)index};
    return read_tensor(reader, tensor, &reader->spans[index]);
}

static es_status read_members(reader *reader, es_error *error)
{
    es_json *json = &reader->json;
    bool has_metadata = false;
    int64_t name_at = 1;
    ES_TRY(es_json_begin_object(json));
    for (es_bytes name; es_json_next_member(json, &name); name_at = es_json_tell(json)) {
        if (!es_bytes_equal(name, "__metadata__")) {
            ES_TRY(add_tensor(reader, name, name_at, error));
            continue;
        }
        if (has_metadata) return es_json_fail(json, "__metadata__ is there twice");
        has_metadata = true;
        ES_TRY(skip_metadata(json));
    }
    return es_json_finish(json);
}

static int by_place(const void *left, const void *right)
{
    const span *a = left, *b = right;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return a->tensor < b->tensor ? -1 : a->tensor > b->tensor;
}

static es_status fail_span(const reader *reader, const span *span, es_error *error,
                           const char *what, int64_t bytes)
{
    return es_fail(error, ES_BAD_INPUT, "%s: at byte %lld: tensor '%.200s' %s (by %lld bytes)",
                   reader->file->path, (long long)PREFIX_SIZE + span->told_at,
                   reader->container->tensors[span->tensor].name, what, (long long)bytes);
}

/* The rule that bans holes, overlaps and anything after the last tensor; fills in the places. */
static es_status place_tensors(reader *reader, int64_t data_start, es_error *error)
{
    int64_t count = reader->container->tensor_count, end = 0;
    int64_t data_size = reader->file->size - data_start;
    if (count) qsort(reader->spans, (size_t)count, sizeof *reader->spans, by_place);
    for (int64_t i = 0; i < count; i++) {
        const span *span = &reader->spans[i];
        es_tensor *tensor = &reader->container->tensors[span->tensor];
        if (span->begin > end)
            return fail_span(reader, span, error, "begins after a hole", span->begin - end);
        if (span->begin < end)
            return fail_span(reader, span, error, "overlaps the one before", end - span->begin);
        end = span->end;
        if (end > data_size)
            return es_fail(error, ES_BAD_INPUT,
                           "%s: at byte %lld: the file ends %lld bytes before tensor '%.200s' does "
                           "(a truncated download?)",
                           reader->file->path, (long long)reader->file->size,
                           (long long)(end - data_size), tensor->name);
        tensor->offset = data_start + span->begin;
        tensor->bytes = span->end - span->begin;
    }
    if (end < data_size)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: at byte %lld: %lld bytes after the last tensor; a safetensors file has "
                       "none",
                       reader->file->path, (long long)(data_start + end),
                       (long long)(data_size - end));
    return ES_OK;
}

static es_status read_header(reader *reader, char *header, int64_t size, es_error *error)
{
    es_file *file = reader->file;
    ES_TRY(es_file_read(file, PREFIX_SIZE, header, size, error));
    if (*header != '{')
        return es_fail(error, ES_BAD_INPUT,
                       "%s: at byte 8: the header must start with '{' (found byte 0x%02X)",
                       file->path, (unsigned char)*header);
    ES_TRY(es_json_open(&reader->json, file->path, header, size, PREFIX_SIZE, error));
    ES_TRY(read_members(reader, error));
    return place_tensors(reader, PREFIX_SIZE + size, error);
}

static es_status open_file(es_file *file, int threads, es_container *container, es_error *error)
{
    (void)threads;
    int64_t size = 0;
    ES_TRY(read_prefix(file, &size, error));
    reader reader = {.file = file, .container = container};
    char *header = malloc((size_t)size);
    es_status status = header ? read_header(&reader, header, size, error)
                              : es_fail_memory(error, "a safetensors header", (size_t)size);
    es_json_close(&reader.json);
    es_map_release(&reader.names);
    free(reader.spans);
    free(header);
    if (status != ES_OK) return status;
    container->format = es_format_safetensors.name;
    return es_container_take_file(container, file, error);
}

const es_file_format es_format_safetensors = {"safetensors", recognise, open_file};
