/* RSA, CKA and Procrustes over all shared tokens without a matrix of their pairs. The Gram matrix
 * of both tables side by side holds three products:
 *
 *   [X Y]' [X Y] = [X'X X'Y; . Y'Y]
 *
 * once of unit rows, once of stored rows less their mean. docs/mathematics.md, section 23. */
#include "analysis/compare_parts.h"
#include "analysis/matrix_parts.h"
#include "analysis/spectrum_parts.h"
#include "analysis/sums.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "kernel/linear.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_SPLIT = 10, TEST_SHARE = 5 };

/* A variance is what two sums over pairs leave of each other. Beside their size, and what each pair
 * i = i that came off them was of, less than this is rounding: the cosines are equal. */
#define ROUNDED 1e-13

static const double degrees = 57.29577951308232;

/* The three products, and the squared lengths of both tables' rows. */
typedef struct products {
    int64_t n, da, db;
    es_sums sums;
    double *squares[2];
} products;

static void release_products(products *from)
{
    es_sums_release(&from->sums);
    free(from->squares[0]);
    free(from->squares[1]);
}

static es_status multiply(const es_pair_job *job, bool centered, const int64_t *ids, int64_t n,
                          const es_progress *progress, products *out, es_error *error)
{
    *out = (products){.n = n, .da = job->a->d, .db = job->b->d};
    for (int m = 0; m < 2; m++)
        if (!(out->squares[m] = es_alloc(job->a->n, sizeof(double)))) /* others may be added */
            return es_fail_memory(error, "squares", (size_t)job->a->n * sizeof(double));
    es_joined_rows joined = {.parts = {job->a, job->b},
                             .centered = centered,
                             .ids = ids,
                             .squares = {out->squares[0], out->squares[1]}};
    es_summands from = {.read = es_joined_read,
                        .context = &joined,
                        .count = n,
                        .d = out->da + out->db,
                        .kernel = job->a->space->kernel,
                        .threads = job->threads,
                        .progress = progress};
    return es_sums_compute(&from, true, &out->sums, error);
}

/* The squared Frobenius norm of a block: rows [r0, r1), columns [c0, c1) of the Gram matrix; a
 * block on the diagonal is held as its upper triangle. */
static double block_norm(const products *from, int64_t r0, int64_t r1, int64_t c0, int64_t c1)
{
    int64_t d = from->da + from->db;
    es_long_sum sum = {0};
    for (int64_t i = r0; i < r1; i++)
        for (int64_t j = c0 == r0 ? i : c0; j < c1; j++) {
            double g = from->sums.gram[i * d + j];
            es_long_sum_add(&sum, c0 == r0 && j > i ? 2 * g * g : g * g);
        }
    return sum.total + sum.lost;
}

static double dot_of(const double *a, const double *b, int64_t n)
{
    es_long_sum sum = {0};
    for (int64_t i = 0; i < n; i++) es_long_sum_add(&sum, b ? a[i] * b[i] : a[i]);
    return sum.total + sum.lost;
}

/* ||A'A||, ||B'B||, ||A'B||, all squared; less the terms i = j they are sums over pairs. */
typedef struct norms {
    double aa, bb, ab;
} norms;

static norms all_norms(const products *from)
{
    int64_t da = from->da, d = from->da + from->db;
    return (norms){block_norm(from, 0, da, 0, da), block_norm(from, da, d, da, d),
                   block_norm(from, 0, da, da, d)};
}

static norms diagonals(const products *from)
{
    const double *a = from->squares[0], *b = from->squares[1];
    return (norms){dot_of(a, a, from->n), dot_of(b, b, from->n), dot_of(a, b, from->n)};
}

/* Copy the product of the two tables out of the Gram matrix: (da, db). */
static double *copy_cross(const products *from, es_error *error)
{
    int64_t d = from->da + from->db;
    double *cross = es_alloc(from->da, (size_t)from->db * sizeof *cross);
    if (!cross) es_fail_memory(error, "a product", (size_t)(from->da * from->db) * 8);
    for (int64_t i = 0; cross && i < from->da; i++)
        memcpy(cross + i * from->db, from->sums.gram + i * d + from->da,
               (size_t)from->db * sizeof *cross);
    return cross;
}

