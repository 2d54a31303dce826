/* A file of tokens and their categories. */
#ifndef CLI_CATEGORIES_H
#define CLI_CATEGORIES_H

#include "lines.h"

/* All zero is empty; release with cli_categories_release(). */
typedef struct cli_categories {
    cli_words pairs; /* token, category, token, category ... as the file has them */
    cli_words name;  /* the category of each word asked for */
    const char ***sorted;
} cli_categories;

/* Read the file, take its tokens for `words` where there are none, and fill `name` for every word.
 * A token with two different categories, and a word that the file lacks, are BAD_INPUT. */
es_status cli_categories_gather(cli_categories *categories, const char *path, cli_words *words,
                                es_error *error);
void cli_categories_release(cli_categories *categories);

#endif
