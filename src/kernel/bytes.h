/* Rows in 8-bit integers, packed for the screen: 4 x fewer operations and 8 x less memory than
 * float32 pairs, and integers are exact, so that all sets agree.
 *
 * A unit row u is centred, x = u - mu, rotated, y = R x, and quantised, y = scale q + r. Then
 *
 *   u_i . u_j = scale_i scale_j (q_i . q_j) + offset_i + offset_j + e,  |e| by Cauchy and Schwarz,
 *   offset_i = mu . x_i + mu . mu / 2.
 */
#ifndef ES_KERNEL_BYTES_H
#define ES_KERNEL_BYTES_H

#include "kernel/tiles.h"

enum { ES_BYTE_BLOCK = 8 * ES_PANEL };

/* What float32 may add to the bound of es_screen_side. Derived in docs/mathematics.md, section 13:
 * at most 2.6e-6 at depth 768 and 7.0e-6 at 65,536, roundings of the stored figures included. */
#define ES_SCREEN_ALLOWANCE 1e-5

/* A row in 8 bits: y = scale q + r. length >= ||scale q||, residual >= ||r||, that of the
 * rotation's own rounding included; sum is that of the q. */
typedef struct es_quantised {
    float scale, length, residual;
    int32_t sum;
} es_quantised;

/* Component k goes to q[k / 4 * step + k % 4], within -127 ... 127; step 4 is side by side. */
es_quantised es_quantise(const double *y, int64_t depth, int8_t *q, int64_t step);

typedef struct es_bytes_pack {
    int64_t rows, depth, padded; /* padded: depth rounded up to a multiple of 4 */
    int8_t *left;                /* strips of ES_STRIP rows: see es_kernel.byte_product */
    uint8_t *right;              /* panels of ES_PANEL rows */
    int32_t *start;
    float *scale, *offset, *length, *residual; /* (rows, padded to whole panels) */
} es_bytes_pack;

/* Room for rows x depth (depth <= ES_BYTE_DEPTH, so that no sum overflows 32 bits). */
enum { ES_BYTE_DEPTH = 1 << 16 };
es_status es_bytes_init(es_bytes_pack *pack, int64_t rows, int64_t depth, es_error *error);
void es_bytes_release(es_bytes_pack *pack);

/* Put row `row`: y is (depth), the centred and rotated row. Different rows may be put by different
 * threads. */
void es_bytes_put(es_bytes_pack *pack, int64_t row, const double *y, double offset);

/* Multiply the rows of a strip's place: sums[ES_STRIP][ES_PANEL]. */
void es_bytes_multiply(const es_kernel *kernel, const es_bytes_pack *pack, const es_strip *place,
                       int32_t *sums);

#endif
