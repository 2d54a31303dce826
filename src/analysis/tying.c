#include "analysis/ranks.h"
#include "analysis/stages.h"
#include "analysis/sums.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <embscope/index.h>
#include <embscope/tying.h>
#include <embscope/unembed.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_ROWS = 128,
    QUERIES = 4096,      /* rows whose nearest is looked for at once */
    GRAM_BYTES = 1 << 27 /* of sums that are always allowed */
};

/* E and W_out, and the ids with a defined row in both. */
typedef struct sides {
    es_space *tables[2];
    int64_t *ids, count, d;
    int threads;
    es_stages stages;
    es_tying_geometry *geometry;
} sides;

/* ---- a token's two rows ------------------------------------------------------------------------
 */

static es_status find_ids(sides *sides, es_error *error)
{
    es_tying_geometry *geometry = sides->geometry;
    const unsigned char *states[2];
    const double *norms[2];
    for (int side = 0; side < 2; side++) {
        es_space *table = sides->tables[side];
        ES_TRY(es_space_load(table, error));
        ES_TRY(es_space_norms(table, &norms[side], error));
        ES_TRY(es_space_row_states(table, &states[side], error));
        geometry->table_rows[side] = table->source.rows;
    }
    const int64_t *rows = geometry->table_rows;
    int64_t longer = rows[0] > rows[1] ? rows[0] : rows[1];
    sides->ids = es_alloc(longer, sizeof *sides->ids);
    geometry->cosines = es_alloc(longer, 3 * sizeof *geometry->cosines);
    if (!sides->ids || !geometry->cosines)
        return es_fail_memory(error, "rows", (size_t)longer * 4 * sizeof(double));
    geometry->ids = longer;
    for (int side = 0; side < 2; side++)
        geometry->norms[side] = geometry->cosines + (side + 1) * longer;
    for (int64_t i = 0; i < longer; i++) {
        bool both = i < rows[0] && i < rows[1] && states[0][i] == ES_ROW_DEFINED &&
                    states[1][i] == ES_ROW_DEFINED;
        for (int side = 0; side < 2; side++) geometry->norms[side][i] = both ? norms[side][i] : NAN;
        geometry->cosines[i] = NAN;
        if (both) sides->ids[sides->count++] = i;
    }
    geometry->rows = sides->count;
    geometry->left_out = longer - sides->count;
    return ES_OK;
}

static es_status pair_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const sides *sides = context;
    int64_t d = sides->d, first = index * BLOCK_ROWS, end = first + BLOCK_ROWS;
    if (end > sides->count) end = sides->count;
    double *rows = es_alloc(2 * d, sizeof *rows);
    if (!rows) return es_fail_memory(error, "rows", (size_t)d * 2 * sizeof *rows);
    es_status status = ES_OK;
    for (int64_t t = first; t < end && status == ES_OK; t++) {
        int64_t id = sides->ids[t];
        for (int side = 0; side < 2 && status == ES_OK; side++)
            status = es_space_read_unit_rows(sides->tables[side], id, 1, rows + side * d, error);
        sides->geometry->cosines[id] = sides->tables[0]->kernel->dot(rows, rows + d, d);
    }
    free(rows);
    return status;
}

/* Quantile of ascending values by linear interpolation between the two nearest ranks; order is
 * descending. */
static double quantile(const es_ranked *order, int64_t n, double q)
{
    double place = q * (double)(n - 1);
    int64_t below = (int64_t)place;
    if (below + 1 >= n) return order[0].value;
    double low = order[n - 1 - below].value, high = order[n - 2 - below].value;
    return low + (place - (double)below) * (high - low);
}

static es_tying_token describe(const sides *sides, const es_ranked *ranked)
{
    const es_tying_geometry *geometry = sides->geometry;
    int64_t id = sides->ids[ranked->place];
    return (es_tying_token){id, ranked->value, geometry->norms[0][id], geometry->norms[1][id]};
}

static void summarise_cosines(const sides *sides, const double *cosines, const es_ranked *order)
{
    es_tying_geometry *geometry = sides->geometry;
    int64_t n = sides->count;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) sum += cosines[i];
    double mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++) squares += (cosines[i] - mean) * (cosines[i] - mean);
    geometry->cosine = (es_tying_spread){.minimum = order[n - 1].value,
                                         .quantile05 = quantile(order, n, 0.05),
                                         .quartile1 = quantile(order, n, 0.25),
                                         .median = quantile(order, n, 0.5),
                                         .quartile3 = quantile(order, n, 0.75),
                                         .quantile95 = quantile(order, n, 0.95),
                                         .maximum = order[0].value,
                                         .mean = mean,
                                         .standard_deviation = sqrt(squares / (double)n)};
    geometry->listed = n < ES_TYING_LISTED ? n : ES_TYING_LISTED;
    for (int64_t t = 0; t < geometry->listed; t++)
        geometry->highest[t] = describe(sides, &order[t]);
    /* From the other end, equal cosines again by ascending id. */
    for (int64_t t = 0, end = n; t < geometry->listed;) {
        int64_t start = end - 1;
        while (start > 0 && order[start - 1].value == order[end - 1].value) start--;
        for (int64_t i = start; i < end && t < geometry->listed; i++)
            geometry->lowest[t++] = describe(sides, &order[i]);
        end = start;
    }
}

