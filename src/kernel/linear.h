/* Dense float64 linear algebra that others do well: OpenBLAS and LAPACK, on one thread, so that a
 * result does not depend on how many there are. */
#ifndef ES_KERNEL_LINEAR_H
#define ES_KERNEL_LINEAR_H

#include "base/status.h"

#include <stdint.h>

/* gram (d, d) += rows' rows for rows (n, d), row-major; the upper triangle only. */
void es_gram_add(int64_t n, int64_t d, const double *rows, double *gram);

/* Eigenvalues, descending, and orthonormal eigenvectors of the symmetric matrix (n, n), which is
 * overwritten: row k becomes the vector of values[k], its component of largest magnitude positive
 * (the first one among equals). n <= 20,000. NO_MEMORY, INTERNAL where LAPACK does not converge. */
es_status es_eigen_symmetric(int64_t n, double *matrix, double *values, es_error *error);

/* out (n, k) = rows (n, d) times vectors (k, d)'. Between es_products_begin(), which returns what
 * es_products_end() takes, any number of threads may call it; of what is here, only what says so is
 * called then.
 *
 * es_products_add(): out (da, db) += a' b, a (n, da) with rows `stride` apart, b (n, db). */
int es_products_begin(void);
void es_products(int64_t n, int64_t d, int64_t k, const double *rows, const double *vectors,
                 double *out);
void es_products_add(int64_t n, int64_t da, int64_t db, const double *a, int64_t stride,
                     const double *b, double *out);
void es_products_end(int before);

/* The eigenvalues of es_eigen_symmetric() alone. As es_products(), by any number of threads between
 * es_products_begin() and es_products_end(). */
es_status es_eigen_values(int64_t n, double *matrix, double *values, es_error *error);

/* Singular values, descending, of matrix (m, n), which is overwritten: min(m, n) of them. Where
 * es_eigen_values() may be called. */
es_status es_singular_values(int64_t m, int64_t n, double *matrix, double *values, es_error *error);

/* The same, and the matrix becomes the sum over k of left_k right_k', the orthogonal factor of its
 * polar decomposition (a part of one where m differs from n). */
es_status es_polar_factor(int64_t m, int64_t n, double *matrix, double *values, es_error *error);

#endif
