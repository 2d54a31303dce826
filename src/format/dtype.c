/* Component types, widened to float64 and narrowed again. Every value of F16, BF16 and F32 is a
 * float64, so nothing is rounded on the way in. The loops that widen have no branches, so that the
 * compiler makes vector code of them. */
#include "format/format.h"

#include <assert.h>
#include <math.h>
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

const char *es_dtype_text(es_dtype dtype)
{
    static const char *const names[] = {"F32", "F16", "BF16", "F64", "other"};
    return names[dtype];
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

/* Straight from float64: by way of float32 a value near the middle of two would be rounded twice.
 */
static uint16_t narrow_f16(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 48 & 0x8000);
    double magnitude = fabs(value);
    if (!(magnitude <= 65504)) { /* half a step past the largest is still it */
        if (magnitude < 65520) return sign | 0x7BFF;
        return sign | (magnitude != magnitude ? 0x7E00 : 0x7C00);
    }
    /* Below 2^-14 a multiple of 2^-24; a carry into the exponent is the next number, as it should
     * be. */
    if (magnitude < 0x1p-14) return (uint16_t)(sign | (uint16_t)lrint(magnitude * 0x1p24));
    bits &= UINT64_C(0x7FFFFFFFFFFFFFFF);
    bits += (UINT64_C(1) << 41) - 1 + (bits >> 42 & 1) - (UINT64_C(1008) << 52);
    return (uint16_t)(sign | (uint16_t)(bits >> 42));
}

int64_t es_dtype_narrow(es_dtype dtype, const double *source, int64_t count, void *out)
{
    assert(dtype == ES_DTYPE_F32 || dtype == ES_DTYPE_F16 || dtype == ES_DTYPE_F64);
    char *to = out;
    int64_t lost = 0;
    for (int64_t i = 0; dtype == ES_DTYPE_F32 && i < count; i++) {
        float single = (float)source[i];
        lost += isinf(single) && isfinite(source[i]);
        memcpy(to + 4 * i, &single, 4);
    }
    for (int64_t i = 0; dtype == ES_DTYPE_F16 && i < count; i++) {
        uint16_t half = narrow_f16(source[i]);
        lost += (half & 0x7FFF) == 0x7C00 && isfinite(source[i]);
        memcpy(to + 2 * i, &half, 2);
    }
    if (dtype == ES_DTYPE_F64 && count > 0) memcpy(to, source, (size_t)count * sizeof *source);
    return lost;
}
