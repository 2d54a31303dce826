/* export: the rows in a file that other programs read. */
#define _GNU_SOURCE
#include "command.h"
#include "folder.h"
#include "message.h"
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { BROWSER_ROWS = 100000 };

typedef struct settings {
    cli_common common;
    const char *format, *dtype;
    int64_t rows, random, seed;
    bool unit, force;
} settings;

static const cli_example examples[] = {
    {"export demo -o demo.npy", "the token embeddings, for NumPy"},
    {"export demo -o demo.vec --transform abtt", "word2vec's text form, for gensim; after a "
                                                 "transform"},
    {"export demo -o points --format projector --random 1000",
     "a folder for TensorBoard's projector"},
    {"export demo \" cat\" \" dog\" \" horse\" -o three.npz --unit",
     "three unit rows, their ids and names"},
    {"export demo -o half.safetensors --dtype f16 --json", "in half the space"},
    {0}};

static const char *const details[] = {
    "The ending of -o tells the format: .npy; .npz (vectors, ids, tokens); .safetensors (one "
    "tensor, vectors); .bin, word2vec's binary form; .vec or .txt, its text form. --format names "
    "it whatever the ending; glove is the text form without its first line; projector is a folder "
    "for TensorBoard's embedding projector (tensors.tsv, metadata.tsv and the configuration), "
    "which -o with a slash at the end means, too.",
    "Numbers are as stored, to the bit, where the rows are; after a transform, with --unit or of "
    "pooled words they are float32. --dtype rounds each once, to the nearest, ties to even. Text "
    "has the shortest decimals that read back the same number. BF16, which NumPy does not know, is "
    "written as the same numbers in float32, but for safetensors. A zero row stays one; numbers "
    "that are not finite stay (nan, inf in text), but the projector cannot show such a row, and it "
    "is left out there.",
    "A key in word2vec's formats ends at the first space, so tokens of a byte-level BPE are "
    "spelled "
    "as their vocab.json spells them: \" cat\" as \xC4\xA0"
    "cat. Of other keys only spaces, control "
    "characters and bytes that are not UTF-8 are spelled so. A row without a token is #ID, and of "
    "two equal keys the later one has #ID after it: no reader loses a row.",
    "The file, or the folder, appears whole or not at all.", NULL};

static const cli_option own_options[] = {
    {.name = "format",
     .type = CLI_WORD,
     .value = "npy|npz|safetensors|word2vec|word2vec-text|glove|projector",
     .help = "what to write (default: by the ending of -o)",
     .offset = offsetof(settings, format)},
    {.name = "dtype",
     .type = CLI_WORD,
     .value = "f32|f16|f64",
     .help = "what numbers are rounded to (default: as stored; float32 where rows are changed)",
     .offset = offsetof(settings, dtype)},
    {.name = "unit",
     .type = CLI_FLAG,
     .help = "divide each row by its norm",
     .offset = offsetof(settings, unit)},
    {.name = "force",
     .type = CLI_FLAG,
     .help = "replace a folder that holds an export",
     .offset = offsetof(settings, force)},
    {0}};

static const cli_option row_options[] = {
    {.name = "rows",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "the first N rows alone: in most word vectors the most frequent words",
     .offset = offsetof(settings, rows),
     .minimum = 1,
     .maximum = INT64_MAX},
    {.name = "random",
     .type = CLI_INTEGER,
     .value = "N",
     .help = "N different rows drawn by lot",
     .offset = offsetof(settings, random),
     .minimum = 1,
     .maximum = INT64_MAX},
    {.name = "seed",
     .type = CLI_INTEGER,
     .value = "S",
     .help = "which lot --random draws (default 0); the same on every machine",
     .offset = offsetof(settings, seed),
     .minimum = 0,
     .maximum = INT64_MAX},
    {0}};

static const cli_option_group groups[] = {{"Export", own_options},
                                          {"Rows", row_options},
                                          {"Rows", cli_tokens_options},
                                          {"Rows", cli_token_options},
                                          {"Model", cli_model_options},
                                          {"Output", cli_output_options},
                                          {0}};

/* ---- what is asked -----------------------------------------------------------------------------
 */

