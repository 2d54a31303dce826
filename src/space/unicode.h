/* Questions about code points that the tokenizers ask. */
#ifndef ES_SPACE_UNICODE_H
#define ES_SPACE_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

/* Unicode's White_Space property. */
bool es_unicode_is_white_space(uint32_t code_point);

/* A letter, a mark, a digit or a connector ("_"): what \w takes. */
bool es_unicode_is_word(uint32_t code_point);

/* General category L*, N*. */
bool es_unicode_is_letter(uint32_t code_point);
bool es_unicode_is_number(uint32_t code_point);

/* BERT's reference cleans text by the tables of Unicode 8; these answer as it does, for the code
 * points that are newer too. */
bool es_unicode_is_bert_mark(uint32_t code_point);        /* Mn: an accent to strip */
bool es_unicode_is_bert_punctuation(uint32_t code_point); /* P*, and all ASCII symbols */
bool es_unicode_is_bert_control(uint32_t code_point);     /* Cc, Cf, Co, but tab and line ends */
bool es_unicode_is_bert_ideograph(uint32_t code_point);   /* set apart by spaces */

#endif
