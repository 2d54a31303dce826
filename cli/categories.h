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

/* Read the file; a token with two different categories is BAD_INPUT. */
es_status cli_categories_read(cli_categories *categories, const char *path, es_error *error);

/* Append the file's tokens to `words`. */
es_status cli_categories_words(const cli_categories *categories, cli_words *words, es_error *error);

/* Fill categories->name for all words; one that the file lacks is BAD_INPUT. */
es_status cli_categories_find(cli_categories *categories, const char *path, const cli_words *words,
                              es_error *error);
void cli_categories_release(cli_categories *categories);

#endif
