/* How evenly a space fills its dimensions: IsoScore and the partition function of the rows as they
 * are stored (both are defined on points, lengths included), the uniformity of the unit rows. */
#include "analysis/spectrum_parts.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "kernel/linear.h"

#include <math.h>
#include <stdlib.h>

enum {
    BLOCK_ROWS = 256,
    PAIRS = 100000,
    PAIR_BLOCK = 1000,
    PAIR_SEED = 41, /* so that pairs and shuffles do not share a stream */
};

/* The published score (Rudman et al. 2022) is a function of the participation ratio alone: with l
 * the diagonal of the covariance on its own axes, sqrt(d) l / ||l|| lies
 * 2 d - 2 sqrt(d) tr / ||l|| from the vector of ones, squared, and the rest is algebra. */
double es_isoscore(const double *covariance, int64_t d)
{
    es_long_sum trace = {0}, squares = {0};
    double largest = 0;
    for (int64_t k = 0; k < d; k++) largest = fmax(largest, covariance[k * d + k]);
    if (d < 2 || !(largest > 0)) return NAN;
    for (int64_t i = 0; i < d; i++) {
        es_long_sum_add(&trace, covariance[i * d + i] / largest);
        for (int64_t j = i; j < d; j++) {
            double c = covariance[i * d + j] / largest;
            es_long_sum_add(&squares, i == j ? c * c : 2 * c * c);
        }
    }
    double sum = trace.total + trace.lost;
    double ratio = sum * sum / (squares.total + squares.lost);
    return (ratio - 1) / ((double)d - 1);
}

/* ---- the partition function -------------------------------------------------------------------
 */

/* log of a sum of exponentials as (largest, sum of exp(x - largest)). */
typedef struct log_sum {
    double largest, sum;
} log_sum;

static log_sum join(log_sum a, log_sum b)
{
    if (a.largest < b.largest) {
        log_sum held = a;
        a = b;
        b = held;
    }
    if (b.sum > 0) a.sum += b.sum * exp(b.largest - a.largest);
    return a;
}

typedef struct partition_pass {
    es_spectrum_job *job;
    const double *vectors; /* (d, d) */
    double **scratch;      /* a worker's (2, BLOCK_ROWS, d) */
    log_sum *blocks;       /* (blocks, 2, d): of +c, of -c */
} partition_pass;

/* Sums of a block's rows for one vector, from its column of products. */
static void add_column(const double *products, int64_t count, int64_t d, double unit,
                       log_sum *positive, log_sum *negative)
{
    double least = products[0], most = products[0], up = 0, down = 0;
    for (int64_t i = 1; i < count; i++) {
        double x = products[i * d];
        least = x < least ? x : least;
        most = x > most ? x : most;
    }
    for (int64_t i = 0; i < count; i++) {
        up += exp((products[i * d] - most) * unit);
        down += exp((least - products[i * d]) * unit);
    }
    *positive = (log_sum){most * unit, up};
    *negative = (log_sum){-least * unit, down};
}

static es_status add_block(void *context, int64_t index, int worker, es_error *error)
{
    const partition_pass *pass = context;
    es_spectrum_job *job = pass->job;
    int64_t d = job->d, first = index * BLOCK_ROWS;
    int64_t count = job->n - first < BLOCK_ROWS ? job->n - first : BLOCK_ROWS;
    double **scratch = &pass->scratch[worker];
    if (!*scratch && !(*scratch = es_alloc_aligned(2 * BLOCK_ROWS, (size_t)d * sizeof(double))))
        return es_fail_memory(error, "rows", 2 * BLOCK_ROWS * (size_t)d * sizeof(double));
    double *rows = *scratch, *products = rows + BLOCK_ROWS * d;
    ES_TRY(es_spectrum_read_stored(job, first, count, rows, error));
    es_products(count, d, d, rows, pass->vectors, products);
    log_sum *out = pass->blocks + index * 2 * d;
    double unit = ldexp(1, job->scale);
    for (int64_t c = 0; c < d; c++) add_column(products + c, count, d, unit, out + c, out + d + c);
    return ES_OK;
}

