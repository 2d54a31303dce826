#include "format/word_table.h"

#include "base/memory.h"
#include "format/little_endian.h"
#include "format/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An integer field at *at: digits, perhaps a sign. Values beyond 63 bits become INT64_MAX. */
static bool take_count(const char **at, const char *end, bool *negative, int64_t *value)
{
    const char *here = *at;
    *negative = here < end && *here == '-';
    if (*negative) here++;
    const char *start = here;
    *value = 0;
    for (; here < end && *here >= '0' && *here <= '9'; here++)
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, *here - '0', value))
            *value = INT64_MAX;
    *at = here;
    return here > start;
}

/* Could `rows` of `columns` be in a file of that size? Deflate makes at most 1032 of one. */
static bool fits(const es_file *file, const es_word_header *header, int64_t smallest,
                 int64_t overhead, bool gzip, int64_t *needed)
{
    int64_t row;
    if (!es_multiply_counts(header->columns, smallest, &row) || row > INT64_MAX - overhead ||
        !es_multiply_counts(header->rows, row + overhead, needed)) {
        *needed = INT64_MAX;
        return false;
    }
    if (gzip) return *needed / 1032 <= file->size;
    return *needed <= file->size - header->size + 1; /* a last line may lack its end */
}

es_status es_word_header_parse(const es_file *file, const char *head, int64_t head_size,
                               int64_t smallest, int64_t overhead, es_word_header *header,
                               es_error *error)
{
    *header = (es_word_header){0};
    const char *end = memchr(head, '\n', (size_t)head_size);
    if (!end) end = head + head_size;
    const char *at = head;
    bool negative[2];
    if (!take_count(&at, end, &negative[0], &header->rows) || at == end ||
        (*at != ' ' && *at != '\t'))
        return ES_OK;
    while (at < end && (*at == ' ' || *at == '\t')) at++;
    if (!take_count(&at, end, &negative[1], &header->columns)) return ES_OK;
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) at++;
    if (at != end) return ES_OK;
    header->present = true;
    header->size = end - head + (end < head + head_size);
    int shown = (int)(end - head < 60 ? end - head : 60);
    if (negative[0] || negative[1] || !header->rows || !header->columns)
        return es_fail(error, ES_BAD_INPUT,
                       "%s:1: '%.*s' announces no rows: a count of rows and one of numbers are "
                       "expected, both at least 1",
                       file->path, shown, head);
    unsigned char magic[3] = {0};
    if (file->size >= 3) ES_TRY(es_file_read(file, 0, magic, 3, error));
    bool gzip = es_is_gzip(magic, sizeof magic);
    int64_t needed;
    if (!fits(file, header, smallest, overhead, gzip, &needed))
        return es_fail(error, ES_BAD_INPUT,
                       "%s:1: '%.*s' announces more than the file can hold (%" PRId64 " bytes)",
                       file->path, shown, head, file->size);
    return ES_OK;
}

es_status es_word_table_reserve(es_word_table *table, int64_t rows, bool exact, es_error *error)
{
    if (rows <= table->capacity) return ES_OK;
    int64_t capacity = rows, components;
    if (!exact && table->capacity < INT64_MAX / 2 && rows < 2 * table->capacity)
        capacity = 2 * table->capacity;
    size_t size, key_size;
    if (!es_multiply_counts(capacity, table->columns, &components) ||
        !es_multiply((size_t)components, sizeof *table->values, &size) ||
        !es_multiply((size_t)capacity, sizeof *table->keys, &key_size))
        return es_fail_memory(error, "word vectors", SIZE_MAX);
    es_bytes *keys = realloc(table->keys, key_size);
    if (!keys) return es_fail_memory(error, "keys", key_size);
    table->keys = keys;
    float *values = table->values || !exact ? realloc(table->values, size)
                                            : es_alloc_aligned(components, sizeof *values);
    if (!values) return es_fail_memory(error, "word vectors", size);
    table->values = values;
    table->capacity = capacity;
    return ES_OK;
}

/* Give back what growing took too much; a refusal changes nothing. */
static void *shrink(void *memory, size_t size)
{
    void *smaller = realloc(memory, size ? size : 1);
    return smaller ? smaller : memory;
}

es_status es_word_table_finish(es_word_table *table, const char *format, es_container *container,
                               es_error *error)
{
    if (table->key_memory.failed) return es_fail_memory(error, "keys", table->key_memory.size);
    es_tensor *tensor;
    ES_TRY(es_container_add(container, (es_bytes){"", 0}, &tensor, error));
    tensor->dtype = ES_DTYPE_F32;
    snprintf(tensor->dtype_text, sizeof tensor->dtype_text, "F32");
    tensor->rank = 2;
    tensor->shape[0] = table->rows;
    tensor->shape[1] = table->columns;
    tensor->bytes = table->rows * table->columns * (int64_t)sizeof *table->values;
    if (table->rows < table->capacity) {
        table->values = shrink(table->values, (size_t)tensor->bytes);
        table->keys = shrink(table->keys, (size_t)table->rows * sizeof *table->keys);
    }
    const char *key = table->key_memory.data ? table->key_memory.data : "";
    for (int64_t i = 0; i < table->rows; key += table->keys[i++].size) table->keys[i].data = key;
    tensor->memory = table->values;
    container->keys = table->keys;
    container->key_memory = table->key_memory.data;
    container->format = format;
    *table = (es_word_table){0};
    return ES_OK;
}

void es_word_table_release(es_word_table *table)
{
    free(table->values);
    free(table->keys);
    es_text_release(&table->key_memory);
    *table = (es_word_table){0};
}
