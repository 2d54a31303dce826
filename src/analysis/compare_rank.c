/* Rank correlations of two dissimilarity matrices: exactly where all cosines fit into memory, else
 * by streaming their bins twice, with a bound on what the bins hide. Ranks of 1 - cos run the other
 * way in both matrices, which changes nothing: cosines are ranked. */
#include "analysis/compare_parts.h"
#include "analysis/sums.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "kernel/tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1 << 20, BINS = 1 << 18, BLOCK_ITEMS = 16, BLOCK_ROWS = 64 };

/* ---- all cosines in memory --------------------------------------------------------------------
 */

typedef struct pairing {
    es_model_part *part;
    int64_t n, pairs;
    double *rows;    /* (n, d) unit rows */
    double *cosines; /* (pairs), row after row of the upper triangle */
} pairing;

static int64_t first_pair(int64_t n, int64_t i)
{
    return i * n - i * (i + 1) / 2;
}

static es_status fill_cosines(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const pairing *work = context;
    int64_t n = work->n, d = work->part->d, end = (index + 1) * BLOCK_ITEMS;
    for (int64_t i = index * BLOCK_ITEMS; i < end && i < n; i++)
        for (int64_t j = i + 1; j < n; j++)
            work->cosines[first_pair(n, i) + j - i - 1] =
                work->part->space->kernel->dot(work->rows + i * d, work->rows + j * d, d);
    return ES_OK;
}

static void sink_down(uint32_t *heap, int64_t count, int64_t at, const double *keys)
{
    for (int64_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && keys[heap[child]] < keys[heap[child + 1]]) child++;
        if (keys[heap[at]] >= keys[heap[child]]) return;
        uint32_t held = heap[at];
        heap[at] = heap[child];
        heap[child] = held;
    }
}

/* Order indices by their keys, in place. */
static void sort_by_key(uint32_t *items, int64_t count, const double *keys)
{
    for (int64_t at = count / 2 - 1; at >= 0; at--) sink_down(items, count, at, keys);
    for (int64_t left = count - 1; left > 0; left--) {
        uint32_t held = items[0];
        items[0] = items[left];
        items[left] = held;
        sink_down(items, left, 0, keys);
    }
}

/* order (count): indices by ascending key. Buckets of equal width first, each sorted then. */
static es_status order_keys(const double *keys, int64_t count, uint32_t *order, es_error *error)
{
    int64_t *start = es_alloc(BUCKETS + 1, sizeof *start);
    if (!start) return es_fail_memory(error, "ranks", BUCKETS * sizeof *start);
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        low = fmin(low, keys[i]);
        high = fmax(high, keys[i]);
    }
    double scale = high > low ? (BUCKETS - 1) / (high - low) : 0;
    for (int64_t i = 0; i < count; i++) start[(int64_t)((keys[i] - low) * scale) + 1]++;
    for (int64_t b = 0; b < BUCKETS; b++) start[b + 1] += start[b];
    for (int64_t i = 0; i < count; i++)
        order[start[(int64_t)((keys[i] - low) * scale)]++] = (uint32_t)i;
    for (int64_t b = 0; b < BUCKETS; b++) { /* start[b] is now the end of bucket b */
        int64_t first = b ? start[b - 1] : 0;
        sort_by_key(order + first, start[b] - first, keys);
    }
    free(start);
    return ES_OK;
}

/* ranks (count): twice the mean rank, from 1, of equal keys; returns pairs of equal keys. */
static double fill_ranks(const double *keys, const uint32_t *order, int64_t count, uint32_t *ranks)
{
    double tied = 0;
    for (int64_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && keys[order[end]] == keys[order[first]];) end++;
        for (int64_t i = first; i < end; i++) ranks[order[i]] = (uint32_t)(first + end + 1);
        tied += (double)(end - first) * (double)(end - first - 1) / 2;
    }
    return tied;
}

