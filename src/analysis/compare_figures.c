/* What figures of two models show: one cosine against the other, and where tokens went. */
#include "analysis/compare_parts.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "kernel/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 1416 /* tokens: 1,001,820 pairs */ };

/* The sample's unit rows in both models. */
typedef struct drawing {
    es_pair_job *job;
    int64_t s, *items;
    double *rows[2];    /* (s, d) */
    double *cosines[2]; /* (s (s - 1) / 2) */
} drawing;

static es_status read_items(es_model_part *part, const int64_t *items, int64_t count, double *rows,
                            es_error *error)
{
    for (int64_t i = 0; i < count; i++)
        ES_TRY(es_space_read_unit_rows(part->space, items[i], 1, rows + i * part->d, error));
    return ES_OK;
}

static es_status multiply_row(void *context, int64_t i, int worker, es_error *error)
{
    (void)worker, (void)error;
    const drawing *work = context;
    es_model_part *parts[2] = {work->job->a, work->job->b};
    for (int m = 0; m < 2; m++) {
        const double *rows = work->rows[m];
        int64_t d = parts[m]->d;
        double *out = work->cosines[m] + i * (i - 1) / 2;
        for (int64_t j = 0; j < i; j++)
            out[j] = parts[m]->space->kernel->dot(rows + i * d, rows + j * d, d);
    }
    return ES_OK;
}

static int64_t bin_of(const es_pair_comparison *pair, int m, double cosine)
{
    double width = (pair->density_to[m] - pair->density_from[m]) / ES_COMPARE_DENSITY;
    int64_t bin = width > 0 ? (int64_t)((cosine - pair->density_from[m]) / width) : 0;
    return bin < 0 ? 0 : bin < ES_COMPARE_DENSITY ? bin : ES_COMPARE_DENSITY - 1;
}

static es_status fill_density(drawing *work, es_pair_comparison *pair, es_error *error)
{
    int64_t pairs = work->s * (work->s - 1) / 2;
    pair->density = es_alloc(ES_COMPARE_DENSITY, ES_COMPARE_DENSITY * sizeof *pair->density);
    for (int m = 0; m < 2; m++) work->cosines[m] = es_alloc(pairs, sizeof(double));
    if (!pair->density || !work->cosines[0] || !work->cosines[1])
        return es_fail_memory(error, "a density", (size_t)pairs * sizeof(double));
    ES_TRY(es_parallel_for(work->job->threads, work->s, multiply_row, work, NULL, error));
    for (int m = 0; m < 2; m++) {
        pair->density_from[m] = INFINITY;
        pair->density_to[m] = -INFINITY;
        for (int64_t i = 0; i < pairs; i++) {
            pair->density_from[m] = fmin(pair->density_from[m], work->cosines[m][i]);
            pair->density_to[m] = fmax(pair->density_to[m], work->cosines[m][i]);
        }
    }
    for (int64_t i = 0; i < pairs; i++)
        pair->density[bin_of(pair, 0, work->cosines[0][i]) * ES_COMPARE_DENSITY +
                      bin_of(pair, 1, work->cosines[1][i])]++;
    pair->density_pairs = pairs;
    return ES_OK;
}

/* ---- the map ----------------------------------------------------------------------------------
 */

/* The sample's mean in either model, the second one's turned onto the first, and the two leading
 * principal directions of the first. */
typedef struct plane {
    double *mean[2], *axes[2], *matrix, *values;
} plane;

static es_status find_plane(const drawing *work, plane *plane, double *share, es_error *error)
{
    int64_t d = work->job->a->d, s = work->s;
    plane->matrix = es_alloc(d, (size_t)(d + 3) * sizeof *plane->matrix);
    if (!plane->matrix) return es_fail_memory(error, "a covariance", (size_t)(d * d) * 8);
    plane->mean[0] = plane->matrix + d * d;
    plane->mean[1] = plane->mean[0] + d;
    plane->values = plane->mean[1] + d;
    for (int64_t i = 0; i < s; i++)
        for (int64_t k = 0; k < d; k++) plane->mean[0][k] += work->rows[0][i * d + k] / (double)s;
    double *centered = es_alloc(s, (size_t)d * sizeof *centered), trace = 0;
    if (!centered) return es_fail_memory(error, "rows", (size_t)(s * d) * sizeof *centered);
    for (int64_t i = 0; i < s; i++)
        for (int64_t k = 0; k < d; k++)
            centered[i * d + k] = work->rows[0][i * d + k] - plane->mean[0][k];
    es_gram_add(s, d, centered, plane->matrix);
    free(centered);
    for (int64_t i = 0; i < d; i++) {
        trace += plane->matrix[i * d + i];
        for (int64_t j = 0; j < i; j++) plane->matrix[i * d + j] = plane->matrix[j * d + i];
    }
    ES_TRY(es_eigen_symmetric(d, plane->matrix, plane->values, error));
    plane->axes[0] = plane->matrix;
    plane->axes[1] = plane->matrix + (d > 1 ? d : 0);
    *share = trace > 0 ? (plane->values[0] + (d > 1 ? plane->values[1] : 0)) / trace : NAN;
    return ES_OK;
}

