#define _GNU_SOURCE /* nanosleep, clock_gettime */
#include "base/parallel.h"
#include "test.h"

#include <stdatomic.h>
#include <time.h>

typedef struct job {
    atomic_int *done; /* how often each piece ran */
    int threads;
    atomic_int wrong_worker;
    int64_t fail_from; /* pieces from here on fail; negative: none */
    int64_t pause;     /* nanoseconds a piece takes */
} job;

static es_status piece(void *context, int64_t index, int worker, es_error *error)
{
    job *job = context;
    if (job->pause) nanosleep(&(struct timespec){.tv_nsec = job->pause}, NULL);
    atomic_fetch_add(&job->done[index], 1);
    if (worker < 0 || worker >= job->threads) atomic_fetch_add(&job->wrong_worker, 1);
    if (job->fail_from >= 0 && index >= job->fail_from)
        return es_fail(error, ES_BAD_INPUT, "piece %lld", (long long)index);
    return ES_OK;
}

static void every_piece_once(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 7, 64};
    static const int64_t counts[] = {0, 1, 2, 5, 1000};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            job job = {
                .done = calloc(1000, sizeof(atomic_int)), .threads = threads[t], .fail_from = -1};
            es_error error = {0};
            assert_ok(es_parallel_for(threads[t], counts[c], piece, &job, NULL, &error), error);
            for (int64_t i = 0; i < 1000; i++)
                assert_int_equal(atomic_load(&job.done[i]), i < counts[c]);
            assert_int_equal(atomic_load(&job.wrong_worker), 0);
            free(job.done);
        }
}

/* Of several failures the one of the lowest piece is told, and no new piece is begun after it. */
static void the_first_failure_is_told(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 7; threads += 3) {
        job job = {.done = calloc(100000, sizeof(atomic_int)), .threads = threads, .fail_from = 50};
        es_error error = {0};
        assert_int_equal(es_parallel_for(threads, 100000, piece, &job, NULL, &error), ES_BAD_INPUT);
        assert_string_equal(error.text, "piece 50");
        int64_t ran = 0;
        for (int64_t i = 0; i < 100000; i++) ran += atomic_load(&job.done[i]);
        assert_true(ran >= 51 && ran < 100000);
        assert_int_equal(es_parallel_for(threads, 100000, piece, &job, NULL, NULL), ES_BAD_INPUT);
        free(job.done);
    }
}

typedef struct listener {
    int64_t calls, last, total, stop_at;
} listener;

static bool report(void *context, int64_t done, int64_t total)
{
    listener *listener = context;
    listener->calls++;
    assert_true(done > listener->last && done <= total);
    listener->last = done;
    listener->total = total;
    return done < listener->stop_at;
}

static double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void progress_is_told_and_may_cancel(void **state)
{
    (void)state;
    job job = {
        .done = calloc(60, sizeof(atomic_int)), .threads = 2, .fail_from = -1, .pause = 10000000};
    listener heard = {.stop_at = INT64_MAX};
    es_progress progress = {report, &heard};
    es_error error = {0};
    double start = seconds();
    assert_ok(es_parallel_for(1, 60, piece, &job, &progress, &error), error);
    double took = seconds() - start; /* 0.6 s, or more on a busy machine */
    assert_true(heard.calls >= 3);
    assert_true((double)heard.calls <= took / 0.1 + 1); /* one call in 0.1 s, one at the end */
    assert_int_equal(heard.last, 60);
    assert_int_equal(heard.total, 60);
    for (int threads = 1; threads <= 2; threads++) {
        heard = (listener){.stop_at = 1};
        memset(job.done, 0, 60 * sizeof *job.done);
        assert_int_equal(es_parallel_for(threads, 60, piece, &job, &progress, &error),
                         ES_CANCELLED);
        assert_int_equal(heard.calls, 1);
        int64_t ran = 0;
        for (int i = 0; i < 60; i++) ran += atomic_load(&job.done[i]);
        assert_true(ran < 60);
    }
    free(job.done);
    es_progress none = {NULL, NULL};
    struct job quick = {.done = calloc(3, sizeof(atomic_int)), .threads = 1, .fail_from = -1};
    assert_ok(es_parallel_for(1, 3, piece, &quick, &none, &error), error);
    free(quick.done);
}

/* However quick the loop and whoever does its last piece, a caller who would stop is heard. */
static void the_end_is_always_told(void **state)
{
    (void)state;
    job job = {.done = calloc(8, sizeof(atomic_int)), .threads = 8, .fail_from = -1};
    for (int i = 0; i < 500; i++) {
        listener heard = {.stop_at = i % 2 ? INT64_MAX : 1};
        es_progress progress = {report, &heard};
        es_error error = {0};
        es_status status = es_parallel_for(8, 8, piece, &job, &progress, &error);
        assert_int_equal(status, i % 2 ? ES_OK : ES_CANCELLED);
        assert_int_equal(heard.last, 8);
    }
    free(job.done);
}

/* Thousands of short loops of one crew, each complete before the next begins. */
static void a_crew_runs_many_loops(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 7};
    for (int t = 0; t < 3; t++) {
        job job = {.done = calloc(40, sizeof(atomic_int)), .threads = threads[t], .fail_from = -1};
        es_crew *crew = NULL;
        es_error error = {0};
        assert_ok(es_crew_create(threads[t], &crew, &error), error);
        for (int loop = 0; loop < 3000; loop++) {
            if (loop % 1000 == 999) /* they sleep by now */
                nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
            int64_t count = loop % 41;
            memset(job.done, 0, 40 * sizeof *job.done);
            assert_ok(es_crew_run(crew, count, piece, &job, NULL, &error), error);
            for (int64_t i = 0; i < 40; i++) assert_int_equal(atomic_load(&job.done[i]), i < count);
        }
        assert_int_equal(atomic_load(&job.wrong_worker), 0);
        job.fail_from = 3;
        assert_int_equal(es_crew_run(crew, 40, piece, &job, NULL, &error), ES_BAD_INPUT);
        assert_string_equal(error.text, "piece 3");
        job.fail_from = -1;
        listener heard = {.stop_at = 1};
        es_progress progress = {report, &heard};
        assert_int_equal(es_crew_run(crew, 40, piece, &job, &progress, &error), ES_CANCELLED);
        assert_ok(es_crew_run(crew, 40, piece, &job, NULL, &error), error);
        es_crew_free(crew);
        free(job.done);
    }
    es_crew_free(NULL);
}

static void counts_threads(void **state)
{
    (void)state;
    assert_true(es_thread_count(0) >= 1);
    assert_true(es_thread_count(-3) >= 1);
    assert_int_equal(es_thread_count(5), 5);
    assert_int_equal(es_thread_count(1 << 30), ES_MAX_THREADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece_once),
        cmocka_unit_test(the_first_failure_is_told),
        cmocka_unit_test(progress_is_told_and_may_cancel),
        cmocka_unit_test(the_end_is_always_told),
        cmocka_unit_test(a_crew_runs_many_loops),
        cmocka_unit_test(counts_threads),
    };
    return cmocka_run_group_tests_name("parallel", tests, NULL, NULL);
}
