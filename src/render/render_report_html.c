/* The article on cosine similarity in an embedding space, walked through on one model, as one page
 * that needs nothing else: no script, no font or picture from elsewhere. */
#include "render/figure_style.h"
#include "render/html.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/report_sections.h"

#include <embscope/embscope.h>
#include <math.h>
#include <string.h>

/* The last part of a path, or of its folder where the file is one of a model's. */
void es_report_add_name(es_text *page, const es_source *source)
{
    const char *path = source->folder && *source->folder ? source->folder : source->path;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    size_t start = length;
    while (start && path[start - 1] != '/') start--;
    if (start == length) start = 0;
    es_html_text(page, path + start, length - start);
}

void es_report_open_page(es_text *page, const es_text *name, const char *subject)
{
    const char *html = name->data ? name->data : "";
    es_text_add(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                      "style-src 'unsafe-inline'; img-src data:\">\n<title>");
    es_text_add(page, html);
    es_text_printf(page, ": the geometry of %s</title>\n", subject);
    es_html_style(page);
    es_text_printf(page,
                   "</head>\n<body>\n<main>\n<header>\n<p class=\"kicker\">The geometry of %s</p>\n"
                   "<h1>",
                   subject);
    es_text_add(page, html);
    es_text_add(page, "</h1>\n<p class=\"lead\">");
    page->failed |= name->failed;
}

void es_report_close_page(es_text *page)
{
    es_text_add(page, "</footer>\n</main>\n</body>\n</html>\n");
}

static void add_head(es_text *page, const es_report *report)
{
    const es_source *source = es_space_source(report->space);
    es_text name = {0};
    es_report_add_name(&name, source);
    es_report_open_page(page, &name, "an embedding space");
    es_text_release(&name);
    es_text_add(page,
                "A language model keeps a vector for every token it knows. This page measures "
                "how the ");
    es_text_count(page, source->rows);
    es_text_add(page, " vectors of this model lie to each other: which point the same way, how far "
                      "chance alone would bring them, and what a cosine similarity says and does "
                      "not say.</p>\n</header>\n");
}

static bool has_positions(const es_report *report)
{
    return report->has_positions;
}

static bool has_spectrum(const es_report *report)
{
    return report->has_spectrum;
}

static bool has_clusters(const es_report *report)
{
    return report->clusters.count > 1;
}

static bool has_prediction(const es_report *report)
{
    return report->has_prediction || report->model_missing;
}

static bool has_map(const es_report *report)
{
    return report->has_map;
}

/* In the order of the article; a section that has nothing to say of this model is not there. */
static const struct section {
    const char *id, *link, *title;
    es_status (*add)(es_text *page, const es_report *report, es_error *error);
    bool (*has)(const es_report *report); /* NULL: always */
} sections[] = {
    {"table", "The table", "What was loaded", es_report_add_table, NULL},
    {"norms", "Norms", "How long the vectors are", es_report_add_norms, NULL},
    {"audit", "Odd rows", "Rows that are not like the others", es_report_add_audit, NULL},
    {"cosine", "Two tokens", "The cosine of two tokens", es_report_add_cosine, NULL},
    {"plane", "Two embeddings", "Two embeddings against each other", es_report_add_plane, NULL},
    {"neighbors", "One against all", "One token against all", es_report_add_neighbors, NULL},
    {"pairs", "All pairs", "All pairs, against chance", es_report_add_distribution, NULL},
    {"nearest", "Every token&rsquo;s nearest", "The nearest of every token", es_report_add_nearest,
     NULL},
    {"matrix", "Local matrix", "The matrix of a few words", es_report_add_matrix, NULL},
    {"directions", "Directions", "The directions of the whole space", es_report_add_spectrum,
     has_spectrum},
    {"clusters", "Clusters", "Clusters of the vocabulary", es_report_add_clusters, has_clusters},
    {"map", "A map", "A map of the vocabulary", es_report_add_map, has_map},
    {"prediction", "Probability", "From angle to probability", es_report_add_prediction,
     has_prediction},
    {"euclid", "Cosine and Euclid", "Cosine and Euclid", es_report_add_euclid, NULL},
    {"positions", "Positions", "The position table", es_report_add_positions, has_positions},
};
enum { SECTIONS = sizeof sections / sizeof *sections };

static bool is_there(size_t section, const es_report *report)
{
    return !sections[section].has || sections[section].has(report);
}

static void add_contents(es_text *page, const es_report *report)
{
    int number = 0;
    es_text_add(page, "<nav>");
    for (size_t i = 0; i < SECTIONS; i++)
        if (is_there(i, report))
            es_text_printf(page, "%s<a href=\"#%s\">%d&nbsp;%s</a>", number ? " " : "",
                           sections[i].id, number + 1, sections[i].link),
                number++;
    es_text_add(page, "</nav>\n");
}

static es_status add_sections(es_text *page, const es_report *report, es_error *error)
{
    int number = 0;
    for (size_t i = 0; i < SECTIONS; i++) {
        if (!is_there(i, report)) continue;
        es_text_printf(page, "<h2 id=\"%s\"><span class=\"no\">%d</span>%s</h2>\n", sections[i].id,
                       ++number, sections[i].title);
        ES_TRY(sections[i].add(page, report, error));
    }
    return ES_OK;
}

/* A figure with its caption, or words where it would stand. Only lack of memory ends the page. */
es_status es_report_add_figure(es_text *page, es_figure *figure, const char *caption,
                               es_error *error)
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

static void add_foot(es_text *page, const es_report *report)
{
    es_text line = {0};
    es_source_line(&line, es_space_source(report->space));
    es_text_printf(page, "<footer>\n<p>Made by embscope %s from ", es_version());
    es_html_text(page, line.data ? line.data : "", line.size);
    es_text_add(page, ". Every number comes from the stored values, in double precision; the pairs "
                      "are ");
    es_text_add(page, report->distribution.sampled ? "those of tokens drawn by lot"
                                                   : "all pairs, not a sample");
    es_text_add(page, ".</p>\n<p>The same numbers, for a program: <code>embscope report MODEL "
                      "--json</code>.</p>\n");
    es_report_close_page(page);
    page->failed |= line.failed;
    es_text_release(&line);
}

es_status es_render_report_html(const es_report *report, FILE *out, es_error *error)
{
    es_text page = {0};
    add_head(&page, report);
    add_contents(&page, report);
    es_status status = add_sections(&page, report, error);
    if (status == ES_OK) {
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
