/* One data set: people's scores against cosines, accuracy by section, or margins of odd ones. */
#include "base/memory.h"
#include "render/figure_style.h"
#include "render/number_text.h"
#include "render/render_evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 760,
    SQUARE = 640,
    LEFT = 70,
    LABELS = 230, /* room for names on the left of bars */
    RIGHT = 30,
    TOP = 92,
    BOTTOM = 56,
    BAR = 22,
    MOST_BARS = 60,
    FEW = 200, /* points that may be large */
    LONGEST = 34,
};

static void add_number(es_text *script, double value)
{
    es_text_shortest(script, value);
    es_text_add(script, " ");
}

static void add_setting(es_text *script, const char *name, double from, double to)
{
    es_text_printf(script, "set %s [", name);
    es_text_shortest(script, from);
    es_text_add(script, ":");
    es_text_shortest(script, to);
    es_text_add(script, "]\n");
}

static es_figure start(const es_space *space, int height, es_text *title)
{
    es_text subtitle = {0};
    es_source_caption(&subtitle, es_space_source(space));
    es_figure figure = es_figure_start("evaluation", WIDTH, height, title, &subtitle);
    es_text_release(title);
    es_text_release(&subtitle);
    return figure;
}

/* ---- word similarity ---------------------------------------------------------------------------
 */

