/* What the measures give by chance: over a sample of the items, whose matrices fit into memory, the
 * items of one model are permuted. One permutation serves RSA and both forms of CKA. */
#include "analysis/compare_parts.h"
#include "analysis/matrix_parts.h"
#include "analysis/sums.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "kernel/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEWEST = 199, FEWEST_TURNS = 19, MOST = 999 };

/* Where they go by default: pairs of items that all permutations look at, floating-point operations
 * of all Procrustes fits. */
#define PAIR_BUDGET 8e8
#define TURN_BUDGET 3e10

/* ---- lots -------------------------------------------------------------------------------------
 */

void es_draw_permutation(uint64_t seed, int64_t index, int64_t n, int32_t *order)
{
    es_random random = {es_draw_seed(seed, index)};
    for (int64_t i = 0; i < n; i++) order[i] = (int32_t)i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = es_random_below(&random, i + 1);
        int32_t held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
}

static int compare_items(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

es_status es_sample_items(int64_t n, int64_t wanted, uint64_t seed, int64_t **items, int64_t *count,
                          es_error *error)
{
    int32_t *order = es_alloc(n, sizeof *order);
    *count = wanted < n ? wanted : n;
    *items = es_alloc(*count, sizeof **items);
    if (!order || !*items) {
        free(order);
        free(*items);
        *items = NULL;
        return es_fail_memory(error, "a sample", (size_t)n * sizeof *order);
    }
    es_draw_permutation(seed, -1, n, order);
    for (int64_t i = 0; i < *count; i++) (*items)[i] = order[i];
    free(order);
    qsort(*items, (size_t)*count, sizeof **items, compare_items);
    return ES_OK;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Permuted values this near to the observed one are equal but for rounding. */
#define TIE 1e-12

void es_chance_fill(es_chance *chance, int64_t items, double observed, double *permuted,
                    int64_t permutations)
{
    *chance = (es_chance){items, permutations, observed, NAN, NAN, NAN, NAN, NAN};
    if (isnan(observed)) return;
    double sum = 0, squares = 0;
    int64_t reach = 0;
    for (int64_t r = 0; r < permutations; r++) {
        sum += permuted[r];
        reach += permuted[r] >= observed - TIE;
    }
    chance->mean = sum / (double)permutations;
    for (int64_t r = 0; r < permutations; r++)
        squares += (permuted[r] - chance->mean) * (permuted[r] - chance->mean);
    chance->deviation = permutations > 1 ? sqrt(squares / (double)(permutations - 1)) : NAN;
    chance->p = (double)(1 + reach) / (double)(1 + permutations);
    /* The smallest value that 95 % of the permuted and the observed do not exceed. */
    qsort(permuted, (size_t)permutations, sizeof *permuted, compare_doubles);
    int64_t rank = (int64_t)ceil(0.95 * (double)(permutations + 1) - 1e-9); /* from 1 */
    int64_t below = permutations - reach; /* permuted ones before the observed */
    chance->level = rank <= below       ? permuted[rank - 1]
                    : rank == below + 1 ? observed
                                        : permuted[rank - 2];
    double room = 1 - chance->level;
    chance->score = room > TIE ? fmax(0, fmin(1, (observed - chance->level) / room)) : 0;
}

/* ---- the sample -------------------------------------------------------------------------------
 */

/* The rows of a sample in one model, a column for each item, and their products. */
typedef struct side {
    int64_t d;
    double *columns;  /* (d, s) */
    double *products; /* (s, s), whole */
} side;

typedef struct sample {
    const es_pair_job *job;
    int64_t s, *items;
    side unit[2], stored[2];
    double unit_mean[2], unit_spread[2];    /* of the cosines, over pairs */
    double *permuted[3];                    /* RSA, CKA, debiased CKA */
    double stored_norm[2], hsic_norm, ones; /* of the products, and what debiasing divides by */
    int64_t permutations, resamples;
    double *resampled;
    int32_t *orders; /* (threads, s) */
    double *scratch; /* (threads, 2 s) */
} sample;

static es_status read_columns(void *context, int64_t first, int64_t count, double *out,
                              es_error *error)
{
    (void)error;
    const double *const *from = context;
    int64_t s = (int64_t)(from[1] - from[0]);
    memcpy(out, from[0] + first * s, (size_t)(count * s) * sizeof *out);
    return ES_OK;
}

/* All products of the columns: the Gram matrix of the table turned on its side. */
static es_status fill_products(const sample *sample, side *side, es_error *error)
{
    int64_t s = sample->s;
    const double *from[2] = {side->columns, side->columns + s};
    es_summands rows = {.read = read_columns,
                        .context = from,
                        .count = side->d,
                        .d = s,
                        .kernel = sample->job->a->space->kernel,
                        .threads = sample->job->threads};
    es_sums sums;
    ES_TRY(es_sums_compute(&rows, true, &sums, error));
    side->products = sums.gram;
    sums.gram = NULL;
    es_sums_release(&sums);
    for (int64_t i = 0; i < s; i++)
        for (int64_t j = 0; j < i; j++) side->products[i * s + j] = side->products[j * s + i];
    return ES_OK;
}

static es_status gather_side(const sample *sample, es_model_part *part, bool stored, side *side,
                             es_error *error)
{
    int64_t s = sample->s, d = part->d;
    side->d = d;
    side->columns = es_alloc(d, (size_t)s * sizeof *side->columns);
    double *row = es_alloc(d, sizeof *row);
    es_status status = ES_OK;
    if (!side->columns || !row) status = es_fail_memory(error, "a sample", (size_t)(d * s) * 8);
    for (int64_t i = 0; i < s && status == ES_OK; i++) {
        int64_t item = sample->items[i];
        status = stored ? es_space_read_rows(part->space, item, 1, row, error)
                        : es_space_read_unit_rows(part->space, item, 1, row, error);
        for (int64_t k = 0; k < d && status == ES_OK; k++)
            side->columns[k * s + i] =
                stored ? ldexp(row[k], -part->scale) - part->mean[k] : row[k];
    }
    free(row);
    for (int64_t k = 0; k < d && stored && status == ES_OK; k++) { /* about the sample's mean */
        double *column = side->columns + k * s, mean = 0;
        for (int64_t i = 0; i < s; i++) mean += column[i];
        mean /= (double)s;
        for (int64_t i = 0; i < s; i++) column[i] -= mean;
    }
    return status == ES_OK ? fill_products(sample, side, error) : status;
}

/* x . y, y through the permutation: four chains, so that none waits for the one before. */
static double permuted_dot(const double *x, const double *y, const int32_t *p, int64_t count)
{
    double sum[4] = {0};
    int64_t j = 0;
    for (; j + 4 <= count; j += 4)
        for (int c = 0; c < 4; c++) sum[c] += x[j + c] * y[p[j + c]];
    for (; j < count; j++) sum[j % 4] += x[j] * y[p[j]];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double plain_dot(const double *x, const double *y, int64_t count)
{
    double sum[4] = {0};
    int64_t j = 0;
    for (; j + 4 <= count; j += 4)
        for (int c = 0; c < 4; c++) sum[c] += x[j + c] * y[j + c];
    for (; j < count; j++) sum[j % 4] += x[j] * y[j];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* The sum over pairs i < j of a_ij b_p(i)p(j), p NULL: the identity. */
static double pair_sum(const double *a, const double *b, int64_t s, const int32_t *p)
{
    double total = 0;
    for (int64_t i = 0; i < s; i++) {
        const double *x = a + i * s + i + 1;
        total += p ? permuted_dot(x, b + p[i] * s, p + i + 1, s - i - 1)
                   : plain_dot(x, b + i * s + i + 1, s - i - 1);
    }
    return total;
}

static double diagonal_sum(const double *a, const double *b, int64_t s, const int32_t *p)
{
    double total = 0;
    for (int64_t i = 0; i < s; i++) {
        int64_t q = p ? p[i] : i;
        total += a[i * s + i] * b[q * s + q];
    }
    return total;
}

/* Take the mean off all cosines: their sum of products is then the covariance alone. */
static void center(sample *sample, int m)
{
    int64_t s = sample->s;
    double *cosine = sample->unit[m].products, sum = 0, pairs = (double)(s * (s - 1) / 2);
    for (int64_t i = 0; i < s; i++)
        for (int64_t j = i + 1; j < s; j++) sum += cosine[i * s + j];
    sample->unit_mean[m] = sum / pairs;
    for (int64_t c = 0; c < s * s; c++) cosine[c] -= sample->unit_mean[m];
    sample->unit_spread[m] = sqrt(pair_sum(cosine, cosine, s, NULL));
}

static double hsic(const sample *sample, double pairs, double diagonal)
{
    double m = (double)sample->s;
    return (2 * pairs + sample->ones / ((m - 1) * (m - 2)) - 2 * diagonal / (m - 2)) /
           (m * (m - 3));
}

/* RSA, CKA and debiased CKA under one permutation. */
static void measure(const sample *sample, const int32_t *p, double out[3])
{
    int64_t s = sample->s;
    const double *a = sample->unit[0].products, *b = sample->unit[1].products;
    const double *k = sample->stored[0].products, *l = sample->stored[1].products;
    double spread = sample->unit_spread[0] * sample->unit_spread[1];
    out[0] = spread > 1e-26 * (double)(s * s) ? pair_sum(a, b, s, p) / spread : NAN;
    double pairs = pair_sum(k, l, s, p), diagonal = diagonal_sum(k, l, s, p);
    double norm = sample->stored_norm[0] * sample->stored_norm[1];
    out[1] = norm > 0 ? (2 * pairs + diagonal) / norm : NAN;
    out[2] = sample->hsic_norm > 0 ? hsic(sample, pairs, diagonal) / sample->hsic_norm : NAN;
}

static es_status permute_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)error;
    sample *sample = context;
    int32_t *order = sample->orders + worker * sample->s;
    double values[3];
    es_draw_permutation(sample->job->seed, index, sample->s, order);
    measure(sample, order, values);
    for (int m = 0; m < 3; m++) sample->permuted[m][index] = values[m];
    return ES_OK;
}

/* ---- the interval -----------------------------------------------------------------------------
 */

/* Items drawn with replacement: item i stands for w_i rows; pairs of an item with itself are left
 * out, as they are no pair of the matrix. */
static es_status resample_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)error;
    sample *sample = context;
    int64_t s = sample->s;
    double *weight = sample->scratch + worker * s, sums[6] = {0};
    es_random random = {es_draw_seed(~sample->job->seed, index)};
    memset(weight, 0, (size_t)s * sizeof *weight);
    for (int64_t i = 0; i < s; i++) weight[es_random_below(&random, s)]++;
    for (int64_t i = 0; i < s; i++) {
        const double *a = sample->unit[0].products + i * s, *b = sample->unit[1].products + i * s;
        double part[6] = {0};
        if (weight[i] == 0) continue;
        for (int64_t j = i + 1; j < s; j++) {
            double w = weight[j], wa = w * a[j], wb = w * b[j];
            part[0] += w;
            part[1] += wa;
            part[2] += wb;
            part[3] += wa * a[j];
            part[4] += wb * b[j];
            part[5] += wa * b[j];
        }
        for (int c = 0; c < 6; c++) sums[c] += weight[i] * part[c];
    }
    double n = sums[0], a = sums[3] - sums[1] * sums[1] / n, b = sums[4] - sums[2] * sums[2] / n;
    double both = sums[5] - sums[1] * sums[2] / n, spread = sqrt(a) * sqrt(b);
    sample->resampled[index] = spread > 0 ? fmax(-1, fmin(1, both / spread)) : NAN;
    return ES_OK;
}

