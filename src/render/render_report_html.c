/* The article on cosine similarity in an embedding space, walked through on one model, as one page
 * that needs nothing else: no script, no font or picture from elsewhere. */
#include "render/figure_style.h"
#include "render/html.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/report_formulas.h"
#include "render/report_text.h"

#include <embscope/embscope.h>
#include <math.h>
#include <string.h>

enum { NEIGHBORS_SHOWN = 12, PAIRS_SHOWN = 15, EIGENVALUES_SHOWN = 40 };

static void heading(es_text *page, int number, const char *id, const char *title)
{
    es_text_printf(page, "<h2 id=\"%s\"><span class=\"no\">%d</span>%s</h2>\n", id, number, title);
}

static void fact(es_text *page, const char *name, const char *value)
{
    if (!value || !*value) return;
    es_text_printf(page, "<tr><th>%s</th><td>", name);
    es_html_text(page, value, strlen(value));
    es_text_add(page, "</td></tr>\n");
}

/* The last part of a path, or of its folder where the file is one of a model's. */
static void add_name(es_text *page, const es_source *source)
{
    const char *path = source->folder && *source->folder ? source->folder : source->path;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    size_t start = length;
    while (start && path[start - 1] != '/') start--;
    if (start == length) start = 0;
    es_html_text(page, path + start, length - start);
}

static void add_head(es_text *page, const es_report *report)
{
    const es_source *source = es_space_source(report->space);
    es_text_add(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                      "style-src 'unsafe-inline'; img-src data:\">\n<title>");
    add_name(page, source);
    es_text_add(page, ": the geometry of its embedding space</title>\n");
    es_html_style(page);
    es_text_add(page, "</head>\n<body>\n<main>\n<header>\n<p class=\"kicker\">The geometry of an "
                      "embedding space</p>\n<h1>");
    add_name(page, source);
    es_text_add(page, "</h1>\n<p class=\"lead\">A language model keeps a vector for every token it "
                      "knows. This page measures how the ");
    es_text_count(page, source->rows);
    es_text_add(page,
                " vectors of this model lie to each other: which point the same way, how far "
                "chance alone would bring them, and what a cosine similarity says and does "
                "not say.</p>\n</header>\n"
                "<nav><a href=\"#table\">1&nbsp;The table</a> <a href=\"#norms\">2&nbsp;Norms</a> "
                "<a href=\"#cosine\">3&nbsp;Two tokens</a> <a href=\"#plane\">4&nbsp;Two "
                "embeddings</a> <a href=\"#neighbors\">5&nbsp;One against all</a> "
                "<a href=\"#matrix\">6&nbsp;Local matrix</a> <a href=\"#pairs\">7&nbsp;All "
                "pairs</a> <a href=\"#euclid\">8&nbsp;Cosine and Euclid</a></nav>\n");
}

static void add_table(es_text *page, const es_report *report)
{
    const es_source *source = es_space_source(report->space);
    heading(page, 1, "table", "What was loaded");
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
}