static void add_points(es_text *script, const es_evaluation *evaluation, int state)
{
    const es_dataset *set = evaluation->dataset;
    es_text_printf(script, "$points%d << " ES_GNUPLOT_END "\n", state);
    for (int64_t q = 0; q < set->count; q++) {
        if (evaluation->states[q] != state) continue;
        add_number(script, set->scores[q]);
        add_number(script, evaluation->cosines[q]);
        es_text_add(script, "\n");
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

static void range_of(const double *values, const unsigned char *states, int64_t count, double *low,
                     double *high)
{
    *low = INFINITY, *high = -INFINITY;
    for (int64_t q = 0; q < count; q++) {
        if (states[q] > ES_WORD_POOLED) continue;
        *low = fmin(*low, values[q]);
        *high = fmax(*high, values[q]);
    }
    double room = *high > *low ? 0.04 * (*high - *low) : 0.5;
    *low -= room;
    *high += room;
}

static void add_title(es_text *title, const es_evaluation *evaluation)
{
    const es_dataset *set = evaluation->dataset;
    es_text_append(title, set->name, strlen(set->name));
    es_text_add(title, ": ");
}

static es_figure figure_similarity(const es_space *space, const es_evaluation *evaluation)
{
    const es_dataset *set = evaluation->dataset;
    int64_t single = evaluation->questions[ES_WORD_ROW];
    int64_t pooled = evaluation->questions[ES_WORD_POOLED];
    const es_correlation *shown =
        &evaluation->correlation[single ? ES_GROUP_SINGLE : ES_GROUP_POOLED];
    es_text title = {0};
    add_title(&title, evaluation);
    es_text_add(&title, "Spearman ");
    es_text_fixed(&title, shown->spearman, 3);
    es_text_add(&title, " over ");
    es_text_count(&title, shown->pairs);
    es_text_add(&title, single ? " pairs" : " pairs of pooled words");
    es_figure figure = start(space, SQUARE, &title);
    es_text *script = &figure.script;
    double low, high;
    es_figure_area(&figure, LEFT, RIGHT, TOP, BOTTOM);
    range_of(set->scores, evaluation->states, set->count, &low, &high);
    add_setting(script, "xrange", low, high);
    range_of(evaluation->cosines, evaluation->states, set->count, &low, &high);
    add_setting(script, "yrange", low, high);
    add_points(script, evaluation, ES_WORD_ROW);
    add_points(script, evaluation, ES_WORD_POOLED);
    if (pooled && single) {
        es_figure_note(&figure, LEFT, 70, ES_STYLE_DATA, "each word one token");
        es_figure_note(&figure, LEFT + 150, 70, ES_STYLE_RANDOM,
                       "a word of several tokens, pooled");
    }
    es_text_add(script, "set xlabel \"the file's score\"\nset ylabel 'cosine'\n");
    es_text_add(script, single + pooled > FEW ? "SIZE = 0.55\nplot " : "SIZE = 0.9\nplot ");
    if (single)
        es_text_add(script,
                    "$points0 using 1:2 with points pt 7 ps SIZE lc rgb '#90" ES_STYLE_DATA_HEX
                    "'");
    if (pooled)
        es_text_printf(script, "%s$points1 using 1:2 with points pt 7 ps SIZE lc rgb '%s'",
                       single ? ", " : "", "#90e07b39");
    es_text_add(script, "\n");
    return figure;
}

/* ---- bars --------------------------------------------------------------------------------------
 */

typedef struct bar {
    es_bytes name;
    int64_t asked;
    double value;
    double mark; /* NaN: none */
} bar;

/* Names and values from above to below. */
static void add_bars(es_text *script, const bar *bars, int64_t count)
{
    es_text_add(script, "$bars << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < count; i++) {
        es_text label = {0};
        es_figure_label(&label, bars[i].name.data, bars[i].name.size, false, LONGEST);
        es_text_printf(script, "%lld ", (long long)i);
        add_number(script, bars[i].value);
        if (isnan(bars[i].mark))
            es_text_add(script, "NaN ");
        else
            add_number(script, bars[i].mark);
        es_gnuplot_field(script, label.data ? label.data : "", label.size);
        es_text_add(script, " \"");
        es_text_count(script, bars[i].asked);
        es_text_add(script, "\"\n");
        script->failed |= label.failed;
        es_text_release(&label);
    }
    es_text_add(script, ES_GNUPLOT_END "\n");
}

/* The data set's sections that asked anything, and all of it. */
static es_figure figure_sections(const es_space *space, const es_evaluation *evaluation)
{
    const es_dataset *set = evaluation->dataset;
    bool analogies = set->kind == ES_DATASET_ANALOGIES;
    bar bars[MOST_BARS + 1];
    int64_t count = 0;
    const es_accuracy *total =
        analogies ? &evaluation->total.methods[ES_ANALOGY_ADD] : &evaluation->odd[ES_GROUP_ALL];
    for (int64_t s = 0; s < set->section_count && count < MOST_BARS; s++) {
        const es_accuracy *value = analogies ? &evaluation->sections[s].methods[ES_ANALOGY_ADD]
                                             : &evaluation->odd_sections[s];
        double mark = analogies ? evaluation->sections[s].methods[ES_ANALOGY_ONLY_C].share : NAN;
        if (value->questions)
            bars[count++] =
                (bar){es_evaluate_section(set, s), value->questions, value->share, mark};
    }
    bars[count++] = (bar){{"all questions", 13},
                          total->questions,
                          total->share,
                          analogies ? evaluation->total.methods[ES_ANALOGY_ONLY_C].share : NAN};
    es_text title = {0};
    add_title(&title, evaluation);
    es_text_fixed(&title, 100 * total->share, 1);
    es_text_add(&title, " % of ");
    es_text_count(&title, total->questions);
    es_text_add(&title, analogies ? " analogies" : " odd ones out");
    es_figure figure = start(space, TOP + BOTTOM + BAR * (int)count, &title);
    es_text *script = &figure.script;
    es_figure_area(&figure, LABELS, RIGHT + 40, TOP, BOTTOM);
    add_bars(script, bars, count);
    es_figure_note(&figure, LABELS, 70, ES_STYLE_DATA, analogies ? "3CosAdd" : "accuracy");
    if (analogies)
        es_figure_note(&figure, LABELS + 80, 70, ES_STYLE_RANDOM, "row nearest to c alone");
    add_setting(script, "xrange", 0, 1);
    add_setting(script, "yrange", (double)count - 0.4, -0.6);
    es_text_add(script,
                "unset ytics\nunset grid\nset grid xtics back lt 1 lc rgb '" ES_STYLE_GRID
                "' lw 0.75\nset xlabel 'share of questions answered rightly'\n"
                "set style fill solid 0.75 noborder\n"
                "plot $bars using (0):1:(0):2:($1-0.34):($1+0.34) with boxxyerror "
                "lc rgb '" ES_STYLE_DATA "', $bars using 3:1:($3-0.003):($3+0.003):($1-0.42):"
                "($1+0.42) with boxxyerror fs solid 1 noborder lc rgb '" ES_STYLE_RANDOM
                "', $bars using (0):1:4 with labels right "
                "offset char -0.8,0 font LABEL_FONT textcolor rgb '" ES_STYLE_INK
                "' noenhanced, $bars using (1):1:5 with labels left offset char 0.6,0 "
                "font SMALL_FONT textcolor rgb '" ES_STYLE_MUTED "' noenhanced\n");
    return figure;
}

/* ---- odd one out -------------------------------------------------------------------------------
 */

typedef struct margin {
    double value;
    int64_t question;
} margin;

static int by_margin(const void *a, const void *b)
{
    const margin *x = a, *y = b;
    if (x->value != y->value) return x->value > y->value ? -1 : 1;
    return (x->question > y->question) - (x->question < y->question);
}

/* A bar for each question while there is room for its words, else all margins as a line. */
static void plot_margins(es_figure *figure, const es_evaluation *evaluation, const margin *margins,
                         int64_t count)
{
    es_text *script = &figure->script;
    bool named = count <= MOST_BARS;
    es_text_add(script, "$margins << " ES_GNUPLOT_END "\n");
    for (int64_t i = 0; i < count; i++) {
        const es_dataset *set = evaluation->dataset;
        int64_t q = margins[i].question, size = set->first[q + 1] - set->first[q];
        es_text words = {0}, label = {0};
        if (named) es_evaluate_words_text(&words, set, q, 0, size);
        if (named) es_figure_label(&label, words.data, words.size, false, LONGEST);
        es_text_printf(script, "%lld ", (long long)i);
        add_number(script, margins[i].value);
        es_gnuplot_field(script, label.data ? label.data : "", label.size);
        es_text_add(script, "\n");
        script->failed |= words.failed || label.failed;
        es_text_release(&words);
        es_text_release(&label);
    }
    es_text_add(script, ES_GNUPLOT_END
                "\nunset ytics\nset style fill solid 0.75 noborder\n"
                "set xlabel 'mean cosine of the next word to the others, less the odd "
                "one''s'\n");
    add_setting(script, "yrange", (double)count - 0.4, -0.6);
    double low = fmin(0, margins[count - 1].value), high = fmax(0, margins[0].value);
    double room = high > low ? 0.05 * (high - low) : 1;
    add_setting(script, "xrange", low - room, high + room);
    es_text_add(script, "plot $margins using (0):1:(0):2:($1-0.34):($1+0.34):($2 > 0 ? "
                        "0x" ES_STYLE_DATA_HEX " : 0xb42f4b) with boxxyerror lc rgb variable");
    if (named) es_text_add(script, ", $margins using (");
    if (named) es_text_shortest(script, low - room);
    if (named)
        es_text_add(script, "):1:3 with labels right offset char -0.8,0 "
                            "font LABEL_FONT textcolor rgb '" ES_STYLE_INK "' noenhanced");
    es_text_add(script, "\n");
}

static es_figure figure_odd(const es_space *space, const es_evaluation *evaluation)
{
    const es_dataset *set = evaluation->dataset;
    margin *margins = es_alloc(set->count, sizeof *margins);
    int64_t count = 0;
    for (int64_t q = 0; q < set->count && margins; q++)
        if (!isnan(evaluation->margins[q])) margins[count++] = (margin){evaluation->margins[q], q};
    if (margins) qsort(margins, (size_t)count, sizeof *margins, by_margin);
    const es_accuracy *all = &evaluation->odd[ES_GROUP_ALL];
    es_text title = {0};
    add_title(&title, evaluation);
    es_text_count(&title, all->correct);
    es_text_add(&title, " of ");
    es_text_count(&title, all->questions);
    es_text_add(&title, " odd ones found");
    bool named = count <= MOST_BARS;
    es_figure figure = start(space, named ? TOP + BOTTOM + BAR * (int)count : SQUARE, &title);
    es_figure_area(&figure, named ? LABELS + 30 : LEFT, RIGHT, TOP, BOTTOM);
    es_figure_note(&figure, named ? LABELS + 30 : LEFT, 70, ES_STYLE_DATA, "found");
    es_figure_note(&figure, (named ? LABELS + 30 : LEFT) + 60, 70, ES_STYLE_MARK, "not found");
    figure.script.failed |= !margins;
    if (margins && count) plot_margins(&figure, evaluation, margins, count);
    free(margins);
    return figure;
}

es_figure es_figure_evaluation(const es_space *space, const es_evaluation *evaluation)
{
    const es_dataset *set = evaluation->dataset;
    if (set->kind == ES_DATASET_SIMILARITY) return figure_similarity(space, evaluation);
    return set->section_count ? figure_sections(space, evaluation) : figure_odd(space, evaluation);
}

es_status es_plot_evaluation(const es_space *space, const es_evaluation *evaluation,
                             const char *path, es_error *error)
{
    const es_dataset *set = evaluation->dataset;
    int64_t asked = evaluation->questions[ES_WORD_ROW];
    if (set->kind != ES_DATASET_ANALOGIES) asked += evaluation->questions[ES_WORD_POOLED];
    if (!asked)
        return es_fail(error, ES_BAD_INPUT, "%s: no question could be asked: nothing to draw",
                       set->path);
    es_figure figure = es_figure_evaluation(space, evaluation);
    return es_figure_save(&figure, path, error);
}
