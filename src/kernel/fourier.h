/* The discrete Fourier transform in float64, the same bits for every instruction set: sums that
 * wander along a table (autocorrelations) in n log n steps. */
#ifndef ES_KERNEL_FOURIER_H
#define ES_KERNEL_FOURIER_H

#include "base/status.h"

#include <stdint.h>

/* A transform of `size` numbers, a power of two: its roots of unity. Read by many threads at once.
 * Release with es_fourier_release(). */
typedef struct es_fourier {
    int64_t size;
    double *cosine, *sine; /* of stage h = 1, 2, 4 ...: e^(-i pi k / h) at [h - 1 + k], k < h */
} es_fourier;

/* The least power of two that is at least `least` >= 1. */
es_status es_fourier_init(es_fourier *plan, int64_t least, es_error *error);
void es_fourier_release(es_fourier *plan);

/* real + i imaginary -> sum over t of x_t e^(-2 pi i k t / size), in place. The way back is the
 * same with real and imaginary part exchanged, over `size`. */
void es_fourier_forward(const es_fourier *plan, double *real, double *imaginary);

/* power[k] = |sum over t of x_t e^(-2 pi i k t / n)|^2 for k = 0 ... n/2, of any n >= 1:
 * Bluestein's convolution, exact but for rounding. */
es_status es_fourier_power(const double *x, int64_t n, double *power, es_error *error);

#endif
