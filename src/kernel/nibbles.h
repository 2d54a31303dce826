/* Rows in 8-bit integers, cut in two planes of four bits, for one query at a time: a look at every
 * row reads the high plane alone, an eighth of the table in float32, and the few rows that pass are
 * looked at again with the low plane.
 *
 * A unit row u is centred, x = u - mu, rotated, y = R x, and quantised, y = scale q + r, |q| <=
 * 127. q + 128 = 16 high + low, both 0 ... 15. The high plane alone says y = scale (16 high - 120)
 * + r', which is off by at most 8 scale a component. Either way, for a query Y = scale q' + r'' of
 * the same kind,
 *
 *   u . u' = scale scale' (q . q') + offset + offset' + e,  |e| by Cauchy and Schwarz,
 *   offset = mu . x + mu . mu / 2.
 *
 * docs/mathematics.md has the derivation. */
#ifndef ES_KERNEL_NIBBLES_H
#define ES_KERNEL_NIBBLES_H

#include "kernel/bytes.h"

/* What is added to the bounds for what float32 rounds; that of large residuals is in themselves. */
#define ES_NIBBLE_ALLOWANCE ES_SCREEN_ALLOWANCE

typedef struct es_nibbles {
    int64_t rows, depth;
    int64_t places;      /* rows rounded up to whole groups of ES_GROUP and panels of ES_PANEL */
    int64_t stride;      /* bytes of a row in each plane: see es_kernel.nibble_bounds */
    uint8_t *high, *low; /* (places, stride) */
    /* (places) each; `offset` is -infinity in places past the last row, so that none is reached. */
    float *scale, *offset;
    float *coarse;        /* >= ||r'|| */
    float *fine, *length; /* >= ||r||; >= ||y|| and >= ||scale q|| */
} es_nibbles;

/* Room for rows x depth, depth <= ES_BYTE_DEPTH. Release with es_nibbles_release(). */
es_status es_nibbles_init(es_nibbles *pack, int64_t rows, int64_t depth, es_error *error);
void es_nibbles_release(es_nibbles *pack);

/* Put row `row`: y is (depth), the centred and rotated row; `scratch` holds `stride` * 2 bytes.
 * Different rows may be put by different threads. */
void es_nibbles_put(es_nibbles *pack, int64_t row, const double *y, double offset, int8_t *scratch);

/* Rows first ... first + ES_PANEL - 1 as a right panel of es_kernel.byte_product. */
void es_nibbles_expand(const es_nibbles *pack, int64_t first, uint8_t *panel);

/* A query as the planes want it. */
typedef struct es_nibble_query {
    int8_t *components; /* (2 * stride), zero past the depth; the caller's storage */
    int32_t sum;        /* of the components */
    float scale, offset, length, residual, norm; /* length >= ||scale q||; norm, >= ||y|| too */
} es_nibble_query;

/* y is (depth), the centred and rotated query. */
void es_nibble_query_put(const es_nibbles *pack, const double *y, double offset,
                         es_nibble_query *query);

/* upper[i] >= the cosine of row first + i, i < ES_GROUP, from the high plane; returns the largest.
 * `first` is a multiple of ES_GROUP. */
float es_nibbles_coarse(const es_kernel *kernel, const es_nibbles *pack, int64_t first,
                        const es_nibble_query *query, float *upper);

/* lower <= cosine of row <= upper from both planes, given the row's coarse upper bound. */
typedef struct es_interval {
    float lower, upper;
} es_interval;
es_interval es_nibbles_fine(const es_kernel *kernel, const es_nibbles *pack, int64_t row,
                            const es_nibble_query *query, float coarse_upper);

#endif
