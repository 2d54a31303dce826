/* UTF-8: strict decoding and safe display. */
#ifndef ES_BASE_UTF8_H
#define ES_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decode one code point at data[0..size). Returns the bytes taken (1-4), 0 for an ill-formed
 * sequence (overlong forms, surrogates and values past U+10FFFF included) or size 0. */
int es_utf8_decode(const char *data, size_t size, uint32_t *code_point);

/* Encode; returns the bytes written (1-4) into out[4]. The code point must be valid. */
int es_utf8_encode(uint32_t code_point, char out[4]);

/* The offset of the first ill-formed byte, or `size` when all of it is UTF-8. */
size_t es_utf8_valid_prefix(const char *data, size_t size);

/* Copy into out (terminated, capacity >= 1), with ill-formed bytes and control characters (C0, DEL,
 * C1, and the bidirectional overrides that make text lie) as \xNN or \u{NNNN}. Returns false when
 * it was cut. */
bool es_utf8_escape(const char *data, size_t size, char *out, size_t capacity);

/* Is the code point one that must not reach a terminal as it is? */
bool es_utf8_is_unsafe(uint32_t code_point);

#endif
