/* The all-pairs driver: every cosine of the upper triangle once, handed to a sink, never stored.
 *
 * Rows are packed in panels of ES_PANEL, k-major. The triangle is cut in square tiles of
 * ES_BLOCK rows; tiles are handed out to threads one at a time, and a tile gives its cosines in
 * strips of ES_STRIP x ES_PANEL. A sink that needs order keeps a slot for each tile and combines
 * the slots in tile order: no result depends on the number of threads. */
#ifndef ES_KERNEL_TILES_H
#define ES_KERNEL_TILES_H

#include "kernel/kernel.h"

#include <embscope/progress.h>

enum { ES_BLOCK = 4 * ES_PANEL };

/* Unit rows in float32, packed. Rows past `rows` in the last panel are zero. */
typedef struct es_packed {
    int64_t rows, depth;
    float
        *data; /* panel p, component k, row r of the panel: data[(p * depth + k) * ES_PANEL + r] */
} es_packed;

/* Room for `rows` x `depth`, all zero. Release with es_packed_release(). */
es_status es_packed_init(es_packed *packed, int64_t rows, int64_t depth, es_error *error);
void es_packed_release(es_packed *packed);

/* Put row `row` = float32 of the `depth` components of a unit row. Different rows may be put by
 * different threads. */
void es_packed_put(es_packed *packed, int64_t row, const double *unit_row);

/* ES_STRIP x ES_PANEL cosines: row first_row + r against column first_column + c at
 * cosines[r * ES_PANEL + c], valid for r < row_count, c < column_count. `crosses` says that pairs
 * with row >= column are among them (each of those is another strip's, or the row itself). */
typedef struct es_strip {
    int64_t tile; /* 0 ... es_tile_count() - 1 */
    int64_t first_row, first_column;
    int row_count, column_count;
    bool crosses;
    const float *cosines;
} es_strip;

/* The places alone: visit every strip of the upper triangle of `rows` x `rows`, cut in tiles of
 * `block` rows (a multiple of ES_PANEL), each tile by one thread, its strips in order; `cosines` is
 * NULL. What es_tiles_run() and the screen in 8 bits stand on. */
typedef es_status es_visit_strip(void *context, int worker, const es_strip *strip, es_error *error);
es_status es_strips_run(int64_t rows, int64_t block, int threads, es_visit_strip *visit,
                        void *context, const es_progress *progress, es_error *error);

/* Where the rows and the columns of a strip are packed: what es_kernel.product multiplies. */
static inline const float *es_strip_left(const es_packed *packed, const es_strip *strip)
{
    int64_t row = strip->first_row;
    return packed->data + row / ES_PANEL * ES_PANEL * packed->depth + row % ES_PANEL;
}

static inline const float *es_strip_right(const es_packed *packed, const es_strip *strip)
{
    return packed->data + strip->first_column * packed->depth;
}

/* Called by many threads at once, one strip each; `worker` names per-thread scratch. */
typedef es_status es_take_strip(void *sink, int worker, const es_strip *strip, es_error *error);

int64_t es_tile_count(const es_packed *packed);

/* Drive every strip of the upper triangle through `take`. Progress counts pairs. */
es_status es_tiles_run(const es_kernel *kernel, const es_packed *packed, int threads,
                       es_take_strip *take, void *sink, const es_progress *progress,
                       es_error *error);

/* The cosines of the pairs row < column of a strip, side by side: returns how many, and where. They
 * stay in place where all count; else they are copied to `scratch` (ES_TILE). */
int64_t es_strip_pairs(const es_strip *strip, float *scratch, const float **cosines);

#endif
