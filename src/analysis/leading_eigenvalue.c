#include "analysis/leading_eigenvalue.h"

#include "base/random.h"

#include <math.h>

enum { STEPS = 100 };
#define CONVERGED 1e-13

int64_t es_leading_eigenvalue_scratch(int64_t n)
{
    return (STEPS + 1) * n;
}

/* Largest eigenvalue of a tridiagonal matrix, by bisection: below x lie as many eigenvalues as the
 * factorisation of T - x has negative pivots (Sturm). */
static double largest_of_tridiagonal(int steps, const double *diagonal, const double *off)
{
    double low = diagonal[0], high = diagonal[0];
    for (int i = 0; i < steps; i++) {
        double reach = (i ? fabs(off[i - 1]) : 0) + (i + 1 < steps ? fabs(off[i]) : 0);
        low = fmax(low, diagonal[i]);
        high = fmax(high, diagonal[i] + reach); /* Gershgorin */
    }
    for (int turn = 0; turn < 200 && low < high; turn++) {
        double x = low + (high - low) / 2;
        if (x <= low || x >= high) break;
        double pivot = 1;
        int below = 0;
        for (int i = 0; i < steps; i++) {
            double coupling = i ? off[i - 1] * off[i - 1] / pivot : 0;
            pivot = diagonal[i] - x - coupling;
            if (pivot == 0) pivot = -1e-300;
            below += pivot < 0;
        }
        if (below == steps)
            high = x;
        else
            low = x;
    }
    return low + (high - low) / 2;
}

/* Take the first `count` vectors out of `vector`, twice: once is not enough (Kahan, Parlett). */
static void orthogonalise(const es_kernel *kernel, int64_t n, const double *basis, int count,
                          double *vector)
{
    for (int turn = 0; turn < 2; turn++)
        for (int i = 0; i < count; i++) {
            double along = kernel->dot(basis + i * n, vector, n);
            for (int64_t k = 0; k < n; k++) vector[k] -= along * basis[i * n + k];
        }
}

static double normalise(const es_kernel *kernel, int64_t n, double *vector)
{
    double norm = sqrt(kernel->dot(vector, vector, n));
    for (int64_t k = 0; norm > 0 && k < n; k++) vector[k] /= norm;
    return norm;
}

double es_leading_eigenvalue(const es_kernel *kernel, int64_t n, const double *matrix,
                             double *scratch)
{
    double diagonal[STEPS], off[STEPS], *basis = scratch, found = 0, before = -INFINITY;
    int steps = n < STEPS ? (int)n : STEPS;
    es_random random = {20200213};
    for (int64_t k = 0; k < n; k++)
        basis[k] = 0.5 + (double)(es_random_next(&random) >> 11) * 0x1p-53;
    normalise(kernel, n, basis);
    for (int j = 0; j < steps; j++) {
        const double *q = basis + j * n;
        double *next = basis + (j + 1) * n;
        for (int64_t i = 0; i < n; i++) next[i] = kernel->dot(matrix + i * n, q, n);
        diagonal[j] = kernel->dot(q, next, n);
        orthogonalise(kernel, n, basis, j + 1, next);
        off[j] = normalise(kernel, n, next);
        bool whole = off[j] <= 1e-14 * (double)n; /* the start lies in these steps' span */
        if (j % 4 != 3 && j + 1 < steps && !whole) continue;
        found = largest_of_tridiagonal(j + 1, diagonal, off);
        if (whole || found - before <= CONVERGED * found) break;
        before = found;
    }
    return found;
}
