#define _GNU_SOURCE /* sched_getaffinity, CPU_COUNT */
#include "base/parallel.h"

#include "base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { LOOKS = 1000 }; /* for a next loop before a thread goes to sleep: some 20 microseconds */

typedef struct loop {
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
} loop;

typedef struct member {
    es_crew *crew;
    int worker;
    pthread_t thread;
} member;

struct es_crew {
    int size; /* threads, the calling one as number 0 */
    member members[ES_MAX_THREADS];
    atomic_llong number;  /* of loops begun so far; one more at the end */
    atomic_int inside;    /* threads at work on the loop, beside the calling one */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t begun, left;
    loop *loop; /* under way, and still to be joined; or NULL */
    bool ended;
};

int es_thread_count(int asked)
{
    if (asked > 0) return asked < ES_MAX_THREADS ? asked : ES_MAX_THREADS;
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 0)
        return CPU_COUNT(&allowed);
    return 1;
}

static void record_failure(loop *loop, int64_t index, es_status status, const es_error *error)
{
    pthread_mutex_lock(&loop->lock);
    if (loop->status == ES_OK || index < loop->failed_piece) {
        loop->failed_piece = index;
        loop->status = status;
        loop->error = *error;
    }
    pthread_mutex_unlock(&loop->lock);
    atomic_store(&loop->stop, true);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* By the calling thread alone. */
static void report(loop *loop, int64_t done)
{
    loop->reported = done;
    if (loop->progress->report(loop->progress->context, done, loop->count)) return;
    es_error error = {0};
    es_fail(&error, ES_CANCELLED, "interrupted");
    record_failure(loop, loop->count, ES_CANCELLED, &error);
}

static void work(loop *loop, int worker)
{
    double reported = now();
    while (!atomic_load(&loop->stop)) {
        int64_t index = atomic_fetch_add(&loop->next, 1);
        if (index >= loop->count) return;
        es_error error = {0};
        es_status status = loop->piece(loop->context, index, worker, &error);
        if (status != ES_OK) record_failure(loop, index, status, &error);
        int64_t done = atomic_fetch_add(&loop->done, 1) + 1;
        if (worker == 0 && loop->progress && loop->progress->report && now() - reported > 0.1) {
            reported = now();
            report(loop, done);
        }
    }
}

static void rest(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

/* Wait for a loop after number *seen and join it; NULL at the end. One that closes before it is
 * joined is let go by: the calling thread does not wait for those who have not come. */
static loop *join(es_crew *crew, long long *seen)
{
    for (int i = 0; i < LOOKS && atomic_load(&crew->number) == *seen; i++) rest();
    pthread_mutex_lock(&crew->lock);
    while (!crew->ended && (!crew->loop || atomic_load(&crew->number) == *seen))
        pthread_cond_wait(&crew->begun, &crew->lock);
    loop *loop = crew->ended ? NULL : crew->loop;
    *seen = atomic_load(&crew->number);
    if (loop) atomic_fetch_add(&crew->inside, 1);
    pthread_mutex_unlock(&crew->lock);
    return loop;
}

static void leave(es_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    if (atomic_fetch_sub(&crew->inside, 1) == 1) pthread_cond_signal(&crew->left);
    pthread_mutex_unlock(&crew->lock);
}

static void *serve(void *argument)
{
    member *member = argument;
    long long seen = 0;
    for (loop *loop; (loop = join(member->crew, &seen));) {
        work(loop, member->worker);
        leave(member->crew);
    }
    return NULL;
}

/* Let the threads in (a loop) or end them (NULL). */
static void begin(es_crew *crew, loop *loop)
{
    pthread_mutex_lock(&crew->lock);
    crew->loop = loop;
    crew->ended = !loop;
    atomic_fetch_add(&crew->number, 1);
    pthread_cond_broadcast(&crew->begun);
    pthread_mutex_unlock(&crew->lock);
}

/* Let nobody in any more, and wait for those inside. */
static void close_loop(es_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    crew->loop = NULL;
    pthread_mutex_unlock(&crew->lock);
    for (int i = 0; i < LOOKS && atomic_load(&crew->inside); i++) rest();
    pthread_mutex_lock(&crew->lock);
    while (atomic_load(&crew->inside)) pthread_cond_wait(&crew->left, &crew->lock);
    pthread_mutex_unlock(&crew->lock);
}

static void start(es_crew *crew, int threads)
{
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->begun, NULL);
    pthread_cond_init(&crew->left, NULL);
    /* Signals go to the caller's own threads: a worker that inherits a handler would run it at an
     * odd place. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (crew->size = 1; crew->size < threads; crew->size++) {
        member *member = &crew->members[crew->size];
        member->crew = crew;
        member->worker = crew->size;
        if (pthread_create(&member->thread, NULL, serve, member) != 0) break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void end(es_crew *crew)
{
    begin(crew, NULL);
    for (int i = 1; i < crew->size; i++) pthread_join(crew->members[i].thread, NULL);
    pthread_cond_destroy(&crew->left);
    pthread_cond_destroy(&crew->begun);
    pthread_mutex_destroy(&crew->lock);
}

es_status es_crew_run(es_crew *crew, int64_t count, es_piece *piece, void *context,
                      const es_progress *progress, es_error *error)
{
    loop loop = {
        .piece = piece, .context = context, .count = count, .progress = progress, .status = ES_OK};
    bool alone = crew->size == 1 || count < 2;
    pthread_mutex_init(&loop.lock, NULL);
    if (!alone) begin(crew, &loop);
    work(&loop, 0);
    if (!alone) close_loop(crew);
    /* The last piece may have been any worker's: only here does the end get told every time. */
    if (loop.status == ES_OK && progress && progress->report && loop.reported < count)
        report(&loop, count);
    pthread_mutex_destroy(&loop.lock);
    if (loop.status != ES_OK && error) *error = loop.error;
    return loop.status;
}

es_status es_crew_create(int threads, es_crew **out, es_error *error)
{
    es_crew *crew = es_alloc(1, sizeof *crew);
    if (!crew) return es_fail_memory(error, "threads", sizeof *crew);
    start(crew, es_thread_count(threads));
    *out = crew;
    return ES_OK;
}

void es_crew_free(es_crew *crew)
{
    if (!crew) return;
    end(crew);
    free(crew);
}

es_status es_parallel_for(int threads, int64_t count, es_piece *piece, void *context,
                          const es_progress *progress, es_error *error)
{
    threads = es_thread_count(threads);
    if (threads > count) threads = count > 0 ? (int)count : 1;
    es_crew crew;
    atomic_init(&crew.number, 0);
    atomic_init(&crew.inside, 0);
    crew.loop = NULL;
    crew.ended = false;
    start(&crew, threads);
    es_status status = es_crew_run(&crew, count, piece, context, progress, error);
    end(&crew);
    return status;
}