/* Orient every vector along the mean row: so the two signs can be told apart. */
static void orient(const es_kernel *kernel, const double *mean, int64_t d, double *vectors)
{
    for (int64_t c = 0; c < d; c++)
        if (kernel->dot(vectors + c * d, mean, d) < 0)
            for (int64_t k = 0; k < d; k++) vectors[c * d + k] = -vectors[c * d + k];
}

static void fold(const partition_pass *pass, int64_t blocks, es_partition *partition)
{
    int64_t d = pass->job->d;
    double least[2] = {INFINITY, INFINITY}, most[2] = {-INFINITY, -INFINITY};
    for (int64_t c = 0; c < 2 * d; c++) {
        log_sum total = pass->blocks[c];
        for (int64_t b = 1; b < blocks; b++) total = join(total, pass->blocks[b * 2 * d + c]);
        double value = total.largest + log(total.sum);
        least[c / d] = fmin(least[c / d], value);
        most[c / d] = fmax(most[c / d], value);
    }
    partition->log_min = fmin(least[0], least[1]);
    partition->log_max = fmax(most[0], most[1]);
    partition->isotropy = exp(partition->log_min - partition->log_max);
    partition->positive = exp(least[0] - most[0]);
    partition->negative = exp(least[1] - most[1]);
}

/* vectors (d, d): the eigenvectors, a row each. */
static es_status compute_partition(es_spectrum_job *job, const double *vectors,
                                   es_partition *partition, es_error *error)
{
    int64_t blocks = (job->n + BLOCK_ROWS - 1) / BLOCK_ROWS;
    int threads = es_thread_count(job->threads);
    partition_pass pass = {job, vectors, es_alloc(threads, sizeof(double *)),
                           es_alloc(blocks, 2 * (size_t)job->d * sizeof(log_sum))};
    es_status status = ES_OK;
    if (!pass.scratch || !pass.blocks)
        status = es_fail_memory(error, "the partition function",
                                (size_t)(blocks * 2 * job->d) * sizeof(log_sum));
    if (status == ES_OK) {
        es_progress progress = es_spectrum_phase(job, 2);
        int before = es_products_begin();
        status = es_parallel_for(threads, blocks, add_block, &pass, &progress, error);
        es_products_end(before);
    }
    if (status == ES_OK) fold(&pass, blocks, partition);
    for (int w = 0; w < threads && pass.scratch; w++) free(pass.scratch[w]);
    free(pass.scratch);
    free(pass.blocks);
    return status;
}

static es_status of_stored_rows(es_spectrum_job *job, es_isotropy *isotropy, es_error *error)
{
    int64_t d = job->d;
    es_sums sums = {0};
    double *shift = es_alloc(3, (size_t)d * sizeof *shift), *values = shift + d, *mean = values + d;
    double *matrix = es_alloc(d, (size_t)d * sizeof *matrix);
    es_status status = ES_OK;
    if (!shift || !matrix)
        status = es_fail_memory(error, "the Gram matrix", (size_t)d * (size_t)d * sizeof *matrix);
    if (status == ES_OK)
        status = es_spectrum_sums(job, es_spectrum_read_stored, shift, &sums, error);
    if (status == ES_OK) {
        es_sums_covariance(&sums, job->n, d, matrix);
        isotropy->isoscore = es_isoscore(matrix, d);
        es_sums_gram(&sums, job->n, d, shift, matrix);
        for (int64_t k = 0; k < d; k++) mean[k] = shift[k] + sums.sum[k] / (double)job->n;
    }
    es_sums_release(&sums);
    if (status == ES_OK) status = es_eigen_symmetric(d, matrix, values, error);
    if (status == ES_OK) {
        orient(job->space->kernel, mean, d, matrix);
        status = compute_partition(job, matrix, &isotropy->partition, error);
    }
    free(shift);
    free(matrix);
    return status;
}

/* ---- uniformity -------------------------------------------------------------------------------
 */

