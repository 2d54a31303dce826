/* The order of rows by logit, by cosine, by norm, and what makes the first of them. */
#ifndef ES_ANALYSIS_LOGIT_ORDER_H
#define ES_ANALYSIS_LOGIT_ORDER_H

#include "base/status.h"

#include <embscope/predict.h>

/* Sorts n values; one for each thread. All zero is empty. */
typedef struct es_row_sorter {
    uint64_t *keys, *other_keys; /* (n) */
    int32_t *other_ids;          /* (n) */
} es_row_sorter;
es_status es_row_sorter_init(es_row_sorter *sorter, int64_t n, es_error *error);
void es_row_sorter_release(es_row_sorter *sorter);

/* ids (n): 0 ... n-1 by descending value, equal values by id; NaN comes last, by id. */
void es_rows_sort(es_row_sorter *sorter, int64_t n, const double *values, int32_t *ids);

/* ranks (n): where each id stands in `ids`, from 1; 0 for those beyond the first `count`. */
void es_rows_rank(int64_t n, const int32_t *ids, int64_t count, int32_t *ranks);

/* mean_ranks (n): ranks from 1 among the rows with a value in `defined` that is not NaN, in the
 * order `ids` of `values`; equal values share the mean of their ranks. */
void es_rows_mean_rank(int64_t n, const double *values, const double *defined, const int32_t *ids,
                       double *mean_ranks);

/* Everything of *order. cosines is NaN for undefined rows, of which all else is passed over; the
 * mean ranks are those of logits, cosines and norms. */
typedef struct es_order_input {
    int64_t n;
    double hidden_norm;
    const double *logits, *cosines, *norms;
    const double *logit_ranks, *cosine_ranks, *norm_ranks;
} es_order_input;
void es_logit_order_describe(const es_order_input *input, es_logit_order *order);

#endif
