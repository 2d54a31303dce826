/* Every row's probability, on a logarithmic scale, against its norm. At one angle it is a straight
 * line, ln P = ||h|| cos ||v|| - ln sum exp z: the lines are angles, and who stands far right on a
 * low one is there by norm. */
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
    HEIGHT = 520,
    LEFT = 78,
    RIGHT = 84,
    TOP = 74,
    BOTTOM = 58,
    ACROSS = 329, /* cells of the picture, two pixels each */
    DOWN = 194,
    NAMED = 10,
    LABEL_HEIGHT = 15,
    LONGEST = 18,
    LINES = 6,
};

typedef struct view {
    double left, right, low, high; /* norm; decimal logarithm of the probability */
} view;

static double log_probability(const es_predictions *predictions, int64_t id)
{
    const double ln10 = 2.302585092994045684;
    return (predictions->logits[id] - es_predict_final(predictions)->log_sum) / ln10;
}

static double x_pixel(const view *axes, double norm)
{
    return LEFT + (norm - axes->left) / (axes->right - axes->left) * (WIDTH - LEFT - RIGHT);
}

static double y_pixel(const view *axes, double power)
{
    return TOP + (axes->high - power) / (axes->high - axes->low) * (HEIGHT - TOP - BOTTOM);
}

static view choose_view(const es_predictions *predictions)
{
    view axes = {INFINITY, -INFINITY, INFINITY, -INFINITY};
    for (int64_t i = 0; i < predictions->rows; i++) {
        if (isnan(predictions->cosines[i])) continue;
        double power = log_probability(predictions, i);
        axes.left = fmin(axes.left, predictions->norms[i]);
        axes.right = fmax(axes.right, predictions->norms[i]);
        axes.low = fmin(axes.low, power);
        axes.high = fmax(axes.high, power);
    }
    if (!(axes.left <= axes.right)) axes = (view){0, 1, -1, 0};
    double across = fmax(1e-3 * axes.right, 0.04 * (axes.right - axes.left));
    double up = fmax(0.05, 0.05 * (axes.high - axes.low));
    axes.left -= across;
    axes.right += across;
    axes.low -= up;
    axes.high += 2 * up; /* room for the names of lines */
    return axes;
}

static void add_place(es_text *script, double norm, double power)
{
    es_text_shortest(script, (double)(float)norm);
    es_text_add(script, " ");
    es_text_fixed(script, power, 4);
}

