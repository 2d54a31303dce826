/* One query's cosine to every token against its id. Few tokens are points; many are a picture of
 * how many there are at each place, so that 50,000 of them stay a small file. */
#include "base/memory.h"
#include "render/display.h"
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 820,
    HEIGHT = 480,
    LEFT = 66,
    RIGHT = 24,
    TOP = 74,
    BOTTOM = 58,
    POINTS_AT_MOST = 3000,
    ACROSS = 365, /* cells of the picture, two pixels each */
    DOWN = 174,
    NAMED = 8, /* of the nearest, and as many of the query's own at most */
    LABEL_HEIGHT = 15,
    LONGEST = 22,
};

typedef struct view {
    int64_t rows;
    double low, high; /* of the cosine axis */
} view;

static double x_pixel(const view *axes, double id)
{
    double width = axes->rows > 1 ? (double)axes->rows - 1 : 1;
    return LEFT + (id / width) * (WIDTH - LEFT - RIGHT);
}

static double y_pixel(const view *axes, double cosine)
{
    return TOP + (axes->high - cosine) / (axes->high - axes->low) * (HEIGHT - TOP - BOTTOM);
}

/* The query itself, at 1, would leave the rest no room: the axis ends at the second nearest. */
static view choose_view(const es_neighbors *neighbors, int64_t rows)
{
    view axes = {.rows = rows, .low = INFINITY, .high = -INFINITY};
    for (int64_t i = 0; i < rows; i++) {
        double cosine = neighbors->cosines[i];
        if (!isfinite(cosine)) continue;
        axes.low = fmin(axes.low, cosine);
        if (cosine < 1 - 1e-9) axes.high = fmax(axes.high, cosine);
    }
    for (int64_t i = 0; i < neighbors->count; i++)
        if (isfinite(neighbors->neighbors[i].cosine))
            axes.high = fmax(axes.high, neighbors->neighbors[i].cosine);
    if (!(axes.low <= axes.high)) {
        axes.low = -1;
        axes.high = 1;
    }
    double pad = fmax(0.02, 0.08 * (axes.high - axes.low));
    axes.low = fmin(axes.low - pad, 0);
    axes.high = fmax(axes.high + pad, 0.05);
    return axes;
}

