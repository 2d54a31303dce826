/* Two ways to the sums over all pairs at a distance. For tables of the usual size every pair's
 * cosine is computed, which gives the spread at each distance as well. The sums alone are
 * autocorrelations of the columns,
 *
 *   sum over i of u_i . u_(i+t) = sum over columns k of (sum over i of u_ik u_(i+t),k),
 *
 * which Fourier transforms give in n log n steps: those of a table in any order of its rows, and of
 * one too long for pairs. */
#include "analysis/position_profile.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "kernel/fourier.h"
#include "kernel/gram.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK = 32, MOST_GROUPS = 64, GRAM_ROWS = 16 };

/* Below this variance (of cosines, from pairs or from closed forms) there is nothing but rounding.
 */
#define LEAST_PAIR_VARIANCE   1e-24
#define LEAST_CLOSED_VARIANCE 1e-9

/* The pairs at one distance: how many, and sums of (cosine - shift) and its square. */
typedef struct moments {
    int64_t pairs;
    double sum, square;
} moments;

/* ---- every pair -------------------------------------------------------------------------------
 */

typedef struct pair_job {
    const es_position_rows *rows;
    double shift; /* the mean of all cosines */
    int64_t blocks;
    moments *slots; /* (blocks, 2 BLOCK): of block diagonal b, distance b BLOCK + s - BLOCK at s */
} pair_job;

/* The blocks of a diagonal: rows I BLOCK ... against rows (I + index) BLOCK ... */
static es_status add_diagonal(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const pair_job *job = context;
    const es_position_rows *rows = job->rows;
    moments *slots = job->slots + index * 2 * BLOCK;
    for (int64_t first = 0; first + index * BLOCK < rows->n; first += BLOCK) {
        int64_t other = first + index * BLOCK, end = other + BLOCK;
        if (end > rows->n) end = rows->n;
        for (int64_t i = first; i < first + BLOCK && i < rows->n; i++) {
            if (rows->states[i] != ES_ROW_DEFINED) continue;
            for (int64_t j = other > i ? other : i + 1; j < end; j++) {
                if (rows->states[j] != ES_ROW_DEFINED) continue;
                double off =
                    rows->kernel->dot(rows->unit + i * rows->d, rows->unit + j * rows->d, rows->d) -
                    job->shift;
                moments *slot = &slots[j - i - index * BLOCK + BLOCK];
                slot->pairs++;
                slot->sum += off;
                slot->square += off * off;
            }
        }
    }
    return ES_OK;
}

static void put_distance(es_positions *positions, int64_t t, double shift, const moments *at)
{
    es_position_distance *out = &positions->profile[t - 1];
    *out = (es_position_distance){t, at->pairs, NAN, NAN};
    if (!at->pairs) return;
    double mean = at->sum / (double)at->pairs;
    double variance = at->square / (double)at->pairs - mean * mean;
    out->mean = shift + mean;
    out->standard_deviation = sqrt(variance > 0 ? variance : 0);
}

/* The share of `variance` that lies between distances, of sums of (cosine - shift). */
static double share_between(double between, double sum, int64_t pairs, double variance)
{
    double mean = sum / (double)pairs;
    double share = (between / (double)pairs - mean * mean) / variance;
    return share > 1 ? 1 : share < 0 ? 0 : share;
}

static es_status profile_of_pairs(const es_position_rows *rows, double shift,
                                  es_positions *positions, double *variance,
                                  const es_progress *progress, es_error *error)
{
    pair_job job = {rows, shift, (rows->n + BLOCK - 1) / BLOCK, NULL};
    job.slots = es_alloc(job.blocks, 2 * BLOCK * sizeof *job.slots);
    if (!job.slots) return es_fail_memory(error, "a profile", (size_t)rows->n * sizeof *job.slots);
    es_status status =
        es_parallel_for(rows->threads, job.blocks, add_diagonal, &job, progress, error);
    moments all = {0};
    double between = 0;
    for (int64_t t = 1; t < rows->n && status == ES_OK; t++) {
        /* A distance lies on two block diagonals. */
        int64_t diagonal = t / BLOCK, next = diagonal + 1;
        moments at = job.slots[diagonal * 2 * BLOCK + t - diagonal * BLOCK + BLOCK];
        if (next < job.blocks) {
            const moments *far = &job.slots[next * 2 * BLOCK + t - next * BLOCK + BLOCK];
            at.pairs += far->pairs;
            at.sum += far->sum;
            at.square += far->square;
        }
        put_distance(positions, t, shift, &at);
        if (at.pairs) between += at.sum * at.sum / (double)at.pairs;
        all.pairs += at.pairs;
        all.sum += at.sum;
        all.square += at.square;
    }
    free(job.slots);
    if (status != ES_OK) return status;
    double mean = all.sum / (double)all.pairs;
    *variance = all.square / (double)all.pairs - mean * mean;
    positions->mean = shift + mean;
    positions->toeplitz_share = *variance > LEAST_PAIR_VARIANCE
                                    ? share_between(between, all.sum, all.pairs, *variance)
                                    : NAN;
    return ES_OK;
}