static int compare_ranks(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* How many pairs of places stand in descending order; `values` is sorted on the way. */
static double count_inversions(uint32_t *values, uint32_t *scratch, int64_t count)
{
    double inversions = 0;
    for (int64_t width = 1; width < count; width *= 2) {
        for (int64_t first = 0; first < count; first += 2 * width) {
            int64_t middle = first + width < count ? first + width : count;
            int64_t end = first + 2 * width < count ? first + 2 * width : count;
            int64_t i = first, j = middle, to = first;
            while (i < middle && j < end) {
                if (values[j] < values[i]) inversions += (double)(middle - i);
                scratch[to++] = values[j] < values[i] ? values[j++] : values[i++];
            }
            while (i < middle) scratch[to++] = values[i++];
            while (j < end) scratch[to++] = values[j++];
        }
        memcpy(values, scratch, (size_t)count * sizeof *values);
    }
    return inversions;
}

/* Kendall's tau_a (Knight 1966): b's order, of a's ranks; `tied` are the pairs equal in a, in b. */
static double tau_a(const uint32_t *rank_a, const uint32_t *rank_b, const uint32_t *order,
                    uint32_t *values, uint32_t *scratch, int64_t count, const double tied[2])
{
    double both = 0, all = (double)count * (double)(count - 1) / 2;
    for (int64_t i = 0; i < count; i++) values[i] = rank_a[order[i]];
    for (int64_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && rank_b[order[end]] == rank_b[order[first]];) end++;
        if (end - first < 2) continue;
        qsort(values + first, (size_t)(end - first), sizeof *values, compare_ranks);
        for (int64_t i = first, next; i < end; i = next) {
            for (next = i + 1; next < end && values[next] == values[i];) next++;
            both += (double)(next - i) * (double)(next - i - 1) / 2;
        }
    }
    double discordant = count_inversions(values, scratch, count);
    double concordant = all - tied[0] - tied[1] + both - discordant;
    return (concordant - discordant) / all;
}

/* From the sum of products and the sums of squares of twice the ranks of `count` pairs. */
static void fill_rank_figures(double products, double squares_a, double squares_b, double count,
                              es_rsa *rsa)
{
    double mean = count + 1, center = count * mean * mean; /* of twice the ranks */
    double a = squares_a - center, b = squares_b - center;
    rsa->spearman =
        a > 0 && b > 0 ? fmax(-1, fmin(1, (products - center) / (sqrt(a) * sqrt(b)))) : NAN;
    /* rho_a = 12 x'y / (N^3 - N) - 3 (N + 1) / (N - 1), x'y about its mean so that it keeps its
     * digits. */
    rsa->rho_a = 3 * (products - center) / (count * (count - 1) * (count + 1));
}

static es_status cosines_of(es_pair_job *job, es_model_part *part, double *cosines, es_error *error)
{
    pairing work = {.part = part, .n = part->n, .cosines = cosines};
    work.rows = es_alloc(part->n, (size_t)part->d * sizeof *work.rows);
    if (!work.rows) return es_fail_memory(error, "rows", (size_t)(part->n * part->d) * 8);
    es_progress progress = es_stages_next(job->stages, job->rank_weight / 2);
    es_status status = es_space_read_unit_rows(part->space, 0, part->n, work.rows, error);
    if (status == ES_OK)
        status = es_parallel_for(job->threads, (part->n + BLOCK_ITEMS - 1) / BLOCK_ITEMS,
                                 fill_cosines, &work, &progress, error);
    free(work.rows);
    return status;
}

/* Between the steps that no loop over pieces runs: may the work go on? */
static es_status still_wanted(const es_pair_job *job, es_error *error)
{
    es_progress progress = {es_stages_report, job->stages};
    return es_progress_check(&progress, 1, 1, error);
}

