/* Allocation with checked sizes. Nothing in the library multiplies a size by hand. */
#ifndef ES_BASE_MEMORY_H
#define ES_BASE_MEMORY_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *product = a * b; false when that overflows. */
static inline bool es_multiply(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

/* *product = a * b for counts read from files; false when that overflows or a factor is negative.
 */
static inline bool es_multiply_counts(int64_t a, int64_t b, int64_t *product)
{
    return a >= 0 && b >= 0 && !__builtin_mul_overflow(a, b, product);
}

/* count * size zeroed bytes, or NULL (also when the product overflows). Never NULL for count 0.
 * Release with free(). */
void *es_alloc(int64_t count, size_t size);

/* Like es_alloc, not zeroed, aligned to 64 bytes, in huge pages where large. Release with free().
 */
void *es_alloc_aligned(int64_t count, size_t size);

/* Make room for `needed` elements in a growing array: doubles *capacity. False when memory is
 * short, *array unchanged. */
bool es_grow(void **array, int64_t *capacity, int64_t needed, size_t size);

/* A terminated copy of data[0..size), or NULL. */
char *es_copy_bytes(const char *data, size_t size);
char *es_copy_text(const char *text);

/* A formatted string, malloc'ed, or NULL. */
char *es_copy_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
