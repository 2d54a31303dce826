#include "render/display.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

size_t es_display_ill_formed(const char *data, size_t size)
{
    const unsigned char *byte = (const unsigned char *)data;
    unsigned lead = byte[0];
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || size < 2) return 1;
    unsigned lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte[1] < lowest || byte[1] > highest) return 1;
    size_t taken = 2;
    while (taken < length && taken < size && (byte[taken] & 0xC0) == 0x80) taken++;
    return taken;
}

/* Every byte becomes four at most: "\xNN". */
void es_display_plain(es_text *text, const char *data, size_t size)
{
    char small[256];
    size_t capacity = size < (sizeof small - 1) / 4 ? sizeof small : size * 4 + 2;
    char *buffer = capacity == sizeof small ? small : malloc(capacity);
    if (!buffer) {
        text->failed = true;
        return;
    }
    es_utf8_escape(data, size, buffer, capacity);
    es_text_add(text, buffer);
    if (buffer != small) free(buffer);
}

void es_display_quoted(es_text *text, const char *data, size_t size)
{
    if (!data) {
        es_text_add(text, "(no token)");
        return;
    }
    es_text_add(text, "\"");
    for (size_t at = 0; at < size;) {
        size_t run = 0;
        while (at + run < size && data[at + run] != '"' && data[at + run] != '\\') run++;
        es_display_plain(text, data + at, run);
        at += run;
        if (at < size) es_text_add(text, data[at++] == '"' ? "\\\"" : "\\\\");
    }
    es_text_add(text, "\"");
}

/* One character's columns and bytes. */
static int character_width(const char *data, size_t size, size_t *bytes)
{
    uint32_t code_point = 0;
    int length = es_utf8_decode(data, size, &code_point);
    *bytes = length ? (size_t)length : 1;
    return length ? utf8proc_charwidth((utf8proc_int32_t)code_point) : 1;
}

int es_display_width(const char *data, size_t size)
{
    int width = 0;
    size_t bytes;
    for (size_t at = 0; at < size; at += bytes)
        width += character_width(data + at, size - at, &bytes);
    return width;
}

size_t es_display_prefix(const char *data, size_t size, int columns)
{
    int width = 0;
    size_t bytes, at = 0;
    for (; at < size; at += bytes) {
        width += character_width(data + at, size - at, &bytes);
        if (width > columns) break;
    }
    return at;
}
