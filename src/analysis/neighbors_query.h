/* What a user's words ask for, as a vector. */
#ifndef ES_ANALYSIS_NEIGHBORS_QUERY_H
#define ES_ANALYSIS_NEIGHBORS_QUERY_H

#include <embscope/neighbors.h>

/* The vector of a query to vector (columns), and how it reads and the ids of its words to *answer,
 * which is to be released in any case. BAD_ARGUMENT: no word. */
es_status es_read_query(es_space *space, const es_query *query, double *vector,
                        es_neighbors *answer, es_error *error);

/* How terms read, malloc'ed, NULL where memory is short: a token's own text; of a sum `"king" -
 * "man" + "woman"`, for where a text begins must be seen. */
char *es_query_label(const es_selection *terms, const int *signs, bool is_sum);

/* The error of a query whose vector has no direction. */
es_status es_fail_undefined_query(const char *label, es_error *error);

/* Is es_neighbors_of_many() made for this: nearest rows by cosine, of so many queries that packing
 * the table pays? */
bool es_neighbors_are_many(const es_space *space, int64_t count,
                           const es_neighbors_options *options);

/* es_neighbors_of_queries() through an index: the same answers. */
es_status es_neighbors_of_many(es_space *space, const es_query *queries, int64_t count,
                               const es_neighbors_options *options, es_neighbors *answers,
                               es_error *error);

#endif
