/* Sets of tokens drawn by lot: what a matrix' figures would be for tokens that have nothing in
 * common but the table. In a table with a cone this is the fair comparison, not random directions.
 */
#include "analysis/flat_clusters.h"
#include "analysis/leading_eigenvalue.h"
#include "analysis/matrix_parts.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_SETS = 100,
    FEWEST_SETS = 20,       /* of fewer a 2.5 % quantile says nothing */
    OTHER_WORK = 160,       /* per pair, besides the cosine: Lanczos, linkage, silhouettes */
    LARGE_SET = 512,        /* from here on threads share a set instead of taking one each */
    SCRATCH_BYTES = 1 << 27 /* of all workers together */
};
#define AFFORDABLE_WORK 5e9  /* a few seconds on a core */
#define TIE             1e-12 /* figures this near are equal but for rounding */

double es_null_sets_work(int64_t sets, int64_t n, int64_t d)
{
    return (double)sets * (double)n * (double)n * (0.5 * (double)d + OTHER_WORK);
}

int64_t es_null_sets_wanted(const es_matrix_options *options, int64_t n, int64_t d,
                            int64_t *affordable)
{
    double sets = AFFORDABLE_WORK / es_null_sets_work(1, n, d);
    *affordable = sets < DEFAULT_SETS ? (int64_t)sets : DEFAULT_SETS;
    if (options->null_sets) return options->null_sets > 0 ? options->null_sets : 0;
    return *affordable >= FEWEST_SETS ? *affordable : 0;
}

uint64_t es_draw_seed(uint64_t seed, int64_t index)
{
    es_random first = {seed}, second = {es_random_next(&first) + (uint64_t)index};
    return es_random_next(&second);
}

typedef struct worker_scratch {
    double *rows, *cosine, *distance, *consumed, *lanczos;
    es_merge *merges;
    unsigned char *drawn; /* (defined): in the set? */
    int64_t *places;      /* (n) of the set, among the defined rows */
} worker_scratch;

typedef struct drawing {
    es_space *space;
    const es_matrix *matrix;
    int64_t n, defined;
    const int64_t *ids; /* (defined) */
    uint64_t seed;
    int inner_threads;
    const es_progress *inner_progress;
    worker_scratch *scratch;                    /* (threads) */
    double *leading, *mean_cosine, *silhouette; /* (sets) */
} drawing;

static es_status scratch_make(worker_scratch *scratch, int64_t n, int64_t d, int64_t defined,
                              es_error *error)
{
    scratch->rows = es_alloc(n, (size_t)d * sizeof(double));
    scratch->cosine = es_alloc(n, (size_t)n * sizeof(double));
    scratch->distance = es_alloc(n, (size_t)n * sizeof(double));
    scratch->consumed = es_alloc(n, (size_t)n * sizeof(double));
    scratch->lanczos = es_alloc(es_leading_eigenvalue_scratch(n), sizeof(double));
    scratch->merges = es_alloc(n, sizeof *scratch->merges);
    scratch->drawn = es_alloc(defined, 1);
    scratch->places = es_alloc(n, sizeof *scratch->places);
    if (scratch->rows && scratch->cosine && scratch->distance && scratch->consumed &&
        scratch->lanczos && scratch->merges && scratch->drawn && scratch->places)
        return ES_OK;
    return es_fail_memory(error, "random sets", (size_t)n * (size_t)(3 * n + d) * sizeof(double));
}

static void scratch_release(worker_scratch *scratch)
{
    free(scratch->rows);
    free(scratch->cosine);
    free(scratch->distance);
    free(scratch->consumed);
    free(scratch->lanczos);
    free(scratch->merges);
    free(scratch->drawn);
    free(scratch->places);
}

/* n different places, each set equally likely: a place drawn twice is drawn anew. */
static void draw_places(const drawing *drawing, int64_t set, worker_scratch *scratch)
{
    es_random random = {es_draw_seed(drawing->seed, set)};
    for (int64_t i = 0; i < drawing->n; i++) {
        int64_t place;
        do place = es_random_below(&random, drawing->defined);
        while (scratch->drawn[place]);
        scratch->drawn[place] = 1;
        scratch->places[i] = place;
    }
    for (int64_t i = 0; i < drawing->n; i++) scratch->drawn[scratch->places[i]] = 0;
}

static es_status measure_set(const drawing *drawing, int64_t set, worker_scratch *scratch,
                             es_error *error)
{
    int64_t n = drawing->n, d = drawing->space->source.columns;
    draw_places(drawing, set, scratch);
    for (int64_t i = 0; i < n; i++)
        ES_TRY(es_space_read_unit_rows(drawing->space, drawing->ids[scratch->places[i]], 1,
                                       scratch->rows + i * d, error));
    ES_TRY(es_unit_cosines(drawing->space->kernel, n, d, scratch->rows, drawing->inner_threads,
                           drawing->inner_progress, scratch->cosine, error));
    drawing->mean_cosine[set] = es_mean_off_diagonal(n, scratch->cosine);
    drawing->leading[set] =
        es_leading_eigenvalue(drawing->space->kernel, n, scratch->cosine, scratch->lanczos);
    es_cosine_distances(n, scratch->cosine, scratch->distance);
    memcpy(scratch->consumed, scratch->distance, (size_t)(n * n) * sizeof(double));
    ES_TRY(es_linkage_average(n, scratch->consumed, scratch->merges, error));
    es_flat_clusters clusters = {.asked = drawing->matrix->clusters.asked};
    es_status status =
        es_flat_clusters_make(n, scratch->distance, scratch->merges, NULL, drawing->inner_threads,
                              drawing->inner_progress, &clusters, error);
    drawing->silhouette[set] = clusters.mean_silhouette;
    es_flat_clusters_release(&clusters);
    return status;
}

