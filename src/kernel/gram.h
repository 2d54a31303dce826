/* The Gram matrix of the columns of many rows, in float64, by register tiles: what
 * es_kernel.gram_tile stands under. Every sum is a chain of fused multiply-adds over the rows in
 * order, on every set and however the work is cut. */
#ifndef ES_KERNEL_GRAM_H
#define ES_KERNEL_GRAM_H

#include "kernel/kernel.h"

/* Panels of ES_GRAM_PANEL columns that d columns fill, the last one with zeros. */
static inline int64_t es_gram_panels(int64_t d)
{
    return (d + ES_GRAM_PANEL - 1) / ES_GRAM_PANEL;
}

/* Rows packed in panels: component c of panel p of row k at
 * panels[(p * room + k) * ES_GRAM_PANEL + c], aligned to 64 bytes. */
typedef struct es_gram_rows {
    int64_t count, room; /* rows that are there, and that there is room for */
    double *panels;
} es_gram_rows;

/* Put `count` rows (count, d) in the places first ... first+count-1. Different places may be put by
 * different threads. */
void es_gram_put(const es_gram_rows *packed, int64_t first, int64_t count, int64_t d,
                 const double *rows);

/* sums[i][j] += the products of columns i and j of all rows, for the panels [left, left_end) of i
 * and [right, right_end) of j, in tiles on or above the diagonal: below it, an element may be
 * touched or not. sums has rows of `stride` and is as large as the panels. */
void es_gram_add_block(const es_kernel *kernel, const es_gram_rows *packed, int64_t left,
                       int64_t left_end, int64_t right, int64_t right_end, double *sums,
                       int64_t stride);

/* The same from rows (count, d) as they lie: gram (d, d), rows [first, end) of it, on and above the
 * diagonal; the rest is not touched. */
void es_gram_add_band(const es_kernel *kernel, const double *rows, int64_t count, int64_t d,
                      int64_t first, int64_t end, double *gram);

#endif
