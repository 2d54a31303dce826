/* How well cosines agree with people: word similarity, analogies, odd one out. */
#ifndef EMBSCOPE_EVALUATE_H
#define EMBSCOPE_EVALUATE_H

#include <embscope/dataset.h>
#include <embscope/progress.h>
#include <embscope/selection.h>

ES_BEGIN_DECLARATIONS

enum { ES_EVALUATE_RESAMPLES = 2000 };

/* Which key a data set's word finds. */
typedef enum es_letter_case {
    ES_CASE_EXACT = 0,  /* its own bytes */
    ES_CASE_LOWER = 1,  /* those of the word in lower case */
    ES_CASE_IGNORE = 2, /* any that case folding makes equal, the first row of them; answers are
                           compared so, too (gensim's case_insensitive) */
} es_letter_case;

typedef struct es_evaluate_options {
    es_prefix prefix;           /* byte-level BPE: AUTO and SPACE put a space before each word */
    es_letter_case letter_case; /* IGNORE: word vocabularies alone */
    int64_t rows;               /* only the first so many rows are words and answers; 0: all
                                   (gensim's restrict_vocab) */
    bool missing_counts;        /* a question with a word that is missing counts: cosine 0, or wrong
                                   (gensim's dummy4unknown); else it is left out */
    int64_t resamples;          /* of the bootstrap; 0: ES_EVALUATE_RESAMPLES, -1: none */
    uint64_t seed;              /* of the bootstrap */
    int threads;                /* 0: as many as the machine has */
    es_progress progress;
} es_evaluate_options;

/* What became of a word of the data set, or of the words of a question. */
typedef enum es_word_state {
    ES_WORD_ROW = 0,       /* one row */
    ES_WORD_POOLED = 1,    /* several tokens: the mean of their unit rows */
    ES_WORD_MISSING = 2,   /* not in the vocabulary */
    ES_WORD_UNDEFINED = 3, /* a row without a direction */
} es_word_state;

/* The words of a subword vocabulary that are one token are the headline; questions with a word of
 * several tokens are told apart, since the cosine of a mean depends on how many it is of. */
enum { ES_GROUP_SINGLE = 0, ES_GROUP_POOLED = 1, ES_GROUP_ALL = 2, ES_EVALUATION_GROUPS = 3 };

/* Human scores and cosines of some pairs. What is undefined (fewer than 3 pairs, all scores or all
 * cosines equal) is NaN. */
typedef struct es_correlation {
    int64_t pairs;
    double spearman, pearson;     /* ties have their mean rank */
    double spearman_p, pearson_p; /* two-sided, by Student's t with pairs - 2 degrees of freedom */
    double low, high;  /* of spearman: 2.5 % and 97.5 % quantiles of the bootstrap over pairs */
    int64_t resamples; /* that had a correlation */
} es_correlation;

/* A share of questions answered rightly. */
typedef struct es_accuracy {
    int64_t questions, correct; /* asked */
    double share;               /* NaN where none was asked */
    double low, high;           /* Wilson's 95 % interval, as if questions were independent */
} es_accuracy;

/* How an analogy "a b c d" is answered. cos' = (1 + cos) / 2. */
typedef enum es_analogy_method {
    ES_ANALOGY_ADD = 0,        /* largest cos(x, b) - cos(x, a) + cos(x, c), x not a, b, c */
    ES_ANALOGY_MUL = 1,        /* largest cos'(x, b) cos'(x, c) / (cos'(x, a) + 0.001), likewise */
    ES_ANALOGY_ADD_INPUTS = 2, /* the same two, where a, b and c may be the answer */
    ES_ANALOGY_MUL_INPUTS = 3,
    ES_ANALOGY_ONLY_C = 4, /* largest cos(x, c), x not a, b, c: does the question need a and b? */
    ES_ANALOGY_METHODS = 5,
} es_analogy_method;

/* "3cosadd", "3cosmul", "3cosadd_inputs", "3cosmul_inputs", "only_c". */
const char *es_analogy_method_name(es_analogy_method method);

typedef struct es_analogy_score {
    int64_t questions; /* of the section */
    es_accuracy methods[ES_ANALOGY_METHODS];
} es_analogy_score;

typedef struct es_evaluation {
    const es_dataset *dataset; /* borrowed */
    es_evaluate_options options;
    /* Words. */
    unsigned char *word_states; /* (words) an es_word_state */
    int64_t *word_ids;          /* (words) the row; -1: none, or several */
    int64_t words[4];           /* how many in each state */
    int64_t spaced;             /* words that were looked up with a leading space */
    /* Questions: the worst state of their words (an analogy has no pooled words: it is missing
     * then). */
    unsigned char *states; /* (count) an es_word_state */
    int64_t questions[4];  /* how many in each state */
    int64_t counted;       /* in the headline */
    int64_t answers;       /* rows that an analogy may be answered with */
    /* Word similarity. */
    double *cosines; /* (count); NaN: missing. NULL for other kinds */
    es_correlation correlation[ES_EVALUATION_GROUPS];
    /* Analogies: (methods, count) rows, -1 where not asked; a score of each section and of all. */
    int64_t *answer_ids;
    unsigned char *right; /* (methods, count) 1: the expected one, by row or by key without case */
    es_analogy_score *sections; /* (section_count) */
    es_analogy_score total;
    double chance; /* of a right answer by lot: of an analogy, or the mean of 1 / words */
    /* Odd one out: the place answered, -1 where not asked, and by how much the odd one is farther
     * off than the next word: mean cosine to the others, less its own. */
    int32_t *places;
    double *margins;
    es_accuracy odd[ES_EVALUATION_GROUPS];
    es_accuracy *odd_sections; /* (section_count) all groups, of categories; else NULL */
} es_evaluation;

/* Ask all questions of a data set. The data set must outlive the evaluation.
 * Figures are float64 arithmetic on unit rows; of equal answers the lowest row, the first place.
 * The same bytes for any number of threads and any kernel. Statuses: BAD_ARGUMENT (letter_case
 * IGNORE of a subword vocabulary), BAD_INPUT (rows without names), CANCELLED.
 * Release with es_evaluation_release(). Spearman 1904; 3CosMul: Levy, Goldberg 2014; only_c: the
 * ONLY-B of Linzen 2016. */
es_status es_evaluate(es_space *space, const es_dataset *dataset,
                      const es_evaluate_options *options, es_evaluation *evaluation,
                      es_error *error);

/* Is an analogy's answer the expected one? By row, or by key without its case. */
bool es_evaluation_is_right(const es_evaluation *evaluation, int64_t question,
                            es_analogy_method method);
void es_evaluation_release(es_evaluation *evaluation);

ES_END_DECLARATIONS
#endif
