/* The sections of the report about the table and about chosen tokens. */
#include "render/figure_style.h"
#include "render/html.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/report_formulas.h"
#include "render/report_sections.h"
#include "render/report_text.h"

#include <math.h>
#include <string.h>

enum {
    NEIGHBORS_SHOWN = 12,
    PAIRS_SHOWN = 15,
    EIGENVALUES_SHOWN = 40,
    GROUPS_SHOWN = 20,
    MEMBERS_SHOWN = 12
};

static void fact(es_text *page, const char *name, const char *value)
{
    if (!value || !*value) return;
    es_text_printf(page, "<tr><th>%s</th><td>", name);
    es_html_text(page, value, strlen(value));
    es_text_add(page, "</td></tr>\n");
}

es_status es_report_add_table(es_text *page, const es_report *report, es_error *error)
{
    const es_source *source = es_space_source(report->space);
    es_text_add(page, "<p>The embedding is a matrix with a row for each of the <i>V</i> tokens and "
                      "<i>d</i> columns; the vector of token <i>t</i> is its row.</p>\n");
    es_text_add(page, FORMULA_TABLE "<mn>");
    es_text_count(page, source->rows);
    es_text_add(page, "</mn>" MO(",") MI("d") MO("=") "<mn>");
    es_text_count(page, source->columns);
    es_text_add(page, "</mn>" MATH_END "<table class=\"facts\">\n");
    fact(page, "file", source->path);
    fact(page, "tensor", source->tensor);
    fact(page, "stored as", source->dtype);
    fact(page, "format", source->format);
    fact(page, "architecture", source->architecture);
    fact(page, "tokenizer", es_vocabulary_kind_text(report->info.vocabulary_kind));
    es_text_add(page, "<tr><th>vectors</th><td>");
    if (!source->transform_count) es_text_add(page, "raw rows, as stored");
    for (int64_t i = 0; i < source->transform_count; i++) {
        if (i) es_text_add(page, ", then ");
        es_html_text(page, source->transforms[i], strlen(source->transforms[i]));
    }
    es_text_add(page,
                "</td></tr>\n</table>\n<p>Where the weights are tied, <i>W</i><sub>out</sub> = "
                "<i>E</i><sup>T</sup>: the same table that turns tokens into vectors turns the "
                "last hidden vector into scores.</p>\n");
    es_report_say_loaded(page, report);
    es_report_say_tying_geometry(page, report);
    if (!report->has_tying) return ES_OK;
    es_figure figure = es_figure_tying(report->space, &report->tying);
    return es_report_add_figure(page, &figure, "How far a token&rsquo;s two rows lie apart.",
                                error);
}

es_status es_report_add_norms(es_text *page, const es_report *report, es_error *error)
{
    (void)error;
    const es_info *info = &report->info;
    es_text_add(page, FORMULA_NORM);
    es_text_add(page, "<div class=\"wide\"><table><tr><th class=\"n\">shortest</th>"
                      "<th class=\"n\">first quartile</th><th class=\"n\">median</th>"
                      "<th class=\"n\">third quartile</th><th class=\"n\">longest</th>"
                      "<th class=\"n\">mean</th></tr>\n<tr>");
    const double norms[] = {info->norm_minimum,   info->norm_quartile1, info->norm_median,
                            info->norm_quartile3, info->norm_maximum,   info->norm_mean};
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++)
        es_html_number_cell(page, norms[i], 4);
    es_text_add(page, "</tr></table></div>\n");
    es_report_say_norms(page, report);
    return ES_OK;
}

static void add_pair_rows(es_text *page, const es_similarity *pairs)
{
    for (int64_t i = 0; i < pairs->pair_count && i < PAIRS_SHOWN; i++) {
        const es_pair *pair = &pairs->pairs[i];
        const es_token_norm *a = &pairs->tokens[pair->a], *b = &pairs->tokens[pair->b];
        es_text_add(page, "<tr><td>");
        es_html_token(page, a->text, a->text_size);
        es_text_add(page, "</td><td>");
        es_html_token(page, b->text, b->text_size);
        es_text_add(page, "</td>");
        es_html_cosine_cell(page, pair->cosine);
        es_html_number_cell(page, pair->angle_degrees, 1);
        es_html_number_cell(page, pair->z_random, 1);
        es_html_number_cell(page, pair->percentile, 2);
        es_text_add(page, "</tr>\n");
    }
}

