#include "base/map.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0], v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1], v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2], v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

uint64_t es_hash(const void *data, size_t size, uint64_t key)
{
    /* Aumasson and Bernstein 2012, one compression round and three final ones; both key halves come
     * from `key`. */
    uint64_t k0 = key, k1 = key * 0x9E3779B97F4A7C15u + 1;
    uint64_t v[4] = {k0 ^ 0x736F6D6570736575u, k1 ^ 0x646F72616E646F6Du, k0 ^ 0x6C7967656E657261u,
                     k1 ^ 0x7465646279746573u};
    const unsigned char *at = data;
    size_t left = size;
    uint64_t word;
    for (; left >= 8; at += 8, left -= 8) {
        memcpy(&word, at, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = (uint64_t)size << 56;
    for (size_t i = 0; i < left; i++) word |= (uint64_t)at[i] << (8 * i);
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xFF;
    for (int i = 0; i < 3; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The table's own address is the key: with address randomisation no file can know it. Order is
 * never visible. */
static uint64_t hash_key(const es_map *map, es_bytes key)
{
    return es_hash(key.data, key.size, (uint64_t)(uintptr_t)map->slots);
}

/* The slot of the key, or the free slot where it would go. */
static es_map_slot *find_slot(const es_map *map, es_bytes key)
{
    uint64_t hash = hash_key(map, key);
    uint32_t tag = (uint32_t)(hash >> 32) | 1;
    uint64_t mask = (uint64_t)map->capacity - 1;
    for (uint64_t i = hash & mask;; i = (i + 1) & mask) {
        es_map_slot *slot = &map->slots[i];
        if (!slot->tag) return slot;
        if (slot->tag == tag && slot->key_size == key.size &&
            memcmp(slot->key, key.data, key.size) == 0)
            return slot;
    }
}

static void fill_slot(es_map *map, es_map_slot *slot, es_bytes key, int64_t value)
{
    *slot = (es_map_slot){.key = key.data,
                          .key_size = (uint32_t)key.size,
                          .tag = (uint32_t)(hash_key(map, key) >> 32) | 1,
                          .value = value};
    map->count++;
}

bool es_map_reserve(es_map *map, int64_t count)
{
    if (count < 0 || count > INT64_MAX / 4) return false;
    int64_t capacity = map->capacity ? map->capacity : 16;
    while (capacity < 2 * count) capacity *= 2;
    if (capacity == map->capacity) return true;
    es_map grown = {.slots = es_alloc(capacity, sizeof *grown.slots), .capacity = capacity};
    if (!grown.slots) return false;
    for (int64_t i = 0; i < map->capacity; i++) {
        const es_map_slot *slot = &map->slots[i];
        if (!slot->tag) continue;
        es_bytes key = {slot->key, slot->key_size};
        fill_slot(&grown, find_slot(&grown, key), key, slot->value);
    }
    es_map_release(map);
    *map = grown;
    return true;
}

es_map_put es_map_insert(es_map *map, es_bytes key, int64_t value, int64_t *existing)
{
    if (key.size > UINT32_MAX || !es_map_reserve(map, map->count + 1)) return ES_MAP_NO_MEMORY;
    if (!key.data) key.data = "";
    es_map_slot *slot = find_slot(map, key);
    if (slot->tag) {
        if (existing) *existing = slot->value;
        return ES_MAP_EXISTS;
    }
    fill_slot(map, slot, key, value);
    return ES_MAP_ADDED;
}

int64_t es_map_find(const es_map *map, es_bytes key)
{
    if (!map->count || key.size > UINT32_MAX) return -1;
    if (!key.data) key.data = "";
    const es_map_slot *slot = find_slot(map, key);
    return slot->tag ? slot->value : -1;
}

void es_map_release(es_map *map)
{
    free(map->slots);
    *map = (es_map){0};
}
