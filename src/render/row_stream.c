#include "render/row_stream.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECE_NUMBERS = 1 << 15, /* a quarter of a MiB: stays in a cache */
    PIECES = 64,             /* of a block, where they are no larger than that */
    LEAST_PIECES = 2
};

/* What one worker needs at a time. */
typedef struct desk {
    double *values, *scratch;
    unsigned char *states;
} desk;

typedef struct run {
    es_row_stream *stream;
    int64_t piece_rows, pieces; /* rows of a piece, pieces of a block */
    int64_t current;            /* the block being made; the one before it is written */
    es_row_piece *made[2];      /* (pieces) each */
    desk *desks;                /* (threads) */
    int threads;
} run;

static int64_t columns_of(const run *run)
{
    const es_row_reader *reader = run->stream->reader;
    return reader->columns > reader->source_columns ? reader->columns : reader->source_columns;
}

/* ---- making a block ----------------------------------------------------------------------------
 */

/* From the bits: zero, or an exponent of all ones, or neither. */
static es_row_state state_of(const double *row, int64_t count)
{
    const uint64_t infinite = UINT64_C(0x7FF) << 52;
    uint64_t largest = 0;
    for (int64_t k = 0; k < count; k++) {
        uint64_t bits;
        memcpy(&bits, &row[k], sizeof bits);
        bits &= ~(UINT64_C(1) << 63);
        largest = bits > largest ? bits : largest;
    }
    if (!largest) return ES_ROW_ZERO;
    return largest >= infinite ? ES_ROW_NON_FINITE : ES_ROW_DEFINED;
}

static es_status open_desk(const run *run, desk *desk, es_error *error)
{
    int64_t numbers = run->piece_rows * columns_of(run);
    if (desk->values) return ES_OK;
    desk->values = es_alloc_aligned(numbers, sizeof *desk->values);
    desk->states = es_alloc(run->piece_rows, 1);
    bool rotated = run->stream->reader->rotation != NULL;
    if (rotated) desk->scratch = es_alloc_aligned(numbers, sizeof *desk->scratch);
    if (desk->values && desk->states && (desk->scratch || !rotated)) return ES_OK;
    return es_fail_memory(error, "a block of rows", (size_t)numbers * sizeof *desk->values);
}

static es_status make_piece(const run *run, int64_t index, int worker, es_error *error)
{
    const es_row_stream *stream = run->stream;
    const es_row_reader *reader = stream->reader;
    es_row_piece *piece = &run->made[run->current % 2][index];
    int64_t first = (run->current * run->pieces + index) * run->piece_rows;
    int64_t left = reader->rows - first;
    for (int f = 0; f < ES_ROW_STREAM_FILES; f++) piece->bytes[f].size = 0;
    piece->first = first;
    piece->count = left < 0 ? 0 : left < run->piece_rows ? left : run->piece_rows;
    piece->overflowed = piece->zero_rows = piece->non_finite_rows = 0;
    if (!piece->count) return ES_OK;
    desk *desk = &run->desks[worker];
    ES_TRY(open_desk(run, desk, error));
    ES_TRY(es_row_reader_read(reader, first, piece->count, desk->scratch, desk->values, error));
    for (int64_t i = 0; i < piece->count; i++)
        desk->states[i] =
            (unsigned char)state_of(desk->values + i * reader->columns, reader->columns);
    piece->values = desk->values;
    piece->states = desk->states;
    ES_TRY(stream->encode(stream->context, piece, error));
    for (int64_t i = 0; i < piece->count; i++) {
        piece->zero_rows += desk->states[i] == ES_ROW_ZERO;
        piece->non_finite_rows += desk->states[i] == ES_ROW_NON_FINITE;
    }
    for (int f = 0; f < ES_ROW_STREAM_FILES; f++)
        if (piece->bytes[f].failed) return es_fail_memory(error, "a block of rows", 0);
    return ES_OK;
}

