#include "render/csv.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <math.h>

enum { WIDEST_MATRIX = 12 }; /* tokens whose cosine matrix is printed */

static void write_id(es_json_writer *json, int64_t id)
{
    if (id < 0)
        es_json_write_null(json);
    else
        es_json_write_int(json, id);
}

static void write_pair(es_json_writer *json, const es_pair *pair)
{
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"cosine", pair->cosine},
                   {"angle_degrees", pair->angle_degrees},
                   {"dot", pair->dot},
                   {"euclidean", pair->euclidean},
                   {"unit_euclidean", pair->unit_euclidean},
                   {"pearson", pair->pearson},
                   {"z_random", pair->z_random},
                   {"p_random", pair->p_random},
                   {"percentile", pair->percentile}};
    es_json_write_object(json);
    es_json_write_key(json, "a");
    es_json_write_int(json, pair->a);
    es_json_write_key(json, "b");
    es_json_write_int(json, pair->b);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        es_json_write_key(json, numbers[i].key);
        es_json_write_double(json, numbers[i].value);
    }
    es_json_write_end(json);
}

void es_render_similarity_members(es_json_writer *json, const es_similarity *similarity)
{
    int64_t n = similarity->token_count;
    es_json_write_key(json, "tokens");
    es_json_write_array(json);
    for (int64_t i = 0; i < n; i++) {
        const es_token_norm *token = &similarity->tokens[i];
        es_json_write_object(json);
        es_json_write_key(json, "id");
        write_id(json, token->id);
        es_json_write_key(json, "text");
        es_json_write_bytes(json, token->text, token->text_size);
        es_json_write_key(json, "norm");
        es_json_write_double(json, token->norm);
        es_json_write_end(json);
    }
    es_json_write_end(json);
    es_json_write_key(json, "cosine");
    if (similarity->cosine) {
        es_json_write_array(json);
        for (int64_t i = 0; i < n; i++) es_json_write_doubles(json, similarity->cosine + i * n, n);
        es_json_write_end(json);
    } else {
        es_json_write_null(json);
    }
    es_json_write_key(json, "pairs");
    es_json_write_array(json);
    for (int64_t i = 0; i < similarity->pair_count; i++) write_pair(json, &similarity->pairs[i]);
    es_json_write_end(json);
    es_json_write_key(json, "percentile_pairs");
    es_json_write_int(json, similarity->percentile_pairs);
}

static void similarity_csv(const es_similarity *similarity, FILE *out)
{
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv,
                  (const char *const[]){"a_id", "a_text", "b_id", "b_text", "cosine",
                                        "angle_degrees", "dot", "euclidean", "unit_euclidean",
                                        "pearson", "z_random", "p_random", "percentile", NULL});
    for (int64_t i = 0; i < similarity->pair_count; i++) {
        const es_pair *pair = &similarity->pairs[i];
        const int64_t ends[] = {pair->a, pair->b};
        for (int side = 0; side < 2; side++) {
            const es_token_norm *token = &similarity->tokens[ends[side]];
            if (token->id < 0)
                es_csv_text(&csv, NULL);
            else
                es_csv_int(&csv, token->id);
            es_csv_bytes(&csv, token->text, token->text_size);
        }
        const double numbers[] = {pair->cosine,    pair->angle_degrees,  pair->dot,
                                  pair->euclidean, pair->unit_euclidean, pair->pearson,
                                  pair->z_random,  pair->p_random,       pair->percentile};
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            es_csv_double(&csv, numbers[k]);
        es_csv_end_line(&csv);
    }
}

