/* AVX2 with FMA. A 16-lane vector is two registers. */
#include "kernel/kernel.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum {
    COUNT_EVERY = 16, /* steps between two looks at the bins */
    PARTS = 4,        /* of a strip */
    AHEAD = 4, /* steps by which the right side is asked for: it comes from the second cache */
};

/* Four rows by 24 columns in twelve registers: per k three loads and four broadcasts. `count` bins
 * are counted meanwhile. */
static inline __attribute__((always_inline)) void multiply_part(int64_t depth, const float *left,
                                                                const float *right, float *out,
                                                                const uint16_t *bin, int64_t count,
                                                                uint32_t *counts)
{
    int64_t share = count ? (count * COUNT_EVERY + depth - 1) / depth : 0, counted = 0;
    __m256 sum[4][3];
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 3; c++) sum[r][c] = _mm256_setzero_ps();
    for (int64_t k = 0; k < depth;) {
        int64_t stop = !count || depth - k < COUNT_EVERY ? depth : k + COUNT_EVERY;
        for (; k < stop; k++, left += ES_PANEL, right += ES_PANEL) {
            _mm_prefetch((const char *)(right + AHEAD * ES_PANEL), _MM_HINT_T0);
            _mm_prefetch((const char *)(right + AHEAD * ES_PANEL + 16), _MM_HINT_T0);
            __m256 b0 = _mm256_load_ps(right), b1 = _mm256_load_ps(right + 8);
            __m256 b2 = _mm256_load_ps(right + 16);
#pragma GCC unroll 4
            for (int r = 0; r < 4; r++) {
                __m256 a = _mm256_broadcast_ss(left + r);
                sum[r][0] = _mm256_fmadd_ps(a, b0, sum[r][0]);
                sum[r][1] = _mm256_fmadd_ps(a, b1, sum[r][1]);
                sum[r][2] = _mm256_fmadd_ps(a, b2, sum[r][2]);
            }
        }
        for (int64_t to = counted + share; counted < to && counted < count; counted++)
            counts[bin[counted]]++;
    }
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 3; c++) {
            float *at = out + r * ES_PANEL + c * 8;
            _mm256_storeu_ps(at, _mm256_add_ps(_mm256_loadu_ps(at), sum[r][c]));
        }
}

static inline __attribute__((always_inline)) void multiply(int64_t depth, const float *left,
                                                           const float *right, float *out,
                                                           const uint16_t *bin, int64_t count,
                                                           uint32_t *counts)
{
    int64_t parts = PARTS * ((depth + ES_CHAIN - 1) / ES_CHAIN), part = 0;
    memset(out, 0, ES_TILE * sizeof *out);
    for (int64_t start = 0; start < depth; start += ES_CHAIN) {
        int64_t length = depth - start < ES_CHAIN ? depth - start : ES_CHAIN;
        const float *a = left + start * ES_PANEL, *b = right + start * ES_PANEL;
        for (int half = 0; half < 2; half++)
            for (int r = 0; r < ES_STRIP; r += 4, part++) {
                int64_t from = count * part / parts, to = count * (part + 1) / parts;
                multiply_part(length, a + r, b + 24 * half, out + r * ES_PANEL + 24 * half,
                              bin + from, to - from, counts);
            }
    }
}

static void product(int64_t depth, const float *left, const float *right, float *out)
{
    static const uint16_t none[1];
    multiply(depth, left, right, out, none, 0, NULL);
}

static void product_and_count(int64_t depth, const float *left, const float *right, float *out,
                              const uint16_t *bin, int64_t count, uint32_t *counts)
{
    multiply(depth, left, right, out, bin, count, counts);
}

static void widen_and_fold(const __m256 lanes[2], double *total)
{
    double lane[ES_LANES];
    for (int h = 0; h < 2; h++) {
        _mm256_storeu_pd(lane + 8 * h, _mm256_cvtps_pd(_mm256_castps256_ps128(lanes[h])));
        _mm256_storeu_pd(lane + 8 * h + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(lanes[h], 1)));
    }
    *total += es_fold_lanes(lane);
}