/* ---- unit rows --------------------------------------------------------------------------------
 */

static double mean_cosine(const products *from, int m)
{
    const double *sum = from->sums.sum + (m ? from->da : 0);
    double n = (double)from->n, length = dot_of(sum, sum, m ? from->db : from->da);
    return (length - dot_of(from->squares[m], NULL, from->n)) / (n * (n - 1));
}

static es_status describe(es_model_part *part, const products *from, int m, es_error *error)
{
    int64_t d = part->d, first = m ? from->da : 0, all = from->da + from->db;
    double n = (double)part->n;
    if (part->described) return ES_OK;
    double *matrix = es_alloc(d, (size_t)(d + 1) * sizeof *matrix);
    if (!matrix) return es_fail_memory(error, "a covariance", (size_t)(d * d) * 8);
    const double *sum = from->sums.sum + first;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = i; j < d; j++)
            matrix[i * d + j] = matrix[j * d + i] =
                from->sums.gram[(first + i) * all + first + j] / n - (sum[i] / n) * (sum[j] / n);
    double *values = matrix + d * d;
    es_status status = es_eigen_values(d, matrix, values, error);
    if (status == ES_OK)
        status = es_spectrum_describe(values, d, part->n < d ? part->n : d,
                                      16 * DBL_EPSILON * DBL_EPSILON, &part->spectrum, error);
    free(matrix);
    part->described = status == ES_OK;
    return status;
}

/* The variance of a model's cosines; 0 where it cannot be told from none. */
static double variance_of(const es_model_part *part)
{
    double mean = part->mean_cosine, variance = part->second - mean * mean;
    return variance > ROUNDED * (part->second + 1 / (double)(part->n - 1)) ? variance : 0;
}

static void fill_rsa(es_pair_job *job, const products *from, es_rsa *rsa)
{
    double n = (double)from->n, pairs = n * (n - 1);
    norms whole = all_norms(from), same = diagonals(from);
    es_model_part *a = job->a, *b = job->b;
    a->mean_cosine = mean_cosine(from, 0);
    b->mean_cosine = mean_cosine(from, 1);
    a->second = (whole.aa - same.aa) / pairs;
    b->second = (whole.bb - same.bb) / pairs;
    double covariance = (whole.ab - same.ab) / pairs - a->mean_cosine * b->mean_cosine;
    rsa->pairs = from->n * (from->n - 1) / 2;
    double product = variance_of(a) * variance_of(b);
    rsa->pearson = product > 0 ? fmax(-1, fmin(1, covariance / sqrt(product))) : NAN;
}

/* What is fitted on a part of the items is asked on the others: the sum over them of u R v' is the
 * sum of the products of R and their own cross product, component by component. `train` becomes
 * R. */
static es_status fit_and_ask(int64_t da, int64_t db, const double *test, double *train,
                             es_procrustes *procrustes, es_error *error)
{
    int64_t least = da < db ? da : db;
    double *values = es_alloc(least, sizeof *values);
    if (!values) return es_fail_memory(error, "values", (size_t)least * 8);
    es_status status = es_polar_factor(da, db, train, values, error);
    if (status == ES_OK) {
        es_long_sum asked = {0};
        for (int64_t c = 0; c < da * db; c++) es_long_sum_add(&asked, train[c] * test[c]);
        procrustes->train_cosine = dot_of(values, NULL, least) / (double)procrustes->train;
        procrustes->test_cosine = (asked.total + asked.lost) / (double)procrustes->test;
    }
    free(values);
    return status;
}

/* The items in the order of their reading: those to fit on, then `count` to ask. */
static es_status split(const es_pair_job *job, int64_t count, int64_t **ids, es_error *error)
{
    int64_t n = job->a->n, *asked, next = 0;
    ES_TRY(es_sample_items(n, count, job->seed + 1, &asked, &count, error));
    *ids = es_alloc(n, sizeof **ids);
    if (!*ids) es_fail_memory(error, "ids", (size_t)n * sizeof **ids);
    for (int64_t i = 0; *ids && i < n; i++) {
        bool is_asked = next < count && asked[next] == i;
        (*ids)[is_asked ? n - count + next : i - next] = i;
        next += is_asked;
    }
    free(asked);
    return *ids ? ES_OK : ES_NO_MEMORY;
}

