/* What tokens a vector stands for: its logits z_i = v_i . h against every row of the unembedding,
 * and how that order parts from the order by angle, for z_i = ||v_i|| ||h|| cos. */
#ifndef EMBSCOPE_UNEMBED_H
#define EMBSCOPE_UNEMBED_H

#include <embscope/progress.h>
#include <embscope/selection.h>

ES_BEGIN_DECLARATIONS

typedef struct es_unembed_options {
    int64_t k;   /* 0: 10; at most the rows there are */
    int threads; /* 0: as many as the machine has */
    es_progress progress;
} es_unembed_options;

typedef struct es_unembed_token {
    int64_t id;
    es_bytes text;          /* the vocabulary's */
    double logit;           /* v . h, the row as it is */
    double probability;     /* softmax over all rows with a logit */
    double cosine;          /* NaN for a zero row */
    double norm;            /* ||v|| */
    int64_t rank_by_logit;  /* from 1; among equals the lower id comes first */
    int64_t rank_by_cosine; /* 0 for a zero row */
} es_unembed_token;

typedef struct es_unembedded {
    char *query;       /* how it reads: a token's text, a label, or of a sum `"king" - "man"` */
    bool is_sum;       /* the caller's to set: has `query` quotes of its own? */
    double norm;       /* ||h|| */
    int64_t rows;      /* with a logit: all but the non-finite ones */
    int64_t zero_rows; /* among them: their logit is 0, they have no cosine */
    int64_t left_out;  /* non-finite rows */
    int64_t count, cosine_count; /* tokens listed: k, unless there are fewer rows */
    es_unembed_token *by_logit;  /* (count) rank 1 first */
    es_unembed_token *by_cosine; /* (cosine_count) */
    double rank_correlation;     /* Spearman's, of the two orders over all rows with a cosine; NaN
                                    where one of them is constant */
    int64_t overlap;             /* tokens that stand in both lists */
    double entropy;              /* of the softmax, in nats */
} es_unembedded;

/* `count` vectors (count, columns) against all rows of `space`, an answer each: answers is (count),
 * yours; labels[i] names vector i. BAD_INPUT for a vector that is zero or not finite, or where a
 * logit is past the largest float64; CANCELLED. On failure no answer is left. Release each with
 * es_unembedded_release(). */
es_status es_unembed_vectors(es_space *space, const double *vectors, const char *const *labels,
                             int64_t count, const es_unembed_options *options,
                             es_unembedded *answers, es_error *error);
void es_unembedded_release(es_unembedded *answer);

/* The table that scores what leaves the model whose embedding `space` is: *unembedding is a space
 * of its own, to be freed, under the same chain of transforms, or NULL where `space` itself serves
 * (the tables are one, or there is no other). `space` must outlive it. */
es_status es_unembedding_open(es_space *space, es_space **unembedding, es_error *error);

/* The signed sum of terms as they are, vector (columns): raw rows, for a logit is a product of raw
 * rows (es_neighbors_of_terms() adds unit rows). A pooled word is the mean of its raw rows. *label,
 * malloc'ed, is how the sum reads. */
es_status es_unembed_sum(es_space *space, const es_selection *terms, const int *signs,
                         double *vector, char **label, es_error *error);

/* Put a model's last LayerNorm to `count` residual streams (count, columns), in place, rounded to
 * float32 first. `space` is the embedding of a GPT-2: statuses as es_model_create(). */
es_status es_unembed_final_norm(es_space *space, int threads, int64_t count, double *vectors,
                                es_error *error);

/* Vectors of `columns` float64 from a .npy file of shape (columns), (n, columns) or (m, n,
 * columns). at[0 ... at_count) picks a row of the first axes, none of them: all rows, of a file of
 * one or two axes. At most ES_UNEMBED_VECTORS. *vectors (count, columns) is the caller's to free.
 * BAD_INPUT for another shape (the text says what there is), BAD_ARGUMENT for a place outside. */
enum { ES_UNEMBED_VECTORS = 10000 };
es_status es_vectors_read(const char *path, int64_t columns, const int64_t *at, int at_count,
                          double **vectors, int64_t *count, es_error *error);

ES_END_DECLARATIONS
#endif