typedef struct eight_sums {
    __m256 power[4], low, high;
    int64_t at_least;
} eight_sums;

typedef struct bin_rule {
    __m256 shift, level, half, last;
} bin_rule;

/* Eight cosines, those in `some` if it is not NULL, into their lanes' sums; returns their bins. */
static inline __attribute__((always_inline)) __m256i
add_eight(__m256 c, const __m256 *some, const bin_rule *rule, eight_sums *sums)
{
    __m256 x = _mm256_sub_ps(c, rule->shift), low = _mm256_min_ps(sums->low, c);
    __m256 high = _mm256_max_ps(sums->high, c), reached = _mm256_cmp_ps(c, rule->level, _CMP_GE_OQ);
    if (some) {
        x = _mm256_and_ps(*some, x);
        low = _mm256_blendv_ps(sums->low, low, *some);
        high = _mm256_blendv_ps(sums->high, high, *some);
        reached = _mm256_and_ps(*some, reached);
    }
    __m256 square = _mm256_mul_ps(x, x);
    sums->power[0] = _mm256_add_ps(sums->power[0], x);
    sums->power[1] = _mm256_fmadd_ps(x, x, sums->power[1]);
    sums->power[2] = _mm256_fmadd_ps(square, x, sums->power[2]);
    sums->power[3] = _mm256_fmadd_ps(square, square, sums->power[3]);
    sums->low = low;
    sums->high = high;
    sums->at_least += __builtin_popcount((unsigned)_mm256_movemask_ps(reached));
    __m256 place = _mm256_fmadd_ps(c, rule->half, rule->half);
    place = _mm256_min_ps(_mm256_max_ps(place, _mm256_setzero_ps()), rule->last);
    return _mm256_cvttps_epi32(place);
}

/* The last cosines, fewer than 16. */
static void add_last(const float *cosines, int64_t count, const bin_rule *rule, eight_sums sums[2],
                     uint16_t *bin)
{
    const __m256i lane_number = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (int64_t i = 0; i < count; i += 8) {
        __m256i in = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(count - i)), lane_number);
        __m256 some = _mm256_castsi256_ps(in), c = _mm256_maskload_ps(cosines + i, in);
        int index[8];
        _mm256_storeu_si256((__m256i *)index, add_eight(c, &some, rule, &sums[i / 8]));
        for (int j = 0; j < 8 && i + j < count; j++) bin[i + j] = (uint16_t)index[j];
    }
}

static void tally(const float *cosines, int64_t count, float shift, float level, float half,
                  uint16_t *bin, es_tally *tally)
{
    __m256 zero = _mm256_setzero_ps();
    bin_rule rule = {_mm256_set1_ps(shift), _mm256_set1_ps(level), _mm256_set1_ps(half),
                     _mm256_set1_ps(2 * half - 1)};
    eight_sums first = {{zero, zero, zero, zero},
                        _mm256_set1_ps(tally->minimum),
                        _mm256_set1_ps(tally->maximum),
                        0};
    eight_sums second = first;
    int64_t i = 0;
    for (; i + ES_LANES <= count; i += ES_LANES) {
        __m256i a = add_eight(_mm256_loadu_ps(cosines + i), NULL, &rule, &first);
        __m256i b = add_eight(_mm256_loadu_ps(cosines + i + 8), NULL, &rule, &second);
        __m256i both = _mm256_permute4x64_epi64(_mm256_packus_epi32(a, b), 0xD8);
        _mm256_storeu_si256((__m256i *)(bin + i), both);
    }
    eight_sums sums[2] = {first, second};
    add_last(cosines + i, count - i, &rule, sums, bin + i);
    for (int p = 0; p < 4; p++) {
        __m256 lanes[2] = {sums[0].power[p], sums[1].power[p]};
        widen_and_fold(lanes, &tally->power[p]);
    }
    float lows[8], highs[8];
    _mm256_storeu_ps(lows, _mm256_min_ps(sums[0].low, sums[1].low));
    _mm256_storeu_ps(highs, _mm256_max_ps(sums[0].high, sums[1].high));
    for (int j = 0; j < 8; j++) {
        if (lows[j] < tally->minimum) tally->minimum = lows[j];
        if (highs[j] > tally->maximum) tally->maximum = highs[j];
    }
    tally->minimum += 0.0f;
    tally->maximum += 0.0f;
    tally->at_least += sums[0].at_least + sums[1].at_least;
}

