/* Which rows take part in the screen of knn, and in which order. */
#include "analysis/knn_job.h"
#include "analysis/row_classes.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>

enum { SEED = 768 };

/* How many rows have the same stored bytes as an earlier one: what `duplicate_rows` counts. */
static es_status count_duplicates(const es_knn_job *job, const int64_t *defined, int64_t count,
                                  const int64_t *class_of, es_error *error)
{
    const es_space *space = job->space;
    size_t size = (size_t)space->source.columns * es_dtype_size(space->tensor->dtype);
    es_map seen = {0};
    es_status status = ES_OK;
    /* Equal bytes give equal unit rows: only rows of a class of several can be duplicates. */
    unsigned char *shared = es_alloc(count, 1);
    if (!shared) return es_fail_memory(error, "classes of rows", (size_t)count);
    for (int64_t i = 0; i < count; i++)
        if (class_of[i] != i) shared[i] = shared[class_of[i]] = 1;
    for (int64_t i = 0; i < count && status == ES_OK; i++) {
        if (!shared[i]) continue;
        es_bytes row = {(const char *)space->rows + (size_t)defined[i] * size, size};
        es_map_put put = es_map_insert(&seen, row, i, NULL);
        job->knn->duplicate_rows += put == ES_MAP_EXISTS;
        if (put == ES_MAP_NO_MEMORY) status = es_fail_memory(error, "duplicates", (size_t)count);
    }
    es_map_release(&seen);
    free(shared);
    return status;
}

/* Lay out the places: all defined rows but those with more than k of their class before them. */
static es_status choose_places(es_knn_job *job, const int64_t *defined, int64_t count,
                               es_error *error)
{
    int64_t n = job->space->source.rows, *class_of = NULL;
    job->ids = es_alloc(count, sizeof *job->ids);
    job->class_of = es_alloc(count, sizeof *job->class_of);
    job->place_of = es_alloc(n, sizeof *job->place_of);
    int64_t *members = es_alloc(count, sizeof *members); /* of a class, by its first row */
    es_status status = ES_OK;
    if (!job->ids || !job->class_of || !job->place_of || !members)
        status = es_fail_memory(error, "places", (size_t)n * 16);
    if (status == ES_OK)
        status = es_row_classes(job->space, defined, count, job->threads, &class_of, error);
    if (status == ES_OK) status = count_duplicates(job, defined, count, class_of, error);
    for (int64_t i = 0; status == ES_OK && i < n; i++) job->place_of[i] = -1;
    for (int64_t i = 0; status == ES_OK && i < count; i++) {
        int64_t leader = class_of[i]; /* <= i: its place is known */
        if (leader == i)
            job->place_of[defined[i]] = job->count;
        else
            job->place_of[defined[i]] = job->place_of[defined[leader]];
        if (members[leader]++ > job->k) continue;
        job->class_of[job->count] = (int32_t)job->place_of[defined[i]];
        job->ids[job->count++] = defined[i];
    }
    free(class_of);
    free(members);
    return status;
}

/* Put the places in an order drawn by lot, so that the rows that a row meets first are a fair
 * sample of those it will meet: es_lists_keep() stands on it. Names of tokens are not: neighbours
 * in a vocabulary were often made together. */
static es_status shuffle_places(es_knn_job *job, es_error *error)
{
    int64_t n = job->count, rows = job->space->source.rows;
    int64_t *ids = es_alloc(n, sizeof *ids);
    int32_t *from = es_alloc(n, sizeof *from), *to = es_alloc(n, sizeof *to);
    int32_t *class_of = es_alloc(n, sizeof *class_of);
    bool made = ids && from && to && class_of;
    es_random random = {SEED};
    for (int64_t p = 0; made && p < n; p++) from[p] = (int32_t)p;
    for (int64_t p = n - 1; made && p > 0; p--) {
        int64_t q = es_random_below(&random, p + 1);
        int32_t held = from[p];
        from[p] = from[q];
        from[q] = held;
    }
    for (int64_t p = 0; made && p < n; p++) to[from[p]] = (int32_t)p;
    for (int64_t p = 0; made && p < n; p++) {
        ids[p] = job->ids[from[p]];
        class_of[p] = to[job->class_of[from[p]]];
    }
    for (int64_t i = 0; made && i < rows; i++)
        if (job->place_of[i] >= 0) job->place_of[i] = to[job->place_of[i]];
    free(made ? job->ids : ids);
    free(made ? job->class_of : class_of);
    free(from);
    free(to);
    if (!made) return es_fail_memory(error, "places", (size_t)n * 20);
    job->ids = ids;
    job->class_of = class_of;
    return ES_OK;
}

es_status es_knn_choose_places(es_knn_job *job, const int64_t *defined, int64_t count,
                               es_error *error)
{
    ES_TRY(choose_places(job, defined, count, error));
    return shuffle_places(job, error);
}
