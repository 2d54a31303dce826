/* Times of every function of every instruction set: part of test_kernel.c, which draws the data. */
#ifndef ES_TEST_KERNEL_BENCH_H
#define ES_TEST_KERNEL_BENCH_H

#include "base/memory.h"
#include "base/random.h"
#include "kernel/kernel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BENCH_DEPTH = 768 };

typedef struct bench_data {
    float *left, *right, *out;
    double *a, *b;
    uint16_t bins[ES_TILE];
    uint32_t counts[1 << 16];
    double sink;
} bench_data;

static void bench_product(const es_kernel *kernel, bench_data *data)
{
    kernel->product(BENCH_DEPTH, data->left, data->right, data->out);
}

static void bench_product_and_count(const es_kernel *kernel, bench_data *data)
{
    kernel->product_and_count(BENCH_DEPTH, data->left, data->right, data->out, data->bins, ES_TILE,
                              data->counts);
}

static void bench_tally(const es_kernel *kernel, bench_data *data)
{
    es_tally tally = {0};
    kernel->tally(data->right, ES_TILE, 0.1f, 0.2f, 32000, data->bins, &tally);
    data->sink += tally.power[0];
}

static void bench_reach(const es_kernel *kernel, bench_data *data)
{
    es_reached reached;
    kernel->reach(data->out, data->left, data->right, &reached);
    data->sink += reached.any;
}

static void bench_byte_product(const es_kernel *kernel, bench_data *data)
{
    static const int32_t start[ES_STRIP];
    kernel->byte_product(BENCH_DEPTH, (const int8_t *)data->left, start,
                         (const uint8_t *)data->right, (int32_t *)data->out);
}

static void bench_byte_reach(const es_kernel *kernel, bench_data *data)
{
    static const float zeros[ES_PANEL], ones[ES_PANEL] = {1};
    es_screen_side side = {zeros, zeros, zeros, zeros, ones};
    es_reached reached;
    kernel->byte_reach((const int32_t *)data->out, &side, &side, &reached);
    data->sink += reached.any;
}

static void bench_float_dot(const es_kernel *kernel, bench_data *data)
{
    data->sink += (double)kernel->float_dot(data->left, data->right, BENCH_DEPTH);
}

static void bench_dot(const es_kernel *kernel, bench_data *data)
{
    data->sink += kernel->dot(data->a, data->b, BENCH_DEPTH);
}

static void bench_dot_and_square(const es_kernel *kernel, bench_data *data)
{
    double dot, square;
    kernel->dot_and_square(data->left, data->b, BENCH_DEPTH, &dot, &square);
    data->sink += dot + square;
}

static void bench_gram_tile(const es_kernel *kernel, bench_data *data)
{
    double sums[ES_GRAM_ROWS * ES_GRAM_PANEL] = {0};
    kernel->gram_tile(BENCH_DEPTH, data->a, data->a, sums, ES_GRAM_PANEL);
    data->sink += sums[1];
}

static double nanoseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

/* The least of 15 runs of about a millisecond each, a call. */
static double time_call(void (*call)(const es_kernel *, bench_data *), const es_kernel *kernel,
                        bench_data *data)
{
    int64_t calls = 1;
    double best = INFINITY;
    for (int run = 0; run < 15; run++) {
        double start = nanoseconds();
        for (int64_t i = 0; i < calls; i++) call(kernel, data);
        double took = nanoseconds() - start;
        if (took < 5e5) {
            calls *= 4;
            run = -1;
            continue;
        }
        if (took / (double)calls < best) best = took / (double)calls;
    }
    return best;
}

static int bench(double (*uniform)(es_random *random))
{
    const es_kernel *scalar = es_kernel_find("scalar");
    static const struct {
        const char *name;
        void (*call)(const es_kernel *, bench_data *);
    } functions[] = {{"product", bench_product},
                     {"product_and_count", bench_product_and_count},
                     {"tally", bench_tally},
                     {"reach", bench_reach},
                     {"byte_product", bench_byte_product},
                     {"byte_reach", bench_byte_reach},
                     {"float_dot", bench_float_dot},
                     {"dot", bench_dot},
                     {"gram_tile", bench_gram_tile},
                     {"dot_and_square", bench_dot_and_square}};
    static bench_data data;
    data = (bench_data){.left = es_alloc_aligned(BENCH_DEPTH * ES_PANEL, sizeof(float)),
                        .right = es_alloc_aligned(BENCH_DEPTH * ES_PANEL, sizeof(float)),
                        .out = es_alloc_aligned(ES_TILE, sizeof(float)),
                        .a = es_alloc_aligned(ES_GRAM_PANEL * BENCH_DEPTH, sizeof(double)),
                        .b = es_alloc_aligned(BENCH_DEPTH, sizeof(double))};
    if (!data.left || !data.right || !data.out || !data.a || !data.b) return 1;
    es_random random = {8};
    for (int64_t k = 0; k < BENCH_DEPTH * ES_PANEL; k++) {
        data.left[k] = (float)uniform(&random);
        data.right[k] = (float)uniform(&random);
    }
    for (int64_t k = 0; k < ES_GRAM_PANEL * BENCH_DEPTH; k++) data.a[k] = uniform(&random);
    for (int64_t k = 0; k < BENCH_DEPTH; k++) data.b[k] = uniform(&random);
    printf("# depth %d; nanoseconds a call, ratio to scalar\n", BENCH_DEPTH);
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        double base = time_call(functions[f].call, scalar, &data);
        for (const char *const *name = es_kernel_names; *name; name++) {
            const es_kernel *kernel = es_kernel_find(*name);
            if (!kernel) continue;
            double took = kernel == scalar ? base : time_call(functions[f].call, kernel, &data);
            printf("%-15s %-8s %10.1f ns %7.1f x\n", functions[f].name, *name, took, base / took);
        }
    }
    free(data.left);
    free(data.right);
    free(data.out);
    free(data.a);
    free(data.b);
    return 0;
}

#endif
