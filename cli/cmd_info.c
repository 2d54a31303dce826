/* info: what a model's file holds. */
#include "command.h"
#include "model.h"

static const cli_example examples[] = {
    {"info demo", "shape, tokenizer, norms, and rows that are zero, broken or doubled"},
    {"info demo --space position", "the same of the position table"},
    {"info demo --json", "for programs"},
    {0}};

static const char *const details[] = {
    "Says which vectors these are before anything is computed from them: file, tensor, shape, "
    "stored type, architecture, kind of tokenizer, and whether the unembedding is the embedding, "
    "compared byte for byte. Norms are over the rows that are defined; zero and non-finite rows, "
    "and rows equal to an earlier one, are counted and the first ten listed.",
    NULL};

static const cli_option_group groups[] = {
    {"Model", cli_model_options}, {"Output", cli_csv_options}, {"Output", cli_output_options}, {0}};

static es_status run(cli_call *call)
{
    if (call->argument_count != 1) return cli_call_usage(call, "info takes one MODEL");
    es_info info = {0};
    es_render_options options;
    es_status status = cli_model_open(call);
    if (!status) status = es_info_compute(call->space, &info, &call->error);
    if (!status) status = cli_call_render(call, &options);
    return status ? status : es_render_info(call->space, &info, &options, call->out, &call->error);
}

const cli_command cli_command_info = {
    .name = "info",
    .stage = "What is in a model",
    .summary = "shape, tokenizer, norms, undefined and duplicate rows",
    .arguments = "MODEL",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(cli_common),
    .run = run,
};
