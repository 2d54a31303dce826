/* Orders, ranks, and how far two orders agree. */
#ifndef ES_ANALYSIS_RANKS_H
#define ES_ANALYSIS_RANKS_H

#include "base/status.h"

#include <stdint.h>

/* A value and the place it came from. */
typedef struct es_ranked {
    double value;
    int64_t place;
} es_ranked;

/* The n values, largest first, equal ones by place; places are 0 ... n-1. No NaN. */
void es_order_descending(const double *values, int64_t n, es_ranked *order);

/* Ranks 1 ... n, the smallest value first, equal ones sharing their mean rank, at their places. */
void es_ranks_of(const es_ranked *order, int64_t n, double *ranks);

/* Pearson's correlation of n pairs of values, about their means; of ranks it is Spearman's. NaN
 * where one side is constant, or n < 2. */
double es_correlate(const double *a, const double *b, int64_t n);

#endif
