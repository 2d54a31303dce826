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

/* What is asked: query q is the terms from end[q - 1] (0 for the first) to end[q], with their
 * signs. The terms point into `lines` and `copies`, or into the program's arguments. */
typedef struct questions {
    int64_t count, *end;
    int *signs; /* (terms.count), +1 or -1 */
    cli_words terms, lines, copies;
} questions;

static const cli_example examples[] = {
    {"neighbors demo cat", "the 20 tokens nearest to \"cat\""},
    {"neighbors demo king - man + woman --prefix space", "nearest to a sum of unit rows"},
    {"neighbors demo cat -k 5 --metric dot --json", "another order, for programs"},
    {"neighbors demo cat --all --min 0.5", "every token at cosine 0.5 or more"},
    {"neighbors demo --all --min 0.95", "all pairs of tokens at cosine 0.95 or more"},
    {0}};

static const char *const details[] = {
    "Exact: what a float64 brute force over the whole vocabulary returns, ordered by score, then "
    "by "
    "id. The query's own tokens are left out by id, so that a duplicate of theirs stays.",
    "A sum adds unit rows. It may be given as separate arguments or as one quoted argument; an "
    "argument that is itself a token is not taken apart.",
    "--tokens FILE asks a question a line, each a token or a sum: an answer for each, in JSON "
    "under "
    "`queries`, in CSV with a column `query`.",
    "--all --min T without a token finds near-duplicates: all pairs of the vocabulary whose cosine "
    "is T or more, decided in float64, the largest first.",
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
     .help = "every token that passes --min, not the K nearest; without a token, every pair",
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

static const cli_option file_options[] = {
    {.name = "tokens",
     .type = CLI_FILE,
     .value = "FILE",
     .help = "a question a line, spaces kept ('-': standard input)",
     .offset = offsetof(settings, common.tokens)},
    {0}};

static const cli_option_group groups[] = {
    {"Neighbors", own_options},    {"Tokens", file_options},       {"Tokens", cli_token_options},
    {"Model", cli_model_options},  {"Output", cli_plot_options},   {"Output", cli_csv_options},
    {"Output", cli_jsonl_options}, {"Output", cli_output_options}, {0}};

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
static es_status split_text(cli_call *call, const char *text, questions *asked, cli_words *parts)
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
static es_status add_question(cli_call *call, const cli_words *parts, questions *asked)
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
static es_status add_text(cli_call *call, const char *text, questions *asked)
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
                           questions *asked)
{
    asked->end = calloc((size_t)questions_most + 1, sizeof *asked->end);
    asked->signs = calloc((size_t)terms_most + 1, sizeof *asked->signs);
    return asked->end && asked->signs ? ES_OK
                                      : cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
}

static es_status read_lines(cli_call *call, questions *asked)
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

static es_status read_arguments(cli_call *call, questions *asked)
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

static void release_questions(questions *asked)
{
    for (int64_t i = 0; i < asked->copies.count; i++)
        free((char *)(uintptr_t)asked->copies.word[i]);
    cli_words_release(&asked->copies);
    cli_words_release(&asked->lines);
    cli_words_release(&asked->terms);
    free(asked->signs);
    free(asked->end);
}

/* Are all pairs asked for? */
static bool asks_pairs(const cli_call *call)
{
    const settings *chosen = call->settings;
    return call->argument_count == 1 && !call->common->tokens && !chosen->vector && chosen->all &&
           chosen->minimum.given;
}

static es_status check_usage(cli_call *call)
{
    const settings *chosen = call->settings;
    const cli_common *common = call->common;
    bool has_terms = call->argument_count > 1;
    if (chosen->all && chosen->count)
        return cli_call_usage(call, "--all and -k exclude each other");
    if (asks_pairs(call)) {
        bool other = chosen->metric || chosen->farthest || chosen->include_input || common->plot;
        return other ? cli_call_usage(call, "all pairs are found by cosine: --metric, --farthest, "
                                            "--include-input and --plot need a token")
                     : ES_OK;
    }
    if (!has_terms && !common->tokens && !chosen->vector)
        return cli_call_usage(call,
                              "neighbors takes MODEL and a token, or --all --min T for all pairs");
    if ((has_terms || common->tokens) && chosen->vector)
        return cli_call_usage(call, "--vector and tokens exclude each other");
    if (has_terms && common->tokens)
        return cli_call_usage(call, "--tokens and a token exclude each other");
    if (common->plot && common->tokens)
        return cli_call_usage(call, "--plot draws one answer: name a token instead of --tokens");
    return ES_OK;
}

