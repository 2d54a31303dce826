#include "kernel/fourier.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* e^(-i pi k / h) for 0 <= k < h. Quarters are exact, and mirror images agree. */
static void root_of_unity(int64_t k, int64_t h, double *cosine, double *sine)
{
    static const double pi = 3.14159265358979323846;
    if (2 * k > h) {
        root_of_unity(h - k, h, cosine, sine);
        *cosine = -*cosine;
    } else if (4 * k > h) { /* past an eighth of the circle: the other function is the exacter */
        double angle = pi * ((double)(h - 2 * k) / (double)(2 * h));
        *cosine = sin(angle);
        *sine = -cos(angle);
    } else {
        double angle = pi * ((double)k / (double)h);
        *cosine = cos(angle);
        *sine = -sin(angle);
    }
}

es_status es_fourier_init(es_fourier *plan, int64_t least, es_error *error)
{
    *plan = (es_fourier){.size = 1};
    while (plan->size < least) plan->size *= 2;
    plan->cosine = es_alloc_aligned(plan->size, sizeof(double));
    plan->sine = es_alloc_aligned(plan->size, sizeof(double));
    if (!plan->cosine || !plan->sine) {
        es_status status =
            es_fail_memory(error, "roots of unity", 2 * (size_t)plan->size * sizeof(double));
        es_fourier_release(plan);
        return status;
    }
    for (int64_t h = 1; h < plan->size; h *= 2)
        for (int64_t k = 0; k < h; k++)
            root_of_unity(k, h, &plan->cosine[h - 1 + k], &plan->sine[h - 1 + k]);
    return ES_OK;
}

void es_fourier_release(es_fourier *plan)
{
    free(plan->cosine);
    free(plan->sine);
    *plan = (es_fourier){0};
}

static void swap(double *a, double *b)
{
    double held = *a;
    *a = *b;
    *b = held;
}

static void reverse_bits(int64_t size, double *real, double *imaginary)
{
    for (int64_t i = 0, j = 0; i < size; i++) {
        if (i < j) {
            swap(&real[i], &real[j]);
            swap(&imaginary[i], &imaginary[j]);
        }
        int64_t bit = size >> 1;
        for (; bit > 0 && j & bit; bit >>= 1) j ^= bit;
        j |= bit;
    }
}

/* Of a stage: pairs h apart, the second turned. */
static void butterflies(int64_t h, const double *restrict cosine, const double *restrict sine,
                        double *restrict real, double *restrict imaginary,
                        double *restrict far_real, double *restrict far_imaginary)
{
    for (int64_t k = 0; k < h; k++) {
        double re = far_real[k] * cosine[k] - far_imaginary[k] * sine[k];
        double im = far_real[k] * sine[k] + far_imaginary[k] * cosine[k];
        far_real[k] = real[k] - re;
        far_imaginary[k] = imaginary[k] - im;
        real[k] += re;
        imaginary[k] += im;
    }
}

void es_fourier_forward(const es_fourier *plan, double *real, double *imaginary)
{
    reverse_bits(plan->size, real, imaginary);
    for (int64_t h = 1; h < plan->size; h *= 2)
        for (int64_t first = 0; first < plan->size; first += 2 * h)
            butterflies(h, plan->cosine + h - 1, plan->sine + h - 1, real + first,
                        imaginary + first, real + first + h, imaginary + first + h);
}

/* Bluestein: k t = (k^2 + t^2 - (k - t)^2) / 2 makes a convolution of the transform. The chirp
 * e^(-i pi t^2 / n) comes from t^2 mod 2n, which is exact. */
static void chirp(int64_t t, int64_t n, double *cosine, double *sine)
{
    int64_t turn = t * t % (2 * n);
    bool half = turn >= n;
    root_of_unity(half ? turn - n : turn, n, cosine, sine);
    if (half) {
        *cosine = -*cosine;
        *sine = -*sine;
    }
}

static void convolve_chirp(const es_fourier *plan, const double *x, int64_t n, double *power,
                           double *const work[4])
{
    double *re = work[0], *im = work[1], *other_re = work[2], *other_im = work[3], c, s;
    int64_t size = plan->size;
    for (int64_t t = 0; t < n; t++) {
        chirp(t, n, &c, &s);
        re[t] = x[t] * c;
        im[t] = x[t] * s;
        other_re[t] = c;
        other_im[t] = -s;
        if (t) {
            other_re[size - t] = c;
            other_im[size - t] = -s;
        }
    }
    es_fourier_forward(plan, re, im);
    es_fourier_forward(plan, other_re, other_im);
    for (int64_t k = 0; k < size; k++) {
        double product = re[k] * other_re[k] - im[k] * other_im[k];
        im[k] = re[k] * other_im[k] + im[k] * other_re[k];
        re[k] = product;
    }
    es_fourier_forward(plan, im, re); /* the way back; what a last chirp turns keeps its size */
    double scale = 1 / (double)size;
    for (int64_t k = 0; k <= n / 2; k++) {
        double a = re[k] * scale, b = im[k] * scale;
        power[k] = a * a + b * b;
    }
}

es_status es_fourier_power(const double *x, int64_t n, double *power, es_error *error)
{
    es_fourier plan;
    ES_TRY(es_fourier_init(&plan, 2 * n - 1, error));
    double *work[4];
    bool complete = true;
    for (int i = 0; i < 4; i++) complete &= (work[i] = es_alloc(plan.size, sizeof(double))) != NULL;
    es_status status =
        complete ? ES_OK
                 : es_fail_memory(error, "a transform", 4 * (size_t)plan.size * sizeof(double));
    if (complete) convolve_chirp(&plan, x, n, power, work);
    for (int i = 0; i < 4; i++) free(work[i]);
    es_fourier_release(&plan);
    return status;
}
