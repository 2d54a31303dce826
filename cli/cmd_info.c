/* info: what a model's file holds. */
#include "command.h"
#include "message.h"
#include "model.h"

#include <stddef.h>

typedef struct settings {
    cli_common common;
    bool tying;
} settings;

static const cli_example examples[] = {
    {"info demo", "shape, tokenizer, norms, and rows that are zero, broken or doubled"},
    {"info demo --space position", "the same of the position table"},
    {"info demo --json", "for programs"},
    {"info demo --tying", "embedding and unembedding side by side, where they are two tables"},
    {0}};

static const char *const details[] = {
    "Says which vectors these are before anything is computed from them: file, tensor, shape, "
    "stored type, architecture, kind of tokenizer, and whether the unembedding is the embedding, "
    "compared byte for byte, or by value where the two are stored in different types; where but "
    "some rows differ, the first ten are listed. Norms are over the rows that are defined; zero "
    "and non-finite rows, and rows equal to an earlier one, are counted and the first ten listed.",
    "--tying sets an untied embedding and unembedding side by side: the cosine of each token's two "
    "rows, their norms, whether the two tables arrange the vocabulary alike (the correlation of "
    "their cosines over all pairs of tokens), and for how many tokens the own row is the nearest "
    "one of the other table. --csv then has a line for each token; --plot draws norm against norm "
    "and the cosines.",
    NULL};

static const cli_option own_options[] = {{.name = "tying",
                                          .type = CLI_FLAG,
                                          .help = "embedding and unembedding side by side",
                                          .offset = offsetof(settings, tying)},
                                         {0}};

static const cli_option_group groups[] = {
    {"Tying", own_options},      {"Model", cli_model_options},   {"Output", cli_plot_options},
    {"Output", cli_csv_options}, {"Output", cli_output_options}, {0}};

/* With --tying: the two tables, where there are two. */
static es_status answer_tying(cli_call *call, const es_info *info)
{
    es_tying_geometry geometry = {0};
    es_render_options render;
    es_tying_options options = {.threads = (int)call->common->threads,
                                .progress = cli_call_progress(call)};
    bool two = info->tables.how != ES_TYING_ONE_TENSOR;
    es_status status = ES_OK;
    if (two) status = es_tying_geometry_compute(call->space, &options, &geometry, &call->error);
    if (!status && call->common->plot)
        status = two ? es_plot_tying(call->space, &geometry, call->common->plot, &call->error)
                     : cli_fail(&call->error, ES_UNSUPPORTED,
                                "%s: one table is embedding and unembedding: nothing to draw",
                                es_space_source(call->space)->path);
    if (!status) status = cli_call_render(call, &render);
    if (!status)
        status = es_render_tying(call->space, info, two ? &geometry : NULL, &render, call->out,
                                 &call->error);
    es_tying_geometry_release(&geometry);
    return status;
}

static es_status run(cli_call *call)
{
    const settings *chosen = call->settings;
    if (call->argument_count != 1) return cli_call_usage(call, "info takes one MODEL");
    if (call->common->plot && !chosen->tying)
        return cli_call_usage(call, "--plot draws embedding and unembedding: add --tying");
    es_info info = {0};
    es_render_options options;
    es_status status = cli_model_open(call);
    if (!status) status = es_info_compute(call->space, &info, &call->error);
    if (!status && chosen->tying) return answer_tying(call, &info);
    if (!status) status = cli_call_render(call, &options);
    return status ? status : es_render_info(call->space, &info, &options, call->out, &call->error);
}

const cli_command cli_command_info = {
    .name = "info",
    .stage = "What is in a model",
    .summary = "shape, tokenizer, norms, odd rows, weight tying",
    .arguments = "MODEL",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
