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
    ES_CHAIN = 256, /* longest chain of multiply-adds before it is added to the total */
    ES_LANES = 16,
};

/* |tile product - exact dot product| of two unit rows of `depth` components, proven, not tuned:
 * rounding the rows to float32 gives at most 2.01 u, a chain of 256 multiply-adds at most 256.01 u,
 * adding up depth/256 chains at most (depth/256) u, all times sum |a_k b_k| <= 1; u = 2^-24. The
 * error seen is some fifty times smaller. Derived in docs/mathematics.md. */
static inline double es_product_bound(int64_t depth)
{
    return (260 + (double)depth / ES_CHAIN) * 0x1p-24;
}

/* Sums of a batch of cosines, each lane kept apart until es_tally_fold(). */
typedef struct es_tally {
    double power[4]; /* sum of (c - shift)^p, p = 1 ... 4 */
    float minimum, maximum;
    int64_t at_least; /* how many c >= level */
} es_tally;

typedef struct es_kernel {
    const char *name;

    /* out[ES_STRIP][ES_PANEL] = left rows times right rows. left points at the first of ES_STRIP
     * rows inside a panel (k-major: component k of row r at left[k * ES_PANEL + r]), right at a
     * whole panel. */
    void (*product)(int64_t depth, const float *left, const float *right, float *out);

    /* Add `count` <= ES_TILE cosines to *tally and write the bin of each to `bin`:
     * clamp(floor(c * half + half), 0, 2 half - 1), half being half the number of bins, at most
     * 2^15. Powers are summed in 16 float lanes and added to the doubles in lane order. */
    void (*tally)(const float *cosines, int64_t count, float shift, float level, float half,
                  uint16_t *bin, es_tally *tally);

    /* Does any c[0..48) reach its limit? One bit for each: limits[i] <= cosines[i]. */
    uint64_t (*reaches)(const float *cosines, const float *limits);

    /* a . b in float64: products and sums rounded one by one, 16 lanes folded pairwise. */
    double (*dot)(const double *a, const double *b, int64_t count);

    /* The same of a float32 row with a float64 vector, and the row's squared norm, in one reading.
     */
    void (*dot_and_square)(const float *row, const double *vector, int64_t count, double *dot,
                           double *square);

    /* gram[i][j] += sum over r of rows[r][i] * rows[r][j] for i in [first, end), j in [i, d):
     * products and sums rounded one by one, r ascending. rows is (count, d), gram (d, d). */
    void (*gram)(const double *rows, int64_t count, int64_t d, int64_t first, int64_t end,
                 double *gram);
} es_kernel;

/* The table for this machine, or the one that EMBSCOPE_KERNEL names (scalar, avx2, avx512): a name
 * that is unknown, or that this machine cannot run, is BAD_ARGUMENT. */
es_status es_kernel_get(const es_kernel **kernel, es_error *error);

/* The table of that name if this machine can run it, else NULL; and the names there are. */
const es_kernel *es_kernel_find(const char *name);
extern const char *const es_kernel_names[]; /* NULL at the end, best first */

/* Each set overlays `kernel` with its own functions. */
void es_kernel_init_scalar(es_kernel *kernel);
void es_kernel_init_avx2(es_kernel *kernel);
void es_kernel_init_avx512(es_kernel *kernel);

/* Shared by all sets, so that they agree: add 16 float lanes to doubles, and fold 16 double lanes.
 */
static inline double es_fold_lanes(const double lane[ES_LANES])
{
    double eight[8], four[4];
    for (int i = 0; i < 8; i++) eight[i] = lane[i] + lane[i + 8];
    for (int i = 0; i < 4; i++) four[i] = eight[i] + eight[i + 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

#endif
