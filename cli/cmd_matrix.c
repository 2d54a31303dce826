/* matrix: the local similarity matrix of a set of tokens. */
#include "categories.h"
#include "command.h"
#include "message.h"
#include "model.h"

#include <string.h>

typedef struct settings {
    cli_common common;
    int64_t random, seed, clusters, null_sets, permutations;
    const char *categories;
    bool all;
    const char *dtype;
} settings;

static const cli_example examples[] = {
    {"matrix demo cat dog horse red green blue", "who belongs together"},
    {"matrix demo --random 200 --seed 1 --json", "200 tokens drawn by lot"},
    {"matrix demo cat dog horse red green blue --clusters 2", "cut the tree into two"},
    {"matrix demo cat dog horse red green blue --plot matrix.svg", "a heat map with its tree"},
    {"matrix demo --all -o S.npy --dtype f16", "all of S, for NumPy, on disk"},
    {0}};

static const char *const details[] = {
    "The cosine matrix S of the chosen tokens, its eigenvalues (S u = lambda u, descending) beside "
    "the edges that as many random directions would show, the average-linkage tree of 1 - cos, and "
    "the optimal order of its leaves. The tree is cut into flat clusters, and the largest "
    "eigenvalue, the mean cosine and the silhouette stand beside those of sets of as many tokens "
    "drawn by lot. At most 4,096 tokens.",
    "--categories FILE names the category of each token, a line each: token, TAB or comma, "
    "category. The matrix then says how much more alike tokens of one category are than tokens of "
    "two, and how often labels permuted among the tokens do as well. Without tokens on the command "
    "line, those of the file are taken.",
    "--all -o FILE.npy writes the whole vocabulary's S instead, n x n numbers, as they are "
    "computed: "
    "float32 cosines within (132 + d/128) / 2^24 of the exact ones, the diagonal 1, row and column "
    "of a token without a direction NaN. --dtype f16 rounds them to float16, within 2^-12 more, in "
    "half the space.",
    NULL};

static const cli_option own_options[] = {
    {.name = "random",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "N different tokens drawn by lot",
     .offset = offsetof(settings, random),
     .minimum = 2,
     .maximum = 4096},
    {.name = "seed",
     .type = CLI_INTEGER,
     .value = "S",
     .help = "which lot --random, --null-sets and --categories draw (default 0); the same on every "
             "machine",
     .offset = offsetof(settings, seed),
     .minimum = 0,
     .maximum = INT64_MAX},
    {.name = "clusters",
     .type = CLI_INTEGER,
     .value = "K",
     .help =
         "cut the tree into K clusters (default: the number, 2 to 20, with the best silhouette)",
     .offset = offsetof(settings, clusters),
     .minimum = 1,
     .maximum = 4096},
    {.name = "categories",
     .type = CLI_FILE,
     .value = "FILE",
     .help = "tokens and their categories, a line each: within against between",
     .offset = offsetof(settings, categories)},
    {.name = "permutations",
     .type = CLI_INTEGER,
     .value = "K",
     .help = "with --categories: how often labels are permuted (default 10000)",
     .offset = offsetof(settings, permutations),
     .minimum = 1,
     .maximum = 100000000},
    {.name = "null-sets",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "compare with N sets of tokens drawn by lot (default 100; fewer or none where that "
             "takes long)",
     .offset = offsetof(settings, null_sets),
     .minimum = 1,
     .maximum = 1000000},
    {.name = "all",
     .type = CLI_FLAG,
     .help = "the matrix of all tokens, into the file of -o",
     .offset = offsetof(settings, all)},
    {.name = "dtype",
     .type = CLI_WORD,
     .value = "f32|f16",
     .help = "with --all: float32 (default) or float16",
     .offset = offsetof(settings, dtype)},
    {0}};

static const cli_option_group groups[] = {
    {"Tokens", own_options},        {"Tokens", cli_tokens_options},
    {"Tokens", cli_token_options},  {"Model", cli_model_options},
    {"Output", cli_plot_options},   {"Output", cli_csv_options},
    {"Output", cli_output_options}, {0}};

/* What one run holds. */
typedef struct asking {
    cli_words words;
    cli_categories categories;
    es_selection selection;
    es_matrix matrix;
} asking;

/* The words, and with --categories the category of each. */
static es_status gather(cli_call *call, asking *asking)
{
    const settings *chosen = call->settings;
    es_status status = cli_call_words(call, &asking->words);
    if (status || !chosen->categories) return status;
    return cli_categories_gather(&asking->categories, chosen->categories, &asking->words,
                                 &call->error);
}

