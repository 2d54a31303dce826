/* A series of checkpoints: how near each is to the first, to the one before and to the last, and
 * how evenly it fills its space. */
#include "render/display.h"
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/render_drift.h"

#include <math.h>

enum {
    WIDTH = 1040,
    HEIGHT = 640,
    LEFT = 62,
    RIGHT = 24,
    TOP = 122,      /* of the three panels */
    PANEL = 290,    /* their width, */
    TALL = 250,     /* and height */
    GAP = 42,       /* between them */
    LOW = 64,       /* beneath the lower panel, */
    LOW_TALL = 118, /* which is so high */
    LABEL = 12,
};

static const struct {
    const char *color, *text;
} curves[] = {{ES_STYLE_DATA, "■ nearest tokens in common"},
              {ES_STYLE_MARK, "■ RSA"},
              {"#4f9d69", "■ CKA, debiased"},
              {"#8a5fb0", "■ Procrustes, mean cosine"}};

static const struct {
    const char *color, *text;
} shapes[] = {{ES_STYLE_MARK, "■ mean cosine of all pairs"},
              {ES_STYLE_DATA, "■ effective rank over columns"},
              {"#4f9d69", "■ IsoScore"}};

enum { CURVES = sizeof curves / sizeof *curves, SHAPES = sizeof shapes / sizeof *shapes };

static void add_number(es_text *script, double value)
{
    es_text_add(script, " ");
    if (isnan(value))
        es_text_add(script, "NaN");
    else
        es_text_shortest(script, value);
}

/* How many checkpoints a panel of this width has room to name. */
static int64_t room(const char *const *names, const es_drift *drift, int width)
{
    int widest = 1;
    for (int64_t m = 0; m < drift->count; m++) {
        es_text label = {0};
        es_drift_label(&label, names, drift->count, m, LABEL);
        int columns = label.data ? es_display_width(label.data, label.size) : 0;
        if (columns > widest) widest = columns;
        es_text_release(&label);
    }
    int64_t named = (int64_t)(width / es_figure_text_width(widest + 3, 11));
    return named > 1 ? named : 1;
}

/* Place, name and values of every checkpoint; of many, some stand without a name. */
static void begin_line(es_text *script, const char *const *names, const es_drift *drift, int64_t m,
                       int width)
{
    int64_t named = room(names, drift, width), stride = (drift->count + named - 1) / named;
    es_text label = {0};
    if (m % stride == 0) es_drift_label(&label, names, drift->count, m, LABEL);
    script->failed |= label.failed;
    es_text_printf(script, "%lld ", (long long)m);
    es_gnuplot_field(script, label.data ? label.data : " ", label.data ? label.size : 1);
    es_text_release(&label);
}

static const es_drift_measures *measures_of(const es_drift_checkpoint *checkpoint, int panel)
{
    return panel == 0 ? &checkpoint->first : panel == 1 ? &checkpoint->previous : &checkpoint->last;
}

static void begin_panel(es_text *script, const es_drift *drift, double low)
{
    es_text_printf(script, "set xrange [-0.25:%lld.25]\nset yrange [", (long long)drift->count - 1);
    es_text_shortest(script, low);
    es_text_add(script, ":1.04]\nset ytics 0.25\n");
}

