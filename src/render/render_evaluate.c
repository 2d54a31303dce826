#include "render/render_evaluate.h"

#include "render/display.h"
#include "render/number_text.h"
#include "render/table.h"

#include <math.h>
#include <string.h>

enum { SHOWN_WORDS = 8 };

const char *es_analogy_method_title(es_analogy_method method)
{
    static const char *const titles[] = {"3CosAdd", "3CosMul", "3CosAdd, inputs too",
                                         "3CosMul, inputs too", "nearest to c alone"};
    return titles[method];
}

es_bytes es_evaluate_section(const es_dataset *set, int64_t section)
{
    es_bytes name = set->sections[section].name;
    return name.data ? name : (es_bytes){"(no section)", 12};
}

/* ---- one line a score --------------------------------------------------------------------------
 */

typedef struct line {
    const char *measure;
    int64_t counted;
    double value, low, high, chance;
} line;

static void add_line(es_table *table, const es_evaluation *evaluation, const line *line, bool first)
{
    const es_dataset *set = evaluation->dataset;
    es_text text = {0};
    if (first) es_display_plain(&text, set->name, strlen(set->name));
    table->failed |= text.failed;
    es_table_cell(table, text.data ? text.data : "");
    es_text_release(&text);
    if (first)
        es_table_count(table, set->count);
    else
        es_table_cell(table, "");
    es_table_count(table, line->counted);
    es_table_cell(table, line->measure);
    es_table_number(table, line->value, 4);
    if (isnan(line->low)) {
        es_table_cell(table, "");
    } else {
        es_text_fixed(&text, line->low, 3);
        es_text_add(&text, " to ");
        es_text_fixed(&text, line->high, 3);
        table->failed |= text.failed;
        es_table_cell(table, text.data ? text.data : "");
        es_text_release(&text);
    }
    es_table_number(table, line->chance, line->chance == 0 ? 0 : line->chance < 0.001 ? 6 : 4);
}

static void add_similarity(es_table *table, const es_evaluation *evaluation)
{
    static const char *const measures[] = {"Spearman", "Spearman, pooled words",
                                           "Spearman, all pairs"};
    const es_correlation *single = &evaluation->correlation[ES_GROUP_SINGLE];
    for (int g = 0; g < ES_EVALUATION_GROUPS; g++) {
        const es_correlation *group = &evaluation->correlation[g];
        if (g && !evaluation->correlation[ES_GROUP_POOLED].pairs) break;
        line line = {measures[g], group->pairs, group->spearman, group->low, group->high, 0};
        add_line(table, evaluation, &line, g == 0);
        if (g) continue;
        line = (struct line){"Pearson", single->pairs, single->pearson, NAN, NAN, 0};
        add_line(table, evaluation, &line, false);
    }
}

static void add_accuracy(es_table *table, const es_evaluation *evaluation, const char *measure,
                         const es_accuracy *accuracy, bool first)
{
    line line = {measure,       accuracy->questions, accuracy->share,
                 accuracy->low, accuracy->high,      evaluation->chance};
    add_line(table, evaluation, &line, first);
}

static void add_evaluation(es_table *table, const es_evaluation *evaluation)
{
    static const char *const measures[] = {"odd one out", "odd one out, pooled words",
                                           "odd one out, all"};
    switch (evaluation->dataset->kind) {
    case ES_DATASET_SIMILARITY: add_similarity(table, evaluation); break;
    case ES_DATASET_ANALOGIES:
        for (int m = 0; m < ES_ANALOGY_METHODS; m++)
            add_accuracy(table, evaluation, es_analogy_method_title((es_analogy_method)m),
                         &evaluation->total.methods[m], m == 0);
        break;
    default:
        for (int g = 0; g < ES_EVALUATION_GROUPS; g++)
            if (!g || evaluation->odd[ES_GROUP_POOLED].questions)
                add_accuracy(table, evaluation, measures[g], &evaluation->odd[g], g == 0);
    }
}

