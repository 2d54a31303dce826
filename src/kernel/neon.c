/* AArch64 Advanced SIMD: part of every AArch64 processor. A 16-lane vector is four registers.
 *
 * Intrinsics that multiply and those that add stay two roundings only where the compiler may not
 * contract them: -ffp-contract=off, as for all of the library. */
#include "kernel/kernel.h"

#include <arm_neon.h>
#include <math.h>
#include <string.h>

/* Eight rows by 12 columns in 24 registers: per k five loads, and each of the eight components of
 * the left is multiplied out of its lane. */
static void product_part(int64_t depth, const float *left, const float *right, float *out)
{
    float32x4_t sum[ES_STRIP][3];
    for (int r = 0; r < ES_STRIP; r++)
        for (int c = 0; c < 3; c++) sum[r][c] = vdupq_n_f32(0);
    for (int64_t k = 0; k < depth; k++, left += ES_PANEL, right += ES_PANEL) {
        float32x4_t upper = vld1q_f32(left), lower = vld1q_f32(left + 4);
#pragma GCC unroll 3
        for (int c = 0; c < 3; c++) {
            float32x4_t b = vld1q_f32(right + 4 * c);
            sum[0][c] = vfmaq_laneq_f32(sum[0][c], b, upper, 0);
            sum[1][c] = vfmaq_laneq_f32(sum[1][c], b, upper, 1);
            sum[2][c] = vfmaq_laneq_f32(sum[2][c], b, upper, 2);
            sum[3][c] = vfmaq_laneq_f32(sum[3][c], b, upper, 3);
            sum[4][c] = vfmaq_laneq_f32(sum[4][c], b, lower, 0);
            sum[5][c] = vfmaq_laneq_f32(sum[5][c], b, lower, 1);
            sum[6][c] = vfmaq_laneq_f32(sum[6][c], b, lower, 2);
            sum[7][c] = vfmaq_laneq_f32(sum[7][c], b, lower, 3);
        }
    }
    for (int r = 0; r < ES_STRIP; r++)
        for (int c = 0; c < 3; c++) {
            float *at = out + r * ES_PANEL + 4 * c;
            vst1q_f32(at, vaddq_f32(vld1q_f32(at), sum[r][c]));
        }
}

static void product(int64_t depth, const float *left, const float *right, float *out)
{
    memset(out, 0, ES_TILE * sizeof *out);
    for (int64_t start = 0; start < depth; start += ES_CHAIN) {
        int64_t length = depth - start < ES_CHAIN ? depth - start : ES_CHAIN;
        const float *a = left + start * ES_PANEL, *b = right + start * ES_PANEL;
        for (int c = 0; c < ES_PANEL; c += 12) product_part(length, a, b + c, out + c);
    }
}

static void product_and_count(int64_t depth, const float *left, const float *right, float *out,
                              const uint16_t *bin, int64_t count, uint32_t *counts)
{
    product(depth, left, right, out);
    for (int64_t i = 0; i < count; i++) counts[bin[i]]++;
}

static double widen_and_fold(const float32x4_t lanes[4])
{
    double lane[ES_LANES];
    for (int q = 0; q < 4; q++) {
        vst1q_f64(lane + 4 * q, vcvt_f64_f32(vget_low_f32(lanes[q])));
        vst1q_f64(lane + 4 * q + 2, vcvt_high_f64_f32(lanes[q]));
    }
    return es_fold_lanes(lane);
}

