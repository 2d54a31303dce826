/* The formats that are a block of numbers with a header: .npy, .npz, safetensors.
 *
 *   safetensors    N in 8 bytes, N bytes of JSON padded with spaces to a multiple of 8, the numbers
 *   .npy, .npz     see npz_writer.c */
#define _GNU_SOURCE /* open_memstream */
#include "base/memory.h"
#include "base/utf8.h"
#include "render/export_job.h"
#include "render/json_writer.h"
#include "render/render_common.h"

#include <stdlib.h>
#include <string.h>

/* BF16 is none of NumPy's types. */
static const char *descr_of(es_dtype dtype)
{
    return dtype == ES_DTYPE_F16 ? "<f2" : dtype == ES_DTYPE_F64 ? "<f8" : "<f4";
}

static es_status encode(const void *context, es_row_piece *piece, es_error *error)
{
    return es_export_add_rows(context, piece, 0, piece->count, error);
}

/* ---- .npy --------------------------------------------------------------------------------------
 */

static es_status begin_npy(es_export_job *job, es_error *error)
{
    char header[ES_NPY_HEADER];
    es_npy_header_bytes(descr_of(job->dtype), job->reader.rows, job->reader.columns, header);
    fwrite(header, 1, sizeof header, job->files[0]);
    return es_render_finish(job->files[0], error);
}

const es_export_writer es_export_npy = {.begin = begin_npy, .encode = encode, .put = es_export_put};

/* ---- .npz --------------------------------------------------------------------------------------
 */

static es_status begin_npz(es_export_job *job, es_error *error)
{
    job->npz = es_npz_write_to(job->files[0]);
    es_npz_begin_array(&job->npz, "vectors", descr_of(job->dtype), (int)es_dtype_size(job->dtype),
                       job->reader.rows, job->reader.columns);
    return es_render_finish(job->files[0], error);
}

static es_status put_npz(void *context, const es_row_piece *piece, es_error *error)
{
    es_export_job *job = context;
    es_npz_add(&job->npz, piece->bytes[0].data, (int64_t)piece->bytes[0].size);
    return es_render_finish(job->files[0], error);
}

static void add_ids(es_export_job *job)
{
    es_npz_begin_array(&job->npz, "ids", "<i8", 8, job->reader.rows, 0);
    for (int64_t i = 0; i < job->reader.rows; i++) {
        int64_t id = es_row_reader_id(&job->reader, i);
        es_npz_add(&job->npz, &id, sizeof id);
    }
    es_npz_end_array(&job->npz);
}

/* The characters of a key, padded with NUL; how many there are. */
static int64_t characters_of(es_bytes key, int64_t width, uint32_t *out)
{
    int64_t count = 0;
    uint32_t character;
    for (size_t at = 0; at < key.size; count++) {
        at += (size_t)es_utf8_decode(key.data + at, key.size - at, &character);
        if (out) out[count] = character;
    }
    if (out) memset(out + count, 0, (size_t)(width - count) * sizeof *out);
    return count;
}

/* NumPy's strings: 4 bytes a character, all as long as the longest. */
static es_status add_tokens(es_export_job *job, es_error *error)
{
    int64_t width = 1;
    for (int64_t i = 0; i < job->keys.count; i++) {
        int64_t size = characters_of(job->keys.key[i], 0, NULL);
        if (size > width) width = size;
    }
    uint32_t *characters = es_alloc(width, sizeof *characters);
    if (!characters) return es_fail_memory(error, "a key", (size_t)width * sizeof *characters);
    char descr[24];
    snprintf(descr, sizeof descr, "<U%lld", (long long)width);
    es_npz_begin_array(&job->npz, "tokens", descr, (int)(width * 4), job->reader.rows, 0);
    for (int64_t i = 0; i < job->keys.count && !ferror(job->files[0]); i++) {
        characters_of(job->keys.key[i], width, characters);
        es_npz_add(&job->npz, characters, width * 4);
    }
    free(characters);
    es_npz_end_array(&job->npz);
    return es_render_finish(job->files[0], error);
}

static es_status end_npz(es_export_job *job, es_error *error)
{
    es_npz_end_array(&job->npz);
    add_ids(job);
    ES_TRY(add_tokens(job, error));
    es_npz_write_end(&job->npz);
    return ES_OK;
}

const es_export_writer es_export_npz = {
    .has_keys = true, .begin = begin_npz, .encode = encode, .put = put_npz, .end = end_npz};

/* ---- safetensors -------------------------------------------------------------------------------
 */

/* What was done to the rows, for who reads the file a year later: strings, as the format wants. */
static void write_metadata(es_json_writer *json, const es_export_job *job)
{
    const es_source *source = es_space_source(job->space);
    es_text chain = {0};
    for (int64_t i = 0; i < source->transform_count; i++) {
        if (i) es_text_add(&chain, ",");
        es_text_add(&chain, source->transforms[i]);
    }
    es_json_write_key(json, "__metadata__");
    es_json_write_object(json);
    es_json_write_key(json, "tensor");
    es_json_write_text(json, source->tensor ? source->tensor : "");
    es_json_write_key(json, "transforms");
    es_json_write_text(json, chain.data ? chain.data : "");
    es_json_write_key(json, "unit");
    es_json_write_text(json, job->options->unit ? "true" : "false");
    es_json_write_end(json);
    es_text_release(&chain);
}

static void write_tensor(es_json_writer *json, const es_export_job *job)
{
    int64_t rows = job->reader.rows, columns = job->reader.columns;
    es_json_write_key(json, "vectors");
    es_json_write_object(json);
    es_json_write_key(json, "dtype");
    es_json_write_text(json, es_dtype_text(job->dtype));
    es_json_write_key(json, "shape");
    es_json_write_ints(json, (int64_t[]){rows, columns}, 2);
    es_json_write_key(json, "data_offsets");
    es_json_write_ints(json, (int64_t[]){0, rows * columns * (int64_t)es_dtype_size(job->dtype)},
                       2);
    es_json_write_end(json);
}

static es_status begin_safetensors(es_export_job *job, es_error *error)
{
    char *header = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&header, &size);
    if (!stream) return es_fail_memory(error, "a header", 0);
    es_json_writer json = es_json_write_to(stream);
    json.one_line = true;
    es_json_write_object(&json);
    write_metadata(&json, job);
    write_tensor(&json, job);
    es_json_write_end(&json);
    if (ferror(stream) | fclose(stream)) {
        free(header);
        return es_fail_memory(error, "a header", size);
    }
    size--; /* the line's end */
    unsigned char length[8];
    uint64_t padded = (size + 7) / 8 * 8;
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)(padded >> 8 * i);
    fwrite(length, 1, sizeof length, job->files[0]);
    fwrite(header, 1, size, job->files[0]);
    fwrite("       ", 1, padded - size, job->files[0]);
    free(header);
    return es_render_finish(job->files[0], error);
}

const es_export_writer es_export_safetensors = {
    .begin = begin_safetensors, .encode = encode, .put = es_export_put};
