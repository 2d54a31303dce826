/* The nearest rows of every row: float32 screens, float64 decides. */
#ifndef ES_ANALYSIS_NEAREST_H
#define ES_ANALYSIS_NEAREST_H

#include "space/space.h"

#include <embscope/progress.h>

/* means[i] = mean cosine of row i to its k nearest other rows, exactly those of a float64 brute
 * force; NaN for undefined rows (and where there is no other row). *means is malloc'ed, (rows). */
es_status es_nearest_means(es_space *space, int64_t k, int threads, const es_progress *progress,
                           double **means, es_error *error);

/* The same for one unit vector, its own rows left out by id. */
es_status es_nearest_mean_of_vector(es_space *space, const double *unit, int64_t k,
                                    const int64_t *excluded, int64_t excluded_count, double *mean,
                                    es_error *error);

#endif
