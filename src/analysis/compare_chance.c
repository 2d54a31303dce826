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

enum { FEWEST = 199, FEWEST_TURNS = 19, MOST = 999, GATHERED = 8, TOGETHER = 4 };

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

/* The rows of a sample in one model, a column for each item. */
typedef struct side {
    int64_t d;
    double *columns; /* (d, s) */
} side;

/* What a permutation looks up for a pair of items, in one place: their cosine less the mean of all,
 * and the product of their stored rows. */
typedef double twin __attribute__((vector_size(16)));

typedef struct sample {
    const es_pair_job *job;
    int64_t s, *items;
    side unit[2];
    twin *pairs[2];                         /* (s, s), whole, of either model */
    double unit_mean[2], unit_spread[2];    /* of the cosines, over pairs */
    double *permuted[3];                    /* RSA, CKA, debiased CKA */
    double stored_norm[2], hsic_norm, ones; /* of the products, and what debiasing divides by */
    int64_t permutations, resamples;
    double *resampled;
    int32_t *orders; /* (threads, TOGETHER, s) */
    double *scratch; /* (threads, s) */
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

/* The upper triangle of all products of the columns: the Gram matrix of the table turned on its
 * side; malloc'ed, (s, s). */
static es_status multiply_columns(const sample *sample, const side *side, double **products,
                                  es_error *error)
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
    *products = sums.gram;
    sums.gram = NULL;
    es_sums_release(&sums);
    return ES_OK;
}

/* A few items at a time, so that what is written to a column lies side by side. */
static es_status gather_side(const sample *sample, es_model_part *part, bool stored, side *side,
                             es_error *error)
{
    int64_t s = sample->s, d = part->d;
    side->d = d;
    side->columns = es_alloc(d, (size_t)s * sizeof *side->columns);
    double *rows = es_alloc(GATHERED, (size_t)d * sizeof *rows);
    es_status status = ES_OK;
    if (!side->columns || !rows) status = es_fail_memory(error, "a sample", (size_t)(d * s) * 8);
    for (int64_t first = 0; first < s && status == ES_OK; first += GATHERED) {
        int64_t count = s - first < GATHERED ? s - first : GATHERED;
        for (int64_t i = 0; i < count && status == ES_OK; i++) {
            int64_t item = sample->items[first + i];
            status = stored ? es_space_read_rows(part->space, item, 1, rows + i * d, error)
                            : es_space_read_unit_rows(part->space, item, 1, rows + i * d, error);
        }
        for (int64_t k = 0; k < d && status == ES_OK; k++)
            for (int64_t i = 0; i < count; i++) {
                double x = rows[i * d + k];
                if (stored) x = (part->scale ? ldexp(x, -part->scale) : x) - part->mean[k];
                side->columns[k * s + first + i] = x;
            }
    }
    free(rows);
    for (int64_t k = 0; k < d && stored && status == ES_OK; k++) { /* about the sample's mean */
        double *column = side->columns + k * s, mean = 0;
        for (int64_t i = 0; i < s; i++) mean += column[i];
        mean /= (double)s;
        for (int64_t i = 0; i < s; i++) column[i] -= mean;
    }
    return status;
}

/* Two upper triangles into one whole matrix, a band of rows at a time. */
static void pair_up(int64_t s, const double *cosines, const double *products, twin *out)
{
    for (int64_t first = 0; first < s; first += GATHERED)
        for (int64_t j = first; j < s; j++)
            for (int64_t i = first; i < first + GATHERED && i <= j; i++)
                out[i * s + j] = out[j * s + i] = (twin){cosines[i * s + j], products[i * s + j]};
}

static es_status make_side(sample *sample, es_model_part *part, int m, es_error *error)
{
    side stored = {0};
    double *cosines = NULL, *products = NULL;
    es_status status = gather_side(sample, part, false, &sample->unit[m], error);
    if (status == ES_OK) status = multiply_columns(sample, &sample->unit[m], &cosines, error);
    if (status == ES_OK) status = gather_side(sample, part, true, &stored, error);
    if (status == ES_OK) status = multiply_columns(sample, &stored, &products, error);
    free(stored.columns);
    if (status == ES_OK) {
        sample->pairs[m] = es_alloc(sample->s, (size_t)sample->s * sizeof(twin));
        if (sample->pairs[m])
            pair_up(sample->s, cosines, products, sample->pairs[m]);
        else
            status = es_fail_memory(error, "pairs", (size_t)(sample->s * sample->s) * sizeof(twin));
    }
    free(cosines);
    free(products);
    return status;
}

