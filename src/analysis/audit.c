/* The findings of all kinds, gathered and put in order. */
#include "analysis/audit_parts.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <embscope/near_pairs.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAD_TO_SIGMA 1.4826022185056018

static const char *const category_names[ES_AUDIT_CATEGORIES] = {
    "untouched",  "unreachable", "undecodable", "special",   "no_token", "no_row",
    "non_finite", "zero",        "norm",        "duplicate", "near"};

const char *es_audit_category_text(es_audit_category category)
{
    return category_names[category];
}

void es_audit_release(es_audit *audit)
{
    free(audit->findings);
    free(audit->norms);
    free(audit->norm_scores);
    free(audit->other_norms);
    free(audit->indicators);
    *audit = (es_audit){0};
}

int es_audit_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double es_audit_quantile(const double *ascending, int64_t count, double q)
{
    double place = q * (double)(count - 1);
    int64_t below = (int64_t)place;
    if (below + 1 >= count) return ascending[count - 1];
    double weight = place - (double)below;
    return ascending[below] + weight * (ascending[below + 1] - ascending[below]);
}

es_status es_findings_add(es_findings *findings, es_audit_finding finding, es_error *error)
{
    if (!es_grow((void **)&findings->items, &findings->capacity, findings->count + 1,
                 sizeof *findings->items))
        return es_fail_memory(error, "findings", (size_t)findings->count * 2 * sizeof finding);
    findings->items[findings->count++] = finding;
    return ES_OK;
}

static es_status add(es_findings *findings, es_audit_category category, int64_t id, int64_t other,
                     double indicator, es_error *error)
{
    return es_findings_add(
        findings,
        (es_audit_finding){.category = category, .id = id, .other = other, .indicator = indicator},
        error);
}

/* ---- norms ------------------------------------------------------------------------------------
 */

static void score_norms(es_audit *audit, const es_space *space, double *sorted)
{
    int64_t count = 0;
    for (int64_t i = 0; i < audit->rows; i++) {
        audit->norms[i] = space->norms[i];
        bool defined = space->states[i] == ES_ROW_DEFINED;
        audit->norm_scores[i] = defined ? log(space->norms[i]) : NAN;
        if (defined) sorted[count++] = audit->norm_scores[i];
    }
    audit->median_norm = audit->norm_scale = NAN;
    if (!count) return;
    qsort(sorted, (size_t)count, sizeof *sorted, es_audit_compare);
    double median = es_audit_quantile(sorted, count, 0.5);
    for (int64_t i = 0; i < count; i++) sorted[i] = fabs(sorted[i] - median);
    qsort(sorted, (size_t)count, sizeof *sorted, es_audit_compare);
    audit->median_norm = exp(median);
    audit->norm_scale =
        fmax(MAD_TO_SIGMA * es_audit_quantile(sorted, count, 0.5), ES_AUDIT_NORM_SCALE);
    for (int64_t i = 0; i < audit->rows; i++)
        audit->norm_scores[i] = (audit->norm_scores[i] - median) / audit->norm_scale;
}

static es_status count_non_finite(es_space *space, int64_t id, double *row, double *count,
                                  es_error *error)
{
    ES_TRY(es_space_read_rows(space, id, 1, row, error));
    *count = 0;
    for (int64_t k = 0; k < space->source.columns; k++) *count += !isfinite(row[k]);
    return ES_OK;
}

static es_status find_norms(es_space *space, es_audit *audit, es_findings *findings,
                            es_error *error)
{
    int64_t longest = audit->rows > space->source.columns ? audit->rows : space->source.columns;
    double *scratch = es_alloc(longest, sizeof *scratch), count;
    if (!scratch) return es_fail_memory(error, "norms", (size_t)longest * sizeof *scratch);
    score_norms(audit, space, scratch);
    es_status status = ES_OK;
    for (int64_t i = 0; i < audit->rows && status == ES_OK; i++) {
        if (space->states[i] == ES_ROW_ZERO) {
            status = add(findings, ES_AUDIT_ZERO, i, -1, 0, error);
        } else if (space->states[i] == ES_ROW_NON_FINITE) {
            status = count_non_finite(space, i, scratch, &count, error);
            if (status == ES_OK) status = add(findings, ES_AUDIT_NON_FINITE, i, -1, count, error);
        } else if (fabs(audit->norm_scores[i]) >= ES_AUDIT_NORM_SCORE) {
            status = add(findings, ES_AUDIT_NORM, i, -1, audit->norm_scores[i], error);
        }
    }
    free(scratch);
    return status;
}

