/* Bytes of tokens and file names made fit to be shown. */
#ifndef ES_RENDER_DISPLAY_H
#define ES_RENDER_DISPLAY_H

#include "base/text.h"

#include <stddef.h>

/* How many bytes at data[0..size), size > 0, one U+FFFD stands for where no code point can be
 * decoded: the longest start of a sequence that could have become one, as browsers and Python do
 * (Unicode 15, 3.9). */
size_t es_display_ill_formed(const char *data, size_t size);

/* Append between double quotes, safe on a terminal: what es_utf8_escape() escapes, and \" and \\.
 * NULL data is a row without a token: "(no token)", without quotes. */
void es_display_quoted(es_text *text, const char *data, size_t size);

/* Append safe on a terminal, without quotes. */
void es_display_plain(es_text *text, const char *data, size_t size);

/* Columns that UTF-8 text takes on a terminal: 2 for wide characters, 0 for combining ones. */
int es_display_width(const char *data, size_t size);

/* The longest prefix at most `columns` wide, in bytes; a combining mark stays with its base. */
size_t es_display_prefix(const char *data, size_t size, int columns);

#endif
