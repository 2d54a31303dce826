/* How every figure looks, and how its parts are laid out: one place for colours and type. */
#ifndef ES_RENDER_FIGURE_STYLE_H
#define ES_RENDER_FIGURE_STYLE_H

#include "render/gnuplot.h"

#include <embscope/plot.h>
#include <embscope/report.h>

#define ES_STYLE_INK      "#1f2937" /* titles, labels */
#define ES_STYLE_MUTED    "#667085" /* subtitle, tick labels */
#define ES_STYLE_FRAME    "#98a2b4" /* axes */
#define ES_STYLE_GRID     "#e4e7ed"
#define ES_STYLE_DATA_HEX "3c72b0"
#define ES_STYLE_DATA     "#" ES_STYLE_DATA_HEX /* this space */
#define ES_STYLE_RANDOM   "#e07b39"             /* the random law */
#define ES_STYLE_MARK     "#b42f4b"             /* what is pointed at */

/* A figure of this size with title and subtitle (plain text, any bytes) set at its top left and
 * axes, grid and fonts in the house style; its plot area, in pixels from the figure's edges, is
 * left to es_figure_area(). */
es_figure es_figure_start(const char *name, int width, int height, const es_text *title,
                          const es_text *subtitle);

/* The plot area, in pixels from the left, right, top and bottom edge. */
void es_figure_area(es_figure *figure, int left, int right, int top, int bottom);

/* Commands that write a fixed text (no quote or backslash in it) at a place, in pixels from the
 * left and the top. */
void es_figure_note(es_figure *figure, double x, double y, const char *color, const char *text);

/* A token as a figure's label: bytes escaped, a leading space shown as "␣" unless `drop_space`, at
 * most `columns` wide. */
void es_figure_label(es_text *label, const char *data, size_t size, bool drop_space, int columns);

/* Width in pixels that text of this many columns takes at a font size, on average. */
double es_figure_text_width(int columns, double font_size);

/* The scripts of the figures, for a file or for a page. Each returns a figure whose script may have
 * failed for lack of memory (told by es_gnuplot_draw). */
es_figure es_figure_matrix(const es_space *space, const es_matrix *matrix);
es_figure es_figure_distribution(const es_space *space, const es_distribution *distribution);
es_figure es_figure_spectrum(const es_space *space, const es_spectrum *spectrum);
es_figure es_figure_neighbors(const es_space *space, const es_neighbors *neighbors);
es_figure es_figure_hubness(const es_space *space, const es_knn *knn);
es_figure es_figure_positions(const es_space *space, const es_positions *positions);
es_figure es_figure_token_map(const es_space *space, const es_token_map *map);
es_figure es_figure_audit(const es_space *space, const es_audit *audit);
es_figure es_figure_clusters(const es_space *space, const es_clusters *clusters);
/* Needs keep_rows. */
es_figure es_figure_prediction(const es_space *space, const es_predictions *predictions);
es_figure es_figure_probability(const es_space *space, const es_predictions *predictions);
/* One position, or every one. */
es_figure es_figure_lens(const es_space *space, const es_predictions *predictions);
/* Needs every position, and two tokens. */
es_figure es_figure_surprisal(const es_space *space, const es_predictions *predictions);
es_figure es_figure_evaluation(const es_space *space, const es_evaluation *evaluation);
es_figure es_figure_tying(const es_space *space, const es_tying_geometry *geometry);
es_figure es_figure_attribution(const es_space *space, const es_attribution *attribution);
es_figure es_figure_compare(es_space *const *spaces, const es_comparison *comparison);
es_figure es_figure_drift(es_space *const *spaces, const char *const *names, const es_drift *drift);
es_figure es_figure_embeddings(const es_space *space, const es_selection *selection,
                               const double *vectors);

#endif