static es_status print_scores(const es_evaluation *evaluations, int64_t count,
                              const es_render_options *options, FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "data set", ES_ALIGN_LEFT);
    es_table_column(&table, "questions", ES_ALIGN_RIGHT);
    es_table_column(&table, "asked", ES_ALIGN_RIGHT);
    es_table_column(&table, "score", ES_ALIGN_LEFT);
    es_table_column(&table, "", ES_ALIGN_RIGHT);
    es_table_column(&table, "95 % interval", ES_ALIGN_LEFT);
    es_table_column(&table, "by lot", ES_ALIGN_RIGHT);
    for (int64_t i = 0; i < count; i++) add_evaluation(&table, &evaluations[i]);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

/* ---- sections ----------------------------------------------------------------------------------
 */

static void add_section_name(es_table *table, const es_dataset *set, int64_t section)
{
    es_bytes name = es_evaluate_section(set, section);
    es_text text = {0};
    es_display_plain(&text, name.data, name.size);
    table->failed |= text.failed;
    es_table_cell(table, text.data ? text.data : "");
    es_text_release(&text);
}

static void add_analogy_row(es_table *table, const es_analogy_score *score)
{
    es_table_count(table, score->questions);
    es_table_count(table, score->methods[0].questions);
    for (int m = 0; m < ES_ANALOGY_METHODS; m++) es_table_number(table, score->methods[m].share, 4);
}