static es_status choose(cli_call *call, asking *asking)
{
    const settings *chosen = call->settings;
    if (chosen->random && (call->argument_count > 1 || call->common->tokens))
        return cli_call_usage(call, "--random and tokens exclude each other");
    if (chosen->random && chosen->categories)
        return cli_call_usage(call, "--random and --categories exclude each other");
    if (chosen->permutations && !chosen->categories)
        return cli_call_usage(call, "--permutations needs --categories");
    if (chosen->dtype) return cli_call_usage(call, "--dtype needs --all");
    es_status status = gather(call, asking);
    if (!status && !chosen->random && asking->words.count < 2)
        return cli_call_usage(call, "matrix takes MODEL and two tokens or more, or --random N");
    if (!status) status = cli_model_open(call);
    if (status) return status;
    return chosen->random ? es_selection_random(call->space, chosen->random, (uint64_t)chosen->seed,
                                                &asking->selection, &call->error)
                          : cli_call_resolve(call, &asking->words, &asking->selection);
}

static es_status answer(cli_call *call, asking *asking)
{
    const settings *chosen = call->settings;
    es_render_options render;
    es_status status = choose(call, asking);
    if (status) return status;
    es_matrix_options options = {.clusters = chosen->clusters,
                                 .null_sets = chosen->null_sets,
                                 .seed = (uint64_t)chosen->seed,
                                 .categories = asking->categories.name.word,
                                 .permutations = chosen->permutations,
                                 .threads = (int)call->common->threads,
                                 .progress = cli_call_progress(call)};
    status =
        es_matrix_compute(call->space, &asking->selection, &options, &asking->matrix, &call->error);
    if (!status && call->common->plot)
        status = es_plot_matrix(call->space, &asking->matrix, call->common->plot, &call->error);
    if (!status) status = cli_call_render(call, &render);
    return status
               ? status
               : es_render_matrix(call->space, &asking->matrix, &render, call->out, &call->error);
}

static void tell_size(const cli_call *call, bool half, int64_t bytes)
{
    char text[160];
    long long n = (long long)es_space_row_count(call->space);
    int unit = bytes >= 1 << 30 ? 3 : bytes >= 1 << 20 ? 2 : 1;
    snprintf(text, sizeof text, "%lld x %lld cosines as %s: %.1f %ciB", n, n,
             half ? "float16" : "float32", (double)bytes / (double)(INT64_C(1) << 10 * unit),
             "KMG"[unit - 1]);
    cli_call_note(call, text);
}

static es_status write_all(cli_call *call)
{
    const settings *chosen = call->settings;
    const cli_common *common = call->common;
    if (chosen->random || chosen->seed || call->argument_count > 1 || common->tokens)
        return cli_call_usage(call, "--all and chosen tokens exclude each other");
    if (chosen->clusters || chosen->null_sets || chosen->categories || chosen->permutations)
        return cli_call_usage(call, "--clusters, --null-sets and --categories are for chosen "
                                    "tokens, not for --all");
    if (common->json || common->csv || common->plot)
        return cli_call_usage(call, "--all writes a NumPy file: --json, --csv and --plot are for "
                                    "chosen tokens");
    if (!common->output) return cli_call_usage(call, "--all needs -o FILE.npy");
    es_status status = cli_model_open(call);
    if (status) return status;
    es_full_matrix_options options = {.threads = (int)common->threads,
                                      .progress = cli_call_progress(call)};
    bool half = chosen->dtype && !strcmp(chosen->dtype, "f16");
    options.dtype = half ? ES_MATRIX_F16 : ES_MATRIX_F32;
    int64_t bytes = es_full_matrix_npy_bytes(call->space, options.dtype);
    tell_size(call, half, bytes);
    cli_sink sink;
    status = cli_output_room(common->output, bytes, &call->error);
    if (!status) status = cli_sink_open(&sink, common->output, &call->error);
    if (status) return status;
    status = es_render_full_matrix_npy(call->space, &options, sink.out, &call->error);
    cli_progress_finish(&call->progress);
    return cli_sink_close(&sink, status, &call->error);
}

static es_status run(cli_call *call)
{
    if (((const settings *)call->settings)->all) return write_all(call);
    asking asking = {0};
    es_status status = answer(call, &asking);
    es_matrix_release(&asking.matrix);
    es_selection_release(&asking.selection);
    cli_categories_release(&asking.categories);
    cli_words_release(&asking.words);
    return status;
}

const cli_command cli_command_matrix = {
    .name = "matrix",
    .stage = "Chosen tokens",
    .summary = "the similarity matrix of tokens, its eigenvalues and its tree",
    .arguments = "MODEL TOKEN TOKEN...",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
