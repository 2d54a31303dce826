/* A space of chosen rows of another one, in memory: what an analysis of whole tables needs to look
 * at a part. */
#ifndef ES_SPACE_GATHER_H
#define ES_SPACE_GATHER_H

#include "space/space.h"

/* Rows ids[0 .. count) of `space`, in this order, ids may repeat: as stored, of the same type, read
 * without loading the rest. The transform is the fitted one of `space`, which must outlive *out;
 * rows are named by their numbers. Release with es_space_free(). */
es_status es_space_gather(es_space *space, const int64_t *ids, int64_t count, es_space **out,
                          es_error *error);

#endif
