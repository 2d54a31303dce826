/* What a vocabulary is made of, for the files that build, encode and search one. */
#ifndef ES_SPACE_VOCABULARY_PARTS_H
#define ES_SPACE_VOCABULARY_PARTS_H

#include "base/map.h"
#include "base/status.h"
#include "space/added_tokens.h"
#include "space/bpe.h"
#include "space/wordpiece.h"

#include <embscope/vocabulary.h>

enum es_token_flag {
    ES_TOKEN_SPECIAL = 1, /* no plain text encodes to it */
    ES_TOKEN_MODEL = 2,   /* the model may produce it; an added token is matched as written */
};

/* Ids are row numbers; 31 bits keep a merge table's slot at 16 bytes. */
#define ES_TOKEN_ID_LIMIT INT32_MAX

struct es_vocabulary {
    es_vocabulary_kind kind;
    int64_t rows; /* of the table it names */
    /* (count), count >= rows unless kind is NONE: the tokens beyond the rows are the encoder's own.
     * A gap has data NULL. */
    es_bytes *tokens;
    unsigned char *flags;
    int64_t count, token_capacity, flag_capacity;
    int64_t named; /* tokens that are no gap */
    es_map by_bytes;
    int64_t duplicates;
    /* Where token bytes lie: an arena of a size known before (the file's). `keys` is an array taken
     * over from a format. */
    char *memory;
    size_t memory_used, memory_size;
    es_bpe *bpe;             /* kind BPE */
    es_wordpiece *wordpiece; /* kind WORDPIECE */
    es_added raw_added;      /* added tokens matched in the text as it is */
    es_added normal_added;   /* and those matched after normalisation */
};

/* An empty vocabulary with room for `memory` bytes of token text, or NULL when memory is short. */
es_vocabulary *es_vocabulary_create(es_vocabulary_kind kind, int64_t rows, size_t memory);

/* Copy bytes into the arena. The caller has made it large enough (an assert). */
es_bytes es_vocabulary_keep(es_vocabulary *vocabulary, const char *data, size_t size);

/* Name row `id` (below ES_TOKEN_ID_LIMIT), which has no name yet; the bytes must outlive the
 * vocabulary. False when memory is short. */
bool es_vocabulary_set(es_vocabulary *vocabulary, int64_t id, es_bytes bytes, int flags);

/* Make the tokens reach the last row. False when memory is short. */
bool es_vocabulary_cover_rows(es_vocabulary *vocabulary);

/* A line for the user where tokens and rows differ in number, or keys repeat; NULL where there is
 * nothing to say (or no memory to say it in). `path` names the tokenizer. */
char *es_vocabulary_note(const es_vocabulary *vocabulary, const char *path);

#endif
