/* What a knn graph says of its space. */
#ifndef ES_ANALYSIS_KNN_GRAPH_H
#define ES_ANALYSIS_KNN_GRAPH_H

#include "space/space.h"

#include <embscope/knn.h>

/* Fill hubness, mutual share, most similar pairs and TwoNN from knn->ids and knn->cosines. */
es_status es_knn_describe(es_space *space, es_knn *knn, int threads, es_error *error);

#endif
