/* spectrum: the eigenvalues of the whole vocabulary, its isotropy and its leading directions. */
#include "command.h"
#include "model.h"

typedef struct settings {
    cli_common common;
    int64_t directions, seed;
    int64_t null_tables;
    bool no_null;
} settings;

static const cli_example examples[] = {
    {"spectrum demo", "which directions dominate, and the tokens at their ends"},
    {"spectrum demo --transform raw --transform center --transform abtt:2",
     "what transforms do to it, side by side"},
    {"spectrum demo --plot spectrum.svg", "the eigenvalues, against shuffled columns"},
    {"spectrum demo --csv", "every eigenvalue"},
    {0}};

static const char *const details[] = {
    "The eigenvalues of S, the cosines of all pairs of tokens (n x n, but its eigenvalues are "
    "those "
    "of a d x d matrix), and of the covariance of the unit rows, in which the mean row does not "
    "count. Beside them: where those of random rows would end (Marchenko and Pastur), and those of "
    "the same table with every column shuffled by itself (Horn's parallel analysis). Then how "
    "evenly the space fills its dimensions, which dimensions make the mean cosine, and the leading "
    "directions of the covariance with the tokens at both ends.",
    "--transform may be given several times: each chain has a line, and 'raw' names the rows as "
    "they are.",
    NULL};

static const cli_option own_options[] = {
    {.name = "directions",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "how many leading directions to show tokens of (default 5)",
     .offset = offsetof(settings, directions),
     .minimum = 1,
     .maximum = 1000},
    {.name = "null",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "how many tables with shuffled columns to average over (default 1)",
     .offset = offsetof(settings, null_tables),
     .minimum = 1,
     .maximum = 1000},
    {.name = "no-null",
     .type = CLI_FLAG,
     .help = "no shuffled table: faster, and one table less in memory",
     .offset = offsetof(settings, no_null)},
    {.name = "seed",
     .type = CLI_INTEGER,
     .value = "S",
     .help = "of the shuffles and of the pairs that uniformity draws (default 0); the same on "
             "every machine",
     .offset = offsetof(settings, seed),
     .minimum = 0,
     .maximum = INT64_MAX},
    {0}};

static const cli_option_group groups[] = {
    {"Spectrum", own_options},   {"Model", cli_model_options},   {"Output", cli_plot_options},
    {"Output", cli_csv_options}, {"Output", cli_output_options}, {0}};

static es_spectrum_options spectrum_options(cli_call *call)
{
    const settings *chosen = call->settings;
    return (es_spectrum_options){.directions = chosen->directions,
                                 .null_tables = chosen->no_null ? -1 : chosen->null_tables,
                                 .seed = (uint64_t)chosen->seed,
                                 .threads = (int)call->common->threads,
                                 .progress = cli_call_progress(call)};
}

static es_status answer_one(cli_call *call, es_spectrum *spectrum)
{
    es_render_options render;
    es_spectrum_options options = spectrum_options(call);
    es_status status = es_spectrum_compute(call->space, &options, spectrum, &call->error);
    if (!status && call->common->plot)
        status = es_plot_spectrum(call->space, spectrum, call->common->plot, &call->error);
    if (!status) status = cli_call_render(call, &render);
    return status ? status
                  : es_render_spectrum(call->space, spectrum, &render, call->out, &call->error);
}

static es_status answer_many(cli_call *call, es_spectrum *spectra)
{
    const cli_texts *chains = &call->common->transforms;
    es_render_options render;
    for (int i = 0; i < chains->count; i++) {
        if (i) {
            es_status status = es_space_set_transform(call->space, chains->values[i], &call->error);
            if (status) return status;
        }
        es_spectrum_options options = spectrum_options(call);
        es_status status = es_spectrum_compute(call->space, &options, &spectra[i], &call->error);
        if (status) return status;
    }
    es_status status = es_space_set_transform(call->space, NULL, &call->error);
    if (!status) status = cli_call_render(call, &render);
    return status ? status
                  : es_render_spectra(call->space, chains->values, spectra, chains->count, &render,
                                      call->out, &call->error);
}

static es_status run(cli_call *call)
{
    const settings *chosen = call->settings;
    es_spectrum spectra[CLI_TEXT_LIMIT] = {{0}};
    bool many = call->common->transforms.count > 1;
    if (call->argument_count != 1) return cli_call_usage(call, "spectrum takes one MODEL");
    if (chosen->no_null && chosen->null_tables)
        return cli_call_usage(call, "--null and --no-null exclude each other");
    if (many && call->common->plot)
        return cli_call_usage(call, "--plot draws one spectrum: give --transform once");
    es_status status = cli_model_open(call);
    if (!status) status = many ? answer_many(call, spectra) : answer_one(call, &spectra[0]);
    for (int i = 0; i < CLI_TEXT_LIMIT; i++) es_spectrum_release(&spectra[i]);
    return status;
}

const cli_command cli_command_spectrum = {
    .name = "spectrum",
    .stage = "The whole vocabulary",
    .summary = "eigenvalues, isotropy, and the tokens at the ends of the leading directions",
    .arguments = "MODEL",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .compares_transforms = true,
    .run = run,
};
