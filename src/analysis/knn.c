/* Every row's k nearest: a screen of all pairs keeps what could be among them, float64 decides.
 *
 * Where 8-bit products are fast, the screen is in integers with a proven bound, and what passes is
 * scored in 16 bits; elsewhere the screen is the float32 product, which is the score. Either way
 * the lists hold every row that could be among the k nearest, so the answer does not depend on
 * which it was.
 *
 * Rows of one direction, to the bit, have one list between them: at most k + 1 of a class can be
 * anybody's neighbours, the rest is left out of the screen. */
#include "analysis/knn_graph.h"
#include "analysis/knn_job.h"
#include "analysis/pack.h"
#include "analysis/vectors.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_K = 10,
    ROTATION_SEED = 768,
    BLOCK_ROWS = 64,
    SAMPLE = 4096, /* rows of the mean */
    NARROW = 16,   /* columns from which integers win what their bound loses */
};

void es_knn_release(es_knn *knn)
{
    free(knn->ids);
    free(knn->cosines);
    free(knn->occurrences);
    *knn = (es_knn){0};
}

/* ---- packing ----------------------------------------------------------------------------------
 */

static es_status pack_floats(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    es_knn_job *job = context;
    int64_t first = index * BLOCK_ROWS, end = first + BLOCK_ROWS;
    double *row = es_alloc(job->d, sizeof *row);
    if (!row) return es_fail_memory(error, "a row", (size_t)job->d * sizeof *row);
    es_status status = ES_OK;
    for (int64_t p = first; p < end && p < job->count && status == ES_OK; p++) {
        status = es_space_read_unit_rows(job->space, job->ids[p], 1, row, error);
        if (status == ES_OK) es_packed_put(&job->packed, p, row);
    }
    free(row);
    return status;
}

static es_status choose_center(es_knn_job *job, es_error *error)
{
    if (!(job->mean = es_alloc(job->d, sizeof *job->mean)))
        return es_fail_memory(error, "the mean", (size_t)job->d * sizeof *job->mean);
    ES_TRY(es_sample_mean(job->space, job->ids, job->count, SAMPLE, job->mean, error));
    job->mean_square = job->space->kernel->dot(job->mean, job->mean, job->d);
    return ES_OK;
}

static es_status pack_bytes(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    es_knn_job *job = context;
    int64_t first = index * BLOCK_ROWS, end = first + BLOCK_ROWS, d = job->d;
    double *row = es_alloc(2 * d + ES_HALF_ROW, sizeof *row), *scratch = row + d;
    if (!row) return es_fail_memory(error, "a row", (size_t)d * 2 * sizeof *row);
    es_status status = ES_OK;
    for (int64_t p = first; p < end && p < job->count && status == ES_OK; p++) {
        status = es_space_read_unit_rows(job->space, job->ids[p], 1, row, error);
        if (status != ES_OK) break;
        for (int64_t k = 0; k < d; k++) row[k] -= job->mean[k];
        double offset = job->space->kernel->dot(job->mean, row, d) + job->mean_square / 2;
        es_halves_put(job->space->kernel, &job->halves, p, row, offset, scratch);
        es_rotation_apply(job->space->kernel, &job->rotation, row, scratch);
        es_bytes_put(&job->bytes, p, row, offset);
    }
    free(row);
    return status;
}

/* Can float64 take rows where they lie? They must be plain float32, not so long that rounding
 * passes ES_RANK_ERROR, and their products in range. */
static bool are_plain(const es_knn_job *job)
{
    if (!es_space_plain_rows(job->space) || job->d > ES_BYTE_DEPTH) return false;
    for (int64_t p = 0; p < job->count; p++) {
        double norm = job->space->norms[job->ids[p]];
        if (norm < 1e-9 || norm > 1e9) return false;
    }
    return true;
}

static es_status prepare_bytes(es_knn_job *job, es_error *error)
{
    ES_TRY(es_halves_init(&job->halves, job->count, job->d, error));
    ES_TRY(choose_center(job, error));
    ES_TRY(es_rotation_init(&job->rotation, job->d, ROTATION_SEED, error));
    ES_TRY(es_bytes_init(&job->bytes, job->count, job->d, error));
    job->allowance = (float)ES_SCREEN_ALLOWANCE;
    ES_TRY(es_parallel_for(job->threads, (job->count + BLOCK_ROWS - 1) / BLOCK_ROWS, pack_bytes,
                           job, NULL, error));
    job->lists.bound = es_halves_bound(&job->halves);
    return ES_OK;
}

