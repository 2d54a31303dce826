#define _GNU_SOURCE
#include "interrupt.h"

#include "message.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

enum { GRACE_SECONDS = 1 };

/* A signal handler has no other way to hear or say anything: the only variables of the program that
 * live in no function. */
static volatile sig_atomic_t interrupted;
static const char *volatile guarded;

/* Only calls that are allowed in a signal handler. */
static void end_now(void)
{
    static const char text[] = "embscope: error: interrupted\n";
    const char *path = guarded;
    if (path) unlink(path);
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(CLI_EXIT_INTERRUPTED);
}

static void on_signal(int signal)
{
    if (interrupted || signal == SIGALRM) end_now();
    interrupted = 1;
    alarm(GRACE_SECONDS); /* work that cannot be asked, such as an eigen-problem, ends there */
}

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};
enum { SIGNALS = sizeof signals / sizeof *signals };

void cli_interrupt_finish(void)
{
    for (int i = 0; i < SIGNALS; i++) signal(signals[i], SIG_IGN);
}

void cli_interrupt_install(void)
{
    for (int i = 0; i < SIGNALS; i++) {
        struct sigaction action, before;
        /* nohup and "&" in a script leave a signal ignored: then so be it */
        if (!sigaction(signals[i], NULL, &before) && before.sa_handler == SIG_IGN) continue;
        action.sa_handler = on_signal;
        action.sa_flags = 0; /* no SA_RESTART: a read that waits for a person must return */
        sigemptyset(&action.sa_mask);
        sigaction(signals[i], &action, NULL);
    }
    /* A reader that leaves is noticed where the answer is written; gnuplot's end is its own. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file too large is an error of write() */
}

bool cli_interrupted(void)
{
    return interrupted;
}

es_status cli_interrupt_check(es_error *error)
{
    return interrupted ? cli_fail(error, ES_CANCELLED, "interrupted") : ES_OK;
}

void cli_interrupt_guard(const char *path)
{
    guarded = path;
}
