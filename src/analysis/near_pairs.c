/* One pass over tiles: float32 screens with its proven bound, float64 decides. */
#include "analysis/pack.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <embscope/near_pairs.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT INT64_C(100000000)

/* What one thread has found. Which thread finds a pair is chance; the order at the end is not. */
typedef struct worker {
    es_row_pair *pairs;
    int64_t count, capacity;
    double *rows;  /* (2, d): the unit rows of a pair */
    int64_t first; /* place of the first of them, -1 none */
} worker;

typedef struct pass {
    es_space *space;
    const es_packed_space *pack;
    double minimum;
    int64_t limit;
    /* What a float32 cosine must reach for the float64 one to have a chance; no column asks. */
    float row_least[ES_STRIP], column_least[ES_PANEL];
    worker *workers;
    atomic_llong found;
} pass;

void es_near_pairs_release(es_near_pairs *pairs)
{
    free(pairs->pairs);
    *pairs = (es_near_pairs){0};
}

static es_status fail_limit(const pass *pass, es_error *error)
{
    return es_fail(error, ES_BAD_ARGUMENT,
                   "more than %lld pairs have a cosine of %g or more; ask for a larger one",
                   (long long)pass->limit, pass->minimum);
}

/* Keep the pair of places a < b if its float64 cosine reaches the minimum. */
static es_status settle(pass *pass, worker *worker, int64_t a, int64_t b, es_error *error)
{
    int64_t d = pass->pack->packed.depth;
    const int64_t *ids = pass->pack->ids;
    if (worker->first != a) {
        worker->first = -1;
        ES_TRY(es_space_read_unit_rows(pass->space, ids[a], 1, worker->rows, error));
        worker->first = a;
    }
    ES_TRY(es_space_read_unit_rows(pass->space, ids[b], 1, worker->rows + d, error));
    double cosine = pass->space->kernel->dot(worker->rows, worker->rows + d, d);
    if (!(cosine >= pass->minimum)) return ES_OK;
    if (atomic_fetch_add(&pass->found, 1) >= pass->limit) return fail_limit(pass, error);
    if (!es_grow((void **)&worker->pairs, &worker->capacity, worker->count + 1,
                 sizeof *worker->pairs))
        return es_fail_memory(error, "pairs", (size_t)worker->count * 2 * sizeof *worker->pairs);
    worker->pairs[worker->count++] = (es_row_pair){(int32_t)ids[a], (int32_t)ids[b], cosine};
    return ES_OK;
}

static es_status take_strip(void *context, int index, const es_strip *strip, es_error *error)
{
    pass *pass = context;
    es_reached reached;
    pass->space->kernel->reach(strip->cosines, pass->row_least, pass->column_least, &reached);
    if (!reached.any) return ES_OK;
    for (int r = 0; r < strip->row_count; r++)
        for (uint64_t left = reached.row[r]; left; left &= left - 1) {
            int c = __builtin_ctzll(left);
            int64_t a = strip->first_row + r, b = strip->first_column + c;
            if (c >= strip->column_count || a >= b) continue;
            ES_TRY(settle(pass, &pass->workers[index], a, b, error));
        }
    return ES_OK;
}

static int compare_pairs(const void *x, const void *y)
{
    const es_row_pair *p = x, *q = y;
    if (p->cosine != q->cosine) return p->cosine < q->cosine ? 1 : -1;
    if (p->a != q->a) return p->a < q->a ? -1 : 1;
    return (p->b > q->b) - (p->b < q->b);
}

/* All workers' pairs in one array, in order. */
static es_status join(pass *pass, int threads, es_near_pairs *answer, es_error *error)
{
    for (int i = 0; i < threads; i++) answer->count += pass->workers[i].count;
    if (!(answer->pairs = es_alloc(answer->count, sizeof *answer->pairs)))
        return es_fail_memory(error, "pairs", (size_t)answer->count * sizeof *answer->pairs);
    int64_t at = 0;
    for (int i = 0; i < threads; i++) {
        worker *worker = &pass->workers[i];
        if (worker->count)
            memcpy(answer->pairs + at, worker->pairs,
                   (size_t)worker->count * sizeof *answer->pairs);
        at += worker->count;
        free(worker->pairs);
        worker->pairs = NULL;
    }
    qsort(answer->pairs, (size_t)answer->count, sizeof *answer->pairs, compare_pairs);
    return ES_OK;
}

static es_status run(pass *pass, int threads, const es_progress *progress, es_near_pairs *answer,
                     es_error *error)
{
    const es_packed *packed = &pass->pack->packed;
    /* Rounded down, so that no pair is missed; the screen's cosine is off by the bound at most. */
    float least = nextafterf((float)(pass->minimum - es_product_bound(packed->depth)), -INFINITY);
    for (int r = 0; r < ES_STRIP; r++) pass->row_least[r] = least;
    for (int c = 0; c < ES_PANEL; c++) pass->column_least[c] = INFINITY;
    pass->workers = es_alloc(threads, sizeof *pass->workers);
    es_status status = pass->workers ? ES_OK : es_fail_memory(error, "workers", 0);
    for (int i = 0; i < threads && status == ES_OK; i++) {
        pass->workers[i].first = -1;
        if (!(pass->workers[i].rows = es_alloc(2, (size_t)packed->depth * sizeof(double))))
            status = es_fail_memory(error, "rows", (size_t)packed->depth * 16);
    }
    if (status == ES_OK)
        status =
            es_tiles_run(pass->space->kernel, packed, threads, take_strip, pass, progress, error);
    if (status == ES_OK) status = join(pass, threads, answer, error);
    for (int i = 0; pass->workers && i < threads; i++) {
        free(pass->workers[i].pairs);
        free(pass->workers[i].rows);
    }
    free(pass->workers);
    return status;
}

es_status es_near_pairs_compute(es_space *space, const es_near_pairs_options *options,
                                es_near_pairs *pairs, es_error *error)
{
    *pairs = (es_near_pairs){.minimum = options->minimum};
    if (!(options->minimum >= -1 && options->minimum <= 1))
        return es_fail(error, ES_BAD_ARGUMENT, "a cosine is from -1 to 1, not %g",
                       options->minimum);
    if (space->source.rows > INT32_MAX)
        return es_fail(error, ES_UNSUPPORTED, "%s: more than %d rows", space->source.path,
                       INT32_MAX);
    int threads = es_thread_count(options->threads ? options->threads : space->threads);
    es_packed_space pack;
    ES_TRY(es_space_load(space, error));
    ES_TRY(es_pack_space(space, threads, &pack, error));
    pairs->rows = pack.packed.rows;
    pairs->left_out = space->source.rows - pairs->rows;
    pass pass = {.space = space,
                 .pack = &pack,
                 .minimum = options->minimum,
                 .limit = options->limit ? options->limit : DEFAULT_LIMIT};
    es_status status = run(&pass, threads, &options->progress, pairs, error);
    es_packed_space_release(&pack);
    if (status != ES_OK) es_near_pairs_release(pairs);
    return status;
}
