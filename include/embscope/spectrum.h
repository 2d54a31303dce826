/* The spectrum of a whole space: the eigenvalues of S (all cosines, n x n) through a d x d matrix,
 * those of the covariance, what random directions and shuffled columns would show, isotropy, the
 * dimensions that make the mean cosine, and the tokens at the ends of the leading directions.
 *
 * Words: u is a row over its norm (a unit row), m the mean of the unit rows, n the rows that take
 * part, d the columns. What is undefined is NaN. */
#ifndef EMBSCOPE_SPECTRUM_H
#define EMBSCOPE_SPECTRUM_H

#include <embscope/progress.h>
#include <embscope/space.h>

ES_BEGIN_DECLARATIONS

typedef struct es_spectrum_options {
    int64_t directions;  /* leading directions whose tokens are shown; 0: 5; at most min(n, d) */
    int64_t null_tables; /* tables with shuffled columns; 0: 1; -1: none; at most 1,000 */
    uint64_t seed;       /* of the shuffles and of the sampled pairs */
    int threads;         /* 0: as many as the machine has */
    es_progress progress;
} es_spectrum_options;

enum { ES_SPECTRUM_ENDS = 10, ES_SPECTRUM_DIMENSIONS = 10, ES_SPECTRUM_COLUMNS = 8192 };

/* Eigenvalues, descending, and what one number says of them. An eigenvalue below d 2^-52 times the
 * first is rounding, and 0 (of a covariance of unit rows also one below 2^-100). All NaN where
 * every eigenvalue is 0. */
typedef struct es_eigenvalues {
    int64_t count;
    double *values;
    double trace;               /* the sum of all d eigenvalues */
    double effective_rank;      /* exp(-sum p log p), p = value / trace */
    double participation_ratio; /* trace^2 / sum of squares */
    double stable_rank;         /* trace / largest */
    int64_t directions_90;      /* how many make 90 % of the trace; 0 where that is 0 */
    double random_edges[2];     /* Marchenko-Pastur: where those of random rows end */
    int64_t above_random;       /* how many exceed the upper edge */
} es_eigenvalues;

/* Z(c) = sum over rows v of exp(c . v), c a unit eigenvector of V'V with either sign. */
typedef struct es_partition {
    double isotropy;         /* min Z / max Z over all eigenvectors with both signs */
    double positive;         /* over the eigenvectors oriented so that c . (mean row) >= 0 */
    double negative;         /* over the same ones with the other sign */
    double log_min, log_max; /* log Z, over both signs */
} es_partition;

typedef struct es_isotropy {
    double mean_cosine;   /* over all pairs i < j */
    double isoscore;      /* of the stored rows, as published (Rudman et al. 2022); NaN for d = 1 */
    double isoscore_unit; /* the same of the unit rows */
    es_partition partition;  /* of the stored rows */
    double uniformity;       /* log E exp(-2 ||u - u'||^2) over pairs (Wang and Isola 2020) */
    double uniformity_error; /* its standard error; 0 where all pairs were taken */
    int64_t uniformity_pairs;
} es_isotropy;

/* Dimension k's part of the mean cosine: ((sum u_ik)^2 - sum u_ik^2) / (n (n - 1)). */
typedef struct es_dimension {
    int64_t index;
    double contribution;
    double share;   /* contribution / mean cosine */
    double mean;    /* m_k */
    double without; /* the mean cosine less this contribution and all larger ones */
} es_dimension;

typedef struct es_direction_end {
    int64_t id;
    double projection;
} es_direction_end;

/* A leading eigenvector q of the covariance, and the projections q . (u - m) of all rows. */
typedef struct es_direction {
    double eigenvalue, share; /* of the trace */
    int64_t end_count;
    es_direction_end high[ES_SPECTRUM_ENDS]; /* largest first, then by id */
    es_direction_end low[ES_SPECTRUM_ENDS];  /* smallest first, then by id */
    double spearman_id, spearman_norm; /* of the projections with ids, with norms; NaN: all equal */
} es_direction;

typedef struct es_spectrum {
    int64_t rows, left_out, columns; /* rows that take part; undefined ones */
    /* min(n, d) eigenvalues each: all that can differ from 0. */
    es_eigenvalues raw;      /* of S, which are those of U'U; edges: random unit rows */
    es_eigenvalues centered; /* of the covariance of the unit rows, sum (u - m)(u - m)' / n; edges:
                                rows of independent components with the same trace */
    double *mean;            /* (d) m */
    /* Horn's parallel analysis on the covariance: every column shuffled by itself. */
    int64_t null_tables;
    uint64_t seed;
    double *null_values; /* (centered.count) mean over the tables; NULL where there are none */
    int64_t above_null;  /* leading eigenvalues of the covariance above the null's of their rank */
    es_isotropy isotropy;
    double *contributions; /* (d), by dimension: they sum to the mean cosine */
    int64_t outlier_count; /* contributions more than 3 standard deviations above their mean */
    int64_t dimension_count;
    es_dimension dimensions[ES_SPECTRUM_DIMENSIONS]; /* largest contribution first */
    int64_t direction_count;
    es_direction *directions; /* (direction_count) */
    double *vectors; /* (direction_count, d): their q; the component of largest size is positive */
} es_spectrum;

/* Over all defined rows (2 at least: BAD_INPUT otherwise). UNSUPPORTED above ES_SPECTRUM_COLUMNS
 * columns. Release with es_spectrum_release(). */
es_status es_spectrum_compute(es_space *space, const es_spectrum_options *options,
                              es_spectrum *spectrum, es_error *error);
void es_spectrum_release(es_spectrum *spectrum);

/* Every row on the k <= direction_count leading directions: out is (rows of the space, k), NaN
 * where a row is undefined. Two of them are the space's map. */
es_status es_spectrum_project(es_space *space, const es_spectrum *spectrum, int64_t k, double *out,
                              es_error *error);

ES_END_DECLARATIONS
#endif
