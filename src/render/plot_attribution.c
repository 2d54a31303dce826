/* What adds to a logit: a heat map of layers by heads, and the logit on its way through the layers.
 */
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>

enum {
    LEFT = 64,
    TOP = 70,
    BELOW = 58,
    PATH = 250, /* pixels of the panel on the right */
    BETWEEN = 40,
    BAR = 110,        /* pixels right of the panel, for the colour bar */
    WITH_VALUES = 18, /* columns at most that have room for numbers */
};

/* The gap between the heads and the two columns beside them, in columns. */
#define GAP 0.5

typedef struct layout {
    int64_t columns;     /* heads, bias, MLP */
    int map, cell, rows; /* pixels: of the map, of a cell's width, of all rows */
} layout;

static layout plan_layout(const es_attribution *attribution)
{
    layout plan = {.columns = attribution->heads + 2};
    plan.cell = plan.columns <= WITH_VALUES ? 46 : 28;
    plan.map = (int)(plan.cell * ((double)plan.columns + GAP));
    int row = attribution->layers <= 12 ? 30 : attribution->layers <= 24 ? 20 : 13;
    plan.rows = row * (int)attribution->layers;
    if (plan.rows < 200) plan.rows = 200;
    return plan;
}

static void add_cell(es_text *script, double x, int64_t layer, double value, double *reach)
{
    *reach = fmax(*reach, fabs(value));
    es_text_shortest(script, x);
    es_text_printf(script, " %lld ", (long long)layer);
    es_text_fixed(script, value, 5);
    es_text_add(script, "\n");
}

