/* A GPT-2 of made-up weights as a folder, small enough for a test to run thousands of times, with
 * the tokenizer of models.h. */
#ifndef ES_TEST_TINY_GPT2_H
#define ES_TEST_TINY_GPT2_H

#include "gpt2_models.h"

enum { TINY_LAYERS = 2, TINY_HEADS = 3, TINY_WIDTH = 12, TINY_INNER = 20, TINY_CONTEXT = 16 };

/* All zero: tied, nothing special. */
typedef struct tiny_gpt2 {
    bool untied;
    const char *config;  /* members of config.json to be added, ", \"eos_token_id\": 3" */
    int64_t silent_head; /* of the last layer, from 1: its rows of the output matrix are zero */
    double size;         /* of the weights; 0: 1 */
} tiny_gpt2;

static inline void write_tiny_gpt2(const char *folder, const tiny_gpt2 *plan)
{
    enum { D = TINY_WIDTH, HEAD = D / TINY_HEADS, LAST = 2 + (TINY_LAYERS - 1) * GPT2_OF_A_LAYER };
    gpt2_tensors *all = draw_gpt2(&(gpt2_plan){.seed = 1,
                                               .layers = TINY_LAYERS,
                                               .heads = TINY_HEADS,
                                               .width = D,
                                               .inner = TINY_INNER,
                                               .context = TINY_CONTEXT,
                                               .rows = MODEL_ROWS,
                                               .head = plan->untied ? GPT2_OTHER_HEAD : GPT2_TIED});
    /* The fifth tensor of a layer is the output matrix. */
    if (plan->silent_head)
        memset(all->tensor[LAST + 4].values + (plan->silent_head - 1) * HEAD * D, 0,
               HEAD * D * sizeof(double));
    for (int64_t t = 0; plan->size != 0 && t < all->count; t++)
        for (int64_t i = 0; i < gpt2_count(&all->tensor[t]); i++)
            all->tensor[t].values[i] *= plan->size;
    es_text config = {0};
    es_text_printf(&config,
                   "{\"model_type\": \"gpt2\", \"n_layer\": %d, \"n_head\": %d, \"n_embd\": %d, "
                   "\"n_inner\": %d, \"tie_word_embeddings\": %s%s}",
                   TINY_LAYERS, TINY_HEADS, TINY_WIDTH, TINY_INNER, plan->untied ? "false" : "true",
                   plan->config ? plan->config : "");
    write_gpt2(folder, all, &(gpt2_fault){.config = config.data});
    write_bpe(folder);
    es_text_release(&config);
    release_gpt2(all);
}

/* The folder, opened; the model is to be freed before its space. */
static inline es_model *open_tiny_gpt2(const tiny_gpt2 *plan, int threads)
{
    es_space *space = NULL;
    es_model *model = NULL;
    es_error error = {0};
    write_tiny_gpt2("tiny", plan);
    assert_ok(es_space_open(scratch_path("tiny"), NULL, &space, &error), error);
    assert_ok(es_model_create(space, threads, &model, &error), error);
    return model;
}

static inline void close_tiny_gpt2(es_model *model)
{
    es_space *space = es_model_space(model);
    es_model_free(model);
    es_space_free(space);
}

#endif
