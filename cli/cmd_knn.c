/* knn: the nearest tokens of every token, and what their graph says. */
#include "command.h"
#include "message.h"
#include "model.h"

#include <string.h>

enum { DEFAULT_K = 10 };
#define LARGE_BYTES ((double)(1 << 30)) /* an answer of this size is told before the work */

typedef struct settings {
    cli_common common;
    int64_t k;
} settings;

static const cli_example examples[] = {
    {"knn demo", "hubs, most similar pairs, dimension: what the 10 nearest say"},
    {"knn demo -k 100 -o graph.npz", "the graph, for NumPy: ids and cosine, (tokens, 100) each"},
    {"knn demo -k 5 --jsonl -o graph.jsonl", "a JSON object for each token"},
    {"knn demo --plot hubness.svg", "in how many lists the tokens stand, drawn"},
    {"knn demo --transform center --json", "of the centred rows, for programs"},
    {0}};

static const char *const details[] = {
    "Exact: each list is what a float64 brute force over the whole vocabulary returns, ordered by "
    "cosine, then by id; the token itself is left out by id, so that a duplicate of it stays. A "
    "token whose row is zero or not finite has no list: -1 and NaN in FILE.npz.",
    "-o FILE.npz writes the graph, ids as int32 and cosine as float32, and the summary goes to "
    "standard output. With any other FILE, -o writes what would have been printed.",
    NULL};

static const cli_option own_options[] = {{.name = "count",
                                          .letter = 'k',
                                          .type = CLI_INTEGER,
                                          .value = "K",
                                          .help = "how many neighbors of each token (default 10)",
                                          .offset = offsetof(settings, k),
                                          .minimum = 1,
                                          .maximum = INT32_MAX},
                                         {0}};

static const cli_option_group groups[] = {{"Neighbors", own_options},
                                          {"Model", cli_model_options},
                                          {"Output", cli_plot_options},
                                          {"Output", cli_csv_options},
                                          {"Output", cli_jsonl_options},
                                          {"Output", cli_output_options},
                                          {0}};

static void tell_size(const cli_call *call, int64_t k)
{
    int64_t rows = es_space_row_count(call->space);
    double bytes = (double)rows * (double)k * (sizeof(int32_t) + sizeof(float));
    char text[160];
    if (bytes <= LARGE_BYTES) return;
    snprintf(text, sizeof text, "the graph takes %.1f GiB: %lld rows, %lld neighbors each",
             bytes / LARGE_BYTES, (long long)rows, (long long)k);
    cli_call_note(call, text);
}

static es_status write_graph(cli_call *call, const char *path, const es_knn *knn)
{
    cli_sink sink;
    es_render_options unused;
    es_status status = cli_call_stream(call, path, &sink, &unused);
    if (status) return status;
    status = es_render_knn_npz(knn, sink.out, &call->error);
    return cli_sink_close(&sink, status, &call->error);
}

/* A line for each row or neighbour is too long for memory. */
static es_status write_lines(cli_call *call, const es_knn *knn)
{
    cli_sink sink;
    es_render_options render;
    es_status status = cli_call_stream(call, call->common->output, &sink, &render);
    if (status) return status;
    status = es_render_knn(call->space, knn, &render, sink.out, &call->error);
    return cli_sink_close(&sink, status, &call->error);
}

static es_status answer(cli_call *call, es_knn *knn)
{
    int64_t k = ((const settings *)call->settings)->k;
    es_render_options render;
    es_status status = cli_model_open(call);
    if (status) return status;
    tell_size(call, k ? k : DEFAULT_K);
    es_knn_options options = {.k = k ? k : DEFAULT_K,
                              .threads = (int)call->common->threads,
                              .progress = cli_call_progress(call)};
    status = es_knn_compute(call->space, &options, knn, &call->error);
    if (!status && call->common->plot)
        status = es_plot_hubness(call->space, knn, call->common->plot, &call->error);
    if (!status && cli_names_npz(call->common->output)) {
        status = write_graph(call, call->common->output, knn);
        call->common->output = NULL; /* the summary is for standard output */
    }
    if (status) return status;
    if (call->common->jsonl || call->common->csv) return write_lines(call, knn);
    status = cli_call_render(call, &render);
    return status ? status : es_render_knn(call->space, knn, &render, call->out, &call->error);
}

static es_status run(cli_call *call)
{
    if (call->argument_count != 1) return cli_call_usage(call, "knn takes one MODEL");
    es_knn knn = {0};
    es_status status = answer(call, &knn);
    es_knn_release(&knn);
    return status;
}

const cli_command cli_command_knn = {
    .name = "knn",
    .stage = "The whole vocabulary",
    .summary = "the nearest tokens of every token, hubs and most similar pairs",
    .arguments = "MODEL",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
