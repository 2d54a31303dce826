#include "space/vocabulary.h"

#include "base/memory.h"
#include "base/text.h"
#include "space/vocabulary_parts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- lists of ids --- */

es_status es_ids_append(es_ids *ids, int64_t id, es_error *error)
{
    if (ids->count == ids->capacity &&
        !es_grow((void **)&ids->id, &ids->capacity, ids->count + 1, sizeof *ids->id))
        return es_fail_memory(error, "token ids", (size_t)ids->count * 2 * sizeof *ids->id);
    ids->id[ids->count++] = id;
    return ES_OK;
}

void es_ids_release(es_ids *ids)
{
    free(ids->id);
    *ids = (es_ids){0};
}

/* --- building one --- */

es_vocabulary *es_vocabulary_create(es_vocabulary_kind kind, int64_t rows, size_t memory)
{
    es_vocabulary *vocabulary = es_alloc(1, sizeof *vocabulary);
    if (!vocabulary) return NULL;
    *vocabulary = (es_vocabulary){.kind = kind, .rows = rows, .memory_size = memory};
    vocabulary->memory = malloc(memory ? memory : 1);
    if (vocabulary->memory) return vocabulary;
    free(vocabulary);
    return NULL;
}

void es_vocabulary_free(es_vocabulary *vocabulary)
{
    if (!vocabulary) return;
    free(vocabulary->tokens);
    free(vocabulary->flags);
    free(vocabulary->memory);
    es_map_release(&vocabulary->by_bytes);
    es_bpe_free(vocabulary->bpe);
    free(vocabulary->wordpiece);
    es_added_release(&vocabulary->raw_added);
    es_added_release(&vocabulary->normal_added);
    free(vocabulary);
}

es_bytes es_vocabulary_keep(es_vocabulary *vocabulary, const char *data, size_t size)
{
    assert(size <= vocabulary->memory_size - vocabulary->memory_used);
    char *kept = vocabulary->memory + vocabulary->memory_used;
    if (size) memcpy(kept, data, size);
    vocabulary->memory_used += size;
    return (es_bytes){kept, size};
}

/* Let the arrays hold `count` tokens, new ones without a name. */
static bool grow_tokens(es_vocabulary *vocabulary, int64_t count)
{
    if (count <= vocabulary->count) return true;
    if (!es_grow((void **)&vocabulary->tokens, &vocabulary->token_capacity, count,
                 sizeof *vocabulary->tokens) ||
        !es_grow((void **)&vocabulary->flags, &vocabulary->flag_capacity, count, 1))
        return false;
    size_t added = (size_t)(count - vocabulary->count);
    memset(vocabulary->tokens + vocabulary->count, 0, added * sizeof *vocabulary->tokens);
    memset(vocabulary->flags + vocabulary->count, 0, added);
    vocabulary->count = count;
    return true;
}

bool es_vocabulary_set(es_vocabulary *vocabulary, int64_t id, es_bytes bytes, int flags)
{
    assert(id >= 0 && id < ES_TOKEN_ID_LIMIT);
    if (!grow_tokens(vocabulary, id + 1)) return false;
    vocabulary->tokens[id] = bytes;
    vocabulary->flags[id] = (unsigned char)flags;
    vocabulary->named++;
    return true;
}

bool es_vocabulary_cover_rows(es_vocabulary *vocabulary)
{
    return grow_tokens(vocabulary, vocabulary->rows);
}

char *es_vocabulary_note(const es_vocabulary *vocabulary, const char *path)
{
    es_text note = {0};
    int64_t beyond = 0; /* tokens without a row */
    for (int64_t id = vocabulary->rows; id < vocabulary->count; id++)
        beyond += vocabulary->tokens[id].data != NULL;
    int64_t unnamed = vocabulary->rows - (vocabulary->named - beyond);
    if (unnamed)
        es_text_printf(&note, "%s names %lld of %lld rows; the others are reachable by id alone",
                       path, (long long)(vocabulary->named - beyond), (long long)vocabulary->rows);
    if (beyond)
        es_text_printf(&note, "%s%s has %lld tokens beyond the last of %lld rows",
                       note.size ? "\n" : "", path, (long long)beyond, (long long)vocabulary->rows);
    if (vocabulary->duplicates)
        es_text_printf(&note, "%s%s: %lld keys are there more than once; %s goes by the text",
                       note.size ? "\n" : "", path, (long long)vocabulary->duplicates,
                       vocabulary->kind == ES_VOCABULARY_WORDS ? "the first" : "the last");
    if (note.failed) es_text_release(&note);
    return note.data;
}