static void tally(const float *cosines, int64_t count, float shift, float level, float half,
                  uint16_t *bin, es_tally *tally)
{
    static const uint32_t numbers[ES_LANES] = {0, 1, 2,  3,  4,  5,  6,  7,
                                               8, 9, 10, 11, 12, 13, 14, 15};
    float32x4_t power[4][4], low = vdupq_n_f32(tally->minimum), high = vdupq_n_f32(tally->maximum);
    for (int p = 0; p < 4; p++)
        for (int q = 0; q < 4; q++) power[p][q] = vdupq_n_f32(0);
    float32x4_t halves = vdupq_n_f32(half), zero = vdupq_n_f32(0), last = vdupq_n_f32(2 * half - 1);
    uint32x4_t reached = vdupq_n_u32(0);
    float rest[ES_LANES] = {0}; /* the last ones, where there are fewer than 16, and their bins */
    uint16_t rest_bin[ES_LANES];
    for (int64_t i = 0; i < count; i += ES_LANES) {
        int64_t left = count - i;
        const float *from = cosines + i;
        uint16_t *to = bin + i;
        if (left < ES_LANES) from = memcpy(rest, from, (size_t)left * sizeof *rest), to = rest_bin;
        uint32x4_t end = vdupq_n_u32((uint32_t)left);
#pragma GCC unroll 4
        for (int q = 0; q < 4; q++) {
            uint32x4_t some = vcltq_u32(vld1q_u32(numbers + 4 * q), end);
            float32x4_t c = vld1q_f32(from + 4 * q);
            float32x4_t x = vbslq_f32(some, vsubq_f32(c, vdupq_n_f32(shift)), zero);
            float32x4_t square = vmulq_f32(x, x);
            power[0][q] = vaddq_f32(power[0][q], x);
            power[1][q] = vfmaq_f32(power[1][q], x, x);
            power[2][q] = vfmaq_f32(power[2][q], square, x);
            power[3][q] = vfmaq_f32(power[3][q], square, square);
            low = vbslq_f32(some, vminnmq_f32(low, c), low);
            high = vbslq_f32(some, vmaxnmq_f32(high, c), high);
            reached = vsubq_u32(reached, vandq_u32(some, vcgeq_f32(c, vdupq_n_f32(level))));
            float32x4_t place = vfmaq_f32(halves, c, halves);
            place = vminnmq_f32(vmaxnmq_f32(place, zero), last);
            vst1_u16(to + 4 * q, vmovn_u32(vcvtq_u32_f32(place)));
        }
    }
    memcpy(bin + count / ES_LANES * ES_LANES, rest_bin,
           (size_t)(count % ES_LANES) * sizeof *rest_bin);
    for (int p = 0; p < 4; p++) tally->power[p] += widen_and_fold(power[p]);
    tally->minimum = vminnmvq_f32(low) + 0.0f;
    tally->maximum = vmaxnmvq_f32(high) + 0.0f;
    tally->at_least += vaddvq_u32(reached);
}

/* Bit j: is lane j of 16 set? */
static inline uint32_t bits_of(const uint32x4_t mask[4])
{
    static const uint32_t first[4] = {1, 2, 4, 8};
    uint32x4_t weights = vld1q_u32(first);
    uint32x4_t bits = vandq_u32(mask[0], weights);
    bits = vorrq_u32(bits, vandq_u32(mask[1], vshlq_n_u32(weights, 4)));
    bits = vorrq_u32(bits, vandq_u32(mask[2], vshlq_n_u32(weights, 8)));
    bits = vorrq_u32(bits, vandq_u32(mask[3], vshlq_n_u32(weights, 12)));
    return vaddvq_u32(bits);
}

static void reach(const float *cosines, const float *row_least, const float *column_least,
                  es_reached *reached)
{
    *reached = (es_reached){0};
    uint64_t any = 0;
    for (int c = 0; c < ES_PANEL; c += ES_LANES)
        for (int r = 0; r < ES_STRIP; r++) {
            float32x4_t row = vdupq_n_f32(row_least[r]);
            uint32x4_t by_row[4], by_column[4];
            for (int q = 0; q < 4; q++) {
                float32x4_t cosine = vld1q_f32(cosines + r * ES_PANEL + c + 4 * q);
                by_row[q] = vcgeq_f32(cosine, row);
                by_column[q] = vcgeq_f32(cosine, vld1q_f32(column_least + c + 4 * q));
            }
            uint64_t row_bits = bits_of(by_row), column_bits = bits_of(by_column);
            reached->row[r] |= row_bits << c;
            reached->column[r] |= column_bits << c;
            any |= row_bits | column_bits;
        }
    reached->any = any != 0;
}

/* The most that four pairs of row r can reach, from column c on: es_screen_side. */
static inline float32x4_t most(const int32_t *sums, const es_screen_side *rows, int r,
                               const es_screen_side *columns, int c)
{
    float32x4_t residual = vld1q_f32(columns->residual + c);
    float32x4_t length = vaddq_f32(vld1q_f32(columns->length + c), residual);
    float32x4_t scale = vmulq_n_f32(vld1q_f32(columns->scale + c), rows->scale[r]);
    float32x4_t sum = vcvtq_f32_s32(vld1q_s32(sums + r * ES_PANEL + c));
    float32x4_t value = vfmaq_f32(vld1q_f32(columns->offset + c), sum, scale);
    value = vfmaq_n_f32(value, residual, rows->length[r]);
    value = vfmaq_n_f32(value, length, rows->residual[r]);
    return vaddq_f32(value, vdupq_n_f32(rows->offset[r]));
}

