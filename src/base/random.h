/* A small generator whose numbers are the same on every machine. */
#ifndef ES_BASE_RANDOM_H
#define ES_BASE_RANDOM_H

#include <stdint.h>

/* SplitMix64 (Steele, Lea, Flood 2014): any seed is good. */
typedef struct es_random {
    uint64_t state;
} es_random;

static inline uint64_t es_random_next(es_random *random)
{
    uint64_t z = (random->state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* A whole number in [0, bound), bound >= 1, without bias: draws past the last whole multiple are
 * thrown away. */
static inline int64_t es_random_below(es_random *random, int64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % (uint64_t)bound;
    uint64_t drawn;
    do drawn = es_random_next(random);
    while (drawn >= limit);
    return (int64_t)(drawn % (uint64_t)bound);
}

#endif
