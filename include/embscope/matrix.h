/* The similarity matrix of a chosen set of tokens: its eigen-structure, its hierarchy and clusters,
 * and how it stands against sets drawn by lot. */
#ifndef EMBSCOPE_MATRIX_H
#define EMBSCOPE_MATRIX_H

#include <embscope/progress.h>
#include <embscope/selection.h>

ES_BEGIN_DECLARATIONS

/* One merge, as SciPy's linkage lays it out: clusters a < b (0 ... n-1 single items, n + r the
 * result of row r) joined at `height`, the mean of 1 - cos over all pairs between them (average
 * linkage); `size` items below. */
typedef struct es_merge {
    int64_t a, b;
    double height;
    int64_t size;
} es_merge;

enum { ES_MATRIX_CANDIDATES = 20, ES_MATRIX_PERMUTATIONS = 10000, ES_MATRIX_NO_SETS = -1 };

/* All zero is the default of each. Strings are borrowed for the call. */
typedef struct es_matrix_options {
    int64_t clusters;  /* how many, 1 to n; 0: the number of the best mean silhouette */
    int64_t null_sets; /* random sets of the same size; 0: 100, fewer where that is too much work
                          (n^2 d each), none where that leaves fewer than 20; ES_MATRIX_NO_SETS */
    uint64_t seed;     /* of the sets and the permutations */
    const char *const *categories; /* (n) the name of each item's category, or NULL: none */
    int64_t permutations;          /* of the categories; 0: 10,000 */
    int threads;                   /* 0: as many as the machine has */
    es_progress progress;
} es_matrix_options;

/* The average-linkage tree, cut. NaN where a silhouette is not defined: fewer than two clusters, or
 * as many as items. */
typedef struct es_flat_clusters {
    int64_t count;
    int64_t asked;   /* es_matrix_options.clusters; `count` is smaller where merges of one height
                        cannot be told apart; 0: chosen by silhouette */
    int64_t *labels; /* (n) from 0, in the order of the leaves */
    int64_t *sizes;  /* (count) */
    double mean_silhouette;  /* over items, of 1 - cos (Rousseeuw 1987) */
    double *silhouettes;     /* (n); 0 for an item alone */
    double *mean_by_cluster; /* (count) */
    int64_t candidate_count; /* where it was chosen: the mean silhouette of 2, 3 ... clusters */
    double candidates[ES_MATRIX_CANDIDATES];
} es_flat_clusters;

/* A figure of the set beside the same figure of random sets. */
typedef struct es_null_figure {
    double observed;
    double mean, deviation; /* of the random sets (sample standard deviation) */
    double low, high;       /* their 2.5 % and 97.5 % quantiles (type 7) */
    double p;               /* (1 + sets that reach the observed) / (1 + sets) */
} es_null_figure;

/* Sets of n different defined rows drawn by lot from the table. */
typedef struct es_null_sets {
    int64_t count;      /* 0: none drawn; the figures are NaN but for `observed` */
    int64_t affordable; /* sets that the default would have drawn, were 20 not the least */
    uint64_t seed;
    es_null_figure leading_eigenvalue, mean_cosine, silhouette;
} es_null_sets;

typedef struct es_category {
    char *name;
    int64_t size;
    double within; /* mean cosine of its pairs; NaN for a single item */
} es_category;

/* Pairs within categories against pairs between them. */
typedef struct es_contrast {
    int64_t count;
    es_category *list; /* (count) in order of first item */
    int64_t *labels;   /* (n) */
    double *means;     /* (count, count) mean cosine of the pairs between two, or within one */
    int64_t within_pairs, between_pairs;
    double within, between; /* mean cosines */
    double difference;      /* within - between */
    double cohens_d; /* difference / sqrt(((w-1) s_w^2 + (b-1) s_b^2) / (w+b-2)), s^2 the sample
                        variances of w pairs within and b between; NaN where they do not vary */
    double
        p; /* of labels permuted among the items: (1 + those that reach it) / (1 + permutations) */
    double labelings; /* different partitions into categories of these sizes; may be infinite */
    double p_floor;   /* the larger of 1/labelings and 1/(1 + permutations): no p can be expected
                         below it, though one may fall a little lower by the luck of the draw */
    int64_t permutations;
} es_contrast;

typedef struct es_matrix {
    int64_t n;
    es_item *items;       /* (n) copies: id and text */
    double *cosine;       /* (n, n) symmetric, diagonal exactly 1 */
    double *eigenvalues;  /* (n) descending; S u = lambda u */
    double *eigenvectors; /* (n, n): row k belongs to eigenvalue k; largest |component| positive */
    double
        random_edges[2]; /* (1 -+ sqrt(n/d))^2, the Marchenko-Pastur edges of n random unit rows */
    int64_t *order;      /* (n) optimal leaf order (Bar-Joseph et al. 2001), places from 0 */
    es_merge *linkage;   /* (n - 1) */
    double residual;     /* max_k ||S u_k - lambda_k u_k|| */
    double mean_cosine;  /* over pairs of different items */
    double cophenetic;   /* correlation of 1 - cos with the height at which the tree joins the two;
                            NaN where either is constant (n = 2, all equal) */
    es_flat_clusters clusters;
    es_null_sets null_sets;
    double *coordinates;     /* (n, 2) classical scaling of the chord distances: eigenvectors of the
                                double-centred S times the root of its eigenvalue, oriented */
    double mds_share[2];     /* each axis' share of the variance; NaN where all rows are equal */
    es_contrast *categories; /* NULL without es_matrix_options.categories */
} es_matrix;

/* 2 to 4,096 items with defined rows (BAD_INPUT names one that is not). BAD_ARGUMENT for more
 * clusters than items; BAD_INPUT for an item without a category, for a single category, and where
 * every category has one item. `options` may be NULL. Release with es_matrix_release(). */
es_status es_matrix_compute(es_space *space, const es_selection *selection,
                            const es_matrix_options *options, es_matrix *matrix, es_error *error);
void es_matrix_release(es_matrix *matrix);

ES_END_DECLARATIONS
#endif
