#include "space/gather.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "space/vocabulary.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 256 };

typedef struct gathering {
    const es_space *from;
    const int64_t *ids;
    int64_t count;
    size_t row;
    char *rows;
} gathering;

/* Rows that follow each other are read at once. */
static es_status gather_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const gathering *work = context;
    const es_tensor *tensor = work->from->tensor;
    const char *memory = work->from->rows ? work->from->rows : tensor->memory;
    int64_t i = index * BLOCK_ROWS, end = i + BLOCK_ROWS;
    if (end > work->count) end = work->count;
    while (i < end) {
        int64_t run = 1;
        while (i + run < end && work->ids[i + run] == work->ids[i] + run) run++;
        char *to = work->rows + (size_t)i * work->row;
        size_t size = (size_t)run * work->row, offset = (size_t)work->ids[i] * work->row;
        if (memory)
            memcpy(to, memory + offset, size);
        else
            ES_TRY(es_file_read(&work->from->container.files[tensor->file],
                                tensor->offset + (int64_t)offset, to, (int64_t)size, error));
        i += run;
    }
    return ES_OK;
}

/* The space around the rows; strings and tensor are borrowed from the other one. */
static es_status dress(es_space *made, es_space *from, int64_t count, es_error *error)
{
    made->tensor = from->tensor;
    made->source = from->source;
    made->source.rows = count;
    made->threads = from->threads;
    made->kernel = from->kernel;
    made->transform = from->transform;
    made->transform_is_borrowed = true;
    return es_vocabulary_create_numbers(count, &made->vocabulary, error);
}

es_status es_space_gather(es_space *space, const int64_t *ids, int64_t count, es_space **out,
                          es_error *error)
{
    size_t row = (size_t)space->source.columns * es_dtype_size(space->tensor->dtype);
    es_space *made = es_alloc(1, sizeof *made);
    if (!made) return es_fail_memory(error, "a space", sizeof *made);
    es_status status = dress(made, space, count, error);
    if (status == ES_OK && !(made->rows = es_alloc_aligned(count, row)))
        status = es_fail_memory(error, "rows", (size_t)count * row);
    gathering work = {space, ids, count, row, made->rows};
    if (status == ES_OK)
        status = es_parallel_for(space->threads, (count + BLOCK_ROWS - 1) / BLOCK_ROWS,
                                 gather_block, &work, NULL, error);
    if (status != ES_OK) {
        es_space_free(made);
        return status;
    }
    *out = made;
    return ES_OK;
}
