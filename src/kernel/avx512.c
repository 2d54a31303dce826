/* AVX-512 (F, BW, DQ, VL). */
#include "kernel/kernel.h"

#include <immintrin.h>
#include <math.h>

/* 8 x 48 products in 24 registers: per k three loads of the right side and eight broadcasts of the
 * left for 24 multiply-adds. Those keep the multipliers busy and leave the other ports idle: the
 * counts are raised there, a share of them every COUNT_EVERY steps. */
enum { COUNT_EVERY = 4 };

static inline __attribute__((always_inline)) void multiply(int64_t depth, const float *left,
                                                           const float *right, float *out,
                                                           const uint16_t *bin, int64_t count,
                                                           uint32_t *counts)
{
    int64_t share = count ? (count * COUNT_EVERY + depth - 1) / depth : 0;
    const uint16_t *bin_end = bin + count;
    for (int i = 0; i < ES_TILE; i += ES_LANES) _mm512_storeu_ps(out + i, _mm512_setzero_ps());
    for (int64_t start = 0; start < depth; start += ES_CHAIN) {
        int64_t end = depth - start < ES_CHAIN ? depth : start + ES_CHAIN;
        __m512 sum[ES_STRIP][3];
        for (int r = 0; r < ES_STRIP; r++)
            for (int c = 0; c < 3; c++) sum[r][c] = _mm512_setzero_ps();
        const float *a = left + start * ES_PANEL, *b = right + start * ES_PANEL;
        for (int64_t k = start; k < end;) {
            int64_t stop = end - k < COUNT_EVERY ? end : k + COUNT_EVERY;
            for (; k < stop; k++, a += ES_PANEL, b += ES_PANEL) {
                __m512 b0 = _mm512_load_ps(b), b1 = _mm512_load_ps(b + 16);
                __m512 b2 = _mm512_load_ps(b + 32);
#pragma GCC unroll 8
                for (int r = 0; r < ES_STRIP; r++) {
                    __m512 a_r = _mm512_set1_ps(a[r]);
                    sum[r][0] = _mm512_fmadd_ps(a_r, b0, sum[r][0]);
                    sum[r][1] = _mm512_fmadd_ps(a_r, b1, sum[r][1]);
                    sum[r][2] = _mm512_fmadd_ps(a_r, b2, sum[r][2]);
                }
            }
            const uint16_t *to = bin_end - bin < share ? bin_end : bin + share;
            while (bin < to) counts[*bin++]++;
        }
        for (int r = 0; r < ES_STRIP; r++)
            for (int c = 0; c < 3; c++) {
                float *at = out + r * ES_PANEL + c * ES_LANES;
                _mm512_storeu_ps(at, _mm512_add_ps(_mm512_loadu_ps(at), sum[r][c]));
            }
    }
}

static void product(int64_t depth, const float *left, const float *right, float *out)
{
    multiply(depth, left, right, out, NULL, 0, NULL);
}

static void product_and_count(int64_t depth, const float *left, const float *right, float *out,
                              const uint16_t *bin, int64_t count, uint32_t *counts)
{
    multiply(depth, left, right, out, bin, count, counts);
}

static double fold(__m512 lanes)
{
    __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(lanes));
    __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(lanes, 1));
    double lane[ES_LANES];
    _mm512_storeu_pd(lane, low);
    _mm512_storeu_pd(lane + 8, high);
    return es_fold_lanes(lane);
}