static void add_points(es_text *script, const es_neighbors *neighbors, const view *axes)
{
    es_text_add(script, "$points << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < axes->rows; i++) {
        if (!isfinite(neighbors->cosines[i]) || neighbors->cosines[i] > axes->high) continue;
        es_text_printf(script, "%lld ", (long long)i);
        es_text_fixed(script, neighbors->cosines[i], 5);
        es_text_add(script, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

/* Cells of x, y and opacity: the more tokens in one, the denser, by the logarithm. */
static void add_picture(es_text *script, const es_neighbors *neighbors, const view *axes)
{
    int32_t *counts = es_alloc(ACROSS * DOWN, sizeof *counts);
    if (!counts) {
        script->failed = true;
        return;
    }
    int32_t most = 1;
    for (int64_t i = 0; i < axes->rows; i++) {
        double cosine = neighbors->cosines[i];
        if (!isfinite(cosine) || cosine > axes->high) continue;
        int x = (int)((double)i / (double)axes->rows * ACROSS);
        int y = (int)((cosine - axes->low) / (axes->high - axes->low) * DOWN);
        if (y < 0 || y >= DOWN) continue;
        int32_t count = ++counts[y * ACROSS + x];
        if (count > most) most = count;
    }
    es_text_add(script, "$cells << " ES_GNUPLOT_END "\n");
    for (int y = 0; y < DOWN; y++) {
        for (int x = 0; x < ACROSS; x++) {
            int32_t count = counts[y * ACROSS + x];
            double alpha = count ? 70 + 185 * log1p(count) / log1p(most) : 0;
            es_text_printf(script, "%d %d %d\n", x, y, (int)alpha);
        }
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    free(counts);
}

/* A label beside its point, where it covers no other one. */
typedef struct placed {
    double x, y, width; /* left end and middle, in pixels */
    bool to_left;
} placed;

static bool overlaps(const placed *a, const placed *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && fabs(a->y - b->y) < LABEL_HEIGHT;
}

/* Tries right, left, then further up and down; false where there is no room. */
static bool place_label(const view *axes, const es_neighbor *neighbor, int columns,
                        const placed *others, int count, placed *label)
{
    double x = x_pixel(axes, (double)neighbor->id), y = y_pixel(axes, neighbor->cosine);
    double width = es_figure_text_width(columns, 11.5) + 4;
    static const int shifts[] = {0, -1, 1, -2, 2, -3, 3};
    for (size_t s = 0; s < sizeof shifts / sizeof *shifts; s++) {
        for (int side = 0; side < 2; side++) {
            double left = side ? x - 9 - width : x + 9;
            placed here = {left, y + shifts[s] * LABEL_HEIGHT * 0.85, width, side == 1};
            bool free_place =
                left > LEFT && left + width < WIDTH - 4 && here.y > TOP && here.y < HEIGHT - BOTTOM;
            for (int i = 0; i < count && free_place; i++) free_place = !overlaps(&here, &others[i]);
            if (!free_place) continue;
            *label = here;
            return true;
        }
    }
    return false;
}

/* The tokens with a name in the figure. */
typedef struct named {
    es_neighbor token[2 * NAMED];
    int64_t count;
    bool all_spaced; /* have all of them a leading space? */
} named;

static void add_named_token(named *named, const es_neighbor *token, const view *axes)
{
    if (!isfinite(token->cosine) || token->cosine > axes->high) return;
    for (int64_t i = 0; i < named->count; i++)
        if (named->token[i].id == token->id) return;
    named->token[named->count++] = *token;
    named->all_spaced =
        (named->count == 1 || named->all_spaced) && token->text.size && token->text.data[0] == ' ';
}

/* The nearest, and what a sum was made of. */
static named choose_named(const es_space *space, const es_neighbors *neighbors, const view *axes)
{
    named named = {.count = 0};
    for (int64_t i = 0; i < neighbors->count && i < NAMED; i++)
        add_named_token(&named, &neighbors->neighbors[i], axes);
    for (int64_t i = 0; i < neighbors->own_count && i < NAMED; i++) {
        int64_t id = neighbors->own_ids[i];
        es_neighbor own = {.id = id,
                           .text = es_vocabulary_token(es_space_vocabulary(space), id),
                           .cosine = neighbors->cosines[id]};
        add_named_token(&named, &own, axes);
    }
    return named;
}

/* What is drawn of the nearest tokens, a block of data each, and how many lines each has: a plot of
 * labels without a single one ends gnuplot 5.4. */
typedef struct named_blocks {
    es_text points, leads, left, right;
    int point_count, lead_count, left_count, right_count;
} named_blocks;

static void add_label(named_blocks *blocks, const es_neighbor *neighbor, const view *axes,
                      const placed *at, const es_text *text)
{
    es_text *block = at->to_left ? &blocks->left : &blocks->right;
    double pixel = (axes->high - axes->low) / (HEIGHT - TOP - BOTTOM);
    double y = axes->high - (at->y - TOP) * pixel;
    es_text_printf(block, "%lld ", (long long)neighbor->id);
    es_text_fixed(block, y, 6);
    es_text_add(block, " ");
    es_gnuplot_field(block, text->data, text->size);
    es_text_add(block, "\n");
    if (at->to_left)
        blocks->left_count++;
    else
        blocks->right_count++;
    if (fabs(at->y - y_pixel(axes, neighbor->cosine)) < 1) return;
    /* The label had to move: a line leads to it. */
    double edge = at->to_left ? at->x + at->width : at->x;
    double step = (double)axes->rows / (WIDTH - LEFT - RIGHT);
    es_text_printf(&blocks->leads, "%lld ", (long long)neighbor->id);
    es_text_fixed(&blocks->leads, neighbor->cosine, 6);
    es_text_add(&blocks->leads, " ");
    es_text_fixed(&blocks->leads, (edge - x_pixel(axes, (double)neighbor->id)) * step, 6);
    es_text_add(&blocks->leads, " ");
    es_text_fixed(&blocks->leads, y - neighbor->cosine, 6);
    es_text_add(&blocks->leads, "\n");
    blocks->lead_count++;
}

static void fill_blocks(named_blocks *blocks, const named *named, const view *axes)
{
    placed labels[4 * NAMED];
    int count = 0;
    for (int64_t i = 0; i < named->count; i++) { /* labels keep off the points, too */
        const es_neighbor *neighbor = &named->token[i];
        labels[count++] = (placed){x_pixel(axes, (double)neighbor->id) - 4,
                                   y_pixel(axes, neighbor->cosine), 8, false};
        es_text_printf(&blocks->points, "%lld ", (long long)neighbor->id);
        es_text_fixed(&blocks->points, neighbor->cosine, 6);
        es_text_add(&blocks->points, "\n");
        blocks->point_count++;
    }
    for (int64_t i = 0; i < named->count; i++) {
        const es_neighbor *neighbor = &named->token[i];
        es_text text = {0};
        es_figure_label(&text, neighbor->text.data, neighbor->text.size, named->all_spaced,
                        LONGEST);
        placed at;
        if (text.data && place_label(axes, neighbor, es_display_width(text.data, text.size), labels,
                                     count, &at)) {
            labels[count++] = at;
            add_label(blocks, neighbor, axes, &at, &text);
        }
        blocks->points.failed |= text.failed;
        es_text_release(&text);
    }
}

/* "$name << END ... END" and the block's own release. */
static void add_block(es_text *script, const char *name, es_text *block)
{
    es_text_printf(script, "$%s << " ES_GNUPLOT_END "\n", name);
    if (block->data) es_text_append(script, block->data, block->size);
    es_text_add(script, ES_GNUPLOT_END "\n");
    script->failed |= block->failed;
    es_text_release(block);
}

static named_blocks add_named(es_text *script, const named *named, const view *axes)
{
    named_blocks blocks = {0};
    fill_blocks(&blocks, named, axes);
    add_block(script, "named", &blocks.points);
    add_block(script, "leads", &blocks.leads);
    add_block(script, "left", &blocks.left);
    add_block(script, "right", &blocks.right);
    return blocks;
}

static void add_named_plots(es_text *script, const named_blocks *blocks)
{
    if (blocks->lead_count)
        es_text_add(script,
                    ", $leads using 1:2:3:4 with vectors nohead lw 0.75 lc rgb '" ES_STYLE_MUTED
                    "'");
    if (blocks->point_count)
        es_text_add(script,
                    ", $named using 1:2 with points pt 7 ps 0.7 lc rgb '" ES_STYLE_MARK "'");
    if (blocks->right_count)
        es_text_add(script,
                    ", $right using 1:2:3 with labels left offset char 0.9,0 font LABEL_FONT "
                    "textcolor rgb '" ES_STYLE_INK "' noenhanced");
    if (blocks->left_count)
        es_text_add(script,
                    ", $left using 1:2:3 with labels right offset char -0.9,0 font LABEL_FONT "
                    "textcolor rgb '" ES_STYLE_INK "' noenhanced");
    es_text_add(script, "\n");
}

static void add_plot(es_text *script, bool picture, const view *axes, const named_blocks *blocks)
{
    es_text_printf(script, "ROWS = %lld\nset xrange [0:ROWS > 1 ? ROWS - 1 : 1]\nLOW = ",
                   (long long)axes->rows);
    es_text_shortest(script, axes->low);
    es_text_add(script, "\nHIGH = ");
    es_text_shortest(script, axes->high);
    es_text_printf(script,
                   "\nset yrange [LOW:HIGH]\nset xlabel 'token id'\nset ylabel 'cosine'\n"
                   "set format x '%%.0f'\nX(i) = (i + 0.5) / %d.0 * ROWS\n"
                   "Y(j) = LOW + (j + 0.5) / %d.0 * (HIGH - LOW)\n",
                   ACROSS, DOWN);
    es_text_add(
        script,
        "set arrow from graph 0, first 0 to graph 1, first 0 nohead lw 1 lc rgb '" ES_STYLE_FRAME
        "' back\n");
    if (picture)
        es_text_add(script, "plot $cells using (X($1)):(Y($2)):(60):(114):(176):3 with rgbalpha");
    else
        es_text_add(script,
                    "plot $points using 1:2 with points pt 7 ps 0.4 lc rgb '#60" ES_STYLE_DATA_HEX
                    "'");
    add_named_plots(script, blocks);
}

es_figure es_figure_neighbors(const es_space *space, const es_neighbors *neighbors)
{
    int64_t rows = es_space_row_count(space);
    es_text title = {0}, subtitle = {0};
    es_text_add(&title, "Cosine of ");
    size_t length = strlen(neighbors->query);
    es_display_query(&title, neighbors, es_display_prefix(neighbors->query, length, 60));
    es_text_add(&title, " to every token");
    es_source_caption(&subtitle, es_space_source(space));
    view axes = choose_view(neighbors, rows);
    named named = choose_named(space, neighbors, &axes);
    if (named.all_spaced) es_text_add(&subtitle, "; tokens with their leading space");
    es_figure figure = es_figure_start("neighbors", WIDTH, HEIGHT, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    es_figure_area(&figure, LEFT, RIGHT, TOP, BOTTOM);
    bool picture = rows > POINTS_AT_MOST;
    if (picture)
        add_picture(&figure.script, neighbors, &axes);
    else
        add_points(&figure.script, neighbors, &axes);
    named_blocks blocks = add_named(&figure.script, &named, &axes);
    add_plot(&figure.script, picture, &axes, &blocks);
    return figure;
}

es_status es_plot_neighbors(const es_space *space, const es_neighbors *neighbors, const char *path,
                            es_error *error)
{
    if (!neighbors->cosines)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "a plot of the neighbors needs every cosine (keep_scores)");
    es_figure figure = es_figure_neighbors(space, neighbors);
    return es_figure_save(&figure, path, error);
}
