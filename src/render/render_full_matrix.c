#include "render/npz_writer.h"
#include "render/render_common.h"

#include <embscope/full_matrix.h>

typedef struct npy_file {
    FILE *out;
    int64_t columns;
    size_t size;
} npy_file;

static es_status write_rows(void *context, const void *values, int64_t first, int64_t count,
                            es_error *error)
{
    (void)first;
    const npy_file *file = context;
    fwrite(values, file->size, (size_t)(count * file->columns), file->out);
    return es_render_finish(file->out, error);
}

int64_t es_full_matrix_npy_bytes(const es_space *space, es_matrix_dtype dtype)
{
    double n = (double)es_space_row_count(space);
    double bytes = ES_NPY_HEADER + n * n * (dtype == ES_MATRIX_F16 ? 2 : 4);
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX;
}

es_status es_render_full_matrix_npy(es_space *space, const es_full_matrix_options *options,
                                    FILE *out, es_error *error)
{
    bool half = options && options->dtype == ES_MATRIX_F16;
    npy_file file = {out, es_space_row_count(space), half ? 2 : 4};
    char header[ES_NPY_HEADER];
    es_npy_header_bytes(half ? "<f2" : "<f4", file.columns, file.columns, header);
    fwrite(header, 1, sizeof header, out);
    return es_full_matrix_run(space, options, write_rows, &file, error);
}
