/* The report for a terminal and as JSON; render_report_html.c has the page. */
#include "render/csv.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <math.h>

enum { AUDIT_SHOWN = 4 }; /* findings of each kind */

static void write_map(es_json_writer *json, const es_space *space, const es_token_map *map)
{
    es_json_write_object(json);
    es_json_write_key(json, "shares");
    es_json_write_doubles(json, map->share, 2);
    es_json_write_key(json, "tested");
    es_json_write_int(json, map->tested);
    es_json_write_key(json, "k");
    es_json_write_int(json, map->k);
    es_json_write_key(json, "kept");
    es_json_write_double(json, map->kept);
    es_json_write_key(json, "chance");
    es_json_write_double(json, map->chance);
    es_json_write_key(json, "points");
    es_json_write_array(json);
    for (int64_t i = 0; i < map->count; i++) {
        es_json_write_object(json);
        es_json_write_key(json, "id");
        es_json_write_int(json, map->points[i].id);
        es_render_json_token(json, space, map->points[i].id);
        es_json_write_key(json, "x");
        es_json_write_double(json, map->points[i].x);
        es_json_write_key(json, "y");
        es_json_write_double(json, map->points[i].y);
        es_json_write_end(json);
    }
    es_json_write_end(json);
    es_json_write_end(json);
}

static void begin_member(es_json_writer *json, const char *key)
{
    es_json_write_key(json, key);
    es_json_write_object(json);
}

static void write_null(es_json_writer *json, const char *key)
{
    es_json_write_key(json, key);
    es_json_write_null(json);
}

static void write_tokens(es_json_writer *json, const es_report *report)
{
    begin_member(json, "info");
    es_render_info_members(json, report->space, &report->info);
    es_json_write_end(json);
    begin_member(json, "similarity");
    es_render_similarity_members(json, &report->pairs);
    es_json_write_end(json);
    es_json_write_key(json, "neighbors");
    es_json_write_array(json);
    for (int64_t i = 0; i < report->query_count; i++) {
        es_json_write_object(json);
        es_render_neighbors_members(json, &report->queries[i]);
        es_json_write_end(json);
    }
    es_json_write_end(json);
    begin_member(json, "matrix");
    es_render_matrix_members(json, &report->matrix);
    es_json_write_end(json);
}

static void write_whole(es_json_writer *json, const es_report *report)
{
    begin_member(json, "distribution");
    es_render_distribution_members(json, &report->distribution);
    es_json_write_end(json);
    if (report->distribution.sampled) {
        es_json_write_key(json, "sampled_rows");
        es_json_write_int(json, report->distribution.rows);
    } else {
        write_null(json, "sampled_rows");
    }
    if (report->has_knn) {
        begin_member(json, "knn");
        es_render_knn_members(json, report->space, &report->knn);
        es_json_write_end(json);
    } else {
        write_null(json, "knn");
    }
    if (report->has_spectrum) {
        begin_member(json, "spectrum");
        es_render_spectrum_members(json, report->space, &report->spectrum);
        es_json_write_end(json);
    } else {
        write_null(json, "spectrum");
    }
    begin_member(json, "clusters");
    es_render_cluster_members(json, report->space, &report->clusters);
    es_json_write_end(json);
    begin_member(json, "audit");
    es_render_audit_members(json, report->space, &report->audit);
    es_json_write_end(json);
}

static void write_model(es_json_writer *json, const es_report *report)
{
    es_render_tying_geometry(json, "tying_geometry", report->space,
                             report->has_tying ? &report->tying : NULL);
    if (!report->has_prediction) {
        write_null(json, "prediction");
        return;
    }
    begin_member(json, "prediction");
    es_render_predict_members(json, report->unembedding, &report->prediction);
    es_json_write_end(json);
}

static void report_json(const es_report *report, const es_render_options *options, FILE *out)
{
    es_json_writer json = es_json_write_to(out);
    es_render_json_begin(&json, report->space, "report");
    write_tokens(&json, report);
    write_whole(&json, report);
    if (report->has_map) {
        es_json_write_key(&json, "map");
        write_map(&json, report->space, &report->map);
    } else {
        write_null(&json, "map");
    }
    if (report->has_positions) {
        begin_member(&json, "positions");
        es_render_positions_members(&json, &report->positions);
        es_json_write_end(&json);
    } else {
        write_null(&json, "positions");
    }
    write_model(&json, report);
    es_json_write_key(&json, "order_spearman");
    es_json_write_double(&json, report->order_spearman);
    es_render_json_end(&json, options);
}

static void title(const char *text, const es_render_options *options, FILE *out)
{
    fprintf(out, "\n%s%s%s\n\n", es_ink_code(ES_INK_BOLD, options->color), text,
            es_ink_code(ES_INK_PLAIN, options->color));
}

