/* Spherical k-means over the vocabulary, and what its clusters look like. */
#include "analysis/cluster_map.h"
#include "analysis/kmeans.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <embscope/cluster.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_K = 20, DEFAULT_ITERATIONS = 300, DEFAULT_SHOWN = 8, BLOCK_ROWS = 64 };

void es_clusters_release(es_clusters *clusters)
{
    free(clusters->clusters);
    free(clusters->labels);
    free(clusters->cosines);
    free(clusters->centers);
    free(clusters->seeds);
    free(clusters->history);
    free(clusters->members);
    *clusters = (es_clusters){0};
}

typedef struct cluster_job {
    es_space *space;
    int64_t d, count, *ids; /* of the defined rows */
    int threads;
    int64_t shown;
    const es_progress *asked; /* the caller's */
    es_progress progress;     /* of one step, which counts the steps before */
    int64_t steps, steps_at_most;
    es_kmeans_rows rows;
    es_kmeans_run run;
    es_kmeans_centers centers;
    int32_t *labels;     /* (count) by rank of cluster */
    int64_t *run_number; /* (clusters) number in the run */
    double *to_sum;      /* (count) u . sum of its cluster */
    double *silhouettes; /* (count) */
    es_clusters *out;
} cluster_job;

static es_status no_memory(const cluster_job *job, es_error *error)
{
    return es_fail_memory(error, "clusters", (size_t)job->count * 40);
}

/* ---- runs -------------------------------------------------------------------------------------
 */

/* One step's progress among all steps that there may be: less, where a run converges before. */
static bool report_step(void *context, int64_t done, int64_t total)
{
    enum { PARTS = 1000 };
    const cluster_job *job = context;
    int64_t steps = job->steps < job->steps_at_most ? job->steps : job->steps_at_most - 1;
    return job->asked->report(job->asked->context,
                              steps * PARTS + (total > 0 ? done * PARTS / total : 0),
                              job->steps_at_most * PARTS);
}

static es_status run_all(cluster_job *job, const es_cluster_options *options, es_error *error)
{
    es_clusters *out = job->out;
    es_random random = {options->seed};
    es_kmeans_limits limits = {.k = out->k,
                               .iterations =
                                   options->iterations ? options->iterations : DEFAULT_ITERATIONS,
                               .threads = job->threads,
                               .progress = &job->progress,
                               .steps = &job->steps};
    out->restarts = options->restarts ? options->restarts : 1;
    job->steps_at_most = out->restarts * (limits.iterations + 1) + 1;
    for (int64_t r = 0; r < out->restarts; r++) {
        es_kmeans_run run;
        ES_TRY(es_kmeans_run_once(&job->rows, &limits, &random, &run, error));
        if (r > 0 && run.objective <= job->run.objective) {
            es_kmeans_run_release(&run);
            continue;
        }
        es_kmeans_run_release(&job->run);
        job->run = run;
        out->run = r;
    }
    return ES_OK;
}

/* ---- order ------------------------------------------------------------------------------------
 */

typedef struct ranked {
    int64_t number, size, first; /* in the run; its lowest place */
} ranked;

static int compare_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return (x->first > y->first) - (x->first < y->first);
}

/* Clusters that are not empty, largest first: labels and numbers become their ranks. */
static es_status rank_clusters(cluster_job *job, es_error *error)
{
    int64_t k = job->run.k, count = 0;
    ranked *order = es_alloc(k, sizeof *order);
    int32_t *rank = es_alloc(k, sizeof *rank);
    job->labels = es_alloc(job->count, sizeof *job->labels);
    job->run_number = es_alloc(k, sizeof *job->run_number);
    bool enough = order && rank && job->labels && job->run_number;
    for (int64_t c = 0; enough && c < k; c++) order[c] = (ranked){.number = c, .first = -1};
    for (int64_t p = 0; enough && p < job->count; p++) {
        ranked *of = &order[job->run.labels[p]];
        if (of->size++ == 0) of->first = p;
    }
    if (enough) {
        qsort(order, (size_t)k, sizeof *order, compare_ranked);
        for (; count < k && order[count].size; count++) {
            rank[order[count].number] = (int32_t)count;
            job->run_number[count] = order[count].number;
        }
        for (int64_t p = 0; p < job->count; p++) job->labels[p] = rank[job->run.labels[p]];
    }
    job->out->count = count;
    free(order);
    free(rank);
    return enough ? ES_OK : no_memory(job, error);
}

