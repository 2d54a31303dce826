/* A small GPT-2 of random weights, in a folder with a tokenizer. Include scratch.h's setup and
 * teardown with it. */
#ifndef ES_TEST_RANDOM_GPT2_H
#define ES_TEST_RANDOM_GPT2_H

#include "gpt2_models.h"

#include <embscope/model.h>

enum { LAYERS = 2, HEADS = 2, WIDTH = 8, INNER = 12, CONTEXT = 12 };

typedef struct plan {
    bool untied; /* with rows that are zero, equal, and in one direction with one another */
    bool silent; /* ln_f gives 0: h is zero */
} plan;

enum { ZERO_ROW = 5, TWIN_A = 40, TWIN_B = 200, LONG_TWIN = 201 };

/* A folder with the BPE of models.h. */
static inline const char *write_gpt2_of(const plan *plan)
{
    gpt2_tensors *all = draw_gpt2(&(gpt2_plan){.seed = 7,
                                               .layers = LAYERS,
                                               .heads = HEADS,
                                               .width = WIDTH,
                                               .inner = INNER,
                                               .context = CONTEXT,
                                               .rows = MODEL_ROWS,
                                               .head = plan->untied ? GPT2_OTHER_HEAD : GPT2_TIED});
    double *rows = all->tensor[all->count - 1].values;
    for (int k = 0; k < WIDTH && plan->untied; k++) {
        rows[ZERO_ROW * WIDTH + k] = 0;
        rows[TWIN_B * WIDTH + k] = rows[TWIN_A * WIDTH + k];
        rows[LONG_TWIN * WIDTH + k] = 8 * rows[TWIN_A * WIDTH + k];
    }
    for (int64_t t = 0; plan->silent && t < all->count; t++)
        if (strncmp(all->tensor[t].name, "ln_f.", 5) == 0)
            memset(all->tensor[t].values, 0, WIDTH * sizeof(double));
    write_gpt2("gpt2", all, NULL);
    write_bpe("gpt2");
    release_gpt2(all);
    return scratch_path("gpt2");
}

typedef struct loaded {
    es_space *space;
    es_model *model;
} loaded;

static inline loaded load(const plan *plan)
{
    loaded at = {0};
    es_error error = {0};
    assert_ok(es_space_open(write_gpt2_of(plan), NULL, &at.space, &error), error);
    assert_ok(es_model_create(at.space, 2, &at.model, &error), error);
    return at;
}

static inline void unload(loaded *at)
{
    es_model_free(at->model);
    es_space_free(at->space);
}

#endif
