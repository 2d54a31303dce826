#include "analysis/flat_clusters.h"

#include "analysis/stages.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A standard deviation of distances (0 to 2) below this is rounding. */
#define CONSTANT_DEVIATION 1e-13

int64_t es_tree_cut(int64_t n, const es_merge *merges, int64_t clusters, const int64_t *order,
                    int64_t *labels, int64_t *roots)
{
    int64_t kept = n - clusters, count = 0;
    if (kept < 0) kept = 0;
    while (kept > 0 && kept < n - 1 && merges[kept].height == merges[kept - 1].height) kept++;
    /* roots[v]: the cluster that node v ends up in; a kept merge hands its own down */
    for (int64_t v = 0; v < 2 * n - 1; v++) roots[v] = v;
    for (int64_t r = kept - 1; r >= 0; r--) roots[merges[r].a] = roots[merges[r].b] = roots[n + r];
    for (int64_t i = 0; i < n; i++) labels[i] = roots[i];
    for (int64_t v = 0; v < 2 * n - 1; v++) roots[v] = -1;
    for (int64_t place = 0; place < n; place++) {
        int64_t i = order ? order[place] : place;
        if (roots[labels[i]] < 0) roots[labels[i]] = count++;
        labels[i] = roots[labels[i]];
    }
    return count;
}

/* ---- cophenetic correlation --------------------------------------------------------------------
 */

/* Leaves of a node as a run of `leaves`: the merge's left child's, then its right child's. */
static void lay_out(int64_t n, const es_merge *merges, int64_t *leaves, int64_t *first)
{
    first[2 * n - 2] = 0;
    for (int64_t r = n - 2; r >= 0; r--) {
        int64_t left = merges[r].a < n ? 1 : merges[merges[r].a - n].size;
        first[merges[r].a] = first[n + r];
        first[merges[r].b] = first[n + r] + left;
    }
    for (int64_t i = 0; i < n; i++) leaves[first[i]] = i;
}

static double mean_distance(int64_t n, const double *distance)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double row = 0;
        for (int64_t j = 0; j < i; j++) row += distance[i * n + j];
        sum += row;
    }
    return sum / (0.5 * (double)n * (double)(n - 1));
}

es_status es_cophenetic_correlation(int64_t n, const double *distance, const es_merge *merges,
                                    double *correlation, es_error *error)
{
    int64_t *leaves = es_alloc(n, sizeof *leaves), *first = es_alloc(2 * n, sizeof *first);
    double pairs = 0.5 * (double)n * (double)(n - 1), mean = 0;
    if (!leaves || !first) {
        free(leaves);
        free(first);
        return es_fail_memory(error, "the tree", (size_t)n * 3 * sizeof *leaves);
    }
    lay_out(n, merges, leaves, first);
    double center = mean_distance(n, distance), dd = 0, hh = 0, dh = 0;
    for (int64_t r = 0; r < n - 1; r++) {
        int64_t left = first[merges[r].b] - first[n + r], right = merges[r].size - left;
        mean += merges[r].height * (double)left * (double)right / pairs;
    }
    for (int64_t r = 0; r < n - 1; r++) {
        int64_t middle = first[merges[r].b], end = first[n + r] + merges[r].size;
        double h = merges[r].height - mean, sum = 0, squares = 0;
        for (int64_t x = first[n + r]; x < middle; x++)
            for (int64_t y = middle; y < end; y++) {
                double apart = distance[leaves[x] * n + leaves[y]] - center;
                sum += apart;
                squares += apart * apart;
            }
        dd += squares;
        dh += h * sum;
        hh += h * h * (double)(middle - first[n + r]) * (double)(end - middle);
    }
    double least = CONSTANT_DEVIATION * CONSTANT_DEVIATION * pairs;
    *correlation = dd > least && hh > least ? dh / sqrt(dd * hh) : NAN;
    free(leaves);
    free(first);
    return ES_OK;
}

/* ---- silhouettes -------------------------------------------------------------------------------
 */

typedef struct silhouette_work {
    int64_t n, count;
    const double *distance;
    const int64_t *labels;
    int64_t *sizes;
    double *sums; /* (threads, count) */
    double *silhouettes;
} silhouette_work;

static es_status silhouette_piece(void *context, int64_t i, int worker, es_error *error)
{
    (void)error;
    const silhouette_work *work = context;
    double *sums = work->sums + worker * work->count;
    const double *row = work->distance + i * work->n;
    int64_t own = work->labels[i];
    work->silhouettes[i] = 0;
    if (work->sizes[own] == 1) return ES_OK;
    memset(sums, 0, (size_t)work->count * sizeof *sums);
    for (int64_t j = 0; j < work->n; j++) sums[work->labels[j]] += row[j];
    double a = sums[own] / (double)(work->sizes[own] - 1), b = INFINITY;
    for (int64_t c = 0; c < work->count; c++)
        if (c != own) b = fmin(b, sums[c] / (double)work->sizes[c]);
    if (fmax(a, b) > 0) work->silhouettes[i] = (b - a) / fmax(a, b);
    return ES_OK;
}

