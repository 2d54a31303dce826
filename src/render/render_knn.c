#include "render/csv.h"
#include "render/display.h"
#include "render/npz_writer.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <math.h>

/* ---- the graph as it is ------------------------------------------------------------------------
 */

es_status es_render_knn_npz(const es_knn *knn, FILE *out, es_error *error)
{
    es_npz_writer writer = es_npz_write_to(out);
    es_npz_write_array(&writer, "ids", "<i4", knn->ids, knn->rows, knn->k);
    es_npz_write_array(&writer, "cosine", "<f4", knn->cosines, knn->rows, knn->k);
    es_npz_write_end(&writer);
    return es_render_finish(out, error);
}

/* {"id": 3797, "text": " cat", "neighbors": [{"id": 9703, "cosine": 0.71}, ...]} */
static void knn_lines(const es_space *space, const es_knn *knn, FILE *out)
{
    for (int64_t i = 0; i < knn->rows && !ferror(out); i++) {
        es_json_writer json = es_json_write_to(out);
        json.one_line = true;
        es_json_write_object(&json);
        es_json_write_key(&json, "id");
        es_json_write_int(&json, i);
        es_render_json_token(&json, space, i);
        es_json_write_key(&json, "neighbors");
        es_json_write_array(&json);
        for (int64_t e = i * knn->k; e < (i + 1) * knn->k && knn->ids[e] >= 0; e++) {
            es_json_write_object(&json);
            es_json_write_key(&json, "id");
            es_json_write_int(&json, knn->ids[e]);
            es_json_write_key(&json, "cosine");
            es_json_write_float(&json, knn->cosines[e]);
            es_json_write_end(&json);
        }
        es_json_write_end(&json);
        es_json_write_end(&json);
    }
}

static void knn_csv(const es_space *space, const es_knn *knn, FILE *out)
{
    const es_vocabulary *vocabulary = es_space_vocabulary(space);
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (const char *const[]){"id", "text", "rank", "neighbor_id", "neighbor_text",
                                              "cosine", NULL});
    for (int64_t i = 0; i < knn->rows && !ferror(out); i++) {
        es_bytes text = es_vocabulary_token(vocabulary, i);
        for (int64_t j = 0; j < knn->k && knn->ids[i * knn->k + j] >= 0; j++) {
            int32_t id = knn->ids[i * knn->k + j];
            es_bytes other = es_vocabulary_token(vocabulary, id);
            es_csv_int(&csv, i);
            es_csv_bytes(&csv, text.data, text.size);
            es_csv_int(&csv, j + 1);
            es_csv_int(&csv, id);
            es_csv_bytes(&csv, other.data, other.size);
            es_csv_float(&csv, knn->cosines[i * knn->k + j]);
            es_csv_end_line(&csv);
        }
    }
}

/* ---- what it says of the space -----------------------------------------------------------------
 */

/* Of lists drawn by lot among the other rows, any edge is in the graph with this probability. */
static double edge_chance(const es_knn *knn)
{
    return (double)knn->k / (double)(knn->rows - knn->left_out - 1);
}

static void write_hubness(es_json_writer *json, const es_space *space, const es_knn *knn)
{
    es_json_write_key(json, "hubness");
    es_json_write_object(json);
    es_json_member_double(json, "skewness", knn->hubness_skewness);
    es_json_member_double(json, "antihub_share", knn->antihub_share);
    es_json_member_int(json, "maximum_occurrence", knn->maximum_occurrence);
    es_json_write_key(json, "hubs");
    es_json_write_array(json);
    for (int64_t i = 0; i < knn->hub_count; i++) {
        es_json_write_object(json);
        es_json_member_int(json, "id", knn->hubs[i].id);
        es_render_json_token(json, space, knn->hubs[i].id);
        es_json_member_int(json, "occurrences", knn->hubs[i].occurrences);
        es_json_write_end(json);
    }
    es_json_write_end(json);
    es_json_write_end(json);
}

static void write_named(es_json_writer *json, const es_space *space, const char *key,
                        const char *text_key, int64_t id)
{
    es_bytes token = es_vocabulary_token(es_space_vocabulary(space), id);
    es_json_member_int(json, key, id);
    es_json_write_key(json, text_key);
    es_json_write_bytes(json, token.data, token.size);
}

