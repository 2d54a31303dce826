/* A series of spaces: every checkpoint against the first, the one before and the last. Of the
 * tables four are in memory at most: these three and the present one. docs/mathematics.md, 25. */
#include "analysis/compare_parts.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <embscope/drift.h>
#include <math.h>
#include <stdlib.h>

enum { DEFAULT_K = 10, DEFAULT_SHOWN = 10, FEWEST_ITEMS = 3 };

/* What the lists of a result point into. */
typedef struct storage {
    es_knn ends[2];       /* of the first and the last checkpoint */
    int32_t *common;      /* (n, steps) neighbours kept */
    int32_t *ends_common; /* (n) */
} storage;

void es_drift_release(es_drift *drift)
{
    storage *kept = drift->storage;
    if (kept) {
        es_knn_release(&kept->ends[0]);
        es_knn_release(&kept->ends[1]);
        free(kept->common);
        free(kept->ends_common);
    }
    free(kept);
    free(drift->checkpoints);
    free(drift->stabilities);
    free(drift->stable);
    free(drift->unstable);
    es_shared_tokens_release(&drift->shared);
    *drift = (es_drift){0};
}

/* ---- what is asked ----------------------------------------------------------------------------
 */

static es_status check(es_space *const *spaces, int64_t count, const es_drift_options *options,
                       es_error *error)
{
    if (count < 2 || count > ES_DRIFT_CHECKPOINTS)
        return es_fail(error, ES_BAD_ARGUMENT, "drift takes 2 to %d checkpoints, not %lld",
                       (int)ES_DRIFT_CHECKPOINTS, (long long)count);
    if (options->k < 0 || options->shown < 0)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "a number of neighbours or tokens must not be negative");
    int64_t widest = 0;
    for (int64_t m = 1; m < count; m++)
        if (spaces[m]->source.columns > spaces[widest]->source.columns) widest = m;
    for (int64_t m = 0; m < count; m++) {
        int64_t columns = spaces[m]->source.columns + spaces[widest]->source.columns;
        if (m != widest && columns > ES_COMPARE_COLUMNS)
            return es_fail(error, ES_UNSUPPORTED,
                           "%s: %lld columns with those of %s; spaces are compared up to %d",
                           spaces[m]->source.path, (long long)columns, spaces[widest]->source.path,
                           (int)ES_COMPARE_COLUMNS);
    }
    return ES_OK;
}

static es_status find_items(es_space *const *spaces, const es_drift_options *options,
                            es_drift *drift, es_error *error)
{
    es_shared_options match = {options->match, options->tokens, options->token_count};
    ES_TRY(es_shared_tokens_find(spaces, drift->count, &match, &drift->shared, error));
    int64_t n = drift->shared.count;
    if (n < FEWEST_ITEMS)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: the checkpoints share %lld token%s; drift needs %d at least",
                       spaces[0]->source.path, (long long)n, n == 1 ? "" : "s", (int)FEWEST_ITEMS);
    if (n > INT32_MAX / 2)
        return es_fail(error, ES_UNSUPPORTED, "%s: more than %d shared tokens",
                       spaces[0]->source.path, INT32_MAX / 2);
    if (options->k >= n)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "k must be from 1 to %lld (the shared tokens less one), not %lld",
                       (long long)n - 1, (long long)options->k);
    /* As compare: of few tokens no more than half. */
    drift->k = options->k ? options->k : n > 2 * DEFAULT_K ? DEFAULT_K : n / 2;
    drift->expected = (double)drift->k / (double)(n - 1);
    return ES_OK;
}

/* ---- the series -------------------------------------------------------------------------------
 */

typedef struct drifting {
    es_space *const *spaces;
    es_drift *out;
    storage *kept;
    int64_t n, steps, shown;
    es_pair_job job;
    es_stages stages;
    es_model_part first, last, between[2];
    int64_t *common; /* (n) of the pair looked at */
    double *drift;   /* (n) of it */
    double *drifts;  /* (n, steps) */
} drifting;

static double knn_weight(const drifting *work, int64_t m)
{
    double n = (double)work->n;
    return n * n * (double)work->spaces[m]->source.columns / 6e6;
}

/* Estimates of time, in millions of multiply-adds. */
static void plan(drifting *work)
{
    double n = (double)work->n, columns = 0, count = (double)work->out->count;
    for (int64_t m = 0; m < work->out->count; m++) {
        columns = fmax(columns, (double)work->spaces[m]->source.columns);
        work->stages.total += knn_weight(work, m);
    }
    work->job.closed_weight = 4 * n * columns * columns / 1e6;
    work->job.neighbors_weight = 3 * n * (double)work->out->k * columns / 1e6;
    double pairs = count > 2 ? 3 * (count - 2) : 1;
    work->stages.total += pairs * (work->job.closed_weight + work->job.neighbors_weight);
}

static es_status make_part(drifting *work, int64_t m, es_model_part *part, es_error *error)
{
    const es_shared_tokens *shared = &work->out->shared;
    ES_TRY(es_model_part_make(work->spaces[m], shared->ids + m, shared->count, shared->models,
                              work->job.threads, part, error));
    es_progress progress = es_stages_next(&work->stages, knn_weight(work, m));
    return es_model_part_neighbors(part, work->out->k, work->job.threads, &progress, error);
}