static es_status prepare_floats(es_knn_job *job, es_error *error)
{
    ES_TRY(es_packed_init(&job->packed, job->count, job->d, error));
    job->lists.bound = es_product_bound(job->d);
    job->allowance = (float)(1.01 * es_product_bound(job->d));
    return es_parallel_for(job->threads, (job->count + BLOCK_ROWS - 1) / BLOCK_ROWS, pack_floats,
                           job, NULL, error);
}

/* ---- the screen -------------------------------------------------------------------------------
 */

/* What place p asks of the screen; a row that shares its class's list asks for nothing. */
static float asked(const es_knn_job *job, int64_t p)
{
    if (p >= job->count || job->class_of[p] != p || (job->closed && job->closed[p]))
        return INFINITY;
    float least = es_lists_least(&job->lists, p);
    return least - job->allowance - fabsf(least) * 0x1p-23f;
}

static void take_snapshot(const es_knn_job *job, es_knn_snapshot *seen, const es_strip *place,
                          int64_t block)
{
    if (seen->tile == place->tile) return;
    seen->tile = place->tile;
    int64_t row = place->first_row / block * block, column = place->first_column / block * block;
    for (int64_t i = 0; i < block; i++) {
        seen->rows[i] = asked(job, row + i);
        seen->columns[i] = asked(job, column + i);
    }
}

/* Hand on what passed: pair (row, column) for the sake of the row, of the column, or both. */
static es_status offer(es_knn_job *job, es_knn_snapshot *seen, const es_strip *place, int64_t block,
                       const es_reached *reached, es_error *error)
{
    /* Tiles are handed out along the rows of blocks: a row has met all blocks before the other's.
     */
    const es_kernel *kernel = job->space->kernel;
    int64_t row_keep = job->keep[place->first_column / block + 1];
    int64_t column_keep = job->keep[place->first_row / block + 1];
    for (int r = 0; r < place->row_count; r++) {
        int64_t row = place->first_row + r;
        for (uint64_t left = reached->row[r] | reached->column[r]; left; left &= left - 1) {
            int c = __builtin_ctzll(left);
            int64_t column = place->first_column + c;
            if (c >= place->column_count || column <= row) continue;
            float value = place->cosines ? place->cosines[r * ES_PANEL + c]
                                         : es_halves_score(kernel, &job->halves, row, column);
            if (reached->row[r] >> c & 1) {
                ES_TRY(es_lists_push(&job->lists, row, column, value, row_keep, error));
                seen->rows[row % block] = asked(job, row);
            }
            if (reached->column[r] >> c & 1) {
                ES_TRY(es_lists_push(&job->lists, column, row, value, column_keep, error));
                seen->columns[column % block] = asked(job, column);
            }
        }
    }
    return ES_OK;
}

static es_status screen_floats(void *context, int worker, const es_strip *strip, es_error *error)
{
    es_knn_job *job = context;
    es_knn_snapshot *seen = &job->snapshots[worker];
    take_snapshot(job, seen, strip, ES_BLOCK);
    es_reached reached;
    job->space->kernel->reach(strip->cosines, seen->rows + strip->first_row % ES_BLOCK,
                              seen->columns + strip->first_column % ES_BLOCK, &reached);
    if (!reached.any) return ES_OK;
    return offer(job, seen, strip, ES_BLOCK, &reached, error);
}

static es_screen_side side_of(const es_bytes_pack *pack, int64_t first, const float *least)
{
    return (es_screen_side){pack->scale + first, pack->offset + first, pack->length + first,
                            pack->residual + first, least};
}

