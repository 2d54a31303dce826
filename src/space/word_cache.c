#include "space/word_cache.h"

#include "base/memory.h"

#include <string.h>

/* 8192 entries of 48 bytes: within the second-level cache, and 97% hits on English. */
enum { ENTRY_BITS = 13, WORTH_IT = 4096 };

void es_word_cache_start(es_word_cache *cache, size_t text_size)
{
    if (text_size >= WORTH_IT) cache->entries = es_alloc(1 << ENTRY_BITS, sizeof *cache->entries);
}

es_word_entry *es_word_cache_slot(const es_word_cache *cache, es_bytes word)
{
    if (!cache->entries || word.size > ES_CACHED_WORD || !word.size) return NULL;
    /* One entry per hash and no chain: words that collide push each other out, nothing worse. */
    uint64_t hash = word.size;
    size_t at = 0;
    for (; word.size - at >= 8; at += 8) {
        uint64_t chunk;
        memcpy(&chunk, word.data + at, 8);
        hash = (hash ^ chunk) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
    }
    uint64_t rest = 0;
    for (; at < word.size; at++) rest = rest << 8 | (unsigned char)word.data[at];
    hash = (hash ^ rest) * 0x9E3779B97F4A7C15u;
    return &cache->entries[hash >> (64 - ENTRY_BITS)];
}

bool es_word_entry_holds(const es_word_entry *entry, es_bytes word)
{
    return entry->size == word.size && memcmp(entry->word, word.data, word.size) == 0;
}

void es_word_entry_fill(es_word_entry *entry, es_bytes word, int64_t at, int64_t count)
{
    entry->size = (uint8_t)word.size;
    memcpy(entry->word, word.data, word.size);
    entry->at = at;
    entry->count = (uint32_t)count;
}
