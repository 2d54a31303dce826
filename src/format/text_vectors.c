/* Word vectors as text: a key and its numbers a line.
 *
 *     [3000000 300]                       word2vec and fastText begin with the two counts,
 *     the 0.418 0.24968 -0.41242 ...      GloVe does not
 *     at name@domain.com 0.3 ...          a key may hold spaces: a line is split from the right
 *
 * The file passes through a window of whole lines. Each window is cut into blocks at line ends; the
 * blocks' lines are counted, then parsed in parallel, every line into its own row, so that no
 * result depends on the number of threads. */
#include "base/memory.h"
#include "base/number.h"
#include "base/parallel.h"
#include "format/stream.h"
#include "format/word_table.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256 << 10 };

typedef struct block {
    const char *start, *end; /* whole lines */
    int64_t lines;
    int64_t first; /* the row of its first line */
} block;

typedef struct text_reader {
    es_file *file;
    int threads;
    es_stream stream;
    es_word_header header;
    es_word_table table;
    char *window; /* window_size bytes and one more for a last '\n' */
    int64_t window_size, held;
    bool ended;
    block *blocks;
    int64_t block_count, block_capacity;
} text_reader;

static bool is_separator(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *skip_separators(const char *at, const char *end)
{
    while (at < end && is_separator(*at)) at++;
    return at;
}

/* The fields of a line from the right: the one that ends before *end, or none. */
static bool last_field(const char *line, const char **end, es_bytes *field)
{
    const char *stop = *end;
    while (stop > line && is_separator(stop[-1])) stop--;
    const char *start = stop;
    while (start > line && !is_separator(start[-1])) start--;
    *field = (es_bytes){start, (size_t)(stop - start)};
    *end = start;
    return start < stop;
}

static bool is_number(es_bytes field, double *value)
{
    return field.size && es_number_parse(field.data, field.size, value) == field.size;
}

static bool has_digit(es_bytes field)
{
    for (size_t i = 0; i < field.size; i++)
        if (field.data[i] >= '0' && field.data[i] <= '9') return true;
    return false;
}

/* Does it begin as a number does: "1,5", "0x1p3"? */
static bool looks_like_number(es_bytes field)
{
    size_t sign = field.size && (*field.data == '-' || *field.data == '+' || *field.data == '.');
    return field.size > sign && field.data[sign] >= '0' && field.data[sign] <= '9';
}

static int64_t count_fields(const char *line, const char *end)
{
    int64_t count = 0;
    for (es_bytes field; last_field(line, &end, &field);) count++;
    return count;
}

/* How many of the last fields are numbers, the first field (a key) left out; *before becomes the
 * end of what is before them, and *odd the field that ended the count (size 0: none did). */
static int64_t count_numbers(const char *line, const char *end, const char **before, es_bytes *odd)
{
    int64_t count = 0;
    double value;
    for (es_bytes field;; count++) {
        *before = end;
        *odd = (es_bytes){end, 0};
        if (!last_field(line, &end, &field)) return count;
        if (field.data == line) return count;
        if (is_number(field, &value)) continue;
        *odd = field;
        return count;
    }
}

static int64_t line_number(const text_reader *reader, int64_t row)
{
    return row + 1 + reader->header.present;
}

static es_status fail_field(const text_reader *reader, int64_t row, const char *line,
                            es_bytes field, es_error *error)
{
    return es_fail(error, ES_BAD_INPUT, "%s:%lld:%lld: '%.*s' is not a number", reader->file->path,
                   (long long)line_number(reader, row), (long long)(field.data - line + 1),
                   (int)(field.size < 60 ? field.size : 60), field.data);
}

static es_status fail_count(const text_reader *reader, int64_t row, int64_t found, es_error *error)
{
    return es_fail(error, ES_BAD_INPUT, "%s:%lld: %lld numbers, expected %lld", reader->file->path,
                   (long long)line_number(reader, row), (long long)found,
                   (long long)reader->table.columns);
}

/* The usual line, from the left: a key without separators, then exactly the numbers. */
static bool parse_usual(const char *line, const char *end, int64_t columns, float *out,
                        es_bytes *key)
{
    const char *at = line;
    while (at < end && !is_separator(*at)) at++;
    *key = (es_bytes){line, (size_t)(at - line)};
    for (int64_t i = 0; i < columns; i++) {
        const char *field = skip_separators(at, end);
        double value;
        size_t size = es_number_parse(field, (size_t)(end - field), &value);
        at = field + size;
        if (!size || (at < end && !is_separator(*at))) return false;
        out[i] = (float)value;
    }
    return skip_separators(at, end) == end;
}

/* The unusual one, from the right, or a fault. */
static es_status parse_unusual(const text_reader *reader, int64_t row, const char *line,
                               const char *end, float *out, es_bytes *key, es_error *error)
{
    int64_t columns = reader->table.columns;
    const char *before, *at = end;
    es_bytes odd, field;
    int64_t numbers = count_numbers(line, end, &before, &odd);
    if (numbers < columns) {
        int64_t fields = count_fields(line, end);
        /* One field of the right number of them is at fault, or their number is. */
        if (odd.size && fields > columns) return fail_field(reader, row, line, odd, error);
        return fail_count(reader, row, fields ? fields - 1 : 0, error);
    }
    double value;
    for (int64_t i = columns - 1; i >= 0; i--) {
        last_field(line, &at, &field);
        if (is_number(field, &value)) out[i] = (float)value;
    }
    *key = (es_bytes){line, at > line ? (size_t)(at - 1 - line) : 0};
    /* A key may hold spaces, but "key 0.25" is rather a number too many. */
    if (numbers > columns) {
        const char *key_end = line + key->size;
        if (last_field(line, &key_end, &field) && has_digit(field))
            return fail_count(reader, row, numbers, error);
    }
    return ES_OK;
}

static es_status parse_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const text_reader *reader = context;
    const es_word_table *table = &reader->table;
    const block *block = &reader->blocks[index];
    const char *line = block->start;
    for (int64_t row = block->first; line < block->end; row++) {
        const char *end = memchr(line, '\n', (size_t)(block->end - line));
        float *out = table->values + row * table->columns;
        if (!parse_usual(line, end, table->columns, out, &table->keys[row]))
            ES_TRY(parse_unusual(reader, row, line, end, out, &table->keys[row], error));
        line = end + 1;
    }
    return ES_OK;
}

