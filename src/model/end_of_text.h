/* Which tokens end a text. */
#ifndef ES_MODEL_END_OF_TEXT_H
#define ES_MODEL_END_OF_TEXT_H

#include "base/status.h"

#include <embscope/model.h>
#include <embscope/vocabulary.h>

/* Append the ids that end a text: config.json's eos_token_id, a number or a list; where it has
 * none, the special token <|endoftext|>. There may be none. */
es_status es_end_of_text_read(const es_model *model, es_ids *ids, es_error *error);

#endif
