#include "analysis/report_model.h"

#include "analysis/stages.h"
#include "base/memory.h"

#include <embscope/attribution.h>
#include <embscope/prompt.h>
#include <stdlib.h>
#include <string.h>

/* A sentence whose end is a noun, so that the first tokens are things to compare; a model of
 * dictionary text knows how it goes on, and so does one of any other English. */
static const char default_prompt[] = "A cat is a kind of";

#define TYING_PRODUCTS 1e12 /* n^2 d; some ten seconds of two cores */

void es_report_model_release(es_report *report)
{
    es_predict_release(&report->prediction);
    if (report->attribution) es_attribution_release(report->attribution);
    free(report->attribution);
    free(report->model_missing);
    es_tying_geometry_release(&report->tying);
    es_model_free(report->model);
}

/* The caller's prompt must do; the library's own is only tried. */
static es_status encode_prompt(const es_report_options *options, es_report *report, es_ids *ids,
                               es_error *error)
{
    bool given = options->prompt.data != NULL;
    es_bytes text = given ? options->prompt : (es_bytes){default_prompt, strlen(default_prompt)};
    es_error reason = {{0}};
    es_status status = es_prompt_encode(options->model, "the prompt", text,
                                        options->selection.special, ids, &reason);
    if (status == ES_OK) return ES_OK;
    if (given || status == ES_NO_MEMORY) return es_fail(error, status, "%s", reason.text);
    report->model_missing = es_copy_format("%s", reason.text);
    return report->model_missing ? ES_OK : es_fail_memory(error, "a text", 0);
}

/* What sets the first token's logit apart from the second's. */
static es_status attribute(es_model *model, const es_ids *ids, const es_progress *progress,
                           es_report *report, es_error *error)
{
    const es_attribution_target first_two = {.token = ES_ATTRIBUTE_TOP,
                                             .against = ES_ATTRIBUTE_SECOND};
    if (report->prediction.rows < 2) return ES_OK;
    report->attribution = calloc(1, sizeof *report->attribution);
    if (!report->attribution) return es_fail_memory(error, "an attribution", 0);
    es_status status = es_attribution_compute(model, ids->id, ids->count, &first_two, progress,
                                              report->attribution, error);
    report->prediction.attribution = report->attribution;
    return status;
}

es_status es_report_predict(const es_report_options *options, const es_progress *progress,
                            es_report *report, es_error *error)
{
    if (!options->model) {
        if (!options->model_missing) return ES_OK;
        report->model_missing = es_copy_format("%s", options->model_missing);
        return report->model_missing ? ES_OK : es_fail_memory(error, "a text", 0);
    }
    es_ids ids = {0};
    ES_TRY(encode_prompt(options, report, &ids, error));
    if (report->model_missing) { /* there is a model, but no prompt for it */
        es_ids_release(&ids);
        return ES_OK;
    }
    es_predict_options how = {.lens = true, .keep_rows = true, .threads = options->threads};
    how.progress = *progress;
    es_status status =
        es_predict_compute(options->model, ids.id, ids.count, &how, &report->prediction, error);
    report->has_prediction = status == ES_OK;
    report->unembedding = es_model_unembedding(options->model);
    if (status == ES_OK) status = attribute(options->model, &ids, progress, report, error);
    es_ids_release(&ids);
    if (report->unembedding == report->space) { /* the weights are large, and all has been said */
        es_model_free(report->model);
        report->model = NULL;
    }
    return status;
}

es_status es_report_compare_tables(es_space *space, const es_report_options *options,
                                   const es_progress *progress, es_report *report, es_error *error)
{
    const es_table_comparison *tables = &report->info.tables;
    double rows = (double)es_space_row_count(space), columns = (double)es_space_column_count(space);
    if (tables->how != ES_TYING_ROWS_DIFFER || rows * rows * columns > TYING_PRODUCTS) return ES_OK;
    es_tying_options how = {.threads = options->threads, .progress = *progress};
    es_error reason = {{0}};
    es_status status = es_tying_geometry_compute(space, &how, &report->tying, &reason);
    if (status == ES_UNSUPPORTED || status == ES_BAD_INPUT) return ES_OK;
    report->has_tying = status == ES_OK;
    return status == ES_OK ? ES_OK : es_fail(error, status, "%s", reason.text);
}