static void tally(const float *cosines, int64_t count, float shift, float level, float half,
                  uint16_t *bin, es_tally *tally)
{
    /* Four names, not an array: gcc would store an array's elements at every turn. */
    __m512 first_power = _mm512_setzero_ps(), second_power = first_power;
    __m512 third_power = first_power, fourth_power = first_power;
    __m512 low = _mm512_set1_ps(tally->minimum), high = _mm512_set1_ps(tally->maximum);
    __m512 shifts = _mm512_set1_ps(shift), halves = _mm512_set1_ps(half);
    __m512 levels = _mm512_set1_ps(level), last = _mm512_set1_ps(2 * half - 1);
    int64_t at_least = 0;
    for (int64_t i = 0; i < count; i += ES_LANES) {
        int64_t left = count - i;
        __mmask16 some = left < ES_LANES ? (__mmask16)((1u << left) - 1) : (__mmask16)0xFFFF;
        __m512 c = _mm512_maskz_loadu_ps(some, cosines + i);
        __m512 x = _mm512_maskz_sub_ps(some, c, shifts), square = _mm512_mul_ps(x, x);
        first_power = _mm512_add_ps(first_power, x);
        second_power = _mm512_fmadd_ps(x, x, second_power);
        third_power = _mm512_fmadd_ps(square, x, third_power);
        fourth_power = _mm512_fmadd_ps(square, square, fourth_power);
        low = _mm512_mask_min_ps(low, some, low, c);
        high = _mm512_mask_max_ps(high, some, high, c);
        at_least += __builtin_popcount(_mm512_mask_cmp_ps_mask(some, c, levels, _CMP_GE_OQ));
        __m512 place = _mm512_fmadd_ps(c, halves, halves);
        place = _mm512_min_ps(_mm512_max_ps(place, _mm512_setzero_ps()), last);
        _mm512_mask_cvtepi32_storeu_epi16(bin + i, some, _mm512_cvttps_epi32(place));
    }
    tally->power[0] += fold(first_power);
    tally->power[1] += fold(second_power);
    tally->power[2] += fold(third_power);
    tally->power[3] += fold(fourth_power);
    tally->minimum = _mm512_reduce_min_ps(low) + 0.0f;
    tally->maximum = _mm512_reduce_max_ps(high) + 0.0f;
    tally->at_least += at_least;
}

static void reach(const float *cosines, const float *row_least, const float *column_least,
                  es_reached *reached)
{
    *reached = (es_reached){0};
    uint64_t any = 0;
    for (int c = 0; c < ES_PANEL; c += ES_LANES) {
        __m512 columns = _mm512_loadu_ps(column_least + c);
        for (int r = 0; r < ES_STRIP; r++) {
            __m512 cosine = _mm512_loadu_ps(cosines + r * ES_PANEL + c);
            uint64_t by_row = _mm512_cmp_ps_mask(cosine, _mm512_set1_ps(row_least[r]), _CMP_GE_OQ);
            uint64_t by_column = _mm512_cmp_ps_mask(cosine, columns, _CMP_GE_OQ);
            reached->row[r] |= by_row << c;
            reached->column[r] |= by_column << c;
            any |= by_row | by_column;
        }
    }
    reached->any = any != 0;
}

static void byte_reach(const int32_t *sums, const es_screen_side *rows,
                       const es_screen_side *columns, es_reached *reached)
{
    *reached = (es_reached){0};
    uint64_t any = 0;
    for (int c = 0; c < ES_PANEL; c += ES_LANES) {
        __m512 scale = _mm512_loadu_ps(columns->scale + c);
        __m512 offset = _mm512_loadu_ps(columns->offset + c);
        __m512 residual = _mm512_loadu_ps(columns->residual + c);
        __m512 reach = _mm512_add_ps(_mm512_loadu_ps(columns->length + c), residual);
        __m512 least = _mm512_loadu_ps(columns->least + c);
        for (int r = 0; r < ES_STRIP; r++) {
            __m512 sum = _mm512_cvtepi32_ps(_mm512_loadu_si512(sums + r * ES_PANEL + c));
            __m512 scales = _mm512_mul_ps(_mm512_set1_ps(rows->scale[r]), scale);
            __m512 value = _mm512_fmadd_ps(sum, scales, offset);
            value = _mm512_fmadd_ps(_mm512_set1_ps(rows->length[r]), residual, value);
            value = _mm512_fmadd_ps(_mm512_set1_ps(rows->residual[r]), reach, value);
            value = _mm512_add_ps(value, _mm512_set1_ps(rows->offset[r]));
            uint64_t by_row = _mm512_cmp_ps_mask(value, _mm512_set1_ps(rows->least[r]), _CMP_GE_OQ);
            uint64_t by_column = _mm512_cmp_ps_mask(value, least, _CMP_GE_OQ);
            reached->row[r] |= by_row << c;
            reached->column[r] |= by_column << c;
            any |= by_row | by_column;
        }
    }
    reached->any = any != 0;
}

