#include "analysis/cluster_map.h"

#include "base/memory.h"
#include "base/status.h"
#include "kernel/linear.h"

#include <math.h>
#include <stdlib.h>

/* Centred centres (count, d) in float64. */
static void center_rows(const es_clusters *clusters, double *rows)
{
    int64_t count = clusters->count, d = clusters->columns;
    for (int64_t k = 0; k < d; k++) {
        double mean = 0;
        for (int64_t c = 0; c < count; c++) mean += clusters->centers[c * d + k];
        mean /= (double)count;
        for (int64_t c = 0; c < count; c++) rows[c * d + k] = clusters->centers[c * d + k] - mean;
    }
}

/* The d x d matrix of their products (or the count x count one, where that is smaller). */
static void fill_products(const double *rows, int64_t count, int64_t d, bool by_centers,
                          double *products)
{
    int64_t size = by_centers ? count : d;
    if (!by_centers) {
        es_gram_add(count, d, rows, products);
    } else
        for (int64_t i = 0; i < count; i++)
            for (int64_t j = i; j < count; j++)
                for (int64_t k = 0; k < d; k++)
                    products[i * count + j] += rows[i * d + k] * rows[j * d + k];
    for (int64_t i = 0; i < size; i++)
        for (int64_t j = 0; j < i; j++) products[i * size + j] = products[j * size + i];
}

static void place(es_clusters *clusters, const double *rows, const double *values,
                  const double *vectors, bool by_centers)
{
    int64_t count = clusters->count, d = clusters->columns, size = by_centers ? count : d;
    double total = 0;
    for (int64_t i = 0; i < size; i++) total += fmax(0, values[i]);
    for (int axis = 0; axis < 2; axis++) {
        const double *vector = vectors + axis * size;
        double value = axis < size ? fmax(0, values[axis]) : 0;
        clusters->map_share[axis] = total > 0 ? value / total : 0;
        for (int64_t c = 0; c < count; c++) {
            double at = 0;
            if (axis < size && by_centers)
                at = vector[c] * sqrt(value);
            else if (axis < size)
                for (int64_t k = 0; k < d; k++) at += vector[k] * rows[c * d + k];
            *(axis ? &clusters->clusters[c].y : &clusters->clusters[c].x) = at;
        }
    }
}

es_status es_cluster_map(es_clusters *clusters, es_error *error)
{
    int64_t count = clusters->count, d = clusters->columns;
    if (count < 3) return ES_OK;
    bool by_centers = count < d;
    int64_t size = by_centers ? count : d;
    double *rows = es_alloc(count, (size_t)d * sizeof *rows), *values = NULL, *products = NULL;
    if (rows) values = es_alloc(size, sizeof *values);
    if (values) products = es_alloc(size, (size_t)size * sizeof *products);
    es_status status = products ? ES_OK : es_fail_memory(error, "a map", (size_t)(count * d) * 8);
    if (status == ES_OK) {
        center_rows(clusters, rows);
        fill_products(rows, count, d, by_centers, products);
        status = es_eigen_symmetric(size, products, values, error);
    }
    if (status == ES_OK) place(clusters, rows, values, products, by_centers);
    free(rows);
    free(values);
    free(products);
    return status;
}