/* x y, y through the permutation: four chains, so that none waits for the one before. What the next
 * row will look up is fetched meanwhile. */
static twin permuted_dot(const twin *x, const twin *y, const twin *next, const int32_t *p,
                         int64_t count)
{
    twin sum[4] = {{0}};
    int64_t j = 0;
    for (; j + 4 <= count; j += 4)
        for (int c = 0; c < 4; c++) {
            sum[c] += x[j + c] * y[p[j + c]];
            __builtin_prefetch(next + p[j + c], 0, 2);
        }
    for (; j < count; j++) sum[j % 4] += x[j] * y[p[j]];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static twin plain_dot(const twin *x, const twin *y, int64_t count)
{
    twin sum[4] = {{0}};
    int64_t j = 0;
    for (; j + 4 <= count; j += 4)
        for (int c = 0; c < 4; c++) sum[c] += x[j + c] * y[j + c];
    for (; j < count; j++) sum[j % 4] += x[j] * y[j];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* The sum over pairs i < j of a_ij b_ij. */
static twin pair_sum(const twin *a, const twin *b, int64_t s)
{
    twin total = {0};
    for (int64_t i = 0; i < s; i++)
        total += plain_dot(a + i * s + i + 1, b + i * s + i + 1, s - i - 1);
    return total;
}

/* The same of a_ij b_p(i)p(j), for several permutations: (count, s). */
static void permuted_sums(const twin *a, const twin *b, int64_t s, const int32_t *orders,
                          int64_t count, twin *totals)
{
    for (int64_t r = 0; r < count; r++) totals[r] = (twin){0};
    for (int64_t i = 0; i + 1 < s; i++)
        for (int64_t r = 0; r < count; r++) {
            const int32_t *p = orders + r * s;
            totals[r] += permuted_dot(a + i * s + i + 1, b + p[i] * s, b + p[i + 1] * s, p + i + 1,
                                      s - i - 1);
        }
}

/* Of the products of stored rows. */
static double diagonal_sum(const twin *a, const twin *b, int64_t s, const int32_t *p)
{
    double total = 0;
    for (int64_t i = 0; i < s; i++) {
        int64_t q = p ? p[i] : i;
        total += a[i * s + i][1] * b[q * s + q][1];
    }
    return total;
}

/* Take the mean off all cosines: their sum of products is then the covariance alone. */
static void center(sample *sample, int m)
{
    int64_t s = sample->s;
    twin *all = sample->pairs[m];
    double sum = 0, pairs = (double)(s * (s - 1) / 2);
    for (int64_t i = 0; i < s; i++)
        for (int64_t j = i + 1; j < s; j++) sum += all[i * s + j][0];
    sample->unit_mean[m] = sum / pairs;
    for (int64_t c = 0; c < s * s; c++) all[c][0] -= sample->unit_mean[m];
}

static double hsic(const sample *sample, double pairs, double diagonal)
{
    double m = (double)sample->s;
    return (2 * pairs + sample->ones / ((m - 1) * (m - 2)) - 2 * diagonal / (m - 2)) /
           (m * (m - 3));
}

/* RSA, CKA and debiased CKA from the sums over pairs and over the diagonal. */
static void measure(const sample *sample, twin pairs, double diagonal, double out[3])
{
    double spread = sample->unit_spread[0] * sample->unit_spread[1];
    double norm = sample->stored_norm[0] * sample->stored_norm[1];
    out[0] = spread > 1e-26 * (double)(sample->s * sample->s) ? pairs[0] / spread : NAN;
    out[1] = norm > 0 ? (2 * pairs[1] + diagonal) / norm : NAN;
    out[2] = sample->hsic_norm > 0 ? hsic(sample, pairs[1], diagonal) / sample->hsic_norm : NAN;
}

/* Some permutations at a time: a row is at hand for all of them. */
static es_status permute_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)error;
    sample *sample = context;
    int64_t s = sample->s, first = index * TOGETHER, left = sample->permutations - first;
    int64_t count = left < TOGETHER ? left : TOGETHER;
    int32_t *orders = sample->orders + worker * TOGETHER * s;
    twin sums[TOGETHER];
    double values[3];
    for (int64_t r = 0; r < count; r++)
        es_draw_permutation(sample->job->seed, first + r, s, orders + r * s);
    permuted_sums(sample->pairs[0], sample->pairs[1], s, orders, count, sums);
    for (int64_t r = 0; r < count; r++) {
        double diagonal = diagonal_sum(sample->pairs[0], sample->pairs[1], s, orders + r * s);
        measure(sample, sums[r], diagonal, values);
        for (int m = 0; m < 3; m++) sample->permuted[m][first + r] = values[m];
    }
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
        const twin *x = sample->pairs[0] + i * s, *y = sample->pairs[1] + i * s;
        double part[6] = {0};
        if (weight[i] == 0) continue;
        for (int64_t j = i + 1; j < s; j++) {
            double a = x[j][0], b = y[j][0], w = weight[j], wa = w * a, wb = w * b;
            part[0] += w;
            part[1] += wa;
            part[2] += wb;
            part[3] += wa * a;
            part[4] += wb * b;
            part[5] += wa * b;
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
    bool permuted = index > 0; /* the first is the observed one */
    if (permuted) es_draw_permutation(work->sample->job->seed, index - 1, work->sample->s, order);
    return turn(work, permuted ? order : NULL, worker, &work->cosines[index], error);
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
    turning work = {.sample = sample, .cosines = es_alloc(count + 1, sizeof(double))};
    work.room = (job->b->d + 1) * (sample->s + job->a->d);
    work.scratch = es_alloc(job->threads, (size_t)work.room * sizeof(double));
    es_status status = ES_OK;
    if (!work.cosines || !work.scratch)
        status = es_fail_memory(error, "rotations", (size_t)work.room * sizeof(double));
    if (status == ES_OK) {
        int before = es_products_begin();
        status = es_parallel_for(job->threads, count + 1, turn_piece, &work, progress, error);
        es_products_end(before);
    }
    if (status == ES_OK)
        es_chance_fill(&procrustes->chance, sample->s, work.cosines[0], work.cosines + 1, count);
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
    sample->orders =
        es_alloc(job->threads, (size_t)(TOGETHER * sample->s) * sizeof *sample->orders);
    sample->scratch = es_alloc(job->threads, (size_t)sample->s * sizeof *sample->scratch);
    sample->resampled = es_alloc(sample->resamples, sizeof *sample->resampled);
    bool room = sample->orders && sample->scratch && sample->resampled;
    for (int m = 0; m < 3; m++)
        room = (sample->permuted[m] = es_alloc(sample->permutations, sizeof(double))) && room;
    if (!room) return es_fail_memory(error, "permutations", (size_t)sample->permutations * 24);
    for (int m = 0; m < 2; m++) {
        ES_TRY(make_side(sample, parts[m], m, error));
        center(sample, m);
    }
    return ES_OK;
}

/* What RSA and CKA divide by, from the products of each model with itself. */
static void fill_norms(sample *sample)
{
    double self[2], ones[2] = {0};
    for (int m = 0; m < 2; m++) {
        const twin *all = sample->pairs[m];
        twin pairs = pair_sum(all, all, sample->s);
        double diagonal = diagonal_sum(all, all, sample->s, NULL);
        for (int64_t i = 0; i < sample->s; i++) ones[m] += all[i * sample->s + i][1];
        sample->unit_spread[m] = sqrt(pairs[0]);
        sample->stored_norm[m] = sqrt(2 * pairs[1] + diagonal);
        sample->ones = ones[m] * ones[m];
        self[m] = sample->s > 3 ? hsic(sample, pairs[1], diagonal) : NAN;
    }
    sample->ones = ones[0] * ones[1];
    sample->hsic_norm = self[0] > 0 && self[1] > 0 ? sqrt(self[0]) * sqrt(self[1]) : NAN;
}

static void release_sample(sample *sample)
{
    for (int m = 0; m < 2; m++) {
        free(sample->unit[m].columns);
        free(sample->pairs[m]);
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
    measure(sample, pair_sum(sample->pairs[0], sample->pairs[1], sample->s),
            diagonal_sum(sample->pairs[0], sample->pairs[1], sample->s, NULL), observed);
    es_progress progress = es_stages_next(job->stages, 0.4 * job->chance_weight);
    ES_TRY(es_parallel_for(job->threads, (sample->permutations + TOGETHER - 1) / TOGETHER,
                           permute_piece, sample, &progress, error));
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
        free(sample->pairs[m]);
        sample->pairs[m] = NULL;
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
