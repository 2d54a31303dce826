/* evaluate: do cosines agree with people? */
#define _GNU_SOURCE /* PATH_MAX */
#include "command.h"
#include "message.h"
#include "model.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
    cli_common common;
    const char *score;
    int64_t rows, resamples, seed;
    int kind, letter_case, missing;
    bool no_interval, details;
} settings;

static const cli_example examples[] = {
    {"evaluate demo demo-pairs", "word similarity: cosines against scores given by hand"},
    {"evaluate demo demo-triples", "the odd one of three words"},
    {"evaluate demo demo-analogies", "man is to woman as king is to ..."},
    {"evaluate demo demo-pairs demo-triples demo-analogies --json", "several, for programs"},
    {"evaluate demo demo-pairs --csv --details", "each pair with its score and its cosine"},
    {"evaluate demo demo-pairs --plot pairs.svg", "scores against cosines"},
    {"evaluate demo demo-analogies --transform center,abtt:2", "the same space, otherwise seen"},
    {0}};

static const char *const details_text[] = {
    "A DATASET is a text file in UTF-8, of a kind that its first lines tell (--kind says it by "
    "hand): word similarity, 'word word score' and any further columns; analogies, lines ': "
    "section' and 'a b c d'; odd one out, three words or more, the last one odd, or the one "
    "written '*word'; categories, 'word category', which asks for the odd one among all words of a "
    "category and one of another. Columns are parted by a TAB, a semicolon, a comma or spaces. "
    "Lines that start with '#' are comments; '-' is standard input. demo-pairs, demo-triples and "
    "demo-analogies ship with embscope.",
    "Words of a byte-level BPE are looked up with a leading space, as they stand in text (--prefix "
    "none: without). What counts first is words that are one token; a word of several is the mean "
    "of their unit rows, and pairs with such a word are told apart. Analogies take single tokens "
    "alone.",
    "For gensim's figures: --case ignore --restrict 300000 is evaluate_word_pairs and "
    "evaluate_word_analogies with their defaults; --case exact is case_insensitive=False, "
    "--missing zero is dummy4unknown=True.",
    NULL};

static const cli_option own_options[] = {
    {.name = "kind",
     .type = CLI_CHOICE,
     .value = "auto|similarity|analogies|odd-one-out|categories",
     .help = "what the data sets ask (default auto: by their first lines)",
     .offset = offsetof(settings, kind)},
    {.name = "score",
     .type = CLI_TEXT,
     .value = "COLUMN",
     .help = "the column with people's scores: its number from 1, or its name in the header",
     .offset = offsetof(settings, score)},
    {.name = "case",
     .type = CLI_CHOICE,
     .value = "exact|lower|ignore",
     .help = "words as they are (default), in lower case, or with any key that differs in case "
             "alone",
     .offset = offsetof(settings, letter_case)},
    {.name = "restrict",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "only the first N rows are words and answers (default: all)",
     .offset = offsetof(settings, rows),
     .minimum = 1,
     .maximum = INT32_MAX},
    {.name = "missing",
     .type = CLI_CHOICE,
     .value = "skip|zero",
     .help = "questions with a word that is not there: left out (default), or cosine 0 and wrong",
     .offset = offsetof(settings, missing)},
    {.name = "bootstrap",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "draw pairs so often for the interval (default 2000)",
     .offset = offsetof(settings, resamples),
     .minimum = 1,
     .maximum = 1000000},
    {.name = "no-interval",
     .type = CLI_FLAG,
     .help = "no bootstrap",
     .offset = offsetof(settings, no_interval)},
    {.name = "seed",
     .type = CLI_INTEGER,
     .value = "S",
     .help = "which lot the bootstrap draws (default 0); the same on every machine",
     .offset = offsetof(settings, seed),
     .minimum = 0,
     .maximum = INT64_MAX},
    {.name = "prefix",
     .type = CLI_CHOICE,
     .value = "auto|none|space",
     .help = "words of a byte-level BPE with a leading space (auto, space) or without",
     .offset = offsetof(settings, common.prefix)},
    {.name = "details",
     .type = CLI_FLAG,
     .help = "with --csv or --json: every question with its answer",
     .offset = offsetof(settings, details)},
    {0}};

static const cli_option_group groups[] = {
    {"Data sets", own_options},  {"Model", cli_model_options},   {"Output", cli_plot_options},
    {"Output", cli_csv_options}, {"Output", cli_output_options}, {0}};

typedef struct work {
    int64_t count;
    es_dataset *sets;
    es_evaluation *evaluations;
} work;

