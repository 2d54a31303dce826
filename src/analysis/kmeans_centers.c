#include "analysis/kmeans.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

es_status es_kmeans_centers_init(es_kmeans_centers *centers, const es_kmeans_rows *rows, int64_t k,
                                 bool flat, es_error *error)
{
    int64_t cells, d = rows->d;
    *centers = (es_kmeans_centers){.rows = rows, .k = k, .d = d};
    bool fits = es_multiply_counts(k, d, &cells);
    if (!fits || !(centers->sums = es_alloc_aligned(cells, sizeof *centers->sums)) ||
        !(centers->inverse = es_alloc(k, sizeof *centers->inverse)) ||
        !(centers->stand_in = es_alloc(k, sizeof *centers->stand_in)) ||
        !(centers->sizes = es_alloc(k, sizeof *centers->sizes)) ||
        !(centers->moved_by = es_alloc(k, sizeof *centers->moved_by)) ||
        (flat && !(centers->flat = es_alloc_aligned(cells, sizeof *centers->flat))))
        return es_fail(error, ES_NO_MEMORY, "out of memory (%lld centres of %lld components)",
                       (long long)k, (long long)d);
    return ES_OK;
}

void es_kmeans_centers_release(es_kmeans_centers *centers)
{
    free(centers->sums);
    free(centers->inverse);
    free(centers->stand_in);
    free(centers->sizes);
    free(centers->flat);
    free(centers->moved_by);
    *centers = (es_kmeans_centers){0};
}

es_status es_kmeans_centers_wide(const es_kmeans_centers *centers, int64_t c, double *out,
                                 es_error *error)
{
    if (centers->stand_in[c] >= 0)
        return es_kmeans_rows_wide(centers->rows, centers->stand_in[c], out, error);
    const double *sum = centers->sums + c * centers->d;
    for (int64_t k = 0; k < centers->d; k++) out[k] = sum[k] * centers->inverse[c];
    return ES_OK;
}

es_status es_kmeans_centers_cosine(const es_kmeans_centers *centers, const double *u, int64_t c,
                                   double *scratch, double *cosine, es_error *error)
{
    const double *sum = centers->sums + c * centers->d;
    if (centers->stand_in[c] >= 0) {
        ES_TRY(es_kmeans_rows_wide(centers->rows, centers->stand_in[c], scratch, error));
        *cosine = centers->rows->kernel->dot(u, scratch, centers->d);
        return ES_OK;
    }
    *cosine = centers->rows->kernel->dot(u, sum, centers->d) * centers->inverse[c];
    return ES_OK;
}

es_status es_kmeans_centers_start(es_kmeans_centers *centers, const int64_t *places,
                                  es_error *error)
{
    for (int64_t c = 0; c < centers->k; c++) {
        double *sum = centers->sums + c * centers->d;
        ES_TRY(es_kmeans_rows_wide(centers->rows, places[c], sum, error));
        centers->inverse[c] = 1;
        centers->stand_in[c] = -1;
        centers->sizes[c] = 1;
        for (int64_t k = 0; k < centers->d && centers->flat; k++)
            centers->flat[c * centers->d + k] = (float)sum[k];
    }
    return ES_OK;
}

/* ---- update -----------------------------------------------------------------------------------
 */

typedef struct update {
    es_kmeans_centers *centers;
    bool fresh;
    int64_t *starts;  /* (k + 1) */
    int64_t *changes; /* by cluster, places ascending: place * 2, + 1 where the row goes out */
} update;

/* The direction of a sum of `size` unit rows; one that is zero but for rounding has none, and the
 * cluster's first row stands in. */
static void find_direction(es_kmeans_centers *centers, int64_t c, int64_t some_row)
{
    const double *sum = centers->sums + c * centers->d;
    double norm = sqrt(centers->rows->kernel->dot(sum, sum, centers->d));
    bool none = norm <= 1e-10 * (double)centers->sizes[c];
    centers->inverse[c] = none ? 0 : 1 / norm;
    if (!none)
        centers->stand_in[c] = -1;
    else if (centers->stand_in[c] < 0)
        centers->stand_in[c] = some_row;
}

static es_status apply_changes(const update *update, int64_t c, double *row, es_error *error)
{
    es_kmeans_centers *centers = update->centers;
    int64_t d = centers->d;
    double *sum = centers->sums + c * d;
    if (update->fresh) memset(sum, 0, (size_t)d * sizeof *sum);
    for (int64_t i = update->starts[c]; i < update->starts[c + 1]; i++) {
        ES_TRY(es_kmeans_rows_wide(centers->rows, update->changes[i] / 2, row, error));
        if (update->changes[i] % 2)
            for (int64_t k = 0; k < d; k++) sum[k] -= row[k];
        else
            for (int64_t k = 0; k < d; k++) sum[k] += row[k];
    }
    return ES_OK;
}

