/* drift: a series of checkpoints over the tokens they share. */
#include "command.h"
#include "message.h"
#include "model.h"

typedef struct settings {
    cli_common common;
    int match;
    int64_t k, show;
} settings;

static const cli_example examples[] = {
    {"drift demo@100 demo@500 demo@2000 demo@4000 demo", "how the model that ships learned"},
    {"drift demo@2000 demo@4000 demo -k 1 --show 30", "by the nearest token alone; more tokens"},
    {"drift demo@100 demo@500 demo@2000 demo --plot drift.svg", "curves along the series"},
    {"drift demo@500 demo@4000 demo --csv", "a line for each checkpoint"},
    {"drift demo@500 demo --transform center --json", "without the common direction"},
    {0}};

static const char *const details[] = {
    "Checkpoints come in the order given: training steps, fine-tunes, or seeds. Each is held "
    "against the first, the one before it and the last, over the tokens that all of them have: "
    "which of every token's nearest tokens both have, RSA over all pairs of tokens, CKA (debiased) "
    "of the stored rows, and the mean cosine after the best rotation (Procrustes). No measure "
    "looks at the axes: a rotated space is the same space.",
    "A token is stable when it keeps its nearest tokens from checkpoint to checkpoint: its "
    "stability is the share kept at a step, mean over the steps. Where tokens keep equally many, "
    "those whose new nearest tokens are farthest from the old ones moved most.",
    "--space, --tensor, --vocab and --transform hold for all checkpoints. Tokens match as in "
    "'compare'. demo@STEP is the model that ships as it was at a step of its training.",
    NULL};

static const cli_option own_options[] = {
    {.name = "match",
     .type = CLI_CHOICE,
     .value = "auto|exact|word|lower|rows",
     .help = "which tokens are the same (see 'embscope help compare')",
     .offset = offsetof(settings, match)},
    {.name = "neighbors",
     .letter = 'k',
     .type = CLI_INTEGER,
     .value = "K",
     .help = "how many nearest tokens are compared (default 10, at most half of the shared ones)",
     .offset = offsetof(settings, k),
     .minimum = 1,
     .maximum = INT32_MAX},
    {.name = "show",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "list the N most stable tokens, and the least (default 10)",
     .offset = offsetof(settings, show),
     .minimum = 1,
     .maximum = INT32_MAX},
    {0}};

static const cli_option_group groups[] = {{"Drift", own_options},
                                          {"Tokens", cli_tokens_options},
                                          {"Models", cli_model_options},
                                          {"Output", cli_plot_options},
                                          {"Output", cli_csv_options},
                                          {"Output", cli_output_options},
                                          {0}};

/* What one run holds. */
typedef struct series {
    cli_words words;
    int64_t count;
    es_space *spaces[ES_DRIFT_CHECKPOINTS];
    es_drift drift;
} series;

/* A transform reads all rows to fit itself: they are given back, and read when their turn comes. */
static es_status open_series(cli_call *call, series *series)
{
    const cli_common *common = call->common;
    cli_model_choice choice = {common->space, common->tensor, common->vocabulary,
                               common->transforms.values[0]};
    for (; series->count < call->argument_count; series->count++) {
        es_space **space = &series->spaces[series->count];
        es_status status = cli_model_open_as(call, call->arguments[series->count], &choice, space);
        if (status) {
            es_space_free(*space);
            return status;
        }
        es_space_unload(*space);
    }
    return ES_OK;
}

static es_status answer(cli_call *call, series *series)
{
    const settings *chosen = call->settings;
    const char *const *names = call->arguments;
    es_render_options render;
    es_status status = ES_OK;
    if (call->common->tokens)
        status = cli_words_read_lines(&series->words, call->common->tokens, &call->error);
    if (!status && call->common->tokens && !series->words.count)
        return cli_fail(&call->error, ES_BAD_INPUT, "%s: no token in it", call->common->tokens);
    if (!status) status = open_series(call, series);
    if (status) return status;
    es_drift_options options = {.match = (es_match)chosen->match,
                                .tokens = series->words.word,
                                .token_count = series->words.count,
                                .k = chosen->k,
                                .shown = chosen->show,
                                .threads = (int)call->common->threads,
                                .progress = cli_call_progress(call)};
    status =
        es_drift_compute(series->spaces, series->count, &options, &series->drift, &call->error);
    if (!status && call->common->plot)
        status =
            es_plot_drift(series->spaces, names, &series->drift, call->common->plot, &call->error);
    if (!status) status = cli_call_render(call, &render);
    return status ? status
                  : es_render_drift(series->spaces, names, &series->drift, &render, call->out,
                                    &call->error);
}

static es_status run(cli_call *call)
{
    if (call->argument_count < 2 || call->argument_count > ES_DRIFT_CHECKPOINTS)
        return cli_call_usage(call, "drift takes 2 to %d checkpoints", (int)ES_DRIFT_CHECKPOINTS);
    series series = {0};
    es_status status = answer(call, &series);
    es_drift_release(&series.drift);
    for (int64_t m = 0; m < series.count; m++) es_space_free(series.spaces[m]);
    cli_words_release(&series.words);
    return status;
}

const cli_command cli_command_drift = {
    .name = "drift",
    .stage = "Several models",
    .summary = "a series of checkpoints: what moved, and which tokens stayed",
    .arguments = "CHECKPOINT CHECKPOINT...",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
