/* Clusters of the whole vocabulary: spherical k-means, by cosine. */
#ifndef EMBSCOPE_CLUSTER_H
#define EMBSCOPE_CLUSTER_H

#include <embscope/progress.h>
#include <embscope/space.h>

ES_BEGIN_DECLARATIONS

typedef struct es_cluster_options {
    int64_t k;          /* 0: 20, or all defined rows where they are fewer */
    uint64_t seed;      /* of the lot that draws the first centres */
    int64_t restarts;   /* 0: 1; the best objective of so many runs, of equal ones the first */
    int64_t iterations; /* 0: 300; at most so many steps in each run */
    int64_t shown;      /* 0: 8; tokens listed of each cluster */
    int threads;        /* 0: as many as the machine has */
    bool map;           /* also lay the centres out in the plane */
    es_progress progress;
} es_cluster_options;

/* A row and its cosine to the centre of its cluster. */
typedef struct es_cluster_member {
    int64_t id;
    double cosine;
} es_cluster_member;

/* A cluster's centre is the direction of the sum of its unit rows. */
typedef struct es_cluster {
    int64_t size;
    int64_t seed;      /* id of the row it grew from */
    double cohesion;   /* mean cosine of its rows to its centre */
    int64_t nearest;   /* the cluster with the nearest centre; -1: there is no other */
    double separation; /* the cosine of the two centres; NaN: there is no other */
    double silhouette; /* mean over its rows; NaN where there is one cluster only */
    int64_t shown;     /* its rows nearest the centre: */
    const es_cluster_member *members; /* (shown) by cosine, then by id */
    double x, y;                      /* on the map; NaN without one */
} es_cluster;

typedef struct es_clusters {
    int64_t rows, columns;
    int64_t left_out;     /* undefined rows */
    int64_t k;            /* as asked */
    int64_t count;        /* clusters there are: fewer than k where fewer directions differ */
    es_cluster *clusters; /* (count) largest first, then by the lowest id in them */
    int32_t *labels;      /* (rows) the cluster of each row; -1: left out */
    double *cosines;      /* (rows) to its centre; NaN: left out */
    float *centers;       /* (count, columns) unit vectors */
    int64_t *seeds;       /* (seed_count) ids of the first centres, in the order drawn */
    int64_t seed_count;
    int64_t restarts, run; /* how many runs, and which is this one, from 0 */
    int64_t iterations;    /* steps of this run: new centres, then new labels */
    int64_t moved;         /* rows that the last step gave another cluster */
    bool converged;        /* none; then each row's centre is the nearest one, decided in float64 */
    int64_t reseeded;      /* clusters that were empty and began anew */
    double objective;      /* mean cosine of a row to its centre */
    double *history;       /* (history_count) the objective of the labels after each step, from the
                              labels by seeds on: it never falls */
    int64_t history_count;
    double silhouette;          /* mean over all rows: exact, not sampled; NaN with one cluster */
    double map_share[2];        /* of the centres' variance, along each axis of the map */
    es_cluster_member *members; /* what the clusters' `members` point into */
} es_clusters;

/* Over all defined rows (BAD_INPUT where there is none). k past their number: BAD_ARGUMENT. The
 * same bytes for any number of threads and any kernel, x and y apart. Release with
 * es_clusters_release(). Spherical k-means: Dhillon, Modha 2001; seeds: Arthur, Vassilvitskii 2007;
 * silhouette: Rousseeuw 1987. */
es_status es_cluster_compute(es_space *space, const es_cluster_options *options,
                             es_clusters *clusters, es_error *error);
void es_clusters_release(es_clusters *clusters);

ES_END_DECLARATIONS
#endif
