/* Embedding E and unembedding W_out side by side: what a token's two rows have in common where they
 * are not one. */
#ifndef EMBSCOPE_TYING_H
#define EMBSCOPE_TYING_H

#include <embscope/progress.h>
#include <embscope/space.h>

ES_BEGIN_DECLARATIONS

typedef struct es_tying_options {
    int threads; /* 0: as many as the machine has */
    es_progress progress;
} es_tying_options;

/* A token and its two rows. */
typedef struct es_tying_token {
    int64_t id;
    double cosine; /* of the one with the other */
    double embedding_norm, unembedding_norm;
} es_tying_token;

/* Quantiles by linear interpolation, as NumPy's default. */
typedef struct es_tying_spread {
    double minimum, quantile05, quartile1, median, quartile3, quantile95, maximum;
    double mean, standard_deviation; /* population */
} es_tying_spread;

/* Over the ids that have a defined row in both tables. */
typedef struct es_tying_geometry {
    const char *tensors[2]; /* the embedding's name, the unembedding's: the space's own */
    int64_t rows, columns;
    int64_t table_rows[2];
    int64_t left_out; /* ids of the longer table without a defined row in both */

    es_tying_spread cosine; /* of a token's two rows */
    int64_t listed;
    es_tying_token lowest[ES_TYING_LISTED], highest[ES_TYING_LISTED]; /* by cosine, then by id */

    double norm_mean[2];
    double norm_pearson, norm_spearman; /* of the two norms; NaN where one is constant */

    /* Over all pairs i < j, in closed form: the mean cosine of each table, and Pearson's
     * correlation of the two tables' cosines (Kriegeskorte et al. 2008). NaN below three rows,
     * where a table's cosines are all equal, or where rsa_is_too_wide: d x d sums would not fit the
     * memory. */
    int64_t pairs;
    double mean_cosine[2];
    double rsa_pearson;
    bool rsa_is_too_wide;

    /* Tokens whose own unembedding row is nearest, by cosine, to their embedding row (no other is
     * nearer), and the other way. By chance one of `rows`. */
    int64_t own_nearest[2];

    /* Per id, (longer table), NaN where left out: for figures and lists. */
    int64_t ids;
    double *cosines, *norms[2];
} es_tying_geometry;

/* `space` is the embedding or the unembedding of a model with both (UNSUPPORTED otherwise: the text
 * says why; also for two widths), under the chain of transforms that both get. BAD_INPUT below two
 * rows; CANCELLED. The same bytes for any number of threads and any kernel. Release with
 * es_tying_geometry_release(). */
es_status es_tying_geometry_compute(es_space *space, const es_tying_options *options,
                                    es_tying_geometry *geometry, es_error *error);
void es_tying_geometry_release(es_tying_geometry *geometry);

ES_END_DECLARATIONS
#endif
