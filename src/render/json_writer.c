#include "render/json_writer.h"

#include "base/utf8.h"
#include "render/display.h"
#include "render/number_text.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* What must stand before the next value: nothing after a key, else a comma and a line's end. */
static void begin_value(es_json_writer *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (!json->depth) return;
    int level = json->depth - 1;
    assert(json->is_array[level]); /* in an object a key comes first */
    if (json->any[level]) fputs(", ", json->out);
    json->any[level] = true;
}

static void begin_level(es_json_writer *json, bool is_array)
{
    begin_value(json);
    assert(json->depth < ES_JSON_WRITER_DEPTH);
    json->is_array[json->depth] = is_array;
    json->any[json->depth++] = false;
    fputc(is_array ? '[' : '{', json->out);
}

void es_json_write_object(es_json_writer *json)
{
    begin_level(json, false);
}

void es_json_write_array(es_json_writer *json)
{
    begin_level(json, true);
}

void es_json_write_end(es_json_writer *json)
{
    assert(json->depth > 0 && !json->after_key);
    int level = --json->depth;
    bool own_lines = !level && !json->one_line;
    if (own_lines && json->any[level] && !json->is_array[level]) fputc('\n', json->out);
    fputc(json->is_array[level] ? ']' : '}', json->out);
    if (!level) fputc('\n', json->out);
}

static void write_string(FILE *out, const char *data, size_t size)
{
    fputc('"', out);
    for (size_t at = 0; at < size;) {
        uint32_t code_point = 0;
        int length = es_utf8_decode(data + at, size - at, &code_point);
        if (!length) {
            fputs("\xEF\xBF\xBD", out);
            at += es_display_ill_formed(data + at, size - at);
            continue;
        }
        if (code_point == '"' || code_point == '\\')
            fprintf(out, "\\%c", (int)code_point);
        else if (code_point == '\n')
            fputs("\\n", out);
        else if (code_point == '\t')
            fputs("\\t", out);
        else if (es_utf8_is_unsafe(code_point)) /* all below U+10000 */
            fprintf(out, "\\u%04x", (unsigned)code_point);
        else
            fwrite(data + at, 1, (size_t)length, out);
        at += (size_t)length;
    }
    fputc('"', out);
}

void es_json_write_key(es_json_writer *json, const char *key)
{
    int level = json->depth - 1;
    assert(level >= 0 && !json->is_array[level] && !json->after_key);
    bool own_line = !level && !json->one_line;
    if (json->any[level]) fputs(own_line ? "," : ", ", json->out);
    if (own_line) fputs("\n  ", json->out);
    json->any[level] = true;
    write_string(json->out, key, strlen(key));
    fputs(": ", json->out);
    json->after_key = true;
}

void es_json_write_bytes(es_json_writer *json, const char *data, size_t size)
{
    if (!data) {
        es_json_write_null(json);
        return;
    }
    begin_value(json);
    write_string(json->out, data, size);
}

void es_json_write_text(es_json_writer *json, const char *text)
{
    es_json_write_bytes(json, text, text ? strlen(text) : 0);
}

void es_json_write_hex(es_json_writer *json, const char *data, size_t size)
{
    if (!data) {
        es_json_write_null(json);
        return;
    }
    begin_value(json);
    fputc('"', json->out);
    for (size_t i = 0; i < size; i++) fprintf(json->out, "%02x", (unsigned char)data[i]);
    fputc('"', json->out);
}

void es_json_write_double(es_json_writer *json, double value)
{
    if (!isfinite(value)) {
        es_json_write_null(json);
        return;
    }
    char number[ES_NUMBER_TEXT];
    es_number_shortest(value, number);
    begin_value(json);
    fputs(number, json->out);
}

void es_json_write_float(es_json_writer *json, float value)
{
    if (!isfinite(value)) {
        es_json_write_null(json);
        return;
    }
    char number[ES_NUMBER_TEXT];
    es_number_shortest_float(value, number);
    begin_value(json);
    fputs(number, json->out);
}

void es_json_write_int(es_json_writer *json, int64_t value)
{
    begin_value(json);
    fprintf(json->out, "%lld", (long long)value);
}

void es_json_write_bool(es_json_writer *json, bool value)
{
    begin_value(json);
    fputs(value ? "true" : "false", json->out);
}

void es_json_write_null(es_json_writer *json)
{
    begin_value(json);
    fputs("null", json->out);
}

void es_json_write_doubles(es_json_writer *json, const double *values, int64_t count)
{
    es_json_write_array(json);
    for (int64_t i = 0; i < count; i++) es_json_write_double(json, values[i]);
    es_json_write_end(json);
}

void es_json_write_ints(es_json_writer *json, const int64_t *values, int64_t count)
{
    es_json_write_array(json);
    for (int64_t i = 0; i < count; i++) es_json_write_int(json, values[i]);
    es_json_write_end(json);
}
