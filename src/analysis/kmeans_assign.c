/* Every row's nearest centre, looking at as few of them as proofs allow.
 *
 * A row keeps, for each group of centres, a bound of its cosines to them. When the centres move,
 * |u . new - u . old| <= ||new - old||, so that a bound grows by the longest way that one of the
 * group has gone; a group whose bound stays below what the row's own cosine is at least cannot hold
 * the nearest centre (Elkan 2003, Ding et al. 2015, on the sphere). What is left is multiplied: row
 * by row where it is little, else in panels with all centres. Both are float32 within
 * es_product_bound(); centres that this cannot tell apart are decided in float64, of equal ones the
 * smaller number. So the answer does not depend on which way it was found. */
#include "analysis/kmeans.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_ROWS = 4 * ES_PANEL, /* a piece of the work */
    CHUNK = 8192,              /* centres that are packed at a time */
    ONE = 1 << 14,             /* 1 in the units of bounds */
    OWN = INT16_MIN,           /* the bound of a group that is the row's own centre alone */
    SPARSE = 4,                /* a product by itself takes about so many times one in a panel */
};

struct es_kmeans_scratch {
    float *panel;                   /* (d, ES_PANEL) */
    double *wide;                   /* (2, d) */
    float *values;                  /* (k) cosines of the centres looked at */
    int32_t *looked_at, *groups;    /* (k), (groups) */
    int64_t panel_rows[BLOCK_ROWS]; /* places of the dense rows */
    float group_most[ES_PANEL], best[ES_PANEL], second[ES_PANEL];
    int32_t best_center[ES_PANEL], own[ES_PANEL];
};

/* ---- life -------------------------------------------------------------------------------------
 */

static es_status init_scratch(es_kmeans_nearest *nearest, es_error *error)
{
    int64_t d = nearest->rows->d, k = nearest->centers->k;
    if (!(nearest->scratch = es_alloc(nearest->threads, sizeof *nearest->scratch)))
        return es_fail_memory(error, "threads", sizeof *nearest->scratch);
    for (int i = 0; i < nearest->threads; i++) {
        es_kmeans_scratch *scratch = &nearest->scratch[i];
        scratch->panel = es_alloc_aligned(d, ES_PANEL * sizeof(float));
        scratch->wide = es_alloc(2, (size_t)d * sizeof(double));
        scratch->values = es_alloc(k, sizeof(float));
        scratch->looked_at = es_alloc(k, sizeof(int32_t));
        scratch->groups = es_alloc(nearest->groups + 1, sizeof(int32_t));
        if (!scratch->panel || !scratch->wide || !scratch->values || !scratch->looked_at ||
            !scratch->groups)
            return es_fail_memory(error, "a panel", (size_t)d * ES_PANEL * sizeof(float));
        memset(scratch->panel, 0, (size_t)d * ES_PANEL * sizeof(float));
    }
    return ES_OK;
}

es_status es_kmeans_nearest_init(es_kmeans_nearest *nearest, const es_kmeans_rows *rows,
                                 const es_kmeans_centers *centers, int64_t room, int threads,
                                 es_error *error)
{
    int64_t n = rows->count, k = centers->k, cells;
    *nearest = (es_kmeans_nearest){.rows = rows, .centers = centers, .threads = threads};
    int64_t most = room / (n * (int64_t)sizeof(int16_t));
    if (most < 64) most = 64;
    while ((k + (1LL << nearest->group_shift) - 1) >> nearest->group_shift > most &&
           nearest->group_shift < 13) /* whole groups in a chunk */
        nearest->group_shift++;
    nearest->groups = (k + (1LL << nearest->group_shift) - 1) >> nearest->group_shift;
    if (!es_multiply_counts(n, nearest->groups, &cells) ||
        !(nearest->bounds = es_alloc_aligned(cells, sizeof *nearest->bounds)) ||
        !(nearest->labels = es_alloc(n, sizeof *nearest->labels)) ||
        !(nearest->own = es_alloc(n, sizeof *nearest->own)) ||
        !(nearest->travel = es_alloc(nearest->groups, sizeof *nearest->travel)) ||
        !(nearest->steps = es_alloc(nearest->groups, sizeof *nearest->steps)) ||
        !(nearest->best = es_alloc(n, sizeof *nearest->best)) ||
        !(nearest->second = es_alloc(n, sizeof *nearest->second)) ||
        !(nearest->best_center = es_alloc(n, sizeof *nearest->best_center)) ||
        !(nearest->dense = es_alloc(n, 1)))
        return es_fail(error, ES_NO_MEMORY, "out of memory (bounds of %lld rows, %lld groups)",
                       (long long)n, (long long)nearest->groups);
    for (int64_t p = 0; p < n; p++) nearest->labels[p] = -1;
    ES_TRY(es_packed_init(&nearest->packed, k < CHUNK ? k : CHUNK, rows->d, error));
    return init_scratch(nearest, error);
}

