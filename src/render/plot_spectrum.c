/* The scree plot: eigenvalues by rank, both scales logarithmic. */
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>

enum { WIDTH = 820, HEIGHT = 470, LEFT = 74, RIGHT = 24 };

#define STYLE_NULL "#4f9d69" /* the shuffled table */

/* Ranks and values over `whole`, the zeros left out: they have no logarithm. */
static void add_series(es_text *script, const char *name, const double *values, int64_t count,
                       double whole, double range[2])
{
    es_text_printf(script, "$%s << " ES_GNUPLOT_END "\n", name);
    for (int64_t k = 0; k < count; k++) {
        double value = values[k] / whole;
        if (!(value > 0) || !isfinite(value)) continue;
        range[0] = fmin(range[0], value);
        range[1] = fmax(range[1], value);
        es_text_printf(script, "%lld ", (long long)k + 1);
        es_text_shortest(script, value);
        es_text_add(script, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

static void add_edge(es_text *script, double edge)
{
    es_text_add(script, "set arrow from graph 0, first ");
    es_text_shortest(script, edge);
    es_text_add(script, " to graph 1, first ");
    es_text_shortest(script, edge);
    es_text_add(script, " nohead lw 1.25 dt '-' lc rgb '" ES_STYLE_RANDOM "' front\n");
}

static void add_legend(es_figure *figure, const es_spectrum *spectrum)
{
    struct {
        const char *color;
        es_text words;
    } notes[4] = {
        {ES_STYLE_MARK, {0}}, {ES_STYLE_DATA, {0}}, {ES_STYLE_RANDOM, {0}}, {STYLE_NULL, {0}}};
    es_text_add(&notes[0].words, "■ S (all cosines) over n");
    es_text_add(&notes[1].words, "■ centered");
    es_text_add(&notes[2].words, "■ edge of random rows (");
    es_text_count(&notes[2].words, spectrum->centered.above_random);
    es_text_add(&notes[2].words, " above)");
    if (spectrum->null_values) {
        es_text_add(&notes[3].words, "■ columns shuffled (");
        es_text_count(&notes[3].words, spectrum->above_null);
        es_text_add(&notes[3].words, " above)");
    }
    static const int places[] = {66, 250, 350, 590};
    for (int i = 0; i < 4; i++) {
        figure->script.failed |= notes[i].words.failed;
        if (notes[i].words.data && !notes[i].words.failed)
            es_figure_note(figure, places[i], 76, notes[i].color, notes[i].words.data);
        es_text_release(&notes[i].words);
    }
}

static void add_ranges(es_text *script, int64_t count, double edge, double range[2])
{
    range[0] = fmin(range[0], edge > 0 ? edge : INFINITY);
    range[1] = fmax(range[1], edge);
    if (!(range[1] > 0)) range[0] = range[1] = 1;
    /* A rank-deficient table's last eigenvalues are rounding: they do not set the scale. */
    range[0] = fmax(range[0], 1e-9 * range[1]);
    es_text_add(script, "set logscale xy\nset format y '%g'\nset yrange [");
    es_text_shortest(script, range[0] / 1.5);
    es_text_add(script, ":");
    es_text_shortest(script, range[1] * 1.5);
    es_text_add(script, "]\nset xrange [0.9:");
    es_text_shortest(script, 1.1 * (double)(count > 1 ? count : 2));
    es_text_add(script, "]\n");
}

es_figure es_figure_spectrum(const es_space *space, const es_spectrum *spectrum)
{
    const es_eigenvalues *raw = &spectrum->raw, *centered = &spectrum->centered;
    es_text title = {0}, subtitle = {0};
    es_text_add(&title, "The eigenvalues of ");
    es_text_count(&title, spectrum->rows);
    es_text_printf(&title, " rows in %lld dimensions", (long long)spectrum->columns);
    es_source_caption(&subtitle, es_space_source(space));
    es_figure figure = es_figure_start("spectrum", WIDTH, HEIGHT, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    es_text *script = &figure.script;
    es_figure_area(&figure, LEFT, RIGHT, 96, 58);
    double range[2] = {INFINITY, 0};
    add_series(script, "raw", raw->values, raw->count, (double)spectrum->rows, range);
    add_series(script, "centered", centered->values, centered->count, 1, range);
    add_series(script, "shuffled", spectrum->null_values,
               spectrum->null_values ? centered->count : 0, 1, range);
    add_ranges(script, raw->count, centered->random_edges[1], range);
    if (centered->random_edges[1] > 0) add_edge(script, centered->random_edges[1]);
    add_legend(&figure, spectrum);
    es_text_add(script, "set xlabel 'rank'\nset ylabel 'eigenvalue'\nplot ");
    es_text_add(script, "$raw using 1:2 with linespoints pt 7 ps 0.28 lw 1.4 lc rgb "
                        "'" ES_STYLE_MARK "'");
    if (spectrum->null_values)
        es_text_add(script, ", $shuffled using 1:2 with lines lw 1.6 lc rgb '" STYLE_NULL "'");
    if (centered->trace > 0)
        es_text_add(script, ", $centered using 1:2 with linespoints pt 7 ps 0.28 lw 1.4 lc rgb "
                            "'" ES_STYLE_DATA "'");
    es_text_add(script, "\n");
    return figure;
}

es_status es_plot_spectrum(const es_space *space, const es_spectrum *spectrum, const char *path,
                           es_error *error)
{
    es_figure figure = es_figure_spectrum(space, spectrum);
    return es_figure_save(&figure, path, error);
}
