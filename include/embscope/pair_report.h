/* Two models on one page: what they share, and how alike their geometry is on that. */
#ifndef EMBSCOPE_PAIR_REPORT_H
#define EMBSCOPE_PAIR_REPORT_H

#include <embscope/compare.h>
#include <embscope/info.h>

ES_BEGIN_DECLARATIONS

/* All zero is the default: a built-in list of common words in a few categories. */
typedef struct es_pair_report_options {
    const char *const *words; /* the words looked at one by one, (word_count): no categories */
    int64_t word_count;
    int threads;
    es_progress progress;
} es_pair_report_options;

typedef struct es_pair_report {
    es_space *spaces[2]; /* borrowed: must outlive the report */
    es_info info[2];
    es_comparison comparison; /* over all shared tokens, with figures */
    bool has_words;           /* else fewer than three of them are tokens of both */
    es_comparison words;      /* over those words, with figures, and with their categories where
                                 models[].has_categories */
} es_pair_report;

/* Statuses as es_compare_compute(). Release with es_pair_report_release(). */
es_status es_pair_report_compute(es_space *const spaces[2], const es_pair_report_options *options,
                                 es_pair_report *report, es_error *error);
void es_pair_report_release(es_pair_report *report);

ES_END_DECLARATIONS
#endif
