/* Byte-level byte pair encoding: GPT-2's. */
#ifndef ES_SPACE_BPE_H
#define ES_SPACE_BPE_H

#include "base/status.h"
#include "space/pretokenize.h"

#include <embscope/vocabulary.h>

typedef enum es_normal_form {
    ES_NORMAL_NONE,
    ES_NORMAL_NFC,
    ES_NORMAL_NFD,
    ES_NORMAL_NFKC,
    ES_NORMAL_NFKD
} es_normal_form;

typedef struct es_bpe {
    int32_t byte_id[256]; /* the token of a single byte, -1 for none */
    /* The merge of a pair of tokens: a hash table of ranks, small enough to stay in a cache. */
    int32_t *slots; /* (slot_count), a power of two; -1 is free */
    int64_t slot_count;
    uint64_t *pairs;  /* (rank_count): left id << 32 | right id */
    int32_t *results; /* (rank_count): the token that the merge makes */
    int64_t rank_count, pair_capacity, result_capacity;
    int64_t unknown_id;  /* for a byte without a token; -1: such a text cannot be encoded */
    bool fuse_unknown;   /* one for a run of them */
    bool ignore_merges;  /* a word that is a token is taken whole */
    es_normal_form form; /* of the text before it is cut */
    es_pretokenizer pretokenizer;
} es_bpe;

es_bpe *es_bpe_create(void); /* NULL when memory is short */
void es_bpe_free(es_bpe *bpe);

/* Make room for merges. False when memory is short. */
bool es_bpe_reserve(es_bpe *bpe, int64_t merges);

/* Add the next merge, whose rank is its place; given twice, the later rank counts. Room must have
 * been reserved. */
void es_bpe_add_merge(es_bpe *bpe, int64_t left, int64_t right, int64_t result);

/* The printable characters that stand for bytes in a byte-level vocabulary: 33-126, 161-172 and
 * 174-255 stand for themselves, the others in order for U+0100 on. Decode a key into out (at least
 * key.size bytes), returns the size; -1 where the key has another character: it is literal. */
int64_t es_bpe_decode_key(es_bytes key, char *out);

/* And the way back: the character, U+0021 ... U+0143, that stands for a byte. */
uint32_t es_bpe_letter(unsigned char byte);

/* Append the ids of a text without added tokens. */
es_status es_bpe_encode(const es_vocabulary *vocabulary, es_bytes text, es_ids *ids,
                        es_error *error);

/* Unicode normalisation as the tokenizer asks for; bytes that are no UTF-8 stay. *out is malloc'ed,
 * or the text itself where there is none to do. */
es_status es_bpe_normalize(const es_bpe *bpe, es_bytes text, es_bytes *out, es_error *error);

#endif
