/* What one hidden state predicts. */
#ifndef ES_ANALYSIS_PREDICT_STATE_H
#define ES_ANALYSIS_PREDICT_STATE_H

#include "analysis/logit_order.h"
#include "space/space.h"

#include <embscope/predict.h>

/* What all states share. All zero is empty. */
typedef struct es_row_facts {
    int64_t n;
    const es_vocabulary *vocabulary;
    const double *norms;
    const unsigned char *states;
    int64_t undefined;
    double *norms_or_nan; /* (n) NaN for an undefined row */
    int32_t *norm_order;  /* (n) ids, the longest first */
    int32_t *norm_ranks;  /* (n) from 1; 0: undefined */
    double *norm_means;   /* (n) mean ranks */
} es_row_facts;
es_status es_row_facts_init(es_row_facts *facts, es_space *unembedding, es_error *error);
void es_row_facts_release(es_row_facts *facts);

/* Room for one state at a time, one for each thread. All zero is empty. */
typedef struct es_state_scratch {
    es_row_sorter sorter;
    double *cosines, *logit_means, *cosine_means;                     /* (n) */
    int32_t *logit_order, *logit_ranks, *cosine_order, *cosine_ranks; /* (n) */
} es_state_scratch;
es_status es_state_scratch_init(es_state_scratch *scratch, int64_t n, es_error *error);
void es_state_scratch_release(es_state_scratch *scratch);

/* Everything of *state but what compares it with the last layer's. hidden_norm, position, layer and
 * actual are set already; logits (n); at most k candidates. */
es_status es_state_describe(const es_row_facts *facts, const double *logits, int64_t k,
                            es_state_scratch *scratch, es_prediction *state, es_error *error);

/* The rest: `final` is what the last layer predicts at the same position. hidden and final_hidden
 * (d). */
void es_state_compare(int64_t n, int64_t d, const double *logits, const double *hidden,
                      const double *final_logits, const double *final_hidden,
                      const es_prediction *final, es_prediction *state);

#endif
