/* Models side by side: the tokens that two or more spaces share, and how alike their geometry is on
 * them. No measure looks at the axes of a space, but at what lies near what: a rotated space is the
 * same space.
 *
 *     es_space *models[] = {one, other};
 *     es_comparison comparison;
 *     if (es_compare_compute(models, 2, NULL, &comparison, &error)) ...
 *     printf("%.4f\n", comparison.pairs[0].rsa.pearson);
 *
 * Words: an item is a shared token; u and v are its unit rows in the two models, x and y its stored
 * rows less their means; n items, n (n - 1) / 2 pairs of them. What is undefined is NaN. */
#ifndef EMBSCOPE_COMPARE_H
#define EMBSCOPE_COMPARE_H

#include <embscope/matrix.h>
#include <embscope/progress.h>
#include <embscope/space.h>

ES_BEGIN_DECLARATIONS

enum {
    ES_COMPARE_MODELS = 8,
    ES_SHARED_MODELS = 64,     /* whose shared tokens can be found: `drift` takes a longer series */
    ES_COMPARE_COLUMNS = 8192, /* of two models together */
    ES_COMPARE_SAMPLE = 2000,  /* items that permutations and intervals are drawn over */
    ES_COMPARE_RANKED = 5000,  /* items up to which rank correlations are exact */
    ES_COMPARE_EIGENVALUES = 10, /* shares listed of each model */
    ES_COMPARE_MATRIX = 400,     /* items up to which the cosines themselves are kept */
    ES_COMPARE_DENSITY = 100,    /* bins each way of one cosine against the other */
};

/* What makes two tokens the same. */
typedef enum es_match {
    ES_MATCH_AUTO = 0, /* EXACT where all vocabularies are of one kind, else WORD; ROWS without */
    ES_MATCH_EXACT,    /* equal bytes, marks of leading spaces included */
    ES_MATCH_WORD,     /* the same whole word: " cat" of byte-level BPE, "cat" of WordPiece and of
                          word vectors; what continues a word ("ing", "##ing") stands aside */
    ES_MATCH_LOWER,    /* the same whole word in lower case; of several the lowest id */
    ES_MATCH_ROWS,     /* row numbers: where the tables name no rows */
} es_match;
const char *es_match_text(es_match match); /* "exact", "word", "lower", "rows" */

/* What one model contributes. */
typedef struct es_shared_of {
    int64_t rows;      /* of the table */
    int64_t names;     /* different tokens by the rule of the match */
    int64_t collided;  /* tokens left aside because an earlier one has their name */
    int64_t undefined; /* shared tokens left out because of a zero or non-finite row here */
    double coverage;   /* shared tokens / rows */
} es_shared_of;

/* The tokens that all models have, in the order of the first model's ids. */
typedef struct es_shared_tokens {
    es_match match; /* never AUTO */
    int64_t count, models;
    int64_t *ids; /* (count, models): row of item i in model m at [i * models + m] */
    es_shared_of of[ES_SHARED_MODELS];
    /* With a list of tokens, whose order is then that of the items: how many different ones it has,
     * how many of them are not shared, the place in the list of each item, (count). */
    int64_t asked, missing;
    int64_t *place;
} es_shared_tokens;

typedef struct es_shared_options {
    es_match match;
    const char *const *tokens; /* only these words, (token_count); NULL: all */
    int64_t token_count;
} es_shared_options;

/* Of ES_SHARED_MODELS spaces at most. At least one item, or BAD_INPUT; BAD_ARGUMENT where the match
 * needs names that a table lacks. Release with es_shared_tokens_release(). */
es_status es_shared_tokens_find(es_space *const *spaces, int64_t count,
                                const es_shared_options *options, es_shared_tokens *shared,
                                es_error *error);
void es_shared_tokens_release(es_shared_tokens *shared);

/* The row of an item in a model. */
int64_t es_shared_id(const es_shared_tokens *shared, int64_t item, int64_t model);

/* All zero is the default of each. Strings are borrowed for the call. */
typedef struct es_compare_options {
    es_match match;
    const char *const *tokens; /* only these words, (token_count), or NULL */
    int64_t token_count;
    const char *const *categories; /* (token_count) the category of each of them, or NULL */
    int64_t k;                     /* neighbours; 0: 10, or half of the items where that is fewer */
    int64_t permutations;          /* 0: as many as 8e8 pairs of items allow, from 199 to 999 */
    int64_t resamples;             /* of the bootstrap; 0: as many, from 199 to 999 */
    int64_t sample;                /* 0: ES_COMPARE_SAMPLE; items that both are drawn over */
    int64_t shown;                 /* 0: 10; tokens listed that moved most, and least */
    uint64_t seed;
    bool rank;      /* also rank correlations, */
    int64_t ranked; /* exactly up to so many items; 0: ES_COMPARE_RANKED, the most */
    bool figures;   /* also what figures show: matrices or density, the map */
    bool all_pairs; /* permute RSA over all shared tokens: a product of both tables each time, for
                       0 `permutations` 99 to 999 of them */
    int threads;    /* 0: as many as the machine has */
    es_progress progress;
} es_compare_options;

/* A measure against chance: the items of one model permuted, so that nothing is paired but the two
 * geometries stay what they are. Over `items` of the shared ones, drawn by lot where that is not
 * all. score = max(0, (observed - level) / (1 - level)), level being the 95 % quantile of the
 * permuted and the observed together (Groeger et al. 2026). */
typedef struct es_chance {
    int64_t items, permutations;
    double observed; /* on these items */
    double mean, deviation, level;
    double score;
    double p; /* (1 + permuted that reach the observed) / (1 + permutations) */
} es_chance;

