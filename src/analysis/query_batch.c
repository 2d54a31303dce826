/* Many queries at once.
 *
 * Where the machine multiplies 8-bit integers fast, a block of queries meets every panel of rows in
 * the tiles that knn is made of: a panel is put together from its two planes once for the whole
 * block. Elsewhere, and for few queries, each is asked by itself. */
#include "analysis/query_index.h"
#include "analysis/vectors.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_QUERIES = 512, /* of a block: their bytes stay in the second-level cache */
    FEW_QUERIES = 32,   /* below, putting panels together costs more than it saves */
};

typedef struct batch {
    es_index *index;
    const double *vectors;
    int64_t query_count, block;
    int64_t wanted, k; /* as asked, and no more than there are rows */
    const int64_t *excluded;
    int64_t *ids;
    double *cosines;
} batch;

/* A block of queries, packed as left sides. Arrays are (places), places in whole strips. */
typedef struct query_block {
    int64_t first, count, places, padded;
    int8_t *left;
    uint8_t *panel;
    int32_t *start;
    float *scale, *offset, *length, *residual, *least;
    es_near_list *near;
    int64_t *excluded; /* place in the index, or -1 */
} query_block;

static void release_block(query_block *block)
{
    for (int64_t q = 0; block->near && q < block->count; q++) es_near_release(&block->near[q]);
    free(block->near);
    free(block->left);
    free(block->panel);
    free(block->start);
    free(block->scale);
    free(block->excluded);
}

static es_status init_block(const batch *batch, int64_t first, query_block *block, es_error *error)
{
    int64_t count = batch->query_count - first, padded = (batch->index->d + 3) / 4 * 4;
    if (count > batch->block) count = batch->block;
    int64_t places = (count + ES_STRIP - 1) / ES_STRIP * ES_STRIP;
    *block = (query_block){.first = first, .count = count, .places = places, .padded = padded};
    block->left = es_alloc(places, (size_t)padded);
    block->panel = es_alloc_aligned(ES_PANEL, (size_t)padded);
    block->start = es_alloc(places, sizeof *block->start);
    block->scale = es_alloc(5 * places, sizeof *block->scale);
    block->near = es_alloc(count, sizeof *block->near);
    block->excluded = es_alloc(count, sizeof *block->excluded);
    if (!block->left || !block->panel || !block->start || !block->scale || !block->near ||
        !block->excluded)
        return es_fail_memory(error, "queries", (size_t)(places * padded));
    block->offset = block->scale + places;
    block->length = block->offset + places;
    block->residual = block->length + places;
    block->least = block->residual + places;
    return ES_OK;
}

/* What a row must be able to reach for a query's sake, as es_kernel.byte_reach wants it. */
static float asked(const es_near_list *near)
{
    float least = near->least;
    return least - (float)ES_SCREEN_ALLOWANCE - fabsf(least) * 0x1p-23f;
}

static es_status prepare(const batch *batch, int64_t query, es_asker *asker, es_error *error)
{
    const es_index *index = batch->index;
    es_status status = es_index_prepare(index, batch->vectors + query * index->d, asker, error);
    if (status == ES_BAD_INPUT)
        return es_fail(error, status, "query %lld: the vector is zero or not finite",
                       (long long)query);
    return status;
}

static es_status pack_block(const batch *batch, es_asker *asker, query_block *block,
                            es_error *error)
{
    const es_nibble_query *made = &asker->query;
    for (int64_t q = 0; q < block->places; q++) {
        block->least[q] = INFINITY;
        if (q >= block->count) continue;
        int64_t query = block->first + q;
        ES_TRY(prepare(batch, query, asker, error));
        int8_t *to = block->left + q / ES_STRIP * ES_STRIP * block->padded + q % ES_STRIP * 4;
        for (int64_t k = 0; k < block->padded; k++)
            to[k / 4 * 4 * ES_STRIP + k % 4] = made->components[k];
        block->start[q] = -128 * made->sum;
        block->scale[q] = made->scale;
        block->offset[q] = made->offset;
        block->length[q] = made->length;
        block->residual[q] = made->residual;
        ES_TRY(es_near_begin(&block->near[q], batch->k, error));
        block->least[q] = asked(&block->near[q]);
        block->excluded[q] =
            batch->excluded ? es_index_place(batch->index, batch->excluded[query]) : -1;
    }
    return ES_OK;
}

/* Take the rows of the panel at `first` that a strip of queries let through. */
static es_status take(const es_nibbles *pack, query_block *block, int64_t strip, int64_t first,
                      const int32_t *sums, const es_reached *reached, es_error *error)
{
    for (int r = 0; r < ES_STRIP; r++) {
        int64_t q = strip + r;
        if (!reached->row[r]) continue;
        for (uint64_t left = reached->row[r]; left; left &= left - 1) {
            int c = __builtin_ctzll(left);
            int64_t place = first + c;
            if (place >= pack->rows || place == block->excluded[q]) continue;
            double value = (double)block->scale[q] * pack->scale[place] * sums[r * ES_PANEL + c] +
                           block->offset[q] + pack->offset[place];
            double slack =
                (double)block->length[q] * pack->fine[place] +
                (double)block->residual[q] * ((double)pack->length[place] + pack->fine[place]) +
                ES_SCREEN_ALLOWANCE;
            es_near near = {place, (float)(value - slack), (float)(value + slack)};
            ES_TRY(es_near_push(&block->near[q], near, error));
        }
        block->least[q] = asked(&block->near[q]);
    }
    return ES_OK;
}

