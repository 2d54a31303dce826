/* The distribution of all n(n-1)/2 cosines of a space, against the law of random directions.
 * Nothing n x n is stored. */
#ifndef EMBSCOPE_DISTRIBUTION_H
#define EMBSCOPE_DISTRIBUTION_H

#include <embscope/progress.h>
#include <embscope/space.h>

ES_BEGIN_DECLARATIONS

typedef struct es_distribution_options {
    int64_t bins;   /* 0: 2000, over [-1, 1] */
    bool per_row;   /* each row's mean cosine to all others */
    bool certified; /* every bin counts the pairs whose float64 cosine lies in it, no other */
    int64_t sample; /* 0: all rows; else so many at most, drawn by lot */
    uint64_t seed;  /* of the lot */
    int threads;    /* 0: as many as the machine has */
    es_progress progress;
} es_distribution_options;

typedef struct es_extreme {
    double cosine;
    int64_t a, b; /* a < b; the smallest such pair among equals */
} es_extreme;

typedef struct es_quantile {
    double probability, cosine;
} es_quantile;

enum { ES_QUANTILE_COUNT = 13 };

typedef struct es_distribution {
    int64_t rows;     /* rows in the statistics */
    int64_t left_out; /* undefined rows */
    bool sampled;     /* were rows drawn? */
    int64_t pairs;    /* rows (rows - 1) / 2 */
    /* Population moments. Mean and variance by the closed forms in float64:
     * mean = (||sum u||^2 - n) / (n(n-1)), E[cos^2] = (||U'U||_F^2 - n) / (n(n-1)). */
    double mean, variance, standard_deviation, skewness, excess_kurtosis;
    double equivalent_dimension; /* 1 / mean(cos^2) over all i, j, i = j included */
    es_extreme minimum, maximum; /* float64 */
    es_quantile quantiles[ES_QUANTILE_COUNT];
    /* float32 cosines, off by less than 1e-6 in practice and by es_product_bound() at worst, choose
     * the bin; with `certified`, float64 ones do wherever that could matter. */
    bool certified;
    int64_t settled_pairs; /* pairs that float64 had to decide; 0 unless certified */
    int64_t bins;
    double *edges;   /* (bins + 1) */
    int64_t *counts; /* (bins); bin k is [edge k, edge k+1), the last one closed */
    /* random directions in the same number of dimensions */
    double random_variance, random_standard_deviation;
    double once_level;    /* passed by one of `pairs` random pairs */
    double ks_random;     /* Kolmogorov-Smirnov distance to the random law, at 16,000 edges or so */
    int64_t above_chance; /* pairs with cosine >= once_level */
    double *row_means;    /* (rows of the space), NaN where left out; NULL unless per_row */
} es_distribution;

/* Over ALL pairs of defined rows, or of those drawn (two at least: BAD_INPUT otherwise). Release
 * with es_distribution_release(). */
es_status es_distribution_compute(es_space *space, const es_distribution_options *options,
                                  es_distribution *distribution, es_error *error);
void es_distribution_release(es_distribution *distribution);

ES_END_DECLARATIONS
#endif
