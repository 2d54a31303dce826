/* The largest eigenvalue alone. */
#ifndef ES_ANALYSIS_LEADING_EIGENVALUE_H
#define ES_ANALYSIS_LEADING_EIGENVALUE_H

#include "kernel/kernel.h"

/* Doubles of scratch it takes. */
int64_t es_leading_eigenvalue_scratch(int64_t n);

/* Largest eigenvalue of the symmetric matrix (n, n), by Lanczos' method with full
 * reorthogonalisation from a fixed start; never above the true one but for rounding, and, for
 * cosine matrices, within 1e-9 of it. The same bits on every kernel. O(100 n^2) at most. */
double es_leading_eigenvalue(const es_kernel *kernel, int64_t n, const double *matrix,
                             double *scratch);

#endif
