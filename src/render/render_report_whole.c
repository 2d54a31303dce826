/* The sections of the report about the whole vocabulary, and what follows from it. */
#include "render/figure_style.h"
#include "render/html.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/report_formulas.h"
#include "render/report_sections.h"
#include "render/report_text.h"

#include <math.h>
#include <string.h>

enum { PAIRS_SHOWN = 15, DIRECTIONS_SHOWN = 6, ENDS_SHOWN = 6, CLUSTERS_SHOWN = 20, EXAMPLES = 4 };

static void add_moment_row(es_text *page, const char *name, double here, double random_value)
{
    es_text_printf(page, "<tr><td>%s</td>", name);
    es_html_number_cell(page, here, 4);
    es_html_number_cell(page, random_value, 4);
    es_text_add(page, "</tr>\n");
}

static void add_moments(es_text *page, const es_report *report)
{
    const es_distribution *all = &report->distribution;
    double d = (double)es_space_column_count(report->space);
    es_text_add(page, "<table><tr><th></th><th class=\"n\">this space</th>"
                      "<th class=\"n\">random directions</th></tr>\n");
    add_moment_row(page, "mean", all->mean, 0);
    add_moment_row(page, "standard deviation", all->standard_deviation,
                   all->random_standard_deviation);
    add_moment_row(page, "skewness", all->skewness, 0);
    add_moment_row(page, "excess kurtosis", all->excess_kurtosis, -6 / (d + 2));
    add_moment_row(page, "smallest", all->minimum.cosine, NAN);
    add_moment_row(page, "largest", all->maximum.cosine, NAN);
    es_text_add(page, "<tr><td>pairs above the level of one random pair</td><td class=\"n\">");
    es_text_count(page, all->above_chance);
    es_text_add(page,
                "</td><td class=\"n\">1</td></tr>\n<tr><td>dimensions in which random directions "
                "spread as much</td>");
    es_html_number_cell(page, all->equivalent_dimension, 1);
    es_html_number_cell(page, d, 0);
    es_text_add(page, "</tr>\n</table>\n");
}

static void add_pairs_lead(es_text *page, const es_distribution *all)
{
    if (all->sampled) {
        es_text_add(page, "<p>Every pair of rows has a cosine. There are too many here for a page "
                          "to wait for: what follows is of the ");
        es_text_count(page, all->pairs);
        es_text_add(page, " pairs of ");
        es_text_count(page, all->rows);
        es_text_add(page, " tokens drawn by lot (<code>embscope distribution</code> takes all of "
                          "them).");
    } else {
        es_text_add(page, "<p>Every pair of rows that have a direction has a cosine: ");
        es_text_count(page, all->pairs);
        es_text_add(page, " of them.");
    }
    es_text_add(page, " What would chance give? Two random directions in <i>d</i> dimensions are "
                      "nearly at right angles, the more so the larger <i>d</i>.</p>\n");
}

es_status es_report_add_distribution(es_text *page, const es_report *report, es_error *error)
{
    const es_distribution *all = &report->distribution;
    add_pairs_lead(page, all);
    es_text_add(page, FORMULA_PAIRS);
    if (all->pairs && all->bins) {
        es_figure figure = es_figure_distribution(report->space, all);
        ES_TRY(es_report_add_figure(
            page, &figure,
            "The share of pairs at each cosine, as a density, over the density of random "
            "directions.",
            error));
    }
    add_moments(page, report);
    es_report_say_distribution(page, report);
    return ES_OK;
}

es_status es_report_add_euclid(es_text *page, const es_report *report, es_error *error)
{
    (void)error;
    es_text_add(page, "<p>On vectors of length 1 the Euclidean distance says nothing new: it grows "
                      "as the cosine falls, and both put all tokens in the same order. On the rows "
                      "as they are stored this does not hold, since their lengths differ.</p>\n");
    es_text_add(page, FORMULA_EUCLID);
    es_text_add(page, "<div class=\"wide\"><table><tr><th></th><th></th>"
                      "<th class=\"n\">cosine</th><th class=\"n\">2 − 2 cos</th>"
                      "<th class=\"n\">‖x̂ − ŷ‖²</th><th class=\"n\">‖x − y‖, raw</th></tr>\n");
    const es_similarity *pairs = &report->pairs;
    for (int64_t i = 0; i < pairs->pair_count && i < PAIRS_SHOWN; i++) {
        const es_pair *pair = &pairs->pairs[i];
        const es_token_norm *a = &pairs->tokens[pair->a], *b = &pairs->tokens[pair->b];
        es_text_add(page, "<tr><td>");
        es_html_token(page, a->text, a->text_size);
        es_text_add(page, "</td><td>");
        es_html_token(page, b->text, b->text_size);
        es_text_add(page, "</td>");
        es_html_number_cell(page, pair->cosine, 6);
        es_html_number_cell(page, 2 - 2 * pair->cosine, 6);
        es_html_number_cell(page, pair->unit_euclidean * pair->unit_euclidean, 6);
        es_html_number_cell(page, pair->euclidean, 4);
        es_text_add(page, "</tr>\n");
    }
    es_text_add(page, "</table></div>\n");
    es_report_say_euclid(page, report);
    return ES_OK;
}

