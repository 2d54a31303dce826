/* The reference: plain C, complete, the same bits as every other set. */
#include "kernel/kernel.h"

#include <math.h>
#include <string.h>

static void product(int64_t depth, const float *left, const float *right, float *out)
{
    memset(out, 0, ES_TILE * sizeof *out);
    for (int64_t start = 0; start < depth; start += ES_CHAIN) {
        int64_t end = depth - start < ES_CHAIN ? depth : start + ES_CHAIN;
        float chain[ES_TILE] = {0};
        for (int64_t k = start; k < end; k++)
            for (int r = 0; r < ES_STRIP; r++)
                for (int c = 0; c < ES_PANEL; c++)
                    chain[r * ES_PANEL + c] = fmaf(left[k * ES_PANEL + r], right[k * ES_PANEL + c],
                                                   chain[r * ES_PANEL + c]);
        for (int i = 0; i < ES_TILE; i++) out[i] += chain[i];
    }
}

static void product_and_count(int64_t depth, const float *left, const float *right, float *out,
                              const uint16_t *bin, int64_t count, uint32_t *counts)
{
    product(depth, left, right, out);
    for (int64_t i = 0; i < count; i++) counts[bin[i]]++;
}

static void tally(const float *cosines, int64_t count, float shift, float level, float half,
                  uint16_t *bin, es_tally *tally)
{
    float power[4][ES_LANES] = {{0}};
    for (int64_t i = 0; i < count; i++) {
        float c = cosines[i];
        int lane = (int)(i % ES_LANES);
        float x = c - shift, square = x * x;
        power[0][lane] += x;
        power[1][lane] = fmaf(x, x, power[1][lane]);
        power[2][lane] = fmaf(square, x, power[2][lane]);
        power[3][lane] = fmaf(square, square, power[3][lane]);
        if (c < tally->minimum) tally->minimum = c;
        if (c > tally->maximum) tally->maximum = c;
        tally->at_least += c >= level;
        float place = fmaf(c, half, half);
        float last = 2 * half - 1;
        place = place < 0 ? 0 : place;
        bin[i] = (uint16_t)(int)(place > last ? last : place);
    }
    for (int p = 0; p < 4; p++) {
        double lane[ES_LANES];
        for (int i = 0; i < ES_LANES; i++) lane[i] = power[p][i];
        tally->power[p] += es_fold_lanes(lane);
    }
    /* Which of -0 and +0 is met first differs between sets: an extreme is never -0. */
    tally->minimum += 0.0f;
    tally->maximum += 0.0f;
}

static void reach(const float *cosines, const float *row_least, const float *column_least,
                  es_reached *reached)
{
    *reached = (es_reached){0};
    for (int r = 0; r < ES_STRIP; r++)
        for (int c = 0; c < ES_PANEL; c++) {
            float cosine = cosines[r * ES_PANEL + c];
            reached->row[r] |= (uint64_t)(cosine >= row_least[r]) << c;
            reached->column[r] |= (uint64_t)(cosine >= column_least[c]) << c;
        }
    for (int r = 0; r < ES_STRIP; r++)
        reached->any = reached->any || reached->row[r] || reached->column[r];
}

static void byte_product(int64_t depth, const int8_t *left, const int32_t *start,
                         const uint8_t *right, int32_t *sums)
{
    for (int r = 0; r < ES_STRIP; r++)
        for (int c = 0; c < ES_PANEL; c++) {
            int32_t sum = start[r];
            for (int64_t k = 0; k < depth; k += 4)
                for (int j = 0; j < 4; j++)
                    sum += left[(k / 4 * ES_STRIP + r) * 4 + j] *
                           right[(k / 4 * ES_PANEL + c) * 4 + j];
            sums[r * ES_PANEL + c] = sum;
        }
}

static void byte_reach(const int32_t *sums, const es_screen_side *rows,
                       const es_screen_side *columns, es_reached *reached)
{
    *reached = (es_reached){0};
    for (int r = 0; r < ES_STRIP; r++)
        for (int c = 0; c < ES_PANEL; c++) {
            float value = fmaf((float)sums[r * ES_PANEL + c], rows->scale[r] * columns->scale[c],
                               columns->offset[c]);
            value = fmaf(rows->length[r], columns->residual[c], value);
            value = fmaf(rows->residual[r], columns->length[c] + columns->residual[c], value);
            value += rows->offset[r];
            reached->row[r] |= (uint64_t)(value >= rows->least[r]) << c;
            reached->column[r] |= (uint64_t)(value >= columns->least[c]) << c;
        }
    for (int r = 0; r < ES_STRIP; r++)
        reached->any = reached->any || reached->row[r] || reached->column[r];
}

static int32_t nibble_dot(int64_t stride, const uint8_t *row, const int8_t *query)
{
    int32_t sum = 0;
    for (int64_t chunk = 0; chunk < stride; chunk += 64, query += ES_NIBBLE_CHUNK)
        for (int j = 0; j < 64; j++) {
            int byte = row[chunk + j];
            sum += (byte & 15) * query[j] + (byte >> 4) * query[j + 64];
        }
    return sum;
}