static void add_products(products *all, const products *part)
{
    int64_t d = all->da + all->db;
    for (int64_t c = 0; c < d * d; c++) all->sums.gram[c] += part->sums.gram[c];
    for (int64_t k = 0; k < d; k++) all->sums.sum[k] += part->sums.sum[k];
    for (int m = 0; m < 2; m++)
        memcpy(all->squares[m] + all->n, part->squares[m], (size_t)part->n * sizeof(double));
    all->n += part->n;
}

/* The sum of the singular values of the two tables' product; the rotation where it is asked for. */
static es_status nuclear_norm(const products *from, double *turn, double *sum, es_error *error)
{
    int64_t least = from->da < from->db ? from->da : from->db;
    double *cross = copy_cross(from, error), *values = es_alloc(least, sizeof *values);
    es_status status = cross ? ES_OK : ES_NO_MEMORY;
    if (!values) status = es_fail_memory(error, "values", (size_t)least * 8);
    if (status == ES_OK)
        status = turn ? es_polar_factor(from->da, from->db, cross, values, error)
                      : es_singular_values(from->da, from->db, cross, values, error);
    if (status == ES_OK && turn) memcpy(turn, cross, (size_t)(from->da * from->db) * sizeof *turn);
    *sum = status == ES_OK ? dot_of(values, NULL, least) : NAN;
    free(cross);
    free(values);
    return status;
}

static double reading_weight(const es_pair_job *job, int64_t items)
{
    double d = (double)(job->a->d + job->b->d);
    return (double)items * d * d / 2e6;
}

/* One reading: the products of the part to fit on, then those of the rest, added to them. *train
 * and *test, (da, db), are the two tables' products in either part; NULL where there are too few.
 */
static es_status multiply_split(es_pair_job *job, es_procrustes *procrustes, products *all,
                                double **train, double **test, es_error *error)
{
    int64_t n = job->a->n, count = n < LEAST_SPLIT ? 0 : n / TEST_SHARE, *ids = NULL;
    es_progress progress = es_stages_next(job->stages, reading_weight(job, n - count));
    procrustes->train_cosine = procrustes->test_cosine = NAN;
    if (!count) return multiply(job, false, NULL, n, &progress, all, error);
    procrustes->train = n - count;
    procrustes->test = count;
    ES_TRY(split(job, count, &ids, error));
    products asked = {0};
    es_status status = multiply(job, false, ids, n - count, &progress, all, error);
    progress = es_stages_next(job->stages, reading_weight(job, count));
    if (status == ES_OK)
        status = multiply(job, false, ids + n - count, count, &progress, &asked, error);
    if (status == ES_OK && !(*train = copy_cross(all, error))) status = ES_NO_MEMORY;
    if (status == ES_OK && !(*test = copy_cross(&asked, error))) status = ES_NO_MEMORY;
    if (status == ES_OK) add_products(all, &asked);
    release_products(&asked);
    free(ids);
    return status;
}

/* ---- stored rows ------------------------------------------------------------------------------
 */

/* The unbiased HSIC of Song et al. (2012), equation 5, for rows about their mean: both tables then
 * sum to zero, and so 1'K~1 = -sum of squares, (K~1)_i = -square_i. `trace` is tr(K~L~). */
static double unbiased_hsic(double trace, double ones_a, double ones_b, double both, double m)
{
    if (m < 4) return NAN;
    return (trace + ones_a * ones_b / ((m - 1) * (m - 2)) - 2 * both / (m - 2)) / (m * (m - 3));
}

/* Rows that differ by rounding alone do not vary. */
static bool varies(const es_model_part *part, double squares)
{
    return squares > 1e-26 * (double)part->n * dot_of(part->mean, part->mean, part->d);
}