static void reach(const float *cosines, const float *row_least, const float *column_least,
                  es_reached *reached)
{
    *reached = (es_reached){0};
    uint64_t any = 0;
    for (int c = 0; c < ES_PANEL; c += 8) {
        __m256 columns = _mm256_loadu_ps(column_least + c);
        for (int r = 0; r < ES_STRIP; r++) {
            __m256 cosine = _mm256_loadu_ps(cosines + r * ES_PANEL + c);
            __m256 row = _mm256_broadcast_ss(row_least + r);
            unsigned by_row = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(cosine, row, _CMP_GE_OQ));
            unsigned by_column =
                (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(cosine, columns, _CMP_GE_OQ));
            reached->row[r] |= (uint64_t)by_row << c;
            reached->column[r] |= (uint64_t)by_column << c;
            any |= by_row | by_column;
        }
    }
    reached->any = any != 0;
}

static float float_dot(const float *a, const float *b, int64_t count)
{
    __m256 sum[4];
    for (int q = 0; q < 4; q++) sum[q] = _mm256_setzero_ps();
    int64_t i = 0;
    for (; i + 32 <= count; i += 32)
        for (int q = 0; q < 4; q++)
            sum[q] = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8 * q), _mm256_loadu_ps(b + i + 8 * q),
                                     sum[q]);
    float lane[32];
    for (int q = 0; q < 4; q++) _mm256_storeu_ps(lane + 8 * q, sum[q]);
    for (int j = 0; i + j < count; j++) lane[j] = fmaf(a[i + j], b[i + j], lane[j]);
    for (int half = ES_LANES; half; half /= 2)
        for (int j = 0; j < half; j++) lane[j] += lane[j + half];
    return lane[0];
}

static double dot(const double *a, const double *b, int64_t count)
{
    __m256d sum[4] = {_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(),
                      _mm256_setzero_pd()};
    int64_t i = 0;
    for (; i + ES_LANES <= count; i += ES_LANES)
        for (int q = 0; q < 4; q++)
            sum[q] = _mm256_add_pd(sum[q], _mm256_mul_pd(_mm256_loadu_pd(a + i + 4 * q),
                                                         _mm256_loadu_pd(b + i + 4 * q)));
    double lane[ES_LANES];
    for (int q = 0; q < 4; q++) _mm256_storeu_pd(lane + 4 * q, sum[q]);
    for (int j = 0; i + j < count; j++) lane[j] += a[i + j] * b[i + j];
    return es_fold_lanes(lane);
}

static void dot_and_square(const float *row, const double *vector, int64_t count, double *dot,
                           double *square)
{
    __m256d dots[4], squares[4];
    for (int q = 0; q < 4; q++) dots[q] = squares[q] = _mm256_setzero_pd();
    int64_t i = 0;
    for (; i + ES_LANES <= count; i += ES_LANES)
        for (int q = 0; q < 4; q++) {
            __m256d x = _mm256_cvtps_pd(_mm_loadu_ps(row + i + 4 * q));
            __m256d v = _mm256_loadu_pd(vector + i + 4 * q);
            dots[q] = _mm256_add_pd(dots[q], _mm256_mul_pd(x, v));
            squares[q] = _mm256_add_pd(squares[q], _mm256_mul_pd(x, x));
        }
    double dot_lane[ES_LANES], square_lane[ES_LANES];
    for (int q = 0; q < 4; q++) {
        _mm256_storeu_pd(dot_lane + 4 * q, dots[q]);
        _mm256_storeu_pd(square_lane + 4 * q, squares[q]);
    }
    for (int j = 0; i + j < count; j++) {
        double x = row[i + j];
        dot_lane[j] += x * vector[i + j];
        square_lane[j] += x * x;
    }
    *dot = es_fold_lanes(dot_lane);
    *square = es_fold_lanes(square_lane);
}

