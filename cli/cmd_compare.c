/* compare: two models or more over the tokens they share. */
#include "categories.h"
#include "command.h"
#include "message.h"
#include "model.h"

#include <string.h>

typedef struct settings {
    cli_common common;
    cli_texts spaces, tensors, vocabularies;
    int match;
    int64_t k, permutations, resamples, sample, show, seed;
    const char *categories;
    bool rank, all_pairs;
} settings;

static const cli_example examples[] = {
    {"compare demo demo --transform raw --transform center", "what centering does to a space"},
    {"compare demo demo --space position --show 20 --csv", "the tokens that moved, a line each"},
    {"compare demo demo demo --space position --show 3", "three models, and their noise ceiling"},
    {"compare demo demo --space position --plot moved.svg",
     "one cosine against the other, and a map of what moved"},
    {"compare demo demo --space position --rank --json", "with rank correlations, for programs"},
    {0}};

static const char *const details[] = {
    "A model beside word vectors (compare gpt2 vectors.bin), two checkpoints, two seeds: on the "
    "tokens that all of them have. --tokens FILE keeps to a list of words, and of up to 400 tokens "
    "--plot draws the two dissimilarity matrices side by side.",
    "RSA is the correlation of the two dissimilarity matrices, over all pairs of shared tokens; "
    "CKA compares the stored rows about their mean; Procrustes turns one space onto the other; and "
    "the nearest tokens of each token, among the shared ones, are compared as lists. Each stands "
    "beside what it gives where the tokens of one model are permuted. Models may differ in width.",
    "Tokens match by their bytes where all vocabularies are of one kind (--match exact). Else "
    "whole words match (word): \" cat\" of byte-level BPE, \"cat\" of WordPiece and of word "
    "vectors; pieces that continue a word stand aside. lower is word in lower case, the lowest id "
    "first. Tables without names, of equal numbers of rows, match row by row (rows).",
    "--space, --tensor, --vocab and --transform hold for all models where given once. Given as "
    "many times as there are models, they go to them in order; 'auto' leaves a model its own.",
    NULL};

static const cli_option own_options[] = {
    {.name = "match",
     .type = CLI_CHOICE,
     .value = "auto|exact|word|lower|rows",
     .help = "which tokens are the same (see above)",
     .offset = offsetof(settings, match)},
    {.name = "neighbors",
     .letter = 'k',
     .type = CLI_INTEGER,
     .value = "K",
     .help = "how many nearest tokens are compared (default 10, at most half of the shared ones)",
     .offset = offsetof(settings, k),
     .minimum = 1,
     .maximum = INT32_MAX},
    {.name = "rank",
     .type = CLI_FLAG,
     .help = "also Spearman's correlation and rho_a, up to 5,000 tokens exactly and with Kendall's "
             "tau_a, beyond within a stated error",
     .offset = offsetof(settings, rank)},
    {.name = "categories",
     .type = CLI_FILE,
     .value = "FILE",
     .help = "tokens and their categories, a line each: within against between, in every model",
     .offset = offsetof(settings, categories)},
    {.name = "permutations",
     .type = CLI_INTEGER,
     .value = "K",
     .help = "how often tokens are permuted (default 199 to 999, fewer for Procrustes)",
     .offset = offsetof(settings, permutations),
     .minimum = 1,
     .maximum = 10000000},
    {.name = "all-pairs",
     .type = CLI_FLAG,
     .help = "permute RSA over all shared tokens instead of a sample: a product of both tables for "
             "each permutation (99 to 999 where --permutations does not say)",
     .offset = offsetof(settings, all_pairs)},
    {.name = "resamples",
     .type = CLI_INTEGER,
     .value = "K",
     .help = "bootstrap resamples behind the interval of RSA (default 199 to 999)",
     .offset = offsetof(settings, resamples),
     .minimum = 1,
     .maximum = 10000000},
    {.name = "sample",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "permute and resample N tokens drawn by lot (default 2000)",
     .offset = offsetof(settings, sample),
     .minimum = 10,
     .maximum = 20000},
    {.name = "show",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "list the N tokens that moved most, and least (default 10)",
     .offset = offsetof(settings, show),
     .minimum = 1,
     .maximum = INT32_MAX},
    {.name = "seed",
     .type = CLI_INTEGER,
     .value = "S",
     .help = "of everything drawn by lot (default 0); the same on every machine",
     .offset = offsetof(settings, seed),
     .minimum = 0,
     .maximum = INT64_MAX},
    {0}};

static const cli_option model_options[] = {
    {.name = "space",
     .type = CLI_TEXTS,
     .value = "input|output|position",
     .help = "which table of the models: token embedding (default), unembedding or positions",
     .offset = offsetof(settings, spaces)},
    {.name = "tensor",
     .type = CLI_TEXTS,
     .value = "NAME",
     .help = "a two-dimensional tensor by its name, instead of --space",
     .offset = offsetof(settings, tensors)},
    {.name = "vocab",
     .type = CLI_TEXTS,
     .value = "FILE",
     .help = "names of the rows: a key a line, or a tokenizer's file",
     .offset = offsetof(settings, vocabularies)},
    {.name = "transform",
     .type = CLI_TEXTS,
     .value = "CHAIN",
     .help = "what to do to the rows first, in this order: center, abtt:D, standardize, whiten, "
             "joined by commas (default: raw)",
     .offset = offsetof(cli_common, transforms)},
    {.name = "threads",
     .type = CLI_INTEGER,
     .value = "N",
     .help =
         "threads to use (default: as many as there are processors); answers do not depend on it",
     .offset = offsetof(cli_common, threads),
     .minimum = 1,
     .maximum = 1024},
    {0}};

