#include "analysis/row_classes.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 64 };

typedef struct marked_place {
    uint64_t fingerprint; /* equal for equal unit rows */
    int64_t place;
} marked_place;

typedef struct mark_job {
    es_space *space;
    const int64_t *ids;
    int64_t count;
    marked_place *marks;
} mark_job;

/* Quick, not strong: rows of one fingerprint are compared before anything is said of them. */
static uint64_t fingerprint(const double *row, int64_t count)
{
    uint64_t hash = 0x9E3779B97F4A7C15u;
    for (int64_t k = 0; k < count; k++) {
        uint64_t bits;
        memcpy(&bits, &row[k], sizeof bits);
        hash = (hash ^ bits ^ hash >> 29) * 0xBF58476D1CE4E5B9u;
    }
    return hash;
}

static es_status mark_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const mark_job *job = context;
    int64_t d = job->space->source.columns, first = index * BLOCK_ROWS, end = first + BLOCK_ROWS;
    double *row = es_alloc(d, sizeof *row);
    if (!row) return es_fail_memory(error, "a row", (size_t)d * sizeof *row);
    es_status status = ES_OK;
    for (int64_t p = first; p < end && p < job->count && status == ES_OK; p++) {
        status = es_space_read_unit_rows(job->space, job->ids[p], 1, row, error);
        job->marks[p] = (marked_place){fingerprint(row, d), p};
    }
    free(row);
    return status;
}

static int compare_marks(const void *a, const void *b)
{
    const marked_place *x = a, *y = b;
    if (x->fingerprint != y->fingerprint) return x->fingerprint < y->fingerprint ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* Places of one fingerprint, ascending: join those whose rows are equal to the first one's. Rows
 * that only collide keep a class of their own, which is always right. */
static es_status join_equal(const mark_job *job, int64_t first, int64_t end, double *rows,
                            int64_t *class_of, es_error *error)
{
    int64_t d = job->space->source.columns, leader = job->marks[first].place;
    if (end - first < 2) return ES_OK;
    ES_TRY(es_space_read_unit_rows(job->space, job->ids[leader], 1, rows, error));
    for (int64_t i = first + 1; i < end; i++) {
        int64_t place = job->marks[i].place;
        ES_TRY(es_space_read_unit_rows(job->space, job->ids[place], 1, rows + d, error));
        if (memcmp(rows, rows + d, (size_t)d * sizeof *rows) == 0) class_of[place] = leader;
    }
    return ES_OK;
}

es_status es_row_classes(es_space *space, const int64_t *ids, int64_t count, int threads,
                         int64_t **class_of, es_error *error)
{
    mark_job job = {space, ids, count, es_alloc(count, sizeof *job.marks)};
    double *rows = es_alloc(2, (size_t)space->source.columns * sizeof *rows);
    es_status status = ES_OK;
    *class_of = es_alloc(count, sizeof **class_of);
    if (!job.marks || !rows || !*class_of)
        status = es_fail_memory(error, "classes of rows", (size_t)count * 24);
    if (status == ES_OK)
        status = es_parallel_for(threads, (count + BLOCK_ROWS - 1) / BLOCK_ROWS, mark_block, &job,
                                 NULL, error);
    if (status == ES_OK) qsort(job.marks, (size_t)count, sizeof *job.marks, compare_marks);
    for (int64_t p = 0; status == ES_OK && p < count; p++) (*class_of)[p] = p;
    for (int64_t first = 0, end; status == ES_OK && first < count; first = end) {
        end = first + 1;
        while (end < count && job.marks[end].fingerprint == job.marks[first].fingerprint) end++;
        status = join_equal(&job, first, end, rows, *class_of, error);
    }
    free(job.marks);
    free(rows);
    if (status != ES_OK) {
        free(*class_of);
        *class_of = NULL;
    }
    return status;
}
