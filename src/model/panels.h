/* Matrices cut into panels of ES_PANEL columns side by side, as the tile product of the kernels
 * takes them: component k of column c of a panel at [k * ES_PANEL + c].
 *
 *     weights       (k, m): ceil(m / ES_PANEL) panels of (k, ES_PANEL), the last filled with zeros
 *     activations   (T, k): ceil(T / ES_PANEL) panels, one token a column
 *
 * Every product is then one chain of fused multiply-adds along k in a fixed order (kernel.h), the
 * same for one token and for many, for any number of threads and on every instruction set. */
#ifndef ES_MODEL_PANELS_H
#define ES_MODEL_PANELS_H

#include "kernel/kernel.h"

#include <stdint.h>

typedef struct es_weight {
    int64_t k, m;
    float *panels;
} es_weight;

static inline int64_t es_panel_count(int64_t columns)
{
    return (columns + ES_PANEL - 1) / ES_PANEL;
}

/* Where component k of column `column` lies; `depth` is the number of components. */
static inline int64_t es_panel_place(int64_t depth, int64_t column, int64_t k)
{
    return (column / ES_PANEL * depth + k) * ES_PANEL + column % ES_PANEL;
}

/* Row `row` of a weight, (m). */
void es_weight_row(const es_weight *weight, int64_t row, float *out);

/* Rows first ... first + count - 1 of a weight, (count, m), to their places. */
void es_weight_set_rows(es_weight *weight, int64_t first, int64_t count, const float *rows);

#endif
