#include "kernel/kernel.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { KERNEL_COUNT = 4 };

const char *const es_kernel_names[] = {"avx512vnni", "avx512", "avx2", "scalar", NULL};

static es_kernel tables[KERNEL_COUNT]; /* filled once, in the order of the names; then only read */
static bool usable[KERNEL_COUNT];
static pthread_once_t filled = PTHREAD_ONCE_INIT;

static void fill(void)
{
    for (int i = 0; i < KERNEL_COUNT; i++) es_kernel_init_scalar(&tables[i]);
    usable[3] = true;
#if defined(__x86_64__)
    /* The compiler's run-time asks CPUID and, through XGETBV, whether the system saves the
     * registers. */
    __builtin_cpu_init();
    usable[2] = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    usable[1] = usable[2] && __builtin_cpu_supports("avx512f") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl");
    usable[0] = usable[1] && __builtin_cpu_supports("avx512vnni");
    if (usable[2]) es_kernel_init_avx2(&tables[2]);
    if (usable[1]) es_kernel_init_avx512(&tables[1]);
    if (usable[0]) es_kernel_init_avx512vnni(&tables[0]);
#endif
}

const es_kernel *es_kernel_find(const char *name)
{
    pthread_once(&filled, fill);
    for (int i = 0; i < KERNEL_COUNT; i++)
        if (usable[i] && strcmp(name, es_kernel_names[i]) == 0) return &tables[i];
    return NULL;
}

es_status es_kernel_get(const es_kernel **kernel, es_error *error)
{
    pthread_once(&filled, fill);
    const char *forced = getenv("EMBSCOPE_KERNEL"); /* the library's one look at the environment */
    if (forced && *forced) {
        if ((*kernel = es_kernel_find(forced))) return ES_OK;
        for (int i = 0; i < KERNEL_COUNT; i++)
            if (strcmp(forced, es_kernel_names[i]) == 0)
                return es_fail(error, ES_BAD_ARGUMENT,
                               "EMBSCOPE_KERNEL=%s: this machine cannot run it", forced);
        return es_fail(
            error, ES_BAD_ARGUMENT,
            "EMBSCOPE_KERNEL=%s: no such kernel; there are avx512vnni, avx512, avx2 and scalar",
            forced);
    }
    for (int i = 0; i < KERNEL_COUNT; i++)
        if (usable[i]) {
            *kernel = &tables[i];
            break;
        }
    return ES_OK;
}
