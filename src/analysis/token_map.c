#include "analysis/token_map.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>

enum { DRAWN = 2500, TESTED = 1000, TESTED_WITHOUT_GRAPH = 64, NEAREST = 10 };

void es_token_map_release(es_token_map *map)
{
    free(map->points);
    *map = (es_token_map){0};
}

static bool is_named(const es_selection *named, int64_t id)
{
    for (int64_t i = 0; i < named->count; i++)
        if (named->items[i].id == id) return true;
    return false;
}

/* The named ones, and others by lot. */
static es_status fill_points(const double *plane, const es_selection *named, const int64_t *ids,
                             int64_t count, es_random *random, es_token_map *map, es_error *error)
{
    int64_t room = (count < DRAWN ? count : DRAWN) + named->count;
    if (!(map->points = es_alloc(room, sizeof *map->points)))
        return es_fail_memory(error, "a map", (size_t)room * sizeof *map->points);
    int64_t wanted = count < DRAWN ? count : DRAWN;
    for (int64_t i = 0; i < count; i++) {
        int64_t id = ids[i];
        bool drawn = es_random_below(random, count - i) < wanted, name = is_named(named, id);
        wanted -= drawn;
        if (drawn || name)
            map->points[map->count++] = (es_map_point){id, plane[2 * id], plane[2 * id + 1], name};
    }
    return ES_OK;
}

typedef struct test_job {
    const double *plane;
    const int64_t *ids, *tested; /* defined rows; (tests) */
    int64_t count, k;
    const int32_t *nearest; /* (tests, k) in the whole space, -1 past their end */
    int64_t *kept;          /* (tests) */
} test_job;

typedef struct near_point {
    double distance;
    int64_t id;
} near_point;

/* How many of a token's nearest in the whole space are among its nearest in the plane; equal
 * distances go by id. */
static es_status test_token(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const test_job *job = context;
    int64_t self = job->tested[index], found = 0;
    const double *here = job->plane + 2 * self;
    near_point best[NEAREST];
    for (int64_t i = 0; i < job->count; i++) {
        int64_t id = job->ids[i];
        if (id == self) continue;
        double x = job->plane[2 * id] - here[0], y = job->plane[2 * id + 1] - here[1];
        double distance = x * x + y * y;
        if (found == job->k && distance >= best[found - 1].distance) continue;
        int64_t at = found < job->k ? found++ : found - 1;
        for (; at > 0 && best[at - 1].distance > distance; at--) best[at] = best[at - 1];
        best[at] = (near_point){distance, id};
    }
    for (int64_t j = 0; j < job->k; j++)
        for (int64_t i = 0; i < found; i++)
            job->kept[index] += job->nearest[index * job->k + j] == best[i].id;
    return ES_OK;
}

/* The k nearest of a token, where there is no graph to look them up in. */
static es_status look_for(es_space *space, int64_t id, int64_t k, int threads, int32_t *nearest,
                          es_error *error)
{
    es_selection term;
    es_neighbors found;
    es_neighbors_options options = {.k = k, .threads = threads};
    ES_TRY(es_selection_from_ids(space, &id, 1, &term, error));
    es_status status = es_neighbors_of_terms(space, &term, (int[]){1}, &options, &found, error);
    if (status == ES_OK) {
        for (int64_t j = 0; j < k; j++)
            nearest[j] = j < found.count ? (int32_t)found.neighbors[j].id : -1;
        es_neighbors_release(&found);
    }
    es_selection_release(&term);
    return status;
}

static es_status run_tests(es_space *space, const es_knn *graph, test_job *job, int64_t tests,
                           int64_t *tested, int32_t *nearest, int threads, es_random *random,
                           es_token_map *map, es_error *error)
{
    for (int64_t i = 0, at = 0; at < tests; i++)
        if (es_random_below(random, job->count - i) < tests - at) tested[at++] = job->ids[i];
    for (int64_t t = 0; t < tests; t++) {
        int32_t *list = nearest + t * job->k;
        if (!graph) ES_TRY(look_for(space, tested[t], job->k, threads, list, error));
        for (int64_t j = 0; graph && j < job->k; j++)
            list[j] = graph->ids[tested[t] * graph->k + j];
    }
    ES_TRY(es_parallel_for(threads, tests, test_token, job, NULL, error));
    int64_t kept = 0;
    for (int64_t t = 0; t < tests; t++) kept += job->kept[t];
    map->kept = (double)kept / (double)(tests * job->k);
    return ES_OK;
}

static es_status test(es_space *space, const double *plane, const int64_t *ids, int64_t count,
                      const es_knn *graph, int threads, es_random *random, es_token_map *map,
                      es_error *error)
{
    map->kept = map->chance = NAN;
    map->k = graph ? graph->k : NEAREST;
    if (map->k > NEAREST) map->k = NEAREST;
    if (map->k > count - 2) return ES_OK; /* all others are near */
    int64_t most = graph ? TESTED : TESTED_WITHOUT_GRAPH;
    map->tested = count < most ? count : most;
    map->chance = (double)map->k / (double)(count - 1);
    test_job job = {.plane = plane, .ids = ids, .count = count, .k = map->k};
    int64_t *tested = es_alloc(map->tested, sizeof *tested);
    int32_t *nearest = es_alloc(map->tested * map->k, sizeof *nearest);
    job.kept = es_alloc(map->tested, sizeof *job.kept);
    job.tested = tested;
    job.nearest = nearest;
    es_status status = tested && nearest && job.kept
                           ? run_tests(space, graph, &job, map->tested, tested, nearest, threads,
                                       random, map, error)
                           : es_fail_memory(error, "a map", (size_t)map->tested * 8);
    free(tested);
    free(nearest);
    free(job.kept);
    return status;
}

es_status es_token_map_fill(es_space *space, const double *plane, const es_selection *named,
                            const es_knn *graph, uint64_t seed, int threads, es_token_map *map,
                            es_error *error)
{
    int64_t *ids, count;
    *map = (es_token_map){0};
    ES_TRY(es_space_defined_rows(space, &ids, &count, error));
    es_random random = {seed};
    es_status status = fill_points(plane, named, ids, count, &random, map, error);
    if (status == ES_OK)
        status = test(space, plane, ids, count, graph, threads, &random, map, error);
    free(ids);
    if (status != ES_OK) es_token_map_release(map);
    return status;
}
