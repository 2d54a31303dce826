/* What the screen of knn left, in the order of float64 cosines. */
#include "analysis/knn_job.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <stdlib.h>

enum { BLOCK_ROWS = 64 };

/* The unit row of a place: a kept one, or read into `scratch`. */
static es_status wide_row(const es_knn_job *job, int64_t place, double *scratch, const double **row,
                          es_error *error)
{
    *row = job->wide ? job->wide + place * job->d : scratch;
    if (job->wide) return ES_OK;
    return es_space_read_unit_rows(job->space, job->ids[place], 1, scratch, error);
}

typedef struct scored {
    double cosine;
    int64_t id, place;
    bool matters; /* to the last digit */
} scored;

static int compare_scored(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    if (x->cosine != y->cosine) return x->cosine < y->cosine ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

static es_status widen_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    es_knn_job *job = context;
    int64_t first = index * BLOCK_ROWS, end = first + BLOCK_ROWS;
    for (int64_t p = first; p < end && p < job->count; p++)
        ES_TRY(es_space_read_unit_rows(job->space, job->ids[p], 1, job->wide + p * job->d, error));
    return ES_OK;
}

/* A long list compares each row with many: unit rows are then made once and kept, if the promise of
 * bounded memory (twice the table in float32 and 256 MiB) leaves room for them beside the table and
 * the lists. */
static es_status prepare_wide(es_knn_job *job, es_error *error)
{
    enum { LONG_LIST = 32, ROOM = 192 << 20 };
    int64_t candidates = 0, cells = job->count * job->d, held = 0;
    for (int64_t p = 0; p < job->count; p++) {
        candidates += job->lists.lists[p].count;
        held += job->lists.lists[p].capacity * (int64_t)sizeof(es_candidate);
    }
    held += cells * (int64_t)(es_dtype_size(job->space->tensor->dtype) + sizeof *job->wide);
    bool fits = held <= 2 * cells * (int64_t)sizeof(float) + ROOM;
    if (job->plain || candidates < LONG_LIST * job->count || !fits) return ES_OK;
    job->wide = es_alloc_aligned(job->count, (size_t)job->d * sizeof *job->wide);
    if (!job->wide) return ES_OK; /* then row by row */
    return es_parallel_for(job->threads, (job->count + BLOCK_ROWS - 1) / BLOCK_ROWS, widen_block,
                           job, NULL, error);
}

/* The cosine of places a and b as a product of rows where they lie, within 1e-12 of the one that
 * decides: 2 (d / 16 + 5) 2^-53 for d <= 65,536. */
static double nearly(const es_knn_job *job, int64_t a, int64_t b)
{
    const float *rows = es_space_plain_rows(job->space);
    int64_t i = job->ids[a], j = job->ids[b];
    double dot = job->space->kernel->wide_dot(rows + i * job->d, rows + j * job->d, job->d);
    return dot / (job->space->norms[i] * job->space->norms[j]);
}

/* Rows lie all over memory: ask for one that will be read soon. */
static void call_for_row(const es_knn_job *job, int64_t place)
{
    enum { LINE = 16 }; /* components */
    const float *row = es_space_plain_rows(job->space) + job->ids[place] * job->d;
    for (int64_t k = 0; k < job->d; k += LINE) __builtin_prefetch(row + k);
}

/* Do the last digits of item i matter: for its place among its neighbours, or for its rounding? */
static bool needs_all_digits(const scored *best, int32_t count, int32_t i, bool rounded)
{
    const double off = ES_RANK_ERROR;
    double cosine = best[i].cosine;
    return (i && best[i - 1].cosine - cosine < off) ||
           (i + 1 < count && cosine - best[i + 1].cosine < off) ||
           (rounded && (float)(cosine - off) != (float)(cosine + off));
}

/* Memory that ranking needs, kept from row to row. */
typedef struct ranking {
    double *rows; /* (2, d) */
    scored *items;
    int64_t room;
} ranking;

static es_status make_ranking(const es_knn_job *job, ranking *ranking, es_error *error)
{
    *ranking = (struct ranking){.rows = es_alloc(2, (size_t)job->d * sizeof *ranking->rows)};
    return ranking->rows ? ES_OK : es_fail_memory(error, "rows", (size_t)job->d * 16);
}

static void release_ranking(ranking *ranking)
{
    free(ranking->rows);
    free(ranking->items);
}

static es_status score_exactly(const es_knn_job *job, int64_t p, ranking *ranking,
                               bool where_it_matters, int32_t count, es_error *error)
{
    const double *u = NULL, *v;
    for (int32_t i = 0; i < count; i++) {
        scored *item = &ranking->items[i];
        if (where_it_matters && !item->matters) continue;
        if (!u) ES_TRY(wide_row(job, p, ranking->rows, &u, error));
        ES_TRY(wide_row(job, item->place, ranking->rows + job->d, &v, error));
        item->cosine = job->space->kernel->dot(u, v, job->d);
    }
    return ES_OK;
}