es_status es_report_add_cosine(es_text *page, const es_report *report, es_error *error)
{
    (void)error;
    es_text_add(page,
                "<p>Two vectors are alike in direction when the angle between them is small. "
                "Its cosine is 1 for the same direction, 0 for a right angle, −1 for opposite "
                "ones, and does not depend on how long the vectors are.</p>\n");
    es_text_add(page, FORMULA_COSINE);
    es_text_add(page, "<div class=\"wide\"><table><tr><th></th><th></th><th>cosine</th>"
                      "<th class=\"n\">angle, °</th><th class=\"n\"><i>z</i>, random</th>"
                      "<th class=\"n\">percentile</th></tr>\n");
    add_pair_rows(page, &report->pairs);
    es_text_add(page, "</table></div>\n<p class=\"small\"><i>z</i>: cosine over 1/√<i>d</i>, the "
                      "standard deviation of random directions.");
    if (report->pairs.percentile_pairs > 0) {
        es_text_add(page, " Percentile: among ");
        es_text_count(page, report->pairs.percentile_pairs);
        es_text_add(page, " pairs of this space.");
    }
    es_text_add(page, "</p>\n");
    es_report_say_pairs(page, report);
    return ES_OK;
}

es_status es_report_add_plane(es_text *page, const es_report *report, es_error *error)
{
    es_text_add(page,
                "<p>Each of the <i>d</i> dimensions is a point: its component in the first "
                "vector across, in the second upward. The nearer the cloud to the diagonal, the "
                "larger the cosine. A single point far out pulls harder than hundreds near the "
                "middle: look for dimensions that all tokens share.</p>\n");
    if (!report->pair_vectors || report->pair_tokens.count < 2) {
        es_text_add(page, "<p class=\"missing\">There are no two tokens to draw.</p>\n");
        return ES_OK;
    }
    es_figure figure =
        es_figure_embeddings(report->space, &report->pair_tokens, report->pair_vectors);
    return es_report_add_figure(page, &figure, "A point per dimension. Dashed: equal components.",
                                error);
}

static void add_list(es_text *page, const es_neighbors *query)
{
    es_text_add(page, "<div><h3>");
    es_html_token(page, query->query, strlen(query->query));
    es_text_add(page, "</h3>\n<table>\n");
    for (int64_t i = 0; i < query->count && i < NEIGHBORS_SHOWN; i++) {
        es_text_add(page, "<tr><td>");
        es_html_token(page, query->neighbors[i].text.data, query->neighbors[i].text.size);
        es_text_add(page, "</td>");
        es_html_cosine_cell(page, query->neighbors[i].cosine);
        es_text_add(page, "</tr>\n");
    }
    es_text_add(page, "</table></div>\n");
}

es_status es_report_add_neighbors(es_text *page, const es_report *report, es_error *error)
{
    es_text_add(page, "<p>With rows of length 1, the cosines of one token to all others are one "
                      "product of a matrix and a vector. The largest of them are the token&rsquo;s "
                      "neighbours.</p>\n");
    es_text_add(page, FORMULA_NEIGHBORS "<div class=\"lists\">\n");
    for (int64_t i = 0; i < report->query_count; i++) add_list(page, &report->queries[i]);
    es_text_add(page, "</div>\n");
    es_report_say_neighbors(page, report);
    if (!report->query_count || !report->queries[0].cosines) return ES_OK;
    es_figure figure = es_figure_neighbors(report->space, &report->queries[0]);
    es_text caption = {0};
    es_text_add(&caption, "The cosine of ");
    es_html_token(&caption, report->queries[0].query, strlen(report->queries[0].query));
    es_text_add(&caption, " to every token, by token id; the nearest are named.");
    es_status status = caption.failed ? es_fail_memory(error, "a caption", caption.size)
                                      : es_report_add_figure(page, &figure, caption.data, error);
    es_text_release(&caption);
    es_text_release(&figure.script);
    return status;
}

