#include "render/csv.h"
#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <math.h>
#include <string.h>

static void write_rank(es_json_writer *json, const char *key, int64_t rank)
{
    es_json_write_key(json, key);
    if (rank)
        es_json_write_int(json, rank);
    else
        es_json_write_null(json);
}

static void write_token(es_json_writer *json, const es_unembed_token *token, bool by_logit)
{
    es_json_write_object(json);
    write_rank(json, "rank", by_logit ? token->rank_by_logit : token->rank_by_cosine);
    es_json_member_int(json, "id", token->id);
    es_json_write_key(json, "text");
    es_json_write_bytes(json, token->text.data, token->text.size);
    es_json_member_double(json, "logit", token->logit);
    es_json_member_double(json, "probability", token->probability);
    es_json_member_double(json, "cosine", token->cosine);
    es_json_member_double(json, "norm", token->norm);
    if (by_logit)
        write_rank(json, "rank_by_cosine", token->rank_by_cosine);
    else
        write_rank(json, "rank_by_logit", token->rank_by_logit);
    es_json_write_end(json);
}

static void write_answer(es_json_writer *json, const es_unembedded *answer)
{
    es_json_write_key(json, "query");
    es_json_write_text(json, answer->query);
    es_json_write_key(json, "vector");
    es_json_write_object(json);
    es_json_member_double(json, "norm", answer->norm);
    es_json_write_end(json);
    es_json_member_int(json, "rows", answer->rows);
    es_json_member_int(json, "zero_rows", answer->zero_rows);
    es_json_member_int(json, "left_out", answer->left_out);
    es_json_member_double(json, "entropy", answer->entropy);
    es_json_member_double(json, "rank_correlation", answer->rank_correlation);
    es_json_member_int(json, "overlap", answer->overlap);
    for (int by_logit = 1; by_logit >= 0; by_logit--) {
        es_json_write_key(json, by_logit ? "by_logit" : "by_cosine");
        es_json_write_array(json);
        int64_t count = by_logit ? answer->count : answer->cosine_count;
        const es_unembed_token *tokens = by_logit ? answer->by_logit : answer->by_cosine;
        for (int64_t i = 0; i < count; i++) write_token(json, &tokens[i], by_logit);
        es_json_write_end(json);
    }
}

static void unembed_json(const es_space *space, const es_unembed_setting *setting,
                         const es_unembedded *answers, int64_t count, bool as_list,
                         const es_render_options *options, FILE *out)
{
    es_json_writer json = es_json_write_to(out);
    es_render_json_begin(&json, space, "unembed");
    es_json_write_key(&json, "tied");
    if (setting->tying == ES_TYING_UNKNOWN)
        es_json_write_null(&json);
    else
        es_json_write_bool(&json, setting->tying == ES_TYING_TIED);
    es_json_write_key(&json, "terms_from");
    es_json_write_text(&json, setting->terms_from);
    es_json_write_key(&json, "final_norm");
    es_json_write_bool(&json, setting->final_norm);
    if (!as_list) {
        write_answer(&json, answers);
    } else {
        es_json_write_key(&json, "queries");
        es_json_write_array(&json);
        for (int64_t q = 0; q < count; q++) {
            es_json_write_object(&json);
            write_answer(&json, &answers[q]);
            es_json_write_end(&json);
        }
        es_json_write_end(&json);
    }
    es_render_json_end(&json, options);
}

static void unembed_lines(const es_unembedded *answers, int64_t count, FILE *out)
{
    for (int64_t q = 0; q < count; q++) {
        es_json_writer json = es_json_write_to(out);
        json.one_line = true;
        es_json_write_object(&json);
        write_answer(&json, &answers[q]);
        es_json_write_end(&json);
    }
}

static void csv_rank(es_csv *csv, int64_t rank)
{
    if (rank)
        es_csv_int(csv, rank);
    else
        es_csv_bytes(csv, NULL, 0);
}

static void csv_list(es_csv *csv, const es_unembedded *answer, bool asked, bool by_logit)
{
    int64_t count = by_logit ? answer->count : answer->cosine_count;
    for (int64_t i = 0; i < count; i++) {
        const es_unembed_token *token = by_logit ? &answer->by_logit[i] : &answer->by_cosine[i];
        if (asked) es_csv_text(csv, answer->query);
        es_csv_text(csv, by_logit ? "logit" : "cosine");
        es_csv_int(csv, i + 1);
        es_csv_int(csv, token->id);
        es_csv_bytes(csv, token->text.data, token->text.size);
        es_csv_double(csv, token->logit);
        es_csv_double(csv, token->probability);
        es_csv_double(csv, token->cosine);
        es_csv_double(csv, token->norm);
        csv_rank(csv, token->rank_by_logit);
        csv_rank(csv, token->rank_by_cosine);
        es_csv_end_line(csv);
    }
}

/* Both lists, one after the other. With `asked`, each line starts with its query. */
static void unembed_csv(const es_unembedded *answers, int64_t count, bool asked, FILE *out)
{
    static const char *const names[] = {"query", "order",         "rank",           "id",
                                        "text",  "logit",         "probability",    "cosine",
                                        "norm",  "rank_by_logit", "rank_by_cosine", NULL};
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, names + !asked);
    for (int64_t q = 0; q < count; q++) {
        csv_list(&csv, &answers[q], asked, true);
        csv_list(&csv, &answers[q], asked, false);
    }
}

/* ---- for people -------------------------------------------------------------------------------
 */

