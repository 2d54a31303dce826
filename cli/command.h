/* A command: one row of the table in main.c, one file cmd_<name>.c.
 *
 * To add one: write cmd_<name>.c (a settings struct that starts with cli_common, an option table,
 * a run function, the cli_command), declare it below, put it into `commands` in main.c at its place
 * in the pipeline, name the file in meson.build, and add cases to tests/cli. Help, man page and
 * completions follow from the table. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "lines.h"
#include "options.h"
#include "output.h"
#include "progress.h"

#include <embscope/embscope.h>
#include <stdio.h>

typedef struct cli_command cli_command;

/* One run of a command. The run function fills what it needs; main.c releases all of it. */
typedef struct cli_call {
    const cli_command *command;
    cli_common *common;     /* the start of settings */
    void *settings;         /* the command's own struct */
    const char **arguments; /* MODEL first */
    int64_t argument_count; /* MODEL included */
    const char *input;      /* a file the command reads besides the common ones, or NULL */
    es_space *space;        /* by cli_model_open() */
    cli_progress progress;
    double started;
    FILE *out; /* the answer as it is rendered, in memory; NULL: it went out by itself */
    char *answer;
    size_t answer_size;
    es_error error; /* what the run function failed with */
} cli_call;

typedef struct cli_example {
    const char *line; /* without "embscope " */
    const char *what;
} cli_example;

struct cli_command {
    const char *name;
    const char *stage; /* the heading it stands under in `embscope help` */
    const char *summary;
    const char *arguments;       /* "MODEL TOKEN TOKEN..." */
    const cli_example *examples; /* ends with a NULL line; all work on the model "demo" */
    const char *const *details;  /* paragraphs, NULL-ended */
    const cli_option_group *options;
    size_t settings_size;
    bool compares_transforms; /* --transform may be given several times */
    es_status (*run)(cli_call *call);
};

extern const cli_command cli_command_info;
extern const cli_command cli_command_tokenize;
extern const cli_command cli_command_similarity;
extern const cli_command cli_command_neighbors;
extern const cli_command cli_command_matrix;
extern const cli_command cli_command_distribution;
extern const cli_command cli_command_spectrum;
extern const cli_command cli_command_knn;
extern const cli_command cli_command_positions;
extern const cli_command cli_command_audit;
extern const cli_command cli_command_cluster;
extern const cli_command cli_command_predict;
extern const cli_command cli_command_compare;
extern const cli_command cli_command_drift;
extern const cli_command cli_command_evaluate;
extern const cli_command cli_command_unembed;
extern const cli_command cli_command_generate;
extern const cli_command cli_command_report;
extern const cli_command cli_command_export;

/* What several commands do (call.c). All of them fill call->error. */

/* Wrong usage: the text, and where the right one is told. */
es_status cli_call_usage(cli_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The tokens named after MODEL, then those of --tokens FILE. */
es_status cli_call_words(cli_call *call, cli_words *words);

/* Words to rows, under --prefix, --pool and --special; the note goes to stderr. */
es_selection_options cli_call_selection_options(const cli_call *call);
es_status cli_call_resolve(cli_call *call, const cli_words *words, es_selection *selection);

/* A progress callback that shows the command's name and carries Ctrl-C. */
es_progress cli_call_progress(cli_call *call);

/* Open the answer, to be rendered into call->out with *options. */
es_status cli_call_render(cli_call *call, es_render_options *options);

/* The same for an answer too long for memory: it goes to `path` (NULL: standard output) as it is
 * rendered into sink->out. End it with cli_sink_close(). */
es_status cli_call_stream(cli_call *call, const char *path, cli_sink *sink,
                          es_render_options *options);

void cli_call_note(const cli_call *call, const char *text);

/* The help of a command, of all of them, and what is made of the tables at build time. They return
 * false where there is no such thing. */
void cli_help_overview(const cli_command *const *commands, FILE *out);
void cli_help_command(const cli_command *command, FILE *out);
bool cli_help_topic(const char *name, FILE *out);
bool cli_generate(const char *what, const cli_command *const *commands, FILE *out);

/* Paragraphs that no single command owns: MODEL, TOKEN, environment, exit status. */
typedef struct cli_topic {
    const char *name;  /* "model" in `embscope help model` */
    const char *title; /* "MODEL" */
    const char *summary;
    const char *const *paragraphs; /* NULL-ended; one that starts with a space is kept as it is */
} cli_topic;
extern const cli_topic cli_topics[]; /* ends with a NULL name */

#endif
