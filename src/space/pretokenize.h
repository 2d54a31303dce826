/* Cutting text into the pieces that a byte-level BPE encodes one by one. */
#ifndef ES_SPACE_PRETOKENIZE_H
#define ES_SPACE_PRETOKENIZE_H

#include "base/status.h"

#include <embscope/vocabulary.h>

/* The size of the first piece of a text that is not empty, by GPT-2's pattern
 *
 *     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *
 * written out by hand: five times as fast as a pattern, and every text has a piece, also one that
 * is no UTF-8: a byte of no well-formed sequence counts as a character that is no letter, number or
 * space. A test holds it against PCRE2. */
size_t es_gpt2_piece(const char *data, size_t size);

typedef enum es_step_kind {
    ES_STEP_GPT2,         /* the pattern above */
    ES_STEP_PREFIX_SPACE, /* a space before a piece that does not start with one */
    ES_STEP_SPLIT,        /* at the matches of a pattern */
} es_step_kind;

/* What a Split does with its matches and what lies between them. */
typedef struct es_split_rule {
    bool drop_matches, drop_others;
} es_split_rule;

typedef struct es_step {
    es_step_kind kind;
    void *code; /* pcre2_code; SPLIT alone */
    es_split_rule rule;
} es_step;

/* Steps cut the pieces of the step before. All zero has no step; release with
 * es_pretokenizer_release(). */
enum { ES_MAX_STEPS = 32 };
typedef struct es_pretokenizer {
    es_step steps[ES_MAX_STEPS];
    int count;
} es_pretokenizer;

void es_pretokenizer_release(es_pretokenizer *pretokenizer);

/* Add a step without a pattern. False where there are ES_MAX_STEPS. */
bool es_pretokenizer_add(es_pretokenizer *pretokenizer, es_step_kind kind);

/* Add a Split at a pattern in the reference's syntax (Oniguruma's; what means something else in
 * PCRE2 is UNSUPPORTED), or at a literal string. `where` ("tokenizer.json: at byte 120") opens the
 * message when the pattern does not compile. */
es_status es_pretokenizer_add_split(es_pretokenizer *pretokenizer, es_bytes pattern, bool literal,
                                    es_split_rule rule, const char *where, es_error *error);

/* Call `piece` for each piece of the text in order; none is empty. BAD_INPUT where a pattern passes
 * the match limit. Bytes that are no UTF-8 end a Split's text on both sides and are pieces of their
 * own. */
typedef es_status es_piece_found(void *context, es_bytes piece, es_error *error);
es_status es_pretokenize(const es_pretokenizer *pretokenizer, es_bytes text, es_piece_found *found,
                         void *context, es_error *error);

#endif
