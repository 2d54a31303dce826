#include "space/row_keys.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "space/bpe.h"

#include <stdlib.h>
#include <string.h>

static void add_letter(es_text *out, unsigned char byte)
{
    char utf8[4];
    int size = es_utf8_encode(es_bpe_letter(byte), utf8);
    es_text_append(out, utf8, (size_t)size);
}

/* How many bytes at `at` can stand in a file as they are: a whole character, or none. */
static int plain_bytes(const char *at, size_t size)
{
    uint32_t character;
    int length = es_utf8_decode(at, size, &character);
    bool control = character <= ' ' || (character >= 0x7F && character <= 0x9F);
    return length && !control ? length : 0;
}

static void spell(es_text *out, es_bytes token, bool byte_level)
{
    for (size_t at = 0; at < token.size;) {
        int plain = byte_level ? 0 : plain_bytes(token.data + at, token.size - at);
        if (plain)
            es_text_append(out, token.data + at, (size_t)plain);
        else
            add_letter(out, (unsigned char)token.data[at]);
        at += plain ? (size_t)plain : 1;
    }
}

/* What row or item `i` is called, and its id (-1: a pooled item). */
static es_bytes token_of(const es_space *space, const es_selection *selection, int64_t i,
                         int64_t *id)
{
    *id = selection ? selection->items[i].id : i;
    if (*id >= 0) return es_vocabulary_token(es_space_vocabulary(space), *id);
    return (es_bytes){selection->items[i].text, selection->items[i].text_size};
}

static void add_key(const es_space *space, const es_selection *selection, int64_t i,
                    es_row_keys *keys)
{
    const es_vocabulary *vocabulary = es_space_vocabulary(space);
    int64_t id;
    es_bytes token = token_of(space, selection, i, &id);
    bool byte_level = es_vocabulary_get_kind(vocabulary) == ES_VOCABULARY_BPE &&
                      !(id >= 0 && es_vocabulary_is_special(vocabulary, id));
    size_t before = keys->memory.size;
    if (token.size)
        spell(&keys->memory, token, byte_level);
    else
        es_text_printf(&keys->memory, "#%lld", (long long)(id >= 0 ? id : i));
    if (keys->memory.failed) return;
    size_t size = keys->memory.size - before;
    keys->key[i].size = size;
    keys->respelled += size != token.size || memcmp(keys->memory.data + before, token.data, size);
}

/* "key#ID", or "key#ID.PLACE": one that is in the table of all keys not yet. */
static es_status rename_key(es_row_keys *keys, int64_t i, int64_t id, es_map *map, es_error *error)
{
    es_bytes base = keys->key[i];
    int64_t number = id >= 0 ? id : i;
    char *text = es_copy_format("%.*s#%lld", (int)base.size, base.data, (long long)number);
    for (;;) {
        if (!text) return es_fail_memory(error, "a key", base.size);
        keys->longer[keys->renamed] = text;
        keys->key[i] = (es_bytes){text, strlen(text)};
        es_map_put put = es_map_insert(map, keys->key[i], i, NULL);
        if (put == ES_MAP_NO_MEMORY) return es_fail_memory(error, "keys", 0);
        if (put == ES_MAP_ADDED) return ES_OK;
        char *longer = es_copy_format("%s.%lld", text, (long long)i);
        free(text);
        keys->longer[keys->renamed] = NULL;
        text = longer;
    }
}

/* The first of equal keys keeps it. The others, in order, take one that none has, nor will have. */
static es_status rename_equal(const es_space *space, const es_selection *selection,
                              es_row_keys *keys, es_map *map, es_error *error)
{
    int64_t equal = 0, last = 0;
    int64_t *later = es_alloc(keys->count, sizeof *later);
    if (!later || !es_map_reserve(map, keys->count)) {
        free(later);
        return es_fail_memory(error, "keys", (size_t)keys->count * sizeof(es_map_slot));
    }
    for (; last < keys->count; last++) {
        es_map_put put = es_map_insert(map, keys->key[last], last, NULL);
        if (put == ES_MAP_NO_MEMORY) break;
        if (put == ES_MAP_EXISTS) later[equal++] = last;
    }
    es_status status = ES_OK;
    if (last < keys->count || !(keys->longer = es_alloc(equal, sizeof *keys->longer)))
        status = es_fail_memory(error, "keys", (size_t)equal * sizeof *keys->longer);
    for (int64_t e = 0; e < equal && status == ES_OK; e++) {
        int64_t id;
        es_bytes token = token_of(space, selection, later[e], &id), key = keys->key[later[e]];
        keys->respelled += key.size == token.size && !memcmp(key.data, token.data, key.size);
        status = rename_key(keys, later[e], id, map, error);
        keys->renamed++;
    }
    free(later);
    return status;
}

es_status es_row_keys_make(const es_space *space, const es_selection *selection, es_row_keys *keys,
                           es_error *error)
{
    *keys = (es_row_keys){.count = selection ? selection->count : es_space_row_count(space)};
    es_status status = ES_OK;
    if (!(keys->key = es_alloc(keys->count, sizeof *keys->key)))
        status = es_fail_memory(error, "keys", (size_t)keys->count * sizeof *keys->key);
    for (int64_t i = 0; i < keys->count && status == ES_OK; i++) add_key(space, selection, i, keys);
    if (status == ES_OK && keys->memory.failed)
        status = es_fail_memory(error, "keys", keys->memory.size);
    size_t at = 0;
    for (int64_t i = 0; i < keys->count && status == ES_OK; i++) {
        keys->key[i].data = keys->memory.data + at;
        at += keys->key[i].size;
    }
    es_map map = {0};
    if (status == ES_OK) status = rename_equal(space, selection, keys, &map, error);
    es_map_release(&map);
    if (status != ES_OK) es_row_keys_release(keys);
    return status;
}

void es_row_keys_release(es_row_keys *keys)
{
    for (int64_t i = 0; keys->longer && i < keys->renamed; i++) free(keys->longer[i]);
    free(keys->longer);
    free(keys->key);
    es_text_release(&keys->memory);
    *keys = (es_row_keys){0};
}
