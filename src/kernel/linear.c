#include "kernel/linear.h"

#include "base/memory.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

/* OpenBLAS keeps its number of threads in the process: lower it, put it back. */
static pthread_mutex_t blas_lock = PTHREAD_MUTEX_INITIALIZER;

static int begin_single_thread(void)
{
    pthread_mutex_lock(&blas_lock);
    int before = openblas_get_num_threads();
    openblas_set_num_threads(1);
    return before;
}

static void end_single_thread(int before)
{
    openblas_set_num_threads(before);
    pthread_mutex_unlock(&blas_lock);
}

void es_gram_add(int64_t n, int64_t d, const double *rows, double *gram)
{
    if (!n || !d) return;
    int before = begin_single_thread();
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)d, (int)n, 1, rows, (int)d, 1, gram,
                (int)d);
    end_single_thread(before);
}

/* LAPACK's vector signs are arbitrary: fix them. */
static void orient(int64_t n, double *vector)
{
    int64_t largest = 0;
    for (int64_t k = 1; k < n; k++)
        if (fabs(vector[k]) > fabs(vector[largest])) largest = k;
    if (vector[largest] < 0)
        for (int64_t k = 0; k < n; k++) vector[k] = -vector[k];
}

static void swap(double *a, double *b)
{
    double held = *a;
    *a = *b;
    *b = held;
}

/* LAPACK's verdict in words. */
static es_status verdict(int info, const char *what, int64_t m, int64_t n, es_error *error)
{
    if (info == LAPACK_WORK_MEMORY_ERROR)
        return es_fail(error, ES_NO_MEMORY, "out of memory (%s of a %lld x %lld matrix)", what,
                       (long long)m, (long long)n);
    if (info != 0)
        return es_fail(error, ES_INTERNAL, "the %s of a %lld x %lld matrix did not come out", what,
                       (long long)m, (long long)n);
    return ES_OK;
}

es_status es_eigen_symmetric(int64_t n, double *matrix, double *values, es_error *error)
{
    int before = begin_single_thread();
    /* Column-major LAPACK leaves vector k in column k, which is row k to us. */
    int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', (int)n, matrix, (int)n, values);
    end_single_thread(before);
    ES_TRY(verdict(info, "eigenvalues", n, n, error));
    for (int64_t k = 0; k < n / 2; k++) { /* ascending to descending */
        swap(&values[k], &values[n - 1 - k]);
        for (int64_t i = 0; i < n; i++) swap(&matrix[k * n + i], &matrix[(n - 1 - k) * n + i]);
    }
    for (int64_t k = 0; k < n; k++) orient(n, matrix + k * n);
    return ES_OK;
}

int es_products_begin(void)
{
    return begin_single_thread();
}

void es_products(int64_t n, int64_t d, int64_t k, const double *rows, const double *vectors,
                 double *out)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)k, (int)d, 1, rows, (int)d,
                vectors, (int)d, 0, out, (int)k);
}

void es_products_add(int64_t n, int64_t da, int64_t db, const double *a, int64_t stride,
                     const double *b, double *out)
{
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)da, (int)db, (int)n, 1, a,
                (int)stride, b, (int)db, 1, out, (int)db);
}

void es_products_end(int before)
{
    end_single_thread(before);
}

es_status es_eigen_values(int64_t n, double *matrix, double *values, es_error *error)
{
    int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'N', 'U', (int)n, matrix, (int)n, values);
    ES_TRY(verdict(info, "eigenvalues", n, n, error));
    for (int64_t k = 0; k < n / 2; k++) swap(&values[k], &values[n - 1 - k]);
    return ES_OK;
}

es_status es_singular_values(int64_t m, int64_t n, double *matrix, double *values, es_error *error)
{
    /* Row-major (m, n) is column-major (n, m): the same singular values. */
    int info = LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', (int)n, (int)m, matrix, (int)n, values, NULL,
                              1, NULL, 1);
    return verdict(info, "singular values", m, n, error);
}

es_status es_polar_factor(int64_t m, int64_t n, double *matrix, double *values, es_error *error)
{
    int64_t k = m < n ? m : n;
    double *left = es_alloc(n, (size_t)k * sizeof *left);
    double *right = es_alloc(k, (size_t)m * sizeof *right);
    es_status status = ES_OK;
    if (!left || !right) status = es_fail_memory(error, "singular vectors", (size_t)(m * n) * 8);
    if (status == ES_OK) {
        int info = LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'S', (int)n, (int)m, matrix, (int)n, values,
                                  left, (int)n, right, (int)k);
        status = verdict(info, "singular values", m, n, error);
    }
    if (status == ES_OK)
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)m, (int)k, 1, left,
                    (int)n, right, (int)k, 0, matrix, (int)n);
    free(left);
    free(right);
    return status;
}
