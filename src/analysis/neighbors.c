#include "analysis/nearest.h"
#include "analysis/neighbors_query.h"
#include "analysis/vectors.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/text.h"

#include <embscope/neighbors.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 256, DEFAULT_K = 20, CSLS_K = 10 };

/* Screening may be off by this much from the cosine that decides; both are float64, their rounding
 * is below d * 2^-52 for any d here, and the screen keeps what lies within. */
static const double screen_margin = 1e-9;

static const char *const metric_names[] = {"cosine", "dot", "euclidean", "csls"};

const char *es_metric_text(es_metric metric)
{
    size_t index = (size_t)metric;
    return index < sizeof metric_names / sizeof *metric_names ? metric_names[index] : "?";
}

es_status es_metric_parse(const char *text, es_metric *metric, es_error *error)
{
    for (size_t i = 0; i < sizeof metric_names / sizeof *metric_names; i++)
        if (strcmp(text, metric_names[i]) == 0) {
            *metric = (es_metric)i;
            return ES_OK;
        }
    return es_fail(error, ES_BAD_ARGUMENT,
                   "'%s' is not a metric; there are cosine, dot, euclidean and csls", text);
}

void es_neighbors_release(es_neighbors *neighbors)
{
    free(neighbors->query);
    free(neighbors->neighbors);
    free(neighbors->cosines);
    free(neighbors->own_ids);
    *neighbors = (es_neighbors){0};
}

typedef struct search {
    es_space *space;
    const es_neighbors_options *options;
    const double *query, *unit; /* as it is, and as a unit vector */
    double *cosines;            /* (rows): screened cosine, NaN where undefined */
    double *scores;             /* (rows): under the metric; = cosines for cosine */
    const double *mean_nearest; /* (rows) for csls */
    double query_mean_nearest;
} search;

/* The cosine that decides and that is shown: unit rows in float64, as es_similarity has it. */
static double exact_cosine(const search *search, const double *row, double *scratch)
{
    const es_kernel *kernel = search->space->kernel;
    int64_t d = search->space->source.columns;
    if (es_make_unit(kernel, row, d, scratch) == 0) return NAN;
    return kernel->dot(scratch, search->unit, d);
}

static double score_of(const search *search, const double *row, double cosine, int64_t id,
                       double *scratch)
{
    const es_kernel *kernel = search->space->kernel;
    int64_t d = search->space->source.columns;
    switch (search->options->metric) {
    case ES_METRIC_DOT: return kernel->dot(row, search->query, d);
    case ES_METRIC_EUCLIDEAN: return es_difference_norm(kernel, row, search->query, d, scratch);
    case ES_METRIC_CSLS: return 2 * cosine - search->query_mean_nearest - search->mean_nearest[id];
    default: return cosine;
    }
}

/* Plain float32 rows: dot and norm in one reading of the table. */
static bool screen_plain(const search *search, int64_t first, int64_t count)
{
    const float *rows = es_space_plain_rows(search->space);
    if (!rows || search->options->metric != ES_METRIC_COSINE) return false;
    int64_t d = search->space->source.columns;
    for (int64_t i = first; i < first + count; i++) {
        double dot, square;
        search->space->kernel->dot_and_square(rows + i * d, search->unit, d, &dot, &square);
        if (!(square > 1e-280 && square < 1e280)) return false; /* zero, denormal or non-finite */
        search->cosines[i] = search->scores[i] = dot / sqrt(square);
    }
    return true;
}

static es_status screen_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    search *search = context;
    int64_t n = search->space->source.rows, d = search->space->source.columns;
    int64_t first = index * BLOCK_ROWS, count = n - first < BLOCK_ROWS ? n - first : BLOCK_ROWS;
    if (screen_plain(search, first, count)) return ES_OK;
    double *rows = es_alloc(count + 1, (size_t)d * sizeof *rows);
    if (!rows) return es_fail_memory(error, "rows", (size_t)(count * d) * sizeof *rows);
    es_status status = es_space_read_rows(search->space, first, count, rows, error);
    for (int64_t i = 0; i < count && status == ES_OK; i++) {
        double *row = rows + i * d;
        double cosine = exact_cosine(search, row, rows + count * d);
        search->cosines[first + i] = cosine;
        search->scores[first + i] =
            isnan(cosine) ? NAN : score_of(search, row, cosine, first + i, rows + count * d);
    }
    free(rows);
    return status;
}