/* Representational similarity analysis: the correlation of the two dissimilarity matrices 1 - cos
 * over pairs i < j (Kriegeskorte et al. 2008). */
typedef struct es_rsa {
    double pearson; /* over all pairs of shared tokens, in closed form */
    int64_t pairs;
    double low, high;                  /* 95 % bootstrap interval over items, */
    int64_t interval_items, resamples; /* drawn from so many of them */
    es_chance chance;
    /* With `rank`: */
    double spearman, rho_a, kendall; /* kendall is tau_a; NaN past ES_COMPARE_RANKED items */
    double rank_error; /* spearman and rho_a are off by no more; 0: exact; NaN: not asked for */
} es_rsa;

/* Linear centred kernel alignment of the stored rows (Kornblith et al. 2019). */
typedef struct es_cka {
    double linear;   /* biased upwards: large by itself where columns are many and items few */
    double debiased; /* by the unbiased HSIC of Song et al. 2012; NaN where its denominator is not
                        positive */
    double hsic;     /* the numerator of it, which may be negative */
    es_chance linear_chance, debiased_chance;
} es_cka;

/* The rotation R that takes one model's rows nearest to the other's (Schoenemann 1966), the
 * narrower rows filled up with zeros. */
typedef struct es_procrustes {
    double mean_cosine; /* of u R and v */
    double residual;    /* sum ||x R s - y||^2 of centred tables of unit Frobenius norm, s the best
                           scale: 1 - (sum of singular values)^2; 0: the same shape */
    double angle;       /* degrees: arc cosine of that sum (Williams et al. 2021) */
    int64_t train, test;
    double train_cosine, test_cosine; /* R fitted on `train` items alone; NaN below 10 items */
    es_chance chance;                 /* of mean_cosine */
} es_procrustes;

/* The k nearest of each item among the shared ones, in either model. */
typedef struct es_neighbor_overlap {
    int64_t k;
    double mutual;   /* mean of |A n B| / k (Huh et al. 2024) */
    double jaccard;  /* mean of |A n B| / |A u B| */
    double expected; /* of mutual, had lists been drawn by lot: k / (n - 1) */
    double jaccard_expected;
    int64_t unchanged, disjoint; /* items whose two lists hold the same, or nothing in common */
    es_chance chance;            /* of mutual */
} es_neighbor_overlap;

/* A token's two neighbourhoods. */
typedef struct es_moved_token {
    int64_t item;
    int64_t common; /* neighbours in both lists */
    double drift;   /* how much nearer its own neighbours are in a model than the other's are there,
                       mean of both models: 0 for the same lists */
    const int32_t *neighbors[2]; /* (k) items, nearest first, in the pair's models */
    const float *cosines[2];
} es_moved_token;

/* Two models against each other. */
typedef struct es_pair_comparison {
    int64_t a, b; /* models */
    es_rsa rsa;
    es_cka cka;
    es_procrustes procrustes;
    es_neighbor_overlap overlap;
    int64_t shown;
    es_moved_token *moved, *stable; /* (shown) moved most, moved least */
    /* With `figures`: */
    int64_t
        *density; /* (ES_COMPARE_DENSITY, ES_COMPARE_DENSITY): pairs by their cosine in a, in b */
    double density_from[2], density_to[2]; /* the range of either's bins */
    int64_t density_pairs;                 /* all, or those of 1,416 tokens drawn by lot */
    double *map; /* (shown, 4) of `moved`: where it lies in a's plane, x and y, and where in b,
                    turned onto a; each about its model's mean */
    int64_t map_count;
    double *map_others; /* (map_count, 2) of other tokens, in a */
    double map_share;   /* of the variance of a's unit rows, in that plane */
} es_pair_comparison;

/* One model on the shared tokens. */
typedef struct es_compared_model {
    int64_t columns;
    double mean_cosine, deviation; /* of the cosines of all pairs */
    double effective_rank;         /* of the covariance of the unit rows */
    double participation_ratio;
    int64_t share_count;
    double shares[ES_COMPARE_EIGENVALUES]; /* of its trace, the leading eigenvalues */
    double ceiling_upper, ceiling_lower;   /* RSA with the mean of all models, and with that of the
                                              others; NaN for two models */
    double *cosine; /* (n, n) with `figures`, up to ES_COMPARE_MATRIX items */
    bool has_categories;
    int64_t within_pairs, between_pairs;
    double within, between, cohens_d, category_p;
} es_compared_model;

typedef struct es_comparison {
    es_shared_tokens shared;
    uint64_t seed;
    int64_t model_count;
    es_compared_model *models; /* (model_count) */
    int64_t pair_count;
    es_pair_comparison *pairs;           /* (pair_count): 0-1, 0-2 ... 1-2 ... */
    double ceiling_upper, ceiling_lower; /* means over the models; NaN for two */
    int64_t *order; /* (n) with models[].cosine: optimal leaf order of the first model's */
    void *storage;  /* what the lists of neighbours point into */
} es_comparison;

/* Two to ES_COMPARE_MODELS spaces, which may be one and the same, over the tokens that all of them
 * have: three at least (BAD_INPUT). UNSUPPORTED where two models together have more than
 * ES_COMPARE_COLUMNS columns. Release with es_comparison_release(). */
es_status es_compare_compute(es_space *const *spaces, int64_t count,
                             const es_compare_options *options, es_comparison *comparison,
                             es_error *error);
void es_comparison_release(es_comparison *comparison);

ES_END_DECLARATIONS
#endif