/* The norms of the other of embedding and unembedding, where it is another table. */
static es_status read_other_norms(es_space *space, es_audit *audit, es_error *error)
{
    const es_tensor *other = space->other;
    es_tying tying;
    int64_t differing, d = space->source.columns;
    ES_TRY(es_space_tying(space, &tying, &differing, error));
    if (tying != ES_TYING_UNTIED || other->shape[0] != audit->rows || other->shape[1] != d)
        return ES_OK;
    int64_t size = d * (int64_t)es_dtype_size(other->dtype);
    char *stored = es_alloc(1, (size_t)size);
    double *row = es_alloc(d, sizeof *row);
    audit->other_norms = es_alloc(audit->rows, sizeof *audit->other_norms);
    es_status status = ES_OK;
    if (!stored || !row || !audit->other_norms)
        status = es_fail_memory(error, "norms", (size_t)audit->rows * sizeof *row);
    for (int64_t i = 0; i < audit->rows && status == ES_OK; i++) {
        status = es_file_read(&space->container.files[other->file], other->offset + i * size,
                              stored, size, error);
        if (status != ES_OK) break;
        es_row_state state;
        es_dtype_widen(other->dtype, stored, d, row);
        double norm = es_row_norm(space->kernel, row, d, &state);
        audit->other_norms[i] = state == ES_ROW_NON_FINITE ? NAN : norm;
    }
    free(stored);
    free(row);
    return status;
}

/* ---- equal rows -------------------------------------------------------------------------------
 */

/* leader[i]: the first row with the stored bytes of row i; size[i]: how many a leader has. */
static es_status lead_rows(const es_space *space, int64_t *leader, int64_t *size, es_error *error)
{
    int64_t n = space->source.rows;
    size_t bytes = (size_t)space->source.columns * es_dtype_size(space->tensor->dtype);
    es_map seen = {0};
    es_status status = ES_OK;
    if (!es_map_reserve(&seen, n)) status = es_fail_memory(error, "a table of rows", (size_t)n);
    for (int64_t i = 0; i < n && status == ES_OK; i++) {
        if (space->states[i] != ES_ROW_DEFINED) continue;
        es_bytes row = {(const char *)space->rows + (size_t)i * bytes, bytes};
        leader[i] = i;
        es_map_put put = es_map_insert(&seen, row, i, &leader[i]);
        if (put == ES_MAP_NO_MEMORY) status = es_fail_memory(error, "a table of rows", (size_t)n);
        if (put == ES_MAP_ADDED) leader[i] = i;
        size[leader[i]]++;
    }
    es_map_release(&seen);
    return status;
}

static es_status find_duplicates(const es_space *space, es_audit *audit, es_findings *findings,
                                 es_error *error)
{
    int64_t *leader = es_alloc(2 * audit->rows, sizeof *leader);
    if (!leader) return es_fail_memory(error, "a table of rows", (size_t)audit->rows * 16);
    int64_t *size = leader + audit->rows;
    es_status status = lead_rows(space, leader, size, error);
    for (int64_t i = 0; i < audit->rows && status == ES_OK; i++) {
        if (space->states[i] != ES_ROW_DEFINED) continue;
        audit->duplicate_groups += leader[i] == i && size[i] > 1;
        if (leader[i] != i)
            status =
                add(findings, ES_AUDIT_DUPLICATE, i, leader[i], (double)size[leader[i]], error);
    }
    free(leader);
    return status;
}

