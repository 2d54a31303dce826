/* What the program says to its user: everything but the answer goes to stderr, one line each,
 *
 *     embscope: error: TEXT
 *     embscope: note: TEXT
 *
 * The program's own symbols start with cli_, the library's with es_: a reader sees which side of
 * the public headers a call is on. */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include <embscope/status.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    CLI_EXIT_DONE = 0,
    CLI_EXIT_INPUT = 1,  /* the input cannot be used */
    CLI_EXIT_USAGE = 2,  /* wrong usage */
    CLI_EXIT_OUTPUT = 3, /* the output cannot be written */
    CLI_EXIT_INTERRUPTED = 130
};

/* The exit code that stands for a status. */
int cli_exit_code(es_status status);

/* Fill *error and return `status`, as the library does for itself. Bytes of arguments and file
 * names that a terminal must not see are escaped. */
es_status cli_fail(es_error *error, es_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* cli_fail() with the text of errno value `code` after "PATH: ". */
es_status cli_fail_path(es_error *error, es_status status, const char *path, int code);

void cli_print_error(const es_error *error);

/* One "note:" line for each line of `text`; NULL says nothing. */
void cli_print_note(const char *text);

/* Of `count` names the one that `typed` most likely stands for, or NULL where none is near: few
 * typing slips away, or the only one that starts so. name(context, i) gives the i-th. */
const char *cli_nearest(const char *typed, size_t count,
                        const char *(*name)(const void *context, size_t index),
                        const void *context);

#endif
