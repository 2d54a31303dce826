/* Human scores against cosines. */
#include "analysis/evaluate_parts.h"
#include "analysis/matrix_parts.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"

#include <embscope/similarity.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256 }; /* pairs in a piece of work */

/* ---- one correlation --------------------------------------------------------------------------
 */

typedef struct ranked {
    int64_t count, resamples;
    const double *x, *y;
    int64_t *x_order, *y_order; /* (count) places, ascending by value */
    uint64_t seed;
    int32_t *weights; /* (threads, count) how often each pair was drawn */
    double *ranks;    /* (threads, count) of x */
    double *drawn;    /* (resamples) */
} ranked;

typedef struct keyed {
    double value;
    int64_t place;
} keyed;

static int by_value(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static bool order_values(const double *values, int64_t count, int64_t *order)
{
    keyed *keys = es_alloc(count, sizeof *keys);
    if (!keys) return false;
    for (int64_t i = 0; i < count; i++) keys[i] = (keyed){values[i], i};
    qsort(keys, (size_t)count, sizeof *keys, by_value);
    for (int64_t i = 0; i < count; i++) order[i] = keys[i].place;
    free(keys);
    return true;
}

/* The end of the run of equal values that starts at order[from], and how often it was drawn. */
static int64_t run_end(const ranked *pairs, const double *values, const int64_t *order,
                       int64_t from, const int32_t *weights, int64_t *drawn)
{
    int64_t to = from;
    for (*drawn = 0; to < pairs->count && values[order[to]] == values[order[from]]; to++)
        *drawn += weights[order[to]];
    return to;
}

/* Spearman of the pairs as often as drawn: Pearson of mean ranks, which are halves of whole
 * numbers. NaN where one side has no two values. */
static double spearman(const ranked *pairs, const int32_t *weights, double *ranks)
{
    double middle = ((double)pairs->count + 1) / 2, xx = 0, yy = 0, xy = 0;
    int64_t before = 0, drawn;
    for (int64_t from = 0, to; from < pairs->count; from = to) {
        to = run_end(pairs, pairs->x, pairs->x_order, from, weights, &drawn);
        double rank = (double)before + ((double)drawn + 1) / 2 - middle;
        for (int64_t i = from; i < to; i++) ranks[pairs->x_order[i]] = rank;
        xx += (double)drawn * rank * rank;
        before += drawn;
    }
    before = 0;
    for (int64_t from = 0, to; from < pairs->count; from = to) {
        to = run_end(pairs, pairs->y, pairs->y_order, from, weights, &drawn);
        double rank = (double)before + ((double)drawn + 1) / 2 - middle, across = 0;
        for (int64_t i = from; i < to; i++) {
            int64_t place = pairs->y_order[i];
            across += weights[place] * ranks[place];
        }
        xy += rank * across;
        yy += (double)drawn * rank * rank;
        before += drawn;
    }
    return xx > 0 && yy > 0 ? fmax(-1, fmin(1, xy / sqrt(xx * yy))) : NAN;
}

static double pearson(const ranked *pairs)
{
    const double *x = pairs->x, *y = pairs->y;
    int64_t n = pairs->count;
    if (x[pairs->x_order[0]] == x[pairs->x_order[n - 1]] ||
        y[pairs->y_order[0]] == y[pairs->y_order[n - 1]])
        return NAN;
    /* Scores may be as large as a double is: take them by their largest. */
    double scale = fmax(fabs(x[pairs->x_order[0]]), fabs(x[pairs->x_order[n - 1]]));
    double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    for (int64_t i = 0; i < n; i++) {
        mean_x += x[i] / scale;
        mean_y += y[i];
    }
    mean_x /= (double)n;
    mean_y /= (double)n;
    for (int64_t i = 0; i < n; i++) {
        double a = x[i] / scale - mean_x, b = y[i] - mean_y;
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    return xx > 0 && yy > 0 ? fmax(-1, fmin(1, xy / (sqrt(xx) * sqrt(yy)))) : NAN;
}

/* Two-sided. Under the null a correlation of n pairs is the cosine of random directions in n - 1
 * dimensions, which is Student's t with n - 2 degrees of freedom. */
static double p_value(double r, int64_t n)
{
    return isnan(r) ? NAN : fmin(1, 2 * es_random_cosine_tail(fabs(r), n - 1));
}

static es_status resample(void *context, int64_t index, int worker, es_error *error)
{
    (void)error;
    const ranked *pairs = context;
    int32_t *weights = pairs->weights + worker * pairs->count;
    es_random random = {es_draw_seed(pairs->seed, index)};
    memset(weights, 0, (size_t)pairs->count * sizeof *weights);
    for (int64_t i = 0; i < pairs->count; i++) weights[es_random_below(&random, pairs->count)]++;
    pairs->drawn[index] = spearman(pairs, weights, pairs->ranks + worker * pairs->count);
    return ES_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Type 7. */
static double quantile(const double *sorted, int64_t count, double q)
{
    double place = q * (double)(count - 1);
    int64_t below = (int64_t)floor(place);
    if (below + 1 >= count) return sorted[count - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

static es_status bootstrap(ranked *pairs, int threads, const es_progress *progress,
                           es_correlation *result, es_error *error)
{
    pairs->drawn = es_alloc(pairs->resamples, sizeof *pairs->drawn);
    if (!pairs->drawn)
        return es_fail_memory(error, "a bootstrap", (size_t)pairs->resamples * sizeof(double));
    ES_TRY(es_parallel_for(threads, pairs->resamples, resample, pairs, progress, error));
    int64_t kept = 0;
    for (int64_t i = 0; i < pairs->resamples; i++)
        if (!isnan(pairs->drawn[i])) pairs->drawn[kept++] = pairs->drawn[i];
    result->resamples = kept;
    if (!kept) return ES_OK;
    qsort(pairs->drawn, (size_t)kept, sizeof *pairs->drawn, ascending);
    result->low = quantile(pairs->drawn, kept, 0.025);
    result->high = quantile(pairs->drawn, kept, 0.975);
    return ES_OK;
}

static es_status correlate(ranked *pairs, int threads, const es_progress *progress,
                           es_correlation *result, es_error *error)
{
    int64_t n = pairs->count;
    if (!pairs->x_order || !pairs->y_order || !pairs->weights || !pairs->ranks ||
        !order_values(pairs->x, n, pairs->x_order) || !order_values(pairs->y, n, pairs->y_order))
        return es_fail_memory(error, "pairs", (size_t)n * sizeof(double));
    for (int64_t i = 0; i < n; i++) pairs->weights[i] = 1;
    result->spearman = spearman(pairs, pairs->weights, pairs->ranks);
    result->pearson = pearson(pairs);
    result->spearman_p = p_value(result->spearman, n);
    result->pearson_p = p_value(result->pearson, n);
    if (pairs->resamples <= 0 || isnan(result->spearman)) return ES_OK;
    return bootstrap(pairs, threads, progress, result, error);
}

es_status es_correlation_compute(const double *human, const double *cosine, int64_t count,
                                 int64_t resamples, uint64_t seed, int threads,
                                 const es_progress *progress, es_correlation *result,
                                 es_error *error)
{
    *result = (es_correlation){.pairs = count,
                               .spearman = NAN,
                               .pearson = NAN,
                               .spearman_p = NAN,
                               .pearson_p = NAN,
                               .low = NAN,
                               .high = NAN};
    if (count < 3) return ES_OK;
    threads = es_thread_count(threads);
    ranked pairs = {.count = count,
                    .resamples = resamples,
                    .x = human,
                    .y = cosine,
                    .seed = seed,
                    .x_order = es_alloc(count, sizeof(int64_t)),
                    .y_order = es_alloc(count, sizeof(int64_t)),
                    .weights = es_alloc(threads, (size_t)count * sizeof(int32_t)),
                    .ranks = es_alloc(threads, (size_t)count * sizeof(double))};
    es_status status = correlate(&pairs, threads, progress, result, error);
    free(pairs.x_order);
    free(pairs.y_order);
    free(pairs.weights);
    free(pairs.ranks);
    free(pairs.drawn);
    return status;
}

/* ---- all pairs of a data set ------------------------------------------------------------------
 */

typedef struct pairing {
    const es_evaluating *work;
    double *scratch; /* (threads, 3 d) */
} pairing;

static es_status cosine_piece(void *context, int64_t index, int worker, es_error *error)
{
    const pairing *pairing = context;
    const es_evaluating *work = pairing->work;
    const es_dataset *set = work->set;
    double *a = pairing->scratch + worker * 3 * work->d, *b = a + work->d, *scratch = b + work->d;
    int64_t end = (index + 1) * CHUNK < set->count ? (index + 1) * CHUNK : set->count;
    for (int64_t q = index * CHUNK; q < end; q++) {
        const int32_t *words = set->members + set->first[q];
        bool has_a = false, has_b = false;
        work->result->cosines[q] = NAN;
        if (work->result->states[q] > ES_WORD_POOLED) continue;
        ES_TRY(es_evaluate_vector(work, words[0], scratch, a, &has_a, error));
        ES_TRY(es_evaluate_vector(work, words[1], scratch, b, &has_b, error));
        if (has_a && has_b) work->result->cosines[q] = work->space->kernel->dot(a, b, work->d);
    }
    return ES_OK;
}

/* Is the question in the group? */
static bool is_in(const es_evaluation *result, int64_t q, int group)
{
    int state = result->states[q];
    if (state > ES_WORD_POOLED) return result->options.missing_counts && group != ES_GROUP_POOLED;
    return group == ES_GROUP_ALL || group == state;
}

static es_status correlate_group(es_evaluating *work, int group, es_stages *stages, double *human,
                                 double *cosines)
{
    es_evaluation *result = work->result;
    const es_evaluate_options *options = work->options;
    int64_t count = 0;
    for (int64_t q = 0; q < work->set->count; q++) {
        if (!is_in(result, q, group)) continue;
        human[count] = work->set->scores[q];
        cosines[count++] = isnan(result->cosines[q]) ? 0 : result->cosines[q];
    }
    double weight = 16 * (double)work->set->count * (double)options->resamples;
    es_progress progress = es_stages_next(stages, weight > 0 ? weight : 0);
    if (group == ES_GROUP_ALL && count == result->correlation[ES_GROUP_SINGLE].pairs) {
        result->correlation[group] = result->correlation[ES_GROUP_SINGLE];
        return ES_OK;
    }
    return es_correlation_compute(human, cosines, count, options->resamples, options->seed,
                                  work->threads, &progress, &result->correlation[group],
                                  work->error);
}

static es_status correlate_groups(es_evaluating *work, pairing *pairing, double *human,
                                  double *cosines)
{
    es_evaluation *result = work->result;
    int64_t count = work->set->count, resamples = work->options->resamples;
    if (!pairing->scratch || !human || !cosines || !result->cosines)
        return es_fail_memory(work->error, "pairs", (size_t)count * sizeof(double));
    double reading = 4 * (double)count * (double)work->d;
    es_stages stages = {.outer = work->options->progress,
                        .total = reading + 48 * (double)count * fmax(0, (double)resamples)};
    es_progress progress = es_stages_next(&stages, reading);
    ES_TRY(es_parallel_for(work->threads, (count + CHUNK - 1) / CHUNK, cosine_piece, pairing,
                           &progress, work->error));
    for (int64_t q = 0; q < count; q++) { /* pooled words whose unit rows cancel */
        if (result->states[q] > ES_WORD_POOLED || !isnan(result->cosines[q])) continue;
        result->questions[result->states[q]]--;
        result->questions[ES_WORD_UNDEFINED]++;
        result->states[q] = ES_WORD_UNDEFINED;
    }
    for (int group = 0; group < ES_EVALUATION_GROUPS; group++)
        ES_TRY(correlate_group(work, group, &stages, human, cosines));
    result->counted = result->correlation[ES_GROUP_SINGLE].pairs;
    return ES_OK;
}

es_status es_evaluate_similarity(es_evaluating *work)
{
    int64_t count = work->set->count;
    work->result->cosines = es_alloc(count, sizeof(double));
    pairing pairing = {.work = work,
                       .scratch = es_alloc(work->threads, 3 * (size_t)work->d * sizeof(double))};
    double *human = es_alloc(count, sizeof *human), *cosines = es_alloc(count, sizeof *cosines);
    es_status status = correlate_groups(work, &pairing, human, cosines);
    free(pairing.scratch);
    free(human);
    free(cosines);
    return status;
}
