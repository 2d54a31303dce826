/* k-means++ (Arthur, Vassilvitskii 2007) by rejection: the same law, without a pass over all rows
 * for each seed.
 *
 * A row is to be drawn with a probability in proportion to w, its 1 - cos to the nearest seed.
 * Weights only fall as seeds are added; so a row drawn by its weight as it was some seeds ago, w',
 * and kept with probability w / w', has the right law. w takes the cosines to the seeds since then,
 * and to none of the other rows. Where too many are turned away, w' is brought up to date. */
#include "analysis/kmeans.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK_ROWS = 256, PENDING = 2048 };

typedef struct seeding {
    const es_kmeans_rows *rows;
    es_random *random;
    int64_t *places, count, fresh; /* seeds, and the first that the weights do not know of */
    double *weights;               /* (rows) */
    double *sums;                  /* of the weights of each block */
    double total;
    double *scratch; /* (2, d) */
    int64_t spent;   /* cosines computed since the weights were brought up to date */
} seeding;

/* 1 - cos of two rows: |u - v|^2 / 2 in float64 where it is small, 0 for rows of one direction. */
static es_status weight_of(const es_kmeans_rows *rows, int64_t p, int64_t seed, double *scratch,
                           double *weight, es_error *error)
{
    float cosine = es_kmeans_rows_dot(rows, p, es_kmeans_rows_at(rows, seed));
    if (rows->scale) cosine *= (float)rows->scale[seed];
    *weight = 1 - (double)cosine;
    if (*weight > 1e-3) return ES_OK;
    double *u = scratch, *v = scratch + rows->d;
    ES_TRY(es_kmeans_rows_wide(rows, p, u, error));
    ES_TRY(es_kmeans_rows_wide(rows, seed, v, error));
    for (int64_t k = 0; k < rows->d; k++) u[k] -= v[k];
    *weight = rows->kernel->dot(u, u, rows->d) / 2;
    if (*weight < 1e-24) *weight = 0;
    return ES_OK;
}

static es_status lower_weights(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const seeding *seeding = context;
    const es_kmeans_rows *rows = seeding->rows;
    int64_t first = index * BLOCK_ROWS, end = first + BLOCK_ROWS;
    double *scratch = es_alloc(2, (size_t)rows->d * sizeof *scratch), sum = 0;
    es_status status = scratch ? ES_OK : es_fail_memory(error, "rows", (size_t)rows->d * 16);
    for (int64_t p = first; p < end && p < rows->count && status == ES_OK; p++) {
        for (int64_t s = seeding->fresh; s < seeding->count && status == ES_OK; s++) {
            double weight;
            status = weight_of(rows, p, seeding->places[s], scratch, &weight, error);
            if (weight < seeding->weights[p]) seeding->weights[p] = weight;
        }
        sum += seeding->weights[p];
    }
    seeding->sums[index] = sum;
    free(scratch);
    return status;
}

static int64_t block_count(const seeding *seeding)
{
    return (seeding->rows->count + BLOCK_ROWS - 1) / BLOCK_ROWS;
}

static es_status bring_up_to_date(seeding *seeding, int threads, const es_progress *progress,
                                  es_error *error)
{
    ES_TRY(es_parallel_for(threads, block_count(seeding), lower_weights, seeding, progress, error));
    seeding->fresh = seeding->count;
    seeding->spent = 0;
    seeding->total = 0;
    for (int64_t b = 0; b < block_count(seeding); b++) seeding->total += seeding->sums[b];
    return ES_OK;
}

/* In [0, 1). */
static double draw(es_random *random)
{
    return (double)(es_random_next(random) >> 11) * 0x1p-53;
}

/* A row by its weight; rounding may lead past the last one, then it is the last that has any. */
static int64_t draw_row(seeding *seeding)
{
    double left = draw(seeding->random) * seeding->total;
    int64_t block = 0, blocks = block_count(seeding), last = 0;
    while (block + 1 < blocks && left >= seeding->sums[block]) left -= seeding->sums[block++];
    while (block > 0 && seeding->sums[block] == 0) block--;
    for (int64_t p = block * BLOCK_ROWS; p < seeding->rows->count && p < (block + 1) * BLOCK_ROWS;
         p++) {
        if (seeding->weights[p] == 0) continue;
        last = p;
        if (left < seeding->weights[p]) return p;
        left -= seeding->weights[p];
    }
    return last;
}

/* Is the row kept? Early "no" where one of the fresh seeds is too near. */
static es_status try_row(seeding *seeding, int64_t p, bool *kept, es_error *error)
{
    double least = draw(seeding->random) * seeding->weights[p];
    *kept = true;
    for (int64_t s = seeding->fresh; s < seeding->count; s++) {
        double weight;
        ES_TRY(weight_of(seeding->rows, p, seeding->places[s], seeding->scratch, &weight, error));
        seeding->spent++;
        if (weight <= least) return *kept = false, ES_OK;
    }
    return ES_OK;
}

static es_status draw_seeds(seeding *seeding, int64_t k, int threads, const es_progress *progress,
                            es_error *error)
{
    int64_t n = seeding->rows->count, drawn = 0;
    seeding->places[seeding->count++] = es_random_below(seeding->random, n);
    while (seeding->count < k) {
        int64_t fresh = seeding->count - seeding->fresh;
        if (fresh >= PENDING || seeding->spent + drawn > n * fresh) {
            ES_TRY(bring_up_to_date(seeding, threads, progress, error));
            drawn = 0;
            if (seeding->total == 0) return ES_OK;
        }
        if (++drawn % 1024 == 0 && progress && progress->report &&
            !progress->report(progress->context, seeding->count, k))
            return es_fail(error, ES_CANCELLED, "interrupted");
        int64_t p = draw_row(seeding);
        bool kept;
        ES_TRY(try_row(seeding, p, &kept, error));
        if (kept) seeding->places[seeding->count++] = p;
    }
    return ES_OK;
}

es_status es_kmeans_seed(const es_kmeans_rows *rows, int64_t k, es_random *random, int threads,
                         const es_progress *progress, int64_t *places, int64_t *count,
                         es_error *error)
{
    seeding seeding = {.rows = rows, .random = random, .places = places};
    seeding.weights = es_alloc(rows->count, sizeof *seeding.weights);
    seeding.sums = es_alloc(block_count(&seeding), sizeof *seeding.sums);
    seeding.scratch = es_alloc(2, (size_t)rows->d * sizeof *seeding.scratch);
    es_status status = ES_OK;
    if (!seeding.weights || !seeding.sums || !seeding.scratch)
        status = es_fail_memory(error, "seeds", (size_t)rows->count * 8);
    else {
        for (int64_t p = 0; p < rows->count; p++) {
            seeding.weights[p] = 2; /* no 1 - cos is larger */
            seeding.sums[p / BLOCK_ROWS] += 2;
        }
        seeding.total = 2 * (double)rows->count;
        status = draw_seeds(&seeding, k, threads, progress, error);
    }
    *count = seeding.count;
    free(seeding.weights);
    free(seeding.sums);
    free(seeding.scratch);
    return status;
}
