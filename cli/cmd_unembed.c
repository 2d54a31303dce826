#define _GNU_SOURCE
/* unembed: the tokens that a vector stands for, by logit and by cosine. */
#include "command.h"
#include "message.h"
#include "model.h"
#include "questions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    cli_common common;
    int64_t count;
    const char *vector, *at;
    bool final_norm;
} settings;

static const cli_example examples[] = {
    {"unembed demo cat", "what the row of \"cat\" scores highest, by logit and by cosine"},
    {"unembed demo king - man + woman --prefix space", "a sum of rows as they are"},
    {"unembed demo cat --final-norm", "the same, taken for a residual stream: ln_f comes first"},
    {"unembed demo cat -k 5 --json", "for programs"},
    {0}};

static const char *const details[] = {
    "Puts a vector h to every row v of the unembedding: z = v . h, the logits, their softmax, and "
    "beside them the cosine, for z = |v| |h| cos. The two orders differ by the rows' norms alone; "
    "how far they part is said beneath. Exact, in float64.",
    "The rows are the unembedding's where the model has one of its own, else the embedding's, "
    "which serves as both in a tied model; --space and --tensor name another table. Any table of "
    "vectors will do, word vectors, too: its logits are dot products.",
    "TOKENs stand for their rows of the embedding as they are, added raw (neighbors adds unit "
    "rows). --vector takes the vectors of a .npy file as they are, too: (d), (n, d) for n answers, "
    "or (layers, tokens, d) with --at. A residual stream, which is what a model's layers hand on, "
    "must pass the last LayerNorm before it meets the unembedding: --final-norm (GPT-2 alone).",
    NULL};

static const cli_option own_options[] = {
    {.name = "count",
     .letter = 'k',
     .type = CLI_INTEGER,
     .value = "K",
     .help = "how many tokens of each order (default 10)",
     .offset = offsetof(settings, count),
     .minimum = 1,
     .maximum = INT32_MAX},
    {.name = "vector",
     .type = CLI_FILE,
     .value = "FILE.npy",
     .help = "vectors instead of tokens",
     .offset = offsetof(settings, vector)},
    {.name = "at",
     .type = CLI_TEXT,
     .value = "I[,J]",
     .help = "one vector of the file by its place, from 0: row I, or layer I and token J",
     .offset = offsetof(settings, at)},
    {.name = "final-norm",
     .type = CLI_FLAG,
     .help = "put the model's last LayerNorm to the vector first",
     .offset = offsetof(settings, final_norm)},
    {0}};

static const cli_option_group groups[] = {
    {"Unembedding", own_options},   {"Tokens", cli_questions_options},
    {"Tokens", cli_token_options},  {"Model", cli_model_options},
    {"Output", cli_csv_options},    {"Output", cli_jsonl_options},
    {"Output", cli_output_options}, {0}};

/* The vectors to be put to the table, and their names. */
typedef struct vectors {
    int64_t count;
    double *values;
    char **labels; /* (count) */
    bool *is_sum;  /* (count) has the label quotes of its own? NULL: none has */
    bool as_list;
} vectors;

static void release_vectors(vectors *vectors)
{
    for (int64_t i = 0; vectors->labels && i < vectors->count; i++) free(vectors->labels[i]);
    free(vectors->labels);
    free(vectors->is_sum);
    free(vectors->values);
}

static es_status check_usage(cli_call *call)
{
    const settings *chosen = call->settings;
    bool has_terms = call->argument_count > 1, has_file = call->common->tokens;
    if (has_terms + has_file + (chosen->vector != NULL) == 0)
        return cli_call_usage(call, "unembed takes MODEL and a token, or --vector FILE.npy");
    if (has_terms + has_file + (chosen->vector != NULL) > 1)
        return cli_call_usage(call, "tokens, --tokens and --vector exclude each other");
    if (chosen->at && !chosen->vector)
        return cli_call_usage(call, "--at is a place in the file of --vector");
    return ES_OK;
}

/* "12,4" */
static es_status read_place(cli_call *call, int64_t at[2], int *count)
{
    const char *text = ((const settings *)call->settings)->at;
    for (*count = 0; text && *count < 2; ++*count) {
        char *end;
        errno = 0;
        at[*count] = strtoll(text, &end, 10);
        if (end == text || errno || *text < '0' || *text > '9' || (*end && *end != ',')) break;
        text = *end ? end + 1 : NULL;
    }
    return text ? cli_call_usage(call, "--at takes I or I,J, places from 0, not '%s'",
                                 ((const settings *)call->settings)->at)
                : ES_OK;
}

/* "FILE", or "FILE[3]" of several. */
static es_status name_vectors(cli_call *call, vectors *vectors)
{
    const settings *chosen = call->settings;
    vectors->labels = calloc((size_t)vectors->count, sizeof *vectors->labels);
    bool failed = !vectors->labels;
    for (int64_t i = 0; i < vectors->count && !failed; i++) {
        int size = chosen->at ? asprintf(&vectors->labels[i], "%s[%s]", chosen->vector, chosen->at)
                   : vectors->as_list
                       ? asprintf(&vectors->labels[i], "%s[%lld]", chosen->vector, (long long)i)
                       : asprintf(&vectors->labels[i], "%s", chosen->vector);
        if (size < 0) vectors->labels[i] = NULL;
        failed = size < 0;
    }
    return failed ? cli_fail(&call->error, ES_NO_MEMORY, "out of memory") : ES_OK;
}

