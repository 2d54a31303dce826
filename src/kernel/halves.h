/* Rows in binary16, for scores: half as much to read as float32, and rows lie all over memory.
 *
 * A unit row u is centred, x = u - mu, and scaled by a power of two to a length in [1/2, 1), so
 * that rows near the mean keep their digits: x = scale h + r. Then
 *
 *   u_i . u_j = scale_i scale_j (h_i . h_j) + offset_i + offset_j + e,  offset as kernel/bytes.h
 * has it.
 *
 * |score - u_i . u_j| is at most es_halves_bound(); docs/mathematics.md, section 13, has the proof.
 */
#ifndef ES_KERNEL_HALVES_H
#define ES_KERNEL_HALVES_H

#include "kernel/kernel.h"

typedef struct es_halves {
    int64_t rows, depth, stride; /* stride: depth rounded up to a multiple of ES_HALF_ROW */
    uint16_t *data;              /* (rows, stride), zeros past the depth */
    float *scale, *offset;       /* (rows) */
    double *length;              /* (rows): ||x|| */
} es_halves;

es_status es_halves_init(es_halves *halves, int64_t rows, int64_t depth, es_error *error);
void es_halves_release(es_halves *halves);

/* Put row `row`: x is (depth), the centred row; `scratch` holds as many doubles and ES_HALF_ROW
 * more. Different rows may be put by different threads. */
void es_halves_put(const es_kernel *kernel, es_halves *halves, int64_t row, const double *x,
                   double offset, double *scratch);

/* Of all rows that were put. */
double es_halves_bound(const es_halves *halves);

static inline const uint16_t *es_halves_row(const es_halves *halves, int64_t row)
{
    return halves->data + row * halves->stride;
}

static inline float es_halves_score(const es_kernel *kernel, const es_halves *halves, int64_t a,
                                    int64_t b)
{
    float dot =
        kernel->half_dot(es_halves_row(halves, a), es_halves_row(halves, b), halves->stride);
    return dot * (halves->scale[a] * halves->scale[b]) + (halves->offset[a] + halves->offset[b]);
}

#endif
