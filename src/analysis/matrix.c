#include "analysis/flat_clusters.h"
#include "analysis/matrix_parts.h"
#include "analysis/stages.h"
#include "analysis/vectors.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "kernel/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 4096 };

/* Shares of the progress line, in multiply-adds for n^3. */
#define LEAF_ORDER_WORK 0.3
#define EIGEN_WORK      4.0

void es_matrix_release(es_matrix *matrix)
{
    for (int64_t i = 0; matrix->items && i < matrix->n; i++) {
        free(matrix->items[i].text);
        free(matrix->items[i].piece_ids);
    }
    free(matrix->items);
    free(matrix->cosine);
    free(matrix->eigenvalues);
    free(matrix->eigenvectors);
    free(matrix->order);
    free(matrix->linkage);
    free(matrix->coordinates);
    es_flat_clusters_release(&matrix->clusters);
    es_contrast_free(matrix->categories);
    *matrix = (es_matrix){0};
}

static es_status copy_items(const es_selection *selection, es_matrix *matrix, es_error *error)
{
    for (int64_t i = 0; i < matrix->n; i++) {
        const es_item *from = &selection->items[i];
        es_item *to = &matrix->items[i];
        *to = (es_item){.id = from->id, .text_size = from->text_size};
        to->text = es_copy_bytes(from->text, from->text_size);
        to->piece_ids = es_alloc(from->piece_count, sizeof *to->piece_ids);
        if (!to->text || !to->piece_ids) return es_fail_memory(error, "tokens", from->text_size);
        memcpy(to->piece_ids, from->piece_ids, (size_t)from->piece_count * sizeof *to->piece_ids);
        to->piece_count = from->piece_count;
    }
    return ES_OK;
}

/* Unit rows of the items, (n, d). */
static es_status read_units(es_space *space, const es_selection *selection, const es_matrix *matrix,
                            double *rows, es_error *error)
{
    int64_t d = space->source.columns;
    ES_TRY(es_selection_vectors(space, selection, rows, error));
    for (int64_t i = 0; i < matrix->n; i++)
        if (es_make_unit(space->kernel, rows + i * d, d, rows + i * d) == 0)
            return es_fail(error, ES_BAD_INPUT,
                           "'%s' has a row that is zero or not finite: its cosine is not defined; "
                           "leave it out",
                           matrix->items[i].text);
    return ES_OK;
}

typedef struct cosine_work {
    const es_kernel *kernel;
    int64_t n, d;
    const double *rows;
    double *cosine;
} cosine_work;

/* The last rows first: they are the long ones. */
static es_status cosine_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker, (void)error;
    const cosine_work *work = context;
    int64_t n = work->n, i = n - 1 - index;
    work->cosine[i * n + i] = 1;
    for (int64_t j = 0; j < i; j++)
        work->cosine[i * n + j] =
            work->kernel->dot(work->rows + i * work->d, work->rows + j * work->d, work->d);
    return ES_OK;
}

es_status es_unit_cosines(const es_kernel *kernel, int64_t n, int64_t d, const double *rows,
                          int threads, const es_progress *progress, double *cosine, es_error *error)
{
    cosine_work work = {kernel, n, d, rows, cosine};
    ES_TRY(es_parallel_for(threads, n, cosine_piece, &work, progress, error));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) cosine[j * n + i] = cosine[i * n + j];
    return ES_OK;
}

double es_mean_off_diagonal(int64_t n, const double *cosine)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double row = 0;
        for (int64_t j = 0; j < i; j++) row += cosine[i * n + j];
        sum += row;
    }
    return sum / (0.5 * (double)n * (double)(n - 1));
}

void es_cosine_distances(int64_t n, const double *cosine, double *distance)
{
    for (int64_t i = 0; i < n * n; i++) {
        double apart = 1 - cosine[i];
        distance[i] = apart > 0 ? apart : 0; /* rounding below zero: equal rows */
    }
}

/* max over k of ||S u_k - lambda_k u_k|| */
static double worst_residual(const es_kernel *kernel, const es_matrix *matrix)
{
    int64_t n = matrix->n;
    double worst = 0;
    for (int64_t k = 0; k < n; k++) {
        const double *u = matrix->eigenvectors + k * n;
        double square = 0;
        for (int64_t i = 0; i < n; i++) {
            double r = kernel->dot(matrix->cosine + i * n, u, n) - matrix->eigenvalues[k] * u[i];
            square += r * r;
        }
        if (square > worst) worst = square;
    }
    return sqrt(worst);
}

static es_status fill_eigen(es_space *space, es_matrix *matrix, es_error *error)
{
    int64_t n = matrix->n;
    memcpy(matrix->eigenvectors, matrix->cosine, (size_t)(n * n) * sizeof *matrix->cosine);
    ES_TRY(es_eigen_symmetric(n, matrix->eigenvectors, matrix->eigenvalues, error));
    matrix->residual = worst_residual(space->kernel, matrix);
    double ratio = sqrt((double)n / (double)space->source.columns);
    matrix->random_edges[0] = (1 - ratio) * (1 - ratio);
    matrix->random_edges[1] = (1 + ratio) * (1 + ratio);
    return ES_OK;
}

