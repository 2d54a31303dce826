/* Two models on one page, in the manner of the report on one. */
#include "render/figure_style.h"
#include "render/html.h"
#include "render/number_text.h"
#include "render/pair_report_text.h"
#include "render/render_common.h"
#include "render/report_sections.h"
#include "render/report_text.h"

#include <embscope/embscope.h>
#include <string.h>

enum { TOKENS_SHOWN = 10, NEIGHBORS_SHOWN = 5, SHARES_SHOWN = 10 };

/* ---- what they are ----------------------------------------------------------------------------
 */

typedef void add_fact(es_text *page, const es_pair_report *report, int m);

static void add_file(es_text *page, const es_pair_report *report, int m)
{
    const char *path = es_space_source(report->spaces[m])->path;
    es_html_text(page, path, strlen(path));
}

static void add_tensor(es_text *page, const es_pair_report *report, int m)
{
    const es_source *source = es_space_source(report->spaces[m]);
    es_html_text(page, source->tensor, strlen(source->tensor));
    es_text_printf(page, "%s%s", *source->tensor ? ", " : "", source->dtype);
}

static void add_size(es_text *page, const es_pair_report *report, int m)
{
    es_text_count(page, es_space_row_count(report->spaces[m]));
    es_text_add(page, " × ");
    es_text_count(page, es_space_column_count(report->spaces[m]));
}

static void add_tokenizer(es_text *page, const es_pair_report *report, int m)
{
    es_text_add(page, es_vocabulary_kind_text(report->info[m].vocabulary_kind));
}

static void add_vectors(es_text *page, const es_pair_report *report, int m)
{
    const es_source *source = es_space_source(report->spaces[m]);
    if (!source->transform_count) es_text_add(page, "raw rows, as stored");
    for (int64_t i = 0; i < source->transform_count; i++) {
        if (i) es_text_add(page, ", then ");
        es_html_text(page, source->transforms[i], strlen(source->transforms[i]));
    }
}

static void add_norm(es_text *page, const es_pair_report *report, int m)
{
    const es_info *info = &report->info[m];
    es_text_fixed(page, info->norm_median, 4);
    es_text_add(page, " (half of them from ");
    es_text_fixed(page, info->norm_quartile1, 4);
    es_text_add(page, " to ");
    es_text_fixed(page, info->norm_quartile3, 4);
    es_text_add(page, ")");
}

static void add_odd(es_text *page, const es_pair_report *report, int m)
{
    const es_info *info = &report->info[m];
    es_text_count(page, info->zero.count + info->non_finite.count);
    es_text_add(page, " without a direction, ");
    es_text_count(page, info->duplicates.count);
    es_text_add(page, " equal to an earlier one");
}

static void add_facts(es_text *page, const es_pair_report *report)
{
    static const struct {
        const char *name;
        add_fact *add;
    } facts[] = {{"file", add_file},           {"table", add_tensor},
                 {"rows × columns", add_size}, {"tokenizer", add_tokenizer},
                 {"vectors", add_vectors},     {"median norm", add_norm},
                 {"odd rows", add_odd}};
    es_text_add(page, "<div class=\"wide\"><table class=\"facts\"><tr><th></th><th>A</th>"
                      "<th>B</th></tr>\n");
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        es_text_printf(page, "<tr><th>%s</th>", facts[i].name);
        for (int m = 0; m < 2; m++) {
            es_text_add(page, "<td>");
            facts[i].add(page, report, m);
            es_text_add(page, "</td>");
        }
        es_text_add(page, "</tr>\n");
    }
    es_text_add(page, "</table></div>\n");
}

static es_status add_models(es_text *page, const es_pair_report *report, es_error *error)
{
    (void)error;
    add_facts(page, report);
    es_text_add(page, "<p>Two models have different axes, and often different numbers of them: "
                      "their vectors cannot be compared component by component. What can be "
                      "compared is which tokens lie near which. Nothing on this page would change "
                      "if a space were rotated.</p>\n");
    es_pair_report_say_shared(page, report);
    return ES_OK;
}