/* One centre: no two threads write the same sum, and its rows come in their order. */
static es_status update_center(void *context, int64_t c, int worker, es_error *error)
{
    (void)worker;
    const update *update = context;
    es_kmeans_centers *centers = update->centers;
    int64_t d = centers->d, count = update->starts[c + 1] - update->starts[c];
    centers->moved_by[c] = 0;
    if (!count) return ES_OK;
    double *old = es_alloc(2, (size_t)d * sizeof *old), *row = old + d;
    if (!old) return es_fail_memory(error, "a centre", (size_t)d * sizeof *old);
    es_status status = es_kmeans_centers_wide(centers, c, old, error);
    if (status == ES_OK) status = apply_changes(update, c, row, error);
    find_direction(centers, c, update->changes[update->starts[c]] / 2);
    if (status == ES_OK) status = es_kmeans_centers_wide(centers, c, row, error);
    for (int64_t k = 0; k < d && status == ES_OK; k++) {
        if (centers->flat) centers->flat[c * d + k] = (float)row[k];
        row[k] -= old[k];
    }
    /* For |u . new - u . old|, and what float32 sums of such steps lose. */
    if (status == ES_OK)
        centers->moved_by[c] = sqrt(centers->rows->kernel->dot(row, row, d)) + 1e-6;
    free(old);
    return status;
}

/* Sort what changed by cluster: count, then place. */
static void list_changes(update *update, const int32_t *before, const int32_t *labels)
{
    int64_t n = update->centers->rows->count, k = update->centers->k, *starts = update->starts;
    memset(starts, 0, (size_t)(k + 1) * sizeof *starts);
    for (int64_t p = 0; p < n; p++) {
        int32_t from = update->fresh ? -1 : before[p], to = labels[p];
        if (from == to) continue;
        starts[to + 1]++;
        if (from >= 0) starts[from + 1]++;
    }
    for (int64_t c = 0; c < k; c++) starts[c + 1] += starts[c];
    for (int64_t p = 0; p < n; p++) {
        int32_t from = update->fresh ? -1 : before[p], to = labels[p];
        if (from == to) continue;
        update->changes[starts[to]++] = 2 * p;
        if (from >= 0) update->changes[starts[from]++] = 2 * p + 1;
    }
    memmove(starts + 1, starts, (size_t)k * sizeof *starts);
    starts[0] = 0;
}

es_status es_kmeans_centers_update(es_kmeans_centers *centers, const int32_t *before,
                                   const int32_t *labels, bool fresh, int threads, es_error *error)
{
    int64_t rows = centers->rows->count;
    update update = {.centers = centers, .fresh = fresh};
    update.starts = es_alloc(centers->k + 1, sizeof *update.starts);
    update.changes = es_alloc(2 * rows, sizeof *update.changes);
    es_status status = ES_OK;
    if (!update.starts || !update.changes)
        status = es_fail_memory(error, "moved rows", (size_t)rows * 16);
    if (status == ES_OK) {
        memset(centers->sizes, 0, (size_t)centers->k * sizeof *centers->sizes);
        for (int64_t p = 0; p < rows; p++) centers->sizes[labels[p]]++;
        list_changes(&update, before, labels);
        status = es_parallel_for(threads, centers->k, update_center, &update, NULL, error);
    }
    free(update.starts);
    free(update.changes);
    return status;
}

double es_kmeans_centers_objective(const es_kmeans_centers *centers)
{
    double sum = 0;
    for (int64_t c = 0; c < centers->k; c++)
        if (centers->sizes[c] && centers->inverse[c] > 0) sum += 1 / centers->inverse[c];
    return sum / (double)centers->rows->count;
}

es_status es_kmeans_centers_narrow(es_kmeans_centers *centers, float **flat, es_error *error)
{
    int64_t d = centers->d;
    double *row = es_alloc(d, sizeof *row);
    es_status status = row ? ES_OK : es_fail_memory(error, "a centre", (size_t)d * sizeof *row);
    /* Component i is read from byte 8 i on and written from byte 4 i on: nothing unread is lost. */
    float *to = (float *)(void *)centers->sums;
    for (int64_t c = 0; c < centers->k && status == ES_OK; c++) {
        status = es_kmeans_centers_wide(centers, c, row, error);
        for (int64_t k = 0; k < d && status == ES_OK; k++) to[c * d + k] = (float)row[k];
    }
    free(row);
    if (status != ES_OK) return status;
    centers->sums = NULL;
    *flat = realloc(to, (size_t)(centers->k * d) * sizeof *to);
    if (!*flat) *flat = to; /* not made smaller: as good */
    return ES_OK;
}
