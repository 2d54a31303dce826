/* Which rows have one and the same direction, to the bit: their cosines with any row are equal. */
#ifndef ES_ANALYSIS_ROW_CLASSES_H
#define ES_ANALYSIS_ROW_CLASSES_H

#include "space/space.h"

/* class_of[p] is the first place whose unit row has the bits of that of place p; place p is the
 * space's row ids[p], defined. *class_of is malloc'ed, (count). Every row is read once, and once
 * more where fingerprints agree. */
es_status es_row_classes(es_space *space, const int64_t *ids, int64_t count, int threads,
                         int64_t **class_of, es_error *error);

#endif
