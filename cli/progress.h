/* How long work is going: one line on a terminal's stderr, from the second second on. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <embscope/progress.h>

typedef struct cli_progress {
    const char *label; /* what is being done: "distribution" */
    bool enabled;      /* stderr is a terminal, and --quiet was not given */
    bool shown;        /* there is a line to clear */
    double started, last;
} cli_progress;

/* Seconds on a clock that never goes back. */
double cli_seconds(void);

/* Start counting; the result goes into a library call's options. It also carries Ctrl-C. */
es_progress cli_progress_start(cli_progress *progress, const char *label, bool quiet);

/* Clear the line, if there is one. Legal at any time. */
void cli_progress_finish(cli_progress *progress);

#endif
