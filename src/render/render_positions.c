#include "render/csv.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <math.h>

/* ---- for programs ------------------------------------------------------------------------------
 */

static void write_profile(es_json_writer *json, const es_positions *positions)
{
    es_json_write_key(json, "profile");
    es_json_write_array(json);
    for (int64_t t = 0; t < positions->distance_count; t++) {
        const es_position_distance *at = &positions->profile[t];
        es_json_write_object(json);
        es_json_member_int(json, "distance", at->distance);
        es_json_member_double(json, "mean", at->mean);
        es_json_member_double(json, "standard_deviation", at->standard_deviation);
        es_json_member_int(json, "pairs", at->pairs);
        es_json_write_end(json);
    }
    es_json_write_end(json);
    es_json_write_key(json, "toeplitz");
    es_json_write_object(json);
    es_json_member_double(json, "share", positions->toeplitz_share);
    es_json_write_key(json, "shuffled");
    es_json_write_object(json);
    es_json_member_int(json, "orders", positions->shuffles);
    es_json_member_double(json, "mean", positions->shuffled_mean);
    es_json_member_double(json, "maximum", positions->shuffled_maximum);
    es_json_write_end(json);
    es_json_member_double(json, "p", positions->toeplitz_p);
    es_json_write_end(json);
}

static void write_norm(es_json_writer *json, const char *key, const es_positions *positions,
                       int64_t position)
{
    es_json_write_key(json, key);
    es_json_write_object(json);
    es_json_member_double(json, "norm", positions->norms[position]);
    es_json_member_int(json, "position", position);
    es_json_write_end(json);
}

static void write_norms(es_json_writer *json, const es_positions *positions)
{
    es_json_write_key(json, "norms");
    es_json_write_object(json);
    es_json_member_double(json, "first", positions->norms[0]);
    es_json_member_double(json, "last", positions->norms[positions->rows - 1]);
    write_norm(json, "minimum", positions, positions->shortest);
    es_json_write_key(json, "quartiles");
    es_json_write_doubles(json, positions->norm_quartiles, 3);
    write_norm(json, "maximum", positions, positions->longest);
    es_json_write_key(json, "values");
    es_json_write_doubles(json, positions->norms, positions->rows);
    es_json_write_end(json);
}

static void write_spectrum(es_json_writer *json, const es_positions *positions)
{
    bool any = positions->component_count > 0;
    es_json_write_key(json, "spectrum");
    es_json_write_object(json);
    es_json_member_double(json, "total_variance", positions->total_variance);
    es_json_member_double(json, "effective_rank", any ? positions->effective_rank : NAN);
    es_json_write_key(json, "components_90");
    if (any)
        es_json_write_int(json, positions->components_90);
    else
        es_json_write_null(json);
    es_json_write_key(json, "eigenvalues");
    es_json_write_doubles(json, positions->eigenvalues, positions->eigenvalue_count);
    es_json_write_key(json, "components");
    es_json_write_array(json);
    for (int64_t k = 0; k < positions->component_count; k++) {
        const es_position_component *component = &positions->components[k];
        es_json_write_object(json);
        es_json_member_double(json, "variance", component->variance);
        es_json_member_double(json, "share", component->share);
        es_json_member_double(json, "period", component->period);
        es_json_member_double(json, "peak_share", component->peak_share);
        es_json_write_key(json, "projection");
        es_json_write_doubles(json, positions->projections + k * positions->rows, positions->rows);
        es_json_write_end(json);
    }
    es_json_write_end(json);
    es_json_write_end(json);
}

void es_render_positions_members(es_json_writer *json, const es_positions *positions)
{
    es_json_member_int(json, "rows", positions->rows - positions->left_out);
    es_json_member_int(json, "left_out", positions->left_out);
    es_json_member_int(json, "pairs", positions->pairs);
    es_json_member_double(json, "mean", positions->mean);
    es_json_member_double(json, "standard_deviation", positions->standard_deviation);
    write_profile(json, positions);
    write_norms(json, positions);
    write_spectrum(json, positions);
}

