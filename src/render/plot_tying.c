/* Embedding and unembedding side by side: norm against norm, and the cosines of tokens' two rows.
 * Points that would cover each other on paper are drawn once. */
#include "base/memory.h"
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 1040,
    HEIGHT = 470,
    LEFT = 74,
    TOP = 86,
    BOTTOM = 62,
    PANEL = 610, /* where the histogram begins */
    RIGHT = 24,
    CELLS = 300, /* places for a point along each axis */
    BINS = 60,
};

/* Least and greatest finite norm of a table. */
static void range_of(const es_tying_geometry *geometry, int side, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int64_t i = 0; i < geometry->ids; i++) {
        double norm = geometry->norms[side][i];
        if (!isfinite(norm)) continue;
        *low = fmin(*low, norm);
        *high = fmax(*high, norm);
    }
    if (!(*low <= *high)) *low = *high = 1;
    double pad = fmax(0.04 * (*high - *low), 0.01 * *high);
    *low = fmax(0, *low - pad);
    *high += pad;
}

static void add_points(es_text *script, const es_tying_geometry *geometry)
{
    unsigned char *taken = es_alloc((int64_t)CELLS * CELLS, 1);
    if (!taken) {
        script->failed = true;
        return;
    }
    double low[2], high[2];
    for (int side = 0; side < 2; side++) range_of(geometry, side, &low[side], &high[side]);
    es_text_add(script, "$points << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < geometry->ids; i++) {
        int cell[2];
        if (!isfinite(geometry->norms[0][i]) || !isfinite(geometry->norms[1][i])) continue;
        for (int side = 0; side < 2; side++)
            cell[side] = (int)((geometry->norms[side][i] - low[side]) / (high[side] - low[side]) *
                               (CELLS - 1));
        if (taken[cell[0] * CELLS + cell[1]]++) {
            taken[cell[0] * CELLS + cell[1]] = 1;
            continue;
        }
        es_text_shortest(script, geometry->norms[0][i]);
        es_text_add(script, " ");
        es_text_shortest(script, geometry->norms[1][i]);
        es_text_add(script, " ");
        es_text_fixed(script, geometry->cosines[i], 4);
        es_text_add(script, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    free(taken);
    static const char *const axes[] = {"xrange", "yrange"};
    for (int side = 0; side < 2; side++) {
        es_text_printf(script, "set %s [", axes[side]);
        es_text_shortest(script, low[side]);
        es_text_add(script, ":");
        es_text_shortest(script, high[side]);
        es_text_add(script, "]\n");
    }
}

/* Bins of equal width over what there is, 0 included, and the density of random directions. */
static void add_bars(es_text *script, const es_tying_geometry *geometry)
{
    double low = fmin(0, geometry->cosine.minimum), high = fmax(0.05, geometry->cosine.maximum);
    double width = (high - low) / BINS;
    int64_t counts[BINS] = {0};
    for (int64_t i = 0; i < geometry->ids; i++) {
        if (isnan(geometry->cosines[i])) continue;
        int bin = (int)((geometry->cosines[i] - low) / width);
        counts[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin]++;
    }
    es_text_add(script, "$bars << " ES_GNUPLOT_END "\n");
    for (int b = 0; b < BINS; b++) {
        es_text_shortest(script, low + (b + 0.5) * width);
        es_text_add(script, " ");
        es_text_shortest(script, 100 * (double)counts[b] / (double)geometry->rows);
        es_text_add(script, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\nBIN = ");
    es_text_shortest(script, width);
    es_text_add(script, "\nset xrange [");
    es_text_shortest(script, low - width);
    es_text_add(script, ":");
    es_text_shortest(script, high + width);
    es_text_add(script, "]\n");
}

static void add_panels(es_figure *figure, const es_tying_geometry *geometry)
{
    es_text *script = &figure->script;
    es_text_add(script, "set multiplot\n");
    es_figure_area(figure, LEFT, WIDTH - PANEL + 144, TOP, BOTTOM);
    add_points(script, geometry);
    es_text_add(script, "set palette defined (0 '#263c6e', 1 '#388cac', 2 '#a3d3cb', 3 '#e9b872', "
                        "4 '#b42f4b')\n"
                        "set cbtics scale 0.4 textcolor rgb '" ES_STYLE_MUTED "' font TIC_FONT\n"
                        "set colorbox noborder user origin screen ");
    es_text_fixed(script, (PANEL - 132.0) / WIDTH, 5);
    es_text_add(script, ", screen ");
    es_text_fixed(script, BOTTOM / (double)HEIGHT, 5);
    es_text_add(script, " size screen ");
    es_text_fixed(script, 11.0 / WIDTH, 5);
    es_text_add(script, ", screen ");
    es_text_fixed(script, 180.0 / HEIGHT, 5);
    es_text_add(script,
                "\nset xlabel 'norm in the embedding'\nset ylabel 'norm in the unembedding' "
                "offset 1\n"
                "plot $points using 1:2:3 with points pt 7 ps 0.35 lc palette\n"
                "unset label\nunset colorbox\nset yrange [0:*]\n");
    es_figure_area(figure, PANEL, RIGHT, TOP, BOTTOM);
    add_bars(script, geometry);
    es_text_add(script, "set ytics format '%g %%'\nset xlabel \"cosine of a token's two rows\"\n"
                        "set ylabel 'share of the tokens' offset 0.5\n"
                        "set style fill solid 0.7 noborder\n"
                        "plot $bars using 1:2:(BIN) with boxes lc rgb '" ES_STYLE_DATA "'\n"
                        "unset multiplot\n");
}

es_figure es_figure_tying(const es_space *space, const es_tying_geometry *geometry)
{
    es_text title = {0}, subtitle = {0}, note = {0};
    es_text_add(&title, "Embedding and unembedding of ");
    es_text_count(&title, geometry->rows);
    es_text_add(&title, " tokens");
    es_source_caption(&subtitle, es_space_source(space));
    es_figure figure = es_figure_start("tying", WIDTH, HEIGHT, &title, &subtitle);
    es_text_add(&note, "mean ");
    es_text_fixed(&note, geometry->cosine.mean, 4);
    es_text_add(&note, ", of random directions 0 ± ");
    es_text_fixed(&note, 1 / sqrt((double)geometry->columns), 4);
    figure.script.failed |= note.failed;
    if (note.data) es_figure_note(&figure, PANEL, TOP - 12, ES_STYLE_MUTED, note.data);
    es_text_release(&note);
    es_text_add(&note, "Pearson ");
    es_text_fixed(&note, geometry->norm_pearson, 4);
    es_text_add(&note, "; color: the cosine of the two rows");
    figure.script.failed |= note.failed;
    if (note.data) es_figure_note(&figure, LEFT, TOP - 12, ES_STYLE_MUTED, note.data);
    es_text_release(&note);
    es_text_release(&title);
    es_text_release(&subtitle);
    add_panels(&figure, geometry);
    return figure;
}

es_status es_plot_tying(const es_space *space, const es_tying_geometry *geometry, const char *path,
                        es_error *error)
{
    es_figure figure = es_figure_tying(space, geometry);
    return es_figure_save(&figure, path, error);
}
