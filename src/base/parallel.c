#define _GNU_SOURCE /* sched_getaffinity, CPU_COUNT */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

typedef struct crew {
    es_piece *piece;
    void *context;
    int64_t count;
    const es_progress *progress;
    atomic_llong next, done;
    atomic_bool stop;
    int64_t reported;     /* pieces, as last told; the calling thread's alone */
    pthread_mutex_t lock; /* guards what follows */
    int64_t failed_piece;
    es_status status;
    es_error error;
} crew;

typedef struct member {
    crew *crew;
    int worker;
} member;

int es_thread_count(int asked)
{
    if (asked > 0) return asked < ES_MAX_THREADS ? asked : ES_MAX_THREADS;
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 0)
        return CPU_COUNT(&allowed);
    return 1;
}

static void record_failure(crew *crew, int64_t index, es_status status, const es_error *error)
{
    pthread_mutex_lock(&crew->lock);
    if (crew->status == ES_OK || index < crew->failed_piece) {
        crew->failed_piece = index;
        crew->status = status;
        crew->error = *error;
    }
    pthread_mutex_unlock(&crew->lock);
    atomic_store(&crew->stop, true);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* By the calling thread alone. */
static void report(crew *crew, int64_t done)
{
    crew->reported = done;
    if (crew->progress->report(crew->progress->context, done, crew->count)) return;
    es_error error = {0};
    es_fail(&error, ES_CANCELLED, "interrupted");
    record_failure(crew, crew->count, ES_CANCELLED, &error);
}

static void work(crew *crew, int worker)
{
    double reported = now();
    while (!atomic_load(&crew->stop)) {
        int64_t index = atomic_fetch_add(&crew->next, 1);
        if (index >= crew->count) return;
        es_error error = {0};
        es_status status = crew->piece(crew->context, index, worker, &error);
        if (status != ES_OK) record_failure(crew, index, status, &error);
        int64_t done = atomic_fetch_add(&crew->done, 1) + 1;
        if (worker == 0 && crew->progress && crew->progress->report && now() - reported > 0.1) {
            reported = now();
            report(crew, done);
        }
    }
}

static void *start(void *argument)
{
    member *member = argument;
    work(member->crew, member->worker);
    return NULL;
}

es_status es_parallel_for(int threads, int64_t count, es_piece *piece, void *context,
                          const es_progress *progress, es_error *error)
{
    threads = es_thread_count(threads);
    if (threads > count) threads = count > 0 ? (int)count : 1;
    crew crew = {
        .piece = piece, .context = context, .count = count, .progress = progress, .status = ES_OK};
    pthread_mutex_init(&crew.lock, NULL);
    member members[ES_MAX_THREADS];
    pthread_t started[ES_MAX_THREADS];
    /* Signals go to the caller's own threads: a worker that inherits a handler would run it at an
     * odd place. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int running = 1;
    for (; running < threads; running++) {
        members[running] = (member){&crew, running};
        if (pthread_create(&started[running], NULL, start, &members[running]) != 0) break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    work(&crew, 0);
    for (int i = 1; i < running; i++) pthread_join(started[i], NULL);
    /* The last piece may have been any worker's: only here does the end get told every time. */
    if (crew.status == ES_OK && progress && progress->report && crew.reported < count)
        report(&crew, count);
    pthread_mutex_destroy(&crew.lock);
    if (crew.status != ES_OK && error) *error = crew.error;
    return crew.status;
}
