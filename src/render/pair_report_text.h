/* What the numbers of a report on two models say, in sentences, as report_text.h has them. */
#ifndef ES_RENDER_PAIR_REPORT_TEXT_H
#define ES_RENDER_PAIR_REPORT_TEXT_H

#include "base/text.h"

#include <embscope/pair_report.h>

void es_pair_report_say_shared(es_text *page, const es_pair_report *report);
void es_pair_report_say_rsa(es_text *page, const es_pair_report *report);
void es_pair_report_say_cka(es_text *page, const es_pair_report *report);
void es_pair_report_say_procrustes(es_text *page, const es_pair_report *report);
void es_pair_report_say_overlap(es_text *page, const es_pair_report *report);
void es_pair_report_say_spectra(es_text *page, const es_pair_report *report);
void es_pair_report_say_words(es_text *page, const es_pair_report *report);

/* The token of an item in the first model whose rows have names. */
void es_pair_report_token(es_text *page, const es_pair_report *report, int64_t item);

#endif
