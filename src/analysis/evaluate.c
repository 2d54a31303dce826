#include "analysis/evaluate_parts.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NORMAL_975 1.959963984540054 /* 97.5 % quantile of the normal law */

const char *es_analogy_method_name(es_analogy_method method)
{
    static const char *const names[] = {"3cosadd", "3cosmul", "3cosadd_inputs", "3cosmul_inputs",
                                        "only_c"};
    return names[method];
}

bool es_evaluation_is_right(const es_evaluation *evaluation, int64_t question,
                            es_analogy_method method)
{
    return evaluation->right[method * evaluation->dataset->count + question];
}

void es_evaluation_release(es_evaluation *evaluation)
{
    free(evaluation->word_states);
    free(evaluation->word_ids);
    free(evaluation->states);
    free(evaluation->cosines);
    free(evaluation->answer_ids);
    free(evaluation->right);
    free(evaluation->sections);
    free(evaluation->places);
    free(evaluation->margins);
    free(evaluation->odd_sections);
    *evaluation = (es_evaluation){0};
}

/* With Wilson's interval (1927). */
es_accuracy es_accuracy_of(int64_t questions, int64_t correct)
{
    es_accuracy accuracy = {
        .questions = questions, .correct = correct, .share = NAN, .low = NAN, .high = NAN};
    if (!questions) return accuracy;
    double n = (double)questions, z = NORMAL_975, p = (double)correct / n;
    double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    double reach = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    accuracy.share = p;
    accuracy.low = correct ? fmax(0, middle - reach) : 0;
    accuracy.high = correct < questions ? fmin(1, middle + reach) : 1;
    return accuracy;
}

/* The worst state of a question's words. */
static void judge_questions(es_evaluating *work)
{
    static const int severity[] = {0, 1, 3, 2};
    es_evaluation *result = work->result;
    const es_dataset *set = work->set;
    for (int64_t q = 0; q < set->count; q++) {
        int worst = ES_WORD_ROW;
        for (int64_t i = set->first[q]; i < set->first[q + 1]; i++) {
            int state = result->word_states[set->members[i]];
            if (severity[state] > severity[worst]) worst = state;
        }
        result->states[q] = (unsigned char)worst;
        result->questions[worst]++;
    }
}

static es_status evaluate(es_evaluating *work)
{
    es_evaluation *result = work->result;
    const double *norms;
    ES_TRY(es_space_load(work->space, work->error));
    ES_TRY(es_space_norms(work->space, &norms, work->error));
    ES_TRY(es_space_row_states(work->space, &work->row_states, work->error));
    result->states = es_alloc(work->set->count, sizeof *result->states);
    if (!result->states) return es_fail_memory(work->error, "questions", (size_t)work->set->count);
    ES_TRY(es_evaluate_find_words(work));
    judge_questions(work);
    switch (work->set->kind) {
    case ES_DATASET_SIMILARITY: return es_evaluate_similarity(work);
    case ES_DATASET_ANALOGIES: return es_evaluate_analogies(work);
    default: return es_evaluate_odd(work);
    }
}

es_status es_evaluate(es_space *space, const es_dataset *dataset,
                      const es_evaluate_options *options, es_evaluation *evaluation,
                      es_error *error)
{
    static const es_evaluate_options defaults;
    if (!options) options = &defaults;
    int64_t rows = es_space_row_count(space);
    *evaluation = (es_evaluation){.dataset = dataset, .options = *options, .chance = NAN};
    assert(options->rows >= 0);
    if (!evaluation->options.resamples) evaluation->options.resamples = ES_EVALUATE_RESAMPLES;
    es_evaluating work = {.space = space,
                          .set = dataset,
                          .options = &evaluation->options,
                          .result = evaluation,
                          .d = es_space_column_count(space),
                          .rows = options->rows && options->rows < rows ? options->rows : rows,
                          .threads = es_thread_count(options->threads),
                          .error = error};
    es_status status = evaluate(&work);
    es_ids_release(&work.pieces);
    free(work.first_piece);
    free(work.same_key);
    free(work.next_same);
    if (status) es_evaluation_release(evaluation);
    return status;
}
