#include "analysis/stages.h"

#include <embscope/pair_report.h>

enum { COMPARING = 9000, LOOKING = 1000 }; /* weights on the progress line */

/* Words that most vocabularies have, and what they are. */
static const struct {
    const char *word, *category;
} default_words[] = {
    {"cat", "animals"},   {"dog", "animals"},    {"horse", "animals"}, {"bird", "animals"},
    {"fish", "animals"},  {"cow", "animals"},    {"apple", "fruits"},  {"banana", "fruits"},
    {"orange", "fruits"}, {"fruit", "fruits"},   {"man", "people"},    {"woman", "people"},
    {"king", "people"},   {"queen", "people"},   {"doctor", "people"}, {"nurse", "people"},
    {"red", "colors"},    {"blue", "colors"},    {"green", "colors"},  {"black", "colors"},
    {"car", "vehicles"},  {"train", "vehicles"}, {"ship", "vehicles"}, {"truck", "vehicles"},
    {"two", "numbers"},   {"three", "numbers"},  {"four", "numbers"},  {"seven", "numbers"},
    {"hand", "body"},     {"foot", "body"},      {"head", "body"},     {"eye", "body"}};
enum { WORDS = sizeof default_words / sizeof *default_words };

void es_pair_report_release(es_pair_report *report)
{
    es_comparison_release(&report->comparison);
    es_comparison_release(&report->words);
    *report = (es_pair_report){0};
}

/* Tables without names have no words, and too few of them are no matrix. */
static es_status look_at_words(es_space *const spaces[2], const es_pair_report_options *options,
                               const es_progress *progress, es_pair_report *report, es_error *error)
{
    const char *words[WORDS], *categories[WORDS];
    for (int i = 0; i < WORDS; i++) {
        words[i] = default_words[i].word;
        categories[i] = default_words[i].category;
    }
    es_compare_options how = {.match = report->comparison.shared.match,
                              .tokens = words,
                              .token_count = WORDS,
                              .categories = categories,
                              .figures = true,
                              .threads = options->threads,
                              .progress = *progress};
    if (options->word_count) {
        how.tokens = options->words;
        how.token_count = options->word_count;
        how.categories = NULL;
    }
    es_error reason = {{0}};
    if (how.match == ES_MATCH_ROWS) return ES_OK;
    es_status status = es_compare_compute(spaces, 2, &how, &report->words, &reason);
    report->has_words = status == ES_OK;
    bool asked = options->word_count > 0;
    if (status == ES_OK || (status == ES_BAD_INPUT && !asked)) return ES_OK;
    return es_fail(error, status, "%s", reason.text);
}

es_status es_pair_report_compute(es_space *const spaces[2], const es_pair_report_options *options,
                                 es_pair_report *report, es_error *error)
{
    static const es_pair_report_options defaults;
    if (!options) options = &defaults;
    *report = (es_pair_report){.spaces = {spaces[0], spaces[1]}};
    es_stages stages = {.outer = options->progress, .total = COMPARING + LOOKING};
    es_status status = ES_OK;
    for (int m = 0; m < 2 && status == ES_OK; m++)
        status = es_info_compute(spaces[m], &report->info[m], error);
    es_compare_options how = {.figures = true, .threads = options->threads};
    how.progress = es_stages_next(&stages, COMPARING);
    if (status == ES_OK) status = es_compare_compute(spaces, 2, &how, &report->comparison, error);
    es_progress looking = es_stages_next(&stages, LOOKING);
    if (status == ES_OK) status = look_at_words(spaces, options, &looking, report, error);
    if (status != ES_OK) es_pair_report_release(report);
    return status;
}
