#include "analysis/ranks.h"
#include "analysis/report_model.h"
#include "analysis/stages.h"
#include "analysis/token_map.h"
#include "analysis/vectors.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "space/vocabulary.h"

#include <embscope/report.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHARE = 1000 }; /* of the work, as the progress line counts it */

enum {
    PAIR_WORDS = 6,
    RANDOM_WORDS = 16,
    RANDOM_SEED = 1,
    NEIGHBORS = 10,
    DIRECTIONS = 3,
    LONG_STEPS = 40,
    BLOCK_ROWS = 128
};
#define MOST_PRODUCTS   3e12 /* about three times GPT-2: a minute of two cores */
#define SAMPLE_PRODUCTS 1e12 /* what the pairs of a sample take */

/* The article's three, then common words of a few kinds, so that a local matrix has something to
 * show. A model is asked about those it knows as single tokens. */
static const char *const default_words[] = {
    "cat",   "dog",  "banana", "king", "queen",  "man",   "woman", "apple", "orange",
    "horse", "bird", "fish",   "car",  "train",  "ship",  "red",   "blue",  "green",
    "one",   "two",  "three",  "four", "doctor", "nurse", "river", "Paris", "London"};

void es_report_release(es_report *report)
{
    es_similarity_release(&report->pairs);
    es_selection_release(&report->pair_tokens);
    free(report->pair_vectors);
    for (int64_t i = 0; i < report->query_count; i++) es_neighbors_release(&report->queries[i]);
    es_matrix_release(&report->matrix);
    es_distribution_release(&report->distribution);
    es_knn_release(&report->knn);
    es_spectrum_release(&report->spectrum);
    es_token_map_release(&report->map);
    es_clusters_release(&report->clusters);
    es_audit_release(&report->audit);
    es_positions_release(&report->positions);
    es_report_model_release(report);
    *report = (es_report){0};
}

/* The built-in words that are one defined token, all in the same form: with their leading space
 * where the vocabulary has such. */
static es_status choose_default_words(es_space *space, es_selection *selection, es_error *error)
{
    enum { WORDS = sizeof default_words / sizeof *default_words };
    int64_t ids[WORDS], count = 0;
    const unsigned char *states;
    ES_TRY(es_space_row_states(space, &states, error));
    const es_vocabulary *vocabulary = es_space_vocabulary(space);
    es_vocabulary_kind kind = es_vocabulary_get_kind(vocabulary);
    for (int i = 0; i < WORDS && kind != ES_VOCABULARY_NONE; i++) {
        char *word = es_copy_format(kind == ES_VOCABULARY_BPE ? " %s" : "%s", default_words[i]);
        if (!word) return es_fail_memory(error, "a word", 0);
        int64_t id = es_vocabulary_find(vocabulary, (es_bytes){word, strlen(word)});
        free(word);
        bool usable = id >= 0 && id < space->source.rows && states[id] == ES_ROW_DEFINED;
        bool again = false;
        for (int64_t j = 0; j < count; j++) again = again || ids[j] == id;
        if (usable && !again) ids[count++] = id;
    }
    if (count >= 3) return es_selection_from_ids(space, ids, count, selection, error);
    int64_t *defined, rows;
    ES_TRY(es_space_defined_rows(space, &defined, &rows, error));
    free(defined);
    if (rows < 2)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: a report needs two rows that are finite and not zero",
                       space->source.path);
    return es_selection_random(space, rows < RANDOM_WORDS ? rows : RANDOM_WORDS, RANDOM_SEED,
                               selection, error);
}

/* The first `count` items of a selection, as a view that must not be released. */
static es_selection first_items(const es_selection *selection, int64_t count)
{
    es_selection view = *selection;
    view.count = count < selection->count ? count : selection->count;
    view.note = NULL;
    return view;
}

typedef struct distance_job {
    es_space *space;
    const double *query;
    double *distances; /* (rows) */
} distance_job;

static es_status distances_of_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const distance_job *job = context;
    int64_t n = job->space->source.rows, d = job->space->source.columns;
    int64_t first = index * BLOCK_ROWS, count = n - first < BLOCK_ROWS ? n - first : BLOCK_ROWS;
    double *rows = es_alloc(count + 1, (size_t)d * sizeof *rows);
    if (!rows) return es_fail_memory(error, "rows", (size_t)(count * d) * sizeof *rows);
    es_status status = es_space_read_rows(job->space, first, count, rows, error);
    for (int64_t i = 0; i < count && status == ES_OK; i++)
        job->distances[first + i] =
            es_difference_norm(job->space->kernel, rows + i * d, job->query, d, rows + count * d);
    free(rows);
    return status;
}

