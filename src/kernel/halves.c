#include "kernel/halves.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

es_status es_halves_init(es_halves *halves, int64_t rows, int64_t depth, es_error *error)
{
    int64_t stride = (depth + ES_HALF_ROW - 1) / ES_HALF_ROW * ES_HALF_ROW;
    *halves = (es_halves){.rows = rows, .depth = depth, .stride = stride};
    halves->data = es_alloc_aligned(rows, (size_t)stride * sizeof *halves->data);
    halves->scale = es_alloc(2 * rows, sizeof *halves->scale);
    halves->length = es_alloc(rows, sizeof *halves->length);
    if (!halves->data || !halves->scale || !halves->length) {
        es_halves_release(halves);
        return es_fail_memory(error, "rows in 16 bits", (size_t)(rows * stride) * 2);
    }
    halves->offset = halves->scale + rows;
    return ES_OK;
}

void es_halves_release(es_halves *halves)
{
    free(halves->data);
    free(halves->scale);
    free(halves->length);
    *halves = (es_halves){0};
}

void es_halves_put(const es_kernel *kernel, es_halves *halves, int64_t row, const double *x,
                   double offset, double *scratch)
{
    float *scaled = (float *)scratch;
    int exponent = 0;
    double length = sqrt(kernel->dot(x, x, halves->depth));
    (void)frexp(length, &exponent);
    double down = ldexp(1, -exponent);
    for (int64_t k = 0; k < halves->depth; k++) scaled[k] = (float)(x[k] * down);
    for (int64_t k = halves->depth; k < halves->stride; k++) scaled[k] = 0;
    kernel->to_halves(scaled, halves->stride, halves->data + row * halves->stride);
    halves->scale[row] = (float)ldexp(1, exponent);
    halves->offset[row] = (float)offset;
    halves->length[row] = length;
}

double es_halves_bound(const es_halves *halves)
{
    const double u = 0x1p-24;
    double longest = 0, d = (double)halves->depth;
    for (int64_t i = 0; i < halves->rows; i++) longest = fmax(longest, halves->length[i]);
    double off = 0x1p-11 + 2 * u + sqrt(d) * u;
    double cosine = longest * longest * (2 * off + off * off + 1.01 * (10 + d / 32) * u);
    return 1.01 * (cosine + 16 * u);
}