void es_kmeans_nearest_release(es_kmeans_nearest *nearest)
{
    for (int i = 0; i < nearest->threads && nearest->scratch; i++) {
        es_kmeans_scratch *scratch = &nearest->scratch[i];
        free(scratch->panel);
        free(scratch->wide);
        free(scratch->values);
        free(scratch->looked_at);
        free(scratch->groups);
    }
    free(nearest->scratch);
    es_packed_release(&nearest->packed);
    free(nearest->bounds);
    free(nearest->labels);
    free(nearest->own);
    free(nearest->travel);
    free(nearest->steps);
    free(nearest->others);
    free(nearest->cosines);
    free(nearest->best);
    free(nearest->second);
    free(nearest->best_center);
    free(nearest->dense);
    *nearest = (es_kmeans_nearest){0};
}

void es_kmeans_nearest_forget(es_kmeans_nearest *nearest, int64_t place)
{
    nearest->own[place] = -2;
    for (int64_t g = 0; g < nearest->groups; g++)
        nearest->bounds[place * nearest->groups + g] = INT16_MAX;
}

/* ---- bounds -----------------------------------------------------------------------------------
 */

static float error_of(const es_kmeans_nearest *nearest)
{
    return (float)(1.01 * es_product_bound(nearest->rows->d));
}

/* A cosine that is at most `most` now, in the units of bounds, less the group's travel; rounded
 * up. */
static inline int16_t bound_of(float most, float travel)
{
    float units = (most - travel) * ONE;
    int whole = (int)units + 1;
    return (int16_t)(whole < -INT16_MAX ? -INT16_MAX : whole > INT16_MAX ? INT16_MAX : whole);
}

enum {
    RUN = 64,
    LOWEST = 2 - ONE
}; /* groups that are asked at once; the least that may be asked */

/* List the groups whose bound reaches `least` (in units, LOWEST at least), at most `most` of them;
 * returns how many. The hot loop of a late iteration: all in 16 bits, and most runs hold none. */
static int64_t list_groups(const int16_t *bounds, const int16_t *steps, int64_t groups,
                           int32_t least, int64_t most, int32_t *list)
{
    int64_t count = 0;
    int16_t level = (int16_t)least;
    for (int64_t first = 0; first < groups && count < most; first += RUN) {
        int64_t end = first + RUN < groups ? first + RUN : groups;
        int16_t any = 0;
        for (int64_t g = first; g < end; g++) any |= bounds[g] >= (int16_t)(level - steps[g]);
        if (!any) continue;
        for (int64_t g = first; g < end && count < most; g++) {
            list[count] = (int32_t)g;
            count += bounds[g] >= (int16_t)(level - steps[g]);
        }
    }
    return count;
}

static int32_t in_units(float cosine)
{
    return (int32_t)floorf(cosine * ONE);
}

