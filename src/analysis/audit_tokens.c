/* Tokens that no text produces: decode a token, encode what came out, compare. */
#include "analysis/audit_parts.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/utf8.h"
#include "space/vocabulary_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_TOKENS = 256, CARRIERS = 64 };

typedef struct trip {
    es_space *space;
    const es_vocabulary *vocabulary;
    es_findings *blocks; /* one a piece */
    es_bytes carriers[CARRIERS];
    int carrier_count;
} trip;

static es_status add(es_findings *found, es_audit_category category, int64_t id, double indicator,
                     const es_ids *ids, es_error *error)
{
    es_audit_finding finding = {
        .category = category, .id = id, .other = -1, .indicator = indicator};
    for (int64_t i = 0; ids && i < ids->count && i < ES_AUDIT_ENCODED; i++)
        finding.encoded[i] = ids->id[i];
    finding.encoded_count = ids ? ids->count : 0;
    return es_findings_add(found, finding, error);
}

static int64_t ill_formed_bytes(es_bytes text)
{
    int64_t count = 0;
    for (size_t at = 0; at < text.size;) {
        uint32_t c;
        int length = es_utf8_decode(text.data + at, text.size - at, &c);
        count += length == 0;
        at += length ? (size_t)length : 1;
    }
    return count;
}

/* A text that the tokenizer cannot take (a byte without a token) encodes to nothing. */
static es_status encode(const es_vocabulary *vocabulary, es_bytes text, es_ids *ids,
                        es_error *error)
{
    ids->count = 0;
    es_status status = es_vocabulary_encode(vocabulary, text, false, ids, error);
    return status == ES_NOT_FOUND || status == ES_BAD_INPUT ? ES_OK : status;
}

/* A continuation "##x" is looked for where it can stand: behind a character, and behind that
 * character twice, for each of the carriers. *found where one of these words ends in it. */
static es_status try_inside(const trip *trip, int64_t id, es_bytes piece, es_text *word,
                            es_ids *ids, bool *found, es_error *error)
{
    *found = false;
    for (int i = 0; i < 2 * trip->carrier_count && !*found; i++) {
        es_bytes carrier = trip->carriers[i / 2];
        word->size = 0;
        for (int times = 0; times <= i % 2; times++)
            es_text_append(word, carrier.data, carrier.size);
        es_text_append(word, piece.data, piece.size);
        if (word->failed) return es_fail_memory(error, "a word", piece.size);
        ES_TRY(encode(trip->vocabulary, (es_bytes){word->data, word->size}, ids, error));
        *found = ids->count > 1 && ids->id[ids->count - 1] == id;
    }
    return ES_OK;
}

static es_status try_token(const trip *trip, int64_t id, es_bytes token, es_findings *found,
                           es_text *word, es_ids *ids, es_error *error)
{
    int64_t ill_formed = ill_formed_bytes(token);
    if (ill_formed) return add(found, ES_AUDIT_UNDECODABLE, id, (double)ill_formed, NULL, error);
    const es_wordpiece *wordpiece = trip->vocabulary->wordpiece;
    size_t prefix = wordpiece ? wordpiece->prefix.size : 0;
    if (prefix && token.size > prefix && !memcmp(token.data, wordpiece->prefix.data, prefix)) {
        es_bytes piece = {token.data + prefix, token.size - prefix};
        bool reached;
        ES_TRY(try_inside(trip, id, piece, word, ids, &reached, error));
        if (reached) return ES_OK;
    } else {
        ES_TRY(encode(trip->vocabulary, token, ids, error));
        if (ids->count == 1 && ids->id[0] == id) return ES_OK;
    }
    return add(found, ES_AUDIT_UNREACHABLE, id, (double)ids->count, ids, error);
}

static es_status check_token(const trip *trip, int64_t id, es_findings *found, es_text *word,
                             es_ids *ids, es_error *error)
{
    const es_space *space = trip->space;
    es_bytes token = es_vocabulary_token(trip->vocabulary, id);
    bool has_row = id < space->source.rows;
    if (!token.data && !has_row) return ES_OK; /* a gap beyond the rows */
    double norm = has_row && space->states[id] == ES_ROW_DEFINED ? space->norms[id] : NAN;
    if (!token.data) return add(found, ES_AUDIT_NO_TOKEN, id, norm, NULL, error);
    if (!has_row) return add(found, ES_AUDIT_NO_ROW, id, (double)id, NULL, error);
    if (es_vocabulary_is_special(trip->vocabulary, id))
        return add(found, ES_AUDIT_SPECIAL, id, norm, NULL, error);
    return try_token(trip, id, token, found, word, ids, error);
}

static es_status check_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const trip *trip = context;
    int64_t first = index * BLOCK_TOKENS, end = first + BLOCK_TOKENS;
    if (end > trip->vocabulary->count) end = trip->vocabulary->count;
    es_ids ids = {0};
    es_text word = {0};
    es_status status = ES_OK;
    for (int64_t id = first; id < end && status == ES_OK; id++)
        status = check_token(trip, id, &trip->blocks[index], &word, &ids, error);
    es_ids_release(&ids);
    es_text_release(&word);
    return status;
}

/* The first tokens of a single character that begin a word and are reached by themselves. */
static es_status choose_carriers(trip *trip, es_error *error)
{
    const es_vocabulary *vocabulary = trip->vocabulary;
    if (!vocabulary->wordpiece) return ES_OK;
    es_ids ids = {0};
    es_status status = ES_OK;
    for (int64_t id = 0; id < vocabulary->count && trip->carrier_count < CARRIERS; id++) {
        es_bytes token = vocabulary->tokens[id];
        uint32_t c;
        if (!token.size || es_utf8_decode(token.data, token.size, &c) != (int)token.size) continue;
        /* Digits and letters: all else stands alone. */
        if (c < '0' || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') || (c > 'z' && c < 0xC0))
            continue;
        if ((status = encode(vocabulary, token, &ids, error)) != ES_OK) break;
        if (ids.count == 1 && ids.id[0] == id) trip->carriers[trip->carrier_count++] = token;
    }
    es_ids_release(&ids);
    return status;
}

/* All blocks' findings, in order. */
static es_status join(es_findings *blocks, int64_t count, es_findings *findings, es_error *error)
{
    es_status status = ES_OK;
    for (int64_t b = 0; b < count; b++) {
        for (int64_t i = 0; i < blocks[b].count && status == ES_OK; i++)
            status = es_findings_add(findings, blocks[b].items[i], error);
        free(blocks[b].items);
    }
    return status;
}

es_status es_audit_round_trip(es_space *space, const es_audit_options *options,
                              es_findings *findings, es_error *error)
{
    trip trip = {.space = space, .vocabulary = es_space_vocabulary(space)};
    int64_t blocks = (trip.vocabulary->count + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
    ES_TRY(choose_carriers(&trip, error));
    trip.blocks = es_alloc(blocks, sizeof *trip.blocks);
    if (!trip.blocks) return es_fail_memory(error, "findings", (size_t)blocks * 32);
    es_status status =
        es_parallel_for(options->threads, blocks, check_block, &trip, &options->progress, error);
    es_status joined = join(trip.blocks, status == ES_OK ? blocks : 0, findings, error);
    for (int64_t b = 0; status != ES_OK && b < blocks; b++) free(trip.blocks[b].items);
    free(trip.blocks);
    return status == ES_OK ? joined : status;
}