static void byte_reach(const int32_t *sums, const es_screen_side *rows,
                       const es_screen_side *columns, es_reached *reached)
{
    *reached = (es_reached){0};
    uint64_t any = 0;
    for (int c = 0; c < ES_PANEL; c += ES_LANES)
        for (int r = 0; r < ES_STRIP; r++) {
            float32x4_t row = vdupq_n_f32(rows->least[r]);
            uint32x4_t by_row[4], by_column[4];
            for (int q = 0; q < 4; q++) {
                float32x4_t value = most(sums, rows, r, columns, c + 4 * q);
                by_row[q] = vcgeq_f32(value, row);
                by_column[q] = vcgeq_f32(value, vld1q_f32(columns->least + c + 4 * q));
            }
            uint64_t row_bits = bits_of(by_row), column_bits = bits_of(by_column);
            reached->row[r] |= row_bits << c;
            reached->column[r] |= column_bits << c;
            any |= row_bits | column_bits;
        }
    reached->any = any != 0;
}

static float float_dot(const float *a, const float *b, int64_t count)
{
    float32x4_t sum[8];
    for (int q = 0; q < 8; q++) sum[q] = vdupq_n_f32(0);
    int64_t i = 0;
    for (; i + 32 <= count; i += 32)
        for (int q = 0; q < 8; q++)
            sum[q] = vfmaq_f32(sum[q], vld1q_f32(a + i + 4 * q), vld1q_f32(b + i + 4 * q));
    float lane[32];
    for (int q = 0; q < 8; q++) vst1q_f32(lane + 4 * q, sum[q]);
    for (int j = 0; i + j < count; j++) lane[j] = fmaf(a[i + j], b[i + j], lane[j]);
    for (int half = ES_LANES; half; half /= 2)
        for (int j = 0; j < half; j++) lane[j] += lane[j + half];
    return lane[0];
}

static void to_halves(const float *values, int64_t count, uint16_t *halves)
{
    int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        vst1_u16(halves + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(values + i))));
    if (i == count) return;
    float rest[4] = {0};
    uint16_t made[4];
    memcpy(rest, values + i, (size_t)(count - i) * sizeof *rest);
    vst1_u16(made, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(rest))));
    memcpy(halves + i, made, (size_t)(count - i) * sizeof *made);
}

static inline float32x4_t widened(const uint16_t *halves)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(halves)));
}

static float half_dot(const uint16_t *a, const uint16_t *b, int64_t count)
{
    float32x4_t sum[8];
    for (int q = 0; q < 8; q++) sum[q] = vdupq_n_f32(0);
    for (int64_t i = 0; i < count; i += 32)
        for (int q = 0; q < 8; q++)
            sum[q] = vfmaq_f32(sum[q], widened(a + i + 4 * q), widened(b + i + 4 * q));
    float lane[32];
    for (int q = 0; q < 8; q++) vst1q_f32(lane + 4 * q, sum[q]);
    for (int half = ES_LANES; half; half /= 2)
        for (int j = 0; j < half; j++) lane[j] += lane[j + half];
    return lane[0];
}

static double dot(const double *a, const double *b, int64_t count)
{
    float64x2_t sum[8];
    for (int q = 0; q < 8; q++) sum[q] = vdupq_n_f64(0);
    int64_t i = 0;
    for (; i + ES_LANES <= count; i += ES_LANES)
        for (int q = 0; q < 8; q++)
            sum[q] =
                vaddq_f64(sum[q], vmulq_f64(vld1q_f64(a + i + 2 * q), vld1q_f64(b + i + 2 * q)));
    double lane[ES_LANES];
    for (int q = 0; q < 8; q++) vst1q_f64(lane + 2 * q, sum[q]);
    for (int j = 0; i + j < count; j++) lane[j] += a[i + j] * b[i + j];
    return es_fold_lanes(lane);
}

