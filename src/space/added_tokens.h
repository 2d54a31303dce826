/* Added tokens: strings that are cut out of a text before the model sees it, "<|endoftext|>". */
#ifndef ES_SPACE_ADDED_TOKENS_H
#define ES_SPACE_ADDED_TOKENS_H

#include "base/status.h"

#include <embscope/vocabulary.h>

typedef struct es_added_token {
    es_bytes content;
    int64_t id;
    bool owned;          /* content is malloc'ed, the set frees it */
    bool special;        /* only where the caller asks for special tokens */
    bool single_word;    /* only where no word character touches it */
    bool lstrip, rstrip; /* takes the white space before, after it along */
} es_added_token;

/* A set of them. All zero is empty; release with es_added_release(). */
typedef struct es_added {
    es_added_token *tokens; /* sorted by content once es_added_sort() was called */
    int64_t count, capacity;
    int64_t first[257]; /* tokens whose content starts with byte b: first[b] ... first[b+1] - 1 */
} es_added;

/* Add one with content that is not empty. False when memory is short, with owned content freed. */
bool es_added_add(es_added *added, es_added_token token);

/* Call once after the last es_added_add(). */
void es_added_sort(es_added *added);
void es_added_release(es_added *added);

typedef struct es_added_match {
    size_t start, stop;
    int64_t id;
} es_added_match;

/* The next added token in text at or after *search: the leftmost, and the longest of those. White
 * space that it takes along does not reach back before `from`, the end of the match before it.
 * *search moves on. A special token that is not asked for still hides what it covers from the
 * others, as in the reference. */
bool es_added_next(const es_added *added, es_bytes text, bool special, size_t from, size_t *search,
                   es_added_match *match);

#endif
