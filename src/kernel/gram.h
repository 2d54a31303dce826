/* The Gram matrix by register tiles: the part that instruction sets share. A set brings the product
 * of one tile; who calls it, and what is copied for it, is written here once. */
#ifndef ES_KERNEL_GRAM_H
#define ES_KERNEL_GRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    ES_GRAM_ROWS = 8,
    ES_GRAM_WIDTH = 24,
    ES_GRAM_DEPTH = 128, /* rows of the table a tile goes through before it is stored again: their
                            24 columns are 24 KB and stay in the first-level cache */
    ES_GRAM_BAND = 64,   /* rows of the Gram matrix that share those columns */
};

/* tile[r][c] += sum over k of left[k][r] * right[k][c], k ascending, fused. */
typedef void es_gram_tile(int64_t depth, const double *left, const double *right, double *tile);

/* Copy `width` columns of `depth` rows side by side, zeros past the last column of the table.
 * `width` is a constant where this is inlined, and a whole copy a few moves. */
static inline __attribute__((always_inline)) void
es_gram_copy(const double *rows, int64_t depth, int64_t d, int64_t from, int64_t width, double *to)
{
    int64_t there = d - from < width ? d - from : width;
    if (there == width) {
        for (int64_t k = 0; k < depth; k++)
            memcpy(to + k * width, rows + k * d + from, (size_t)width * sizeof *to);
        return;
    }
    memset(to, 0, (size_t)(depth * width) * sizeof *to);
    for (int64_t k = 0; k < depth; k++)
        memcpy(to + k * width, rows + k * d + from, (size_t)there * sizeof *to);
}

/* Move the part of a tile at (i, j) that lies in rows < end, columns < d, on or above the diagonal:
 * from the Gram matrix into the tile, or back. */
static inline void es_gram_move(double *gram, int64_t d, int64_t i, int64_t end, int64_t j,
                                double *tile, bool back)
{
    if (i + ES_GRAM_ROWS <= end && j >= i + ES_GRAM_ROWS && j + ES_GRAM_WIDTH <= d) {
        for (int64_t r = 0; r < ES_GRAM_ROWS; r++) {
            double *there = gram + (i + r) * d + j, *here = tile + r * ES_GRAM_WIDTH;
            memcpy(back ? there : here, back ? here : there, ES_GRAM_WIDTH * sizeof *here);
        }
        return;
    }
    for (int64_t r = 0; r < ES_GRAM_ROWS && i + r < end; r++) {
        int64_t first = j > i + r ? j : i + r;
        int64_t last = d < j + ES_GRAM_WIDTH ? d : j + ES_GRAM_WIDTH;
        if (first >= last) continue;
        double *there = gram + (i + r) * d + first;
        double *here = tile + r * ES_GRAM_WIDTH + (first - j);
        memcpy(back ? there : here, back ? here : there, (size_t)(last - first) * sizeof *here);
    }
}

/* es_kernel.gram for `depth` <= ES_GRAM_DEPTH rows and a band of at most ES_GRAM_BAND. */
static inline void es_gram_band(es_gram_tile *multiply, const double *rows, int64_t depth,
                                int64_t d, int64_t first, int64_t end, double *gram)
{
    _Alignas(64) double left[ES_GRAM_BAND * ES_GRAM_DEPTH];
    _Alignas(64) double right[ES_GRAM_WIDTH * ES_GRAM_DEPTH];
    _Alignas(64) double tile[ES_GRAM_ROWS * ES_GRAM_WIDTH];
    for (int64_t i = first; i < end; i += ES_GRAM_ROWS)
        es_gram_copy(rows, depth, d, i, ES_GRAM_ROWS, left + (i - first) * ES_GRAM_DEPTH);
    for (int64_t j = first; j < d; j += ES_GRAM_WIDTH) {
        es_gram_copy(rows, depth, d, j, ES_GRAM_WIDTH, right);
        for (int64_t i = first; i < end && i < j + ES_GRAM_WIDTH; i += ES_GRAM_ROWS) {
            memset(tile, 0, sizeof tile);
            es_gram_move(gram, d, i, end, j, tile, false);
            multiply(depth, left + (i - first) * ES_GRAM_DEPTH, right, tile);
            es_gram_move(gram, d, i, end, j, tile, true);
        }
    }
}

static inline void es_gram_by_tiles(es_gram_tile *multiply, const double *rows, int64_t count,
                                    int64_t d, int64_t first, int64_t end, double *gram)
{
    for (int64_t r = 0; r < count; r += ES_GRAM_DEPTH)
        for (int64_t i = first; i < end; i += ES_GRAM_BAND) {
            int64_t depth = count - r < ES_GRAM_DEPTH ? count - r : ES_GRAM_DEPTH;
            int64_t stop = end - i < ES_GRAM_BAND ? end : i + ES_GRAM_BAND;
            es_gram_band(multiply, rows + r * d, depth, d, i, stop, gram);
        }
}

#endif
