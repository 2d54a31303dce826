/* An audit: a summary to act on, the strongest findings, and every one of them for programs. */
#include "render/csv.h"
#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <math.h>

/* One line for whoever releases the model. */
static const char *const advice[ES_AUDIT_CATEGORIES] = {
    "no text in training held these tokens: noise to the model; retrain, or keep them from users",
    "no text encodes to these: their rows are dead weight",
    "parts of characters, usual in a tokenizer of bytes: join tokens before showing text",
    "no plain text makes these, on purpose: keep users' text from being encoded with them",
    "rows for no token, usually padding: see that sampling cannot choose them",
    "tokens without a row: looking one up reads past the table; enlarge it",
    "NaN or infinity: any text with these breaks the model; look for a damaged file",
    "zero rows: no direction, no cosine; left out of every statistic",
    "norms far from the others': see whether training or a conversion did this",
    "equal to an earlier row, bit for bit: the model cannot tell the two apart",
    "nearly the direction of another row: the model hardly tells the two apart",
};

static es_bytes token_of(const es_space *space, int64_t id)
{
    return es_vocabulary_token(es_space_vocabulary(space), id);
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static void write_bool(es_json_writer *json, const char *key, bool value)
{
    es_json_write_key(json, key);
    es_json_write_bool(json, value);
}

/* What a finding of this category has besides what all have. */
static void write_evidence(es_json_writer *json, const es_space *space, const es_audit *audit,
                           const es_audit_finding *finding)
{
    int64_t id = finding->id;
    es_bytes token = token_of(space, id), other = token_of(space, finding->other);
    switch (finding->category) {
    case ES_AUDIT_UNTOUCHED:
        write_bool(json, "encodable", finding->encodable);
        es_json_member_double(json, "cosine_distance", audit->untouched.cosine[id]);
        es_json_member_double(json, "cosine_distance_without_first",
                              audit->untouched.without_first[id]);
        es_json_member_double(json, "cosine_distance_centered", audit->untouched.centered[id]);
        break;
    case ES_AUDIT_UNREACHABLE:
        es_json_write_key(json, "encodes_to");
        es_json_write_ints(json, finding->encoded,
                           finding->encoded_count < ES_AUDIT_ENCODED ? finding->encoded_count
                                                                     : ES_AUDIT_ENCODED);
        break;
    case ES_AUDIT_UNDECODABLE:
        es_json_write_key(json, "bytes");
        es_json_write_hex(json, token.data, token.size);
        break;
    case ES_AUDIT_DUPLICATE:
    case ES_AUDIT_NEAR:
        es_json_member_int(json, "other", finding->other);
        es_json_write_key(json, "other_text");
        es_json_write_bytes(json, other.data, other.size);
        break;
    default: break;
    }
}

static void write_finding(es_json_writer *json, const es_space *space, const es_audit *audit,
                          const es_audit_finding *finding)
{
    int64_t id = finding->id;
    bool has_row = id < audit->rows;
    es_json_write_object(json);
    es_json_write_key(json, "category");
    es_json_write_text(json, es_audit_category_text(finding->category));
    es_json_member_int(json, "id", id);
    es_render_json_token(json, space, id);
    es_json_member_double(json, "indicator", finding->indicator);
    double score = has_row ? audit->norm_scores[id] : NAN;
    bool zero = finding->category == ES_AUDIT_ZERO;
    es_json_member_double(json, "norm", zero ? 0 : isnan(score) ? NAN : audit->norms[id]);
    es_json_member_double(json, "norm_score", score);
    if (audit->other_norms && has_row)
        es_json_member_double(json, "other_norm", audit->other_norms[id]);
    write_evidence(json, space, audit, finding);
    es_json_write_end(json);
}

static void write_untouched(es_json_writer *json, const es_untouched *untouched)
{
    es_json_write_key(json, "untouched");
    es_json_write_object(json);
    write_bool(json, "found", untouched->found);
    es_json_write_key(json, "seed");
    es_json_write_text(json, es_audit_seed_text(untouched->seed));
    es_json_member_int(json, "seed_count", untouched->seed_count);
    es_json_member_int(json, "seed_kept", untouched->seed_kept);
    es_json_member_int(json, "count", untouched->count);
    es_json_member_int(json, "encodable", untouched->encodable);
    es_json_member_int(json, "iterations", untouched->iterations);
    es_json_member_double(json, "radius", untouched->radius);
    es_json_member_double(json, "typical", untouched->typical);
    es_json_member_double(json, "inner", untouched->inner);
    es_json_member_double(json, "outer", untouched->outer);
    es_json_member_int(json, "between", untouched->between);
    es_json_write_end(json);
}

void es_render_audit_members(es_json_writer *json, const es_space *space, const es_audit *audit)
{
    es_json_member_int(json, "rows", audit->rows);
    write_bool(json, "round_trip", audit->round_trip);
    es_json_write_key(json, "near_minimum");
    es_json_write_double(json, audit->near_minimum);
    es_json_write_key(json, "counts");
    es_json_write_object(json);
    for (int c = 0; c < ES_AUDIT_CATEGORIES; c++)
        es_json_member_int(json, es_audit_category_text((es_audit_category)c), audit->counts[c]);
    es_json_write_end(json);
    es_json_member_int(json, "duplicate_groups", audit->duplicate_groups);
    write_untouched(json, &audit->untouched);
    es_json_write_key(json, "norms");
    es_json_write_object(json);
    es_json_member_double(json, "median", audit->median_norm);
    es_json_member_double(json, "scale", audit->norm_scale);
    es_json_member_double(json, "threshold", ES_AUDIT_NORM_SCORE);
    es_json_write_end(json);
    es_json_write_key(json, "findings");
    es_json_write_array(json);
    for (int64_t i = 0; i < audit->count && !ferror(json->out); i++)
        write_finding(json, space, audit, &audit->findings[i]);
    es_json_write_end(json);
}

static void audit_lines(const es_space *space, const es_audit *audit, FILE *out)
{
    for (int64_t i = 0; i < audit->count && !ferror(out); i++) {
        es_json_writer json = es_json_write_to(out);
        json.one_line = true;
        write_finding(&json, space, audit, &audit->findings[i]);
    }
}

/* ---- CSV --------------------------------------------------------------------------------------
 */

static void csv_finding(es_csv *csv, const es_space *space, const es_audit *audit,
                        const es_audit_finding *finding)
{
    int64_t id = finding->id;
    bool has_row = id < audit->rows, ranked = audit->untouched.found && has_row;
    es_bytes token = token_of(space, id), other = token_of(space, finding->other);
    double score = has_row ? audit->norm_scores[id] : NAN;
    es_csv_text(csv, es_audit_category_text(finding->category));
    es_csv_int(csv, id);
    es_csv_bytes(csv, token.data, token.size);
    es_csv_double(csv, finding->indicator);
    es_csv_double(csv, isnan(score) ? NAN : audit->norms[id]);
    es_csv_double(csv, score);
    es_csv_double(csv, ranked ? audit->untouched.distance[id] : NAN);
    es_csv_double(csv, ranked ? audit->untouched.cosine[id] : NAN);
    if (finding->other >= 0)
        es_csv_int(csv, finding->other);
    else
        es_csv_text(csv, NULL);
    es_csv_bytes(csv, other.data, other.size);
    es_text ids = {0};
    for (int64_t i = 0; i < finding->encoded_count && i < ES_AUDIT_ENCODED; i++)
        es_text_printf(&ids, "%s%lld", i ? " " : "", (long long)finding->encoded[i]);
    es_csv_text(csv, ids.data);
    es_text_release(&ids);
    es_csv_end_line(csv);
}

static void audit_csv(const es_space *space, const es_audit *audit, FILE *out)
{
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (const char *const[]){"category", "id", "text", "indicator", "norm",
                                              "norm_score", "distance", "cosine_distance", "other",
                                              "other_text", "encodes_to", NULL});
    for (int64_t i = 0; i < audit->count && !ferror(out); i++)
        csv_finding(&csv, space, audit, &audit->findings[i]);
}