static es_status rank_exactly(es_pair_job *job, es_rsa *rsa, es_error *error)
{
    int64_t n = job->a->n, count = n * (n - 1) / 2;
    es_model_part *parts[2] = {job->a, job->b};
    double *cosines = es_alloc(count, sizeof *cosines), tied[2];
    uint32_t *order = es_alloc(count, sizeof *order), *ranks[2] = {NULL, NULL};
    es_status status = ES_OK;
    for (int m = 0; m < 2; m++) ranks[m] = es_alloc(count, sizeof *ranks[m]);
    if (!cosines || !order || !ranks[0] || !ranks[1])
        status = es_fail_memory(error, "ranks", (size_t)count * 20);
    for (int m = 0; m < 2 && status == ES_OK; m++) {
        status = cosines_of(job, parts[m], cosines, error);
        if (status == ES_OK) status = order_keys(cosines, count, order, error);
        if (status == ES_OK) status = still_wanted(job, error);
        if (status == ES_OK) tied[m] = fill_ranks(cosines, order, count, ranks[m]);
    }
    if (status == ES_OK) status = still_wanted(job, error);
    if (status == ES_OK) {
        es_long_sum products = {0}, squares[2] = {{0}};
        for (int64_t i = 0; i < count; i++) {
            double a = ranks[0][i], b = ranks[1][i];
            es_long_sum_add(&products, a * b);
            es_long_sum_add(&squares[0], a * a);
            es_long_sum_add(&squares[1], b * b);
        }
        fill_rank_figures(products.total + products.lost, squares[0].total + squares[0].lost,
                          squares[1].total + squares[1].lost, (double)count, rsa);
        uint32_t *room = (uint32_t *)cosines; /* two arrays of half the size */
        rsa->kendall = tau_a(ranks[0], ranks[1], order, room, room + count, count, tied);
        rsa->rank_error = 0;
    }
    free(cosines);
    free(order);
    free(ranks[0]);
    free(ranks[1]);
    return status;
}

/* ---- bins, streamed ---------------------------------------------------------------------------
 */

typedef struct streaming {
    es_model_part *parts[2];
    const es_kernel *kernel;
    es_packed packed[2];
    int threads;
    int64_t *counts; /* (threads, 2, BINS); then (2, BINS) of all */
    double *ranks;   /* (2, BINS) twice the mean rank of a bin */
    double *sums;    /* a slot for each tile */
} streaming;

static es_status pack_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    streaming *work = context;
    int64_t n = work->parts[0]->n, end = (index + 1) * BLOCK_ROWS;
    for (int m = 0; m < 2; m++) {
        double *row = es_alloc(work->parts[m]->d, sizeof *row);
        if (!row) return es_fail_memory(error, "a row", (size_t)work->parts[m]->d * sizeof *row);
        es_status status = ES_OK;
        for (int64_t i = index * BLOCK_ROWS; i < end && i < n && status == ES_OK; i++) {
            status = es_space_read_unit_rows(work->parts[m]->space, i, 1, row, error);
            if (status == ES_OK) es_packed_put(&work->packed[m], i, row);
        }
        free(row);
        if (status != ES_OK) return status;
    }
    return ES_OK;
}

static inline int64_t bin_of(float cosine)
{
    int64_t bin = (int64_t)((cosine + 1) * (BINS / 2));
    return bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin;
}

/* The cosines of a strip's pairs in both models; `scratch` holds them where they are not in a row.
 */
typedef struct both {
    _Alignas(64) float products[2][ES_TILE];
    float scratch[2][ES_TILE];
    const float *cosines[2];
    int64_t count;
} both;

static void multiply(const streaming *work, const es_strip *place, both *out)
{
    for (int m = 0; m < 2; m++) {
        es_strip strip = *place;
        work->kernel->product(work->packed[m].depth, es_strip_left(&work->packed[m], place),
                              es_strip_right(&work->packed[m], place), out->products[m]);
        strip.cosines = out->products[m];
        out->count = es_strip_pairs(&strip, out->scratch[m], &out->cosines[m]);
    }
}

static es_status count_strip(void *context, int worker, const es_strip *place, es_error *error)
{
    (void)error;
    streaming *work = context;
    both pairs;
    multiply(work, place, &pairs);
    for (int m = 0; m < 2; m++) {
        int64_t *counts = work->counts + (worker * 2 + m) * BINS;
        for (int64_t i = 0; i < pairs.count; i++) counts[bin_of(pairs.cosines[m][i])]++;
    }
    return ES_OK;
}

static es_status sum_strip(void *context, int worker, const es_strip *place, es_error *error)
{
    (void)worker, (void)error;
    streaming *work = context;
    both pairs;
    double sum = 0;
    multiply(work, place, &pairs);
    for (int64_t i = 0; i < pairs.count; i++)
        sum += work->ranks[bin_of(pairs.cosines[0][i])] *
               work->ranks[BINS + bin_of(pairs.cosines[1][i])];
    work->sums[place->tile] += sum;
    return ES_OK;
}

/* Ranks of bins; the sum of their squares, and the largest angle between true ranks and those of
 * bins, each about their mean, as vectors of all pairs: the root of the mean square of how far a
 * true rank can be from its bin's, in units of the ranks' deviation, is its sine at most. A cosine
 * is known to `reach` bins, and so are those it is counted against. */
