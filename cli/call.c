#define _GNU_SOURCE
#include "command.h"
#include "interrupt.h"
#include "message.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

es_status cli_call_usage(cli_call *call, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return cli_fail(&call->error, ES_BAD_ARGUMENT, "%s; see 'embscope help %s'", text,
                    call->command->name);
}

es_status cli_call_words(cli_call *call, cli_words *words)
{
    es_status status = ES_OK;
    for (int64_t i = 1; !status && i < call->argument_count; i++)
        status = cli_words_add(words, call->arguments[i], &call->error);
    if (!status && call->common->tokens)
        status = cli_words_read_lines(words, call->common->tokens, &call->error);
    return status;
}

es_selection_options cli_call_selection_options(const cli_call *call)
{
    return (es_selection_options){.prefix = (es_prefix)call->common->prefix,
                                  .pool_mean = call->common->pool != NULL,
                                  .special = call->common->special};
}

es_status cli_call_resolve(cli_call *call, const cli_words *words, es_selection *selection)
{
    es_selection_options options = cli_call_selection_options(call);
    es_status status = es_selection_resolve(call->space, words->word, words->count, &options,
                                            selection, &call->error);
    if (!status) cli_call_note(call, selection->note);
    return status;
}

es_progress cli_call_progress(cli_call *call)
{
    return cli_progress_start(&call->progress, call->command->name, call->common->quiet);
}

/* Colour is for people: a terminal, a table, and nobody who objects (https://no-color.org). */
static bool wants_color(const cli_common *common)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    if (common->json || common->jsonl || common->csv || common->output) return false;
    if (no_color && *no_color) return false;
    return isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

static es_render_options render_options(const cli_call *call)
{
    const cli_common *common = call->common;
    return (es_render_options){
        .output = common->json    ? ES_OUTPUT_JSON
                  : common->jsonl ? ES_OUTPUT_JSONL
                  : common->csv   ? ES_OUTPUT_CSV
                                  : ES_OUTPUT_TABLE,
        .color = wants_color(common),
        .elapsed_seconds = cli_seconds() - call->started,
    };
}

es_status cli_call_render(cli_call *call, es_render_options *options)
{
    cli_progress_finish(&call->progress);
    es_status status = cli_interrupt_check(&call->error);
    if (status) return status;
    *options = render_options(call);
    call->out = open_memstream(&call->answer, &call->answer_size);
    return call->out ? ES_OK : cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
}

es_status cli_call_stream(cli_call *call, const char *path, cli_sink *sink,
                          es_render_options *options)
{
    cli_progress_finish(&call->progress);
    es_status status = cli_interrupt_check(&call->error);
    if (status) return status;
    *options = render_options(call);
    return cli_sink_open(sink, path, &call->error);
}

void cli_call_note(const cli_call *call, const char *text)
{
    if (!call->common->quiet) cli_print_note(text);
}
