#define _GNU_SOURCE
/* neighbors: the tokens nearest to one, to a sum of several, or to a vector. */
#include "command.h"
#include "message.h"
#include "model.h"
#include "questions.h"

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

static const cli_option_group groups[] = {
    {"Neighbors", own_options},    {"Tokens", cli_questions_options}, {"Tokens", cli_token_options},
    {"Model", cli_model_options},  {"Output", cli_plot_options},      {"Output", cli_csv_options},
    {"Output", cli_jsonl_options}, {"Output", cli_output_options},    {0}};

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

static es_status ask_questions(cli_call *call, const cli_questions *asked, es_neighbors *answers)
{
    es_selection selection = {0};
    es_query *queries = NULL;
    es_status status = cli_questions_resolve(call, asked, &selection, &queries);
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
    cli_questions asked = {0};
    bool from_file = call->common->tokens;
    es_status status = cli_questions_read(call, &asked);
    es_neighbors *answers = calloc((size_t)asked.count + 1, sizeof *answers);
    if (!status && !answers) status = cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    if (!status) status = ask_questions(call, &asked, answers);
    if (!status)
        status = from_file ? render_list(call, answers, asked.count) : render_one(call, answers);
    for (int64_t q = 0; answers && q < asked.count; q++) es_neighbors_release(&answers[q]);
    free(answers);
    cli_questions_release(&asked);
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