/* ---- for people -------------------------------------------------------------------------------
 */

static es_status print_summary(const es_audit *audit, const es_render_options *options, FILE *out,
                               es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "count", ES_ALIGN_RIGHT);
    es_table_column(&table, "finding", ES_ALIGN_LEFT);
    es_table_column(&table, "what it means, and what to do", ES_ALIGN_LEFT);
    for (int c = 0; c < ES_AUDIT_CATEGORIES; c++) {
        if (!audit->counts[c]) continue;
        es_table_count(&table, audit->counts[c]);
        es_table_cell(&table, es_audit_category_text((es_audit_category)c));
        es_table_cell(&table, advice[c]);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

static void add_named(es_text *text, const es_space *space, int64_t id)
{
    es_bytes token = token_of(space, id);
    es_text_printf(text, "@%lld", (long long)id);
    if (!token.data || es_vocabulary_get_kind(es_space_vocabulary(space)) == ES_VOCABULARY_NONE)
        return;
    es_text_add(text, " ");
    es_display_quoted(text, token.data, token.size);
}

/* Four places, or four digits of what would be all zeros. */
static void add_size(es_text *text, double value)
{
    if (value > 0 && value < 5e-4) {
        double power = floor(log10(value));
        es_text_fixed(text, value / pow(10, power), 3);
        es_text_printf(text, "e%d", (int)power);
    } else {
        es_text_fixed(text, value, 4);
    }
}

/* The number that says why, and what it counts. */
static void add_evidence(es_text *text, const es_space *space, const es_audit *audit,
                         const es_audit_finding *finding)
{
    int64_t id = finding->id;
    switch (finding->category) {
    case ES_AUDIT_UNTOUCHED:
        es_text_add(text, "distance ");
        add_size(text, finding->indicator);
        es_text_add(text, ", norm ");
        add_size(text, audit->norms[id]);
        break;
    case ES_AUDIT_UNREACHABLE:
        es_text_add(text, finding->encoded_count ? "encodes to" : "cannot be encoded");
        for (int64_t i = 0; i < finding->encoded_count && i < 4; i++) {
            es_text_add(text, i ? ", " : " ");
            add_named(text, space, finding->encoded[i]);
        }
        if (finding->encoded_count > 4) es_text_add(text, " ...");
        break;
    case ES_AUDIT_UNDECODABLE:
        es_text_printf(text, "%g ill-formed byte%s", finding->indicator,
                       finding->indicator > 1 ? "s" : "");
        break;
    case ES_AUDIT_NO_ROW: break;
    case ES_AUDIT_NON_FINITE:
        es_text_printf(text, "%g of the components", finding->indicator);
        break;
    case ES_AUDIT_NORM:
        es_text_add(text, "norm ");
        add_size(text, audit->norms[id]);
        es_text_add(text, ", score ");
        es_text_fixed(text, finding->indicator, 1);
        break;
    case ES_AUDIT_DUPLICATE:
        es_text_add(text, "equal to ");
        add_named(text, space, finding->other);
        es_text_printf(text, ", %g rows in all", finding->indicator);
        break;
    case ES_AUDIT_NEAR:
        es_text_add(text, "cosine ");
        es_text_fixed(text, finding->indicator, 6);
        es_text_add(text, " with ");
        add_named(text, space, finding->other);
        break;
    default: es_text_add(text, "norm "); add_size(text, finding->indicator);
    }
}

static es_status print_findings(const es_space *space, const es_audit *audit, int64_t most,
                                const es_render_options *options, FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "finding", ES_ALIGN_LEFT);
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "token");
    es_table_column(&table, "evidence", ES_ALIGN_LEFT);
    for (int64_t i = 0, shown = 0; i < audit->count; i++) {
        const es_audit_finding *finding = &audit->findings[i];
        bool first = !i || finding[-1].category != finding->category;
        shown = first ? 1 : shown + 1;
        if (shown > most) continue;
        es_bytes token = token_of(space, finding->id);
        es_text text = {0};
        add_evidence(&text, space, audit, finding);
        es_table_cell(&table, first ? es_audit_category_text(finding->category) : "");
        es_table_id(&table, finding->id);
        es_table_token(&table, token.data, token.size);
        es_table_cell(&table, text.data ? text.data : "");
        table.failed |= text.failed;
        es_text_release(&text);
    }
    fputc('\n', out);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