/* Larger is better after this sign. */
static double direction(const es_neighbors_options *options)
{
    double sign = options->metric == ES_METRIC_EUCLIDEAN ? -1 : 1;
    return options->farthest ? -sign : sign;
}

static int compare_descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

typedef struct candidate {
    double key; /* score * direction: larger comes first */
    es_neighbor neighbor;
} candidate;

static int compare_candidates(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? 1 : -1;
    return (x->neighbor.id > y->neighbor.id) - (x->neighbor.id < y->neighbor.id);
}

static bool is_excluded(const int64_t *excluded, int64_t count, int64_t id)
{
    for (int64_t i = 0; i < count; i++)
        if (excluded[i] == id) return true;
    return false;
}

/* The key that the k-th best row reaches in the screen; -inf when there are not so many. */
static es_status screen_threshold(const search *search, int64_t k, const int64_t *excluded,
                                  int64_t excluded_count, double *threshold, es_error *error)
{
    int64_t n = search->space->source.rows, kept = 0;
    double sign = direction(search->options);
    double *keys = es_alloc(n, sizeof *keys);
    if (!keys) return es_fail_memory(error, "scores", (size_t)n * sizeof *keys);
    for (int64_t i = 0; i < n; i++)
        if (!isnan(search->scores[i]) && !is_excluded(excluded, excluded_count, i))
            keys[kept++] = search->scores[i] * sign;
    qsort(keys, (size_t)kept, sizeof *keys, compare_descending);
    *threshold = kept >= k ? keys[k - 1] : -INFINITY;
    free(keys);
    return ES_OK;
}

static double margin_at(double key)
{
    return screen_margin * (1 + fabs(key));
}

static bool passes_minimum(const es_neighbors_options *options, double score)
{
    return options->metric == ES_METRIC_EUCLIDEAN ? score <= options->minimum
                                                  : score >= options->minimum;
}

/* Score again, exactly, every row that the screen could not rule out; sort; cut. */
static es_status choose(search *search, int64_t k, const int64_t *excluded, int64_t excluded_count,
                        es_neighbors *answer, es_error *error)
{
    const es_neighbors_options *options = search->options;
    int64_t n = search->space->source.rows, d = search->space->source.columns, kept = 0;
    double sign = direction(options), threshold = -INFINITY;
    /* `minimum` bounds nearness: from the far end it cuts off the wrong side for a threshold. */
    bool cut_behind = options->has_minimum && options->farthest;
    if (!options->all && !cut_behind)
        ES_TRY(screen_threshold(search, k, excluded, excluded_count, &threshold, error));
    double limit = options->has_minimum && !cut_behind ? options->minimum * sign : -INFINITY;
    double least = threshold > limit ? threshold : limit;
    least -= isinf(least) ? 0 : margin_at(least);
    candidate *found = NULL;
    int64_t capacity = 0;
    double *row = es_alloc(2, (size_t)d * sizeof *row);
    es_status status = row ? ES_OK : es_fail_memory(error, "a row", (size_t)d * sizeof *row);
    for (int64_t i = 0; i < n && status == ES_OK; i++) {
        if (isnan(search->scores[i]) || search->scores[i] * sign < least) continue;
        if (is_excluded(excluded, excluded_count, i)) continue;
        if (!es_grow((void **)&found, &capacity, kept + 1, sizeof *found)) {
            status = es_fail_memory(error, "neighbors", (size_t)kept * sizeof *found);
            break;
        }
        status = es_space_read_rows(search->space, i, 1, row, error);
        if (status != ES_OK) break;
        double cosine = exact_cosine(search, row, row + d);
        double score = score_of(search, row, cosine, i, row + d);
        if (options->has_minimum && !passes_minimum(options, score)) continue;
        es_bytes text = es_vocabulary_token(search->space->vocabulary, i);
        found[kept++] = (candidate){score * sign, {i, text, cosine, score}};
    }
    free(row);
    if (status == ES_OK) {
        if (kept) qsort(found, (size_t)kept, sizeof *found, compare_candidates);
        answer->count = options->all || kept < k ? kept : k;
        if (!(answer->neighbors = es_alloc(answer->count, sizeof *answer->neighbors)))
            status = es_fail_memory(error, "neighbors", 0);
        for (int64_t i = 0; status == ES_OK && i < answer->count; i++)
            answer->neighbors[i] = found[i].neighbor;
    }
    free(found);
    return status;
}

