#include "base/status.h"

#include "base/utf8.h"

#include <embscope/embscope.h>
#include <stdarg.h>
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
    if (!es_utf8_escape(raw, size, error->text, sizeof error->text) || (size_t)length > size) {
        /* Cut: end in dots, on a character's boundary. */
        size_t end = strlen(error->text);
        size_t limit = sizeof error->text - 4;
        if (end > limit) end = limit;
        while (end && ((unsigned char)error->text[end] & 0xC0) == 0x80) end--;
        memcpy(error->text + end, "...", 4);
    }
    return status;
}

es_status es_fail_memory(es_error *error, const char *what, size_t size)
{
    return es_fail(error, ES_NO_MEMORY, "out of memory (%zu bytes for %s)", size, what);
}
