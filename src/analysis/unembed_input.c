/* What is put to the unembedding: sums of tokens, vectors of a file, residual streams. */
#include "analysis/neighbors_query.h"
#include "base/memory.h"
#include "space/space.h"

#include <embscope/model.h>
#include <embscope/unembed.h>
#include <stdlib.h>
#include <string.h>

es_status es_unembedding_open(es_space *space, es_space **unembedding, es_error *error)
{
    *unembedding = NULL;
    if (!space->other || es_table_is_unembedding(space->tensor)) return ES_OK;
    return es_space_open_other(space, unembedding, error);
}

/* The row of a term, or the mean of its rows where it is several tokens; `row` is scratch. */
static es_status add_term(es_space *space, const es_item *item, int sign, double *row,
                          double *vector, es_error *error)
{
    int64_t d = space->source.columns;
    double weight = (sign < 0 ? -1.0 : 1.0) / (double)item->piece_count;
    for (int64_t i = 0; i < item->piece_count; i++) {
        ES_TRY(es_space_read_rows(space, item->piece_ids[i], 1, row, error));
        for (int64_t k = 0; k < d; k++) vector[k] += weight * row[k];
    }
    return ES_OK;
}

es_status es_unembed_sum(es_space *space, const es_selection *terms, const int *signs,
                         double *vector, char **label, es_error *error)
{
    int64_t d = space->source.columns;
    if (terms->count < 1) return es_fail(error, ES_BAD_ARGUMENT, "there is no token");
    double *row = es_alloc(d, sizeof *row);
    bool is_sum = terms->count > 1 || signs[0] < 0;
    *label = es_query_label(terms, signs, is_sum);
    memset(vector, 0, (size_t)d * sizeof *vector);
    es_status status = row && *label ? ES_OK : es_fail_memory(error, "a vector", (size_t)d * 8);
    for (int64_t i = 0; i < terms->count && status == ES_OK; i++)
        status = add_term(space, &terms->items[i], signs[i], row, vector, error);
    free(row);
    if (status != ES_OK) {
        free(*label);
        *label = NULL;
    }
    return status;
}

es_status es_unembed_final_norm(es_space *space, int threads, int64_t count, double *vectors,
                                es_error *error)
{
    int64_t d = space->source.columns;
    es_model *model;
    ES_TRY(es_model_create(space, threads, &model, error));
    float *residual = es_alloc(d, sizeof *residual);
    if (residual) {
        for (int64_t i = 0; i < count; i++) {
            double *vector = vectors + i * d;
            for (int64_t k = 0; k < d; k++) residual[k] = (float)vector[k];
            es_model_final_norm(model, residual, vector, NULL);
        }
    }
    es_model_free(model);
    if (!residual) return es_fail_memory(error, "a residual stream", (size_t)d * 4);
    free(residual);
    return ES_OK;
}

/* ---- vectors of a file --------------------------------------------------------------------------
 */

/* "13 x 5 x 768" */
static char *shape_text(const es_tensor *tensor)
{
    es_text text = {0};
    for (int i = 0; i < tensor->rank; i++)
        es_text_printf(&text, "%s%lld", i ? " x " : "", (long long)tensor->shape[i]);
    if (!tensor->rank) es_text_add(&text, "one number");
    if (text.failed) es_text_release(&text);
    return text.data;
}

static es_status fail_shape(const char *path, const es_tensor *tensor, const char *what,
                            es_error *error)
{
    char *shape = shape_text(tensor);
    es_status status =
        es_fail(error, ES_BAD_INPUT, "%s: its shape is %s; %s", path, shape ? shape : "?", what);
    free(shape);
    return status;
}

