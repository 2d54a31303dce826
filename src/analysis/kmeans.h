/* Spherical k-means: rows, centres, seeds, and the step that gives every row its nearest centre.
 *
 * The parts of es_cluster_compute(), a file each. Places 0 ... count - 1 number the rows that take
 * part. No result depends on the number of threads or on the kernel: what float32 leaves open,
 * float64 decides. */
#ifndef ES_ANALYSIS_KMEANS_H
#define ES_ANALYSIS_KMEANS_H

#include "base/random.h"
#include "kernel/tiles.h"
#include "space/space.h"

/* ---- rows (kmeans_rows.c) ---------------------------------------------------------------------
 */

typedef struct es_kmeans_centers es_kmeans_centers;

/* Unit rows, in float32 for products and in float64 for decisions: of a space, where they lie if
 * they are plain, or the centres themselves. */
typedef struct es_kmeans_rows {
    const es_kernel *kernel;
    int64_t count, d;
    const es_kmeans_centers *centers; /* the rows are centres; nothing below is used */
    es_space *space;
    const int64_t *ids;
    const float *data; /* place p lies at row ids[p] where `in_place`, else at p */
    bool in_place;
    float *units;  /* owned, where the table itself cannot be used */
    double *scale; /* owned: 1 / norm of each place, where rows lie as they are stored */
} es_kmeans_rows;

/* `ids` (count, defined rows) is borrowed. Needs the space loaded and the norms. */
es_status es_kmeans_rows_init(es_kmeans_rows *rows, es_space *space, const int64_t *ids,
                              int64_t count, int threads, es_error *error);
void es_kmeans_rows_release(es_kmeans_rows *rows);

/* The unit row of a place in float64. */
es_status es_kmeans_rows_wide(const es_kmeans_rows *rows, int64_t place, double *out,
                              es_error *error);

/* Put a place's unit row, rounded to float32, into a column of a panel. `scratch` holds d doubles.
 */
es_status es_kmeans_rows_pack(const es_kmeans_rows *rows, int64_t place, float *column,
                              double *scratch, es_error *error);

/* Where a place lies, and the cosine of two places or of a place and a unit vector, in float32:
 * within es_product_bound() of the exact one. */
static inline const float *es_kmeans_rows_at(const es_kmeans_rows *rows, int64_t place)
{
    return rows->data + (rows->in_place ? rows->ids[place] : place) * rows->d;
}

static inline float es_kmeans_rows_dot(const es_kmeans_rows *rows, int64_t place,
                                       const float *vector)
{
    float dot = rows->kernel->float_dot(es_kmeans_rows_at(rows, place), vector, rows->d);
    return rows->scale ? dot * (float)rows->scale[place] : dot;
}

/* ---- centres (kmeans_centers.c) ---------------------------------------------------------------
 */

/* k clusters: the sum of each one's unit rows, and the direction of that sum, its centre. */
struct es_kmeans_centers {
    const es_kmeans_rows *rows; /* borrowed: what is summed */
    int64_t k, d;
    double *sums;      /* (k, d) */
    double *inverse;   /* (k) 1 / ||sum|| */
    int64_t *stand_in; /* (k) place of the row that is the centre where the sum is zero, else -1 */
    int64_t *sizes;    /* (k) */
    float *flat;       /* (k, d) the centres in float32; NULL where that would take too much */
    double *moved_by;  /* (k) how far a centre moved in the last step, rounded up */
};

es_status es_kmeans_centers_init(es_kmeans_centers *centers, const es_kmeans_rows *rows, int64_t k,
                                 bool flat, es_error *error);
void es_kmeans_centers_release(es_kmeans_centers *centers);

/* Centre c becomes the row of places[c]. */
es_status es_kmeans_centers_start(es_kmeans_centers *centers, const int64_t *places,
                                  es_error *error);

/* u . centre c in float64: what every decision rests on. `scratch` holds d doubles. */
es_status es_kmeans_centers_cosine(const es_kmeans_centers *centers, const double *u, int64_t c,
                                   double *scratch, double *cosine, es_error *error);

/* The centre itself in float64. */
es_status es_kmeans_centers_wide(const es_kmeans_centers *centers, int64_t c, double *out,
                                 es_error *error);

/* Follow the rows that went from before[p] to labels[p] (before[p] -1: from nowhere; with `fresh`,
 * all of them, to sums made anew): sums, sizes, centres. */
es_status es_kmeans_centers_update(es_kmeans_centers *centers, const int32_t *before,
                                   const int32_t *labels, bool fresh, int threads, es_error *error);

/* The centres in float32, (k, d), in the memory of the sums, which are gone after: there may be no
 * room for both. The caller's to free. */