/* ---- how alike --------------------------------------------------------------------------------
 */

static void measure_row(es_text *page, const char *name, double value, const es_chance *chance)
{
    es_text_printf(page, "<tr><td>%s</td>", name);
    es_html_number_cell(page, value, 4);
    es_html_number_cell(page, chance->mean, 4);
    es_html_number_cell(page, chance->level, 4);
    es_html_number_cell(page, chance->score, 4);
    es_html_number_cell(page, chance->p, 4);
    es_text_add(page, "</tr>\n");
}

static void add_measures(es_text *page, const es_pair_report *report)
{
    const es_pair_comparison *pair = &report->comparison.pairs[0];
    es_text_add(page, "<div class=\"wide\"><table><tr><th></th><th class=\"n\">here</th>"
                      "<th class=\"n\">permuted</th><th class=\"n\">95&nbsp;% level</th>"
                      "<th class=\"n\">score</th><th class=\"n\"><i>p</i></th></tr>\n");
    measure_row(page, "RSA, Pearson", pair->rsa.pearson, &pair->rsa.chance);
    measure_row(page, "CKA, debiased", pair->cka.debiased, &pair->cka.debiased_chance);
    measure_row(page, "CKA, linear", pair->cka.linear, &pair->cka.linear_chance);
    measure_row(page, "Procrustes, mean cosine", pair->procrustes.mean_cosine,
                &pair->procrustes.chance);
    measure_row(page, "nearest in common", pair->overlap.mutual, &pair->overlap.chance);
    es_text_add(page,
                "</table></div>\n<p class=\"small\">Here: over all shared tokens. The rest is "
                "over ");
    es_text_count(page, pair->rsa.chance.items);
    es_text_add(page, " of them (the nearest: over all), the tokens of one model permuted ");
    es_text_count(page, pair->rsa.chance.permutations);
    es_text_add(page, " times (Procrustes: ");
    es_text_count(page, pair->procrustes.chance.permutations);
    es_text_add(page, "; the nearest: ");
    es_text_count(page, pair->overlap.chance.permutations);
    es_text_add(page, "). Score: how far from the 95&nbsp;% level of chance, 0, to a perfect "
                      "match, 1.</p>\n");
}

static es_status add_measures_section(es_text *page, const es_pair_report *report, es_error *error)
{
    (void)error;
    es_text_add(page, "<p>Four measures, each beside what it gives where nothing is paired but the "
                      "two geometries stay what they are.</p>\n");
    add_measures(page, report);
    es_text_add(page, "<p><i>Representational similarity analysis</i> asks whether pairs that are "
                      "near in A are near in B: it correlates the two matrices of cosines.</p>\n");
    es_pair_report_say_rsa(page, report);
    es_text_add(page, "<p><i>Centred kernel alignment</i> asks the same of the stored rows about "
                      "their mean, norms included; directions of large variance count most.</p>\n");
    es_pair_report_say_cka(page, report);
    es_text_add(page, "<p><i>Procrustes</i> turns one space onto the other. Many columns can be "
                      "turned onto nearly anything, hence the tokens kept out of the fit.</p>\n");
    es_pair_report_say_procrustes(page, report);
    es_text_add(page, "<p><i>Neighbour overlap</i> looks at each token&rsquo;s own list, and at "
                      "nothing farther away.</p>\n");
    es_pair_report_say_overlap(page, report);
    return ES_OK;
}

static es_status add_cosines(es_text *page, const es_pair_report *report, es_error *error)
{
    const es_comparison *comparison = &report->comparison;
    es_text_add(page, "<p>Were the two geometries one, every pair would lie on a line, and no "
                      "token would have an arrow.</p>\n");
    es_figure figure = es_figure_compare(report->spaces, comparison);
    return es_report_add_figure(
        page, &figure,
        comparison->order
            ? "The dissimilarity 1 − cos of every two shared tokens, both in the order of A."
            : "Left: pairs of tokens by their cosine in A and in B, darker where there are more "
              "(logarithmic). Right: where the tokens that moved most lie in A, and where they "
              "come to lie in B, turned onto A.",
        error);
}

