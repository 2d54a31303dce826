#include "analysis/row_reader.h"

#include "base/memory.h"

#include <stdlib.h>

static es_status take_rotation(es_row_reader *reader, const double *rotation, es_error *error)
{
    int64_t d = reader->source_columns, columns = reader->columns, cells;
    if (!es_multiply_counts(d, columns, &cells) ||
        !(reader->rotation = es_alloc(cells, sizeof *rotation)))
        return es_fail(error, ES_NO_MEMORY, "out of memory (a rotation of %lld x %lld)",
                       (long long)d, (long long)columns);
    for (int64_t k = 0; k < d; k++)
        for (int64_t j = 0; j < columns; j++)
            reader->rotation[j * d + k] = rotation[k * columns + j];
    return ES_OK;
}

es_status es_row_reader_init(es_row_reader *reader, es_space *space,
                             const es_export_options *options, es_error *error)
{
    int64_t d = space->source.columns;
    *reader = (es_row_reader){.space = space,
                              .selection = options->rows,
                              .rows = options->rows ? options->rows->count : space->source.rows,
                              .columns = d,
                              .source_columns = d,
                              .unit = options->unit};
    if (!reader->rows) return es_fail(error, ES_BAD_INPUT, "there is no row to write");
    reader->as_stored = !space->transform && !options->unit && !options->rotation;
    for (int64_t i = 0; reader->selection && i < reader->rows; i++)
        if (reader->selection->items[i].id < 0) reader->as_stored = false;
    if (!options->rotation) return ES_OK;
    if (options->rotation_columns) reader->columns = options->rotation_columns;
    return take_rotation(reader, options->rotation, error);
}

void es_row_reader_release(es_row_reader *reader)
{
    free(reader->rotation);
    *reader = (es_row_reader){0};
}

static es_status read_source(const es_row_reader *reader, int64_t first, int64_t count, double *out,
                             es_error *error)
{
    if (!reader->selection) return es_space_read_rows(reader->space, first, count, out, error);
    es_selection part = {.count = count, .items = reader->selection->items + first};
    return es_selection_vectors(reader->space, &part, out, error);
}

es_status es_row_reader_read(const es_row_reader *reader, int64_t first, int64_t count,
                             double *scratch, double *out, es_error *error)
{
    const es_kernel *kernel = reader->space->kernel;
    int64_t d = reader->source_columns, columns = reader->columns;
    double *source = reader->rotation ? scratch : out;
    ES_TRY(read_source(reader, first, count, source, error));
    for (int64_t i = 0; reader->rotation && i < count; i++)
        for (int64_t j = 0; j < columns; j++)
            out[i * columns + j] = kernel->dot(scratch + i * d, reader->rotation + j * d, d);
    es_row_state state;
    for (int64_t i = 0; reader->unit && i < count; i++)
        es_row_unit(kernel, out + i * columns, columns, out + i * columns, &state);
    return ES_OK;
}

es_status es_row_reader_read_stored(const es_row_reader *reader, int64_t first, int64_t count,
                                    void *out, es_error *error)
{
    if (!reader->selection)
        return es_space_read_stored_rows(reader->space, first, count, out, error);
    int64_t size = reader->columns * (int64_t)es_dtype_size(reader->space->tensor->dtype);
    for (int64_t i = 0; i < count; i++)
        ES_TRY(es_space_read_stored_rows(reader->space, reader->selection->items[first + i].id, 1,
                                         (char *)out + i * size, error));
    return ES_OK;
}

int64_t es_row_reader_id(const es_row_reader *reader, int64_t i)
{
    return reader->selection ? reader->selection->items[i].id : i;
}
