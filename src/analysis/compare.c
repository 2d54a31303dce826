/* Models side by side: the tokens they share, each model's rows of them, every pair of models. */
#include "analysis/compare_parts.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <embscope/selection.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_K = 10, DEFAULT_SHOWN = 10, FEWEST_ITEMS = 3 };

/* What the lists of a comparison point into. */
typedef struct storage {
    int64_t count;
    es_model_part *parts; /* (count) */
} storage;

void es_comparison_release(es_comparison *comparison)
{
    storage *kept = comparison->storage;
    for (int64_t m = 0; kept && m < kept->count; m++) es_model_part_release(&kept->parts[m]);
    if (kept) free(kept->parts);
    free(kept);
    for (int64_t m = 0; comparison->models && m < comparison->model_count; m++)
        free(comparison->models[m].cosine);
    for (int64_t p = 0; comparison->pairs && p < comparison->pair_count; p++) {
        free(comparison->pairs[p].moved);
        free(comparison->pairs[p].stable);
        free(comparison->pairs[p].density);
        free(comparison->pairs[p].map);
        free(comparison->pairs[p].map_others);
    }
    free(comparison->models);
    free(comparison->pairs);
    free(comparison->order);
    es_shared_tokens_release(&comparison->shared);
    *comparison = (es_comparison){0};
}

/* ---- what is asked ----------------------------------------------------------------------------
 */

static es_status check(es_space *const *spaces, int64_t count, const es_compare_options *options,
                       es_error *error)
{
    if (count < 2 || count > ES_COMPARE_MODELS)
        return es_fail(error, ES_BAD_ARGUMENT, "compare takes 2 to %d models, not %lld",
                       (int)ES_COMPARE_MODELS, (long long)count);
    if (options->k < 0 || options->permutations < 0 || options->resamples < 0 ||
        options->sample < 0 || options->shown < 0 || options->ranked < 0 ||
        options->ranked > ES_COMPARE_RANKED)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "a number of neighbours, tokens or permutations "
                       "must not be negative");
    for (int64_t a = 0; a < count; a++)
        for (int64_t b = 0; b < a; b++) {
            int64_t columns = spaces[a]->source.columns + spaces[b]->source.columns;
            if (columns > ES_COMPARE_COLUMNS)
                return es_fail(error, ES_UNSUPPORTED,
                               "%s: %lld columns with those of %s; models are compared up to %d",
                               spaces[a]->source.path, (long long)columns, spaces[b]->source.path,
                               (int)ES_COMPARE_COLUMNS);
        }
    return ES_OK;
}

static es_status find_items(es_space *const *spaces, const es_compare_options *options,
                            es_comparison *comparison, es_error *error)
{
    es_shared_options match = {options->match, options->tokens, options->token_count};
    ES_TRY(
        es_shared_tokens_find(spaces, comparison->model_count, &match, &comparison->shared, error));
    int64_t n = comparison->shared.count;
    if (n < FEWEST_ITEMS)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: the models share %lld token%s; a comparison needs %d at least",
                       spaces[0]->source.path, (long long)n, n == 1 ? "" : "s", (int)FEWEST_ITEMS);
    if (n > INT32_MAX / 2)
        return es_fail(error, ES_UNSUPPORTED, "%s: more than %d shared tokens",
                       spaces[0]->source.path, INT32_MAX / 2);
    if (options->k >= n)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "k must be from 1 to %lld (the shared tokens less one), not %lld",
                       (long long)n - 1, (long long)options->k);
    return ES_OK;
}

/* ---- the work ---------------------------------------------------------------------------------
 */

typedef struct comparing {
    es_space *const *spaces;
    const es_compare_options *options;
    es_comparison *out;
    storage *kept;
    int64_t k;
    int threads;
    es_stages stages;
    double knn_weight[ES_COMPARE_MODELS];
} comparing;

