/* All pairs of rows whose cosine reaches a threshold: near-duplicates of a whole vocabulary. */
#ifndef EMBSCOPE_NEAR_PAIRS_H
#define EMBSCOPE_NEAR_PAIRS_H

#include <embscope/progress.h>
#include <embscope/space.h>

ES_BEGIN_DECLARATIONS

typedef struct es_near_pairs_options {
    double minimum; /* keep cosine >= minimum, in float64; from -1 to 1 */
    int64_t limit;  /* 0: 100 million; more pairs than this are BAD_ARGUMENT */
    int threads;    /* 0: as many as the machine has */
    es_progress progress;
} es_near_pairs_options;

typedef struct es_row_pair {
    int32_t a, b; /* a < b */
    double cosine;
} es_row_pair;

typedef struct es_near_pairs {
    double minimum;
    int64_t rows, left_out; /* rows that took part; undefined rows */
    int64_t count;
    es_row_pair *pairs; /* (count): the largest cosine first, equal ones by a, then b */
} es_near_pairs;

/* Every pair of defined rows with u_a . u_b >= minimum in float64, no other. Holds the table, one
 * float32 copy of it, and 16 bytes a pair (up to four times that while pairs are gathered). Release
 * with es_near_pairs_release(). */
es_status es_near_pairs_compute(es_space *space, const es_near_pairs_options *options,
                                es_near_pairs *pairs, es_error *error);
void es_near_pairs_release(es_near_pairs *pairs);

ES_END_DECLARATIONS
#endif
