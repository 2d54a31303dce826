/* RSA's chance over all pairs of shared tokens, no sample: with the tokens of one model permuted,
 * the sum over all pairs is ||U' P V||_F^2 less its diagonal, one d x d product a permutation. */
#include "analysis/compare_parts.h"
#include "analysis/sums.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "kernel/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEWEST = 99, MOST = 999, BLOCK_ROWS = 128, LEAST_COLUMNS = 32 };

#define BUDGET     3e12 /* multiply-adds of all permutations, where they go by default */
#define PIECE_MOST 8e9  /* of one piece of work: work stops within a second of being asked to */

/* A piece is one permutation's product for a slice of the first model's columns. */
typedef struct permuting {
    const es_pair_job *job;
    int64_t n, da, db;
    int64_t slices, columns; /* of one slice */
    int64_t count;
    double *sums;      /* (count, slices): of the squares of the product */
    double *diagonals; /* (count) */
    int32_t *orders;   /* (threads, n) */
    double *scratch;   /* (threads, room) */
    int64_t room;
} permuting;

/* Add the products of items first ... first + count - 1; `diagonal`, where not NULL, collects those
 * of squared lengths. */
static es_status add_block(const permuting *work, const int32_t *order, int64_t first,
                           int64_t count, int64_t column, int64_t columns, double *scratch,
                           es_long_sum *diagonal, es_error *error)
{
    const es_pair_job *job = work->job;
    double *a = scratch, *b = a + BLOCK_ROWS * work->da, *product = b + BLOCK_ROWS * work->db;
    ES_TRY(es_space_read_unit_rows(job->a->space, first, count, a, error));
    for (int64_t i = 0; i < count; i++)
        ES_TRY(
            es_space_read_unit_rows(job->b->space, order[first + i], 1, b + i * work->db, error));
    es_products_add(count, columns, work->db, a + column, work->da, b, product);
    for (int64_t i = 0; diagonal && i < count; i++) {
        const double *x = a + i * work->da, *y = b + i * work->db;
        es_long_sum_add(diagonal, job->a->space->kernel->dot(x, x, work->da) *
                                      job->b->space->kernel->dot(y, y, work->db));
    }
    return ES_OK;
}

static es_status permute_piece(void *context, int64_t index, int worker, es_error *error)
{
    permuting *work = context;
    int64_t r = index / work->slices, column = index % work->slices * work->columns;
    int64_t columns = work->da - column < work->columns ? work->da - column : work->columns;
    int32_t *order = work->orders + worker * work->n;
    double *scratch = work->scratch + worker * work->room;
    double *product = scratch + BLOCK_ROWS * (work->da + work->db);
    es_long_sum sum = {0}, diagonal = {0};
    es_draw_permutation(work->job->seed, r, work->n, order);
    memset(product, 0, (size_t)(columns * work->db) * sizeof *product);
    for (int64_t first = 0; first < work->n; first += BLOCK_ROWS) {
        int64_t count = work->n - first < BLOCK_ROWS ? work->n - first : BLOCK_ROWS;
        ES_TRY(add_block(work, order, first, count, column, columns, scratch,
                         column ? NULL : &diagonal, error));
    }
    for (int64_t c = 0; c < columns * work->db; c++) es_long_sum_add(&sum, product[c] * product[c]);
    work->sums[index] = sum.total + sum.lost;
    if (!column) work->diagonals[r] = diagonal.total + diagonal.lost;
    return ES_OK;
}

static double correlation_of(const permuting *work, int64_t r)
{
    const es_model_part *a = work->job->a, *b = work->job->b;
    double n = (double)work->n, sum = 0;
    for (int64_t s = 0; s < work->slices; s++) sum += work->sums[r * work->slices + s];
    double covariance =
        (sum - work->diagonals[r]) / (n * (n - 1)) - a->mean_cosine * b->mean_cosine;
    double spread = (a->second - a->mean_cosine * a->mean_cosine) *
                    (b->second - b->mean_cosine * b->mean_cosine);
    return covariance / sqrt(spread);
}

/* Columns go to slices of one size but for the last: as many as the size of a piece asks for. */
static void cut(permuting *work)
{
    double all = (double)work->n * (double)work->da * (double)work->db;
    int64_t slices = (int64_t)fmin(ceil(all / PIECE_MOST), (double)work->da);
    work->columns = (work->da + slices - 1) / slices;
    if (work->columns < LEAST_COLUMNS) work->columns = LEAST_COLUMNS;
    work->slices = (work->da + work->columns - 1) / work->columns;
    work->room = BLOCK_ROWS * (work->da + work->db) + work->columns * work->db;
}

int64_t es_whole_permutations(const es_pair_job *job, int64_t n, int64_t da, int64_t db)
{
    double affordable = BUDGET / ((double)n * (double)da * (double)db);
    if (job->permutations) return job->permutations;
    return affordable < FEWEST ? FEWEST : affordable > MOST ? MOST : (int64_t)affordable;
}

static es_status run(permuting *work, es_rsa *rsa, es_error *error)
{
    const es_pair_job *job = work->job;
    double *permuted = es_alloc(work->count, sizeof *permuted);
    work->sums = es_alloc(work->count, (size_t)work->slices * sizeof *work->sums);
    work->diagonals = es_alloc(work->count, sizeof *work->diagonals);
    work->orders = es_alloc(job->threads, (size_t)work->n * sizeof *work->orders);
    work->scratch = es_alloc(job->threads, (size_t)work->room * sizeof *work->scratch);
    es_status status = ES_OK;
    if (!permuted || !work->sums || !work->diagonals || !work->orders || !work->scratch)
        status = es_fail_memory(error, "permutations", (size_t)work->room * sizeof(double));
    es_progress progress = es_stages_next(job->stages, job->whole_weight);
    if (status == ES_OK) {
        int before = es_products_begin();
        status = es_parallel_for(job->threads, work->count * work->slices, permute_piece, work,
                                 &progress, error);
        es_products_end(before);
    }
    for (int64_t r = 0; r < work->count && status == ES_OK; r++)
        permuted[r] = correlation_of(work, r);
    if (status == ES_OK) es_chance_fill(&rsa->chance, work->n, rsa->pearson, permuted, work->count);
    free(permuted);
    return status;
}

es_status es_pair_whole_chance(es_pair_job *job, es_rsa *rsa, es_error *error)
{
    permuting work = {.job = job, .n = job->a->n, .da = job->a->d, .db = job->b->d};
    if (isnan(rsa->pearson)) return ES_OK; /* nothing varies: as the sample says */
    work.count = es_whole_permutations(job, work.n, work.da, work.db);
    cut(&work);
    es_status status = run(&work, rsa, error);
    free(work.sums);
    free(work.diagonals);
    free(work.orders);
    free(work.scratch);
    return status;
}