static bool ends_with(const char *path, const char *ending)
{
    size_t size = strlen(path), length = strlen(ending);
    return size > length && !strcasecmp(path + size - length, ending);
}

static bool is_folder(const char *path)
{
    struct stat state;
    return !stat(path, &state) && S_ISDIR(state.st_mode);
}

static es_status choose_format(cli_call *call, es_export_format *format)
{
    static const struct {
        const char *ending;
        es_export_format format;
    } endings[] = {{".npy", ES_EXPORT_NPY},
                   {".npz", ES_EXPORT_NPZ},
                   {".safetensors", ES_EXPORT_SAFETENSORS},
                   {".bin", ES_EXPORT_WORD2VEC},
                   {".vec", ES_EXPORT_WORD2VEC_TEXT},
                   {".txt", ES_EXPORT_WORD2VEC_TEXT}};
    const settings *chosen = call->settings;
    const char *path = call->common->output;
    for (int f = 0; chosen->format && f <= ES_EXPORT_PROJECTOR; f++)
        if (!strcmp(chosen->format, es_export_format_text((es_export_format)f)))
            return *format = (es_export_format)f, ES_OK;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(path, endings[i].ending)) return *format = endings[i].format, ES_OK;
    if (ends_with(path, "/") || is_folder(path)) return *format = ES_EXPORT_PROJECTOR, ES_OK;
    return cli_call_usage(call,
                          "-o %s: in which format? End it in .npy, .npz, .safetensors, .bin, .vec, "
                          ".txt or /, or give --format",
                          path);
}

static es_status check_usage(cli_call *call)
{
    const settings *chosen = call->settings;
    bool tokens = call->argument_count > 1 || call->common->tokens;
    if (!call->common->output) return cli_call_usage(call, "export needs -o FILE");
    if (!!chosen->rows + !!chosen->random + tokens > 1)
        return cli_call_usage(call, "--rows, --random and tokens exclude each other");
    if (chosen->seed && !chosen->random) return cli_call_usage(call, "--seed needs --random");
    return ES_OK;
}

static es_status first_rows(cli_call *call, int64_t asked, es_selection *selection)
{
    int64_t rows = es_space_row_count(call->space), count = asked < rows ? asked : rows;
    int64_t *ids = calloc((size_t)count, sizeof *ids);
    if (!ids) return cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    for (int64_t i = 0; i < count; i++) ids[i] = i;
    es_status status = es_selection_from_ids(call->space, ids, count, selection, &call->error);
    free(ids);
    return status;
}

static es_status choose_rows(cli_call *call, es_selection *selection)
{
    const settings *chosen = call->settings;
    if (chosen->rows) return first_rows(call, chosen->rows, selection);
    if (chosen->random)
        return es_selection_random(call->space, chosen->random, (uint64_t)chosen->seed, selection,
                                   &call->error);
    cli_words words = {0};
    es_status status = cli_call_words(call, &words);
    if (!status && words.count) status = cli_call_resolve(call, &words, selection);
    if (!status && !words.count && call->common->tokens)
        status =
            cli_fail(&call->error, ES_BAD_INPUT, "%s: there is no token", call->common->tokens);
    cli_words_release(&words);
    return status;
}

/* ---- writing it --------------------------------------------------------------------------------
 */

static int64_t size_of(const char *path)
{
    struct stat state;
    return stat(path, &state) || !S_ISREG(state.st_mode) ? 0 : (int64_t)state.st_size;
}

static es_status write_file(cli_call *call, const char *path, const es_export_options *options,
                            es_export *written, int64_t *bytes)
{
    cli_sink sink;
    es_status status =
        cli_output_room(path, es_export_least_bytes(call->space, options), &call->error);
    if (!status) status = cli_sink_open(&sink, path, &call->error);
    if (status) return status;
    FILE *const files[ES_EXPORT_FILES] = {sink.out};
    status = es_export_write(call->space, options, files, written, &call->error);
    cli_progress_finish(&call->progress);
    status = cli_sink_close(&sink, status, &call->error);
    *bytes = size_of(path);
    return status;
}