/* ---- writing the one before --------------------------------------------------------------------
 */

static es_status put_block(const run *run, int64_t block, es_error *error)
{
    es_row_stream *stream = run->stream;
    for (int64_t i = 0; i < run->pieces; i++) {
        const es_row_piece *piece = &run->made[block % 2][i];
        if (!piece->count) break;
        stream->zero_rows += piece->zero_rows;
        stream->non_finite_rows += piece->non_finite_rows;
        stream->overflowed += piece->overflowed;
        ES_TRY(stream->put(stream->context, piece, error));
    }
    return ES_OK;
}

/* Piece 0 writes, so that making and writing overlap. */
static es_status do_piece(void *context, int64_t index, int worker, es_error *error)
{
    const run *run = context;
    if (index) return make_piece(run, index - 1, worker, error);
    return run->current ? put_block(run, run->current - 1, error) : ES_OK;
}

static bool report_rows(void *context, int64_t done, int64_t total)
{
    const run *run = context;
    const es_progress *progress = &run->stream->progress;
    int64_t rows = run->stream->reader->rows, block = run->pieces * run->piece_rows;
    double made = (double)block * ((double)run->current + (double)done / (double)total);
    int64_t counted = made < (double)rows ? (int64_t)made : rows;
    return progress->report(progress->context, counted, rows);
}

static es_status run_blocks(run *run, es_error *error)
{
    int64_t rows = run->stream->reader->rows, block = run->pieces * run->piece_rows;
    int64_t blocks = (rows + block - 1) / block;
    es_progress progress = {report_rows, run};
    bool told = run->stream->progress.report != NULL;
    for (; run->current < blocks; run->current++) {
        if (told && !report_rows(run, 0, 1)) return es_fail(error, ES_CANCELLED, "interrupted");
        ES_TRY(es_parallel_for(run->threads, run->pieces + 1, do_piece, run,
                               told ? &progress : NULL, error));
    }
    return put_block(run, blocks - 1, error);
}

static es_status set_up(run *run, es_error *error)
{
    const es_row_reader *reader = run->stream->reader;
    int64_t columns = columns_of(run);
    run->piece_rows = columns < PIECE_NUMBERS ? PIECE_NUMBERS / columns : 1;
    /* Rows so long that a piece is larger come in fewer pieces. */
    run->pieces = PIECES * (int64_t)PIECE_NUMBERS / (run->piece_rows * columns);
    if (run->pieces > PIECES) run->pieces = PIECES;
    if (run->pieces < LEAST_PIECES) run->pieces = LEAST_PIECES;
    int64_t all = (reader->rows + run->piece_rows - 1) / run->piece_rows;
    if (run->pieces > all) run->pieces = all;
    run->desks = es_alloc(run->threads, sizeof *run->desks);
    for (int b = 0; b < 2; b++) run->made[b] = es_alloc(run->pieces, sizeof *run->made[b]);
    if (run->desks && run->made[0] && run->made[1]) return ES_OK;
    return es_fail_memory(error, "blocks of rows", (size_t)run->pieces * sizeof(es_row_piece));
}

es_status es_row_stream_run(es_row_stream *stream, es_error *error)
{
    run run = {.stream = stream, .threads = es_thread_count(stream->threads)};
    es_status status = set_up(&run, error);
    if (status == ES_OK) status = run_blocks(&run, error);
    for (int t = 0; run.desks && t < run.threads; t++) {
        free(run.desks[t].values);
        free(run.desks[t].scratch);
        free(run.desks[t].states);
    }
    free(run.desks);
    for (int b = 0; b < 2; b++) {
        for (int64_t i = 0; run.made[b] && i < run.pieces; i++)
            for (int f = 0; f < ES_ROW_STREAM_FILES; f++) es_text_release(&run.made[b][i].bytes[f]);
        free(run.made[b]);
    }
    return status;
}
