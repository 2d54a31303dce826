/* report: the whole tour, on one page. */
#include "command.h"
#include "message.h"
#include "model.h"

#include <string.h>

typedef struct settings {
    cli_common common;
    const char *prompt, *with;
} settings;

static const cli_example examples[] = {
    {"report demo", "the short form, on the terminal"},
    {"report demo -o report.html", "one self-contained page with its figures"},
    {"report demo cat dog banana red green blue -o report.html", "about words of your own"},
    {0}};

static const char *const details[] = {
    "Walks through one model: what it holds and which rows are odd, the first tokens against each "
    "other, their neighbors, "
    "the local matrix of all chosen words, the distribution and the nearest neighbors over the "
    "whole vocabulary (of a vocabulary past 3e12 multiplications, n^2 d / 2, the pairs of a "
    "sample, and no neighbors), and the model's position table if it has one. Words that are not "
    "given are chosen from a built-in list, those that are single tokens.",
    "With -o the page is HTML, with --json an object on standard output or in FILE.", NULL};

static const cli_option own_options[] = {
    {.name = "prompt",
     .type = CLI_TEXT,
     .value = "TEXT",
     .help = "what the model goes on from, where it can be run (default: \"A cat is a kind of\")",
     .offset = offsetof(settings, prompt)},
    {0}};

static const cli_option_group groups[] = {
    {"Report", own_options},      {"Tokens", cli_tokens_options}, {"Tokens", cli_token_options},
    {"Model", cli_model_options}, {"Output", cli_output_options}, {0}};

/* What the report borrows. */
typedef struct held {
    es_space *positions;
    es_model *model;
} held;

/* The position table of the same model, or NULL: a model without one has a report, too. */
static es_space *open_positions(const cli_call *call)
{
    const cli_common *common = call->common;
    const es_source *source = es_space_source(call->space);
    if (!*source->folder || common->tensor || (common->space && strcmp(common->space, "input")))
        return NULL;
    es_space *positions = NULL;
    es_open_options options = {.space = "position", .threads = (int)common->threads};
    (void)es_space_open(source->folder, &options, &positions, NULL);
    return positions;
}

/* The model itself, to be run, or NULL and why not in a line. Weights that cannot be used are no
 * fault of a page on the embedding. */
static es_model *create_model(cli_call *call, es_error *reason)
{
    const cli_common *common = call->common;
    es_model *model = NULL;
    if (common->tensor || (common->space && strcmp(common->space, "input")) ||
        common->transforms.count) {
        (void)cli_fail(reason, ES_UNSUPPORTED,
                       "it is about other rows than those that the model works with, which "
                       "'embscope predict' runs");
        return NULL;
    }
    (void)es_model_create(call->space, (int)common->threads, &model, reason);
    return model;
}

static es_status answer(cli_call *call, cli_words *words, held *held, es_report *report)
{
    const cli_common *common = call->common;
    es_render_options render;
    size_t length = common->output ? strlen(common->output) : 0;
    if (length > 5 && !common->json && !strcmp(common->output + length - 5, ".json"))
        return cli_call_usage(call, "-o writes a page of HTML; add --json for an object");
    es_status status = cli_call_words(call, words);
    if (!status) status = cli_model_open(call);
    if (status) return status;
    const char *prompt = ((const settings *)call->settings)->prompt;
    es_error reason = {{0}};
    held->positions = open_positions(call);
    held->model = create_model(call, &reason);
    if (!held->model && prompt)
        return cli_fail(&call->error, ES_UNSUPPORTED, "--prompt: %s", reason.text);
    es_report_options options = {.words = words->word,
                                 .word_count = words->count,
                                 .selection = cli_call_selection_options(call),
                                 .positions = held->positions,
                                 .model = held->model,
                                 .model_missing = reason.text,
                                 .prompt = {prompt, prompt ? strlen(prompt) : 0},
                                 .threads = (int)common->threads,
                                 .progress = cli_call_progress(call)};
    status = es_report_compute(call->space, &options, report, &call->error);
    if (!status) cli_call_note(call, report->pair_tokens.note);
    if (!status) status = cli_call_render(call, &render);
    if (status) return status;
    return common->output && !common->json
               ? es_render_report_html(report, call->out, &call->error)
               : es_render_report(report, &render, call->out, &call->error);
}

static es_status run(cli_call *call)
{
    cli_words words = {0};
    es_report report = {0};
    held held = {0};
    es_status status = answer(call, &words, &held, &report);
    es_report_release(&report);
    es_model_free(held.model);
    es_space_free(held.positions);
    cli_words_release(&words);
    return status;
}

const cli_command cli_command_report = {
    .name = "report",
    .stage = "All of it",
    .summary = "every section above on one page",
    .arguments = "MODEL [TOKEN...]",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