static double wide_dot(const float *a, const float *b, int64_t count)
{
    __m256d sum[4];
    for (int q = 0; q < 4; q++) sum[q] = _mm256_setzero_pd();
    int64_t i = 0;
    for (; i + ES_LANES <= count; i += ES_LANES)
        for (int q = 0; q < 4; q++)
            sum[q] = _mm256_fmadd_pd(_mm256_cvtps_pd(_mm_loadu_ps(a + i + 4 * q)),
                                     _mm256_cvtps_pd(_mm_loadu_ps(b + i + 4 * q)), sum[q]);
    double lane[ES_LANES];
    for (int q = 0; q < 4; q++) _mm256_storeu_pd(lane + 4 * q, sum[q]);
    for (int j = 0; i + j < count; j++) lane[j] = fma(a[i + j], b[i + j], lane[j]);
    return es_fold_lanes(lane);
}

static int64_t near_edges(const float *cosines, int64_t count, float half, float reach,
                          uint16_t *near)
{
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
    __m256 halves = _mm256_set1_ps(half), reaches = _mm256_set1_ps(reach);
    int64_t found = 0, i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256 place = _mm256_fmadd_ps(_mm256_loadu_ps(cosines + i), halves, halves);
        __m256 whole = _mm256_round_ps(place, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        __m256 off = _mm256_and_ps(magnitude, _mm256_sub_ps(place, whole));
        unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(off, reaches, _CMP_LE_OQ));
        for (; mask; mask &= mask - 1) near[found++] = (uint16_t)(i + __builtin_ctz(mask));
    }
    for (; i < count; i++) {
        float place = fmaf(cosines[i], half, half);
        if (fabsf(place - rintf(place)) <= reach) near[found++] = (uint16_t)i;
    }
    return found;
}

/* Four rows by 12 columns of a tile in twelve registers. */
static void gram_part(int64_t depth, const double *left, const double *right, double *sums,
                      int64_t stride)
{
    __m256d sum[4][3];
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++)
#pragma GCC unroll 3
        for (int c = 0; c < 3; c++) sum[r][c] = _mm256_loadu_pd(sums + r * stride + 4 * c);
    for (int64_t k = 0; k < depth; k++, left += ES_GRAM_PANEL, right += ES_GRAM_PANEL) {
        __m256d b0 = _mm256_load_pd(right), b1 = _mm256_load_pd(right + 4);
        __m256d b2 = _mm256_load_pd(right + 8);
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++) {
            __m256d a = _mm256_broadcast_sd(left + r);
            sum[r][0] = _mm256_fmadd_pd(a, b0, sum[r][0]);
            sum[r][1] = _mm256_fmadd_pd(a, b1, sum[r][1]);
            sum[r][2] = _mm256_fmadd_pd(a, b2, sum[r][2]);
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++)
#pragma GCC unroll 3
        for (int c = 0; c < 3; c++) _mm256_storeu_pd(sums + r * stride + 4 * c, sum[r][c]);
}

static void gram_tile(int64_t depth, const double *left, const double *right, double *sums,
                      int64_t stride)
{
    for (int c = 0; c < ES_GRAM_PANEL; c += 12)
        for (int r = 0; r < ES_GRAM_ROWS; r += 4)
            gram_part(depth, left + r, right + c, sums + r * stride + c, stride);
}

/* 16-bit sums of pairs of products: at most 2 * 15 * 127 each, so that eight of them fit. */
static inline __m256i nibble_pairs(__m256i bytes, const int8_t *query, __m256i sum)
{
    const __m256i low_half = _mm256_set1_epi8(15);
    __m256i low = _mm256_and_si256(bytes, low_half);
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_half);
    __m256i a = _mm256_maddubs_epi16(low, _mm256_loadu_si256((const __m256i *)query));
    __m256i b = _mm256_maddubs_epi16(high, _mm256_loadu_si256((const __m256i *)(query + 64)));
    return _mm256_add_epi16(sum, _mm256_add_epi16(a, b));
}

