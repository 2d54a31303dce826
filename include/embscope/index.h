/* A space packed in memory for many queries: the rows nearest to a vector, exactly, in a fraction
 * of the time that reading the table takes.
 *
 *     es_index *index = NULL;
 *     int64_t ids[10], count = 0;
 *     double cosines[10];
 *     if (es_index_create(space, NULL, &index, &error) ||
 *         es_index_query(index, vector, 10, NULL, 0, ids, cosines, &count, &error)) ...
 *     for (int64_t i = 0; i < count; i++) printf("%lld %+.4f\n", (long long)ids[i], cosines[i]);
 *     es_index_free(index);
 *
 * The answers are those of a float64 brute force (es_neighbors_of_vector): by cosine, then by id,
 * duplicates kept, undefined rows left out; the k first of k + 1 answers are those of k. They do
 * not depend on the number of threads or on the instruction set. docs/mathematics.md says why. */
#ifndef EMBSCOPE_INDEX_H
#define EMBSCOPE_INDEX_H

#include <embscope/progress.h>
#include <embscope/space.h>

ES_BEGIN_DECLARATIONS

typedef struct es_index es_index;

typedef struct es_index_options {
    int threads;          /* 0: as many as the machine has */
    es_progress progress; /* rows packed, or queries answered */
} es_index_options;

/* Pack the defined rows of `space`, which is borrowed and must outlive the index: its rows, loaded,
 * decide in the end. About a quarter of the table in float32 besides. BAD_INPUT where no row is
 * defined, UNSUPPORTED past 65,536 columns, CANCELLED. The caller's, for es_index_free(). */
es_status es_index_create(es_space *space, const es_index_options *options, es_index **index,
                          es_error *error);
void es_index_free(es_index *index); /* NULL is legal */

int64_t es_index_row_count(const es_index *index); /* of defined rows */

/* The k >= 1 rows nearest to `vector` (columns of the space), those in excluded[0 ..
 * excluded_count) left out by id. ids and cosines are (k), nearest first; *count is how many there
 * are: k, unless the space has fewer. BAD_INPUT: a vector that is zero or not finite; BAD_ARGUMENT:
 * k < 1. On one thread; several threads may ask one index at once. */
es_status es_index_query(es_index *index, const double *vector, int64_t k, const int64_t *excluded,
                         int64_t excluded_count, int64_t *ids, double *cosines, int64_t *count,
                         es_error *error);

/* The same of query_count vectors, (query_count, columns). `excluded` is NULL, or one id for each
 * query, -1 for none. ids and cosines are (query_count, k); where there are fewer rows than k, the
 * rest of a row holds -1 and NaN. The error names the first query that cannot be asked. */
es_status es_index_query_many(es_index *index, const double *vectors, int64_t query_count,
                              int64_t k, const int64_t *excluded, const es_index_options *options,
                              int64_t *ids, double *cosines, es_error *error);

ES_END_DECLARATIONS
#endif