es_status es_silhouettes(int64_t n, const double *distance, const int64_t *labels, int64_t count,
                         int threads, const es_progress *progress, double *silhouettes,
                         double *mean, es_error *error)
{
    *mean = NAN;
    for (int64_t i = 0; i < n; i++) silhouettes[i] = NAN;
    if (count < 2 || count >= n) return ES_OK;
    threads = es_thread_count(threads);
    silhouette_work work = {
        .n = n, .count = count, .distance = distance, .labels = labels, .silhouettes = silhouettes};
    work.sizes = es_alloc(count, sizeof *work.sizes);
    work.sums = es_alloc(threads, (size_t)count * sizeof *work.sums);
    es_status status = ES_OK;
    if (!work.sizes || !work.sums) {
        status = es_fail_memory(error, "silhouettes", (size_t)count * sizeof *work.sums);
    } else {
        for (int64_t i = 0; i < n; i++) work.sizes[labels[i]]++;
        status = es_parallel_for(threads, n, silhouette_piece, &work, progress, error);
    }
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += silhouettes[i];
    if (status == ES_OK) *mean = sum / (double)n;
    free(work.sizes);
    free(work.sums);
    return status;
}

/* ---- how many ----------------------------------------------------------------------------------
 */

/* Mean silhouettes of 2 ... candidate_count + 1 clusters; returns the best number of them. */
static es_status try_candidates(int64_t n, const double *distance, const es_merge *merges,
                                int threads, const es_progress *progress, int64_t *roots,
                                es_flat_clusters *clusters, int64_t *best, es_error *error)
{
    double highest = -INFINITY;
    es_stages stages = {.outer = progress ? *progress : (es_progress){0}};
    clusters->candidate_count = (n - 1 < ES_MATRIX_CANDIDATES ? n - 1 : ES_MATRIX_CANDIDATES) - 1;
    stages.total = (double)clusters->candidate_count;
    *best = 1;
    for (int64_t c = 0; c < clusters->candidate_count; c++) {
        es_progress stage = es_stages_next(&stages, 1);
        double *mean = &clusters->candidates[c];
        *mean = NAN;
        if (es_tree_cut(n, merges, c + 2, NULL, clusters->labels, roots) != c + 2) continue;
        ES_TRY(es_silhouettes(n, distance, clusters->labels, c + 2, threads, &stage,
                              clusters->silhouettes, mean, error));
        if (!(*mean > highest)) continue;
        highest = *mean;
        *best = c + 2;
    }
    return ES_OK;
}

static es_status make(int64_t n, const double *distance, const es_merge *merges,
                      const int64_t *order, int threads, const es_progress *progress,
                      int64_t *roots, es_flat_clusters *clusters, es_error *error)
{
    int64_t wanted = clusters->asked;
    if (!wanted)
        ES_TRY(try_candidates(n, distance, merges, threads, progress, roots, clusters, &wanted,
                              error));
    clusters->count = es_tree_cut(n, merges, wanted, order, clusters->labels, roots);
    clusters->sizes = es_alloc(clusters->count, sizeof *clusters->sizes);
    clusters->mean_by_cluster = es_alloc(clusters->count, sizeof *clusters->mean_by_cluster);
    if (!clusters->sizes || !clusters->mean_by_cluster)
        return es_fail_memory(error, "clusters", (size_t)clusters->count * sizeof(double));
    ES_TRY(es_silhouettes(n, distance, clusters->labels, clusters->count, threads, NULL,
                          clusters->silhouettes, &clusters->mean_silhouette, error));
    for (int64_t i = 0; i < n; i++) {
        clusters->sizes[clusters->labels[i]]++;
        clusters->mean_by_cluster[clusters->labels[i]] += clusters->silhouettes[i];
    }
    for (int64_t c = 0; c < clusters->count; c++)
        clusters->mean_by_cluster[c] /= (double)clusters->sizes[c];
    return ES_OK;
}

es_status es_flat_clusters_make(int64_t n, const double *distance, const es_merge *merges,
                                const int64_t *order, int threads, const es_progress *progress,
                                es_flat_clusters *clusters, es_error *error)
{
    int64_t *roots = es_alloc(2 * n, sizeof *roots);
    clusters->labels = es_alloc(n, sizeof *clusters->labels);
    clusters->silhouettes = es_alloc(n, sizeof *clusters->silhouettes);
    es_status status =
        !roots || !clusters->labels || !clusters->silhouettes
            ? es_fail_memory(error, "clusters", (size_t)n * 4 * sizeof *roots)
            : make(n, distance, merges, order, threads, progress, roots, clusters, error);
    free(roots);
    return status;
}

void es_flat_clusters_release(es_flat_clusters *clusters)
{
    free(clusters->labels);
    free(clusters->sizes);
    free(clusters->silhouettes);
    free(clusters->mean_by_cluster);
    *clusters = (es_flat_clusters){0};
}
