/* What the words of one text were encoded to, for the length of one call: a text repeats its words.
 */
#ifndef ES_SPACE_WORD_CACHE_H
#define ES_SPACE_WORD_CACHE_H

#include <embscope/vocabulary.h>

enum { ES_CACHED_WORD = 28 }; /* bytes; longer words are rare */

/* The ids stand in the output list already; an entry says where. */
typedef struct es_word_entry {
    uint32_t count;
    uint8_t size; /* 0 marks a free entry: no word is empty */
    char word[ES_CACHED_WORD];
    int64_t at;
} es_word_entry;

/* All zero is a cache that holds nothing; release with free(entries). */
typedef struct es_word_cache {
    es_word_entry *entries;
} es_word_cache;

/* Worth it for a text of this size: allocates, or leaves the cache empty where memory is short. */
void es_word_cache_start(es_word_cache *cache, size_t text_size);

/* The entry where the word is or would go; NULL where there is no cache or the word is too long. */
es_word_entry *es_word_cache_slot(const es_word_cache *cache, es_bytes word);
bool es_word_entry_holds(const es_word_entry *entry, es_bytes word);
void es_word_entry_fill(es_word_entry *entry, es_bytes word, int64_t at, int64_t count);

#endif
