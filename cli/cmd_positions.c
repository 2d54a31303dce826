/* positions: the geometry of a model's position table. */
#include "command.h"
#include "model.h"

typedef struct settings {
    cli_common common;
    int64_t components, shuffles, seed;
} settings;

static const cli_example examples[] = {
    {"positions demo", "how cosines depend on the distance of two positions"},
    {"positions demo --plot positions.svg", "the cosine matrix, the profile, the leading waves"},
    {"positions demo --components 3 --json", "three leading directions, for programs"},
    {0}};

static const char *const details[] = {
    "Row i of the table is what the model adds at position i, counted from 0. MODEL is a model "
    "with "
    "a position table (--space position is meant without saying), or a bare .npy matrix whose rows "
    "are taken as positions. Models with rotary, ALiBi or relative positions have no such table.",
    "The mean cosine by distance |i - j|; how much of the variance of all pairs' cosines the "
    "distance alone explains (the Toeplitz share), beside the same rows in orders drawn by lot; "
    "norms; the leading directions of the centred table, and the strongest wave along each. At "
    "most 65,536 rows; past 8,192 without the deviation at each distance.",
    NULL};

static const cli_option own_options[] = {
    {.name = "components",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "leading directions to describe (default 8)",
     .offset = offsetof(settings, components),
     .minimum = 1,
     .maximum = 64},
    {.name = "shuffles",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "orders of the rows drawn by lot (default 19)",
     .offset = offsetof(settings, shuffles),
     .minimum = 1,
     .maximum = 9999},
    {.name = "seed",
     .type = CLI_INTEGER,
     .value = "S",
     .help = "which lot they are (default 0); the same on every machine",
     .offset = offsetof(settings, seed),
     .minimum = 0,
     .maximum = INT64_MAX},
    {0}};

static const cli_option_group groups[] = {
    {"Positions", own_options},  {"Model", cli_model_options},   {"Output", cli_plot_options},
    {"Output", cli_csv_options}, {"Output", cli_output_options}, {0}};

static es_status answer(cli_call *call, es_positions *positions)
{
    const settings *chosen = call->settings;
    es_render_options render;
    if (!call->common->space && !call->common->tensor) call->common->space = "position";
    es_status status = cli_model_open(call);
    if (status) return status;
    es_positions_options options = {.components = chosen->components,
                                    .shuffles = chosen->shuffles,
                                    .seed = (uint64_t)chosen->seed,
                                    .threads = (int)call->common->threads,
                                    .progress = cli_call_progress(call)};
    status = es_positions_compute(call->space, &options, positions, &call->error);
    if (!status && call->common->plot)
        status = es_plot_positions(call->space, positions, call->common->plot, &call->error);
    if (!status) status = cli_call_render(call, &render);
    return status ? status
                  : es_render_positions(call->space, positions, &render, call->out, &call->error);
}

static es_status run(cli_call *call)
{
    if (call->argument_count != 1) return cli_call_usage(call, "positions takes one MODEL");
    es_positions positions = {0};
    es_status status = answer(call, &positions);
    es_positions_release(&positions);
    return status;
}

const cli_command cli_command_positions = {
    .name = "positions",
    .stage = "The whole vocabulary",
    .summary = "the position table: cosine by distance, norms, waves",
    .arguments = "MODEL",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