/* Bounds that have travelled far are written anew, so that they stay in range. */
static es_status bring_forward(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    es_kmeans_nearest *nearest = context;
    int64_t first = index * BLOCK_ROWS, end = first + BLOCK_ROWS;
    if (end > nearest->rows->count) end = nearest->rows->count;
    for (int64_t p = first; p < end; p++) {
        int16_t *bounds = nearest->bounds + p * nearest->groups;
        for (int64_t g = 0; g < nearest->groups; g++) {
            int moved = bounds[g] + nearest->steps[g];
            if (bounds[g] != OWN) bounds[g] = (int16_t)(moved > INT16_MAX ? INT16_MAX : moved);
        }
    }
    return ES_OK;
}

static es_status travel_on(es_kmeans_nearest *nearest, es_error *error)
{
    bool far = false;
    for (int64_t g = 0; g < nearest->groups; g++) {
        double most = 0;
        int64_t end = (g + 1) << nearest->group_shift;
        for (int64_t c = g << nearest->group_shift; c < end && c < nearest->centers->k; c++)
            most = fmax(most, nearest->centers->moved_by[c]);
        if (most > 0) nearest->travel[g] = (float)(nearest->travel[g] + most);
        nearest->steps[g] = (int16_t)ceilf(fminf(nearest->travel[g] * ONE, INT16_MAX));
        far = far || nearest->travel[g] > 1;
    }
    if (!far) return ES_OK;
    int64_t blocks = (nearest->rows->count + BLOCK_ROWS - 1) / BLOCK_ROWS;
    ES_TRY(es_parallel_for(nearest->threads, blocks, bring_forward, nearest, NULL, error));
    memset(nearest->travel, 0, (size_t)nearest->groups * sizeof *nearest->travel);
    memset(nearest->steps, 0, (size_t)nearest->groups * sizeof *nearest->steps);
    return ES_OK;
}

/* ---- what a row has found ---------------------------------------------------------------------
 */

/* The best of the centres at places list[0 ... count) in float64; of equal ones the smaller. */
static es_status decide(const es_kmeans_nearest *nearest, const double *u, const int32_t *list,
                        int64_t count, double *scratch, int32_t *best, double *cosine,
                        es_error *error)
{
    for (int64_t i = 0; i < count; i++) {
        double value;
        ES_TRY(es_kmeans_centers_cosine(nearest->centers, u, list[i], scratch, &value, error));
        if (i && (value < *cosine || (value == *cosine && list[i] > *best))) continue;
        *best = list[i];
        *cosine = value;
    }
    return ES_OK;
}

/* The centres of all groups whose bound reaches `least`, and the row's own. */
static int64_t list_reaching(const es_kmeans_nearest *nearest, int64_t p, float least,
                             int32_t *list)
{
    const int16_t *bounds = nearest->bounds + p * nearest->groups;
    int64_t count = 0;
    int32_t own = nearest->labels[p], limit = in_units(least);
    for (int64_t g = 0; g < nearest->groups; g++) {
        if (bounds[g] + nearest->steps[g] < limit) continue;
        int64_t end = (g + 1) << nearest->group_shift;
        for (int64_t c = g << nearest->group_shift; c < end && c < nearest->centers->k; c++)
            if (c != own) list[count++] = (int32_t)c;
    }
    if (own >= 0 && !nearest->exclude) list[count++] = own;
    return count;
}

/* Put the row to its new centre. `most` is at least the cosine to the old one. */
static void settle(es_kmeans_nearest *nearest, int64_t p, int32_t label, float least, float most)
{
    int16_t *bounds = nearest->bounds + p * nearest->groups;
    int32_t old = nearest->labels[p];
    if (old >= 0 && old != label) {
        int64_t g = old >> nearest->group_shift;
        int16_t bound = bound_of(most, nearest->travel[g]);
        if (bounds[g] < bound) bounds[g] = bound;
    }
    if (nearest->group_shift == 0) bounds[label] = OWN;
    nearest->labels[p] = label;
    nearest->own[p] = least;
}

