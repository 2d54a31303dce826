#include "analysis/ranks.h"
#include "analysis/stages.h"
#include "analysis/vectors.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <embscope/unembed.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 128, DEFAULT_K = 10 };

/* One vector against the table. */
typedef struct scoring {
    es_space *space;
    const double *vector, *unit; /* (d) as it is, and of length 1 */
    double *logits, *cosines;    /* (n) NaN: none */
} scoring;

static es_status score_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const scoring *job = context;
    const es_kernel *kernel = job->space->kernel;
    int64_t n = job->space->source.rows, d = job->space->source.columns;
    int64_t first = index * BLOCK_ROWS, count = n - first < BLOCK_ROWS ? n - first : BLOCK_ROWS;
    double *rows = es_alloc(count, (size_t)d * sizeof *rows);
    if (!rows) return es_fail_memory(error, "rows", (size_t)(count * d) * sizeof *rows);
    es_status status = es_space_read_rows(job->space, first, count, rows, error);
    for (int64_t i = 0; i < count && status == ES_OK; i++) {
        double *row = rows + i * d;
        double logit = kernel->dot(row, job->vector, d);
        es_row_state state;
        es_row_unit(kernel, row, d, row, &state);
        bool finite = state != ES_ROW_NON_FINITE;
        job->logits[first + i] = finite ? logit : NAN;
        job->cosines[first + i] = state == ES_ROW_DEFINED ? kernel->dot(row, job->unit, d) : NAN;
        if (finite && !isfinite(logit))
            status =
                es_fail(error, ES_BAD_INPUT, "the logit of row %lld is past the largest float64",
                        (long long)(first + i));
    }
    free(rows);
    return status;
}

/* The rows in their two orders. */
typedef struct orders {
    double *logits, *cosines;          /* (n) NaN: none */
    es_ranked *by_logit, *by_cosine;   /* (rows), (directed); places are ids */
    int64_t rows, directed;            /* with a logit, with a cosine */
    int64_t *logit_rank, *cosine_rank; /* (n) from 1; 0: none */
    double *packed[2];                 /* (n) scratch */
    es_ranked *order;                  /* (n) scratch */
} orders;

static void release_orders(orders *orders)
{
    free(orders->logits);
    free(orders->by_logit);
    free(orders->logit_rank);
}

static es_status make_orders(int64_t n, orders *orders, es_error *error)
{
    *orders = (struct orders){.logits = es_alloc(n, 4 * sizeof(double)),
                              .by_logit = es_alloc(n, 3 * sizeof(es_ranked)),
                              .logit_rank = es_alloc(n, 2 * sizeof(int64_t))};
    if (!orders->logits || !orders->by_logit || !orders->logit_rank)
        return es_fail_memory(error, "logits", (size_t)n * 12 * sizeof(double));
    orders->cosines = orders->logits + n;
    orders->packed[0] = orders->cosines + n;
    orders->packed[1] = orders->packed[0] + n;
    orders->by_cosine = orders->by_logit + n;
    orders->order = orders->by_cosine + n;
    orders->cosine_rank = orders->logit_rank + n;
    return ES_OK;
}

/* The order of the values that are not NaN, and the rank of each; returns how many there are. */
static int64_t order_defined(const double *values, int64_t n, double *packed, es_ranked *order,
                             int64_t *rank)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        rank[i] = 0;
        if (isnan(values[i])) continue;
        rank[count] = i; /* for now: the id of what is packed there; count <= i */
        packed[count++] = values[i];
    }
    es_order_descending(packed, count, order);
    for (int64_t t = 0; t < count; t++) order[t].place = rank[order[t].place];
    memset(rank, 0, (size_t)n * sizeof *rank);
    for (int64_t t = 0; t < count; t++) rank[order[t].place] = t + 1;
    return count;
}

/* Spearman's correlation of the two orders over the rows with a cosine. */
static double correlate_orders(const orders *orders, int64_t n)
{
    int64_t count = orders->directed;
    for (int side = 0; side < 2; side++) {
        const double *values = side ? orders->cosines : orders->logits;
        double *packed = orders->packed[side];
        for (int64_t i = 0, at = 0; i < n; i++)
            if (!isnan(orders->cosines[i])) packed[at++] = values[i];
        es_order_descending(packed, count, orders->order);
        es_ranks_of(orders->order, count, packed);
    }
    return es_correlate(orders->packed[0], orders->packed[1], count);
}

/* log sum exp(z - largest) over all logits, and the entropy of their softmax: with p = exp(z - c),
 * H = c - sum p z. */
static double log_sum(const orders *orders, int64_t n, double *entropy)
{
    double largest = orders->by_logit[0].value, sum = 0, weighted = 0;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(orders->logits[i])) continue;
        double below = orders->logits[i] - largest, share = exp(below);
        sum += share;
        if (share > 0) weighted += share * below;
    }
    *entropy = fmax(0, log(sum) - weighted / sum);
    return log(sum);
}

