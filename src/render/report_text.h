/* What the numbers of a report say, in sentences: each true of every model, a sentence's turn
 * chosen by the numbers themselves. HTML, appended to the page as paragraphs of a finding. */
#ifndef ES_RENDER_REPORT_TEXT_H
#define ES_RENDER_REPORT_TEXT_H

#include "base/text.h"

#include <embscope/report.h>

void es_report_say_loaded(es_text *page, const es_report *report);
void es_report_say_norms(es_text *page, const es_report *report);
void es_report_say_pairs(es_text *page, const es_report *report);
void es_report_say_neighbors(es_text *page, const es_report *report);
void es_report_say_matrix(es_text *page, const es_report *report);
void es_report_say_distribution(es_text *page, const es_report *report);
void es_report_say_euclid(es_text *page, const es_report *report);
void es_report_say_nearest(es_text *page, const es_report *report);
void es_report_say_spectrum(es_text *page, const es_report *report);
void es_report_say_clusters(es_text *page, const es_report *report);
void es_report_say_audit(es_text *page, const es_report *report);
void es_report_say_map(es_text *page, const es_report *report);
void es_report_say_positions(es_text *page, const es_report *report);
void es_report_say_tying(es_text *page, const es_report *report); /* sentences, no finding */
void es_report_say_tying_geometry(es_text *page, const es_report *report);
void es_report_say_order(es_text *page, const es_report *report);
void es_report_say_promoted(es_text *page, const es_report *report);
void es_report_say_lens(es_text *page, const es_report *report);
void es_report_say_attribution(es_text *page, const es_report *report);

/* What they are put together from: a finding's beginning, its next paragraph, its end; "1 row",
 * "2,000 rows"; a share in percent. */
void es_report_token(es_text *page, const es_space *space, int64_t id); /* or "row 7" */
void es_report_begin(es_text *page);
void es_report_next(es_text *page);
void es_report_end(es_text *page);
void es_report_counted(es_text *page, int64_t count, const char *one, const char *many);
void es_report_percent(es_text *page, double share);

#endif
