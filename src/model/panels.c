#include "model/panels.h"

#include <string.h>

void es_weight_row(const es_weight *weight, int64_t row, float *out)
{
    for (int64_t column = 0; column < weight->m; column++)
        out[column] = weight->panels[es_panel_place(weight->k, column, row)];
}

void es_weight_set_rows(es_weight *weight, int64_t first, int64_t count, const float *rows)
{
    int64_t m = weight->m;
    for (int64_t column = 0; column < m; column += ES_PANEL) {
        int64_t width = m - column < ES_PANEL ? m - column : ES_PANEL;
        float *to = weight->panels + es_panel_place(weight->k, column, first);
        for (int64_t i = 0; i < count; i++, to += ES_PANEL) {
            memcpy(to, rows + i * m + column, (size_t)width * sizeof *to);
            memset(to + width, 0, (size_t)(ES_PANEL - width) * sizeof *to);
        }
    }
}
