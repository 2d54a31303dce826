#include "render/export_job.h"
#include "render/render_common.h"

#include <stddef.h>

static const struct {
    const char *name;
    const es_export_writer *writer;
} formats[] = {
    [ES_EXPORT_NPY] = {"npy", &es_export_npy},
    [ES_EXPORT_NPZ] = {"npz", &es_export_npz},
    [ES_EXPORT_SAFETENSORS] = {"safetensors", &es_export_safetensors},
    [ES_EXPORT_WORD2VEC] = {"word2vec", &es_export_word2vec},
    [ES_EXPORT_WORD2VEC_TEXT] = {"word2vec-text", &es_export_word2vec_text},
    [ES_EXPORT_GLOVE] = {"glove", &es_export_glove},
    [ES_EXPORT_PROJECTOR] = {"projector", &es_export_projector},
};

const char *es_export_format_text(es_export_format format)
{
    return formats[format].name;
}

const char *es_export_file_name(es_export_format format, int i)
{
    static const char *const folder[ES_EXPORT_FILES] = {
        "tensors.tsv", "metadata.tsv", "projector_config.json", "projector_config.pbtxt"};
    if (i >= ES_EXPORT_FILES) return NULL;
    if (format == ES_EXPORT_PROJECTOR) return folder[i];
    return i ? NULL : "";
}

/* ---- what the numbers are rounded to -----------------------------------------------------------
 */

static bool is_text(es_export_format format)
{
    return format == ES_EXPORT_WORD2VEC_TEXT || format == ES_EXPORT_GLOVE ||
           format == ES_EXPORT_PROJECTOR;
}

static es_status choose_dtype(es_export_job *job, es_error *error)
{
    static const es_dtype asked[] = {[ES_EXPORT_F32] = ES_DTYPE_F32,
                                     [ES_EXPORT_F16] = ES_DTYPE_F16,
                                     [ES_EXPORT_F64] = ES_DTYPE_F64};
    const es_export_options *options = job->options;
    es_dtype stored = job->space->tensor->dtype;
    bool words = options->format == ES_EXPORT_WORD2VEC;
    if (options->dtype) {
        job->dtype = asked[options->dtype];
        if (words && job->dtype != ES_DTYPE_F32)
            return es_fail(
                error, ES_BAD_ARGUMENT,
                "word2vec's binary form holds float32 alone; its text form, npy, npz and "
                "safetensors hold f16 and f64");
    } else {
        bool keeps = stored != ES_DTYPE_BF16 || options->format == ES_EXPORT_SAFETENSORS;
        job->dtype = job->reader.as_stored && keeps && !words ? stored : ES_DTYPE_F32;
    }
    job->as_stored = job->reader.as_stored && job->dtype == stored && !is_text(options->format);
    return ES_OK;
}

int64_t es_export_least_bytes(const es_space *space, const es_export_options *options)
{
    const es_source *source = es_space_source(space);
    int64_t rows = options->rows ? options->rows->count : source->rows;
    int64_t columns = options->rotation && options->rotation_columns ? options->rotation_columns
                                                                     : source->columns;
    bool changed = source->transform_count || options->unit || options->rotation;
    size_t stored = es_dtype_size(space->tensor->dtype);
    size_t size = is_text(options->format)                ? 2 /* a digit and what parts it */
                  : options->format == ES_EXPORT_WORD2VEC ? 4
                  : options->dtype == ES_EXPORT_F16       ? 2
                  : options->dtype == ES_EXPORT_F64       ? 8
                  : options->dtype || changed             ? 4
                                                          : stored;
    double bytes = (double)rows * (double)columns * (double)size;
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

es_status es_export_put(void *context, const es_row_piece *piece, es_error *error)
{
    const es_export_job *job = context;
    for (int f = 0; f < ES_ROW_STREAM_FILES; f++) {
        const es_text *bytes = &piece->bytes[f];
        if (!bytes->size) continue;
        fwrite(bytes->data, 1, bytes->size, job->files[f]);
        ES_TRY(es_render_finish(job->files[f], error));
    }
    return ES_OK;
}

es_status es_export_add_rows(const es_export_job *job, es_row_piece *piece, int64_t i,
                             int64_t count, es_error *error)
{
    int64_t columns = job->reader.columns;
    char *at =
        es_text_extend(&piece->bytes[0], (size_t)(count * columns) * es_dtype_size(job->dtype));
    if (!at) return ES_OK; /* remembered in the text */
    if (job->as_stored)
        return es_row_reader_read_stored(&job->reader, piece->first + i, count, at, error);
    piece->overflowed +=
        es_dtype_narrow(job->dtype, piece->values + i * columns, count * columns, at);
    return ES_OK;
}

static es_status write_rows(es_export_job *job, es_export *result, es_error *error)
{
    const es_export_options *options = job->options;
    const es_export_writer *writer = formats[options->format].writer;
    ES_TRY(es_row_reader_init(&job->reader, job->space, options, error));
    ES_TRY(choose_dtype(job, error));
    if (writer->has_keys) ES_TRY(es_row_keys_make(job->space, options->rows, &job->keys, error));
    es_row_stream stream = {.reader = &job->reader,
                            .encode = writer->encode,
                            .put = writer->put,
                            .context = job,
                            .threads = options->threads ? options->threads : job->space->threads,
                            .progress = options->progress};
    if (writer->begin) ES_TRY(writer->begin(job, error));
    ES_TRY(es_row_stream_run(&stream, error));
    int64_t left_out = options->format == ES_EXPORT_PROJECTOR ? stream.non_finite_rows : 0;
    job->written = job->reader.rows - left_out;
    if (!job->written) return es_fail(error, ES_BAD_INPUT, "no row is finite: nothing to write");
    if (writer->end) ES_TRY(writer->end(job, error));
    bool byte_level = es_vocabulary_get_kind(es_space_vocabulary(job->space)) == ES_VOCABULARY_BPE;
    *result = (es_export){.format = options->format,
                          .dtype = es_dtype_text(job->dtype),
                          .unit = options->unit,
                          .rows = job->written,
                          .columns = job->reader.columns,
                          .zero_rows = stream.zero_rows,
                          .non_finite_rows = stream.non_finite_rows,
                          .left_out = left_out,
                          .overflowed = stream.overflowed,
                          .has_keys = writer->has_keys,
                          .byte_level = writer->has_keys && byte_level,
                          .respelled = job->keys.respelled,
                          .renamed = job->keys.renamed};
    return ES_OK;
}

es_status es_export_write(es_space *space, const es_export_options *options,
                          FILE *const files[ES_EXPORT_FILES], es_export *result, es_error *error)
{
    static const es_export_options defaults;
    es_export_job job = {.space = space, .options = options ? options : &defaults, .files = files};
    es_status status = write_rows(&job, result, error);
    es_row_reader_release(&job.reader);
    es_row_keys_release(&job.keys);
    if (status != ES_OK) return status;
    for (int i = 0; es_export_file_name(job.options->format, i); i++)
        ES_TRY(es_render_finish(files[i], error));
    return ES_OK;
}
