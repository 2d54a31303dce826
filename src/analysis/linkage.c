#include "analysis/linkage.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* The active cluster nearest to x; its predecessor in the chain wins a tie, so that chains end. */
static int64_t nearest(int64_t n, const double *distance, const int64_t *size, int64_t x,
                       int64_t previous, double *least)
{
    int64_t found = previous;
    *least = previous >= 0 ? distance[x * n + previous] : INFINITY;
    for (int64_t i = 0; i < n; i++)
        if (size[i] && i != x && distance[x * n + i] < *least) {
            *least = distance[x * n + i];
            found = i;
        }
    return found;
}

/* Join x < y into y. */
static void join(int64_t n, double *distance, int64_t *size, int64_t x, int64_t y)
{
    double nx = (double)size[x], ny = (double)size[y];
    size[y] += size[x];
    size[x] = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!size[i] || i == y) continue;
        double mean = (nx * distance[i * n + x] + ny * distance[i * n + y]) / (nx + ny);
        distance[i * n + y] = distance[y * n + i] = mean;
    }
}

static void run_chains(int64_t n, double *distance, int64_t *size, int64_t *chain, es_merge *merges)
{
    int64_t length = 0;
    for (int64_t merged = 0; merged < n - 1; merged++) {
        if (!length) {
            int64_t first = 0;
            while (!size[first]) first++;
            chain[length++] = first;
        }
        int64_t x, y;
        double height;
        for (;;) {
            x = chain[length - 1];
            int64_t previous = length > 1 ? chain[length - 2] : -1;
            y = nearest(n, distance, size, x, previous, &height);
            if (y == previous) break;
            chain[length++] = y;
        }
        length -= 2;
        if (x > y) {
            int64_t held = x;
            x = y;
            y = held;
        }
        merges[merged] = (es_merge){x, y, height, merged};
        join(n, distance, size, x, y);
    }
}

static int compare_merges(const void *a, const void *b)
{
    const es_merge *x = a, *y = b;
    if (x->height != y->height) return x->height < y->height ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size); /* still the order they were found in */
}

static int64_t find_root(int64_t *parent, int64_t x)
{
    while (parent[x] != x) x = parent[x] = parent[parent[x]];
    return x;
}

/* Merges name items; make them name clusters, n + r for the result of merge r. */
static void name_clusters(int64_t n, es_merge *merges, int64_t *parent, int64_t *size)
{
    for (int64_t i = 0; i < 2 * n - 1; i++) {
        parent[i] = i;
        size[i] = 1;
    }
    for (int64_t r = 0; r < n - 1; r++) {
        int64_t a = find_root(parent, merges[r].a), b = find_root(parent, merges[r].b);
        merges[r].a = a < b ? a : b;
        merges[r].b = a < b ? b : a;
        merges[r].size = size[n + r] = size[a] + size[b];
        parent[a] = parent[b] = n + r;
    }
}

es_status es_linkage_average(int64_t n, double *distance, es_merge *merges, es_error *error)
{
    int64_t *size = es_alloc(2 * n, sizeof *size), *chain = es_alloc(2 * n, sizeof *chain);
    es_status status = ES_OK;
    if (!size || !chain) {
        status = es_fail_memory(error, "linkage", (size_t)n * 4 * sizeof *size);
    } else {
        for (int64_t i = 0; i < n; i++) size[i] = 1;
        run_chains(n, distance, size, chain, merges);
        qsort(merges, (size_t)n - 1, sizeof *merges, compare_merges);
        name_clusters(n, merges, chain, size);
    }
    free(size);
    free(chain);
    return status;
}
