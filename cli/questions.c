#define _GNU_SOURCE
#include "questions.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

const cli_option cli_questions_options[] = {
    {.name = "tokens",
     .type = CLI_FILE,
     .value = "FILE",
     .help = "a question a line, spaces kept ('-': standard input)",
     .offset = offsetof(cli_common, tokens)},
    {0}};

/* Is the whole argument one token, as it stands? */
static bool is_token(const cli_call *call, const char *word)
{
    es_selection_options options = cli_call_selection_options(call);
    es_selection selection = {0};
    options.pool_mean = false;
    bool found = !es_selection_resolve(call->space, &word, 1, &options, &selection, NULL);
    es_selection_release(&selection);
    return found;
}

/* The first " + " or " - " in a text, or NULL. */
static char *find_operator(char *text)
{
    for (; *text; text++)
        if (text[0] == ' ' && (text[1] == '+' || text[1] == '-') && text[2] == ' ') return text;
    return NULL;
}

/* "king - man + woman" in one text: as if it had been five arguments. */
static es_status split_text(cli_call *call, const char *text, cli_questions *asked,
                            cli_words *parts)
{
    char *at = strdup(text);
    es_status status = at ? cli_words_add(&asked->copies, at, &call->error)
                          : cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    if (status) return free(at), status;
    status = cli_words_add(parts, at, &call->error);
    while (!status && (at = find_operator(at))) {
        const char *sign = at[1] == '+' ? "+" : "-";
        *at = '\0';
        at += 3;
        status = cli_words_add(parts, sign, &call->error);
        if (!status) status = cli_words_add(parts, at, &call->error);
    }
    return status;
}

/* Every other part must be a sign, and the last one none. */
static es_status check_signs(cli_call *call, const cli_words *parts)
{
    for (int64_t i = 1; i < parts->count; i += 2)
        if (strcmp(parts->word[i], "+") != 0 && strcmp(parts->word[i], "-") != 0)
            return cli_call_usage(
                call, "expected '+' or '-' between tokens, found '%s' (quote a token with spaces)",
                parts->word[i]);
    if (parts->count && parts->count % 2 == 0)
        return cli_call_usage(call, "expected a token after '%s'", parts->word[parts->count - 1]);
    return ES_OK;
}

/* One more question: TERM (+|- TERM)... */
static es_status add_question(cli_call *call, const cli_words *parts, cli_questions *asked)
{
    es_status status = check_signs(call, parts);
    for (int64_t i = 0; !status && i < parts->count; i += 2) {
        asked->signs[asked->terms.count] = i && *parts->word[i - 1] == '-' ? -1 : +1;
        status = cli_words_add(&asked->terms, parts->word[i], &call->error);
    }
    if (!status) asked->end[asked->count++] = asked->terms.count;
    return status;
}

/* A text is a question of its own, a sum unless all of it is one token. */
static es_status add_text(cli_call *call, const char *text, cli_questions *asked)
{
    cli_words parts = {0};
    es_status status = strstr(text, " + ") || strstr(text, " - ")
                           ? is_token(call, text) ? cli_words_add(&parts, text, &call->error)
                                                  : split_text(call, text, asked, &parts)
                           : cli_words_add(&parts, text, &call->error);
    if (!status) status = add_question(call, &parts, asked);
    cli_words_release(&parts);
    return status;
}

/* Room for as many questions and terms as there can be: a sign takes three bytes of a text. */
static es_status make_room(cli_call *call, int64_t questions_most, int64_t terms_most,
                           cli_questions *asked)
{
    asked->end = calloc((size_t)questions_most + 1, sizeof *asked->end);
    asked->signs = calloc((size_t)terms_most + 1, sizeof *asked->signs);
    return asked->end && asked->signs ? ES_OK
                                      : cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
}

static es_status read_lines(cli_call *call, cli_questions *asked)
{
    const char *path = call->common->tokens;
    es_status status = cli_words_read_lines(&asked->lines, path, &call->error);
    if (status) return status;
    int64_t terms_most = 0, count = asked->lines.count;
    for (int64_t i = 0; i < count; i++) terms_most += 1 + (int64_t)strlen(asked->lines.word[i]) / 3;
    if (!count) return cli_fail(&call->error, ES_BAD_INPUT, "%s: no line with a token", path);
    status = make_room(call, count, terms_most, asked);
    for (int64_t i = 0; !status && i < count; i++)
        status = add_text(call, asked->lines.word[i], asked);
    return status;
}

static es_status read_arguments(cli_call *call, cli_questions *asked)
{
    const char *only = call->argument_count == 2 ? call->arguments[1] : NULL;
    es_status status =
        make_room(call, 1, call->argument_count + (only ? (int64_t)strlen(only) : 0), asked);
    if (status || only) return status ? status : add_text(call, only, asked);
    cli_words parts = {0};
    for (int64_t i = 1; !status && i < call->argument_count; i++)
        status = cli_words_add(&parts, call->arguments[i], &call->error);
    if (!status) status = add_question(call, &parts, asked);
    cli_words_release(&parts);
    return status;
}

void cli_questions_release(cli_questions *asked)
{
    for (int64_t i = 0; i < asked->copies.count; i++)
        free((char *)(uintptr_t)asked->copies.word[i]);
    cli_words_release(&asked->copies);
    cli_words_release(&asked->lines);
    cli_words_release(&asked->terms);
    free(asked->signs);
    free(asked->end);
}

es_status cli_questions_read(cli_call *call, cli_questions *asked)
{
    return call->common->tokens ? read_lines(call, asked) : read_arguments(call, asked);
}

es_status cli_questions_resolve(cli_call *call, const cli_questions *asked, es_selection *selection,
                                es_query **queries)
{
    *queries = calloc((size_t)asked->count, sizeof **queries);
    es_status status = *queries ? cli_call_resolve(call, &asked->terms, selection)
                                : cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    for (int64_t q = 0; !status && q < asked->count; q++) {
        int64_t first = q ? asked->end[q - 1] : 0;
        es_query *query = &(*queries)[q];
        query->terms = (es_selection){asked->end[q] - first, selection->items + first, NULL};
        query->signs = asked->signs + first;
    }
    return status;
}