/* The eigenvalues as bars, the upper edge of the random law as a line. */
static void add_spectrum(es_text *page, const es_matrix *matrix)
{
    double top = 1.05 * fmax(matrix->eigenvalues[0], matrix->random_edges[1]);
    es_text_add(page, "<div class=\"spectrum\">");
    for (int64_t k = 0; k < matrix->n && k < EIGENVALUES_SHOWN; k++) {
        double value = matrix->eigenvalues[k];
        es_text_printf(page, "<i%s style=\"height:",
                       value > matrix->random_edges[1] ? "" : " class=\"within\"");
        es_text_fixed(page, 100 * fmax(0, value) / top, 2);
        es_text_add(page, "%\"></i>");
    }
    es_text_add(page, "<hr style=\"bottom:");
    es_text_fixed(page, 100 * matrix->random_edges[1] / top, 2);
    es_text_add(page, "%\"></div>\n<p class=\"small\">The ");
    if (matrix->n > EIGENVALUES_SHOWN)
        es_text_printf(page, "%d largest eigenvalues", (int)EIGENVALUES_SHOWN);
    else
        es_text_printf(page, "%lld eigenvalues", (long long)matrix->n);
    es_text_add(page, ", from ");
    es_text_fixed(page, matrix->eigenvalues[0], 3);
    es_text_add(page, " down. <span class=\"swatch\">Dashed</span>: ");
    es_text_fixed(page, matrix->random_edges[1], 3);
    es_text_printf(page,
                   ", (1 + √(<i>n</i>/<i>d</i>))², the upper edge for %lld random directions "
                   "(Marchenko and Pastur).</p>\n",
                   (long long)matrix->n);
}

static void add_groups(es_text *page, const es_matrix *matrix)
{
    const es_flat_clusters *clusters = &matrix->clusters;
    es_text_add(page, "<table><tr><th>cluster</th><th class=\"n\">silhouette</th>"
                      "<th>tokens</th></tr>\n");
    for (int64_t c = 0; c < clusters->count && c < GROUPS_SHOWN; c++) {
        es_text_printf(page, "<tr><td>%lld</td>", (long long)c + 1);
        es_html_number_cell(page, clusters->mean_by_cluster[c], 3);
        es_text_add(page, "<td>");
        int shown = 0;
        for (int64_t place = 0; place < matrix->n && shown < MEMBERS_SHOWN; place++) {
            const es_item *item = &matrix->items[matrix->order[place]];
            if (clusters->labels[matrix->order[place]] != c) continue;
            if (shown++) es_text_add(page, " ");
            es_html_token(page, item->text, item->text_size);
        }
        if (shown < clusters->sizes[c]) es_text_add(page, " …");
        es_text_add(page, "</td></tr>\n");
    }
    es_text_add(page, "</table>\n");
}

es_status es_report_add_matrix(es_text *page, const es_report *report, es_error *error)
{
    es_text_add(page, "<p>The cosines of <i>n</i> chosen tokens make a symmetric matrix with ones "
                      "on its diagonal. Put in the order of a tree that joins the nearest groups "
                      "first, groups of meaning show as blocks; its eigenvectors are directions "
                      "that several words share.</p>\n");
    es_text_add(page, FORMULA_MATRIX);
    if (report->matrix.n >= 2) {
        es_figure figure = es_figure_matrix(report->space, &report->matrix);
        ES_TRY(es_report_add_figure(
            page, &figure,
            "Tokens in the leaf order of average linkage on 1 − cos; the tree above. The "
            "diagonal, always 1, is left blank.",
            error));
        add_spectrum(page, &report->matrix);
        if (report->matrix.clusters.count > 1) add_groups(page, &report->matrix);
    }
    es_report_say_matrix(page, report);
    return ES_OK;
}