static es_status count_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    (void)error;
    block *block = &((text_reader *)context)->blocks[index];
    block->lines = 0;
    for (const char *at = block->start; at < block->end; block->lines++)
        at = (const char *)memchr(at, '\n', (size_t)(block->end - at)) + 1;
    return ES_OK;
}

static es_status cut_blocks(text_reader *reader, const char *start, const char *end,
                            es_error *error)
{
    reader->block_count = 0;
    while (start < end) {
        const char *stop = end - start > BLOCK ? start + BLOCK : end - 1;
        stop = (const char *)memchr(stop, '\n', (size_t)(end - stop)) + 1;
        void *blocks = reader->blocks;
        if (!es_grow(&blocks, &reader->block_capacity, reader->block_count + 1,
                     sizeof *reader->blocks))
            return es_fail_memory(error, "blocks of lines", sizeof *reader->blocks);
        reader->blocks = blocks;
        reader->blocks[reader->block_count++] = (block){.start = start, .end = stop};
        start = stop;
    }
    return ES_OK;
}

/* The whole lines of [start, end) into rows and keys. */
static es_status parse_lines(text_reader *reader, const char *start, const char *end,
                             es_error *error)
{
    es_word_table *table = &reader->table;
    ES_TRY(cut_blocks(reader, start, end, error));
    ES_TRY(es_parallel_for(reader->threads, reader->block_count, count_block, reader, NULL, error));
    int64_t rows = table->rows;
    for (int64_t i = 0; i < reader->block_count; i++) {
        reader->blocks[i].first = rows;
        rows += reader->blocks[i].lines;
    }
    if (reader->header.present && rows > reader->header.rows)
        return es_fail(error, ES_BAD_INPUT,
                       "%s:%lld: more lines than the %lld rows that line 1 announces; correct line "
                       "1",
                       reader->file->path, (long long)line_number(reader, reader->header.rows),
                       (long long)reader->header.rows);
    ES_TRY(es_word_table_reserve(table, rows, false, error));
    ES_TRY(es_parallel_for(reader->threads, reader->block_count, parse_block, reader, NULL, error));
    for (int64_t i = table->rows; i < rows; i++)
        es_text_append(&table->key_memory, table->keys[i].data, table->keys[i].size);
    table->rows = rows;
    return ES_OK;
}

/* Fill the window. At the end of the file a last line without its end gets one. */
static es_status refill(text_reader *reader, es_error *error)
{
    int64_t got;
    ES_TRY(es_stream_read(&reader->stream, reader->window + reader->held,
                          reader->window_size - reader->held, &got, error));
    reader->held += got;
    /* Less than was asked for, or all that a file of known size has: the end. */
    reader->ended = reader->stream.ended;
    if (reader->ended && reader->held && reader->window[reader->held - 1] != '\n')
        reader->window[reader->held++] = '\n';
    return ES_OK;
}

/* The end of the last line that may be parsed now: lines of white space stay for later, since at
 * the end of the file they are nothing. */
static int64_t lines_end(const text_reader *reader)
{
    const char *window = reader->window;
    int64_t end = reader->held;
    while (end && window[end - 1] != '\n') end--;
    int64_t solid = end;
    while (solid && (window[solid - 1] == '\n' || is_separator(window[solid - 1]))) solid--;
    if (!solid) return 0;
    const char *stop = memchr(window + solid, '\n', (size_t)(end - solid));
    return stop - window + 1;
}