/* Part a against part b: *measures, and the counts of work->common; work->drift on request. */
static es_status measure(drifting *work, es_model_part *a, es_model_part *b, bool with_drift,
                         es_drift_measures *measures, es_error *error)
{
    es_pair_comparison pair = {0};
    work->job.a = a;
    work->job.b = b;
    ES_TRY(es_pair_closed(&work->job, &pair, error));
    es_progress progress = es_stages_next(&work->stages, work->job.neighbors_weight);
    ES_TRY(es_pair_lists(&work->job, &progress, work->common, with_drift ? work->drift : NULL,
                         &pair.overlap, error));
    measures->mutual = pair.overlap.mutual;
    measures->jaccard = pair.overlap.jaccard;
    measures->rsa = pair.rsa.pearson;
    measures->cka = pair.cka.debiased;
    measures->cka_linear = pair.cka.linear;
    measures->procrustes_cosine = pair.procrustes.mean_cosine;
    measures->procrustes_residual = pair.procrustes.residual;
    return ES_OK;
}

static es_drift_measures against(const es_drift_measures *same, int64_t checkpoint)
{
    es_drift_measures measures = *same;
    measures.against = checkpoint;
    return measures;
}

static void describe(drifting *work, int64_t m, const es_model_part *part)
{
    es_drift_checkpoint *checkpoint = &work->out->checkpoints[m];
    checkpoint->columns = part->d;
    checkpoint->mean_cosine = part->mean_cosine;
    checkpoint->effective_rank = part->spectrum.effective_rank;
    checkpoint->participation_ratio = part->spectrum.participation_ratio;
    checkpoint->isoscore = part->d > 1 ? (part->stored_ratio - 1) / (double)(part->d - 1) : NAN;
}

static void keep_step(drifting *work, int64_t m)
{
    for (int64_t i = 0; i < work->n; i++) {
        work->kept->common[i * work->steps + m - 1] = (int32_t)work->common[i];
        work->drifts[i * work->steps + m - 1] = work->drift[i];
    }
}

static void keep_ends(drifting *work)
{
    for (int64_t i = 0; i < work->n; i++) work->kept->ends_common[i] = (int32_t)work->common[i];
}

/* Checkpoint m between the ends: three pairs, or two where the first is the one before. */
static es_status add_between(drifting *work, int64_t m, es_model_part *before,
                             es_model_part *present, es_error *error)
{
    es_drift_checkpoint *here = &work->out->checkpoints[m];
    ES_TRY(make_part(work, m, present, error));
    ES_TRY(measure(work, before, present, true, &here->previous, error));
    keep_step(work, m);
    if (m == 1)
        here->first = against(&here->previous, 0);
    else
        ES_TRY(measure(work, &work->first, present, false, &here->first, error));
    /* The last one's step is the same pair, and its drift is asked for. */
    bool is_step = m == work->steps - 1;
    ES_TRY(measure(work, present, &work->last, is_step, &here->last, error));
    if (is_step) {
        keep_step(work, m + 1);
        work->out->checkpoints[m + 1].previous = against(&here->last, m);
    }
    describe(work, m, present);
    return ES_OK;
}

static es_status go_along(drifting *work, es_error *error)
{
    es_drift_checkpoint *all = work->out->checkpoints;
    int64_t end = work->steps;
    ES_TRY(make_part(work, 0, &work->first, error));
    ES_TRY(make_part(work, end, &work->last, error));
    ES_TRY(measure(work, &work->first, &work->last, end == 1, &all[end].first, error));
    keep_ends(work);
    describe(work, 0, &work->first);
    describe(work, end, &work->last);
    all[0].last = against(&all[end].first, end);
    if (end == 1) {
        keep_step(work, 1);
        all[1].previous = against(&all[1].first, 0);
    }
    es_model_part *before = &work->first;
    for (int64_t m = 1; m < end; m++) {
        es_model_part *present = &work->between[m % 2];
        es_model_part_release(present);
        ES_TRY(add_between(work, m, before, present, error));
        before = present;
    }
    for (int m = 0; m < 2; m++) {
        es_model_part *part = m ? &work->last : &work->first;
        work->kept->ends[m] = part->knn;
        part->knn = (es_knn){0};
    }
    return ES_OK;
}

/* ---- tokens -----------------------------------------------------------------------------------
 */

typedef struct ranked {
    int64_t item, common;
    double drift;
} ranked;

static int compare_unstable(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->common != y->common) return x->common < y->common ? -1 : 1;
    if (x->drift != y->drift) return x->drift > y->drift ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static int compare_stable(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->common != y->common) return x->common > y->common ? -1 : 1;
    if (x->drift != y->drift) return x->drift < y->drift ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static es_drift_token token_of(const drifting *work, int64_t i)
{
    const storage *kept = work->kept;
    const double *drifts = work->drifts + i * work->steps;
    int64_t k = work->out->k, most = 0;
    es_drift_token token = {.item = i,
                            .stability = work->out->stabilities[i],
                            .common = kept->common + i * work->steps,
                            .common_ends = kept->ends_common[i]};
    for (int64_t s = 1; s < work->steps; s++) {
        bool fewer = token.common[s] < token.common[most];
        bool farther = token.common[s] == token.common[most] && drifts[s] > drifts[most];
        if (fewer || farther) most = s;
    }
    token.moved_most = most + 1;
    for (int m = 0; m < 2; m++) {
        token.neighbors[m] = kept->ends[m].ids + i * k;
        token.cosines[m] = kept->ends[m].cosines + i * k;
    }
    return token;
}

