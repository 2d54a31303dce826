/* A map of the vocabulary: its tokens in a plane, and what the plane keeps of their neighbourhoods.
 */
#ifndef ES_ANALYSIS_TOKEN_MAP_H
#define ES_ANALYSIS_TOKEN_MAP_H

#include "space/space.h"

#include <embscope/report.h>

/* From every row's place in the plane, (rows, 2), NaN where undefined. `named` tokens are always on
 * the map. `graph` may be NULL: the nearest of few tokens are then looked for. map->share is the
 * caller's to fill. Release with es_token_map_release(). */
es_status es_token_map_fill(es_space *space, const double *plane, const es_selection *named,
                            const es_knn *graph, uint64_t seed, int threads, es_token_map *map,
                            es_error *error);
void es_token_map_release(es_token_map *map);

#endif
