/* `evaluate` for programs: JSON and CSV. */
#include "render/csv.h"
#include "render/render_evaluate.h"

#include <math.h>

static const char *const state_names[] = {"single", "pooled", "missing", "undefined"};
static const char *const group_names[] = {"single", "pooled", "all"};

void es_evaluate_words_text(es_text *text, const es_dataset *set, int64_t q, int64_t from,
                            int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        es_bytes word = set->words[set->members[set->first[q] + i]];
        if (i > from) es_text_add(text, " ");
        es_text_append(text, word.data, word.size);
    }
}

static const char *const case_names[] = {"exact", "lower", "ignore"};

/* ---- JSON: scores ------------------------------------------------------------------------------
 */

static void member_bytes(es_json_writer *json, const char *key, es_bytes bytes)
{
    es_json_write_key(json, key);
    es_json_write_bytes(json, bytes.data, bytes.size);
}

static void member_text(es_json_writer *json, const char *key, const char *text)
{
    es_json_write_key(json, key);
    es_json_write_text(json, text);
}

static void write_interval(es_json_writer *json, double low, double high)
{
    es_json_write_key(json, "interval");
    if (isnan(low))
        es_json_write_null(json);
    else
        es_json_write_doubles(json, (double[]){low, high}, 2);
}

static void write_correlation(es_json_writer *json, const char *key, const es_correlation *group)
{
    es_json_write_key(json, key);
    es_json_write_object(json);
    es_json_member_int(json, "pairs", group->pairs);
    es_json_member_double(json, "spearman", group->spearman);
    write_interval(json, group->low, group->high);
    es_json_member_double(json, "spearman_p", group->spearman_p);
    es_json_member_double(json, "pearson", group->pearson);
    es_json_member_double(json, "pearson_p", group->pearson_p);
    es_json_member_int(json, "resamples", group->resamples);
    es_json_write_end(json);
}

static void write_accuracy(es_json_writer *json, const char *key, const es_accuracy *accuracy)
{
    es_json_write_key(json, key);
    es_json_write_object(json);
    es_json_member_int(json, "questions", accuracy->questions);
    es_json_member_int(json, "correct", accuracy->correct);
    es_json_member_double(json, "accuracy", accuracy->share);
    write_interval(json, accuracy->low, accuracy->high);
    es_json_write_end(json);
}

static void write_methods(es_json_writer *json, const es_analogy_score *score)
{
    for (int m = 0; m < ES_ANALOGY_METHODS; m++)
        write_accuracy(json, es_analogy_method_name((es_analogy_method)m), &score->methods[m]);
}

