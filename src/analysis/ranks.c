#include "analysis/ranks.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static int compare_descending(const void *left, const void *right)
{
    const es_ranked *a = left, *b = right;
    if (a->value != b->value) return a->value > b->value ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

void es_order_descending(const double *values, int64_t n, es_ranked *order)
{
    for (int64_t i = 0; i < n; i++) order[i] = (es_ranked){values[i], i};
    if (n) qsort(order, (size_t)n, sizeof *order, compare_descending);
}

void es_ranks_of(const es_ranked *order, int64_t n, double *ranks)
{
    for (int64_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && order[j].value == order[i].value;) j++;
        for (int64_t t = i; t < j; t++) ranks[order[t].place] = (double)(2 * n + 1 - i - j) / 2;
    }
}

double es_correlate(const double *a, const double *b, int64_t n)
{
    double mean_a = 0, mean_b = 0, ab = 0, aa = 0, bb = 0;
    bool vary_a = false, vary_b = false; /* a rounded mean makes a constant side look alive */
    for (int64_t i = 0; i < n; i++) {
        mean_a += a[i];
        mean_b += b[i];
        vary_a |= a[i] != a[0];
        vary_b |= b[i] != b[0];
    }
    mean_a /= (double)n;
    mean_b /= (double)n;
    for (int64_t i = 0; i < n; i++) {
        double x = a[i] - mean_a, y = b[i] - mean_b;
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    if (!vary_a || !vary_b || !(aa > 0) || !(bb > 0)) return NAN;
    double product = aa * bb;
    bool in_range = product > 1e-280 && product < 1e280;
    return ab / (in_range ? sqrt(product) : sqrt(aa) * sqrt(bb));
}
