#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <string.h>

static void write_members(es_json_writer *json, const es_export *written, const char *path,
                          int64_t bytes)
{
    es_json_write_key(json, "path");
    es_json_write_text(json, path);
    es_json_write_key(json, "format");
    es_json_write_text(json, es_export_format_text(written->format));
    es_json_write_key(json, "files");
    es_json_write_array(json);
    const char *name;
    for (int i = 0; (name = es_export_file_name(written->format, i)) && *name; i++)
        es_json_write_text(json, name);
    es_json_write_end(json);
    es_json_member_int(json, "rows", written->rows);
    es_json_member_int(json, "columns", written->columns);
    es_json_write_key(json, "dtype");
    es_json_write_text(json, written->dtype);
    es_json_write_key(json, "unit");
    es_json_write_bool(json, written->unit);
    es_json_member_int(json, "bytes", bytes);
    es_json_member_int(json, "zero_rows", written->zero_rows);
    es_json_member_int(json, "non_finite_rows", written->non_finite_rows);
    es_json_member_int(json, "left_out", written->left_out);
    es_json_member_int(json, "overflowed", written->overflowed);
    es_json_write_key(json, "keys");
    if (!written->has_keys) {
        es_json_write_null(json);
        return;
    }
    es_json_write_object(json);
    es_json_write_key(json, "spelling");
    es_json_write_text(json, written->byte_level ? "byte-level" : "plain");
    es_json_member_int(json, "respelled", written->respelled);
    es_json_member_int(json, "renamed", written->renamed);
    es_json_write_end(json);
}

/* How the file is read; %s stands for its path. */
static const char *reading(es_export_format format)
{
    static const char *const lines[] = {
        [ES_EXPORT_NPY] = "numpy.load(\"%s\")",
        [ES_EXPORT_NPZ] = "numpy.load(\"%s\"): vectors, ids, tokens",
        [ES_EXPORT_SAFETENSORS] = "safetensors.numpy.load_file(\"%s\")[\"vectors\"]",
        [ES_EXPORT_WORD2VEC] =
            "gensim.models.KeyedVectors.load_word2vec_format(\"%s\", binary=True)",
        [ES_EXPORT_WORD2VEC_TEXT] = "gensim.models.KeyedVectors.load_word2vec_format(\"%s\")",
        [ES_EXPORT_GLOVE] =
            "gensim.models.KeyedVectors.load_word2vec_format(\"%s\", no_header=True)",
        [ES_EXPORT_PROJECTOR] = "tensorboard --logdir %s, or load tensors.tsv and metadata.tsv at "
                                "projector.tensorflow.org"};
    return lines[format];
}

static void add_reading(es_text *text, es_export_format format, const char *path)
{
    const char *line = reading(format), *place = strstr(line, "%s");
    es_text_add(text, "Read it with ");
    es_text_append(text, line, (size_t)(place - line));
    es_display_plain(text, path, strlen(path));
    es_text_add(text, place + 2);
    es_text_add(text, ".\n");
}

static void add_keys(es_text *text, const es_export *written)
{
    if (!written->respelled) return;
    es_text_count(text, written->respelled);
    es_text_add(text, written->respelled == 1 ? " key is" : " keys are");
    es_text_add(text, written->byte_level
                          ? " spelled as the tokenizer's vocab.json spells them, a space "
                            "as \xC4\xA0: no key has white space in it"
                          : " not the token's own text: what white space or control "
                            "character was in it is spelled as GPT-2 does (a space as \xC4\xA0)");
    if (written->renamed) {
        es_text_add(text, "; ");
        es_text_count(text, written->renamed);
        es_text_add(text, " that were taken have the row's id after them");
    }
    es_text_add(text, ".\n");
}

/* "1 row is zero", "2 rows are zero". */
static void add_count(es_text *text, int64_t count, const char *one, const char *many)
{
    if (!count) return;
    es_text_count(text, count);
    es_text_add(text, count == 1 ? one : many);
}

static void add_rows(es_text *text, const es_export *written)
{
    add_count(text, written->zero_rows, " row is zero: it has no cosine.\n",
              " rows are zero: they have no cosine.\n");
    if (written->left_out)
        add_count(text, written->left_out, " row is not finite and was left out.\n",
                  " rows are not finite and were left out.\n");
    else
        add_count(text, written->non_finite_rows, " row is not finite and is there as it is.\n",
                  " rows are not finite and are there as they are.\n");
    if (written->overflowed) {
        add_count(text, written->overflowed, " number is", " numbers are");
        es_text_printf(text, " past the range of %s and infinite in the file.\n", written->dtype);
    }
}

static es_status print_summary(const es_space *space, const es_export *written, const char *path,
                               int64_t bytes, const es_render_options *options, FILE *out,
                               es_error *error)
{
    es_text line = {0}, remark = {0};
    ES_TRY(es_render_heading(space, options, out, error));
    es_display_plain(&line, path, strlen(path));
    es_text_printf(&line, ": %s, ", es_export_format_text(written->format));
    es_text_count(&line, written->rows);
    es_text_add(&line, " x ");
    es_text_count(&line, written->columns);
    es_text_printf(&line, " %s, %s", written->dtype, written->unit ? "unit rows, " : "");
    es_text_count(&line, bytes);
    es_text_add(&line, " bytes");
    es_status status = line.failed ? es_fail_memory(error, "a line", line.size) : ES_OK;
    if (status == ES_OK) fprintf(out, "%s\n", line.data);
    es_text_release(&line);
    add_reading(&remark, written->format, path);
    add_keys(&remark, written);
    add_rows(&remark, written);
    if (remark.size) remark.data[--remark.size] = '\0'; /* the last line's end comes with it */
    if (status == ES_OK) return es_render_remark(&remark, options, out, error);
    es_text_release(&remark);
    return status;
}

es_status es_render_export(const es_space *space, const es_export *written, const char *path,
                           int64_t bytes, const es_render_options *options, FILE *out,
                           es_error *error)
{
    if (options->output != ES_OUTPUT_JSON) {
        ES_TRY(print_summary(space, written, path, bytes, options, out, error));
        return es_render_finish(out, error);
    }
    es_json_writer json = es_json_write_to(out);
    es_render_json_begin(&json, space, "export");
    write_members(&json, written, path, bytes);
    es_render_json_end(&json, options);
    return es_render_finish(out, error);
}
