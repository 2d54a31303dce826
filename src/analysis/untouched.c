/* Rows that training never touched: from a few that nobody can have trained, grow the set of all
 * that lie like them. docs/mathematics.md says why a row is in or out, and how often that is wrong.
 */
#include "analysis/audit_parts.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "space/vocabulary_parts.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_ROWS = 64,
    FEWEST_SEEDS = 3,
    MOST_SEEDS = 512, /* compared pair by pair; more are thinned out evenly */
    FEWEST_OTHERS = 3,
    MOST_STEPS = 50,
    INDICATORS = 4,
};

#define ENVELOPE       4.0  /* standard deviations of the untouched rows' log distance */
#define EXPECTED_FALSE 0.05 /* trained rows among the untouched, in the whole table */
#define ONE_SIGMA      0.15865525393145707 /* the normal law below -1 */
#define MAD_TO_SIGMA   1.4826022185056018

typedef struct growth {
    es_space *space;
    const es_audit_options *options;
    int64_t *ids, count, d; /* defined rows */
    double scale;           /* a power of two: rows times it have norms of at most 2 */
    double *mean, *component;
    double *center;                /* (d): u */
    double *center_less;           /* (d): u without the first component */
    double *center_centered;       /* (d): u less the mean */
    double *logs;                  /* (count): log distance of each defined row */
    double *sorted;                /* (count) scratch */
    unsigned char *members, *next; /* (count), by place */
    int64_t member_count;
    double radius, inner, typical, outer; /* logarithms */
} growth;

static const char *const seed_names[] = {"none", "bytes", "rows", "unreachable"};

const char *es_audit_seed_text(es_audit_seed seed)
{
    return seed_names[seed];
}

/* ---- the law ----------------------------------------------------------------------------------
 */

/* z with P(a standard normal < -z) = p, 0 < p < 0.5. */
static double normal_depth(double p)
{
    double low = 0, high = 40;
    for (int i = 0; i < 100; i++) {
        double z = (low + high) / 2;
        if (0.5 * erfc(z * sqrt(0.5)) > p)
            low = z;
        else
            high = z;
    }
    return low;
}

/* Sort the logs of the members (or of all others that lie above `least`) into growth->sorted. */
static int64_t sort_logs(growth *growth, bool members, double least)
{
    int64_t count = 0;
    for (int64_t p = 0; p < growth->count; p++)
        if (growth->members[p] == members && growth->logs[p] > least)
            growth->sorted[count++] = growth->logs[p];
    qsort(growth->sorted, (size_t)count, sizeof *growth->sorted, es_audit_compare);
    return count;
}

/* Where the untouched rows end, by their own spread and by that of the others. False where there
 * are no others to speak of. */
static bool find_limits(growth *growth, bool first)
{
    int64_t count = sort_logs(growth, true, -INFINITY);
    growth->radius = es_audit_quantile(growth->sorted, count, 0.5);
    for (int64_t i = 0; i < count; i++)
        growth->sorted[i] = fabs(growth->sorted[i] - growth->radius);
    qsort(growth->sorted, (size_t)count, sizeof *growth->sorted, es_audit_compare);
    /* Noise in d dimensions has no smaller spread of its length than this. */
    double sigma = fmax(MAD_TO_SIGMA * es_audit_quantile(growth->sorted, count, 0.5),
                        1 / sqrt(2 * (double)growth->d));
    growth->inner = growth->radius + ENVELOPE * sigma;
    count = sort_logs(growth, false, first ? growth->inner : -INFINITY);
    if (count < FEWEST_OTHERS) return false;
    growth->typical = es_audit_quantile(growth->sorted, count, 0.5);
    double below = growth->typical - es_audit_quantile(growth->sorted, count, ONE_SIGMA);
    growth->outer = growth->typical - below * normal_depth(EXPECTED_FALSE / (double)count);
    return isfinite(growth->outer);
}

/* ---- passes over the rows ---------------------------------------------------------------------
 */

static es_status read_scaled(const growth *growth, int64_t row, double *out, es_error *error)
{
    ES_TRY(es_space_read_rows(growth->space, row, 1, out, error));
    for (int64_t k = 0; k < growth->d; k++) out[k] *= growth->scale;
    return ES_OK;
}

static es_status set_center(growth *growth, double *row, es_error *error)
{
    int64_t d = growth->d, members = 0;
    memset(growth->center, 0, (size_t)d * sizeof *growth->center);
    for (int64_t p = 0; p < growth->count; p++) {
        if (!growth->members[p]) continue;
        ES_TRY(read_scaled(growth, growth->ids[p], row, error));
        for (int64_t k = 0; k < d; k++) growth->center[k] += row[k];
        members++;
    }
    for (int64_t k = 0; k < d; k++) growth->center[k] /= (double)members;
    growth->member_count = members;
    return ES_OK;
}

