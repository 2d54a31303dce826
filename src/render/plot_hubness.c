/* Hubness: in how many lists of the k nearest the tokens stand, as bars over doubling numbers, and
 * what lists drawn by lot would show. */
#define _GNU_SOURCE /* lgamma_r */
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"

#include <math.h>

enum { WIDTH = 820, HEIGHT = 420, LEFT = 74, RIGHT = 24, BINS = 33 };

/* Bin 0 is N = 0, bin b is 2^(b-1) <= N < 2^b. */
static int bin_of(int64_t count)
{
    int bin = 0;
    for (; count > 0; count >>= 1) bin++;
    return bin;
}

/* P(N in bin) for N binomial: each of the others has the token in its list with probability p. */
static double chance(int bin, double others, double p)
{
    double first = bin ? ldexp(1, bin - 1) : 0, end = bin ? ldexp(1, bin) : 1, sum = 0;
    double spread = 12 * sqrt(others * p) + 50, mean = others * p;
    int sign;
    if (p >= 1) return others >= first && others < end;
    first = fmax(first, ceil(mean - spread)); /* beyond, there is nothing to see */
    end = fmin(fmin(end, others + 1), mean + spread);
    for (double count = first; count < end; count++)
        sum += exp(lgamma_r(others + 1, &sign) - lgamma_r(count + 1, &sign) -
                   lgamma_r(others - count + 1, &sign) + count * log(p) +
                   (others - count) * log1p(-p));
    return sum;
}

/* "0", "1", "2-3", "4-7" ...; with many bins "0", "1+", "2+", "4+" ... */
static void add_label(es_text *script, int bin, bool narrow)
{
    es_text label = {0};
    int64_t first = bin ? INT64_C(1) << (bin - 1) : 0, last = 2 * first - 1;
    es_text_count(&label, first);
    if (bin && narrow) {
        es_text_add(&label, "+");
    } else if (last > first) {
        es_text_add(&label, "–");
        es_text_count(&label, last);
    }
    script->failed |= label.failed;
    es_gnuplot_field(script, label.data ? label.data : "", label.size);
    es_text_release(&label);
}

/* Returns how many bins are drawn. */
static int add_bars(es_text *script, const es_knn *knn)
{
    int64_t counts[BINS] = {0}, rows = knn->rows - knn->left_out;
    int bins = 1;
    double others = (double)(rows - 1), p = (double)knn->k / others;
    for (int64_t i = 0; i < knn->rows; i++) {
        if (knn->occurrences[i] < 0) continue;
        int bin = bin_of(knn->occurrences[i]);
        counts[bin]++;
        if (bin >= bins) bins = bin + 1;
    }
    es_text_add(script, "$bars << " ES_GNUPLOT_END "\n");
    for (int b = 0; b < bins; b++) {
        double share = 100 * (double)counts[b] / (double)rows, lot = 100 * chance(b, others, p);
        es_text_printf(script, "%d ", b);
        es_text_shortest(script, share);
        es_text_add(script, " ");
        if (lot > 1e-9)
            es_text_shortest(script, lot);
        else
            es_text_add(script, "NaN");
        es_text_add(script, " ");
        add_label(script, b, bins > 12);
        es_text_add(script, " ");
        es_text label = {0};
        es_text_count(&label, counts[b]);
        es_gnuplot_field(script, label.data ? label.data : "", label.size);
        script->failed |= label.failed;
        es_text_release(&label);
        es_text_add(script, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    return bins;
}

es_figure es_figure_hubness(const es_space *space, const es_knn *knn)
{
    es_text title = {0}, subtitle = {0};
    es_text_printf(&title, "In how many lists of the %lld nearest a token stands",
                   (long long)knn->k);
    es_source_caption(&subtitle, es_space_source(space));
    es_figure figure = es_figure_start("hubness", WIDTH, HEIGHT, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    es_text *script = &figure.script;
    es_figure_area(&figure, LEFT, RIGHT, 96, 62);
    es_figure_note(&figure, LEFT, 76, ES_STYLE_DATA, "■ this space");
    es_figure_note(&figure, LEFT + 94, 76, ES_STYLE_RANDOM, "■ lists drawn by lot");
    int bins = add_bars(script, knn);
    double least = 50.0 / (double)(knn->rows - knn->left_out); /* half a token */
    es_text_add(script, "FLOOR = ");
    es_text_shortest(script, least);
    es_text_printf(
        script,
        "\nset xrange [-0.7:%d.7]\nset logscale y\nset yrange [FLOOR:260]\n"
        "set ytics format '%%g %%%%'\nunset mytics\nset grid noxtics ytics\n"
        "set xtics scale 0\nset xlabel 'number of lists'\n"
        "set ylabel 'share of the tokens' offset 1\nset style fill solid 0.55 noborder\n",
        bins - 1);
    es_text_add(
        script,
        "plot $bars using 1:($2 > 0 ? $2 : FLOOR):(0.8):xtic(4) with boxes lc rgb '" ES_STYLE_DATA
        "', $bars using ($1-0.4):($3 > FLOOR ? $3 : NaN):(0.8):(0) with vectors nohead lw 2.2 "
        "lc rgb '" ES_STYLE_RANDOM "', $bars using 1:($2 > 0 ? $2 : NaN):5 with labels "
        "offset 0,0.7 font SMALL_FONT textcolor rgb '" ES_STYLE_MUTED "'\n");
    return figure;
}

es_status es_plot_hubness(const es_space *space, const es_knn *knn, const char *path,
                          es_error *error)
{
    es_figure figure = es_figure_hubness(space, knn);
    return es_figure_save(&figure, path, error);
}
