/* Every row by its id: how far it lies from the untouched rows, or, where none were found, its
 * norm. Rows that would cover each other on paper are drawn once. */
#include "base/memory.h"
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 820,
    HEIGHT = 480,
    LEFT = 74,
    RIGHT = 24,
    TOP = 96,
    BOTTOM = 58,
    ACROSS = 722, /* places where a point can be */
    DOWN = 326,
    KINDS = 3,
    MANY = 20000, /* rows from which on the plain ones are thinned */
};

/* What a point is, the one that counts most last. */
enum kind { PLAIN, ODD_NORM, UNTOUCHED };

typedef struct view {
    const es_audit *audit;
    const double *values; /* (rows) */
    double low, high;     /* of the logarithm */
} view;

static double height_of(const view *view, int64_t id)
{
    double value = view->values[id];
    return isnan(view->audit->norm_scores[id]) || !(value > 0) ? NAN : log10(value);
}

static view choose_view(const es_audit *audit)
{
    view view = {.audit = audit,
                 .values = audit->untouched.found ? audit->untouched.distance : audit->norms,
                 .low = INFINITY,
                 .high = -INFINITY};
    for (int64_t i = 0; i < audit->rows; i++) {
        double y = height_of(&view, i);
        if (!isfinite(y)) continue;
        view.low = fmin(view.low, y);
        view.high = fmax(view.high, y);
    }
    if (!(view.low <= view.high)) view.low = view.high = 0;
    double pad = fmax(0.02, 0.06 * (view.high - view.low));
    view.low -= pad;
    view.high += pad;
    return view;
}

/* kinds[id] for every row. */
static void sort_kinds(const es_audit *audit, unsigned char *kinds)
{
    for (int64_t i = 0; i < audit->count; i++) {
        const es_audit_finding *finding = &audit->findings[i];
        if (finding->category == ES_AUDIT_UNTOUCHED) kinds[finding->id] = UNTOUCHED;
        if (finding->category == ES_AUDIT_NORM && !kinds[finding->id])
            kinds[finding->id] = ODD_NORM;
    }
}

