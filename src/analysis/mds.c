/* Classical scaling (Torgerson 1952) of the chord distances ||u_i - u_j||^2 = 2 - 2 cos: the
 * principal axes of the centred unit rows, from the double-centred S or, where it is smaller, from
 * the d x d Gram matrix of the centred rows. */
#include "analysis/matrix_parts.h"
#include "base/memory.h"
#include "kernel/linear.h"

#include <math.h>
#include <stdlib.h>

/* Less variance than this share of what there could be is rounding. */
#define ROUNDING 1e-13

static double trace(int64_t n, const double *matrix)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += matrix[i * n + i];
    return sum;
}

/* B = J S J, J = I - 11'/n. */
static void center_twice(int64_t n, const double *cosine, double *means, double *centered)
{
    double grand = 0;
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t j = 0; j < n; j++) sum += cosine[i * n + j];
        means[i] = sum / (double)n;
        grand += sum / (double)n;
    }
    grand /= (double)n;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            centered[i * n + j] = cosine[i * n + j] - (means[i] + means[j]) + grand;
}

static void center_rows(int64_t n, int64_t d, double *means, double *rows)
{
    for (int64_t k = 0; k < d; k++) means[k] = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < d; k++) means[k] += rows[i * d + k];
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < d; k++) rows[i * d + k] -= means[k] / (double)n;
}

/* The component of largest magnitude positive, the first among equals, as es_eigen_symmetric(). */
static void orient_axis(int64_t n, double *coordinates, int axis)
{
    int64_t largest = 0;
    for (int64_t i = 1; i < n; i++)
        if (fabs(coordinates[2 * i + axis]) > fabs(coordinates[2 * largest + axis])) largest = i;
    if (coordinates[2 * largest + axis] < 0)
        for (int64_t i = 0; i < n; i++) coordinates[2 * i + axis] = -coordinates[2 * i + axis];
}

es_status es_mds_compute(const es_kernel *kernel, int64_t d, double *rows, es_matrix *matrix,
                         es_error *error)
{
    int64_t n = matrix->n, size = d < n ? d : n;
    double *square = es_alloc(size, (size_t)size * sizeof *square);
    double *values = es_alloc(size, sizeof *values), *means = es_alloc(size, sizeof *means);
    es_status status =
        square && values && means
            ? ES_OK
            : es_fail_memory(error, "the embedding", (size_t)(size * size) * sizeof *square);
    if (status == ES_OK && size < n) {
        center_rows(n, d, means, rows);
        es_gram_add(n, d, rows, square);
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < i; j++) square[i * d + j] = square[j * d + i];
    } else if (status == ES_OK) {
        center_twice(n, matrix->cosine, means, square);
    }
    double variance = status == ES_OK ? trace(size, square) : 0;
    if (status == ES_OK) status = es_eigen_symmetric(size, square, values, error);
    for (int axis = 0; status == ES_OK && axis < 2; axis++) {
        bool any = variance > ROUNDING * (double)n;
        bool real = any && axis < size && values[axis] > ROUNDING * values[0];
        matrix->mds_share[axis] = any ? (real ? values[axis] / variance : 0) : NAN;
        const double *vector = square + axis * size;
        for (int64_t i = 0; real && i < n; i++)
            matrix->coordinates[2 * i + axis] =
                size < n ? kernel->dot(rows + i * d, vector, d) : sqrt(values[axis]) * vector[i];
        orient_axis(n, matrix->coordinates, axis);
    }
    free(square);
    free(values);
    free(means);
    return status;
}