/* ranking->items = the items in the order of the answer, by cosines that are exact where their
 * order or (`rounded`) their rounding to float32 asks for it, and within 1e-12 elsewhere. */
static es_status rank(const es_knn_job *job, int64_t p, const es_candidate *items, int32_t count,
                      bool rounded, ranking *ranking, es_error *error)
{
    if (!es_grow((void **)&ranking->items, &ranking->room, count, sizeof *ranking->items))
        return es_fail_memory(error, "neighbours", (size_t)count * sizeof *ranking->items);
    scored *best = ranking->items;
    bool nearly_first = job->plain;
    for (int32_t i = 0; i < count; i++) {
        int64_t place = items[i].place;
        if (nearly_first && i + 1 < count) call_for_row(job, items[i + 1].place);
        best[i] = (scored){nearly_first ? nearly(job, p, place) : 0, job->ids[place], place, false};
    }
    if (nearly_first) {
        qsort(best, (size_t)count, sizeof *best, compare_scored);
        for (int32_t i = 0; i < count; i++)
            best[i].matters = needs_all_digits(best, count, i, rounded);
    }
    ES_TRY(score_exactly(job, p, ranking, nearly_first, count, error));
    qsort(best, (size_t)count, sizeof *best, compare_scored);
    return ES_OK;
}

es_status es_knn_rank(void *context, int64_t p, int64_t keep, es_candidate *items, int32_t count,
                      double *last, es_error *error)
{
    const es_knn_job *job = context;
    ranking ranking;
    ES_TRY(make_ranking(job, &ranking, error));
    es_status status = rank(job, p, items, count, false, &ranking, error);
    for (int32_t i = 0; i < keep && status == ES_OK; i++)
        items[i] = (es_candidate){(int32_t)ranking.items[i].place, (float)ranking.items[i].cosine};
    if (status == ES_OK) *last = ranking.items[keep - 1].cosine + ES_RANK_ERROR;
    release_ranking(&ranking);
    return status;
}

/* Turn a class's list into its best k + 1, float64 cosines, ids: written back into the list. */
static es_status decide(const es_knn_job *job, int64_t p, ranking *ranking, es_error *error)
{
    es_candidate_lists *lists = (es_candidate_lists *)&job->lists;
    es_candidate_list *list = &lists->lists[p];
    bool whole; /* by now it is */
    ES_TRY(es_lists_finish(lists, p, &whole, error));
    ES_TRY(rank(job, p, list->items, list->count, true, ranking, error));
    if (list->count > job->k + 1) list->count = (int32_t)(job->k + 1);
    for (int32_t i = 0; i < list->count; i++)
        list->items[i] =
            (es_candidate){(int32_t)ranking->items[i].id, (float)ranking->items[i].cosine};
    return ES_OK;
}

/* Rows in an order in which neighbours follow each other, breadth first: their lists hold many of
 * the same rows, which then are in the cache. */
static es_status order_by_lists(es_knn_job *job, es_error *error)
{
    int32_t *order = job->order = es_alloc(job->count, sizeof *order);
    bool *seen = es_alloc(job->count, sizeof *seen);
    if (!order || !seen) {
        free(seen);
        return es_fail_memory(error, "an order", (size_t)job->count * sizeof *order);
    }
    int64_t ordered = 0, read = 0;
    for (int64_t p = 0; p < job->count; p++) {
        if (!seen[p]) order[ordered++] = (int32_t)p;
        seen[p] = true;
        for (; read < ordered; read++) {
            const es_candidate_list *list = &job->lists.lists[order[read]];
            for (int32_t i = 0; i < list->count; i++) {
                int32_t place = list->items[i].place;
                if (!seen[place]) order[ordered++] = place;
                seen[place] = true;
            }
        }
    }
    free(seen);
    return ES_OK;
}

static es_status decide_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const es_knn_job *job = context;
    int64_t first = index * BLOCK_ROWS, end = first + BLOCK_ROWS;
    ranking ranking;
    ES_TRY(make_ranking(job, &ranking, error));
    es_status status = ES_OK;
    for (int64_t i = first; i < end && i < job->count && status == ES_OK; i++)
        if (job->class_of[job->order[i]] == job->order[i])
            status = decide(job, job->order[i], &ranking, error);
    release_ranking(&ranking);
    return status;
}

es_status es_knn_decide(es_knn_job *job, es_error *error)
{
    ES_TRY(prepare_wide(job, error));
    ES_TRY(order_by_lists(job, error));
    return es_parallel_for(job->threads, (job->count + BLOCK_ROWS - 1) / BLOCK_ROWS, decide_block,
                           job, NULL, error);
}
