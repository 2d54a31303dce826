/* exp and what is made of it, in plain float32 arithmetic without branches: vector code on every
 * machine, and the same bits on all of them, which those of a C library need not give. */
#ifndef ES_MODEL_ELEMENTARY_H
#define ES_MODEL_ELEMENTARY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* exp(x), relative error below 2^-22 for -87 <= x <= 88; x is taken into that range, and what is
 * not finite becomes NaN. n = round(x / ln 2) by adding and taking off 1.5 2^23; ln 2 in two parts,
 * the first of 9 bits, so that n times it is exact; a polynomial of degree 6 on |r| <= ln(2)/2; 2^n
 * by the exponent's bits. */
static inline float es_exp(float exponent)
{
    float x = exponent > -87 ? exponent : -87;
    x = x < 88 ? x : 88;
    const float magic = 12582912;
    float n = (x * 1.44269504F + magic) - magic;
    float r = (x - n * 0.693359375F) - n * -2.12194440e-4F;
    float p = 1.0F / 720;
    p = p * r + 1.0F / 120;
    p = p * r + 1.0F / 24;
    p = p * r + 1.0F / 6;
    p = p * r + 0.5F;
    p = p * r + 1;
    p = p * r + 1;
    uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale + (exponent - exponent);
}

/* x/2 (1 + tanh(u)) = x / (1 + exp(-2 u)), u = sqrt(2/pi) (x + 0.044715 x^3): nothing cancels. */
static inline float es_gelu_tanh(float x)
{
    float u = 0.797884561F * (x + 0.044715F * x * x * x);
    return x / (1 + es_exp(-2 * u));
}

static inline float es_gelu(float x)
{
    return 0.5F * x * (1 + erff(x * 0.707106781F));
}

#endif
