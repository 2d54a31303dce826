/* The rows nearest to a query: what a float64 brute force returns, ordered by score, then by id. */
#ifndef EMBSCOPE_NEIGHBORS_H
#define EMBSCOPE_NEIGHBORS_H

#include <embscope/progress.h>
#include <embscope/selection.h>

ES_BEGIN_DECLARATIONS

typedef enum es_metric {
    ES_METRIC_COSINE = 0,    /* u.v, larger is nearer */
    ES_METRIC_DOT = 1,       /* q.v of the rows as they are, larger is nearer */
    ES_METRIC_EUCLIDEAN = 2, /* ||q - v|| of the rows as they are, smaller is nearer */
    ES_METRIC_CSLS =
        3, /* 2 cos - r(q) - r(v), r the mean cosine to the 10 nearest rows (Lample et al. 2018) */
} es_metric;

typedef struct es_neighbors_options {
    int64_t k; /* 0: 20; at most the rows there are */
    es_metric metric;
    bool all; /* every row that passes `minimum`, not the k nearest */
    bool has_minimum;
    double minimum;     /* keep scores >= minimum (euclidean: <=) */
    bool farthest;      /* the other end of the order */
    bool include_input; /* keep the query's own tokens in the answer */
    bool keep_scores;   /* fill `cosines` with every row's cosine, for a plot */
    int threads;        /* 0: as many as the machine has */
    es_progress progress;
} es_neighbors_options;

typedef struct es_neighbor {
    int64_t id;
    es_bytes text; /* the vocabulary's */
    double cosine;
    double score; /* under the metric; equal to cosine for ES_METRIC_COSINE */
} es_neighbor;

typedef struct es_neighbors {
    es_metric metric;
    bool farthest;
    char *query; /* how it reads: a token's text or a label; of a sum `"king" - "man" + "woman"` */
    bool is_sum; /* more than one term: `query` has quotes of its own */
    int64_t *own_ids; /* (own_count) the rows of the query's words; NULL for a vector */
    int64_t own_count;
    double query_norm;
    int64_t count;
    es_neighbor *neighbors; /* rank 1 first */
    int64_t left_out;       /* undefined rows */
    double *cosines;        /* (rows) where keep_scores, NaN for undefined rows; else NULL */
} es_neighbors;

/* Nearest rows to one term, or to a signed sum of terms: sum_i sign_i u_i over unit rows, as
 * gensim's most_similar (one positive term is the row itself). signs is (selection->count), each +1
 * or -1. The terms' own rows are left out by id, so that a duplicate of theirs stays. Release with
 * es_neighbors_release(). */
es_status es_neighbors_of_terms(es_space *space, const es_selection *terms, const int *signs,
                                const es_neighbors_options *options, es_neighbors *neighbors,
                                es_error *error);

/* One of several queries: terms and their signs, as above. */
typedef struct es_query {
    es_selection terms;
    const int *signs;
} es_query;

/* The same for `count` queries: answers is (count), yours; what all queries share is computed once.
 * On failure no answer is left. */
es_status es_neighbors_of_queries(es_space *space, const es_query *queries, int64_t count,
                                  const es_neighbors_options *options, es_neighbors *answers,
                                  es_error *error);

/* Nearest rows to a vector of `columns` components; `label` names it. */
es_status es_neighbors_of_vector(es_space *space, const double *vector, const char *label,
                                 const es_neighbors_options *options, es_neighbors *neighbors,
                                 es_error *error);
void es_neighbors_release(es_neighbors *neighbors);

/* A vector of `columns` float64 from a .npy file of shape (d), (1,d) or (d,1): *vector is the
 * caller's to free. */
es_status es_vector_read(const char *path, int64_t columns, double **vector, es_error *error);

const char *es_metric_text(es_metric metric); /* "cosine" ... */
es_status es_metric_parse(const char *text, es_metric *metric, es_error *error);

ES_END_DECLARATIONS
#endif