/* The block of one kind; returns how many points it has. */
static int64_t add_points(es_text *script, const view *view, const unsigned char *kinds, int kind,
                          unsigned char *taken)
{
    int64_t count = 0, rows = view->audit->rows;
    int cell = kind == PLAIN && rows > MANY ? 4 : 1; /* each point is a line of an SVG */
    memset(taken, 0, (size_t)ACROSS * DOWN);
    es_text_printf(script, "$points%d << " ES_GNUPLOT_END "\n", kind);
    for (int64_t i = 0; i < rows; i++) {
        double y = height_of(view, i);
        if (kinds[i] != kind || !isfinite(y)) continue;
        int column = (int)((double)i / (double)rows * ACROSS);
        int row = (int)((y - view->low) / (view->high - view->low) * (DOWN - 1));
        column -= column % cell;
        row -= row % cell;
        if (taken[row * ACROSS + column]++) {
            taken[row * ACROSS + column] = 1;
            continue;
        }
        es_text_printf(script, "%lld ", (long long)i);
        es_text_shortest(script, view->values[i]);
        es_text_add(script, "\n");
        count++;
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    return count;
}

static void add_level(es_text *script, const view *view, double value, const char *color)
{
    double place = value > 0 ? log10(value) : NAN;
    if (!(place >= view->low && place <= view->high)) return; /* it would cross the page */
    es_text_add(script, "set arrow from graph 0, first ");
    es_text_shortest(script, value);
    es_text_add(script, " to graph 1, first ");
    es_text_shortest(script, value);
    es_text_printf(script, " nohead lw 1 dt 2 lc rgb '%s' back\n", color);
}

static void add_levels(es_text *script, const view *view)
{
    const es_audit *audit = view->audit;
    const es_untouched *untouched = &audit->untouched;
    if (untouched->found) {
        add_level(script, view, fmin(untouched->inner, untouched->outer), ES_STYLE_MARK);
        add_level(script, view, untouched->outer, ES_STYLE_FRAME);
    } else if (audit->median_norm > 0) {
        double reach = exp(ES_AUDIT_NORM_SCORE * audit->norm_scale);
        add_level(script, view, audit->median_norm / reach, ES_STYLE_RANDOM);
        add_level(script, view, audit->median_norm * reach, ES_STYLE_RANDOM);
    }
}

/* Powers of ten alone would leave a short axis without a number. */
static void add_tics(es_text *script, const view *view)
{
    static const int steps[] = {1, 2, 5};
    if (view->high - view->low > 3) return;
    const char *between = "set ytics (";
    for (int e = (int)floor(view->low); e <= (int)ceil(view->high); e++)
        for (int i = 0; i < 3; i++, between = ", ") {
            es_text_add(script, between);
            es_text_shortest(script, steps[i] * pow(10, e));
        }
    es_text_add(script, ")\n");
}

static void add_axes(es_text *script, const view *view)
{
    es_text_printf(script, "set xrange [0:%lld]\nset logscale y\nset yrange [",
                   (long long)(view->audit->rows > 1 ? view->audit->rows - 1 : 1));
    es_text_shortest(script, pow(10, view->low));
    es_text_add(script, ":");
    es_text_shortest(script, pow(10, view->high));
    es_text_add(script, "]\n");
    add_tics(script, view);
    es_text_printf(script,
                   "set xlabel 'token id'\nset ylabel '%s'\nset format x '%%.0f'\n"
                   "set format y '%%g'\n",
                   view->audit->untouched.found ? "distance from the untouched rows" : "norm");
}

/* What the colours are, above the axes. */
static void add_key(es_figure *figure, const int64_t *counts)
{
    double x = LEFT;
    if (counts[UNTOUCHED]) {
        es_figure_note(figure, x, TOP - 24, ES_STYLE_MARK, "untouched");
        x += es_figure_text_width(12, 11.5) + 12;
    }
    if (counts[ODD_NORM]) {
        es_figure_note(figure, x, TOP - 24, ES_STYLE_RANDOM, "odd norm");
        x += es_figure_text_width(11, 11.5) + 12;
    }
    if (counts[PLAIN]) es_figure_note(figure, x, TOP - 24, ES_STYLE_DATA, "other rows");
}

static void add_plot(es_text *script, const int64_t *counts)
{
    static const char *const styles[KINDS] = {"pt 7 ps 0.25 lc rgb '#80" ES_STYLE_DATA_HEX "'",
                                              "pt 7 ps 0.4 lc rgb '" ES_STYLE_RANDOM "'",
                                              "pt 7 ps 0.4 lc rgb '" ES_STYLE_MARK "'"};
    const char *between = "plot ";
    for (int kind = 0; kind < KINDS; kind++) {
        if (!counts[kind]) continue;
        es_text_printf(script, "%s$points%d using 1:2 with points %s", between, kind, styles[kind]);
        between = ", ";
    }
    /* A plot of nothing ends gnuplot. */
    es_text_add(script, *between == 'p' ? "plot NaN\n" : "\n");
}

es_figure es_figure_audit(const es_space *space, const es_audit *audit)
{
    es_text title = {0}, subtitle = {0};
    const es_untouched *untouched = &audit->untouched;
    if (untouched->found) {
        es_text_count(&title, untouched->count);
        es_text_add(&title, " of ");
        es_text_count(&title, audit->rows);
        es_text_add(&title, " rows that training never touched");
    } else {
        es_text_add(&title, "Norms of all rows");
    }
    es_source_caption(&subtitle, es_space_source(space));
    es_figure figure = es_figure_start("audit", WIDTH, HEIGHT, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    es_figure_area(&figure, LEFT, RIGHT, TOP, BOTTOM);
    view view = choose_view(audit);
    unsigned char *kinds = es_alloc(audit->rows, 1), *taken = es_alloc(ACROSS, DOWN);
    int64_t counts[KINDS] = {0};
    if (kinds && taken) {
        sort_kinds(audit, kinds);
        for (int kind = 0; kind < KINDS; kind++)
            counts[kind] = add_points(&figure.script, &view, kinds, kind, taken);
    } else {
        figure.script.failed = true;
    }
    free(kinds);
    free(taken);
    add_axes(&figure.script, &view);
    add_levels(&figure.script, &view);
    add_key(&figure, counts);
    add_plot(&figure.script, counts);
    return figure;
}

es_status es_plot_audit(const es_space *space, const es_audit *audit, const char *path,
                        es_error *error)
{
    es_figure figure = es_figure_audit(space, audit);
    return es_figure_save(&figure, path, error);
}
