/* The distances of tools/golden/analysis.py and clusters.py, number by number. */
#ifndef ES_TEST_DISTANCES_H
#define ES_TEST_DISTANCES_H

#include "base/random.h"

#include <string.h>

enum { MOST = 60 };

static double unit_uniform(es_random *random)
{
    return (double)(es_random_next(random) >> 11) * 0x1p-53;
}

/* distances() of the scripts: of points in four dimensions, drawn by lot, or with many ties. */
static void make_distances(const char *kind, int64_t n, uint64_t seed, double *matrix)
{
    es_random random = {seed};
    double points[MOST][4];
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < 4; k++) points[i][k] = unit_uniform(&random);
    for (int64_t i = 0; i < n; i++) {
        matrix[i * n + i] = 0;
        for (int64_t j = 0; j < i; j++) {
            double value = 0;
            if (strcmp(kind, "points") == 0)
                for (int k = 0; k < 4; k++) {
                    double apart = points[i][k] - points[j][k];
                    value += apart * apart;
                }
            else
                value = unit_uniform(&random);
            if (strcmp(kind, "ties") == 0) value = (int)(4 * value) + 1;
            matrix[i * n + j] = matrix[j * n + i] = value;
        }
    }
}

#endif
