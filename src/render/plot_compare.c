/* Two models side by side: of a few tokens their two dissimilarity matrices, in one order; of many
 * one cosine against the other as a density, and where the tokens that moved most went. */
#include "base/memory.h"
#include "render/display.h"
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>

enum {
    PANEL = 440,
    LEFT = 66,
    BETWEEN = 84,
    RIGHT = 36,
    TOP = 92,
    BOTTOM = 60,
    LABELLED = 40, /* tokens at most that get their names */
    NAMED = 10,    /* tokens named on the map */
    LONGEST = 18,
    LABEL_SIZE = 11,
};

static void add_number(es_text *script, double value)
{
    es_text_fixed(script, value, 8);
    es_text_add(script, " ");
}

static es_bytes token_of(es_space *const *spaces, const es_comparison *comparison, int64_t item)
{
    const es_shared_tokens *shared = &comparison->shared;
    int64_t named = 0; /* the first model whose rows have names */
    for (int64_t m = shared->models - 1; m >= 0; m--)
        if (es_vocabulary_get_kind(es_space_vocabulary(spaces[m])) != ES_VOCABULARY_NONE) named = m;
    return es_vocabulary_token(es_space_vocabulary(spaces[named]),
                               es_shared_id(shared, item, named));
}

/* The token, or the number of its row. */
static void add_token(es_text *label, es_space *const *spaces, const es_comparison *comparison,
                      int64_t item)
{
    es_bytes token = token_of(spaces, comparison, item);
    if (token.data)
        es_figure_label(label, token.data, token.size, true, LONGEST);
    else
        es_text_printf(label, "#%lld", (long long)es_shared_id(&comparison->shared, item, 0));
}

static void add_subtitle(es_text *subtitle, es_space *const *spaces,
                         const es_comparison *comparison)
{
    const es_pair_comparison *pair = &comparison->pairs[0];
    es_text_add(subtitle, "A: ");
    es_source_caption(subtitle, es_space_source(spaces[pair->a]));
    es_text_add(subtitle, "; B: ");
    es_source_caption(subtitle, es_space_source(spaces[pair->b]));
    if (comparison->model_count > 2) es_text_add(subtitle, "; of the models the first two");
}

/* ---- two matrices -----------------------------------------------------------------------------
 */

/* Blocks $cells_a and $cells_b: place, place, dissimilarity; the diagonal left out. */
static void add_cells(es_text *script, const es_comparison *comparison, int m)
{
    int64_t n = comparison->shared.count;
    const double *cosine = comparison->models[m].cosine;
    es_text_printf(script, "$cells_%c << " ES_GNUPLOT_END "\n", m ? 'b' : 'a');
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            es_text_printf(script, "%lld %lld ", (long long)j, (long long)i);
            if (i == j)
                es_text_add(script, "NaN");
            else
                es_text_fixed(script, 1 - cosine[comparison->order[i] * n + comparison->order[j]],
                              5);
            es_text_add(script, "\n");
        }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

