/* Where the centres lie in the plane that shows most of them. */
#ifndef ES_ANALYSIS_CLUSTER_MAP_H
#define ES_ANALYSIS_CLUSTER_MAP_H

#include <embscope/cluster.h>

/* Fill x and y of every cluster, and map_share: the two leading principal directions of the
 * centres, each centre counted once. Left undefined for fewer than 3 clusters. */
es_status es_cluster_map(es_clusters *clusters, es_error *error);

#endif
