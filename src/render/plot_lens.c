/* Heat maps of what every layer would answer. One position: layers against the ranks of their
 * candidates. Every position: layers against the tokens of the prompt. The colour is the
 * probability of the token written in the cell. */
#include "render/display.h"
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/render_predict.h"

#include <math.h>

enum {
    TOP = 66,
    BAR = 92, /* pixels right of the map */
    LEFT = 74,
    CELL_HEIGHT = 24,
    RANKS = 6,     /* candidates of a layer side by side */
    LETTERED = 24, /* positions at most whose cells have text */
    LABELLED = 96, /* and that have their token on the axis */
    LONGEST = 12,
};

typedef struct grid {
    int64_t across, down;
    bool by_position;
    int cell;    /* pixels of a cell's width */
    int below;   /* and under the map */
    bool text;   /* in the cells */
    bool failed; /* memory was short */
} grid;

static const es_next_token *candidate_at(const es_predictions *predictions, const grid *grid,
                                         int64_t x, int64_t y)
{
    if (grid->by_position) return &es_states_of(predictions, x)[y].next[0];
    return &predictions->states[y].next[x];
}

static void add_token_label(es_text *label, const es_space *space, int64_t id)
{
    es_bytes token = es_vocabulary_token(es_space_vocabulary(space), id);
    es_figure_label(label, token.data, token.size, false, LONGEST);
}

/* Pixels under a map for the tokens from `first` on, set upright. */
static int label_room(const es_space *space, const es_predictions *predictions, int64_t first,
                      bool *failed)
{
    int widest = 1;
    for (int64_t i = first; i < predictions->token_count; i++) {
        es_text label = {0};
        add_token_label(&label, space, predictions->tokens[i]);
        int width = label.size ? es_display_width(label.data, label.size) : 0;
        if (width > widest) widest = width;
        *failed |= label.failed;
        es_text_release(&label);
    }
    return 24 + (int)es_figure_text_width(widest, 12.5);
}

static grid plan(const es_space *space, const es_predictions *predictions)
{
    grid grid = {.by_position = predictions->all_positions, .down = predictions->depth};
    int64_t count = predictions->states[0].count;
    grid.across = grid.by_position ? predictions->position_count : count < RANKS ? count : RANKS;
    grid.text = !grid.by_position || grid.across <= LETTERED;
    int64_t room = 1400 / grid.across;
    grid.cell = !grid.text ? (int)(room < 1 ? 1 : room > 15 ? 15 : room) : 92;
    grid.below = grid.by_position && grid.across <= LABELLED
                     ? label_room(space, predictions, 0, &grid.failed)
                     : 52;
    return grid;
}