static const char *const seeds[] = {"", "single bytes that UTF-8 never has",
                                    "rows beyond the tokenizer", "tokens that no text encodes to"};

/* How the untouched rows were looked for, and with what result. */
static void add_search(es_text *text, const es_untouched *untouched)
{
    if (untouched->seed == ES_SEED_NONE) {
        es_text_add(text, "Untouched rows were not looked for: no row here is known to be out of "
                          "training's reach.\n");
        return;
    }
    es_text_add(text, "Untouched rows are looked for around what training cannot reach: ");
    es_text_count(text, untouched->seed_count);
    es_text_printf(text, " %s.\n", seeds[untouched->seed]);
    if (!untouched->found) {
        es_text_add(text, "Here these lie no nearer to each other than other rows do, so that "
                          "nothing can be said.\n");
        return;
    }
    es_text_count(text, untouched->seed_kept);
    es_text_add(text, " of these are untouched; half of all untouched rows lie within ");
    add_size(text, untouched->radius);
    es_text_add(text, " of their mean, half of the others beyond ");
    add_size(text, untouched->typical);
    es_text_add(text, ".\nOf the untouched, ");
    es_text_count(text, untouched->encodable);
    es_text_add(text, " are tokens that their own text encodes to: these a user can run into.\n");
    if (!untouched->between) return;
    es_text_count(text, untouched->between);
    es_text_printf(text, " more row%s between the untouched and the rest: trained little.\n",
                   untouched->between == 1 ? " lies" : "s lie");
}

