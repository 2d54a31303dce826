/* The formats that are a key and its numbers a row.
 *
 *   word2vec       "3000000 300\n", then for each row: key ' ' 300 float32
 *   its text form  the same first line, then for each row: key ' ' number ' ' ... number '\n'
 *   GloVe          the text form without the first line
 *   projector      tensors.tsv: number '\t' ... number '\n'; metadata.tsv: "id\ttoken\n", then a
 * line for each row; the configuration that names both, for the stand-alone page (JSON) and for
 * TensorBoard (protocol buffer text)
 *
 * Numbers are the shortest decimals that read back the same float32, or float64. */
#include "render/display.h"
#include "render/export_job.h"
#include "render/json_writer.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>
#include <string.h>

enum { LINE_PART = 4096 };

/* ---- numbers -----------------------------------------------------------------------------------
 */

static int write_special(double value, char *out)
{
    const char *text = isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
    memcpy(out, text, strlen(text) + 1);
    return (int)strlen(text);
}

/* A number rounded to the dtype; how long it is. */
static int write_number(es_dtype dtype, double value, char out[ES_NUMBER_TEXT], int64_t *overflowed)
{
    double wide = value;
    if (dtype == ES_DTYPE_F16) {
        char half[2];
        *overflowed += es_dtype_narrow(dtype, &value, 1, half);
        es_dtype_widen(dtype, half, 1, &wide);
    }
    if (dtype == ES_DTYPE_F64) {
        if (!isfinite(wide)) return write_special(wide, out);
        es_number_shortest(wide, out);
        return (int)strlen(out);
    }
    float single = (float)wide;
    if (isfinite(single)) return es_number_shortest_float(single, out);
    *overflowed += isfinite(wide);
    return write_special((double)single, out);
}

/* The numbers of a row, `between` each two of them, and the end of the line. */
static void write_numbers(const es_export_job *job, es_row_piece *piece, int64_t i, char between)
{
    const double *row = piece->values + i * job->reader.columns;
    char part[LINE_PART + ES_NUMBER_TEXT];
    int size = 0;
    for (int64_t k = 0; k < job->reader.columns; k++) {
        if (k) part[size++] = between;
        size += write_number(job->dtype, row[k], part + size, &piece->overflowed);
        if (size < LINE_PART) continue;
        es_text_append(&piece->bytes[0], part, (size_t)size);
        size = 0;
    }
    part[size++] = '\n';
    es_text_append(&piece->bytes[0], part, (size_t)size);
}

static void write_key(const es_export_job *job, es_row_piece *piece, int64_t i)
{
    es_bytes key = job->keys.key[piece->first + i];
    es_text_append(&piece->bytes[0], key.data, key.size);
    es_text_append(&piece->bytes[0], " ", 1);
}

/* ---- word2vec, GloVe ---------------------------------------------------------------------------
 */

static es_status begin_words(es_export_job *job, es_error *error)
{
    fprintf(job->files[0], "%lld %lld\n", (long long)job->reader.rows,
            (long long)job->reader.columns);
    return es_render_finish(job->files[0], error);
}

static es_status encode_binary(const void *context, es_row_piece *piece, es_error *error)
{
    const es_export_job *job = context;
    for (int64_t i = 0; i < piece->count; i++) {
        write_key(job, piece, i);
        ES_TRY(es_export_add_rows(job, piece, i, 1, error));
    }
    return ES_OK;
}

static es_status encode_text(const void *context, es_row_piece *piece, es_error *error)
{
    (void)error;
    const es_export_job *job = context;
    for (int64_t i = 0; i < piece->count; i++) {
        write_key(job, piece, i);
        write_numbers(job, piece, i, ' ');
    }
    return ES_OK;
}

const es_export_writer es_export_word2vec = {
    .has_keys = true, .begin = begin_words, .encode = encode_binary, .put = es_export_put};

const es_export_writer es_export_word2vec_text = {
    .has_keys = true, .begin = begin_words, .encode = encode_text, .put = es_export_put};

const es_export_writer es_export_glove = {
    .has_keys = true, .encode = encode_text, .put = es_export_put};

/* ---- the projector -----------------------------------------------------------------------------
 */

enum { TENSORS, METADATA, CONFIG_JSON, CONFIG_TEXT };

static es_status begin_projector(es_export_job *job, es_error *error)
{
    fputs("id\ttoken\n", job->files[METADATA]);
    return es_render_finish(job->files[METADATA], error);
}

/* A label for people: the token itself, control characters (TAB and the line's end among them) and
 * what is not UTF-8 as \xNN. */
static void write_label(const es_export_job *job, es_row_piece *piece, int64_t i)
{
    int64_t id = es_row_reader_id(&job->reader, piece->first + i);
    es_text *out = &piece->bytes[METADATA];
    es_bytes token = es_vocabulary_token(es_space_vocabulary(job->space), id);
    if (id < 0) {
        const es_item *item = &job->options->rows->items[piece->first + i];
        token = (es_bytes){item->text, item->text_size};
        es_text_add(out, "-\t");
    } else {
        es_text_printf(out, "%lld\t", (long long)id);
    }
    if (token.data)
        es_display_plain(out, token.data, token.size);
    else
        es_text_printf(out, "#%lld", (long long)id);
    es_text_add(out, "\n");
}

/* One number that is not finite leaves the page without a picture. */
static es_status encode_projector(const void *context, es_row_piece *piece, es_error *error)
{
    (void)error;
    const es_export_job *job = context;
    for (int64_t i = 0; i < piece->count; i++) {
        if (piece->states[i] == ES_ROW_NON_FINITE) continue;
        write_numbers(job, piece, i, '\t');
        write_label(job, piece, i);
    }
    return ES_OK;
}

static const char *tensor_name(const es_export_job *job)
{
    const es_source *source = es_space_source(job->space);
    return source->tensor && *source->tensor ? source->tensor : "vectors";
}

static es_status end_projector(es_export_job *job, es_error *error)
{
    FILE *out = job->files[CONFIG_JSON];
    es_json_writer json = es_json_write_to(out);
    es_json_write_object(&json);
    es_json_write_key(&json, "embeddings");
    es_json_write_array(&json);
    es_json_write_object(&json);
    es_json_write_key(&json, "tensorName");
    es_json_write_text(&json, tensor_name(job));
    es_json_write_key(&json, "tensorShape");
    es_json_write_ints(&json, (int64_t[]){job->written, job->reader.columns}, 2);
    es_json_write_key(&json, "tensorPath");
    es_json_write_text(&json, "tensors.tsv");
    es_json_write_key(&json, "metadataPath");
    es_json_write_text(&json, "metadata.tsv");
    es_json_write_end(&json);
    es_json_write_end(&json);
    es_json_write_end(&json);
    ES_TRY(es_render_finish(out, error));
    out = job->files[CONFIG_TEXT];
    fputs("embeddings {\n  tensor_name: ", out);
    json = es_json_write_to(out);
    es_json_write_text(&json, tensor_name(job)); /* its escapes are those of JSON */
    fputs("\n  tensor_path: \"tensors.tsv\"\n  metadata_path: \"metadata.tsv\"\n}\n", out);
    return es_render_finish(out, error);
}

const es_export_writer es_export_projector = {.begin = begin_projector,
                                              .encode = encode_projector,
                                              .put = es_export_put,
                                              .end = end_projector};