/* Spearman's correlation of "larger cosine" with "smaller raw distance" over all rows but the
 * query's own. */
static es_status correlate_orders(es_space *space, int64_t query_id, const double *query,
                                  const double *cosines, double *spearman, es_error *error)
{
    int64_t n = space->source.rows, kept = 0;
    distance_job job = {space, query, es_alloc(n, sizeof(double))};
    es_ranked *order = es_alloc(n, sizeof *order);
    double *similar = es_alloc(2, (size_t)n * sizeof *similar), *ranks = similar + n;
    es_status status = ES_OK;
    if (!job.distances || !order || !similar)
        status = es_fail_memory(error, "ranks", (size_t)n * 5 * sizeof *similar);
    if (status == ES_OK)
        status = es_parallel_for(space->threads, (n + BLOCK_ROWS - 1) / BLOCK_ROWS,
                                 distances_of_block, &job, NULL, error);
    for (int64_t i = 0; status == ES_OK && i < n; i++) {
        if (isnan(cosines[i]) || i == query_id) continue;
        similar[kept] = cosines[i];
        job.distances[kept++] = -job.distances[i];
    }
    if (status == ES_OK) {
        es_order_descending(similar, kept, order);
        es_ranks_of(order, kept, similar);
        es_order_descending(job.distances, kept, order);
        es_ranks_of(order, kept, ranks);
        *spearman = es_correlate(similar, ranks, kept);
    }
    free(job.distances);
    free(order);
    free(similar);
    return status;
}

static es_status run_queries(es_space *space, const es_selection *words,
                             const es_report_options *options, es_report *report, es_error *error)
{
    int64_t wanted = words->count < ES_REPORT_QUERIES ? words->count : ES_REPORT_QUERIES;
    for (int64_t i = 0; i < wanted; i++) {
        es_selection term = {.count = 1, .items = &words->items[i]};
        es_neighbors_options query = {
            .k = NEIGHBORS, .keep_scores = i == 0, .threads = options->threads};
        int plus = 1;
        ES_TRY(es_neighbors_of_terms(space, &term, &plus, &query, &report->queries[i], error));
        report->query_count = i + 1;
    }
    return correlate_orders(space, words->items[0].id, report->pair_vectors,
                            report->queries[0].cosines, &report->order_spearman, error);
}

/* Products that all pairs take, and rows of a sample that is worth its time. */
static double products(int64_t rows, int64_t columns)
{
    return 0.5 * (double)rows * (double)rows * (double)columns;
}

static es_status run_pairs(es_space *space, const es_report_options *options, es_stages *stages,
                           es_report *report, es_error *error)
{
    int64_t d = space->source.columns;
    double most = options->most_products > 0 ? options->most_products : MOST_PRODUCTS;
    bool large = products(space->source.rows, d) > most;
    es_distribution_options all = {.threads = options->threads, .seed = RANDOM_SEED};
    if (large) all.sample = (int64_t)sqrt(2 * fmin(most, SAMPLE_PRODUCTS) / (double)d) + 2;
    all.progress = es_stages_next(stages, 10 * SHARE);
    ES_TRY(es_distribution_compute(space, &all, &report->distribution, error));
    int64_t rows = report->distribution.rows;
    es_knn_options near = {.k = rows > NEIGHBORS ? NEIGHBORS : rows - 1,
                           .threads = options->threads};
    near.progress = es_stages_next(stages, 5 * SHARE);
    if (large || rows < 3) return ES_OK;
    ES_TRY(es_knn_compute(space, &near, &report->knn, error));
    report->has_knn = true;
    return ES_OK;
}

/* The words on the plane of the two leading directions, among others of the vocabulary. */
static es_status run_map(es_space *space, const es_selection *words,
                         const es_report_options *options, es_report *report, es_error *error)
{
    const es_direction *axes = report->spectrum.directions;
    if (report->spectrum.direction_count < 2 || !(axes[1].share > 0)) return ES_OK;
    double *plane = es_alloc(space->source.rows, 2 * sizeof *plane);
    if (!plane) return es_fail_memory(error, "a map", (size_t)space->source.rows * 16);
    es_status status = es_spectrum_project(space, &report->spectrum, 2, plane, error);
    if (status == ES_OK)
        status = es_token_map_fill(space, plane, words, report->has_knn ? &report->knn : NULL,
                                   RANDOM_SEED, options->threads, &report->map, error);
    free(plane);
    for (int k = 0; k < 2; k++) report->map.share[k] = axes[k].share;
    report->has_map = status == ES_OK;
    return status;
}

