/* Embedding and unembedding: what `info` says of them, and their geometry side by side. */
#include "render/csv.h"
#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <math.h>
#include <string.h>

static const char *const how_texts[] = {"one table",    "one tensor",  "equal bytes",
                                        "equal values", "rows differ", "other columns"};

/* ---- info's own part --------------------------------------------------------------------------
 */

static void write_table(es_json_writer *json, const char *key, const es_table_comparison *tables,
                        int side)
{
    es_json_write_key(json, key);
    if (!tables->tensors[side]) {
        es_json_write_null(json);
        return;
    }
    es_json_write_object(json);
    es_json_write_key(json, "tensor");
    es_json_write_text(json, *tables->tensors[side] ? tables->tensors[side] : NULL);
    es_json_write_key(json, "dtype");
    es_json_write_text(json, tables->dtypes[side]);
    es_json_member_int(json, "rows", tables->rows[side]);
    es_json_write_end(json);
}

void es_render_tying_members(es_json_writer *json, const es_table_comparison *tables)
{
    bool known = tables->how != ES_TYING_ONE_TABLE;
    es_json_write_key(json, "tying");
    es_json_write_object(json);
    es_json_write_key(json, "how");
    es_json_write_text(json, how_texts[tables->how]);
    write_table(json, "embedding", tables, 0);
    write_table(json, "unembedding", tables, 1);
    const struct {
        const char *key;
        int64_t count;
    } counts[] = {{"equal_rows", tables->equal_rows}, {"differing_rows", tables->differing_rows}};
    for (int i = 0; i < 2; i++) {
        es_json_write_key(json, counts[i].key);
        if (known)
            es_json_write_int(json, counts[i].count);
        else
            es_json_write_null(json);
    }
    es_json_write_key(json, "first");
    es_json_write_ints(json, tables->first, tables->listed);
    es_json_write_end(json);
}

static void add_name(es_text *text, const es_table_comparison *tables, int side, bool with_type)
{
    es_display_plain(text, tables->tensors[side], strlen(tables->tensors[side]));
    if (with_type) es_text_printf(text, " (%s)", tables->dtypes[side]);
}

/* "lm_head.weight holds the same bytes as wte.weight" */
static void add_equal(es_text *text, const es_table_comparison *tables)
{
    bool by_value = tables->how == ES_TYING_EQUAL_VALUES;
    es_text_add(text, "yes: ");
    add_name(text, tables, 1, by_value);
    es_text_printf(text, " is another tensor with the same %s as ", by_value ? "values" : "bytes");
    add_name(text, tables, 0, by_value);
}

static void add_differing(es_text *text, const es_space *space, const es_table_comparison *tables)
{
    bool few = tables->equal_rows > tables->differing_rows;
    if (few) {
        es_text_add(text, "all but ");
        es_text_count(text, tables->differing_rows);
        es_text_add(text, tables->differing_rows == 1 ? " row: " : " rows: ");
    } else {
        es_text_add(text, "no: ");
    }
    add_name(text, tables, 1, false);
    es_text_add(text, " differs from ");
    add_name(text, tables, 0, false);
    es_text_add(text, " in");
    if (!few) {
        es_text_add(text, tables->equal_rows ? " " : " all ");
        es_text_count(text, tables->differing_rows);
        es_text_add(text, tables->differing_rows == 1 ? " row" : " rows");
        if (tables->equal_rows) {
            es_text_add(text, ", and equals it in ");
            es_text_count(text, tables->equal_rows);
        }
        return;
    }
    for (int64_t i = 0; i < tables->listed; i++) {
        es_bytes token = es_vocabulary_token(es_space_vocabulary(space), tables->first[i]);
        es_text_printf(text, "%s @%lld ", i ? "," : "", (long long)tables->first[i]);
        es_display_quoted(text, token.data, token.size);
    }
    if (tables->differing_rows > tables->listed) es_text_add(text, " ...");
}