static int add_names(es_text *script, es_space *const *spaces, const es_comparison *comparison)
{
    int widest = 0;
    es_text_add(script, "$names << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < comparison->shared.count; i++) {
        es_text label = {0};
        add_token(&label, spaces, comparison, comparison->order[i]);
        int width = label.data ? es_display_width(label.data, label.size) : 0;
        if (width > widest) widest = width;
        es_text_printf(script, "%lld ", (long long)i);
        es_gnuplot_field(script, label.data ? label.data : "", label.size);
        es_text_add(script, "\n");
        script->failed |= label.failed;
        es_text_release(&label);
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    return (int)es_figure_text_width(widest, LABEL_SIZE) + 14;
}

static void add_matrix(es_figure *figure, int left, int right, bool named, int m)
{
    es_text *script = &figure->script;
    es_figure_area(figure, left, right, TOP, BOTTOM - 20);
    es_text_printf(script, "set title '%s' font AXIS_FONT textcolor rgb '" ES_STYLE_INK "'\n",
                   m ? "B, in the order of A" : "A");
    if (named && !m)
        es_text_add(script, "set ytics scale 0 noenhanced\n");
    else
        es_text_add(script, "unset ytics\n");
    es_text_printf(script, "plot $cells_%c using 1:2:3 with image", m ? 'b' : 'a');
    if (named && !m) es_text_add(script, ", $names using (NaN):1:ytic(2) with points");
    es_text_add(script, "\nunset label 1\nunset label 2\n");
}

static es_figure figure_matrices(es_space *const *spaces, const es_comparison *comparison)
{
    const es_rsa *rsa = &comparison->pairs[0].rsa;
    int64_t n = comparison->shared.count;
    es_text title = {0}, subtitle = {0}, names = {0};
    es_text_printf(&title, "Dissimilarity 1 - cos of %lld tokens: correlation ", (long long)n);
    es_text_fixed(&title, rsa->pearson, 4);
    add_subtitle(&subtitle, spaces, comparison);
    bool named = n <= LABELLED;
    int left = named ? add_names(&names, spaces, comparison) + 12 : 24, gap = 92;
    int width = left + 2 * PANEL + 2 * gap;
    es_figure figure =
        es_figure_start("comparison", width, TOP + PANEL + BOTTOM - 20, &title, &subtitle);
    es_text *script = &figure.script;
    script->failed |= names.failed;
    if (names.data) es_text_append(script, names.data, names.size);
    for (int m = 0; m < 2; m++) add_cells(script, comparison, m);
    es_text_printf(script,
                   "set multiplot\nunset grid\nunset border\nunset xtics\n"
                   "set xrange [-0.5:%lld.5]\nset yrange [%lld.5:-0.5]\n"
                   "set cbtics scale 0.4 textcolor rgb '" ES_STYLE_MUTED "' font TIC_FONT\n"
                   "set palette defined (0 '#263c6e', 1 '#2a6290', 2 '#388cac', 3 '#66b3bd', "
                   "4 '#a3d3cb', 5 '#d5e8dd', 6 '#f7f8f4')\n"
                   "set colorbox noborder\n",
                   (long long)n - 1, (long long)n - 1);
    add_matrix(&figure, left, width - left - PANEL, named, 0);
    add_matrix(&figure, left + PANEL + gap, gap, named, 1);
    es_text_add(script, "unset multiplot\n");
    es_text_release(&names);
    es_text_release(&title);
    es_text_release(&subtitle);
    return figure;
}

/* ---- density and map --------------------------------------------------------------------------
 */

static void add_density(es_text *script, const es_pair_comparison *pair)
{
    double width[2];
    for (int m = 0; m < 2; m++)
        width[m] = (pair->density_to[m] - pair->density_from[m]) / ES_COMPARE_DENSITY;
    es_text_add(script, "$density << " ES_GNUPLOT_END "\n");
    for (int64_t x = 0; x < ES_COMPARE_DENSITY; x++)
        for (int64_t y = 0; y < ES_COMPARE_DENSITY; y++) {
            int64_t count = pair->density[x * ES_COMPARE_DENSITY + y];
            add_number(script, pair->density_from[0] + ((double)x + 0.5) * width[0]);
            add_number(script, pair->density_from[1] + ((double)y + 0.5) * width[1]);
            if (count)
                es_text_fixed(script, log10((double)count), 4);
            else
                es_text_add(script, "NaN");
            es_text_add(script, "\n");
        }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

static void add_range(es_text *script, const char *axis, double from, double to)
{
    double margin = to > from ? 0.02 * (to - from) : 0.01;
    es_text_printf(script, "set %srange [", axis);
    es_text_fixed(script, from - margin, 8);
    es_text_add(script, ":");
    es_text_fixed(script, to + margin, 8);
    es_text_add(script, "]\n");
}

static void plot_density(es_figure *figure, const es_pair_comparison *pair)
{
    es_text *script = &figure->script;
    es_text count = {0};
    es_figure_area(figure, LEFT, figure->width - LEFT - PANEL, TOP, BOTTOM);
    add_range(script, "x", pair->density_from[0], pair->density_to[0]);
    add_range(script, "y", pair->density_from[1], pair->density_to[1]);
    es_text_add(&count, "set title 'one cosine against the other, ");
    es_text_count(&count, pair->density_pairs);
    es_text_add(&count, " pairs' font AXIS_FONT textcolor rgb '" ES_STYLE_INK "'\n");
    if (count.data) es_text_append(script, count.data, count.size);
    script->failed |= count.failed;
    es_text_release(&count);
    es_text_add(script, "set xlabel 'cosine in A'\nset ylabel 'cosine in B'\n"
                        "set palette defined (0 '#d7e6ef', 1 '#a3c9dd', 2 '#66a3c4', "
                        "3 '#3c72b0', 4 '#263c6e')\nunset colorbox\n"
                        "plot $density using 1:2:3 with image\n"
                        "unset label 1\nunset label 2\n");
}

static void add_map(es_text *script, es_space *const *spaces, const es_comparison *comparison,
                    const es_pair_comparison *pair)
{
    es_text_add(script, "$others << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < pair->map_count; i++) {
        add_number(script, pair->map_others[2 * i]);
        add_number(script, pair->map_others[2 * i + 1]);
        es_text_add(script, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\n$moved << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < pair->shown && i < NAMED; i++) {
        es_text label = {0};
        const double *at = pair->map + 4 * i;
        add_token(&label, spaces, comparison, pair->moved[i].item);
        for (int c = 0; c < 2; c++) add_number(script, at[c]);
        for (int c = 0; c < 2; c++) add_number(script, at[c + 2] - at[c]);
        es_gnuplot_field(script, label.data ? label.data : "", label.size);
        es_text_add(script, "\n");
        script->failed |= label.failed;
        es_text_release(&label);
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

static void plot_map(es_figure *figure, const es_pair_comparison *pair)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    es_text *script = &figure->script;
    for (int64_t i = 0; i < 2 * pair->map_count; i++) {
        low[i % 2] = fmin(low[i % 2], pair->map_others[i]);
        high[i % 2] = fmax(high[i % 2], pair->map_others[i]);
    }
    for (int64_t i = 0; i < 4 * pair->shown && i < 4 * NAMED; i++) {
        low[i % 2] = fmin(low[i % 2], pair->map[i]);
        high[i % 2] = fmax(high[i % 2], pair->map[i]);
    }
    es_figure_area(figure, LEFT + PANEL + BETWEEN, RIGHT, TOP, BOTTOM);
    add_range(script, "x", low[0], high[0]);
    add_range(script, "y", low[1], high[1]);
    es_text_add(script,
                "set title 'tokens that moved most: from A to B turned onto A' font AXIS_FONT "
                "textcolor rgb '" ES_STYLE_INK "'\nset xlabel 'first two principal directions of "
                "A (");
    es_text_fixed(script, 100 * pair->map_share, 1);
    es_text_add(script,
                " % of its variance)'\nunset ylabel\n"
                "plot $others using 1:2 with points pt 7 ps 0.25 lc rgb '#a0" ES_STYLE_DATA_HEX "'"
                ", $moved using 1:2:3:4 with vectors size graph 0.018,22 filled lw 1.3 "
                "lc rgb '" ES_STYLE_MARK "'"
                ", $moved using 1:2:5 with labels offset char 0,0.7 font SMALL_FONT "
                "textcolor rgb '" ES_STYLE_INK "' noenhanced\n");
}

static es_figure figure_density(es_space *const *spaces, const es_comparison *comparison)
{
    const es_pair_comparison *pair = &comparison->pairs[0];
    es_text title = {0}, subtitle = {0};
    es_text_count(&title, comparison->shared.count);
    es_text_add(&title, " shared tokens: RSA ");
    es_text_fixed(&title, pair->rsa.pearson, 4);
    es_text_printf(&title, ", %lld nearest in common ", (long long)pair->overlap.k);
    es_text_fixed(&title, pair->overlap.mutual, 4);
    add_subtitle(&subtitle, spaces, comparison);
    es_figure figure = es_figure_start("comparison", LEFT + 2 * PANEL + BETWEEN + RIGHT,
                                       TOP + PANEL + BOTTOM, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    add_density(&figure.script, pair);
    add_map(&figure.script, spaces, comparison, pair);
    es_text_add(&figure.script, "set multiplot\n");
    plot_density(&figure, pair);
    plot_map(&figure, pair);
    es_text_add(&figure.script, "unset multiplot\n");
    return figure;
}

es_figure es_figure_compare(es_space *const *spaces, const es_comparison *comparison)
{
    return comparison->order ? figure_matrices(spaces, comparison)
                             : figure_density(spaces, comparison);
}

es_status es_plot_compare(es_space *const *spaces, const es_comparison *comparison,
                          const char *path, es_error *error)
{
    es_figure figure = es_figure_compare(spaces, comparison);
    return es_figure_save(&figure, path, error);
}