/* The tree, its order, its cut. */
static es_status fill_tree(const es_matrix_options *options, es_stages *stages, es_matrix *matrix,
                           es_error *error)
{
    int64_t n = matrix->n;
    double cells = (double)n * (double)n;
    double *distance = es_alloc(n, (size_t)n * sizeof *distance);
    double *consumed = es_alloc(n, (size_t)n * sizeof *consumed);
    es_progress stage = es_stages_next(stages, 10 * cells);
    es_status status = ES_OK;
    if (!distance || !consumed)
        status = es_fail_memory(error, "distances", 2 * (size_t)(n * n) * sizeof *distance);
    if (status == ES_OK) {
        es_cosine_distances(n, matrix->cosine, distance);
        memcpy(consumed, distance, (size_t)(n * n) * sizeof *distance);
        status = es_linkage_average(n, consumed, matrix->linkage, error);
    }
    free(consumed);
    if (status == ES_OK) status = es_progress_check(&stage, 1, 1, error);
    stage = es_stages_next(stages, LEAF_ORDER_WORK * cells * (double)n);
    if (status == ES_OK)
        status = es_leaf_order(n, distance, matrix->linkage, options->threads, &stage,
                               matrix->order, error);
    stage = es_stages_next(stages, ES_MATRIX_CANDIDATES * cells);
    if (status == ES_OK)
        status =
            es_cophenetic_correlation(n, distance, matrix->linkage, &matrix->cophenetic, error);
    matrix->clusters.asked = options->clusters;
    if (status == ES_OK)
        status = es_flat_clusters_make(n, distance, matrix->linkage, matrix->order,
                                       options->threads, &stage, &matrix->clusters, error);
    free(distance);
    return status;
}

static es_status analyse(es_space *space, const es_selection *selection,
                         const es_matrix_options *options, double *rows, es_matrix *matrix,
                         es_error *error)
{
    int64_t n = matrix->n, d = space->source.columns;
    double cells = (double)n * (double)n, smaller = (double)(d < n ? d : n);
    double products = 0.5 * cells * (double)d;
    double eigen = EIGEN_WORK * (cells * (double)n + smaller * smaller * smaller);
    matrix->null_sets.seed = options->seed;
    matrix->null_sets.count = es_null_sets_wanted(options, n, d, &matrix->null_sets.affordable);
    double sets = es_null_sets_work(matrix->null_sets.count, n, d);
    es_stages stages = {.outer = options->progress};
    stages.total = products + eigen + (10 + ES_MATRIX_CANDIDATES) * cells +
                   LEAF_ORDER_WORK * cells * (double)n + sets + es_contrast_work(matrix);
    ES_TRY(read_units(space, selection, matrix, rows, error));
    es_progress stage = es_stages_next(&stages, products);
    ES_TRY(es_unit_cosines(space->kernel, n, d, rows, options->threads, &stage, matrix->cosine,
                           error));
    matrix->mean_cosine = es_mean_off_diagonal(n, matrix->cosine);
    ES_TRY(fill_tree(options, &stages, matrix, error));
    stage = es_stages_next(&stages, eigen);
    ES_TRY(es_mds_compute(space->kernel, d, rows, matrix, error));
    ES_TRY(es_progress_check(&stage, 1, 10, error));
    ES_TRY(fill_eigen(space, matrix, error));
    ES_TRY(es_progress_check(&stage, 1, 1, error));
    stage = es_stages_next(&stages, es_contrast_work(matrix));
    if (matrix->categories) ES_TRY(es_contrast_compute(options, &stage, matrix, error));
    stage = es_stages_next(&stages, sets);
    return es_null_sets_draw(space, options, &stage, matrix, error);
}

static es_status reserve(es_matrix *matrix, es_error *error)
{
    int64_t n = matrix->n;
    matrix->items = es_alloc(n, sizeof *matrix->items);
    matrix->cosine = es_alloc(n * n, sizeof *matrix->cosine);
    matrix->eigenvalues = es_alloc(n, sizeof *matrix->eigenvalues);
    matrix->eigenvectors = es_alloc(n * n, sizeof *matrix->eigenvectors);
    matrix->order = es_alloc(n, sizeof *matrix->order);
    matrix->linkage = es_alloc(n - 1, sizeof *matrix->linkage);
    matrix->coordinates = es_alloc(n, 2 * sizeof *matrix->coordinates);
    if (matrix->items && matrix->cosine && matrix->eigenvalues && matrix->eigenvectors &&
        matrix->order && matrix->linkage && matrix->coordinates)
        return ES_OK;
    return es_fail_memory(error, "the matrix", (size_t)(n * n) * sizeof(double));
}

es_status es_matrix_compute(es_space *space, const es_selection *selection,
                            const es_matrix_options *options, es_matrix *matrix, es_error *error)
{
    static const es_matrix_options defaults;
    int64_t n = selection->count, d = space->source.columns;
    if (!options) options = &defaults;
    *matrix = (es_matrix){0};
    if (n < 2 || n > MAX_ITEMS)
        return es_fail(error, ES_BAD_ARGUMENT, "a matrix takes 2 to %d tokens, not %lld", MAX_ITEMS,
                       (long long)n);
    if (options->clusters < 0 || options->clusters > n)
        return es_fail(error, ES_BAD_ARGUMENT, "%lld tokens make 1 to %lld clusters, not %lld",
                       (long long)n, (long long)n, (long long)options->clusters);
    matrix->n = n;
    double *rows = es_alloc(n, (size_t)d * sizeof *rows);
    es_status status = reserve(matrix, error);
    if (status == ES_OK && !rows)
        status = es_fail_memory(error, "rows", (size_t)(n * d) * sizeof *rows);
    if (status == ES_OK) status = copy_items(selection, matrix, error);
    if (status == ES_OK && options->categories)
        status = es_contrast_prepare(options, matrix, error);
    if (status == ES_OK) status = analyse(space, selection, options, rows, matrix, error);
    free(rows);
    if (status != ES_OK) es_matrix_release(matrix);
    return status;
}
