#include "render/csv.h"
#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"
#include "render/text_chart.h"

#include <math.h>
#include <string.h>

static void write_extreme(es_json_writer *json, const char *key, const es_extreme *extreme)
{
    es_json_write_key(json, key);
    es_json_write_object(json);
    es_json_write_key(json, "cosine");
    es_json_write_double(json, extreme->cosine);
    es_json_write_key(json, "a");
    es_json_write_int(json, extreme->a);
    es_json_write_key(json, "b");
    es_json_write_int(json, extreme->b);
    es_json_write_end(json);
}

static void write_histogram(es_json_writer *json, const es_distribution *distribution)
{
    es_json_write_key(json, "quantiles");
    es_json_write_array(json);
    for (int i = 0; i < ES_QUANTILE_COUNT; i++) {
        es_json_write_object(json);
        es_json_member_double(json, "probability", distribution->quantiles[i].probability);
        es_json_member_double(json, "cosine", distribution->quantiles[i].cosine);
        es_json_write_end(json);
    }
    es_json_write_end(json);
    es_json_write_key(json, "histogram");
    es_json_write_object(json);
    es_json_write_key(json, "edges");
    es_json_write_doubles(json, distribution->edges,
                          distribution->bins ? distribution->bins + 1 : 0);
    es_json_write_key(json, "counts");
    es_json_write_ints(json, distribution->counts, distribution->bins);
    es_json_write_key(json, "certified");
    es_json_write_bool(json, distribution->certified);
    es_json_member_int(json, "settled_pairs", distribution->settled_pairs);
    es_json_write_end(json);
}

void es_render_distribution_members(es_json_writer *json, const es_distribution *distribution)
{
    es_json_member_int(json, "rows", distribution->rows);
    es_json_member_int(json, "left_out", distribution->left_out);
    es_json_member_int(json, "pairs", distribution->pairs);
    es_json_member_double(json, "mean", distribution->mean);
    es_json_member_double(json, "variance", distribution->variance);
    es_json_member_double(json, "standard_deviation", distribution->standard_deviation);
    es_json_member_double(json, "skewness", distribution->skewness);
    es_json_member_double(json, "excess_kurtosis", distribution->excess_kurtosis);
    es_json_member_double(json, "equivalent_dimension", distribution->equivalent_dimension);
    write_extreme(json, "minimum", &distribution->minimum);
    write_extreme(json, "maximum", &distribution->maximum);
    write_histogram(json, distribution);
    es_json_write_key(json, "random");
    es_json_write_object(json);
    es_json_member_double(json, "variance", distribution->random_variance);
    es_json_member_double(json, "standard_deviation", distribution->random_standard_deviation);
    es_json_member_double(json, "once_level", distribution->once_level);
    es_json_write_end(json);
    es_json_member_double(json, "ks_random", distribution->ks_random);
    es_json_member_int(json, "above_chance", distribution->above_chance);
}

/* The histogram, or each token's mean where that was asked for. */
static void distribution_csv(const es_space *space, const es_distribution *distribution, FILE *out)
{
    es_csv csv = es_csv_to(out);
    if (distribution->row_means) {
        es_csv_header(&csv, (const char *const[]){"id", "text", "mean", NULL});
        for (int64_t i = 0; i < es_space_row_count(space); i++) {
            es_bytes token = es_vocabulary_token(es_space_vocabulary(space), i);
            es_csv_int(&csv, i);
            es_csv_bytes(&csv, token.data, token.size);
            es_csv_double(&csv, distribution->row_means[i]);
            es_csv_end_line(&csv);
        }
        return;
    }
    es_csv_header(&csv, (const char *const[]){"from", "to", "count", NULL});
    for (int64_t k = 0; k < distribution->bins; k++) {
        es_csv_double(&csv, distribution->edges[k]);
        es_csv_double(&csv, distribution->edges[k + 1]);
        es_csv_int(&csv, distribution->counts[k]);
        es_csv_end_line(&csv);
    }
}

static void add_extreme(es_table *table, const es_space *space, const char *name,
                        const es_extreme *extreme)
{
    es_bytes a = es_vocabulary_token(es_space_vocabulary(space), extreme->a);
    es_bytes b = es_vocabulary_token(es_space_vocabulary(space), extreme->b);
    es_text pair = {0};
    es_display_quoted(&pair, a.data, a.size);
    es_text_add(&pair, " and ");
    es_display_quoted(&pair, b.data, b.size);
    table->failed |= pair.failed;
    es_table_cell(table, name);
    es_table_number(table, extreme->cosine, 6);
    es_table_cell(table, "");
    es_table_cell(table, pair.data ? pair.data : "");
    es_text_release(&pair);
}

/* Quantiles are known to a fine bin, 1.25e-4: no more digits than that. */
enum { QUANTILE_DECIMALS = 4 };

static void add_row(es_table *table, const char *name, double here, double random_value)
{
    es_table_cell(table, name);
    es_table_number(table, here, 6);
    es_table_number(table, random_value, 6);
    es_table_cell(table, "");
}