/* ---- autocorrelations -------------------------------------------------------------------------
 */

typedef struct wave_job {
    const es_position_rows *rows;
    const int64_t *source; /* (n): the row that stands at a place, or -1 */
    es_fourier plan;
    int64_t groups, half; /* of columns; size / 2 + 1 */
    double *power;        /* (groups, half) */
    double *work;         /* (workers, 2 size) */
} wave_job;

static void release_waves(wave_job *job)
{
    es_fourier_release(&job->plan);
    free(job->power);
    free(job->work);
}

static es_status start_waves(const es_position_rows *rows, wave_job *job, es_error *error)
{
    int64_t pairs = (rows->d + 1) / 2;
    *job = (wave_job){.rows = rows, .groups = pairs < MOST_GROUPS ? pairs : MOST_GROUPS};
    ES_TRY(es_fourier_init(&job->plan, 2 * rows->n, error));
    job->half = job->plan.size / 2 + 1;
    int64_t workers = es_thread_count(rows->threads);
    if (workers > job->groups) workers = job->groups;
    job->power = es_alloc(job->groups, (size_t)job->half * sizeof *job->power);
    job->work = es_alloc_aligned(workers, 2 * (size_t)job->plan.size * sizeof *job->work);
    if (job->power && job->work) return ES_OK;
    release_waves(job);
    return es_fail_memory(error, "autocorrelations",
                          (size_t)(job->groups * job->half) * sizeof *job->power);
}

/* |F|^2 of two real columns at once, as the parts of a complex one: |Z_k|^2 + |Z_-k|^2 is twice the
 * sum of theirs. */
static es_status add_columns(void *context, int64_t index, int worker, es_error *error)
{
    (void)error;
    const wave_job *job = context;
    const es_position_rows *rows = job->rows;
    int64_t n = rows->n, d = rows->d, size = job->plan.size, pairs = (d + 1) / 2;
    double *re = job->work + worker * 2 * size, *im = re + size;
    double *power = job->power + index * job->half;
    for (int64_t k = 0; k < job->half; k++) power[k] = 0;
    for (int64_t pair = index * pairs / job->groups; pair < (index + 1) * pairs / job->groups;
         pair++) {
        int64_t column = 2 * pair, second = column + 1 < d;
        for (int64_t i = 0; i < size; i++) {
            bool there = i < n && job->source[i] >= 0;
            const double *x = there ? rows->unit + job->source[i] * d + column : NULL;
            re[i] = x ? x[0] : 0;
            im[i] = x && second ? x[1] : 0;
        }
        es_fourier_forward(&job->plan, re, im);
        for (int64_t k = 0; k < job->half; k++) {
            int64_t mirror = (size - k) & (size - 1);
            power[k] +=
                re[k] * re[k] + im[k] * im[k] + re[mirror] * re[mirror] + im[mirror] * im[mirror];
        }
    }
    return ES_OK;
}

/* sums[t] = sum over pairs of places t apart of u . u, for t < n: the way back of the power. */
static es_status autocorrelate(wave_job *job, const int64_t *source, double *sums,
                               const es_progress *progress, es_error *error)
{
    job->source = source;
    ES_TRY(es_parallel_for(job->rows->threads, job->groups, add_columns, job, progress, error));
    int64_t size = job->plan.size;
    double *re = job->work, *im = re + size;
    for (int64_t k = 0; k < job->half; k++) {
        double sum = 0;
        for (int64_t g = 0; g < job->groups; g++) sum += job->power[g * job->half + k];
        re[k] = re[(size - k) & (size - 1)] = sum / 2;
    }
    for (int64_t k = 0; k < size; k++) im[k] = 0;
    es_fourier_forward(&job->plan, re, im); /* real and even: forth is back */
    for (int64_t t = 0; t < job->rows->n; t++) sums[t] = re[t] / (double)size;
    return ES_OK;
}

/* How many pairs of defined rows are t apart: pairs[t - 1]. */
static void count_pairs(const es_position_rows *rows, es_position_distance *profile)
{
    for (int64_t t = 1; t < rows->n; t++) profile[t - 1] = (es_position_distance){t, 0, NAN, NAN};
    if (rows->count == rows->n) {
        for (int64_t t = 1; t < rows->n; t++) profile[t - 1].pairs = rows->n - t;
        return;
    }
    for (int64_t a = 0; a < rows->count; a++)
        for (int64_t b = a + 1; b < rows->count; b++)
            profile[rows->ids[b] - rows->ids[a] - 1].pairs++;
}

