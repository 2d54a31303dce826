#include "kernel/tiles.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

es_status es_packed_init(es_packed *packed, int64_t rows, int64_t depth, es_error *error)
{
    int64_t panels = (rows + ES_PANEL - 1) / ES_PANEL, floats;
    *packed = (es_packed){.rows = rows, .depth = depth};
    if (!es_multiply_counts(panels * ES_PANEL, depth, &floats) ||
        !(packed->data = es_alloc_aligned(floats, sizeof(float))))
        return es_fail(error, ES_NO_MEMORY, "out of memory (%lld x %lld float32 to pack)",
                       (long long)rows, (long long)depth);
    /* Only the last panel has rows that nobody puts. */
    if (panels) {
        int64_t last = (panels - 1) * depth * ES_PANEL;
        memset(packed->data + last, 0, (size_t)(depth * ES_PANEL) * sizeof(float));
    }
    return ES_OK;
}

void es_packed_release(es_packed *packed)
{
    free(packed->data);
    *packed = (es_packed){0};
}

void es_packed_put(es_packed *packed, int64_t row, const double *unit_row)
{
    float *to = packed->data + row / ES_PANEL * packed->depth * ES_PANEL + row % ES_PANEL;
    for (int64_t k = 0; k < packed->depth; k++) to[k * ES_PANEL] = (float)unit_row[k];
}

typedef struct tile_run {
    const es_kernel *kernel;
    const es_packed *packed;
    es_take_strip *take;
    void *sink;
    int64_t blocks;
    const es_progress *progress;
} tile_run;

static int64_t block_count(const es_packed *packed)
{
    return (packed->rows + ES_BLOCK - 1) / ES_BLOCK;
}

int64_t es_tile_count(const es_packed *packed)
{
    int64_t blocks = block_count(packed);
    return blocks * (blocks + 1) / 2;
}

/* Tiles before row I of the triangle of tiles. */
static int64_t tiles_before(int64_t row, int64_t blocks)
{
    return row * blocks - row * (row - 1) / 2;
}

static void place_of_tile(int64_t tile, int64_t blocks, int64_t *row, int64_t *column)
{
    double b = (double)blocks + 0.5;
    int64_t i = (int64_t)(b - sqrt(b * b - 2 * (double)tile));
    while (i > 0 && tiles_before(i, blocks) > tile) i--;
    while (tiles_before(i + 1, blocks) <= tile) i++;
    *row = i;
    *column = i + (tile - tiles_before(i, blocks));
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static es_status run_tile(void *context, int64_t tile, int worker, es_error *error)
{
    const tile_run *run = context;
    const es_packed *packed = run->packed;
    int64_t depth = packed->depth, block_row, block_column;
    place_of_tile(tile, run->blocks, &block_row, &block_column);
    int64_t row_end = least((block_row + 1) * ES_BLOCK, packed->rows);
    int64_t column_end = least((block_column + 1) * ES_BLOCK, packed->rows);
    _Alignas(64) float cosines[ES_TILE];
    for (int64_t column = block_column * ES_BLOCK; column < column_end; column += ES_PANEL) {
        const float *right = packed->data + column * depth;
        for (int64_t row = block_row * ES_BLOCK; row < row_end; row += ES_STRIP) {
            es_strip strip = {.tile = tile,
                              .first_row = row,
                              .first_column = column,
                              .row_count = (int)least(ES_STRIP, packed->rows - row),
                              .column_count = (int)least(ES_PANEL, packed->rows - column),
                              .cosines = cosines};
            if (row >= column + strip.column_count) break; /* the rest lies below the diagonal */
            strip.crosses = row + strip.row_count > column;
            const float *left = packed->data + row / ES_PANEL * ES_PANEL * depth + row % ES_PANEL;
            run->kernel->product(depth, left, right, cosines);
            ES_TRY(run->take(run->sink, worker, &strip, error));
        }
    }
    return ES_OK;
}

static bool report_pairs(void *context, int64_t done, int64_t total)
{
    const tile_run *run = context;
    int64_t n = run->packed->rows, pairs = n * (n - 1) / 2;
    int64_t counted = (int64_t)((double)pairs * ((double)done / (double)total));
    return run->progress->report(run->progress->context, counted, pairs);
}

es_status es_tiles_run(const es_kernel *kernel, const es_packed *packed, int threads,
                       es_take_strip *take, void *sink, const es_progress *progress,
                       es_error *error)
{
    tile_run run = {kernel, packed, take, sink, block_count(packed), progress};
    es_progress in_pairs = {report_pairs, &run};
    bool told = progress && progress->report;
    return es_parallel_for(threads, es_tile_count(packed), run_tile, &run, told ? &in_pairs : NULL,
                           error);
}

int64_t es_strip_pairs(const es_strip *strip, float *scratch, const float **cosines)
{
    bool whole = strip->row_count == ES_STRIP && strip->column_count == ES_PANEL;
    if (whole && !strip->crosses) {
        *cosines = strip->cosines;
        return ES_TILE;
    }
    int64_t count = 0;
    for (int r = 0; r < strip->row_count; r++)
        for (int c = 0; c < strip->column_count; c++)
            if (strip->first_row + r < strip->first_column + c)
                scratch[count++] = strip->cosines[r * ES_PANEL + c];
    *cosines = scratch;
    return count;
}