static es_status print_list(const es_unembedded *answer, bool by_logit,
                            const es_render_options *options, FILE *out, es_error *error)
{
    int64_t count = by_logit ? answer->count : answer->cosine_count;
    es_table table = {0};
    es_table_column(&table, by_logit ? "by logit" : "by cosine", ES_ALIGN_RIGHT);
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_column(&table, "logit", ES_ALIGN_RIGHT);
    es_table_column(&table, "probability", ES_ALIGN_RIGHT);
    es_table_column(&table, "cosine", ES_ALIGN_RIGHT);
    es_table_column(&table, "norm", ES_ALIGN_RIGHT);
    es_table_column(&table, by_logit ? "by cosine" : "by logit", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "token");
    for (int64_t i = 0; i < count; i++) {
        const es_unembed_token *token = by_logit ? &answer->by_logit[i] : &answer->by_cosine[i];
        int64_t other = by_logit ? token->rank_by_cosine : token->rank_by_logit;
        es_table_id(&table, i + 1);
        es_table_id(&table, token->id);
        es_table_number(&table, token->logit, 4);
        es_table_number(&table, token->probability, 6);
        es_table_number(&table, token->cosine, 6);
        es_table_number(&table, token->norm, 4);
        es_table_id(&table, other ? other : -1);
        es_table_token(&table, token->text.data, token->text.size);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

/* `"king" - "man" + "woman" (norm 3.1276) put to 4,096 rows` */
static es_status print_question(const es_unembedded *answer, bool final_norm, FILE *out,
                                es_error *error)
{
    es_text line = {0};
    if (answer->is_sum)
        es_display_plain(&line, answer->query, strlen(answer->query));
    else
        es_display_quoted(&line, answer->query, strlen(answer->query));
    es_text_add(&line, final_norm ? " after the last LayerNorm (norm " : " (norm ");
    es_text_fixed(&line, answer->norm, 4);
    es_text_add(&line, ") put to ");
    es_text_count(&line, answer->rows);
    es_text_add(&line, answer->rows == 1 ? " row" : " rows");
    bool failed = line.failed;
    if (!failed) fprintf(out, "%s\n\n", line.data);
    es_text_release(&line);
    return failed ? es_fail_memory(error, "a line", 0) : ES_OK;
}

static es_status print_parting(const es_unembedded *answer, FILE *out, es_error *error)
{
    es_text line = {0};
    es_text_printf(&line,
                   "\n%lld of the first %lld stand in both lists; Spearman's correlation of "
                   "the two orders over\nall rows ",
                   (long long)answer->overlap, (long long)answer->count);
    es_text_fixed(&line, answer->rank_correlation, 4);
    es_text_add(&line, "; entropy ");
    es_text_fixed(&line, answer->entropy, 4);
    es_text_add(&line, " nats of at most ");
    es_text_fixed(&line, log((double)answer->rows), 4);
    if (answer->zero_rows) {
        es_text_add(&line, "\nzero rows, with logit 0 and no cosine: ");
        es_text_count(&line, answer->zero_rows);
    }
    if (answer->left_out) {
        es_text_add(&line, "\nleft out, non-finite: ");
        es_text_count(&line, answer->left_out);
        es_text_add(&line, answer->left_out == 1 ? " row" : " rows");
    }
    bool failed = line.failed;
    if (!failed) fprintf(out, "%s\n", line.data);
    es_text_release(&line);
    return failed ? es_fail_memory(error, "a line", 0) : ES_OK;
}

static es_status print_answer(const es_unembedded *answer, const es_unembed_setting *setting,
                              const es_render_options *options, FILE *out, es_error *error)
{
    ES_TRY(print_question(answer, setting->final_norm, out, error));
    ES_TRY(print_list(answer, true, options, out, error));
    fputc('\n', out);
    ES_TRY(print_list(answer, false, options, out, error));
    return print_parting(answer, out, error);
}

static es_status print_words(const es_unembed_setting *setting, const es_render_options *options,
                             FILE *out, es_error *error)
{
    es_text remark = {0};
    es_text_add(
        &remark,
        "\nlogit: dot product with the row as it is, norm of the row x norm of the vector x "
        "cosine.\nprobability: softmax over all rows. The two orders part where rows "
        "differ in length.");
    if (setting->tying == ES_TYING_UNKNOWN)
        es_text_add(&remark, "\nNothing says that these rows are an unembedding: the logits are "
                             "dot products, no model's.");
    if (setting->terms_from) {
        es_text_add(&remark, "\nThe words are rows of ");
        es_display_plain(&remark, setting->terms_from, strlen(setting->terms_from));
        es_text_add(&remark, ", which is another table.");
    }
    return es_render_remark(&remark, options, out, error);
}

es_status es_render_unembed(const es_space *space, const es_unembed_setting *setting,
                            const es_unembedded *answers, int64_t count, bool as_list,
                            const es_render_options *options, FILE *out, es_error *error)
{
    switch (options->output) {
    case ES_OUTPUT_JSON: unembed_json(space, setting, answers, count, as_list, options, out); break;
    case ES_OUTPUT_JSONL: unembed_lines(answers, count, out); break;
    case ES_OUTPUT_CSV: unembed_csv(answers, count, as_list, out); break;
    default:
        ES_TRY(es_render_heading(space, options, out, error));
        for (int64_t q = 0; q < count; q++) {
            if (q) fputc('\n', out);
            ES_TRY(print_answer(&answers[q], setting, options, out, error));
        }
        ES_TRY(print_words(setting, options, out, error));
    }
    return es_render_finish(out, error);
}