static es_status summarise(const sides *sides, es_error *error)
{
    es_tying_geometry *geometry = sides->geometry;
    int64_t n = sides->count;
    es_ranked *order = es_alloc(n, sizeof *order);
    double *cosines = es_alloc(n, 3 * sizeof *cosines), *norms[2] = {cosines + n, cosines + 2 * n};
    es_status status = order && cosines ? ES_OK : es_fail_memory(error, "ranks", (size_t)n * 40);
    if (status == ES_OK) {
        for (int64_t t = 0; t < n; t++) {
            cosines[t] = geometry->cosines[sides->ids[t]];
            for (int side = 0; side < 2; side++)
                norms[side][t] = geometry->norms[side][sides->ids[t]];
        }
        es_order_descending(cosines, n, order);
        summarise_cosines(sides, cosines, order);
        geometry->norm_pearson = es_correlate(norms[0], norms[1], n);
        for (int side = 0; side < 2; side++) {
            double sum = 0;
            for (int64_t t = 0; t < n; t++) sum += norms[side][t];
            geometry->norm_mean[side] = sum / (double)n;
            es_order_descending(norms[side], n, order);
            es_ranks_of(order, n, norms[side]);
        }
        geometry->norm_spearman = es_correlate(norms[0], norms[1], n);
    }
    free(order);
    free(cosines);
    return status;
}

/* ---- all pairs ---------------------------------------------------------------------------------
 */

/* The unit rows of both tables side by side, (2 d): their Gram matrix holds U'U, V'V and U'V. */
static es_status read_both(void *context, int64_t first, int64_t count, double *out,
                           es_error *error)
{
    const sides *sides = context;
    for (int64_t i = 0; i < count; i++)
        for (int side = 0; side < 2; side++)
            ES_TRY(es_space_read_unit_rows(sides->tables[side], sides->ids[first + i], 1,
                                           out + (2 * i + side) * sides->d, error));
    return ES_OK;
}

/* Sum of squares of a block of the Gram matrix, of which the upper triangle is there. */
static double block_squares(const double *gram, int64_t d, int row, int column)
{
    es_long_sum sum = {0};
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = row == column ? i : 0; j < d; j++) {
            double g = gram[(row * d + i) * 2 * d + column * d + j];
            es_long_sum_add(&sum, row == column && i != j ? 2 * g * g : g * g);
        }
    return sum.total + sum.lost;
}

/* Sum over i, j of S1_ij S2_ij = ||U'V||_F^2; what i = j adds, n, is taken off. */
static void correlate_pairs(const sides *sides, const es_sums *sums)
{
    es_tying_geometry *geometry = sides->geometry;
    int64_t d = sides->d;
    double n = (double)sides->count, pairs = n * (n - 1), variance[2];
    for (int side = 0; side < 2; side++) {
        es_long_sum square = {0};
        for (int64_t k = 0; k < d; k++)
            es_long_sum_add(&square, sums->sum[side * d + k] * sums->sum[side * d + k]);
        double mean = (square.total + square.lost - n) / pairs;
        geometry->mean_cosine[side] = mean;
        if (!sums->gram) continue;
        double second = (block_squares(sums->gram, d, side, side) - n) / pairs;
        /* Both are rounded to some 1e-15 of n / pairs and of 1: less is no variance. */
        variance[side] = second - mean * mean > 1e-13 ? second - mean * mean : 0;
    }
    if (!sums->gram) return;
    double product = (block_squares(sums->gram, d, 0, 1) - n) / pairs;
    double covariance = product - geometry->mean_cosine[0] * geometry->mean_cosine[1];
    bool vary = variance[0] > 0 && variance[1] > 0 && sides->count > 2;
    geometry->rsa_pearson = vary ? covariance / sqrt(variance[0] * variance[1]) : NAN;
}

/* May the sums of both tables take (2 d)^2 doubles? Where the tables themselves are larger, yes. */
static bool gram_fits(const sides *sides)
{
    double bytes = 4.0 * (double)sides->d * (double)sides->d * sizeof(double);
    double tables = (double)sides->count * (double)sides->d * 2 * sizeof(float);
    return bytes <= GRAM_BYTES || bytes <= tables;
}

static es_status compare_pairs(sides *sides, es_error *error)
{
    es_tying_geometry *geometry = sides->geometry;
    es_progress progress = es_stages_next(&sides->stages, (double)sides->count);
    es_summands from = {.read = read_both,
                        .context = sides,
                        .count = sides->count,
                        .d = 2 * sides->d,
                        .kernel = sides->tables[0]->kernel,
                        .threads = sides->threads,
                        .progress = &progress};
    es_sums sums;
    geometry->rsa_is_too_wide = !gram_fits(sides);
    geometry->rsa_pearson = NAN;
    ES_TRY(es_sums_compute(&from, !geometry->rsa_is_too_wide, &sums, error));
    correlate_pairs(sides, &sums);
    es_sums_release(&sums);
    geometry->pairs = sides->count * (sides->count - 1) / 2;
    return ES_OK;
}

