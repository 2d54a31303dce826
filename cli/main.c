/* embscope COMMAND MODEL ...: the table of commands, and what surrounds each of them. */
#define _GNU_SOURCE
#include "command.h"
#include "interrupt.h"
#include "message.h"
#include "output.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In the order of the pipeline, which is the order of the help. */
static const cli_command *const commands[] = {&cli_command_info,       &cli_command_tokenize,
                                              &cli_command_similarity, &cli_command_neighbors,
                                              &cli_command_matrix,     &cli_command_distribution,
                                              &cli_command_spectrum,   &cli_command_cluster,
                                              &cli_command_knn,        &cli_command_audit,
                                              &cli_command_positions,  &cli_command_evaluate,
                                              &cli_command_predict,    &cli_command_generate,
                                              &cli_command_unembed,    &cli_command_compare,
                                              &cli_command_drift,      &cli_command_report,
                                              &cli_command_export,     NULL};

/* Commands that users may have read about, and that are not in this version. */
static const char *const later_commands[] = {"search", "fetch", "serve"};

static const cli_command *find_command(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (!strcmp(commands[i]->name, name)) return commands[i];
    return NULL;
}

static const char *command_name(const void *context, size_t index)
{
    return ((const cli_command *const *)context)[index]->name;
}

static es_status fail_unknown(const char *name, es_error *error)
{
    for (size_t i = 0; i < sizeof later_commands / sizeof *later_commands; i++)
        if (!strcmp(later_commands[i], name))
            return cli_fail(error, ES_BAD_ARGUMENT, "'%s' is not in this version (%s)", name,
                            es_version());
    size_t count = sizeof commands / sizeof *commands - 1;
    const char *nearest = cli_nearest(name, count, command_name, commands);
    if (nearest)
        return cli_fail(error, ES_BAD_ARGUMENT, "'%s' is not a command; did you mean '%s'?", name,
                        nearest);
    return cli_fail(error, ES_BAD_ARGUMENT, "'%s' is not a command; 'embscope help' lists them",
                    name);
}

/* Text for standard output, whole, its write checked. */
typedef struct page {
    FILE *out;
    char *data;
    size_t size;
} page;

static es_status page_open(page *page, es_error *error)
{
    *page = (struct page){0};
    page->out = open_memstream(&page->data, &page->size);
    return page->out ? ES_OK : cli_fail(error, ES_NO_MEMORY, "out of memory");
}

static es_status page_print(page *page, es_error *error)
{
    bool complete = !ferror(page->out) & !fclose(page->out);
    es_status status = complete ? cli_output_write(NULL, page->data, page->size, error)
                                : cli_fail(error, ES_NO_MEMORY, "out of memory");
    free(page->data);
    return status;
}

/* embscope help [COMMAND|TOPIC] */
static es_status help(const char *name, es_error *error)
{
    page page;
    es_status status = page_open(&page, error);
    if (status) return status;
    const cli_command *command = name ? find_command(name) : NULL;
    if (!name)
        cli_help_overview(commands, page.out);
    else if (command)
        cli_help_command(command, page.out);
    else if (!cli_help_topic(name, page.out))
        status = fail_unknown(name, error);
    if (!status) return page_print(&page, error);
    fclose(page.out);
    free(page.data);
    return status;
}

static es_status version(es_error *error)
{
    page page;
    es_status status = page_open(&page, error);
    if (status) return status;
    fprintf(page.out, "embscope %s\n", es_version());
    return page_print(&page, error);
}

/* embscope --generate man|bash|zsh|fish: for the build alone, so not in the help. */
static es_status generate(const char *what, es_error *error)
{
    page page;
    es_status status = page_open(&page, error);
    if (status) return status;
    if (what && cli_generate(what, commands, page.out)) return page_print(&page, error);
    fclose(page.out);
    free(page.data);
    return cli_fail(error, ES_BAD_ARGUMENT, "--generate takes man, bash, zsh or fish");
}