static es_status print_moments(const es_space *space, const es_distribution *distribution,
                               const es_render_options *options, FILE *out, es_error *error)
{
    int64_t d = es_space_column_count(space);
    es_table table = {0};
    es_table_column(&table, "", ES_ALIGN_LEFT);
    es_table_column(&table, "this space", ES_ALIGN_RIGHT);
    es_table_column(&table, "random directions", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "");
    add_row(&table, "mean", distribution->mean, 0);
    add_row(&table, "standard deviation", distribution->standard_deviation,
            distribution->random_standard_deviation);
    add_row(&table, "skewness", distribution->skewness, 0);
    add_row(&table, "excess kurtosis", distribution->excess_kurtosis, -6.0 / ((double)d + 2));
    add_extreme(&table, space, "minimum", &distribution->minimum);
    for (int i = 0; i < ES_QUANTILE_COUNT; i++) {
        double probability = distribution->quantiles[i].probability;
        if (probability <= 0 || probability >= 1) continue; /* the extremes, which have a line */
        char name[ES_NUMBER_TEXT + 16];
        es_number_shortest(100 * probability, name);
        strncat(name, " % below", 16);
        es_table_cell(&table, name);
        es_table_number(&table, distribution->quantiles[i].cosine, QUANTILE_DECIMALS);
        /* The level that all but this share pass: the same law that once_level is from. */
        es_table_number(&table, es_random_cosine_level(1 / (1 - probability), d),
                        QUANTILE_DECIMALS);
        es_table_cell(&table, "");
    }
    add_extreme(&table, space, "maximum", &distribution->maximum);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

static es_status print_remark(const es_space *space, const es_distribution *distribution,
                              const es_render_options *options, FILE *out, es_error *error)
{
    int64_t d = es_space_column_count(space);
    es_text remark = {0};
    es_text_printf(&remark,
                   "\nRandom directions in %lld dimensions have mean 0, standard deviation ",
                   (long long)d);
    es_text_fixed(&remark, distribution->random_standard_deviation, 4);
    es_text_add(&remark, "; the mean here is ");
    es_text_fixed(&remark, fabs(distribution->mean) / distribution->random_standard_deviation, 1);
    es_text_printf(&remark,
                   " of those %s 0.\nRandom directions with as wide a spread about 0 would "
                   "have ",
                   distribution->mean < 0 ? "below" : "above");
    es_text_fixed(&remark, distribution->equivalent_dimension, 1);
    es_text_add(&remark, " dimensions. One random pair in all passes ");
    es_text_fixed(&remark, distribution->once_level, 4);
    es_text_add(&remark, "; here ");
    es_text_count(&remark, distribution->above_chance);
    es_text_add(&remark, distribution->above_chance == 1 ? " does (" : " do (");
    es_text_fixed(&remark, 100.0 * (double)distribution->above_chance / (double)distribution->pairs,
                  2);
    es_text_add(&remark, " %).\nKolmogorov-Smirnov distance to the random law: ");
    es_text_fixed(&remark, distribution->ks_random, 4);
    es_text_add(&remark, ".");
    return es_render_remark(&remark, options, out, error);
}

es_status es_render_distribution_body(const es_space *space, const es_distribution *distribution,
                                      const es_render_options *options, FILE *out, es_error *error)
{
    char pairs[ES_NUMBER_TEXT], rows[ES_NUMBER_TEXT], left_out[ES_NUMBER_TEXT];
    es_number_count(distribution->pairs, pairs);
    es_number_count(distribution->rows, rows);
    es_number_count(distribution->left_out, left_out);
    fprintf(out, "the cosines of all %s pairs of %s rows%s", pairs, rows,
            distribution->sampled ? " drawn by lot" : "");
    if (distribution->left_out) fprintf(out, " (left out, zero or non-finite: %s)", left_out);
    fputs("\n\n", out);
    ES_TRY(print_moments(space, distribution, options, out, error));
    fputc('\n', out);
    ES_TRY(
        es_text_histogram(distribution, es_space_column_count(space), options->color, out, error));
    return print_remark(space, distribution, options, out, error);
}

static void write_row_means(es_json_writer *json, const es_space *space,
                            const es_distribution *distribution)
{
    if (!distribution->row_means) return;
    es_json_write_key(json, "row_means");
    es_json_write_doubles(json, distribution->row_means, es_space_row_count(space));
}

es_status es_render_distribution(const es_space *space, const es_distribution *distribution,
                                 const es_render_options *options, FILE *out, es_error *error)
{
    if (options->output == ES_OUTPUT_JSON) {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "distribution");
        es_render_distribution_members(&json, distribution);
        write_row_means(&json, space, distribution);
        es_render_json_end(&json, options);
    } else if (options->output == ES_OUTPUT_CSV) {
        distribution_csv(space, distribution, out);
    } else {
        ES_TRY(es_render_heading(space, options, out, error));
        ES_TRY(es_render_distribution_body(space, distribution, options, out, error));
    }
    return es_render_finish(out, error);
}
