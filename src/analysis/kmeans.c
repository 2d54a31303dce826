/* Lloyd's iterations on the sphere: labels by the nearest centre, centres by the mean direction. */
#include "analysis/kmeans.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 64, FLAT_BYTES = 64 << 20, BOUND_BYTES = 112 << 20, SPARE_BYTES = 40 << 20 };

void es_kmeans_run_release(es_kmeans_run *run)
{
    free(run->seeds);
    free(run->labels);
    free(run->history);
    *run = (es_kmeans_run){0};
}

int64_t es_kmeans_room(const es_kmeans_rows *rows, int64_t k, bool *flat)
{
    int64_t table = rows->count * rows->d * (int64_t)sizeof(float);
    int64_t centers = k * rows->d * (int64_t)sizeof(float);
    *flat = centers <= FLAT_BYTES;
    /* One table is the space's own, one more is promised; sums take two floats a component. */
    int64_t room = table + (256LL << 20) - SPARE_BYTES - (rows->units ? table : 0);
    room -= 2 * centers + (*flat ? 2 * centers : FLAT_BYTES);
    return room < 0 ? 0 : room < BOUND_BYTES ? room : BOUND_BYTES;
}

/* One run's parts. */
typedef struct run_job {
    const es_kmeans_rows *rows;
    const es_kmeans_limits *limits;
    es_kmeans_centers centers;
    es_kmeans_nearest nearest;
    int32_t *before;
    double *cosines; /* (rows) to their own centre, where an empty cluster asks for them */
    es_kmeans_run *run;
} run_job;

/* ---- empty clusters ---------------------------------------------------------------------------
 */

static es_status own_cosines(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const run_job *job = context;
    int64_t d = job->rows->d, first = index * BLOCK_ROWS, end = first + BLOCK_ROWS;
    double *row = es_alloc(2, (size_t)d * sizeof *row);
    es_status status = row ? ES_OK : es_fail_memory(error, "a row", (size_t)d * sizeof *row);
    for (int64_t p = first; p < end && p < job->rows->count && status == ES_OK; p++) {
        status = es_kmeans_rows_wide(job->rows, p, row, error);
        if (status == ES_OK)
            status = es_kmeans_centers_cosine(&job->centers, row, job->nearest.labels[p], row + d,
                                              &job->cosines[p], error);
    }
    free(row);
    return status;
}

/* The row that is farthest from its centre and can be spared; -1: none, all lie on their centres.
 */
static int64_t farthest_row(const run_job *job, const int64_t *sizes)
{
    int64_t farthest = -1;
    for (int64_t p = 0; p < job->rows->count; p++) {
        if (sizes[job->nearest.labels[p]] < 2 || job->cosines[p] > 1 - 1e-12) continue;
        if (farthest < 0 || job->cosines[p] < job->cosines[farthest]) farthest = p;
    }
    return farthest;
}

/* An empty cluster begins anew with the row that is farthest from its centre: the objective gains
 * at least 1 - cos of that row. */
static es_status fill_empty(run_job *job, es_error *error)
{
    int64_t n = job->rows->count, k = job->run->k, empty = 0;
    int64_t *sizes = es_alloc(k, sizeof *sizes);
    if (!sizes) return es_fail_memory(error, "sizes", (size_t)k * sizeof *sizes);
    for (int64_t p = 0; p < n; p++) sizes[job->nearest.labels[p]]++;
    for (int64_t c = 0; c < k; c++) empty += !sizes[c];
    es_status status = ES_OK;
    if (empty && !job->cosines && !(job->cosines = es_alloc(n, sizeof *job->cosines)))
        status = es_fail_memory(error, "cosines", (size_t)n * sizeof *job->cosines);
    if (empty && status == ES_OK)
        status = es_parallel_for(job->limits->threads, (n + BLOCK_ROWS - 1) / BLOCK_ROWS,
                                 own_cosines, job, NULL, error);
    for (int64_t c = 0; c < k && empty && status == ES_OK; c++) {
        int64_t p = sizes[c] ? -1 : farthest_row(job, sizes);
        if (p < 0) continue;
        sizes[job->nearest.labels[p]]--;
        sizes[c] = 1;
        job->nearest.labels[p] = (int32_t)c;
        es_kmeans_nearest_forget(&job->nearest, p);
        job->run->reseeded++;
    }
    free(sizes);
    return status;
}

