#include "options.h"

#include "message.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_LIMIT = 64 }; /* a command's options, all groups together */

#define FIELD(name) offsetof(cli_common, name)

const cli_option cli_model_options[] = {
    {.name = "space",
     .type = CLI_WORD,
     .value = "input|output|position",
     .help = "which table of the model: token embedding (default), unembedding or positions",
     .offset = FIELD(space)},
    {.name = "tensor",
     .type = CLI_TEXT,
     .value = "NAME",
     .help = "a two-dimensional tensor by its name, instead of --space",
     .offset = FIELD(tensor)},
    {.name = "vocab",
     .type = CLI_FILE,
     .value = "FILE",
     .help = "names of the rows: a key a line, or a tokenizer's file",
     .offset = FIELD(vocabulary)},
    {.name = "transform",
     .type = CLI_TEXTS,
     .value = "CHAIN",
     .help =
         "what to do to the rows before any cosine, in this order: center, abtt:D, standardize, "
         "whiten, joined by commas (default: raw, the rows as they are)",
     .offset = FIELD(transforms)},
    {.name = "threads",
     .type = CLI_INTEGER,
     .value = "N",
     .help =
         "threads to use (default: as many as there are processors); answers do not depend on it",
     .offset = FIELD(threads),
     .minimum = 1,
     .maximum = 1024},
    {0}};

const cli_option cli_run_options[] = {
    {.name = "vocab",
     .type = CLI_FILE,
     .value = "FILE",
     .help = "the tokenizer's file, where it is not in the model's folder",
     .offset = FIELD(vocabulary)},
    {.name = "threads",
     .type = CLI_INTEGER,
     .value = "N",
     .help =
         "threads to use (default: as many as there are processors); answers do not depend on it",
     .offset = FIELD(threads),
     .minimum = 1,
     .maximum = 1024},
    {0}};

const cli_option cli_token_options[] = {
    {.name = "prefix",
     .type = CLI_CHOICE,
     .value = "auto|none|space",
     .help = "take words as typed (none), with a leading space (space), or as typed if all are one "
             "token so, else with a space (auto, the default)",
     .offset = FIELD(prefix)},
    {.name = "pool",
     .type = CLI_WORD,
     .value = "mean",
     .help = "let a word of several tokens stand for the mean of their unit rows",
     .offset = FIELD(pool)},
    {.name = "special",
     .type = CLI_FLAG,
     .help = "special tokens written out in text, as <|endoftext|>, are those tokens",
     .offset = FIELD(special)},
    {0}};

const cli_option cli_tokens_options[] = {
    {.name = "tokens",
     .type = CLI_FILE,
     .value = "FILE",
     .help = "more tokens, one a line, spaces kept ('-': standard input)",
     .offset = FIELD(tokens)},
    {0}};

const cli_option cli_plot_options[] = {{.name = "plot",
                                        .type = CLI_FILE,
                                        .value = "FILE",
                                        .help = "draw the answer; FILE ends in .svg, .png or .pdf",
                                        .offset = FIELD(plot)},
                                       {0}};

const cli_option cli_csv_options[] = {{.name = "csv",
                                       .type = CLI_FLAG,
                                       .help = "comma-separated values instead of a table",
                                       .offset = FIELD(csv)},
                                      {0}};

const cli_option cli_jsonl_options[] = {{.name = "jsonl",
                                         .type = CLI_FLAG,
                                         .help = "a JSON object a row, one on each line",
                                         .offset = FIELD(jsonl)},
                                        {0}};

const cli_option cli_output_options[] = {
    {.name = "json",
     .type = CLI_FLAG,
     .help = "one JSON object instead of a table",
     .offset = FIELD(json)},
    {.name = "output",
     .letter = 'o',
     .type = CLI_FILE,
     .value = "FILE",
     .help = "write to FILE, whole or not at all, instead of standard output",
     .offset = FIELD(output)},
    {.name = "quiet",
     .letter = 'q',
     .type = CLI_FLAG,
     .help = "no notes and no progress line",
     .offset = FIELD(quiet)},
    {.name = "help", .letter = 'h', .type = CLI_FLAG, .help = "this text", .offset = FIELD(help)},
    {0}};

/* All options of a command in one list, and which were given. */
typedef struct option_list {
    const cli_option *option[OPTION_LIMIT];
    bool given[OPTION_LIMIT];
    size_t count;
} option_list;

static void list_options(const cli_option_group *groups, option_list *list)
{
    for (; groups->title; groups++)
        for (const cli_option *option = groups->options; option->name; option++)
            if (list->count < OPTION_LIMIT) list->option[list->count++] = option;
}

static const char *option_name(const void *context, size_t index)
{
    return ((const option_list *)context)->option[index]->name;
}

/* The place of `word` among the words of "auto|none|space", or -1. */
static int choice_index(const char *words, const char *word)
{
    size_t size = strlen(word);
    for (int index = 0;; index++) {
        size_t length = strcspn(words, "|");
        if (length == size && !memcmp(words, word, size)) return index;
        if (!words[length]) return -1;
        words += length + 1;
    }
}

static bool parse_integer(const char *text, int64_t *value)
{
    char *end = NULL;
    if (!*text || strspn(text, "+-0123456789") != strlen(text)) return false;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return !*end && !errno;
}

/* Plain decimal, finite: no nan, inf or hexadecimal. The program never sets a locale, so the point
 * is a point. */
static bool parse_number(const char *text, double *value)
{
    char *end = NULL;
    if (!*text || strspn(text, "+-.eE0123456789") != strlen(text)) return false;
    *value = strtod(text, &end);
    return !*end && isfinite(*value);
}

