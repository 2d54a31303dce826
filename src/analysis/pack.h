/* A space's defined rows as unit rows in float32, packed for the tile driver. */
#ifndef ES_ANALYSIS_PACK_H
#define ES_ANALYSIS_PACK_H

#include "kernel/tiles.h"
#include "space/space.h"

/* ids[p] is the space's row at packed place p, ascending. All zero is empty. */
typedef struct es_packed_space {
    es_packed packed;
    int64_t *ids;
    int64_t defined; /* rows that could be packed */
} es_packed_space;

es_status es_pack_space(es_space *space, int threads, es_packed_space *pack, es_error *error);

/* The same of at most `most` rows drawn by lot. */
es_status es_pack_sample(es_space *space, int64_t most, uint64_t seed, int threads,
                         es_packed_space *pack, es_error *error);
void es_packed_space_release(es_packed_space *pack);

#endif