/* ---- iterations -------------------------------------------------------------------------------
 */

/* New centres for the labels as they are. */
static es_status recenter(run_job *job, bool fresh, es_error *error)
{
    ES_TRY(fill_empty(job, error));
    ES_TRY(es_kmeans_centers_update(&job->centers, job->before, job->nearest.labels, fresh,
                                    job->limits->threads, error));
    memcpy(job->before, job->nearest.labels, (size_t)job->rows->count * sizeof *job->before);
    job->run->objective = es_kmeans_centers_objective(&job->centers);
    job->run->history[job->run->iterations] = job->run->objective;
    return ES_OK;
}

/* A step is over. Short ones are told of by this alone. */
static es_status end_step(const es_kmeans_limits *limits, es_error *error)
{
    const es_progress *progress = limits->progress;
    if (limits->steps) ++*limits->steps;
    if (progress && progress->report && !progress->report(progress->context, 0, 1))
        return es_fail(error, ES_CANCELLED, "interrupted");
    return ES_OK;
}

static es_status iterate(run_job *job, es_error *error)
{
    const es_kmeans_limits *limits = job->limits;
    es_kmeans_run *run = job->run;
    int64_t n = job->rows->count;
    ES_TRY(es_kmeans_nearest_step(&job->nearest, true, limits->progress, error));
    ES_TRY(recenter(job, true, error));
    ES_TRY(end_step(limits, error));
    while (run->iterations < limits->iterations && !run->converged) {
        ES_TRY(es_kmeans_nearest_step(&job->nearest, false, limits->progress, error));
        run->moved = 0;
        for (int64_t p = 0; p < n; p++) run->moved += job->nearest.labels[p] != job->before[p];
        run->iterations++;
        run->converged = run->moved == 0;
        ES_TRY(recenter(job, false, error));
        ES_TRY(end_step(limits, error));
    }
    return ES_OK;
}

es_status es_kmeans_run_from(const es_kmeans_rows *rows, const es_kmeans_limits *limits,
                             es_kmeans_run *run, es_error *error)
{
    int64_t n = rows->count;
    run_job job = {.rows = rows, .limits = limits, .run = run};
    bool flat;
    int64_t room = es_kmeans_room(rows, run->k, &flat);
    run->history = es_alloc(limits->iterations + 1, sizeof *run->history);
    job.before = es_alloc(n, sizeof *job.before);
    es_status status = ES_OK;
    if (!run->history || !job.before)
        status = es_fail_memory(error, "a run", (size_t)n * sizeof *job.before);
    if (status == ES_OK) status = es_kmeans_centers_init(&job.centers, rows, run->k, flat, error);
    if (status == ES_OK) status = es_kmeans_centers_start(&job.centers, run->seeds, error);
    if (status == ES_OK)
        status =
            es_kmeans_nearest_init(&job.nearest, rows, &job.centers, room, limits->threads, error);
    if (status == ES_OK) status = iterate(&job, error);
    run->labels = job.nearest.labels;
    job.nearest.labels = NULL;
    es_kmeans_nearest_release(&job.nearest);
    es_kmeans_centers_release(&job.centers);
    free(job.before);
    free(job.cosines);
    return status;
}

es_status es_kmeans_run_once(const es_kmeans_rows *rows, const es_kmeans_limits *limits,
                             es_random *random, es_kmeans_run *run, es_error *error)
{
    *run = (es_kmeans_run){.seeds = es_alloc(limits->k, sizeof *run->seeds)};
    es_status status = ES_OK;
    if (!run->seeds) status = es_fail_memory(error, "seeds", (size_t)limits->k * 8);
    if (status == ES_OK)
        status = es_kmeans_seed(rows, limits->k, random, limits->threads, limits->progress,
                                run->seeds, &run->k, error);
    if (status == ES_OK) status = es_kmeans_run_from(rows, limits, run, error);
    if (status != ES_OK) es_kmeans_run_release(run);
    return status;
}