/* ---- tokens -----------------------------------------------------------------------------------
 */

static void add_neighbors(es_text *page, const es_pair_report *report, const es_moved_token *token,
                          int m)
{
    int64_t k = report->comparison.pairs[0].overlap.k;
    es_text_add(page, "<td>");
    for (int64_t j = 0; j < k && j < NEIGHBORS_SHOWN; j++) {
        if (j) es_text_add(page, " ");
        es_pair_report_token(page, report, token->neighbors[m][j]);
    }
    es_text_add(page, "</td>");
}

static void add_tokens(es_text *page, const es_pair_report *report, const char *title,
                       const es_moved_token *tokens)
{
    es_text_printf(page,
                   "<div class=\"wide\"><table><tr><th>%s</th><th class=\"n\">common</th>"
                   "<th class=\"n\">drift</th><th>nearest in A</th><th>nearest in B</th></tr>\n",
                   title);
    for (int64_t i = 0; i < report->comparison.pairs[0].shown && i < TOKENS_SHOWN; i++) {
        es_text_add(page, "<tr><td>");
        es_pair_report_token(page, report, tokens[i].item);
        es_text_add(page, "</td><td class=\"n\">");
        es_text_count(page, tokens[i].common);
        es_text_add(page, "</td>");
        es_html_number_cell(page, tokens[i].drift, 4);
        for (int m = 0; m < 2; m++) add_neighbors(page, report, &tokens[i], m);
        es_text_add(page, "</tr>\n");
    }
    es_text_add(page, "</table></div>\n");
}

static es_status add_moved(es_text *page, const es_pair_report *report, es_error *error)
{
    (void)error;
    const es_pair_comparison *pair = &report->comparison.pairs[0];
    es_text_printf(
        page,
        "<p>A token has moved where its %lld nearest in one model are not near it in the "
        "other. <i>Drift</i>: how much nearer its own neighbours are than those it has "
        "in the other model; 0 for the same lists.</p>\n",
        (long long)pair->overlap.k);
    add_tokens(page, report, "moved most", pair->moved);
    add_tokens(page, report, "moved least", pair->stable);
    return ES_OK;
}

/* ---- words, spectra ---------------------------------------------------------------------------
 */

static es_status add_words(es_text *page, const es_pair_report *report, es_error *error)
{
    es_text_add(page, "<p>The matrix of a few words in one model and in the other: where both have "
                      "a block, the words belong together in both.</p>\n");
    if (!report->has_words) {
        es_text_add(page, "<p class=\"missing\">Fewer than three of this page&rsquo;s words are "
                          "tokens of both models.</p>\n");
        return ES_OK;
    }
    if (report->words.order) {
        es_figure figure = es_figure_compare(report->spaces, &report->words);
        ES_TRY(es_report_add_figure(
            page, &figure,
            "1 − cos of every two words; both in the order of the first model&rsquo;s tree.",
            error));
    }
    es_pair_report_say_words(page, report);
    return ES_OK;
}

