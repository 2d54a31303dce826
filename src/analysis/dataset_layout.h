/* What the first lines of a data set say of all: its kind, what parts columns, where the score is.
 */
#ifndef ES_ANALYSIS_DATASET_LAYOUT_H
#define ES_ANALYSIS_DATASET_LAYOUT_H

#include "analysis/dataset_lines.h"

#include <embscope/dataset.h>

typedef struct es_dataset_layout {
    es_dataset_kind kind;
    char separator;
    int64_t header_line; /* its number; 0: there is none */
    int64_t words_at;    /* the column of the first word, from 0: 1 after a column of numbers */
    int64_t score_at;    /* from 0; -1: none */
} es_dataset_layout;

/* `data` is a copy to spoil. */
es_status es_dataset_find_layout(const char *path, char *data, size_t size,
                                 const es_dataset_options *options, es_dataset_layout *layout,
                                 es_error *error);

/* A whole field that is a finite number. */
bool es_dataset_number(es_bytes field, double *value);

#endif
