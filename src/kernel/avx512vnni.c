/* AVX-512 VNNI: four 8-bit products and their sum in one lane of one instruction. */
#include "kernel/kernel.h"

#include <immintrin.h>
#include <math.h>
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

static int32_t nibble_dot(int64_t stride, const uint8_t *row, const int8_t *query)
{
    const __m512i low_half = _mm512_set1_epi8(15), high_half = _mm512_set1_epi8((char)0xF0);
    __m512i low = _mm512_setzero_si512(), high = low;
    for (int64_t at = 0; at < stride; at += 64, query += ES_NIBBLE_CHUNK) {
        __m512i bytes = _mm512_load_si512(row + at);
        low = multiply_add(low, _mm512_and_si512(bytes, low_half), _mm512_loadu_si512(query));
        high =
            multiply_add(high, _mm512_and_si512(bytes, high_half), _mm512_loadu_si512(query + 64));
    }
    /* `high` is 16 times what it stands for, lane by lane. */
    return _mm512_reduce_add_epi32(_mm512_add_epi32(low, _mm512_srai_epi32(high, 4)));
}

static inline __m512i add_halves(__m512i a, __m512i b)
{
    return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
}

static inline __m512i add_quarters(__m512i a, __m512i b)
{
    return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

/* 16 times the dot products of eight rows. */
static inline __m256i eight_dots(int64_t stride, const uint8_t *row, const int8_t *query)
{
    /* Eight rows are read side by side, which the processor takes for eight streams: it is told
     * what comes, in the order of memory, into the second-level cache. */
    enum { AHEAD = 16384 };
    const __m512i low_half = _mm512_set1_epi8(15), high_half = _mm512_set1_epi8((char)0xF0);
    __m512i low[8], high[8];
#pragma GCC unroll 8
    for (int r = 0; r < 8; r++) low[r] = high[r] = _mm512_setzero_si512();
    for (int64_t at = 0; at < stride; at += 64, query += ES_NIBBLE_CHUNK) {
        __m512i q0 = _mm512_loadu_si512(query), q1 = _mm512_loadu_si512(query + 64);
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++) {
            const uint8_t *bytes_at = row + r * stride + at;
            _mm_prefetch((const char *)row + AHEAD + 8 * at + 64 * r, _MM_HINT_T1);
            __m512i bytes = _mm512_load_si512(bytes_at);
            low[r] = multiply_add(low[r], _mm512_and_si512(bytes, low_half), q0);
            high[r] = multiply_add(high[r], _mm512_and_si512(bytes, high_half), q1);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < 8; r++) low[r] = _mm512_add_epi32(_mm512_slli_epi32(low[r], 4), high[r]);
    /* Each 128-bit lane ends with one sum of each of four rows; then the lanes are added. */
    __m512i a = add_quarters(add_halves(low[0], low[1]), add_halves(low[2], low[3]));
    __m512i b = add_quarters(add_halves(low[4], low[5]), add_halves(low[6], low[7]));
    __m512i both =
        _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xDD));
    __m512i even = _mm512_shuffle_i32x4(both, both, 0x08);
    __m512i odd = _mm512_shuffle_i32x4(both, both, 0x0D);
    return _mm512_castsi512_si256(_mm512_add_epi32(even, odd));
}

static float nibble_bounds(int64_t stride, const es_nibble_sides *sides, float *upper)
{
    __m256 query_scale = _mm256_set1_ps(sides->query_scale), most = _mm256_set1_ps(-INFINITY);
    __m256 query_offset = _mm256_set1_ps(sides->query_offset);
    __m256 query_length = _mm256_set1_ps(sides->query_length);
    __m256 query_residual = _mm256_set1_ps(sides->query_residual);
    __m256i start = _mm256_set1_epi32(sides->start);
    for (int i = 0; i < ES_GROUP; i += 8) {
        __m256i dots = eight_dots(stride, sides->rows + i * stride, sides->query);
        __m256 sum = _mm256_cvtepi32_ps(_mm256_add_epi32(dots, start));
        __m256 scale = _mm256_mul_ps(_mm256_loadu_ps(sides->scale + i), query_scale);
        __m256 offset = _mm256_add_ps(_mm256_loadu_ps(sides->offset + i), query_offset);
        __m256 value = _mm256_fmadd_ps(sum, scale, offset);
        value = _mm256_fmadd_ps(_mm256_loadu_ps(sides->length + i), query_residual, value);
        value = _mm256_fmadd_ps(_mm256_loadu_ps(sides->residual + i), query_length, value);
        _mm256_storeu_ps(upper + i, value);
        most = _mm256_max_ps(most, value);
    }
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_shuffle_ps(four, four, 1)));
}

void es_kernel_init_avx512vnni(es_kernel *kernel)
{
    es_kernel_init_avx512(kernel);
    kernel->name = "avx512vnni";
    kernel->byte_product = byte_product;
    kernel->bytes_are_fast = true;
    kernel->nibble_dot = nibble_dot;
    kernel->nibble_bounds = nibble_bounds;
}
