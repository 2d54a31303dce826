#include "base/status.h"

#include "base/utf8.h"

#include <embscope/embscope.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *es_status_text(es_status status)
{
    static const char *const texts[] = {
#define ES_STATUS_TEXT(name, text) text,
        ES_STATUS_LIST(ES_STATUS_TEXT)
#undef ES_STATUS_TEXT
    };
    size_t index = (size_t)status;
    return index < sizeof texts / sizeof *texts ? texts[index] : "unknown status";
}

const char *es_version(void)
{
    return ES_VERSION;
}

/* End a text that did not fit in dots, on a character's boundary. */
static void end_in_dots(es_error *error)
{
    size_t end = strlen(error->text), limit = sizeof error->text - 4;
    if (end > limit) end = limit;
    while (end && ((unsigned char)error->text[end] & 0xC0) == 0x80) end--;
    memcpy(error->text + end, "...", 4);
}

es_status es_fail(es_error *error, es_status status, const char *format, ...)
{
    if (!error) return status;
    char raw[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    if (length < 0) length = snprintf(raw, sizeof raw, "%s", es_status_text(status));
    size_t size = (size_t)length < sizeof raw ? (size_t)length : sizeof raw - 1;
    bool whole = es_utf8_escape(raw, size, error->text, sizeof error->text);
    if (!whole || (size_t)length > size) end_in_dots(error);
    return status;
}

es_status es_fail_lines(es_error *error, es_status status, const char *text)
{
    if (!error) return status;
    int length = snprintf(error->text, sizeof error->text, "%s", text);
    if (length < 0 || (size_t)length >= sizeof error->text) end_in_dots(error);
    return status;
}

es_status es_fail_memory(es_error *error, const char *what, size_t size)
{
    return es_fail(error, ES_NO_MEMORY, "out of memory (%zu bytes for %s)", size, what);
}