static es_status read_file(cli_call *call, int64_t columns, vectors *vectors)
{
    const settings *chosen = call->settings;
    int64_t at[2];
    int at_count;
    es_status status = read_place(call, at, &at_count);
    if (!status)
        status = es_vectors_read(chosen->vector, columns, at, at_count, &vectors->values,
                                 &vectors->count, &call->error);
    vectors->as_list = vectors->count > 1;
    return status ? status : name_vectors(call, vectors);
}

static es_status add_sums(cli_call *call, vectors *vectors)
{
    cli_questions asked = {0};
    es_selection selection = {0};
    es_query *queries = NULL;
    int64_t d = es_space_column_count(call->space);
    es_status status = cli_questions_read(call, &asked);
    if (!status) status = cli_questions_resolve(call, &asked, &selection, &queries);
    if (!status && asked.count > ES_UNEMBED_VECTORS)
        status = cli_fail(&call->error, ES_BAD_ARGUMENT,
                          "%lld questions; at most %d are answered at once", (long long)asked.count,
                          ES_UNEMBED_VECTORS);
    if (!status) {
        vectors->values = calloc((size_t)asked.count, (size_t)d * sizeof *vectors->values);
        vectors->labels = calloc((size_t)asked.count, sizeof *vectors->labels);
        vectors->is_sum = calloc((size_t)asked.count, sizeof *vectors->is_sum);
        vectors->count = asked.count;
        vectors->as_list = call->common->tokens != NULL;
        if (!vectors->values || !vectors->labels || !vectors->is_sum)
            status = cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    }
    for (int64_t q = 0; !status && q < asked.count; q++) {
        vectors->is_sum[q] = queries[q].terms.count > 1 || queries[q].signs[0] < 0;
        status = es_unembed_sum(call->space, &queries[q].terms, queries[q].signs,
                                vectors->values + q * d, &vectors->labels[q], &call->error);
    }
    free(queries);
    es_selection_release(&selection);
    cli_questions_release(&asked);
    return status;
}

static es_status gather_vectors(cli_call *call, const es_space *table, vectors *vectors)
{
    const settings *chosen = call->settings;
    int64_t inside = es_space_column_count(call->space), outside = es_space_column_count(table);
    bool from_file = chosen->vector != NULL;
    if (inside != outside && (!from_file || chosen->final_norm))
        return cli_fail(&call->error, ES_UNSUPPORTED,
                        "%s: the embedding has %lld columns and the unembedding %lld: its rows are "
                        "no vectors for it",
                        es_space_source(table)->path, (long long)inside, (long long)outside);
    es_status status = from_file ? read_file(call, outside, vectors) : add_sums(call, vectors);
    if (!status && chosen->final_norm)
        status = es_unembed_final_norm(call->space, (int)call->common->threads, vectors->count,
                                       vectors->values, &call->error);
    return status;
}

static es_status answer(cli_call *call, es_space *table, const vectors *vectors)
{
    const settings *chosen = call->settings;
    es_unembedded *answers = calloc((size_t)vectors->count, sizeof *answers);
    if (!answers) return cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    es_unembed_options options = {.k = chosen->count,
                                  .threads = (int)call->common->threads,
                                  .progress = cli_call_progress(call)};
    const char *from = es_space_source(call->space)->tensor;
    bool elsewhere = table != call->space && !chosen->vector;
    es_unembed_setting setting = {.final_norm = chosen->final_norm,
                                  .terms_from = elsewhere ? from : NULL};
    int64_t differing;
    es_render_options render;
    es_status status = es_space_tying(call->space, &setting.tying, &differing, &call->error);
    if (!status)
        status = es_unembed_vectors(table, vectors->values, (const char *const *)vectors->labels,
                                    vectors->count, &options, answers, &call->error);
    for (int64_t i = 0; !status && vectors->is_sum && i < vectors->count; i++)
        answers[i].is_sum = vectors->is_sum[i];
    if (!status) status = cli_call_render(call, &render);
    if (!status)
        status = es_render_unembed(table, &setting, answers, vectors->count, vectors->as_list,
                                   &render, call->out, &call->error);
    for (int64_t i = 0; i < vectors->count; i++) es_unembedded_release(&answers[i]);
    free(answers);
    return status;
}

static es_status run(cli_call *call)
{
    call->input = ((const settings *)call->settings)->vector;
    es_space *unembedding = NULL;
    vectors vectors = {0};
    es_status status = check_usage(call);
    if (!status) status = cli_model_open(call);
    /* A table that the user named is the one that is meant. */
    if (!status && !call->common->space && !call->common->tensor)
        status = es_unembedding_open(call->space, &unembedding, &call->error);
    es_space *table = unembedding ? unembedding : call->space;
    if (!status) status = gather_vectors(call, table, &vectors);
    if (!status) status = answer(call, table, &vectors);
    release_vectors(&vectors);
    es_space_free(unembedding);
    return status;
}

const cli_command cli_command_unembed = {
    .name = "unembed",
    .stage = "The model at work",
    .summary = "the tokens that a vector stands for, by logit and by cosine",
    .arguments = "MODEL [TOKEN [+|- TOKEN]...]",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
