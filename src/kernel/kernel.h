/* The inner loops, one file per instruction set, behind one table.
 *
 * Every set computes the same bits. A cosine of the tile product is a chain of fused multiply-adds
 * along k, at most ES_CHAIN long, chains added in order; vector sums use 16 lanes on every set and
 * fold in one order. The scalar table is the reference and is complete; others overlay it with what
 * the machine can do. Kernels allocate nothing and know no threads. */
#ifndef ES_KERNEL_KERNEL_H
#define ES_KERNEL_KERNEL_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    ES_PANEL = 48, /* rows packed side by side: three 16-lane vectors */
    ES_STRIP = 8,  /* rows of a panel that one tile product takes as its left side */
    ES_TILE = ES_STRIP * ES_PANEL,
    ES_CHAIN = 128, /* longest chain of multiply-adds before it is added to the total */
    ES_LANES = 16,
    ES_GROUP = 64,         /* rows that one look at nibbles takes */
    ES_NIBBLE_CHUNK = 128, /* components in 64 bytes of nibbles */
    ES_HALF_ROW = 32,      /* rows in binary16 have a multiple of that many components */
    ES_GRAM_PANEL = 24,    /* columns of a Gram matrix packed side by side */
    ES_GRAM_ROWS = 8,      /* columns of a panel that one tile takes as its left side */
};

/* |tile product - exact dot product| of two unit rows of `depth` components, proven, not tuned:
 * rounding the rows to float32 gives at most 2.01 u, a chain of 128 multiply-adds at most 128.01 u,
 * adding up depth/128 chains at most (depth/128) u, all times sum |a_k b_k| <= 1; u = 2^-24. The
 * error seen is ten times smaller and less. Derived in docs/mathematics.md. */
static inline double es_product_bound(int64_t depth)
{
    return (132 + (double)depth / ES_CHAIN) * 0x1p-24;
}

/* |float_dot - exact| of two unit rows rounded to float32: 2.01 u of rounding the rows, chains of
 * depth/32 + 1 multiply-adds and 5 additions of a fold. */
static inline double es_float_dot_bound(int64_t depth)
{
    return (10 + (double)depth / 32) * 0x1p-24;
}

/* Sums of a batch of cosines, each lane kept apart until es_tally_fold(). */
typedef struct es_tally {
    double power[4]; /* sum of (c - shift)^p, p = 1 ... 4 */
    float minimum, maximum;
    int64_t at_least; /* how many c >= level */
} es_tally;

/* Pairs of a strip that a test let through: bit c of row[r] for row r's sake, of column[r] for
 * column c's. */
typedef struct es_reached {
    uint64_t row[ES_STRIP], column[ES_STRIP];
    bool any;
} es_reached;

/* What is known of rows that were centred, rotated and quantised, one array each: x = scale * q +
 * r. The cosine of i and j is at most
 *
 *   scale_i scale_j (q_i . q_j) + offset_i + offset_j
 *     + length_i residual_j + residual_i (length_j + residual_j)
 *
 * with length >= ||scale q||, residual >= ||r|| (Cauchy and Schwarz); docs/mathematics.md has the
 * derivation, and the allowance for float32 that is inside `least`. */
typedef struct es_screen_side {
    const float *scale, *offset, *length, *residual;
    const float *least; /* what a pair must be able to reach, less the allowance */
} es_screen_side;

/* ES_GROUP rows of nibbles and a query in 8 bits: see es_kernel.nibble_bounds. */
typedef struct es_nibble_sides {
    const uint8_t *rows;                             /* (ES_GROUP, stride) */
    const float *scale, *offset, *length, *residual; /* (ES_GROUP) */
    const int8_t *query;                             /* (2 stride) */
    int32_t start;
    float query_scale, query_offset, query_length, query_residual;
} es_nibble_sides;