static es_status print_tokens(const es_similarity *similarity, const es_render_options *options,
                              FILE *out, es_error *error)
{
    int64_t n = similarity->token_count;
    bool with_matrix = similarity->cosine && n <= WIDEST_MATRIX;
    es_table table = {0};
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "token");
    es_table_column(&table, "norm", ES_ALIGN_RIGHT);
    for (int64_t j = 0; with_matrix && j < n; j++)
        es_table_column_of(&table, similarity->tokens[j].text, similarity->tokens[j].text_size,
                           ES_ALIGN_RIGHT);
    for (int64_t i = 0; i < n; i++) {
        const es_token_norm *token = &similarity->tokens[i];
        es_table_id(&table, token->id);
        es_table_token(&table, token->text, token->text_size);
        es_table_number(&table, token->norm > 0 ? token->norm : NAN, 4);
        for (int64_t j = 0; with_matrix && j < n; j++)
            es_table_number(&table, similarity->cosine[i * n + j], 4);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

/* A tail probability keeps its size at any smallness: two digits of mantissa below 0.001. */
static void add_probability(es_table *table, double p)
{
    if (isnan(p) || p == 0 || p >= 0.001) {
        es_table_number(table, p, 4);
        return;
    }
    es_text text = {0};
    int exponent = (int)floor(log10(p));
    es_text_fixed(&text, p / pow(10, exponent), 1);
    es_text_printf(&text, "e%d", exponent);
    table->failed |= text.failed;
    es_table_cell(table, text.data ? text.data : "");
    es_text_release(&text);
}

static es_status print_pairs(const es_similarity *similarity, const es_render_options *options,
                             FILE *out, es_error *error)
{
    static const char *const titles[] = {"cosine",    "angle",      "dot",
                                         "euclidean", "unit eucl.", "pearson",
                                         "z random",  "p random",   "percentile"};
    es_table table = {0};
    es_table_token_column(&table, "a");
    es_table_token_column(&table, "b");
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        es_table_column(&table, titles[i], ES_ALIGN_RIGHT);
    for (int64_t i = 0; i < similarity->pair_count; i++) {
        const es_pair *pair = &similarity->pairs[i];
        const es_token_norm *a = &similarity->tokens[pair->a], *b = &similarity->tokens[pair->b];
        es_table_token(&table, a->text, a->text_size);
        es_table_token(&table, b->text, b->text_size);
        es_table_number(&table, pair->cosine, 6);
        es_text angle = {0};
        es_text_fixed(&angle, pair->angle_degrees, 2);
        if (!isnan(pair->angle_degrees)) es_text_add(&angle, "°");
        table.failed |= angle.failed;
        es_table_cell(&table, angle.data ? angle.data : "-");
        es_text_release(&angle);
        es_table_number(&table, pair->dot, 4);
        es_table_number(&table, pair->euclidean, 4);
        es_table_number(&table, pair->unit_euclidean, 4);
        es_table_number(&table, pair->pearson, 4);
        es_table_number(&table, pair->z_random, 2);
        add_probability(&table, pair->p_random);
        es_table_number(&table, pair->percentile, 2);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

es_status es_render_similarity_body(const es_space *space, const es_similarity *similarity,
                                    const es_render_options *options, FILE *out, es_error *error)
{
    if (similarity->cosine && similarity->token_count <= WIDEST_MATRIX)
        fprintf(out, "cosine similarity of %lld tokens\n\n", (long long)similarity->token_count);
    ES_TRY(print_tokens(similarity, options, out, error));
    fputc('\n', out);
    ES_TRY(print_pairs(similarity, options, out, error));
    int64_t d = es_space_column_count(space);
    es_text remark = {0};
    es_text_printf(&remark,
                   "\nz, p: against random directions in %lld dimensions, whose cosines have "
                   "mean 0 and standard deviation ",
                   (long long)d);
    es_text_fixed(&remark, 1 / sqrt((double)d), 4);
    es_text_add(&remark, ".");
    if (similarity->percentile_pairs > 0) {
        es_text_add(&remark, "\npercentile: among ");
        es_text_count(&remark, similarity->percentile_pairs);
        es_text_add(&remark, " pairs of this space.");
    }
    return es_render_remark(&remark, options, out, error);
}

es_status es_render_similarity(const es_space *space, const es_similarity *similarity,
                               const es_render_options *options, FILE *out, es_error *error)
{
    if (options->output == ES_OUTPUT_JSON) {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "similarity");
        es_render_similarity_members(&json, similarity);
        es_render_json_end(&json, options);
    } else if (options->output == ES_OUTPUT_CSV) {
        similarity_csv(similarity, out);
    } else {
        ES_TRY(es_render_heading(space, options, out, error));
        ES_TRY(es_render_similarity_body(space, similarity, options, out, error));
    }
    return es_render_finish(out, error);
}
