/* Data sets that judge a space by what people say of words.
 *
 *   word similarity   a line "word word score", with any further columns: WordSim-353, SimLex-999,
 *                     MEN, RG-65 and their like
 *   analogies         lines ": section", and "a b c d": a is to b as c is to d (Google's)
 *   odd one out       a line of three words or more, the last one odd, or the one marked "*word"
 *   categories        a line "word category": asks for the odd one among all words of a category
 *                     and one word of another, each such set once
 *
 * Columns are parted by a TAB where the first line has one, else by a semicolon, else by a comma,
 * else by white space; with semicolons and commas a field may stand in double quotes. Empty lines
 * and lines that start with '#' are passed over. UTF-8, with or without a byte-order mark. */
#ifndef EMBSCOPE_DATASET_H
#define EMBSCOPE_DATASET_H

#include <embscope/vocabulary.h>

ES_BEGIN_DECLARATIONS

enum { ES_DATASET_BYTES = 1 << 24 }; /* the longest file, 16 MiB: thirty times Google's analogies */

typedef enum es_dataset_kind {
    ES_DATASET_AUTO = 0, /* by its first lines */
    ES_DATASET_SIMILARITY = 1,
    ES_DATASET_ANALOGIES = 2,
    ES_DATASET_ODD_ONE_OUT = 3,
    ES_DATASET_CATEGORIES = 4,
} es_dataset_kind;

/* "similarity", "analogies", "odd-one-out", "categories". */
const char *es_dataset_kind_text(es_dataset_kind kind);

typedef struct es_dataset_options {
    es_dataset_kind kind;
    /* The column that holds the score, by its number from 1 or by its name in the header. NULL: the
     * first numeric one after the two words whose name says so ("score", "mean", "rating",
     * "similarity", "relatedness"), else the first numeric one. */
    const char *score;
} es_dataset_options;

typedef struct es_dataset_section {
    es_bytes name; /* of a section of analogies or a category; no data: questions before any */
    int64_t first, count; /* its questions */
} es_dataset_section;

/* Question q is of the words members[first[q]] ... members[first[q + 1] - 1]. All strings are the
 * data set's own. */
typedef struct es_dataset {
    es_dataset_kind kind; /* never AUTO */
    char *path, *name;    /* name: the path's last part */
    int64_t word_count;
    es_bytes *words; /* (word_count) all different, in the order they come */
    int64_t count;   /* questions */
    int64_t *first;  /* (count + 1) */
    int32_t *members;
    int32_t *lines; /* (count) the line each came from, from 1 */
    double *scores; /* (count) of word similarity; else NULL */
    int32_t *odd;   /* (count) the place of the odd one among its members; else NULL */
    int64_t section_count;
    es_dataset_section *sections; /* of analogies and categories */
    char separator;               /* '\t', ';', ',' or ' ' */
    int64_t score_column;         /* from 1; 0: none */
    es_bytes score_name;          /* in the header; no data: there is none */
    char *memory;                 /* what words and names point into */
} es_dataset;

/* Read a file, or bytes that are called `path`. Release with es_dataset_release().
 * Statuses: NOT_FOUND, CANNOT_READ, BAD_INPUT ("PATH:LINE:COLUMN: what is wrong"; the column counts
 * bytes from 1), BAD_ARGUMENT (a column that is not there), NO_MEMORY. */
es_status es_dataset_read(const char *path, const es_dataset_options *options, es_dataset *set,
                          es_error *error);
es_status es_dataset_parse(const char *path, const char *data, size_t size,
                           const es_dataset_options *options, es_dataset *set, es_error *error);
void es_dataset_release(es_dataset *set);

ES_END_DECLARATIONS
#endif
