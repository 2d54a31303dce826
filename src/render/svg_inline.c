#include "render/svg_inline.h"

#include "render/figure_style.h"

#include <stdio.h>
#include <string.h>

typedef struct replacement {
    char from[40];
    char to[112];
} replacement;

/* gnuplot writes '#1f2937' as "rgb( 31,  41,  55)" in some places and as it is in others. */
static void name_color(replacement two[2], const char *hex, const char *variable)
{
    unsigned red = 0, green = 0, blue = 0;
    sscanf(hex + 1, "%2x%2x%2x", &red, &green, &blue);
    snprintf(two[0].from, sizeof two[0].from, "rgb(%3u, %3u, %3u)", red, green, blue);
    snprintf(two[1].from, sizeof two[1].from, "rgb(%u,%u,%u)", red, green, blue);
    for (int i = 0; i < 2; i++)
        snprintf(two[i].to, sizeof two[i].to, "var(--figure-%s,%s)", variable, hex);
}

static void replace_all(es_text *out, const char *data, size_t size, const replacement *list,
                        int count)
{
    for (size_t at = 0; at < size;) {
        int found = -1;
        for (int i = 0; i < count && found < 0; i++) {
            size_t length = strlen(list[i].from);
            if (length <= size - at && memcmp(data + at, list[i].from, length) == 0) found = i;
        }
        if (found < 0) {
            size_t run = 1; /* every replacement starts with 'r' or 'f' */
            while (at + run < size && data[at + run] != 'r' && data[at + run] != 'f') run++;
            es_text_append(out, data + at, run);
            at += run;
        } else {
            es_text_add(out, list[found].to);
            at += strlen(list[found].from);
        }
    }
}

/* From `start` up to and with `end`, where both are there. */
static void cut(es_text *svg, const char *start, const char *end)
{
    char *from = strstr(svg->data, start);
    char *to = from ? strstr(from, end) : NULL;
    if (!to) return;
    to += strlen(end);
    memmove(from, to, svg->size - (size_t)(to - svg->data) + 1);
    svg->size -= (size_t)(to - from);
}

es_status es_svg_finish(es_text *svg, bool inlined, es_error *error)
{
    replacement list[14] = {{"font-family=\"" ES_SVG_FONT "\"",
                             "font-family=\"Inter, 'Helvetica Neue', Helvetica, Arial, "
                             "'Liberation Sans', sans-serif\""},
                            {"reserveAspectRatio='none'",
                             "reserveAspectRatio='none' style='image-rendering:pixelated'"}};
    int count = 2;
    if (inlined) {
        static const char *const named[][2] = {{ES_STYLE_INK, "ink"},
                                               {ES_STYLE_MUTED, "muted"},
                                               {ES_STYLE_FRAME, "frame"},
                                               {ES_STYLE_GRID, "grid"},
                                               {ES_STYLE_PAPER, "paper"}};
        for (size_t i = 0; i < sizeof named / sizeof *named; i++, count += 2)
            name_color(list + count, named[i][0], named[i][1]);
        cut(svg, "<?xml", "?>");
        cut(svg, "<title>", "</title>");
        cut(svg, "<desc>", "</desc>");
    }
    es_text out = {0};
    replace_all(&out, svg->data, svg->size, list, count);
    if (out.failed) {
        es_text_release(&out);
        return es_fail_memory(error, "a figure", svg->size);
    }
    es_text_release(svg);
    *svg = out;
    return ES_OK;
}