static void write_sections(es_json_writer *json, const es_evaluation *evaluation)
{
    const es_dataset *set = evaluation->dataset;
    es_json_write_key(json, "sections");
    es_json_write_array(json);
    for (int64_t s = 0; s < set->section_count; s++) {
        es_json_write_object(json);
        member_bytes(json, "name", set->sections[s].name);
        es_json_member_int(json, "questions", set->sections[s].count);
        if (set->kind == ES_DATASET_ANALOGIES)
            write_methods(json, &evaluation->sections[s]);
        else
            write_accuracy(json, "all", &evaluation->odd_sections[s]);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

static void write_scores(es_json_writer *json, const es_evaluation *evaluation)
{
    es_dataset_kind kind = evaluation->dataset->kind;
    if (kind == ES_DATASET_ANALOGIES) {
        es_json_member_int(json, "answers", evaluation->answers);
        write_methods(json, &evaluation->total);
    }
    for (int g = 0; g < ES_EVALUATION_GROUPS; g++)
        if (kind == ES_DATASET_SIMILARITY)
            write_correlation(json, group_names[g], &evaluation->correlation[g]);
        else if (kind != ES_DATASET_ANALOGIES)
            write_accuracy(json, group_names[g], &evaluation->odd[g]);
    if (kind != ES_DATASET_SIMILARITY) {
        es_json_member_double(json, "chance", evaluation->chance);
        write_sections(json, evaluation);
    }
}

/* ---- JSON: words and questions -----------------------------------------------------------------
 */

static void write_words(es_json_writer *json, const es_evaluation *evaluation, es_word_state state)
{
    const es_dataset *set = evaluation->dataset;
    es_json_write_array(json);
    for (int64_t w = 0; w < set->word_count; w++)
        if (evaluation->word_states[w] == state)
            es_json_write_bytes(json, set->words[w].data, set->words[w].size);
    es_json_write_end(json);
}

static void write_counts(es_json_writer *json, const char *key, int64_t count,
                         const int64_t states[4])
{
    es_json_write_key(json, key);
    es_json_write_object(json);
    es_json_member_int(json, "count", count);
    for (int s = 0; s < 4; s++) es_json_member_int(json, state_names[s], states[s]);
    es_json_write_end(json);
}

static void write_answer(es_json_writer *json, const es_space *space,
                         const es_evaluation *evaluation, int64_t q)
{
    const es_dataset *set = evaluation->dataset;
    es_bytes none = {0};
    if (set->kind == ES_DATASET_SIMILARITY) {
        es_json_member_double(json, "score", set->scores[q]);
        es_json_member_double(json, "cosine", evaluation->cosines[q]);
    } else if (set->kind == ES_DATASET_ANALOGIES) {
        for (int m = 0; m < ES_ANALOGY_METHODS; m++) {
            int64_t id = evaluation->answer_ids[m * set->count + q];
            member_bytes(json, es_analogy_method_name((es_analogy_method)m),
                         id < 0 ? none : es_vocabulary_token(es_space_vocabulary(space), id));
        }
    } else {
        const int32_t *words = set->members + set->first[q];
        int32_t place = evaluation->places[q];
        member_bytes(json, "odd", set->words[words[set->odd[q]]]);
        member_bytes(json, "answer", place < 0 ? none : set->words[words[place]]);
        es_json_member_double(json, "margin", evaluation->margins[q]);
    }
}

static void write_details(es_json_writer *json, const es_space *space,
                          const es_evaluation *evaluation)
{
    const es_dataset *set = evaluation->dataset;
    es_json_write_key(json, "details");
    es_json_write_array(json);
    for (int64_t q = 0; q < set->count && !ferror(json->out); q++) {
        es_json_write_object(json);
        es_json_member_int(json, "line", set->lines[q]);
        es_json_write_key(json, "words");
        es_json_write_array(json);
        for (int64_t i = set->first[q]; i < set->first[q + 1]; i++) {
            es_bytes word = set->words[set->members[i]];
            es_json_write_bytes(json, word.data, word.size);
        }
        es_json_write_end(json);
        member_text(json, "state", state_names[evaluation->states[q]]);
        write_answer(json, space, evaluation, q);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

static void write_dataset(es_json_writer *json, const es_dataset *set)
{
    member_text(json, "path", set->path);
    member_text(json, "kind", es_dataset_kind_text(set->kind));
    es_json_write_key(json, "score_column");
    if (!set->score_column) {
        es_json_write_null(json);
        return;
    }
    es_json_write_object(json);
    es_json_member_int(json, "number", set->score_column);
    member_bytes(json, "name", set->score_name);
    es_json_write_end(json);
}

static void write_evaluation(es_json_writer *json, const es_space *space,
                             const es_evaluation *evaluation, bool details)
{
    const es_dataset *set = evaluation->dataset;
    es_json_write_object(json);
    write_dataset(json, set);
    write_counts(json, "questions", set->count, evaluation->questions);
    es_json_member_double(json, "coverage",
                          (double)evaluation->questions[ES_WORD_ROW] / (double)set->count);
    write_counts(json, "words", set->word_count, evaluation->words);
    es_json_write_key(json, "missing_words");
    write_words(json, evaluation, ES_WORD_MISSING);
    es_json_write_key(json, "undefined_words");
    write_words(json, evaluation, ES_WORD_UNDEFINED);
    write_scores(json, evaluation);
    if (details) write_details(json, space, evaluation);
    es_json_write_end(json);
}

void es_render_evaluate_json(es_json_writer *json, const es_space *space,
                             const es_evaluation *evaluations, int64_t count, bool details)
{
    const es_evaluate_options *options = &evaluations[0].options;
    bool spaced = false;
    for (int64_t i = 0; i < count; i++) spaced |= evaluations[i].spaced > 0;
    member_text(json, "case", case_names[options->letter_case]);
    es_json_write_key(json, "leading_space");
    es_json_write_bool(json, spaced);
    int64_t rows = es_space_row_count(space);
    es_json_member_int(json, "rows", options->rows && options->rows < rows ? options->rows : rows);
    member_text(json, "missing", options->missing_counts ? "zero" : "skip");
    es_json_write_key(json, "seed");
    es_json_write_int(json, (int64_t)options->seed);
    es_json_write_key(json, "datasets");
    es_json_write_array(json);
    for (int64_t i = 0; i < count; i++) write_evaluation(json, space, &evaluations[i], details);
    es_json_write_end(json);
}

/* ---- CSV ---------------------------------------------------------------------------------------
 */

typedef struct score_line {
    const char *group, *measure;
    int64_t asked;
    double value, low, high, p;
} score_line;

static void csv_line(es_csv *csv, const es_evaluation *evaluation, es_bytes section,
                     int64_t questions, const score_line *line)
{
    es_csv_text(csv, evaluation->dataset->name);
    es_csv_text(csv, es_dataset_kind_text(evaluation->dataset->kind));
    es_csv_bytes(csv, section.data, section.size);
    es_csv_text(csv, line->group);
    es_csv_text(csv, line->measure);
    es_csv_int(csv, questions);
    es_csv_int(csv, line->asked);
    es_csv_double(csv, line->value);
    es_csv_double(csv, line->low);
    es_csv_double(csv, line->high);
    es_csv_double(csv, line->p);
    es_csv_end_line(csv);
}

static void csv_accuracy(es_csv *csv, const es_evaluation *evaluation, es_bytes section,
                         int64_t questions, const char *group, const char *measure,
                         const es_accuracy *accuracy)
{
    score_line line = {group,          measure, accuracy->questions, accuracy->share, accuracy->low,
                       accuracy->high, NAN};
    csv_line(csv, evaluation, section, questions, &line);
}

static void csv_correlations(es_csv *csv, const es_evaluation *evaluation)
{
    for (int g = 0; g < ES_EVALUATION_GROUPS; g++) {
        const es_correlation *c = &evaluation->correlation[g];
        if (g && !evaluation->correlation[ES_GROUP_POOLED].pairs) break;
        score_line spearman = {group_names[g], "spearman", c->pairs,     c->spearman,
                               c->low,         c->high,    c->spearman_p};
        score_line pearson = {group_names[g], "pearson", c->pairs, c->pearson, NAN, NAN,
                              c->pearson_p};
        csv_line(csv, evaluation, (es_bytes){0}, evaluation->dataset->count, &spearman);
        csv_line(csv, evaluation, (es_bytes){0}, evaluation->dataset->count, &pearson);
    }
}

static void csv_methods(es_csv *csv, const es_evaluation *evaluation, es_bytes section,
                        const es_analogy_score *score)
{
    for (int m = 0; m < ES_ANALOGY_METHODS; m++)
        csv_accuracy(csv, evaluation, section, score->questions, "single",
                     es_analogy_method_name((es_analogy_method)m), &score->methods[m]);
}

static void csv_evaluation(es_csv *csv, const es_evaluation *evaluation)
{
    const es_dataset *set = evaluation->dataset;
    if (set->kind == ES_DATASET_SIMILARITY) {
        csv_correlations(csv, evaluation);
        return;
    }
    if (set->kind == ES_DATASET_ANALOGIES)
        csv_methods(csv, evaluation, (es_bytes){0}, &evaluation->total);
    for (int g = 0; g < ES_EVALUATION_GROUPS && set->kind != ES_DATASET_ANALOGIES; g++)
        if (!g || evaluation->odd[ES_GROUP_POOLED].questions)
            csv_accuracy(csv, evaluation, (es_bytes){0}, set->count, group_names[g], "odd_one_out",
                         &evaluation->odd[g]);
    for (int64_t s = 0; s < set->section_count && !ferror(csv->out); s++) {
        es_bytes name = es_evaluate_section(set, s);
        if (set->kind == ES_DATASET_ANALOGIES)
            csv_methods(csv, evaluation, name, &evaluation->sections[s]);
        else
            csv_accuracy(csv, evaluation, name, set->sections[s].count, "all", "odd_one_out",
                         &evaluation->odd_sections[s]);
    }
}

void es_render_evaluate_csv(const es_evaluation *evaluations, int64_t count, FILE *out)
{
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv,
                  (const char *const[]){"dataset", "kind", "section", "group", "measure",
                                        "questions", "asked", "value", "low", "high", "p", NULL});
    for (int64_t i = 0; i < count; i++) csv_evaluation(&csv, &evaluations[i]);
}

/* ---- CSV, a line for each question -------------------------------------------------------------
 */

typedef struct detail {
    int64_t from, to; /* the words shown */
    es_bytes expected, answer;
    double score, value;
    const char *measure, *correct;
} detail;

/* One row of the file on its way: lack of memory is remembered. */
typedef struct detail_csv {
    es_csv csv;
    bool failed;
} detail_csv;

static void detail_line(detail_csv *lines, const es_evaluation *evaluation, int64_t q,
                        const detail *detail)
{
    const es_dataset *set = evaluation->dataset;
    es_csv *csv = &lines->csv;
    es_text words = {0};
    es_evaluate_words_text(&words, set, q, detail->from, detail->to);
    es_csv_text(csv, set->name);
    es_csv_int(csv, set->lines[q]);
    es_csv_text(csv, state_names[evaluation->states[q]]);
    es_csv_bytes(csv, words.data, words.size);
    lines->failed |= words.failed;
    es_text_release(&words);
    es_csv_double(csv, detail->score);
    es_csv_bytes(csv, detail->expected.data, detail->expected.size);
    es_csv_text(csv, detail->measure);
    es_csv_bytes(csv, detail->answer.data, detail->answer.size);
    es_csv_double(csv, detail->value);
    if (detail->correct)
        es_csv_text(csv, detail->correct);
    else
        es_csv_bytes(csv, NULL, 0);
    es_csv_end_line(csv);
}

static void detail_analogy(detail_csv *lines, const es_space *space,
                           const es_evaluation *evaluation, int64_t q)
{
    const es_dataset *set = evaluation->dataset;
    int32_t right = set->members[4 * q + 3];
    detail line = {.to = 3, .expected = set->words[right], .score = NAN, .value = NAN};
    for (int m = 0; m < ES_ANALOGY_METHODS; m++) {
        int64_t id = evaluation->answer_ids[m * set->count + q];
        line.measure = es_analogy_method_name((es_analogy_method)m);
        line.answer = id < 0 ? (es_bytes){0} : es_vocabulary_token(es_space_vocabulary(space), id);
        line.correct = id < 0                                                        ? NULL
                       : es_evaluation_is_right(evaluation, q, (es_analogy_method)m) ? "true"
                                                                                     : "false";
        detail_line(lines, evaluation, q, &line);
    }
}

static void detail_odd(detail_csv *lines, const es_evaluation *evaluation, int64_t q)
{
    const es_dataset *set = evaluation->dataset;
    const int32_t *words = set->members + set->first[q];
    int32_t place = evaluation->places[q], odd = set->odd[q];
    detail line = {.to = set->first[q + 1] - set->first[q],
                   .expected = set->words[words[odd]],
                   .answer = place < 0 ? (es_bytes){0} : set->words[words[place]],
                   .score = NAN,
                   .value = evaluation->margins[q],
                   .measure = "margin",
                   .correct = place < 0      ? NULL
                              : place == odd ? "true"
                                             : "false"};
    detail_line(lines, evaluation, q, &line);
}

static void detail_question(detail_csv *lines, const es_space *space,
                            const es_evaluation *evaluation, int64_t q)
{
    const es_dataset *set = evaluation->dataset;
    if (set->kind == ES_DATASET_SIMILARITY)
        detail_line(lines, evaluation, q,
                    &(detail){.to = 2,
                              .score = set->scores[q],
                              .measure = "cosine",
                              .value = evaluation->cosines[q],
                              .correct = NULL});
    else if (set->kind == ES_DATASET_ANALOGIES)
        detail_analogy(lines, space, evaluation, q);
    else
        detail_odd(lines, evaluation, q);
}

es_status es_render_evaluate_details(const es_space *space, const es_evaluation *evaluations,
                                     int64_t count, FILE *out, es_error *error)
{
    detail_csv lines = {.csv = es_csv_to(out)};
    es_csv_header(&lines.csv,
                  (const char *const[]){"dataset", "line", "state", "words", "score", "expected",
                                        "measure", "answer", "value", "correct", NULL});
    for (int64_t i = 0; i < count; i++)
        for (int64_t q = 0; q < evaluations[i].dataset->count && !ferror(out); q++)
            detail_question(&lines, space, &evaluations[i], q);
    return lines.failed ? es_fail_memory(error, "a line", 0) : ES_OK;
}
