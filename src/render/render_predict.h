/* Parts of predict's answers, between its files. */
#ifndef ES_RENDER_PREDICT_H
#define ES_RENDER_PREDICT_H

#include "render/render_common.h"

#include <embscope/predict.h>

/* The states of a position, one for each depth: the last is the final layer's. */
static inline const es_prediction *es_states_of(const es_predictions *predictions, int64_t position)
{
    return predictions->states + position * predictions->depth;
}

/* The first `count` tokens between quotes, safe on a terminal, the end of them where they are wider
 * than `columns`. */
void es_render_prompt_label(es_text *text, const es_space *space, const es_predictions *predictions,
                            int64_t count, int columns);

/* CSV of `count` answers, a column for the prompt where there are several. */
void es_render_predict_csv(const es_space *space, const es_predictions *answers, int64_t count,
                           bool named, FILE *out);

#endif
