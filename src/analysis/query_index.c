/* The index: a coarse look at every row, a finer one at those that pass, float64 for the last few.
 *
 * The coarse look reads four bits a component and gives each row the most that its cosine can be.
 * The k best of these are looked at in eight bits, which says what the k-th best cosine is at
 * least; rows that cannot reach that are done with. Which bound let a row pass never shows in the
 * answer. */
#include "analysis/query_index.h"
#include "analysis/vectors.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROTATION_SEED = 768,
    BLOCK_ROWS = 64,
    SAMPLE = 4096,    /* rows whose mean is the centre */
    GROUPS_FOR_K = 8, /* groups for each of the k that make their largest stand for all rows */
    AHEAD = 12,       /* rows asked of memory before they are needed */
    LINE = 64,
};

/* As for es_neighbors: a product of rows as stored, over their norms, is nearer than this. */
static const double screen_margin = 1e-9;

/* ---- askers ------------------------------------------------------------------------------------
 */

static void free_asker(es_asker *asker)
{
    if (!asker) return;
    free(asker->unit);
    free(asker->query.components);
    free(asker->upper);
    free(asker->found);
    free(asker->scored);
    es_near_release(&asker->near);
    free(asker);
}

es_status es_asker_take(es_index *index, es_asker **asker, es_error *error)
{
    pthread_mutex_lock(&index->lock);
    *asker = index->idle;
    if (*asker) index->idle = (*asker)->next;
    pthread_mutex_unlock(&index->lock);
    if (*asker) return ES_OK;
    int64_t d = index->d, places = index->pack.places;
    es_asker *made = es_alloc(1, sizeof *made);
    if (made) {
        made->unit = es_alloc(3 * d, sizeof *made->unit);
        made->query.components = es_alloc_aligned(2 * index->pack.stride, 1);
        made->upper = es_alloc_aligned(2 * places + places / ES_GROUP, sizeof *made->upper);
        made->found = es_alloc_aligned(places, sizeof *made->found);
    }
    if (!made || !made->unit || !made->query.components || !made->upper || !made->found) {
        free_asker(made);
        return es_fail_memory(error, "a query", (size_t)places * 12);
    }
    made->row = made->unit + d;
    made->scratch = made->row + d;
    made->ranked = made->upper + places;
    made->largest = made->ranked + places;
    *asker = made;
    return ES_OK;
}

void es_asker_give_back(es_index *index, es_asker *asker)
{
    pthread_mutex_lock(&index->lock);
    asker->next = index->idle;
    index->idle = asker;
    pthread_mutex_unlock(&index->lock);
}

/* ---- packing -----------------------------------------------------------------------------------
 */

bool es_report_scaled(void *context, int64_t done, int64_t total)
{
    const es_scaled_progress *scaled = context;
    double share = total > 0 ? (double)done / (double)total : 1;
    return scaled->progress->report(scaled->progress->context,
                                    (int64_t)((double)scaled->total * share), scaled->total);
}

/* x = unit - mean, rotated in place; returns its offset. `scratch` is (d). */
static double centre(const es_index *index, double *unit, double *scratch)
{
    for (int64_t k = 0; k < index->d; k++) unit[k] -= index->mean[k];
    double offset = index->space->kernel->dot(index->mean, unit, index->d) + index->mean_square / 2;
    es_rotation_apply(index->space->kernel, &index->rotation, unit, scratch);
    return offset;
}

static es_status pack_block(void *context, int64_t block, int worker, es_error *error)
{
    (void)worker;
    es_index *index = context;
    int64_t first = block * BLOCK_ROWS, end = first + BLOCK_ROWS, d = index->d;
    double *row = es_alloc(2, (size_t)d * sizeof *row);
    int8_t *bytes = es_alloc(2 * index->pack.stride, 1);
    es_status status = ES_OK;
    if (!row || !bytes) status = es_fail_memory(error, "a row", (size_t)d * 2 * sizeof *row);
    for (int64_t p = first; p < end && p < index->count && status == ES_OK; p++) {
        status = es_space_read_unit_rows(index->space, index->ids[p], 1, row, error);
        if (status != ES_OK) break;
        double offset = centre(index, row, row + d);
        es_nibbles_put(&index->pack, p, row, offset, bytes);
    }
    free(row);
    free(bytes);
    return status;
}

