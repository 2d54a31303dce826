/* What a model's file holds. */
#ifndef EMBSCOPE_INFO_H
#define EMBSCOPE_INFO_H

#include <embscope/vocabulary.h>

ES_BEGIN_DECLARATIONS

enum { ES_INFO_LISTED = 10 };

/* Rows of one kind: how many, and the first few. */
typedef struct es_row_list {
    int64_t count;
    int64_t first[ES_INFO_LISTED];
    int64_t listed;
} es_row_list;

typedef struct es_info {
    es_vocabulary_kind vocabulary_kind;
    int64_t vocabulary_size;
    int64_t duplicate_keys;
    es_tying tying;
    int64_t untied_rows;        /* rows that differ between embedding and unembedding */
    es_table_comparison tables; /* the whole of it */
    /* norms of defined rows; NaN where there are none. Quartiles by linear interpolation, as
     * NumPy's default. */
    double norm_minimum, norm_quartile1, norm_median, norm_quartile3, norm_maximum, norm_mean;
    es_row_list zero, non_finite;
    es_row_list duplicates; /* rows equal, bit for bit, to an earlier row */
} es_info;

es_status es_info_compute(es_space *space, es_info *info, es_error *error); /* nothing to release */

ES_END_DECLARATIONS
#endif
