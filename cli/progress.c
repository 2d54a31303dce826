#define _GNU_SOURCE
#include "progress.h"

#include "interrupt.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_SECONDS 1.0 /* shorter work needs no line */
#define NEXT_SECONDS  0.2

double cli_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void print_line(cli_progress *progress, int64_t done, int64_t total, double elapsed)
{
    static const char *const units[] = {"", " k", " M", " G"};
    double rate = (double)done / elapsed;
    double left = rate > 0 ? (double)(total - done) / rate : 0;
    size_t unit = 0;
    while (rate >= 1000 && unit < 3) {
        rate /= 1000;
        unit++;
    }
    fprintf(stderr, "\r%s: %3.0f %%, %.3g%s/s, ", progress->label,
            100.0 * (double)done / (double)total, rate, units[unit]);
    if (left >= 60)
        fprintf(stderr, "%.0f min %.0f s left\033[K", left / 60 - 0.5,
                left - 60 * (double)(long)(left / 60));
    else
        fprintf(stderr, "%.0f s left\033[K", left);
    fflush(stderr);
    progress->shown = true;
}

static bool report(void *context, int64_t done, int64_t total)
{
    cli_progress *progress = context;
    double now = cli_seconds();
    if (progress->enabled && total > 0 && now - progress->started >= FIRST_SECONDS &&
        now - progress->last >= NEXT_SECONDS) {
        print_line(progress, done, total, now - progress->started);
        progress->last = now;
    }
    return !cli_interrupted();
}

es_progress cli_progress_start(cli_progress *progress, const char *label, bool quiet)
{
    cli_progress_finish(progress);
    *progress = (cli_progress){
        .label = label, .enabled = !quiet && isatty(STDERR_FILENO), .started = cli_seconds()};
    return (es_progress){.report = report, .context = progress};
}

void cli_progress_finish(cli_progress *progress)
{
    if (progress->shown) fputs("\r\033[K", stderr);
    progress->shown = false;
}