static double between_distances(const es_position_distance *profile, const double *sums, int64_t n,
                                double shift, double *sum)
{
    double between = 0;
    *sum = 0;
    for (int64_t t = 1; t < n; t++) {
        double pairs = (double)profile[t - 1].pairs;
        if (pairs == 0) continue;
        double off = sums[t] - pairs * shift;
        between += off * off / pairs;
        *sum += off;
    }
    return between;
}

typedef struct gram_job {
    const es_position_rows *rows;
    double *gram;
} gram_job;

static es_status add_band(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const gram_job *job = context;
    const es_position_rows *rows = job->rows;
    int64_t first = index * GRAM_ROWS, end = first + GRAM_ROWS;
    es_gram_add_band(rows->kernel, rows->unit, rows->n, rows->d, first,
                     end < rows->d ? end : rows->d, job->gram);
    return ES_OK;
}

/* E[(u_i . u_j)^2] over pairs, from ||U'U||_F^2. */
static es_status second_moment(const es_position_rows *rows, double *second,
                               const es_progress *progress, es_error *error)
{
    int64_t d = rows->d;
    double *gram = es_alloc(d, (size_t)d * sizeof *gram), total = 0, fourths = 0;
    if (!gram) return es_fail_memory(error, "a Gram matrix", (size_t)(d * d) * sizeof *gram);
    gram_job job = {rows, gram};
    es_status status = es_parallel_for(rows->threads, (d + GRAM_ROWS - 1) / GRAM_ROWS, add_band,
                                       &job, progress, error);
    for (int64_t i = 0; i < d; i++) {
        double row = 0;
        for (int64_t j = i; j < d; j++) row += (i == j ? 1 : 2) * gram[i * d + j] * gram[i * d + j];
        total += row;
    }
    free(gram);
    for (int64_t a = 0; a < rows->count; a++) {
        const double *row = rows->unit + rows->ids[a] * d;
        double square = rows->kernel->dot(row, row, d);
        fourths += square * square;
    }
    double count = (double)rows->count;
    *second = (total - fourths) / (count * (count - 1));
    return status;
}

/* All of it by closed forms: no spread at each distance. */
static es_status profile_of_waves(const es_position_rows *rows, double shift,
                                  es_positions *positions, double *variance,
                                  const es_progress *progress, es_error *error)
{
    double second = 0;
    ES_TRY(second_moment(rows, &second, progress, error));
    wave_job job;
    ES_TRY(start_waves(rows, &job, error));
    double *sums = es_alloc(rows->n, sizeof *sums);
    int64_t *places = es_alloc(rows->n, sizeof *places);
    es_status status = sums && places ? ES_OK : es_fail_memory(error, "a profile", (size_t)rows->n);
    for (int64_t i = 0; i < rows->n && status == ES_OK; i++)
        places[i] = rows->states[i] == ES_ROW_DEFINED ? i : -1;
    if (status == ES_OK) status = autocorrelate(&job, places, sums, progress, error);
    if (status == ES_OK) {
        count_pairs(rows, positions->profile);
        double sum, between = between_distances(positions->profile, sums, rows->n, shift, &sum);
        for (int64_t t = 1; t < rows->n; t++) {
            es_position_distance *at = &positions->profile[t - 1];
            at->mean = at->pairs ? sums[t] / (double)at->pairs : NAN;
        }
        positions->mean = shift;
        *variance = second - shift * shift;
        positions->toeplitz_share = *variance > LEAST_CLOSED_VARIANCE
                                        ? share_between(between, sum, positions->pairs, *variance)
                                        : NAN;
    }
    free(sums);
    free(places);
    release_waves(&job);
    return status;
}

es_status es_position_profile(const es_position_rows *rows, es_positions *positions,
                              const es_progress *progress, es_error *error)
{
    double count = (double)rows->count, variance;
    double shift =
        (rows->kernel->dot(rows->sum, rows->sum, rows->d) - rows->squares) / (count * (count - 1));
    positions->pairs = rows->count * (rows->count - 1) / 2;
    positions->distance_count = rows->n - 1;
    positions->profile = es_alloc(rows->n, sizeof *positions->profile);
    if (!positions->profile)
        return es_fail_memory(error, "a profile", (size_t)rows->n * sizeof *positions->profile);
    bool pairwise = rows->n <= ES_POSITIONS_PAIRWISE;
    ES_TRY((pairwise ? profile_of_pairs : profile_of_waves)(rows, shift, positions, &variance,
                                                            progress, error));
    positions->standard_deviation = sqrt(variance > 0 ? variance : 0);
    return ES_OK;
}

