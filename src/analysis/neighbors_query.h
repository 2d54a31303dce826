/* What a user's words ask for, as a vector. */
#ifndef ES_ANALYSIS_NEIGHBORS_QUERY_H
#define ES_ANALYSIS_NEIGHBORS_QUERY_H

#include <embscope/neighbors.h>

typedef struct es_asked {
    char *label;       /* `"king" - "man"`: how it reads */
    int64_t *excluded; /* the ids of the words' own rows */
    int64_t excluded_count;
} es_asked;

/* The vector of a query to query (columns), and what goes with it, to be released. BAD_ARGUMENT: no
 * word. */
es_status es_asked_read(es_space *space, const es_query *query, double *vector, es_asked *asked,
                        es_error *error);
void es_asked_release(es_asked *asked);

/* The error of a query whose vector has no direction. */
es_status es_asked_fail_undefined(const char *label, es_error *error);

/* Is es_neighbors_of_many() made for this: nearest rows by cosine, of so many queries that packing
 * the table pays? */
bool es_neighbors_are_many(const es_space *space, int64_t count,
                           const es_neighbors_options *options);

/* es_neighbors_of_queries() through an index: the same answers. */
es_status es_neighbors_of_many(es_space *space, const es_query *queries, int64_t count,
                               const es_neighbors_options *options, es_neighbors *answers,
                               es_error *error);

#endif