/* "demo-pairs" is a file beside the model that ships, unless there is one of that name here. */
static const char *find_file(const char *name, char *out)
{
    static const char *const files[][2] = {{"demo-pairs", "pairs.tsv"},
                                           {"demo-triples", "triples.tsv"},
                                           {"demo-analogies", "analogies.txt"}};
    char folder[PATH_MAX];
    if (!access(name, F_OK)) return name;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (strcmp(name, files[i][0]) != 0) continue;
        const char *demo = cli_model_demo_folder(folder, sizeof folder);
        int length = demo ? snprintf(out, PATH_MAX, "%s/%s", demo, files[i][1]) : -1;
        return length > 0 && length < PATH_MAX ? out : name;
    }
    return name;
}

static es_status read_set(cli_call *call, const char *name, es_dataset *set)
{
    const settings *chosen = call->settings;
    es_dataset_options options = {.kind = (es_dataset_kind)chosen->kind, .score = chosen->score};
    char path[PATH_MAX];
    if (strcmp(name, "-") != 0) {
        const char *inputs[] = {find_file(name, path)};
        es_status status = es_dataset_read(inputs[0], &options, set, &call->error);
        if (!status) status = cli_output_check(call->common->output, inputs, 1, &call->error);
        return status ? status : cli_output_check(call->common->plot, inputs, 1, &call->error);
    }
    char *data = NULL;
    size_t size = 0;
    es_status status = cli_read_all("-", &data, &size, &call->error);
    if (status) return status;
    status = es_dataset_parse("standard input", data, size, &options, set, &call->error);
    free(data);
    return status;
}

static es_status ask(cli_call *call, work *work)
{
    const settings *chosen = call->settings;
    es_evaluate_options options = {.prefix = (es_prefix)chosen->common.prefix,
                                   .letter_case = (es_letter_case)chosen->letter_case,
                                   .rows = chosen->rows,
                                   .missing_counts = chosen->missing == 1,
                                   .resamples = chosen->no_interval ? -1 : chosen->resamples,
                                   .seed = (uint64_t)chosen->seed,
                                   .threads = (int)call->common->threads};
    es_status status = ES_OK;
    for (int64_t i = 0; !status && i < work->count; i++)
        status = read_set(call, call->arguments[i + 1], &work->sets[i]);
    if (!status) status = cli_model_open(call);
    options.progress = cli_call_progress(call);
    for (int64_t i = 0; !status && i < work->count; i++)
        status =
            es_evaluate(call->space, &work->sets[i], &options, &work->evaluations[i], &call->error);
    if (!status && call->common->plot)
        status = es_plot_evaluation(call->space, &work->evaluations[0], call->common->plot,
                                    &call->error);
    return status;
}

static es_status answer(cli_call *call, work *work)
{
    const settings *chosen = call->settings;
    es_render_options render;
    es_status status = ask(call, work);
    if (!status) status = cli_call_render(call, &render);
    return status ? status
                  : es_render_evaluate(call->space, work->evaluations, work->count, chosen->details,
                                       &render, call->out, &call->error);
}

static es_status check(cli_call *call)
{
    const settings *chosen = call->settings;
    int64_t inputs = 0;
    if (call->argument_count < 2)
        return cli_call_usage(call, "evaluate takes a MODEL and one DATASET or more");
    if (call->common->plot && call->argument_count != 2)
        return cli_call_usage(call, "--plot draws one DATASET");
    if (chosen->no_interval && chosen->resamples)
        return cli_call_usage(call, "--no-interval and --bootstrap exclude each other");
    if (chosen->details && !call->common->json && !call->common->csv)
        return cli_call_usage(call, "--details goes with --csv or --json");
    for (int64_t i = 1; i < call->argument_count; i++) inputs += !strcmp(call->arguments[i], "-");
    if (inputs > 1) return cli_call_usage(call, "standard input can be read once");
    return ES_OK;
}

static es_status run(cli_call *call)
{
    es_status status = check(call);
    if (status) return status;
    work work = {.count = call->argument_count - 1};
    work.sets = calloc((size_t)work.count, sizeof *work.sets);
    work.evaluations = calloc((size_t)work.count, sizeof *work.evaluations);
    status = work.sets && work.evaluations ? answer(call, &work)
                                           : cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    for (int64_t i = 0; i < work.count; i++) {
        if (work.evaluations) es_evaluation_release(&work.evaluations[i]);
        if (work.sets) es_dataset_release(&work.sets[i]);
    }
    free(work.sets);
    free(work.evaluations);
    return status;
}

const cli_command cli_command_evaluate = {
    .name = "evaluate",
    .stage = "The whole vocabulary",
    .summary = "do cosines agree with people? similarity, analogies, odd one out",
    .arguments = "MODEL DATASET...",
    .examples = examples,
    .details = details_text,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
