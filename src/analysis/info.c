#include "base/map.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "space/space.h"

#include <embscope/info.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void list_row(es_row_list *list, int64_t row)
{
    if (list->listed < ES_INFO_LISTED) list->first[list->listed++] = row;
    list->count++;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Quantile of ascending values by linear interpolation between the two nearest ranks. */
static double quantile(const double *ascending, int64_t count, double q)
{
    double place = q * (double)(count - 1);
    int64_t below = (int64_t)place;
    if (below + 1 >= count) return ascending[count - 1];
    double weight = place - (double)below;
    return ascending[below] + weight * (ascending[below + 1] - ascending[below]);
}

static es_status summarise_norms(const double *norms, const unsigned char *states, int64_t n,
                                 es_info *info, es_error *error)
{
    double *sorted = es_alloc(n, sizeof *sorted);
    if (!sorted) return es_fail_memory(error, "norms", (size_t)n * sizeof *sorted);
    int64_t count = 0;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        if (states[i] == ES_ROW_ZERO) list_row(&info->zero, i);
        if (states[i] == ES_ROW_NON_FINITE) list_row(&info->non_finite, i);
        if (states[i] != ES_ROW_DEFINED) continue;
        sorted[count++] = norms[i];
        sum += norms[i];
    }
    qsort(sorted, (size_t)count, sizeof *sorted, compare_doubles);
    info->norm_minimum = count ? sorted[0] : NAN;
    info->norm_quartile1 = count ? quantile(sorted, count, 0.25) : NAN;
    info->norm_median = count ? quantile(sorted, count, 0.5) : NAN;
    info->norm_quartile3 = count ? quantile(sorted, count, 0.75) : NAN;
    info->norm_maximum = count ? sorted[count - 1] : NAN;
    info->norm_mean = count ? sum / (double)count : NAN;
    free(sorted);
    return ES_OK;
}

/* Rows equal, bit for bit as stored, to an earlier one. Undefined rows have their own lists. */
static es_status find_duplicates(const es_space *space, es_info *info, es_error *error)
{
    int64_t n = space->source.rows;
    size_t size = (size_t)space->source.columns * es_dtype_size(space->tensor->dtype);
    es_map seen = {0};
    es_status status = ES_OK;
    if (!es_map_reserve(&seen, n)) status = es_fail_memory(error, "a table of rows", (size_t)n);
    for (int64_t i = 0; i < n && status == ES_OK; i++) {
        if (space->states[i] != ES_ROW_DEFINED) continue;
        es_bytes row = {(const char *)space->rows + (size_t)i * size, size};
        es_map_put put = es_map_insert(&seen, row, i, NULL);
        if (put == ES_MAP_EXISTS) list_row(&info->duplicates, i);
        if (put == ES_MAP_NO_MEMORY) status = es_fail_memory(error, "a table of rows", (size_t)n);
    }
    es_map_release(&seen);
    return status;
}

es_status es_info_compute(es_space *space, es_info *info, es_error *error)
{
    *info = (es_info){0};
    const es_vocabulary *vocabulary = es_space_vocabulary(space);
    info->vocabulary_kind = es_vocabulary_get_kind(vocabulary);
    info->vocabulary_size = es_vocabulary_size(vocabulary);
    info->duplicate_keys = es_vocabulary_duplicate_count(vocabulary);
    ES_TRY(es_space_compare_tables(space, &info->tables, error));
    info->tying = info->tables.tying;
    info->untied_rows = info->tables.differing_rows;
    const double *norms;
    const unsigned char *states;
    ES_TRY(es_space_load(space, error)); /* duplicates are looked for in it */
    ES_TRY(es_space_norms(space, &norms, error));
    ES_TRY(es_space_row_states(space, &states, error));
    ES_TRY(summarise_norms(norms, states, space->source.rows, info, error));
    return find_duplicates(space, info, error);
}