/* ---- in other orders --------------------------------------------------------------------------
 */

/* Progress over all orders, from that within one. */
typedef struct part {
    const es_progress *whole;
    int64_t done, all;
} part;

static bool report_part(void *context, int64_t done, int64_t total)
{
    const part *part = context;
    return part->whole->report(part->whole->context, part->done * total + done, part->all * total);
}

static void shuffle(es_random *random, int64_t *order, int64_t count)
{
    for (int64_t a = count - 1; a > 0; a--) {
        int64_t b = es_random_below(random, a + 1), held = order[a];
        order[a] = order[b];
        order[b] = held;
    }
}

/* Everything but which row stands where is as it was: pairs, mean and variance. */
static es_status run_shuffles(wave_job *job, uint64_t seed, int64_t *order, int64_t *places,
                              double *sums, es_positions *positions, const es_progress *progress,
                              es_error *error)
{
    const es_position_rows *rows = job->rows;
    double variance = positions->standard_deviation * positions->standard_deviation, total = 0;
    es_random random = {seed};
    int64_t reach = 0;
    part part = {progress, 0, positions->shuffles};
    es_progress within = {progress && progress->report ? report_part : NULL, &part};
    for (int64_t a = 0; a < rows->count; a++) order[a] = rows->ids[a];
    for (int64_t i = 0; i < rows->n; i++) places[i] = -1;
    positions->shuffled_maximum = 0;
    for (; part.done < positions->shuffles; part.done++) {
        shuffle(&random, order, rows->count);
        for (int64_t a = 0; a < rows->count; a++) places[rows->ids[a]] = order[a];
        ES_TRY(autocorrelate(job, places, sums, &within, error));
        double sum,
            between = between_distances(positions->profile, sums, rows->n, positions->mean, &sum);
        double share = share_between(between, sum, positions->pairs, variance);
        total += share;
        reach += share >= positions->toeplitz_share;
        if (share > positions->shuffled_maximum) positions->shuffled_maximum = share;
    }
    positions->shuffled_mean = total / (double)positions->shuffles;
    positions->toeplitz_p = (1 + (double)reach) / (1 + (double)positions->shuffles);
    return ES_OK;
}

es_status es_position_shuffles(const es_position_rows *rows, uint64_t seed, es_positions *positions,
                               const es_progress *progress, es_error *error)
{
    positions->shuffled_mean = positions->shuffled_maximum = positions->toeplitz_p = NAN;
    if (isnan(positions->toeplitz_share)) return ES_OK;
    wave_job job;
    ES_TRY(start_waves(rows, &job, error));
    double *sums = es_alloc(rows->n, sizeof *sums);
    int64_t *order = es_alloc(rows->n, sizeof *order), *places = es_alloc(rows->n, sizeof *places);
    es_status status =
        sums && order && places
            ? run_shuffles(&job, seed, order, places, sums, positions, progress, error)
            : es_fail_memory(error, "orders", (size_t)rows->n * sizeof *order);
    free(sums);
    free(order);
    free(places);
    release_waves(&job);
    return status;
}

/* ---- the picture ------------------------------------------------------------------------------
 */

es_status es_position_map(const es_position_rows *rows, es_positions *positions, es_error *error)
{
    int64_t side = positions->map_side, n = rows->n, d = rows->d;
    double *sums = es_alloc(side, (size_t)d * sizeof *sums);
    int64_t *counts = es_alloc(side, sizeof *counts);
    double *squares = es_alloc(side, sizeof *squares);
    positions->map = es_alloc(side * side, sizeof *positions->map);
    bool complete = sums && counts && squares && positions->map;
    for (int64_t a = 0; a < side && complete; a++) {
        for (int64_t i = a * n / side; i < (a + 1) * n / side; i++) {
            const double *row = rows->unit + i * d;
            if (rows->states[i] != ES_ROW_DEFINED) continue;
            counts[a]++;
            squares[a] += rows->kernel->dot(row, row, d);
            for (int64_t k = 0; k < d; k++) sums[a * d + k] += row[k];
        }
    }
    for (int64_t a = 0; a < side && complete; a++) {
        for (int64_t b = a; b < side; b++) {
            double dot = rows->kernel->dot(sums + a * d, sums + b * d, d);
            double pairs = (double)counts[a] * (double)counts[b];
            if (a == b && counts[a] > 1) {
                dot -= squares[a];
                pairs -= (double)counts[a];
            }
            float mean = pairs > 0 ? (float)(dot / pairs) : NAN;
            positions->map[a * side + b] = positions->map[b * side + a] = mean;
        }
    }
    free(sums);
    free(counts);
    free(squares);
    return complete ? ES_OK
                    : es_fail_memory(error, "a map", (size_t)(side * d) * sizeof *positions->map);
}