/* ---- every row --------------------------------------------------------------------------------
 */

static es_status look_at_rows(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const cluster_job *job = context;
    const es_kmeans_centers *centers = &job->centers;
    int64_t d = job->d, first = index * BLOCK_ROWS, end = first + BLOCK_ROWS;
    double *row = es_alloc(2, (size_t)d * sizeof *row);
    es_status status = row ? ES_OK : es_fail_memory(error, "a row", (size_t)d * sizeof *row);
    for (int64_t p = first; p < end && p < job->count && status == ES_OK; p++) {
        int32_t c = job->labels[p];
        double *cosine = &job->out->cosines[job->ids[p]];
        status = es_kmeans_rows_wide(&job->rows, p, row, error);
        if (status == ES_OK)
            status = es_kmeans_centers_cosine(centers, row, c, row + d, cosine, error);
        if (status == ES_OK)
            job->to_sum[p] = job->space->kernel->dot(row, centers->sums + c * d, d);
        job->out->labels[job->ids[p]] = c;
    }
    free(row);
    return status;
}

static int compare_members(const void *a, const void *b)
{
    const es_cluster_member *x = a, *y = b;
    if (x->cosine != y->cosine) return x->cosine < y->cosine ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

/* Sort the rows by cluster, keep the first of each. */
static es_status list_members(cluster_job *job, es_error *error)
{
    es_clusters *out = job->out;
    int64_t total = 0, kept = 0;
    es_cluster_member *sorted = es_alloc(job->count, sizeof *sorted);
    int64_t *starts = es_alloc(out->count + 1, sizeof *starts);
    bool enough = sorted && starts;
    for (int64_t c = 0; c < out->count; c++) {
        out->clusters[c].shown =
            out->clusters[c].size < job->shown ? out->clusters[c].size : job->shown;
        total += out->clusters[c].shown;
        if (enough) starts[c + 1] = starts[c] + out->clusters[c].size;
    }
    out->members = es_alloc(total, sizeof *out->members);
    enough = enough && out->members;
    for (int64_t p = 0; enough && p < job->count; p++)
        sorted[starts[job->labels[p]]++] =
            (es_cluster_member){job->ids[p], out->cosines[job->ids[p]]};
    for (int64_t c = 0; enough && c < out->count; c++) {
        es_cluster *cluster = &out->clusters[c];
        es_cluster_member *of = sorted + starts[c] - cluster->size; /* starts[c] is its end now */
        qsort(of, (size_t)cluster->size, sizeof *of, compare_members);
        memcpy(out->members + kept, of, (size_t)cluster->shown * sizeof *of);
        cluster->members = out->members + kept;
        kept += cluster->shown;
    }
    free(sorted);
    free(starts);
    return enough ? ES_OK : no_memory(job, error);
}

static es_status describe_rows(cluster_job *job, es_error *error)
{
    es_clusters *out = job->out;
    job->to_sum = es_alloc(job->count, sizeof *job->to_sum);
    if (!job->to_sum) return no_memory(job, error);
    ES_TRY(es_parallel_for(job->threads, (job->count + BLOCK_ROWS - 1) / BLOCK_ROWS, look_at_rows,
                           job, &job->progress, error));
    double sum = 0;
    for (int64_t p = 0; p < job->count; p++) {
        double cosine = out->cosines[job->ids[p]];
        out->clusters[job->labels[p]].cohesion += cosine;
        sum += cosine;
    }
    out->objective = sum / (double)job->count;
    for (int64_t c = 0; c < out->count; c++)
        out->clusters[c].cohesion /= (double)out->clusters[c].size;
    return list_members(job, error);
}

/* ---- between clusters -------------------------------------------------------------------------
 */

/* The centres as rows of their own: each one's nearest other. */
static es_status find_separation(cluster_job *job, es_error *error)
{
    es_clusters *out = job->out;
    es_kmeans_rows rows = {
        .kernel = job->space->kernel, .count = out->count, .d = job->d, .centers = &job->centers};
    es_kmeans_nearest nearest;
    es_status status =
        es_kmeans_nearest_init(&nearest, &rows, &job->centers, 0, job->threads, error);
    for (int64_t c = 0; c < out->count && status == ES_OK; c++) nearest.labels[c] = (int32_t)c;
    if (status == ES_OK) status = es_kmeans_nearest_others(&nearest, &job->progress, error);
    for (int64_t c = 0; c < out->count && status == ES_OK; c++) {
        out->clusters[c].nearest = nearest.others[c];
        out->clusters[c].separation = nearest.cosines[c];
    }
    es_kmeans_nearest_release(&nearest);
    return status;
}

/* 1 - cos averaged over a cluster is 1 - u . sum / size: with sum / size in the place of centres,
 * the nearest other "centre" is the cluster with the least mean distance, and the silhouette of
 * every row is exact. */
static es_status find_silhouettes(cluster_job *job, es_error *error)
{
    es_clusters *out = job->out;
    es_kmeans_centers means = job->centers;
    es_kmeans_nearest nearest = {0};
    means.inverse = es_alloc(out->count, sizeof *means.inverse);
    means.stand_in = es_alloc(out->count, sizeof *means.stand_in);
    es_status status = means.inverse && means.stand_in ? ES_OK : no_memory(job, error);
    for (int64_t c = 0; c < out->count && status == ES_OK; c++) {
        means.inverse[c] = 1 / (double)means.sizes[c];
        means.stand_in[c] = -1;
    }
    if (status == ES_OK)
        status = es_kmeans_nearest_init(&nearest, &job->rows, &means, 0, job->threads, error);
    if (status == ES_OK) {
        memcpy(nearest.labels, job->labels, (size_t)job->count * sizeof *job->labels);
        status = es_kmeans_nearest_others(&nearest, &job->progress, error);
    }
    for (int64_t p = 0; p < job->count && status == ES_OK; p++) {
        double size = (double)means.sizes[job->labels[p]];
        /* The row's own distance of 0 is not averaged; its cosine of 1 is in the sum. */
        double within = fmax(0, (size - job->to_sum[p]) / (size - 1));
        double between = fmax(0, 1 - nearest.cosines[p]), larger = fmax(within, between);
        job->silhouettes[p] = size < 2 || larger == 0 ? 0 : (between - within) / larger;
    }
    es_kmeans_nearest_release(&nearest);
    free(means.inverse);
    free(means.stand_in);
    return status;
}

static es_status describe_pairs(cluster_job *job, es_error *error)
{
    es_clusters *out = job->out;
    if (out->count < 2) return ES_OK;
    ES_TRY(find_separation(job, error));
    if (!(job->silhouettes = es_alloc(job->count, sizeof *job->silhouettes)))
        return no_memory(job, error);
    ES_TRY(find_silhouettes(job, error));
    double sum = 0;
    for (int64_t c = 0; c < out->count; c++) out->clusters[c].silhouette = 0;
    for (int64_t p = 0; p < job->count; p++) {
        sum += job->silhouettes[p];
        out->clusters[job->labels[p]].silhouette += job->silhouettes[p];
    }
    out->silhouette = sum / (double)job->count;
    for (int64_t c = 0; c < out->count; c++)
        out->clusters[c].silhouette /= (double)out->clusters[c].size;
    return ES_OK;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static es_status allocate_answer(cluster_job *job, es_error *error)
{
    es_clusters *out = job->out;
    int64_t cells;
    if (!es_multiply_counts(out->count, job->d, &cells) ||
        !(out->clusters = es_alloc(out->count, sizeof *out->clusters)) ||
        !(out->labels = es_alloc(out->rows, sizeof *out->labels)) ||
        !(out->cosines = es_alloc(out->rows, sizeof *out->cosines)) ||
        !(out->seeds = es_alloc(job->run.k, sizeof *out->seeds)))
        return no_memory(job, error);
    for (int64_t i = 0; i < out->rows; i++) {
        out->labels[i] = -1;
        out->cosines[i] = NAN;
    }
    for (int64_t i = 0; i < job->run.k; i++) out->seeds[i] = job->ids[job->run.seeds[i]];
    for (int64_t c = 0; c < out->count; c++)
        out->clusters[c] = (es_cluster){.size = job->centers.sizes[c],
                                        .seed = out->seeds[job->run_number[c]],
                                        .nearest = -1,
                                        .separation = NAN,
                                        .silhouette = NAN,
                                        .x = NAN,
                                        .y = NAN};
    out->seed_count = job->run.k;
    out->iterations = job->run.iterations;
    out->moved = job->run.moved;
    out->converged = job->run.converged;
    out->reseeded = job->run.reseeded;
    out->history_count = job->run.iterations + 1;
    out->history = job->run.history;
    job->run.history = NULL;
    return ES_OK;
}

static es_status answer(cluster_job *job, const es_cluster_options *options, es_error *error)
{
    ES_TRY(es_kmeans_rows_init(&job->rows, job->space, job->ids, job->count, job->threads, error));
    ES_TRY(run_all(job, options, error));
    ES_TRY(rank_clusters(job, error));
    ES_TRY(es_kmeans_centers_init(&job->centers, &job->rows, job->out->count, false, error));
    for (int64_t c = 0; c < job->out->count; c++) job->centers.stand_in[c] = -1;
    ES_TRY(es_kmeans_centers_update(&job->centers, NULL, job->labels, true, job->threads, error));
    ES_TRY(allocate_answer(job, error));
    ES_TRY(describe_rows(job, error));
    ES_TRY(describe_pairs(job, error));
    ES_TRY(es_kmeans_centers_narrow(&job->centers, &job->out->centers, error));
    return options->map ? es_cluster_map(job->out, error) : ES_OK;
}

static es_status check(const cluster_job *job, const es_cluster_options *options, es_error *error)
{
    const char *path = job->space->source.path;
    if (job->count == 0)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: clusters need a row that is finite and not zero; there is none", path);
    if (job->space->source.rows > INT32_MAX / 2)
        return es_fail(error, ES_UNSUPPORTED, "%s: more than %d rows", path, INT32_MAX / 2);
    if (options->k < 0 || options->k > job->count)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "k must be from 1 to %lld (the rows that have a direction), not %lld",
                       (long long)job->count, (long long)options->k);
    return ES_OK;
}

es_status es_cluster_compute(es_space *space, const es_cluster_options *options,
                             es_clusters *clusters, es_error *error)
{
    static const es_cluster_options defaults;
    if (!options) options = &defaults;
    *clusters = (es_clusters){.rows = space->source.rows,
                              .columns = space->source.columns,
                              .silhouette = NAN,
                              .map_share = {NAN, NAN}};
    cluster_job job = {.space = space, .d = space->source.columns, .out = clusters};
    job.shown = options->shown ? options->shown : DEFAULT_SHOWN;
    job.threads = es_thread_count(options->threads ? options->threads : space->threads);
    job.asked = &options->progress;
    job.steps_at_most = 1;
    if (job.asked->report) job.progress = (es_progress){report_step, &job};
    ES_TRY(es_space_load(space, error));
    ES_TRY(es_space_defined_rows(space, &job.ids, &job.count, error));
    clusters->left_out = clusters->rows - job.count;
    clusters->k = options->k ? options->k : job.count < DEFAULT_K ? job.count : DEFAULT_K;
    es_status status = check(&job, options, error);
    if (status == ES_OK) status = answer(&job, options, error);
    es_kmeans_centers_release(&job.centers);
    es_kmeans_run_release(&job.run);
    es_kmeans_rows_release(&job.rows);
    free(job.ids);
    free(job.labels);
    free(job.run_number);
    free(job.to_sum);
    free(job.silhouettes);
    if (status != ES_OK) es_clusters_release(clusters);
    return status;
}
