/* AArch64 with the dot product extension (Armv8.2, optional): four 8-bit products and their sum in
 * one lane of one instruction. It wants both sides signed, which the fours of the right side, as
 * they lie in memory, are after their 128 is taken off: sum l (b + 128) = sum l b + 128 sum l. */
#include "kernel/kernel.h"

#include <arm_neon.h>

/* Eight rows by 12 columns in 24 registers. */
static void byte_product_part(int64_t depth, const int8_t *left, const int32_t start[ES_STRIP],
                              const uint8_t *right, int32_t *sums)
{
    const uint8x16_t sign = vdupq_n_u8(128);
    int32x4_t sum[ES_STRIP][3];
#pragma GCC unroll 8
    for (int r = 0; r < ES_STRIP; r++)
        for (int c = 0; c < 3; c++) sum[r][c] = vdupq_n_s32(start[r]);
    for (int64_t k = 0; k < depth; k += 4, left += 4 * ES_STRIP, right += 4 * ES_PANEL) {
        int8x16_t upper = vld1q_s8(left), lower = vld1q_s8(left + 16);
#pragma GCC unroll 3
        for (int c = 0; c < 3; c++) {
            int8x16_t b = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(right + 16 * c), sign));
            sum[0][c] = vdotq_laneq_s32(sum[0][c], b, upper, 0);
            sum[1][c] = vdotq_laneq_s32(sum[1][c], b, upper, 1);
            sum[2][c] = vdotq_laneq_s32(sum[2][c], b, upper, 2);
            sum[3][c] = vdotq_laneq_s32(sum[3][c], b, upper, 3);
            sum[4][c] = vdotq_laneq_s32(sum[4][c], b, lower, 0);
            sum[5][c] = vdotq_laneq_s32(sum[5][c], b, lower, 1);
            sum[6][c] = vdotq_laneq_s32(sum[6][c], b, lower, 2);
            sum[7][c] = vdotq_laneq_s32(sum[7][c], b, lower, 3);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ES_STRIP; r++)
        for (int c = 0; c < 3; c++) vst1q_s32(sums + r * ES_PANEL + 4 * c, sum[r][c]);
}

static void byte_product(int64_t depth, const int8_t *left, const int32_t *start,
                         const uint8_t *right, int32_t *sums)
{
    const int8x16_t ones = vdupq_n_s8(1);
    int32x4_t upper = vdupq_n_s32(0), lower = vdupq_n_s32(0); /* the sums of the left rows */
    for (int64_t k = 0; k < depth; k += 4) {
        upper = vdotq_s32(upper, vld1q_s8(left + k * ES_STRIP), ones);
        lower = vdotq_s32(lower, vld1q_s8(left + k * ES_STRIP + 16), ones);
    }
    int32_t first[ES_STRIP];
    vst1q_s32(first, vmlaq_n_s32(vld1q_s32(start), upper, 128));
    vst1q_s32(first + 4, vmlaq_n_s32(vld1q_s32(start + 4), lower, 128));
    for (int c = 0; c < ES_PANEL; c += 12)
        byte_product_part(depth, left, first, right + (ptrdiff_t)4 * c, sums + c);
}

void es_kernel_init_neondot(es_kernel *kernel)
{
    es_kernel_init_neon(kernel);
    kernel->name = "neondot";
    kernel->byte_product = byte_product;
    kernel->bytes_are_fast = true; /* 16 multiply-adds an instruction, where product has four */
}
