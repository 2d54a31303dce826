#include "render/csv.h"
#include "render/json_writer.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

static es_bytes token_of(const es_space *space, int64_t id)
{
    return es_vocabulary_token(es_space_vocabulary(space), id);
}

static void write_named(es_json_writer *json, const es_space *space, const char *key,
                        const char *text_key, int64_t id)
{
    es_bytes token = token_of(space, id);
    es_json_write_key(json, key);
    es_json_write_int(json, id);
    es_json_write_key(json, text_key);
    es_json_write_bytes(json, token.data, token.size);
}

static void write_pair(es_json_writer *json, const es_space *space, const es_row_pair *pair)
{
    es_json_write_object(json);
    write_named(json, space, "a", "a_text", pair->a);
    write_named(json, space, "b", "b_text", pair->b);
    es_json_write_key(json, "cosine");
    es_json_write_double(json, pair->cosine);
    es_json_write_end(json);
}

static void pairs_json(const es_space *space, const es_near_pairs *pairs,
                       const es_render_options *options, FILE *out)
{
    es_json_writer json = es_json_write_to(out);
    es_render_json_begin(&json, space, "neighbors");
    es_json_write_key(&json, "minimum");
    es_json_write_double(&json, pairs->minimum);
    es_json_member_int(&json, "rows", pairs->rows);
    es_json_member_int(&json, "left_out", pairs->left_out);
    es_json_member_int(&json, "count", pairs->count);
    es_json_write_key(&json, "pairs");
    es_json_write_array(&json);
    for (int64_t i = 0; i < pairs->count && !ferror(out); i++)
        write_pair(&json, space, &pairs->pairs[i]);
    es_json_write_end(&json);
    es_render_json_end(&json, options);
}

static void pairs_lines(const es_space *space, const es_near_pairs *pairs, FILE *out)
{
    for (int64_t i = 0; i < pairs->count && !ferror(out); i++) {
        es_json_writer json = es_json_write_to(out);
        json.one_line = true;
        write_pair(&json, space, &pairs->pairs[i]);
    }
}

static void pairs_csv(const es_space *space, const es_near_pairs *pairs, FILE *out)
{
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (const char *const[]){"a", "a_text", "b", "b_text", "cosine", NULL});
    for (int64_t i = 0; i < pairs->count && !ferror(out); i++) {
        const es_row_pair *pair = &pairs->pairs[i];
        es_bytes a = token_of(space, pair->a), b = token_of(space, pair->b);
        es_csv_int(&csv, pair->a);
        es_csv_bytes(&csv, a.data, a.size);
        es_csv_int(&csv, pair->b);
        es_csv_bytes(&csv, b.data, b.size);
        es_csv_double(&csv, pair->cosine);
        es_csv_end_line(&csv);
    }
}

static es_status print_pairs(const es_space *space, const es_near_pairs *pairs,
                             const es_render_options *options, FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "cosine", ES_ALIGN_RIGHT);
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "token");
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "token");
    for (int64_t i = 0; i < pairs->count; i++) {
        const es_row_pair *pair = &pairs->pairs[i];
        es_bytes a = token_of(space, pair->a), b = token_of(space, pair->b);
        es_table_number(&table, pair->cosine, 6);
        es_table_id(&table, pair->a);
        es_table_token(&table, a.data, a.size);
        es_table_id(&table, pair->b);
        es_table_token(&table, b.data, b.size);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

static es_status pairs_table(const es_space *space, const es_near_pairs *pairs,
                             const es_render_options *options, FILE *out, es_error *error)
{
    char count[ES_NUMBER_TEXT], rows[ES_NUMBER_TEXT], all[ES_NUMBER_TEXT], left[ES_NUMBER_TEXT];
    char minimum[ES_NUMBER_TEXT];
    es_number_count(pairs->count, count);
    es_number_count(pairs->rows, rows);
    es_number_count(pairs->rows * (pairs->rows - 1) / 2, all);
    es_number_count(pairs->left_out, left);
    es_number_shortest(pairs->minimum, minimum);
    ES_TRY(es_render_heading(space, options, out, error));
    fprintf(out, "%s of the %s pairs of %s rows have a cosine of %s or more", count, all, rows,
            minimum);
    if (pairs->left_out) fprintf(out, " (left out, zero or non-finite: %s)", left);
    fputc('\n', out);
    if (!pairs->count) return ES_OK;
    fputc('\n', out);
    return print_pairs(space, pairs, options, out, error);
}

es_status es_render_near_pairs(const es_space *space, const es_near_pairs *pairs,
                               const es_render_options *options, FILE *out, es_error *error)
{
    switch (options->output) {
    case ES_OUTPUT_JSON: pairs_json(space, pairs, options, out); break;
    case ES_OUTPUT_JSONL: pairs_lines(space, pairs, out); break;
    case ES_OUTPUT_CSV: pairs_csv(space, pairs, out); break;
    default: ES_TRY(pairs_table(space, pairs, options, out, error));
    }
    return es_render_finish(out, error);
}
