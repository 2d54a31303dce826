/* The knn graph: the exact k nearest rows of every row, by cosine, and what it says of the space.
 */
#ifndef EMBSCOPE_KNN_H
#define EMBSCOPE_KNN_H

#include <embscope/progress.h>
#include <embscope/space.h>

ES_BEGIN_DECLARATIONS

typedef struct es_knn_options {
    int64_t k;   /* 0: 10; at most the defined rows less one */
    int threads; /* 0: as many as the machine has */
    es_progress progress;
} es_knn_options;

enum { ES_KNN_LISTED = 10 };

/* A row and how many rows have it among their k nearest. */
typedef struct es_hub {
    int64_t id, occurrences;
} es_hub;

typedef struct es_near_pair {
    int64_t a, b; /* a < b */
    double cosine;
} es_near_pair;

typedef struct es_knn {
    int64_t rows, k;
    int64_t left_out; /* undefined rows */
    /* Neighbours of row i at [i * k, (i + 1) * k): what a float64 brute force returns, ordered by
     * cosine, then by id, the row itself left out by id. A left-out row holds -1 and NaN. */
    int32_t *ids;   /* (rows, k) */
    float *cosines; /* (rows, k): the float64 cosines, rounded */

    /* k-occurrence N_k: in how many lists a row stands (Radovanovic et al. 2010). */
    double hubness_skewness; /* E[(N - k)^3] / sigma^3; NaN where all are equal */
    double antihub_share;    /* rows that stand in no list */
    int64_t maximum_occurrence;
    int32_t *occurrences;       /* (rows) N_k; -1 where left out */
    es_hub hubs[ES_KNN_LISTED]; /* most often first, then by id */
    int64_t hub_count;
    double mutual_share; /* share of the graph's n k edges whose reverse is in the graph, too */
    es_near_pair pairs[ES_KNN_LISTED]; /* the most similar pairs of the graph */
    int64_t pair_count;
    int64_t duplicate_rows; /* rows whose stored bytes equal an earlier row's */
    /* TwoNN (Facco et al. 2017) on chord distances of unit rows; NaN below 3 usable rows, or for
     * k < 2. */
    double twonn_dimension;
    int64_t twonn_dropped; /* rows with a nearest neighbour at distance zero */
} es_knn;

/* Over all defined rows (2 at least: BAD_INPUT otherwise). k past what there is: BAD_ARGUMENT.
 * Release with es_knn_release(). */
es_status es_knn_compute(es_space *space, const es_knn_options *options, es_knn *knn,
                         es_error *error);
void es_knn_release(es_knn *knn);

/* TwoNN of `n` points from the ratios r2 / r1 >= 1 of each (reordered): the slope through zero of
 * -log(1 - F) on log mu, F_i = i / n from 1, the largest 10 % of ratios discarded. */
double es_twonn_dimension(double *ratios, int64_t n);

/* TwoNN of `n` points (n, d) by Euclidean distance, every pair looked at: n^2 d work. *dropped
 * counts the points with another one at distance zero; *dimension is NaN below 3 others. Points
 * are finite (BAD_INPUT names one that is not). threads: 0 for all. */
es_status es_twonn_points(const double *points, int64_t n, int64_t d, int threads,
                          double *dimension, int64_t *dropped, es_error *error);

ES_END_DECLARATIONS
#endif
