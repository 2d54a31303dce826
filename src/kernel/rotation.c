#include "kernel/rotation.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The size of the block that starts at `start`: the largest power of two in what is left. */
static int64_t block_at(int64_t depth, int64_t start)
{
    int64_t size = 1;
    while (2 * size <= depth - start) size *= 2;
    return size;
}

static void fill_round(int64_t depth, es_random *random, int32_t *order, double *sign)
{
    for (int64_t i = 0; i < depth; i++) order[i] = (int32_t)i;
    for (int64_t i = depth - 1; i > 0; i--) {
        int64_t j = es_random_below(random, i + 1);
        int32_t held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
    for (int64_t start = 0, size; start < depth; start += size) {
        size = block_at(depth, start);
        for (int64_t i = start; i < start + size; i++)
            sign[i] = (es_random_next(random) >> 63 ? 1 : -1) / sqrt((double)size);
    }
}

es_status es_rotation_init(es_rotation *rotation, int64_t depth, uint64_t seed, es_error *error)
{
    *rotation = (es_rotation){.depth = depth};
    rotation->order = es_alloc(ES_ROTATION_ROUNDS * depth, sizeof *rotation->order);
    rotation->sign = es_alloc(ES_ROTATION_ROUNDS * depth, sizeof *rotation->sign);
    if (!rotation->order || !rotation->sign) {
        es_rotation_release(rotation);
        return es_fail_memory(error, "a rotation", (size_t)depth * 36);
    }
    es_random random = {seed};
    for (int round = 0; round < ES_ROTATION_ROUNDS; round++)
        fill_round(depth, &random, rotation->order + round * depth, rotation->sign + round * depth);
    return ES_OK;
}

void es_rotation_release(es_rotation *rotation)
{
    free(rotation->order);
    free(rotation->sign);
    *rotation = (es_rotation){0};
}

void es_rotation_apply(const es_kernel *kernel, const es_rotation *rotation, double *row,
                       double *scratch)
{
    int64_t d = rotation->depth;
    for (int round = 0; round < ES_ROTATION_ROUNDS; round++) {
        const int32_t *order = rotation->order + round * d;
        const double *sign = rotation->sign + round * d;
        for (int64_t i = 0; i < d; i++) scratch[i] = row[order[i]] * sign[i];
        for (int64_t start = 0, size; start < d; start += size) {
            size = block_at(d, start);
            kernel->hadamard(scratch + start, size); /* the signs carry the 1/sqrt(size) */
        }
        memcpy(row, scratch, (size_t)d * sizeof *row);
    }
}
