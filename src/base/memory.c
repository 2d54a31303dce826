#define _GNU_SOURCE /* madvise's MADV_HUGEPAGE, vasprintf */
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

void *es_alloc(int64_t count, size_t size)
{
    if (count < 0) return NULL;
    return calloc(count ? (size_t)count : 1, size ? size : 1);
}

void *es_alloc_aligned(int64_t count, size_t size)
{
    size_t bytes;
    if (count < 0 || !es_multiply((size_t)count, size, &bytes) || bytes > SIZE_MAX - HUGE_PAGE)
        return NULL;
    bool huge = bytes >= 4 * (size_t)HUGE_PAGE;
    size_t alignment = huge ? HUGE_PAGE : 64;
    bytes = bytes ? (bytes + alignment - 1) / alignment * alignment : alignment;
    void *memory = aligned_alloc(alignment, bytes);
    /* Advice only: fewer page faults and fewer TLB misses where the system grants it. */
    if (memory && huge) (void)madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

bool es_grow(void **array, int64_t *capacity, int64_t needed, size_t size)
{
    if (needed <= *capacity) return true;
    int64_t wanted = *capacity ? *capacity : 16;
    while (wanted < needed) {
        if (wanted > INT64_MAX / 2) return false;
        wanted *= 2;
    }
    size_t bytes;
    if (!es_multiply((size_t)wanted, size, &bytes)) return false;
    void *grown = realloc(*array, bytes);
    if (!grown) return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

char *es_copy_bytes(const char *data, size_t size)
{
    if (size == SIZE_MAX) return NULL;
    char *copy = malloc(size + 1);
    if (!copy) return NULL;
    if (size) memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

char *es_copy_text(const char *text)
{
    return es_copy_bytes(text, strlen(text));
}

char *es_copy_format(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return length < 0 ? NULL : text;
}
