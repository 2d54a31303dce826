#include "analysis/logits.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <stdlib.h>

enum { ROWS = 64 }; /* of the unembedding that one piece takes */

typedef struct job {
    es_space *space;
    int64_t count;
    const double *hidden;
    double *logits;
} job;

static es_status multiply_rows(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const job *job = context;
    int64_t n = job->space->source.rows, d = job->space->source.columns, count = job->count;
    int64_t first = index * ROWS, rows = n - first < ROWS ? n - first : ROWS;
    double *wide = es_alloc_aligned(rows, (size_t)d * sizeof *wide);
    if (!wide) return es_fail_memory(error, "rows", (size_t)(rows * d) * sizeof *wide);
    es_status status = es_space_read_rows(job->space, first, rows, wide, error);
    for (int64_t q = 0; q < count && status == ES_OK; q++)
        for (int64_t i = 0; i < rows; i++)
            job->logits[q * n + first + i] =
                job->space->kernel->dot(wide + i * d, job->hidden + q * d, d);
    free(wide);
    return status;
}

es_status es_logits_compute(es_space *unembedding, int64_t count, const double *hidden, int threads,
                            double *logits, const es_progress *progress, es_error *error)
{
    ES_TRY(es_space_load(unembedding, error));
    job job = {unembedding, count, hidden, logits};
    return es_parallel_for(threads, (unembedding->source.rows + ROWS - 1) / ROWS, multiply_rows,
                           &job, progress, error);
}
