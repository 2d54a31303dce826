#include "analysis/sums.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "kernel/gram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_ROWS = 512,
    READ_ROWS = 32,
    WIDE = 8,   /* panels of columns of a block of sums: they stay in the second-level cache */
    NARROW = 4, /* the same, where there would be few blocks for a thread */
    BLOCKS_EACH = 16, /* panels a thread from which blocks are wide */
    TALL = 2          /* how much taller than wide a block is: what it streams past those panels */
};

void es_long_sum_add(es_long_sum *sum, double x)
{
    double total = sum->total + x;
    bool larger = fabs(sum->total) >= fabs(x);
    sum->lost += larger ? (sum->total - total) + x : (x - total) + sum->total;
    sum->total = total;
}

/* A block of rows is read while the one before it is added: pieces 0 ... parts-1 add, the others
 * read. A part is some columns of the sums, or some rows of those. */
typedef struct pipeline {
    const es_summands *from;
    es_sums *sums;
    es_crew *crew;
    double *gram;   /* (stride, stride); or NULL */
    int64_t panels; /* of all columns */
    int64_t width;  /* panels of columns in a part */
    int64_t parts, stride;
    double *scratch; /* (threads, READ_ROWS, d) */
    struct block {
        int64_t first, count;
        es_gram_rows rows; /* BLOCK_ROWS */
        double *squares;   /* (BLOCK_ROWS) */
    } ready, next;
} pipeline;

static es_status read_some(const pipeline *line, int64_t first, int worker, es_error *error)
{
    const es_summands *from = line->from;
    const struct block *block = &line->next;
    int64_t d = from->d,
            count = block->count - first < READ_ROWS ? block->count - first : READ_ROWS;
    double *rows = line->scratch + worker * READ_ROWS * d;
    ES_TRY(from->read(from->context, block->first + first, count, rows, error));
    for (int64_t i = 0; i < count; i++) {
        double *row = rows + i * d;
        for (int64_t k = 0; from->shift && k < d; k++) row[k] -= from->shift[k];
        block->squares[first + i] = from->kernel->dot(row, row, d);
    }
    es_gram_put(&block->rows, first, count, d, rows);
    return ES_OK;
}

static void add_columns(const pipeline *line, int64_t panel)
{
    const es_gram_rows *rows = &line->ready.rows;
    int64_t first = panel * ES_GRAM_PANEL, left = line->from->d - first;
    int64_t width = left < ES_GRAM_PANEL ? left : ES_GRAM_PANEL;
    for (int64_t i = 0; i < rows->count; i++) {
        const double *row = rows->panels + (panel * rows->room + i) * ES_GRAM_PANEL;
        for (int64_t c = 0; c < width; c++) line->sums->sum[first + c] += row[c];
    }
}

/* The parts of one group of columns, of which the last holds the diagonal. */
static int64_t parts_of(int64_t group)
{
    return group / TALL + 1;
}

static int64_t count_parts(const pipeline *line)
{
    int64_t count = 0, groups = (line->panels + line->width - 1) / line->width;
    for (int64_t g = 0; g < groups; g++) count += parts_of(g);
    return count;
}

/* No two parts share a sum. The last columns, which have most to do, are the first to be taken. */
static void add_part(const pipeline *line, int64_t index)
{
    int64_t group = (line->panels - 1) / line->width;
    for (; index >= parts_of(group); group--) index -= parts_of(group);
    int64_t right = group * line->width, right_end = right + line->width;
    int64_t left = index * TALL * line->width, left_end = left + TALL * line->width;
    if (right_end > line->panels) right_end = line->panels;
    if (left_end > right_end) left_end = right_end;
    if (!index)
        for (int64_t p = right; p < right_end; p++) add_columns(line, p);
    if (line->gram)
        es_gram_add_block(line->from->kernel, &line->ready.rows, left, left_end, right, right_end,
                          line->gram, line->stride);
}

static es_status do_piece(void *context, int64_t index, int worker, es_error *error)
{
    const pipeline *line = context;
    int64_t parts = line->ready.count ? line->parts : 0;
    if (index >= parts) return read_some(line, (index - parts) * READ_ROWS, worker, error);
    add_part(line, index);
    return ES_OK;
}