static double rank_bins(const int64_t *counts, double count, int64_t reach, double *ranks,
                        double *squares, es_error *error)
{
    double *below = es_alloc(BINS + 1, sizeof *below), error_squares = 0;
    if (!below) return es_fail_memory(error, "ranks", BINS * sizeof *below), NAN;
    es_long_sum sum = {0};
    for (int64_t b = 0; b < BINS; b++) below[b + 1] = below[b] + (double)counts[b];
    for (int64_t b = 0; b < BINS; b++) {
        int64_t low = b > 2 * reach ? b - 2 * reach : 0;
        int64_t high = b + 1 + 2 * reach < BINS ? b + 1 + 2 * reach : BINS;
        ranks[b] = below[b] + below[b + 1] + 1;
        double off = fmax(ranks[b] / 2 - below[low], below[high] - ranks[b] / 2 + 1);
        es_long_sum_add(&sum, (double)counts[b] * ranks[b] * ranks[b]);
        error_squares += (double)counts[b] * off * off;
    }
    free(below);
    *squares = sum.total + sum.lost;
    double mean = (count + 1) / 2, spread = sqrt(fmax(0, *squares / (4 * count) - mean * mean));
    double off = sqrt(error_squares / count);
    return spread > 0 && off < spread ? asin(off / spread) : 2;
}

static es_status stream(streaming *work, es_pair_job *job, es_rsa *rsa, es_error *error)
{
    int64_t n = work->parts[0]->n, tiles;
    double squares[2] = {0}, off[2] = {0}, count = (double)n * (double)(n - 1) / 2;
    es_long_sum products = {0};
    for (int m = 0; m < 2; m++)
        ES_TRY(es_packed_init(&work->packed[m], n, work->parts[m]->d, error));
    tiles = es_tile_count(&work->packed[0]);
    work->counts = es_alloc(work->threads, (size_t)2 * BINS * sizeof *work->counts);
    work->ranks = es_alloc(2, BINS * sizeof *work->ranks);
    work->sums = es_alloc(tiles, sizeof *work->sums);
    if (!work->counts || !work->ranks || !work->sums)
        return es_fail_memory(error, "bins", (size_t)work->threads * 16 * BINS);
    ES_TRY(es_parallel_for(work->threads, (n + BLOCK_ROWS - 1) / BLOCK_ROWS, pack_block, work, NULL,
                           error));
    es_progress progress = es_stages_next(job->stages, job->rank_weight / 2);
    ES_TRY(es_strips_run(n, ES_BLOCK, work->threads, count_strip, work, &progress, error));
    for (int64_t w = 1; w < work->threads; w++)
        for (int64_t b = 0; b < 2 * BINS; b++) work->counts[b] += work->counts[w * 2 * BINS + b];
    for (int m = 0; m < 2; m++) {
        double width = 2.0 / BINS, bound = es_product_bound(work->parts[m]->d);
        off[m] = rank_bins(work->counts + m * BINS, count, (int64_t)ceil(bound / width),
                           work->ranks + m * BINS, &squares[m], error);
        if (isnan(off[m])) return ES_NO_MEMORY;
    }
    progress = es_stages_next(job->stages, job->rank_weight / 2);
    ES_TRY(es_strips_run(n, ES_BLOCK, work->threads, sum_strip, work, &progress, error));
    for (int64_t t = 0; t < tiles; t++) es_long_sum_add(&products, work->sums[t]);
    fill_rank_figures(products.total + products.lost, squares[0], squares[1], count, rsa);
    rsa->rank_error = fmin(2, off[0] + off[1]);
    return ES_OK;
}

es_status es_pair_ranks(es_pair_job *job, es_rsa *rsa, es_error *error)
{
    if (job->a->n <= job->ranked) return rank_exactly(job, rsa, error);
    streaming work = {
        .parts = {job->a, job->b}, .kernel = job->a->space->kernel, .threads = job->threads};
    es_status status = stream(&work, job, rsa, error);
    es_packed_release(&work.packed[0]);
    es_packed_release(&work.packed[1]);
    free(work.counts);
    free(work.ranks);
    free(work.sums);
    return status;
}
