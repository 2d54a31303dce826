/* The odd one out: the word with the least mean cosine to the others, which is the one farthest
 * from the mean of the unit rows of all. */
#include "analysis/evaluate_parts.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16 }; /* questions in a piece of work */

typedef struct asking {
    es_evaluating *work;
    double *scratch; /* (threads, 3 d) */
} asking;

/* The sum of the unit vectors of a question's words; false where one has none. */
static es_status sum_words(const es_evaluating *work, int64_t q, double *sum, double *scratch,
                           bool *defined, es_error *error)
{
    const es_dataset *set = work->set;
    double *vector = scratch, *more = scratch + work->d;
    memset(sum, 0, (size_t)work->d * sizeof *sum);
    *defined = true;
    for (int64_t i = set->first[q]; *defined && i < set->first[q + 1]; i++) {
        ES_TRY(es_evaluate_vector(work, set->members[i], more, vector, defined, error));
        for (int64_t k = 0; k < work->d; k++) sum[k] += vector[k];
    }
    return ES_OK;
}

/* Places by u . sum, which orders them as their mean cosine to the others does. Where the odd one
 * shares the last place, another is the answer. */
static es_status answer(const es_evaluating *work, int64_t q, const double *sum, double *scratch,
                        es_error *error)
{
    const es_dataset *set = work->set;
    double *vector = scratch, *more = scratch + work->d, odd = 0, next = INFINITY;
    int64_t from = set->first[q], count = set->first[q + 1] - from, other = 0;
    for (int64_t i = 0; i < count; i++) {
        bool defined;
        ES_TRY(es_evaluate_vector(work, set->members[from + i], more, vector, &defined, error));
        double central = work->space->kernel->dot(vector, sum, work->d);
        if (i == set->odd[q]) {
            odd = central;
        } else if (central < next) {
            next = central;
            other = i;
        }
    }
    work->result->places[q] = odd < next ? set->odd[q] : (int32_t)other;
    work->result->margins[q] = (next - odd) / (double)(count - 1);
    return ES_OK;
}

static es_status ask_piece(void *context, int64_t index, int worker, es_error *error)
{
    const asking *asking = context;
    es_evaluation *result = asking->work->result;
    int64_t count = asking->work->set->count, d = asking->work->d;
    double *sum = asking->scratch + worker * 3 * d, *scratch = sum + d;
    int64_t end = (index + 1) * CHUNK < count ? (index + 1) * CHUNK : count;
    for (int64_t q = index * CHUNK; q < end; q++) {
        bool defined = result->states[q] <= ES_WORD_POOLED;
        result->places[q] = -1;
        result->margins[q] = NAN;
        if (defined) ES_TRY(sum_words(asking->work, q, sum, scratch, &defined, error));
        if (defined) ES_TRY(answer(asking->work, q, sum, scratch, error));
    }
    return ES_OK;
}

typedef struct tally {
    int64_t questions, correct;
} tally;

static void count_answer(const es_evaluation *result, int64_t q, tally groups[])
{
    bool correct = result->places[q] >= 0 && result->places[q] == result->dataset->odd[q];
    bool asked = result->places[q] >= 0;
    int group = result->states[q] == ES_WORD_POOLED ? ES_GROUP_POOLED : ES_GROUP_SINGLE;
    if (!asked && !result->options.missing_counts) return;
    groups[asked ? group : ES_GROUP_SINGLE].questions++;
    groups[asked ? group : ES_GROUP_SINGLE].correct += correct;
    groups[ES_GROUP_ALL].questions++;
    groups[ES_GROUP_ALL].correct += correct;
}

static void score(es_evaluating *work)
{
    es_evaluation *result = work->result;
    const es_dataset *set = work->set;
    tally groups[ES_EVALUATION_GROUPS] = {{0}};
    double chance = 0;
    for (int64_t q = 0; q < set->count; q++) {
        if (result->places[q] < 0 && result->states[q] <= ES_WORD_POOLED) {
            result->questions[result->states[q]]--;
            result->questions[ES_WORD_UNDEFINED]++;
            result->states[q] = ES_WORD_UNDEFINED;
        }
        count_answer(result, q, groups);
        chance += 1 / (double)(set->first[q + 1] - set->first[q]);
    }
    for (int g = 0; g < ES_EVALUATION_GROUPS; g++)
        result->odd[g] = es_accuracy_of(groups[g].questions, groups[g].correct);
    result->counted = groups[ES_GROUP_SINGLE].questions;
    result->chance = chance / (double)set->count;
    for (int64_t s = 0; result->odd_sections && s < set->section_count; s++) {
        tally section[ES_EVALUATION_GROUPS] = {{0}};
        int64_t first = set->sections[s].first, end = first + set->sections[s].count;
        for (int64_t q = first; q < end; q++) count_answer(result, q, section);
        result->odd_sections[s] =
            es_accuracy_of(section[ES_GROUP_ALL].questions, section[ES_GROUP_ALL].correct);
    }
}

es_status es_evaluate_odd(es_evaluating *work)
{
    es_evaluation *result = work->result;
    int64_t count = work->set->count;
    asking asking = {.work = work,
                     .scratch = es_alloc(work->threads, 3 * (size_t)work->d * sizeof(double))};
    result->places = es_alloc(count, sizeof *result->places);
    result->margins = es_alloc(count, sizeof *result->margins);
    bool enough = asking.scratch && result->places && result->margins;
    if (work->set->section_count) {
        result->odd_sections = es_alloc(work->set->section_count, sizeof *result->odd_sections);
        enough = enough && result->odd_sections;
    }
    es_status status =
        enough ? es_parallel_for(work->threads, (count + CHUNK - 1) / CHUNK, ask_piece, &asking,
                                 &work->options->progress, work->error)
               : es_fail_memory(work->error, "questions", (size_t)count * sizeof(double));
    free(asking.scratch);
    if (!status) score(work);
    return status;
}