static es_status screen_bytes(void *context, int worker, const es_strip *place, es_error *error)
{
    es_knn_job *job = context;
    es_knn_snapshot *seen = &job->snapshots[worker];
    take_snapshot(job, seen, place, ES_BYTE_BLOCK);
    _Alignas(64) int32_t sums[ES_TILE];
    es_bytes_multiply(job->space->kernel, &job->bytes, place, sums);
    int64_t row = place->first_row, column = place->first_column;
    es_screen_side rows = side_of(&job->bytes, row, seen->rows + row % ES_BYTE_BLOCK);
    es_screen_side columns = side_of(&job->bytes, column, seen->columns + column % ES_BYTE_BLOCK);
    es_reached reached;
    job->space->kernel->byte_reach(sums, &rows, &columns, &reached);
    if (!reached.any) return ES_OK;
    return offer(job, seen, place, ES_BYTE_BLOCK, &reached, error);
}

/* How long the lists must be as the blocks go by. */
static es_status plan_lists(es_knn_job *job, int64_t block, es_error *error)
{
    int64_t blocks = (job->count + block - 1) / block;
    if (!(job->keep = es_alloc(blocks + 1, sizeof *job->keep)))
        return es_fail_memory(error, "blocks", (size_t)blocks * sizeof *job->keep);
    for (int64_t b = 0; b <= blocks; b++) {
        int64_t met = b * block < job->count ? b * block : job->count;
        job->keep[b] = b ? es_lists_keep(job->lists.keep, (double)met / (double)job->count) : 1;
    }
    return ES_OK;
}

static es_status screen_all(es_knn_job *job, bool bytes, const es_progress *progress,
                            es_error *error)
{
    for (int i = 0; i < job->threads; i++) job->snapshots[i].tile = -1;
    /* A class's list holds its own first row as well: its members need it, the row itself drops it.
     */
    for (int64_t p = 0; p < job->count; p++)
        if (job->class_of[p] == p && !(job->closed && job->closed[p]))
            ES_TRY(es_lists_push(&job->lists, p, p, 1.001f, job->lists.keep, error));
    if (bytes)
        return es_strips_run(job->count, ES_BYTE_BLOCK, job->threads, screen_bytes, job, progress,
                             error);
    return es_tiles_run(job->space->kernel, &job->packed, job->threads, screen_floats, job,
                        progress, error);
}

static es_status finish_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    es_knn_job *job = context;
    int64_t first = index * BLOCK_ROWS, end = first + BLOCK_ROWS;
    for (int64_t p = first; p < end && p < job->count; p++) {
        job->closed[p] = true;
        if (job->class_of[p] == p) ES_TRY(es_lists_finish(&job->lists, p, &job->closed[p], error));
    }
    return ES_OK;
}

/* Screen all pairs, and again, for their sake alone, where rows kept too short a list on the way:
 * rarely by bad luck (docs/mathematics.md, section 13), or where rows tie by the hundred. */
static es_status screen(es_knn_job *job, bool bytes, const es_progress *progress, es_error *error)
{
    ES_TRY(bytes ? prepare_bytes(job, error) : prepare_floats(job, error));
    int64_t block = bytes ? ES_BYTE_BLOCK : ES_BLOCK;
    ES_TRY(plan_lists(job, block, error));
    if (!(job->snapshots = es_alloc(job->threads, sizeof *job->snapshots)))
        return es_fail_memory(error, "snapshots", sizeof *job->snapshots);
    ES_TRY(screen_all(job, bytes, progress, error));
    if (!(job->closed = es_alloc(job->count, sizeof *job->closed)))
        return es_fail_memory(error, "rows", (size_t)job->count);
    ES_TRY(es_parallel_for(job->threads, (job->count + BLOCK_ROWS - 1) / BLOCK_ROWS, finish_block,
                           job, NULL, error));
    bool again = false;
    for (int64_t p = 0; p < job->count; p++) {
        if (job->closed[p]) continue;
        es_lists_clear(&job->lists, p);
        again = true;
    }
    for (int64_t b = 0; b <= (job->count + block - 1) / block; b++) job->keep[b] = job->lists.keep;
    return again ? screen_all(job, bytes, progress, error) : ES_OK;
}

/* ---- the answer -------------------------------------------------------------------------------
 */

