/* Is the unembedding the embedding? The two tensors, read side by side. */
#include "base/memory.h"
#include "space/space.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 20 };

/* The two tables, embedding first, and room for a block of rows of each. */
typedef struct sides {
    const es_space *space;
    const es_tensor *tensors[2];
    int64_t columns, block; /* components of a row, rows of a block */
    bool by_value;          /* the types differ */
    char *stored[2];        /* (block) rows as they are stored */
    double *wide[2];        /* (columns) one row, by value */
} sides;

static void release_sides(sides *sides)
{
    for (int i = 0; i < 2; i++) {
        free(sides->stored[i]);
        free(sides->wide[i]);
    }
}

static int64_t row_bytes(const es_tensor *tensor)
{
    return tensor->shape[1] * (int64_t)es_dtype_size(tensor->dtype);
}

static es_status make_room(sides *sides, es_error *error)
{
    for (int i = 0; i < 2; i++) {
        sides->stored[i] = es_alloc(sides->block, (size_t)row_bytes(sides->tensors[i]));
        sides->wide[i] = es_alloc(sides->columns, sizeof(double));
        if (!sides->stored[i] || !sides->wide[i])
            return es_fail_memory(error, "rows", (size_t)row_bytes(sides->tensors[i]));
    }
    return ES_OK;
}

static es_status read_block(const sides *sides, int side, int64_t first, int64_t count,
                            es_error *error)
{
    const es_tensor *tensor = sides->tensors[side];
    int64_t size = row_bytes(tensor);
    if (!tensor->memory)
        return es_file_read(&sides->space->container.files[tensor->file],
                            tensor->offset + first * size, sides->stored[side], count * size,
                            error);
    memcpy(sides->stored[side], (const char *)tensor->memory + first * size,
           (size_t)(count * size));
    return ES_OK;
}

static bool rows_are_equal(const sides *sides, int64_t row)
{
    const char *a = sides->stored[0] + row * row_bytes(sides->tensors[0]);
    const char *b = sides->stored[1] + row * row_bytes(sides->tensors[1]);
    if (!sides->by_value) return memcmp(a, b, (size_t)row_bytes(sides->tensors[0])) == 0;
    const double *x = sides->wide[0], *y = sides->wide[1];
    es_dtype_widen(sides->tensors[0]->dtype, a, sides->columns, sides->wide[0]);
    es_dtype_widen(sides->tensors[1]->dtype, b, sides->columns, sides->wide[1]);
    for (int64_t k = 0; k < sides->columns; k++)
        if (x[k] != y[k] && (x[k] == x[k] || y[k] == y[k])) return false;
    return true;
}

static void note_difference(es_table_comparison *comparison, int64_t row)
{
    if (comparison->listed < ES_TYING_LISTED) comparison->first[comparison->listed++] = row;
    comparison->differing_rows++;
}

static es_status compare_rows(const sides *sides, es_table_comparison *comparison, es_error *error)
{
    const int64_t *rows = comparison->rows;
    int64_t common = rows[0] < rows[1] ? rows[0] : rows[1];
    int64_t longer = rows[0] < rows[1] ? rows[1] : rows[0];
    for (int64_t first = 0; first < common; first += sides->block) {
        int64_t count = common - first < sides->block ? common - first : sides->block;
        for (int side = 0; side < 2; side++) ES_TRY(read_block(sides, side, first, count, error));
        for (int64_t i = 0; i < count; i++)
            if (rows_are_equal(sides, i))
                comparison->equal_rows++;
            else
                note_difference(comparison, first + i);
    }
    for (int64_t i = common; i < longer; i++) note_difference(comparison, i);
    return ES_OK;
}

static void describe(es_table_comparison *comparison, int side, const es_tensor *tensor)
{
    comparison->tensors[side] = tensor->name;
    comparison->dtypes[side] = es_dtype_text(tensor->dtype);
    comparison->rows[side] = tensor->shape[0];
}

static void describe_one(const es_space *space, es_table_comparison *comparison)
{
    const es_tensor *tensor = space->tensor;
    if (space->tied_by_config) {
        describe(comparison, 0, tensor);
        describe(comparison, 1, tensor);
        comparison->tying = ES_TYING_TIED;
        comparison->how = ES_TYING_ONE_TENSOR;
        comparison->equal_rows = tensor->shape[0];
    } else {
        describe(comparison, es_table_is_unembedding(tensor), tensor);
    }
}

es_status es_space_compare_tables(es_space *space, es_table_comparison *comparison, es_error *error)
{
    *comparison = (es_table_comparison){0};
    if (!space->other) return describe_one(space, comparison), ES_OK;
    bool is_output = es_table_is_unembedding(space->tensor);
    sides sides = {.space = space, .columns = space->tensor->shape[1]};
    for (int side = 0; side < 2; side++) {
        sides.tensors[side] = (side == 1) == is_output ? space->tensor : space->other;
        describe(comparison, side, sides.tensors[side]);
    }
    comparison->tying = ES_TYING_UNTIED;
    comparison->how = ES_TYING_OTHER_COLUMNS;
    if (space->other->shape[1] != sides.columns) {
        const int64_t *rows = comparison->rows;
        comparison->differing_rows = rows[0] > rows[1] ? rows[0] : rows[1];
        return ES_OK;
    }
    sides.by_value = sides.tensors[0]->dtype != sides.tensors[1]->dtype;
    sides.block = BLOCK_BYTES / row_bytes(space->tensor) + 1;
    es_status status = make_room(&sides, error);
    if (status == ES_OK) status = compare_rows(&sides, comparison, error);
    release_sides(&sides);
    if (status != ES_OK) return status;
    comparison->how = sides.by_value ? ES_TYING_EQUAL_VALUES : ES_TYING_EQUAL_BYTES;
    if (comparison->differing_rows)
        comparison->how = ES_TYING_ROWS_DIFFER;
    else
        comparison->tying = ES_TYING_TIED;
    return ES_OK;
}

es_status es_space_tying(es_space *space, es_tying *tying, int64_t *differing_rows, es_error *error)
{
    es_table_comparison comparison;
    ES_TRY(es_space_compare_tables(space, &comparison, error));
    *tying = comparison.tying;
    *differing_rows = comparison.differing_rows;
    return ES_OK;
}
