/* The parts of a comparison: a model's rows of the shared tokens, made once, and what is measured
 * between two of them. `drift` goes through a series with the same parts. */
#ifndef ES_ANALYSIS_COMPARE_PARTS_H
#define ES_ANALYSIS_COMPARE_PARTS_H

#include "analysis/stages.h"
#include "space/space.h"

#include <embscope/compare.h>
#include <embscope/knn.h>
#include <embscope/spectrum.h>

/* One model on n items: row i is item i, all of them defined. All zero is empty; release with
 * es_model_part_release(). */
typedef struct es_model_part {
    es_space *space;
    int64_t n, d;
    int scale;    /* stored rows are taken times 2^-scale: squares stay in range */
    double *mean; /* (d) of them */
    es_knn knn;   /* by es_model_part_neighbors() */
    bool described;
    double mean_cosine, second; /* E[cos], E[cos^2] over pairs, with the first pair compared */
    es_eigenvalues spectrum;    /* of the covariance of the unit rows */
    double stored_ratio; /* participation ratio of the covariance of the stored rows; NaN: none */
} es_model_part;

/* Gather rows ids[i * stride], i < n, of `space`, which must outlive the part. */
es_status es_model_part_make(es_space *space, const int64_t *ids, int64_t n, int64_t stride,
                             int threads, es_model_part *part, es_error *error);
es_status es_model_part_neighbors(es_model_part *part, int64_t k, int threads,
                                  const es_progress *progress, es_error *error);
void es_model_part_release(es_model_part *part);

/* What a call that compares two parts goes by. */
typedef struct es_pair_job {
    es_model_part *a, *b;
    int64_t permutations, resamples, sample, shown; /* as the options, none of them 0 but for the
                                                       first two: the default of each measure */
    uint64_t seed;
    int threads;
    double *turn; /* (columns of a, columns of b), or NULL: becomes the rotation R of Procrustes */
    es_stages *stages;
    int64_t ranked; /* items up to which rank correlations are exact */
    double closed_weight, chance_weight, neighbors_weight, rank_weight,
        whole_weight; /* of stages */
} es_pair_job;

/* RSA, CKA and Procrustes in closed form, from two Gram matrices of both tables side by side; the
 * spectrum of either model where it is not there yet. Needs no neighbours. */
es_status es_pair_closed(es_pair_job *job, es_pair_comparison *pair, es_error *error);

/* The chance level and the score of each of them, and the interval of RSA, over a sample. */
es_status es_pair_chance(es_pair_job *job, es_pair_comparison *pair, es_error *error);

/* The chance level of RSA over all pairs instead, of its figures by es_pair_closed(); how many
 * permutations that is for n items of da and db columns. */
es_status es_pair_whole_chance(es_pair_job *job, es_rsa *rsa, es_error *error);
int64_t es_whole_permutations(const es_pair_job *job, int64_t n, int64_t da, int64_t db);

/* Overlap of the parts' neighbours, its chance, and the tokens that moved. pair->moved and ->stable
 * become arrays of job->shown at most, whose lists point into the parts' graphs. */
es_status es_pair_neighbors(es_pair_job *job, es_pair_comparison *pair, es_error *error);

/* What of it is not drawn by lot: *overlap without its chance; common, (n), how many neighbours of
 * each item stand in both lists; drift, (n) or NULL, as es_moved_token has it. */
es_status es_pair_lists(const es_pair_job *job, const es_progress *progress, int64_t *common,
                        double *drift, es_neighbor_overlap *overlap, es_error *error);

/* Rank correlations. Two packed tables beside the parts, or 20 bytes a pair. */
es_status es_pair_ranks(es_pair_job *job, es_rsa *rsa, es_error *error);

/* Items of a sample, ascending, drawn by lot: malloc'ed; *count of n at most. */
es_status es_sample_items(int64_t n, int64_t wanted, uint64_t seed, int64_t **items, int64_t *count,
                          es_error *error);

/* A permutation of 0 ... n-1: number `index` under `seed`. */
void es_draw_permutation(uint64_t seed, int64_t index, int64_t n, int32_t *order);

/* Fill *chance from the observed value and `permutations` permuted ones, which are sorted. */
void es_chance_fill(es_chance *chance, int64_t items, double observed, double *permuted,
                    int64_t permutations);

/* What the figures of a pair show, from job->turn and pair->moved. */
es_status es_pair_figures(es_pair_job *job, es_pair_comparison *pair, es_error *error);

/* `count` tables side by side, (n, columns of all): unit rows, or stored rows less their mean, as
 * `read` of an es_summands. squares, where not NULL, receives the squared lengths of each table's
 * rows, (count, n); ids, where not NULL, which items. */
typedef struct es_joined_rows {
    es_model_part *parts[2];
    bool centered;
    const int64_t *ids;
    double *squares[2];
} es_joined_rows;
es_status es_joined_read(void *joined_rows, int64_t first, int64_t count, double *out,
                         es_error *error);

#endif