/* Every row's answer: its class's list without itself. */
static es_status fill_answers(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const es_knn_job *job = context;
    es_knn *knn = job->knn;
    int64_t first = index * BLOCK_ROWS, end = first + BLOCK_ROWS;
    for (int64_t i = first; i < end && i < knn->rows; i++) {
        int32_t *ids = knn->ids + i * knn->k;
        float *cosines = knn->cosines + i * knn->k;
        const es_candidate_list *list =
            job->place_of[i] < 0 ? NULL : &job->lists.lists[job->place_of[i]];
        int64_t kept = 0;
        for (int32_t j = 0; list && j < list->count && kept < knn->k; j++) {
            if (list->items[j].place == i) continue;
            ids[kept] = list->items[j].place; /* an id by now */
            cosines[kept++] = list->items[j].cosine;
        }
        for (; kept < knn->k; kept++) {
            ids[kept] = -1;
            cosines[kept] = NAN;
        }
    }
    return ES_OK;
}

static es_status run(es_knn_job *job, const int64_t *defined, int64_t defined_count,
                     const es_progress *progress, es_error *error)
{
    ES_TRY(es_knn_choose_places(job, defined, defined_count, error));
    ES_TRY(es_lists_init(&job->lists, job->count, job->k + 1, 0, error));
    job->lists.rank = es_knn_rank;
    job->lists.context = job;
    job->plain = are_plain(job);
    bool bytes = job->space->kernel->bytes_are_fast && job->d >= NARROW && job->d <= ES_BYTE_DEPTH;
    ES_TRY(screen(job, bytes, progress, error));
    es_packed_release(&job->packed);
    es_bytes_release(&job->bytes);
    es_halves_release(&job->halves);
    ES_TRY(es_knn_decide(job, error));
    es_knn *knn = job->knn;
    int64_t cells;
    if (!es_multiply_counts(knn->rows, knn->k, &cells) ||
        !(knn->ids = es_alloc(cells, sizeof *knn->ids)) ||
        !(knn->cosines = es_alloc(cells, sizeof *knn->cosines)))
        return es_fail(error, ES_NO_MEMORY, "out of memory (%lld x %lld neighbours)",
                       (long long)knn->rows, (long long)knn->k);
    ES_TRY(es_parallel_for(job->threads, (knn->rows + BLOCK_ROWS - 1) / BLOCK_ROWS, fill_answers,
                           job, NULL, error));
    return es_knn_describe(job->space, knn, job->threads, error);
}

static void release_job(es_knn_job *job)
{
    free(job->ids);
    free(job->class_of);
    free(job->place_of);
    free(job->keep);
    free(job->closed);
    free(job->snapshots);
    free(job->order);
    free(job->wide);
    free(job->mean);
    es_packed_release(&job->packed);
    es_rotation_release(&job->rotation);
    es_bytes_release(&job->bytes);
    es_halves_release(&job->halves);
    es_lists_release(&job->lists);
}

es_status es_knn_compute(es_space *space, const es_knn_options *options, es_knn *knn,
                         es_error *error)
{
    static const es_knn_options defaults;
    if (!options) options = &defaults;
    *knn = (es_knn){.rows = space->source.rows, .k = options->k ? options->k : DEFAULT_K};
    int64_t *defined, count;
    ES_TRY(es_space_load(space, error)); /* rows are scored, and told apart, where they lie */
    ES_TRY(es_space_defined_rows(space, &defined, &count, error));
    knn->left_out = space->source.rows - count;
    es_knn_job job = {.space = space, .d = space->source.columns, .k = knn->k, .knn = knn};
    job.threads = es_thread_count(options->threads ? options->threads : space->threads);
    es_status status = ES_OK;
    if (count < 2)
        status = es_fail(error, ES_BAD_INPUT,
                         "%s: neighbours need two rows that are finite and not zero; there %s %lld",
                         space->source.path, count == 1 ? "is" : "are", (long long)count);
    else if (space->source.rows > INT32_MAX)
        status =
            es_fail(error, ES_UNSUPPORTED, "%s: more than %d rows", space->source.path, INT32_MAX);
    else if (knn->k < 1 || knn->k >= count)
        status =
            es_fail(error, ES_BAD_ARGUMENT, "k must be from 1 to %lld (rows less one), not %lld",
                    (long long)count - 1, (long long)knn->k);
    if (status == ES_OK) status = run(&job, defined, count, &options->progress, error);
    release_job(&job);
    free(defined);
    if (status != ES_OK) es_knn_release(knn);
    return status;
}
