/* The functions of one component that GPT-2 takes, written so that a compiler makes vectors of
 * them; the bits are the same on every machine. u = 2^-24. */
#ifndef ES_MODEL_GPT2_ACTIVATIONS_H
#define ES_MODEL_GPT2_ACTIVATIONS_H

#include <stdint.h>

/* x (count) = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), GPT-2's approximation of GELU
 * (Hendrycks and Gimpel 2016), within 4 u |x|; and the two others that a config.json may ask for.
 */
void es_gelu_tanh(int64_t count, float *x);
void es_gelu(int64_t count, float *x); /* x/2 (1 + erf(x / sqrt(2))), the C library's erf */
void es_relu(int64_t count, float *x);

/* x (count) = e^x, within 2 u of itself for |x| <= 87; what lies beyond counts as -87 or 87. */
void es_exponential(int64_t count, float *x);

#endif
