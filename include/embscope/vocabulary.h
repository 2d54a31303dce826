/* The names of a space's rows, and the way from text to rows and back.
 *
 * Four kinds: none (rows are "#0", "#1" ...), words (a key each, as in word vectors), byte-level
 * BPE (GPT-2) and WordPiece (BERT). Ids are row numbers, from 0. Text is bytes: it need not be
 * UTF-8 and may hold NUL. */
#ifndef EMBSCOPE_VOCABULARY_H
#define EMBSCOPE_VOCABULARY_H

#include <embscope/space.h>
#include <stddef.h>

ES_BEGIN_DECLARATIONS

typedef enum es_vocabulary_kind {
    ES_VOCABULARY_NONE = 0,
    ES_VOCABULARY_WORDS = 1,
    ES_VOCABULARY_BPE = 2,
    ES_VOCABULARY_WORDPIECE = 3,
} es_vocabulary_kind;

typedef struct es_bytes {
    const char *data; /* not terminated */
    size_t size;
} es_bytes;

/* A list of ids that the library grew; release with es_ids_release(). All zero is the empty list.
 */
typedef struct es_ids {
    int64_t *id;
    int64_t count, capacity;
} es_ids;
void es_ids_release(es_ids *ids);

es_vocabulary_kind es_vocabulary_get_kind(const es_vocabulary *vocabulary);
const char *es_vocabulary_kind_text(
    es_vocabulary_kind kind); /* "none", "words", "byte-level BPE", "WordPiece" */
int64_t es_vocabulary_size(const es_vocabulary *vocabulary);

/* The bytes that token `id` stands for: " cat" for GPT-2's 3797, "##ing" for a WordPiece
 * continuation, the key of a word. Belongs to the vocabulary. An id without a token (a gap, or a
 * row beyond the tokenizer) has data NULL, size 0; a token beyond the rows has its bytes. */
es_bytes es_vocabulary_token(const es_vocabulary *vocabulary, int64_t id);

/* Is the token a special one ("<|endoftext|>", "[CLS]"), which no plain text encodes to? */
bool es_vocabulary_is_special(const es_vocabulary *vocabulary, int64_t id);

/* The row whose token's bytes are exactly these, or -1. */
int64_t es_vocabulary_find(const es_vocabulary *vocabulary, es_bytes bytes);

/* Append to *ids what the reference tokenizer makes of the text, without adding special tokens
 * around it and truncating nothing. With `special`, special tokens written out in the text become
 * their ids; without, they are text. A word vocabulary looks the whole text up: NOT_FOUND where it
 * is absent, as where a BPE has no token for a byte (the reference drops such bytes). BAD_INPUT
 * where the pattern gave up (match limit). Bytes that are no UTF-8, which the reference cannot be
 * asked for: GPT-2's pattern takes them for symbols, a tokenizer's own pattern for pieces of their
 * own, WordPiece for U+FFFD. On failure *ids is as it was. An id may lie beyond the rows. */
es_status es_vocabulary_encode(const es_vocabulary *vocabulary, es_bytes text, bool special,
                               es_ids *ids, es_error *error);

/* The way back: *text is malloc'ed and terminated, the caller's to free; *size its length without
 * the terminator. Ids without a token: NOT_FOUND. WordPiece joins with spaces, "##" pieces
 * without. */
es_status es_vocabulary_decode(const es_vocabulary *vocabulary, const int64_t *ids, int64_t count,
                               char **text, size_t *size, es_error *error);

/* Up to `limit` tokens that look most like `text` (edit distance on the first bytes, then id): for
 * "did you mean". Returns how many ids it wrote; 0 where nothing is near. */
int64_t es_vocabulary_suggest(const es_vocabulary *vocabulary, es_bytes text, int64_t limit,
                              int64_t *ids);

/* Duplicate keys of a word vocabulary: the first keeps the name, later ones are reachable by id
 * alone. */
int64_t es_vocabulary_duplicate_count(const es_vocabulary *vocabulary);

ES_END_DECLARATIONS
#endif
