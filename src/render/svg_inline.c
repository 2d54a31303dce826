#include "render/svg_inline.h"

#include "render/figure_style.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_REPLACEMENTS = 24, TITLE_HEIGHT = 50 };

typedef struct replacement {
    char from[40];
    char to[112];
} replacement;

typedef struct replacements {
    replacement list[MOST_REPLACEMENTS];
    int count;
    char starts[MOST_REPLACEMENTS + 1]; /* the first bytes of all `from` */
} replacements;

static void add(replacements *all, const char *from, const char *prefix, const char *to)
{
    replacement *next = &all->list[all->count];
    snprintf(next->from, sizeof next->from, "%s", from);
    snprintf(next->to, sizeof next->to, "%s%s", prefix, to);
    all->starts[all->count++] = from[0];
}

/* gnuplot writes '#1f2937' as "rgb( 31,  41,  55)" in some places and without blanks in others. */
static void name_color(replacements *all, const char *hex, const char *variable)
{
    unsigned long color = strtoul(hex + 1, NULL, 16);
    unsigned red = color >> 16 & 0xFF, green = color >> 8 & 0xFF, blue = color & 0xFF;
    char from[40], to[64];
    snprintf(to, sizeof to, "var(--figure-%s,%s)", variable, hex);
    snprintf(from, sizeof from, "rgb(%3u, %3u, %3u)", red, green, blue);
    add(all, from, "", to);
    snprintf(from, sizeof from, "rgb(%u,%u,%u)", red, green, blue);
    add(all, from, "", to);
}

static void replace_all(es_text *out, const es_text *svg, const replacements *all)
{
    for (size_t at = 0; at < svg->size;) {
        size_t run = strcspn(svg->data + at, all->starts);
        es_text_append(out, svg->data + at, run);
        at += run;
        if (at == svg->size) return;
        int found = -1;
        for (int i = 0; i < all->count && found < 0; i++)
            if (strncmp(svg->data + at, all->list[i].from, strlen(all->list[i].from)) == 0)
                found = i;
        if (found < 0) {
            es_text_append(out, svg->data + at++, 1);
        } else {
            es_text_add(out, all->list[found].to);
            at += strlen(all->list[found].from);
        }
    }
}

/* From `start` up to and with `end`, where both are there: was something cut? */
static bool cut(es_text *svg, const char *start, const char *end)
{
    char *from = strstr(svg->data, start);
    char *to = from ? strstr(from, end) : NULL;
    if (!to) return false;
    to += strlen(end);
    memmove(from, to, svg->size - (size_t)(to - svg->data) + 1);
    svg->size -= (size_t)(to - from);
    return true;
}

static void add_inline(replacements *all, const es_figure *figure)
{
    static const char *const named[][2] = {{ES_STYLE_INK, "ink"},     {ES_STYLE_MUTED, "muted"},
                                           {ES_STYLE_FRAME, "frame"}, {ES_STYLE_GRID, "grid"},
                                           {ES_STYLE_DATA, "data"},   {ES_STYLE_RANDOM, "random"},
                                           {ES_STYLE_MARK, "mark"}};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        name_color(all, named[i][0], named[i][1]);
    /* Names are unique in a page, not only in a figure. */
    char to[64], whole[40];
    snprintf(to, sizeof to, "%s-gp", figure->name);
    add(all, "id='gp", "id='", to);
    add(all, "'#gp", "'#", to);
    snprintf(to, sizeof to, "%s-", figure->name);
    add(all, "id=\"gnuplot_", "id=\"", to);
    /* The page has words of its own where the title would stand. */
    snprintf(whole, sizeof whole, "\"0 0 %d %d\"", figure->width, figure->height);
    snprintf(to, sizeof to, "\"0 %d %d %d\" role=\"img\"", TITLE_HEIGHT, figure->width,
             figure->height - TITLE_HEIGHT);
    add(all, whole, "", to);
    snprintf(whole, sizeof whole, " height=\"%d\"\n viewBox", figure->height);
    snprintf(to, sizeof to, " height=\"%d\"\n viewBox", figure->height - TITLE_HEIGHT);
    add(all, whole, "", to);
}

es_status es_svg_finish(const es_figure *figure, es_text *svg, bool inlined, es_error *error)
{
    static const char families[] =
        "font-family=\"Inter,'Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif\"";
    replacements all = {.count = 0};
    add(&all, "font-family=\"" ES_SVG_FONT "\"", "", families);
    add(&all, "font-family=\"" ES_SVG_FONT ":Bold\"", "font-weight=\"600\" ", families);
    add(&all, "preserveAspectRatio='none'", "style='image-rendering:pixelated' ",
        "preserveAspectRatio='none'");
    if (inlined) {
        add_inline(&all, figure);
        cut(svg, "<?xml", "?>");
        while (cut(svg, "<title>", "</title>")) { /* each line's command, shown on hovering */
        }
        cut(svg, "<desc>", "</desc>");
    }
    es_text out = {0};
    replace_all(&out, svg, &all);
    if (out.failed) {
        es_text_release(&out);
        return es_fail_memory(error, "a figure", svg->size);
    }
    es_text_release(svg);
    *svg = out;
    return ES_OK;
}