static void positions_csv(const es_positions *positions, FILE *out)
{
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv,
                  (const char *const[]){"distance", "mean", "standard_deviation", "pairs", NULL});
    for (int64_t t = 0; t < positions->distance_count; t++) {
        const es_position_distance *at = &positions->profile[t];
        es_csv_int(&csv, at->distance);
        es_csv_double(&csv, at->mean);
        es_csv_double(&csv, at->standard_deviation);
        es_csv_int(&csv, at->pairs);
        es_csv_end_line(&csv);
    }
}

/* ---- for people --------------------------------------------------------------------------------
 */

static void add_percent(es_table *table, double share, int decimals)
{
    es_text text = {0};
    es_text_fixed(&text, 100 * share, decimals);
    if (!isnan(share)) es_text_add(&text, " %");
    table->failed |= text.failed;
    es_table_cell(table, text.data ? text.data : "");
    es_text_release(&text);
}

static es_status end_table(es_table *table, const es_render_options *options, FILE *out,
                           es_error *error)
{
    es_status status = es_table_print(table, out, options->color, error);
    es_table_release(table);
    fputc('\n', out);
    return status;
}

static es_status print_figures(const es_positions *positions, const es_render_options *options,
                               FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "", ES_ALIGN_LEFT);
    es_table_column(&table, "this table", ES_ALIGN_RIGHT);
    es_table_column(&table, "rows shuffled", ES_ALIGN_RIGHT);
    es_table_cell(&table, "mean cosine");
    es_table_number(&table, positions->mean, 6);
    es_table_cell(&table, "the same");
    es_table_cell(&table, "standard deviation");
    es_table_number(&table, positions->standard_deviation, 6);
    es_table_cell(&table, "the same");
    es_table_cell(&table, "explained by distance");
    add_percent(&table, positions->toeplitz_share, 2);
    add_percent(&table, positions->shuffled_mean, 2);
    return end_table(&table, options, out, error);
}

/* 1, 2, 4, 8 ... and from 64 on the halves between; the last. */
static bool is_listed(int64_t t, int64_t last)
{
    int64_t power = 1;
    while (power * 2 <= t) power *= 2;
    return t == power || t == last || (power >= 64 && t == power + power / 2);
}

static es_status print_profile(const es_positions *positions, const es_render_options *options,
                               FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "distance", ES_ALIGN_RIGHT);
    es_table_column(&table, "mean cosine", ES_ALIGN_RIGHT);
    es_table_column(&table, "deviation", ES_ALIGN_RIGHT);
    es_table_column(&table, "pairs", ES_ALIGN_RIGHT);
    for (int64_t t = 1; t <= positions->distance_count; t++) {
        const es_position_distance *at = &positions->profile[t - 1];
        if (!is_listed(t, positions->distance_count)) continue;
        es_table_count(&table, t);
        es_table_number(&table, at->mean, 4);
        es_table_number(&table, at->standard_deviation, 4);
        es_table_count(&table, at->pairs);
    }
    return end_table(&table, options, out, error);
}

static void add_norm(es_table *table, const char *name, const es_positions *positions,
                     int64_t position)
{
    es_table_cell(table, name);
    es_table_number(table, positions->norms[position], 4);
    es_table_count(table, position);
}

static es_status print_norms(const es_positions *positions, const es_render_options *options,
                             FILE *out, es_error *error)
{
    static const char *const names[] = {"first quartile", "median", "third quartile"};
    es_table table = {0};
    es_table_column(&table, "norm", ES_ALIGN_LEFT);
    es_table_column(&table, "", ES_ALIGN_RIGHT);
    es_table_column(&table, "position", ES_ALIGN_RIGHT);
    add_norm(&table, "first", positions, 0);
    add_norm(&table, "last", positions, positions->rows - 1);
    add_norm(&table, "smallest", positions, positions->shortest);
    for (int q = 0; q < 3; q++) {
        es_table_cell(&table, names[q]);
        es_table_number(&table, positions->norm_quartiles[q], 4);
        es_table_cell(&table, "");
    }
    add_norm(&table, "largest", positions, positions->longest);
    return end_table(&table, options, out, error);
}

