/* Memory that runs out at the n-th allocation. The linker sends the calls of the library here, for
 * executables linked with --wrap (see meson.build); include in one file of each. */
#ifndef ES_FAILING_ALLOCATION_H
#define ES_FAILING_ALLOCATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Allocations left until one fails; negative: none does. */
static atomic_llong allocations_left = -1;
static atomic_llong failures;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool fails_now(void)
{
    if (atomic_load(&allocations_left) < 0) return false;
    if (atomic_fetch_sub(&allocations_left, 1) > 0) return false;
    atomic_store(&allocations_left, -1); /* one failure a run */
    atomic_fetch_add(&failures, 1);
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails_now() ? NULL : __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails_now() ? NULL : __real_aligned_alloc(alignment, size);
}

#endif
