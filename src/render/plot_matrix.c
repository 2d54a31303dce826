/* The cosine matrix as a heat map in leaf order, the tree that orders it above. */
#include "base/memory.h"
#include "render/display.h"
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>
#include <stdlib.h>

enum {
    LABELLED = 60, /* tokens at most that get their names on the axes */
    WITH_VALUES = 12,
    FINEST = 400, /* cells along a side; a larger matrix is averaged down to it */
    LONGEST = 20,
    TREE = 86, /* pixels of the tree */
    TREE_AT_MOST = 1500,
    TOP = 64,
    BAR = 92, /* pixels right of the map, for the colour bar */
};

typedef struct layout {
    int64_t n;
    int side, labels; /* pixels of the map and of the names beside it */
    bool drop_space;  /* every name begins with a space: not shown */
    double low, high; /* the colour range */
    bool diverging;
    bool failed; /* memory was short */
} layout;

static const double *row_of(const es_matrix *matrix, int64_t place)
{
    return matrix->cosine + matrix->order[place] * matrix->n;
}

/* Colours run over what lies off the diagonal, whose ones say nothing. Where a good part is
 * negative, they part at 0. */
static void choose_colors(const es_matrix *matrix, layout *plan)
{
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < plan->n; i++) {
        for (int64_t j = 0; j < plan->n; j++) {
            double cosine = matrix->cosine[i * plan->n + j];
            if (i == j || !isfinite(cosine)) continue;
            low = fmin(low, cosine);
            high = fmax(high, cosine);
        }
    }
    if (!(low <= high)) {
        low = 0;
        high = 1;
    }
    plan->diverging = low < -0.15 * fmax(high, 0.1);
    if (plan->diverging) {
        high = fmax(high, -low);
        low = -high;
    } else if (low < 0 || low < 0.25 * high) {
        low = fmin(low, 0);
    }
    if (high - low < 0.02) high = low + 0.02;
    plan->low = low;
    plan->high = high;
}

static layout plan_layout(const es_matrix *matrix)
{
    layout plan = {.n = matrix->n, .drop_space = true};
    choose_colors(matrix, &plan);
    int cell = plan.n <= WITH_VALUES ? 52 : plan.n <= 24 ? 24 : plan.n <= LABELLED ? 15 : 0;
    plan.side = cell ? (int)plan.n * cell : 560;
    if (plan.side < 260) plan.side = 260;
    for (int64_t i = 0; i < plan.n; i++)
        if (!matrix->items[i].text_size || matrix->items[i].text[0] != ' ') plan.drop_space = false;
    int widest = 4;
    for (int64_t i = 0; i < plan.n && plan.n <= LABELLED; i++) {
        es_text label = {0};
        es_figure_label(&label, matrix->items[i].text, matrix->items[i].text_size, plan.drop_space,
                        LONGEST);
        int width = label.size ? es_display_width(label.data, label.size) : 0;
        if (width > widest) widest = width;
        plan.failed |= label.failed;
        es_text_release(&label);
    }
    plan.labels = plan.n <= LABELLED ? (int)es_figure_text_width(widest, 12.5) + 18 : 30;
    return plan;
}

