/* What a report says of the model as a whole: its next token after a prompt, and its two tables. */
#ifndef ES_ANALYSIS_REPORT_MODEL_H
#define ES_ANALYSIS_REPORT_MODEL_H

#include "base/status.h"

#include <embscope/report.h>

/* Fill `prediction`, `attribution` and `unembedding`, or `model_missing`. A prompt of the caller's
 * that cannot be taken is BAD_INPUT. */
es_status es_report_predict(const es_report_options *options, const es_progress *progress,
                            es_report *report, es_error *error);

/* Fill `tying` where there are two tables, small enough not to wait for. */
es_status es_report_compare_tables(es_space *space, const es_report_options *options,
                                   const es_progress *progress, es_report *report, es_error *error);

void es_report_model_release(es_report *report);

#endif
