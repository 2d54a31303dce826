/* A tokenizer's own pattern, written for Oniguruma, run by PCRE2. */
#ifndef ES_SPACE_SPLIT_PATTERN_H
#define ES_SPACE_SPLIT_PATTERN_H

#include "base/status.h"

#include <embscope/vocabulary.h>

/* Compile (with the JIT where there is one) into *code, a pcre2_code. What the two syntaxes share
 * is compiled, with \s and \w widened to Oniguruma's; what means something else there is
 * UNSUPPORTED. BAD_INPUT names the byte of the pattern that does not compile. */
es_status es_split_pattern_compile(es_bytes pattern, bool literal, const char *where, void **code,
                                   es_error *error);

/* Call `part` for each match and each stretch between matches, in order; parts may be empty. The
 * text must be UTF-8. BAD_INPUT where a match takes more than a fixed number of steps. */
typedef es_status es_split_part(void *context, es_bytes part, bool matched);
es_status es_split_pattern_apply(const void *code, es_bytes text, es_split_part *part,
                                 void *context, es_error *error);

#endif