/* ---- the nearest of every token ---------------------------------------------------------------
 */

static void add_token_cell(es_text *page, const es_space *space, int64_t id)
{
    es_text_add(page, "<td>");
    es_report_token(page, space, id);
    es_text_add(page, "</td>");
}

static void add_hubs(es_text *page, const es_report *report)
{
    const es_knn *knn = &report->knn;
    es_text_add(page, "<div class=\"lists\">\n<div><h3>In most lists</h3>\n<table>\n");
    for (int64_t i = 0; i < knn->hub_count; i++) {
        es_text_add(page, "<tr>");
        add_token_cell(page, report->space, knn->hubs[i].id);
        es_text_add(page, "<td class=\"n\">");
        es_text_count(page, knn->hubs[i].occurrences);
        es_text_add(page, "</td></tr>\n");
    }
    es_text_add(page, "</table></div>\n<div><h3>Most similar pairs</h3>\n<table>\n");
    for (int64_t i = 0; i < knn->pair_count; i++) {
        es_text_add(page, "<tr>");
        add_token_cell(page, report->space, knn->pairs[i].a);
        add_token_cell(page, report->space, knn->pairs[i].b);
        es_html_cosine_cell(page, knn->pairs[i].cosine);
        es_text_add(page, "</tr>\n");
    }
    es_text_add(page, "</table></div>\n</div>\n");
}

es_status es_report_add_nearest(es_text *page, const es_report *report, es_error *error)
{
    if (!report->has_knn) {
        es_text_add(page, report->distribution.sampled
                              ? "<p class=\"missing\">The nearest tokens of every one of so many "
                                "take too long for this page: <code>embscope knn</code> computes "
                                "them.</p>\n"
                              : "<p class=\"missing\">There are too few rows for a graph.</p>\n");
        return ES_OK;
    }
    es_text_printf(page,
                   "<p>Every token has its list of the %lld nearest, found among all others. In "
                   "many dimensions such lists are lopsided: a few tokens, <i>hubs</i>, stand in a "
                   "great many of them, and many tokens in none.</p>\n",
                   (long long)report->knn.k);
    es_figure figure = es_figure_hubness(report->space, &report->knn);
    ES_TRY(es_report_add_figure(
        page, &figure,
        "Tokens by the number of lists that they stand in (above each bar: how many tokens); both "
        "scales are logarithmic. Lines: what lists drawn by lot would show.",
        error));
    add_hubs(page, report);
    es_report_say_nearest(page, report);
    return ES_OK;
}

/* ---- the spectrum -----------------------------------------------------------------------------
 */

static void add_count_row(es_text *page, const char *name, int64_t raw, int64_t centered)
{
    es_text_printf(page, "<tr><td>%s</td><td class=\"n\">", name);
    es_text_count(page, raw);
    es_text_add(page, "</td><td class=\"n\">");
    es_text_count(page, centered);
    es_text_add(page, "</td></tr>\n");
}

static void add_eigenvalues(es_text *page, const es_spectrum *spectrum)
{
    const es_eigenvalues *raw = &spectrum->raw, *centered = &spectrum->centered;
    const struct {
        const char *name;
        double raw, centered;
    } rows[] = {
        {"largest eigenvalue, % of all", 100 * raw->values[0] / raw->trace,
         100 * centered->values[0] / centered->trace},
        {"effective rank, exp of the entropy", raw->effective_rank, centered->effective_rank},
        {"participation ratio", raw->participation_ratio, centered->participation_ratio}};
    es_text_add(page, "<table><tr><th></th><th class=\"n\"><i>S</i></th>"
                      "<th class=\"n\">centred</th></tr>\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        es_text_printf(page, "<tr><td>%s</td>", rows[i].name);
        es_html_number_cell(page, rows[i].raw, 2);
        es_html_number_cell(page, rows[i].centered, 2);
        es_text_add(page, "</tr>\n");
    }
    add_count_row(page, "directions that hold 90&nbsp;%", raw->directions_90,
                  centered->directions_90);
    add_count_row(page, "eigenvalues above those of random rows", raw->above_random,
                  centered->above_random);
    es_text_add(page, "</table>\n");
}

