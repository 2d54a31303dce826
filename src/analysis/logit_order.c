#include "analysis/logit_order.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- sorting ----------------------------------------------------------------------------------
 */

es_status es_row_sorter_init(es_row_sorter *sorter, int64_t n, es_error *error)
{
    sorter->keys = es_alloc(n, sizeof *sorter->keys);
    sorter->other_keys = es_alloc(n, sizeof *sorter->other_keys);
    sorter->other_ids = es_alloc(n, sizeof *sorter->other_ids);
    if (sorter->keys && sorter->other_keys && sorter->other_ids) return ES_OK;
    es_row_sorter_release(sorter);
    return es_fail_memory(error, "an order of rows", (size_t)n * 20);
}

void es_row_sorter_release(es_row_sorter *sorter)
{
    free(sorter->keys);
    free(sorter->other_keys);
    free(sorter->other_ids);
    *sorter = (es_row_sorter){0};
}

/* An integer that grows as the value falls: the bits of a positive double, read as a number, grow
 * with it, those of a negative one with its magnitude. */
static uint64_t key_of(double value)
{
    if (isnan(value)) return UINT64_MAX;
    value += 0.0; /* -0 is 0 */
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t ascending = bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
    return ~ascending;
}

enum { DIGIT = 11, DIGITS = 1 << DIGIT, PASSES = 6 };

/* One pass of a radix sort, from the lowest digit up: stable, so that ties stay in order of id.
 * False where all digits are equal and nothing was moved. */
static bool sort_pass(int64_t n, int shift, const uint64_t *keys, const int32_t *ids,
                      uint64_t *to_keys, int32_t *to_ids)
{
    int64_t starts[DIGITS] = {0}, sum = 0;
    for (int64_t i = 0; i < n; i++) starts[keys[i] >> shift & (DIGITS - 1)]++;
    if (n && starts[keys[0] >> shift & (DIGITS - 1)] == n) return false;
    for (int digit = 0; digit < DIGITS; digit++) {
        int64_t count = starts[digit];
        starts[digit] = sum;
        sum += count;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t place = starts[keys[i] >> shift & (DIGITS - 1)]++;
        to_keys[place] = keys[i];
        to_ids[place] = ids[i];
    }
    return true;
}

void es_rows_sort(es_row_sorter *sorter, int64_t n, const double *values, int32_t *ids)
{
    uint64_t *keys = sorter->keys, *to_keys = sorter->other_keys;
    int32_t *from = ids, *to = sorter->other_ids;
    for (int64_t i = 0; i < n; i++) {
        keys[i] = key_of(values[i]);
        from[i] = (int32_t)i;
    }
    for (int pass = 0; pass < PASSES; pass++) {
        if (!sort_pass(n, pass * DIGIT, keys, from, to_keys, to)) continue;
        uint64_t *swapped_keys = keys;
        int32_t *swapped = from;
        keys = to_keys;
        to_keys = swapped_keys;
        from = to;
        to = swapped;
    }
    if (from != ids) memcpy(ids, from, (size_t)n * sizeof *ids);
}

void es_rows_rank(int64_t n, const int32_t *ids, int64_t count, int32_t *ranks)
{
    memset(ranks, 0, (size_t)n * sizeof *ranks);
    for (int64_t i = 0; i < count; i++) ranks[ids[i]] = (int32_t)(i + 1);
}

void es_rows_mean_rank(int64_t n, const double *values, const double *defined, const int32_t *ids,
                       double *mean_ranks)
{
    int64_t rank = 0;
    for (int64_t i = 0, end; i < n; i = end) {
        int64_t equal = 0;
        for (end = i; end < n && values[ids[end]] == values[ids[i]]; end++)
            equal += !isnan(defined[ids[end]]);
        if (end == i) end++; /* NaN equals nothing */
        for (int64_t j = i; j < end; j++)
            mean_ranks[ids[j]] = (double)rank + ((double)equal + 1) / 2;
        rank += equal;
    }
}

/* ---- angle and norm over all rows -------------------------------------------------------------
 */

/* Pearson's correlation over the defined rows; of mean ranks that is Spearman's. */
static double correlate(const es_order_input *input, const double *a, const double *b)
{
    double mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < input->n; i++) {
        if (isnan(input->cosines[i])) continue;
        mean_a += a[i];
        mean_b += b[i];
        count++;
    }
    mean_a /= (double)count;
    mean_b /= (double)count;
    for (int64_t i = 0; i < input->n; i++) {
        if (isnan(input->cosines[i])) continue;
        aa += (a[i] - mean_a) * (a[i] - mean_a);
        bb += (b[i] - mean_b) * (b[i] - mean_b);
        ab += (a[i] - mean_a) * (b[i] - mean_b);
    }
    return aa > 0 && bb > 0 ? fmax(-1, fmin(1, ab / sqrt(aa * bb))) : NAN;
}

static es_logit_gap gap(double hidden_norm, double norm_a, double cosine_a, double norm_b,
                        double cosine_b)
{
    double angle = hidden_norm * (norm_a + norm_b) / 2 * (cosine_a - cosine_b);
    double norm = hidden_norm * (cosine_a + cosine_b) / 2 * (norm_a - norm_b);
    return (es_logit_gap){angle + norm, angle, norm};
}

es_logit_gap es_logit_gap_between(double hidden_norm, const es_next_token *a,
                                  const es_next_token *b)
{
    es_logit_gap parts = gap(hidden_norm, a->norm, a->cosine, b->norm, b->cosine);
    parts.logit = a->logit - b->logit; /* known even where a cosine is not */
    return parts;
}

static es_logit_gap gap_to_mean(const es_order_input *input, const es_logit_order *order, int64_t i)
{
    return gap(input->hidden_norm, input->norms[i], input->cosines[i], order->mean_norm,
               order->mean_cosine);
}

/* Shares of the variance of z, which is that of angle + norm. */
static void share_variance(const es_order_input *input, int64_t count, es_logit_order *order)
{
    double mean_angle = 0, mean_norm = 0, angles = 0, norms = 0, both = 0;
    for (int64_t i = 0; i < input->n; i++) {
        if (isnan(input->cosines[i])) continue;
        es_logit_gap parts = gap_to_mean(input, order, i);
        mean_angle += parts.angle / (double)count;
        mean_norm += parts.norm / (double)count;
    }
    for (int64_t i = 0; i < input->n; i++) {
        if (isnan(input->cosines[i])) continue;
        es_logit_gap parts = gap_to_mean(input, order, i);
        double angle = parts.angle - mean_angle, norm = parts.norm - mean_norm;
        angles += angle * angle;
        norms += norm * norm;
        both += 2 * angle * norm;
    }
    double all = angles + norms + both;
    order->variance = fmax(0, all) / (double)count;
    if (!(all > 0)) return;
    order->angle_share = angles / all;
    order->norm_share = norms / all;
    order->shared = both / all;
}

void es_logit_order_describe(const es_order_input *input, es_logit_order *order)
{
    *order = (es_logit_order){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    int64_t count = 0;
    double cosines = 0, norms = 0;
    for (int64_t i = 0; i < input->n; i++) {
        if (isnan(input->cosines[i])) continue;
        cosines += input->cosines[i];
        norms += input->norms[i];
        count++;
    }
    if (!count) return;
    order->mean_cosine = cosines / (double)count;
    order->mean_norm = norms / (double)count;
    order->spearman_cosine = correlate(input, input->logit_ranks, input->cosine_ranks);
    order->spearman_norm = correlate(input, input->logit_ranks, input->norm_ranks);
    share_variance(input, count, order);
}
