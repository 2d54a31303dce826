/* Internal side of embscope/status.h: how a fault is written down. */
#ifndef ES_BASE_STATUS_H
#define ES_BASE_STATUS_H

#include <embscope/status.h>
#include <stddef.h>
#include <stdint.h>

/* Write the text (printf-like) into *error, which may be NULL, and return `status`. Bytes that are
 * not printable UTF-8 are escaped as \xNN, so that text from files and names may be passed as it
 * is. Longer text is cut and ends in "...". */
es_status es_fail(es_error *error, es_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with text of several lines that the caller has made safe (es_utf8_escape). */
es_status es_fail_lines(es_error *error, es_status status, const char *text);

/* "out of memory (needed N bytes for WHAT)". */
es_status es_fail_memory(es_error *error, const char *what, size_t size);

/* Return the status of `call` from this function unless it is ES_OK. */
#define ES_TRY(call)                                                                               \
    do {                                                                                           \
        es_status es_try_status_ = (call);                                                         \
        if (es_try_status_ != ES_OK) return es_try_status_;                                        \
    } while (0)

#endif
