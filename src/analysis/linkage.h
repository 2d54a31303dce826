/* Average linkage and the order of its leaves. */
#ifndef ES_ANALYSIS_LINKAGE_H
#define ES_ANALYSIS_LINKAGE_H

#include "base/status.h"

#include <embscope/matrix.h>

/* Average linkage (UPGMA) of n >= 2 items from their distances (n, n), symmetric, as SciPy's
 * linkage(method="average") lays it out: n - 1 merges in order of height, a < b. By
 * nearest-neighbour chains (Murtagh 1983), O(n^2). `distance` is overwritten. */
es_status es_linkage_average(int64_t n, double *distance, es_merge *merges, es_error *error);

/* The order of leaves that keeps the tree's crossings-free drawing and makes the sum of distances
 * between neighbours least (Bar-Joseph, Gifford, Jaakkola 2001), O(n^3). Of an order and its
 * reverse, equally good, the one whose first leaf is the smaller. */
es_status es_leaf_order(int64_t n, const double *distance, const es_merge *merges, int64_t *order,
                        es_error *error);

#endif
