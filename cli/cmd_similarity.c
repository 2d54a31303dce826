/* similarity: the cosines of chosen tokens. */
#include "command.h"
#include "message.h"
#include "model.h"

#include <stdlib.h>

typedef struct settings {
    cli_common common;
    const char *pairs;
} settings;

static const cli_example examples[] = {
    {"similarity demo cat dog banana", "the cosine of every pair"},
    {"similarity demo --pairs pairs.txt --csv", "of the pairs in a file, two tokens a line"},
    {"similarity demo cat dog --plot cat-dog.svg", "draw the two embeddings against each other"},
    {0}};

static const char *const details[] = {
    "For each pair: cosine similarity, angle, dot product, Euclidean distance of the rows and of "
    "the unit rows (||u - v||^2 = 2 - 2 cos), Pearson correlation; how many standard deviations "
    "of random directions the cosine is from 0 and how likely random directions are to reach it; "
    "and its percentile among this space's own pairs. All in float64 on the stored values.",
    NULL};

static const cli_option own_options[] = {
    {.name = "pairs",
     .type = CLI_FILE,
     .value = "FILE",
     .help = "compare the two tokens of each line, parted by a TAB, a comma or a space ('-': "
             "standard input)",
     .offset = offsetof(settings, pairs)},
    {0}};

static const cli_option_group groups[] = {
    {"Tokens", own_options},        {"Tokens", cli_tokens_options},
    {"Tokens", cli_token_options},  {"Model", cli_model_options},
    {"Output", cli_plot_options},   {"Output", cli_csv_options},
    {"Output", cli_output_options}, {0}};

static es_status read_words(cli_call *call, cli_words *words)
{
    const settings *chosen = call->settings;
    if (chosen->pairs && (call->argument_count > 1 || call->common->tokens))
        return cli_call_usage(call, "--pairs and tokens exclude each other");
    es_status status = chosen->pairs ? cli_words_read_pairs(words, chosen->pairs, &call->error)
                                     : cli_call_words(call, words);
    if (!status && words->count < 2) {
        if (chosen->pairs)
            return cli_fail(&call->error, ES_BAD_INPUT, "%s: no pairs in it", chosen->pairs);
        return cli_call_usage(call, "similarity takes MODEL and two tokens or more");
    }
    return status;
}

static es_status plot(cli_call *call, const es_selection *selection)
{
    int64_t columns = es_space_column_count(call->space);
    es_selection first_two = {.count = 2, .items = selection->items};
    if (selection->count > 2) cli_call_note(call, "the figure shows the first two words");
    double *vectors = calloc(2 * (size_t)columns + 1, sizeof *vectors);
    es_status status = vectors
                           ? es_selection_vectors(call->space, &first_two, vectors, &call->error)
                           : cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    if (!status)
        status =
            es_plot_embeddings(call->space, &first_two, vectors, call->common->plot, &call->error);
    free(vectors);
    return status;
}

static es_status answer(cli_call *call, cli_words *words, es_selection *selection,
                        es_similarity *similarity)
{
    const settings *chosen = call->settings;
    es_render_options options;
    call->input = chosen->pairs;
    es_status status = read_words(call, words);
    if (!status) status = cli_model_open(call);
    if (!status) status = cli_call_resolve(call, words, selection);
    if (status) return status;
    status = chosen->pairs
                 ? es_similarity_compute_pairs(call->space, selection, similarity, &call->error)
                 : es_similarity_compute(call->space, selection, similarity, &call->error);
    if (!status && call->common->plot) status = plot(call, selection);
    if (!status) status = cli_call_render(call, &options);
    return status
               ? status
               : es_render_similarity(call->space, similarity, &options, call->out, &call->error);
}

static es_status run(cli_call *call)
{
    cli_words words = {0};
    es_selection selection = {0};
    es_similarity similarity = {0};
    es_status status = answer(call, &words, &selection, &similarity);
    es_similarity_release(&similarity);
    es_selection_release(&selection);
    cli_words_release(&words);
    return status;
}

const cli_command cli_command_similarity = {
    .name = "similarity",
    .stage = "Chosen tokens",
    .summary = "the cosine similarity of tokens, pair by pair",
    .arguments = "MODEL TOKEN TOKEN...",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
