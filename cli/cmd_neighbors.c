#define _GNU_SOURCE
/* neighbors: the tokens nearest to one, to a sum of several, or to a vector. */
#include "command.h"
#include "message.h"
#include "model.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    cli_common common;
    int64_t count;
    int metric; /* an es_metric */
    cli_number minimum;
    bool all, farthest, include_input;
    const char *vector;
} settings;

/* What is asked: the terms and their signs. `storage` holds the parts of one quoted argument. */
typedef struct query {
    cli_words terms;
    int *signs; /* (terms.count), +1 or -1 */
    char *storage;
} query;

static const cli_example examples[] = {
    {"neighbors demo cat", "the 20 tokens nearest to \"cat\""},
    {"neighbors demo king - man + woman --prefix space", "nearest to a sum of unit rows"},
    {"neighbors demo cat -k 5 --metric dot --json", "another order, for programs"},
    {"neighbors demo cat --all --min 0.5", "every token at cosine 0.5 or more"},
    {0}};

static const char *const details[] = {
    "Exact: what a float64 brute force over the whole vocabulary returns, ordered by score, then "
    "by "
    "id. The query's own tokens are left out by id, so that a duplicate of theirs stays.",
    "A sum adds unit rows. It may be given as separate arguments or as one quoted argument; an "
    "argument that is itself a token is not taken apart.",
    NULL};

static const cli_option own_options[] = {
    {.name = "count",
     .letter = 'k',
     .type = CLI_INTEGER,
     .value = "K",
     .help = "how many neighbors (default 20)",
     .offset = offsetof(settings, count),
     .minimum = 1,
     .maximum = INT32_MAX},
    {.name = "metric",
     .type = CLI_CHOICE,
     .value = "cosine|dot|euclidean|csls",
     .help = "what decides who is near: cosine similarity (default), dot product, Euclidean "
             "distance, or cosine corrected for hubs (csls)",
     .offset = offsetof(settings, metric)},
    {.name = "min",
     .type = CLI_NUMBER,
     .value = "T",
     .help = "only scores of T or more (euclidean: T or less)",
     .offset = offsetof(settings, minimum)},
    {.name = "all",
     .type = CLI_FLAG,
     .help = "every token that passes --min, not the K nearest",
     .offset = offsetof(settings, all)},
    {.name = "farthest",
     .type = CLI_FLAG,
     .help = "the other end of the order",
     .offset = offsetof(settings, farthest)},
    {.name = "include-input",
     .type = CLI_FLAG,
     .help = "keep the query's own tokens in the answer",
     .offset = offsetof(settings, include_input)},
    {.name = "vector",
     .type = CLI_FILE,
     .value = "FILE.npy",
     .help = "ask with a vector instead of tokens",
     .offset = offsetof(settings, vector)},
    {0}};

static const cli_option_group groups[] = {
    {"Neighbors", own_options},     {"Tokens", cli_tokens_options},
    {"Tokens", cli_token_options},  {"Model", cli_model_options},
    {"Output", cli_plot_options},   {"Output", cli_csv_options},
    {"Output", cli_output_options}, {0}};

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