static void write_pairs(es_json_writer *json, const es_space *space, const es_knn *knn)
{
    es_json_write_key(json, "pairs");
    es_json_write_array(json);
    for (int64_t i = 0; i < knn->pair_count; i++) {
        es_json_write_object(json);
        write_named(json, space, "a", "a_text", knn->pairs[i].a);
        write_named(json, space, "b", "b_text", knn->pairs[i].b);
        es_json_member_double(json, "cosine", knn->pairs[i].cosine);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

void es_render_knn_members(es_json_writer *json, const es_space *space, const es_knn *knn)
{
    es_json_member_int(json, "k", knn->k);
    es_json_member_int(json, "rows", knn->rows - knn->left_out);
    es_json_member_int(json, "left_out", knn->left_out);
    write_hubness(json, space, knn);
    write_pairs(json, space, knn);
    es_json_member_int(json, "duplicates", knn->duplicate_rows);
    es_json_write_key(json, "mutual");
    es_json_write_object(json);
    es_json_member_double(json, "share", knn->mutual_share);
    es_json_member_double(json, "chance", edge_chance(knn));
    es_json_write_end(json);
    es_json_write_key(json, "twonn");
    es_json_write_object(json);
    es_json_member_double(json, "dimension", knn->twonn_dimension);
    es_json_member_int(json, "dropped", knn->twonn_dropped);
    es_json_write_end(json);
}

/* ---- for people --------------------------------------------------------------------------------
 */

static void add_share(es_table *table, double share)
{
    es_text text = {0};
    es_text_fixed(&text, 100 * share, 2);
    if (!isnan(share)) es_text_add(&text, " %");
    table->failed |= text.failed;
    es_table_cell(table, text.data ? text.data : "");
    es_text_release(&text);
}

static void add_name(es_table *table, const es_space *space, int64_t id)
{
    es_bytes token = es_vocabulary_token(es_space_vocabulary(space), id);
    es_table_token(table, token.data, token.size);
}

/* Beside lists drawn by lot, where N_k is binomial: n - 1 rows, each with probability p. */
static es_status print_figures(const es_knn *knn, const es_render_options *options, FILE *out,
                               es_error *error)
{
    double p = edge_chance(knn), others = (double)(knn->rows - knn->left_out - 1);
    es_table table = {0};
    es_table_column(&table, "", ES_ALIGN_LEFT);
    es_table_column(&table, "this space", ES_ALIGN_RIGHT);
    es_table_column(&table, "by chance", ES_ALIGN_RIGHT);
    es_table_cell(&table, "neighbors that are mutual");
    add_share(&table, knn->mutual_share);
    add_share(&table, p);
    es_table_cell(&table, "hubness: skewness of N_k");
    es_table_number(&table, knn->hubness_skewness, 4);
    es_table_number(&table, p < 1 ? (1 - 2 * p) / sqrt(others * p * (1 - p)) : NAN, 4);
    es_table_cell(&table, "tokens in no list");
    add_share(&table, knn->antihub_share);
    add_share(&table, pow(1 - p, others));
    es_table_cell(&table, "lists that the first hub is in");
    es_table_count(&table, knn->maximum_occurrence);
    es_table_cell(&table, "");
    es_table_cell(&table, "dimension (TwoNN)");
    es_table_number(&table, knn->twonn_dimension, 2);
    es_table_cell(&table, "");
    es_table_cell(&table, "duplicate rows");
    es_table_count(&table, knn->duplicate_rows);
    es_table_cell(&table, "");
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

static es_status print_hubs(const es_space *space, const es_knn *knn,
                            const es_render_options *options, FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "lists", ES_ALIGN_RIGHT);
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "hub");
    for (int64_t i = 0; i < knn->hub_count; i++) {
        es_table_count(&table, knn->hubs[i].occurrences);
        es_table_id(&table, knn->hubs[i].id);
        add_name(&table, space, knn->hubs[i].id);
    }
    fputc('\n', out);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

static es_status print_pairs(const es_space *space, const es_knn *knn,
                             const es_render_options *options, FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "cosine", ES_ALIGN_RIGHT);
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "most similar");
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "pairs");
    for (int64_t i = 0; i < knn->pair_count; i++) {
        const es_near_pair *pair = &knn->pairs[i];
        es_table_number(&table, pair->cosine, 6);
        es_table_id(&table, pair->a);
        add_name(&table, space, pair->a);
        es_table_id(&table, pair->b);
        add_name(&table, space, pair->b);
    }
    fputc('\n', out);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

static es_status print_remark(const es_knn *knn, const es_render_options *options, FILE *out,
                              es_error *error)
{
    es_text remark = {0};
    es_text_add(&remark, "\nN_k: in how many tokens' lists a token stands, ");
    es_text_count(&remark, knn->k);
    es_text_add(&remark, " on average. By chance: lists drawn by lot.");
    if (knn->twonn_dropped) {
        es_text_add(&remark, "\nTwoNN leaves out ");
        es_text_count(&remark, knn->twonn_dropped);
        es_text_add(&remark, knn->twonn_dropped == 1
                                 ? " token whose nearest neighbor has its own direction."
                                 : " tokens whose nearest neighbor has their own direction.");
    }
    return es_render_remark(&remark, options, out, error);
}

es_status es_render_knn_body(const es_space *space, const es_knn *knn,
                             const es_render_options *options, FILE *out, es_error *error)
{
    char k[ES_NUMBER_TEXT], rows[ES_NUMBER_TEXT], left_out[ES_NUMBER_TEXT];
    es_number_count(knn->k, k);
    es_number_count(knn->rows - knn->left_out, rows);
    es_number_count(knn->left_out, left_out);
    if (knn->k == 1)
        fprintf(out, "the nearest neighbor of each of %s rows", rows);
    else
        fprintf(out, "the %s nearest neighbors of each of %s rows", k, rows);
    if (knn->left_out) fprintf(out, " (left out, zero or non-finite: %s)", left_out);
    fputs("\n\n", out);
    ES_TRY(print_figures(knn, options, out, error));
    ES_TRY(print_hubs(space, knn, options, out, error));
    ES_TRY(print_pairs(space, knn, options, out, error));
    return print_remark(knn, options, out, error);
}

es_status es_render_knn(const es_space *space, const es_knn *knn, const es_render_options *options,
                        FILE *out, es_error *error)
{
    switch (options->output) {
    case ES_OUTPUT_JSON: {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "knn");
        es_render_knn_members(&json, space, knn);
        es_render_json_end(&json, options);
        break;
    }
    case ES_OUTPUT_JSONL: knn_lines(space, knn, out); break;
    case ES_OUTPUT_CSV: knn_csv(space, knn, out); break;
    default:
        ES_TRY(es_render_heading(space, options, out, error));
        ES_TRY(es_render_knn_body(space, knn, options, out, error));
    }
    return es_render_finish(out, error);
}
