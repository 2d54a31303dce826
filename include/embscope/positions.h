/* The geometry of a position table: row i is the vector that a model adds for position i. How
 * cosines depend on the distance |i - j|, which waves the leading directions are, how long the rows
 * are. */
#ifndef EMBSCOPE_POSITIONS_H
#define EMBSCOPE_POSITIONS_H

#include <embscope/progress.h>
#include <embscope/space.h>

ES_BEGIN_DECLARATIONS

typedef struct es_positions_options {
    int64_t components; /* 0: 8; at most 64 leading directions */
    int64_t shuffles;   /* 0: 19; orders of the rows drawn by lot, at most 9,999 */
    uint64_t seed;      /* of the shuffles; the same on every machine */
    int threads;        /* 0: as many as the machine has */
    es_progress progress;
} es_positions_options;

enum {
    ES_POSITIONS_ROWS = 65536,   /* more rows are no position table */
    ES_POSITIONS_PAIRWISE = 8192 /* up to here the spread at each distance is computed, too */
};

/* The cosines of all pairs that are this far apart. */
typedef struct es_position_distance {
    int64_t distance, pairs;
    double mean;               /* NaN where there is no pair */
    double standard_deviation; /* population; NaN past ES_POSITIONS_PAIRWISE rows */
} es_position_distance;

/* A leading direction of the centred table, and the strongest wave in the table's projection on it,
 * read along the positions. */
typedef struct es_position_component {
    double variance, share; /* of the projection; of the table's variance */
    double period;          /* of the peak, in positions; NaN where nothing varies */
    double peak_share;      /* of the projection's variance that this one frequency has */
} es_position_component;

typedef struct es_positions {
    int64_t rows, left_out; /* positions, and those without a direction, which are left out */
    int64_t pairs;
    double mean, standard_deviation; /* of the cosines of all pairs */
    int64_t distance_count;          /* rows - 1 */
    es_position_distance *profile;   /* (distance_count): distance 1, 2, ... */

    /* The share of the variance of the pairs' cosines that their distance explains; NaN where all
     * cosines are equal. The same with the rows in orders drawn by lot. */
    double toeplitz_share;
    int64_t shuffles;
    double shuffled_mean, shuffled_maximum;
    double toeplitz_p; /* (1 + how many of the orders reach the share) / (1 + orders) */

    double *norms; /* (rows), NaN where left out */
    double norm_quartiles[3];
    int64_t shortest, longest; /* positions of the smallest and the largest norm */

    /* Covariance of the rows (population). None where the smaller of rows and columns is past
     * 3,072, or where all rows are equal. */
    int64_t eigenvalue_count;
    double *eigenvalues; /* descending */
    double total_variance;
    double effective_rank; /* exp(entropy of the eigenvalues' shares) */
    int64_t components_90; /* as many directions hold 90 % of the variance */
    int64_t component_count;
    es_position_component *components;
    double *projections; /* (component_count, rows); NaN where left out; largest one positive */

    /* The cosine matrix, block means over equal stretches of positions (i = j left out, but for
     * stretches of one, whose diagonal is 1); NaN where nothing is defined. */
    int64_t map_side;
    float *map; /* (map_side, map_side) */
} es_positions;

/* Row i is position i. Two defined rows at least and ES_POSITIONS_ROWS at most (BAD_INPUT
 * otherwise). Holds the table in float64, and nothing n x n. Release with es_positions_release().
 */
es_status es_positions_compute(es_space *space, const es_positions_options *options,
                               es_positions *positions, es_error *error);
void es_positions_release(es_positions *positions);

ES_END_DECLARATIONS
#endif
