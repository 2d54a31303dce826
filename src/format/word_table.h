/* Word vectors as they are read: a float32 matrix and a key for each row, both growing. */
#ifndef ES_FORMAT_WORD_TABLE_H
#define ES_FORMAT_WORD_TABLE_H

#include "base/text.h"
#include "format/format.h"

/* A line, a key or a row may be this long; also how much of a file is looked at in one go. */
enum { ES_WORD_WINDOW = 16 << 20 };

typedef struct es_word_table {
    int64_t columns;
    int64_t rows, capacity; /* of both arrays, in rows */
    float *values;          /* (capacity, columns) */
    es_bytes *keys;         /* (capacity): sizes; data are set by es_word_table_finish() */
    es_text key_memory;     /* the keys one after another */
} es_word_table;

/* "3000000 300" at the start of both word2vec forms. */
typedef struct es_word_header {
    bool present;
    int64_t rows, columns;
    int64_t size; /* bytes of the line, its '\n' included */
} es_word_header;

/* Is the first line two integers? Then they must be a size that the file can have: with at least
 * `smallest` bytes a number and `overhead` a row (BAD_INPUT, "PATH:1: ..."). */
es_status es_word_header_parse(const es_file *file, const char *head, int64_t head_size,
                               int64_t smallest, int64_t overhead, es_word_header *header,
                               es_error *error);

/* Room for `rows` in all. `exact` asks for no more than that, in huge pages: for counts that the
 * file's size has confirmed. */
es_status es_word_table_reserve(es_word_table *table, int64_t rows, bool exact, es_error *error);

/* Move everything into the container as its one tensor and its keys. */
es_status es_word_table_finish(es_word_table *table, const char *format, es_container *container,
                               es_error *error);
void es_word_table_release(es_word_table *table);

#endif
