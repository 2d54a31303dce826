/* The leading directions: every row's place on them, the tokens at their ends, and whether a
 * direction is about frequency (ids) or length (norms). */
#include "analysis/ranks.h"
#include "analysis/spectrum_parts.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>

enum { GROUP_ROWS = 64 };

typedef struct projection_pass {
    es_space *space;
    const es_spectrum *spectrum;
    int64_t k;
    double *out, *offsets; /* offsets (k): q . m */
} projection_pass;

static es_status project_group(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const projection_pass *pass = context;
    es_space *space = pass->space;
    int64_t n = space->source.rows, d = space->source.columns, k = pass->k;
    int64_t first = index * GROUP_ROWS, end = first + GROUP_ROWS < n ? first + GROUP_ROWS : n;
    double *row = es_alloc(d, sizeof *row);
    if (!row) return es_fail_memory(error, "a row", (size_t)d * sizeof *row);
    es_status status = ES_OK;
    for (int64_t i = first; i < end && status == ES_OK; i++) {
        bool defined = space->states[i] == ES_ROW_DEFINED;
        if (defined) status = es_space_read_unit_rows(space, i, 1, row, error);
        for (int64_t c = 0; c < k && status == ES_OK; c++)
            pass->out[i * k + c] =
                defined
                    ? space->kernel->dot(pass->spectrum->vectors + c * d, row, d) - pass->offsets[c]
                    : NAN;
    }
    free(row);
    return status;
}

static es_status project(es_space *space, const es_spectrum *spectrum, int64_t k, int threads,
                         const es_progress *progress, double *out, es_error *error)
{
    int64_t n = space->source.rows, d = space->source.columns;
    const double *norms;
    ES_TRY(es_space_norms(space, &norms, error));
    projection_pass pass = {space, spectrum, k, out, es_alloc(k, sizeof *pass.offsets)};
    if (!pass.offsets) return es_fail_memory(error, "projections", (size_t)k * sizeof(double));
    for (int64_t c = 0; c < k; c++)
        pass.offsets[c] = space->kernel->dot(spectrum->vectors + c * d, spectrum->mean, d);
    es_status status = es_parallel_for(threads, (n + GROUP_ROWS - 1) / GROUP_ROWS, project_group,
                                       &pass, progress, error);
    free(pass.offsets);
    return status;
}

es_status es_spectrum_project(es_space *space, const es_spectrum *spectrum, int64_t k, double *out,
                              es_error *error)
{
    return project(space, spectrum, k, space->threads, NULL, out, error);
}

/* ---- the ends ---------------------------------------------------------------------------------
 */

/* Put a row in where it belongs; `sign` 1 for the largest first, -1 for the smallest. Rows come by
 * ascending id, so that an equal one goes behind. */
static void offer(es_direction_end *ends, int64_t *count, double sign, es_direction_end end)
{
    int64_t at = *count;
    while (at > 0 && sign * end.projection > sign * ends[at - 1].projection) at--;
    if (at >= ES_SPECTRUM_ENDS) return;
    if (*count < ES_SPECTRUM_ENDS) ++*count;
    for (int64_t i = *count - 1; i > at; i--) ends[i] = ends[i - 1];
    ends[at] = end;
}

/* ---- Spearman ---------------------------------------------------------------------------------
 */

typedef struct ranking_pass {
    const es_spectrum_job *job;
    es_spectrum *spectrum;
    const double *projections; /* (rows, directions) */
    const double *norm_ranks;  /* (n) */
} ranking_pass;

static es_status describe_direction(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const ranking_pass *pass = context;
    int64_t n = pass->job->n, k = pass->spectrum->direction_count, low = 0;
    es_direction *direction = &pass->spectrum->directions[index];
    es_ranked *sorted = es_alloc(n, sizeof *sorted);
    double *values = es_alloc(3, (size_t)n * sizeof *values), *ranks = values + n, *ids = ranks + n;
    es_status status = ES_OK;
    if (!sorted || !values)
        status = es_fail_memory(error, "ranks", (size_t)n * (sizeof *sorted + 3 * sizeof *values));
    for (int64_t i = 0; i < n && status == ES_OK; i++) {
        es_direction_end end = {pass->job->ids[i],
                                pass->projections[pass->job->ids[i] * k + index]};
        values[i] = end.projection;
        ids[i] = (double)(i + 1); /* ascending: the order of log id is that of ids */
        offer(direction->high, &direction->end_count, 1, end);
        offer(direction->low, &low, -1, end);
    }
    if (status == ES_OK) {
        es_order_descending(values, n, sorted);
        es_ranks_of(sorted, n, ranks);
        bool any = direction->eigenvalue > 0; /* else the projections are rounding */
        direction->spearman_id = any ? es_correlate(ranks, ids, n) : NAN;
        direction->spearman_norm = any ? es_correlate(ranks, pass->norm_ranks, n) : NAN;
    }
    free(sorted);
    free(values);
    return status;
}

es_status es_spectrum_directions(es_spectrum_job *job, es_spectrum *spectrum, es_error *error)
{
    int64_t n = job->n, k = spectrum->direction_count;
    for (int64_t c = 0; c < k; c++) {
        double value = spectrum->centered.values[c];
        spectrum->directions[c].eigenvalue = value;
        spectrum->directions[c].share = value > 0 ? value / spectrum->centered.trace : NAN;
    }
    double *projections = es_alloc(job->space->source.rows, (size_t)k * sizeof *projections);
    double *norms = es_alloc(2, (size_t)n * sizeof *norms), *ranks = norms + n;
    es_ranked *sorted = es_alloc(n, sizeof *sorted);
    es_status status = ES_OK;
    if (!projections || !norms || !sorted)
        status = es_fail_memory(error, "projections", (size_t)(n * k) * sizeof *projections);
    es_progress progress = es_spectrum_phase(job, 0.25);
    if (status == ES_OK)
        status = project(job->space, spectrum, k, job->threads, &progress, projections, error);
    if (status == ES_OK) {
        for (int64_t i = 0; i < n; i++) norms[i] = job->norms[job->ids[i]];
        es_order_descending(norms, n, sorted);
        es_ranks_of(sorted, n, ranks);
        ranking_pass pass = {job, spectrum, projections, ranks};
        status = es_parallel_for(job->threads, k, describe_direction, &pass, NULL, error);
    }
    free(projections);
    free(norms);
    free(sorted);
    return status;
}