static float fold_floats(__m512 low, __m512 high)
{
    __m512 sum = _mm512_add_ps(low, high);
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(sum), _mm512_extractf32x8_ps(sum, 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_shuffle_ps(four, four, 1)));
}

static float float_dot(const float *a, const float *b, int64_t count)
{
    __m512 low = _mm512_setzero_ps(), high = _mm512_setzero_ps();
    int64_t i = 0;
    for (; i + 32 <= count; i += 32) {
        low = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), low);
        high = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16), high);
    }
    if (i == count) return fold_floats(low, high);
    float lane[32];
    _mm512_storeu_ps(lane, low);
    _mm512_storeu_ps(lane + 16, high);
    for (int j = 0; i + j < count; j++) lane[j] = fmaf(a[i + j], b[i + j], lane[j]);
    return fold_floats(_mm512_loadu_ps(lane), _mm512_loadu_ps(lane + 16));
}

static void to_halves(const float *values, int64_t count, uint16_t *halves)
{
    for (int64_t i = 0; i < count; i += ES_LANES) {
        int64_t left = count - i;
        __mmask16 some = left < ES_LANES ? (__mmask16)((1u << left) - 1) : (__mmask16)0xFFFF;
        __m256i made =
            _mm512_cvtps_ph(_mm512_maskz_loadu_ps(some, values + i), _MM_FROUND_TO_NEAREST_INT);
        _mm256_mask_storeu_epi16(halves + i, some, made);
    }
}

static inline __m512 widened(const uint16_t *halves)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
}

static float half_dot(const uint16_t *a, const uint16_t *b, int64_t count)
{
    __m512 low = _mm512_setzero_ps(), high = _mm512_setzero_ps();
    for (int64_t i = 0; i < count; i += 32) {
        low = _mm512_fmadd_ps(widened(a + i), widened(b + i), low);
        high = _mm512_fmadd_ps(widened(a + i + 16), widened(b + i + 16), high);
    }
    return fold_floats(low, high);
}

/* Of eight numbers, those 1, 2 and 4 apart. */
static inline __m512d mix_lanes(__m512d v)
{
    __m512d other = _mm512_permute_pd(v, 0x55);
    v = _mm512_mask_sub_pd(_mm512_add_pd(v, other), 0xAA, other, v);
    other = _mm512_permutex_pd(v, 0x4E);
    v = _mm512_mask_sub_pd(_mm512_add_pd(v, other), 0xCC, other, v);
    other = _mm512_shuffle_f64x2(v, v, 0x4E);
    return _mm512_mask_sub_pd(_mm512_add_pd(v, other), 0xF0, other, v);
}

/* Eight vectors, those 1, 2 and 4 apart. */
static inline void mix_vectors(__m512d v[8])
{
#pragma GCC unroll 3
    for (int half = 1; half < 8; half *= 2)
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            if (i & half) continue;
            __m512d a = v[i], b = v[i + half];
            v[i] = _mm512_add_pd(a, b);
            v[i + half] = _mm512_sub_pd(a, b);
        }
}

