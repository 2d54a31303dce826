/* What is done to gnuplot's SVG before it is shown. */
#ifndef ES_RENDER_SVG_INLINE_H
#define ES_RENDER_SVG_INLINE_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>

/* The family that scripts ask for; it stands for a list of families, which gnuplot cannot name. */
#define ES_SVG_FONT "EmbscopeSans"

/* Put the list of families in; with `inlined` also take the XML prolog and gnuplot's own title and
 * description away and turn the colours of the style (figure_style.h) into CSS variables that a
 * page may set: --figure-ink, --figure-muted, --figure-frame, --figure-grid, --figure-paper. */
es_status es_svg_finish(es_text *svg, bool inlined, es_error *error);

#endif
