/* A map of clusters: each centre where the two leading principal directions of the centres put it,
 * a disc as large as its cluster, the largest ones named where there is room. */
#include "base/memory.h"
#include "render/display.h"
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>
#include <stdlib.h>

enum {
    WIDTH = 820,
    HEIGHT = 660,
    LEFT = 66,
    RIGHT = 24,
    TOP = 74,
    BOTTOM = 58,
    NAMED = 48,
    LABEL_HEIGHT = 15,
    LONGEST = 16,
};

#define COVERED 0.12 /* share of the plot's area that all discs cover together */

/* Both axes in one scale, so that distances on the map are distances. */
typedef struct view {
    double x, y;  /* of the middle of the plot */
    double pixel; /* of both axes */
    double disc;  /* pixels of radius for each square root of a cluster's size */
} view;

static const double middle_x = (LEFT + WIDTH - RIGHT) / 2.0;
static const double middle_y = (TOP + HEIGHT - BOTTOM) / 2.0;

static double x_pixel(const view *axes, double x)
{
    return middle_x + (x - axes->x) / axes->pixel;
}

static double y_pixel(const view *axes, double y)
{
    return middle_y - (y - axes->y) / axes->pixel;
}

static view choose_view(const es_clusters *clusters)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY}, rows = 0;
    for (int64_t c = 0; c < clusters->count; c++) {
        const es_cluster *cluster = &clusters->clusters[c];
        low[0] = fmin(low[0], cluster->x);
        high[0] = fmax(high[0], cluster->x);
        low[1] = fmin(low[1], cluster->y);
        high[1] = fmax(high[1], cluster->y);
        rows += (double)cluster->size;
    }
    double width = WIDTH - LEFT - RIGHT, height = HEIGHT - TOP - BOTTOM;
    double pixel = fmax((high[0] - low[0]) / width, (high[1] - low[1]) / height) / 0.8;
    return (view){.x = (low[0] + high[0]) / 2,
                  .y = (low[1] + high[1]) / 2,
                  .pixel = pixel > 0 ? pixel : 1 / width,
                  .disc = sqrt(COVERED * width * height / (3.141592653589793 * rows))};
}

static double radius(const view *axes, const es_cluster *cluster)
{
    double pixels = axes->disc * sqrt((double)cluster->size);
    return pixels < 1.5 ? 1.5 : pixels > 60 ? 60 : pixels;
}

enum { CENTERED, LEFT_ALIGNED, RIGHT_ALIGNED, ALIGNMENTS };

/* A label, and what another must not cover, in pixels: its left end, its middle. */
typedef struct box {
    double x, y, width;
    int alignment;
} box;

static bool overlaps(const box *a, const box *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && fabs(a->y - b->y) < LABEL_HEIGHT;
}

static bool is_free(const box *here, const box *taken, int count)
{
    if (here->x < LEFT + 2 || here->x + here->width > WIDTH - 4) return false;
    if (here->y < TOP + LABEL_HEIGHT / 2.0 || here->y > HEIGHT - BOTTOM - LABEL_HEIGHT / 2.0)
        return false;
    for (int i = 0; i < count; i++)
        if (overlaps(here, &taken[i])) return false;
    return true;
}

/* In the disc, right of it, left, above, below. */
static bool place_label(const view *axes, const es_cluster *cluster, int columns, const box *taken,
                        int count, box *label)
{
    double x = x_pixel(axes, cluster->x), y = y_pixel(axes, cluster->y);
    double width = es_figure_text_width(columns, 11.5) + 4, disc = radius(axes, cluster);
    double across = x - width / 2, off = disc + LABEL_HEIGHT * 0.6;
    const box tries[] = {{across, y, width, CENTERED},
                         {x + disc + 3, y, width, LEFT_ALIGNED},
                         {x - disc - 3 - width, y, width, RIGHT_ALIGNED},
                         {across, y - off, width, CENTERED},
                         {across, y + off, width, CENTERED}};
    for (size_t i = width > 2 * disc; i < sizeof tries / sizeof *tries; i++) {
        if (!is_free(&tries[i], taken, count)) continue;
        *label = tries[i];
        return true;
    }
    return false;
}

static bool all_spaced(const es_space *space, const es_clusters *clusters)
{
    bool spaced = true;
    for (int64_t c = 0; c < clusters->count && c < NAMED; c++) {
        es_bytes token =
            es_vocabulary_token(es_space_vocabulary(space), clusters->clusters[c].members[0].id);
        spaced = spaced && token.size && token.data[0] == ' ';
    }
    return spaced;
}

static void add_number(es_text *script, double value)
{
    es_text_fixed(script, value, 8);
    es_text_add(script, " ");
}

