/* A hash table from byte strings to numbers. Keys are borrowed: they must outlive the table. */
#ifndef ES_BASE_MAP_H
#define ES_BASE_MAP_H

#include <embscope/vocabulary.h> /* es_bytes */
#include <stdbool.h>
#include <stdint.h>

typedef struct es_map_slot {
    const char *key;
    uint32_t key_size, tag; /* tag: high bits of the hash; 0 marks a free slot */
    int64_t value;
} es_map_slot;

/* All zero is the empty table. Release with es_map_release(). */
typedef struct es_map {
    es_map_slot *slots;
    int64_t capacity; /* a power of two */
    int64_t count;
} es_map;

/* Room for `count` keys without growing on the way. False when memory is short. */
bool es_map_reserve(es_map *map, int64_t count);

typedef enum es_map_put { ES_MAP_ADDED, ES_MAP_EXISTS, ES_MAP_NO_MEMORY } es_map_put;

/* Add key -> value. A key that is there keeps its value, which goes to *existing (may be NULL).
 * Keys are < 4 GiB. */
es_map_put es_map_insert(es_map *map, es_bytes key, int64_t value, int64_t *existing);

/* The value of a key, or -1. */
int64_t es_map_find(const es_map *map, es_bytes key);

void es_map_release(es_map *map);

/* SipHash-1-3 of bytes: a keyed hash, so that a file cannot be made to collide. */
uint64_t es_hash(const void *data, size_t size, uint64_t key);

#endif
