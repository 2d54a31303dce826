/* Drift: a series of spaces (checkpoints of a training, seeds, fine-tunes one after another), how
 * far each lies from the first, from the one before and from the last, and which tokens keep their
 * neighbours all along.
 *
 *     es_space *series[] = {early, middle, late};
 *     es_drift drift;
 *     if (es_drift_compute(series, 3, NULL, &drift, &error)) ...
 *     printf("%.4f\n", drift.checkpoints[1].previous.mutual);
 *
 * Words: an item is a token that all spaces share, n of them, as compare.h has it; the measures are
 * those of compare.h. What is undefined is NaN. */
#ifndef EMBSCOPE_DRIFT_H
#define EMBSCOPE_DRIFT_H

#include <embscope/compare.h>

ES_BEGIN_DECLARATIONS

enum { ES_DRIFT_CHECKPOINTS = ES_SHARED_MODELS };

/* All zero is the default of each. Strings are borrowed for the call. */
typedef struct es_drift_options {
    es_match match;
    const char *const *tokens; /* only these words, (token_count), or NULL */
    int64_t token_count;
    int64_t k;     /* neighbours; 0: 10, or half of the items where that is fewer */
    int64_t shown; /* 0: 10; tokens listed as most stable, and as least */
    int threads;   /* 0: as many as the machine has */
    es_progress progress;
} es_drift_options;

/* One checkpoint against another; against itself all are 1 and the residual 0. */
typedef struct es_drift_measures {
    int64_t against;            /* which; -1: there is none, and all below is NaN */
    double mutual;              /* mean of |A n B| / k over all items' k nearest */
    double jaccard;             /* mean of |A n B| / |A u B| */
    double rsa;                 /* Pearson, over all pairs of items */
    double cka, cka_linear;     /* debiased; biased */
    double procrustes_cosine;   /* mean, of rows turned onto the other's */
    double procrustes_residual; /* of centred tables of unit norm, best scale */
} es_drift_measures;

typedef struct es_drift_checkpoint {
    int64_t columns;
    double mean_cosine;         /* over all pairs of items */
    double effective_rank;      /* of the covariance of the unit rows, as spectrum.h has them */
    double participation_ratio; /* of the same */
    double isoscore;            /* of the stored rows (Rudman et al. 2022); NaN for one column */
    es_drift_measures first, previous, last;
} es_drift_checkpoint;

/* A token's way along the series. */
typedef struct es_drift_token {
    int64_t item;
    double stability;      /* mean over steps of what share of its k nearest the step left */
    int64_t moved_most;    /* the checkpoint that a step with the fewest kept led to: of equals the
                              one of the farthest drift (es_moved_token), then the earliest */
    const int32_t *common; /* (count - 1) neighbours kept by each step */
    int64_t common_ends;   /* neighbours that the first and the last checkpoint have in common */
    const int32_t *neighbors[2]; /* (k) items, nearest first, in the first and the last */
    const float *cosines[2];
} es_drift_token;

/* A step leads from one checkpoint to the next: there are count - 1. */
typedef struct es_drift {
    es_shared_tokens shared;
    int64_t count;
    es_drift_checkpoint *checkpoints; /* (count) */
    int64_t k;
    double expected;          /* of `mutual`, had lists been drawn by lot: k / (n - 1) */
    double stability;         /* mean over items: that of the steps' `mutual` */
    int64_t unchanged, gone;  /* items that kept all neighbours in every step; none in any */
    double *stabilities;      /* (n) */
    int64_t shown;            /* listed below */
    es_drift_token *stable;   /* (shown) most neighbours kept first, then the least drift, item */
    es_drift_token *unstable; /* (shown) fewest kept first, then the farthest drift, then item */
    void *storage;            /* what the lists point into */
} es_drift;

/* Two to ES_DRIFT_CHECKPOINTS spaces over the tokens that all of them have: three at least
 * (BAD_INPUT). UNSUPPORTED where two of them have more than ES_COMPARE_COLUMNS columns together.
 * No more than four of them are in memory at a time, if the caller has not loaded them. Stability:
 * Wendlandt et al. 2018. Release with es_drift_release(). */
es_status es_drift_compute(es_space *const *spaces, int64_t count, const es_drift_options *options,
                           es_drift *drift, es_error *error);
void es_drift_release(es_drift *drift);

ES_END_DECLARATIONS
#endif
