#include "analysis/pack.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <stdlib.h>
#include <string.h>

typedef struct pack_job {
    es_space *space;
    es_packed_space *pack;
} pack_job;

/* Quick, not strong: who needs to know that rows are equal looks at them. */
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

static es_status pack_panel(void *context, int64_t panel, int worker, es_error *error)
{
    (void)worker;
    const pack_job *job = context;
    es_packed_space *pack = job->pack;
    int64_t d = pack->packed.depth, first = panel * ES_PANEL;
    int64_t end = first + ES_PANEL < pack->packed.rows ? first + ES_PANEL : pack->packed.rows;
    double *row = es_alloc(d, sizeof *row);
    if (!row) return es_fail_memory(error, "a row", (size_t)d * sizeof *row);
    es_status status = ES_OK;
    for (int64_t i = first; i < end && status == ES_OK; i++) {
        status = es_space_read_unit_rows(job->space, pack->ids[i], 1, row, error);
        if (status != ES_OK) break;
        es_packed_put(&pack->packed, i, row);
        pack->fingerprints[i] = fingerprint(row, d);
    }
    free(row);
    return status;
}

es_status es_pack_space(es_space *space, int threads, es_packed_space *pack, es_error *error)
{
    *pack = (es_packed_space){0};
    int64_t count;
    ES_TRY(es_space_defined_rows(space, &pack->ids, &count, error));
    es_status status = es_packed_init(&pack->packed, count, space->source.columns, error);
    pack_job job = {space, pack};
    if (status == ES_OK && !(pack->fingerprints = es_alloc(count, sizeof *pack->fingerprints)))
        status = es_fail_memory(error, "fingerprints", (size_t)count * 8);
    if (status == ES_OK)
        status = es_parallel_for(threads, (count + ES_PANEL - 1) / ES_PANEL, pack_panel, &job, NULL,
                                 error);
    if (status != ES_OK) es_packed_space_release(pack);
    return status;
}

typedef struct marked_place {
    uint64_t fingerprint;
    int64_t place;
} marked_place;

static int compare_marks(const void *a, const void *b)
{
    const marked_place *x = a, *y = b;
    if (x->fingerprint != y->fingerprint) return x->fingerprint < y->fingerprint ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* Places of one fingerprint, ascending: join those whose rows are equal to the first one's. Rows
 * that only collide keep a class of their own, which is always right. */
static es_status join_equal(es_space *space, const es_packed_space *pack, const marked_place *marks,
                            int64_t count, double *rows, int64_t *class_of, es_error *error)
{
    int64_t d = pack->packed.depth;
    size_t size = (size_t)d * sizeof *rows;
    if (count < 2) return ES_OK;
    ES_TRY(es_space_read_unit_rows(space, pack->ids[marks[0].place], 1, rows, error));
    for (int64_t i = 1; i < count; i++) {
        ES_TRY(es_space_read_unit_rows(space, pack->ids[marks[i].place], 1, rows + d, error));
        if (memcmp(rows, rows + d, size) == 0) class_of[marks[i].place] = marks[0].place;
    }
    return ES_OK;
}

es_status es_packed_classes(es_space *space, const es_packed_space *pack, int64_t **class_of,
                            es_error *error)
{
    int64_t n = pack->packed.rows, d = pack->packed.depth;
    marked_place *marks = es_alloc(n, sizeof *marks);
    double *rows = es_alloc(2, (size_t)d * sizeof *rows);
    es_status status = ES_OK;
    *class_of = es_alloc(n, sizeof **class_of);
    if (!marks || !rows || !*class_of) status = es_fail_memory(error, "classes", (size_t)n * 24);
    for (int64_t p = 0; status == ES_OK && p < n; p++) {
        marks[p] = (marked_place){pack->fingerprints[p], p};
        (*class_of)[p] = p;
    }
    if (status == ES_OK) qsort(marks, (size_t)n, sizeof *marks, compare_marks);
    for (int64_t first = 0, end; status == ES_OK && first < n; first = end) {
        for (end = first + 1; end < n && marks[end].fingerprint == marks[first].fingerprint;) end++;
        status = join_equal(space, pack, marks + first, end - first, rows, *class_of, error);
    }
    free(marks);
    free(rows);
    if (status != ES_OK) {
        free(*class_of);
        *class_of = NULL;
    }
    return status;
}

void es_packed_space_release(es_packed_space *pack)
{
    es_packed_release(&pack->packed);
    free(pack->ids);
    free(pack->fingerprints);
    *pack = (es_packed_space){0};
}
