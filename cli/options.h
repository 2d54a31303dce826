/* Options: one table serves parsing, --help, the man page and the shell completions.
 *
 * Options may stand before or after the arguments; "--" ends them. A value follows as "--name
 * VALUE", "--name=VALUE", "-n VALUE" or "-nVALUE". "-" alone is an argument. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <embscope/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an option's value is, and what its field in the settings is. */
typedef enum cli_option_type {
    CLI_FLAG,    /* bool */
    CLI_TEXT,    /* const char * */
    CLI_FILE,    /* const char *: a path */
    CLI_INTEGER, /* int64_t in [minimum, maximum] */
    CLI_NUMBER,  /* cli_number, finite */
    CLI_CHOICE,  /* int: which of the words in `value`, from 0 */
    CLI_WORD,    /* const char *: one of the words in `value`, itself */
    CLI_TEXTS    /* cli_texts: the option may be given again */
} cli_option_type;

typedef struct cli_number {
    bool given;
    double value;
} cli_number;

/* The values of an option in the order given. */
enum { CLI_TEXT_LIMIT = 16 };
typedef struct cli_texts {
    const char *values[CLI_TEXT_LIMIT];
    int count;
} cli_texts;

typedef struct cli_option {
    const char *name; /* without "--"; NULL ends a table */
    char letter;      /* the short name, or 0 */
    cli_option_type type;
    const char *value; /* what stands for the value: "FILE", "N", "auto|none|space" */
    const char *help;
    size_t offset;            /* of its field in the command's settings */
    int64_t minimum, maximum; /* CLI_INTEGER */
} cli_option;

/* Tables that belong together under a heading of the help; `title` NULL ends a list of groups. */
typedef struct cli_option_group {
    const char *title;
    const cli_option *options;
} cli_option_group;

/* The options that every command has, or most. Each command's settings start with these. */
typedef struct cli_common {
    /* cli_model_options */
    const char *space, *tensor, *vocabulary;
    cli_texts transforms; /* one at most, but where a command compares them */
    int64_t threads;
    /* cli_token_options */
    int prefix;       /* an es_prefix */
    const char *pool; /* NULL or "mean" */
    bool special;
    const char *tokens;
    /* cli_output_options */
    bool json, jsonl, csv, quiet, help;
    const char *output, *plot;
} cli_common;

extern const cli_option cli_model_options[];
extern const cli_option cli_run_options[];    /* --vocab --threads, of a model that is run */
extern const cli_option cli_token_options[];  /* --prefix --pool --special */
extern const cli_option cli_tokens_options[]; /* --tokens FILE */
extern const cli_option cli_plot_options[];   /* --plot FILE */
extern const cli_option cli_csv_options[];    /* --csv */
extern const cli_option cli_jsonl_options[];  /* --jsonl */
extern const cli_option cli_output_options[]; /* --json -o --quiet --help */

/* Sort argv[0..count) into options, written to the fields of `settings`, and arguments, moved to
 * the front of argv in their order; *argument_count is how many. A wrong option is BAD_ARGUMENT,
 * with the right one nearest to it. */
es_status cli_options_parse(const cli_option_group *groups, int count, char **argv, void *settings,
                            int *argument_count, es_error *error);

/* How an option reads in help: "-o, --output FILE", "--space input|output|position". */
void cli_option_synopsis(const cli_option *option, char *out, size_t capacity);

#endif
