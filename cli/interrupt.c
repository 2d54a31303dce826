#define _GNU_SOURCE
#include "interrupt.h"

#include "message.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

enum { GRACE_SECONDS = 1 };

/* A signal handler has no other way to hear or say anything: the only variables of the program that
 * live in no function. */
static volatile sig_atomic_t interrupted;
static const char *volatile guarded;
static const char *volatile guarded_folder;
static const char *const *volatile guarded_names;

static void remove_folder(void)
{
    int folder = open(guarded_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const char *const *name = guarded_names; folder >= 0 && *name; name++)
        unlinkat(folder, *name, 0);
    rmdir(guarded_folder);
}

/* Only calls that are allowed in a signal handler, here and above. */
static void end_now(void)
{
    static const char text[] = "embscope: error: interrupted\n";
    const char *path = guarded;
    if (path) unlink(path);
    if (guarded_folder) remove_folder();
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

void cli_interrupt_guard_folder(const char *folder, const char *const *names)
{
    guarded_folder = NULL;
    guarded_names = names;
    guarded_folder = folder;
}
