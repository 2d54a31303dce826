#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(es_text *text, size_t more)
{
    if (text->failed || more >= SIZE_MAX / 2 - text->size) return text->failed = true, false;
    size_t needed = text->size + more + 1;
    if (needed <= text->capacity) return true;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity < needed) capacity *= 2;
    char *data = realloc(text->data, capacity);
    if (!data) return text->failed = true, false;
    text->data = data;
    text->capacity = capacity;
    return true;
}

void es_text_append(es_text *text, const char *data, size_t size)
{
    if (!reserve(text, size)) return;
    if (size) memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = '\0';
}

char *es_text_extend(es_text *text, size_t size)
{
    if (!reserve(text, size)) return NULL;
    char *at = text->data + text->size;
    text->size += size;
    text->data[text->size] = '\0';
    return at;
}

void es_text_add(es_text *text, const char *terminated)
{
    es_text_append(text, terminated, strlen(terminated));
}

void es_text_printf(es_text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        text->failed = true;
    } else if (reserve(text, (size_t)length)) {
        vsnprintf(text->data + text->size, (size_t)length + 1, format, again);
        text->size += (size_t)length;
    }
    va_end(again);
}

void es_text_release(es_text *text)
{
    free(text->data);
    *text = (es_text){0};
}