/* Log distances to the mean of the members. Whether a row helped to make the mean must not show:
 * m members of radius r about a point have a mean at r / sqrt(m) from it, so that a member is at
 * r sqrt((m - 1) / m) from that mean, and another such row at r sqrt((m + 1) / m). */
static es_status measure_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    growth *growth = context;
    const es_kernel *kernel = growth->space->kernel;
    int64_t first = index * BLOCK_ROWS, end = first + BLOCK_ROWS, d = growth->d;
    double m = (double)growth->member_count;
    double floor = 0x1p-24 * sqrt(kernel->dot(growth->center, growth->center, d)) + DBL_MIN;
    double *row = es_alloc(d, sizeof *row);
    if (!row) return es_fail_memory(error, "a row", (size_t)d * sizeof *row);
    es_status status = ES_OK;
    for (int64_t p = first; p < end && p < growth->count && status == ES_OK; p++) {
        status = read_scaled(growth, growth->ids[p], row, error);
        for (int64_t k = 0; k < d; k++) row[k] -= growth->center[k];
        double factor = growth->members[p] ? m / (m - 1) : m / (m + 1);
        growth->logs[p] = log(fmax(sqrt(kernel->dot(row, row, d) * factor), floor));
    }
    free(row);
    return status;
}

static es_status measure(growth *growth, double *row, es_error *error)
{
    ES_TRY(set_center(growth, row, error));
    return es_parallel_for(growth->options->threads, (growth->count + BLOCK_ROWS - 1) / BLOCK_ROWS,
                           measure_block, growth, &growth->options->progress, error);
}

/* ---- growing ----------------------------------------------------------------------------------
 */

/* The tightest majority: the place of the seed row whose h-th nearest seed row is nearest, and
 * those h. Rows of the seed that were trained after all stay out, as long as they are the fewer.
 * *core is how many. */
static es_status choose_core(growth *growth, const int64_t *seed, int64_t count, int64_t *core,
                             es_error *error)
{
    int64_t d = growth->d, kept = count < MOST_SEEDS ? count : MOST_SEEDS, best = 0;
    const es_kernel *kernel = growth->space->kernel;
    double *rows = es_alloc(kept + 1, (size_t)d * sizeof *rows), nearest = INFINITY, limit;
    double *squares = es_alloc(2 * kept, sizeof *squares), *order = squares ? squares + kept : NULL;
    *core = kept / 2 + 1;
    es_status status = ES_OK;
    if (!rows || !squares) status = es_fail_memory(error, "the seed", (size_t)(kept * d) * 8);
    for (int64_t i = 0; i < kept && status == ES_OK; i++)
        status = read_scaled(growth, growth->ids[seed[i * count / kept]], rows + i * d, error);
    for (int64_t i = 0; i <= kept && status == ES_OK;
         i++) { /* the best one once more, at the end */
        int64_t from = i < kept ? i : best;
        double *difference = rows + kept * d;
        for (int64_t j = 0; j < kept; j++) {
            for (int64_t k = 0; k < d; k++) difference[k] = rows[from * d + k] - rows[j * d + k];
            order[j] = squares[j] = kernel->dot(difference, difference, d);
        }
        qsort(order, (size_t)kept, sizeof *order, es_audit_compare);
        limit = order[*core - 1];
        if (limit < nearest) nearest = limit, best = i;
    }
    memset(growth->members, 0, (size_t)growth->count);
    for (int64_t j = 0, taken = 0; j < kept && status == ES_OK; j++)
        if (squares[j] <= nearest && taken < *core)
            growth->members[seed[j * count / kept]] = 1, taken++;
    free(rows);
    free(squares);
    return status;
}