static inline __m256i nibble_sums(int64_t stride, const uint8_t *row, const int8_t *query)
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i total = _mm256_setzero_si256();
    for (int64_t at = 0; at < stride;) {
        __m256i pairs = _mm256_setzero_si256();
        for (int chunks = 0; chunks < 2 && at < stride; chunks++, at += 64) {
            __m256i first = _mm256_loadu_si256((const __m256i *)(row + at));
            __m256i second = _mm256_loadu_si256((const __m256i *)(row + at + 32));
            pairs = nibble_pairs(first, query + 2 * at, pairs);
            pairs = nibble_pairs(second, query + 2 * at + 32, pairs);
        }
        total = _mm256_add_epi32(total, _mm256_madd_epi16(pairs, ones));
    }
    return total;
}

static int32_t nibble_dot(int64_t stride, const uint8_t *row, const int8_t *query)
{
    __m256i sums = nibble_sums(stride, row, query);
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1));
    return _mm_cvtsi128_si32(four);
}

static float nibble_bounds(int64_t stride, const es_nibble_sides *sides, float *upper)
{
    __m256 query_scale = _mm256_set1_ps(sides->query_scale), most = _mm256_set1_ps(-INFINITY);
    __m256 query_offset = _mm256_set1_ps(sides->query_offset);
    __m256 query_length = _mm256_set1_ps(sides->query_length);
    __m256 query_residual = _mm256_set1_ps(sides->query_residual);
    for (int i = 0; i < ES_GROUP; i += 8) {
        __m256i sum[8];
        for (int r = 0; r < 8; r++)
            sum[r] = nibble_sums(stride, sides->rows + (i + r) * stride, sides->query);
        for (int r = 0; r < 8; r += 4) { /* lanes of each half: rows r ... r + 3 */
            __m256i ab = _mm256_hadd_epi32(sum[r], sum[r + 1]);
            __m256i cd = _mm256_hadd_epi32(sum[r + 2], sum[r + 3]);
            sum[r] = _mm256_hadd_epi32(ab, cd);
        }
        __m256i dots = _mm256_add_epi32(_mm256_permute2x128_si256(sum[0], sum[4], 0x20),
                                        _mm256_permute2x128_si256(sum[0], sum[4], 0x31));
        dots = _mm256_add_epi32(_mm256_slli_epi32(dots, 4), _mm256_set1_epi32(sides->start));
        __m256 scale = _mm256_mul_ps(_mm256_loadu_ps(sides->scale + i), query_scale);
        __m256 offset = _mm256_add_ps(_mm256_loadu_ps(sides->offset + i), query_offset);
        __m256 value = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots), scale, offset);
        value = _mm256_fmadd_ps(_mm256_loadu_ps(sides->length + i), query_residual, value);
        value = _mm256_fmadd_ps(_mm256_loadu_ps(sides->residual + i), query_length, value);
        _mm256_storeu_ps(upper + i, value);
        most = _mm256_max_ps(most, value);
    }
    float lane[8], largest = -INFINITY;
    _mm256_storeu_ps(lane, most);
    for (int i = 0; i < 8; i++) largest = lane[i] > largest ? lane[i] : largest;
    return largest;
}

static uint64_t at_least(const float *values, float level)
{
    __m256 levels = _mm256_set1_ps(level);
    uint64_t mask = 0;
    for (int i = 0; i < ES_GROUP; i += 8) {
        __m256 reached = _mm256_cmp_ps(_mm256_loadu_ps(values + i), levels, _CMP_GE_OQ);
        mask |= (uint64_t)(unsigned)_mm256_movemask_ps(reached) << i;
    }
    return mask;
}

void es_kernel_init_avx2(es_kernel *kernel)
{
    kernel->name = "avx2";
    kernel->product = product;
    kernel->product_and_count = product_and_count;
    kernel->tally = tally;
    kernel->reach = reach;
    kernel->float_dot = float_dot;
    kernel->dot = dot;
    kernel->dot_and_square = dot_and_square;
    kernel->wide_dot = wide_dot;
    kernel->nibble_dot = nibble_dot;
    kernel->nibble_bounds = nibble_bounds;
    kernel->at_least = at_least;
    kernel->near_edges = near_edges;
    kernel->gram_tile = gram_tile;
}