static es_status run_spectrum(es_space *space, const es_selection *words,
                              const es_report_options *options, es_stages *stages,
                              es_report *report, es_error *error)
{
    es_spectrum_options how = {.directions = DIRECTIONS, .threads = options->threads};
    if (report->distribution.sampled) how.null_tables = -1; /* as long again */
    int64_t fewest = report->distribution.rows < space->source.columns ? report->distribution.rows
                                                                       : space->source.columns;
    if (fewest < DIRECTIONS) how.directions = fewest;
    how.progress = es_stages_next(stages, 4 * SHARE);
    es_status status = es_spectrum_compute(space, &how, &report->spectrum, error);
    if (status == ES_UNSUPPORTED) return ES_OK;
    report->has_spectrum = status == ES_OK;
    return status == ES_OK ? run_map(space, words, options, report, error) : status;
}

static es_status run_clusters(es_space *space, const es_report_options *options, es_stages *stages,
                              es_report *report, es_error *error)
{
    es_cluster_options how = {.threads = options->threads, .map = true};
    if (report->distribution.sampled) how.iterations = LONG_STEPS;
    how.progress = es_stages_next(stages, 2 * SHARE);
    ES_TRY(es_cluster_compute(space, &how, &report->clusters, error));
    es_audit_options look = {.threads = options->threads};
    look.progress = es_stages_next(stages, 1 * SHARE);
    return es_audit_compute(space, &look, &report->audit, error);
}

/* A table that cannot be described (one row, too many) is a section less, not a report less. */
static es_status run_positions(const es_report_options *options, es_stages *stages,
                               es_report *report, es_error *error)
{
    if (!options->positions) return ES_OK;
    es_positions_options how = {.threads = options->threads};
    how.progress = es_stages_next(stages, 1 * SHARE);
    es_status status = es_positions_compute(options->positions, &how, &report->positions, error);
    if (status == ES_BAD_INPUT) return ES_OK;
    report->has_positions = status == ES_OK;
    report->position_space = options->positions;
    return status;
}

static es_status compute(es_space *space, const es_selection *words,
                         const es_report_options *options, es_report *report, es_error *error)
{
    es_stages stages = {.outer = options->progress, .total = 26 * SHARE};
    ES_TRY(es_info_compute(space, &report->info, error));
    es_progress predicting = es_stages_next(&stages, SHARE);
    ES_TRY(es_report_predict(options, &predicting, report, error));
    es_selection few = first_items(words, PAIR_WORDS), two = first_items(words, 2);
    ES_TRY(es_similarity_compute(space, &few, &report->pairs, error));
    report->pair_vectors = es_alloc(2, (size_t)space->source.columns * sizeof(double));
    if (!report->pair_vectors) return es_fail_memory(error, "vectors", 0);
    ES_TRY(es_selection_vectors(space, &two, report->pair_vectors, error));
    ES_TRY(run_queries(space, words, options, report, error));
    es_matrix_options local = {.threads = options->threads};
    ES_TRY(es_matrix_compute(space, words, &local, &report->matrix, error));
    ES_TRY(run_pairs(space, options, &stages, report, error));
    ES_TRY(run_spectrum(space, words, options, &stages, report, error));
    ES_TRY(run_clusters(space, options, &stages, report, error));
    es_progress comparing = es_stages_next(&stages, 2 * SHARE);
    ES_TRY(es_report_compare_tables(space, options, &comparing, report, error));
    return run_positions(options, &stages, report, error);
}

es_status es_report_compute(es_space *space, const es_report_options *options, es_report *report,
                            es_error *error)
{
    static const es_report_options defaults;
    if (!options) options = &defaults;
    *report = (es_report){.space = space, .model = options->model};
    es_selection words = {0};
    es_status status = es_space_load(space, error);
    if (status == ES_OK)
        status = options->word_count
                     ? es_selection_resolve(space, options->words, options->word_count,
                                            &options->selection, &words, error)
                     : choose_default_words(space, &words, error);
    if (status == ES_OK && words.count < 2)
        status = es_fail(error, ES_BAD_ARGUMENT, "a report compares two words at least");
    if (status == ES_OK) status = compute(space, &words, options, report, error);
    report->pair_tokens = words; /* the report's from here on */
    if (status != ES_OK) es_report_release(report);
    return status;
}
