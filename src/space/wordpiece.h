/* WordPiece: BERT's greedy longest match. */
#ifndef ES_SPACE_WORDPIECE_H
#define ES_SPACE_WORDPIECE_H

#include "base/status.h"
#include "base/text.h"

#include <embscope/vocabulary.h>

typedef struct es_wordpiece {
    /* What is done to the text first, in this order. */
    bool clean_text;          /* drop control characters, white space becomes a space */
    bool separate_ideographs; /* spaces around Chinese characters */
    bool strip_accents;       /* canonical decomposition without its marks */
    bool lower_case;
    es_bytes prefix; /* of a token that continues a word, "##"; the vocabulary's */
    int64_t maximum; /* characters of a word that is looked at; a longer one is unknown */
    size_t longest;  /* bytes of the longest token: no match can be longer */
    int64_t unknown_id;
} es_wordpiece;

/* BERT's defaults, with "##", 100 characters; unknown_id and longest are yet to be set. NULL when
 * memory is short. */
es_wordpiece *es_wordpiece_create(void);

/* Append the text as the model reads it. Bytes that are no UTF-8 are read as U+FFFD. */
void es_wordpiece_normalize(const es_wordpiece *wordpiece, es_bytes text, es_text *out);

/* Append the ids of a normalised text without added tokens. */
es_status es_wordpiece_encode(const es_vocabulary *vocabulary, es_bytes text, es_ids *ids,
                              es_error *error);

#endif