/* Returns the largest magnitude. */
static double add_cells(es_text *script, const es_attribution *attribution)
{
    double reach = 1e-3;
    int64_t heads = attribution->heads;
    es_text_add(script, "$cells << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < attribution->layers; i++) {
        for (int64_t h = 0; h < heads; h++)
            add_cell(script, (double)h + 1, i + 1, attribution->head[i * heads + h], &reach);
        add_cell(script, (double)heads + 1 + GAP, i + 1, attribution->attention_bias[i], &reach);
        add_cell(script, (double)heads + 2 + GAP, i + 1, attribution->mlp[i], &reach);
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    return reach;
}

/* From the top edge of the first row, where the embeddings are in, to the bottom of the last. */
static void add_path(es_text *script, const es_attribution *attribution)
{
    es_text_add(script, "$path << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i <= attribution->layers; i++) {
        es_text_fixed(script, attribution->path[i], 5);
        es_text_printf(script, " %lld.5\n", (long long)i);
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

static void add_tics(es_text *script, const es_attribution *attribution)
{
    int64_t heads = attribution->heads;
    es_text_add(script, "set xtics (");
    for (int64_t h = 1; h <= heads; h++)
        es_text_printf(script, "'%lld' %lld, ", (long long)h, (long long)h);
    es_text_add(script, "'bias' ");
    es_text_shortest(script, (double)heads + 1 + GAP);
    es_text_add(script, ", 'MLP' ");
    es_text_shortest(script, (double)heads + 2 + GAP);
    es_text_printf(script, ")\nset ytics 1,%d\n", attribution->layers <= 24 ? 1 : 4);
}

static void add_map(es_figure *figure, const es_attribution *attribution, const layout *plan,
                    double reach)
{
    es_text *script = &figure->script;
    es_text_add(script, "set palette defined (0 '#2a5a94', 1 '#6a9bc9', 2 '#bcd5e8', "
                        "3 '#f6f4f1', 4 '#f3c6ae', 5 '#d9775c', 6 '#a5283a')\nREACH = ");
    es_text_shortest(script, reach);
    es_text_add(script, "\nset cbrange [-REACH:REACH]\nunset grid\nunset border\n");
    add_tics(script, attribution);
    es_text_printf(script,
                   "set yrange [%lld.5:0.5]\nset xrange [0.5:", (long long)attribution->layers);
    es_text_shortest(script, (double)plan->columns + GAP + 0.5);
    es_text_add(script,
                "]\nset tics scale 0 textcolor rgb '" ES_STYLE_INK "'\n"
                "set cbtics scale 0.4 textcolor rgb '" ES_STYLE_MUTED "' font TIC_FONT\n"
                "set cblabel 'adds to the logit' textcolor rgb '" ES_STYLE_INK "' font AXIS_FONT\n"
                "set xlabel 'head'\nset ylabel 'layer'\n"
                "set style fill solid 1 noborder\nHALF = 0.485\n"
                "plot $cells using 1:2:($1-HALF):($1+HALF):($2-HALF):($2+HALF):3 with "
                "boxxyerror lc palette");
    if (plan->columns <= WITH_VALUES)
        es_text_add(script,
                    ", $cells using 1:2:(abs($3) > 0.62 * REACH ? '' : sprintf('%.2f', $3)) with "
                    "labels textcolor rgb '#1f2a37' font TIC_FONT"
                    ", $cells using 1:2:(abs($3) > 0.62 * REACH ? sprintf('%.2f', $3) : '') with "
                    "labels textcolor rgb '#fdfefe' font TIC_FONT");
    es_text_add(script, "\n");
}

static void add_path_panel(es_text *script, const es_attribution *attribution)
{
    es_text_add(script, "unset colorbox\nset border 1 lc rgb '" ES_STYLE_FRAME "'\n"
                        "unset ytics\nunset ylabel\nset xtics autofreq scale 0.5 textcolor rgb "
                        "'" ES_STYLE_MUTED "'\n"
                        "set grid xtics back lt 1 lc rgb '" ES_STYLE_GRID "' lw 0.75\n");
    es_text_printf(script, "set xlabel '%s so far'\nset xrange [*:*]\n",
                   attribution->against < 0 ? "logit" : "difference");
}

es_figure es_figure_attribution(const es_space *space, const es_attribution *attribution)
{
    layout plan = plan_layout(attribution);
    int width = LEFT + plan.map + BETWEEN + PATH + BAR, height = TOP + plan.rows + BELOW;
    es_text title = {0}, subtitle = {0};
    es_text_add(&title, "What adds to ");
    es_attribution_title(&title, space, attribution);
    es_text_add(&subtitle, "token embedding ");
    es_text_fixed(&subtitle, attribution->token_embedding, 2);
    es_text_add(&subtitle, ", position ");
    es_text_fixed(&subtitle, attribution->position_embedding, 2);
    es_text_add(&subtitle, ", bias of ln_f ");
    es_text_fixed(&subtitle, attribution->final_bias, 2);
    es_text_add(&subtitle, "; ");
    es_source_caption(&subtitle, es_space_source(space));
    if (width < 760) width = 760;
    es_figure figure = es_figure_start("attribution", width, height, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    es_text *script = &figure.script;
    double reach = add_cells(script, attribution);
    add_path(script, attribution);
    es_text_add(script, "set multiplot\n");
    int right = width - LEFT - plan.map, panel = LEFT + plan.map + BETWEEN;
    es_figure_area(&figure, LEFT, right, TOP, BELOW);
    es_text_add(script, "set colorbox noborder user origin screen ");
    es_text_fixed(script, (panel + PATH + 24.0) / width, 5);
    es_text_add(script, ", screen ");
    es_text_fixed(script, (double)BELOW / height, 5);
    es_text_add(script, " size screen ");
    es_text_fixed(script, 13.0 / width, 5);
    es_text_add(script, ", screen ");
    es_text_fixed(script, fmin(220, plan.rows) / height, 5);
    es_text_add(script, "\n");
    add_map(&figure, attribution, &plan, reach);
    es_figure_area(&figure, panel, width - panel - PATH, TOP, BELOW);
    es_text_add(script, "unset label 1\nunset label 2\n");
    add_path_panel(script, attribution);
    es_text_add(script, "plot $path using 1:2 with linespoints pt 7 ps 0.7 lw 2 lc rgb "
                        "'" ES_STYLE_DATA "'\nunset multiplot\n");
    return figure;
}

es_status es_plot_attribution(const es_space *space, const es_attribution *attribution,
                              const char *path, es_error *error)
{
    es_figure figure = es_figure_attribution(space, attribution);
    return es_figure_save(&figure, path, error);
}
