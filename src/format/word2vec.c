/* word2vec's binary form.
 *
 *     "3000000 300\n"               rows and numbers a row
 *     key ' ' 300 float32 ['\n']    for each row; some writers end a row with '\n', some do not
 *
 * Keys are bytes: they need not be UTF-8. Line feeds before a key are not part of it. */
#include "base/memory.h"
#include "base/number.h"
#include "format/stream.h"
#include "format/word_table.h"

#include <stdlib.h>
#include <string.h>

/* Do the last `columns` fields of the line read as numbers, with something before them? */
static bool line_is_numbers(const char *line, const char *end, int64_t columns)
{
    for (int64_t i = 0; i < columns; i++) {
        while (end > line && memchr(" \t\r", end[-1], 3)) end--;
        const char *field = end;
        while (field > line && field[-1] != ' ' && field[-1] != '\t') field--;
        double value;
        size_t size = (size_t)(end - field);
        if (!size || field == line || es_number_parse(field, size, &value) != size) return false;
        end = field;
    }
    return true;
}

/* Both forms of word2vec begin with a line of two integers. What follows the first key is numbers
 * in the text form and bytes of any kind in the binary one. */
static bool is_binary(const char *at, const char *end, int64_t columns)
{
    while (at < end && *at == '\n') at++;
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    if (line_end && line_is_numbers(at, line_end, columns)) return false;
    const char *space = memchr(at, ' ', (size_t)(end - at));
    if (!space) return false;
    at = space + 1;
    if (columns < (end - at) / 4) end = at + 4 * columns;
    for (; at < end; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte >= 0x7F || (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r'))
            return true;
    }
    return false;
}

static bool recognise(const unsigned char *head, size_t size, const es_file *file)
{
    es_word_header header;
    const char *text = (const char *)head;
    /* Whether the size fits is told by open(). */
    es_status status = es_word_header_parse(file, text, (int64_t)size, 1, 0, &header, NULL);
    return status != ES_CANNOT_READ && header.present && header.columns > 0 &&
           is_binary(text + header.size, text + size, header.columns);
}

typedef struct binary_reader {
    es_file *file;
    es_stream stream;
    es_word_header header;
    es_word_table table;
    char *window;
    int64_t window_size;
    int64_t start, end; /* what of the window is not yet used */
    int64_t taken;      /* bytes used in all */
} binary_reader;

/* Have more than `held` bytes ready; false in *more at the end of the file. */
static es_status refill(binary_reader *reader, bool *more, es_error *error)
{
    int64_t held = reader->end - reader->start, got;
    memmove(reader->window, reader->window + reader->start, (size_t)held);
    reader->start = 0;
    ES_TRY(es_stream_read(&reader->stream, reader->window + held, reader->window_size - held, &got,
                          error));
    reader->end = held + got;
    *more = got > 0;
    return ES_OK;
}

static void take(binary_reader *reader, int64_t size)
{
    reader->start += size;
    reader->taken += size;
}

static es_status fail_end(const binary_reader *reader, es_error *error)
{
    return es_fail(error, ES_BAD_INPUT,
                   "%s: at byte %lld: the file ends inside row %lld of %lld (a truncated download, "
                   "or line 1 is wrong)",
                   reader->file->path, (long long)(reader->taken + reader->end - reader->start),
                   (long long)reader->table.rows + 1, (long long)reader->header.rows);
}

static es_status read_key(binary_reader *reader, es_error *error)
{
    es_word_table *table = &reader->table;
    bool more = true;
    for (;;) {
        while (reader->start < reader->end && reader->window[reader->start] == '\n')
            take(reader, 1);
        const char *from = reader->window + reader->start;
        int64_t held = reader->end - reader->start;
        const char *space = held > 0 ? memchr(from, ' ', (size_t)held) : NULL;
        int64_t size = space ? space - from : held;
        if (size > ES_WORD_WINDOW)
            return es_fail(error, ES_BAD_INPUT,
                           "%s: at byte %lld: a key longer than 16 MiB: not word2vec's binary form",
                           reader->file->path, (long long)reader->taken);
        if (space) {
            es_text_append(&table->key_memory, from, (size_t)size);
            table->keys[table->rows] = (es_bytes){NULL, (size_t)size};
            take(reader, size + 1);
            return ES_OK;
        }
        if (more) ES_TRY(refill(reader, &more, error));
        if (!more) return fail_end(reader, error);
    }
}

static es_status read_row(binary_reader *reader, es_error *error)
{
    es_word_table *table = &reader->table;
    ES_TRY(es_word_table_reserve(table, table->rows + 1, false, error));
    ES_TRY(read_key(reader, error));
    char *out = (char *)(table->values + table->rows * table->columns);
    for (int64_t left = 4 * table->columns; left;) {
        int64_t held = reader->end - reader->start;
        int64_t size = held < left ? held : left;
        memcpy(out, reader->window + reader->start, (size_t)size);
        take(reader, size);
        out += size;
        left -= size;
        bool more = true;
        if (left) ES_TRY(refill(reader, &more, error));
        if (!more) return fail_end(reader, error);
    }
    table->rows++;
    return ES_OK;
}

/* Only line feeds may follow the last row. */
static es_status check_end(binary_reader *reader, es_error *error)
{
    for (bool more = true; more;) {
        for (; reader->start < reader->end; take(reader, 1))
            if (reader->window[reader->start] != '\n')
                return es_fail(error, ES_BAD_INPUT,
                               "%s: at byte %lld: more bytes after the %lld rows that line 1 "
                               "announces; correct line 1",
                               reader->file->path, (long long)reader->taken,
                               (long long)reader->header.rows);
        ES_TRY(refill(reader, &more, error));
    }
    return ES_OK;
}

static es_status read_all(binary_reader *reader, int threads, es_error *error)
{
    bool more;
    ES_TRY(es_stream_open(&reader->stream, reader->file, threads, error));
    reader->window_size = es_stream_bound(&reader->stream, 2 * ES_WORD_WINDOW);
    reader->window = malloc((size_t)reader->window_size + 1);
    if (!reader->window) return es_fail_memory(error, "a window", (size_t)reader->window_size);
    ES_TRY(refill(reader, &more, error));
    es_word_header *header = &reader->header;
    int64_t head = reader->end < ES_HEAD_SIZE ? reader->end : ES_HEAD_SIZE;
    ES_TRY(es_word_header_parse(reader->file, reader->window, head, 4, 1, header, error));
    if (!header->present)
        return es_fail(error, ES_BAD_INPUT, "%s:1: a count of rows and one of numbers are expected",
                       reader->file->path);
    take(reader, header->size);
    reader->table.columns = header->columns;
    if (!reader->stream.gzip)
        ES_TRY(es_word_table_reserve(&reader->table, header->rows, true, error));
    while (reader->table.rows < header->rows) ES_TRY(read_row(reader, error));
    return check_end(reader, error);
}

static es_status open_file(es_file *file, int threads, es_container *container, es_error *error)
{
    binary_reader reader = {.file = file};
    es_status status = read_all(&reader, threads, error);
    if (status == ES_OK)
        status = es_word_table_finish(&reader.table, es_format_word2vec.name, container, error);
    es_word_table_release(&reader.table);
    es_stream_close(&reader.stream);
    free(reader.window);
    return status == ES_OK ? es_container_take_file(container, file, error) : status;
}

const es_file_format es_format_word2vec = {"word2vec", recognise, open_file};