/* Where a row lies in the plane, about its model's mean. */
static void place(const plane *plane, int64_t d, int m, const double *row, double out[2])
{
    for (int axis = 0; axis < 2; axis++) {
        out[axis] = 0;
        for (int64_t k = 0; k < d; k++)
            out[axis] += (row[k] - plane->mean[m][k]) * plane->axes[axis][k];
    }
    if (d < 2) out[1] = 0;
}

/* b's row turned onto a: v R'. */
static void turn_back(const es_pair_job *job, const double *v, double *out)
{
    for (int64_t i = 0; i < job->a->d; i++)
        out[i] = job->a->space->kernel->dot(job->turn + i * job->b->d, v, job->b->d);
}

static es_status fill_map(drawing *work, es_pair_comparison *pair, es_error *error)
{
    const es_pair_job *job = work->job;
    plane plane = {0};
    double *rows = es_alloc(2 * job->a->d + job->b->d, sizeof *rows);
    pair->map = es_alloc(pair->shown, 4 * sizeof *pair->map);
    pair->map_others = es_alloc(work->s, 2 * sizeof *pair->map_others);
    es_status status = ES_OK;
    if (!rows || !pair->map || !pair->map_others)
        status = es_fail_memory(error, "a map", (size_t)work->s * 16);
    if (status == ES_OK) status = find_plane(work, &plane, &pair->map_share, error);
    if (status == ES_OK) { /* turned, a mean is the mean of what was turned */
        double *mean = rows + job->a->d;
        for (int64_t i = 0; i < work->s; i++)
            for (int64_t k = 0; k < job->b->d; k++)
                mean[k] += work->rows[1][i * job->b->d + k] / (double)work->s;
        turn_back(job, mean, plane.mean[1]);
    }
    pair->map_count = status == ES_OK ? work->s : 0;
    for (int64_t i = 0; i < pair->map_count; i++)
        place(&plane, job->a->d, 0, work->rows[0] + i * job->a->d, pair->map_others + 2 * i);
    for (int64_t i = 0; i < pair->shown && status == ES_OK; i++) {
        int64_t item = pair->moved[i].item;
        double *v = rows + job->a->d, *turned = v + job->b->d;
        status = es_space_read_unit_rows(job->a->space, item, 1, rows, error);
        if (status == ES_OK) status = es_space_read_unit_rows(job->b->space, item, 1, v, error);
        if (status != ES_OK) break;
        turn_back(job, v, turned);
        place(&plane, job->a->d, 0, rows, pair->map + 4 * i);
        place(&plane, job->a->d, 1, turned, pair->map + 4 * i + 2);
    }
    free(plane.matrix);
    free(rows);
    return status;
}

es_status es_pair_figures(es_pair_job *job, es_pair_comparison *pair, es_error *error)
{
    drawing work = {.job = job};
    es_model_part *parts[2] = {job->a, job->b};
    es_status status =
        es_sample_items(job->a->n, SAMPLE, job->seed + 2, &work.items, &work.s, error);
    for (int m = 0; m < 2 && status == ES_OK; m++) {
        work.rows[m] = es_alloc(work.s, (size_t)parts[m]->d * sizeof(double));
        status = work.rows[m] ? read_items(parts[m], work.items, work.s, work.rows[m], error)
                              : es_fail_memory(error, "rows", (size_t)(work.s * parts[m]->d) * 8);
    }
    if (status == ES_OK) status = fill_density(&work, pair, error);
    if (status == ES_OK) status = fill_map(&work, pair, error);
    for (int m = 0; m < 2; m++) {
        free(work.rows[m]);
        free(work.cosines[m]);
    }
    free(work.items);
    return status;
}