/* The rows of the file that are asked for: first ... first + *count - 1 of its vectors. */
static es_status choose_rows(const char *path, const es_tensor *tensor, int64_t columns,
                             const int64_t *at, int at_count, int64_t *first, int64_t *count,
                             es_error *error)
{
    int axes = tensor->rank - 1; /* before the components */
    bool is_column = tensor->rank == 2 && tensor->shape[1] == 1 && columns != 1;
    if (tensor->dtype == ES_DTYPE_OTHER)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: its numbers are %s; a vector's are floats of 16, 32 or 64 bits", path,
                       tensor->dtype_text);
    if (axes < 0 || axes > 2)
        return fail_shape(path, tensor, "vectors are floats of 1, 2 or 3 axes", error);
    if (is_column) axes = 0; /* (d, 1) is one vector, too */
    int64_t components = is_column ? tensor->shape[0] : tensor->shape[tensor->rank - 1];
    if (components != columns) {
        char *what =
            es_copy_format("a vector must have the table's %lld components", (long long)columns);
        es_status status = fail_shape(path, tensor, what ? what : "?", error);
        free(what);
        return status;
    }
    if (axes == 2 && !at_count)
        return fail_shape(path, tensor, "choose a vector of it with --at I,J", error);
    if (at_count && at_count != axes)
        return fail_shape(path, tensor,
                          axes == 2   ? "a place in it is I,J"
                          : axes == 1 ? "a place in it is one number"
                                      : "it is one vector: there is no place to choose",
                          error);
    *first = 0;
    *count = axes == 1 ? tensor->shape[0] : 1;
    for (int i = 0; i < at_count; i++) {
        if (at[i] < 0 || at[i] >= tensor->shape[i])
            return es_fail(error, ES_BAD_ARGUMENT, "%s: there is no place %lld among %lld", path,
                           (long long)at[i], (long long)tensor->shape[i]);
        *first = *first * tensor->shape[i] + at[i];
        *count = 1;
    }
    if (*count < 1) return fail_shape(path, tensor, "there is no vector in it", error);
    if (*count > ES_UNEMBED_VECTORS)
        return es_fail(error, ES_BAD_ARGUMENT, "%s: %lld vectors; at most %d are answered at once",
                       path, (long long)*count, ES_UNEMBED_VECTORS);
    return ES_OK;
}

static es_status read_rows(const es_container *container, int64_t first, int64_t count,
                           int64_t columns, double *vectors, es_error *error)
{
    const es_tensor *tensor = container->tensors;
    int64_t size = (int64_t)es_dtype_size(tensor->dtype), components = count * columns;
    int64_t offset = first * columns * size;
    if (tensor->memory) {
        es_dtype_widen(tensor->dtype, (const char *)tensor->memory + offset, components, vectors);
        return ES_OK;
    }
    char *stored = es_alloc(components, (size_t)size);
    if (!stored) return es_fail_memory(error, "vectors", (size_t)(components * size));
    es_status status = es_file_read(&container->files[tensor->file], tensor->offset + offset,
                                    stored, components * size, error);
    if (status == ES_OK) es_dtype_widen(tensor->dtype, stored, components, vectors);
    free(stored);
    return status;
}

es_status es_vectors_read(const char *path, int64_t columns, const int64_t *at, int at_count,
                          double **vectors, int64_t *count, es_error *error)
{
    es_container container = {0};
    int64_t first = 0;
    double *read = NULL;
    ES_TRY(es_container_open(path, 1, &container, error));
    es_status status =
        container.tensor_count == 1
            ? choose_rows(path, container.tensors, columns, at, at_count, &first, count, error)
            : es_fail(error, ES_BAD_INPUT, "%s: not one array of floats", path);
    if (status == ES_OK && !(read = es_alloc(*count, (size_t)columns * sizeof *read)))
        status = es_fail_memory(error, "vectors", (size_t)(*count * columns) * sizeof *read);
    if (status == ES_OK) status = read_rows(&container, first, *count, columns, read, error);
    es_container_release(&container);
    if (status == ES_OK)
        *vectors = read;
    else
        free(read);
    return status;
}