static es_status print_remark(const es_space *space, const es_audit *audit, int64_t shown,
                              const es_render_options *options, FILE *out, es_error *error)
{
    es_text remark = {0};
    es_text_add(&remark, "\n");
    add_search(&remark, &audit->untouched);
    if (!audit->round_trip) {
        es_text_add(
            &remark,
            es_vocabulary_get_kind(es_space_vocabulary(space)) == ES_VOCABULARY_WORDS
                ? "A vocabulary of words has no tokenizer: no round trip of text was made.\n"
                : "Without a tokenizer no round trip of text was made.\n");
    }
    if (audit->median_norm > 0) {
        es_text_add(&remark, "Norms are odd from a robust z-score of ");
        es_text_fixed(&remark, ES_AUDIT_NORM_SCORE, 0);
        es_text_add(&remark, " of their logarithm on (median norm ");
        add_size(&remark, audit->median_norm);
        es_text_add(&remark, ").\n");
    }
    if (shown < audit->count) {
        es_text_add(&remark, "Shown: ");
        es_text_count(&remark, shown);
        es_text_add(&remark, " of ");
        es_text_count(&remark, audit->count);
        es_text_add(&remark, " findings (-k N, or all of them with --jsonl or --csv).\n");
    }
    if (remark.size) remark.data[--remark.size] = '\0'; /* the last line's end is the remark's */
    return es_render_remark(&remark, options, out, error);
}

es_status es_render_audit_body(const es_space *space, const es_audit *audit, int64_t most,
                               const es_render_options *options, FILE *out, es_error *error)
{
    int64_t shown = 0;
    for (int c = 0; c < ES_AUDIT_CATEGORIES; c++)
        shown += audit->counts[c] < most ? audit->counts[c] : most;
    if (audit->count) {
        ES_TRY(print_summary(audit, options, out, error));
        ES_TRY(print_findings(space, audit, most, options, out, error));
    } else {
        char rows[ES_NUMBER_TEXT];
        es_number_count(audit->rows, rows);
        fprintf(out, "nothing found in %s row%s\n", rows, audit->rows == 1 ? "" : "s");
    }
    return print_remark(space, audit, shown, options, out, error);
}

es_status es_render_audit(const es_space *space, const es_audit *audit, int64_t most,
                          const es_render_options *options, FILE *out, es_error *error)
{
    switch (options->output) {
    case ES_OUTPUT_JSON: {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "audit");
        es_render_audit_members(&json, space, audit);
        es_render_json_end(&json, options);
        break;
    }
    case ES_OUTPUT_JSONL: audit_lines(space, audit, out); break;
    case ES_OUTPUT_CSV: audit_csv(space, audit, out); break;
    default:
        ES_TRY(es_render_heading(space, options, out, error));
        ES_TRY(es_render_audit_body(space, audit, most, options, out, error));
    }
    return es_render_finish(out, error);
}
