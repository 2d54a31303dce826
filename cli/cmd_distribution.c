/* distribution: all pairs of the vocabulary, against chance. */
#include "command.h"
#include "model.h"

typedef struct settings {
    cli_common common;
    int64_t bins;
    bool per_row, certified;
} settings;

static const cli_example examples[] = {
    {"distribution demo", "the cosines of all pairs, against random directions"},
    {"distribution demo --plot distribution.svg", "the histogram, drawn"},
    {"distribution demo --transform center --json", "of the centred rows, for programs"},
    {0}};

static const char *const details[] = {
    "Moments, extremes, quantiles and a histogram of the cosines of ALL pairs of tokens, beside "
    "the "
    "law of random directions in as many dimensions (mean 0, variance 1/d), and how many pairs lie "
    "above the level that one random pair would reach. Nothing n x n is stored.",
    NULL};

static const cli_option own_options[] = {
    {.name = "bins",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "bins of the histogram over [-1, 1] (default "
             "2000)",
     .offset = offsetof(settings, bins),
     .minimum = 1,
     .maximum = 65536},
    {.name = "per-row",
     .type = CLI_FLAG,
     .help = "each token's mean cosine to all others, too, in --json and --csv",
     .offset = offsetof(settings, per_row)},
    {.name = "certified",
     .type = CLI_FLAG,
     .help = "count every pair in the bin of its float64 "
             "cosine (float32 decides otherwise, which can "
             "differ for pairs within 1e-6 of an edge)",
     .offset = offsetof(settings, certified)},
    {0}};

static const cli_option_group groups[] = {
    {"Distribution", own_options}, {"Model", cli_model_options},   {"Output", cli_plot_options},
    {"Output", cli_csv_options},   {"Output", cli_output_options}, {0}};

static es_status answer(cli_call *call, es_distribution *distribution)
{
    const settings *chosen = call->settings;
    es_render_options render;
    es_status status = cli_model_open(call);
    if (status) return status;
    es_distribution_options options = {.bins = chosen->bins,
                                       .per_row = chosen->per_row,
                                       .certified = chosen->certified,
                                       .threads = (int)call->common->threads,
                                       .progress = cli_call_progress(call)};
    status = es_distribution_compute(call->space, &options, distribution, &call->error);
    if (!status && call->common->plot)
        status = es_plot_distribution(call->space, distribution, call->common->plot, &call->error);
    if (!status) status = cli_call_render(call, &render);
    return status ? status
                  : es_render_distribution(call->space, distribution, &render, call->out,
                                           &call->error);
}

static es_status run(cli_call *call)
{
    if (call->argument_count != 1) return cli_call_usage(call, "distribution takes one MODEL");
    es_distribution distribution = {0};
    es_status status = answer(call, &distribution);
    es_distribution_release(&distribution);
    return status;
}

const cli_command cli_command_distribution = {
    .name = "distribution",
    .stage = "The whole vocabulary",
    .summary = "the cosines of all pairs of tokens, against chance",
    .arguments = "MODEL",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
