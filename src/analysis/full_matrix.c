/* S block by block: while one block of rows is computed, column by column of tiles, the one before
 * it is handed on. All of S is computed, both triangles: a block must be whole rows, so that what
 * is written is written once and in order. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernel/tiles.h"
#include "space/space.h"

#include <embscope/full_matrix.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 32 << 20, LARGEST_BLOCK = 8 * ES_PANEL };

static const uint16_t half_one = 0x3C00, half_nan = 0x7E00;

typedef struct full_matrix {
    es_space *space;
    const es_full_matrix_options *options;
    es_packed packed; /* every row; an undefined one is zeros */
    int64_t n, block; /* rows of a block, a multiple of ES_STRIP */
    size_t size;      /* bytes of a value */
    bool any_undefined;
    unsigned char *blocks[2];
    int64_t current; /* the block being computed; the one before it is handed on */
    es_take_rows *take;
    void *context;
} full_matrix;

/* To the nearest float16, ties to even: of a finite float32 below 65,504 in magnitude. */
static uint16_t half_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    bits &= 0x7FFFFFFF;
    if (bits < 0x38800000) { /* below 2^-14: a multiple of 2^-24 */
        float magnitude;
        memcpy(&magnitude, &bits, sizeof magnitude);
        return (uint16_t)(sign | (uint16_t)lrintf(magnitude * 0x1p24f));
    }
    uint32_t odd = bits >> 13 & 1;
    return (uint16_t)(sign | (uint16_t)((bits + 0xFFF + odd - 0x38000000) >> 13));
}

/* ---- values ------------------------------------------------------------------------------------
 */

/* The place of S_ij in the current block. */
static void *place_of(const full_matrix *job, int64_t i, int64_t j)
{
    int64_t row = i - job->current * job->block;
    return job->blocks[job->current % 2] + (size_t)(row * job->n + j) * job->size;
}

static void put_values(const full_matrix *job, int64_t i, int64_t j, const float *values, int count)
{
    if (job->options->dtype == ES_MATRIX_F32) {
        memcpy(place_of(job, i, j), values, (size_t)count * sizeof *values);
        return;
    }
    uint16_t *halves = place_of(job, i, j);
    for (int c = 0; c < count; c++) halves[c] = half_of(values[c]);
}

static void put_special(const full_matrix *job, int64_t i, int64_t j)
{
    bool defined = job->space->states[i] == ES_ROW_DEFINED;
    float value = defined && i == j ? 1 : NAN;
    uint16_t half = defined && i == j ? half_one : half_nan;
    const void *bytes = job->options->dtype == ES_MATRIX_F32 ? (void *)&value : (void *)&half;
    memcpy(place_of(job, i, j), bytes, job->size);
}

/* One panel of columns of the current block. */
static void compute_panel(const full_matrix *job, int64_t panel)
{
    int64_t first = job->current * job->block, end = first + job->block, d = job->packed.depth;
    int64_t column = panel * ES_PANEL;
    int columns = (int)(job->n - column < ES_PANEL ? job->n - column : ES_PANEL);
    const float *data = job->packed.data;
    const unsigned char *states = job->space->states;
    _Alignas(64) float cosines[ES_TILE];
    if (end > job->n) end = job->n;
    for (int64_t row = first; row < end; row += ES_STRIP) {
        job->space->kernel->product(d, data + row / ES_PANEL * ES_PANEL * d + row % ES_PANEL,
                                    data + column * d, cosines);
        for (int64_t i = row; i < row + ES_STRIP && i < end; i++) {
            put_values(job, i, column, cosines + (i - row) * ES_PANEL, columns);
            if (i >= column && i < column + columns) put_special(job, i, i);
            for (int64_t j = column; j < column + columns && job->any_undefined; j++)
                if (states[i] != ES_ROW_DEFINED || states[j] != ES_ROW_DEFINED)
                    put_special(job, i, j);
        }
    }
}

/* ---- blocks ------------------------------------------------------------------------------------
 */

static es_status hand_on(const full_matrix *job, int64_t block, es_error *error)
{
    int64_t first = block * job->block, left = job->n - first;
    return job->take(job->context, job->blocks[block % 2], first,
                     left < job->block ? left : job->block, error);
}

/* Piece 0 hands on the block before, so that computing and writing overlap. */
static es_status do_piece(void *context, int64_t piece, int worker, es_error *error)
{
    (void)worker;
    const full_matrix *job = context;
    if (piece) {
        compute_panel(job, piece - 1);
        return ES_OK;
    }
    return job->current ? hand_on(job, job->current - 1, error) : ES_OK;
}

