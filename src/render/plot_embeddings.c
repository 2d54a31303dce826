/* Two embeddings against each other: a point per dimension. */
#include "render/display.h"
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>

enum { WIDTH = 620, HEIGHT = 640, NAMED = 3, LONGEST = 24 };

typedef struct cloud {
    double cosine, reach; /* of the two vectors; the largest component */
    int64_t outer[NAMED]; /* dimensions farthest from 0 that stand out, -1: none */
} cloud;

static cloud look_at(const double *x, const double *y, int64_t d)
{
    cloud seen = {.outer = {-1, -1, -1}};
    for (int64_t k = 0; k < d; k++)
        if (isfinite(x[k]) && isfinite(y[k]))
            seen.reach = fmax(seen.reach, fmax(fabs(x[k]), fabs(y[k])));
    double xy = 0, xx = 0, yy = 0, scale = seen.reach > 0 ? seen.reach : 1;
    for (int64_t k = 0; k < d; k++) {
        xy += x[k] / scale * (y[k] / scale);
        xx += x[k] / scale * (x[k] / scale);
        yy += y[k] / scale * (y[k] / scale);
    }
    seen.cosine = xx > 0 && yy > 0 ? xy / (sqrt(xx) * sqrt(yy)) : NAN;
    /* A dimension is named when its point lies far outside where the others lie. */
    double typical = sqrt((xx + yy) / (double)(d ? d : 1)) * scale;
    for (int place = 0; place < NAMED; place++) {
        double farthest = 4 * typical;
        for (int64_t k = 0; k < d; k++) {
            double distance = hypot(x[k], y[k]);
            bool taken = false;
            for (int i = 0; i < place; i++) taken |= seen.outer[i] == k;
            if (!taken && distance > farthest) {
                farthest = distance;
                seen.outer[place] = k;
            }
        }
        if (seen.outer[place] < 0) break;
    }
    return seen;
}

static void add_points(es_text *script, const double *x, const double *y, int64_t d,
                       const cloud *seen)
{
    es_text_add(script, "$points << " ES_GNUPLOT_END "\n");
    for (int64_t k = 0; k < d; k++) {
        if (!isfinite(x[k]) || !isfinite(y[k])) continue;
        es_text_shortest(script, x[k]);
        es_text_add(script, " ");
        es_text_shortest(script, y[k]);
        es_text_add(script, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\n$outer << " ES_GNUPLOT_END "\n");
    for (int i = 0; i < NAMED && seen->outer[i] >= 0; i++) {
        es_text_shortest(script, x[seen->outer[i]]);
        es_text_add(script, " ");
        es_text_shortest(script, y[seen->outer[i]]);
        es_text_printf(script, " \"dimension %lld\"\n", (long long)seen->outer[i]);
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

static void add_quoted(es_text *text, const es_item *item)
{
    es_text token = {0};
    es_display_quoted(&token, item->text, item->text_size);
    text->failed |= token.failed;
    size_t prefix = token.size ? es_display_prefix(token.data, token.size, LONGEST) : 0;
    es_text_append(text, token.data, prefix);
    if (prefix < token.size) es_text_add(text, "…");
    es_text_release(&token);
}

static void add_axis(es_figure *figure, const char *variable, const char *axis, const es_item *item)
{
    es_text label = {0};
    es_text_add(&label, "component of ");
    add_quoted(&label, item);
    figure->script.failed |= label.failed;
    es_gnuplot_line(&figure->script, variable, label.data ? label.data : "", label.size);
    es_text_printf(&figure->script, "set %s %s noenhanced\n", axis, variable);
    es_text_release(&label);
}

es_figure es_figure_embeddings(const es_space *space, const es_selection *selection,
                               const double *vectors)
{
    int64_t d = es_space_column_count(space);
    const double *x = vectors, *y = vectors + d;
    const es_item *items = selection->items;
    cloud seen = look_at(x, y, d);
    es_text title = {0}, subtitle = {0};
    add_quoted(&title, &items[0]);
    es_text_add(&title, " and ");
    add_quoted(&title, &items[1]);
    es_text_printf(&title, " in %lld dimensions: cosine ", (long long)d);
    es_text_fixed(&title, seen.cosine, 4);
    es_source_caption(&subtitle, es_space_source(space));
    es_figure figure = es_figure_start("embeddings", WIDTH, HEIGHT, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    es_text *script = &figure.script;
    es_figure_area(&figure, 84, 26, 66, 64);
    add_points(script, x, y, d, &seen);
    add_axis(&figure, "x_text", "xlabel", &items[0]);
    add_axis(&figure, "y_text", "ylabel", &items[1]);
    double reach = seen.reach > 0 ? 1.08 * seen.reach : 1;
    es_text_add(script, "REACH = ");
    es_text_shortest(script, reach);
    es_text_add(
        script,
        "\nset xrange [-REACH:REACH]\nset yrange [-REACH:REACH]\n"
        "set xtics add autofreq\nset border 15\n"
        "set arrow from -REACH,-REACH to REACH,REACH nohead lw 1.2 dt '-' lc rgb '" ES_STYLE_RANDOM
        "' back\n"
        "set arrow from -REACH,0 to REACH,0 nohead lw 1 lc rgb '" ES_STYLE_FRAME "' back\n"
        "set arrow from 0,-REACH to 0,REACH nohead lw 1 lc rgb '" ES_STYLE_FRAME "' back\n"
        "set style fill transparent solid 0.45 noborder\n"
        "set style circle radius screen 0.0052\n"
        "plot $points using 1:2 with points pt 7 ps 0.55 lc rgb '#80" ES_STYLE_DATA_HEX "'");
    if (seen.outer[0] >= 0)
        es_text_add(script,
                    ", $outer using 1:2 with points pt 6 ps 1.1 lw 1.4 lc rgb '" ES_STYLE_MARK
                    "', $outer using ($1 > 0.5 * REACH ? NaN : $1):2:3 with labels left "
                    "offset char 0.9,0 font SMALL_FONT textcolor rgb '" ES_STYLE_INK "' noenhanced"
                    ", $outer using ($1 > 0.5 * REACH ? $1 : NaN):2:3 with labels right "
                    "offset char -0.9,0 font SMALL_FONT textcolor rgb '" ES_STYLE_INK
                    "' noenhanced");
    es_text_add(script, "\n");
    return figure;
}

es_status es_plot_embeddings(const es_space *space, const es_selection *selection,
                             const double *vectors, const char *path, es_error *error)
{
    es_figure figure = es_figure_embeddings(space, selection, vectors);
    return es_figure_save(&figure, path, error);
}