static void add_ends(es_text *page, const es_space *space, const es_direction_end *ends,
                     int64_t count)
{
    es_text_add(page, "<td>");
    for (int64_t i = 0; i < count && i < ENDS_SHOWN; i++) {
        if (i) es_text_add(page, " ");
        es_report_token(page, space, ends[i].id);
    }
    es_text_add(page, "</td>");
}

static void add_directions(es_text *page, const es_report *report)
{
    const es_spectrum *spectrum = &report->spectrum;
    es_text_add(page, "<table><tr><th>direction</th><th class=\"n\">variance, %</th>"
                      "<th>tokens at its two ends</th></tr>\n");
    for (int64_t k = 0; k < spectrum->direction_count; k++) {
        const es_direction *direction = &spectrum->directions[k];
        es_text_printf(page, "<tr><td rowspan=\"2\">%lld</td><td class=\"n\" rowspan=\"2\">",
                       (long long)k + 1);
        es_text_fixed(page, 100 * direction->share, 2);
        es_text_add(page, "</td>");
        add_ends(page, report->space, direction->high, direction->end_count);
        es_text_add(page, "</tr>\n<tr>");
        add_ends(page, report->space, direction->low, direction->end_count);
        es_text_add(page, "</tr>\n");
    }
    es_text_add(page, "</table>\n");
}

es_status es_report_add_spectrum(es_text *page, const es_report *report, es_error *error)
{
    es_text_add(page, "<p>The matrix of all cosines, too, has eigenvalues: as many as there are "
                      "columns differ from 0, and a matrix of <i>d</i> × <i>d</i> gives them. The "
                      "first is mostly the mean direction that all rows share. Take the mean row "
                      "off (<i>centred</i>), and the rest says along how many directions the "
                      "tokens really differ.</p>\n");
    es_figure figure = es_figure_spectrum(report->space, &report->spectrum);
    ES_TRY(es_report_add_figure(page, &figure,
                                "Eigenvalues by rank, both scales logarithmic. Dashed: where those "
                                "of random rows end. What "
                                "lies above is structure.",
                                error));
    if (report->spectrum.raw.count && report->spectrum.centered.count)
        add_eigenvalues(page, &report->spectrum);
    if (report->spectrum.direction_count) add_directions(page, report);
    es_report_say_spectrum(page, report);
    return ES_OK;
}

es_status es_report_add_map(es_text *page, const es_report *report, es_error *error)
{
    es_text_add(page, "<p>The two leading directions make a plane, and every token has a place on "
                      "it. Such a picture is what most maps of embeddings are; how much of the "
                      "space it keeps is seldom told.</p>\n");
    es_figure figure = es_figure_token_map(report->space, &report->map);
    ES_TRY(es_report_add_figure(
        page, &figure,
        "A point for each token (of a large vocabulary, for some drawn by lot); the words of this "
        "page are named where there is room.",
        error));
    es_report_say_map(page, report);
    return ES_OK;
}

/* ---- clusters ---------------------------------------------------------------------------------
 */

es_status es_report_add_clusters(es_text *page, const es_report *report, es_error *error)
{
    const es_clusters *clusters = &report->clusters;
    es_text_printf(page,
                   "<p>What the matrix showed of a few words, for all of them: the vocabulary "
                   "divided into %lld clusters, every token with the centre that it has the "
                   "largest cosine to (spherical <i>k</i>-means).</p>\n",
                   (long long)clusters->count);
    if (clusters->count >= 3) { /* fewer need no map */
        es_figure figure = es_figure_clusters(report->space, clusters);
        ES_TRY(es_report_add_figure(
            page, &figure, "The centres on a plane, as large as their clusters have tokens.",
            error));
    }
    es_text_add(page, "<div class=\"wide\"><table><tr><th class=\"n\">tokens</th>"
                      "<th class=\"n\">cohesion</th><th>nearest the centre</th></tr>\n");
    for (int64_t c = 0; c < clusters->count && c < CLUSTERS_SHOWN; c++) {
        const es_cluster *cluster = &clusters->clusters[c];
        es_text_add(page, "<tr><td class=\"n\">");
        es_text_count(page, cluster->size);
        es_text_add(page, "</td>");
        es_html_number_cell(page, cluster->cohesion, 3);
        es_text_add(page, "<td>");
        for (int64_t i = 0; i < cluster->shown && i < ENDS_SHOWN; i++) {
            if (i) es_text_add(page, " ");
            es_report_token(page, report->space, cluster->members[i].id);
        }
        es_text_add(page, "</td></tr>\n");
    }
    es_text_add(page, "</table></div>\n");
    es_report_say_clusters(page, report);
    return ES_OK;
}

