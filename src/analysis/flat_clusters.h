/* Silhouettes, and how many clusters a tree is cut into. */
#ifndef ES_ANALYSIS_FLAT_CLUSTERS_H
#define ES_ANALYSIS_FLAT_CLUSTERS_H

#include "analysis/linkage.h"

/* Silhouettes (n) of items with labels 0 ... count-1 (Rousseeuw 1987), as scikit-learn's
 * silhouette_samples(metric="precomputed"): (b - a) / max(a, b), a the mean distance to the others
 * of its cluster, b the least mean distance to another cluster; 0 for an item alone, and where both
 * are 0. All NaN unless 2 <= count < n. Returns their mean in *mean. */
es_status es_silhouettes(int64_t n, const double *distance, const int64_t *labels, int64_t count,
                         int threads, const es_progress *progress, double *silhouettes,
                         double *mean, es_error *error);

/* The cut into `clusters->asked` clusters, or, where that is 0, into the number from 2 to min(n -
 * 1, 20) with the largest mean silhouette (of equal ones the smallest), with all its figures.
 * `order` may be NULL. Release with es_flat_clusters_release(), whether it failed or not. */
es_status es_flat_clusters_make(int64_t n, const double *distance, const es_merge *merges,
                                const int64_t *order, int threads, const es_progress *progress,
                                es_flat_clusters *clusters, es_error *error);
void es_flat_clusters_release(es_flat_clusters *clusters);

#endif
