/* The histogram of all pairs as a density, over the density of random directions. */
#define _GNU_SOURCE /* lgamma_r */
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    WIDTH = 820,
    HEIGHT = 470,
    LEFT = 66,
    RIGHT = 24,
    MOST_BARS = 240,
    FEWEST_BARS = 12,
    CURVE_POINTS = 401,
};

/* Gamma(d/2) / (sqrt(pi) Gamma((d-1)/2)) (1 - t^2)^((d-3)/2), the density of the cosine of two
 * random directions in d >= 2 dimensions. */
static double random_density(double t, int64_t d)
{
    if (t <= -1 || t >= 1 || d < 2) return NAN;
    int sign;
    double half = (double)d / 2;
    double log_constant =
        lgamma_r(half, &sign) - lgamma_r(half - 0.5, &sign) - 0.5 * log(acos(-1.0));
    return exp(log_constant + (half - 1.5) * log1p(-t * t));
}

typedef struct window {
    double low, high;
    int64_t first, last, group; /* bins drawn, and how many make one bar */
} window;

/* From the first to the last pair (but for one in 10,000 at each end), and as far as the random law
 * and its once-level reach; bars as wide as the number of pairs allows. */
static window choose_window(const es_distribution *all)
{
    double reach = fmin(1, fmax(4.5 * all->random_standard_deviation, 1.08 * all->once_level));
    double sum = 0, cut = 1e-4 * (double)all->pairs;
    int64_t first = 0, last = all->bins - 1;
    for (; first < last && (sum += (double)all->counts[first]) <= cut; first++) {
    }
    for (sum = 0; last > first && (sum += (double)all->counts[last]) <= cut; last--) {
    }
    window view = {.low = fmax(-1, fmin(all->edges[first], -reach)),
                   .high = fmin(1, fmax(all->edges[last + 1], reach)),
                   .first = first,
                   .last = last};
    double pad = 0.02 * (view.high - view.low);
    view.low = fmax(-1, view.low - pad);
    view.high = fmin(1, view.high + pad);
    double wanted = fmin(MOST_BARS, fmax(FEWEST_BARS, 2 * cbrt((double)all->pairs)));
    int64_t bins = last - first + 1;
    view.group = (int64_t)fmax(1, ceil((double)bins / wanted));
    return view;
}

