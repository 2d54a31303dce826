/* Questions of several words: "king - man + woman", from the arguments or a line each from a file.
 */
#ifndef CLI_QUESTIONS_H
#define CLI_QUESTIONS_H

#include "command.h"

/* What is asked: question q is the terms from end[q - 1] (0 for the first) to end[q], with their
 * signs. The terms point into `lines` and `copies`, or into the program's arguments. All zero is
 * empty; release with cli_questions_release(). */
typedef struct cli_questions {
    int64_t count, *end;
    int *signs; /* (terms.count), +1 or -1 */
    cli_words terms, lines, copies;
} cli_questions;

extern const cli_option cli_questions_options[]; /* --tokens FILE */

/* The arguments after MODEL, one question; or a question a line of --tokens FILE. */
es_status cli_questions_read(cli_call *call, cli_questions *asked);

/* What the words of all questions stand for, found together, then dealt out to the questions:
 * *queries (asked->count), to be freed, points into `asked` and `selection`. Release the selection
 * in any case. */
es_status cli_questions_resolve(cli_call *call, const cli_questions *asked, es_selection *selection,
                                es_query **queries);

void cli_questions_release(cli_questions *asked);

#endif
