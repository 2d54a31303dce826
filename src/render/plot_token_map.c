/* A map of the vocabulary: a point for each token drawn, the report's words named. */
#include "base/memory.h"
#include "render/display.h"
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>
#include <stdlib.h>

enum { WIDTH = 820, HEIGHT = 640, LEFT = 66, RIGHT = 24, TOP = 66, BOTTOM = 58 };
enum { NAMED = 40, LONGEST = 16, LABEL_HEIGHT = 14 };

typedef struct frame {
    double low[2], high[2];
} frame;

static frame choose_frame(const es_token_map *map)
{
    frame frame = {{INFINITY, INFINITY}, {-INFINITY, -INFINITY}};
    for (int64_t i = 0; i < map->count; i++) {
        const double at[2] = {map->points[i].x, map->points[i].y};
        for (int k = 0; k < 2; k++) {
            frame.low[k] = fmin(frame.low[k], at[k]);
            frame.high[k] = fmax(frame.high[k], at[k]);
        }
    }
    for (int k = 0; k < 2; k++) {
        double pad = 0.04 * (frame.high[k] - frame.low[k]);
        if (!(pad > 1e-9)) pad = 0.01;
        frame.low[k] -= pad;
        frame.high[k] += pad;
    }
    return frame;
}

typedef struct box {
    double x, y, width; /* left end and middle, in pixels */
} box;

static bool is_free(const box *here, const box *others, int count)
{
    if (here->x < LEFT || here->x + here->width > WIDTH - 4 || here->y < TOP + 8 ||
        here->y > HEIGHT - BOTTOM - 8)
        return false;
    for (int i = 0; i < count; i++)
        if (here->x < others[i].x + others[i].width && others[i].x < here->x + here->width &&
            fabs(here->y - others[i].y) < LABEL_HEIGHT)
            return false;
    return true;
}

/* Right of its point, left, above or below: where it covers no other name; left out otherwise. */
static bool place(const frame *frame, const es_map_point *point, double width, box *boxes,
                  int count)
{
    double x = LEFT + (point->x - frame->low[0]) / (frame->high[0] - frame->low[0]) *
                          (WIDTH - LEFT - RIGHT);
    double y = TOP + (frame->high[1] - point->y) / (frame->high[1] - frame->low[1]) *
                         (HEIGHT - TOP - BOTTOM);
    const box tries[] = {{x + 8, y, width},
                         {x - 8 - width, y, width},
                         {x - width / 2, y - 12, width},
                         {x - width / 2, y + 12, width}};
    for (int t = 0; t < 4; t++) {
        if (!is_free(&tries[t], boxes, count)) continue;
        boxes[count] = tries[t];
        return true;
    }
    return false;
}

static void add_names(es_text *script, const es_space *space, const es_token_map *map,
                      const frame *frame, bool drop_space, int *named)
{
    box boxes[NAMED];
    es_text_add(script, "$names << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < map->count && *named < NAMED; i++) {
        const es_map_point *point = &map->points[i];
        if (!point->named) continue;
        es_bytes token = es_vocabulary_token(es_space_vocabulary(space), point->id);
        es_text text = {0};
        es_figure_label(&text, token.data, token.size, drop_space, LONGEST);
        script->failed |= text.failed;
        double width =
            text.data ? es_figure_text_width(es_display_width(text.data, text.size), 11.5) + 4 : 0;
        if (text.data && place(frame, point, width, boxes, *named)) {
            const box *at = &boxes[(*named)++];
            double x = frame->low[0] + (at->x + at->width / 2 - LEFT) / (WIDTH - LEFT - RIGHT) *
                                           (frame->high[0] - frame->low[0]);
            double y = frame->high[1] -
                       (at->y - TOP) / (HEIGHT - TOP - BOTTOM) * (frame->high[1] - frame->low[1]);
            es_text_shortest(script, x);
            es_text_add(script, " ");
            es_text_shortest(script, y);
            es_text_add(script, " ");
            es_gnuplot_field(script, text.data, text.size);
            es_text_add(script, "\n");
        }
        es_text_release(&text);
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

static int add_points(es_text *script, const es_token_map *map, bool named)
{
    int count = 0;
    es_text_printf(script, "$%s << " ES_GNUPLOT_END "\n", named ? "marked" : "points");
    for (int64_t i = 0; i < map->count; i++) {
        if (map->points[i].named != named) continue;
        es_text_fixed(script, map->points[i].x, 5);
        es_text_add(script, " ");
        es_text_fixed(script, map->points[i].y, 5);
        es_text_add(script, "\n");
        count++;
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    return count;
}

static bool all_spaced(const es_space *space, const es_token_map *map)
{
    for (int64_t i = 0; i < map->count; i++) {
        es_bytes token = es_vocabulary_token(es_space_vocabulary(space), map->points[i].id);
        if (map->points[i].named && (!token.size || token.data[0] != ' ')) return false;
    }
    return true;
}

static void add_axis(es_text *script, const frame *frame, const es_token_map *map, int k)
{
    char name = k ? 'y' : 'x';
    es_text_printf(script, "set %crange [", name);
    es_text_shortest(script, frame->low[k]);
    es_text_add(script, ":");
    es_text_shortest(script, frame->high[k]);
    es_text_printf(script, "]\nset %clabel 'principal direction %d, ", name, k + 1);
    es_text_fixed(script, 100 * map->share[k], 1);
    es_text_add(script, " % of the variance'\n");
}

es_figure es_figure_token_map(const es_space *space, const es_token_map *map)
{
    es_text title = {0}, subtitle = {0};
    es_text_count(&title, map->count);
    es_text_add(&title, " tokens on two principal directions");
    es_source_caption(&subtitle, es_space_source(space));
    bool spaced = all_spaced(space, map);
    if (spaced) es_text_add(&subtitle, "; names with their leading space");
    es_figure figure = es_figure_start("token-map", WIDTH, HEIGHT, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    es_text *script = &figure.script;
    es_figure_area(&figure, LEFT, RIGHT, TOP, BOTTOM);
    frame frame = choose_frame(map);
    int points = add_points(script, map, false), marked = add_points(script, map, true), named = 0;
    add_names(script, space, map, &frame, spaced, &named);
    add_axis(script, &frame, map, 0);
    add_axis(script, &frame, map, 1);
    es_text_add(script, "plot ");
    if (points)
        es_text_add(script,
                    "$points using 1:2 with points pt 7 ps 0.3 lc rgb '#b4" ES_STYLE_DATA_HEX "'");
    if (marked)
        es_text_printf(script,
                       "%s$marked using 1:2 with points pt 7 ps 0.5 lc rgb '" ES_STYLE_MARK "'",
                       points ? ", " : "");
    if (named)
        es_text_add(script, ", $names using 1:2:3 with labels center font LABEL_FONT textcolor rgb "
                            "'" ES_STYLE_INK "' noenhanced");
    es_text_add(script, "\n");
    return figure;
}