static es_status print_sections(const es_evaluation *evaluation, const es_render_options *options,
                                FILE *out, es_error *error)
{
    static const char *const titles[] = {"3CosAdd", "3CosMul", "add, inputs", "mul, inputs",
                                         "c alone"};
    const es_dataset *set = evaluation->dataset;
    es_table table = {0};
    es_text title = {0};
    es_display_plain(&title, set->name, strlen(set->name));
    es_table_column(&table, title.data ? title.data : "", ES_ALIGN_LEFT);
    table.failed |= title.failed;
    es_text_release(&title);
    es_table_column(&table, "questions", ES_ALIGN_RIGHT);
    es_table_column(&table, "asked", ES_ALIGN_RIGHT);
    bool analogies = set->kind == ES_DATASET_ANALOGIES;
    for (int m = 0; m < ES_ANALOGY_METHODS && analogies; m++)
        es_table_column(&table, titles[m], ES_ALIGN_RIGHT);
    if (!analogies) es_table_column(&table, "accuracy", ES_ALIGN_RIGHT);
    for (int64_t s = 0; s < set->section_count; s++) {
        add_section_name(&table, set, s);
        if (analogies) {
            add_analogy_row(&table, &evaluation->sections[s]);
            continue;
        }
        es_table_count(&table, set->sections[s].count);
        es_table_count(&table, evaluation->odd_sections[s].questions);
        es_table_number(&table, evaluation->odd_sections[s].share, 4);
    }
    fputc('\n', out);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

/* ---- what was taken, and what was not found ----------------------------------------------------
 */

static void add_some_words(es_text *text, const es_evaluation *evaluation, es_word_state state)
{
    const es_dataset *set = evaluation->dataset;
    int shown = 0;
    for (int64_t w = 0; w < set->word_count && shown < SHOWN_WORDS; w++) {
        if (evaluation->word_states[w] != state) continue;
        es_text_add(text, " ");
        es_display_quoted(text, set->words[w].data, set->words[w].size);
        shown++;
    }
    if (evaluation->words[state] > shown) es_text_add(text, " ...");
}

static void say_words(es_text *text, const es_evaluation *evaluation, es_word_state state,
                      const char *what)
{
    if (!evaluation->words[state]) return;
    es_text_add(text, "\n");
    es_display_plain(text, evaluation->dataset->name, strlen(evaluation->dataset->name));
    es_text_add(text, ": ");
    es_text_count(text, evaluation->words[state]);
    es_text_add(text, " of ");
    es_text_count(text, evaluation->dataset->word_count);
    es_text_add(text, " words ");
    es_text_add(text, what);
    es_text_add(text, ":");
    add_some_words(text, evaluation, state);
}

static void say_column(es_text *text, const es_dataset *set)
{
    if (!set->score_column) return;
    es_text_add(text, "\n");
    es_display_plain(text, set->name, strlen(set->name));
    es_text_printf(text, ": scores are column %lld", (long long)set->score_column);
    if (set->score_name.size) {
        es_text_add(text, ", ");
        es_display_quoted(text, set->score_name.data, set->score_name.size);
    }
}

static void say_kind(es_text *text, bool kinds[])
{
    if (kinds[ES_DATASET_SIMILARITY])
        es_text_add(
            text, "\nSpearman: rank correlation of cosines with the file's scores; the interval is "
                  "of resampled pairs.");
    if (kinds[ES_DATASET_ANALOGIES])
        es_text_add(
            text, "\nAnalogies: a is to b as c is to what? 3CosAdd: largest cos b - cos a + cos c; "
                  "3CosMul: a product of\nthe same. a, b and c are no answers, but where "
                  "\"inputs\" says so; the row nearest to c alone shows\nhow much needs no "
                  "analogy.");
    if (kinds[ES_DATASET_ODD_ONE_OUT] || kinds[ES_DATASET_CATEGORIES])
        es_text_add(text,
                    "\nOdd one out: the word with the least mean cosine to the others; how often "
                    "it is the odd one.");
}

static void say_words_of(es_text *text, const es_space *space, const es_evaluation *evaluation)
{
    es_vocabulary_kind kind = es_vocabulary_get_kind(es_space_vocabulary(space));
    if (kind == ES_VOCABULARY_WORDS) return;
    if (kind == ES_VOCABULARY_BPE)
        es_text_add(text, evaluation->spaced
                              ? "\nWords are looked up with a leading space (--prefix none: as "
                                "they are)."
                              : "\nWords are looked up without a leading space.");
    es_text_add(text, "\nA word of several tokens is pooled, the mean of their unit rows, and told "
                      "apart: its cosines\ndepend on how many they are.");
}

static es_status print_evaluations(const es_space *space, const es_evaluation *evaluations,
                                   int64_t count, const es_render_options *options, FILE *out,
                                   es_error *error)
{
    es_text remark = {0};
    bool kinds[5] = {0};
    ES_TRY(print_scores(evaluations, count, options, out, error));
    for (int64_t i = 0; i < count; i++)
        if (evaluations[i].dataset->section_count)
            ES_TRY(print_sections(&evaluations[i], options, out, error));
    for (int64_t i = 0; i < count; i++) {
        const es_evaluation *evaluation = &evaluations[i];
        kinds[evaluation->dataset->kind] = true;
        say_column(&remark, evaluation->dataset);
        say_words(&remark, evaluation, ES_WORD_MISSING, "are not in the vocabulary");
        say_words(&remark, evaluation, ES_WORD_UNDEFINED, "have no direction");
    }
    say_kind(&remark, kinds);
    say_words_of(&remark, space, &evaluations[0]);
    return es_render_remark(&remark, options, out, error);
}

es_status es_render_evaluate(const es_space *space, const es_evaluation *evaluations, int64_t count,
                             bool details, const es_render_options *options, FILE *out,
                             es_error *error)
{
    switch (options->output) {
    case ES_OUTPUT_JSON: {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "evaluate");
        es_render_evaluate_json(&json, space, evaluations, count, details);
        es_render_json_end(&json, options);
        break;
    }
    case ES_OUTPUT_CSV:
        if (details)
            ES_TRY(es_render_evaluate_details(space, evaluations, count, out, error));
        else
            es_render_evaluate_csv(evaluations, count, out);
        break;
    default:
        ES_TRY(es_render_heading(space, options, out, error));
        ES_TRY(print_evaluations(space, evaluations, count, options, out, error));
    }
    return es_render_finish(out, error);
}