/* "king - man + woman" in one argument: as if it had been five. */
static es_status split_argument(cli_call *call, const char *argument, query *query,
                                cli_words *parts)
{
    char *at = query->storage = strdup(argument);
    es_status status = at ? cli_words_add(parts, at, &call->error)
                          : cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
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

/* TERM (+|- TERM)...; the tokens of --tokens FILE are added. */
static es_status read_terms(cli_call *call, const cli_words *parts, query *query)
{
    es_status status = check_signs(call, parts);
    cli_words *terms = &query->terms;
    if (!status && call->common->tokens)
        status = cli_words_read_lines(terms, call->common->tokens, &call->error);
    int64_t from_file = terms->count;
    if (!status) query->signs = calloc((size_t)(from_file + parts->count) + 1, sizeof(int));
    if (!status && !query->signs) status = cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    for (int64_t i = 0; !status && i < from_file; i++) query->signs[i] = +1;
    for (int64_t i = 0; !status && i < parts->count; i += 2) {
        query->signs[terms->count] = i && *parts->word[i - 1] == '-' ? -1 : +1;
        status = cli_words_add(terms, parts->word[i], &call->error);
    }
    return status;
}

static es_status read_query(cli_call *call, query *query)
{
    cli_words parts = {0};
    es_status status = ES_OK;
    char *only = call->argument_count == 2 ? (char *)call->arguments[1] : NULL;
    if (only && find_operator(only) && !is_token(call, only)) {
        status = split_argument(call, only, query, &parts);
    } else {
        for (int64_t i = 1; !status && i < call->argument_count; i++)
            status = cli_words_add(&parts, call->arguments[i], &call->error);
    }
    if (!status) status = read_terms(call, &parts, query);
    cli_words_release(&parts);
    return status;
}

static es_status check_usage(cli_call *call)
{
    const settings *chosen = call->settings;
    bool has_terms = call->argument_count > 1 || call->common->tokens;
    if (!has_terms && !chosen->vector)
        return cli_call_usage(call, "neighbors takes MODEL and a token");
    if (has_terms && chosen->vector)
        return cli_call_usage(call, "--vector and tokens exclude each other");
    if (chosen->all && chosen->count)
        return cli_call_usage(call, "--all and -k exclude each other");
    return ES_OK;
}

static es_status ask_terms(cli_call *call, const es_neighbors_options *options,
                           es_neighbors *neighbors)
{
    query query = {0};
    es_selection selection = {0};
    es_status status = read_query(call, &query);
    if (!status) status = cli_call_resolve(call, &query.terms, &selection);
    if (!status)
        status = es_neighbors_of_terms(call->space, &selection, query.signs, options, neighbors,
                                       &call->error);
    es_selection_release(&selection);
    cli_words_release(&query.terms);
    free(query.signs);
    free(query.storage);
    return status;
}

static es_status ask_vector(cli_call *call, const es_neighbors_options *options,
                            es_neighbors *neighbors)
{
    const char *path = ((const settings *)call->settings)->vector;
    double *vector = NULL;
    es_status status =
        es_vector_read(path, es_space_column_count(call->space), &vector, &call->error);
    if (!status)
        status =
            es_neighbors_of_vector(call->space, vector, path, options, neighbors, &call->error);
    free(vector);
    return status;
}

static es_status answer(cli_call *call, es_neighbors *neighbors)
{
    const settings *chosen = call->settings;
    es_render_options render;
    call->input = chosen->vector;
    es_status status = check_usage(call);
    if (!status) status = cli_model_open(call);
    if (status) return status;
    es_neighbors_options options = {
        .k = chosen->count,
        .metric = (es_metric)chosen->metric,
        .all = chosen->all,
        .has_minimum = chosen->minimum.given,
        .minimum = chosen->minimum.value,
        .farthest = chosen->farthest,
        .include_input = chosen->include_input,
        .keep_scores = call->common->plot != NULL,
        .threads = (int)call->common->threads,
        .progress = cli_call_progress(call),
    };
    status = chosen->vector ? ask_vector(call, &options, neighbors)
                            : ask_terms(call, &options, neighbors);
    if (!status && call->common->plot)
        status = es_plot_neighbors(call->space, neighbors, call->common->plot, &call->error);
    if (!status) status = cli_call_render(call, &render);
    return status ? status
                  : es_render_neighbors(call->space, neighbors, &render, call->out, &call->error);
}

static es_status run(cli_call *call)
{
    es_neighbors neighbors = {0};
    es_status status = answer(call, &neighbors);
    es_neighbors_release(&neighbors);
    return status;
}

const cli_command cli_command_neighbors = {
    .name = "neighbors",
    .stage = "Chosen tokens",
    .summary = "the tokens nearest to a token, a sum of tokens or a vector",
    .arguments = "MODEL TOKEN [+|- TOKEN]...",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
