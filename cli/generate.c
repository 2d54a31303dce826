/* The man page and the completions of three shells, made from the same tables as the help. The
 * build runs `embscope --generate man|bash|zsh|fish`. */
#include "command.h"

#include <string.h>

/* --- man -------------------------------------------------------------------------------------- */

/* The day on which what the page says last changed. */
#define MAN_DATE "2026-11-24"

enum { ROFF_WIDTH = 56 };

/* Text for roff: '-' as typed, lines not long, none that starts a request by accident. */
static void print_roff(FILE *out, const char *text)
{
    bool starts = true;
    for (int column = 0; *text; text++, column++) {
        if (*text == ' ' && column >= ROFF_WIDTH) {
            fputc('\n', out);
            column = 0;
            starts = true;
            continue;
        }
        if (starts && (*text == '.' || *text == '\'')) fputs("\\&", out);
        starts = false;
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
    }
}

static void print_roff_line(FILE *out, const char *before, const char *text, const char *after)
{
    fputs(before, out);
    print_roff(out, text);
    fputs(after, out);
}

static void man_paragraphs(FILE *out, const char *const *paragraphs)
{
    for (; *paragraphs; paragraphs++) print_roff_line(out, ".PP\n", *paragraphs, "\n");
}

/* The paragraphs under a heading: roff wants none before the first. */
static void man_text(FILE *out, const char *const *paragraphs)
{
    print_roff_line(out, "", *paragraphs, "\n");
    man_paragraphs(out, paragraphs + 1);
}

static void man_options(FILE *out, const cli_option *options)
{
    for (; options->name; options++) {
        char synopsis[96];
        cli_option_synopsis(options, synopsis, sizeof synopsis);
        print_roff_line(out, ".TP\n\\fB", synopsis, "\\fR\n");
        print_roff_line(out, "", options->help, "\n");
    }
}

/* Tables that several commands share, described once, under OPTIONS. */
static const cli_option *const common_tables[] = {cli_model_options,  cli_token_options,
                                                  cli_tokens_options, cli_plot_options,
                                                  cli_csv_options,    cli_output_options};
enum { COMMON_COUNT = sizeof common_tables / sizeof *common_tables };

static bool is_common(const cli_option *options)
{
    for (size_t i = 0; i < COMMON_COUNT; i++)
        if (common_tables[i] == options) return true;
    return false;
}

static void man_command(FILE *out, const cli_command *command)
{
    print_roff_line(out, ".SS ", command->name, "\n\\fBembscope ");
    print_roff_line(out, "", command->name, "\\fR ");
    print_roff_line(out, "", command->arguments, " [OPTION...]\n");
    man_paragraphs(out, command->details);
    for (const cli_option_group *group = command->options; group->title; group++)
        if (!is_common(group->options)) man_options(out, group->options);
    fputs(".PP\nExamples:\n", out);
    for (const cli_example *example = command->examples; example->line; example++) {
        print_roff_line(out, ".TP\nembscope ", example->line, "\n");
        print_roff_line(out, "", example->what, "\n");
    }
}

static void generate_man(const cli_command *const *commands, FILE *out)
{
    fprintf(out, ".\\\" Made by embscope --generate man.\n.TH EMBSCOPE 1 %s \"embscope %s\"\n",
            MAN_DATE, es_version());
    fputs(".SH NAME\nembscope \\- the geometry of a language model's embedding space\n"
          ".SH SYNOPSIS\n\\fBembscope\\fR COMMAND MODEL [ARGUMENT...] [OPTION...]\n.br\n"
          "\\fBembscope help\\fR [COMMAND|TOPIC]\n.br\n\\fBembscope \\-\\-version\\fR\n"
          ".SH DESCRIPTION\n",
          out);
    print_roff_line(
        out, "",
        "embscope opens a language model's own file and shows how its vocabulary lies in "
        "space: which tokens are near, how the cosines of all pairs are distributed "
        "against chance, how chosen tokens cluster. Answers go to standard output, "
        "everything else to standard error.",
        "\n.SH COMMANDS\n");
    for (; *commands; commands++) man_command(out, *commands);
    fputs(
        ".SH OPTIONS\nOptions may stand before or after the arguments; \\fB\\-\\-\\fR ends them.\n"
        "Not every command has all of these; \\fBembscope help\\fR COMMAND shows which.\n",
        out);
    for (size_t i = 0; i < COMMON_COUNT; i++) man_options(out, common_tables[i]);
    fputs(".TP\n\\fB\\-\\-version\\fR\nthe version, alone on the line\n.SH HELP TOPICS\n"
          "\\fBembscope help\\fR TOPIC shows one of the sections that follow:\n",
          out);
    for (const cli_topic *topic = cli_topics; topic->name; topic++) {
        print_roff_line(out, ".TP\n\\fB", topic->name, "\\fR\n");
        print_roff_line(out, "", topic->summary, "\n");
    }
    for (const cli_topic *topic = cli_topics; topic->name; topic++) {
        fputs(".SH ", out);
        for (const char *at = topic->title; *at; at++)
            fputc(*at >= 'a' && *at <= 'z' ? *at - 32 : *at, out);
        fputc('\n', out);
        man_text(out, topic->paragraphs);
    }
}

