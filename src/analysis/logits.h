/* Logits: hidden states against every row of an unembedding. */
#ifndef ES_ANALYSIS_LOGITS_H
#define ES_ANALYSIS_LOGITS_H

#include "space/space.h"

#include <embscope/progress.h>

/* logits (count, rows) = hidden (count, d) times the rows' transpose, z_i = v_i . h, in float64 of
 * the stored values: |z - exact| <= d 2^-53 ||v_i|| ||h|| or so. The same for any number of
 * threads. A row with a component that is not finite has a logit that is not. */
es_status es_logits_compute(es_space *unembedding, int64_t count, const double *hidden, int threads,
                            double *logits, const es_progress *progress, es_error *error);

#endif