/* A dense row, after the last chunk. */
static es_status finish_dense(es_kmeans_nearest *nearest, int64_t p, es_kmeans_scratch *scratch,
                              es_error *error)
{
    float allowance = error_of(nearest), best = nearest->best[p];
    int32_t label = nearest->best_center[p];
    bool open = nearest->second[p] >= best - 2 * allowance;
    if (open || nearest->exclude) {
        double *u = scratch->wide, cosine = -2;
        int64_t count = 1;
        scratch->looked_at[0] = label;
        if (open) count = list_reaching(nearest, p, best - allowance, scratch->looked_at);
        ES_TRY(es_kmeans_rows_wide(nearest->rows, p, u, error));
        ES_TRY(decide(nearest, u, scratch->looked_at, count, u + nearest->rows->d, &label, &cosine,
                      error));
        if (nearest->exclude) {
            nearest->others[p] = label;
            nearest->cosines[p] = cosine;
            return ES_OK;
        }
    }
    settle(nearest, p, label, best - allowance, best + allowance);
    return ES_OK;
}

/* ---- row by row -------------------------------------------------------------------------------
 */

/* Cosines to the centres of the groups that reach, and what they say of the row. */
static es_status look_at(es_kmeans_nearest *nearest, int64_t p, int64_t group_count, float own,
                         es_kmeans_scratch *scratch, es_error *error)
{
    const es_kmeans_centers *centers = nearest->centers;
    float allowance = error_of(nearest), best = own;
    int16_t *bounds = nearest->bounds + p * nearest->groups;
    int32_t label = nearest->labels[p], best_center = label;
    int64_t count = 0;
    scratch->looked_at[count] = label;
    scratch->values[count++] = own;
    for (int64_t i = 0; i < group_count; i++) {
        int64_t g = scratch->groups[i], end = (g + 1) << nearest->group_shift;
        float most = -2;
        for (int64_t c = g << nearest->group_shift; c < end && c < centers->k; c++) {
            if (c == label) continue;
            float value = es_kmeans_rows_dot(nearest->rows, p, centers->flat + c * centers->d);
            scratch->looked_at[count] = (int32_t)c;
            scratch->values[count++] = value;
            if (value > most) most = value;
            if (value > best) best = value, best_center = (int32_t)c;
        }
        bounds[g] = bound_of(most + allowance, nearest->travel[g]);
    }
    int64_t near = 0;
    for (int64_t i = 0; i < count; i++)
        if (scratch->values[i] >= best - 2 * allowance)
            scratch->looked_at[near++] = scratch->looked_at[i];
    if (near > 1) {
        double *u = scratch->wide, cosine = -2;
        ES_TRY(es_kmeans_rows_wide(nearest->rows, p, u, error));
        ES_TRY(decide(nearest, u, scratch->looked_at, near, u + centers->d, &best_center, &cosine,
                      error));
    }
    settle(nearest, p, best_center, best - allowance, own + allowance);
    return ES_OK;
}

/* Can the row be settled without all centres? Else it is dense. */
static es_status try_sparse(es_kmeans_nearest *nearest, int64_t p, es_kmeans_scratch *scratch,
                            es_error *error)
{
    const es_kmeans_centers *centers = nearest->centers;
    const int16_t *bounds = nearest->bounds + p * nearest->groups;
    int32_t label = nearest->labels[p], *list = scratch->groups;
    nearest->dense[p] = 1;
    if (label < 0) return ES_OK;
    float least = nearest->own[p] - (float)centers->moved_by[label];
    int32_t units = in_units(least);
    if (units < LOWEST) return ES_OK;
    if (!list_groups(bounds, nearest->steps, nearest->groups, units, 1, list)) {
        nearest->own[p] = least;
        nearest->dense[p] = 0;
        return ES_OK;
    }
    if (!centers->flat) return ES_OK;
    float own = es_kmeans_rows_dot(nearest->rows, p, centers->flat + label * centers->d);
    units = in_units(least = own - error_of(nearest));
    if (units < LOWEST) return ES_OK;
    int64_t most = centers->k / SPARSE >> nearest->group_shift;
    int64_t count = list_groups(bounds, nearest->steps, nearest->groups, units, most + 1, list);
    if (count > most) return ES_OK;
    nearest->own[p] = least;
    nearest->dense[p] = 0;
    return count ? look_at(nearest, p, count, own, scratch, error) : ES_OK;
}

