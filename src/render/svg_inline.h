/* What is done to gnuplot's SVG before it is shown. */
#ifndef ES_RENDER_SVG_INLINE_H
#define ES_RENDER_SVG_INLINE_H

#include "render/gnuplot.h"

#include <stdbool.h>

/* The family that scripts ask for; it stands for a list of families, which gnuplot cannot name. */
#define ES_SVG_FONT "EmbscopeSans"

/* Put the list of families in; with `inlined` also take away the XML prolog, gnuplot's own title
 * and description and the room of the figure's title, make the names in it the figure's own, and
 * turn the colours of the style (figure_style.h) into CSS variables that a page may set:
 * --figure-ink, -muted, -frame, -grid, -data, -random, -mark. */
es_status es_svg_finish(const es_figure *figure, es_text *svg, bool inlined, es_error *error);

#endif