static es_status measure_piece(void *context, int64_t set, int worker, es_error *error)
{
    const drawing *drawing = context;
    return measure_set(drawing, set, &drawing->scratch[worker], error);
}

/* Keeps no count of its own: only carries the wish to stop. */
static bool pass_on(void *context, int64_t done, int64_t total)
{
    (void)done, (void)total;
    const es_progress *outer = context;
    return outer->report(outer->context, 0, 1);
}

static es_status measure_all(drawing *drawing, int64_t sets, int threads,
                             const es_progress *progress, es_error *error)
{
    int64_t n = drawing->n;
    if (n < LARGE_SET) {
        drawing->inner_threads = 1;
        return es_parallel_for(threads, sets, measure_piece, drawing, progress, error);
    }
    drawing->inner_threads = threads;
    for (int64_t set = 0; set < sets; set++) {
        ES_TRY(measure_set(drawing, set, &drawing->scratch[0], error));
        if (progress->report && !progress->report(progress->context, set + 1, sets))
            return es_fail(error, ES_CANCELLED, "interrupted");
    }
    return ES_OK;
}

/* ---- figures -----------------------------------------------------------------------------------
 */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *ascending, int64_t count, double probability)
{
    double at = probability * (double)(count - 1);
    int64_t below = (int64_t)at, above = below + 1 < count ? below + 1 : below;
    return ascending[below] + (at - (double)below) * (ascending[above] - ascending[below]);
}

/* Overwrites `values`. A figure that a set lacks (a silhouette of equal rows) leaves that set out.
 */
static void summarise(es_null_figure *figure, double *values, int64_t sets)
{
    int64_t count = 0, reach = 0;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < sets; i++)
        if (!isnan(values[i])) values[count++] = values[i];
    if (!count || isnan(figure->observed)) return;
    for (int64_t i = 0; i < count; i++) {
        sum += values[i];
        reach += values[i] >= figure->observed - TIE * fmax(1, fabs(figure->observed));
    }
    figure->mean = sum / (double)count;
    for (int64_t i = 0; i < count; i++)
        squares += (values[i] - figure->mean) * (values[i] - figure->mean);
    figure->deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : NAN;
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    figure->low = quantile(values, count, 0.025);
    figure->high = quantile(values, count, 0.975);
    figure->p = (double)(1 + reach) / (double)(1 + count);
}

static es_status draw_sets(drawing *drawing, int threads, const es_progress *progress,
                           es_matrix *matrix, es_error *error)
{
    int64_t sets = matrix->null_sets.count, d = drawing->space->source.columns;
    double *figures = es_alloc(sets, 3 * sizeof *figures);
    drawing->scratch = es_alloc(threads, sizeof *drawing->scratch);
    es_status status = !figures || !drawing->scratch
                           ? es_fail_memory(error, "random sets", (size_t)sets * sizeof *figures)
                           : ES_OK;
    int workers = drawing->n < LARGE_SET ? threads : 1;
    for (int w = 0; w < workers && status == ES_OK; w++)
        status = scratch_make(&drawing->scratch[w], drawing->n, d, drawing->defined, error);
    if (status == ES_OK) {
        drawing->leading = figures;
        drawing->mean_cosine = figures + sets;
        drawing->silhouette = figures + 2 * sets;
        status = measure_all(drawing, sets, threads, progress, error);
    }
    if (status == ES_OK) {
        summarise(&matrix->null_sets.leading_eigenvalue, drawing->leading, sets);
        summarise(&matrix->null_sets.mean_cosine, drawing->mean_cosine, sets);
        summarise(&matrix->null_sets.silhouette, drawing->silhouette, sets);
    }
    for (int w = 0; drawing->scratch && w < workers; w++) scratch_release(&drawing->scratch[w]);
    free(drawing->scratch);
    free(figures);
    return status;
}

static es_null_figure unknown(double observed)
{
    return (es_null_figure){observed, NAN, NAN, NAN, NAN, NAN};
}

es_status es_null_sets_draw(es_space *space, const es_matrix_options *options,
                            const es_progress *progress, es_matrix *matrix, es_error *error)
{
    es_null_sets *null = &matrix->null_sets;
    null->leading_eigenvalue = unknown(matrix->eigenvalues[0]);
    null->mean_cosine = unknown(matrix->mean_cosine);
    null->silhouette = unknown(matrix->clusters.mean_silhouette);
    if (!null->count) return ES_OK;
    es_progress inner = {.report = progress->report ? pass_on : NULL, .context = (void *)progress};
    drawing drawing = {.space = space,
                       .matrix = matrix,
                       .n = matrix->n,
                       .seed = options->seed,
                       .inner_progress = matrix->n < LARGE_SET ? NULL : &inner};
    int64_t *ids = NULL;
    const double *norms;
    ES_TRY(es_space_norms(space, &norms, error)); /* reading unit rows needs them */
    ES_TRY(es_space_defined_rows(space, &ids, &drawing.defined, error));
    drawing.ids = ids;
    if (drawing.defined < matrix->n) null->count = 0;
    int64_t each = 8 * matrix->n * (3 * matrix->n + space->source.columns) + drawing.defined;
    int threads = es_thread_count(options->threads);
    if (matrix->n < LARGE_SET && threads > SCRATCH_BYTES / each)
        threads = each < SCRATCH_BYTES ? (int)(SCRATCH_BYTES / each) : 1;
    es_status status = null->count ? draw_sets(&drawing, threads, progress, matrix, error) : ES_OK;
    free(ids);
    return status;
}
