/* Sums over many rows of one table, in float64, in one reading of it: of the rows, of their squared
 * lengths, and the d x d Gram matrix.
 *
 * Rows are taken about a point near their mean, so that a covariance keeps its digits where the
 * mean is long, and is exactly zero where all rows agree. The same bits for any thread count and
 * any instruction set. */
#ifndef ES_ANALYSIS_SUMS_H
#define ES_ANALYSIS_SUMS_H

#include "space/space.h"

#include <embscope/progress.h>

/* Rows first ... first+count-1 of what is summed, (count, d); from any thread. */
typedef es_status es_read_summands(void *context, int64_t first, int64_t count, double *out,
                                   es_error *error);

typedef struct es_summands {
    es_read_summands *read;
    void *context;
    int64_t count, d;
    const double *shift; /* (d): the point; NULL: the origin */
    const es_kernel *kernel;
    int threads;
    const es_progress *progress; /* counts rows; NULL: none */
} es_summands;

typedef struct es_sums {
    double *sum;    /* (d): sum of the rows less the shift */
    double *gram;   /* (d, d), the upper triangle: of the rows less the shift; NULL unless asked */
    double squares; /* sums of ||x||^2 and ||x||^4, rows less the shift */
    double fourths;
} es_sums;

es_status es_sums_compute(const es_summands *rows, bool with_gram, es_sums *sums, es_error *error);
void es_sums_release(es_sums *sums);

/* From sums over `count` rows about `shift`: matrix (d, d), whole, is their population covariance,
 * or their Gram matrix (about the origin). */
void es_sums_covariance(const es_sums *sums, int64_t count, int64_t d, double *matrix);
void es_sums_gram(const es_sums *sums, int64_t count, int64_t d, const double *shift,
                  double *matrix);

/* A compensated running sum (Neumaier 1974). */
typedef struct es_long_sum {
    double total, lost;
} es_long_sum;
void es_long_sum_add(es_long_sum *sum, double x);

#endif
