/* A JSON reader that pulls: the caller asks for what it expects, in file order, and nothing is
 * built in memory.
 *
 * Strict RFC 8259 over UTF-8, checked before anything is parsed. A header of 100 MB with ten
 * million entries costs no more than its bytes, and every fault is told with its byte in the file,
 * which is why this is not a document parser.
 *
 *     es_json json;
 *     ES_TRY(es_json_open(&json, path, data, size, 0, error));
 *     ES_TRY(es_json_begin_object(&json));
 *     for (es_bytes key; es_json_next_member(&json, &key);) {
 *         if (es_bytes_equal(key, "n_embd")) ES_TRY(es_json_int(&json, &n));
 *         else ES_TRY(es_json_skip(&json));
 *     }
 *     ES_TRY(es_json_finish(&json));          // reports what ended the loop
 *     es_json_close(&json);
 *
 * The first fault sticks: later calls return it again, next_* return false. */
#ifndef ES_BASE_JSON_H
#define ES_BASE_JSON_H

#include "base/status.h"
#include "base/text.h"

#include <embscope/vocabulary.h> /* es_bytes */

enum { ES_JSON_DEPTH = 128 };

typedef enum es_json_kind {
    ES_JSON_END, /* nothing there, or no value can start so */
    ES_JSON_OBJECT,
    ES_JSON_ARRAY,
    ES_JSON_STRING,
    ES_JSON_NUMBER,
    ES_JSON_BOOL,
    ES_JSON_NULL,
} es_json_kind;

typedef struct es_json {
    const char *path, *data;
    int64_t size, at;
    int64_t origin; /* where data[0] lies in the file */
    int depth;
    bool first[ES_JSON_DEPTH]; /* is the next member or element of this level its first? */
    es_text key, value;        /* decoded strings with escapes; others point into data */
    es_status status;
    es_error *error;
} es_json;

/* data must stay until es_json_close(). BAD_INPUT where it is not UTF-8. */
es_status es_json_open(es_json *json, const char *path, const char *data, int64_t size,
                       int64_t origin, es_error *error);
void es_json_close(es_json *json);

es_json_kind es_json_peek(es_json *json);
es_status es_json_begin_object(es_json *json);
es_status es_json_begin_array(es_json *json);
/* True with the next member's key (valid until the next call that reads a key), its value next to
 * be read; false after the closing brace, or on a fault (json->status). */
bool es_json_next_member(es_json *json, es_bytes *key);
bool es_json_next_element(es_json *json);
/* Valid until the next call that reads a string value. */
es_status es_json_string(es_json *json, es_bytes *value);
es_status es_json_int(es_json *json,
                      int64_t *value); /* an integer without fraction or exponent, in int64 */
es_status es_json_double(es_json *json, double *value);
es_status es_json_bool(es_json *json, bool *value);
es_status es_json_skip(es_json *json); /* any value, checked as it goes */
/* Nothing but white space may be left. Returns the first fault, if any. */
es_status es_json_finish(es_json *json);

/* Where the next value starts, to come back to it with es_json_seek (same depth only). */
int64_t es_json_tell(es_json *json);
void es_json_seek(es_json *json, int64_t at);

/* Record a fault at the current place: "PATH: at byte N: ...". */
es_status es_json_fail(es_json *json, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

bool es_bytes_equal(es_bytes bytes, const char *terminated);

#endif
