#include "kernel/bytes.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 127 };

es_status es_bytes_init(es_bytes_pack *pack, int64_t rows, int64_t depth, es_error *error)
{
    int64_t places = (rows + ES_PANEL - 1) / ES_PANEL * ES_PANEL, padded = (depth + 3) / 4 * 4;
    int64_t bytes = 0;
    *pack = (es_bytes_pack){.rows = rows, .depth = depth, .padded = padded};
    if (es_multiply_counts(places, padded, &bytes)) {
        pack->left = es_alloc_aligned(bytes, 1);
        pack->right = es_alloc_aligned(bytes, 1);
    }
    pack->start = es_alloc(places, sizeof *pack->start);
    pack->scale = es_alloc(4 * places, sizeof *pack->scale);
    if (!pack->left || !pack->right || !pack->start || !pack->scale) {
        es_bytes_release(pack);
        return es_fail(error, ES_NO_MEMORY, "out of memory (%lld x %lld bytes to pack)",
                       (long long)rows, (long long)depth);
    }
    pack->offset = pack->scale + places;
    pack->length = pack->offset + places;
    pack->residual = pack->length + places;
    /* Rows past the last count as zero; what a row has past its depth, es_bytes_put() clears. */
    if (places > rows) {
        int64_t last = (places - ES_PANEL) * padded;
        memset(pack->left + last, 0, (size_t)(ES_PANEL * padded));
        memset(pack->right + last, 128, (size_t)(ES_PANEL * padded));
    }
    return ES_OK;
}

void es_bytes_release(es_bytes_pack *pack)
{
    free(pack->left);
    free(pack->right);
    free(pack->start);
    free(pack->scale);
    *pack = (es_bytes_pack){0};
}

/* The next float32 above x >= 0: rounding to nearest is off by half of that at most. */
static float round_up(double x)
{
    return nextafterf((float)x, INFINITY);
}

es_quantised es_quantise(const double *y, int64_t depth, int8_t *q, int64_t step)
{
    double largest = 0, square = 0, lost = 0;
    for (int64_t k = 0; k < depth; k++) {
        double size = fabs(y[k]);
        largest = size > largest ? size : largest;
    }
    /* Rounded up, so that no component passes LARGEST; 0 for a row that is the mean itself. */
    float scale = largest > 0 ? round_up(largest / LARGEST) : 0;
    double inverse = scale > 0 ? 1 / (double)scale : 0;
    int32_t sum = 0;
    for (int64_t k = 0; k < depth; k++) {
        int whole = (int)lrint(y[k] * inverse);
        double kept = (double)scale * whole, rest = y[k] - kept;
        square += kept * kept;
        lost += rest * rest;
        sum += whole;
        q[k / 4 * step + k % 4] = (int8_t)whole;
    }
    return (es_quantised){scale, round_up(sqrt(square)), round_up(sqrt(lost) + 0x1p-44), sum};
}

void es_bytes_put(es_bytes_pack *pack, int64_t row, const double *y, double offset)
{
    int64_t strip = row / ES_STRIP, panel = row / ES_PANEL;
    int8_t *left = pack->left + (strip * pack->padded * ES_STRIP) + row % ES_STRIP * 4;
    uint8_t *right = pack->right + (panel * pack->padded * ES_PANEL) + row % ES_PANEL * 4;
    es_quantised made = es_quantise(y, pack->depth, left, 4 * ES_STRIP);
    for (int64_t k = pack->depth; k < pack->padded; k++) left[k / 4 * 4 * ES_STRIP + k % 4] = 0;
    for (int64_t k = 0; k < pack->padded; k++)
        right[k / 4 * 4 * ES_PANEL + k % 4] = (uint8_t)(left[k / 4 * 4 * ES_STRIP + k % 4] + 128);
    pack->start[row] = -128 * made.sum;
    pack->scale[row] = made.scale;
    pack->offset[row] = (float)offset;
    pack->length[row] = made.length;
    pack->residual[row] = made.residual;
}

void es_bytes_multiply(const es_kernel *kernel, const es_bytes_pack *pack, const es_strip *place,
                       int32_t *sums)
{
    kernel->byte_product(pack->padded, pack->left + place->first_row * pack->padded,
                         pack->start + place->first_row,
                         pack->right + place->first_column * pack->padded, sums);
}
