#include "render/csv.h"
#include "render/display.h"
#include "render/render_common.h"
#include "render/table.h"

static void write_tokens(es_json_writer *json, const es_space *space, const es_ids *ids)
{
    es_json_write_key(json, "tokens");
    es_json_write_array(json);
    for (int64_t i = 0; i < ids->count; i++) {
        es_bytes token = es_vocabulary_token(es_space_vocabulary(space), ids->id[i]);
        es_json_write_object(json);
        es_json_write_key(json, "id");
        es_json_write_int(json, ids->id[i]);
        es_render_json_token(json, space, ids->id[i]);
        es_json_write_key(json, "bytes");
        es_json_write_hex(json, token.data, token.size);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

static void tokens_csv(const es_space *space, const es_ids *ids, FILE *out)
{
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (const char *const[]){"id", "text", "bytes", NULL});
    for (int64_t i = 0; i < ids->count; i++) {
        es_bytes token = es_vocabulary_token(es_space_vocabulary(space), ids->id[i]);
        es_csv_int(&csv, ids->id[i]);
        es_csv_bytes(&csv, token.data, token.size);
        es_csv_hex(&csv, token.data, token.size);
        es_csv_end_line(&csv);
    }
}

static es_status tokens_table(const es_space *space, const es_ids *ids,
                              const es_render_options *options, FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "token");
    es_table_column(&table, "bytes", ES_ALIGN_LEFT);
    for (int64_t i = 0; i < ids->count; i++) {
        es_bytes token = es_vocabulary_token(es_space_vocabulary(space), ids->id[i]);
        es_text hex = {0};
        for (size_t b = 0; b < token.size; b++)
            es_text_printf(&hex, b ? " %02x" : "%02x", (unsigned char)token.data[b]);
        es_table_id(&table, ids->id[i]);
        es_table_token(&table, token.data, token.size);
        table.failed |= hex.failed;
        es_table_cell(&table, hex.data ? hex.data : "");
        es_text_release(&hex);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

es_status es_render_tokens(const es_space *space, const es_ids *ids,
                           const es_render_options *options, FILE *out, es_error *error)
{
    if (options->output == ES_OUTPUT_JSON) {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "tokenize");
        write_tokens(&json, space, ids);
        es_render_json_end(&json, options);
    } else if (options->output == ES_OUTPUT_CSV) {
        tokens_csv(space, ids, out);
    } else {
        ES_TRY(tokens_table(space, ids, options, out, error));
    }
    return es_render_finish(out, error);
}

es_status es_render_decoded(const es_space *space, const es_ids *ids, es_bytes text,
                            const es_render_options *options, FILE *out, es_error *error)
{
    if (options->output == ES_OUTPUT_JSON) {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "tokenize");
        write_tokens(&json, space, ids);
        es_json_write_key(&json, "text");
        es_json_write_bytes(&json, text.data ? text.data : "", text.size);
        es_render_json_end(&json, options);
    } else if (options->output == ES_OUTPUT_CSV) {
        es_csv csv = es_csv_to(out);
        es_csv_header(&csv, (const char *const[]){"text", NULL});
        es_csv_bytes(&csv, text.data ? text.data : "", text.size);
        es_csv_end_line(&csv);
    } else {
        /* The bytes themselves, so that `embscope tokenize --decode ... > file` is the way back. */
        if (text.size) fwrite(text.data, 1, text.size, out);
        if (!text.size || text.data[text.size - 1] != '\n') fputc('\n', out);
    }
    return es_render_finish(out, error);
}
