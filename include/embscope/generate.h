/* A prompt gone on with: the most probable token each time, or one drawn by lot. */
#ifndef EMBSCOPE_GENERATE_H
#define EMBSCOPE_GENERATE_H

#include <embscope/model.h>

ES_BEGIN_DECLARATIONS

/* Greedy unless `sample`: the token of the largest logit, of equal ones the lowest id. Sampling
 * divides the logits by the temperature, keeps the top_k largest (equal ones by id), of those the
 * fewest whose probabilities reach top_p, and draws one by its probability among what is kept. */
typedef struct es_generate_options {
    int64_t count; /* 0: 20; at most so many tokens */
    bool sample;
    double temperature; /* 0: 1 */
    int64_t top_k;      /* 0: all */
    double top_p;       /* 0: 1, all */
    uint64_t seed;      /* of the lot; the same draws on every machine */
    bool past_end;      /* go on where the model ends the text */
    /* Called with each token as it is chosen, but for one that ends the text; NULL: not. */
    void (*chosen)(void *context, int64_t id);
    void *context;
    es_progress progress; /* in tokens */
} es_generate_options;

typedef struct es_generated_token {
    int64_t id;
    double probability; /* the model's: softmax of all logits, whatever was drawn from */
    int64_t rank;       /* of its logit among all, from 1; equal logits by id */
} es_generated_token;

typedef enum es_generation_end {
    ES_GENERATION_COUNT = 0,   /* as many tokens as were asked for */
    ES_GENERATION_TEXT = 1,    /* an end-of-text token, the last one, as config.json names it */
    ES_GENERATION_CONTEXT = 2, /* the context is full */
} es_generation_end;

typedef struct es_generation {
    int64_t prompt_count;
    int64_t *prompt; /* (prompt_count) ids */
    int64_t count;
    es_generated_token *tokens; /* (count) */
    es_generation_end end;
    bool sampled; /* the rest is then what was in force: */
    double temperature, top_p;
    int64_t top_k; /* 0: all */
    uint64_t seed;
} es_generation;

/* Go on with the prompt, (prompt_count) ids. Logits in float32 (es_model_logits), sums in float64.
 * BAD_INPUT for an empty prompt, one longer than the context, an id without a row, and where the
 * weights' numbers overflow; BAD_ARGUMENT for options out of their range; CANCELLED. Release with
 * es_generation_release(). Nucleus sampling (top_p): Holtzman et al. 2020. */
es_status es_generate(es_model *model, const int64_t *prompt, int64_t prompt_count,
                      const es_generate_options *options, es_generation *generation,
                      es_error *error);
void es_generation_release(es_generation *generation);

ES_END_DECLARATIONS
#endif
