/* Many questions at once: packed in an index, the table is read once for a few hundred of them. */
#include "analysis/neighbors_query.h"
#include "analysis/vectors.h"
#include "base/memory.h"

#include <embscope/index.h>
#include <stdlib.h>
#include <string.h>

enum {
    MANY = 32,            /* queries for which packing the table pays */
    MOST_COLUMNS = 65536, /* of an index */
    MOST_KEPT = 1024, /* neighbours of a query, with its own words: a block's lists stay small */
    BLOCK = 4096,     /* queries at a time, whose vectors and answers are in memory */
    DEFAULT_K = 20
};

static int64_t neighbor_count(const es_space *space, const es_neighbors_options *options)
{
    int64_t k = options->k ? options->k : DEFAULT_K;
    return k < space->source.rows ? k : space->source.rows;
}

bool es_neighbors_are_many(const es_space *space, int64_t count,
                           const es_neighbors_options *options)
{
    return count >= MANY && options->metric == ES_METRIC_COSINE && !options->all &&
           !options->farthest && !options->keep_scores && options->k >= 0 &&
           neighbor_count(space, options) <= MOST_KEPT / 2 && space->source.columns <= MOST_COLUMNS;
}

/* Progress over all queries, told by a block. */
typedef struct block_progress {
    const es_progress *whole;
    int64_t done, total;
} block_progress;

static bool report_block(void *context, int64_t done, int64_t total)
{
    (void)total;
    const block_progress *block = context;
    return block->whole->report(block->whole->context, block->done + done, block->total);
}

typedef struct block {
    int64_t first, count;
    int64_t k; /* nearest rows asked of the index: those wanted, and the queries' own */
    double *vectors;
    int64_t *ids;
    double *cosines;
} block;

static void release_block(block *block)
{
    free(block->vectors);
    free(block->ids);
    free(block->cosines);
}

/* The vectors of a block's queries, their norms and labels. */
static es_status read_queries(es_space *space, const es_query *queries, block *block,
                              es_neighbors *answers, es_error *error)
{
    int64_t d = space->source.columns;
    double *unit = es_alloc(d, sizeof *unit);
    es_status status = unit ? ES_OK : es_fail_memory(error, "a query", (size_t)d * sizeof *unit);
    for (int64_t q = 0; q < block->count && status == ES_OK; q++) {
        es_neighbors *answer = &answers[block->first + q];
        double *vector = block->vectors + q * d;
        status = es_read_query(space, &queries[block->first + q], vector, answer, error);
        if (status != ES_OK) break;
        answer->query_norm = es_make_unit(space->kernel, vector, d, unit);
        if (!(answer->query_norm > 0)) status = es_fail_undefined_query(answer->query, error);
    }
    free(unit);
    return status;
}

static bool is_among(const int64_t *ids, int64_t count, int64_t id)
{
    for (int64_t i = 0; i < count; i++)
        if (ids[i] == id) return true;
    return false;
}

/* The first of the index's rows that are wanted: a prefix, so it is what a shorter question without
 * the query's own rows would have given. */
static es_status fill_answer(const es_space *space, const block *block, int64_t q,
                             const es_neighbors_options *options, es_neighbors *answer,
                             es_error *error)
{
    const int64_t *ids = block->ids + q * block->k, wanted = neighbor_count(space, options);
    const double *cosines = block->cosines + q * block->k;
    answer->metric = options->metric;
    answer->neighbors = es_alloc(wanted, sizeof *answer->neighbors);
    if (!answer->neighbors)
        return es_fail_memory(error, "neighbors", (size_t)wanted * sizeof *answer->neighbors);
    for (int64_t i = 0; i < block->k && ids[i] >= 0 && answer->count < wanted; i++) {
        if (options->has_minimum && !(cosines[i] >= options->minimum)) break;
        if (!options->include_input && is_among(answer->own_ids, answer->own_count, ids[i]))
            continue;
        answer->neighbors[answer->count++] = (es_neighbor){
            ids[i], es_vocabulary_token(space->vocabulary, ids[i]), cosines[i], cosines[i]};
    }
    return ES_OK;
}

static es_status ask_block(es_space *space, es_index *index, const es_query *queries, block *block,
                           const es_neighbors_options *options, const es_index_options *how,
                           es_neighbors *answers, es_error *error)
{
    int64_t d = space->source.columns, most = 0;
    block->vectors = es_alloc(block->count, (size_t)d * sizeof(double));
    if (!block->vectors)
        return es_fail_memory(error, "queries", (size_t)(block->count * d) * sizeof(double));
    ES_TRY(read_queries(space, queries, block, answers, error));
    for (int64_t q = block->first; q < block->first + block->count; q++)
        if (!options->include_input && answers[q].own_count > most) most = answers[q].own_count;
    block->k = neighbor_count(space, options) + most;
    block->ids = es_alloc(block->count, (size_t)block->k * sizeof(int64_t));
    block->cosines = es_alloc(block->count, (size_t)block->k * sizeof(double));
    if (!block->ids || !block->cosines)
        return es_fail_memory(error, "neighbors", (size_t)(block->count * block->k) * 16);
    ES_TRY(es_index_query_many(index, block->vectors, block->count, block->k, NULL, how, block->ids,
                               block->cosines, error));
    for (int64_t q = 0; q < block->count; q++)
        ES_TRY(fill_answer(space, block, q, options, &answers[block->first + q], error));
    return ES_OK;
}

es_status es_neighbors_of_many(es_space *space, const es_query *queries, int64_t count,
                               const es_neighbors_options *options, es_neighbors *answers,
                               es_error *error)
{
    es_index *index = NULL;
    es_index_options how = {.threads = options->threads, .progress = options->progress};
    ES_TRY(es_index_create(space, &how, &index, error));
    block_progress progress = {.whole = &options->progress, .total = count};
    if (options->progress.report) how.progress = (es_progress){report_block, &progress};
    es_status status = ES_OK;
    for (; progress.done < count && status == ES_OK; progress.done += BLOCK) {
        int64_t left = count - progress.done;
        block block = {.first = progress.done, .count = left < BLOCK ? left : BLOCK};
        status = ask_block(space, index, queries, &block, options, &how, answers, error);
        release_block(&block);
    }
    for (int64_t i = 0; i < count && status == ES_OK; i++)
        answers[i].left_out = space->source.rows - es_index_row_count(index);
    es_index_free(index);
    return status;
}
