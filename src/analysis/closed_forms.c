#include "analysis/closed_forms.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK_ROWS = 512, READ_ROWS = 32, GRAM_ROWS = 32 };

/* A compensated running sum (Neumaier 1974). */
typedef struct long_sum {
    double total, lost;
} long_sum;

static void add_to(long_sum *sum, double x)
{
    double total = sum->total + x;
    bool larger = fabs(sum->total) >= fabs(x);
    sum->lost += larger ? (sum->total - total) + x : (x - total) + sum->total;
    sum->total = total;
}

typedef struct block {
    es_space *space;
    const int64_t *ids; /* of the block's rows */
    int64_t count, d;
    double *rows; /* (BLOCK_ROWS, d) */
    double *gram;
} block;

static es_status read_some(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const block *block = context;
    int64_t first = index * READ_ROWS;
    for (int64_t i = first; i < first + READ_ROWS && i < block->count; i++)
        ES_TRY(es_space_read_unit_rows(block->space, block->ids[i], 1, block->rows + i * block->d,
                                       error));
    return ES_OK;
}

/* A band of rows of the Gram matrix: no two threads write the same sum. */
static es_status add_band(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const block *block = context;
    int64_t first = index * GRAM_ROWS, end = first + GRAM_ROWS;
    if (end > block->d) end = block->d;
    block->space->kernel->gram(block->rows, block->count, block->d, first, end, block->gram);
    return ES_OK;
}

static void fold(es_closed_forms *forms, double squares, double fourths, double n, int64_t d)
{
    long_sum sum = {0}, gram = {0};
    for (int64_t k = 0; k < d; k++) add_to(&sum, forms->sum[k] * forms->sum[k]);
    /* Unit rows are unit to rounding: take off the squares they really have, not n. */
    forms->mean = (sum.total + sum.lost - squares) / (n * (n - 1));
    forms->has_second = forms->gram != NULL;
    if (!forms->gram) return;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = i; j < d; j++) {
            double g = forms->gram[i * d + j];
            add_to(&gram, i == j ? g * g : 2 * g * g);
        }
    forms->second = (gram.total + gram.lost - fourths) / (n * (n - 1));
}

es_status es_closed_forms_compute(es_space *space, const int64_t *ids, int64_t count, int threads,
                                  es_closed_forms *forms, es_error *error)
{
    int64_t d = space->source.columns;
    *forms = (es_closed_forms){.sum = es_alloc(d, sizeof(double))};
    if (d <= ES_GRAM_COLUMNS) forms->gram = es_alloc(d, (size_t)d * sizeof(double));
    block block = {.space = space, .d = d, .gram = forms->gram};
    block.rows = es_alloc(BLOCK_ROWS, (size_t)d * sizeof(double));
    es_status status = ES_OK;
    if (!forms->sum || (!forms->gram && d <= ES_GRAM_COLUMNS) || !block.rows)
        status = es_fail_memory(error, "the Gram matrix", (size_t)d * (size_t)d * sizeof(double));
    long_sum squares = {0}, fourths = {0};
    for (int64_t first = 0; first < count && status == ES_OK; first += BLOCK_ROWS) {
        block.ids = ids + first;
        block.count = count - first < BLOCK_ROWS ? count - first : BLOCK_ROWS;
        status = es_parallel_for(threads, (block.count + READ_ROWS - 1) / READ_ROWS, read_some,
                                 &block, NULL, error);
        for (int64_t i = 0; i < block.count && status == ES_OK; i++) {
            const double *row = block.rows + i * d;
            double square = space->kernel->dot(row, row, d);
            add_to(&squares, square);
            add_to(&fourths, square * square);
            for (int64_t k = 0; k < d; k++) forms->sum[k] += row[k];
        }
        if (status == ES_OK && forms->gram)
            status = es_parallel_for(threads, (d + GRAM_ROWS - 1) / GRAM_ROWS, add_band, &block,
                                     NULL, error);
    }
    free(block.rows);
    if (status == ES_OK)
        fold(forms, squares.total + squares.lost, fourths.total + fourths.lost, (double)count, d);
    else
        es_closed_forms_release(forms);
    return status;
}

void es_closed_forms_release(es_closed_forms *forms)
{
    free(forms->sum);
    free(forms->gram);
    *forms = (es_closed_forms){0};
}