/* --- bash ------------------------------------------------------------------------------------- */

/* "auto|none" as "auto none". */
static void print_choices(FILE *out, const char *choices)
{
    for (; *choices; choices++) fputc(*choices == '|' ? ' ' : *choices, out);
}

static bool is_choice(const cli_option *option)
{
    return option->type == CLI_CHOICE || option->type == CLI_WORD;
}

/* Each option of a command, with the command's groups flattened. */
typedef void print_option(FILE *out, const cli_command *command, const cli_option *option);

static void for_each_option(FILE *out, const cli_command *command, print_option *print)
{
    for (const cli_option_group *group = command->options; group->title; group++)
        for (const cli_option *option = group->options; option->name; option++)
            print(out, command, option);
}

static void bash_value(FILE *out, const cli_command *command, const cli_option *option)
{
    if (option->type == CLI_FLAG || option->type == CLI_FILE) return;
    fprintf(out, "    %s:--%s", command->name, option->name);
    if (option->letter) fprintf(out, "|%s:-%c", command->name, option->letter);
    fputs(") ", out);
    if (is_choice(option)) {
        fputs("words='", out);
        print_choices(out, option->value);
        fputs("' ;;\n", out);
    } else {
        fputs("compopt +o default; return ;;\n", out);
    }
}

static void bash_file(FILE *out, const cli_command *command, const cli_option *option)
{
    if (option->type != CLI_FILE) return;
    fprintf(out, "    %s:--%s", command->name, option->name);
    if (option->letter) fprintf(out, "|%s:-%c", command->name, option->letter);
    fputs(") return ;;\n", out);
}

static void bash_name(FILE *out, const cli_command *command, const cli_option *option)
{
    (void)command;
    fprintf(out, " --%s", option->name);
    if (option->letter) fprintf(out, " -%c", option->letter);
}

static void generate_bash(const cli_command *const *commands, FILE *out)
{
    fputs("# Completion of embscope for bash, made by embscope --generate bash.\n"
          "_embscope()\n{\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local command=${COMP_WORDS[1]} words=''\n"
          "    COMPREPLY=()\n"
          "    # bash takes --name=value apart at the sign\n"
          "    if [[ $current == '=' ]]; then current=''\n"
          "    elif [[ $previous == '=' ]]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
          "    if (( COMP_CWORD == 1 )); then\n"
          "        compopt +o default\n"
          "        COMPREPLY=($(compgen -W '",
          out);
    for (size_t i = 0; commands[i]; i++) fprintf(out, "%s ", commands[i]->name);
    fputs("help --help --version' -- \"$current\"))\n        return\n    fi\n"
          "    case $command:$previous in\n",
          out);
    for (size_t i = 0; commands[i]; i++) {
        for_each_option(out, commands[i], bash_value);
        for_each_option(out, commands[i], bash_file);
    }
    fputs("    help:*) compopt +o default; words='", out);
    for (size_t i = 0; commands[i]; i++) fprintf(out, "%s ", commands[i]->name);
    for (const cli_topic *topic = cli_topics; topic->name; topic++)
        fprintf(out, "%s ", topic->name);
    fputs("' ;;\n    *)\n        case $command:$current in\n", out);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(out, "        %s:-*) words='", commands[i]->name);
        for_each_option(out, commands[i], bash_name);
        fputs("' ;;\n", out);
    }
    fputs("        *) (( COMP_CWORD == 2 )) && words=demo ;;\n"
          "        esac ;;\n"
          "    esac\n"
          "    # nothing to offer: file names, by -o default\n"
          "    [[ -z $words ]] || COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
          "    if (( COMP_CWORD == 2 )) && [[ $words == demo ]]; then\n"
          "        local IFS=$'\\n'\n        compopt -o filenames\n"
          "        COMPREPLY+=($(compgen -f -- \"$current\"))\n"
          "    fi\n"
          "}\n"
          "complete -o default -F _embscope embscope\n",
          out);
}

/* --- zsh -------------------------------------------------------------------------------------- */

