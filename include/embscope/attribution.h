/* Direct logit attribution: what each part of a model adds to the logit of one token.
 *
 *     x = the sum of what the token's and the position's embedding, and in every layer each head,
 *         the attention's bias and the MLP write into the residual stream
 *     z = ln_f(x) . v,   ln_f(x) = gain (x - mean(x)) / scale + bias,   v the token's row of the
 *         unembedding
 *
 * With the scale that ln_f has here, z is linear in x: the parts' contributions, and that of ln_f's
 * own bias, add up to the logit (Elhage et al. 2021, "A Mathematical Framework for Transformer
 * Circuits"). Layers are counted from 1, 0 being the embedding; heads from 1. */
#ifndef EMBSCOPE_ATTRIBUTION_H
#define EMBSCOPE_ATTRIBUTION_H

#include <embscope/model.h>
#include <embscope/selection.h>

ES_BEGIN_DECLARATIONS

/* Which logit: that of `token`, less that of `against` where that is a token. */
typedef struct es_attribution_target {
    int64_t token, against; /* rows of the unembedding, or: */
} es_attribution_target;
enum {
    ES_ATTRIBUTE_NONE = -1,   /* `against`: nothing is taken off */
    ES_ATTRIBUTE_TOP = -2,    /* the token of the largest logit, of equal ones the lowest id */
    ES_ATTRIBUTE_SECOND = -3, /* the next one */
};

typedef struct es_attribution {
    int64_t position;       /* of the last token, from 0: the logit is for the one after it */
    int64_t token, against; /* ids; against -1: none */
    double logit;           /* z_token - z_against, of the float64 logits of the hidden state */
    double scale;           /* of ln_f here */
    int64_t layers, heads;
    double token_embedding, position_embedding;
    double final_bias;      /* of ln_f: the same for every text */
    double *head;           /* (layers, heads): through the rows of the output matrix */
    double *attention_bias; /* (layers) of the output matrix */
    double *mlp;            /* (layers), its bias included */
    double *attention;      /* (layers): its heads and its bias */
    double *path;           /* (layers + 1): all that was added up to there, ln_f's bias included */
    double remainder;       /* logit less all parts: rounding in float32 */
} es_attribution;

/* Of the token after the last of `count` ids (what comes later in a text changes nothing). Float64
 * sums of float32 states. `target` NULL: the top token's logit. BAD_ARGUMENT for a token without a
 * row or twice the same; as es_run_feed() otherwise. Release with es_attribution_release(). */
es_status es_attribution_compute(es_model *model, const int64_t *ids, int64_t count,
                                 const es_attribution_target *target, const es_progress *progress,
                                 es_attribution *attribution, es_error *error);
void es_attribution_release(es_attribution *attribution);

/* A user's words to a target. `token` is a token as es_selection_resolve() takes it, "@top", or
 * "A-B", where it is no token and just one of its minus signs has a token on either side: then
 * `against` must be NULL. `against` is a token, "@top", "@second", or NULL. *note is what was done
 * to interpret the words, malloc'ed, or NULL. NOT_FOUND, and BAD_ARGUMENT where "A-B" has two
 * readings. */
es_status es_attribution_target_resolve(const es_space *space, const char *token,
                                        const char *against, const es_selection_options *options,
                                        es_attribution_target *target, char **note,
                                        es_error *error);

ES_END_DECLARATIONS
#endif