static void add_cells(es_text *script, const es_predictions *predictions, const grid *grid)
{
    es_text_add(script, "$cells << " ES_GNUPLOT_END "\n");
    for (int64_t y = 0; y < grid->down; y++)
        for (int64_t x = 0; x < grid->across; x++) {
            es_text_printf(script, "%lld %lld ", (long long)x, (long long)y);
            es_text_fixed(script, candidate_at(predictions, grid, x, y)->probability, 6);
            es_text_add(script, "\n");
        }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

/* The texts of the cells that are `dark`, or of the others, as a block; false where there is none:
 * a plot of labels without a single one ends gnuplot 5.4. A label must be a column as it is: what
 * has gone through an expression loses its backslashes. */
static bool add_texts(es_text *script, const char *name, const es_predictions *predictions,
                      const grid *grid, bool dark)
{
    const double darkest = 0.55; /* that dark letters can be read on */
    bool any = false;
    es_text_printf(script, "$%s << " ES_GNUPLOT_END "\n", name);
    for (int64_t y = 0; y < grid->down && grid->text; y++)
        for (int64_t x = 0; x < grid->across; x++) {
            const es_next_token *candidate = candidate_at(predictions, grid, x, y);
            if ((candidate->probability > darkest) != dark) continue;
            es_text label = {0};
            es_figure_label(&label, candidate->text.data, candidate->text.size, false, LONGEST);
            es_text_printf(script, "%lld %lld ", (long long)x, (long long)y);
            es_gnuplot_field(script, label.data ? label.data : "", label.size);
            es_text_add(script, "\n");
            script->failed |= label.failed;
            any |= label.size > 0;
            es_text_release(&label);
        }
    es_text_add(script, ES_GNUPLOT_END "\n");
    return any;
}

/* What stands below the columns: the prompt's tokens, or ranks. */
static void add_columns(es_text *script, const es_space *space, const es_predictions *predictions,
                        const grid *grid)
{
    es_text_add(script, "$columns << " ES_GNUPLOT_END "\n");
    for (int64_t x = 0; x < grid->across; x++) {
        es_text label = {0};
        if (grid->by_position) {
            add_token_label(&label, space, predictions->tokens[x]);
        } else {
            es_text_printf(&label, "%lld", (long long)x + 1);
        }
        es_text_printf(script, "%lld ", (long long)x);
        es_gnuplot_field(script, label.data ? label.data : "", label.size);
        es_text_add(script, "\n");
        script->failed |= label.failed;
        es_text_release(&label);
    }
    es_text_add(script, ES_GNUPLOT_END "\n$layers << " ES_GNUPLOT_END "\n");
    int64_t step = 1 + grid->down / 40;
    for (int64_t y = 0; y < grid->down; y += step)
        if (y)
            es_text_printf(script, "%lld \"layer %lld\"\n", (long long)y, (long long)y);
        else
            es_text_add(script, "0 embedding\n");
    es_text_add(script, ES_GNUPLOT_END "\n");
}

static void add_style(es_figure *figure, const grid *grid, int map_height)
{
    es_text *script = &figure->script;
    es_text_printf(script,
                   "unset grid\nunset border\nset xrange [-0.5:%lld.5]\nset yrange "
                   "[-0.5:%lld.5]\n",
                   (long long)grid->across - 1, (long long)grid->down - 1);
    es_text_add(script, "set palette defined (0 '#f7f8f4', 1 '#d5e8dd', 2 '#a3d3cb', 3 '#66b3bd', "
                        "4 '#388cac', 5 '#2a6290', 6 '#263c6e')\nset cbrange [0:1]\n"
                        "set colorbox noborder user origin screen ");
    es_text_fixed(script, (figure->width - BAR + 16.0) / figure->width, 5);
    es_text_add(script, ", screen ");
    es_text_fixed(script, (double)grid->below / figure->height, 5);
    es_text_add(script, " size screen ");
    es_text_fixed(script, 13.0 / figure->width, 5);
    es_text_add(script, ", screen ");
    es_text_fixed(script, fmin(220, fmax(72, map_height)) / figure->height, 5);
    es_text_add(script, "\nset cbtics 0.25 scale 0.4 textcolor rgb '" ES_STYLE_MUTED
                        "' font TIC_FONT\nset cblabel 'probability' textcolor rgb '" ES_STYLE_INK
                        "' font AXIS_FONT\nset tics scale 0 textcolor rgb '" ES_STYLE_INK "'\n"
                        "set style fill solid 1 noborder\nGAP = ");
    es_text_add(script, grid->cell > 8 ? "0.48\n" : "0.5\n");
}

static void add_map(es_text *script, const grid *grid, bool light, bool dark)
{
    bool labelled = !grid->by_position || grid->across <= LABELLED;
    if (grid->by_position && labelled)
        es_text_add(script, "set xtics rotate by 90 right noenhanced\n");
    else if (grid->by_position)
        es_text_add(script, "set xlabel 'position'\nset xtics autofreq\n");
    else
        es_text_add(script, "set xlabel 'rank at its layer'\nset xtics noenhanced\n");
    es_text_add(script, "set ytics noenhanced\n"
                        "plot $cells using 1:2:($1-GAP):($1+GAP):($2-GAP):($2+GAP):3 with "
                        "boxxyerror lc palette, $layers using (NaN):1:ytic(2) with points");
    if (labelled) es_text_add(script, ", $columns using 1:(NaN):xtic(2) with points");
    if (light)
        es_text_add(script, ", $light using 1:2:3 with labels textcolor rgb '#1f2a37' font "
                            "TIC_FONT noenhanced");
    if (dark)
        es_text_add(script, ", $dark using 1:2:3 with labels textcolor rgb '#fdfefe' font TIC_FONT "
                            "noenhanced");
    es_text_add(script, "\n");
}

es_figure es_figure_lens(const es_space *space, const es_predictions *predictions)
{
    grid grid = plan(space, predictions);
    es_text title = {0}, subtitle = {0};
    const es_prediction *final = es_predict_final(predictions);
    es_text_add(&title, "What each layer would answer ");
    es_text_add(&title, grid.by_position ? "along " : "after ");
    es_render_prompt_label(&title, space, predictions,
                           grid.by_position ? predictions->token_count : final->position + 1, 40);
    es_source_caption(&subtitle, es_space_source(space));
    int map = (int)grid.across * grid.cell, map_height = (int)grid.down * CELL_HEIGHT;
    int least = 40 + (int)es_figure_text_width(
                         subtitle.size ? es_display_width(subtitle.data, subtitle.size) : 0, 11);
    int title_width = 40 + (int)es_figure_text_width(
                               title.size ? es_display_width(title.data, title.size) : 0, 15);
    if (least < title_width) least = title_width;
    int width = LEFT + map + BAR;
    if (width < least) width = least < 900 ? least : 900;
    int height = TOP + map_height + grid.below;
    es_figure figure = es_figure_start("lens", width, height, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    es_figure_area(&figure, LEFT, BAR, TOP, grid.below);
    figure.script.failed |= grid.failed;
    add_cells(&figure.script, predictions, &grid);
    add_columns(&figure.script, space, predictions, &grid);
    bool light = add_texts(&figure.script, "light", predictions, &grid, false);
    bool dark = add_texts(&figure.script, "dark", predictions, &grid, true);
    add_style(&figure, &grid, map_height);
    add_map(&figure.script, &grid, light, dark);
    return figure;
}

/* ---- how surprising each token is -------------------------------------------------------------
 */

es_figure es_figure_surprisal(const es_space *space, const es_predictions *predictions)
{
    enum { WIDE = 860, TALL = 300, EDGE = 66 };
    int64_t count = predictions->token_count - 1;
    bool labelled = count <= LABELLED, failed = false;
    int below = labelled ? label_room(space, predictions, 1, &failed) : 58;
    es_text title = {0}, subtitle = {0};
    es_text_add(&title, "Surprisal of each token of ");
    es_render_prompt_label(&title, space, predictions, predictions->token_count, 60);
    es_source_caption(&subtitle, es_space_source(space));
    es_text_add(&subtitle, "; dashed: the mean, ");
    es_text_fixed(&subtitle, predictions->mean_surprisal, 3);
    es_text_add(&subtitle, " nats");
    es_figure figure = es_figure_start("surprisal", WIDE, TOP + TALL + below, &title, &subtitle);
    es_text_release(&title);
    es_text_release(&subtitle);
    es_figure_area(&figure, EDGE, 24, TOP + 8, below);
    es_text *script = &figure.script;
    script->failed |= failed;
    es_text_add(script, "$tokens << " ES_GNUPLOT_END "\n");
    for (int64_t p = 0; p < count; p++) {
        es_text label = {0};
        if (labelled) add_token_label(&label, space, predictions->tokens[p + 1]);
        es_text_printf(script, "%lld ", (long long)p + 1);
        es_text_fixed(script, es_states_of(predictions, p)[predictions->depth - 1].surprisal, 5);
        es_text_add(script, " ");
        es_gnuplot_field(script, label.data ? label.data : "", label.size);
        es_text_add(script, "\n");
        script->failed |= label.failed;
        es_text_release(&label);
    }
    es_text_printf(script,
                   ES_GNUPLOT_END "\nset xrange [0.4:%lld.6]\nset yrange [0:*]\n"
                                  "unset grid\nset grid ytics back lt 1 lc rgb '" ES_STYLE_GRID
                                  "' lw 0.75\nset ylabel 'surprisal (nats)'\n"
                                  "set style fill solid 1 noborder\nset boxwidth 0.8\nMEAN = ",
                   (long long)count);
    es_text_shortest(script, predictions->mean_surprisal);
    es_text_add(script, labelled ? "\nset xtics rotate by 90 right noenhanced scale 0\n"
                                 : "\nset xlabel 'position'\n");
    es_text_printf(script,
                   "plot $tokens using 1:2%s with boxes lc rgb '" ES_STYLE_DATA
                   "', MEAN with lines lw 1 dt 2 lc rgb '" ES_STYLE_MUTED "'\n",
                   labelled ? ":xtic(3)" : "");
    return figure;
}