/* ---- in panels --------------------------------------------------------------------------------
 */

/* One centre's cosines to the rows of a panel: the two largest so far, and the group's largest. */
static void take_center(const es_kmeans_nearest *nearest, es_kmeans_scratch *scratch,
                        const float *cosines, int32_t c)
{
    bool exclude = nearest->exclude, spread = nearest->group_shift > 0 || exclude;
    float *restrict best = scratch->best, *restrict second = scratch->second;
    float *restrict most = scratch->group_most;
    int32_t *restrict best_center = scratch->best_center;
    for (int r = 0; r < ES_PANEL; r++) {
        float value = cosines[r];
        float others = spread && scratch->own[r] == c ? -2 : value;
        value = exclude ? others : value;
        most[r] = most[r] > others ? most[r] : others;
        float lower = value > best[r] ? best[r] : value;
        second[r] = second[r] > lower ? second[r] : lower;
        best_center[r] = value > best[r] ? c : best_center[r];
        best[r] = value > best[r] ? value : best[r];
    }
}

static void write_bounds(es_kmeans_nearest *nearest, es_kmeans_scratch *scratch,
                         const int64_t *places, int count, int64_t g)
{
    float allowance = error_of(nearest), travel = nearest->travel[g];
    for (int r = 0; r < count; r++)
        nearest->bounds[places[r] * nearest->groups + g] =
            bound_of(scratch->group_most[r] + allowance, travel);
    for (int r = 0; r < ES_PANEL; r++) scratch->group_most[r] = -2;
}

static void multiply_panel(es_kmeans_nearest *nearest, es_kmeans_scratch *scratch,
                           const int64_t *places, int count)
{
    int64_t d = nearest->rows->d, mask = (1LL << nearest->group_shift) - 1;
    _Alignas(64) float cosines[ES_TILE];
    for (int r = 0; r < ES_PANEL; r++) scratch->group_most[r] = -2;
    for (int64_t first = nearest->chunk_first; first < nearest->chunk_end; first += ES_STRIP) {
        int64_t at = first - nearest->chunk_first;
        const float *strip = nearest->packed.data + at / ES_PANEL * ES_PANEL * d + at % ES_PANEL;
        nearest->rows->kernel->product(d, strip, scratch->panel, cosines);
        for (int j = 0; j < ES_STRIP && first + j < nearest->chunk_end; j++) {
            int64_t c = first + j;
            take_center(nearest, scratch, cosines + j * ES_PANEL, (int32_t)c);
            if ((c & mask) == mask || c == nearest->centers->k - 1)
                write_bounds(nearest, scratch, places, count, c >> nearest->group_shift);
        }
    }
}

static es_status run_panel(es_kmeans_nearest *nearest, es_kmeans_scratch *scratch,
                           const int64_t *places, int count, es_error *error)
{
    bool begins = nearest->chunk_first == 0;
    for (int r = 0; r < count; r++) {
        int64_t p = places[r];
        ES_TRY(es_kmeans_rows_pack(nearest->rows, p, scratch->panel + r, scratch->wide, error));
        scratch->best[r] = begins ? -2 : nearest->best[p];
        scratch->second[r] = begins ? -2 : nearest->second[p];
        scratch->best_center[r] = begins ? 0 : nearest->best_center[p];
        scratch->own[r] = nearest->labels[p];
    }
    multiply_panel(nearest, scratch, places, count);
    for (int r = 0; r < count; r++) {
        nearest->best[places[r]] = scratch->best[r];
        nearest->second[places[r]] = scratch->second[r];
        nearest->best_center[places[r]] = scratch->best_center[r];
    }
    if (nearest->chunk_end < nearest->centers->k) return ES_OK;
    for (int r = 0; r < count; r++) ES_TRY(finish_dense(nearest, places[r], scratch, error));
    return ES_OK;
}

