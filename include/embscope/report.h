/* The article on cosine similarity in an embedding space, walked through on one model: the numbers
 * of every section. */
#ifndef EMBSCOPE_REPORT_H
#define EMBSCOPE_REPORT_H

#include <embscope/distribution.h>
#include <embscope/info.h>
#include <embscope/matrix.h>
#include <embscope/neighbors.h>
#include <embscope/similarity.h>

ES_BEGIN_DECLARATIONS

/* All zero is the default: words chosen among a built-in list, those that are single tokens of the
 * model (for a model that knows fewer than three of them, rows drawn with a fixed seed). */
typedef struct es_report_options {
    const char *const
        *words; /* the tokens to look at; the first three are the article's cat, dog, banana */
    int64_t word_count;
    es_selection_options selection;
    int threads;
    es_progress progress;
} es_report_options;

enum { ES_REPORT_QUERIES = 4 };

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
    es_distribution distribution;
    double order_spearman; /* rank correlation of the cosine order and the raw Euclidean order, from
                              the first query */
} es_report;

es_status es_report_compute(es_space *space, const es_report_options *options, es_report *report,
                            es_error *error);
void es_report_release(es_report *report);

ES_END_DECLARATIONS
#endif
