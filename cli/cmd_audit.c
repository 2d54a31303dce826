/* audit: which tokens and rows of a vocabulary are not what they should be. */
#include "command.h"
#include "message.h"
#include "model.h"

#include <string.h>

enum { DEFAULT_COUNT = 5 };

typedef struct settings {
    cli_common common;
    int64_t count;
    cli_number near;
} settings;

static const cli_example examples[] = {
    {"audit demo", "what is wrong, how much of it, and the strongest cases"},
    {"audit demo -k 40", "forty findings of each category"},
    {"audit demo --jsonl", "every finding, a JSON object a line"},
    {"audit demo --near 0.95", "pairs of tokens with nearly the same direction, too"},
    {"audit demo --plot audit.svg", "every row's distance from the untouched ones"},
    {0}};

static const char *const details[] = {
    "untouched: the row lies where training left those that it cannot have trained. These are "
    "found "
    "without a list of tokens: single bytes that UTF-8 never has, or rows beyond the tokenizer, or "
    "tokens that no text encodes to, and from them all rows that lie likewise "
    "(Land & Bartolo 2024).",
    "unreachable: the token's text encodes to something else; a WordPiece continuation is tried "
    "inside of words. undecodable: its bytes alone are no UTF-8. special: encoded by request only. "
    "no_token: a row beyond the tokenizer or in a gap of it. no_row: a token beyond the table.",
    "non_finite, zero: rows without a direction. norm: the logarithm of the norm has a robust "
    "z-score of 6 or more. duplicate: a row equal to an earlier one, bit for bit. near: with "
    "--near "
    "T, a pair of rows at cosine T or more.",
    "Findings are no failure: the exit status is 0.", NULL};

static const cli_option own_options[] = {
    {.name = "count",
     .letter = 'k',
     .type = CLI_INTEGER,
     .value = "N",
     .help = "how many findings of each category the table shows (default 5)",
     .offset = offsetof(settings, count),
     .minimum = 1,
     .maximum = INT32_MAX},
    {.name = "near",
     .type = CLI_NUMBER,
     .value = "T",
     .help = "look at all pairs of rows for those at cosine T or more",
     .offset = offsetof(settings, near)},
    {0}};

static const cli_option_group groups[] = {{"Audit", own_options},
                                          {"Model", cli_model_options},
                                          {"Output", cli_plot_options},
                                          {"Output", cli_csv_options},
                                          {"Output", cli_jsonl_options},
                                          {"Output", cli_output_options},
                                          {0}};

/* A line for each finding may be too long for memory. */
static es_status write_lines(cli_call *call, const es_audit *audit)
{
    cli_sink sink;
    es_render_options render;
    es_status status = cli_call_stream(call, call->common->output, &sink, &render);
    if (status) return status;
    status = es_render_audit(call->space, audit, 0, &render, sink.out, &call->error);
    return cli_sink_close(&sink, status, &call->error);
}

static es_status answer(cli_call *call, es_audit *audit)
{
    const settings *settings = call->settings;
    es_render_options render;
    es_status status = cli_model_open(call);
    if (status) return status;
    es_audit_options options = {.near = settings->near.given,
                                .near_minimum = settings->near.value,
                                .threads = (int)call->common->threads,
                                .progress = cli_call_progress(call)};
    status = es_audit_compute(call->space, &options, audit, &call->error);
    if (!status && call->common->plot)
        status = es_plot_audit(call->space, audit, call->common->plot, &call->error);
    if (status) return status;
    if (call->common->jsonl || call->common->csv) return write_lines(call, audit);
    status = cli_call_render(call, &render);
    return status ? status
                  : es_render_audit(call->space, audit,
                                    settings->count ? settings->count : DEFAULT_COUNT, &render,
                                    call->out, &call->error);
}

static es_status run(cli_call *call)
{
    if (call->argument_count != 1) return cli_call_usage(call, "audit takes one MODEL");
    es_audit audit = {0};
    es_status status = answer(call, &audit);
    es_audit_release(&audit);
    return status;
}

const cli_command cli_command_audit = {
    .name = "audit",
    .stage = "The whole vocabulary",
    .summary = "untouched tokens, tokens that no text makes, odd rows",
    .arguments = "MODEL",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
