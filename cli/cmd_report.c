/* report: the whole tour, on one page. */
#include "command.h"
#include "message.h"
#include "model.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
    cli_common common;
    const char *prompt, *with;
} settings;

static const cli_example examples[] = {
    {"report demo", "the short form, on the terminal"},
    {"report demo -o report.html", "one self-contained page with its figures"},
    {"report demo cat dog banana red green blue -o report.html", "about words of your own"},
    {"report demo demo --space position -o two.html", "two models, and what they share"},
    {0}};

static const char *const details[] = {
    "Walks through one model: what it holds and which rows are odd, the first tokens against each "
    "other, their neighbors, "
    "the local matrix of all chosen words, the distribution and the nearest neighbors over the "
    "whole vocabulary (of a vocabulary past 3e12 multiplications, n^2 d / 2, the pairs of a "
    "sample, and no neighbors), and the model's position table if it has one. Words that are not "
    "given are chosen from a built-in list, those that are single tokens.",
    "A GPT-2 is run, too: from the angle of each token to the probability that it comes next after "
    "--prompt. Of other models the page says so.",
    "Two models: --with MODEL, or a second argument alone that names a model (an existing path, "
    "'demo', an id in the Hugging Face cache): 'report A B'. The page is then about what both have "
    "in common, on the tokens they share; --space, --tensor, --vocab and --transform hold for "
    "both.",
    "With -o the page is HTML, with --json an object on standard output or in FILE.", NULL};

static const cli_option own_options[] = {
    {.name = "prompt",
     .type = CLI_TEXT,
     .value = "TEXT",
     .help = "what the model goes on from, where it can be run (default: \"A cat is a kind of\")",
     .offset = offsetof(settings, prompt)},
    {.name = "with",
     .type = CLI_TEXT,
     .value = "MODEL",
     .help = "a second model: the page is about the two of them",
     .offset = offsetof(settings, with)},
    {0}};

static const cli_option_group groups[] = {
    {"Report", own_options},      {"Tokens", cli_tokens_options}, {"Tokens", cli_token_options},
    {"Model", cli_model_options}, {"Output", cli_output_options}, {0}};

static bool same_folder(const char *a, const char *b)
{
    const char *end_a = strrchr(a, '/'), *end_b = strrchr(b, '/');
    if (!end_a || !end_b) return !end_a && !end_b;
    return end_a - a == end_b - b && !memcmp(a, b, (size_t)(end_a - a));
}

/* The position table of the same model, or NULL: a model without one has a report, too, and an
 * earlier step of a training (demo@500) is not the model that its tokenizer lies with. */
static es_space *open_positions(const cli_call *call)
{
    const cli_common *common = call->common;
    const es_source *source = es_space_source(call->space);
    if (!*source->folder || common->tensor || (common->space && strcmp(common->space, "input")))
        return NULL;
    es_space *positions = NULL;
    es_open_options options = {.space = "position", .threads = (int)common->threads};
    (void)es_space_open(source->folder, &options, &positions, NULL);
    if (!positions || same_folder(source->path, es_space_source(positions)->path)) return positions;
    es_space_free(positions);
    return NULL;
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

static es_status answer(cli_call *call, cli_words *words, es_space **positions, es_report *report)
{
    const cli_common *common = call->common;
    es_render_options render;
    es_status status = cli_call_words(call, words);
    if (!status) status = cli_model_open(call);
    if (status) return status;
    const char *prompt = ((const settings *)call->settings)->prompt;
    es_error reason = {{0}};
    *positions = open_positions(call);
    es_model *model = create_model(call, &reason);
    if (!model && prompt)
        return cli_fail(&call->error, ES_UNSUPPORTED, "--prompt: %s", reason.text);
    es_report_options options = {.words = words->word,
                                 .word_count = words->count,
                                 .selection = cli_call_selection_options(call),
                                 .positions = *positions,
                                 .model = model,
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

/* ---- two models -------------------------------------------------------------------------------
 */

/* A path, "demo", or an id that the cache has. A word with a slash in it is looked up, quietly. */
static bool names_model(cli_call *call, const char *text)
{
    if (!strcmp(text, "demo") || !strncmp(text, "demo@", 5) || !access(text, F_OK)) return true;
    if (!strchr(text, '/')) return false;
    es_space *space = NULL;
    bool known = cli_model_open_as(call, text, &(cli_model_choice){0}, &space) == ES_OK;
    es_space_free(space);
    call->error = (es_error){{0}};
    return known;
}

/* The second model, or NULL: the report is on one. A report on a single word does not exist, so
 * that a second argument alone can only be a model, unless --tokens has more words. */
static const char *second_model(cli_call *call)
{
    const char *with = ((const settings *)call->settings)->with;
    if (with) return with;
    if (call->argument_count != 2 || !names_model(call, call->arguments[1])) return NULL;
    char note[512];
    snprintf(note, sizeof note,
             "'%.300s' names a model: a report on two models (a report on words takes two words or "
             "more)",
             call->arguments[1]);
    cli_call_note(call, note);
    return call->arguments[1];
}

static es_status answer_pair(cli_call *call, const char *second, cli_words *words, es_space **other,
                             es_pair_report *report)
{
    const cli_common *common = call->common;
    const settings *chosen = call->settings;
    es_render_options render;
    if (chosen->prompt) return cli_call_usage(call, "--prompt is for a report on one model");
    if (second == call->arguments[1]) call->argument_count = 1;
    es_status status = cli_call_words(call, words);
    if (!status) status = cli_model_open(call);
    cli_model_choice choice = {common->space, common->tensor, common->vocabulary,
                               common->transforms.values[0]};
    if (!status) status = cli_model_open_as(call, second, &choice, other);
    if (status) return status;
    es_space *const spaces[2] = {call->space, *other};
    es_pair_report_options options = {.words = words->word,
                                      .word_count = words->count,
                                      .threads = (int)common->threads,
                                      .progress = cli_call_progress(call)};
    status = es_pair_report_compute(spaces, &options, report, &call->error);
    if (!status) status = cli_call_render(call, &render);
    if (status) return status;
    return common->output && !common->json
               ? es_render_pair_report_html(report, call->out, &call->error)
               : es_render_pair_report(report, &render, call->out, &call->error);
}

static es_status run_pair(cli_call *call, const char *second)
{
    cli_words words = {0};
    es_pair_report report = {0};
    es_space *other = NULL;
    es_status status = answer_pair(call, second, &words, &other, &report);
    es_pair_report_release(&report);
    es_space_free(other);
    cli_words_release(&words);
    return status;
}

static es_status check_output(cli_call *call)
{
    const cli_common *common = call->common;
    size_t length = common->output ? strlen(common->output) : 0;
    if (length > 5 && !common->json && !strcmp(common->output + length - 5, ".json"))
        return cli_call_usage(call, "-o writes a page of HTML; add --json for an object");
    return ES_OK;
}

static es_status run(cli_call *call)
{
    es_status usage = check_output(call);
    if (usage) return usage;
    const char *second = second_model(call);
    if (second) return run_pair(call, second);
    cli_words words = {0};
    es_report report = {0};
    es_space *positions = NULL;
    es_status status = answer(call, &words, &positions, &report);
    es_report_release(&report);
    es_space_free(positions);
    cli_words_release(&words);
    return status;
}

const cli_command cli_command_report = {
    .name = "report",
    .stage = "All of it",
    .summary = "every section above on one page",
    .arguments = "MODEL [MODEL | TOKEN...]",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
