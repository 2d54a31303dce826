/* What the kinds of evaluation share. */
#ifndef ES_ANALYSIS_EVALUATE_PARTS_H
#define ES_ANALYSIS_EVALUATE_PARTS_H

#include "analysis/stages.h"
#include "space/space.h"

#include <embscope/evaluate.h>

typedef struct es_evaluating {
    es_space *space;
    const es_dataset *set;
    const es_evaluate_options *options;
    es_evaluation *result;
    int64_t d, rows; /* columns; rows that count */
    int threads;
    /* Tokens of word w: pieces[first_piece[w]] ... pieces[first_piece[w + 1] - 1]. */
    es_ids pieces;
    int64_t *first_piece;
    /* ES_CASE_IGNORE: the first row whose folded key is that of row r; else NULL. */
    int32_t *same_key;
    int32_t *next_same; /* the next row with the same folded key; -1: none */
    const unsigned char *row_states;
    es_error *error;
} es_evaluating;

/* Fill word_states, word_ids, pieces, same_key and next_same. */
es_status es_evaluate_find_words(es_evaluating *work);

/* The unit vector (d) of word w, by its state; false where it has none (a mean of zero). `scratch`
 * holds d doubles. */
es_status es_evaluate_vector(const es_evaluating *work, int64_t word, double *scratch,
                             double *vector, bool *defined, es_error *error);

es_status es_evaluate_similarity(es_evaluating *work);
es_status es_evaluate_analogies(es_evaluating *work);
es_status es_evaluate_odd(es_evaluating *work);

es_accuracy es_accuracy_of(int64_t questions, int64_t correct);

/* Figures of pairs (human[i], cosine[i]); exposed for tests. resamples -1: no interval. */
es_status es_correlation_compute(const double *human, const double *cosine, int64_t count,
                                 int64_t resamples, uint64_t seed, int threads,
                                 const es_progress *progress, es_correlation *result,
                                 es_error *error);

#endif