static const cli_option_group groups[] = {{"Comparison", own_options},
                                          {"Tokens", cli_tokens_options},
                                          {"Models", model_options},
                                          {"Output", cli_plot_options},
                                          {"Output", cli_csv_options},
                                          {"Output", cli_output_options},
                                          {0}};

/* What one run holds. */
typedef struct asking {
    cli_words words;
    cli_categories categories;
    int64_t count;
    es_space *spaces[ES_COMPARE_MODELS];
    es_comparison comparison;
} asking;

/* ---- models -----------------------------------------------------------------------------------
 */

/* Model m's value of an option that is given once for all, or once for each. */
static const char *value_of(const cli_texts *texts, int64_t m)
{
    if (!texts->count) return NULL;
    const char *value = texts->values[texts->count > 1 ? m : 0];
    return strcmp(value, "auto") == 0 ? NULL : value;
}

static es_status check_counts(cli_call *call)
{
    const settings *chosen = call->settings;
    const struct {
        const char *name;
        const cli_texts *texts;
    } options[] = {{"space", &chosen->spaces},
                   {"tensor", &chosen->tensors},
                   {"vocab", &chosen->vocabularies},
                   {"transform", &call->common->transforms}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        int count = options[i].texts->count;
        if (count > 1 && count != call->argument_count)
            return cli_call_usage(call,
                                  "--%s is given %d times for %lld models: once for all, or "
                                  "once for each",
                                  options[i].name, count, (long long)call->argument_count);
    }
    for (int i = 0; i < chosen->spaces.count; i++) {
        const char *value = chosen->spaces.values[i];
        if (strcmp(value, "input") != 0 && strcmp(value, "output") != 0 &&
            strcmp(value, "position") != 0 && strcmp(value, "auto") != 0)
            return cli_call_usage(call, "--space: '%s' is none of input|output|position", value);
    }
    return ES_OK;
}

static es_status open_models(cli_call *call, asking *asking)
{
    const settings *chosen = call->settings;
    for (; asking->count < call->argument_count; asking->count++) {
        int64_t m = asking->count;
        cli_model_choice choice = {value_of(&chosen->spaces, m), value_of(&chosen->tensors, m),
                                   value_of(&chosen->vocabularies, m),
                                   value_of(&call->common->transforms, m)};
        if (choice.space && choice.tensor)
            return cli_call_usage(call, "--space and --tensor exclude each other");
        es_status status = cli_model_open_as(call, call->arguments[m], &choice, &asking->spaces[m]);
        if (status) {
            es_space_free(asking->spaces[m]);
            return status;
        }
    }
    return ES_OK;
}

/* ---- tokens -----------------------------------------------------------------------------------
 */

static es_status gather(cli_call *call, asking *asking)
{
    const settings *chosen = call->settings;
    es_status status = ES_OK;
    if (call->common->tokens)
        status = cli_words_read_lines(&asking->words, call->common->tokens, &call->error);
    if (status || !chosen->categories) return status;
    return cli_categories_gather(&asking->categories, chosen->categories, &asking->words,
                                 &call->error);
}

static es_status answer(cli_call *call, asking *asking)
{
    const settings *chosen = call->settings;
    es_render_options render;
    es_status status = gather(call, asking);
    if (!status && call->common->tokens && !asking->words.count)
        return cli_fail(&call->error, ES_BAD_INPUT, "%s: no token in it", call->common->tokens);
    if (!status) status = open_models(call, asking);
    if (status) return status;
    es_compare_options options = {.match = (es_match)chosen->match,
                                  .tokens = asking->words.word,
                                  .token_count = asking->words.count,
                                  .categories = asking->categories.name.word,
                                  .k = chosen->k,
                                  .permutations = chosen->permutations,
                                  .resamples = chosen->resamples,
                                  .sample = chosen->sample,
                                  .shown = chosen->show,
                                  .seed = (uint64_t)chosen->seed,
                                  .rank = chosen->rank,
                                  .all_pairs = chosen->all_pairs,
                                  .figures = call->common->plot != NULL,
                                  .threads = (int)call->common->threads,
                                  .progress = cli_call_progress(call)};
    status = es_compare_compute(asking->spaces, asking->count, &options, &asking->comparison,
                                &call->error);
    if (!status && call->common->plot)
        status =
            es_plot_compare(asking->spaces, &asking->comparison, call->common->plot, &call->error);
    if (!status) status = cli_call_render(call, &render);
    return status ? status
                  : es_render_compare(asking->spaces, &asking->comparison, &render, call->out,
                                      &call->error);
}

static es_status run(cli_call *call)
{
    if (call->argument_count < 2 || call->argument_count > ES_COMPARE_MODELS)
        return cli_call_usage(call, "compare takes 2 to %d models", (int)ES_COMPARE_MODELS);
    es_status status = check_counts(call);
    if (status) return status;
    asking asking = {0};
    status = answer(call, &asking);
    es_comparison_release(&asking.comparison);
    for (int64_t m = 0; m < asking.count; m++) es_space_free(asking.spaces[m]);
    cli_categories_release(&asking.categories);
    cli_words_release(&asking.words);
    return status;
}

const cli_command cli_command_compare = {
    .name = "compare",
    .stage = "Several models",
    .summary = "two models or more over the tokens they share: RSA, CKA, neighbors",
    .arguments = "MODEL MODEL...",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .compares_transforms = true,
    .run = run,
};
