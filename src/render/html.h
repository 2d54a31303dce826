/* Pieces of an HTML page. All text that comes from a file goes through es_html_text(). */
#ifndef ES_RENDER_HTML_H
#define ES_RENDER_HTML_H

#include "base/text.h"

#include <stddef.h>

/* Append text for content and for quoted attributes alike: & < > " ' as references, ill-formed
 * UTF-8 as U+FFFD, control characters and those that turn text around as visible \x0A, \u{202E}. */
void es_html_text(es_text *page, const char *data, size_t size);

/* A token: <code class="token">" cat"</code>; NULL data is a row without one. */
void es_html_token(es_text *page, const char *data, size_t size);

/* A number's cell, <td>0.1234</td>; a dash where undefined. */
void es_html_number_cell(es_text *page, double value, int decimals);

/* A cell with a cosine and a bar as long as it is. */
void es_html_cosine_cell(es_text *page, double cosine);

/* The style of the report's page. */
void es_html_style(es_text *page);

#endif
