/* A name for each row that a file of word vectors can hold: not empty, valid UTF-8, without white
 * space or control characters, and no two alike.
 *
 * A byte-level vocabulary's tokens are spelled as its own vocab.json spells them, a printable
 * character for each byte: " cat" is "\u0120cat". Of any other vocabulary, and of special tokens,
 * only those bytes are spelled so that a file could not hold: space, control characters, and what
 * is not UTF-8. A row without a token is "#ID". A key that an earlier row has gets "#ID" after it,
 * and ".PLACE" after that (the row's place in the file, from 0) should that be taken too. */
#ifndef ES_SPACE_ROW_KEYS_H
#define ES_SPACE_ROW_KEYS_H

#include "base/status.h"
#include "base/text.h"

#include <embscope/selection.h>

/* All zero is empty. Release with es_row_keys_release(). */
typedef struct es_row_keys {
    int64_t count;
    es_bytes *key; /* (count), what they point to is theirs */
    es_text memory;
    char **longer;     /* (renamed) */
    int64_t respelled; /* keys that are not the bytes of their token */
    int64_t renamed;   /* of them, those with "#ID" after them because the key was taken */
} es_row_keys;

/* The keys of all rows, or of the items of a selection. */
es_status es_row_keys_make(const es_space *space, const es_selection *selection, es_row_keys *keys,
                           es_error *error);
void es_row_keys_release(es_row_keys *keys);

#endif
