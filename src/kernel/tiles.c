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

static int64_t count_tiles(int64_t rows, int64_t block)
{
    int64_t blocks = (rows + block - 1) / block;
    return blocks * (blocks + 1) / 2;
}

int64_t es_tile_count(const es_packed *packed)
{
    return count_tiles(packed->rows, ES_BLOCK);
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

typedef struct strips_run {
    int64_t rows, block;
    es_visit_strip *visit;
    void *context;
    const es_progress *progress;
} strips_run;

static es_status run_tile(void *context, int64_t tile, int worker, es_error *error)
{
    const strips_run *run = context;
    int64_t n = run->rows, block = run->block, block_row, block_column;
    place_of_tile(tile, (n + block - 1) / block, &block_row, &block_column);
    int64_t row_end = least((block_row + 1) * block, n);
    int64_t column_end = least((block_column + 1) * block, n);
    for (int64_t column = block_column * block; column < column_end; column += ES_PANEL)
        for (int64_t row = block_row * block; row < row_end; row += ES_STRIP) {
            es_strip strip = {.tile = tile,
                              .first_row = row,
                              .first_column = column,
                              .row_count = (int)least(ES_STRIP, n - row),
                              .column_count = (int)least(ES_PANEL, n - column)};
            if (row >= column + strip.column_count) break; /* the rest lies below the diagonal */
            strip.crosses = row + strip.row_count > column;
            ES_TRY(run->visit(run->context, worker, &strip, error));
        }
    return ES_OK;
}

static bool report_pairs(void *context, int64_t done, int64_t total)
{
    const strips_run *run = context;
    int64_t pairs = run->rows * (run->rows - 1) / 2;
    int64_t counted = (int64_t)((double)pairs * ((double)done / (double)total));
    return run->progress->report(run->progress->context, counted, pairs);
}

es_status es_strips_run(int64_t rows, int64_t block, int threads, es_visit_strip *visit,
                        void *context, const es_progress *progress, es_error *error)
{
    strips_run run = {rows, block, visit, context, progress};
    es_progress in_pairs = {report_pairs, &run};
    bool told = progress && progress->report;
    return es_parallel_for(threads, count_tiles(rows, block), run_tile, &run,
                           told ? &in_pairs : NULL, error);
}

typedef struct tiles_run {
    const es_kernel *kernel;
    const es_packed *packed;
    es_take_strip *take;
    void *sink;
} tiles_run;

static es_status multiply_strip(void *context, int worker, const es_strip *place, es_error *error)
{
    const tiles_run *run = context;
    const es_packed *packed = run->packed;
    _Alignas(64) float cosines[ES_TILE];
    run->kernel->product(packed->depth, es_strip_left(packed, place), es_strip_right(packed, place),
                         cosines);
    es_strip strip = *place;
    strip.cosines = cosines;
    return run->take(run->sink, worker, &strip, error);
}

es_status es_tiles_run(const es_kernel *kernel, const es_packed *packed, int threads,
                       es_take_strip *take, void *sink, const es_progress *progress,
                       es_error *error)
{
    tiles_run run = {kernel, packed, take, sink};
    return es_strips_run(packed->rows, ES_BLOCK, threads, multiply_strip, &run, progress, error);
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