typedef struct pair_pass {
    const es_spectrum_job *job;
    bool all;
    int64_t pairs;
    uint64_t *seeds;
    double *sums, *squares; /* a block each */
} pair_pass;

/* Pair number p of all pairs i < j. */
static void pair_of(int64_t p, int64_t *i, int64_t *j)
{
    *j = (int64_t)((1 + sqrt(1 + 8 * (double)p)) / 2);
    while (*j * (*j - 1) / 2 > p) --*j;
    while (*j * (*j + 1) / 2 <= p) ++*j;
    *i = p - *j * (*j - 1) / 2;
}

static void draw_pair(es_random *random, int64_t n, int64_t *i, int64_t *j)
{
    *i = (int64_t)es_random_bounded(random, (uint64_t)n);
    *j = (int64_t)es_random_bounded(random, (uint64_t)n - 1);
    *j += *j >= *i;
}

static es_status add_pairs(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const pair_pass *pass = context;
    es_space *space = pass->job->space;
    int64_t d = pass->job->d, n = pass->job->n, i, j;
    int64_t first = index * PAIR_BLOCK, end = first + PAIR_BLOCK;
    double *u = es_alloc(2, (size_t)d * sizeof *u), *v = u + d;
    if (!u) return es_fail_memory(error, "rows", 2 * (size_t)d * sizeof *u);
    es_random random = {pass->seeds[index]};
    es_status status = ES_OK;
    for (int64_t p = first; p < end && p < pass->pairs && status == ES_OK; p++) {
        if (pass->all)
            pair_of(p, &i, &j);
        else
            draw_pair(&random, n, &i, &j);
        status = es_space_read_unit_rows(space, pass->job->ids[i], 1, u, error);
        if (status == ES_OK)
            status = es_space_read_unit_rows(space, pass->job->ids[j], 1, v, error);
        if (status != ES_OK) break;
        for (int64_t k = 0; k < d; k++) u[k] -= v[k];
        double near = expm1(-2 * space->kernel->dot(u, u, d)); /* less 1: rows may be near */
        pass->sums[index] += near;
        pass->squares[index] += near * near;
    }
    free(u);
    return status;
}

static es_status compute_uniformity(es_spectrum_job *job, es_isotropy *isotropy, es_error *error)
{
    int64_t there = job->n > PAIRS ? INT64_MAX : job->n * (job->n - 1) / 2;
    pair_pass pass = {.job = job, .all = there <= PAIRS, .pairs = there <= PAIRS ? there : PAIRS};
    int64_t blocks = (pass.pairs + PAIR_BLOCK - 1) / PAIR_BLOCK;
    pass.seeds = es_alloc(blocks, sizeof *pass.seeds);
    pass.sums = es_alloc(2 * blocks, sizeof *pass.sums);
    pass.squares = pass.sums ? pass.sums + blocks : NULL;
    es_status status = ES_OK;
    if (!pass.seeds || !pass.sums) status = es_fail_memory(error, "pairs", (size_t)blocks * 24);
    if (status == ES_OK) {
        es_spectrum_seeds(job->seed ^ PAIR_SEED, blocks, pass.seeds);
        es_progress progress = es_spectrum_phase(job, 0.25);
        status = es_parallel_for(job->threads, blocks, add_pairs, &pass, &progress, error);
    }
    double sum = 0, squares = 0, m = (double)pass.pairs;
    for (int64_t b = 0; b < blocks && status == ES_OK; b++) {
        sum += pass.sums[b];
        squares += pass.squares[b];
    }
    double mean = sum / m, variance = fmax(0, squares / m - mean * mean);
    isotropy->uniformity = log1p(mean);
    isotropy->uniformity_pairs = pass.pairs;
    isotropy->uniformity_error = pass.all ? 0 : sqrt(variance / (m - 1)) / (1 + mean);
    free(pass.seeds);
    free(pass.sums);
    return status;
}

es_status es_spectrum_isotropy(es_spectrum_job *job, es_isotropy *isotropy, es_error *error)
{
    ES_TRY(of_stored_rows(job, isotropy, error));
    return compute_uniformity(job, isotropy, error);
}