static void fill_cka(const es_pair_job *job, const products *from, es_cka *cka)
{
    norms whole = all_norms(from), same = diagonals(from);
    double a = dot_of(from->squares[0], NULL, from->n), b = dot_of(from->squares[1], NULL, from->n);
    double m = (double)from->n;
    bool vary = varies(job->a, a) && varies(job->b, b);
    job->a->stored_ratio = varies(job->a, a) ? a / whole.aa * a : NAN;
    job->b->stored_ratio = varies(job->b, b) ? b / whole.bb * b : NAN;
    cka->linear = vary ? fmin(1, whole.ab / (sqrt(whole.aa) * sqrt(whole.bb))) : NAN;
    cka->hsic = unbiased_hsic(whole.ab - same.ab, a, b, same.ab, m);
    double aa = unbiased_hsic(whole.aa - same.aa, a, a, same.aa, m);
    double bb = unbiased_hsic(whole.bb - same.bb, b, b, same.bb, m);
    bool positive = vary && aa > 1e-13 * whole.aa / (m * m) && bb > 1e-13 * whole.bb / (m * m);
    cka->debiased = positive ? cka->hsic / (sqrt(aa) * sqrt(bb)) : NAN;
}

static void fill_residual(const es_pair_job *job, const products *from, double nuclear,
                          es_procrustes *procrustes)
{
    double a = dot_of(from->squares[0], NULL, from->n), b = dot_of(from->squares[1], NULL, from->n);
    bool vary = varies(job->a, a) && varies(job->b, b);
    double shape = vary ? fmin(1, nuclear / (sqrt(a) * sqrt(b))) : NAN;
    procrustes->residual = 1 - shape * shape;
    procrustes->angle = acos(shape) * degrees;
}

/* ---- what LAPACK makes of them ----------------------------------------------------------------
 */

typedef struct closed_form {
    es_pair_job *job;
    es_pair_comparison *pair;
    products unit, stored;
    double *train, *test;                /* (da, db); NULL: no split */
    double unit_nuclear, stored_nuclear; /* nuclear norms of the tables' product */
} closed_form;

enum { FIT, UNIT, STORED, DESCRIBE_A, DESCRIBE_B, PIECES };

/* Each reads products that are ready and writes what no other does. */
static es_status do_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    closed_form *form = context;
    switch (index) {
    case FIT:
        if (!form->train) return ES_OK;
        return fit_and_ask(form->job->a->d, form->job->b->d, form->test, form->train,
                           &form->pair->procrustes, error);
    case UNIT: return nuclear_norm(&form->unit, form->job->turn, &form->unit_nuclear, error);
    case STORED: return nuclear_norm(&form->stored, NULL, &form->stored_nuclear, error);
    case DESCRIBE_A: return describe(form->job->a, &form->unit, 0, error);
    default: return describe(form->job->b, &form->unit, 1, error);
    }
}

static es_status compute(closed_form *form, es_error *error)
{
    es_pair_job *job = form->job;
    es_pair_comparison *pair = form->pair;
    ES_TRY(multiply_split(job, &pair->procrustes, &form->unit, &form->train, &form->test, error));
    fill_rsa(job, &form->unit, &pair->rsa);
    es_progress progress = es_stages_next(job->stages, reading_weight(job, job->a->n));
    ES_TRY(multiply(job, true, NULL, job->a->n, &progress, &form->stored, error));
    fill_cka(job, &form->stored, &pair->cka);
    pair->cka.hsic = ldexp(pair->cka.hsic, 2 * (job->a->scale + job->b->scale));
    if (!isfinite(pair->cka.hsic)) pair->cka.hsic = NAN;
    int before = es_products_begin();
    es_status status = es_parallel_for(job->threads, PIECES, do_piece, form, NULL, error);
    es_products_end(before);
    if (status != ES_OK) return status;
    pair->procrustes.mean_cosine = form->unit_nuclear / (double)job->a->n;
    fill_residual(job, &form->stored, form->stored_nuclear, &pair->procrustes);
    return ES_OK;
}

es_status es_pair_closed(es_pair_job *job, es_pair_comparison *pair, es_error *error)
{
    closed_form form = {.job = job, .pair = pair};
    es_status status = compute(&form, error);
    release_products(&form.unit);
    release_products(&form.stored);
    free(form.train);
    free(form.test);
    return status;
}
