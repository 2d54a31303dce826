/* cluster: spherical k-means over the whole vocabulary. */
#include "command.h"
#include "message.h"
#include "model.h"

#include <string.h>

typedef struct settings {
    cli_common common;
    int64_t k, seed, restarts, iterations, show;
} settings;

static const cli_example examples[] = {
    {"cluster demo -k 8", "eight clusters, each named by the tokens nearest its center"},
    {"cluster demo -k 50 --seed 1 --csv -o clusters.csv", "every token's cluster, a line each"},
    {"cluster demo -k 50 -o clusters.npz", "labels, cosine and centers, for NumPy"},
    {"cluster demo -k 50 --plot clusters.svg", "a map of the centers"},
    {"cluster demo -k 20 --restarts 5 --json", "the best of five runs, for programs"},
    {0}};

static const char *const details[] = {
    "Spherical k-means: every token belongs to the cluster whose center has the largest cosine "
    "with it, and a center is the mean direction of its tokens. The first centers are drawn by "
    "k-means++ (--seed); then tokens and centers follow each other until no token moves. What "
    "comes out is a local optimum: another seed gives other clusters of much the same quality.",
    "-o FILE.npz writes labels (int32, -1 for a token without a direction), cosine to the center "
    "(float64), centers (float32) and seeds (int64, ids), and the summary goes to standard output. "
    "With any other FILE, -o writes what would have been printed.",
    NULL};

static const cli_option own_options[] = {{.name = "clusters",
                                          .letter = 'k',
                                          .type = CLI_INTEGER,
                                          .value = "K",
                                          .help = "how many clusters (default 20)",
                                          .offset = offsetof(settings, k),
                                          .minimum = 1,
                                          .maximum = INT32_MAX},
                                         {.name = "seed",
                                          .type = CLI_INTEGER,
                                          .value = "S",
                                          .help = "which lot draws the first centers (default 0); "
                                                  "the same on every machine",
                                          .offset = offsetof(settings, seed),
                                          .minimum = 0,
                                          .maximum = INT64_MAX},
                                         {.name = "restarts",
                                          .type = CLI_INTEGER,
                                          .value = "R",
                                          .help = "the best of so many runs (default 1)",
                                          .offset = offsetof(settings, restarts),
                                          .minimum = 1,
                                          .maximum = 10000},
                                         {.name = "iterations",
                                          .type = CLI_INTEGER,
                                          .value = "N",
                                          .help = "at most so many steps a run (default 300)",
                                          .offset = offsetof(settings, iterations),
                                          .minimum = 1,
                                          .maximum = 1000000},
                                         {.name = "show",
                                          .type = CLI_INTEGER,
                                          .value = "N",
                                          .help = "name each cluster by so many tokens (default 8)",
                                          .offset = offsetof(settings, show),
                                          .minimum = 1,
                                          .maximum = INT32_MAX},
                                         {0}};

static const cli_option_group groups[] = {{"Clusters", own_options},
                                          {"Model", cli_model_options},
                                          {"Output", cli_plot_options},
                                          {"Output", cli_csv_options},
                                          {"Output", cli_jsonl_options},
                                          {"Output", cli_output_options},
                                          {0}};

static es_status write_arrays(cli_call *call, const es_clusters *clusters)
{
    cli_sink sink;
    es_render_options unused;
    es_status status = cli_call_stream(call, call->common->output, &sink, &unused);
    call->common->output = NULL; /* the summary is for standard output */
    if (status) return status;
    status = es_render_cluster_npz(clusters, sink.out, &call->error);
    return cli_sink_close(&sink, status, &call->error);
}

/* A line for each row is too long for memory. */
static es_status write_lines(cli_call *call, const es_clusters *clusters)
{
    cli_sink sink;
    es_render_options render;
    es_status status = cli_call_stream(call, call->common->output, &sink, &render);
    if (status) return status;
    status = es_render_cluster(call->space, clusters, &render, sink.out, &call->error);
    return cli_sink_close(&sink, status, &call->error);
}

static es_status answer(cli_call *call, es_clusters *clusters)
{
    const settings *chosen = call->settings;
    es_render_options render;
    es_status status = cli_model_open(call);
    if (status) return status;
    es_cluster_options options = {.k = chosen->k,
                                  .seed = (uint64_t)chosen->seed,
                                  .restarts = chosen->restarts,
                                  .iterations = chosen->iterations,
                                  .shown = chosen->show,
                                  .threads = (int)call->common->threads,
                                  .map = call->common->plot != NULL,
                                  .progress = cli_call_progress(call)};
    status = es_cluster_compute(call->space, &options, clusters, &call->error);
    if (!status && call->common->plot)
        status = es_plot_clusters(call->space, clusters, call->common->plot, &call->error);
    if (!status && cli_names_npz(call->common->output)) status = write_arrays(call, clusters);
    if (status) return status;
    if (call->common->jsonl || call->common->csv) return write_lines(call, clusters);
    status = cli_call_render(call, &render);
    return status ? status
                  : es_render_cluster(call->space, clusters, &render, call->out, &call->error);
}

static es_status run(cli_call *call)
{
    if (call->argument_count != 1) return cli_call_usage(call, "cluster takes one MODEL");
    es_clusters clusters = {0};
    es_status status = answer(call, &clusters);
    es_clusters_release(&clusters);
    return status;
}

const cli_command cli_command_cluster = {
    .name = "cluster",
    .stage = "The whole vocabulary",
    .summary = "groups of tokens: spherical k-means by cosine",
    .arguments = "MODEL",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
