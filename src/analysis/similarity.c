#include "analysis/vectors.h"
#include "base/memory.h"

#include <embscope/similarity.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double degrees_per_radian = 57.295779513082320877;

void es_similarity_release(es_similarity *similarity)
{
    for (int64_t i = 0; similarity->tokens && i < similarity->token_count; i++)
        free(similarity->tokens[i].text);
    free(similarity->tokens);
    free(similarity->cosine);
    free(similarity->pairs);
    *similarity = (es_similarity){0};
}

/* All vectors of the selection, (count, d) each: as they are, as unit vectors, and as unit vectors
 * after each row's own mean is taken off (for Pearson). */
typedef struct vectors {
    const es_kernel *kernel;
    int64_t count, d;
    double *raw, *unit, *centered, *scratch;
} vectors;

static void release_vectors(vectors *vectors)
{
    free(vectors->raw);
    free(vectors->unit);
    free(vectors->centered);
    free(vectors->scratch);
}

/* The row less its mean, as a unit vector; NaN where nothing but rounding is left of it. */
static void make_centered(const es_kernel *kernel, const double *row, int64_t d, double norm,
                          double *out)
{
    double sum = 0, rest = 0;
    for (int64_t k = 0; k < d; k++) sum += row[k];
    for (int64_t k = 0; k < d; k++) out[k] = row[k] - sum / (double)d;
    /* The rounding of the sum, or a constant row would leave more than rounding behind. */
    for (int64_t k = 0; k < d; k++) rest += out[k];
    for (int64_t k = 0; k < d; k++) out[k] -= rest / (double)d;
    es_row_state state;
    double left = es_row_norm(kernel, out, d, &state);
    bool constant = state != ES_ROW_DEFINED || left <= 1e-14 * norm;
    for (int64_t k = 0; k < d; k++) out[k] = constant ? NAN : out[k] / left;
}

static es_status read_vectors(es_space *space, const es_selection *selection,
                              es_similarity *similarity, vectors *vectors, es_error *error)
{
    int64_t n = selection->count, d = space->source.columns;
    *vectors = (struct vectors){.kernel = space->kernel, .count = n, .d = d};
    vectors->raw = es_alloc(n, (size_t)d * sizeof(double));
    vectors->unit = es_alloc(n, (size_t)d * sizeof(double));
    vectors->centered = es_alloc(n, (size_t)d * sizeof(double));
    vectors->scratch = es_alloc(d, sizeof(double));
    if (!vectors->raw || !vectors->unit || !vectors->centered || !vectors->scratch)
        return es_fail_memory(error, "vectors", (size_t)n * (size_t)d * sizeof(double));
    ES_TRY(es_selection_vectors(space, selection, vectors->raw, error));
    for (int64_t i = 0; i < n; i++) {
        const double *row = vectors->raw + i * d;
        double norm = es_make_unit(space->kernel, row, d, vectors->unit + i * d);
        make_centered(space->kernel, row, d, norm, vectors->centered + i * d);
        es_row_state state;
        es_row_norm(space->kernel, row, d, &state);
        similarity->tokens[i].norm = state == ES_ROW_NON_FINITE ? NAN : norm;
    }
    return ES_OK;
}

/* Share of the ascending sample below t, in percent. */
static double percentile_of(const float *sample, int64_t count, double t)
{
    if (!count || isnan(t)) return NAN;
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (sample[middle] < (float)t)
            low = middle + 1;
        else
            high = middle;
    }
    return 100.0 * (double)low / (double)count;
}

static void fill_pair(const vectors *vectors, const float *sample, int64_t sample_count,
                      es_pair *pair)
{
    const es_kernel *kernel = vectors->kernel;
    int64_t d = vectors->d;
    const double *u = vectors->unit + pair->a * d, *v = vectors->unit + pair->b * d;
    const double *a = vectors->raw + pair->a * d, *b = vectors->raw + pair->b * d;
    pair->cosine = kernel->dot(u, v, d);
    pair->dot = kernel->dot(a, b, d);
    pair->pearson =
        kernel->dot(vectors->centered + pair->a * d, vectors->centered + pair->b * d, d);
    pair->euclidean = es_difference_norm(kernel, a, b, d, vectors->scratch);
    pair->unit_euclidean = es_difference_norm(kernel, u, v, d, vectors->scratch);
    for (int64_t k = 0; k < d; k++) vectors->scratch[k] = u[k] + v[k];
    double sum = sqrt(kernel->dot(vectors->scratch, vectors->scratch, d));
    pair->angle_degrees = 2 * atan2(pair->unit_euclidean, sum) * degrees_per_radian;
    pair->z_random = pair->cosine * sqrt((double)d);
    pair->p_random = es_random_cosine_tail(pair->cosine, d);
    pair->percentile = percentile_of(sample, sample_count, pair->cosine);
}

