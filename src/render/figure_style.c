#include "render/figure_style.h"

#include "base/utf8.h"
#include "render/display.h"
#include "render/number_text.h"

#include <string.h>

/* A number inside a script: always with a point. */
static void add(es_text *script, double value)
{
    es_text_fixed(script, value, 5);
}

static void add_place(es_figure *figure, double x, double y)
{
    es_text_add(&figure->script, "screen ");
    add(&figure->script, x / figure->width);
    es_text_add(&figure->script, ", screen ");
    add(&figure->script, 1 - y / figure->height);
}

es_figure es_figure_start(const char *name, int width, int height, const es_text *title,
                          const es_text *subtitle)
{
    es_figure figure = {.width = width, .height = height, .name = name};
    es_text *script = &figure.script;
    script->failed |= title->failed || subtitle->failed;
    es_gnuplot_line(script, "title_text", title->data ? title->data : "", title->size);
    es_gnuplot_line(script, "subtitle_text", subtitle->data ? subtitle->data : "", subtitle->size);
    /* Some commands take a font's name from a variable but from no expression. */
    es_text_add(script,
                "font(size, face) = sprintf('%s%s,%g', ES_FONT, face, size * ES_SCALE)\n"
                "TITLE_FONT = font(15, ':Bold')\nSUBTITLE_FONT = font(11, '')\n"
                "TIC_FONT = font(11, '')\nAXIS_FONT = font(12, '')\n"
                "LABEL_FONT = font(11.5, '')\nSMALL_FONT = font(10, '')\n"
                "unset key\n"
                "set border 3 lc rgb '" ES_STYLE_FRAME "' lw 1\n"
                "set tics nomirror out scale 0.5 textcolor rgb '" ES_STYLE_MUTED "' font TIC_FONT\n"
                "set grid xtics ytics back lt 1 lc rgb '" ES_STYLE_GRID "' lw 0.75\n"
                "set xlabel textcolor rgb '" ES_STYLE_INK "' font AXIS_FONT\n"
                "set ylabel textcolor rgb '" ES_STYLE_INK "' font AXIS_FONT\n");
    es_text_add(script, "if (TITLED) set label 1 title_text at ");
    add_place(&figure, 20, 24);
    es_text_add(script, " left textcolor rgb '" ES_STYLE_INK "' font TITLE_FONT noenhanced\n"
                        "if (TITLED) set label 2 subtitle_text at ");
    add_place(&figure, 20, 44);
    es_text_add(script, " left textcolor rgb '" ES_STYLE_MUTED "' font SUBTITLE_FONT noenhanced\n");
    return figure;
}

void es_figure_area(es_figure *figure, int left, int right, int top, int bottom)
{
    const struct {
        const char *name;
        double place;
    } margins[] = {{"lmargin", (double)left / figure->width},
                   {"rmargin", 1 - (double)right / figure->width},
                   {"tmargin", 1 - (double)top / figure->height},
                   {"bmargin", (double)bottom / figure->height}};
    for (int i = 0; i < 4; i++) {
        es_text_printf(&figure->script, "set %s at screen ", margins[i].name);
        add(&figure->script, margins[i].place);
        es_text_add(&figure->script, "\n");
    }
}

void es_figure_note(es_figure *figure, double x, double y, const char *color, const char *text)
{
    es_text_printf(&figure->script, "set label \"%s\" at ", text);
    add_place(figure, x, y);
    es_text_printf(&figure->script, " left textcolor rgb '%s' font LABEL_FONT noenhanced\n", color);
}

void es_figure_label(es_text *label, const char *data, size_t size, bool drop_space, int columns)
{
    es_text shown = {0};
    if (!data) {
        es_text_add(&shown, "(no token)");
    } else if (size && data[0] == ' ') {
        if (!drop_space) es_text_add(&shown, "␣");
        es_display_plain(&shown, data + 1, size - 1);
    } else {
        es_display_plain(&shown, data, size);
    }
    label->failed |= shown.failed;
    size_t prefix = shown.size ? es_display_prefix(shown.data, shown.size, columns) : 0;
    if (prefix < shown.size) prefix = es_display_prefix(shown.data, shown.size, columns - 1);
    es_text_append(label, shown.data, prefix);
    if (prefix < shown.size) es_text_add(label, "…");
    es_text_release(&shown);
}

double es_figure_text_width(int columns, double font_size)
{
    return 0.56 * font_size * columns;
}
