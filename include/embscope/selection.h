/* From a user's words to rows of a space.
 *
 * "@25996" is an id; "text:..." is text taken literally; anything else is text. A word vocabulary
 * looks the key up. A subword vocabulary encodes the text byte for byte: one token is taken. Words
 * given together are resolved together: if every one is one token as typed, so; else if every one
 * is one token with a leading space, those (a note says so); else the error shows each word's
 * pieces, or, with pooling, a word is the mean of its tokens' unit rows. */
#ifndef EMBSCOPE_SELECTION_H
#define EMBSCOPE_SELECTION_H

#include <embscope/vocabulary.h>

ES_BEGIN_DECLARATIONS

typedef enum es_prefix { ES_PREFIX_AUTO = 0, ES_PREFIX_NONE = 1, ES_PREFIX_SPACE = 2 } es_prefix;

typedef struct es_selection_options {
    es_prefix prefix;
    bool pool_mean; /* a word of several tokens: the mean of its unit rows */
    bool special;   /* special tokens written out in text become their ids */
} es_selection_options;

/* One thing the user named. id is the row, or -1 where several rows are pooled; `text` is how to
 * show it, its bytes those of the token (NUL-terminated for convenience; `text_size` counts). */
typedef struct es_item {
    int64_t id;
    char *text;
    size_t text_size;
    int64_t *piece_ids; /* all tokens of it; one for a plain row */
    int64_t piece_count;
} es_item;

typedef struct es_selection {
    int64_t count;
    es_item *items;
    char *note; /* what was done to interpret the words, for the user to read; NULL where nothing
                   was */
} es_selection;

/* Resolve `count` words against the space. On success release with es_selection_release().
 * Statuses: NOT_FOUND (with pieces or suggestions), BAD_ARGUMENT (an id that is no number),
 * NO_MEMORY. */
es_status es_selection_resolve(const es_space *space, const char *const *words, int64_t count,
                               const es_selection_options *options, es_selection *selection,
                               es_error *error);

/* Rows by id, 0 <= id < rows. */
es_status es_selection_from_ids(const es_space *space, const int64_t *ids, int64_t count,
                                es_selection *selection, es_error *error);

/* `count` different defined rows drawn with `seed` (`matrix --random N`); the same on every
 * machine. */
es_status es_selection_random(es_space *space, int64_t count, uint64_t seed,
                              es_selection *selection, es_error *error);
void es_selection_release(es_selection *selection);

/* The vectors of a selection, float64, (count, columns): the row itself, or the mean of unit rows
 * of a pooled item. */
es_status es_selection_vectors(es_space *space, const es_selection *selection, double *vectors,
                               es_error *error);

ES_END_DECLARATIONS
#endif
