#include "analysis/linkage.h"

#include "base/memory.h"

#include <math.h>
#include <stdbool.h>
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

/* ---- leaf order -------------------------------------------------------------------------------
 */

/* Leaves of every node lie side by side in `leaves`: those of node v from first[v], count[v] of
 * them, the left child's before the right child's. */
typedef struct tree {
    int64_t n;
    const double *distance;
    const es_merge *merges;
    int64_t *leaves, *first, *count;
    /* cost[u * n + w]: the least sum of an order of the smallest node that holds u and w which
     * starts at u and ends at w; m and k are the two leaves that meet in the middle of it. */
    double *cost;
    int32_t *m, *k;
    double *half; /* (n): costs up to the right child's first leaf */
    int32_t *half_m;
} tree;

static void lay_out_leaves(tree *tree)
{
    int64_t n = tree->n;
    for (int64_t v = 0; v < n; v++) tree->count[v] = 1;
    for (int64_t r = 0; r < n - 1; r++) tree->count[n + r] = tree->merges[r].size;
    tree->first[2 * n - 2] = 0;
    for (int64_t r = n - 2; r >= 0; r--) {
        const es_merge *merge = &tree->merges[r];
        tree->first[merge->a] = tree->first[n + r];
        tree->first[merge->b] = tree->first[n + r] + tree->count[merge->a];
    }
    for (int64_t v = 0; v < n; v++) tree->leaves[tree->first[v]] = v;
}

/* The leaves that can stand at the other end of node v when leaf u stands at one: those of the
 * child that u is not in; u itself for a leaf. */
static void other_end(const tree *tree, int64_t v, int64_t u, int64_t *from, int64_t *to)
{
    if (v < tree->n) {
        *from = tree->first[v];
        *to = *from + 1;
        return;
    }
    const es_merge *merge = &tree->merges[v - tree->n];
    int64_t place = tree->first[u]; /* of a leaf */
    bool left = place < tree->first[merge->b];
    int64_t child = left ? merge->b : merge->a;
    *from = tree->first[child];
    *to = *from + tree->count[child];
}

/* Costs of all orders of node v that start in its left child at u. */
static void fill_costs_from(tree *tree, const es_merge *merge, int64_t u)
{
    int64_t n = tree->n, right = tree->first[merge->b], right_end = right + tree->count[merge->b];
    int64_t from, to;
    other_end(tree, merge->a, u, &from, &to);
    for (int64_t j = right; j < right_end; j++) {
        int64_t k = tree->leaves[j];
        double best = INFINITY;
        for (int64_t i = from; i < to; i++) {
            int64_t m = tree->leaves[i];
            double cost = tree->cost[u * n + m] + tree->distance[k * n + m];
            if (cost < best) {
                best = cost;
                tree->half_m[k] = (int32_t)m;
            }
        }
        tree->half[k] = best;
    }
    for (int64_t j = right; j < right_end; j++) {
        int64_t w = tree->leaves[j];
        double best = INFINITY;
        other_end(tree, merge->b, w, &from, &to);
        for (int64_t i = from; i < to; i++) {
            int64_t k = tree->leaves[i];
            double cost = tree->half[k] + tree->cost[w * n + k];
            if (cost < best) {
                best = cost;
                tree->k[u * n + w] = (int32_t)k;
                tree->m[u * n + w] = tree->half_m[k];
            }
        }
        tree->cost[u * n + w] = tree->cost[w * n + u] = best;
    }
}

/* Write the leaves of node v from u to w at `out`. */
static void write_order(const tree *tree, int64_t v, int64_t u, int64_t w, int64_t *out)
{
    int64_t n = tree->n;
    if (v < n) {
        *out = v;
        return;
    }
    const es_merge *merge = &tree->merges[v - n];
    bool forward = tree->first[u] < tree->first[merge->b];
    int64_t a = forward ? u : w, b = forward ? w : u; /* a in the left child, b in the right */
    int64_t m = tree->m[a * n + b], k = tree->k[a * n + b];
    if (forward) {
        write_order(tree, merge->a, u, m, out);
        write_order(tree, merge->b, k, w, out + tree->count[merge->a]);
    } else {
        write_order(tree, merge->b, u, k, out);
        write_order(tree, merge->a, m, w, out + tree->count[merge->b]);
    }
}

static void order_leaves(tree *tree, int64_t *order)
{
    int64_t n = tree->n, root = 2 * n - 2;
    for (int64_t r = 0; r < n - 1; r++) {
        const es_merge *merge = &tree->merges[r];
        int64_t left = tree->first[merge->a], end = left + tree->count[merge->a];
        for (int64_t i = left; i < end; i++) fill_costs_from(tree, merge, tree->leaves[i]);
    }
    const es_merge *top = &tree->merges[n - 2];
    int64_t best_u = 0, best_w = 0;
    double best = INFINITY;
    for (int64_t i = 0; i < tree->count[top->a]; i++)
        for (int64_t j = tree->first[top->b]; j < n; j++) {
            int64_t u = tree->leaves[i], w = tree->leaves[j];
            if (tree->cost[u * n + w] >= best) continue;
            best = tree->cost[u * n + w];
            best_u = u;
            best_w = w;
        }
    if (best_u < best_w)
        write_order(tree, root, best_u, best_w, order);
    else
        write_order(tree, root, best_w, best_u, order);
}

es_status es_leaf_order(int64_t n, const double *distance, const es_merge *merges, int64_t *order,
                        es_error *error)
{
    tree tree = {.n = n, .distance = distance, .merges = merges};
    tree.leaves = es_alloc(n, sizeof *tree.leaves);
    tree.first = es_alloc(2 * n, sizeof *tree.first);
    tree.count = es_alloc(2 * n, sizeof *tree.count);
    tree.cost = es_alloc(n, (size_t)n * sizeof *tree.cost);
    tree.m = es_alloc(n, (size_t)n * sizeof *tree.m);
    tree.k = es_alloc(n, (size_t)n * sizeof *tree.k);
    tree.half = es_alloc(n, sizeof *tree.half);
    tree.half_m = es_alloc(n, sizeof *tree.half_m);
    es_status status = ES_OK;
    if (!tree.leaves || !tree.first || !tree.count || !tree.cost || !tree.m || !tree.k ||
        !tree.half || !tree.half_m) {
        status = es_fail_memory(error, "the leaf order", (size_t)n * (size_t)n * 16);
    } else {
        lay_out_leaves(&tree);
        order_leaves(&tree, order);
    }
    free(tree.leaves);
    free(tree.first);
    free(tree.count);
    free(tree.cost);
    free(tree.m);
    free(tree.k);
    free(tree.half);
    free(tree.half_m);
    return status;
}
