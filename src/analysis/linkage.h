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
 * reverse, equally good, the one whose first leaf is the smaller. `progress` may be NULL. */
es_status es_leaf_order(int64_t n, const double *distance, const es_merge *merges, int threads,
                        const es_progress *progress, int64_t *order, es_error *error);

/* Correlation of the distances with the heights at which the tree joins their items, over pairs
 * i < j (SciPy's cophenet); NaN where either is constant up to rounding. O(n^2). */
es_status es_cophenetic_correlation(int64_t n, const double *distance, const es_merge *merges,
                                    double *correlation, es_error *error);

/* Labels (n), from 0 in the order of the leaves (NULL: of the items), of at most `clusters` groups:
 * the tree without its last clusters - 1 merges, as SciPy's fcluster(criterion="maxclust") cuts it;
 * merges of one height stay together, so that there may be fewer. `roots` (2n) is scratch. Returns
 * how many there are. */
int64_t es_tree_cut(int64_t n, const es_merge *merges, int64_t clusters, const int64_t *order,
                    int64_t *labels, int64_t *roots);

#endif