/* Text in a single-quoted zsh word, inside [...] or after a colon. */
static void zsh_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr("[]:\\", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void zsh_form(FILE *out, const cli_option *option, const char *name, const char *glue)
{
    fprintf(out, " \\\n            '%s%s[", name, option->value ? glue : "");
    zsh_text(out, option->help);
    fputc(']', out);
    if (option->value) {
        fputc(':', out);
        if (!is_choice(option))
            zsh_text(out, option->value);
        else
            fputs("choice", out);
        fputc(':', out);
    }
    if (is_choice(option)) {
        fputc('(', out);
        print_choices(out, option->value);
        fputc(')', out);
    } else if (option->type == CLI_FILE) {
        fputs("_files", out);
    }
    fputc('\'', out);
}

static void zsh_option(FILE *out, const cli_command *command, const cli_option *option)
{
    (void)command;
    char name[64];
    snprintf(name, sizeof name, "--%s", option->name);
    zsh_form(out, option, name, "=");
    if (!option->letter) return;
    snprintf(name, sizeof name, "-%c", option->letter);
    zsh_form(out, option, name, "+");
}

static void generate_zsh(const cli_command *const *commands, FILE *out)
{
    fputs("#compdef embscope\n# Made by embscope --generate zsh.\n\n"
          "_embscope_model() {\n"
          "    _alternative 'models:model:(demo)' 'files:file:_files'\n}\n\n"
          "_embscope() {\n"
          "    local context state state_descr line\n"
          "    typeset -A opt_args\n"
          "    local -a commands=(\n",
          out);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(out, "        '%s:", commands[i]->name);
        zsh_text(out, commands[i]->summary);
        fputs("'\n", out);
    }
    fputs("        'help:examples and options of a command'\n    )\n"
          "    _arguments -C '(- *)--version[the version]' '(- *)--help[list the commands]' \\\n"
          "        '1:command:->command' '*::argument:->arguments'\n"
          "    case $state in\n"
          "    command) _describe command commands ;;\n"
          "    arguments)\n"
          "        case $words[1] in\n",
          out);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(out, "        %s) _arguments", commands[i]->name);
        for_each_option(out, commands[i], zsh_option);
        fputs(" \\\n            '1:MODEL:_embscope_model' '*:argument:_files' ;;\n", out);
    }
    fputs("        help) _arguments '1:command:(", out);
    for (size_t i = 0; commands[i]; i++) fprintf(out, "%s ", commands[i]->name);
    for (const cli_topic *topic = cli_topics; topic->name; topic++)
        fprintf(out, "%s ", topic->name);
    fputs(")' ;;\n        esac ;;\n    esac\n}\n\n_embscope \"$@\"\n", out);
}

/* --- fish ------------------------------------------------------------------------------------- */

static void fish_text(FILE *out, const char *text)
{
    for (fputc('\'', out); *text; text++) {
        if (*text == '\'' || *text == '\\') fputc('\\', out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

static void fish_option(FILE *out, const cli_command *command, const cli_option *option)
{
    fprintf(out, "complete -c embscope -n '__fish_seen_subcommand_from %s' -l %s", command->name,
            option->name);
    if (option->letter) fprintf(out, " -s %c", option->letter);
    if (is_choice(option)) {
        fputs(" -x -a '", out);
        print_choices(out, option->value);
        fputc('\'', out);
    } else if (option->type == CLI_FILE) {
        fputs(" -r -F", out);
    } else if (option->type != CLI_FLAG) {
        fputs(" -x", out);
    }
    fputs(" -d ", out);
    fish_text(out, option->help);
    fputc('\n', out);
}

static void generate_fish(const cli_command *const *commands, FILE *out)
{
    fputs("# Completion of embscope for fish, made by embscope --generate fish.\n"
          "complete -c embscope -n __fish_use_subcommand -f\n"
          "complete -c embscope -n __fish_use_subcommand -l version -d 'the version'\n"
          "complete -c embscope -n __fish_use_subcommand -a help -d 'examples and options of a "
          "command'\n",
          out);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(out, "complete -c embscope -n __fish_use_subcommand -a %s -d ", commands[i]->name);
        fish_text(out, commands[i]->summary);
        fprintf(out, "\ncomplete -c embscope -n '__fish_seen_subcommand_from help' -f -a %s\n",
                commands[i]->name);
        fprintf(out, "complete -c embscope -n '__fish_seen_subcommand_from %s' -a demo\n",
                commands[i]->name);
        for_each_option(out, commands[i], fish_option);
    }
    for (const cli_topic *topic = cli_topics; topic->name; topic++)
        fprintf(out, "complete -c embscope -n '__fish_seen_subcommand_from help' -f -a %s\n",
                topic->name);
}

bool cli_generate(const char *what, const cli_command *const *commands, FILE *out)
{
    if (!strcmp(what, "man"))
        generate_man(commands, out);
    else if (!strcmp(what, "bash"))
        generate_bash(commands, out);
    else if (!strcmp(what, "zsh"))
        generate_zsh(commands, out);
    else if (!strcmp(what, "fish"))
        generate_fish(commands, out);
    else
        return false;
    return true;
}