static es_unembed_token describe(const scoring *job, const orders *orders, int64_t id, double log_z)
{
    return (es_unembed_token){
        .id = id,
        .text = es_vocabulary_token(job->space->vocabulary, id),
        .logit = orders->logits[id],
        .probability = exp(orders->logits[id] - orders->by_logit[0].value - log_z),
        .cosine = orders->cosines[id],
        .norm = job->space->norms[id],
        .rank_by_logit = orders->logit_rank[id],
        .rank_by_cosine = orders->cosine_rank[id],
    };
}

static es_status list_tokens(const scoring *job, const orders *orders, int64_t k, double log_z,
                             es_unembedded *answer, es_error *error)
{
    answer->count = k < orders->rows ? k : orders->rows;
    answer->cosine_count = k < orders->directed ? k : orders->directed;
    answer->by_logit = es_alloc(answer->count, sizeof *answer->by_logit);
    answer->by_cosine = es_alloc(answer->cosine_count, sizeof *answer->by_cosine);
    if (!answer->by_logit || !answer->by_cosine)
        return es_fail_memory(error, "tokens", (size_t)k * 2 * sizeof *answer->by_logit);
    for (int64_t t = 0; t < answer->count; t++)
        answer->by_logit[t] = describe(job, orders, orders->by_logit[t].place, log_z);
    for (int64_t t = 0; t < answer->cosine_count; t++) {
        answer->by_cosine[t] = describe(job, orders, orders->by_cosine[t].place, log_z);
        answer->overlap += answer->by_cosine[t].rank_by_logit <= answer->count;
    }
    return ES_OK;
}

static es_status score(const scoring *job, int threads, const es_progress *progress, int64_t k,
                       es_unembedded *answer, es_error *error)
{
    es_space *space = job->space;
    int64_t n = space->source.rows;
    orders orders;
    es_status status = make_orders(n, &orders, error);
    scoring filled = *job;
    filled.logits = orders.logits;
    filled.cosines = orders.cosines;
    if (status == ES_OK)
        status = es_parallel_for(threads, (n + BLOCK_ROWS - 1) / BLOCK_ROWS, score_block, &filled,
                                 progress, error);
    if (status == ES_OK) {
        orders.rows =
            order_defined(orders.logits, n, orders.packed[0], orders.by_logit, orders.logit_rank);
        orders.directed = order_defined(orders.cosines, n, orders.packed[0], orders.by_cosine,
                                        orders.cosine_rank);
        answer->rows = orders.rows;
        answer->zero_rows = orders.rows - orders.directed;
        answer->left_out = n - orders.rows;
        if (!orders.rows)
            status = es_fail(error, ES_BAD_INPUT, "%s: no row is finite: there are no logits",
                             space->source.path);
    }
    if (status == ES_OK) {
        answer->rank_correlation = correlate_orders(&orders, n);
        double log_z = log_sum(&orders, n, &answer->entropy);
        status = list_tokens(&filled, &orders, k, log_z, answer, error);
    }
    release_orders(&orders);
    return status;
}

static es_status answer_vector(es_space *space, const double *vector, const char *label, int64_t k,
                               int threads, const es_progress *progress, es_unembedded *answer,
                               es_error *error)
{
    int64_t d = space->source.columns;
    double *unit = es_alloc(d, sizeof *unit);
    answer->query = es_copy_text(label ? label : "vector");
    es_status status =
        unit && answer->query ? ES_OK : es_fail_memory(error, "a vector", (size_t)d * sizeof *unit);
    if (status == ES_OK) {
        scoring job = {.space = space, .vector = vector, .unit = unit};
        answer->norm = es_make_unit(space->kernel, vector, d, unit);
        status = answer->norm > 0 ? score(&job, threads, progress, k, answer, error)
                                  : es_fail(error, ES_BAD_INPUT,
                                            "the vector %s is zero or not finite: it has no "
                                            "direction",
                                            answer->query);
    }
    free(unit);
    return status;
}

es_status es_unembed_vectors(es_space *space, const double *vectors, const char *const *labels,
                             int64_t count, const es_unembed_options *options,
                             es_unembedded *answers, es_error *error)
{
    static const es_unembed_options defaults;
    if (!options) options = &defaults;
    int64_t k = options->k ? options->k : DEFAULT_K, d = space->source.columns;
    int threads = options->threads ? options->threads : space->threads;
    for (int64_t i = 0; i < count; i++) answers[i] = (es_unembedded){0};
    if (k < 1)
        return es_fail(error, ES_BAD_ARGUMENT, "k must be 1 or more, not %lld", (long long)k);
    const double *norms;
    ES_TRY(es_space_load(space, error));
    ES_TRY(es_space_norms(space, &norms, error));
    es_stages stages = {.outer = options->progress, .total = (double)count * 1000};
    es_status status = ES_OK;
    for (int64_t i = 0; i < count && status == ES_OK; i++) {
        es_progress progress = es_stages_next(&stages, 1000);
        status = answer_vector(space, vectors + i * d, labels ? labels[i] : NULL, k, threads,
                               &progress, &answers[i], error);
    }
    for (int64_t i = 0; i < count && status != ES_OK; i++) es_unembedded_release(&answers[i]);
    return status;
}

void es_unembedded_release(es_unembedded *answer)
{
    free(answer->query);
    free(answer->by_logit);
    free(answer->by_cosine);
    *answer = (es_unembedded){0};
}
