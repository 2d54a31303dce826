/* A random orthogonal map that spreads what a few dimensions hold over all of them, so that 8-bit
 * integers lose as little of a row with outlier dimensions as of any other.
 *
 * Two rounds of: random order, random signs, Hadamard transforms of the blocks that the binary
 * digits of d give (768 = 512 + 256, 300 = 256 + 32 + 8 + 4). Orthogonal for every d, no padding.
 */
#ifndef ES_KERNEL_ROTATION_H
#define ES_KERNEL_ROTATION_H

#include "kernel/kernel.h"

enum { ES_ROTATION_ROUNDS = 2 };

typedef struct es_rotation {
    int64_t depth;
    int32_t *order; /* (rounds, depth) */
    double *sign;   /* (rounds, depth), +1 or -1 over sqrt(block size) */
} es_rotation;

es_status es_rotation_init(es_rotation *rotation, int64_t depth, uint64_t seed, es_error *error);
void es_rotation_release(es_rotation *rotation);

/* Rotate `row` in place; `scratch` holds `depth` doubles. The norm is kept to within
 * ES_ROTATION_ERROR relative: 2 rounds of log2 d <= 32 additions and a product, 2^-53 each. */
#define ES_ROTATION_ERROR 0x1p-46
void es_rotation_apply(const es_kernel *kernel, const es_rotation *rotation, double *row,
                       double *scratch);

#endif
