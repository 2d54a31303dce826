/* Comma-separated values as RFC 4180 has them: lines end in CR LF, a field with a comma, a quote or
 * a line's end stands between quotes. UTF-8; what is undefined is an empty field. */
#ifndef ES_RENDER_CSV_H
#define ES_RENDER_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct es_csv {
    FILE *out;
    bool any; /* has this line a field already? */
} es_csv;

static inline es_csv es_csv_to(FILE *out)
{
    return (es_csv){.out = out};
}

/* Ill-formed UTF-8 becomes U+FFFD; NULL is an empty field, empty text is "". */
void es_csv_bytes(es_csv *csv, const char *data, size_t size);
void es_csv_text(es_csv *csv, const char *text);
void es_csv_double(es_csv *csv, double value); /* reads back the same; NaN and infinities empty */
void es_csv_float(es_csv *csv, float value);   /* reads back the same float32 */
void es_csv_int(es_csv *csv, int64_t value);
void es_csv_hex(es_csv *csv, const char *data, size_t size);
void es_csv_end_line(es_csv *csv);

/* A line of names, as in es_csv_header(&csv, (const char *[]){"id", "text", NULL}). */
void es_csv_header(es_csv *csv, const char *const *names);

#endif
