/* From a prompt to the tokens that a model is run on. */
#ifndef EMBSCOPE_PROMPT_H
#define EMBSCOPE_PROMPT_H

#include <embscope/model.h>
#include <embscope/vocabulary.h>

ES_BEGIN_DECLARATIONS

/* The tokens of a prompt, as es_vocabulary_encode() has them; nothing is put around them. BAD_INPUT
 * for an empty prompt, one longer than the model's context, a token without a row. `name` is how an
 * error calls it ("the prompt", "FILE:3"). *ids is released with es_ids_release(); on failure it is
 * empty. */
es_status es_prompt_encode(const es_model *model, const char *name, es_bytes text, bool special,
                           es_ids *ids, es_error *error);

/* What makes a prompt's next token look odd to who does not know it (it ends in a space; a special
 * token was read as text): a line of a fixed list, or NULL. */
const char *es_prompt_note(const es_model *model, es_bytes text, bool special);

ES_END_DECLARATIONS
#endif
