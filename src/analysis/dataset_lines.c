#include "analysis/dataset_lines.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

es_dataset_lines es_dataset_lines_of(const char *path, char *data, size_t size, es_error *error)
{
    es_dataset_lines lines = {.path = path, .at = data, .end = data + size, .error = error};
    if (size >= 3 && !memcmp(data, "\xEF\xBB\xBF", 3)) lines.at += 3;
    return lines;
}

es_status es_dataset_fail(const es_dataset_lines *lines, const char *place, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return es_fail(lines->error, ES_BAD_INPUT, "%s:%lld:%lld: %s", lines->path,
                   (long long)lines->number, (long long)(place - lines->line) + 1, text);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static es_status check_line(const es_dataset_lines *lines)
{
    if (lines->size > ES_LINE_BYTES)
        return es_dataset_fail(lines, lines->line,
                               "a line of %zu bytes; a data set has a question a line, of at most "
                               "%d bytes",
                               lines->size, ES_LINE_BYTES);
    const char *nul = memchr(lines->line, '\0', lines->size);
    if (nul) return es_dataset_fail(lines, nul, "a NUL byte; expected lines of text");
    size_t valid = es_utf8_valid_prefix(lines->line, lines->size);
    if (valid < lines->size)
        return es_dataset_fail(lines, lines->line + valid,
                               "byte 0x%02X is not UTF-8; write the file as UTF-8",
                               (unsigned char)lines->line[valid]);
    return ES_OK;
}

es_status es_dataset_next_line(es_dataset_lines *lines)
{
    while (lines->at < lines->end) {
        char *line = lines->at;
        char *stop = memchr(line, '\n', (size_t)(lines->end - line));
        lines->at = stop ? stop + 1 : lines->end;
        if (!stop) stop = lines->end;
        lines->number++;
        lines->line = line;
        lines->size = (size_t)(stop - line);
        ES_TRY(check_line(lines));
        while (lines->size && is_blank(line[lines->size - 1])) lines->size--;
        if (lines->size) return ES_OK;
    }
    lines->line = NULL;
    return ES_OK;
}

char es_dataset_find_separator(const es_dataset_lines *lines)
{
    static const char separators[] = "\t;,";
    for (const char *c = separators; *c; c++)
        if (memchr(lines->line, *c, lines->size)) return *c;
    return ' ';
}

static es_bytes trimmed(char *from, char *to)
{
    while (from < to && is_blank(*from)) from++;
    while (to > from && is_blank(to[-1])) to--;
    return (es_bytes){from, (size_t)(to - from)};
}

/* A field between double quotes at `from`, its doubled quotes made single; *after is behind the
 * closing one. */
static es_status unquote(const es_dataset_lines *lines, char *from, es_bytes *field, char **after)
{
    char *end = lines->line + lines->size, *out = from + 1, *in = from + 1;
    for (;; in++) {
        if (in == end) return es_dataset_fail(lines, from, "a quote that is not closed");
        if (*in == '"' && (in + 1 == end || in[1] != '"')) break;
        if (*in == '"') in++;
        *out++ = *in;
    }
    *field = trimmed(from + 1, out);
    *after = in + 1;
    while (*after < end && is_blank(**after)) ++*after;
    if (*after < end && **after != lines->separator)
        return es_dataset_fail(lines, *after, "text after a closing quote; expected '%c'",
                               lines->separator);
    return ES_OK;
}

/* The field at `from`; *after is the separator behind it, or the line's end. */
static es_status take_field(const es_dataset_lines *lines, char *from, es_bytes *field,
                            char **after)
{
    char *end = lines->line + lines->size;
    bool spaces = lines->separator == ' ', quotes = !spaces && lines->separator != '\t';
    char *start = from;
    while (start < end && is_blank(*start) && *start != lines->separator) start++;
    if (quotes && start < end && *start == '"') return unquote(lines, start, field, after);
    char *stop = from;
    if (spaces)
        while (stop < end && !is_blank(*stop)) stop++;
    else if (!(stop = memchr(from, lines->separator, (size_t)(end - from))))
        stop = end;
    *field = trimmed(from, stop);
    *after = stop;
    return ES_OK;
}

es_status es_dataset_split(es_dataset_lines *lines)
{
    char *at = lines->line, *end = lines->line + lines->size;
    bool spaces = lines->separator == ' ';
    lines->field_count = 0;
    for (;;) {
        while (spaces && at < end && is_blank(*at)) at++;
        if (lines->field_count == ES_LINE_FIELDS)
            return es_dataset_fail(lines, at, "more than %d columns", ES_LINE_FIELDS);
        ES_TRY(take_field(lines, at, &lines->fields[lines->field_count++], &at));
        if (at >= end) return ES_OK;
        at++;
    }
}
