/* Help for people, made from the tables. */
#include "command.h"

#include <string.h>

enum { WIDTH = 80, LETTER_COLUMN = 2, NAME_COLUMN = 6, HELP_COLUMN = 28 };

static int indent_to(FILE *out, int from, int column)
{
    if (from && from + 2 > column) { /* no room for a gap */
        fputc('\n', out);
        from = 0;
    }
    fprintf(out, "%*s", column - from, "");
    return column;
}

/* Words of `text` from `column` on, which the caller has reached, wrapped at WIDTH. */
static void print_wrapped(FILE *out, const char *text, int column)
{
    int at = column;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (at > column && at + 1 + length > WIDTH) {
            fputc('\n', out);
            at = indent_to(out, 0, column);
        }
        if (at > column) at += fprintf(out, " ");
        at += fprintf(out, "%.*s", length, text);
        text += length + (text[length] == ' ');
    }
    fputc('\n', out);
}

static void print_paragraphs(FILE *out, const char *const *paragraphs)
{
    for (; paragraphs && *paragraphs; paragraphs++) {
        print_wrapped(out, *paragraphs, 0);
        if (paragraphs[1]) fputc('\n', out);
    }
}

static void print_examples(FILE *out, const cli_example *examples)
{
    fputs("Examples:\n", out);
    for (; examples->line; examples++) {
        fprintf(out, "  embscope %s\n", examples->line);
        print_wrapped(out, examples->what, indent_to(out, 0, 6));
    }
}

void cli_help_overview(const cli_command *const *commands, FILE *out)
{
    static const cli_example examples[] = {
        {"similarity demo cat dog banana", "the cosine similarity of each pair"},
        {"neighbors demo cat", "the tokens nearest to one"},
        {"report demo -o report.html", "the whole tour, on one page"},
        {0}};
    fputs("embscope shows the geometry of a language model's embedding space.\n\n", out);
    print_examples(out, examples);
    fputs("\nUsage: embscope COMMAND MODEL [ARGUMENT...] [OPTION...]\n", out);
    const char *stage = "";
    for (; *commands; commands++) {
        if (strcmp(stage, (*commands)->stage) != 0)
            fprintf(out, "\n%s\n", stage = (*commands)->stage);
        int at = fprintf(out, "  %s", (*commands)->name);
        print_wrapped(out, (*commands)->summary, indent_to(out, at, 16));
    }
    fputs("\nMore\n", out);
    for (const cli_topic *topic = cli_topics; topic->name; topic++) {
        int at = fprintf(out, "  help %s", topic->name);
        print_wrapped(out, topic->summary, indent_to(out, at, 20));
    }
    fputs("  help COMMAND      examples and options of a command\n"
          "  --version         the version\n",
          out);
}

static void print_options(FILE *out, const cli_option_group *group)
{
    const char *title = "";
    for (; group->title; group++) {
        if (strcmp(title, group->title) != 0) fprintf(out, "\n%s\n", title = group->title);
        for (const cli_option *option = group->options; option->name; option++) {
            char synopsis[96];
            cli_option_synopsis(option, synopsis, sizeof synopsis);
            int at =
                fprintf(out, "%*s%s", option->letter ? LETTER_COLUMN : NAME_COLUMN, "", synopsis);
            print_wrapped(out, option->help, indent_to(out, at, HELP_COLUMN));
        }
    }
}

void cli_help_command(const cli_command *command, FILE *out)
{
    print_examples(out, command->examples);
    fprintf(out, "\nUsage: embscope %s %s [OPTION...]\n\n", command->name, command->arguments);
    print_paragraphs(out, command->details);
    print_options(out, command->options);
}

bool cli_help_topic(const char *name, FILE *out)
{
    for (const cli_topic *topic = cli_topics; topic->name; topic++) {
        if (strcmp(name, topic->name) != 0) continue;
        fprintf(out, "%s: %s\n\n", topic->title, topic->summary);
        print_paragraphs(out, topic->paragraphs);
        return true;
    }
    return false;
}