static es_status find_near(es_space *space, const es_audit_options *options, es_findings *findings,
                           es_error *error)
{
    es_near_pairs pairs;
    es_near_pairs_options near = {.minimum = options->near_minimum,
                                  .threads = options->threads,
                                  .progress = options->progress};
    ES_TRY(es_near_pairs_compute(space, &near, &pairs, error));
    es_status status = ES_OK;
    for (int64_t i = 0; i < pairs.count && status == ES_OK; i++)
        status = add(findings, ES_AUDIT_NEAR, pairs.pairs[i].a, pairs.pairs[i].b,
                     pairs.pairs[i].cosine, error);
    es_near_pairs_release(&pairs);
    return status;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

/* How strong a finding is among those of its category: small first. */
static double rank(const es_audit_finding *finding)
{
    switch (finding->category) {
    case ES_AUDIT_UNTOUCHED: return finding->indicator;
    case ES_AUDIT_NORM: return -fabs(finding->indicator);
    case ES_AUDIT_NON_FINITE:
    case ES_AUDIT_NEAR: return -finding->indicator;
    case ES_AUDIT_DUPLICATE: return (double)finding->other;
    default: return 0;
    }
}

static int compare_findings(const void *x, const void *y)
{
    const es_audit_finding *a = x, *b = y;
    if (a->category != b->category) return a->category < b->category ? -1 : 1;
    if (a->encodable != b->encodable) return a->encodable ? -1 : 1;
    double p = rank(a), q = rank(b);
    if (p != q) return p < q ? -1 : 1;
    if (a->id != b->id) return a->id < b->id ? -1 : 1;
    return (a->other > b->other) - (a->other < b->other);
}

/* Which untouched rows are tokens of plain text, by what the round trip found. */
static es_status add_untouched(const es_audit *audit, const unsigned char *members,
                               const unsigned char *odd, es_findings *findings, es_error *error)
{
    for (int64_t i = 0; i < audit->rows; i++) {
        if (!members[i]) continue;
        ES_TRY(add(findings, ES_AUDIT_UNTOUCHED, i, -1, audit->untouched.distance[i], error));
        findings->items[findings->count - 1].encodable = !odd[i];
    }
    return ES_OK;
}

static es_status find_untouched(es_space *space, const es_audit_options *options, es_audit *audit,
                                es_findings *findings, es_error *error)
{
    int64_t trips = findings->count;
    unsigned char *members = es_alloc(2 * audit->rows, 1);
    if (!members) return es_fail_memory(error, "rows", (size_t)audit->rows * 2);
    unsigned char *odd = members + audit->rows;
    for (int64_t i = 0; i < trips; i++)
        if (findings->items[i].id < audit->rows) odd[findings->items[i].id] = 1;
    es_status status = es_untouched_find(space, findings, options, audit, members, error);
    if (status == ES_OK) status = add_untouched(audit, members, odd, findings, error);
    for (int64_t i = trips; i < findings->count; i++)
        audit->untouched.encodable += findings->items[i].encodable;
    free(members);
    return status;
}

static es_status gather(es_space *space, const es_audit_options *options, es_audit *audit,
                        es_findings *findings, es_error *error)
{
    const double *norms;
    es_vocabulary_kind kind = es_vocabulary_get_kind(es_space_vocabulary(space));
    audit->round_trip = kind == ES_VOCABULARY_BPE || kind == ES_VOCABULARY_WORDPIECE;
    ES_TRY(es_space_load(space, error));
    ES_TRY(es_space_norms(space, &norms, error));
    audit->norms = es_alloc(audit->rows, sizeof *audit->norms);
    audit->norm_scores = es_alloc(audit->rows, sizeof *audit->norm_scores);
    if (!audit->norms || !audit->norm_scores)
        return es_fail_memory(error, "norms", (size_t)audit->rows * sizeof *audit->norms);
    if (audit->round_trip) ES_TRY(es_audit_round_trip(space, options, findings, error));
    ES_TRY(find_untouched(space, options, audit, findings, error));
    ES_TRY(find_norms(space, audit, findings, error));
    ES_TRY(find_duplicates(space, audit, findings, error));
    ES_TRY(read_other_norms(space, audit, error));
    return options->near ? find_near(space, options, findings, error) : ES_OK;
}

es_status es_audit_compute(es_space *space, const es_audit_options *given, es_audit *audit,
                           es_error *error)
{
    es_audit_options options = given ? *given : (es_audit_options){0};
    *audit = (es_audit){.rows = space->source.rows,
                        .near = options.near,
                        .near_minimum = options.near ? options.near_minimum : NAN};
    if (options.near && !(options.near_minimum >= -1 && options.near_minimum <= 1))
        return es_fail(error, ES_BAD_ARGUMENT, "a cosine is from -1 to 1, not %g",
                       options.near_minimum);
    if (!options.threads) options.threads = space->threads;
    es_findings findings = {0};
    es_status status = gather(space, &options, audit, &findings, error);
    audit->findings = findings.items;
    audit->count = findings.count;
    if (status != ES_OK) {
        es_audit_release(audit);
        return status;
    }
    if (findings.count)
        qsort(findings.items, (size_t)findings.count, sizeof *findings.items, compare_findings);
    for (int64_t i = 0; i < findings.count; i++) audit->counts[findings.items[i].category]++;
    return ES_OK;
}