static void hadamard(double *block, int64_t size)
{
    if (size < 64) {
        es_hadamard_steps(block, size);
        return;
    }
    __m512d v[8];
    for (int64_t start = 0; start < size; start += 64) { /* 1 to 32 apart */
        for (int i = 0; i < 8; i++) v[i] = mix_lanes(_mm512_loadu_pd(block + start + 8 * i));
        mix_vectors(v);
        for (int i = 0; i < 8; i++) _mm512_storeu_pd(block + start + 8 * i, v[i]);
    }
    int64_t half = 64;
    for (; half * 8 <= size; half *= 8) /* three steps at once */
        for (int64_t start = 0; start < size; start += 8 * half)
            for (int64_t at = start; at < start + half; at += 8) {
                for (int i = 0; i < 8; i++) v[i] = _mm512_loadu_pd(block + at + i * half);
                mix_vectors(v);
                for (int i = 0; i < 8; i++) _mm512_storeu_pd(block + at + i * half, v[i]);
            }
    for (; half < size; half *= 2)
        for (int64_t start = 0; start < size; start += 2 * half)
            for (int64_t i = start; i < start + half; i += 8) {
                __m512d a = _mm512_loadu_pd(block + i), b = _mm512_loadu_pd(block + i + half);
                _mm512_storeu_pd(block + i, _mm512_add_pd(a, b));
                _mm512_storeu_pd(block + i + half, _mm512_sub_pd(a, b));
            }
}

static double fold_doubles(__m512d low, __m512d high)
{
    double lane[ES_LANES];
    _mm512_storeu_pd(lane, low);
    _mm512_storeu_pd(lane + 8, high);
    return es_fold_lanes(lane);
}

static __mmask8 first(int64_t count)
{
    return count >= 8 ? (__mmask8)0xFF : count <= 0 ? (__mmask8)0 : (__mmask8)((1u << count) - 1);
}

static double dot(const double *a, const double *b, int64_t count)
{
    __m512d low = _mm512_setzero_pd(), high = _mm512_setzero_pd();
    int64_t i = 0;
    for (; i + ES_LANES <= count; i += ES_LANES) {
        low = _mm512_add_pd(low, _mm512_mul_pd(_mm512_loadu_pd(a + i), _mm512_loadu_pd(b + i)));
        high = _mm512_add_pd(high,
                             _mm512_mul_pd(_mm512_loadu_pd(a + i + 8), _mm512_loadu_pd(b + i + 8)));
    }
    if (i < count) {
        __mmask8 m0 = first(count - i), m1 = first(count - i - 8);
        low = _mm512_mask_add_pd(
            low, m0, low,
            _mm512_mul_pd(_mm512_maskz_loadu_pd(m0, a + i), _mm512_maskz_loadu_pd(m0, b + i)));
        high = _mm512_mask_add_pd(high, m1, high,
                                  _mm512_mul_pd(_mm512_maskz_loadu_pd(m1, a + i + 8),
                                                _mm512_maskz_loadu_pd(m1, b + i + 8)));
    }
    return fold_doubles(low, high);
}