/* Pieces of one block as pairs of the whole matrix. */
static bool report_piece(void *context, int64_t done, int64_t total)
{
    const full_matrix *job = context;
    double blocks = (double)job->current + (double)done / (double)total;
    double pairs = blocks * (double)job->block * (double)job->n;
    int64_t all = job->n * job->n, counted = pairs < (double)all ? (int64_t)pairs : all;
    return job->options->progress.report(job->options->progress.context, counted, all);
}

static es_status run_blocks(full_matrix *job, int threads, es_error *error)
{
    int64_t blocks = (job->n + job->block - 1) / job->block;
    int64_t panels = (job->n + ES_PANEL - 1) / ES_PANEL;
    es_progress progress = {report_piece, job};
    bool told = job->options->progress.report != NULL;
    for (job->current = 0; job->current < blocks; job->current++) {
        ES_TRY(es_parallel_for(threads, panels + 1, do_piece, job, told ? &progress : NULL, error));
        if (told && !report_piece(job, 1, 1)) return es_fail(error, ES_CANCELLED, "interrupted");
    }
    return hand_on(job, blocks - 1, error);
}

static es_status pack_panel(void *context, int64_t panel, int worker, es_error *error)
{
    (void)worker;
    full_matrix *job = context;
    int64_t d = job->packed.depth, first = panel * ES_PANEL, end = first + ES_PANEL;
    double *row = es_alloc(d, sizeof *row);
    if (!row) return es_fail_memory(error, "a row", (size_t)d * sizeof *row);
    es_status status = ES_OK;
    for (int64_t i = first; i < end && i < job->n && status == ES_OK; i++) {
        status = es_space_read_unit_rows(job->space, i, 1, row, error);
        if (status == ES_OK) es_packed_put(&job->packed, i, row);
    }
    free(row);
    return status;
}

/* As many rows as fit, whole panels of them where there is room for one. */
static int64_t rows_of_block(const full_matrix *job)
{
    int64_t bytes = job->options->block_bytes ? job->options->block_bytes : BLOCK_BYTES;
    int64_t rows = bytes / (job->n * (int64_t)job->size);
    if (rows >= LARGEST_BLOCK) return LARGEST_BLOCK;
    if (rows >= ES_PANEL) return rows / ES_PANEL * ES_PANEL;
    return rows >= ES_STRIP ? rows / ES_STRIP * ES_STRIP : ES_STRIP;
}

static es_status run(full_matrix *job, es_error *error)
{
    int threads =
        es_thread_count(job->options->threads ? job->options->threads : job->space->threads);
    const double *norms;
    ES_TRY(es_space_load(job->space, error));
    ES_TRY(es_space_norms(job->space, &norms, error));
    for (int64_t i = 0; i < job->n; i++)
        job->any_undefined = job->any_undefined || job->space->states[i] != ES_ROW_DEFINED;
    ES_TRY(es_packed_init(&job->packed, job->n, job->space->source.columns, error));
    ES_TRY(
        es_parallel_for(threads, (job->n + ES_PANEL - 1) / ES_PANEL, pack_panel, job, NULL, error));
    int64_t cells = 0;
    for (int b = 0; b < 2; b++)
        if (!es_multiply_counts(job->block, job->n, &cells) ||
            !(job->blocks[b] = es_alloc_aligned(cells, job->size)))
            return es_fail(error, ES_NO_MEMORY, "out of memory (%lld x %lld cosines)",
                           (long long)job->block, (long long)job->n);
    return run_blocks(job, threads, error);
}

es_status es_full_matrix_run(es_space *space, const es_full_matrix_options *options,
                             es_take_rows *take, void *context, es_error *error)
{
    static const es_full_matrix_options defaults;
    if (!options) options = &defaults;
    full_matrix job = {.space = space,
                       .options = options,
                       .n = space->source.rows,
                       .size = options->dtype == ES_MATRIX_F16 ? 2 : 4,
                       .take = take,
                       .context = context};
    if (!job.n) return es_fail(error, ES_BAD_INPUT, "%s: there is no row", space->source.path);
    job.block = rows_of_block(&job);
    es_status status = run(&job, error);
    es_packed_release(&job.packed);
    free(job.blocks[0]);
    free(job.blocks[1]);
    return status;
}