static void add_panel(es_figure *figure, const char *const *names, const es_drift *drift, int panel,
                      double low)
{
    es_text *script = &figure->script;
    es_text_printf(script, "$panel%d << " ES_GNUPLOT_END "\n", panel);
    for (int64_t m = 0; m < drift->count; m++) {
        const es_drift_measures *at = measures_of(&drift->checkpoints[m], panel);
        begin_line(script, names, drift, m, PANEL);
        add_number(script, at->mutual);
        add_number(script, at->rsa);
        add_number(script, at->cka);
        add_number(script, at->procrustes_cosine);
        es_text_add(script, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    int left = LEFT + panel * (PANEL + GAP);
    es_figure_area(figure, left, WIDTH - left - PANEL, TOP, HEIGHT - TOP - TALL);
    begin_panel(script, drift, low);
    if (panel) es_text_add(script, "unset label\n"); /* drawn with the first */
    es_text_add(script, "set arrow 9 from graph 0, first ");
    es_text_shortest(script, drift->expected);
    es_text_add(script, " to graph 1, first ");
    es_text_shortest(script, drift->expected);
    es_text_add(script, " nohead lw 1.25 dt '-' lc rgb '" ES_STYLE_RANDOM "'\nplot ");
    for (int c = 0; c < CURVES; c++)
        es_text_printf(script,
                       "%s$panel%d using 1:%d:xtic(2) with linespoints pt 7 ps 0.6 lw 2 lc rgb "
                       "'%s'",
                       c ? ", " : "", panel, c + 3, curves[c].color);
    es_text_add(script, "\n");
}

static void add_shapes(es_figure *figure, const char *const *names, const es_drift *drift)
{
    es_text *script = &figure->script;
    double low = 0;
    es_text_add(script, "$shapes << " ES_GNUPLOT_END "\n");
    for (int64_t m = 0; m < drift->count; m++) {
        const es_drift_checkpoint *at = &drift->checkpoints[m];
        begin_line(script, names, drift, m, WIDTH - LEFT - RIGHT);
        add_number(script, at->mean_cosine);
        add_number(script, at->effective_rank / (double)at->columns);
        add_number(script, at->isoscore);
        es_text_add(script, "\n");
        low = fmin(low, at->mean_cosine);
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    es_figure_area(figure, LEFT, RIGHT, HEIGHT - LOW - LOW_TALL, LOW);
    begin_panel(script, drift, low);
    es_text_add(script, "unset arrow 9\nset xlabel 'checkpoint'\nplot ");
    for (int c = 0; c < SHAPES; c++)
        es_text_printf(script,
                       "%s$shapes using 1:%d:xtic(2) with linespoints pt 7 ps 0.6 lw 2 lc rgb "
                       "'%s'",
                       c ? ", " : "", c + 3, shapes[c].color);
    es_text_add(script, "\n");
}

/* What the colours mean, and each panel's heading. */
static void add_notes(es_figure *figure, const es_drift *drift)
{
    static const char *const headings[] = {"with the first", "with the one before",
                                           "with the last"};
    static const int places[CURVES] = {LEFT, LEFT + 212, LEFT + 282, LEFT + 414};
    static const int lower[SHAPES] = {LEFT, LEFT + 200, LEFT + 414};
    for (int c = 0; c < CURVES; c++)
        es_figure_note(figure, places[c], 76, curves[c].color, curves[c].text);
    es_text chance = {0};
    es_text_add(&chance, "■ nearest tokens, by lot ");
    es_text_fixed(&chance, drift->expected, 4);
    figure->script.failed |= chance.failed;
    if (!chance.failed) es_figure_note(figure, LEFT + 612, 76, ES_STYLE_RANDOM, chance.data);
    es_text_release(&chance);
    for (int p = 0; p < 3; p++)
        es_figure_note(figure, LEFT + p * (PANEL + GAP), TOP - 14, ES_STYLE_INK, headings[p]);
    for (int c = 0; c < SHAPES; c++)
        es_figure_note(figure, lower[c], HEIGHT - LOW - LOW_TALL - 14, shapes[c].color,
                       shapes[c].text);
}

es_figure es_figure_drift(es_space *const *spaces, const char *const *names, const es_drift *drift)
{
    es_text title = {0}, subtitle = {0};
    es_text_printf(&title, "%lld checkpoints, ", (long long)drift->count);
    es_text_count(&title, drift->shared.count);
    es_text_printf(&title, " shared tokens, their %lld nearest", (long long)drift->k);
    es_text_add(&subtitle, "the first: ");
    es_source_caption(&subtitle, es_space_source(spaces[0]));
    es_figure figure = es_figure_start("drift", WIDTH, HEIGHT, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    double low = 0;
    for (int64_t m = 0; m < drift->count; m++)
        for (int p = 0; p < 3; p++) {
            const es_drift_measures *at = measures_of(&drift->checkpoints[m], p);
            low = fmin(low, fmin(fmin(at->rsa, at->cka), at->procrustes_cosine));
        }
    add_notes(&figure, drift);
    es_text_add(&figure.script, "set multiplot\n");
    for (int p = 0; p < 3; p++) add_panel(&figure, names, drift, p, low);
    add_shapes(&figure, names, drift);
    es_text_add(&figure.script, "unset multiplot\n");
    return figure;
}

es_status es_plot_drift(es_space *const *spaces, const char *const *names, const es_drift *drift,
                        const char *path, es_error *error)
{
    es_figure figure = es_figure_drift(spaces, names, drift);
    return es_figure_save(&figure, path, error);
}