/* To the set that stays as it is. *found is false where there is none that has the core in it. */
static es_status grow(growth *growth, int64_t core, double *row, bool *found, int64_t *steps,
                      es_error *error)
{
    unsigned char *begun = es_alloc(growth->count, 1);
    if (!begun) return es_fail_memory(error, "rows", (size_t)growth->count);
    memcpy(begun, growth->members, (size_t)growth->count);
    es_status status = ES_OK;
    bool changed = true;
    *found = true;
    for (*steps = 0; changed && *found && *steps < MOST_STEPS; ++*steps) {
        if ((status = measure(growth, row, error)) != ES_OK) break;
        if (!(*found = find_limits(growth, *steps == 0))) break;
        double limit = fmin(growth->inner, growth->outer);
        int64_t kept = 0;
        for (int64_t p = 0; p < growth->count; p++) {
            growth->next[p] = growth->logs[p] <= limit;
            kept += growth->next[p] && begun[p];
        }
        changed = memcmp(growth->next, growth->members, (size_t)growth->count) != 0;
        *found = 2 * kept > core;
        if (!*found) break;
        memcpy(growth->members, growth->next, (size_t)growth->count);
    }
    *found = *found && !changed;
    free(begun);
    return status;
}

/* ---- the indicators ---------------------------------------------------------------------------
 */

static double cosine_distance(const es_kernel *kernel, const double *a, const double *b, int64_t d,
                              double least)
{
    double size = sqrt(kernel->dot(a, a, d)), other = sqrt(kernel->dot(b, b, d));
    if (!(size > least) || !(other > least)) return NAN;
    return 1 - kernel->dot(a, b, d) / (size * other);
}

static void take_off(const growth *growth, const double *row, double *out)
{
    double along = growth->space->kernel->dot(row, growth->component, growth->d);
    for (int64_t k = 0; k < growth->d; k++) out[k] = row[k] - along * growth->component[k];
}

typedef struct indication {
    const growth *growth;
    double *out; /* (INDICATORS, rows) */
    bool component;
} indication;

static es_status indicate_block(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const indication *job = context;
    const growth *growth = job->growth;
    const es_kernel *kernel = growth->space->kernel;
    int64_t first = index * BLOCK_ROWS, end = first + BLOCK_ROWS, d = growth->d;
    int64_t n = growth->space->source.rows;
    double *row = es_alloc(2, (size_t)d * sizeof *row), *part = row ? row + d : NULL;
    if (!row) return es_fail_memory(error, "a row", (size_t)d * 16);
    es_status status = ES_OK;
    for (int64_t p = first; p < end && p < growth->count && status == ES_OK; p++) {
        if ((status = read_scaled(growth, growth->ids[p], row, error)) != ES_OK) break;
        double *out = job->out + growth->ids[p];
        /* What is left of a row below this is rounding. */
        double least = 1e-12 * sqrt(kernel->dot(row, row, d));
        out[0] = exp(growth->logs[p]) / growth->scale;
        out[n] = cosine_distance(kernel, row, growth->center, d, 0);
        take_off(growth, row, part);
        out[2 * n] =
            job->component ? cosine_distance(kernel, part, growth->center_less, d, least) : NAN;
        for (int64_t k = 0; k < d; k++) part[k] = row[k] - growth->mean[k];
        out[3 * n] = cosine_distance(kernel, part, growth->center_centered, d, least);
    }
    free(row);
    return status;
}

static es_status indicate(growth *growth, es_audit *audit, es_error *error)
{
    int64_t n = growth->space->source.rows, d = growth->d;
    es_untouched *untouched = &audit->untouched;
    ES_TRY(es_first_component(growth->space, growth->ids, growth->count, growth->scale,
                              growth->options, growth->mean, growth->component, error));
    take_off(growth, growth->center, growth->center_less);
    for (int64_t k = 0; k < d; k++)
        growth->center_centered[k] = growth->center[k] - growth->mean[k];
    double *out = audit->indicators = es_alloc(INDICATORS * n, sizeof *audit->indicators);
    if (!out) return es_fail_memory(error, "indicators", (size_t)n * INDICATORS * sizeof *out);
    for (int64_t i = 0; i < INDICATORS * n; i++) out[i] = NAN;
    double size = growth->space->kernel->dot(growth->component, growth->component, d);
    indication job = {growth, out, size > 0};
    ES_TRY(es_parallel_for(growth->options->threads, (growth->count + BLOCK_ROWS - 1) / BLOCK_ROWS,
                           indicate_block, &job, &growth->options->progress, error));
    untouched->distance = out;
    untouched->cosine = out + n;
    untouched->without_first = out + 2 * n;
    untouched->centered = out + 3 * n;
    untouched->count = growth->member_count;
    untouched->radius = exp(growth->radius) / growth->scale;
    untouched->typical = exp(growth->typical) / growth->scale;
    untouched->inner = exp(growth->inner) / growth->scale;
    untouched->outer = exp(growth->outer) / growth->scale;
    for (int64_t p = 0; p < growth->count; p++)
        untouched->between += !growth->members[p] && growth->logs[p] <= growth->outer;
    return ES_OK;
}