es_status es_vocabulary_create_words(es_bytes *keys, char *memory, int64_t rows,
                                     es_vocabulary **vocabulary, char **note, es_error *error)
{
    *note = NULL;
    es_vocabulary *made = es_vocabulary_create(ES_VOCABULARY_WORDS, rows, 0);
    if (!made) {
        free(keys);
        free(memory);
        return es_fail_memory(error, "a vocabulary", sizeof *made);
    }
    free(made->memory);
    made->memory = memory;
    made->tokens = keys;
    made->count = made->token_capacity = rows;
    made->flags = es_alloc(rows, 1);
    made->flag_capacity = rows;
    bool enough = made->flags && es_map_reserve(&made->by_bytes, rows);
    for (int64_t id = 0; enough && id < rows; id++) {
        if (!keys[id].data) continue;
        made->named++;
        es_map_put put = es_map_insert(&made->by_bytes, keys[id], id, NULL);
        enough = put != ES_MAP_NO_MEMORY;
        made->duplicates += put == ES_MAP_EXISTS;
    }
    if (!enough) {
        es_vocabulary_free(made);
        return es_fail_memory(error, "a vocabulary", (size_t)rows * sizeof(es_map_slot));
    }
    *note = es_vocabulary_note(made, "the vocabulary");
    *vocabulary = made;
    return ES_OK;
}

/* --- "#0", "#1" ...: texts of equal length lie together, so that places can be computed --- */

/* Where the text of row `id` lies, and its size. */
static size_t number_place(int64_t id, size_t *size)
{
    size_t place = 0, digits = 1;
    int64_t first = 0, after = 10;
    while (id >= after) {
        place += (size_t)(after - first) * (digits + 1);
        first = after;
        after *= 10;
        digits++;
    }
    *size = digits + 1;
    return place + (size_t)(id - first) * (digits + 1);
}

es_status es_vocabulary_create_numbers(int64_t rows, es_vocabulary **vocabulary, es_error *error)
{
    size_t size = 0, total = rows ? number_place(rows - 1, &size) : 0;
    es_vocabulary *made = es_vocabulary_create(ES_VOCABULARY_NONE, rows, total + size + 1);
    if (!made) return es_fail_memory(error, "a vocabulary", total + size);
    char *at = made->memory;
    for (int64_t id = 0; id < rows; id++) {
        char digits[24];
        int length = snprintf(digits, sizeof digits, "#%lld", (long long)id);
        memcpy(at, digits, (size_t)length);
        at += length;
    }
    *vocabulary = made;
    return ES_OK;
}

static int64_t find_number(const es_vocabulary *vocabulary, es_bytes text)
{
    if (text.size < 2 || text.size > 20 || text.data[0] != '#') return -1;
    if (text.data[1] == '0' && text.size > 2) return -1;
    int64_t id = 0;
    for (size_t i = 1; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || id > INT64_MAX / 10 - 1) return -1;
        id = id * 10 + (text.data[i] - '0');
    }
    return id < vocabulary->rows ? id : -1;
}

/* --- asking --- */

es_vocabulary_kind es_vocabulary_get_kind(const es_vocabulary *vocabulary)
{
    return vocabulary->kind;
}

const char *es_vocabulary_kind_text(es_vocabulary_kind kind)
{
    switch (kind) {
    case ES_VOCABULARY_WORDS: return "words";
    case ES_VOCABULARY_BPE: return "byte-level BPE";
    case ES_VOCABULARY_WORDPIECE: return "WordPiece";
    default: return "none";
    }
}

int64_t es_vocabulary_size(const es_vocabulary *vocabulary)
{
    return vocabulary->rows;
}

es_bytes es_vocabulary_token(const es_vocabulary *vocabulary, int64_t id)
{
    if (vocabulary->kind == ES_VOCABULARY_NONE && id >= 0 && id < vocabulary->rows) {
        size_t size, place = number_place(id, &size);
        return (es_bytes){vocabulary->memory + place, size};
    }
    return id >= 0 && id < vocabulary->count ? vocabulary->tokens[id] : (es_bytes){0};
}

bool es_vocabulary_is_special(const es_vocabulary *vocabulary, int64_t id)
{
    return id >= 0 && id < vocabulary->count && (vocabulary->flags[id] & ES_TOKEN_SPECIAL);
}

int64_t es_vocabulary_find(const es_vocabulary *vocabulary, es_bytes bytes)
{
    if (vocabulary->kind == ES_VOCABULARY_NONE) return find_number(vocabulary, bytes);
    int64_t id = es_map_find(&vocabulary->by_bytes, bytes);
    return id < vocabulary->rows ? id : -1;
}

