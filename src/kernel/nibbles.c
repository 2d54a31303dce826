#include "kernel/nibbles.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MIDDLE = 120 }; /* 16 high + 8, less 128: what the high plane alone stands for */

/* What float32 rounds in a bound grows with the residuals themselves where these are large: twelve
 * roundings at most. */
static const double inflation = 1 + 0x1p-20;

es_status es_nibbles_init(es_nibbles *pack, int64_t rows, int64_t depth, es_error *error)
{
    enum { WHOLE = 3 * ES_GROUP }; /* groups of 64 and panels of 48 */
    int64_t places = (rows + WHOLE - 1) / WHOLE * WHOLE, bytes = 0;
    int64_t stride = (depth + ES_NIBBLE_CHUNK - 1) / ES_NIBBLE_CHUNK * (ES_NIBBLE_CHUNK / 2);
    *pack = (es_nibbles){.rows = rows, .depth = depth, .places = places, .stride = stride};
    if (es_multiply_counts(places, stride, &bytes)) {
        pack->high = es_alloc_aligned(bytes, 1);
        pack->low = es_alloc_aligned(bytes, 1);
    }
    pack->scale = es_alloc(5 * places, sizeof *pack->scale);
    if (!pack->high || !pack->low || !pack->scale) {
        es_nibbles_release(pack);
        return es_fail(error, ES_NO_MEMORY, "out of memory (%lld x %lld bytes to pack)",
                       (long long)rows, (long long)depth);
    }
    pack->offset = pack->scale + places;
    pack->coarse = pack->offset + places;
    pack->fine = pack->coarse + places;
    pack->length = pack->fine + places;
    memset(pack->high + rows * stride, 0, (size_t)((places - rows) * stride));
    memset(pack->low + rows * stride, 0, (size_t)((places - rows) * stride));
    for (int64_t i = rows; i < places; i++) pack->offset[i] = -INFINITY;
    return ES_OK;
}

void es_nibbles_release(es_nibbles *pack)
{
    free(pack->high);
    free(pack->low);
    free(pack->scale);
    *pack = (es_nibbles){0};
}

/* The next float32 above x >= 0. */
static float round_up(double x)
{
    return nextafterf((float)x, INFINITY);
}

void es_nibbles_put(es_nibbles *pack, int64_t row, const double *y, double offset, int8_t *q)
{
    es_quantised made = es_quantise(y, pack->depth, q, 4);
    memset(q + pack->depth, 0, (size_t)(2 * pack->stride - pack->depth));
    double lost = 0, square = 0;
    for (int64_t k = 0; k < pack->depth; k++) {
        int high = (q[k] + 128) >> 4;
        double rest = y[k] - (double)made.scale * (16 * high - MIDDLE);
        lost += rest * rest;
        square += y[k] * y[k];
    }
    enum { HALF = ES_NIBBLE_CHUNK / 2 };
    uint8_t *to_high = pack->high + row * pack->stride, *to_low = pack->low + row * pack->stride;
    for (int64_t j = 0; j < pack->stride; j++) {
        const int8_t *at = q + j / HALF * ES_NIBBLE_CHUNK + j % HALF;
        unsigned a = (unsigned)(at[0] + 128), b = (unsigned)(at[HALF] + 128);
        to_high[j] = (uint8_t)(a >> 4 | (b & 0xF0));
        to_low[j] = (uint8_t)((a & 15) | (b & 15) << 4);
    }
    pack->scale[row] = made.scale;
    pack->offset[row] = (float)offset;
    /* The rotation's own rounding counts as residual. */
    pack->coarse[row] = round_up((sqrt(lost) + 0x1p-44) * inflation);
    pack->fine[row] = round_up((double)made.residual * inflation);
    float norm = round_up((sqrt(square) + 0x1p-44) * inflation);
    pack->length[row] = made.length > norm ? made.length : norm;
}

void es_nibbles_expand(const es_nibbles *pack, int64_t first, uint8_t *panel)
{
    enum { HALF = ES_NIBBLE_CHUNK / 2 };
    int64_t padded = (pack->depth + 3) / 4 * 4;
    for (int64_t r = 0; r < ES_PANEL; r++) {
        const uint8_t *high = pack->high + (first + r) * pack->stride;
        const uint8_t *low = pack->low + (first + r) * pack->stride;
        for (int64_t k = 0; k < padded; k += ES_NIBBLE_CHUNK, high += HALF, low += HALF) {
            uint8_t bytes[ES_NIBBLE_CHUNK];
            for (int j = 0; j < HALF; j++) {
                bytes[j] = (uint8_t)(high[j] << 4 | (low[j] & 15));
                bytes[j + HALF] = (uint8_t)((high[j] & 0xF0) | low[j] >> 4);
            }
            uint8_t *to = panel + k * ES_PANEL + 4 * r;
            int64_t fours = (padded - k < ES_NIBBLE_CHUNK ? padded - k : ES_NIBBLE_CHUNK) / 4;
            for (int64_t j = 0; j < fours; j++) memcpy(to + 4 * j * ES_PANEL, bytes + 4 * j, 4);
        }
    }
}

void es_nibble_query_put(const es_nibbles *pack, const double *y, double offset,
                         es_nibble_query *query)
{
    double square = 0;
    for (int64_t k = 0; k < pack->depth; k++) square += y[k] * y[k];
    es_quantised made = es_quantise(y, pack->depth, query->components, 4);
    memset(query->components + pack->depth, 0, (size_t)(2 * pack->stride - pack->depth));
    query->sum = made.sum;
    query->scale = made.scale;
    query->offset = (float)offset;
    query->length = made.length;
    query->residual = round_up((double)made.residual * inflation);
    double norm = sqrt(square) > (double)made.length ? sqrt(square) : (double)made.length;
    query->norm = round_up((norm + 0x1p-44) * inflation);
}

float es_nibbles_coarse(const es_kernel *kernel, const es_nibbles *pack, int64_t first,
                        const es_nibble_query *query, float *upper)
{
    es_nibble_sides sides = {.rows = pack->high + first * pack->stride,
                             .scale = pack->scale + first,
                             .offset = pack->offset + first,
                             .length = pack->length + first,
                             .residual = pack->coarse + first,
                             .query = query->components,
                             .start = -MIDDLE * query->sum,
                             .query_scale = query->scale,
                             .query_offset = query->offset + (float)ES_NIBBLE_ALLOWANCE,
                             .query_length = query->norm,
                             .query_residual = query->residual};
    return kernel->nibble_bounds(pack->stride, &sides, upper);
}

es_interval es_nibbles_fine(const es_kernel *kernel, const es_nibbles *pack, int64_t row,
                            const es_nibble_query *query, float coarse_upper)
{
    int32_t low =
        kernel->nibble_dot(pack->stride, pack->low + row * pack->stride, query->components);
    /* Take the coarse residual out of the bound again, and put in the low plane and the fine one.
     */
    double coarse = (double)pack->coarse[row] * query->norm;
    double fine = (double)pack->fine[row] * query->norm + coarse * 0x1p-20 + ES_NIBBLE_ALLOWANCE;
    double upper =
        (double)coarse_upper - coarse + fine +
        (double)pack->scale[row] * query->scale * (double)(low - (128 - MIDDLE) * query->sum);
    double slack = (double)pack->length[row] * query->residual + fine + ES_NIBBLE_ALLOWANCE;
    return (es_interval){(float)(upper - 2 * slack), (float)upper};
}