static es_status start(const es_selection *selection, int64_t pairs, es_similarity *similarity,
                       es_error *error)
{
    int64_t n = selection->count;
    *similarity = (es_similarity){.token_count = n, .pair_count = pairs};
    similarity->tokens = es_alloc(n, sizeof *similarity->tokens);
    similarity->pairs = es_alloc(pairs, sizeof *similarity->pairs);
    if (!similarity->tokens || !similarity->pairs)
        return es_fail_memory(error, "pairs", (size_t)pairs * sizeof *similarity->pairs);
    for (int64_t i = 0; i < n; i++) {
        const es_item *item = &selection->items[i];
        es_token_norm *token = &similarity->tokens[i];
        *token = (es_token_norm){.id = item->id, .text_size = item->text_size};
        if (!(token->text = es_copy_bytes(item->text, item->text_size)))
            return es_fail_memory(error, "a token", item->text_size);
    }
    return ES_OK;
}

/* Figures of similarity->pairs, whose a and b are set, and the matrix where there is room for it.
 */
static es_status compute(es_space *space, const es_selection *selection, es_similarity *similarity,
                         es_error *error)
{
    vectors vectors = {0};
    float *sample = NULL;
    int64_t n = selection->count;
    es_status status = read_vectors(space, selection, similarity, &vectors, error);
    if (status == ES_OK)
        status = es_sample_cosines(space, &sample, &similarity->percentile_pairs, error);
    for (int64_t p = 0; status == ES_OK && p < similarity->pair_count; p++)
        fill_pair(&vectors, sample, similarity->percentile_pairs, &similarity->pairs[p]);
    for (int64_t i = 0; status == ES_OK && similarity->cosine && i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            const double *u = vectors.unit + i * vectors.d, *v = vectors.unit + j * vectors.d;
            bool defined = i == j && similarity->tokens[i].norm > 0;
            similarity->cosine[i * n + j] = defined ? 1 : vectors.kernel->dot(u, v, vectors.d);
        }
    free(sample);
    release_vectors(&vectors);
    if (status != ES_OK) es_similarity_release(similarity);
    return status;
}

es_status es_similarity_compute(es_space *space, const es_selection *selection,
                                es_similarity *similarity, es_error *error)
{
    int64_t n = selection->count;
    *similarity = (es_similarity){0};
    if (n < 2)
        return es_fail(error, ES_BAD_ARGUMENT, "similarity compares two tokens at least, not %lld",
                       (long long)n);
    if (n > 10000)
        return es_fail(error, ES_BAD_ARGUMENT, "similarity takes at most 10,000 tokens, not %lld",
                       (long long)n);
    es_status status = start(selection, n * (n - 1) / 2, similarity, error);
    if (status == ES_OK && !(similarity->cosine = es_alloc(n * n, sizeof(double))))
        status = es_fail_memory(error, "the matrix", (size_t)(n * n) * sizeof(double));
    if (status != ES_OK) {
        es_similarity_release(similarity);
        return status;
    }
    es_pair *pair = similarity->pairs;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++, pair++) pair->a = i, pair->b = j;
    return compute(space, selection, similarity, error);
}

es_status es_similarity_compute_pairs(es_space *space, const es_selection *selection,
                                      es_similarity *similarity, es_error *error)
{
    *similarity = (es_similarity){0};
    if (selection->count < 2 || selection->count % 2)
        return es_fail(error, ES_BAD_ARGUMENT, "pairs need an even number of tokens, not %lld",
                       (long long)selection->count);
    es_status status = start(selection, selection->count / 2, similarity, error);
    if (status != ES_OK) {
        es_similarity_release(similarity);
        return status;
    }
    for (int64_t p = 0; p < similarity->pair_count; p++) {
        similarity->pairs[p].a = 2 * p;
        similarity->pairs[p].b = 2 * p + 1;
    }
    return compute(space, selection, similarity, error);
}
