#include "analysis/sums.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 512, READ_ROWS = 32, NARROW_BAND = 32, WIDE_BAND = 64, BANDS_EACH = 4 };

void es_long_sum_add(es_long_sum *sum, double x)
{
    double total = sum->total + x;
    bool larger = fabs(sum->total) >= fabs(x);
    sum->lost += larger ? (sum->total - total) + x : (x - total) + sum->total;
    sum->total = total;
}

/* A block of rows is read while the one before it is added: pieces 0 ... bands-1 add, the others
 * read. */
typedef struct pipeline {
    const es_summands *from;
    es_sums *sums;
    int64_t bands, band; /* how many, and columns of one */
    struct block {
        int64_t first, count;
        double *rows, *squares; /* (BLOCK_ROWS, d), (BLOCK_ROWS) */
    } ready, next;
} pipeline;

static es_status read_some(const pipeline *line, int64_t first, es_error *error)
{
    const es_summands *from = line->from;
    const struct block *block = &line->next;
    int64_t d = from->d,
            count = block->count - first < READ_ROWS ? block->count - first : READ_ROWS;
    double *rows = block->rows + first * d;
    ES_TRY(from->read(from->context, block->first + first, count, rows, error));
    for (int64_t i = 0; i < count; i++) {
        double *row = rows + i * d;
        for (int64_t k = 0; from->shift && k < d; k++) row[k] -= from->shift[k];
        block->squares[first + i] = from->kernel->dot(row, row, d);
    }
    return ES_OK;
}

/* A band of columns: no two threads write the same sum. */
static void add_band(const pipeline *line, int64_t band)
{
    const struct block *block = &line->ready;
    int64_t d = line->from->d, first = band * line->band, end = first + line->band;
    if (end > d) end = d;
    for (int64_t i = 0; i < block->count; i++)
        for (int64_t k = first; k < end; k++) line->sums->sum[k] += block->rows[i * d + k];
    if (line->sums->gram)
        line->from->kernel->gram(block->rows, block->count, d, first, end, line->sums->gram);
}

static es_status do_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const pipeline *line = context;
    int64_t bands = line->ready.count ? line->bands : 0;
    if (index >= bands) return read_some(line, (index - bands) * READ_ROWS, error);
    add_band(line, index);
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
        int64_t pieces = line->ready.count ? line->bands : 0;
        pieces += (line->next.count + READ_ROWS - 1) / READ_ROWS;
        ES_TRY(es_parallel_for(from->threads, pieces, do_piece, line, NULL, error));
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

es_status es_sums_compute(const es_summands *rows, bool with_gram, es_sums *sums, es_error *error)
{
    int64_t d = rows->d;
    *sums = (es_sums){.sum = es_alloc(d, sizeof(double))};
    /* Aligned: the kernel's loads then stay within lines of the cache. */
    if (with_gram) sums->gram = es_alloc_aligned(d, (size_t)d * sizeof(double));
    if (sums->gram) memset(sums->gram, 0, (size_t)d * (size_t)d * sizeof(double));
    /* A wide band is copied less often; each thread should have a few. A sum is the same in either.
     */
    bool wide = d >= (int64_t)WIDE_BAND * BANDS_EACH * rows->threads;
    pipeline line = {.from = rows, .sums = sums, .band = wide ? WIDE_BAND : NARROW_BAND};
    line.bands = (d + line.band - 1) / line.band;
    size_t row = (size_t)(d + 1) * sizeof(double);
    double *blocks = es_alloc_aligned(2 * BLOCK_ROWS, row);
    es_status status = ES_OK;
    if (!sums->sum || (with_gram && !sums->gram) || !blocks)
        status = es_fail_memory(error, "the Gram matrix", (size_t)d * (size_t)d * sizeof(double));
    if (status == ES_OK) {
        line.ready.rows = blocks;
        line.next.rows = blocks + BLOCK_ROWS * d;
        line.ready.squares = blocks + 2 * BLOCK_ROWS * d;
        line.next.squares = line.ready.squares + BLOCK_ROWS;
        status = run(&line, error);
    }
    free(blocks);
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