typedef struct es_kernel {
    const char *name;

    /* out[ES_STRIP][ES_PANEL] = left rows times right rows. left points at the first of ES_STRIP
     * rows inside a panel (k-major: component k of row r at left[k * ES_PANEL + r]), right at a
     * whole panel. */
    void (*product)(int64_t depth, const float *left, const float *right, float *out);

    /* The same, and counts[bin[i]] += 1 for i < count meanwhile. A histogram that is kept one strip
     * behind the products costs next to nothing so: it waits for memory, they for the multipliers.
     */
    void (*product_and_count)(int64_t depth, const float *left, const float *right, float *out,
                              const uint16_t *bin, int64_t count, uint32_t *counts);

    /* Add `count` <= ES_TILE cosines to *tally and write the bin of each to `bin`:
     * clamp(floor(c * half + half), 0, 2 half - 1), half being half the number of bins, at most
     * 2^15. Powers are summed in 16 float lanes and added to the doubles in lane order. */
    void (*tally)(const float *cosines, int64_t count, float shift, float level, float half,
                  uint16_t *bin, es_tally *tally);

    /* Which pairs of a strip of cosines reach what their row or their column asks for:
     * cosine >= row_least[r], cosine >= column_least[c]. */
    void (*reach)(const float *cosines, const float *row_least, const float *column_least,
                  es_reached *reached);

    /* sums[ES_STRIP][ES_PANEL] = left rows times right rows in integers, exact. depth is a multiple
     * of 4. Left components are signed, number k of row r at left[(k / 4 * ES_STRIP + r) * 4 + k %
     * 4]. Right ones are the signed value + 128, number k of row c at right[(k / 4 * ES_PANEL + c)
     * * 4 + k % 4]. start[r] = -128 * (sum of left row r) takes the 128 off again. */
    void (*byte_product)(int64_t depth, const int8_t *left, const int32_t *start,
                         const uint8_t *right, int32_t *sums);

    /* Which pairs of a strip of sums could, by the bound of es_screen_side, still reach what their
     * row or their column asks for. */
    void (*byte_reach)(const int32_t *sums, const es_screen_side *rows,
                       const es_screen_side *columns, es_reached *reached);
    bool bytes_are_fast; /* is byte_product faster than product? */

    /* The sum over k of nibble k times query component k, exact. `stride` is a multiple of 64 and
     * is aligned to it; of the bytes of a chunk of ES_NIBBLE_CHUNK components, byte j holds number
     * j in its lower half and number 64 + j in its upper half. */
    int32_t (*nibble_dot)(int64_t stride, const uint8_t *row, const int8_t *query);

    /* upper[i] = residual_i query_length + (length_i query_residual + (offset_i + query_offset
     *            + scale_i query_scale (16 nibble_dot(row i) + start)))
     * in float32, three fused multiply-adds; returns the largest. */
    float (*nibble_bounds)(int64_t stride, const es_nibble_sides *sides, float *upper);

    /* Bit i: values[i] >= level, i < ES_GROUP. */
    uint64_t (*at_least)(const float *values, float level);

    /* a . b in float32: multiply-adds in 32 lanes, folded. Only for screening: its bound is
     * es_float_dot_bound(). */
    float (*float_dot)(const float *a, const float *b, int64_t count);

    /* binary16 of finite floats, to nearest, ties to even: halves[i] of values[i]. */
    void (*to_halves)(const float *values, int64_t count, uint16_t *halves);

    /* float_dot of rows in binary16, which float32 holds exactly; count is a multiple of
     * ES_HALF_ROW. */
    float (*half_dot)(const uint16_t *a, const uint16_t *b, int64_t count);

    /* The Walsh-Hadamard transform of `size` numbers, a power of two, in place and not normalised:
     * sums and differences of numbers 1, 2, 4, ... apart. */
    void (*hadamard)(double *block, int64_t size);

    /* a . b in float64: products and sums rounded one by one, 16 lanes folded pairwise. */
    double (*dot)(const double *a, const double *b, int64_t count);

    /* The same of a float32 row with a float64 vector, and the row's squared norm, in one reading.
     */
    void (*dot_and_square)(const float *row, const double *vector, int64_t count, double *dot,
                           double *square);

    /* a . b of float32 rows in float64, 16 lanes of multiply-adds folded pairwise. */
    double (*wide_dot)(const float *a, const float *b, int64_t count);

    /* Which of `count` <= ES_TILE cosines lie within `reach` of an edge k / half - 1, k whole, in
     * units of 1 / half: their indices to `near`, ascending; returns how many. */
    int64_t (*near_edges)(const float *cosines, int64_t count, float half, float reach,
                          uint16_t *near);

    /* sums[r * stride + c] += sum over k of left[k * ES_GRAM_PANEL + r] * right[k * ES_GRAM_PANEL +
     * c] for r < ES_GRAM_ROWS, c < ES_GRAM_PANEL: a chain of fused multiply-adds, k ascending. Left
     * and right are aligned to 64 bytes, sums need not be. kernel/gram.h drives it. */
    void (*gram_tile)(int64_t depth, const double *left, const double *right, double *sums,
                      int64_t stride);
} es_kernel;

/* The table for this machine, or the one that EMBSCOPE_KERNEL names (scalar; avx2, avx512,
 * avx512vnni; neon, neondot): a name that is unknown, or that this machine cannot run, is
 * BAD_ARGUMENT. */
es_status es_kernel_get(const es_kernel **kernel, es_error *error);

/* The table of that name if this machine can run it, else NULL; and the names there are. */
const es_kernel *es_kernel_find(const char *name);
extern const char *const es_kernel_names[]; /* NULL at the end, best first */

/* Each set overlays `kernel` with its own functions. */
void es_kernel_init_scalar(es_kernel *kernel);
void es_kernel_init_avx2(es_kernel *kernel);
void es_kernel_init_avx512(es_kernel *kernel);
void es_kernel_init_avx512vnni(es_kernel *kernel);
void es_kernel_init_neon(es_kernel *kernel);
void es_kernel_init_neondot(es_kernel *kernel);

/* Shared by all sets, so that they agree: es_kernel.hadamard in its plainest form, and the fold of
 * 16 double lanes. */
static inline void es_hadamard_steps(double *block, int64_t size)
{
    for (int64_t half = 1; half < size; half *= 2)
        for (int64_t start = 0; start < size; start += 2 * half)
            for (int64_t i = start; i < start + half; i++) {
                double a = block[i], b = block[i + half];
                block[i] = a + b;
                block[i + half] = a - b;
            }
}

static inline double es_fold_lanes(const double lane[ES_LANES])
{
    double eight[8], four[4];
    for (int i = 0; i < 8; i++) eight[i] = lane[i] + lane[i + 8];
    for (int i = 0; i < 4; i++) four[i] = eight[i] + eight[i + 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

#endif
