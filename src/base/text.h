/* A growing byte string. Appending never fails on the spot: lack of memory is remembered in
 * `failed` and asked for once. */
#ifndef ES_BASE_TEXT_H
#define ES_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is empty. Invariant: data is NULL or has data[size] == '\0'. Release with
 * es_text_release(). */
typedef struct es_text {
    char *data;
    size_t size, capacity;
    bool failed;
} es_text;

void es_text_append(es_text *text, const char *data, size_t size);
void es_text_add(es_text *text, const char *terminated);
void es_text_printf(es_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `size` more bytes at the end, to be written by the caller at once; NULL when memory is short. */
char *es_text_extend(es_text *text, size_t size);
void es_text_release(es_text *text);

#endif
