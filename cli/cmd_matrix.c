/* matrix: the local similarity matrix of a set of tokens. */
#include "command.h"
#include "message.h"
#include "model.h"

typedef struct settings {
    cli_common common;
    int64_t random, seed;
} settings;

static const cli_example examples[] = {
    {"matrix demo cat dog horse red green blue", "who belongs together"},
    {"matrix demo --random 200 --seed 1 --json", "200 tokens drawn by lot"},
    {"matrix demo cat dog horse red green blue --plot matrix.svg", "a heat map with its tree"},
    {0}};

static const char *const details[] = {
    "The cosine matrix S of the chosen tokens, its eigenvalues (S u = lambda u, descending) beside "
    "the edges that as many random directions would show, the average-linkage tree of 1 - cos, and "
    "the optimal order of its leaves. At most 4,096 tokens.",
    NULL};

static const cli_option own_options[] = {{.name = "random",
                                          .type = CLI_INTEGER,
                                          .value = "N",
                                          .help = "N different tokens drawn by lot",
                                          .offset = offsetof(settings, random),
                                          .minimum = 2,
                                          .maximum = 4096},
                                         {.name = "seed",
                                          .type = CLI_INTEGER,
                                          .value = "S",
                                          .help = "which lot --random draws (default 0); the same "
                                                  "on every machine",
                                          .offset = offsetof(settings, seed),
                                          .minimum = 0,
                                          .maximum = INT64_MAX},
                                         {0}};

static const cli_option_group groups[] = {
    {"Tokens", own_options},        {"Tokens", cli_tokens_options},
    {"Tokens", cli_token_options},  {"Model", cli_model_options},
    {"Output", cli_plot_options},   {"Output", cli_csv_options},
    {"Output", cli_output_options}, {0}};

static es_status choose(cli_call *call, cli_words *words, es_selection *selection)
{
    const settings *chosen = call->settings;
    if (chosen->random && (call->argument_count > 1 || call->common->tokens))
        return cli_call_usage(call, "--random and tokens exclude each other");
    if (chosen->seed && !chosen->random) return cli_call_usage(call, "--seed needs --random");
    es_status status = cli_call_words(call, words);
    if (!status && !chosen->random && words->count < 2)
        return cli_call_usage(call, "matrix takes MODEL and two tokens or more, or --random N");
    if (!status) status = cli_model_open(call);
    if (status) return status;
    return chosen->random ? es_selection_random(call->space, chosen->random, (uint64_t)chosen->seed,
                                                selection, &call->error)
                          : cli_call_resolve(call, words, selection);
}

static es_status answer(cli_call *call, cli_words *words, es_selection *selection,
                        es_matrix *matrix)
{
    es_render_options options;
    es_status status = choose(call, words, selection);
    if (!status) status = es_matrix_compute(call->space, selection, matrix, &call->error);
    if (!status && call->common->plot)
        status = es_plot_matrix(call->space, matrix, call->common->plot, &call->error);
    if (!status) status = cli_call_render(call, &options);
    return status ? status
                  : es_render_matrix(call->space, matrix, &options, call->out, &call->error);
}

static es_status run(cli_call *call)
{
    cli_words words = {0};
    es_selection selection = {0};
    es_matrix matrix = {0};
    es_status status = answer(call, &words, &selection, &matrix);
    es_matrix_release(&matrix);
    es_selection_release(&selection);
    cli_words_release(&words);
    return status;
}

const cli_command cli_command_matrix = {
    .name = "matrix",
    .stage = "Chosen tokens",
    .summary = "the similarity matrix of tokens, its eigenvalues and its tree",
    .arguments = "MODEL TOKEN TOKEN...",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