static void add_norms(es_text *page, const es_report *report)
{
    const es_info *info = &report->info;
    heading(page, 2, "norms", "How long the vectors are");
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

static void add_cosine(es_text *page, const es_report *report)
{
    heading(page, 3, "cosine", "The cosine of two tokens");
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
}

/* A figure with its caption, or words where it would stand. Only lack of memory ends the page. */
static es_status add_figure(es_text *page, es_figure *figure, const char *caption, es_error *error)
{
    es_text svg = {0};
    es_error reason = {{0}};
    es_status status = es_gnuplot_draw(figure, ES_FIGURE_INLINE, &svg, &reason);
    es_text_release(&figure->script);
    es_text_add(page, "<figure>\n");
    if (status == ES_OK) {
        es_text_append(page, svg.data, svg.size);
    } else if (status == ES_NO_MEMORY) {
        return es_fail(error, status, "%s", reason.text);
    } else {
        es_text_add(page, "<p class=\"missing\">A figure would stand here: ");
        es_html_text(page, reason.text, strlen(reason.text));
        es_text_add(page, "</p>\n");
    }
    es_text_printf(page, "<figcaption>%s</figcaption>\n</figure>\n", caption);
    es_text_release(&svg);
    return ES_OK;
}

static es_status add_plane(es_text *page, const es_report *report, es_error *error)
{
    heading(page, 4, "plane", "Two embeddings against each other");
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
    return add_figure(page, &figure, "A point per dimension. Dashed: equal components.", error);
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

static es_status add_neighbors(es_text *page, const es_report *report, es_error *error)
{
    heading(page, 5, "neighbors", "One token against all");
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
                                      : add_figure(page, &figure, caption.data, error);
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

static es_status add_matrix(es_text *page, const es_report *report, es_error *error)
{
    heading(page, 6, "matrix", "The matrix of a few words");
    es_text_add(page, "<p>The cosines of <i>n</i> chosen tokens make a symmetric matrix with ones "
                      "on its diagonal. Put in the order of a tree that joins the nearest groups "
                      "first, groups of meaning show as blocks; its eigenvectors are directions "
                      "that several words share.</p>\n");
    es_text_add(page, FORMULA_MATRIX);
    if (report->matrix.n >= 2) {
        es_figure figure = es_figure_matrix(report->space, &report->matrix);
        ES_TRY(add_figure(
            page, &figure,
            "Tokens in the leaf order of average linkage on 1 − cos; the tree above. The "
            "diagonal, always 1, is left blank.",
            error));
        add_spectrum(page, &report->matrix);
    }
    es_report_say_matrix(page, report);
    return ES_OK;
}

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

static es_status add_distribution(es_text *page, const es_report *report, es_error *error)
{
    const es_distribution *all = &report->distribution;
    heading(page, 7, "pairs", "All pairs, against chance");
    es_text_add(page, "<p>Every pair of rows that have a direction has a cosine: ");
    es_text_count(page, all->pairs);
    es_text_add(page, " of them. What would chance give? Two random directions in <i>d</i> "
                      "dimensions are nearly at right angles, the more so the larger "
                      "<i>d</i>.</p>\n");
    es_text_add(page, FORMULA_PAIRS);
    if (all->pairs && all->bins) {
        es_figure figure = es_figure_distribution(report->space, all);
        ES_TRY(add_figure(
            page, &figure,
            "The share of pairs at each cosine, as a density, over the density of random "
            "directions.",
            error));
    }
    add_moments(page, report);
    es_report_say_distribution(page, report);
    return ES_OK;
}

static void add_euclid(es_text *page, const es_report *report)
{
    heading(page, 8, "euclid", "Cosine and Euclid");
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
}

static void add_foot(es_text *page, const es_report *report)
{
    es_text line = {0};
    es_source_line(&line, es_space_source(report->space));
    es_text_printf(page, "<footer>\n<p>Made by embscope %s from ", es_version());
    es_html_text(page, line.data ? line.data : "", line.size);
    es_text_add(page, ". Every number comes from the stored values, in double precision; the pairs "
                      "are all pairs, not a sample.</p>\n<p>The same numbers, for a program: "
                      "<code>embscope report MODEL --json</code>.</p>\n</footer>\n"
                      "</main>\n</body>\n</html>\n");
    page->failed |= line.failed;
    es_text_release(&line);
}

es_status es_render_report_html(const es_report *report, FILE *out, es_error *error)
{
    es_text page = {0};
    add_head(&page, report);
    add_table(&page, report);
    add_norms(&page, report);
    add_cosine(&page, report);
    es_status status = add_plane(&page, report, error);
    if (status == ES_OK) status = add_neighbors(&page, report, error);
    if (status == ES_OK) status = add_matrix(&page, report, error);
    if (status == ES_OK) status = add_distribution(&page, report, error);
    if (status == ES_OK) {
        add_euclid(&page, report);
        add_foot(&page, report);
        if (page.failed) status = es_fail_memory(error, "the report", page.size);
    }
    if (status == ES_OK) {
        fwrite(page.data, 1, page.size, out);
        status = es_render_finish(out, error);
    }
    es_text_release(&page);
    return status;
}