es_status es_kmeans_centers_narrow(es_kmeans_centers *centers, float **flat, es_error *error);

/* The objective for the labels that the sums were made of: the mean cosine of a row to the mean
 * direction of its cluster, (1 / n) sum over clusters of ||sum||. */
double es_kmeans_centers_objective(const es_kmeans_centers *centers);

/* ---- seeds (kmeans_seed.c) --------------------------------------------------------------------
 */

/* Draw up to k places by k-means++ on 1 - cos; *count is how many there are: fewer where all other
 * rows have the direction of one that was drawn. */
es_status es_kmeans_seed(const es_kmeans_rows *rows, int64_t k, es_random *random, int threads,
                         const es_progress *progress, int64_t *places, int64_t *count,
                         es_error *error);

/* ---- the nearest centre (kmeans_assign.c) -----------------------------------------------------
 */

typedef struct es_kmeans_scratch es_kmeans_scratch; /* one thread's */

/* What is kept of every row between two steps. Its bounds say of each group of centres how large
 * the cosine to any of them, the row's own centre left out, can be by now. */
typedef struct es_kmeans_nearest {
    const es_kmeans_rows *rows;
    const es_kmeans_centers *centers;
    int threads;
    int32_t *labels; /* (rows) the nearest centre; -1 before the first step */
    float *own;      /* (rows) at most the cosine to it, when it was last computed */
    int group_shift; /* a group has 1 << group_shift centres */
    int64_t groups;
    int16_t *bounds; /* (rows, groups) less what the group had travelled by then */
    float *travel;   /* (groups) */
    int16_t *steps;  /* (groups) travel in the units of bounds, rounded up */
    bool exclude;    /* the nearest centre but the row's own, into `others` */
    int32_t *others; /* (rows) */
    double *cosines; /* (rows) float64, to others[p] */
    /* One pass */
    es_packed packed; /* of the chunk of centres that is being multiplied with */
    int64_t chunk_first, chunk_end;
    float *best, *second; /* (rows) */
    int32_t *best_center; /* (rows) */
    unsigned char *dense; /* (rows) this row is multiplied with all centres */
    es_kmeans_scratch *scratch;
} es_kmeans_nearest;

/* `room`: bytes that the bounds may take (64 groups, or k if that is less, there are always).
 * All labels are -1. Borrows rows and centers. */
es_status es_kmeans_nearest_init(es_kmeans_nearest *nearest, const es_kmeans_rows *rows,
                                 const es_kmeans_centers *centers, int64_t room, int threads,
                                 es_error *error);
void es_kmeans_nearest_release(es_kmeans_nearest *nearest);

/* Every row's nearest centre: the largest float64 cosine, of equal ones the smaller number. With
 * `anew`, nothing is known from an earlier step; else centers->moved_by says how the centres moved
 * since. */
es_status es_kmeans_nearest_step(es_kmeans_nearest *nearest, bool anew, const es_progress *progress,
                                 es_error *error);

/* The nearest centre that is not labels[p], into others[] and cosines[]; k >= 2. Forgets bounds. */
es_status es_kmeans_nearest_others(es_kmeans_nearest *nearest, const es_progress *progress,
                                   es_error *error);

/* A row was given another centre from outside: nothing is known of it. */
void es_kmeans_nearest_forget(es_kmeans_nearest *nearest, int64_t place);

/* ---- a run (kmeans.c) -------------------------------------------------------------------------
 */

typedef struct es_kmeans_limits {
    int64_t k, iterations;
    int threads;
    const es_progress *progress; /* told of one step at a time */
    int64_t *steps;              /* counts them, over all runs; may be NULL */
} es_kmeans_limits;

/* What a run ends with: labels and how it got there. All zero is empty. */
typedef struct es_kmeans_run {
    int64_t k;      /* clusters, some of them perhaps empty */
    int64_t *seeds; /* (k) places */
    int32_t *labels;
    int64_t iterations, moved, reseeded;
    bool converged;
    double objective;
    double *history; /* (iterations + 1) */
} es_kmeans_run;

es_status es_kmeans_run_once(const es_kmeans_rows *rows, const es_kmeans_limits *limits,
                             es_random *random, es_kmeans_run *run, es_error *error);
void es_kmeans_run_release(es_kmeans_run *run);

/* The same from the run's own k seeds; the caller releases the run, whatever the status. */
es_status es_kmeans_run_from(const es_kmeans_rows *rows, const es_kmeans_limits *limits,
                             es_kmeans_run *run, es_error *error);

/* Bytes that bounds may take beside k centres, so that the whole stays below twice the table in
 * float32 and 256 MiB; and whether the centres may lie flat as well. */
int64_t es_kmeans_room(const es_kmeans_rows *rows, int64_t k, bool *flat);

#endif
