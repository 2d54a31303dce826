#include "categories.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

/* The entries of `sorted` point to a pair: [0] the token, [1] its category. */
static int compare_pairs(const void *a, const void *b)
{
    const char *const *const *x = a, *const *const *y = b;
    return strcmp((*x)[0], (*y)[0]);
}

static int compare_to_pair(const void *word, const void *pair)
{
    const char *const *const *y = pair;
    return strcmp(word, (*y)[0]);
}

static es_status read_pairs(cli_categories *categories, const char *path, es_error *error)
{
    cli_words *pairs = &categories->pairs;
    es_status status = cli_words_read_categories(pairs, path, error);
    if (status) return status;
    size_t count = (size_t)pairs->count / 2;
    if (!count)
        return cli_fail(error, ES_BAD_INPUT, "%s: no line of a token and its category", path);
    categories->sorted = malloc(count * sizeof *categories->sorted);
    if (!categories->sorted) return cli_fail(error, ES_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) categories->sorted[i] = pairs->word + 2 * i;
    qsort(categories->sorted, count, sizeof *categories->sorted, compare_pairs);
    for (size_t i = 1; i < count; i++) {
        const char **one = categories->sorted[i - 1], **two = categories->sorted[i];
        if (!strcmp(one[0], two[0]) && strcmp(one[1], two[1]) != 0)
            return cli_fail(error, ES_BAD_INPUT,
                            "%s: '%s' is both '%s' and '%s'; a token has one category", path,
                            one[0], one < two ? one[1] : two[1], one < two ? two[1] : one[1]);
    }
    return ES_OK;
}

static es_status take_words(const cli_categories *categories, cli_words *words, es_error *error)
{
    es_status status = ES_OK;
    for (int64_t i = 0; !status && i < categories->pairs.count; i += 2)
        status = cli_words_add(words, categories->pairs.word[i], error);
    return status;
}

static es_status find_names(cli_categories *categories, const char *path, const cli_words *words,
                            es_error *error)
{
    es_status status = ES_OK;
    for (int64_t i = 0; !status && i < words->count; i++) {
        const char ***found =
            bsearch(words->word[i], categories->sorted, (size_t)categories->pairs.count / 2,
                    sizeof *categories->sorted, compare_to_pair);
        if (!found)
            return cli_fail(error, ES_BAD_INPUT,
                            "%s: no category for '%s'; add a line of it, a TAB and its category",
                            path, words->word[i]);
        status = cli_words_add(&categories->name, (*found)[1], error);
    }
    return status;
}

void cli_categories_release(cli_categories *categories)
{
    cli_words_release(&categories->pairs);
    cli_words_release(&categories->name);
    free(categories->sorted);
    categories->sorted = NULL;
}

es_status cli_categories_gather(cli_categories *categories, const char *path, cli_words *words,
                                es_error *error)
{
    es_status status = read_pairs(categories, path, error);
    if (!status && !words->count) status = take_words(categories, words, error);
    return status ? status : find_names(categories, path, words, error);
}
