#include "render/csv.h"
#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <string.h>

static void write_rows(es_json_writer *json, const char *key, const es_row_list *rows)
{
    es_json_write_key(json, key);
    es_json_write_object(json);
    es_json_write_key(json, "count");
    es_json_write_int(json, rows->count);
    es_json_write_key(json, "first");
    es_json_write_ints(json, rows->first, rows->listed);
    es_json_write_end(json);
}

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

void es_render_info_members(es_json_writer *json, const es_space *space, const es_info *info)
{
    const es_source *source = es_space_source(space);
    es_json_write_key(json, "format");
    es_json_write_text(json, or_null(source->format));
    es_json_write_key(json, "architecture");
    es_json_write_text(json, or_null(source->architecture));
    es_json_write_key(json, "tokenizer");
    es_json_write_text(json, es_vocabulary_kind_text(info->vocabulary_kind));
    es_json_write_key(json, "vocabulary_size");
    es_json_write_int(json, info->vocabulary_size);
    es_json_write_key(json, "duplicate_keys");
    es_json_write_int(json, info->duplicate_keys);
    es_json_write_key(json, "tied");
    if (info->tying == ES_TYING_UNKNOWN)
        es_json_write_null(json);
    else
        es_json_write_bool(json, info->tying == ES_TYING_TIED);
    es_json_write_key(json, "untied_rows");
    if (info->tying == ES_TYING_UNKNOWN)
        es_json_write_null(json);
    else
        es_json_write_int(json, info->untied_rows);
    es_render_tying_members(json, &info->tables);
    es_json_write_key(json, "norms");
    es_json_write_object(json);
    const struct {
        const char *key;
        double value;
    } norms[] = {{"minimum", info->norm_minimum}, {"quartile1", info->norm_quartile1},
                 {"median", info->norm_median},   {"quartile3", info->norm_quartile3},
                 {"maximum", info->norm_maximum}, {"mean", info->norm_mean}};
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
        es_json_write_key(json, norms[i].key);
        es_json_write_double(json, norms[i].value);
    }
    es_json_write_end(json);
    write_rows(json, "zero", &info->zero);
    write_rows(json, "non_finite", &info->non_finite);
    write_rows(json, "duplicates", &info->duplicates);
}

static void info_csv(const es_space *space, const es_info *info, FILE *out)
{
    const es_source *source = es_space_source(space);
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (const char *const[]){
                            "path", "tensor", "rows", "columns", "dtype", "architecture",
                            "tokenizer", "vocabulary_size", "tied", "norm_minimum",
                            "norm_quartile1", "norm_median", "norm_quartile3", "norm_maximum",
                            "norm_mean", "zero", "non_finite", "duplicates", NULL});
    es_csv_text(&csv, source->path);
    es_csv_text(&csv, or_null(source->tensor));
    es_csv_int(&csv, source->rows);
    es_csv_int(&csv, source->columns);
    es_csv_text(&csv, source->dtype);
    es_csv_text(&csv, or_null(source->architecture));
    es_csv_text(&csv, es_vocabulary_kind_text(info->vocabulary_kind));
    es_csv_int(&csv, info->vocabulary_size);
    static const char *const tied[] = {NULL, "true", "false"};
    es_csv_text(&csv, tied[info->tying]);
    const double norms[] = {info->norm_minimum,   info->norm_quartile1, info->norm_median,
                            info->norm_quartile3, info->norm_maximum,   info->norm_mean};
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) es_csv_double(&csv, norms[i]);
    es_csv_int(&csv, info->zero.count);
    es_csv_int(&csv, info->non_finite.count);
    es_csv_int(&csv, info->duplicates.count);
    es_csv_end_line(&csv);
}

/* "3: @177 " 242", @178 ..." */
static void add_rows(es_table *table, const es_space *space, const char *name,
                     const es_row_list *rows)
{
    es_text text = {0};
    es_text_count(&text, rows->count);
    for (int64_t i = 0; i < rows->listed; i++) {
        es_bytes token = es_vocabulary_token(es_space_vocabulary(space), rows->first[i]);
        es_text_printf(&text, "%s@%lld ", i ? ", " : ": ", (long long)rows->first[i]);
        es_display_quoted(&text, token.data, token.size);
    }
    if (rows->count > rows->listed) es_text_add(&text, " ...");
    table->failed |= text.failed;
    es_table_cell(table, name);
    es_table_cell(table, text.data ? text.data : "");
    es_text_release(&text);
}

static void add_line(es_table *table, const char *name, es_text *text)
{
    table->failed |= text->failed;
    es_table_cell(table, name);
    es_table_cell(table, text->data ? text->data : "-");
    es_text_release(text);
}

static void add_kind(es_table *table, const es_space *space, const es_info *info)
{
    const es_source *source = es_space_source(space);
    es_text text = {0};
    es_display_plain(&text, source->format, strlen(source->format));
    add_line(table, "format", &text);
    if (or_null(source->architecture)) {
        es_display_plain(&text, source->architecture, strlen(source->architecture));
        add_line(table, "architecture", &text);
    }
    es_text_add(&text, es_vocabulary_kind_text(info->vocabulary_kind));
    if (info->vocabulary_kind != ES_VOCABULARY_NONE) {
        es_text_add(&text, ", ");
        es_text_count(&text, info->vocabulary_size);
        es_text_add(&text, " tokens");
    }
    if (info->duplicate_keys) {
        es_text_add(&text, ", keys given twice: ");
        es_text_count(&text, info->duplicate_keys);
    }
    add_line(table, "tokenizer", &text);
    es_render_tying_line(&text, space, &info->tables);
    add_line(table, "tied", &text);
}

es_status es_render_info_body(const es_space *space, const es_info *info,
                              const es_render_options *options, FILE *out, es_error *error)
{
    es_table table = {.bare = true};
    es_table_column(&table, "", ES_ALIGN_LEFT);
    es_table_column(&table, "", ES_ALIGN_LEFT);
    add_kind(&table, space, info);
    es_text text = {0};
    const struct {
        const char *name;
        double value;
    } norms[] = {{"", info->norm_minimum},     {" .. ", info->norm_quartile1},
                 {" .. ", info->norm_median},  {" .. ", info->norm_quartile3},
                 {" .. ", info->norm_maximum}, {"   mean ", info->norm_mean}};
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
        es_text_add(&text, norms[i].name);
        es_text_fixed(&text, norms[i].value, 4);
    }
    add_line(&table, "norms", &text);
    es_text_add(&text, "(minimum, quartiles, maximum)");
    add_line(&table, "", &text);
    add_rows(&table, space, "zero rows", &info->zero);
    add_rows(&table, space, "non-finite rows", &info->non_finite);
    add_rows(&table, space, "duplicate rows", &info->duplicates);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

es_status es_render_info(const es_space *space, const es_info *info,
                         const es_render_options *options, FILE *out, es_error *error)
{
    if (options->output == ES_OUTPUT_JSON) {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "info");
        es_render_info_members(&json, space, info);
        es_render_json_end(&json, options);
    } else if (options->output == ES_OUTPUT_CSV) {
        info_csv(space, info, out);
    } else {
        ES_TRY(es_render_heading(space, options, out, error));
        ES_TRY(es_render_info_body(space, info, options, out, error));
    }
    return es_render_finish(out, error);
}