static void dot_and_square(const float *row, const double *vector, int64_t count, double *dot,
                           double *square)
{
    float64x2_t dots[8], squares[8];
    for (int q = 0; q < 8; q++) dots[q] = squares[q] = vdupq_n_f64(0);
    int64_t i = 0;
    for (; i + ES_LANES <= count; i += ES_LANES)
        for (int q = 0; q < 8; q++) {
            float64x2_t x = vcvt_f64_f32(vld1_f32(row + i + 2 * q));
            float64x2_t v = vld1q_f64(vector + i + 2 * q);
            dots[q] = vaddq_f64(dots[q], vmulq_f64(x, v));
            squares[q] = vaddq_f64(squares[q], vmulq_f64(x, x));
        }
    double dot_lane[ES_LANES], square_lane[ES_LANES];
    for (int q = 0; q < 8; q++) {
        vst1q_f64(dot_lane + 2 * q, dots[q]);
        vst1q_f64(square_lane + 2 * q, squares[q]);
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
    float64x2_t sum[8];
    for (int q = 0; q < 8; q++) sum[q] = vdupq_n_f64(0);
    int64_t i = 0;
    for (; i + ES_LANES <= count; i += ES_LANES)
        for (int q = 0; q < 8; q++)
            sum[q] = vfmaq_f64(sum[q], vcvt_f64_f32(vld1_f32(a + i + 2 * q)),
                               vcvt_f64_f32(vld1_f32(b + i + 2 * q)));
    double lane[ES_LANES];
    for (int q = 0; q < 8; q++) vst1q_f64(lane + 2 * q, sum[q]);
    for (int j = 0; i + j < count; j++) lane[j] = fma(a[i + j], b[i + j], lane[j]);
    return es_fold_lanes(lane);
}

static int64_t near_edges(const float *cosines, int64_t count, float half, float reach,
                          uint16_t *near)
{
    float32x4_t halves = vdupq_n_f32(half), reaches = vdupq_n_f32(reach);
    int64_t found = 0, i = 0;
    for (; i + ES_LANES <= count; i += ES_LANES) {
        uint32x4_t mask[4];
        for (int q = 0; q < 4; q++) {
            float32x4_t place = vfmaq_f32(halves, vld1q_f32(cosines + i + 4 * q), halves);
            mask[q] = vcleq_f32(vabdq_f32(place, vrndnq_f32(place)), reaches);
        }
        for (uint32_t bits = bits_of(mask); bits; bits &= bits - 1)
            near[found++] = (uint16_t)(i + __builtin_ctz(bits));
    }
    for (; i < count; i++) {
        float place = fmaf(cosines[i], half, half);
        if (fabsf(place - rintf(place)) <= reach) near[found++] = (uint16_t)i;
    }
    return found;
}

/* 8 x 6 sums in 24 registers. */
static void gram_part(int64_t depth, const double *left, const double *right, double *sums,
                      int64_t stride)
{
    float64x2_t sum[ES_GRAM_ROWS][3];
#pragma GCC unroll 8
    for (int r = 0; r < ES_GRAM_ROWS; r++)
#pragma GCC unroll 3
        for (int c = 0; c < 3; c++) sum[r][c] = vld1q_f64(sums + r * stride + 2 * c);
    for (int64_t k = 0; k < depth; k++, left += ES_GRAM_PANEL, right += ES_GRAM_PANEL) {
        float64x2_t b[3];
        for (int c = 0; c < 3; c++) b[c] = vld1q_f64(right + 2 * c);
#pragma GCC unroll 4
        for (int r = 0; r < ES_GRAM_ROWS; r += 2) {
            float64x2_t a = vld1q_f64(left + r);
#pragma GCC unroll 3
            for (int c = 0; c < 3; c++) {
                sum[r][c] = vfmaq_laneq_f64(sum[r][c], b[c], a, 0);
                sum[r + 1][c] = vfmaq_laneq_f64(sum[r + 1][c], b[c], a, 1);
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ES_GRAM_ROWS; r++)
#pragma GCC unroll 3
        for (int c = 0; c < 3; c++) vst1q_f64(sums + r * stride + 2 * c, sum[r][c]);
}

static void gram_tile(int64_t depth, const double *left, const double *right, double *sums,
                      int64_t stride)
{
    for (int c = 0; c < ES_GRAM_PANEL; c += 6) gram_part(depth, left, right + c, sums + c, stride);
}

void es_kernel_init_neon(es_kernel *kernel)
{
    kernel->name = "neon";
    kernel->product = product;
    kernel->product_and_count = product_and_count;
    kernel->tally = tally;
    kernel->reach = reach;
    kernel->byte_reach = byte_reach;
    kernel->float_dot = float_dot;
    kernel->to_halves = to_halves;
    kernel->half_dot = half_dot;
    kernel->dot = dot;
    kernel->dot_and_square = dot_and_square;
    kernel->wide_dot = wide_dot;
    kernel->near_edges = near_edges;
    kernel->gram_tile = gram_tile;
}
