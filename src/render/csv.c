#include "render/csv.h"

#include "base/utf8.h"
#include "render/display.h"
#include "render/number_text.h"

#include <math.h>
#include <string.h>

static void begin_field(es_csv *csv)
{
    if (csv->any) fputc(',', csv->out);
    csv->any = true;
}

/* Spaces at the ends are part of a field, but some readers trim them unless quoted. */
static bool needs_quotes(const char *data, size_t size)
{
    if (!size || data[0] == ' ' || data[size - 1] == ' ') return true;
    for (size_t i = 0; i < size; i++)
        if (strchr(",\"\r\n", data[i]) && data[i]) return true;
    return false;
}

void es_csv_bytes(es_csv *csv, const char *data, size_t size)
{
    begin_field(csv);
    if (!data) return;
    bool quoted = needs_quotes(data, size);
    if (quoted) fputc('"', csv->out);
    for (size_t at = 0; at < size;) {
        uint32_t code_point = 0;
        int length = es_utf8_decode(data + at, size - at, &code_point);
        if (!length) {
            fputs("\xEF\xBF\xBD", csv->out);
            at += es_display_ill_formed(data + at, size - at);
            continue;
        }
        if (code_point == '"') fputc('"', csv->out);
        fwrite(data + at, 1, (size_t)length, csv->out);
        at += (size_t)length;
    }
    if (quoted) fputc('"', csv->out);
}

void es_csv_text(es_csv *csv, const char *text)
{
    es_csv_bytes(csv, text, text ? strlen(text) : 0);
}

void es_csv_double(es_csv *csv, double value)
{
    begin_field(csv);
    if (!isfinite(value)) return;
    char number[ES_NUMBER_TEXT];
    es_number_shortest(value, number);
    fputs(number, csv->out);
}

void es_csv_float(es_csv *csv, float value)
{
    begin_field(csv);
    if (!isfinite(value)) return;
    char number[ES_NUMBER_TEXT];
    es_number_shortest_float(value, number);
    fputs(number, csv->out);
}

void es_csv_int(es_csv *csv, int64_t value)
{
    begin_field(csv);
    fprintf(csv->out, "%lld", (long long)value);
}

void es_csv_hex(es_csv *csv, const char *data, size_t size)
{
    begin_field(csv);
    for (size_t i = 0; i < size; i++) fprintf(csv->out, "%02x", (unsigned char)data[i]);
}

void es_csv_end_line(es_csv *csv)
{
    fputs("\r\n", csv->out);
    csv->any = false;
}

void es_csv_header(es_csv *csv, const char *const *names)
{
    for (; *names; names++) es_csv_text(csv, *names);
    es_csv_end_line(csv);
}
