/* What the two files that read tokenizer.json share. */
#ifndef ES_SPACE_TOKENIZER_PARTS_H
#define ES_SPACE_TOKENIZER_PARTS_H

#include "base/json.h"
#include "space/vocabulary_parts.h"

enum { ES_TOKENIZER_NAME = 48 };

/* UNSUPPORTED: "PATH: at byte N: WHAT 'NAME' is not supported yet; ...". */
es_status es_tokenizer_unsupported(es_json *json, const char *what, const char *name);

/* A short string. */
es_status es_tokenizer_read_name(es_json *json, char name[ES_TOKENIZER_NAME]);

/* true or false; any other value leaves the flag as it is. */
es_status es_tokenizer_read_flag(es_json *json, bool *flag);

/* Go to a value that was passed over. */
es_status es_tokenizer_enter(es_json *json, int64_t at);

/* Read the normalizer, the pre_tokenizer, at the given place (-1: absent) into the vocabulary's
 * encoder. */
es_status es_tokenizer_read_normalizer(es_json *json, int64_t at, es_vocabulary *vocabulary);
es_status es_tokenizer_read_pre_tokenizer(es_json *json, int64_t at, es_vocabulary *vocabulary);

#endif