/* Estimates of time, in millions of multiply-adds. */
static void plan(comparing *work, es_pair_job *job)
{
    double n = (double)work->out->shared.count, columns = 0;
    double sample = fmin(n, (double)job->sample);
    int64_t count = work->out->model_count;
    for (int64_t m = 0; m < count; m++) {
        double d = (double)work->spaces[m]->source.columns;
        work->knn_weight[m] = n * n * d / 6e6;
        work->stages.total += work->knn_weight[m];
        columns = fmax(columns, d);
    }
    job->closed_weight = 4 * n * columns * columns / 1e6;
    job->chance_weight = 4 * sample * sample * 500 / 1e6 + 5e3;
    job->neighbors_weight = 2 * n * (double)work->k * columns / 1e6;
    int64_t d = (int64_t)columns;
    if (work->options->all_pairs)
        job->whole_weight =
            (double)es_whole_permutations(job, (int64_t)n, d, d) * n * columns * columns / 1e6;
    /* In memory pairs are sorted; streamed, they are multiplied twice in either model. */
    if (work->options->rank)
        job->rank_weight = n <= (double)job->ranked ? n * n * (columns + 100) / 1e6
                                                    : 2 * n * n * (columns + 50) / 2e6;
    double pairs = (double)work->out->pair_count;
    work->stages.total += pairs * (job->closed_weight + job->chance_weight + job->neighbors_weight +
                                   job->whole_weight + job->rank_weight);
}

static es_status make_parts(comparing *work, es_error *error)
{
    const es_shared_tokens *shared = &work->out->shared;
    for (int64_t m = 0; m < shared->models; m++) {
        es_model_part *part = &work->kept->parts[m];
        ES_TRY(es_model_part_make(work->spaces[m], shared->ids + m, shared->count, shared->models,
                                  work->threads, part, error));
        es_progress progress = es_stages_next(&work->stages, work->knn_weight[m]);
        ES_TRY(es_model_part_neighbors(part, work->k, work->threads, &progress, error));
    }
    return ES_OK;
}

static es_status compare_pair(comparing *work, es_pair_job *job, es_pair_comparison *pair,
                              es_error *error)
{
    job->a = &work->kept->parts[pair->a];
    job->b = &work->kept->parts[pair->b];
    pair->rsa.spearman = pair->rsa.rho_a = pair->rsa.kendall = pair->rsa.rank_error = NAN;
    ES_TRY(es_pair_closed(job, pair, error));
    ES_TRY(es_pair_neighbors(job, pair, error));
    ES_TRY(es_pair_chance(job, pair, error));
    if (work->options->all_pairs) ES_TRY(es_pair_whole_chance(job, &pair->rsa, error));
    if (work->options->rank) ES_TRY(es_pair_ranks(job, &pair->rsa, error));
    return job->turn ? es_pair_figures(job, pair, error) : ES_OK;
}

/* One pair after another, each with a rotation of its own where figures are asked for. */
static es_status compare_pairs(comparing *work, es_pair_job *job, es_error *error)
{
    es_status status = ES_OK;
    for (int64_t p = 0; p < work->out->pair_count && status == ES_OK; p++) {
        es_pair_comparison *pair = &work->out->pairs[p];
        int64_t da = work->kept->parts[pair->a].d, db = work->kept->parts[pair->b].d;
        if (work->options->figures && !(job->turn = es_alloc(da, (size_t)db * sizeof(double))))
            return es_fail_memory(error, "a rotation", (size_t)(da * db) * sizeof(double));
        status = compare_pair(work, job, pair, error);
        free(job->turn);
        job->turn = NULL;
    }
    return status;
}

