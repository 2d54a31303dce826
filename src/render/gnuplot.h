/* gnuplot as a drawing engine: a script in, the bytes of a figure out.
 *
 * The program is looked for on PATH, reads no start-up file of the user's and sees no variable of
 * the environment but a UTF-8 locale. Text that came from a file reaches it as data only: in a data
 * block, each ASCII byte but letters and spaces as \ooo (es_gnuplot_field), or as a line of a
 * text block that is read into a string variable (es_gnuplot_line). Neither is ever scanned for
 * commands, back-quotes or macros, and every terminal is told `noenhanced`. */
#ifndef ES_RENDER_GNUPLOT_H
#define ES_RENDER_GNUPLOT_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>

typedef enum es_figure_form {
    ES_FIGURE_SVG,
    ES_FIGURE_PNG,
    ES_FIGURE_PDF,
    ES_FIGURE_INLINE, /* SVG to stand in an HTML page: see svg_inline.h */
} es_figure_form;

/* A figure to be drawn: gnuplot commands but for the terminal, and its size in CSS pixels. Release
 * with es_text_release(&figure.script). */
typedef struct es_figure {
    es_text script;
    int width, height;
    const char *name; /* of a fixed list: "matrix" */
} es_figure;

/* The end of every data block. */
#define ES_GNUPLOT_END "EMBSCOPE_END"

/* Append a quoted field of a data block that reads as this text. */
void es_gnuplot_field(es_text *script, const char *data, size_t size);

/* Append commands that make `variable` (a fixed name) a string of this text. */
void es_gnuplot_line(es_text *script, const char *variable, const char *data, size_t size);

/* Draw. *bytes is the caller's to release. UNSUPPORTED where gnuplot is absent, INTERNAL with its
 * own words where it refuses the script or takes longer than a minute. */
es_status es_gnuplot_draw(const es_figure *figure, es_figure_form form, es_text *bytes,
                          es_error *error);

/* The form that a path's ending asks for. BAD_ARGUMENT for any but .svg, .png and .pdf. */
es_status es_figure_form_of(const char *path, es_figure_form *form, es_error *error);

/* Draw into a file, which appears whole or not at all. Takes over figure->script. */
es_status es_figure_save(es_figure *figure, const char *path, es_error *error);

/* Write a file beside `path` and rename it there. CANNOT_WRITE. */
es_status es_output_replace(const char *path, const char *data, size_t size, es_error *error);

#endif
