#include "analysis/neighbors_query.h"

#include "analysis/vectors.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

es_status es_fail_undefined_query(const char *label, es_error *error)
{
    return es_fail(error, ES_BAD_INPUT, "the query %s is zero or not finite: no cosine is defined",
                   label);
}

char *es_query_label(const es_selection *terms, const int *signs, bool is_sum)
{
    es_text label = {0};
    for (int64_t i = 0; i < terms->count; i++) {
        if (i)
            es_text_add(&label, signs[i] < 0 ? " - " : " + ");
        else if (signs[i] < 0)
            es_text_add(&label, "- ");
        if (is_sum) es_text_add(&label, "\"");
        es_text_append(&label, terms->items[i].text, terms->items[i].text_size);
        if (is_sum) es_text_add(&label, "\"");
    }
    if (label.failed) es_text_release(&label);
    return label.data;
}

/* One positive term is its own vector; anything else is the signed sum of unit vectors. */
static void combine(const es_kernel *kernel, const es_selection *terms, const int *signs, int64_t d,
                    const double *vectors, double *unit, double *query)
{
    if (terms->count == 1 && signs[0] > 0) {
        memcpy(query, vectors, (size_t)d * sizeof *query);
        return;
    }
    memset(query, 0, (size_t)d * sizeof *query);
    for (int64_t i = 0; i < terms->count; i++) {
        es_make_unit(kernel, vectors + i * d, d, unit);
        for (int64_t k = 0; k < d; k++) query[k] += signs[i] < 0 ? -unit[k] : unit[k];
    }
}

es_status es_read_query(es_space *space, const es_query *query, double *vector,
                        es_neighbors *answer, es_error *error)
{
    const es_selection *terms = &query->terms;
    if (terms->count < 1) return es_fail(error, ES_BAD_ARGUMENT, "the query has no word");
    int64_t d = space->source.columns, pieces = 0;
    for (int64_t i = 0; i < terms->count; i++) pieces += terms->items[i].piece_count;
    double *vectors = es_alloc(terms->count + 1, (size_t)d * sizeof *vectors);
    answer->is_sum = terms->count > 1 || query->signs[0] < 0;
    answer->own_ids = es_alloc(pieces, sizeof *answer->own_ids);
    answer->query = es_query_label(terms, query->signs, answer->is_sum);
    es_status status = ES_OK;
    if (!vectors || !answer->own_ids || !answer->query)
        status = es_fail_memory(error, "a query", (size_t)d * sizeof *vectors);
    if (status == ES_OK) status = es_selection_vectors(space, terms, vectors, error);
    if (status == ES_OK)
        combine(space->kernel, terms, query->signs, d, vectors, vectors + terms->count * d, vector);
    for (int64_t i = 0; i < terms->count && status == ES_OK; i++)
        for (int64_t j = 0; j < terms->items[i].piece_count; j++)
            answer->own_ids[answer->own_count++] = terms->items[i].piece_ids[j];
    free(vectors);
    return status;
}