/* The matrix of the shared tokens in one model, where they are few. */
static es_status matrix_of(comparing *work, int64_t m, const char *const *names, es_matrix *matrix,
                           es_error *error)
{
    const es_shared_tokens *shared = &work->out->shared;
    int64_t *ids = es_alloc(shared->count, sizeof *ids);
    es_selection chosen = {0};
    if (!ids) return es_fail_memory(error, "ids", (size_t)shared->count * sizeof *ids);
    for (int64_t i = 0; i < shared->count; i++) ids[i] = es_shared_id(shared, i, m);
    es_status status = es_selection_from_ids(work->spaces[m], ids, shared->count, &chosen, error);
    es_matrix_options options = {.null_sets = ES_MATRIX_NO_SETS,
                                 .seed = work->options->seed,
                                 .categories = names,
                                 .threads = work->threads};
    if (status == ES_OK)
        status = es_matrix_compute(work->spaces[m], &chosen, &options, matrix, error);
    es_selection_release(&chosen);
    free(ids);
    return status;
}

/* Within and between categories, in one model. */
static es_status contrast(comparing *work, int64_t m, const char *const *names, es_error *error)
{
    es_compared_model *model = &work->out->models[m];
    es_matrix matrix = {0};
    es_status status = matrix_of(work, m, names, &matrix, error);
    if (status == ES_OK) {
        const es_contrast *found = matrix.categories;
        model->has_categories = true;
        model->within = found->within;
        model->between = found->between;
        model->within_pairs = found->within_pairs;
        model->between_pairs = found->between_pairs;
        model->cohens_d = found->cohens_d;
        model->category_p = found->p;
    }
    es_matrix_release(&matrix);
    return status;
}

/* For a figure: the cosines themselves, and the first model's order of the leaves. */
static es_status keep_matrices(comparing *work, es_error *error)
{
    es_comparison *out = work->out;
    if (!work->options->figures || out->shared.count > ES_COMPARE_MATRIX) return ES_OK;
    for (int64_t m = 0; m < out->model_count; m++) {
        es_matrix matrix = {0};
        ES_TRY(matrix_of(work, m, NULL, &matrix, error));
        out->models[m].cosine = matrix.cosine;
        matrix.cosine = NULL;
        if (!m) {
            out->order = matrix.order;
            matrix.order = NULL;
        }
        es_matrix_release(&matrix);
    }
    return ES_OK;
}

static es_status contrast_models(comparing *work, es_error *error)
{
    const es_shared_tokens *shared = &work->out->shared;
    if (!work->options->categories || !work->options->tokens) return ES_OK;
    const char **names = es_alloc(shared->count, sizeof *names);
    if (!names) return es_fail_memory(error, "categories", (size_t)shared->count * sizeof *names);
    for (int64_t i = 0; i < shared->count; i++)
        names[i] = work->options->categories[shared->place[i]];
    es_status status = ES_OK;
    for (int64_t m = 0; m < shared->models && status == ES_OK; m++)
        status = contrast(work, m, names, error);
    free(names);
    return status;
}

static void describe_models(comparing *work)
{
    for (int64_t m = 0; m < work->out->model_count; m++) {
        const es_model_part *part = &work->kept->parts[m];
        es_compared_model *model = &work->out->models[m];
        model->columns = part->d;
        model->mean_cosine = part->mean_cosine;
        model->deviation = sqrt(fmax(0, part->second - part->mean_cosine * part->mean_cosine));
        model->effective_rank = part->spectrum.effective_rank;
        model->participation_ratio = part->spectrum.participation_ratio;
        for (int64_t k = 0; k < ES_COMPARE_EIGENVALUES && k < part->spectrum.count; k++) {
            if (!(part->spectrum.trace > 0)) break;
            model->shares[k] = part->spectrum.values[k] / part->spectrum.trace;
            model->share_count = k + 1;
        }
        model->within = model->between = model->cohens_d = model->category_p = NAN;
        model->ceiling_upper = model->ceiling_lower = NAN;
    }
}

/* The noise ceiling (Nili et al. 2014) needs no matrix: of matrices brought to mean 0 and length 1,
 * whose products R are the correlations of pairs of models,
 *
 *   corr(m, mean of all)        = sum_l R_ml / sqrt(sum_kl R_kl)
 *   corr(m, mean of the others) = the same sums without m. */
