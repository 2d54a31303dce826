/* The sections of the report's page, each appended to it without its heading. */
#ifndef ES_RENDER_REPORT_SECTIONS_H
#define ES_RENDER_REPORT_SECTIONS_H

#include "base/text.h"
#include "render/gnuplot.h"

#include <embscope/report.h>

/* The page's beginning, up to its lead paragraph, which is left open: `name` is HTML, `subject` "an
 * embedding space"; and its end, from within the footer. */
void es_report_open_page(es_text *page, const es_text *name, const char *subject);
void es_report_close_page(es_text *page);

/* The last part of a path, or of its folder where the file is one of a model's. */
void es_report_add_name(es_text *page, const es_source *source);

/* A figure with its caption, or words where it would stand. Takes over the figure's script. Only
 * lack of memory is an error. */
es_status es_report_add_figure(es_text *page, es_figure *figure, const char *caption,
                               es_error *error);

es_status es_report_add_table(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_norms(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_cosine(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_plane(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_neighbors(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_distribution(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_nearest(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_spectrum(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_clusters(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_audit(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_map(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_matrix(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_euclid(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_prediction(es_text *page, const es_report *report, es_error *error);
es_status es_report_add_positions(es_text *page, const es_report *report, es_error *error);

#endif
