/* TwoNN: how many dimensions a set of points seems to fill, seen from the distances r1 <= r2 to the
 * two nearest of each point. In d dimensions, however dense the points lie, r2 / r1 follows the law
 * F(mu) = 1 - mu^-d (Facco, d'Errico, Rodriguez and Laio 2017). */
#include "base/memory.h"
#include "base/parallel.h"

#include <embscope/knn.h>
#include <math.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double es_twonn_dimension(double *ratios, int64_t n)
{
    int64_t used = (int64_t)(0.9 * (double)n);
    if (used < 2) return NAN;
    qsort(ratios, (size_t)n, sizeof *ratios, compare_doubles);
    double xy = 0, xx = 0;
    for (int64_t i = 0; i < used; i++) {
        double x = log(ratios[i]), y = -log1p(-(double)(i + 1) / (double)n);
        xy += x * y;
        xx += x * x;
    }
    return xx > 0 ? xy / xx : NAN;
}

typedef struct points_job {
    const double *points;
    int64_t n, d;
    double scale;  /* brings the largest component to 1, so that no square overflows */
    double *ratio; /* (n) r2 / r1, or 0 where r1 is */
} points_job;

enum { BLOCK_POINTS = 32 };

static double squared_distance(const points_job *job, int64_t a, int64_t b)
{
    const double *x = job->points + a * job->d, *y = job->points + b * job->d;
    double sum = 0;
    for (int64_t k = 0; k < job->d; k++) {
        double difference = x[k] * job->scale - y[k] * job->scale;
        sum += difference * difference;
    }
    return sum;
}

static es_status find_two_nearest(void *context, int64_t block, int worker, es_error *error)
{
    (void)worker, (void)error;
    const points_job *job = context;
    int64_t end = (block + 1) * BLOCK_POINTS < job->n ? (block + 1) * BLOCK_POINTS : job->n;
    for (int64_t i = block * BLOCK_POINTS; i < end; i++) {
        double first = INFINITY, second = INFINITY;
        for (int64_t j = 0; j < job->n; j++) {
            double square = j == i ? INFINITY : squared_distance(job, i, j);
            if (square < first) {
                second = first;
                first = square;
            } else if (square < second) {
                second = square;
            }
        }
        job->ratio[i] = first > 0 ? sqrt(second / first) : 0;
    }
    return ES_OK;
}

es_status es_twonn_points(const double *points, int64_t n, int64_t d, int threads,
                          double *dimension, int64_t *dropped, es_error *error)
{
    double largest = 0;
    *dimension = NAN;
    *dropped = 0;
    for (int64_t i = 0; i < n * d; i++) {
        if (!isfinite(points[i]))
            return es_fail(error, ES_BAD_INPUT, "point %lld is not finite", (long long)(i / d));
        largest = fmax(largest, fabs(points[i]));
    }
    if (n < 3) return ES_OK;
    points_job job = {points, n, d, largest > 0 ? 1 / largest : 1, es_alloc(n, sizeof(double))};
    if (!job.ratio) return es_fail_memory(error, "ratios", (size_t)n * sizeof(double));
    if (!isfinite(job.scale)) job.scale = 1; /* all denormal */
    es_status status = es_parallel_for(threads, (n + BLOCK_POINTS - 1) / BLOCK_POINTS,
                                       find_two_nearest, &job, NULL, error);
    int64_t used = 0;
    for (int64_t i = 0; i < n && status == ES_OK; i++) {
        if (job.ratio[i] > 0)
            job.ratio[used++] = job.ratio[i];
        else
            (*dropped)++;
    }
    if (status == ES_OK) *dimension = es_twonn_dimension(job.ratio, used);
    free(job.ratio);
    return status;
}