static es_status print_components(const es_positions *positions, const es_render_options *options,
                                  FILE *out, es_error *error)
{
    double sum = 0;
    es_table table = {0};
    es_table_column(&table, "direction", ES_ALIGN_RIGHT);
    es_table_column(&table, "variance", ES_ALIGN_RIGHT);
    es_table_column(&table, "in sum", ES_ALIGN_RIGHT);
    es_table_column(&table, "strongest period", ES_ALIGN_RIGHT);
    es_table_column(&table, "its share", ES_ALIGN_RIGHT);
    for (int64_t k = 0; k < positions->component_count; k++) {
        const es_position_component *component = &positions->components[k];
        sum += component->share;
        es_table_count(&table, k + 1);
        add_percent(&table, component->share, 2);
        add_percent(&table, sum, 2);
        es_table_number(&table, component->period, 1);
        add_percent(&table, component->peak_share, 1);
    }
    return end_table(&table, options, out, error);
}

static void explain_distance(es_text *remark, const es_positions *positions)
{
    if (isnan(positions->toeplitz_share)) {
        es_text_add(remark, "All cosines are equal: there is no variance for the distance |i - j| "
                            "to explain.\n");
        return;
    }
    es_text_add(remark, "Explained by distance: the share of the variance of the pairs' cosines "
                        "that |i - j| alone accounts for.\nOf ");
    es_text_count(remark, positions->shuffles);
    es_text_add(remark, " orders of the rows drawn by lot, the highest reaches ");
    es_text_fixed(remark, 100 * positions->shuffled_maximum, 2);
    es_text_add(remark, " % (p = ");
    es_text_fixed(remark, positions->toeplitz_p, positions->toeplitz_p < 0.01 ? 4 : 2);
    es_text_add(remark, ").\n");
}

static es_status print_remark(const es_positions *positions, const es_render_options *options,
                              FILE *out, es_error *error)
{
    es_text remark = {0};
    explain_distance(&remark, positions);
    if (positions->component_count) {
        es_text_add(&remark,
                    "Direction: a principal direction of the table, its mean taken off. Period: in "
                    "positions, of the strongest\nwave in the table read along it; its share of "
                    "the direction's variance. Effective rank ");
        es_text_fixed(&remark, positions->effective_rank, 1);
        es_text_add(&remark, "; 90 % of the\nvariance lies in ");
        es_text_count(&remark, positions->components_90);
        es_text_add(&remark, positions->components_90 == 1 ? " direction." : " directions.");
    } else if (isnan(positions->total_variance)) {
        es_text_add(&remark, "No directions: rows and columns are both more than 3,072.");
    } else {
        es_text_add(&remark, "No directions: all rows are equal.");
    }
    return es_render_remark(&remark, options, out, error);
}

es_status es_render_positions_body(const es_positions *positions, const es_render_options *options,
                                   FILE *out, es_error *error)
{
    char rows[ES_NUMBER_TEXT], pairs[ES_NUMBER_TEXT], left_out[ES_NUMBER_TEXT];
    es_number_count(positions->rows - positions->left_out, rows);
    es_number_count(positions->pairs, pairs);
    es_number_count(positions->left_out, left_out);
    fprintf(out, "the cosines of %s positions, %s pair%s", rows, pairs,
            positions->pairs == 1 ? "" : "s");
    if (positions->left_out) fprintf(out, " (left out, zero or non-finite: %s)", left_out);
    fputs("\n\n", out);
    ES_TRY(print_figures(positions, options, out, error));
    ES_TRY(print_profile(positions, options, out, error));
    ES_TRY(print_norms(positions, options, out, error));
    if (positions->component_count) ES_TRY(print_components(positions, options, out, error));
    return print_remark(positions, options, out, error);
}

es_status es_render_positions(const es_space *space, const es_positions *positions,
                              const es_render_options *options, FILE *out, es_error *error)
{
    if (options->output == ES_OUTPUT_JSON) {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "positions");
        es_render_positions_members(&json, positions);
        es_render_json_end(&json, options);
    } else if (options->output == ES_OUTPUT_CSV) {
        positions_csv(positions, out);
    } else {
        ES_TRY(es_render_heading(space, options, out, error));
        ES_TRY(es_render_positions_body(positions, options, out, error));
    }
    return es_render_finish(out, error);
}
