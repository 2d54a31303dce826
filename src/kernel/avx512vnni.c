/* AVX-512 VNNI: four 8-bit products and their sum in one lane of one instruction. */
#include "kernel/kernel.h"

#include <immintrin.h>
#include <string.h>

/* sum += unsigned bytes of `right` times signed bytes of `left`, in fours. As assembly, because
 * gcc 12 spills the 24 accumulators of the loop below when it is written with the intrinsic. */
static inline __m512i multiply_add(__m512i sum, __m512i right, __m512i left)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(right), "v"(left));
    return sum;
}

static void byte_product(int64_t depth, const int8_t *left, const int32_t *start,
                         const uint8_t *right, int32_t *sums)
{
    __m512i sum[ES_STRIP][3];
#pragma GCC unroll 8
    for (int r = 0; r < ES_STRIP; r++)
        sum[r][0] = sum[r][1] = sum[r][2] = _mm512_set1_epi32(start[r]);
    for (int64_t k = 0; k < depth; k += 4, left += 4 * ES_STRIP, right += 4 * ES_PANEL) {
        __m512i b0 = _mm512_load_si512(right), b1 = _mm512_load_si512(right + 64);
        __m512i b2 = _mm512_load_si512(right + 128);
#pragma GCC unroll 8
        for (int r = 0; r < ES_STRIP; r++) {
            int32_t four;
            memcpy(&four, left + 4 * r, sizeof four);
            __m512i a = _mm512_set1_epi32(four);
            sum[r][0] = multiply_add(sum[r][0], b0, a);
            sum[r][1] = multiply_add(sum[r][1], b1, a);
            sum[r][2] = multiply_add(sum[r][2], b2, a);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ES_STRIP; r++, sums += ES_PANEL) {
        _mm512_storeu_si512(sums, sum[r][0]);
        _mm512_storeu_si512(sums + 16, sum[r][1]);
        _mm512_storeu_si512(sums + 32, sum[r][2]);
    }
}

void es_kernel_init_avx512vnni(es_kernel *kernel)
{
    es_kernel_init_avx512(kernel);
    kernel->name = "avx512vnni";
    kernel->byte_product = byte_product;
    kernel->bytes_are_fast = true;
}
