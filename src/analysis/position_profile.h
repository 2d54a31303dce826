/* How the cosines of a table of positions depend on the distance |i - j|. */
#ifndef ES_ANALYSIS_POSITION_PROFILE_H
#define ES_ANALYSIS_POSITION_PROFILE_H

#include "space/space.h"

#include <embscope/positions.h>

/* The table in float64, an undefined row all zero. */
typedef struct es_position_rows {
    const es_kernel *kernel;
    int64_t n, d, count;         /* positions, columns, defined rows */
    const unsigned char *states; /* (n) */
    const int64_t *ids;          /* (count): the defined ones */
    double *unit;                /* (n, d): their unit rows */
    int threads;
    double squares; /* sum of ||u||^2, which is count but for rounding */
    double *sum;    /* (d): of the unit rows */
} es_position_rows;

/* Fill what es_positions says of pairs, but for the shuffles: mean, standard_deviation, profile,
 * toeplitz_share. */
es_status es_position_profile(const es_position_rows *rows, es_positions *positions,
                              const es_progress *progress, es_error *error);

/* positions->shuffles orders of the defined rows among their places. Needs the profile. */
es_status es_position_shuffles(const es_position_rows *rows, uint64_t seed, es_positions *positions,
                               const es_progress *progress, es_error *error);

/* positions->map of positions->map_side. */
es_status es_position_map(const es_position_rows *rows, es_positions *positions, es_error *error);

#endif