static es_status fail_long(const text_reader *reader, es_error *error)
{
    return es_fail(error, ES_BAD_INPUT, "%s:%lld: a line longer than 16 MiB: not word vectors",
                   reader->file->path, (long long)line_number(reader, reader->table.rows));
}

/* The first line: the two counts, or the first row, whose numbers tell how many there are. */
static es_status read_first_line(text_reader *reader, int64_t *size, es_error *error)
{
    const char *end = memchr(reader->window, '\n', (size_t)reader->held);
    if (!end)
        return reader->held
                   ? fail_long(reader, error)
                   : es_fail(error, ES_BAD_INPUT, "%s: the file is empty", reader->file->path);
    es_word_header *header = &reader->header;
    ES_TRY(es_word_header_parse(reader->file, reader->window, end + 1 - reader->window, 2, 1,
                                header, error));
    *size = header->size;
    if (header->present) {
        reader->table.columns = header->columns;
        if (reader->stream.gzip) return ES_OK;
        return es_word_table_reserve(&reader->table, header->rows, true, error);
    }
    const char *before;
    es_bytes odd, field;
    int64_t numbers = count_numbers(reader->window, end, &before, &odd);
    double value;
    /* "the 0.1 1,5 0.3": a number that is none, not a key with spaces. */
    const char *rest = odd.size ? odd.data : reader->window;
    bool after_number = last_field(reader->window, &rest, &field) && field.data != reader->window &&
                        is_number(field, &value);
    if (after_number || looks_like_number(odd))
        return fail_field(reader, 0, reader->window, odd, error);
    if (!numbers)
        return es_fail(error, ES_BAD_INPUT,
                       "%s:1: no numbers after the first word: not word vectors",
                       reader->file->path);
    reader->table.columns = numbers;
    return ES_OK;
}

static es_status read_lines(text_reader *reader, es_error *error)
{
    int64_t start = 0;
    ES_TRY(refill(reader, error));
    ES_TRY(read_first_line(reader, &start, error));
    for (;;) {
        int64_t end = lines_end(reader);
        if (end > start)
            ES_TRY(parse_lines(reader, reader->window + start, reader->window + end, error));
        if (end < start) end = start;
        start = 0;
        reader->held -= end;
        memmove(reader->window, reader->window + end, (size_t)reader->held);
        if (reader->ended) break;
        if (reader->held >= reader->window_size) return fail_long(reader, error);
        ES_TRY(refill(reader, error));
    }
    const es_word_table *table = &reader->table;
    if (reader->header.present && table->rows < reader->header.rows)
        return es_fail(error, ES_BAD_INPUT,
                       "%s:%lld: the file ends after %lld rows; line 1 announces %lld (a truncated "
                       "download?)",
                       reader->file->path, (long long)line_number(reader, table->rows),
                       (long long)table->rows, (long long)reader->header.rows);
    return ES_OK;
}

static es_status read_all(text_reader *reader, es_error *error)
{
    ES_TRY(es_stream_open(&reader->stream, reader->file, reader->threads, error));
    reader->window_size = es_stream_bound(&reader->stream, ES_WORD_WINDOW);
    reader->window = malloc((size_t)reader->window_size + 1);
    if (!reader->window) return es_fail_memory(error, "a window", (size_t)reader->window_size + 1);
    return read_lines(reader, error);
}

static es_status open_file(es_file *file, int threads, es_container *container, es_error *error)
{
    text_reader reader = {.file = file, .threads = threads};
    es_status status = read_all(&reader, error);
    if (status == ES_OK)
        status = es_word_table_finish(&reader.table, es_format_text_vectors.name, container, error);
    es_word_table_release(&reader.table);
    es_stream_close(&reader.stream);
    free(reader.window);
    free(reader.blocks);
    return status == ES_OK ? es_container_take_file(container, file, error) : status;
}

/* A first line with at least as many numbers as words, or the two counts. */
static bool recognise(const unsigned char *head, size_t size, const es_file *file)
{
    const char *line = (const char *)head;
    const char *end = memchr(line, '\n', size);
    es_word_header header;
    es_status status = es_word_header_parse(file, line, (int64_t)size, 1, 0, &header, NULL);
    if (status == ES_CANNOT_READ) return false;
    if (header.present) return true;
    if (!end) {
        end = line + size;
        while (end > line && !is_separator(end[-1])) end--; /* a field may be cut */
    }
    int64_t fields = 0, numbers = 0;
    double value;
    for (es_bytes field; last_field(line, &end, &field) && field.data != line; fields++)
        numbers += is_number(field, &value);
    if (numbers && 2 * numbers >= fields) return true;
    return es_path_ends(file->path, ".vec") || es_path_ends(file->path, ".txt") ||
           es_path_ends(file->path, ".vec.gz") || es_path_ends(file->path, ".txt.gz");
}

const es_file_format es_format_text_vectors = {"text vectors", recognise, open_file};
