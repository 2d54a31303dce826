/* What could be among the k best of one query, by proven intervals. */
#ifndef ES_ANALYSIS_NEAR_LIST_H
#define ES_ANALYSIS_NEAR_LIST_H

#include "base/status.h"

#include <stdint.h>

typedef struct es_near {
    int64_t place;
    float lower, upper; /* of the cosine */
} es_near;

/* Place by place, each once. `least` is the k-th best lower end so far: whose upper end is below it
 * cannot be among the k best. It only rises. All zero is empty and unusable: see the functions. */
typedef struct es_near_list {
    int64_t k, count, capacity, heap_capacity, ranked;
    es_near *items;
    float *best; /* the `ranked` <= k best lower ends, a heap with the smallest on top */
    float least;
} es_near_list;

/* Empty the list for another query; storage is kept. */
es_status es_near_begin(es_near_list *list, int64_t k, es_error *error);
es_status es_near_push(es_near_list *list, es_near near, es_error *error);

/* Drop what is known by now not to be among the k best. */
void es_near_cut(es_near_list *list);
void es_near_release(es_near_list *list);

/* The k-th largest (from 0) of values[0 .. count), which are reordered. */
float es_select_largest(float *values, int64_t count, int64_t k);

#endif