/* ---- is a token's own row the nearest? ---------------------------------------------------------
 */

/* Rows of table `from` for ids[first ...], asked of an index of the other one. */
static es_status ask_block(sides *sides, es_index *index, int from, int64_t first, double *vectors,
                           int64_t *nearest, double *cosines, es_error *error)
{
    int64_t count = sides->count - first < QUERIES ? sides->count - first : QUERIES;
    es_progress progress = es_stages_next(&sides->stages, 4 * (double)count);
    es_index_options options = {.threads = sides->threads, .progress = progress};
    for (int64_t i = 0; i < count; i++)
        ES_TRY(es_space_read_rows(sides->tables[from], sides->ids[first + i], 1,
                                  vectors + i * sides->d, error));
    ES_TRY(es_index_query_many(index, vectors, count, 1, NULL, &options, nearest, cosines, error));
    es_tying_geometry *geometry = sides->geometry;
    for (int64_t i = 0; i < count;
         i++) /* as near as the nearest: an equal row takes nothing away */
        geometry->own_nearest[from] += geometry->cosines[sides->ids[first + i]] >= cosines[i];
    return ES_OK;
}

static es_status count_own_nearest(sides *sides, int from, es_error *error)
{
    es_index *index = NULL;
    int64_t size = sides->count < QUERIES ? sides->count : QUERIES;
    es_progress progress = es_stages_next(&sides->stages, (double)sides->count);
    es_index_options options = {.threads = sides->threads, .progress = progress};
    ES_TRY(es_index_create(sides->tables[1 - from], &options, &index, error));
    double *vectors = es_alloc(size, (size_t)(sides->d + 1) * sizeof *vectors);
    int64_t *nearest = es_alloc(size, sizeof *nearest);
    es_status status = vectors && nearest
                           ? ES_OK
                           : es_fail_memory(error, "queries", (size_t)(size * sides->d) * 8);
    for (int64_t first = 0; first < sides->count && status == ES_OK; first += QUERIES)
        status = ask_block(sides, index, from, first, vectors, nearest, vectors + size * sides->d,
                           error);
    free(vectors);
    free(nearest);
    es_index_free(index);
    return status;
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

static es_status compute(sides *sides, const es_tying_options *options, es_error *error)
{
    ES_TRY(find_ids(sides, error));
    if (sides->count < 2)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: %lld token has a defined row in both '%s' and '%s'; 2 are needed",
                       sides->tables[0]->source.path, (long long)sides->count,
                       sides->tables[0]->source.tensor, sides->tables[1]->source.tensor);
    double n = (double)sides->count;
    sides->stages = (es_stages){.outer = options->progress, .total = 12 * n};
    es_progress progress = es_stages_next(&sides->stages, n);
    ES_TRY(es_parallel_for(sides->threads, (sides->count + BLOCK_ROWS - 1) / BLOCK_ROWS, pair_block,
                           sides, &progress, error));
    ES_TRY(summarise(sides, error));
    ES_TRY(compare_pairs(sides, error));
    for (int from = 0; from < 2; from++) ES_TRY(count_own_nearest(sides, from, error));
    return es_progress_check(&options->progress, (int64_t)sides->stages.total,
                             (int64_t)sides->stages.total, error);
}

es_status es_tying_geometry_compute(es_space *space, const es_tying_options *options,
                                    es_tying_geometry *geometry, es_error *error)
{
    static const es_tying_options defaults;
    if (!options) options = &defaults;
    *geometry = (es_tying_geometry){0};
    if (!space->other)
        return es_fail(error, ES_UNSUPPORTED, "%s: %s", space->source.path,
                       space->tied_by_config
                           ? "one tensor is embedding and unembedding: there are no two to compare"
                           : "there is no embedding with an unembedding beside it to compare");
    if (space->other->shape[1] != space->source.columns)
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: '%s' has %lld columns and '%s' %lld: no cosine between them",
                       space->source.path, space->source.tensor, (long long)space->source.columns,
                       space->other->name, (long long)space->other->shape[1]);
    es_space *other = NULL;
    ES_TRY(es_space_open_other(space, &other, error));
    bool is_output = es_table_is_unembedding(space->tensor);
    sides sides = {.tables = {is_output ? other : space, is_output ? space : other},
                   .d = space->source.columns,
                   .threads = options->threads ? options->threads : space->threads,
                   .geometry = geometry};
    geometry->columns = sides.d;
    for (int side = 0; side < 2; side++)
        geometry->tensors[side] = sides.tables[side]->source.tensor;
    es_status status = compute(&sides, options, error);
    free(sides.ids);
    es_space_free(other);
    if (status != ES_OK) es_tying_geometry_release(geometry);
    return status;
}

void es_tying_geometry_release(es_tying_geometry *geometry)
{
    free(geometry->cosines);
    *geometry = (es_tying_geometry){0};
}
