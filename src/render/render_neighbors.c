#include "render/csv.h"
#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <math.h>
#include <string.h>

void es_render_neighbors_members(es_json_writer *json, const es_neighbors *neighbors)
{
    bool scored = neighbors->metric != ES_METRIC_COSINE;
    es_json_write_key(json, "query");
    es_json_write_text(json, neighbors->query);
    es_json_write_key(json, "query_norm");
    es_json_write_double(json, neighbors->query_norm);
    es_json_write_key(json, "metric");
    es_json_write_text(json, es_metric_text(neighbors->metric));
    es_json_write_key(json, "farthest");
    es_json_write_bool(json, neighbors->farthest);
    es_json_write_key(json, "left_out");
    es_json_write_int(json, neighbors->left_out);
    es_json_write_key(json, "neighbors");
    es_json_write_array(json);
    for (int64_t i = 0; i < neighbors->count; i++) {
        const es_neighbor *neighbor = &neighbors->neighbors[i];
        es_json_write_object(json);
        es_json_write_key(json, "rank");
        es_json_write_int(json, i + 1);
        es_json_write_key(json, "id");
        es_json_write_int(json, neighbor->id);
        es_json_write_key(json, "text");
        es_json_write_bytes(json, neighbor->text.data, neighbor->text.size);
        es_json_write_key(json, "cosine");
        es_json_write_double(json, neighbor->cosine);
        if (scored) {
            es_json_write_key(json, "score");
            es_json_write_double(json, neighbor->score);
        }
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

/* With `asked`, each line starts with its query. */
static void neighbors_csv(const es_neighbors *answers, int64_t count, bool asked, FILE *out)
{
    bool scored = count && answers->metric != ES_METRIC_COSINE;
    const char *names[] = {"query", "rank", "id", "text", "cosine", scored ? "score" : NULL, NULL};
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, names + !asked);
    for (int64_t q = 0; q < count; q++)
        for (int64_t i = 0; i < answers[q].count; i++) {
            const es_neighbor *neighbor = &answers[q].neighbors[i];
            if (asked) es_csv_text(&csv, answers[q].query);
            es_csv_int(&csv, i + 1);
            es_csv_int(&csv, neighbor->id);
            es_csv_bytes(&csv, neighbor->text.data, neighbor->text.size);
            es_csv_double(&csv, neighbor->cosine);
            if (scored) es_csv_double(&csv, neighbor->score);
            es_csv_end_line(&csv);
        }
}

static void neighbors_lines(const es_neighbors *answers, int64_t count, FILE *out)
{
    for (int64_t q = 0; q < count; q++) {
        es_json_writer json = es_json_write_to(out);
        json.one_line = true;
        es_json_write_object(&json);
        es_render_neighbors_members(&json, &answers[q]);
        es_json_write_end(&json);
    }
}

/* `nearest to "king" - "man" + "woman" by cosine (norm 3.1276)` */
static void add_question(es_text *text, const es_neighbors *neighbors)
{
    es_text_add(text, neighbors->farthest ? "farthest from " : "nearest to ");
    es_display_query(text, neighbors, strlen(neighbors->query));
    es_text_printf(text, " by %s", es_metric_text(neighbors->metric));
    if (!isnan(neighbors->query_norm)) {
        es_text_add(text, " (norm ");
        es_text_fixed(text, neighbors->query_norm, 4);
        es_text_add(text, ")");
    }
}

es_status es_render_neighbors_body(const es_space *space, const es_neighbors *neighbors,
                                   const es_render_options *options, FILE *out, es_error *error)
{
    (void)space;
    bool scored = neighbors->metric != ES_METRIC_COSINE;
    es_text line = {0};
    add_question(&line, neighbors);
    if (line.failed) return es_text_release(&line), es_fail_memory(error, "a line", line.size);
    fprintf(out, "%s\n\n", line.data);
    es_text_release(&line);
    if (!neighbors->count) {
        fputs("no token passes\n", out);
        return ES_OK;
    }
    es_table table = {0};
    es_table_column(&table, "rank", ES_ALIGN_RIGHT);
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_column(&table, "cosine", ES_ALIGN_RIGHT);
    if (scored) es_table_column(&table, es_metric_text(neighbors->metric), ES_ALIGN_RIGHT);
    es_table_token_column(&table, "token");
    for (int64_t i = 0; i < neighbors->count; i++) {
        const es_neighbor *neighbor = &neighbors->neighbors[i];
        es_table_id(&table, i + 1);
        es_table_id(&table, neighbor->id);
        es_table_number(&table, neighbor->cosine, 6);
        if (scored) es_table_number(&table, neighbor->score, 6);
        es_table_token(&table, neighbor->text.data, neighbor->text.size);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    if (status == ES_OK && neighbors->left_out) {
        es_text remark = {0};
        es_text_add(&remark, "\nleft out, zero or non-finite: ");
        es_text_count(&remark, neighbors->left_out);
        es_text_add(&remark, neighbors->left_out == 1 ? " row." : " rows.");
        status = es_render_remark(&remark, options, out, error);
    }
    return status;
}

es_status es_render_neighbors(const es_space *space, const es_neighbors *neighbors,
                              const es_render_options *options, FILE *out, es_error *error)
{
    switch (options->output) {
    case ES_OUTPUT_JSON: {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "neighbors");
        es_render_neighbors_members(&json, neighbors);
        es_render_json_end(&json, options);
        break;
    }
    case ES_OUTPUT_JSONL: neighbors_lines(neighbors, 1, out); break;
    case ES_OUTPUT_CSV: neighbors_csv(neighbors, 1, false, out); break;
    default:
        ES_TRY(es_render_heading(space, options, out, error));
        ES_TRY(es_render_neighbors_body(space, neighbors, options, out, error));
    }
    return es_render_finish(out, error);
}

es_status es_render_neighbors_list(const es_space *space, const es_neighbors *answers,
                                   int64_t count, const es_render_options *options, FILE *out,
                                   es_error *error)
{
    switch (options->output) {
    case ES_OUTPUT_JSON: {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "neighbors");
        es_json_write_key(&json, "queries");
        es_json_write_array(&json);
        for (int64_t q = 0; q < count; q++) {
            es_json_write_object(&json);
            es_render_neighbors_members(&json, &answers[q]);
            es_json_write_end(&json);
        }
        es_json_write_end(&json);
        es_render_json_end(&json, options);
        break;
    }
    case ES_OUTPUT_JSONL: neighbors_lines(answers, count, out); break;
    case ES_OUTPUT_CSV: neighbors_csv(answers, count, true, out); break;
    default:
        ES_TRY(es_render_heading(space, options, out, error));
        for (int64_t q = 0; q < count; q++) {
            if (q) fputc('\n', out);
            ES_TRY(es_render_neighbors_body(space, &answers[q], options, out, error));
        }
    }
    return es_render_finish(out, error);
}