static void find_ceiling(es_comparison *out)
{
    int64_t count = out->model_count;
    double r[ES_COMPARE_MODELS][ES_COMPARE_MODELS], all = 0;
    out->ceiling_upper = out->ceiling_lower = NAN;
    if (count < 3) return;
    for (int64_t m = 0; m < count; m++) r[m][m] = 1;
    for (int64_t p = 0; p < out->pair_count; p++)
        r[out->pairs[p].a][out->pairs[p].b] = r[out->pairs[p].b][out->pairs[p].a] =
            out->pairs[p].rsa.pearson;
    for (int64_t a = 0; a < count; a++)
        for (int64_t b = 0; b < count; b++) all += r[a][b];
    out->ceiling_upper = out->ceiling_lower = 0;
    for (int64_t m = 0; m < count; m++) {
        double row = 0;
        for (int64_t l = 0; l < count; l++) row += r[m][l];
        double others = all - 2 * row + 1;
        out->models[m].ceiling_upper = all > 0 ? row / sqrt(all) : NAN;
        out->models[m].ceiling_lower = others > 0 ? (row - 1) / sqrt(others) : NAN;
        out->ceiling_upper += out->models[m].ceiling_upper / (double)count;
        out->ceiling_lower += out->models[m].ceiling_lower / (double)count;
    }
}

static es_status allocate(comparing *work, es_error *error)
{
    es_comparison *out = work->out;
    int64_t count = out->model_count, p = 0;
    out->pair_count = count * (count - 1) / 2;
    out->models = es_alloc(count, sizeof *out->models);
    out->pairs = es_alloc(out->pair_count, sizeof *out->pairs);
    out->storage = work->kept = es_alloc(1, sizeof *work->kept);
    if (work->kept) {
        work->kept->parts = es_alloc(count, sizeof *work->kept->parts);
        work->kept->count = work->kept->parts ? count : 0;
    }
    if (!out->models || !out->pairs || !work->kept || !work->kept->parts)
        return es_fail_memory(error, "a comparison", (size_t)count * sizeof *out->pairs);
    for (int64_t a = 0; a < count; a++)
        for (int64_t b = a + 1; b < count; b++)
            out->pairs[p++] = (es_pair_comparison){.a = a, .b = b};
    return ES_OK;
}

static es_status run(comparing *work, es_error *error)
{
    const es_compare_options *options = work->options;
    es_comparison *out = work->out;
    ES_TRY(find_items(work->spaces, options, out, error));
    int64_t n = out->shared.count;
    /* Of few tokens no more than half: that all others are the same says nothing. */
    work->k = options->k ? options->k : n > 2 * DEFAULT_K ? DEFAULT_K : n / 2;
    ES_TRY(allocate(work, error));
    es_pair_job job = {.permutations = options->permutations,
                       .resamples = options->resamples,
                       .sample = options->sample ? options->sample : ES_COMPARE_SAMPLE,
                       .shown = options->shown ? options->shown : DEFAULT_SHOWN,
                       .ranked = options->ranked ? options->ranked : ES_COMPARE_RANKED,
                       .seed = options->seed,
                       .threads = work->threads,
                       .stages = &work->stages};
    plan(work, &job);
    ES_TRY(make_parts(work, error));
    ES_TRY(compare_pairs(work, &job, error));
    ES_TRY(keep_matrices(work, error));
    describe_models(work);
    find_ceiling(out);
    return contrast_models(work, error);
}

es_status es_compare_compute(es_space *const *spaces, int64_t count,
                             const es_compare_options *options, es_comparison *comparison,
                             es_error *error)
{
    static const es_compare_options defaults;
    if (!options) options = &defaults;
    *comparison = (es_comparison){.model_count = count, .seed = options->seed};
    ES_TRY(check(spaces, count, options, error));
    comparing work = {.spaces = spaces, .options = options, .out = comparison};
    work.threads = es_thread_count(options->threads ? options->threads : spaces[0]->threads);
    work.stages.outer = options->progress;
    es_status status = run(&work, error);
    if (status != ES_OK) es_comparison_release(comparison);
    return status;
}