/* Rows that share a cell of two pixels are one point. */
static void add_rows(es_text *script, const es_predictions *predictions, const view *axes)
{
    unsigned char *taken = es_alloc(ACROSS * DOWN, sizeof *taken);
    script->failed |= !taken;
    es_text_add(script, "$rows << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; taken && i < predictions->rows; i++) {
        if (isnan(predictions->cosines[i])) continue;
        double norm = predictions->norms[i], power = log_probability(predictions, i);
        int x = (int)((norm - axes->left) / (axes->right - axes->left) * ACROSS);
        int y = (int)((power - axes->low) / (axes->high - axes->low) * DOWN);
        if (x < 0 || x >= ACROSS || y < 0 || y >= DOWN || taken[y * ACROSS + x]++) continue;
        taken[y * ACROSS + x] = 1;
        add_place(script, norm, power);
        es_text_add(script, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    free(taken);
}

/* ---- names ------------------------------------------------------------------------------------
 */

typedef struct box {
    double x, y, width;
} box;

static bool is_free(const box *here, const box *taken, int count)
{
    if (here->x < LEFT || here->x + here->width > WIDTH - RIGHT || here->y < TOP) return false;
    for (int i = 0; i < count; i++)
        if (here->x < taken[i].x + taken[i].width && taken[i].x < here->x + here->width &&
            fabs(here->y - taken[i].y) < LABEL_HEIGHT)
            return false;
    return true;
}

static void add_name(es_text *names, const view *axes, const box *at, const es_text *text)
{
    add_place(names,
              axes->left + (at->x - LEFT) / (WIDTH - LEFT - RIGHT) * (axes->right - axes->left),
              axes->high - (at->y - TOP) / (HEIGHT - TOP - BOTTOM) * (axes->high - axes->low));
    es_text_add(names, " ");
    es_gnuplot_field(names, text->data, text->size);
    es_text_add(names, "\n");
}

/* Blocks $first and $names; false where no name found room: a plot of labels without a single one
 * ends gnuplot 5.4. */
static bool add_named(es_text *script, const es_predictions *predictions, const view *axes)
{
    const es_prediction *state = es_predict_final(predictions);
    int64_t most = state->count < NAMED ? state->count : NAMED;
    box taken[2 * NAMED];
    int count = 0;
    es_text names = {0};
    es_text_add(script, "$first << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < most; i++) {
        if (isnan(state->next[i].cosine)) continue;
        double power = log_probability(predictions, state->next[i].id);
        add_place(script, state->next[i].norm, power);
        es_text_add(script, "\n");
        taken[count++] = (box){x_pixel(axes, state->next[i].norm) - 4, y_pixel(axes, power), 8};
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < most; i++) {
        const es_next_token *candidate = &state->next[i];
        if (isnan(candidate->cosine)) continue;
        es_text text = {0};
        es_figure_label(&text, candidate->text.data, candidate->text.size, false, LONGEST);
        int columns = text.data ? es_display_width(text.data, text.size) : 0;
        double width = es_figure_text_width(columns, 11.5) + 4;
        double x = x_pixel(axes, candidate->norm);
        double y = y_pixel(axes, log_probability(predictions, candidate->id));
        for (int side = 0; columns && side < 2; side++) {
            box here = {side ? x - 8 - width : x + 8, y, width};
            if (!is_free(&here, taken, count)) continue;
            add_name(&names, axes, &here, &text);
            taken[count++] = here;
            break;
        }
        names.failed |= text.failed;
        es_text_release(&text);
    }
    es_text_add(script, "$names << " ES_GNUPLOT_END "\n");
    if (names.size) es_text_append(script, names.data, names.size);
    es_text_add(script, ES_GNUPLOT_END "\n");
    bool any = names.size > 0;
    script->failed |= names.failed;
    es_text_release(&names);
    return any;
}

/* ---- lines of one angle -----------------------------------------------------------------------
 */

/* Where the line of a cosine ends on the right, or at the top or the bottom before that. */
static void add_line(es_text *script, const es_prediction *state, const view *axes, double cosine,
                     int decimals)
{
    const double ln10 = 2.302585092994045684;
    double zero = -state->log_sum / ln10, slope = state->hidden_norm * cosine / ln10;
    double high = axes->high - 0.03 * (axes->high - axes->low); /* room for a name */
    double low = axes->low + 0.03 * (axes->high - axes->low), end = axes->right;
    if (zero + slope * end > high) end = (high - zero) / slope;
    if (zero + slope * end < low) end = (low - zero) / slope;
    if (end <= axes->left) return;
    add_place(script, axes->left, zero + slope * axes->left);
    es_text_add(script, " \"\"\n");
    add_place(script, end, zero + slope * end);
    es_text_add(script, " \"cos ");
    es_text_fixed(script, cosine, decimals);
    es_text_add(script, "\"\n\n");
}

/* Block $angles: the two ends of each line, its cosine at the second. A line for about every sixth
 * of the cosines that there are. */
static void add_angles(es_text *script, const es_predictions *predictions, const view *axes)
{
    static const double steps[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5};
    enum { STEPS = sizeof steps / sizeof *steps };
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < predictions->rows; i++) {
        if (isnan(predictions->cosines[i])) continue;
        low = fmin(low, predictions->cosines[i]);
        high = fmax(high, predictions->cosines[i]);
    }
    size_t s = 0;
    while (s < STEPS - 1 && (high - low) / steps[s] > LINES) s++;
    es_text_add(script, "$angles << " ES_GNUPLOT_END "\n0 NaN \"\"\n\n");
    for (double k = ceil(low / steps[s]); low <= high && k * steps[s] <= high; k++)
        add_line(script, es_predict_final(predictions), axes, k * steps[s], steps[s] < 0.1 ? 2 : 1);
    es_text_add(script, ES_GNUPLOT_END "\n");
}

static void add_range(es_text *script, const char *axis, double from, double to)
{
    es_text_printf(script, "set %s [", axis);
    es_text_shortest(script, from);
    es_text_add(script, ":");
    es_text_shortest(script, to);
    es_text_add(script, "]\n");
}

/* Ticks at whole powers of ten, about eight of them. */
static void add_ticks(es_text *script, const view *axes)
{
    int step = (int)ceil((axes->high - axes->low) / 8);
    if (step < 1) step = 1;
    es_text_add(script, "set ytics (");
    for (int power = 0, first = 1; power >= axes->low; power -= step) {
        if (power > axes->high) continue;
        es_text_printf(script, power ? "%s'1e%d' %d" : "%s'1' %d", first ? "" : ", ", power, power);
        first = 0;
    }
    es_text_add(script, ")\n");
}

es_figure es_figure_probability(const es_space *space, const es_predictions *predictions)
{
    const es_prediction *final = es_predict_final(predictions);
    es_text title = {0}, subtitle = {0};
    es_text_add(&title, "Norm and probability of every token after ");
    es_render_prompt_label(&title, space, predictions, final->position + 1, 44);
    es_source_caption(&subtitle, es_space_source(space));
    view axes = choose_view(predictions);
    es_figure figure = es_figure_start("probability", WIDTH, HEIGHT, &title, &subtitle);
    es_text *script = &figure.script;
    es_text_release(&title);
    es_text_release(&subtitle);
    es_figure_area(&figure, LEFT, RIGHT, TOP, BOTTOM);
    add_rows(script, predictions, &axes);
    bool names = add_named(script, predictions, &axes);
    add_angles(script, predictions, &axes);
    add_range(script, "xrange", axes.left, axes.right);
    add_range(script, "yrange", axes.low, axes.high);
    add_ticks(script, &axes);
    es_text_add(script,
                "set xlabel 'norm of the row'\nset ylabel 'probability'\n"
                "plot $angles using 1:2 with lines lw 1 dt 2 lc rgb '" ES_STYLE_FRAME
                "', $angles using 1:2:3 with labels left offset char 0.6,0 font SMALL_FONT "
                "textcolor rgb '" ES_STYLE_MUTED "' noenhanced"
                ", $rows using 1:2 with points pt 7 ps 0.2 lc rgb '" ES_STYLE_DATA
                "', $first using 1:2 with points pt 6 ps 0.9 lw 1.2 lc rgb '" ES_STYLE_MARK "'");
    if (names)
        es_text_add(script, ", $names using 1:2:3 with labels left font LABEL_FONT textcolor rgb "
                            "'" ES_STYLE_INK "' noenhanced");
    es_text_add(script, "\n");
    return figure;
}