/* Quantile of sorted values, type 7. */
static double quantile(const double *values, int64_t count, double q)
{
    double at = q * (double)(count - 1);
    int64_t low = (int64_t)at, high = low + 1 < count ? low + 1 : low;
    return values[low] + (at - (double)low) * (values[high] - values[low]);
}

static void fill_interval(sample *sample, es_rsa *rsa)
{
    int64_t kept = 0;
    for (int64_t r = 0; r < sample->resamples; r++)
        if (!isnan(sample->resampled[r])) sample->resampled[kept++] = sample->resampled[r];
    rsa->interval_items = sample->s;
    rsa->resamples = sample->resamples;
    rsa->low = rsa->high = NAN;
    if (kept < 20 || isnan(rsa->pearson)) return; /* too few of them vary: nothing to go by */
    qsort(sample->resampled, (size_t)kept, sizeof(double), compare_doubles);
    rsa->low = quantile(sample->resampled, kept, 0.025);
    rsa->high = quantile(sample->resampled, kept, 0.975);
}

/* ---- Procrustes -------------------------------------------------------------------------------
 */

typedef struct turning {
    const sample *sample;
    double *cosines;
    double *scratch;
    int64_t room; /* doubles of it for each worker */
} turning;

/* The mean cosine after the best rotation of the sample, one side permuted. */
static es_status turn(const turning *work, const int32_t *order, int worker, double *cosine,
                      es_error *error)
{
    const sample *sample = work->sample;
    int64_t s = sample->s, da = sample->unit[0].d, db = sample->unit[1].d;
    double *moved = work->scratch + worker * work->room, *cross = moved + db * s;
    double *values = cross + da * db, sum = 0;
    for (int64_t k = 0; k < db; k++)
        for (int64_t i = 0; i < s; i++)
            moved[k * s + i] = sample->unit[1].columns[k * s + (order ? order[i] : i)];
    es_products(da, s, db, sample->unit[0].columns, moved, cross);
    ES_TRY(es_singular_values(da, db, cross, values, error));
    for (int64_t k = 0; k < (da < db ? da : db); k++) sum += values[k];
    *cosine = sum / (double)s;
    return ES_OK;
}

