/* k-means++ (Arthur, Vassilvitskii 2007) by rejection: the same law, without a pass over all rows
 * for each seed.
 *
 * A row is to be drawn with a probability in proportion to w, its 1 - cos to the nearest seed.
 * Weights only fall as seeds are added; so a row drawn by its weight as it was some seeds ago, w',
 * and kept with probability w / w', has the right law. w takes the cosines to the seeds since then,
 * and to none of the other rows. Where too many are turned away, w' is brought up to date.
 *
 * Each seed is the best of a few rows drawn so: the one that leaves the least sum of weights, over
 * a sample of rows spread over all (the greedy variant, judged on a sample). */
#include "analysis/kmeans.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_ROWS = 256,
    PENDING = 2048,        /* seeds that weights may not know of */
    SAMPLE = 4096,         /* rows that judge, at least, and the largest k that they judge for */
    SAMPLE_PER_SEED = 16,  /* as many for each seed, where that is more */
    JUDGED = 8 * ES_PANEL, /* of them at a time */
};

/* The sample, and its weights beside all seeds and beside each candidate as well. */
typedef struct jury {
    int64_t count; /* 0: there are no candidates, every row drawn is a seed */
    int wanted, candidates;
    int64_t places[ES_STRIP]; /* the candidates */
    es_packed rows;
    float *strip;             /* (d, ES_PANEL) the candidates, in the first ES_STRIP rows */
    float *weights;           /* (count, padded) */
    float *with[ES_STRIP];    /* (count, padded) */
    double (*sums)[ES_STRIP]; /* of each piece of JUDGED rows */
    const es_kernel *kernel;
} jury;

typedef struct seeding {
    const es_kmeans_rows *rows;
    es_random *random;
    int64_t *places, count, fresh; /* seeds, and the first that the weights do not know of */
    double *weights;               /* (rows) */
    double *sums;                  /* of the weights of each block */
    double total;
    double *scratch; /* (2, d) */
    int64_t spent;   /* cosines computed since the weights were brought up to date */
    jury jury;
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

/* ---- the best of a few ------------------------------------------------------------------------
 */

static void release_jury(jury *jury)
{
    es_packed_release(&jury->rows);
    free(jury->strip);
    free(jury->weights);
    for (int i = 0; i < ES_STRIP; i++) free(jury->with[i]);
    free(jury->sums);
}

static es_status init_jury(seeding *seeding, int64_t k, es_error *error)
{
    const es_kmeans_rows *rows = seeding->rows;
    jury *jury = &seeding->jury;
    int64_t n = rows->count, count = k * SAMPLE_PER_SEED;
    if (k > SAMPLE || k < 2) return ES_OK;
    if (count < SAMPLE) count = SAMPLE;
    if (count > n) count = n;
    int64_t padded = (count + ES_PANEL - 1) / ES_PANEL * ES_PANEL;
    *jury = (struct jury){.kernel = rows->kernel, .wanted = 2 + (int)log((double)k)};
    if (jury->wanted > ES_STRIP) jury->wanted = ES_STRIP;
    ES_TRY(es_packed_init(&jury->rows, count, rows->d, error));
    bool enough = (jury->weights = es_alloc(padded, sizeof(float))) != NULL;
    for (int i = 0; i < ES_STRIP; i++)
        enough = enough && (jury->with[i] = es_alloc(padded, sizeof(float))) != NULL;
    enough = enough && (jury->strip = es_alloc_aligned(rows->d, ES_PANEL * sizeof(float))) &&
             (jury->sums = es_alloc((padded + JUDGED - 1) / JUDGED, sizeof *jury->sums));
    if (!enough) return es_fail_memory(error, "a sample", (size_t)padded * 36);
    memset(jury->strip, 0, (size_t)rows->d * ES_PANEL * sizeof(float));
    for (int64_t i = 0; i < count; i++) {
        float *column = jury->rows.data + i / ES_PANEL * rows->d * ES_PANEL + i % ES_PANEL;
        ES_TRY(es_kmeans_rows_pack(rows, i * n / count, column, seeding->scratch, error));
        jury->weights[i] = 2;
    }
    jury->count = count;
    return ES_OK;
}

static es_status judge_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    jury *jury = context;
    int64_t d = jury->rows.depth, end = (index + 1) * JUDGED;
    _Alignas(64) float cosines[ES_TILE];
    for (int i = 0; i < ES_STRIP; i++) jury->sums[index][i] = 0;
    for (int64_t first = index * JUDGED; first < end && first < jury->count; first += ES_PANEL) {
        jury->kernel->product(d, jury->strip, jury->rows.data + first * d, cosines);
        for (int i = 0; i < jury->candidates; i++) {
            float *with = jury->with[i] + first, sum = 0;
            for (int r = 0; r < ES_PANEL; r++) {
                float weight = 1 - cosines[i * ES_PANEL + r], before = jury->weights[first + r];
                with[r] = weight < before ? weight : before;
                sum += with[r];
            }
            jury->sums[index][i] += sum;
        }
    }
    return ES_OK;
}

/* Of the candidates the one that leaves the least; of equal ones the first. */
static es_status judge(seeding *seeding, int threads, int64_t *place, es_error *error)
{
    jury *jury = &seeding->jury;
    int64_t pieces = (jury->count + JUDGED - 1) / JUDGED;
    double least = INFINITY;
    int best = 0;
    for (int i = 0; i < jury->candidates; i++)
        ES_TRY(es_kmeans_rows_pack(seeding->rows, jury->places[i], jury->strip + i,
                                   seeding->scratch, error));
    ES_TRY(es_parallel_for(threads, pieces, judge_piece, jury, NULL, error));
    for (int i = 0; i < jury->candidates; i++) {
        double sum = 0;
        for (int64_t b = 0; b < pieces; b++) sum += jury->sums[b][i];
        if (sum < least) least = sum, best = i;
    }
    float *with = jury->with[best];
    jury->with[best] = jury->weights;
    jury->weights = with;
    jury->candidates = 0;
    *place = jury->places[best];
    return ES_OK;
}

/* A row that was drawn: a seed, or a candidate until there are enough to choose from. */
static es_status take_row(seeding *seeding, int64_t p, int threads, es_error *error)
{
    jury *jury = &seeding->jury;
    if (jury->count) {
        jury->places[jury->candidates++] = p;
        if (jury->candidates < (seeding->count ? jury->wanted : 1)) return ES_OK;
        ES_TRY(judge(seeding, threads, &p, error));
    }
    seeding->places[seeding->count++] = p;
    return ES_OK;
}

static es_status draw_seeds(seeding *seeding, int64_t k, int threads, const es_progress *progress,
                            es_error *error)
{
    int64_t n = seeding->rows->count, drawn = 0;
    ES_TRY(take_row(seeding, es_random_below(seeding->random, n), threads, error));
    while (seeding->count < k) {
        int64_t fresh = seeding->count - seeding->fresh;
        if (fresh >= PENDING || (fresh && seeding->spent + drawn > n * fresh)) {
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
        if (kept) ES_TRY(take_row(seeding, p, threads, error));
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
        status = init_jury(&seeding, k, error);
        if (status == ES_OK) status = draw_seeds(&seeding, k, threads, progress, error);
    }
    *count = seeding.count;
    free(seeding.weights);
    free(seeding.sums);
    free(seeding.scratch);
    release_jury(&seeding.jury);
    return status;
}
