/* A space's defined rows as unit rows in float32, packed for the tile driver. */
#ifndef ES_ANALYSIS_PACK_H
#define ES_ANALYSIS_PACK_H

#include "kernel/tiles.h"
#include "space/space.h"

/* ids[p] is the space's row at packed place p, ascending. All zero is empty. */
typedef struct es_packed_space {
    es_packed packed;
    int64_t *ids;
    uint64_t *fingerprints; /* equal for equal unit rows */
} es_packed_space;

es_status es_pack_space(es_space *space, int threads, es_packed_space *pack, es_error *error);
/* class_of[p] is the first place whose unit row has the bits of place p's: malloc'ed. Reads rows
 * again only where fingerprints agree. */
es_status es_packed_classes(es_space *space, const es_packed_space *pack, int64_t **class_of,
                            es_error *error);

void es_packed_space_release(es_packed_space *pack);

#endif