static es_status turn_piece(void *context, int64_t index, int worker, es_error *error)
{
    const turning *work = context;
    int32_t *order = work->sample->orders + worker * work->sample->s;
    es_draw_permutation(work->sample->job->seed, index, work->sample->s, order);
    return turn(work, order, worker, &work->cosines[index], error);
}

static int64_t affordable(double budget, double each, int64_t fewest)
{
    double count = budget / fmax(each, 1);
    return count < (double)fewest ? fewest : count > MOST ? MOST : (int64_t)count;
}

static es_status turn_all(const sample *sample, es_procrustes *procrustes,
                          const es_progress *progress, es_error *error)
{
    const es_pair_job *job = sample->job;
    double s = (double)sample->s, da = (double)job->a->d, db = (double)job->b->d;
    double each = 2 * s * da * db + 8 * da * db * fmin(da, db);
    int64_t count = job->permutations;
    if (!count) count = affordable(TURN_BUDGET, each, FEWEST_TURNS);
    turning work = {.sample = sample, .cosines = es_alloc(count, sizeof(double))};
    work.room = (job->b->d + 1) * (sample->s + job->a->d);
    work.scratch = es_alloc(job->threads, (size_t)work.room * sizeof(double));
    es_status status = ES_OK;
    double observed = NAN;
    if (!work.cosines || !work.scratch)
        status = es_fail_memory(error, "rotations", (size_t)work.room * sizeof(double));
    if (status == ES_OK) {
        int before = es_products_begin();
        status = turn(&work, NULL, 0, &observed, error);
        if (status == ES_OK)
            status = es_parallel_for(job->threads, count, turn_piece, &work, progress, error);
        es_products_end(before);
    }
    if (status == ES_OK)
        es_chance_fill(&procrustes->chance, sample->s, observed, work.cosines, count);
    free(work.cosines);
    free(work.scratch);
    return status;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static es_status make_sample(sample *sample, es_error *error)
{
    const es_pair_job *job = sample->job;
    es_model_part *parts[2] = {job->a, job->b};
    ES_TRY(es_sample_items(job->a->n, job->sample, job->seed, &sample->items, &sample->s, error));
    double s = (double)sample->s;
    sample->permutations =
        job->permutations ? job->permutations : affordable(PAIR_BUDGET, s * s, FEWEST);
    sample->resamples = job->resamples ? job->resamples : affordable(PAIR_BUDGET, s * s, FEWEST);
    sample->orders = es_alloc(job->threads, (size_t)sample->s * sizeof *sample->orders);
    sample->scratch = es_alloc(job->threads, (size_t)sample->s * sizeof *sample->scratch);
    sample->resampled = es_alloc(sample->resamples, sizeof *sample->resampled);
    bool room = sample->orders && sample->scratch && sample->resampled;
    for (int m = 0; m < 3; m++)
        room = (sample->permuted[m] = es_alloc(sample->permutations, sizeof(double))) && room;
    if (!room) return es_fail_memory(error, "permutations", (size_t)sample->permutations * 24);
    for (int m = 0; m < 2; m++) {
        ES_TRY(gather_side(sample, parts[m], false, &sample->unit[m], error));
        ES_TRY(gather_side(sample, parts[m], true, &sample->stored[m], error));
        center(sample, m);
    }
    return ES_OK;
}

/* What CKA divides by, from the products of each model with itself. */
static void fill_norms(sample *sample)
{
    double self[2], ones[2] = {0};
    for (int m = 0; m < 2; m++) {
        const double *k = sample->stored[m].products;
        double pairs = pair_sum(k, k, sample->s, NULL);
        double diagonal = diagonal_sum(k, k, sample->s, NULL);
        for (int64_t i = 0; i < sample->s; i++) ones[m] += k[i * sample->s + i];
        sample->stored_norm[m] = sqrt(2 * pairs + diagonal);
        sample->ones = ones[m] * ones[m];
        self[m] = sample->s > 3 ? hsic(sample, pairs, diagonal) : NAN;
    }
    sample->ones = ones[0] * ones[1];
    sample->hsic_norm = self[0] > 0 && self[1] > 0 ? sqrt(self[0]) * sqrt(self[1]) : NAN;
}

static void release_sample(sample *sample)
{
    for (int m = 0; m < 2; m++) {
        free(sample->unit[m].columns);
        free(sample->unit[m].products);
        free(sample->stored[m].columns);
        free(sample->stored[m].products);
    }
    for (int m = 0; m < 3; m++) free(sample->permuted[m]);
    free(sample->items);
    free(sample->resampled);
    free(sample->orders);
    free(sample->scratch);
}

static es_status draw(sample *sample, es_pair_comparison *pair, es_error *error)
{
    const es_pair_job *job = sample->job;
    double observed[3];
    fill_norms(sample);
    measure(sample, NULL, observed);
    es_progress progress = es_stages_next(job->stages, 0.4 * job->chance_weight);
    ES_TRY(es_parallel_for(job->threads, sample->permutations, permute_piece, sample, &progress,
                           error));
    es_chance *chances[3] = {&pair->rsa.chance, &pair->cka.linear_chance,
                             &pair->cka.debiased_chance};
    if (isnan(pair->rsa.pearson)) observed[0] = NAN;
    if (isnan(pair->cka.linear)) observed[1] = NAN;
    if (isnan(pair->cka.debiased)) observed[2] = NAN;
    for (int m = 0; m < 3; m++)
        es_chance_fill(chances[m], sample->s, observed[m], sample->permuted[m],
                       sample->permutations);
    progress = es_stages_next(job->stages, 0.2 * job->chance_weight);
    ES_TRY(
        es_parallel_for(job->threads, sample->resamples, resample_piece, sample, &progress, error));
    fill_interval(sample, &pair->rsa);
    for (int m = 0; m < 2; m++) { /* no longer needed: make room for the rotations */
        free(sample->stored[m].products);
        sample->stored[m].products = NULL;
    }
    progress = es_stages_next(job->stages, 0.4 * job->chance_weight);
    return turn_all(sample, &pair->procrustes, &progress, error);
}

es_status es_pair_chance(es_pair_job *job, es_pair_comparison *pair, es_error *error)
{
    sample sample = {.job = job};
    es_status status = make_sample(&sample, error);
    if (status == ES_OK) status = draw(&sample, pair, error);
    release_sample(&sample);
    return status;
}