/* ---- seeds ------------------------------------------------------------------------------------
 */

/* Is the token a byte that no UTF-8 text has? */
static bool is_impossible(const es_vocabulary *vocabulary, int64_t id)
{
    es_bytes token = es_vocabulary_token(vocabulary, id);
    unsigned char byte = token.size == 1 ? (unsigned char)token.data[0] : 0;
    return vocabulary->bpe && (byte == 0xC0 || byte == 0xC1 || byte >= 0xF5) &&
           vocabulary->bpe->byte_id[byte] == id;
}

/* The places of the seed of this kind; returns how many. */
static int64_t gather_seed(const growth *growth, const es_findings *findings, es_audit_seed kind,
                           int64_t *places)
{
    const es_vocabulary *vocabulary = es_space_vocabulary(growth->space);
    int64_t count = 0, p = 0;
    if (kind == ES_SEED_BYTES) {
        for (p = 0; p < growth->count; p++)
            if (is_impossible(vocabulary, growth->ids[p])) places[count++] = p;
        return count;
    }
    es_audit_category wanted = kind == ES_SEED_ROWS ? ES_AUDIT_NO_TOKEN : ES_AUDIT_UNREACHABLE;
    for (int64_t i = 0; i < findings->count; i++) { /* ascending, as the places are */
        if (findings->items[i].category != wanted) continue;
        while (p < growth->count && growth->ids[p] < findings->items[i].id) p++;
        if (p < growth->count && growth->ids[p] == findings->items[i].id) places[count++] = p;
    }
    return count;
}

/* One kind after the other, until one stands apart. */
static es_status follow_seeds(growth *growth, const es_findings *findings, es_audit *audit,
                              unsigned char *members, es_error *error)
{
    es_untouched *untouched = &audit->untouched;
    int64_t *places = es_alloc(growth->count, sizeof *places);
    double *row = es_alloc(growth->d, sizeof *row);
    es_status status = ES_OK;
    if (!places || !row) status = es_fail_memory(error, "the seed", (size_t)growth->count * 8);
    for (int kind = ES_SEED_BYTES; kind <= ES_SEED_UNREACHABLE && status == ES_OK; kind++) {
        int64_t core, count = gather_seed(growth, findings, (es_audit_seed)kind, places);
        if (count < FEWEST_SEEDS) continue;
        untouched->seed = (es_audit_seed)kind;
        untouched->seed_count = count;
        status = choose_core(growth, places, count, &core, error);
        if (status == ES_OK)
            status = grow(growth, core, row, &untouched->found, &untouched->iterations, error);
        if (status != ES_OK || !untouched->found) continue;
        for (int64_t i = 0; i < count; i++) untouched->seed_kept += growth->members[places[i]];
        for (int64_t p = 0; p < growth->count; p++) members[growth->ids[p]] = growth->members[p];
        status = indicate(growth, audit, error);
        break;
    }
    free(places);
    free(row);
    return status;
}

es_status es_untouched_find(es_space *space, const es_findings *findings,
                            const es_audit_options *options, es_audit *audit,
                            unsigned char *members, es_error *error)
{
    audit->untouched = (es_untouched){.radius = NAN, .typical = NAN, .inner = NAN, .outer = NAN};
    growth growth = {.space = space, .options = options, .d = space->source.columns};
    ES_TRY(es_space_defined_rows(space, &growth.ids, &growth.count, error));
    double largest = DBL_MIN;
    for (int64_t p = 0; p < growth.count; p++) largest = fmax(largest, space->norms[growth.ids[p]]);
    growth.scale = ldexp(1, -ilogb(fmin(largest, DBL_MAX)));
    double *vectors = es_alloc(5, (size_t)growth.d * sizeof *vectors);
    growth.logs = es_alloc(2 * growth.count, sizeof *growth.logs);
    growth.members = es_alloc(2 * growth.count, 1);
    es_status status = ES_OK;
    if (!vectors || !growth.logs || !growth.members) {
        status = es_fail_memory(error, "log distances", (size_t)growth.count * 18);
    } else {
        growth.sorted = growth.logs + growth.count;
        growth.next = growth.members + growth.count;
        growth.mean = vectors;
        growth.component = vectors + growth.d;
        growth.center = vectors + 2 * growth.d;
        growth.center_less = vectors + 3 * growth.d;
        growth.center_centered = vectors + 4 * growth.d;
        status = follow_seeds(&growth, findings, audit, members, error);
    }
    free(vectors);
    free(growth.ids);
    free(growth.logs);
    free(growth.members);
    return status;
}