static void add_cells(es_text *script, const es_matrix *matrix, const layout *plan)
{
    int64_t n = plan->n, cells = n < FINEST ? n : FINEST;
    es_text_add(script, "$cells << " ES_GNUPLOT_END "\n");
    for (int64_t y = 0; y < cells; y++) {
        for (int64_t x = 0; x < cells; x++) {
            double sum = 0;
            int64_t count = 0;
            for (int64_t i = y * n / cells; i < (y + 1) * n / cells; i++) {
                for (int64_t j = x * n / cells; j < (x + 1) * n / cells; j++) {
                    double cosine = row_of(matrix, i)[matrix->order[j]];
                    if (i == j || !isfinite(cosine)) continue;
                    sum += cosine;
                    count++;
                }
            }
            /* A picture needs every cell; a box left out shows what lies behind. */
            if (!count && n <= LABELLED) continue;
            double scale = (double)n / (double)cells;
            es_text_shortest(script, ((double)x + 0.5) * scale - 0.5);
            es_text_add(script, " ");
            es_text_shortest(script, ((double)y + 0.5) * scale - 0.5);
            es_text_add(script, " ");
            if (count)
                es_text_fixed(script, sum / (double)count, 5);
            else
                es_text_add(script, "NaN");
            es_text_add(script, "\n");
        }
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

static void add_names(es_text *script, const es_matrix *matrix, const layout *plan)
{
    es_text_add(script, "$names << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < plan->n; i++) {
        const es_item *item = &matrix->items[matrix->order[i]];
        es_text label = {0};
        es_figure_label(&label, item->text, item->text_size, plan->drop_space, LONGEST);
        es_text_printf(script, "%lld ", (long long)i);
        es_gnuplot_field(script, label.data ? label.data : "", label.size);
        es_text_add(script, "\n");
        script->failed |= label.failed;
        es_text_release(&label);
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

/* A bracket per merge: up from the left child, across, down to the right one. */
static void add_tree(es_text *script, const es_matrix *matrix)
{
    int64_t n = matrix->n;
    double *place = es_alloc(2 * n, sizeof *place), *height = es_alloc(2 * n, sizeof *height);
    es_text_add(script, "$tree << " ES_GNUPLOT_END "\n");
    if (place && height) {
        for (int64_t i = 0; i < n; i++) place[matrix->order[i]] = (double)i;
        for (int64_t r = 0; r < n - 1; r++) {
            const es_merge *merge = &matrix->linkage[r];
            double ends[4][2] = {{place[merge->a], height[merge->a]},
                                 {place[merge->a], merge->height},
                                 {place[merge->b], merge->height},
                                 {place[merge->b], height[merge->b]}};
            for (int k = 0; k < 4; k++) {
                es_text_shortest(script, ends[k][0]);
                es_text_add(script, " ");
                es_text_shortest(script, ends[k][1]);
                es_text_add(script, "\n");
            }
            es_text_add(script, "\n");
            place[n + r] = (place[merge->a] + place[merge->b]) / 2;
            height[n + r] = merge->height;
        }
    } else {
        script->failed = true;
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    free(place);
    free(height);
}

/* Does a cut say anything to be drawn? */
static bool has_clusters(const es_matrix *matrix)
{
    return matrix->clusters.labels && matrix->clusters.count > 1 &&
           matrix->clusters.count < matrix->n;
}

/* A square around each cluster: its tokens stand side by side in leaf order. */
static void add_borders(es_text *script, const es_matrix *matrix)
{
    int64_t first = 0;
    es_text_add(script, "$borders << " ES_GNUPLOT_END "\n");
    for (int64_t c = 0; c < matrix->clusters.count; c++) {
        int64_t end = first + matrix->clusters.sizes[c];
        const int64_t corners[5][2] = {
            {first, first}, {end, first}, {end, end}, {first, end}, {first, first}};
        for (int k = 0; k < 5; k++)
            es_text_printf(script, "%lld.5 %lld.5\n", (long long)corners[k][0],
                           (long long)corners[k][1]);
        es_text_add(script, "\n");
        first = end;
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

/* Viridis without its darkest third for one sign; blue, near white, red for two. */
static void add_palette(es_text *script, const layout *plan)
{
    es_text_add(script, plan->diverging
                            ? "set palette defined (0 '#2a5a94', 1 '#6a9bc9', 2 '#bcd5e8', "
                              "3 '#f6f4f1', 4 '#f3c6ae', 5 '#d9775c', 6 '#a5283a')\n"
                            : "set palette defined (0 '#f7f8f4', 1 '#d5e8dd', 2 '#a3d3cb', "
                              "3 '#66b3bd', 4 '#388cac', 5 '#2a6290', 6 '#263c6e')\n");
    es_text_add(script, "LOW = ");
    es_text_shortest(script, plan->low);
    es_text_add(script, "\nHIGH = ");
    es_text_shortest(script, plan->high);
    es_text_printf(script, "\nDIVERGING = %d\nset cbrange [LOW:HIGH]\n", plan->diverging);
}

static void add_map(es_figure *figure, const layout *plan, bool clusters)
{
    es_text *script = &figure->script;
    const char *borders =
        !clusters ? ""
        : plan->n <= LABELLED
            ? ", $borders using ($1-1):($2-1) with lines lw 1.6 lc rgb '" ES_STYLE_INK "'"
            : ", $borders using ($1-1):($2-1) with lines lw 0.9 lc rgb '" ES_STYLE_INK "'";
    es_text_printf(script,
                   "unset label\nunset grid\nunset border\n"
                   "set xrange [-0.5:%lld.5]\nset yrange [%lld.5:-0.5]\n",
                   (long long)plan->n - 1, (long long)plan->n - 1);
    es_text_add(script, "set tics scale 0 textcolor rgb '" ES_STYLE_INK "'\n"
                        "set cbtics scale 0.4 textcolor rgb '" ES_STYLE_MUTED "' font TIC_FONT\n"
                        "set cblabel 'cosine' textcolor rgb '" ES_STYLE_INK "' font AXIS_FONT\n"
                        "set object 1 rectangle from graph 0,0 to graph 1,1 behind fs solid "
                        "noborder fc rgb '" ES_STYLE_GRID "'\n");
    if (plan->n > LABELLED) {
        es_text_printf(script, "unset xtics\nunset ytics\nplot $cells using 1:2:3 with image%s\n",
                       borders);
        return;
    }
    es_text_add(
        script,
        "set xtics rotate by 90 right noenhanced\nset ytics noenhanced\n"
        "set style fill solid 1 noborder\nGAP = 0.485\n"
        "plot $cells using 1:2:($1-GAP):($1+GAP):($2-GAP):($2+GAP):3 with boxxyerror "
        "lc palette"
        ", $names using 1:(NaN):xtic(2) with points, $names using (NaN):1:ytic(2) with points");
    es_text_add(script, borders);
    if (plan->n <= WITH_VALUES)
        es_text_add(script, ", $cells using 1:2:(dark($3) ? '' : sprintf('%.2f', $3)) with labels "
                            "textcolor rgb '#1f2a37' font TIC_FONT"
                            ", $cells using 1:2:(dark($3) ? sprintf('%.2f', $3) : '') with labels "
                            "textcolor rgb '#fdfefe' font TIC_FONT");
    es_text_add(script, "\n");
}

es_figure es_figure_matrix(const es_space *space, const es_matrix *matrix)
{
    layout plan = plan_layout(matrix);
    bool tree = plan.n <= TREE_AT_MOST;
    int above = TOP + (tree ? TREE + 6 : 0), below = plan.n <= LABELLED ? plan.labels + 14 : 24;
    int width = 24 + plan.labels + plan.side + BAR, height = above + plan.side + below;
    es_text title = {0}, subtitle = {0};
    es_text_printf(&title, "Cosine similarity of %lld tokens", (long long)plan.n);
    es_source_caption(&subtitle, es_space_source(space));
    if (plan.drop_space && plan.n <= LABELLED)
        es_text_add(&subtitle, "; tokens with their leading space");
    /* Nothing of an ordinary caption may be cut off. */
    int wide = subtitle.size ? es_display_width(subtitle.data, subtitle.size) : 0;
    wide = 40 + (int)es_figure_text_width(wide < 120 ? wide : 120, 11);
    if (width < wide) width = wide;
    if (width < 520) width = 520;
    es_figure figure = es_figure_start("matrix", width, height, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    es_text *script = &figure.script;
    script->failed |= plan.failed;
    int left = 24 + plan.labels, right = width - left - plan.side;
    add_cells(script, matrix, &plan);
    if (plan.n <= LABELLED) add_names(script, matrix, &plan);
    if (has_clusters(matrix)) add_borders(script, matrix);
    add_palette(script, &plan);
    es_text_add(script, "dark(v) = v > LOW + (HIGH - LOW) * 0.62 || (DIVERGING && v < LOW * 0.55)\n"
                        "set multiplot\n");
    if (tree) {
        add_tree(script, matrix);
        es_figure_area(&figure, left, right, TOP, height - TOP - TREE);
        es_text_printf(script,
                       "unset border\nunset tics\nset xrange [-0.5:%lld.5]\nset yrange [0:*]\n"
                       "plot $tree using 1:2 with lines lw %s lc rgb '" ES_STYLE_INK "'\n"
                       "set tics\n",
                       (long long)plan.n - 1, plan.n <= LABELLED ? "1.2" : "0.6");
    }
    es_figure_area(&figure, left, right, above, below);
    es_text_add(script, "set colorbox noborder user origin screen ");
    es_text_fixed(script, (left + plan.side + 16.0) / width, 5);
    es_text_add(script, ", screen ");
    es_text_fixed(script, (double)below / height, 5);
    es_text_add(script, " size screen ");
    es_text_fixed(script, 13.0 / width, 5);
    es_text_add(script, ", screen ");
    es_text_fixed(script, fmin(220, plan.side) / height, 5);
    es_text_add(script, "\n");
    add_map(&figure, &plan, has_clusters(matrix));
    es_text_add(script, "unset multiplot\n");
    return figure;
}

es_status es_plot_matrix(const es_space *space, const es_matrix *matrix, const char *path,
                         es_error *error)
{
    es_figure figure = es_figure_matrix(space, matrix);
    return es_figure_save(&figure, path, error);
}