static void print_map(const es_token_map *map, const es_render_options *options, FILE *out)
{
    char numbers[4][ES_NUMBER_TEXT];
    es_number_fixed(100 * (map->share[0] + map->share[1]), 1, numbers[0]);
    es_number_count(map->tested, numbers[1]);
    es_number_fixed(100 * map->kept, 1, numbers[2]);
    es_number_fixed(100 * map->chance, 3, numbers[3]);
    title("A map of the vocabulary", options, out);
    fprintf(out, "the plane of the first two directions holds %s %% of the variance\n", numbers[0]);
    if (!isnan(map->kept))
        fprintf(out,
                "of the %lld nearest of a token, %s %% are among its %lld nearest there (chance "
                "%s %%; %s tokens drawn by lot)\n",
                (long long)map->k, numbers[2], (long long)map->k, numbers[3], numbers[1]);
}

static es_status print_prediction(const es_report *report, const es_render_options *options,
                                  FILE *out, es_error *error)
{
    if (!report->has_prediction && !report->model_missing) return ES_OK;
    title("From angle to probability", options, out);
    if (!report->has_prediction) {
        es_text line = {0};
        es_text_add(&line, "left out: ");
        es_text_add(&line, report->model_missing);
        return es_render_remark(&line, options, out, error);
    }
    ES_TRY(es_render_predict_body(report->unembedding, &report->prediction, options, out, error));
    if (!report->attribution) return ES_OK;
    fputc('\n', out);
    return es_render_attribution_body(report->unembedding, report->attribution, options, out,
                                      error);
}

static es_status report_text(const es_report *report, const es_render_options *options, FILE *out,
                             es_error *error)
{
    const es_space *space = report->space;
    ES_TRY(es_render_heading(space, options, out, error));
    ES_TRY(es_render_info_body(space, &report->info, options, out, error));
    title("Rows that are not like the others", options, out);
    ES_TRY(es_render_audit_body(space, &report->audit, AUDIT_SHOWN, options, out, error));
    title("Cosine similarity of two tokens", options, out);
    ES_TRY(es_render_similarity_body(space, &report->pairs, options, out, error));
    title("One token against all", options, out);
    for (int64_t i = 0; i < report->query_count; i++) {
        if (i) fputc('\n', out);
        ES_TRY(es_render_neighbors_body(space, &report->queries[i], options, out, error));
    }
    title("The local matrix", options, out);
    ES_TRY(es_render_matrix_body(&report->matrix, options, out, error));
    title("All pairs", options, out);
    ES_TRY(es_render_distribution_body(space, &report->distribution, options, out, error));
    if (report->has_knn) {
        title("The nearest of every token", options, out);
        ES_TRY(es_render_knn_body(space, &report->knn, options, out, error));
    } else if (report->distribution.sampled) {
        title("The nearest of every token", options, out);
        fputs("left out: so many rows take too long here; 'embscope knn' computes them\n", out);
    }
    if (report->has_spectrum) {
        title("The directions of the whole space", options, out);
        ES_TRY(es_render_spectrum_body(space, &report->spectrum, options, out, error));
    }
    if (report->clusters.count > 1) {
        title("Clusters of the vocabulary", options, out);
        ES_TRY(es_render_cluster_body(space, &report->clusters, options, out, error));
    }
    if (report->has_map) print_map(&report->map, options, out);
    ES_TRY(print_prediction(report, options, out, error));
    if (report->has_positions) {
        title("The position table", options, out);
        ES_TRY(es_render_positions_body(&report->positions, options, out, error));
    }
    title("Cosine and Euclid", options, out);
    es_text line = {0};
    es_text_add(&line,
                "Rank correlation of the cosine order and the Euclidean order of the raw rows, "
                "seen from the first token: ");
    es_text_fixed(&line, report->order_spearman, 4);
    es_text_add(&line, ".\nOn unit vectors ||x - y||^2 = 2 - 2 cos: the two orders are one.");
    return es_render_remark(&line, options, out, error);
}

/* A report has no single table: one number a line, named by its place in the JSON. */
static void report_csv(const es_report *report, FILE *out)
{
    const es_distribution *all = &report->distribution;
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"info.norms.median", report->info.norm_median},
                   {"info.norms.mean", report->info.norm_mean},
                   {"distribution.mean", all->mean},
                   {"distribution.standard_deviation", all->standard_deviation},
                   {"distribution.skewness", all->skewness},
                   {"distribution.excess_kurtosis", all->excess_kurtosis},
                   {"distribution.equivalent_dimension", all->equivalent_dimension},
                   {"distribution.random.standard_deviation", all->random_standard_deviation},
                   {"distribution.random.once_level", all->once_level},
                   {"distribution.above_chance", (double)all->above_chance},
                   {"distribution.ks_random", all->ks_random},
                   {"order_spearman", report->order_spearman}};
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (const char *const[]){"name", "value", NULL});
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        es_csv_text(&csv, numbers[i].name);
        es_csv_double(&csv, numbers[i].value);
        es_csv_end_line(&csv);
    }
}

es_status es_render_report(const es_report *report, const es_render_options *options, FILE *out,
                           es_error *error)
{
    if (options->output == ES_OUTPUT_JSON)
        report_json(report, options, out);
    else if (options->output == ES_OUTPUT_CSV)
        report_csv(report, out);
    else
        ES_TRY(report_text(report, options, out, error));
    return es_render_finish(out, error);
}