static es_status add_spectra(es_text *page, const es_pair_report *report, es_error *error)
{
    (void)error;
    const es_compared_model *models = report->comparison.models;
    const struct {
        const char *name;
        double values[2];
        int decimals;
    } rows[] = {
        {"mean cosine", {models[0].mean_cosine, models[1].mean_cosine}, 4},
        {"standard deviation of the cosines", {models[0].deviation, models[1].deviation}, 4},
        {"effective rank", {models[0].effective_rank, models[1].effective_rank}, 1},
        {"participation ratio", {models[0].participation_ratio, models[1].participation_ratio}, 1},
    };
    es_text_add(page, "<p>Each model by itself, on the shared tokens: how far its rows lean one "
                      "way, and along how many directions they differ.</p>\n<table><tr><th></th>"
                      "<th class=\"n\">A</th><th class=\"n\">B</th></tr>\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        es_text_printf(page, "<tr><td>%s</td>", rows[i].name);
        for (int m = 0; m < 2; m++) es_html_number_cell(page, rows[i].values[m], rows[i].decimals);
        es_text_add(page, "</tr>\n");
    }
    for (int k = 0; k < SHARES_SHOWN; k++) {
        if (k >= models[0].share_count && k >= models[1].share_count) break;
        es_text_printf(page, "<tr><td>variance along direction %d, %%</td>", k + 1);
        for (int m = 0; m < 2; m++)
            if (k < models[m].share_count)
                es_html_number_cell(page, 100 * models[m].shares[k], 2);
            else
                es_text_add(page, "<td class=\"n\">–</td>");
        es_text_add(page, "</tr>\n");
    }
    es_text_add(page, "</table>\n");
    es_pair_report_say_spectra(page, report);
    return ES_OK;
}

/* ---- the page ---------------------------------------------------------------------------------
 */

static const struct section {
    const char *id, *link, *title;
    es_status (*add)(es_text *page, const es_pair_report *report, es_error *error);
} sections[] = {
    {"models", "The models", "What is compared", add_models},
    {"measures", "How alike", "How alike the two spaces are", add_measures_section},
    {"cosines", "All pairs", "One cosine against the other", add_cosines},
    {"moved", "Tokens that moved", "Tokens that moved, and tokens that did not", add_moved},
    {"words", "A few words", "A few words in both", add_words},
    {"spectra", "Spectra", "Each space by itself", add_spectra},
};
enum { SECTIONS = sizeof sections / sizeof *sections };

static void add_head(es_text *page, const es_pair_report *report)
{
    es_text name = {0};
    es_report_add_name(&name, es_space_source(report->spaces[0]));
    es_text_add(&name, " and ");
    es_report_add_name(&name, es_space_source(report->spaces[1]));
    es_report_open_page(page, &name, "two embedding spaces");
    es_text_release(&name);
    es_text_add(page, "Two models keep a vector for each token they know. This page measures, on "
                      "the ");
    es_text_count(page, report->comparison.shared.count);
    es_text_add(page, " tokens that both have, how much of the geometry of one (A) is that of the "
                      "other (B), and how much chance alone would bring.</p>\n</header>\n<nav>");
    for (size_t i = 0; i < SECTIONS; i++)
        es_text_printf(page, "%s<a href=\"#%s\">%d&nbsp;%s</a>", i ? " " : "", sections[i].id,
                       (int)i + 1, sections[i].link);
    es_text_add(page, "</nav>\n");
}

static void add_foot(es_text *page, const es_pair_report *report)
{
    es_text line = {0};
    es_source_line(&line, es_space_source(report->spaces[0]));
    es_text_add(&line, ", and ");
    es_source_line(&line, es_space_source(report->spaces[1]));
    es_text_printf(page, "<footer>\n<p>Made by embscope %s from ", es_version());
    es_html_text(page, line.data ? line.data : "", line.size);
    es_text_add(page, ".</p>\n<p>The same numbers, for a program: <code>embscope report A --with B "
                      "--json</code>; more of them: <code>embscope compare A B</code>.</p>\n");
    es_report_close_page(page);
    page->failed |= line.failed;
    es_text_release(&line);
}

es_status es_render_pair_report_html(const es_pair_report *report, FILE *out, es_error *error)
{
    es_text page = {0};
    es_status status = ES_OK;
    add_head(&page, report);
    for (size_t i = 0; i < SECTIONS && status == ES_OK; i++) {
        es_text_printf(&page, "<h2 id=\"%s\"><span class=\"no\">%d</span>%s</h2>\n", sections[i].id,
                       (int)i + 1, sections[i].title);
        status = sections[i].add(&page, report, error);
    }
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