static es_status store(const cli_option *option, const char *shown, const char *text,
                       void *settings, es_error *error)
{
    void *field = (char *)settings + option->offset;
    switch (option->type) {
    case CLI_FLAG: *(bool *)field = true; return ES_OK;
    case CLI_TEXT:
    case CLI_FILE:
        if (!*text) return cli_fail(error, ES_BAD_ARGUMENT, "%s: the value is empty", shown);
        *(const char **)field = text;
        return ES_OK;
    case CLI_TEXTS: {
        cli_texts *texts = field;
        if (!*text) return cli_fail(error, ES_BAD_ARGUMENT, "%s: the value is empty", shown);
        if (texts->count >= CLI_TEXT_LIMIT)
            return cli_fail(error, ES_BAD_ARGUMENT, "%s is given more than %d times", shown,
                            (int)CLI_TEXT_LIMIT);
        texts->values[texts->count++] = text;
        return ES_OK;
    }
    case CLI_INTEGER: {
        int64_t value = 0;
        if (!parse_integer(text, &value) || value < option->minimum || value > option->maximum)
            return cli_fail(error, ES_BAD_ARGUMENT,
                            "%s: '%s' is not a whole number from %lld to %lld", shown, text,
                            (long long)option->minimum, (long long)option->maximum);
        *(int64_t *)field = value;
        return ES_OK;
    }
    case CLI_NUMBER: {
        cli_number number = {.given = true};
        if (!parse_number(text, &number.value))
            return cli_fail(error, ES_BAD_ARGUMENT, "%s: '%s' is not a number", shown, text);
        *(cli_number *)field = number;
        return ES_OK;
    }
    case CLI_CHOICE:
    case CLI_WORD: {
        int index = choice_index(option->value, text);
        if (index < 0)
            return cli_fail(error, ES_BAD_ARGUMENT, "%s: '%s' is none of %s", shown, text,
                            option->value);
        if (option->type == CLI_CHOICE)
            *(int *)field = index;
        else
            *(const char **)field = text;
        return ES_OK;
    }
    }
    return ES_OK;
}

static es_status fail_unknown(const option_list *list, const char *word, size_t size,
                              es_error *error)
{
    char name[128];
    snprintf(name, sizeof name, "%.*s", (int)(size < 120 ? size : 120), word);
    static const char hint[] = "an argument that starts with '-' goes after '--'";
    bool is_long = name[1] == '-';
    const char *nearest = cli_nearest(name + 1 + is_long, list->count, option_name, list);
    if (nearest && is_long)
        return cli_fail(error, ES_BAD_ARGUMENT, "'%s' is not an option; did you mean '--%s'?", name,
                        nearest);
    if (nearest)
        return cli_fail(error, ES_BAD_ARGUMENT, "'%s' is not an option; did you mean '--%s'? (%s)",
                        name, nearest, hint);
    return cli_fail(error, ES_BAD_ARGUMENT, "'%s' is not an option; %s", name, hint);
}

/* Which option `word` names; `size` is the length of the name, dashes included. */
static const cli_option *find_option(option_list *list, const char *word, size_t size,
                                     size_t *index)
{
    bool is_long = word[1] == '-';
    for (size_t i = 0; i < list->count; i++) {
        const cli_option *option = list->option[i];
        bool same =
            is_long ? strlen(option->name) == size - 2 && !memcmp(option->name, word + 2, size - 2)
                    : option->letter == word[1];
        if (same) {
            *index = i;
            return option;
        }
    }
    return NULL;
}

/* One option at argv[*at], with its value there or in the next place; *at moves past both. */
static es_status parse_option(option_list *list, int count, char **argv, int *at, void *settings,
                              es_error *error)
{
    const char *word = argv[(*at)++];
    bool is_long = word[1] == '-';
    size_t size = is_long ? strcspn(word, "=") : 2;
    size_t index = 0;
    const cli_option *option = find_option(list, word, size, &index);
    bool takes_value = option && option->type != CLI_FLAG;
    if (!option || (!takes_value && !is_long && word[2]))
        return fail_unknown(list, word, is_long ? size : strlen(word), error);

    char shown[64];
    snprintf(shown, sizeof shown, "%.*s", (int)size, word);
    const char *value = word[size] ? word + size + is_long : NULL;
    if (!takes_value && value) return cli_fail(error, ES_BAD_ARGUMENT, "%s takes no value", shown);
    if (takes_value && !value) {
        if (*at >= count)
            return cli_fail(error, ES_BAD_ARGUMENT, "%s needs a value: %s", shown, option->value);
        value = argv[(*at)++];
    }
    if (takes_value && option->type != CLI_TEXTS && list->given[index])
        return cli_fail(error, ES_BAD_ARGUMENT, "--%s is given twice", option->name);
    list->given[index] = true;
    return store(option, shown, value, settings, error);
}

es_status cli_options_parse(const cli_option_group *groups, int count, char **argv, void *settings,
                            int *argument_count, es_error *error)
{
    option_list list = {.count = 0};
    list_options(groups, &list);
    *argument_count = 0;
    for (int at = 0; at < count;) {
        char *word = argv[at];
        if (word[0] != '-' || !word[1]) {
            argv[(*argument_count)++] = word;
            at++;
        } else if (!strcmp(word, "--")) {
            for (at++; at < count; at++) argv[(*argument_count)++] = argv[at];
        } else {
            es_status status = parse_option(&list, count, argv, &at, settings, error);
            if (status) return status;
        }
    }
    return ES_OK;
}

void cli_option_synopsis(const cli_option *option, char *out, size_t capacity)
{
    char letter[8] = "";
    if (option->letter) snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(out, capacity, "%s--%s%s%s", letter, option->name, option->value ? " " : "",
             option->value ? option->value : "");
}