/* Bars as one outline, two points each; returns the highest. */
static double add_bars(es_text *script, const es_distribution *all, const window *view)
{
    double highest = 0;
    es_text_add(script, "$bars << " ES_GNUPLOT_END "\n");
    /* Two empty bars around, so that the outline comes down to the axis. */
    for (int64_t k = view->first - view->group; k <= view->last + view->group; k += view->group) {
        int64_t from = k < 0 ? 0 : k, to = k + view->group;
        if (to > all->bins) to = all->bins;
        if (to <= from) continue;
        int64_t count = 0;
        for (int64_t i = from; i < to; i++)
            if (i >= view->first && i <= view->last) count += all->counts[i];
        double width = all->edges[to] - all->edges[from];
        double density = (double)count / ((double)all->pairs * width);
        highest = fmax(highest, density);
        for (int end = 0; end < 2; end++) {
            es_text_shortest(script, all->edges[end ? to : from]);
            es_text_add(script, " ");
            es_text_shortest(script, density);
            es_text_add(script, "\n");
        }
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    return highest;
}

static double add_curve(es_text *script, const window *view, int64_t d)
{
    double highest = 0;
    es_text_add(script, "$curve << " ES_GNUPLOT_END "\n");
    for (int i = 0; i < CURVE_POINTS; i++) {
        double t = view->low + (view->high - view->low) * i / (CURVE_POINTS - 1);
        double density = random_density(t, d);
        if (!isfinite(density)) continue;
        /* In two dimensions the density has no bound at the ends. */
        if (d > 3 || fabs(t) < 0.95) highest = fmax(highest, density);
        es_text_shortest(script, t);
        es_text_add(script, " ");
        es_text_shortest(script, density);
        es_text_add(script, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    return highest;
}

/* A vertical line from the axis up to `top`. */
static void add_line(es_text *script, double x, double top, const char *color, const char *dash)
{
    es_text_add(script, "set arrow from ");
    es_text_fixed(script, x, 6);
    es_text_add(script, ",0 to ");
    es_text_fixed(script, x, 6);
    es_text_add(script, ",");
    es_text_shortest(script, top);
    es_text_printf(script, " nohead lw 1.25 dt %s lc rgb '%s' front\n", dash, color);
}

/* Words beside a line, on the side away from the other line where there is room. */
static void add_words(es_text *script, const window *view, double x, double other, double y,
                      const char *color, const char *words)
{
    double pixel = (view->high - view->low) / (WIDTH - LEFT - RIGHT);
    double width = pixel * es_figure_text_width((int)strlen(words) + 4, 12.5);
    bool fits_left = x - width >= view->low, fits_right = x + width <= view->high;
    bool to_left = fits_left && (x < other || !fits_right);
    es_text_printf(script, "set label \"%s%s%s\" at ", to_left ? "" : "  ", words,
                   to_left ? "  " : "");
    es_text_fixed(script, x, 6);
    es_text_add(script, ",");
    es_text_shortest(script, y);
    es_text_printf(script, " %s front textcolor rgb '%s' font LABEL_FONT noenhanced\n",
                   to_left ? "right" : "left", color);
}

/* All words stand above the highest bar. */
static void add_marks(es_text *script, const es_distribution *all, const window *view, double top)
{
    char words[2 * ES_NUMBER_TEXT], number[ES_NUMBER_TEXT];
    if (isfinite(all->mean)) {
        es_number_fixed(all->mean, 4, number);
        snprintf(words, sizeof words, "mean %s", number);
        add_line(script, all->mean, 0.98 * top, ES_STYLE_DATA, "1");
        add_words(script, view, all->mean, all->once_level, 0.955 * top, ES_STYLE_DATA, words);
    }
    if (!isfinite(all->once_level) || all->once_level >= view->high) return;
    add_line(script, all->once_level, 0.92 * top, ES_STYLE_MARK, "'-'");
    es_number_fixed(all->once_level, 4, number);
    snprintf(words, sizeof words, "one random pair would pass %s", number);
    add_words(script, view, all->once_level, all->mean, 0.895 * top, ES_STYLE_MARK, words);
    es_number_count(all->above_chance, number);
    snprintf(words, sizeof words, "%s %s it here", number,
             all->above_chance == 1 ? "passes" : "pass");
    add_words(script, view, all->once_level, all->mean, 0.845 * top, ES_STYLE_MARK, words);
}

es_figure es_figure_distribution(const es_space *space, const es_distribution *all)
{
    int64_t d = es_space_column_count(space);
    es_text title = {0}, subtitle = {0};
    es_text_add(&title, "The cosines of all ");
    es_text_count(&title, all->pairs);
    es_text_add(&title, " pairs");
    if (all->sampled) {
        es_text_add(&title, " of ");
        es_text_count(&title, all->rows);
        es_text_add(&title, " tokens drawn by lot");
    }
    es_source_caption(&subtitle, es_space_source(space));
    es_figure figure = es_figure_start("distribution", WIDTH, HEIGHT, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    es_text *script = &figure.script;
    es_figure_area(&figure, LEFT, RIGHT, 96, 58);
    window view = choose_window(all);
    double highest = add_bars(script, all, &view);
    double top = 1.25 * fmax(highest, add_curve(script, &view, d));
    if (!(top > 0)) top = 1;
    add_marks(script, all, &view, top);
    es_figure_note(&figure, 66, 76, ES_STYLE_DATA, "■ this space");
    es_text words = {0};
    es_text_printf(&words, "■ random directions in %lld dimensions, sd ", (long long)d);
    es_text_fixed(&words, all->random_standard_deviation, 4);
    script->failed |= words.failed;
    if (!words.failed) es_figure_note(&figure, 160, 76, ES_STYLE_RANDOM, words.data);
    es_text_release(&words);
    es_text_add(script, "set xrange [");
    es_text_shortest(script, view.low);
    es_text_add(script, ":");
    es_text_shortest(script, view.high);
    es_text_add(script, "]\nset yrange [0:");
    es_text_shortest(script, top);
    es_text_add(
        script,
        "]\nset xlabel 'cosine similarity'\nset ylabel 'density'\n"
        "set style fill solid 0.30 noborder\n"
        "plot $curve using 1:2 with filledcurves y1=0 fs solid 0.22 lc rgb '" ES_STYLE_RANDOM
        "', $bars using 1:2 with filledcurves y1=0 fs solid 0.45 noborder lc rgb '" ES_STYLE_DATA
        "', $bars using 1:2 with lines lw 1.2 lc rgb '" ES_STYLE_DATA
        "', $curve using 1:2 with lines lw 1.6 lc rgb '" ES_STYLE_RANDOM "'\n");
    return figure;
}

es_status es_plot_distribution(const es_space *space, const es_distribution *distribution,
                               const char *path, es_error *error)
{
    es_figure figure = es_figure_distribution(space, distribution);
    return es_figure_save(&figure, path, error);
}
