/* The next token, and how much of its logit is angle and how much is norm.
 *
 *     z_i = v_i . h = ||v_i|| ||h|| cos(theta_i),    P = softmax(z)
 *
 * h is the hidden state after the final LayerNorm, v_i the rows of the unembedding. A difference of
 * two logits parts exactly, and symmetrically in the two, into what their angles and what their
 * norms make of it:
 *
 *     z_i - z_j =  ||h|| (||v_i|| + ||v_j||)/2 (cos_i - cos_j)      by angle
 *                + ||h|| (cos_i + cos_j)/2 (||v_i|| - ||v_j||)      by norm
 *
 *     es_space_open("demo", &open, &space, &error);
 *     es_model_create(space, 0, &model, &error);
 *     es_prompt_encode(model, "the prompt", text, false, &ids, &error);
 *     es_predict_compute(model, ids.id, ids.count, NULL, &predicted, &error);
 *     const es_prediction *last = es_predict_final(&predicted);
 *     printf("%.*s\n", (int)last->next[0].text.size, last->next[0].text.data);
 *     es_predict_release(&predicted);
 *
 * Logits are float64 of the stored rows and of h, which comes from a float32 forward pass. */
#ifndef EMBSCOPE_PREDICT_H
#define EMBSCOPE_PREDICT_H

#include <embscope/attribution.h>
#include <embscope/model.h>
#include <embscope/vocabulary.h>

ES_BEGIN_DECLARATIONS

/* Takes the logits (count, rows) of the next `count` positions after the last layer, in order. A
 * status other than OK ends the call with it. */
typedef es_status es_take_logits(void *context, const double *logits, int64_t count,
                                 es_error *error);

typedef struct es_predict_options {
    int64_t k;                   /* 0: 10; candidates of each state, at most the rows there are */
    bool has_position;           /* else after the last token */
    int64_t position;            /* after which token: from 0, or from -1, the last, backwards */
    bool all_positions;          /* after every token */
    bool lens;                   /* also after the embedding and after every layer */
    bool keep_rows;              /* fill `logits` and `cosines`, for a plot */
    bool keep_hidden;            /* fill `hidden` */
    es_take_logits *take_logits; /* NULL: nobody asks */
    void *take_context;
    int threads; /* 0: as many as the machine has */
    es_progress progress;
} es_predict_options;

/* A difference of two logits, logit = angle + norm. NaN where a cosine is. */
typedef struct es_logit_gap {
    double logit, angle, norm;
} es_logit_gap;

typedef struct es_next_token {
    int64_t id;
    es_bytes text; /* the vocabulary's */
    double logit, probability;
    double cosine;                        /* NaN: the row is zero, or h is */
    double norm;                          /* of the row */
    int64_t rank;                         /* by logit, from 1, ties by id, over all rows */
    int64_t rank_by_cosine, rank_by_norm; /* 0: undefined */
    es_logit_gap behind_first;            /* z of the first candidate minus this one's */
    es_logit_gap ahead_of_next; /* this one's minus that of the row next by logit; NaN: the last */
} es_next_token;

/* Angle and norm over all defined rows; NaN where one of the two does not vary. */
typedef struct es_logit_order {
    double spearman_cosine; /* rank correlation of the logits with the cosines */
    double spearman_norm;   /* and with the norms */
    double mean_cosine, mean_norm;
    /* z_i - z of a row with the mean cosine and the mean norm parts as a gap does; the shares of
     * the variance of z: of the angle part, of the norm part, and twice their covariance. Sum 1. */
    double variance, angle_share, norm_share, shared;
} es_logit_order;

enum {
    ES_PREDICT_POOL = 100, /* of so many first rows, by logit and by cosine, */
    ES_PREDICT_MOVED = 5   /* at most so many that norm moved most are listed */
};

/* What one hidden state predicts: after token `position`, after layer `layer` (0: the embedding),
 * through the final LayerNorm, computed anew for that state. */
typedef struct es_prediction {
    int64_t position, layer;
    double hidden_norm; /* ||h|| */
    double entropy;     /* nats */
    double log_sum;     /* ln sum exp z */
    int64_t count;
    es_next_token *next; /* by logit, then id */
    es_logit_order order;
    /* Of the first ES_PREDICT_POOL by logit those with the greatest rank_by_cosine / rank, of the
     * first by cosine those with the greatest rank / rank_by_cosine; only from 2 on. */
    int64_t promoted_count, held_back_count;
    es_next_token promoted[ES_PREDICT_MOVED], held_back[ES_PREDICT_MOVED];
    /* The token that follows in the prompt; -1 and NaN after the last. */
    int64_t actual, actual_rank;
    double actual_probability, surprisal; /* -ln P, nats */
    /* Against the state after the last layer at the same position. */
    int64_t answer_rank; /* of the final first candidate */
    double answer_logit, answer_probability;
    double divergence;      /* D(P_final || P) in nats */
    double cosine_to_final; /* of the two h */
} es_prediction;

typedef struct es_predictions {
    int64_t rows, columns, layers; /* of the model */
    int64_t left_out;              /* zero rows: logit 0, no cosine */
    es_tying tying;
    int64_t differing_rows; /* of embedding and unembedding, where they are untied */
    int64_t token_count;
    int64_t *tokens;
    char *prompt; /* their bytes, one after the other: any bytes, `prompt_size` of them */
    size_t prompt_size;
    bool all_positions;     /* every position was asked for */
    int64_t position_count; /* 1, or every token */
    int64_t depth;          /* states of each position: 1, or layers + 1 */
    es_prediction *states;  /* (position_count, depth), the last layer last */
    /* Over the positions that have an actual next token; NaN where there is none, or without
     * all_positions. */
    int64_t surprisal_count;
    double surprisal, mean_surprisal, perplexity; /* nats; perplexity = exp(mean) */
    double *logits, *cosines; /* (rows) of the last state, where keep_rows; NaN: undefined */
    const double *norms;      /* (rows) the unembedding's, which keeps them */
    float *hidden; /* (layers + 1, token_count, columns) residual streams, where keep_hidden */
    /* For who renders: what the parts of the model add to one logit after the final state, or NULL,
     * as es_predict_compute() leaves it. Borrowed. */
    const es_attribution *attribution;
} es_predictions;

/* What `count` tokens are followed by. BAD_ARGUMENT for a position that is not there, no token or
 * too many, k below 1; BAD_INPUT for an id without a row; CANCELLED. Memory beside the model: the
 * residual streams where more than the last state is asked for, and some ten logits a row. */
es_status es_predict_compute(es_model *model, const int64_t *ids, int64_t count,
                             const es_predict_options *options, es_predictions *predictions,
                             es_error *error);
void es_predict_release(es_predictions *predictions);

/* The state after the last layer of the last position asked for. */
const es_prediction *es_predict_final(const es_predictions *predictions);

/* z_a - z_b, parted; the norm of h is that of the state. */
es_logit_gap es_logit_gap_between(double hidden_norm, const es_next_token *a,
                                  const es_next_token *b);

ES_END_DECLARATIONS
#endif
