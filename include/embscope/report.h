/* The article on cosine similarity in an embedding space, walked through on one model: the numbers
 * of every section. */
#ifndef EMBSCOPE_REPORT_H
#define EMBSCOPE_REPORT_H

#include <embscope/audit.h>
#include <embscope/cluster.h>
#include <embscope/distribution.h>
#include <embscope/info.h>
#include <embscope/knn.h>
#include <embscope/matrix.h>
#include <embscope/neighbors.h>
#include <embscope/positions.h>
#include <embscope/predict.h>
#include <embscope/similarity.h>
#include <embscope/spectrum.h>
#include <embscope/tying.h>

ES_BEGIN_DECLARATIONS

/* All zero is the default: words chosen among a built-in list, those that are single tokens of the
 * model (for a model that knows fewer than three of them, rows drawn with a fixed seed). */
typedef struct es_report_options {
    const char *const
        *words; /* the tokens to look at; the first three are the article's cat, dog, banana */
    int64_t word_count;
    es_selection_options selection;
    es_space *positions; /* the model's position table (borrowed, as the space is), or NULL */
    es_model *model; /* the model of these rows, to be run on the prompt, or NULL: no prediction,
                        and then model_missing. Taken over, whatever comes of the call: it is freed
                        as soon as nothing needs it, with the report at the latest */
    const char *model_missing; /* why there is none, in a line, or NULL */
    es_bytes prompt; /* what it goes on from; NULL data: a short text of the library's own, which is
                        passed over where it has no tokens here */
    double most_products; /* 0: 3e12; more multiplications than this, n^2 d / 2, are too long to
                             wait for: the pairs are those of a sample, and there is no graph */
    int threads;
    es_progress progress;
} es_report_options;

enum { ES_REPORT_QUERIES = 4 };

/* A token's place on the map; a named one is among the report's words. */
typedef struct es_map_point {
    int64_t id;
    double x, y;
    bool named;
} es_map_point;

/* The unit rows on their two leading principal directions. */
typedef struct es_token_map {
    int64_t count;
    es_map_point *points; /* (count) by id: the report's words, and others drawn by lot */
    double share[2];      /* of the unit rows' variance, along x and y */
    /* Of tokens drawn by lot: the mean share of their k nearest by cosine that are among their k
     * nearest on the map, where all tokens are; by chance k / (n - 1). NaN below 4 rows. */
    int64_t tested, k;
    double kept, chance;
} es_token_map;

typedef struct es_report {
    const es_space *space; /* borrowed: must outlive the report */
    es_info info;
    es_similarity pairs; /* the first tokens against each other: sections 2 and 3 of the article */
    es_selection
        pair_tokens;      /* what `pairs` compares; the first two are drawn against each other */
    double *pair_vectors; /* (2, columns) */
    int64_t query_count;
    es_neighbors queries[ES_REPORT_QUERIES]; /* neighbours of the first tokens; the first keeps
                                                every cosine */
    es_matrix matrix;                        /* the local matrix of all chosen words */
    es_distribution distribution;            /* of rows drawn by lot where there are too many */
    bool has_knn;                            /* else there were too many rows, or two */
    es_knn knn;                              /* k = 10, or fewer rows less one */
    bool has_spectrum; /* else there are more columns than ES_SPECTRUM_COLUMNS */
    es_spectrum spectrum;
    es_clusters clusters; /* 20 of them, or fewer */
    es_audit audit;       /* without near pairs, which the graph has */
    bool has_map;         /* else there are no two directions */
    es_token_map map;
    bool has_positions;
    const es_space *position_space; /* borrowed */
    es_positions positions;
    bool has_prediction;
    es_predictions prediction;   /* after the prompt, with the lens and every row's logit */
    es_attribution *attribution; /* of the first token's logit less the second's */
    const es_space *unembedding; /* whose rows are the candidates; `space` where they are tied */
    es_model *model;             /* kept where they are not; the report's own */
    char *model_missing;         /* why there is no prediction, or NULL */
    bool has_tying;              /* E and W_out differ, and n^2 d is at most 1e12 */
    es_tying_geometry tying;
    double order_spearman; /* rank correlation of the cosine order and the raw Euclidean order, from
                              the first query */
} es_report;

es_status es_report_compute(es_space *space, const es_report_options *options, es_report *report,
                            es_error *error);
void es_report_release(es_report *report);

ES_END_DECLARATIONS
#endif