/* Largest first: a small disc stays visible on a large one. */
static void add_discs(es_text *script, const es_clusters *clusters, const view *axes)
{
    es_text_add(script, "$discs << " ES_GNUPLOT_END "\n");
    for (int64_t c = 0; c < clusters->count; c++) {
        add_number(script, clusters->clusters[c].x);
        add_number(script, clusters->clusters[c].y);
        add_number(script, radius(axes, &clusters->clusters[c]) * axes->pixel);
        es_text_add(script, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

static void add_name(es_text *script, const es_space *space, int64_t id, bool drop_space,
                     es_text *text)
{
    es_bytes token = es_vocabulary_token(es_space_vocabulary(space), id);
    if (token.data)
        es_figure_label(text, token.data, token.size, drop_space, LONGEST);
    else
        es_text_printf(text, "#%lld", (long long)id);
    script->failed |= text->failed;
}

static void add_label(es_text *block, const view *axes, const box *at, const es_text *text)
{
    static const double shares[ALIGNMENTS] = {0.5, 0, 1};
    double x = at->x + shares[at->alignment] * at->width;
    add_number(block, axes->x + (x - middle_x) * axes->pixel);
    add_number(block, axes->y - (at->y - middle_y) * axes->pixel);
    es_gnuplot_field(block, text->data, text->size);
    es_text_add(block, "\n");
}

/* The names that find room, a block of data for each alignment. */
static void find_names(es_text blocks[ALIGNMENTS], const es_space *space,
                       const es_clusters *clusters, const view *axes)
{
    box taken[NAMED];
    int count = 0;
    bool drop_space = all_spaced(space, clusters);
    for (int64_t c = 0; c < clusters->count && c < NAMED; c++) {
        const es_cluster *cluster = &clusters->clusters[c];
        es_text text = {0};
        add_name(&blocks[0], space, cluster->members[0].id, drop_space, &text);
        int columns = text.data ? es_display_width(text.data, text.size) : 0;
        if (columns && place_label(axes, cluster, columns, taken, count, &taken[count])) {
            const box *at = &taken[count++];
            add_label(&blocks[at->alignment], axes, at, &text);
        }
        es_text_release(&text);
    }
}

/* A plot of labels without a single one ends gnuplot 5.4: an empty block is not plotted. */
static void add_plot(es_text *script, es_text blocks[ALIGNMENTS])
{
    static const char *const words[ALIGNMENTS] = {"center", "left", "right"};
    for (int i = 0; i < ALIGNMENTS; i++) {
        es_text_printf(script, "$names_%s << " ES_GNUPLOT_END "\n", words[i]);
        if (blocks[i].data) es_text_append(script, blocks[i].data, blocks[i].size);
        es_text_add(script, ES_GNUPLOT_END "\n");
        script->failed |= blocks[i].failed;
    }
    es_text_add(script,
                "set style fill transparent solid 0.28 border lc rgb '" ES_STYLE_DATA
                "'\nplot $discs using 1:2:3 with circles lw 0.9 lc rgb '" ES_STYLE_DATA "'");
    for (int i = 0; i < ALIGNMENTS; i++)
        if (blocks[i].size)
            es_text_printf(script,
                           ", $names_%s using 1:2:3 with labels %s font LABEL_FONT "
                           "textcolor rgb '" ES_STYLE_INK "' noenhanced",
                           words[i], words[i]);
    es_text_add(script, "\n");
}

static void add_share(es_text *script, const char *axis, double share)
{
    es_text_printf(script, "set %s 'principal direction %s of the centers (", axis,
                   axis[0] == 'x' ? "1" : "2");
    es_text_fixed(script, 100 * share, 1);
    es_text_add(script, " %)'\n");
}

static void add_range(es_text *script, const char *axis, double from, double to)
{
    es_text_printf(script, "set %s [", axis);
    es_text_fixed(script, from, 8);
    es_text_add(script, ":");
    es_text_fixed(script, to, 8);
    es_text_add(script, "]\n");
}

es_figure es_figure_clusters(const es_space *space, const es_clusters *clusters)
{
    es_text title = {0}, subtitle = {0}, blocks[ALIGNMENTS] = {{0}};
    es_text_count(&title, clusters->count);
    es_text_add(&title, " clusters of ");
    es_text_count(&title, clusters->rows - clusters->left_out);
    es_text_add(&title, " tokens");
    es_source_caption(&subtitle, es_space_source(space));
    es_text_add(&subtitle, "; a disc's area is its cluster's size");
    if (all_spaced(space, clusters)) es_text_add(&subtitle, ", tokens with their leading space");
    es_figure figure = es_figure_start("clusters", WIDTH, HEIGHT, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    es_text *script = &figure.script;
    view axes = choose_view(clusters);
    es_figure_area(&figure, LEFT, RIGHT, TOP, BOTTOM);
    double half_width = (WIDTH - LEFT - RIGHT) / 2.0 * axes.pixel;
    double half_height = (HEIGHT - TOP - BOTTOM) / 2.0 * axes.pixel;
    add_discs(script, clusters, &axes);
    find_names(blocks, space, clusters, &axes);
    add_range(script, "xrange", axes.x - half_width, axes.x + half_width);
    add_range(script, "yrange", axes.y - half_height, axes.y + half_height);
    add_share(script, "xlabel", clusters->map_share[0]);
    add_share(script, "ylabel", clusters->map_share[1]);
    add_plot(script, blocks);
    for (int i = 0; i < ALIGNMENTS; i++) es_text_release(&blocks[i]);
    return figure;
}

es_status es_plot_clusters(const es_space *space, const es_clusters *clusters, const char *path,
                           es_error *error)
{
    if (clusters->count < 3 || isnan(clusters->clusters[0].x))
        return es_fail(error, ES_BAD_ARGUMENT, "a map needs three clusters at least; there %s %lld",
                       clusters->count == 1 ? "is" : "are", (long long)clusters->count);
    es_figure figure = es_figure_clusters(space, clusters);
    return es_figure_save(&figure, path, error);
}