static es_status build(es_index *index, const es_progress *progress, es_error *error)
{
    es_space *space = index->space;
    const char *path = space->source.path;
    if (space->source.columns > ES_BYTE_DEPTH)
        return es_fail(error, ES_UNSUPPORTED, "%s: an index of more than %d columns", path,
                       ES_BYTE_DEPTH);
    if (space->source.rows >= INT32_MAX)
        return es_fail(error, ES_UNSUPPORTED, "%s: an index of more than %d rows", path,
                       INT32_MAX - 1);
    ES_TRY(es_space_load(space, error));
    ES_TRY(es_space_defined_rows(space, &index->ids, &index->count, error));
    if (index->count == 0)
        return es_fail(error, ES_BAD_INPUT, "%s: no row is finite and not zero", path);
    if (!(index->mean = es_alloc(index->d, sizeof *index->mean)))
        return es_fail_memory(error, "the mean", (size_t)index->d * sizeof *index->mean);
    ES_TRY(es_sample_mean(space, index->ids, index->count, SAMPLE, index->mean, error));
    index->mean_square = space->kernel->dot(index->mean, index->mean, index->d);
    ES_TRY(es_rotation_init(&index->rotation, index->d, ROTATION_SEED, error));
    ES_TRY(es_nibbles_init(&index->pack, index->count, index->d, error));
    es_scaled_progress scaled = {progress, index->count};
    es_progress in_rows = {progress->report ? es_report_scaled : NULL, &scaled};
    return es_parallel_for(index->threads, (index->count + BLOCK_ROWS - 1) / BLOCK_ROWS, pack_block,
                           index, &in_rows, error);
}

es_status es_index_create(es_space *space, const es_index_options *options, es_index **index,
                          es_error *error)
{
    static const es_index_options defaults;
    if (!options) options = &defaults;
    *index = NULL;
    es_index *made = es_alloc(1, sizeof *made);
    if (!made) return es_fail_memory(error, "an index", sizeof *made);
    pthread_mutex_init(&made->lock, NULL);
    made->space = space;
    made->d = space->source.columns;
    made->threads = es_thread_count(options->threads ? options->threads : space->threads);
    es_status status = build(made, &options->progress, error);
    if (status == ES_OK)
        *index = made;
    else
        es_index_free(made);
    return status;
}

void es_index_free(es_index *index)
{
    if (!index) return;
    for (es_asker *next; index->idle; index->idle = next) {
        next = index->idle->next;
        free_asker(index->idle);
    }
    free(index->ids);
    free(index->mean);
    es_rotation_release(&index->rotation);
    es_nibbles_release(&index->pack);
    pthread_mutex_destroy(&index->lock);
    free(index);
}

int64_t es_index_row_count(const es_index *index)
{
    return index->count;
}

