/* The report on two models for a terminal and as JSON; render_pair_report_html.c has the page. */
#include "render/render_common.h"
#include "render/table.h"

static void title(const char *text, const es_render_options *options, FILE *out)
{
    fprintf(out, "\n%s%s%s\n\n", es_ink_code(ES_INK_BOLD, options->color), text,
            es_ink_code(ES_INK_PLAIN, options->color));
}

static es_status report_text(const es_pair_report *report, const es_render_options *options,
                             FILE *out, es_error *error)
{
    ES_TRY(es_render_compare_heading(report->spaces, &report->comparison, options, out, error));
    for (int m = 0; m < 2; m++) {
        title(m ? "B" : "A", options, out);
        ES_TRY(es_render_info_body(report->spaces[m], &report->info[m], options, out, error));
    }
    title("On the tokens that both have", options, out);
    ES_TRY(es_render_compare_body(report->spaces, &report->comparison, options, out, error));
    if (!report->has_words) return ES_OK;
    title("On a few words", options, out);
    return es_render_compare_body(report->spaces, &report->words, options, out, error);
}

static void report_json(const es_pair_report *report, const es_render_options *options, FILE *out)
{
    es_json_writer json = es_json_write_to(out);
    es_render_json_begin(&json, report->spaces[0], "report");
    es_json_write_key(&json, "infos");
    es_json_write_array(&json);
    for (int m = 0; m < 2; m++) {
        es_json_write_object(&json);
        es_render_info_members(&json, report->spaces[m], &report->info[m]);
        es_json_write_end(&json);
    }
    es_json_write_end(&json);
    es_json_write_key(&json, "comparison");
    es_json_write_object(&json);
    es_render_compare_members(&json, report->spaces, &report->comparison);
    es_json_write_end(&json);
    es_json_write_key(&json, "words");
    if (report->has_words) {
        es_json_write_object(&json);
        es_render_compare_members(&json, report->spaces, &report->words);
        es_json_write_end(&json);
    } else {
        es_json_write_null(&json);
    }
    es_render_json_end(&json, options);
}

es_status es_render_pair_report(const es_pair_report *report, const es_render_options *options,
                                FILE *out, es_error *error)
{
    if (options->output == ES_OUTPUT_JSON)
        report_json(report, options, out);
    else if (options->output == ES_OUTPUT_CSV)
        return es_render_compare(report->spaces, &report->comparison, options, out, error);
    else
        ES_TRY(report_text(report, options, out, error));
    return es_render_finish(out, error);
}
