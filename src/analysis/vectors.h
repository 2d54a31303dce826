/* Figures of two vectors, float64, written once for all analyses. */
#ifndef ES_ANALYSIS_VECTORS_H
#define ES_ANALYSIS_VECTORS_H

#include "space/space.h"

/* unit = vector / ||vector||; returns the norm, 0 (and NaN components) where it is undefined. */
double es_make_unit(const es_kernel *kernel, const double *vector, int64_t count, double *unit);

/* ||a - b|| from the difference vector; `scratch` holds `count` doubles. */
double es_difference_norm(const es_kernel *kernel, const double *a, const double *b, int64_t count,
                          double *scratch);

/* The mean, (columns), of about `wanted` unit rows spread over the given defined rows: a point to
 * centre on. Any point is right; the nearer it is to the mean of all, the shorter are the centred
 * rows. Needs the norms. */
es_status es_sample_mean(es_space *space, const int64_t *ids, int64_t count, int64_t wanted,
                         double *mean, es_error *error);

/* Cosines (float32) of a million pairs of the space, or of all its pairs where they are fewer: see
 * es_similarity.percentile_pairs. malloc'ed, ascending. */
es_status es_sample_cosines(es_space *space, float **cosines, int64_t *count, es_error *error);

#endif
