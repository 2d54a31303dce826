#define _GNU_SOURCE
#include "model.h"

#include "interrupt.h"
#include "message.h"
#include "output.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the environment says, NULL where it says nothing. */
static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* first/second in `out`, NULL where it does not fit. */
static const char *join(const char *first, const char *second, char *out, size_t capacity)
{
    int length = snprintf(out, capacity, "%s/%s", first, second);
    return length > 0 && (size_t)length < capacity ? out : NULL;
}

/* The folder that holds "models--org--name", found as the huggingface_hub library finds it. */
static const char *hub_cache(char *out, size_t capacity)
{
    const char *folder = environment("HF_HUB_CACHE");
    if (folder) return folder;
    if ((folder = environment("HF_HOME"))) return join(folder, "hub", out, capacity);
    if ((folder = environment("XDG_CACHE_HOME")))
        return join(folder, "huggingface/hub", out, capacity);
    if ((folder = environment("HOME")))
        return join(folder, ".cache/huggingface/hub", out, capacity);
    return NULL;
}

static const char *folder_that_exists(const char *base, const char *relative, char *out,
                                      size_t capacity)
{
    const char *folder = join(base, relative, out, capacity);
    return folder && !access(folder, R_OK | X_OK) ? folder : NULL;
}

/* Under EMBSCOPE_DATA, or beside this program, in the tree it was
 * built in or in the one it was installed to. */
const char *cli_model_demo_folder(char *out, size_t capacity)
{
    const char *data = environment("EMBSCOPE_DATA");
    if (data) return join(data, "models/demo", out, capacity);
    char program[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", program, sizeof program);
    if (size <= 0 || size == (ssize_t)sizeof program) return NULL;
    program[size] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash) return NULL;
    *slash = '\0';
    char joined[PATH_MAX];
    const char *folder =
        folder_that_exists(program, "../share/embscope/models/demo", joined, sizeof joined);
    if (!folder) folder = folder_that_exists(program, "../models/demo", joined, sizeof joined);
    return folder && capacity >= PATH_MAX ? realpath(folder, out) : NULL; /* without "bin/.." */
}

es_status cli_model_check_output(cli_call *call, const char *path)
{
    static const char *const model_files[] = {
        "config.json", "tokenizer.json", "tokenizer_config.json",       "vocab.json",
        "merges.txt",  "vocab.txt",      "model.safetensors.index.json"};
    enum { FILE_COUNT = sizeof model_files / sizeof *model_files };
    const es_source *source = es_space_source(call->space);
    const cli_common *common = call->common;
    const char *inputs[5 + FILE_COUNT] = {source->path, call->arguments[0], common->vocabulary,
                                          common->tokens, call->input};
    char paths[FILE_COUNT][PATH_MAX];
    for (size_t i = 0; i < FILE_COUNT; i++)
        inputs[5 + i] = *source->folder
                            ? join(source->folder, model_files[i], paths[i], sizeof paths[i])
                            : NULL;
    return cli_output_check(path, inputs, sizeof inputs / sizeof *inputs, &call->error);
}

es_status cli_model_open(cli_call *call)
{
    char cache[PATH_MAX], demo[PATH_MAX];
    const cli_common *common = call->common;
    es_open_options options = {
        .space = common->space,
        .tensor = common->tensor,
        .vocabulary = common->vocabulary,
        .transform = common->transforms.values[0],
        .hub_cache = hub_cache(cache, sizeof cache),
        .demo_folder = cli_model_demo_folder(demo, sizeof demo),
        .threads = (int)common->threads,
    };
    es_status status = es_space_open(call->arguments[0], &options, &call->space, &call->error);
    if (status) return status;
    cli_call_note(call, es_space_note(call->space));
    status = cli_model_check_output(call, common->output);
    if (!status) status = cli_model_check_output(call, common->plot);
    return status ? status : cli_interrupt_check(&call->error);
}