/* What CSLS corrects every row by; NULL under another metric. */
static es_status mean_nearest_of(es_space *space, const es_neighbors_options *options,
                                 double **means, es_error *error)
{
    *means = NULL;
    if (options->metric != ES_METRIC_CSLS) return ES_OK;
    ES_TRY(es_space_load(space, error));
    return es_nearest_means(space, CSLS_K, options->threads, &options->progress, means, error);
}

static es_status run(search *search, const int64_t *excluded, int64_t excluded_count,
                     es_neighbors *answer, es_error *error)
{
    es_space *space = search->space;
    const es_neighbors_options *options = search->options;
    int64_t n = space->source.rows, k = options->k ? options->k : DEFAULT_K;
    if (k < 1)
        return es_fail(error, ES_BAD_ARGUMENT, "k must be 1 or more, not %lld", (long long)k);
    ES_TRY(es_space_load(space, error));
    search->cosines = es_alloc(n, sizeof(double));
    search->scores = es_alloc(n, sizeof(double));
    es_status status = ES_OK;
    if (!search->cosines || !search->scores)
        status = es_fail_memory(error, "scores", (size_t)n * sizeof(double));
    if (status == ES_OK && search->mean_nearest)
        status = es_nearest_mean_of_vector(space, search->unit, CSLS_K, excluded, excluded_count,
                                           &search->query_mean_nearest, error);
    if (status == ES_OK)
        status =
            es_parallel_for(options->threads ? options->threads : space->threads,
                            (n + BLOCK_ROWS - 1) / BLOCK_ROWS, screen_block, search, NULL, error);
    /* The input's own rows are none of its neighbors for csls, shown or not. */
    if (options->include_input) excluded_count = 0;
    if (status == ES_OK) status = choose(search, k, excluded, excluded_count, answer, error);
    for (int64_t i = 0; status == ES_OK && i < n; i++)
        answer->left_out += isnan(search->cosines[i]);
    if (options->keep_scores && status == ES_OK) {
        answer->cosines = search->cosines;
        search->cosines = NULL;
    }
    free(search->cosines);
    free(search->scores);
    return status;
}

static es_status search_with(es_space *space, const double *query, const int64_t *excluded,
                             int64_t excluded_count, const es_neighbors_options *options,
                             const double *mean_nearest, es_neighbors *answer, es_error *error)
{
    int64_t d = space->source.columns;
    double *unit = es_alloc(d, sizeof *unit);
    if (!unit) return es_fail_memory(error, "a query", (size_t)d * sizeof *unit);
    answer->metric = options->metric;
    answer->farthest = options->farthest;
    answer->query_norm = es_make_unit(space->kernel, query, d, unit);
    es_status status;
    if (answer->query_norm > 0) {
        search search = {.space = space,
                         .options = options,
                         .query = query,
                         .unit = unit,
                         .mean_nearest = mean_nearest};
        status = run(&search, excluded, excluded_count, answer, error);
    } else {
        status = es_fail_undefined_query(answer->query, error);
    }
    free(unit);
    return status;
}

es_status es_neighbors_of_vector(es_space *space, const double *vector, const char *label,
                                 const es_neighbors_options *options, es_neighbors *neighbors,
                                 es_error *error)
{
    static const es_neighbors_options defaults;
    if (!options) options = &defaults;
    *neighbors = (es_neighbors){.query = es_copy_text(label ? label : "vector")};
    if (!neighbors->query) return es_fail_memory(error, "a label", 0);
    double *mean_nearest;
    es_status status = mean_nearest_of(space, options, &mean_nearest, error);
    if (status == ES_OK)
        status = search_with(space, vector, NULL, 0, options, mean_nearest, neighbors, error);
    free(mean_nearest);
    if (status != ES_OK) es_neighbors_release(neighbors);
    return status;
}

