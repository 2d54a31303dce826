/* What is done to the rows before any cosine. Every step is an affine map that is fitted once, in
 * float64, on the defined rows of the table as the steps before it left them; it is then applied to
 * rows as they are read, so that no transformed copy of the table is ever stored.
 *
 *   center        x - mu
 *   abtt[:D]      mean and the D leading principal components removed (all-but-the-top, Mu and
 *                 Viswanath 2018); D = round(d / 100), at least 1, where it is not given
 *   standardize   (x - mu) / sigma, component by component (population sigma; a constant component
 *                 becomes 0)
 *   whiten        Lambda^(-1/2) V' (x - mu): covariance the identity. Cosines do not depend on the
 *                 rotation, so PCA and ZCA whitening agree. Directions with an eigenvalue below
 *                 1e-12 of the largest are dropped (they hold rounding, not variance). */
#ifndef ES_SPACE_TRANSFORM_H
#define ES_SPACE_TRANSFORM_H

#include "base/status.h"
#include "kernel/kernel.h"

#include <embscope/space.h>

typedef struct es_transform es_transform;

/* Parse a chain. BAD_ARGUMENT names the step that is wrong and lists those there are. */
es_status es_transform_parse(const char *chain, const es_kernel *kernel, int64_t columns,
                             es_transform **transform, es_error *error);
void es_transform_free(es_transform *transform);

int64_t es_transform_count(const es_transform *transform);
const char *const *es_transform_names(const es_transform *transform);

/* Reads rows in order for fitting: raw rows first .. first+count-1. */
typedef es_status es_read_raw_rows(void *context, int64_t first, int64_t count, double *out,
                                   es_error *error);

/* Fit every step on `rows` rows; non-finite and zero rows are left out. BAD_INPUT where none is
 * left. */
es_status es_transform_fit(es_transform *transform, int64_t rows, es_read_raw_rows *read,
                           void *context, es_error *error);

/* Transform `count` rows in place. */
es_status es_transform_apply(const es_transform *transform, int64_t count, double *rows,
                             es_error *error);

#endif