int64_t es_index_place(const es_index *index, int64_t id)
{
    int64_t low = 0, high = index->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (index->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < index->count && index->ids[low] == id ? low : -1;
}

/* ---- one query ---------------------------------------------------------------------------------
 */

es_status es_index_prepare(const es_index *index, const double *vector, es_asker *asker,
                           es_error *error)
{
    if (es_make_unit(index->space->kernel, vector, index->d, asker->unit) == 0)
        return es_fail(error, ES_BAD_INPUT, "the vector is zero or not finite");
    memcpy(asker->row, asker->unit, (size_t)index->d * sizeof *asker->row);
    double offset = centre(index, asker->row, asker->scratch);
    es_nibble_query_put(&index->pack, asker->row, offset, &asker->query);
    return ES_OK;
}

static float largest_of(const float *upper)
{
    float largest = -INFINITY;
    for (int i = 0; i < ES_GROUP; i++) largest = upper[i] > largest ? upper[i] : largest;
    return largest;
}

static void look_coarsely(const es_index *index, es_asker *asker, const int64_t *excluded,
                          int64_t excluded_count)
{
    const es_nibbles *pack = &index->pack;
    for (int64_t first = 0; first < pack->places; first += ES_GROUP)
        asker->largest[first / ES_GROUP] = es_nibbles_coarse(index->space->kernel, pack, first,
                                                             &asker->query, asker->upper + first);
    for (int64_t i = 0; i < excluded_count; i++) {
        int64_t place = es_index_place(index, excluded[i]);
        if (place < 0) continue;
        asker->upper[place] = -INFINITY;
        int64_t group = place / ES_GROUP;
        asker->largest[group] = largest_of(asker->upper + group * ES_GROUP);
    }
}

/* A level that k rows reach, or nearly all there are: the k-th largest of the groups' largest where
 * there are many groups, else of all rows. */
static float choose_level(const es_index *index, es_asker *asker, int64_t k)
{
    int64_t groups = index->pack.places / ES_GROUP;
    bool by_group = k * GROUPS_FOR_K <= groups;
    int64_t count = by_group ? groups : index->count;
    memcpy(asker->ranked, by_group ? asker->largest : asker->upper,
           (size_t)count * sizeof *asker->ranked);
    return es_select_largest(asker->ranked, count, k - 1);
}

/* Look closely at the rows with low <= upper < high that could still be among the k best. */
static es_status look_closely(const es_index *index, es_asker *asker, float low, float high,
                              es_error *error)
{
    const es_kernel *kernel = index->space->kernel;
    const es_nibbles *pack = &index->pack;
    int64_t count = 0, lines = pack->stride / LINE;
    if (low == -INFINITY) low = -FLT_MAX; /* which excluded rows are below */
    for (int64_t first = 0; first < pack->places; first += ES_GROUP) {
        if (asker->largest[first / ES_GROUP] < low) continue;
        const float *upper = asker->upper + first;
        uint64_t passed = kernel->at_least(upper, low) & ~kernel->at_least(upper, high);
        for (; passed; passed &= passed - 1)
            asker->found[count++] = (int32_t)(first + __builtin_ctzll(passed));
    }
    for (int64_t i = 0; i < count; i++) {
        if (i + AHEAD < count) {
            const uint8_t *next = pack->low + asker->found[i + AHEAD] * pack->stride;
            for (int64_t line = 0; line < lines; line++) __builtin_prefetch(next + line * LINE);
        }
        int64_t place = asker->found[i];
        if (asker->upper[place] < asker->near.least) continue;
        es_interval cosine =
            es_nibbles_fine(kernel, pack, place, &asker->query, asker->upper[place]);
        ES_TRY(es_near_push(&asker->near, (es_near){place, cosine.lower, cosine.upper}, error));
    }
    return ES_OK;
}

es_status es_index_answer(const es_index *index, es_asker *asker, int64_t k,
                          const int64_t *excluded, int64_t excluded_count, int64_t *ids,
                          double *cosines, int64_t *count, es_error *error)
{
    ES_TRY(es_near_begin(&asker->near, k, error));
    look_coarsely(index, asker, excluded, excluded_count);
    float level = choose_level(index, asker, k);
    ES_TRY(look_closely(index, asker, level, INFINITY, error));
    ES_TRY(look_closely(index, asker, asker->near.least, level, error));
    return es_index_decide(index, asker, &asker->near, k, ids, cosines, count, error);
}

es_status es_index_query(es_index *index, const double *vector, int64_t k, const int64_t *excluded,
                         int64_t excluded_count, int64_t *ids, double *cosines, int64_t *count,
                         es_error *error)
{
    *count = 0;
    if (k < 1)
        return es_fail(error, ES_BAD_ARGUMENT, "k must be 1 or more, not %lld", (long long)k);
    es_asker *asker;
    ES_TRY(es_asker_take(index, &asker, error));
    es_status status = es_index_prepare(index, vector, asker, error);
    if (status == ES_OK)
        status = es_index_answer(index, asker, k < index->count ? k : index->count, excluded,
                                 excluded_count, ids, cosines, count, error);
    es_asker_give_back(index, asker);
    return status;
}

/* ---- float64 decides ---------------------------------------------------------------------------
 */

static int compare_scored(const void *a, const void *b)
{
    const es_scored *x = a, *y = b;
    if (x->cosine != y->cosine) return x->cosine < y->cosine ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

static es_status exact_cosine(const es_index *index, es_asker *asker, es_scored *scored,
                              es_error *error)
{
    ES_TRY(es_space_read_unit_rows(index->space, scored->id, 1, asker->row, error));
    scored->cosine = index->space->kernel->dot(asker->row, asker->unit, index->d);
    return ES_OK;
}

/* Drop candidates by a float64 product of the rows as stored, a tenth of the work of an exact
 * cosine. Returns how many are left, the k best among them. */
static es_status thin_out(const es_index *index, es_asker *asker, int64_t k, int64_t *count,
                          es_error *error)
{
    const float *rows = es_space_plain_rows(index->space);
    es_scored *scored = asker->scored;
    int64_t d = index->d, kept = k;
    for (int64_t i = 0; i < *count; i++) {
        const char *next = (const char *)(rows + scored[i + 1 < *count ? i + 1 : i].id * d);
        for (int64_t at = 0; at < d * (int64_t)sizeof(float); at += LINE)
            __builtin_prefetch(next + at);
        double dot, square;
        index->space->kernel->dot_and_square(rows + scored[i].id * d, asker->unit, d, &dot,
                                             &square);
        if (square > 1e-280 && square < 1e280)
            scored[i].cosine = dot / sqrt(square);
        else
            ES_TRY(exact_cosine(index, asker, &scored[i], error));
    }
    qsort(scored, (size_t)*count, sizeof *scored, compare_scored);
    double least = scored[k - 1].cosine - screen_margin;
    while (kept < *count && scored[kept].cosine >= least) kept++;
    *count = kept;
    return ES_OK;
}

es_status es_index_decide(const es_index *index, es_asker *asker, es_near_list *near, int64_t k,
                          int64_t *ids, double *cosines, int64_t *count, es_error *error)
{
    es_near_cut(near);
    int64_t candidates = near->count;
    if (!es_grow((void **)&asker->scored, &asker->scored_capacity, candidates,
                 sizeof *asker->scored))
        return es_fail_memory(error, "candidates", (size_t)candidates * sizeof *asker->scored);
    es_scored *scored = asker->scored;
    for (int64_t i = 0; i < candidates; i++) scored[i].id = index->ids[near->items[i].place];
    if (candidates > k && es_space_plain_rows(index->space))
        ES_TRY(thin_out(index, asker, k, &candidates, error));
    for (int64_t i = 0; i < candidates; i++) ES_TRY(exact_cosine(index, asker, &scored[i], error));
    if (candidates) qsort(scored, (size_t)candidates, sizeof *scored, compare_scored);
    *count = candidates < k ? candidates : k;
    for (int64_t i = 0; i < *count; i++) {
        ids[i] = scored[i].id;
        cosines[i] = scored[i].cosine;
    }
    return ES_OK;
}