static es_status answer_query(es_space *space, const es_query *query,
                              const es_neighbors_options *options, const double *mean_nearest,
                              es_neighbors *neighbors, es_error *error)
{
    int64_t d = space->source.columns;
    double *vector = es_alloc(d, sizeof *vector);
    *neighbors = (es_neighbors){0};
    es_status status = vector ? es_read_query(space, query, vector, neighbors, error)
                              : es_fail_memory(error, "a query", (size_t)d * sizeof *vector);
    if (status == ES_OK)
        status = search_with(space, vector, neighbors->own_ids, neighbors->own_count, options,
                             mean_nearest, neighbors, error);
    free(vector);
    if (status != ES_OK) es_neighbors_release(neighbors);
    return status;
}

/* One after the other. */
static es_status answer_queries(es_space *space, const es_query *queries, int64_t count,
                                const es_neighbors_options *options, es_neighbors *answers,
                                es_error *error)
{
    double *mean_nearest;
    es_status status = mean_nearest_of(space, options, &mean_nearest, error);
    for (int64_t i = 0; i < count && status == ES_OK; i++) {
        bool told = options->progress.report != NULL;
        if (told && !options->progress.report(options->progress.context, i, count))
            status = es_fail(error, ES_CANCELLED, "interrupted");
        if (status == ES_OK)
            status = answer_query(space, &queries[i], options, mean_nearest, &answers[i], error);
    }
    free(mean_nearest);
    return status;
}

es_status es_neighbors_of_queries(es_space *space, const es_query *queries, int64_t count,
                                  const es_neighbors_options *options, es_neighbors *answers,
                                  es_error *error)
{
    static const es_neighbors_options defaults;
    if (!options) options = &defaults;
    for (int64_t i = 0; i < count; i++) answers[i] = (es_neighbors){0};
    es_status status = es_neighbors_are_many(space, count, options)
                           ? es_neighbors_of_many(space, queries, count, options, answers, error)
                           : answer_queries(space, queries, count, options, answers, error);
    for (int64_t i = 0; i < count && status != ES_OK; i++) es_neighbors_release(&answers[i]);
    return status;
}

es_status es_neighbors_of_terms(es_space *space, const es_selection *terms, const int *signs,
                                const es_neighbors_options *options, es_neighbors *neighbors,
                                es_error *error)
{
    es_query query = {.terms = *terms, .signs = signs};
    return es_neighbors_of_queries(space, &query, 1, options, neighbors, error);
}

es_status es_vector_read(const char *path, int64_t columns, double **vector, es_error *error)
{
    es_container container = {0};
    ES_TRY(es_container_open(path, 1, &container, error));
    const es_tensor *tensor = container.tensor_count == 1 ? container.tensors : NULL;
    int64_t components = 1;
    bool flat = tensor && tensor->dtype != ES_DTYPE_OTHER;
    for (int i = 0; flat && i < tensor->rank; i++) {
        flat = tensor->shape[i] == 1 || components == 1;
        components *= tensor->shape[i];
    }
    es_status status = ES_OK;
    char *bytes = NULL;
    if (!flat)
        status = es_fail(error, ES_BAD_INPUT, "%s: not one vector of floats", path);
    else if (components != columns)
        status = es_fail(error, ES_BAD_INPUT, "%s: %lld components, but the space has %lld columns",
                         path, (long long)components, (long long)columns);
    else if (!(bytes = es_alloc(tensor->bytes, 1)) ||
             !(*vector = es_alloc(components, sizeof(double))))
        status = es_fail_memory(error, "a vector", (size_t)tensor->bytes);
    else if (tensor->memory)
        memcpy(bytes, tensor->memory, (size_t)tensor->bytes);
    else
        status = es_file_read(&container.files[tensor->file], tensor->offset, bytes, tensor->bytes,
                              error);
    if (status == ES_OK) es_dtype_widen(tensor->dtype, bytes, components, *vector);
    free(bytes);
    es_container_release(&container);
    return status;
}
