#include "kernel/gram.h"

#include <string.h>

enum {
    DEEP = 256, /* rows that a tile of a block goes through at once: 8 of their columns are 16 KB,
                   in the first-level cache, and 8 panels 384 KB, in the second */
    SHALLOW = 128, /* of a band: a panel of theirs is 24 KB */
    BAND = 72,     /* rows of the Gram matrix that share a panel */
};

/* Copy columns from ... of `count` rows side by side, zeros past the last of d. Most panels are
 * full: a copy of a known size is a few moves. */
static void copy_panel(const double *rows, int64_t count, int64_t d, int64_t from, double *to)
{
    int64_t there = d - from < ES_GRAM_PANEL ? d - from : ES_GRAM_PANEL;
    if (there == ES_GRAM_PANEL) {
        for (int64_t k = 0; k < count; k++)
            memcpy(to + k * ES_GRAM_PANEL, rows + k * d + from, ES_GRAM_PANEL * sizeof *to);
        return;
    }
    memset(to, 0, (size_t)(count * ES_GRAM_PANEL) * sizeof *to);
    for (int64_t k = 0; k < count; k++)
        memcpy(to + k * ES_GRAM_PANEL, rows + k * d + from, (size_t)there * sizeof *to);
}

void es_gram_put(const es_gram_rows *packed, int64_t first, int64_t count, int64_t d,
                 const double *rows)
{
    for (int64_t p = 0; p < es_gram_panels(d); p++)
        copy_panel(rows, count, d, p * ES_GRAM_PANEL,
                   packed->panels + (p * packed->room + first) * ES_GRAM_PANEL);
}

void es_gram_add_block(const es_kernel *kernel, const es_gram_rows *packed, int64_t left,
                       int64_t left_end, int64_t right, int64_t right_end, double *sums,
                       int64_t stride)
{
    int64_t panel = packed->room * ES_GRAM_PANEL;
    for (int64_t k = 0; k < packed->count; k += DEEP) {
        int64_t depth = packed->count - k < DEEP ? packed->count - k : DEEP;
        const double *rows = packed->panels + k * ES_GRAM_PANEL;
        for (int64_t i = left; i < left_end; i++)
            for (int64_t r = 0; r < ES_GRAM_PANEL; r += ES_GRAM_ROWS)
                for (int64_t j = i > right ? i : right; j < right_end; j++)
                    kernel->gram_tile(depth, rows + i * panel + r, rows + j * panel,
                                      sums + (i * ES_GRAM_PANEL + r) * stride + j * ES_GRAM_PANEL,
                                      stride);
    }
}

/* Move the part of a tile at (i, j) that lies in rows < end, columns < d, on or above the diagonal:
 * from the Gram matrix into the tile, or back. */
static void move(double *gram, int64_t d, int64_t i, int64_t end, int64_t j, double *tile,
                 bool back)
{
    for (int64_t r = 0; r < ES_GRAM_ROWS && i + r < end; r++) {
        int64_t first = j > i + r ? j : i + r;
        int64_t last = d < j + ES_GRAM_PANEL ? d : j + ES_GRAM_PANEL;
        if (first >= last) continue;
        double *there = gram + (i + r) * d + first;
        double *here = tile + r * ES_GRAM_PANEL + (first - j);
        memcpy(back ? there : here, back ? here : there, (size_t)(last - first) * sizeof *here);
    }
}

/* One tile of a band: in place where all of it counts. */
static void add_tile(const es_kernel *kernel, int64_t depth, const double *left,
                     const double *right, double *gram, int64_t d, int64_t i, int64_t end,
                     int64_t j)
{
    if (i + ES_GRAM_ROWS <= end && j >= i + ES_GRAM_ROWS && j + ES_GRAM_PANEL <= d) {
        kernel->gram_tile(depth, left, right, gram + i * d + j, d);
        return;
    }
    double tile[ES_GRAM_ROWS * ES_GRAM_PANEL] = {0};
    move(gram, d, i, end, j, tile, false);
    kernel->gram_tile(depth, left, right, tile, ES_GRAM_PANEL);
    move(gram, d, i, end, j, tile, true);
}

static void add_some(const es_kernel *kernel, const double *rows, int64_t depth, int64_t d,
                     int64_t first, int64_t end, double *gram)
{
    enum { PANEL_SIZE = SHALLOW * ES_GRAM_PANEL };
    _Alignas(64) double left[BAND / ES_GRAM_PANEL * PANEL_SIZE];
    _Alignas(64) double right[PANEL_SIZE];
    for (int64_t i = first; i < end; i += ES_GRAM_PANEL)
        copy_panel(rows, depth, d, i, left + (i - first) / ES_GRAM_PANEL * PANEL_SIZE);
    for (int64_t j = first; j < d; j += ES_GRAM_PANEL) {
        copy_panel(rows, depth, d, j, right);
        for (int64_t i = first; i < end && i < j + ES_GRAM_PANEL; i += ES_GRAM_ROWS) {
            int64_t place = i - first;
            const double *of_i = left + place / ES_GRAM_PANEL * PANEL_SIZE + place % ES_GRAM_PANEL;
            add_tile(kernel, depth, of_i, right, gram, d, i, end, j);
        }
    }
}

void es_gram_add_band(const es_kernel *kernel, const double *rows, int64_t count, int64_t d,
                      int64_t first, int64_t end, double *gram)
{
    for (int64_t k = 0; k < count; k += SHALLOW)
        for (int64_t i = first; i < end; i += BAND) {
            int64_t depth = count - k < SHALLOW ? count - k : SHALLOW;
            int64_t stop = end - i < BAND ? end : i + BAND;
            add_some(kernel, rows + k * d, depth, d, i, stop, gram);
        }
}