static float nibble_bounds(int64_t stride, const es_nibble_sides *sides, float *upper)
{
    float largest = -INFINITY;
    for (int i = 0; i < ES_GROUP; i++) {
        int32_t sum = 16 * nibble_dot(stride, sides->rows + i * stride, sides->query);
        float value = fmaf((float)(sum + sides->start), sides->scale[i] * sides->query_scale,
                           sides->offset[i] + sides->query_offset);
        value = fmaf(sides->length[i], sides->query_residual, value);
        upper[i] = fmaf(sides->residual[i], sides->query_length, value);
        if (upper[i] > largest) largest = upper[i];
    }
    return largest;
}

static uint64_t at_least(const float *values, float level)
{
    uint64_t mask = 0;
    for (int i = 0; i < ES_GROUP; i++) mask |= (uint64_t)(values[i] >= level) << i;
    return mask;
}

static float float_dot(const float *a, const float *b, int64_t count)
{
    float lane[2 * ES_LANES] = {0};
    for (int64_t i = 0; i < count; i++) lane[i % 32] = fmaf(a[i], b[i], lane[i % 32]);
    for (int half = ES_LANES; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

static uint16_t half_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    bits &= 0x7FFFFFFF;
    if (bits >= 0x47800000) return sign | 0x7C00; /* 65,536 and more */
    if (bits >= 0x38800000)                       /* 2^-14 and more: a normal number */
        return sign | (uint16_t)((bits - 0x38000000 + 0xFFF + (bits >> 13 & 1)) >> 13);
    float size; /* float32 rounds this sum to a multiple of 2^-24, the step of subnormal halves */
    memcpy(&size, &bits, sizeof size);
    size += 0.5f;
    memcpy(&bits, &size, sizeof bits);
    return sign | (uint16_t)(bits - 0x3F000000);
}

static float float_of(uint16_t half)
{
    uint32_t size = half & 0x7FFF, bits;
    float value = (float)size * 0x1p-24f; /* a subnormal one */
    memcpy(&bits, &value, sizeof bits);
    if (size >= 0x7C00)
        bits = size << 13 | 0x7F800000;
    else if (size >= 0x400)
        bits = (size << 13) + 0x38000000;
    bits |= (uint32_t)(half & 0x8000) << 16;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void to_halves(const float *values, int64_t count, uint16_t *halves)
{
    for (int64_t i = 0; i < count; i++) halves[i] = half_of(values[i]);
}

static float half_dot(const uint16_t *a, const uint16_t *b, int64_t count)
{
    float lane[2 * ES_LANES] = {0};
    for (int64_t i = 0; i < count; i++)
        lane[i % 32] = fmaf(float_of(a[i]), float_of(b[i]), lane[i % 32]);
    for (int half = ES_LANES; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

static double dot(const double *a, const double *b, int64_t count)
{
    double lane[ES_LANES] = {0};
    int64_t i = 0;
    for (; i + ES_LANES <= count; i += ES_LANES)
        for (int j = 0; j < ES_LANES; j++) lane[j] += a[i + j] * b[i + j];
    for (int j = 0; i + j < count; j++) lane[j] += a[i + j] * b[i + j];
    return es_fold_lanes(lane);
}

static void dot_and_square(const float *row, const double *vector, int64_t count, double *dot,
                           double *square)
{
    double dots[ES_LANES] = {0}, squares[ES_LANES] = {0};
    for (int64_t i = 0; i < count; i++) {
        double x = row[i];
        dots[i % ES_LANES] += x * vector[i];
        squares[i % ES_LANES] += x * x;
    }
    *dot = es_fold_lanes(dots);
    *square = es_fold_lanes(squares);
}

static double wide_dot(const float *a, const float *b, int64_t count)
{
    double lane[ES_LANES] = {0};
    for (int64_t i = 0; i < count; i++) lane[i % ES_LANES] = fma(a[i], b[i], lane[i % ES_LANES]);
    return es_fold_lanes(lane);
}

static int64_t near_edges(const float *cosines, int64_t count, float half, float reach,
                          uint16_t *near)
{
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        float place = fmaf(cosines[i], half, half);
        if (fabsf(place - rintf(place)) <= reach) near[found++] = (uint16_t)i;
    }
    return found;
}

static void gram_tile(int64_t depth, const double *left, const double *right, double *sums,
                      int64_t stride)
{
    for (int r = 0; r < ES_GRAM_ROWS; r++)
        for (int64_t k = 0; k < depth; k++)
            for (int c = 0; c < ES_GRAM_PANEL; c++)
                sums[r * stride + c] = fma(left[k * ES_GRAM_PANEL + r],
                                           right[k * ES_GRAM_PANEL + c], sums[r * stride + c]);
}

void es_kernel_init_scalar(es_kernel *kernel)
{
    *kernel = (es_kernel){.name = "scalar",
                          .product = product,
                          .product_and_count = product_and_count,
                          .tally = tally,
                          .reach = reach,
                          .byte_product = byte_product,
                          .byte_reach = byte_reach,
                          .nibble_dot = nibble_dot,
                          .nibble_bounds = nibble_bounds,
                          .at_least = at_least,
                          .float_dot = float_dot,
                          .to_halves = to_halves,
                          .half_dot = half_dot,
                          .hadamard = es_hadamard_steps,
                          .dot = dot,
                          .dot_and_square = dot_and_square,
                          .wide_dot = wide_dot,
                          .near_edges = near_edges,
                          .gram_tile = gram_tile};
}
