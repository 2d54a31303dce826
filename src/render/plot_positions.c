/* A position table: the cosine matrix, the mean cosine at each distance, the leading directions. */
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>

enum {
    WIDTH = 1040,
    HEIGHT = 560,
    LEFT = 70,
    TOP = 66,
    SIDE = 430,
    PANEL = 632, /* where the panels on the right begin */
    RIGHT = 22,
    LINE_POINTS = 1024, /* drawn of a longer line */
    DRAWN = 3,          /* leading directions */
};

static const char *const line_colors[DRAWN] = {ES_STYLE_DATA, ES_STYLE_RANDOM, "#3f8f6b"};

static void add_cells(es_text *script, const es_positions *positions, double *low, double *high)
{
    int64_t side = positions->map_side;
    double scale = (double)positions->rows / (double)side;
    es_text_add(script, "$cells << " ES_GNUPLOT_END "\n");
    for (int64_t a = 0; a < side; a++) {
        for (int64_t b = 0; b < side; b++) {
            double mean = positions->map[a * side + b];
            if (a != b && mean < *low) *low = mean;
            if (a != b && mean > *high) *high = mean;
            es_text_shortest(script, ((double)b + 0.5) * scale - 0.5);
            es_text_add(script, " ");
            es_text_shortest(script, ((double)a + 0.5) * scale - 0.5);
            es_text_add(script, " ");
            if (isnan(mean))
                es_text_add(script, "NaN");
            else
                es_text_fixed(script, mean, 4);
            es_text_add(script, "\n");
        }
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

static void add_map(es_figure *figure, const es_positions *positions)
{
    es_text *script = &figure->script;
    double low = 0, high = 0.05;
    add_cells(script, positions, &low, &high);
    double reach = fmax(high, -low);
    bool diverging = low < -0.15 * high;
    es_text_add(script, diverging ? "set palette defined (0 '#2a5a94', 1 '#6a9bc9', 2 '#bcd5e8', "
                                    "3 '#f6f4f1', 4 '#f3c6ae', 5 '#d9775c', 6 '#a5283a')\n"
                                  : "set palette defined (0 '#f7f8f4', 1 '#d5e8dd', 2 '#a3d3cb', "
                                    "3 '#66b3bd', 4 '#388cac', 5 '#2a6290', 6 '#263c6e')\n");
    es_text_add(script, "set cbrange [");
    es_text_shortest(script, diverging ? -reach : fmin(low, 0));
    es_text_add(script, ":");
    es_text_shortest(script, diverging ? reach : high);
    es_text_add(script, "]\n");
    es_figure_area(figure, LEFT, WIDTH - LEFT - SIDE, TOP, HEIGHT - TOP - SIDE);
    es_text_printf(script,
                   "unset grid\nunset border\nset xrange [-0.5:%lld.5]\nset yrange [%lld.5:-0.5]\n",
                   (long long)positions->rows - 1, (long long)positions->rows - 1);
    es_text_add(script, "set xlabel 'position'\nset ylabel 'position' offset 1.5\n"
                        "set cbtics scale 0.4 textcolor rgb '" ES_STYLE_MUTED "' font TIC_FONT\n"
                        "set colorbox noborder user origin screen ");
    es_text_fixed(script, (LEFT + SIDE + 12.0) / WIDTH, 5);
    es_text_add(script, ", screen ");
    es_text_fixed(script, (HEIGHT - TOP - SIDE) / (double)HEIGHT, 5);
    es_text_add(script, " size screen ");
    es_text_fixed(script, 12.0 / WIDTH, 5);
    es_text_add(script, ", screen ");
    es_text_fixed(script, 200.0 / HEIGHT, 5);
    es_text_add(script, "\nplot $cells using 1:2:3 with image\n");
}

static void add_number(es_text *script, double value, const char *after)
{
    if (isnan(value))
        es_text_add(script, "NaN");
    else
        es_text_shortest(script, value);
    es_text_add(script, after);
}

/* Steps of a long line. */
static int64_t stride(int64_t count)
{
    return (count + LINE_POINTS - 1) / LINE_POINTS;
}

static void add_profile(es_figure *figure, const es_positions *positions)
{
    es_text *script = &figure->script;
    es_text_add(script, "$profile << " ES_GNUPLOT_END "\n");
    for (int64_t t = 0; t < positions->distance_count; t += stride(positions->distance_count)) {
        const es_position_distance *at = &positions->profile[t];
        es_text_printf(script, "%lld ", (long long)at->distance);
        add_number(script, at->mean, " ");
        add_number(script, at->mean - at->standard_deviation, " ");
        add_number(script, at->mean + at->standard_deviation, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    es_figure_area(figure, PANEL, RIGHT, TOP, HEIGHT - TOP - 168);
    es_text_printf(script,
                   "unset colorbox\nset border 3\nset grid\nset xrange [0:%lld]\n"
                   "set yrange [*<-0.05:1.02]\nset xlabel 'distance |i - j|'\n"
                   "set ylabel 'mean cosine' offset 0\n",
                   (long long)positions->rows - 1);
    if (positions->rows <= ES_POSITIONS_PAIRWISE)
        es_text_add(script, "plot $profile using 1:3:4 with filledcurves fs solid 0.22 noborder "
                            "lc rgb '" ES_STYLE_DATA "', $profile ");
    else
        es_text_add(script, "plot $profile ");
    es_text_add(script, "using 1:2 with lines lw 1.6 lc rgb '" ES_STYLE_DATA "'\n");
}

static void add_directions(es_figure *figure, const es_positions *positions)
{
    es_text *script = &figure->script;
    int64_t drawn = positions->component_count < DRAWN ? positions->component_count : DRAWN;
    int64_t n = positions->rows;
    if (!drawn) return;
    es_text_add(script, "$lines << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < n; i += stride(n)) {
        es_text_printf(script, "%lld", (long long)i);
        for (int64_t k = 0; k < drawn; k++) {
            es_text_add(script, " ");
            add_number(script, positions->projections[k * n + i], "");
        }
        es_text_add(script, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    es_figure_area(figure, PANEL, RIGHT, TOP + 262, HEIGHT - TOP - SIDE);
    es_text_printf(script,
                   "set xrange [0:%lld]\nset yrange [*:*]\nset xlabel 'position'\n"
                   "set ylabel 'projection'\nplot ",
                   (long long)n - 1);
    for (int64_t k = 0; k < drawn; k++)
        es_text_printf(script, "%s$lines using 1:%lld with lines lw 1.4 lc rgb '%s'", k ? ", " : "",
                       (long long)k + 2, line_colors[k]);
    es_text_add(script, "\n");
}

/* What each line is, above its panel. */
static void add_notes(es_figure *figure, const es_positions *positions)
{
    es_figure_note(figure, PANEL, TOP - 8, ES_STYLE_DATA,
                   positions->rows <= ES_POSITIONS_PAIRWISE
                       ? "■ mean over the pairs at a distance, and their deviation"
                       : "■ mean over the pairs at a distance");
    for (int64_t k = 0; k < positions->component_count && k < DRAWN; k++) {
        es_text words = {0};
        es_text_printf(&words, "■ direction %lld, ", (long long)k + 1);
        es_text_fixed(&words, 100 * positions->components[k].share, 1);
        es_text_add(&words, " %");
        figure->script.failed |= words.failed;
        if (!words.failed)
            es_figure_note(figure, PANEL + 132.0 * (double)k, TOP + 252, line_colors[k],
                           words.data);
        es_text_release(&words);
    }
}

es_figure es_figure_positions(const es_space *space, const es_positions *positions)
{
    es_text title = {0}, subtitle = {0};
    es_text_add(&title, "Cosine similarity of ");
    es_text_count(&title, positions->rows - positions->left_out);
    es_text_add(&title, " positions");
    es_source_caption(&subtitle, es_space_source(space));
    es_figure figure = es_figure_start("positions", WIDTH, HEIGHT, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    add_notes(&figure, positions);
    es_text_add(&figure.script, "set multiplot\n");
    add_map(&figure, positions);
    es_text_add(&figure.script, "unset label\n"); /* drawn with the first */
    add_profile(&figure, positions);
    add_directions(&figure, positions);
    es_text_add(&figure.script, "unset multiplot\n");
    return figure;
}

es_status es_plot_positions(const es_space *space, const es_positions *positions, const char *path,
                            es_error *error)
{
    es_figure figure = es_figure_positions(space, positions);
    return es_figure_save(&figure, path, error);
}
