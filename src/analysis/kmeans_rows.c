#include "analysis/kmeans.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <stdlib.h>

enum { BLOCK_ROWS = 64 };

static es_status put_units(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    es_kmeans_rows *rows = context;
    int64_t d = rows->d, first = index * BLOCK_ROWS, end = first + BLOCK_ROWS;
    double *row = es_alloc(d, sizeof *row);
    if (!row) return es_fail_memory(error, "a row", (size_t)d * sizeof *row);
    es_status status = ES_OK;
    for (int64_t p = first; p < end && p < rows->count && status == ES_OK; p++) {
        status = es_space_read_unit_rows(rows->space, rows->ids[p], 1, row, error);
        for (int64_t k = 0; k < d && status == ES_OK; k++) rows->units[p * d + k] = (float)row[k];
    }
    free(row);
    return status;
}

/* Can rows be multiplied where they lie? They must be plain float32, and their products in range.
 */
static bool can_stay(const es_space *space, const int64_t *ids, int64_t count)
{
    if (!es_space_plain_rows(space)) return false;
    for (int64_t p = 0; p < count; p++)
        if (space->norms[ids[p]] < 1e-9 || space->norms[ids[p]] > 1e9) return false;
    return true;
}

es_status es_kmeans_rows_init(es_kmeans_rows *rows, es_space *space, const int64_t *ids,
                              int64_t count, int threads, es_error *error)
{
    int64_t d = space->source.columns;
    *rows = (es_kmeans_rows){
        .kernel = space->kernel, .count = count, .d = d, .space = space, .ids = ids};
    if (can_stay(space, ids, count)) {
        rows->in_place = true;
        rows->data = es_space_plain_rows(space);
        if (!(rows->scale = es_alloc(count, sizeof *rows->scale)))
            return es_fail_memory(error, "norms", (size_t)count * sizeof *rows->scale);
        for (int64_t p = 0; p < count; p++) rows->scale[p] = 1 / space->norms[ids[p]];
        return ES_OK;
    }
    rows->data = rows->units = es_alloc_aligned(count, (size_t)d * sizeof(float));
    if (!rows->units) return es_fail_memory(error, "unit rows", (size_t)(count * d) * 4);
    return es_parallel_for(threads, (count + BLOCK_ROWS - 1) / BLOCK_ROWS, put_units, rows, NULL,
                           error);
}

void es_kmeans_rows_release(es_kmeans_rows *rows)
{
    free(rows->units);
    free(rows->scale);
    *rows = (es_kmeans_rows){0};
}

es_status es_kmeans_rows_wide(const es_kmeans_rows *rows, int64_t place, double *out,
                              es_error *error)
{
    if (rows->centers) return es_kmeans_centers_wide(rows->centers, place, out, error);
    return es_space_read_unit_rows(rows->space, rows->ids[place], 1, out, error);
}

es_status es_kmeans_rows_pack(const es_kmeans_rows *rows, int64_t place, float *column,
                              double *scratch, es_error *error)
{
    int64_t d = rows->d;
    if (rows->centers) {
        ES_TRY(es_kmeans_rows_wide(rows, place, scratch, error));
        for (int64_t k = 0; k < d; k++) column[k * ES_PANEL] = (float)scratch[k];
        return ES_OK;
    }
    const float *row = es_kmeans_rows_at(rows, place);
    double scale = rows->scale ? rows->scale[place] : 1;
    for (int64_t k = 0; k < d; k++) column[k * ES_PANEL] = (float)(row[k] * scale);
    return ES_OK;
}
