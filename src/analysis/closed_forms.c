#include "analysis/closed_forms.h"

#include "analysis/sums.h"

#include <stdlib.h>

typedef struct unit_rows {
    es_space *space;
    const int64_t *ids;
} unit_rows;

static es_status read_unit_rows(void *context, int64_t first, int64_t count, double *out,
                                es_error *error)
{
    const unit_rows *rows = context;
    int64_t d = rows->space->source.columns;
    for (int64_t i = 0; i < count; i++)
        ES_TRY(es_space_read_unit_rows(rows->space, rows->ids[first + i], 1, out + i * d, error));
    return ES_OK;
}

static void fold(es_closed_forms *forms, double squares, double fourths, double n, int64_t d)
{
    es_long_sum sum = {0}, gram = {0};
    for (int64_t k = 0; k < d; k++) es_long_sum_add(&sum, forms->sum[k] * forms->sum[k]);
    /* Unit rows are unit to rounding: take off the squares they really have, not n. */
    forms->mean = (sum.total + sum.lost - squares) / (n * (n - 1));
    forms->has_second = forms->gram != NULL;
    if (!forms->gram) return;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = i; j < d; j++) {
            double g = forms->gram[i * d + j];
            es_long_sum_add(&gram, i == j ? g * g : 2 * g * g);
        }
    forms->second = (gram.total + gram.lost - fourths) / (n * (n - 1));
}

es_status es_closed_forms_compute(es_space *space, const int64_t *ids, int64_t count, int threads,
                                  es_closed_forms *forms, es_error *error)
{
    int64_t d = space->source.columns;
    unit_rows rows = {space, ids};
    es_summands from = {.read = read_unit_rows,
                        .context = &rows,
                        .count = count,
                        .d = d,
                        .kernel = space->kernel,
                        .threads = threads};
    es_sums sums;
    ES_TRY(es_sums_compute(&from, d <= ES_GRAM_COLUMNS, &sums, error));
    *forms = (es_closed_forms){.sum = sums.sum, .gram = sums.gram};
    fold(forms, sums.squares, sums.fourths, (double)count, d);
    return ES_OK;
}

void es_closed_forms_release(es_closed_forms *forms)
{
    free(forms->sum);
    free(forms->gram);
    *forms = (es_closed_forms){0};
}