static void dot_and_square(const float *row, const double *vector, int64_t count, double *dot,
                           double *square)
{
    __m512d dots[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    __m512d squares[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    for (int64_t i = 0; i < count; i += ES_LANES)
        for (int h = 0; h < 2; h++) {
            __mmask8 some = first(count - i - 8 * h);
            __m512d x = _mm512_cvtps_pd(_mm256_maskz_loadu_ps(some, row + i + 8 * h));
            __m512d v = _mm512_maskz_loadu_pd(some, vector + i + 8 * h);
            dots[h] = _mm512_mask_add_pd(dots[h], some, dots[h], _mm512_mul_pd(x, v));
            squares[h] = _mm512_mask_add_pd(squares[h], some, squares[h], _mm512_mul_pd(x, x));
        }
    *dot = fold_doubles(dots[0], dots[1]);
    *square = fold_doubles(squares[0], squares[1]);
}

static double wide_dot(const float *a, const float *b, int64_t count)
{
    __m512d low = _mm512_setzero_pd(), high = _mm512_setzero_pd();
    int64_t i = 0;
    for (; i + ES_LANES <= count; i += ES_LANES) {
        low = _mm512_fmadd_pd(_mm512_cvtps_pd(_mm256_loadu_ps(a + i)),
                              _mm512_cvtps_pd(_mm256_loadu_ps(b + i)), low);
        high = _mm512_fmadd_pd(_mm512_cvtps_pd(_mm256_loadu_ps(a + i + 8)),
                               _mm512_cvtps_pd(_mm256_loadu_ps(b + i + 8)), high);
    }
    double lane[ES_LANES];
    _mm512_storeu_pd(lane, low);
    _mm512_storeu_pd(lane + 8, high);
    for (int j = 0; i + j < count; j++) lane[j] = fma(a[i + j], b[i + j], lane[j]);
    return es_fold_lanes(lane);
}

static int64_t near_edges(const float *cosines, int64_t count, float half, float reach,
                          uint16_t *near)
{
    __m512 halves = _mm512_set1_ps(half), reaches = _mm512_set1_ps(reach);
    int64_t found = 0;
    for (int64_t i = 0; i < count; i += ES_LANES) {
        int64_t left = count - i;
        __mmask16 some = left < ES_LANES ? (__mmask16)((1u << left) - 1) : (__mmask16)0xFFFF;
        __m512 place = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(some, cosines + i), halves, halves);
        __m512 whole = _mm512_roundscale_ps(place, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        __m512 off = _mm512_abs_ps(_mm512_sub_ps(place, whole));
        unsigned mask = _mm512_mask_cmp_ps_mask(some, off, reaches, _CMP_LE_OQ);
        for (; mask; mask &= mask - 1) near[found++] = (uint16_t)(i + __builtin_ctz(mask));
    }
    return found;
}

/* 8 x 24 sums in 24 registers. */
static void gram_tile(int64_t depth, const double *left, const double *right, double *sums,
                      int64_t stride)
{
    __m512d sum[ES_GRAM_ROWS][3];
#pragma GCC unroll 8
    for (int r = 0; r < ES_GRAM_ROWS; r++)
#pragma GCC unroll 3
        for (int c = 0; c < 3; c++) sum[r][c] = _mm512_loadu_pd(sums + r * stride + 8 * c);
    for (int64_t k = 0; k < depth; k++, left += ES_GRAM_PANEL, right += ES_GRAM_PANEL) {
        __m512d b0 = _mm512_load_pd(right), b1 = _mm512_load_pd(right + 8);
        __m512d b2 = _mm512_load_pd(right + 16);
#pragma GCC unroll 8
        for (int r = 0; r < ES_GRAM_ROWS; r++) {
            __m512d a_r = _mm512_set1_pd(left[r]);
            sum[r][0] = _mm512_fmadd_pd(a_r, b0, sum[r][0]);
            sum[r][1] = _mm512_fmadd_pd(a_r, b1, sum[r][1]);
            sum[r][2] = _mm512_fmadd_pd(a_r, b2, sum[r][2]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ES_GRAM_ROWS; r++)
#pragma GCC unroll 3
        for (int c = 0; c < 3; c++) _mm512_storeu_pd(sums + r * stride + 8 * c, sum[r][c]);
}

void es_kernel_init_avx512(es_kernel *kernel)
{
    es_kernel_init_avx2(kernel); /* nibbles */
    kernel->name = "avx512";
    kernel->product = product;
    kernel->product_and_count = product_and_count;
    kernel->tally = tally;
    kernel->reach = reach;
    kernel->byte_reach = byte_reach;
    kernel->float_dot = float_dot;
    kernel->to_halves = to_halves;
    kernel->half_dot = half_dot;
    kernel->hadamard = hadamard;
    kernel->dot = dot;
    kernel->dot_and_square = dot_and_square;
    kernel->wide_dot = wide_dot;
    kernel->near_edges = near_edges;
    kernel->gram_tile = gram_tile;
}