void es_render_tying_line(es_text *text, const es_space *space, const es_table_comparison *tables)
{
    switch (tables->how) {
    case ES_TYING_ONE_TENSOR:
        es_text_add(text, "yes: the unembedding is the embedding, byte for byte");
        break;
    case ES_TYING_EQUAL_BYTES:
    case ES_TYING_EQUAL_VALUES: add_equal(text, tables); break;
    case ES_TYING_ROWS_DIFFER: add_differing(text, space, tables); break;
    case ES_TYING_OTHER_COLUMNS:
        es_text_add(text, "no: ");
        add_name(text, tables, 1, false);
        es_text_add(text, " and ");
        add_name(text, tables, 0, false);
        es_text_add(text, " have rows of different lengths");
        break;
    default: es_text_add(text, "not known: there is no embedding and unembedding to compare");
    }
}

/* ---- the geometry, for programs ----------------------------------------------------------------
 */

static void write_tokens(es_json_writer *json, const char *key, const es_space *space,
                         const es_tying_token *tokens, int64_t count)
{
    es_json_write_key(json, key);
    es_json_write_array(json);
    for (int64_t i = 0; i < count; i++) {
        es_json_write_object(json);
        es_json_member_int(json, "id", tokens[i].id);
        es_render_json_token(json, space, tokens[i].id);
        es_json_member_double(json, "cosine", tokens[i].cosine);
        es_json_member_double(json, "embedding_norm", tokens[i].embedding_norm);
        es_json_member_double(json, "unembedding_norm", tokens[i].unembedding_norm);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

static void write_spread(es_json_writer *json, const es_space *space,
                         const es_tying_geometry *geometry)
{
    const es_tying_spread *cosine = &geometry->cosine;
    const struct {
        const char *key;
        double value;
    } figures[] = {
        {"mean", cosine->mean},           {"standard_deviation", cosine->standard_deviation},
        {"minimum", cosine->minimum},     {"quantile05", cosine->quantile05},
        {"quartile1", cosine->quartile1}, {"median", cosine->median},
        {"quartile3", cosine->quartile3}, {"quantile95", cosine->quantile95},
        {"maximum", cosine->maximum}};
    es_json_write_key(json, "same_token_cosine");
    es_json_write_object(json);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        es_json_member_double(json, figures[i].key, figures[i].value);
    write_tokens(json, "lowest", space, geometry->lowest, geometry->listed);
    write_tokens(json, "highest", space, geometry->highest, geometry->listed);
    es_json_write_end(json);
}

static void write_pair(es_json_writer *json, const double values[2])
{
    es_json_member_double(json, "embedding", values[0]);
    es_json_member_double(json, "unembedding", values[1]);
}

void es_render_tying_geometry(es_json_writer *json, const char *key, const es_space *space,
                              const es_tying_geometry *geometry)
{
    es_json_write_key(json, key);
    if (!geometry) {
        es_json_write_null(json);
        return;
    }
    es_json_write_object(json);
    es_json_member_int(json, "rows", geometry->rows);
    es_json_member_int(json, "left_out", geometry->left_out);
    write_spread(json, space, geometry);
    es_json_write_key(json, "norm");
    es_json_write_object(json);
    es_json_write_key(json, "mean");
    es_json_write_object(json);
    write_pair(json, geometry->norm_mean);
    es_json_write_end(json);
    es_json_member_double(json, "pearson", geometry->norm_pearson);
    es_json_member_double(json, "spearman", geometry->norm_spearman);
    es_json_write_end(json);
    es_json_write_key(json, "mean_cosine");
    es_json_write_object(json);
    write_pair(json, geometry->mean_cosine);
    es_json_write_end(json);
    es_json_write_key(json, "rsa");
    es_json_write_object(json);
    es_json_member_double(json, "pearson", geometry->rsa_pearson);
    es_json_member_int(json, "pairs", geometry->pairs);
    es_json_write_end(json);
    es_json_write_key(json, "own_nearest");
    es_json_write_object(json);
    es_json_member_int(json, "of_embedding", geometry->own_nearest[0]);
    es_json_member_int(json, "of_unembedding", geometry->own_nearest[1]);
    es_json_member_double(json, "chance", 1 / (double)geometry->rows);
    es_json_write_end(json);
    es_json_write_end(json);
}

/* A line a token; none where the tables are one. */
static void tying_csv(const es_space *space, const es_tying_geometry *geometry, FILE *out)
{
    int64_t ids = geometry ? geometry->ids : 0;
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (const char *const[]){"id", "text", "cosine", "embedding_norm",
                                              "unembedding_norm", NULL});
    for (int64_t i = 0; i < ids && !ferror(out); i++) {
        es_bytes text = es_vocabulary_token(es_space_vocabulary(space), i);
        es_csv_int(&csv, i);
        es_csv_bytes(&csv, text.data, text.size);
        es_csv_double(&csv, geometry->cosines[i]);
        es_csv_double(&csv, geometry->norms[0][i]);
        es_csv_double(&csv, geometry->norms[1][i]);
        es_csv_end_line(&csv);
    }
}

/* ---- for people -------------------------------------------------------------------------------
 */

static void add_row(es_table *table, const char *name, es_text *text)
{
    table->failed |= text->failed;
    es_table_cell(table, name);
    es_table_cell(table, text->data ? text->data : "-");
    es_text_release(text);
}

static void add_share(es_text *text, int64_t count, const es_tying_geometry *geometry)
{
    es_text_count(text, count);
    es_text_add(text, " (");
    es_text_fixed(text, 100 * (double)count / (double)geometry->rows, 2);
    es_text_add(text, " %)");
}

static void add_cosines(es_table *table, const es_tying_geometry *geometry)
{
    const es_tying_spread *cosine = &geometry->cosine;
    const double spread[] = {cosine->minimum, cosine->quantile05, cosine->quartile1,
                             cosine->median,  cosine->quartile3,  cosine->quantile95,
                             cosine->maximum};
    es_text text = {0};
    es_text_add(&text, "mean ");
    es_text_fixed(&text, cosine->mean, 4);
    es_text_add(&text, "   standard deviation ");
    es_text_fixed(&text, cosine->standard_deviation, 4);
    es_text_add(&text, " (of random directions ");
    es_text_fixed(&text, 1 / sqrt((double)geometry->columns), 4);
    es_text_add(&text, ")");
    add_row(table, "cosine of a token's two rows", &text);
    for (size_t i = 0; i < sizeof spread / sizeof *spread; i++) {
        if (i) es_text_add(&text, " .. ");
        es_text_fixed(&text, spread[i], 4);
    }
    add_row(table, "", &text);
    es_text_add(&text, "(minimum, 5 %, quartiles, 95 %, maximum)");
    add_row(table, "", &text);
}

static void add_comparison(es_table *table, const es_tying_geometry *geometry)
{
    es_text text = {0};
    es_text_add(&text, "mean ");
    es_text_fixed(&text, geometry->norm_mean[0], 4);
    es_text_add(&text, " and ");
    es_text_fixed(&text, geometry->norm_mean[1], 4);
    es_text_add(&text, "   Pearson ");
    es_text_fixed(&text, geometry->norm_pearson, 4);
    es_text_add(&text, "   Spearman ");
    es_text_fixed(&text, geometry->norm_spearman, 4);
    add_row(table, "norms", &text);
    es_text_fixed(&text, geometry->mean_cosine[0], 4);
    es_text_add(&text, " and ");
    es_text_fixed(&text, geometry->mean_cosine[1], 4);
    add_row(table, "mean cosine of a pair", &text);
    if (geometry->rsa_is_too_wide) {
        es_text_add(&text, "- (the rows are too long for so few of them)");
    } else {
        es_text_fixed(&text, geometry->rsa_pearson, 4);
        es_text_add(&text, " over ");
        es_text_count(&text, geometry->pairs);
        es_text_add(&text, geometry->pairs == 1 ? " pair" : " pairs");
    }
    add_row(table, "correlation of the cosines", &text);
    add_share(&text, geometry->own_nearest[0], geometry);
    es_text_add(&text, " from the embedding, ");
    add_share(&text, geometry->own_nearest[1], geometry);
    es_text_add(&text, " from the unembedding");
    add_row(table, "own row is the nearest", &text);
}

static es_status print_tokens(const es_space *space, const char *title,
                              const es_tying_token *tokens, int64_t count,
                              const es_render_options *options, FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, title, ES_ALIGN_RIGHT);
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_column(&table, "norm in", ES_ALIGN_RIGHT);
    es_table_column(&table, "norm out", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "token");
    for (int64_t i = 0; i < count; i++) {
        es_bytes text = es_vocabulary_token(es_space_vocabulary(space), tokens[i].id);
        es_table_number(&table, tokens[i].cosine, 4);
        es_table_id(&table, tokens[i].id);
        es_table_number(&table, tokens[i].embedding_norm, 4);
        es_table_number(&table, tokens[i].unembedding_norm, 4);
        es_table_token(&table, text.data, text.size);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

static es_status print_geometry(const es_space *space, const es_tying_geometry *geometry,
                                const es_render_options *options, FILE *out, es_error *error)
{
    es_text line = {0}, remark = {0};
    es_text_add(&line, "\nembedding ");
    es_display_plain(&line, geometry->tensors[0], strlen(geometry->tensors[0]));
    es_text_add(&line, " and unembedding ");
    es_display_plain(&line, geometry->tensors[1], strlen(geometry->tensors[1]));
    es_text_add(&line, " side by side, ");
    es_text_count(&line, geometry->rows);
    es_text_add(&line, " tokens");
    if (geometry->left_out) {
        es_text_add(&line, " (left out, not defined in both: ");
        es_text_count(&line, geometry->left_out);
        es_text_add(&line, ")");
    }
    bool failed = line.failed;
    if (!failed) fprintf(out, "%s\n\n", line.data);
    es_text_release(&line);
    if (failed) return es_fail_memory(error, "a line", 0);
    es_table table = {.bare = true};
    es_table_column(&table, "", ES_ALIGN_LEFT);
    es_table_column(&table, "", ES_ALIGN_LEFT);
    add_cosines(&table, geometry);
    add_comparison(&table, geometry);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    ES_TRY(status);
    fputc('\n', out);
    ES_TRY(print_tokens(space, "lowest", geometry->lowest, geometry->listed, options, out, error));
    fputc('\n', out);
    ES_TRY(
        print_tokens(space, "highest", geometry->highest, geometry->listed, options, out, error));
    es_text_add(
        &remark,
        "\ncorrelation of the cosines: of cos(i, j) among embedding rows with the same among "
        "unembedding\nrows, over all pairs of tokens: do the two tables arrange the "
        "vocabulary alike? own row is\nthe nearest: tokens whose row in one table has no "
        "row of the other nearer than their own;\nby chance one token in all.");
    return es_render_remark(&remark, options, out, error);
}

es_status es_render_tying(const es_space *space, const es_info *info,
                          const es_tying_geometry *geometry, const es_render_options *options,
                          FILE *out, es_error *error)
{
    if (options->output == ES_OUTPUT_JSON) {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "info");
        es_render_info_members(&json, space, info);
        es_render_tying_geometry(&json, "geometry", space, geometry);
        es_render_json_end(&json, options);
    } else if (options->output == ES_OUTPUT_CSV) {
        tying_csv(space, geometry, out);
    } else {
        ES_TRY(es_render_heading(space, options, out, error));
        ES_TRY(es_render_info_body(space, info, options, out, error));
        if (geometry)
            ES_TRY(print_geometry(space, geometry, options, out, error));
        else
            fputs("\none table is embedding and unembedding: nothing to set side by side\n", out);
    }
    return es_render_finish(out, error);
}
