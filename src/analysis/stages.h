/* One progress line over work of several kinds: each stage has a weight, known before, in
 * the unit that the line counts. */
#ifndef ES_ANALYSIS_STAGES_H
#define ES_ANALYSIS_STAGES_H

#include "base/status.h"

#include <embscope/progress.h>

typedef struct es_stages {
    es_progress outer;
    double before, weight, total; /* of the stages done, of the present one, of all */
} es_stages;

static inline bool es_stages_report(void *context, int64_t done, int64_t total)
{
    const es_stages *stages = context;
    if (!stages->outer.report) return true;
    double at = stages->before + stages->weight * (total > 0 ? (double)done / (double)total : 1);
    return stages->outer.report(stages->outer.context, (int64_t)at, (int64_t)stages->total);
}

/* The last stage is over; the next has this weight. */
static inline es_progress es_stages_next(es_stages *stages, double weight)
{
    stages->before += stages->weight;
    stages->weight = weight;
    return (es_progress){.report = es_stages_report, .context = stages};
}

/* For a loop that es_parallel_for does not run: CANCELLED where the callback asks to stop. */
static inline es_status es_progress_check(const es_progress *progress, int64_t done, int64_t total,
                                          es_error *error)
{
    if (!progress || !progress->report || progress->report(progress->context, done, total))
        return ES_OK;
    return es_fail(error, ES_CANCELLED, "interrupted");
}

#endif
