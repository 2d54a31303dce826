/* How fast this machine can multiply and add in float32: the floor below which no float32 product
 * of all pairs can be.
 *
 *     fma_floor [THREADS [SECONDS]]     default: 1 thread, 0.3 seconds
 *
 * Prints one JSON line: {"set": "avx512", "threads": 2, "gflops": 474.1}, two operations for each
 * multiply-add, all threads together. Twelve sums a thread, so that neither the latency of the
 * instruction nor loads stand in the way; they start apart, or a compiler would keep one. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SUMS = 12, STEPS = 20000, MOST_THREADS = 1024 };

static const float factor = 0.9999f, addend = 1e-4f; /* sums stay near 1 */

/* Each does STEPS * SUMS multiply-adds of its vector and returns something that depends on all. */
typedef float add_up(float start);

#ifdef __x86_64__
#include <immintrin.h>

__attribute__((target("avx512f"))) static float add_up_avx512(float start)
{
    __m512 sum[SUMS], x = _mm512_set1_ps(factor), y = _mm512_set1_ps(addend);
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++) sum[i] = _mm512_set1_ps(start + (float)i);
    for (int step = 0; step < STEPS; step++) {
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++) sum[i] = _mm512_fmadd_ps(sum[i], x, y);
    }
    float total = 0;
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++) total += _mm512_cvtss_f32(sum[i]);
    return total;
}

__attribute__((target("avx2,fma"))) static float add_up_avx2(float start)
{
    __m256 sum[SUMS], x = _mm256_set1_ps(factor), y = _mm256_set1_ps(addend);
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++) sum[i] = _mm256_set1_ps(start + (float)i);
    for (int step = 0; step < STEPS; step++) {
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++) sum[i] = _mm256_fmadd_ps(sum[i], x, y);
    }
    float total = 0;
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++) total += _mm256_cvtss_f32(sum[i]);
    return total;
}
#endif

/* Four floats, multiplied and added apart: what any compiler makes of it. */
typedef float four __attribute__((vector_size(16)));

static float add_up_portable(float start)
{
    four sum[SUMS];
    for (int i = 0; i < SUMS; i++) sum[i] = start + (float)i + (four){0, 1, 2, 3};
    for (int step = 0; step < STEPS; step++)
        for (int i = 0; i < SUMS; i++) sum[i] = sum[i] * factor + addend;
    float total = 0;
    for (int i = 0; i < SUMS; i++) total += sum[i][0];
    return total;
}

typedef struct machine {
    const char *set;
    add_up *work;
    double flops; /* of one call */
} machine;

static machine choose(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f"))
        return (machine){"avx512", add_up_avx512, 2.0 * STEPS * SUMS * 16};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (machine){"avx2", add_up_avx2, 2.0 * STEPS * SUMS * 8};
#endif
    return (machine){"portable", add_up_portable, 2.0 * STEPS * SUMS * 4};
}

typedef struct run {
    machine machine;
    pthread_barrier_t start;
    atomic_bool stop;
    atomic_llong calls;
    _Atomic float sink; /* so that the work has a use */
} run;

static void *work(void *context)
{
    run *run = context;
    long long calls = 0;
    float total = 1;
    pthread_barrier_wait(&run->start);
    for (; !atomic_load(&run->stop); calls++) total = run->machine.work(total / SUMS);
    atomic_fetch_add(&run->calls, calls);
    atomic_store(&run->sink, total);
    return NULL;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    double seconds = argc > 2 ? atof(argv[2]) : 0.3;
    if (threads < 1 || threads > MOST_THREADS || !(seconds > 0 && seconds < 100)) {
        fprintf(stderr, "fma_floor [THREADS [SECONDS]]\n");
        return 2;
    }
    run run = {.machine = choose()};
    pthread_t started[MOST_THREADS];
    run.machine.work(1); /* wake the vector units */
    pthread_barrier_init(&run.start, NULL, (unsigned)threads + 1);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&started[i], NULL, work, &run)) return 1;
    pthread_barrier_wait(&run.start);
    double begin = now();
    struct timespec nap = {(time_t)seconds, (long)(1e9 * (seconds - (double)(long)seconds))};
    nanosleep(&nap, NULL);
    atomic_store(&run.stop, true);
    for (int i = 0; i < threads; i++) pthread_join(started[i], NULL);
    double elapsed = now() - begin;
    printf("{\"set\": \"%s\", \"threads\": %d, \"gflops\": %.1f}\n", run.machine.set, threads,
           run.machine.flops * (double)atomic_load(&run.calls) / elapsed / 1e9);
    return 0;
}
