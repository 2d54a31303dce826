/* Ctrl-C, and the signals that ask a program to end.
 *
 * The first signal asks: work is cancelled through its progress callback, files are tidied up, exit
 * 130. A second one, or a second that passed, ends the program at once; the temporary file is
 * removed either way. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <embscope/status.h>
#include <stdbool.h>

void cli_interrupt_install(void);

/* The work is over and what is left is to say so: no signal matters any more. One that comes twice
 * (a terminal and a supervisor both send it) is then told once. */
void cli_interrupt_finish(void);

/* Has a signal asked the program to end? */
bool cli_interrupted(void);

/* ES_CANCELLED with its text once a signal has asked, else ES_OK. */
es_status cli_interrupt_check(es_error *error);

/* The file to remove when the program ends at once; NULL when there is none any more. `path` must
 * stay valid until then. */
void cli_interrupt_guard(const char *path);

/* The same for a folder and the files of these names in it; NULL-ended. */
void cli_interrupt_guard_folder(const char *folder, const char *const *names);

#endif
