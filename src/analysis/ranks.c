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

/* The mean, whether anything differs from the rest, and a power of two that brings the values to
 * where their squares stay within a double; 1 where they do as they are. */
static bool look_at(const double *values, int64_t n, double *mean, double *scale)
{
    double largest = 0;
    bool varies = false; /* a rounded mean makes a constant side look alive */
    *mean = 0;
    for (int64_t i = 0; i < n; i++) {
        *mean += values[i];
        varies |= values[i] != values[0];
        largest = fmax(largest, fabs(values[i]));
    }
    *mean /= (double)n;
    int exponent;
    frexp(largest, &exponent);
    *scale = largest > 1e-70 && largest < 1e70 ? 1 : ldexp(1, -exponent);
    return varies;
}

double es_correlate(const double *a, const double *b, int64_t n)
{
    double mean[2], scale[2], ab = 0, aa = 0, bb = 0;
    if (n < 2) return NAN;
    bool varies = look_at(a, n, &mean[0], &scale[0]);
    varies &= look_at(b, n, &mean[1], &scale[1]);
    if (!varies) return NAN;
    for (int64_t i = 0; i < n; i++) {
        double x = (a[i] - mean[0]) * scale[0], y = (b[i] - mean[1]) * scale[1];
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : NAN;
}