static es_status screen_panel(const batch *batch, query_block *block, int64_t first,
                              const float *never, es_error *error)
{
    const es_nibbles *pack = &batch->index->pack;
    const es_kernel *kernel = batch->index->space->kernel;
    es_screen_side columns = {pack->scale + first, pack->offset + first, pack->length + first,
                              pack->fine + first, never};
    es_nibbles_expand(pack, first, block->panel);
    for (int64_t strip = 0; strip < block->places; strip += ES_STRIP) {
        _Alignas(64) int32_t sums[ES_TILE];
        es_screen_side rows = {block->scale + strip, block->offset + strip, block->length + strip,
                               block->residual + strip, block->least + strip};
        es_reached reached;
        kernel->byte_product(block->padded, block->left + strip * block->padded,
                             block->start + strip, block->panel, sums);
        kernel->byte_reach(sums, &rows, &columns, &reached);
        if (reached.any) ES_TRY(take(pack, block, strip, first, sums, &reached, error));
    }
    return ES_OK;
}

static es_status decide(const batch *batch, es_asker *asker, es_near_list *near, int64_t query,
                        es_error *error)
{
    int64_t d = batch->index->d, count;
    es_make_unit(batch->index->space->kernel, batch->vectors + query * d, d, asker->unit);
    return es_index_decide(batch->index, asker, near, batch->k, batch->ids + query * batch->wanted,
                           batch->cosines + query * batch->wanted, &count, error);
}

static es_status answer_block(void *context, int64_t piece, int worker, es_error *error)
{
    (void)worker;
    batch *batch = context;
    query_block block;
    es_asker *asker;
    float never[ES_PANEL];
    for (int c = 0; c < ES_PANEL; c++) never[c] = INFINITY;
    ES_TRY(es_asker_take(batch->index, &asker, error));
    es_status status = init_block(batch, piece * batch->block, &block, error);
    if (status == ES_OK) status = pack_block(batch, asker, &block, error);
    for (int64_t first = 0; first < batch->index->count && status == ES_OK; first += ES_PANEL)
        status = screen_panel(batch, &block, first, never, error);
    for (int64_t q = 0; q < block.count && status == ES_OK; q++)
        status = decide(batch, asker, &block.near[q], block.first + q, error);
    release_block(&block);
    es_asker_give_back(batch->index, asker);
    return status;
}

static es_status answer_one(void *context, int64_t query, int worker, es_error *error)
{
    (void)worker;
    batch *batch = context;
    es_asker *asker;
    ES_TRY(es_asker_take(batch->index, &asker, error));
    const int64_t *excluded = batch->excluded ? batch->excluded + query : NULL;
    int64_t count;
    es_status status = prepare(batch, query, asker, error);
    if (status == ES_OK)
        status = es_index_answer(batch->index, asker, batch->k, excluded, excluded != NULL,
                                 batch->ids + query * batch->wanted,
                                 batch->cosines + query * batch->wanted, &count, error);
    es_asker_give_back(batch->index, asker);
    return status;
}

/* How many queries a thread takes at a time: an even share, but no more than a block holds, nor
 * than a second's work. */
static int64_t choose_block(const es_index *index, int64_t query_count, int threads)
{
    int64_t most = ((int64_t)1 << 28) / index->count;
    most = most > MOST_QUERIES ? MOST_QUERIES : most < FEW_QUERIES ? FEW_QUERIES : most;
    int64_t rounds = (query_count + most * threads - 1) / (most * threads);
    int64_t pieces = rounds > 0 ? rounds * threads : 1;
    return ((query_count + pieces - 1) / pieces + ES_STRIP - 1) / ES_STRIP * ES_STRIP;
}

es_status es_index_query_many(es_index *index, const double *vectors, int64_t query_count,
                              int64_t k, const int64_t *excluded, const es_index_options *options,
                              int64_t *ids, double *cosines, es_error *error)
{
    static const es_index_options defaults;
    if (!options) options = &defaults;
    if (k < 1)
        return es_fail(error, ES_BAD_ARGUMENT, "k must be 1 or more, not %lld", (long long)k);
    for (int64_t i = 0; i < query_count * k; i++) {
        ids[i] = -1;
        cosines[i] = NAN;
    }
    int threads = options->threads ? es_thread_count(options->threads) : index->threads;
    batch batch = {.index = index,
                   .vectors = vectors,
                   .query_count = query_count,
                   .block = choose_block(index, query_count, threads),
                   .wanted = k,
                   .k = k < index->count ? k : index->count,
                   .excluded = excluded,
                   .ids = ids,
                   .cosines = cosines};
    es_scaled_progress scaled = {&options->progress, query_count};
    es_progress in_queries = {options->progress.report ? es_report_scaled : NULL, &scaled};
    bool tiles = index->space->kernel->bytes_are_fast && batch.block >= FEW_QUERIES;
    int64_t pieces = tiles ? (query_count + batch.block - 1) / batch.block : query_count;
    return es_parallel_for(threads, pieces, tiles ? answer_block : answer_one, &batch, &in_queries,
                           error);
}
