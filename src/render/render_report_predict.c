/* The section of the report in which the model is run: from angle to probability. */
#include "render/figure_style.h"
#include "render/html.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/report_formulas.h"
#include "render/report_sections.h"
#include "render/report_text.h"

#include <string.h>

enum { CANDIDATES = 10 };

static void add_rank_cell(es_text *page, int64_t rank)
{
    es_text_add(page, "<td class=\"n\">");
    if (rank)
        es_text_count(page, rank);
    else
        es_text_add(page, "–");
    es_text_add(page, "</td>");
}

static void add_candidates(es_text *page, const es_report *report)
{
    const es_prediction *final = es_predict_final(&report->prediction);
    es_text_add(
        page,
        "<div class=\"wide\"><table><tr><th class=\"n\">rank</th><th>token</th>"
        "<th class=\"n\"><i>P</i>, %</th><th class=\"n\">logit</th><th class=\"n\">cosine</th>"
        "<th class=\"n\">norm</th><th class=\"n\">by cosine</th>"
        "<th class=\"n\">behind</th><th class=\"n\">= angle</th>"
        "<th class=\"n\">+ norm</th></tr>\n");
    for (int64_t i = 0; i < final->count && i < CANDIDATES; i++) {
        const es_next_token *next = &final->next[i];
        es_text_printf(page, "<tr><td class=\"n\">%lld</td><td>", (long long)next->rank);
        es_report_token(page, report->unembedding, next->id);
        es_text_add(page, "</td>");
        es_html_number_cell(page, 100 * next->probability, 2);
        es_html_number_cell(page, next->logit, 3);
        es_html_number_cell(page, next->cosine, 4);
        es_html_number_cell(page, next->norm, 4);
        add_rank_cell(page, next->rank_by_cosine);
        es_html_number_cell(page, next->behind_first.logit, 3);
        es_html_number_cell(page, next->behind_first.angle, 3);
        es_html_number_cell(page, next->behind_first.norm, 3);
        es_text_add(page, "</tr>\n");
    }
    es_text_add(page,
                "</table></div>\n<p class=\"small\">By cosine: the rank, were all norms equal. "
                "Behind: how far a logit lies below the first, "
                "and the two parts of that, exactly: ‖<i>h</i>‖ times the mean norm of the two "
                "times the difference of their cosines, and ‖<i>h</i>‖ times their mean cosine "
                "times the difference of their norms.</p>\n");
}

static void add_question(es_text *page, const es_report *report)
{
    const es_predictions *prediction = &report->prediction;
    es_text_add(page, "<p>The model was run on the text ");
    es_html_token(page, prediction->prompt, prediction->prompt_size);
    es_text_add(page, ", ");
    es_report_counted(page, prediction->token_count, "token", "tokens");
    es_text_add(page, " (<code>--prompt</code> takes another). ‖<i>h</i>‖ is ");
    es_text_fixed(page, es_predict_final(prediction)->hidden_norm, 3);
    es_text_add(page, "; the candidates for the next token:</p>\n");
}

static es_status add_figures(es_text *page, const es_report *report, es_error *error)
{
    const es_predictions *prediction = &report->prediction;
    es_figure figure = es_figure_prediction(report->unembedding, prediction);
    ES_TRY(es_report_add_figure(
        page, &figure,
        "A point for each token (in a large vocabulary, for each place that has one): its cosine "
        "to "
        "<i>h</i> across, its logit upward, its norm as the colour. Were all norms equal, the "
        "points would lie on the dashed line.",
        error));
    es_report_say_order(page, report);
    figure = es_figure_probability(report->unembedding, prediction);
    ES_TRY(es_report_add_figure(
        page, &figure,
        "The probability of every token against the norm of its row. On a dashed line the angle is "
        "the same, and the norm alone makes the difference.",
        error));
    es_report_say_promoted(page, report);
    figure = es_figure_lens(report->unembedding, prediction);
    ES_TRY(es_report_add_figure(
        page, &figure,
        "The first candidates after the embedding (bottom) and after each layer, read as if it "
        "were the last. The colour is the probability.",
        error));
    es_report_say_lens(page, report);
    if (!report->attribution) return ES_OK;
    figure = es_figure_attribution(report->unembedding, report->attribution);
    ES_TRY(es_report_add_figure(
        page, &figure,
        "What each attention head, each bias and each MLP adds to the first token&rsquo;s logit "
        "less the second&rsquo;s; right: that difference on its way through the layers.",
        error));
    es_report_say_attribution(page, report);
    return ES_OK;
}

es_status es_report_add_prediction(es_text *page, const es_report *report, es_error *error)
{
    es_text_add(page,
                "<p>A model that reads a text ends with one vector, <i>h</i>, and scores every "
                "token with it: the logit <i>z</i> is the dot product of <i>h</i> and the "
                "token&rsquo;s row of the unembedding. <i>h</i> is the same for all tokens; what "
                "sets them apart is the angle of their row to it, and the row&rsquo;s length. "
                "Probabilities are the exponentials of the logits, over their sum.</p>\n");
    es_text_add(page, FORMULA_SOFTMAX);
    if (!report->has_prediction) {
        es_text_add(page, "<p class=\"missing\">This page has no prediction: ");
        es_html_text(page, report->model_missing, strlen(report->model_missing));
        es_text_add(page, ".</p>\n");
        return ES_OK;
    }
    add_question(page, report);
    add_candidates(page, report);
    return add_figures(page, report, error);
}
