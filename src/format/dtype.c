/* Component types, widened to float64. Every value of F16, BF16 and F32 is a float64, so nothing is
 * rounded. The loops have no branches, so that the compiler makes vector code of them. */
#include "format/format.h"

#include <string.h>

size_t es_dtype_size(es_dtype dtype)
{
    switch (dtype) {
    case ES_DTYPE_F32: return 4;
    case ES_DTYPE_F16:
    case ES_DTYPE_BF16: return 2;
    case ES_DTYPE_F64: return 8;
    case ES_DTYPE_OTHER: break;
    }
    return 0;
}

static double double_of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* 1 sign, 5 exponent (bias 15), 10 mantissa bits. Read as a float64 with that exponent and
 * mantissa, the number is 2^(1023-15) too small, subnormals too: one exact multiplication mends it.
 */
static double widen_f16(uint16_t half)
{
    uint64_t magnitude = (uint64_t)(half & 0x7FFF) << 42;
    uint64_t value_bits;
    double value = double_of_bits(magnitude) * 0x1p1008;
    memcpy(&value_bits, &value, sizeof value_bits);
    uint64_t special = (half & 0x7C00) == 0x7C00 ? UINT64_C(0x7FF) << 52 : 0; /* inf, nan */
    return double_of_bits(value_bits | special | (uint64_t)(half & 0x8000) << 48);
}

static double widen_bf16(uint16_t upper)
{
    uint32_t bits = (uint32_t)upper << 16; /* the upper half of a float32 */
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

void es_dtype_widen(es_dtype dtype, const void *source, int64_t count, double *out)
{
    const char *from = source;
    uint16_t half;
    float single;
    switch (dtype) {
    case ES_DTYPE_F32:
        for (int64_t i = 0; i < count; i++) {
            memcpy(&single, from + 4 * i, 4);
            out[i] = (double)single;
        }
        return;
    case ES_DTYPE_F16:
        for (int64_t i = 0; i < count; i++) {
            memcpy(&half, from + 2 * i, 2);
            out[i] = widen_f16(half);
        }
        return;
    case ES_DTYPE_BF16:
        for (int64_t i = 0; i < count; i++) {
            memcpy(&half, from + 2 * i, 2);
            out[i] = widen_bf16(half);
        }
        return;
    case ES_DTYPE_F64:
        if (count > 0) memcpy(out, from, (size_t)count * sizeof *out);
        return;
    case ES_DTYPE_OTHER: return;
    }
}