int64_t es_vocabulary_duplicate_count(const es_vocabulary *vocabulary)
{
    return vocabulary->duplicates;
}

/* --- text to ids --- */

/* A stretch of text without raw added tokens: normalise, cut out the others, encode what is left.
 */
static es_status encode_normal(const es_vocabulary *v, es_bytes text, bool special, es_ids *ids,
                               es_error *error)
{
    size_t from = 0, search = 0;
    es_added_match match;
    while (es_added_next(&v->normal_added, text, special, from, &search, &match)) {
        es_bytes before = {text.data + from, match.start - from};
        ES_TRY(v->bpe ? es_bpe_encode(v, before, ids, error)
                      : es_wordpiece_encode(v, before, ids, error));
        ES_TRY(es_ids_append(ids, match.id, error));
        from = match.stop;
    }
    es_bytes rest = {text.data + from, text.size - from};
    return v->bpe ? es_bpe_encode(v, rest, ids, error) : es_wordpiece_encode(v, rest, ids, error);
}

static es_status encode_stretch(const es_vocabulary *v, es_bytes text, bool special, es_ids *ids,
                                es_error *error)
{
    if (!text.size) return ES_OK;
    if (v->bpe) {
        es_bytes normal;
        ES_TRY(es_bpe_normalize(v->bpe, text, &normal, error));
        es_status status = encode_normal(v, normal, special, ids, error);
        if (normal.data != text.data) free((char *)normal.data);
        return status;
    }
    es_text normal = {0};
    es_wordpiece_normalize(v->wordpiece, text, &normal);
    es_status status =
        normal.failed ? es_fail_memory(error, "a normalised text", text.size)
                      : encode_normal(v, (es_bytes){normal.data, normal.size}, special, ids, error);
    es_text_release(&normal);
    return status;
}

static es_status encode_subwords(const es_vocabulary *v, es_bytes text, bool special, es_ids *ids,
                                 es_error *error)
{
    size_t from = 0, search = 0;
    es_added_match match;
    while (es_added_next(&v->raw_added, text, special, from, &search, &match)) {
        es_bytes before = {text.data + from, match.start - from};
        ES_TRY(encode_stretch(v, before, special, ids, error));
        ES_TRY(es_ids_append(ids, match.id, error));
        from = match.stop;
    }
    return encode_stretch(v, (es_bytes){text.data + from, text.size - from}, special, ids, error);
}

es_status es_vocabulary_encode(const es_vocabulary *vocabulary, es_bytes text, bool special,
                               es_ids *ids, es_error *error)
{
    if (vocabulary->bpe || vocabulary->wordpiece) {
        int64_t before = ids->count;
        es_status status =
            text.size ? encode_subwords(vocabulary, text, special, ids, error) : ES_OK;
        if (status != ES_OK) ids->count = before;
        return status;
    }
    int64_t id = es_vocabulary_find(vocabulary, text);
    if (id >= 0) return es_ids_append(ids, id, error);
    int shown = text.size < 80 ? (int)text.size : 80;
    return es_fail(error, ES_NOT_FOUND, "'%.*s' is not in the vocabulary", shown,
                   text.data ? text.data : "");
}

/* --- and back --- */

static bool starts_with(es_bytes bytes, es_bytes prefix)
{
    return bytes.size >= prefix.size && memcmp(bytes.data, prefix.data, prefix.size) == 0;
}

es_status es_vocabulary_decode(const es_vocabulary *vocabulary, const int64_t *ids, int64_t count,
                               char **text, size_t *size, es_error *error)
{
    es_text joined = {0};
    es_text_append(&joined, "", 0);
    for (int64_t i = 0; i < count; i++) {
        es_bytes token = es_vocabulary_token(vocabulary, ids[i]);
        if (!token.data) {
            es_text_release(&joined);
            return es_fail(error, ES_NOT_FOUND, "id %lld has no token in this vocabulary",
                           (long long)ids[i]);
        }
        const es_wordpiece *wordpiece = vocabulary->wordpiece;
        if (i && wordpiece && wordpiece->prefix.size && starts_with(token, wordpiece->prefix)) {
            token.data += wordpiece->prefix.size;
            token.size -= wordpiece->prefix.size;
        } else if (i && !vocabulary->bpe) {
            es_text_append(&joined, " ", 1);
        }
        es_text_append(&joined, token.data, token.size);
    }
    if (joined.failed) {
        es_text_release(&joined);
        return es_fail_memory(error, "decoded text", (size_t)count);
    }
    *text = joined.data;
    *size = joined.size;
    return ES_OK;
}
