/* Little-endian numbers at any address: nothing in a file need be aligned. */
#ifndef ES_FORMAT_LITTLE_ENDIAN_H
#define ES_FORMAT_LITTLE_ENDIAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t es_load_u16(const void *at)
{
    const unsigned char *byte = at;
    return (uint16_t)(byte[0] | byte[1] << 8);
}

static inline uint32_t es_load_u32(const void *at)
{
    return es_load_u16(at) | (uint32_t)es_load_u16((const unsigned char *)at + 2) << 16;
}

static inline uint64_t es_load_u64(const void *at)
{
    return es_load_u32(at) | (uint64_t)es_load_u32((const unsigned char *)at + 4) << 32;
}

/* Do the `size` bytes at data begin with these? */
static inline bool es_begins(const void *data, size_t size, const void *with, size_t length)
{
    return size >= length && memcmp(data, with, length) == 0;
}

#endif
