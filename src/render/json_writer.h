/* JSON to a stream as it is made: nothing is built in memory.
 *
 * Members of the outermost object stand on a line each, so that a line tool can leave out
 * "elapsed_seconds"; all below is compact. Keys and structure are the caller's duty (asserted);
 * strings may be any bytes: ill-formed ones become U+FFFD, control characters and those that make
 * a terminal lie are escaped. Numbers read back the same float64; NaN and infinities are null.
 * A write that fails shows in ferror(out). */
#ifndef ES_RENDER_JSON_WRITER_H
#define ES_RENDER_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { ES_JSON_WRITER_DEPTH = 16 };

typedef struct es_json_writer {
    FILE *out;
    int depth;
    bool one_line; /* the outermost object on one line, as JSON Lines have it */
    bool after_key;
    bool is_array[ES_JSON_WRITER_DEPTH];
    bool any[ES_JSON_WRITER_DEPTH]; /* has this level a member already? */
} es_json_writer;

static inline es_json_writer es_json_write_to(FILE *out)
{
    return (es_json_writer){.out = out};
}

void es_json_write_object(es_json_writer *json); /* { */
void es_json_write_array(es_json_writer *json);  /* [ */
void es_json_write_end(es_json_writer *json);    /* } or ], a newline after the outermost */
void es_json_write_key(es_json_writer *json, const char *key);

void es_json_write_bytes(es_json_writer *json, const char *data, size_t size); /* NULL: null */
void es_json_write_text(es_json_writer *json, const char *text);               /* NULL: null */
void es_json_write_hex(es_json_writer *json, const char *data, size_t size);   /* NULL: null */
void es_json_write_double(es_json_writer *json, double value);
void es_json_write_float(es_json_writer *json, float value); /* reads back the same float32 */
void es_json_write_int(es_json_writer *json, int64_t value);
void es_json_write_bool(es_json_writer *json, bool value);
void es_json_write_null(es_json_writer *json);

/* A key and its value. */
static inline void es_json_member_int(es_json_writer *json, const char *key, int64_t value)
{
    es_json_write_key(json, key);
    es_json_write_int(json, value);
}

static inline void es_json_member_double(es_json_writer *json, const char *key, double value)
{
    es_json_write_key(json, key);
    es_json_write_double(json, value);
}

/* An array at once. */
void es_json_write_doubles(es_json_writer *json, const double *values, int64_t count);
void es_json_write_ints(es_json_writer *json, const int64_t *values, int64_t count);

#endif
