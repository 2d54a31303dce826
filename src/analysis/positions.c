#include "analysis/position_profile.h"
#include "analysis/position_spectrum.h"
#include "analysis/stages.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>

enum { SHARE = 1000 }; /* of the work, as the progress line counts it */

enum {
    DEFAULT_COMPONENTS = 8,
    MOST_COMPONENTS = 64,
    DEFAULT_SHUFFLES = 19,
    MOST_SHUFFLES = 9999,
    MAP_SIDE = 320,
    READ_ROWS = 32,
};

void es_positions_release(es_positions *positions)
{
    free(positions->profile);
    free(positions->norms);
    free(positions->eigenvalues);
    free(positions->components);
    free(positions->projections);
    free(positions->map);
    *positions = (es_positions){0};
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quartile(const double *sorted, int64_t count, int which)
{
    double place = 0.25 * which * (double)(count - 1);
    int64_t below = (int64_t)place;
    double rest = place - (double)below;
    return below + 1 < count ? sorted[below] + rest * (sorted[below + 1] - sorted[below])
                             : sorted[below];
}

static es_status fill_norms(es_space *space, const int64_t *ids, int64_t count,
                            es_positions *positions, es_error *error)
{
    const double *norms;
    ES_TRY(es_space_norms(space, &norms, error));
    positions->norms = es_alloc(positions->rows, sizeof *positions->norms);
    double *sorted = es_alloc(count, sizeof *sorted);
    if (!positions->norms || !sorted) {
        free(sorted);
        return es_fail_memory(error, "norms", (size_t)positions->rows * sizeof *sorted);
    }
    for (int64_t i = 0; i < positions->rows; i++) positions->norms[i] = NAN;
    positions->shortest = positions->longest = ids[0];
    for (int64_t a = 0; a < count; a++) {
        double norm = sorted[a] = positions->norms[ids[a]] = norms[ids[a]];
        if (norm < norms[positions->shortest]) positions->shortest = ids[a];
        if (norm > norms[positions->longest]) positions->longest = ids[a];
    }
    qsort(sorted, (size_t)count, sizeof *sorted, compare_doubles);
    for (int q = 0; q < 3; q++) positions->norm_quartiles[q] = quartile(sorted, count, q + 1);
    free(sorted);
    return ES_OK;
}

typedef struct read_job {
    es_space *space;
    int64_t n, d;
    const int64_t *ids; /* the defined rows as they are, one after the other; NULL: unit rows */
    double *out;
} read_job;

static es_status read_some(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const read_job *job = context;
    int64_t first = index * READ_ROWS, count = job->n - first;
    if (count > READ_ROWS) count = READ_ROWS;
    double *out = job->out + first * job->d;
    if (!job->ids) return es_space_read_unit_rows(job->space, first, count, out, error);
    for (int64_t a = 0; a < count; a++)
        ES_TRY(es_space_read_rows(job->space, job->ids[first + a], 1, out + a * job->d, error));
    return ES_OK;
}

static es_status read_table(es_space *space, const int64_t *ids, int64_t n, double *out,
                            int threads, es_error *error)
{
    read_job job = {space, n, space->source.columns, ids, out};
    return es_parallel_for(threads, (n + READ_ROWS - 1) / READ_ROWS, read_some, &job, NULL, error);
}

/* What there is to say of the unit rows. */
static es_status describe_pairs(es_position_rows *rows, es_space *space, uint64_t seed,
                                es_positions *positions, es_stages *stages, es_error *error)
{
    ES_TRY(read_table(space, NULL, rows->n, rows->unit, rows->threads, error));
    for (int64_t a = 0; a < rows->count; a++) {
        const double *row = rows->unit + rows->ids[a] * rows->d;
        rows->squares += rows->kernel->dot(row, row, rows->d);
        for (int64_t k = 0; k < rows->d; k++) rows->sum[k] += row[k];
    }
    positions->map_side = rows->n < MAP_SIDE ? rows->n : MAP_SIDE;
    ES_TRY(es_position_map(rows, positions, error));
    es_progress progress = es_stages_next(stages, 45 * SHARE);
    ES_TRY(es_position_profile(rows, positions, &progress, error));
    progress = es_stages_next(stages, 45 * SHARE);
    return es_position_shuffles(rows, seed, positions, &progress, error);
}

static es_status compute(es_space *space, const es_positions_options *options, const int64_t *ids,
                         es_positions *positions, es_error *error)
{
    int64_t d = space->source.columns;
    es_position_rows rows = {.kernel = space->kernel,
                             .n = positions->rows,
                             .d = d,
                             .count = positions->rows - positions->left_out,
                             .ids = ids,
                             .threads = options->threads ? options->threads : space->threads};
    ES_TRY(es_space_row_states(space, &rows.states, error));
    ES_TRY(fill_norms(space, ids, rows.count, positions, error));
    es_stages stages = {.outer = options->progress, .total = 100 * SHARE};
    rows.unit = es_alloc_aligned(rows.n, (size_t)d * sizeof(double));
    rows.sum = es_alloc(d, sizeof(double));
    es_status status = rows.unit && rows.sum
                           ? ES_OK
                           : es_fail_memory(error, "rows", (size_t)(rows.n * d) * sizeof(double));
    if (status == ES_OK)
        status = describe_pairs(&rows, space, options->seed, positions, &stages, error);
    if (status == ES_OK) /* the unit rows have served */
        status = read_table(space, ids, rows.count, rows.unit, rows.threads, error);
    es_progress progress = es_stages_next(&stages, 10 * SHARE);
    if (status == ES_OK)
        status =
            es_position_spectrum(space->kernel, rows.unit, d, ids,
                                 options->components ? options->components : DEFAULT_COMPONENTS,
                                 rows.threads, positions, &progress, error);
    free(rows.unit);
    free(rows.sum);
    return status;
}

static es_status check(const es_space *space, const es_positions_options *options, int64_t count,
                       es_error *error)
{
    if (options->components < 0 || options->components > MOST_COMPONENTS)
        return es_fail(error, ES_BAD_ARGUMENT, "components must be from 1 to %d, not %lld",
                       MOST_COMPONENTS, (long long)options->components);
    if (options->shuffles < 0 || options->shuffles > MOST_SHUFFLES)
        return es_fail(error, ES_BAD_ARGUMENT, "shuffles must be from 1 to %d, not %lld",
                       MOST_SHUFFLES, (long long)options->shuffles);
    if (count < 2)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: positions need two rows that are finite and not zero; there %s %lld",
                       space->source.path, count == 1 ? "is" : "are", (long long)count);
    return ES_OK;
}

es_status es_positions_compute(es_space *space, const es_positions_options *options,
                               es_positions *positions, es_error *error)
{
    static const es_positions_options defaults;
    if (!options) options = &defaults;
    *positions = (es_positions){.rows = space->source.rows};
    positions->shuffles = options->shuffles ? options->shuffles : DEFAULT_SHUFFLES;
    if (positions->rows > ES_POSITIONS_ROWS)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: %lld rows are no position table (%d at most); is this the embedding?",
                       space->source.path, (long long)positions->rows, ES_POSITIONS_ROWS);
    int64_t *ids, count;
    ES_TRY(es_space_defined_rows(space, &ids, &count, error));
    positions->left_out = positions->rows - count;
    es_status status = check(space, options, count, error);
    if (status == ES_OK) status = compute(space, options, ids, positions, error);
    free(ids);
    if (status != ES_OK) es_positions_release(positions);
    return status;
}