static es_status write_folder(cli_call *call, cli_folder *folder, const es_export_options *options,
                              es_export *written, int64_t *bytes)
{
    int64_t rows = options->rows ? options->rows->count : es_space_row_count(call->space);
    if (rows > BROWSER_ROWS)
        cli_call_note(call,
                      "a browser shows about 100,000 points; --rows 100000 or --random 100000 "
                      "writes fewer");
    es_status status =
        cli_output_room(folder->target, es_export_least_bytes(call->space, options), &call->error);
    if (!status) status = cli_folder_open(folder, &call->error);
    if (status) return status;
    FILE *files[ES_EXPORT_FILES] = {0};
    for (int i = 0; i < folder->count; i++) files[i] = folder->files[i].out;
    status = es_export_write(call->space, options, files, written, &call->error);
    cli_progress_finish(&call->progress);
    int count = folder->count;
    status = cli_folder_close(folder, status, &call->error);
    *bytes = 0;
    for (int i = 0; !status && i < count; i++) *bytes += size_of(folder->shown[i]);
    return status;
}

/* Is the folder fit to be written, and none of its files read by this command? */
static es_status check_folder(cli_call *call, const char *path, cli_folder *folder,
                              const char *names[ES_EXPORT_FILES + 1])
{
    const settings *chosen = call->settings;
    for (int i = 0; i <= ES_EXPORT_FILES; i++)
        names[i] = es_export_file_name(ES_EXPORT_PROJECTOR, i);
    es_status status = cli_folder_check(folder, path, names, chosen->force, &call->error);
    for (int i = 0; !status && folder->replaces && names[i]; i++) {
        char file[PATH_MAX + 32];
        snprintf(file, sizeof file, "%s/%s", folder->target, names[i]);
        status = cli_model_check_output(call, file);
    }
    return status;
}

static es_status write_rows(cli_call *call, es_export_format format, const char *path,
                            const es_selection *selection, cli_folder *folder)
{
    static const char *const dtypes[] = {
        [ES_EXPORT_F32] = "f32", [ES_EXPORT_F16] = "f16", [ES_EXPORT_F64] = "f64"};
    const settings *chosen = call->settings;
    es_export_options options = {.format = format,
                                 .rows = selection->count ? selection : NULL,
                                 .unit = chosen->unit,
                                 .threads = (int)call->common->threads,
                                 .progress = cli_call_progress(call)};
    for (int i = ES_EXPORT_F32; chosen->dtype && i <= ES_EXPORT_F64; i++)
        if (!strcmp(dtypes[i], chosen->dtype)) options.dtype = (es_export_dtype)i;
    es_export written;
    int64_t bytes = 0;
    es_status status = folder ? write_folder(call, folder, &options, &written, &bytes)
                              : write_file(call, path, &options, &written, &bytes);
    es_render_options render;
    if (!status) status = cli_call_render(call, &render);
    return status ? status
                  : es_render_export(call->space, &written, path, bytes, &render, call->out,
                                     &call->error);
}

static es_status run(cli_call *call)
{
    es_export_format format = ES_EXPORT_NPY;
    es_status status = check_usage(call);
    if (!status) status = choose_format(call, &format);
    if (status) return status;
    bool is_one = format != ES_EXPORT_PROJECTOR;
    const char *path = call->common->output, *names[ES_EXPORT_FILES + 1];
    es_selection selection = {0};
    cli_folder *folder = is_one ? NULL : calloc(1, sizeof *folder);
    if (!is_one && !folder) return cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    if (!is_one) call->common->output = NULL; /* a folder is looked at below */
    status = cli_model_open(call);
    if (!status && folder) status = check_folder(call, path, folder, names);
    call->common->output = NULL; /* the summary is for standard output */
    if (!status) status = choose_rows(call, &selection);
    if (!status) status = write_rows(call, format, path, &selection, folder);
    es_selection_release(&selection);
    free(folder);
    return status;
}

const cli_command cli_command_export = {
    .name = "export",
    .stage = "All of it",
    .summary = "the rows in a file for NumPy, gensim, TensorBoard and others",
    .arguments = "MODEL [TOKEN...] -o FILE",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