static es_neighbors_options options_of(cli_call *call)
{
    const settings *chosen = call->settings;
    return (es_neighbors_options){
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
}

/* What the words of all questions stand for, found together, then dealt out to the questions. */
static es_status ask_questions(cli_call *call, const questions *asked, es_neighbors *answers)
{
    es_selection selection = {0};
    es_query *queries = calloc((size_t)asked->count, sizeof *queries);
    es_status status = queries ? cli_call_resolve(call, &asked->terms, &selection)
                               : cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    for (int64_t q = 0; !status && q < asked->count; q++) {
        int64_t first = q ? asked->end[q - 1] : 0;
        queries[q].terms = (es_selection){asked->end[q] - first, selection.items + first, NULL};
        queries[q].signs = asked->signs + first;
    }
    es_neighbors_options options = options_of(call);
    if (!status)
        status = es_neighbors_of_queries(call->space, queries, asked->count, &options, answers,
                                         &call->error);
    es_selection_release(&selection);
    free(queries);
    return status;
}

static es_status ask_vector(cli_call *call, es_neighbors *neighbors)
{
    const char *path = ((const settings *)call->settings)->vector;
    double *vector = NULL;
    es_neighbors_options options = options_of(call);
    es_status status =
        es_vector_read(path, es_space_column_count(call->space), &vector, &call->error);
    if (!status)
        status =
            es_neighbors_of_vector(call->space, vector, path, &options, neighbors, &call->error);
    free(vector);
    return status;
}

static es_status render_one(cli_call *call, const es_neighbors *answer)
{
    es_render_options render;
    es_status status = ES_OK;
    if (call->common->plot)
        status = es_plot_neighbors(call->space, answer, call->common->plot, &call->error);
    if (!status) status = cli_call_render(call, &render);
    return status ? status
                  : es_render_neighbors(call->space, answer, &render, call->out, &call->error);
}

static es_status render_list(cli_call *call, const es_neighbors *answers, int64_t count)
{
    es_render_options render;
    es_status status = cli_call_render(call, &render);
    return status ? status
                  : es_render_neighbors_list(call->space, answers, count, &render, call->out,
                                             &call->error);
}

static es_status answer_vector(cli_call *call)
{
    es_neighbors answer = {0};
    es_status status = ask_vector(call, &answer);
    if (!status) status = render_one(call, &answer);
    es_neighbors_release(&answer);
    return status;
}

static es_status answer_questions(cli_call *call)
{
    questions asked = {0};
    bool from_file = call->common->tokens;
    es_status status = from_file ? read_lines(call, &asked) : read_arguments(call, &asked);
    es_neighbors *answers = calloc((size_t)asked.count + 1, sizeof *answers);
    if (!status && !answers) status = cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    if (!status) status = ask_questions(call, &asked, answers);
    if (!status)
        status = from_file ? render_list(call, answers, asked.count) : render_one(call, answers);
    for (int64_t q = 0; answers && q < asked.count; q++) es_neighbors_release(&answers[q]);
    free(answers);
    release_questions(&asked);
    return status;
}

static es_status answer_pairs(cli_call *call)
{
    es_near_pairs pairs = {0};
    es_near_pairs_options options = {
        .minimum = ((const settings *)call->settings)->minimum.value,
        .threads = (int)call->common->threads,
        .progress = cli_call_progress(call),
    };
    cli_sink sink;
    es_render_options render;
    es_status status = es_near_pairs_compute(call->space, &options, &pairs, &call->error);
    if (!status) status = cli_call_stream(call, call->common->output, &sink, &render);
    if (!status) {
        status = es_render_near_pairs(call->space, &pairs, &render, sink.out, &call->error);
        status = cli_sink_close(&sink, status, &call->error);
    }
    es_near_pairs_release(&pairs);
    return status;
}

static es_status run(cli_call *call)
{
    const settings *chosen = call->settings;
    call->input = chosen->vector;
    es_status status = check_usage(call);
    if (!status) status = cli_model_open(call);
    if (status) return status;
    return asks_pairs(call) ? answer_pairs(call)
           : chosen->vector ? answer_vector(call)
                            : answer_questions(call);
}

const cli_command cli_command_neighbors = {
    .name = "neighbors",
    .stage = "Chosen tokens",
    .summary = "the tokens nearest to a token, a sum of tokens or a vector",
    .arguments = "MODEL [TOKEN [+|- TOKEN]...]",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