static es_status check_call(cli_call *call)
{
    const cli_common *common = call->common;
    if (!call->argument_count)
        return cli_call_usage(call, "a MODEL is missing: %s %s", call->command->name,
                              call->command->arguments);
    if (!*call->arguments[0]) return cli_call_usage(call, "MODEL is empty");
    if (common->json && common->csv)
        return cli_call_usage(call, "--json and --csv exclude each other");
    if (common->jsonl && (common->json || common->csv))
        return cli_call_usage(call, "--jsonl and --%s exclude each other",
                              common->json ? "json" : "csv");
    if (common->transforms.count > 1 && !call->command->compares_transforms)
        return cli_call_usage(call, "--transform is given twice (its steps are joined by commas)");
    if (common->space && common->tensor)
        return cli_call_usage(call, "--space and --tensor exclude each other");
    if (common->output && common->plot && !strcmp(common->output, common->plot))
        return cli_call_usage(call, "-o and --plot name the same file");
    return ES_OK;
}

/* The answer is complete in memory: bring it out. */
static es_status deliver(cli_call *call)
{
    if (!call->out) return ES_OK;
    bool complete = !ferror(call->out) & !fclose(call->out);
    call->out = NULL;
    if (!complete) return cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    return cli_output_write(call->common->output, call->answer, call->answer_size, &call->error);
}

static es_status run_command(const cli_command *command, int count, char **argv, es_error *error)
{
    cli_call call = {.command = command, .started = cli_seconds()};
    call.settings = calloc(1, command->settings_size);
    if (!call.settings) return cli_fail(error, ES_NO_MEMORY, "out of memory");
    call.common = call.settings;
    int argument_count = 0;
    es_status status = cli_options_parse(command->options, count, argv, call.settings,
                                         &argument_count, &call.error);
    call.arguments = (const char **)argv;
    call.argument_count = argument_count;
    if (!status && call.common->help) {
        free(call.settings);
        return help(command->name, error);
    }
    if (!status) status = check_call(&call);
    if (!status) status = command->run(&call);
    cli_progress_finish(&call.progress);
    if (!status) status = deliver(&call);
    if (call.out) fclose(call.out);
    free(call.answer);
    es_space_free(call.space);
    free(call.settings);
    *error = call.error;
    return status;
}

static es_status dispatch(int argc, char **argv, es_error *error)
{
    const char *name = argv[1];
    if (!strcmp(name, "help")) return help(argc > 2 ? argv[2] : NULL, error);
    if (!strcmp(name, "--help") || !strcmp(name, "-h")) return help(NULL, error);
    if (!strcmp(name, "--version") || !strcmp(name, "version")) return version(error);
    if (!strcmp(name, "--generate")) return generate(argc > 2 ? argv[2] : NULL, error);
    if (name[0] == '-')
        return cli_fail(error, ES_BAD_ARGUMENT, "'%s' before a command; options follow it", name);
    const cli_command *command = find_command(name);
    return command ? run_command(command, argc - 2, argv + 2, error) : fail_unknown(name, error);
}

/* A descriptor 0, 1 or 2 that the caller closed would be taken by the next file opened, and the
 * answer written into it: put something harmless there that fails as a closed one does. */
static void keep_standard_descriptors(void)
{
    for (int descriptor = 0; descriptor <= 2; descriptor++)
        if (fcntl(descriptor, F_GETFD) < 0)
            (void)!open("/dev/null", descriptor == 1 ? O_RDONLY : O_WRONLY);
}

int main(int argc, char **argv)
{
    keep_standard_descriptors();
    cli_interrupt_install();
    if (argc < 2) {
        cli_help_overview(commands, stderr);
        return CLI_EXIT_USAGE;
    }
    es_error error = {0};
    es_status status = dispatch(argc, argv, &error);
    cli_interrupt_finish();
    if (status == ES_CANCELLED && !*error.text) cli_fail(&error, status, "interrupted");
    if (status) cli_print_error(&error);
    return cli_exit_code(status);
}
