#include "model/gpt2_activations.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 256 }; /* components between two loops: they stay in the nearest cache */

/* e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln(2) / 2: e^r by its series up to r^7 / 7!, whose
 * rest is below 0.1 u. Adding and taking off 1.5 * 2^23 rounds to a whole number. ln 2 comes off in
 * two parts, the first of 9 bits, so that n times it is exact. */
static inline float exponential(float x)
{
    const float round = 0x1.8p23F, upper = 0x1.62p-1F, lower = 0x1.c85fdfp-10F;
    float rounded = x * 0x1.715476p0F + round, n = rounded - round;
    float r = (x - n * upper) - n * lower;
    float series = 1 / 5040.0F;
    series = series * r + 1 / 720.0F;
    series = series * r + 1 / 120.0F;
    series = series * r + 1 / 24.0F;
    series = series * r + 1 / 6.0F;
    series = series * r + 0.5F;
    series = 1 + (r + r * r * series);
    uint32_t bits; /* of rounded: n from some bit pattern on; and then of 2^n */
    float power;
    memcpy(&bits, &rounded, sizeof bits);
    bits = (bits - 0x4B400000 + 127) << 23;
    memcpy(&power, &bits, sizeof power);
    return series * power;
}

void es_exponential(int64_t count, float *x)
{
    /* Apart, or a compiler makes a branch of what is beyond, and no vectors. */
    for (int64_t i = 0; i < count; i++) x[i] = x[i] > 87 ? 87 : x[i];
    for (int64_t i = 0; i < count; i++) x[i] = x[i] < -87 ? -87 : x[i];
    for (int64_t i = 0; i < count; i++) x[i] = exponential(x[i]);
}

/* 1/2 (1 + tanh(z)) = 1 / (1 + e^(-2z)) */
void es_gelu_tanh(int64_t count, float *x)
{
    const float linear = 1.5957691216F, cubic = 0.0713548163F; /* 2 sqrt(2/pi), and * 0.044715 */
    float power[BLOCK];
    for (; count > 0; count -= BLOCK, x += BLOCK) {
        int64_t size = count < BLOCK ? count : BLOCK;
        for (int64_t i = 0; i < size; i++) power[i] = -(x[i] * (linear + cubic * (x[i] * x[i])));
        es_exponential(size, power);
        for (int64_t i = 0; i < size; i++) x[i] = x[i] / (1 + power[i]);
    }
}

void es_gelu(int64_t count, float *x)
{
    for (int64_t i = 0; i < count; i++) x[i] = 0.5F * x[i] * (1 + erff(x[i] * 0.7071067812F));
}

void es_relu(int64_t count, float *x)
{
    for (int64_t i = 0; i < count; i++) x[i] = x[i] > 0 ? x[i] : 0;
}