static es_status run(pipeline *line, es_error *error)
{
    const es_summands *from = line->from;
    es_long_sum squares = {0}, fourths = {0};
    for (int64_t first = 0; first < from->count + BLOCK_ROWS; first += BLOCK_ROWS) {
        int64_t left = from->count - first;
        line->next.first = first;
        line->next.count = left < 0 ? 0 : left < BLOCK_ROWS ? left : BLOCK_ROWS;
        line->next.rows.count = line->next.count;
        int64_t pieces = line->ready.count ? line->parts : 0;
        pieces += (line->next.count + READ_ROWS - 1) / READ_ROWS;
        ES_TRY(es_crew_run(line->crew, pieces, do_piece, line, NULL, error));
        for (int64_t i = 0; i < line->next.count; i++) {
            double square = line->next.squares[i];
            es_long_sum_add(&squares, square);
            es_long_sum_add(&fourths, square * square);
        }
        struct block done = line->ready;
        line->ready = line->next;
        line->next = done;
        const es_progress *progress = from->progress;
        if (progress && progress->report &&
            !progress->report(progress->context, first < from->count ? first : from->count,
                              from->count))
            return es_fail(error, ES_CANCELLED, "interrupted");
    }
    line->sums->squares = squares.total + squares.lost;
    line->sums->fourths = fourths.total + fourths.lost;
    return ES_OK;
}

/* From rows of `stride` to rows of d, in place, zero below the diagonal. */
static void close_up(double *gram, int64_t stride, int64_t d)
{
    for (int64_t i = 0; i < d; i++) {
        memmove(gram + i * d, gram + i * stride, (size_t)d * sizeof *gram);
        memset(gram + i * d, 0, (size_t)i * sizeof *gram);
    }
}

static es_status make_room(pipeline *line, int threads, bool with_gram, double **room,
                           es_error *error)
{
    int64_t d = line->from->d, width = line->panels * ES_GRAM_PANEL;
    size_t row = (size_t)(2 * (width + 1)) * sizeof(double);
    line->stride = width;
    if (with_gram) {
        line->gram = es_alloc_aligned(width, (size_t)width * sizeof(double));
        if (!line->gram)
            return es_fail_memory(error, "the Gram matrix", (size_t)(width * width) * 8);
        memset(line->gram, 0, (size_t)(width * width) * sizeof(double));
    }
    if (!(*room = es_alloc_aligned(BLOCK_ROWS, row)))
        return es_fail_memory(error, "rows", BLOCK_ROWS * row);
    if (!(line->scratch = es_alloc(threads * READ_ROWS, (size_t)d * sizeof(double))))
        return es_fail_memory(error, "rows", (size_t)(threads * READ_ROWS * d) * 8);
    line->ready.rows = (es_gram_rows){.room = BLOCK_ROWS, .panels = *room};
    line->next.rows = (es_gram_rows){.room = BLOCK_ROWS, .panels = *room + BLOCK_ROWS * width};
    line->ready.squares = *room + 2 * BLOCK_ROWS * width;
    line->next.squares = line->ready.squares + BLOCK_ROWS;
    return ES_OK;
}

es_status es_sums_compute(const es_summands *rows, bool with_gram, es_sums *sums, es_error *error)
{
    int64_t d = rows->d;
    int threads = es_thread_count(rows->threads);
    double *room = NULL;
    *sums = (es_sums){.sum = es_alloc(d, sizeof(double))};
    pipeline line = {.from = rows, .sums = sums, .panels = es_gram_panels(d)};
    line.width = line.panels >= (int64_t)BLOCKS_EACH * threads ? WIDE : NARROW;
    line.parts = count_parts(&line);
    es_status status = sums->sum ? ES_OK : es_fail_memory(error, "a sum", (size_t)d * 8);
    if (status == ES_OK) status = make_room(&line, threads, with_gram, &room, error);
    if (status == ES_OK) status = es_crew_create(threads, &line.crew, error);
    if (status == ES_OK) status = run(&line, error);
    es_crew_free(line.crew);
    if (status == ES_OK && with_gram) close_up(line.gram, line.stride, d);
    sums->gram = line.gram;
    free(line.scratch);
    free(room);
    if (status != ES_OK) es_sums_release(sums);
    return status;
}

void es_sums_release(es_sums *sums)
{
    free(sums->sum);
    free(sums->gram);
    *sums = (es_sums){0};
}

void es_sums_covariance(const es_sums *sums, int64_t count, int64_t d, double *matrix)
{
    double n = (double)count;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = i; j < d; j++)
            matrix[i * d + j] = matrix[j * d + i] =
                sums->gram[i * d + j] / n - (sums->sum[i] / n) * (sums->sum[j] / n);
}

void es_sums_gram(const es_sums *sums, int64_t count, int64_t d, const double *shift,
                  double *matrix)
{
    double n = (double)count;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = i; j < d; j++)
            matrix[i * d + j] = matrix[j * d + i] =
                sums->gram[i * d + j] + (shift[i] * sums->sum[j] + shift[j] * sums->sum[i]) +
                n * shift[i] * shift[j];
}