/* ---- odd rows ---------------------------------------------------------------------------------
 */

/* What a category is called in a sentence. */
static const char *const categories[ES_AUDIT_CATEGORIES] = {"never touched by training",
                                                            "made by no text",
                                                            "bytes that are no text",
                                                            "special, on purpose made by no text",
                                                            "rows without a token",
                                                            "tokens without a row",
                                                            "not finite",
                                                            "zero",
                                                            "a norm far from the others",
                                                            "equal to an earlier row",
                                                            "nearly equal to another row"};

static void add_findings(es_text *page, const es_report *report)
{
    const es_audit *audit = &report->audit;
    es_text_add(page, "<table><tr><th class=\"n\">tokens</th><th></th><th>for example</th></tr>\n");
    for (int c = 0; c < ES_AUDIT_CATEGORIES; c++) {
        if (!audit->counts[c]) continue;
        es_text_add(page, "<tr><td class=\"n\">");
        es_text_count(page, audit->counts[c]);
        es_text_printf(page, "</td><td>%s</td><td>", categories[c]);
        int shown = 0;
        for (int64_t i = 0; i < audit->count && shown < EXAMPLES; i++) {
            if ((int)audit->findings[i].category != c) continue;
            if (shown++) es_text_add(page, " ");
            es_report_token(page, report->space, audit->findings[i].id);
        }
        es_text_add(page, "</td></tr>\n");
    }
    es_text_add(page, "</table>\n");
}

es_status es_report_add_audit(es_text *page, const es_report *report, es_error *error)
{
    es_text_add(page, "<p>Not every row was learned. A tokenizer is made before the model, and "
                      "some of its tokens never come up in training; others can come from no text "
                      "at all. Their rows have cosines like any, which mean nothing.</p>\n");
    if (report->audit.norms) {
        es_figure figure = es_figure_audit(report->space, &report->audit);
        ES_TRY(es_report_add_figure(
            page, &figure,
            report->audit.untouched.found
                ? "How far each row lies from those that training never touched, by token id."
                : "The norm of each row, by token id.",
            error));
    }
    if (report->audit.count) add_findings(page, report);
    es_report_say_audit(page, report);
    return ES_OK;
}

/* ---- positions --------------------------------------------------------------------------------
 */

es_status es_report_add_positions(es_text *page, const es_report *report, es_error *error)
{
    const es_positions *positions = &report->positions;
    es_text_add(page, "<p>A token&rsquo;s vector says nothing of where in the text it stands. This "
                      "model adds another to it, the row of a second table: row <i>i</i> for "
                      "position <i>i</i>. What matters there is how the cosine of two positions "
                      "depends on their distance.</p>\n");
    es_figure figure = es_figure_positions(report->position_space, positions);
    ES_TRY(es_report_add_figure(
        page, &figure,
        "Left: the cosine of every two positions. Right: its mean over the pairs at each distance, "
        "and the table along its first principal directions.",
        error));
    if (positions->component_count) {
        es_text_add(page, "<div class=\"wide\"><table><tr><th>direction</th>"
                          "<th class=\"n\">variance, %</th><th class=\"n\">strongest period</th>"
                          "<th class=\"n\">its share, %</th></tr>\n");
        for (int64_t k = 0; k < positions->component_count && k < DIRECTIONS_SHOWN; k++) {
            const es_position_component *component = &positions->components[k];
            es_text_printf(page, "<tr><td>%lld</td>", (long long)k + 1);
            es_html_number_cell(page, 100 * component->share, 2);
            es_html_number_cell(page, component->period, 1);
            es_html_number_cell(page, 100 * component->peak_share, 1);
            es_text_add(page, "</tr>\n");
        }
        es_text_add(page, "</table></div>\n");
    }
    es_report_say_positions(page, report);
    return ES_OK;
}
