#include "kernel/kernel.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#if defined(__AARCH64EL__)
#include <sys/auxv.h>
#endif

/* Best first, of all the machines that there are kernels for. */
enum { AVX512VNNI, AVX512, AVX2, NEONDOT, NEON, SCALAR, KERNEL_COUNT };

const char *const es_kernel_names[] = {
    [AVX512VNNI] = "avx512vnni", [AVX512] = "avx512", [AVX2] = "avx2",
    [NEONDOT] = "neondot",       [NEON] = "neon",     [SCALAR] = "scalar",
    [KERNEL_COUNT] = NULL};

static es_kernel tables[KERNEL_COUNT]; /* filled once, in the order of the names; then only read */
static bool usable[KERNEL_COUNT];
static pthread_once_t filled = PTHREAD_ONCE_INIT;

static void fill(void)
{
    for (int i = 0; i < KERNEL_COUNT; i++) es_kernel_init_scalar(&tables[i]);
    usable[SCALAR] = true;
#if defined(__x86_64__)
    /* The compiler's run-time asks CPUID and, through XGETBV, whether the system saves the
     * registers. */
    __builtin_cpu_init();
    usable[AVX2] = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    usable[AVX512] = usable[AVX2] && __builtin_cpu_supports("avx512f") &&
                     __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                     __builtin_cpu_supports("avx512vl");
    usable[AVX512VNNI] = usable[AVX512] && __builtin_cpu_supports("avx512vnni");
    if (usable[AVX2]) es_kernel_init_avx2(&tables[AVX2]);
    if (usable[AVX512]) es_kernel_init_avx512(&tables[AVX512]);
    if (usable[AVX512VNNI]) es_kernel_init_avx512vnni(&tables[AVX512VNNI]);
#elif defined(__AARCH64EL__) /* little-endian: the kernels take bytes and lanes in that order */
    /* The system says what the processor has and it itself allows. */
    unsigned long has = getauxval(AT_HWCAP);
    usable[NEON] = has & HWCAP_ASIMD;
    usable[NEONDOT] = usable[NEON] && has & HWCAP_ASIMDDP;
    if (usable[NEON]) es_kernel_init_neon(&tables[NEON]);
    if (usable[NEONDOT]) es_kernel_init_neondot(&tables[NEONDOT]);
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
        return es_fail(error, ES_BAD_ARGUMENT,
                       "EMBSCOPE_KERNEL=%s: no such kernel; there are avx512vnni, avx512, avx2, "
                       "neondot, neon and scalar",
                       forced);
    }
    for (int i = 0; i < KERNEL_COUNT; i++)
        if (usable[i]) {
            *kernel = &tables[i];
            break;
        }
    return ES_OK;
}