static void rank_items(drifting *work, ranked *all)
{
    es_drift *out = work->out;
    double possible = (double)work->steps * (double)out->k, kept = 0;
    for (int64_t i = 0; i < work->n; i++) {
        all[i] = (ranked){.item = i};
        for (int64_t s = 0; s < work->steps; s++) {
            all[i].common += work->kept->common[i * work->steps + s];
            all[i].drift += work->drifts[i * work->steps + s];
        }
        out->stabilities[i] = (double)all[i].common / possible;
        out->unchanged += all[i].common == work->steps * out->k;
        out->gone += all[i].common == 0;
        kept += (double)all[i].common;
    }
    out->stability = kept / (possible * (double)work->n);
}

static es_status list_tokens(drifting *work, es_error *error)
{
    es_drift *out = work->out;
    int64_t shown = work->shown < work->n ? work->shown : work->n;
    ranked *all = es_alloc(work->n, sizeof *all);
    out->stable = es_alloc(shown, sizeof *out->stable);
    out->unstable = es_alloc(shown, sizeof *out->unstable);
    if (!all || !out->stable || !out->unstable) {
        free(all);
        return es_fail_memory(error, "tokens", (size_t)work->n * sizeof *all);
    }
    rank_items(work, all);
    out->shown = shown;
    qsort(all, (size_t)work->n, sizeof *all, compare_stable);
    for (int64_t i = 0; i < shown; i++) out->stable[i] = token_of(work, all[i].item);
    qsort(all, (size_t)work->n, sizeof *all, compare_unstable);
    for (int64_t i = 0; i < shown; i++) out->unstable[i] = token_of(work, all[i].item);
    free(all);
    return ES_OK;
}

/* ---- the work ---------------------------------------------------------------------------------
 */

static es_status allocate(drifting *work, es_error *error)
{
    static const es_drift_measures same = {-1, 1, 1, 1, 1, 1, 1, 0};
    static const es_drift_measures none = {-1, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    es_drift *out = work->out;
    int64_t n = work->n;
    size_t row = (size_t)work->steps;
    out->checkpoints = es_alloc(out->count, sizeof *out->checkpoints);
    out->stabilities = es_alloc(n, sizeof *out->stabilities);
    out->storage = work->kept = es_alloc(1, sizeof *work->kept);
    if (work->kept) {
        work->kept->common = es_alloc(n, row * sizeof *work->kept->common);
        work->kept->ends_common = es_alloc(n, sizeof *work->kept->ends_common);
    }
    work->common = es_alloc(n, sizeof *work->common);
    work->drift = es_alloc(n, sizeof *work->drift);
    work->drifts = es_alloc(n, row * sizeof *work->drifts);
    if (!out->checkpoints || !out->stabilities || !work->kept || !work->kept->common ||
        !work->kept->ends_common || !work->common || !work->drift || !work->drifts)
        return es_fail_memory(error, "a series", (size_t)n * row * 12);
    for (int64_t m = 0; m < out->count; m++) {
        es_drift_checkpoint *here = &out->checkpoints[m];
        here->first = against(m ? &none : &same, 0);
        here->previous = against(&none, m - 1);
        here->last = against(m < work->steps ? &none : &same, work->steps);
    }
    return ES_OK;
}

static es_status run(drifting *work, const es_drift_options *options, es_error *error)
{
    ES_TRY(find_items(work->spaces, options, work->out, error));
    work->n = work->out->shared.count;
    work->steps = work->out->count - 1;
    ES_TRY(allocate(work, error));
    plan(work);
    ES_TRY(go_along(work, error));
    return list_tokens(work, error);
}

es_status es_drift_compute(es_space *const *spaces, int64_t count, const es_drift_options *options,
                           es_drift *drift, es_error *error)
{
    static const es_drift_options defaults;
    if (!options) options = &defaults;
    *drift = (es_drift){.count = count};
    ES_TRY(check(spaces, count, options, error));
    drifting work = {
        .spaces = spaces, .out = drift, .shown = options->shown ? options->shown : DEFAULT_SHOWN};
    work.job.threads = es_thread_count(options->threads ? options->threads : spaces[0]->threads);
    work.job.stages = &work.stages;
    work.stages.outer = options->progress;
    es_status status = run(&work, options, error);
    es_model_part_release(&work.first);
    es_model_part_release(&work.last);
    es_model_part_release(&work.between[0]);
    es_model_part_release(&work.between[1]);
    free(work.common);
    free(work.drift);
    free(work.drifts);
    if (status != ES_OK) es_drift_release(drift);
    return status;
}
