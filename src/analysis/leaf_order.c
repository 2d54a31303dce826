/* The order of a tree's leaves with the least sum of distances between neighbours (Bar-Joseph,
 * Gifford, Jaakkola 2001).
 *
 * Leaves are renamed by their place in one drawing of the tree, so that those of a node are a run
 * of numbers and every inner loop reads memory in order. */
#include "analysis/linkage.h"
#include "analysis/stages.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>

/* Less than this is done before a thread has started. */
#define WORTH_THREADS 4e5

typedef struct tree {
    int64_t n;
    const es_merge *merges;
    int64_t *leaves;         /* (n) the item at each place */
    int64_t *first, *count;  /* (2n - 1) the places below a node: count[v] from first[v] */
    double *distance, *cost; /* (n, n) by place. cost[u * n + w]: the least sum of an order of the
                                smallest node that holds u and w which starts at u and ends at w */
    int32_t *m, *k;          /* (n, n) the two leaves that meet in the middle of that order */
    double *half;            /* (threads, n) costs up to the right child's first leaf */
    int32_t *half_m;
    const es_merge *merge; /* at work */
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
        *from = u;
        *to = u + 1;
        return;
    }
    const es_merge *merge = &tree->merges[v - tree->n];
    int64_t child = u < tree->first[merge->b] ? merge->b : merge->a;
    *from = tree->first[child];
    *to = *from + tree->count[child];
}

/* Costs of all orders of the node at work that start in its left child at u. Orders from two
 * different u have no cell in common. */
static void fill_costs_from(const tree *tree, int64_t u, double *half, int32_t *half_m)
{
    const es_merge *merge = tree->merge;
    int64_t n = tree->n, right = tree->first[merge->b], right_end = right + tree->count[merge->b];
    int64_t from, to;
    other_end(tree, merge->a, u, &from, &to);
    const double *start = tree->cost + u * n;
    for (int64_t k = right; k < right_end; k++) {
        const double *step = tree->distance + k * n;
        double best = INFINITY;
        for (int64_t m = from; m < to; m++) {
            double cost = start[m] + step[m];
            if (cost < best) {
                best = cost;
                half_m[k] = (int32_t)m;
            }
        }
        half[k] = best;
    }
    for (int64_t w = right; w < right_end; w++) {
        const double *finish = tree->cost + w * n;
        double best = INFINITY;
        int64_t middle = right;
        other_end(tree, merge->b, w, &from, &to);
        for (int64_t k = from; k < to; k++) {
            double cost = half[k] + finish[k];
            if (cost < best) {
                best = cost;
                middle = k;
            }
        }
        tree->k[u * n + w] = (int32_t)middle;
        tree->m[u * n + w] = half_m[middle];
        tree->cost[u * n + w] = tree->cost[w * n + u] = best;
    }
}

static es_status fill_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)error;
    const tree *tree = context;
    fill_costs_from(tree, tree->first[tree->merge->a] + index, tree->half + worker * tree->n,
                    tree->half_m + worker * tree->n);
    return ES_OK;
}

/* Write the leaves of node v from u to w at `out`. */
static void write_order(const tree *tree, int64_t v, int64_t u, int64_t w, int64_t *out)
{
    int64_t n = tree->n;
    if (v < n) {
        *out = tree->leaves[u];
        return;
    }
    const es_merge *merge = &tree->merges[v - n];
    bool forward = u < tree->first[merge->b];
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

static double work_of(const tree *tree, const es_merge *merge)
{
    double a = (double)tree->count[merge->a], b = (double)tree->count[merge->b];
    return a * b * (a + b);
}

static es_status fill_costs(tree *tree, int threads, const es_progress *progress, es_error *error)
{
    es_stages stages = {.outer = progress ? *progress : (es_progress){0}};
    for (int64_t r = 0; r < tree->n - 1; r++) stages.total += work_of(tree, &tree->merges[r]);
    for (int64_t r = 0; r < tree->n - 1; r++) {
        tree->merge = &tree->merges[r];
        double work = work_of(tree, tree->merge);
        es_progress stage = es_stages_next(&stages, work);
        ES_TRY(es_parallel_for(work < WORTH_THREADS ? 1 : threads, tree->count[tree->merge->a],
                               fill_piece, tree, &stage, error));
    }
    return ES_OK;
}

/* The ends of the cheapest order; of two equally good ones the first found. */
static void trace_best(const tree *tree, int64_t *order)
{
    int64_t n = tree->n, best_u = 0, best_w = 0;
    int64_t right = tree->first[tree->merges[n - 2].b];
    double best = INFINITY;
    for (int64_t u = 0; u < right; u++)
        for (int64_t w = right; w < n; w++)
            if (tree->cost[u * n + w] < best) {
                best = tree->cost[u * n + w];
                best_u = u;
                best_w = w;
            }
    bool forward = tree->leaves[best_u] < tree->leaves[best_w];
    write_order(tree, 2 * n - 2, forward ? best_u : best_w, forward ? best_w : best_u, order);
}

es_status es_leaf_order(int64_t n, const double *distance, const es_merge *merges, int threads,
                        const es_progress *progress, int64_t *order, es_error *error)
{
    threads = es_thread_count(threads);
    if (threads > n) threads = (int)n;
    tree tree = {.n = n, .merges = merges};
    tree.leaves = es_alloc(n, sizeof *tree.leaves);
    tree.first = es_alloc(2 * n, sizeof *tree.first);
    tree.count = es_alloc(2 * n, sizeof *tree.count);
    tree.distance = es_alloc(n, (size_t)n * sizeof *tree.distance);
    tree.cost = es_alloc(n, (size_t)n * sizeof *tree.cost);
    tree.m = es_alloc(n, (size_t)n * sizeof *tree.m);
    tree.k = es_alloc(n, (size_t)n * sizeof *tree.k);
    tree.half = es_alloc(threads, (size_t)n * sizeof *tree.half);
    tree.half_m = es_alloc(threads, (size_t)n * sizeof *tree.half_m);
    es_status status = ES_OK;
    if (!tree.leaves || !tree.first || !tree.count || !tree.distance || !tree.cost || !tree.m ||
        !tree.k || !tree.half || !tree.half_m) {
        status = es_fail_memory(error, "the leaf order", (size_t)n * (size_t)n * 24);
    } else {
        lay_out_leaves(&tree);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++)
                tree.distance[i * n + j] = distance[tree.leaves[i] * n + tree.leaves[j]];
        status = fill_costs(&tree, threads, progress, error);
        if (status == ES_OK) trace_best(&tree, order);
    }
    free(tree.leaves);
    free(tree.first);
    free(tree.count);
    free(tree.distance);
    free(tree.cost);
    free(tree.m);
    free(tree.k);
    free(tree.half);
    free(tree.half_m);
    return status;
}
