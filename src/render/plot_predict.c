/* Every row's logit against its cosine: lines through the origin are norms, ||h|| their slope's
 * unit. Colour is the norm; the first candidates are named. */
#include "base/memory.h"
#include "render/display.h"
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/render_predict.h"

#include <math.h>
#include <stdlib.h>

enum {
    WIDTH = 820,
    HEIGHT = 560,
    LEFT = 66,
    RIGHT = 108,
    TOP = 74,
    BOTTOM = 58,
    POINTS_AT_MOST = 3000,
    ACROSS = 323, /* cells of the picture, two pixels each */
    DOWN = 214,
    NAMED = 10,
    LABEL_HEIGHT = 15,
    LONGEST = 18,
};

typedef struct view {
    double left, right, low, high; /* of cosine and logit */
    double short_norm, long_norm;  /* of the colours */
} view;

static double x_pixel(const view *axes, double cosine)
{
    return LEFT + (cosine - axes->left) / (axes->right - axes->left) * (WIDTH - LEFT - RIGHT);
}

static double y_pixel(const view *axes, double logit)
{
    return TOP + (axes->high - logit) / (axes->high - axes->low) * (HEIGHT - TOP - BOTTOM);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Colours run over the middle 98 % of the norms, that a few long rows do not take them all. */
static void choose_colors(const es_predictions *predictions, view *axes, es_text *script)
{
    double *norms = es_alloc(predictions->rows, sizeof *norms);
    int64_t count = 0;
    if (!norms) {
        script->failed = true;
        return;
    }
    for (int64_t i = 0; i < predictions->rows; i++)
        if (!isnan(predictions->cosines[i])) norms[count++] = predictions->norms[i];
    if (count) {
        qsort(norms, (size_t)count, sizeof *norms, compare);
        axes->short_norm = norms[count / 100];
        axes->long_norm = norms[count - 1 - count / 100];
    }
    free(norms);
    if (!(axes->long_norm > axes->short_norm)) {
        axes->short_norm *= 0.99;
        axes->long_norm = axes->long_norm * 1.01 + 1e-300;
    }
}

static view choose_view(const es_predictions *predictions, es_text *script)
{
    view axes = {INFINITY, -INFINITY, INFINITY, -INFINITY, 0, 0};
    for (int64_t i = 0; i < predictions->rows; i++) {
        if (isnan(predictions->cosines[i])) continue;
        axes.left = fmin(axes.left, predictions->cosines[i]);
        axes.right = fmax(axes.right, predictions->cosines[i]);
        axes.low = fmin(axes.low, predictions->logits[i]);
        axes.high = fmax(axes.high, predictions->logits[i]);
    }
    if (!(axes.left <= axes.right)) axes = (view){-1, 1, -1, 1, 0, 0};
    double across = fmax(0.02, 0.06 * (axes.right - axes.left));
    double up = fmax(1e-9, 0.07 * (axes.high - axes.low));
    axes.left -= across;
    axes.right += 2 * across; /* room for names */
    axes.low -= up;
    axes.high += up;
    choose_colors(predictions, &axes, script);
    return axes;
}

static void add_point(es_text *script, double x, double y, double norm)
{
    es_text_fixed(script, x, 5);
    es_text_add(script, " ");
    es_text_shortest(script, (double)(float)y);
    es_text_add(script, " ");
    es_text_fixed(script, norm, 5);
    es_text_add(script, "\n");
}

static void add_points(es_text *script, const es_predictions *predictions)
{
    for (int64_t i = 0; i < predictions->rows; i++)
        if (!isnan(predictions->cosines[i]))
            add_point(script, predictions->cosines[i], predictions->logits[i],
                      predictions->norms[i]);
}

/* Many rows become cells of the mean norm in them. */
static void add_cells(es_text *script, const es_predictions *predictions, const view *axes)
{
    int32_t *counts = es_alloc(ACROSS * DOWN, sizeof *counts);
    double *sums = es_alloc(ACROSS * DOWN, sizeof *sums);
    for (int64_t i = 0; counts && sums && i < predictions->rows; i++) {
        if (isnan(predictions->cosines[i])) continue;
        int x = (int)((predictions->cosines[i] - axes->left) / (axes->right - axes->left) * ACROSS);
        int y = (int)((predictions->logits[i] - axes->low) / (axes->high - axes->low) * DOWN);
        if (x < 0 || x >= ACROSS || y < 0 || y >= DOWN) continue;
        counts[y * ACROSS + x]++;
        sums[y * ACROSS + x] += predictions->norms[i];
    }
    for (int at = 0; counts && sums && at < ACROSS * DOWN; at++)
        if (counts[at])
            add_point(script,
                      axes->left + (at % ACROSS + 0.5) / ACROSS * (axes->right - axes->left),
                      axes->low + (at / ACROSS + 0.5) / DOWN * (axes->high - axes->low),
                      sums[at] / counts[at]);
    script->failed |= !counts || !sums;
    free(counts);
    free(sums);
}

/* ---- names ------------------------------------------------------------------------------------
 */

/* A label's left end, middle and width, in pixels. */
typedef struct box {
    double x, y, width;
} box;

static bool is_free(const box *here, const box *taken, int count)
{
    if (here->x < LEFT || here->x + here->width > WIDTH - RIGHT + 8) return false;
    if (here->y < TOP || here->y > HEIGHT - BOTTOM) return false;
    for (int i = 0; i < count; i++)
        if (here->x < taken[i].x + taken[i].width && taken[i].x < here->x + here->width &&
            fabs(here->y - taken[i].y) < LABEL_HEIGHT)
            return false;
    return true;
}

/* Right of the point, then left, then a little up and down. */
static bool place_label(double x, double y, double width, const box *taken, int count, box *label)
{
    static const double shifts[] = {0, -0.7, 0.7};
    for (size_t s = 0; s < sizeof shifts / sizeof *shifts; s++)
        for (int side = 0; side < 2; side++) {
            box here = {side ? x - 8 - width : x + 8, y + shifts[s] * LABEL_HEIGHT, width};
            if (!is_free(&here, taken, count)) continue;
            *label = here;
            return true;
        }
    return false;
}

static bool all_spaced(const es_prediction *state)
{
    bool spaced = true;
    for (int64_t i = 0; i < state->count && i < NAMED; i++)
        spaced = spaced && state->next[i].text.size && state->next[i].text.data[0] == ' ';
    return spaced;
}

static void add_name(es_text *block, const view *axes, const box *at, const es_text *text)
{
    double x = axes->left + (at->x - LEFT) / (WIDTH - LEFT - RIGHT) * (axes->right - axes->left);
    double y = axes->high - (at->y - TOP) / (HEIGHT - TOP - BOTTOM) * (axes->high - axes->low);
    es_text_shortest(block, x);
    es_text_add(block, " ");
    es_text_shortest(block, y);
    es_text_add(block, " ");
    es_gnuplot_field(block, text->data, text->size);
    es_text_add(block, "\n");
}

/* Data blocks of the first candidates' places and of the names that find room; false without a
 * name: a plot of labels without a single one ends gnuplot 5.4. */
static bool add_named(es_text *script, const es_prediction *state, const view *axes)
{
    es_text names = {0};
    box taken[2 * NAMED];
    int count = 0;
    int64_t most = state->count < NAMED ? state->count : NAMED;
    bool drop_space = all_spaced(state);
    es_text_add(script, "$first << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < most; i++) {
        const es_next_token *candidate = &state->next[i];
        if (isnan(candidate->cosine)) continue;
        add_point(script, candidate->cosine, candidate->logit, candidate->norm);
        taken[count++] =
            (box){x_pixel(axes, candidate->cosine) - 4, y_pixel(axes, candidate->logit), 8};
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < most; i++) {
        const es_next_token *candidate = &state->next[i];
        es_text text = {0};
        es_figure_label(&text, candidate->text.data, candidate->text.size, drop_space, LONGEST);
        int columns = text.data ? es_display_width(text.data, text.size) : 0;
        if (columns && !isnan(candidate->cosine) &&
            place_label(x_pixel(axes, candidate->cosine), y_pixel(axes, candidate->logit),
                        es_figure_text_width(columns, 11.5) + 4, taken, count, &taken[count]))
            add_name(&names, axes, &taken[count++], &text);
        names.failed |= text.failed;
        es_text_release(&text);
    }
    bool any = names.size > 0;
    es_text_add(script, "$names << " ES_GNUPLOT_END "\n");
    if (any) es_text_append(script, names.data, names.size);
    es_text_add(script, ES_GNUPLOT_END "\n");
    script->failed |= names.failed;
    es_text_release(&names);
    return any;
}

/* ---- the figure -------------------------------------------------------------------------------
 */

static void add_range(es_text *script, const char *axis, double from, double to)
{
    es_text_printf(script, "set %s [", axis);
    es_text_shortest(script, from);
    es_text_add(script, ":");
    es_text_shortest(script, to);
    es_text_add(script, "]\n");
}

static void add_colorbar(es_text *script)
{
    es_text_add(script, "set palette defined (0 '#f2c14e', 1 '#e07b39', 2 '#b42f4b', 3 '#6a2a6e', "
                        "4 '#2a2a5e')\nset colorbox noborder user origin screen ");
    es_text_fixed(script, (WIDTH - RIGHT + 20.0) / WIDTH, 5);
    es_text_add(script, ", screen ");
    es_text_fixed(script, (double)BOTTOM / HEIGHT, 5);
    es_text_add(script, " size screen ");
    es_text_fixed(script, 13.0 / WIDTH, 5);
    es_text_add(script, ", screen ");
    es_text_fixed(script, 220.0 / HEIGHT, 5);
    es_text_add(script, "\nset cbtics scale 0.4 textcolor rgb '" ES_STYLE_MUTED
                        "' font TIC_FONT\nset cblabel 'norm' textcolor rgb '" ES_STYLE_INK
                        "' font AXIS_FONT\n");
}

static void add_plot(es_text *script, const es_predictions *predictions, const view *axes,
                     bool cells, bool names)
{
    const es_prediction *final = es_predict_final(predictions);
    add_range(script, "xrange", axes->left, axes->right);
    add_range(script, "yrange", axes->low, axes->high);
    add_range(script, "cbrange", axes->short_norm, axes->long_norm);
    add_colorbar(script);
    es_text_add(script, "set xlabel 'cosine to h'\nset ylabel 'logit'\nMEAN = ");
    es_text_shortest(script, final->hidden_norm *
                                 (isnan(final->order.mean_norm) ? 0 : final->order.mean_norm));
    es_text_add(
        script,
        "\nset arrow from first 0, graph 0 to first 0, graph 1 nohead lw 1 lc rgb '" ES_STYLE_FRAME
        "' back\nset arrow from graph 0, first 0 to graph 1, first 0 nohead "
        "lw 1 lc rgb '" ES_STYLE_FRAME "' back\n");
    es_text_printf(script,
                   "plot MEAN * x with lines lw 1 dt 2 lc rgb '" ES_STYLE_MUTED
                   "', $rows using 1:2:3 with points pt 7 ps %s lc palette",
                   cells ? "0.2" : "0.4");
    es_text_add(script,
                ", $first using 1:2 with points pt 6 ps 0.9 lw 1.2 lc rgb '" ES_STYLE_INK "'");
    if (names)
        es_text_add(
            script,
            ", $names using 1:2:3 with labels left font LABEL_FONT textcolor rgb '" ES_STYLE_INK
            "' noenhanced");
    es_text_add(script, "\n");
}

es_figure es_figure_prediction(const es_space *space, const es_predictions *predictions)
{
    const es_prediction *final = es_predict_final(predictions);
    es_text title = {0}, subtitle = {0}, checks = {0};
    es_text_add(&title, "Logit and cosine of every token after ");
    es_render_prompt_label(&title, space, predictions, final->position + 1, 44);
    es_source_caption(&subtitle, es_space_source(space));
    es_text_add(&subtitle, "; dashed: the mean norm");
    if (all_spaced(final)) es_text_add(&subtitle, "; tokens with their leading space");
    view axes = choose_view(predictions, &checks);
    es_figure figure = es_figure_start("prediction", WIDTH, HEIGHT, &title, &subtitle);
    es_text *script = &figure.script;
    script->failed |= checks.failed;
    es_text_release(&title);
    es_text_release(&subtitle);
    es_figure_area(&figure, LEFT, RIGHT, TOP, BOTTOM);
    bool cells = predictions->rows > POINTS_AT_MOST;
    es_text_add(script, "$rows << " ES_GNUPLOT_END "\n");
    if (cells)
        add_cells(script, predictions, &axes);
    else
        add_points(script, predictions);
    es_text_add(script, ES_GNUPLOT_END "\n");
    bool names = add_named(script, final, &axes);
    add_plot(script, predictions, &axes, cells, names);
    return figure;
}

es_status es_plot_predict(const es_space *space, const es_predictions *predictions,
                          const char *path, es_error *error)
{
    bool lens = predictions->depth > 1, all = predictions->all_positions;
    if (all && !lens && predictions->token_count < 2)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "the prompt has one token, and nothing to be surprised by; draw it without "
                       "--position all");
    es_figure figure = lens  ? es_figure_lens(space, predictions)
                       : all ? es_figure_surprisal(space, predictions)
                             : es_figure_prediction(space, predictions);
    return es_figure_save(&figure, path, error);
}