/* ---- a step -----------------------------------------------------------------------------------
 */

static es_status run_block(void *context, int64_t index, int worker, es_error *error)
{
    es_kmeans_nearest *nearest = context;
    es_kmeans_scratch *scratch = &nearest->scratch[worker];
    int64_t first = index * BLOCK_ROWS, end = first + BLOCK_ROWS;
    if (end > nearest->rows->count) end = nearest->rows->count;
    if (nearest->chunk_first == 0)
        for (int64_t p = first; p < end; p++) {
            if (nearest->exclude)
                nearest->dense[p] = 1;
            else
                ES_TRY(try_sparse(nearest, p, scratch, error));
        }
    int64_t count = 0;
    for (int64_t p = first; p < end; p++)
        if (nearest->dense[p]) scratch->panel_rows[count++] = p;
    for (int64_t at = 0; at < count; at += ES_PANEL) {
        int rows = (int)(count - at < ES_PANEL ? count - at : ES_PANEL);
        ES_TRY(run_panel(nearest, scratch, scratch->panel_rows + at, rows, error));
    }
    return ES_OK;
}

static es_status pack_strip(void *context, int64_t index, int worker, es_error *error)
{
    es_kmeans_nearest *nearest = context;
    double *wide = nearest->scratch[worker].wide;
    int64_t first = nearest->chunk_first + index * ES_STRIP, end = first + ES_STRIP;
    for (int64_t c = first; c < end && c < nearest->chunk_end; c++) {
        ES_TRY(es_kmeans_centers_wide(nearest->centers, c, wide, error));
        es_packed_put(&nearest->packed, c - nearest->chunk_first, wide);
    }
    return ES_OK;
}

static es_status run_chunks(es_kmeans_nearest *nearest, const es_progress *progress,
                            es_error *error)
{
    int64_t k = nearest->centers->k, n = nearest->rows->count;
    for (int64_t first = 0; first < k; first += CHUNK) {
        nearest->chunk_first = first;
        nearest->chunk_end = first + CHUNK < k ? first + CHUNK : k;
        int64_t strips = (nearest->chunk_end - first + ES_STRIP - 1) / ES_STRIP;
        ES_TRY(es_parallel_for(nearest->threads, strips, pack_strip, nearest, NULL, error));
        ES_TRY(es_parallel_for(nearest->threads, (n + BLOCK_ROWS - 1) / BLOCK_ROWS, run_block,
                               nearest, progress, error));
    }
    return ES_OK;
}

static void forget_all(es_kmeans_nearest *nearest)
{
    memset(nearest->travel, 0, (size_t)nearest->groups * sizeof *nearest->travel);
    memset(nearest->steps, 0, (size_t)nearest->groups * sizeof *nearest->steps);
}

es_status es_kmeans_nearest_step(es_kmeans_nearest *nearest, bool anew, const es_progress *progress,
                                 es_error *error)
{
    nearest->exclude = false;
    if (anew) {
        forget_all(nearest);
        for (int64_t p = 0; p < nearest->rows->count; p++) nearest->labels[p] = -1;
    } else
        ES_TRY(travel_on(nearest, error));
    return run_chunks(nearest, progress, error);
}

es_status es_kmeans_nearest_others(es_kmeans_nearest *nearest, const es_progress *progress,
                                   es_error *error)
{
    int64_t n = nearest->rows->count;
    if (!nearest->others) nearest->others = es_alloc(n, sizeof *nearest->others);
    if (!nearest->cosines) nearest->cosines = es_alloc(n, sizeof *nearest->cosines);
    if (!nearest->others || !nearest->cosines)
        return es_fail_memory(error, "other centres", (size_t)n * 12);
    nearest->exclude = true;
    forget_all(nearest);
    return run_chunks(nearest, progress, error);
}
