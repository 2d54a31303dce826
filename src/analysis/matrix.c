#include "analysis/linkage.h"
#include "analysis/vectors.h"
#include "base/memory.h"
#include "kernel/linear.h"

#include <embscope/matrix.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 4096 };

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

static es_status fill_cosines(es_space *space, const es_selection *selection, es_matrix *matrix,
                              es_error *error)
{
    int64_t n = matrix->n, d = space->source.columns;
    double *rows = es_alloc(n, (size_t)d * sizeof *rows);
    if (!rows) return es_fail_memory(error, "rows", (size_t)(n * d) * sizeof *rows);
    es_status status = es_selection_vectors(space, selection, rows, error);
    for (int64_t i = 0; i < n && status == ES_OK; i++)
        if (es_make_unit(space->kernel, rows + i * d, d, rows + i * d) == 0)
            status =
                es_fail(error, ES_BAD_INPUT,
                        "'%s' has a row that is zero or not finite: its cosine is not defined; "
                        "leave it out",
                        matrix->items[i].text);
    for (int64_t i = 0; i < n && status == ES_OK; i++) {
        matrix->cosine[i * n + i] = 1;
        for (int64_t j = 0; j < i; j++)
            matrix->cosine[i * n + j] = matrix->cosine[j * n + i] =
                space->kernel->dot(rows + i * d, rows + j * d, d);
    }
    free(rows);
    return status;
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

static es_status analyse(es_space *space, es_matrix *matrix, es_error *error)
{
    int64_t n = matrix->n;
    size_t cells = (size_t)n * (size_t)n;
    memcpy(matrix->eigenvectors, matrix->cosine, cells * sizeof *matrix->cosine);
    ES_TRY(es_eigen_symmetric(n, matrix->eigenvectors, matrix->eigenvalues, error));
    matrix->residual = worst_residual(space->kernel, matrix);
    double ratio = sqrt((double)n / (double)space->source.columns);
    matrix->random_edges[0] = (1 - ratio) * (1 - ratio);
    matrix->random_edges[1] = (1 + ratio) * (1 + ratio);
    double *distance = es_alloc(n, (size_t)n * sizeof *distance);
    double *consumed = es_alloc(n, (size_t)n * sizeof *consumed);
    es_status status = ES_OK;
    if (!distance || !consumed)
        status = es_fail_memory(error, "distances", 2 * cells * sizeof *distance);
    for (size_t i = 0; status == ES_OK && i < cells; i++) {
        double apart = 1 - matrix->cosine[i];
        distance[i] = consumed[i] = apart > 0 ? apart : 0; /* rounding below zero: equal rows */
    }
    if (status == ES_OK) status = es_linkage_average(n, consumed, matrix->linkage, error);
    if (status == ES_OK) status = es_leaf_order(n, distance, matrix->linkage, matrix->order, error);
    free(distance);
    free(consumed);
    return status;
}

es_status es_matrix_compute(es_space *space, const es_selection *selection, es_matrix *matrix,
                            es_error *error)
{
    int64_t n = selection->count;
    *matrix = (es_matrix){0};
    if (n < 2 || n > MAX_ITEMS)
        return es_fail(error, ES_BAD_ARGUMENT, "a matrix takes 2 to %d tokens, not %lld", MAX_ITEMS,
                       (long long)n);
    matrix->n = n;
    matrix->items = es_alloc(n, sizeof *matrix->items);
    matrix->cosine = es_alloc(n * n, sizeof *matrix->cosine);
    matrix->eigenvalues = es_alloc(n, sizeof *matrix->eigenvalues);
    matrix->eigenvectors = es_alloc(n * n, sizeof *matrix->eigenvectors);
    matrix->order = es_alloc(n, sizeof *matrix->order);
    matrix->linkage = es_alloc(n - 1, sizeof *matrix->linkage);
    es_status status = ES_OK;
    if (!matrix->items || !matrix->cosine || !matrix->eigenvalues || !matrix->eigenvectors ||
        !matrix->order || !matrix->linkage)
        status = es_fail_memory(error, "the matrix", (size_t)(n * n) * sizeof(double));
    if (status == ES_OK) status = copy_items(selection, matrix, error);
    if (status == ES_OK) status = fill_cosines(space, selection, matrix, error);
    if (status == ES_OK) status = analyse(space, matrix, error);
    if (status != ES_OK) es_matrix_release(matrix);
    return status;
}
