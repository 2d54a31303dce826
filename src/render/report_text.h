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

#endif
