/* A file of lines in columns, a line at a time. The bytes are changed where quotes are taken off.
 */
#ifndef ES_ANALYSIS_DATASET_LINES_H
#define ES_ANALYSIS_DATASET_LINES_H

#include "base/status.h"

#include <embscope/vocabulary.h>

enum { ES_LINE_BYTES = 1 << 16, ES_LINE_FIELDS = 256 };

typedef struct es_dataset_lines {
    const char *path;
    char *at, *end; /* what is left */
    char *line;     /* the present one, without its end */
    size_t size;
    int64_t number; /* of the present line, from 1 */
    char separator;
    int64_t field_count;
    es_bytes fields[ES_LINE_FIELDS];
    es_error *error;
} es_dataset_lines;

es_dataset_lines es_dataset_lines_of(const char *path, char *data, size_t size, es_error *error);

/* The next line that is neither empty nor white space: checked for NUL bytes, UTF-8 and length. At
 * the end ->line is NULL. */
es_status es_dataset_next_line(es_dataset_lines *lines);

/* '\t', ';', ',' or ' ': what parts the present line. */
char es_dataset_find_separator(const es_dataset_lines *lines);

/* The present line into ->fields, blanks around each taken off. */
es_status es_dataset_split(es_dataset_lines *lines);

/* "PATH:LINE:COLUMN: ...", where `place` points into the line. BAD_INPUT. */
es_status es_dataset_fail(const es_dataset_lines *lines, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
