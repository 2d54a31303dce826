/* Cosine similarity of chosen tokens.
 *
 *   cos(a, b) = a.b / (||a|| ||b||)
 *
 * All sums in float64 on the stored values. */
#ifndef EMBSCOPE_SIMILARITY_H
#define EMBSCOPE_SIMILARITY_H

#include <embscope/selection.h>

ES_BEGIN_DECLARATIONS

/* One pair of tokens; a and b are places in `tokens`. NaN where undefined (a zero or non-finite
 * row). */
typedef struct es_pair {
    int64_t a, b;
    double cosine;         /* in [-1, 1] up to rounding; not clamped */
    double angle_degrees;  /* by Kahan's formula: 2 atan2(||u-v||, ||u+v||) of the unit rows: exact
                              near 0 and 180 */
    double dot;            /* a.b of the rows as they are */
    double euclidean;      /* ||a - b||, from the difference vector */
    double unit_euclidean; /* ||u - v|| of the unit rows, from the difference vector: sqrt(2 - 2
                              cos) */
    double pearson;        /* the cosine of the rows less their own means */
    double z_random; /* cosine * sqrt(d): standard deviations of random directions, Var = 1/d */
    double p_random; /* P(cos >= t) of random directions, upper tail, regularised incomplete beta */
    double
        percentile; /* of this space's own pairs, 0 ... 100: see es_similarity.percentile_pairs */
} es_pair;

typedef struct es_token_norm {
    int64_t id; /* -1: pooled */
    char *text;
    size_t text_size;
    double norm;
} es_token_norm;

typedef struct es_similarity {
    int64_t token_count;
    es_token_norm *tokens;
    double *cosine; /* (token_count, token_count), diagonal exactly 1; NULL for listed pairs */
    int64_t pair_count;
    es_pair *pairs; /* every pair i<j, or the pairs listed */
    /* How many pairs the percentile stands on: all pairs of the space where they are a million or
     * fewer; else 1,002,240 drawn with a fixed seed: 6,960 rows without replacement, in 145 groups
     * of 48, each group against the next three (as many whole groups as there are rows for, where
     * there are fewer). percentile = 100 * share of them with a smaller
     * cosine (float32); NaN where there are none. */
    int64_t percentile_pairs;
} es_similarity;

/* All pairs i<j of a selection of two or more items. Release with es_similarity_release(). */
es_status es_similarity_compute(es_space *space, const es_selection *selection,
                                es_similarity *similarity, es_error *error);

/* The pairs (2 i, 2 i + 1) of a selection of an even number of items. */
es_status es_similarity_compute_pairs(es_space *space, const es_selection *selection,
                                      es_similarity *similarity, es_error *error);
void es_similarity_release(es_similarity *similarity);

/* Random directions in d dimensions: (t+1)/2 ~ Beta((d-1)/2, (d-1)/2). P(cos >= t), and the level t
 * that is passed once among `pairs` pairs: P(cos >= t) = 1/pairs. d >= 2; for d = 1 a cosine is -1
 * or 1, each half the time. */
double es_random_cosine_tail(double t, int64_t d);
double es_random_cosine_level(double pairs, int64_t d);

ES_END_DECLARATIONS
#endif
