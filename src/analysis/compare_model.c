/* One model's rows of the shared tokens. */
#include "analysis/compare_parts.h"
#include "analysis/sums.h"
#include "base/memory.h"
#include "space/gather.h"

#include <math.h>
#include <stdlib.h>

void es_model_part_release(es_model_part *part)
{
    es_space_free(part->space);
    es_knn_release(&part->knn);
    free(part->mean);
    free(part->spectrum.values);
    *part = (es_model_part){0};
}

static es_status read_scaled(const es_model_part *part, int64_t row, double *out, es_error *error)
{
    ES_TRY(es_space_read_rows(part->space, row, 1, out, error));
    for (int64_t k = 0; part->scale && k < part->d; k++) out[k] = ldexp(out[k], -part->scale);
    return ES_OK;
}

static es_status read_stored(void *context, int64_t first, int64_t count, double *out,
                             es_error *error)
{
    const es_model_part *part = context;
    for (int64_t i = 0; i < count; i++)
        ES_TRY(read_scaled(part, first + i, out + i * part->d, error));
    return ES_OK;
}

es_status es_joined_read(void *context, int64_t first, int64_t count, double *out, es_error *error)
{
    const es_joined_rows *joined = context;
    int64_t d = joined->parts[0]->d + joined->parts[1]->d;
    for (int64_t i = 0; i < count; i++) {
        int64_t row = joined->ids ? joined->ids[first + i] : first + i;
        double *to = out + i * d;
        for (int m = 0; m < 2; m++) {
            const es_model_part *part = joined->parts[m];
            if (joined->centered) {
                ES_TRY(read_scaled(part, row, to, error));
                for (int64_t k = 0; k < part->d; k++) to[k] -= part->mean[k];
            } else {
                ES_TRY(es_space_read_unit_rows(part->space, row, 1, to, error));
            }
            if (joined->squares[m])
                joined->squares[m][first + i] = part->space->kernel->dot(to, to, part->d);
            to += part->d;
        }
    }
    return ES_OK;
}

static es_status find_mean(es_model_part *part, int threads, es_error *error)
{
    const double *norms;
    double largest = 0;
    ES_TRY(es_space_norms(part->space, &norms, error));
    for (int64_t i = 0; i < part->n; i++) largest = fmax(largest, norms[i]);
    if (largest < 1e-70 || largest > 1e70) frexp(largest, &part->scale);
    es_summands from = {.read = read_stored,
                        .context = part,
                        .count = part->n,
                        .d = part->d,
                        .kernel = part->space->kernel,
                        .threads = threads};
    es_sums sums;
    ES_TRY(es_sums_compute(&from, false, &sums, error));
    part->mean = sums.sum;
    sums.sum = NULL;
    for (int64_t k = 0; k < part->d; k++) part->mean[k] /= (double)part->n;
    es_sums_release(&sums);
    return ES_OK;
}

es_status es_model_part_make(es_space *space, const int64_t *ids, int64_t n, int64_t stride,
                             int threads, es_model_part *part, es_error *error)
{
    *part = (es_model_part){.n = n, .d = space->source.columns};
    int64_t *rows = es_alloc(n, sizeof *rows);
    if (!rows) return es_fail_memory(error, "ids", (size_t)n * sizeof *rows);
    for (int64_t i = 0; i < n; i++) rows[i] = ids[i * stride];
    es_status status = es_space_gather(space, rows, n, &part->space, error);
    free(rows);
    if (status == ES_OK) status = find_mean(part, threads, error);
    if (status != ES_OK) es_model_part_release(part);
    return status;
}

es_status es_model_part_neighbors(es_model_part *part, int64_t k, int threads,
                                  const es_progress *progress, es_error *error)
{
    es_knn_options options = {.k = k, .threads = threads};
    if (progress) options.progress = *progress;
    return es_knn_compute(part->space, &options, &part->knn, error);
}
