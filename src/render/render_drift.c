/* A series, for people and as CSV. */
#include "render/render_drift.h"
#include "render/csv.h"
#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <string.h>

enum { LISTED = 5 /* neighbours that a table has room for */, STEPS_SHOWN = 8, LABEL = 36 };

/* ---- labels -----------------------------------------------------------------------------------
 */

/* How many bytes of folders all names start with. */
static size_t common_folders(const char *const *names, int64_t count)
{
    size_t end = 0;
    for (size_t at = 0; names[0][at]; at++) {
        for (int64_t m = 1; m < count; m++)
            if (names[m][at] != names[0][at]) return end;
        if (names[0][at] == '/' && names[0][at + 1]) end = at + 1;
    }
    return end;
}

/* How many bytes all names end in that begin with a point or a slash: "/model.safetensors". Of no
 * name less than a byte is left between `start` and it. */
static size_t common_ending(const char *const *names, int64_t count, size_t start)
{
    size_t common = 0, first = strlen(names[0]);
    for (bool same = true; same; common += same) {
        for (int64_t m = 0; m < count && same; m++) {
            size_t size = strlen(names[m]);
            same = common + 1 + start < size &&
                   names[m][size - common - 1] == names[0][first - common - 1];
        }
    }
    const char *at = names[0] + first - common;
    at += strcspn(at, "./");
    return strlen(at);
}

void es_drift_label(es_text *text, const char *const *names, int64_t count, int64_t m, int columns)
{
    size_t start = common_folders(names, count), end = common_ending(names, count, start);
    es_text whole = {0};
    es_display_plain(&whole, names[m] + start, strlen(names[m]) - start - end);
    text->failed |= whole.failed;
    const char *shown = whole.data ? whole.data : "";
    if (es_display_width(shown, whole.size) > columns) {
        /* The end tells checkpoints apart. */
        while (es_display_width(shown, strlen(shown)) >= columns ||
               ((unsigned char)*shown & 0xC0) == 0x80)
            shown++;
        es_text_add(text, "…");
    }
    es_text_add(text, shown);
    es_text_release(&whole);
}

static void label_cell(es_table *table, const char *const *names, int64_t count, int64_t m)
{
    es_text text = {0};
    es_drift_label(&text, names, count, m, LABEL);
    table->failed |= text.failed;
    es_table_cell(table, text.data ? text.data : "");
    es_text_release(&text);
}

/* ---- CSV --------------------------------------------------------------------------------------
 */

static void csv_measures(es_csv *csv, const es_drift_measures *measures)
{
    es_csv_double(csv, measures->mutual);
    es_csv_double(csv, measures->jaccard);
    es_csv_double(csv, measures->rsa);
    es_csv_double(csv, measures->cka);
    es_csv_double(csv, measures->cka_linear);
    es_csv_double(csv, measures->procrustes_cosine);
    es_csv_double(csv, measures->procrustes_residual);
}

static void drift_csv(const char *const *names, const es_drift *drift, FILE *out)
{
    static const char *const against[] = {"first", "previous", "last"};
    static const char *const measures[] = {"mutual",
                                           "jaccard",
                                           "rsa",
                                           "cka",
                                           "cka_linear",
                                           "procrustes_cosine",
                                           "procrustes_residual"};
    es_csv csv = es_csv_to(out);
    es_csv_text(&csv, "checkpoint");
    es_csv_text(&csv, "model");
    es_csv_text(&csv, "mean_cosine");
    es_csv_text(&csv, "effective_rank");
    es_csv_text(&csv, "participation_ratio");
    es_csv_text(&csv, "isoscore");
    for (size_t a = 0; a < 3; a++)
        for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
            char name[64];
            snprintf(name, sizeof name, "%s_%s", against[a], measures[i]);
            es_csv_text(&csv, name);
        }
    es_csv_end_line(&csv);
    for (int64_t m = 0; m < drift->count; m++) {
        const es_drift_checkpoint *here = &drift->checkpoints[m];
        es_csv_int(&csv, m);
        es_csv_text(&csv, names[m]);
        es_csv_double(&csv, here->mean_cosine);
        es_csv_double(&csv, here->effective_rank);
        es_csv_double(&csv, here->participation_ratio);
        es_csv_double(&csv, here->isoscore);
        csv_measures(&csv, &here->first);
        csv_measures(&csv, &here->previous);
        csv_measures(&csv, &here->last);
        es_csv_end_line(&csv);
    }
}

/* ---- what is compared -------------------------------------------------------------------------
 */

static es_status print_text(es_text *text, FILE *out, es_error *error)
{
    bool failed = text->failed;
    if (!failed) fputs(text->data ? text->data : "", out);
    es_text_release(text);
    return failed ? es_fail_memory(error, "a table", 0) : ES_OK;
}

static int64_t left_out(const es_shared_tokens *shared)
{
    int64_t most = 0;
    for (int64_t m = 0; m < shared->models; m++)
        if (shared->of[m].undefined > most) most = shared->of[m].undefined;
    return most;
}

static es_status print_heading(es_space *const *spaces, const es_drift *drift,
                               const es_render_options *options, FILE *out, es_error *error)
{
    static const char *const rules[] = {"", "by their bytes", "as whole words",
                                        "as whole words in lower case",
                                        "by row number, as the tables name no rows"};
    const es_shared_tokens *shared = &drift->shared;
    es_text text = {0};
    es_text_printf(&text,
                   "%s%lld checkpoints; the first: ", es_ink_code(ES_INK_BOLD, options->color),
                   (long long)drift->count);
    es_source_line(&text, es_space_source(spaces[0]));
    es_text_printf(&text, "%s\n\n", es_ink_code(ES_INK_PLAIN, options->color));
    es_text_count(&text, shared->count);
    es_text_printf(&text, " shared tokens, matched %s", rules[shared->match]);
    if (shared->asked) {
        es_text_add(&text, ", of ");
        es_text_count(&text, shared->asked);
        es_text_add(&text, " listed");
    }
    if (left_out(shared)) {
        es_text_add(&text, "; left out, zero or non-finite in a checkpoint: ");
        es_text_count(&text, left_out(shared));
        es_text_add(&text, " or more");
    }
    for (int64_t m = 0; m < drift->count; m++) {
        if (shared->of[m].coverage >= 1 || shared->asked) continue;
        es_text_add(&text, "\n  ");
        es_text_fixed(&text, 100 * shared->of[m].coverage, 1);
        es_text_add(&text, " % of the rows of ");
        es_text_add(&text, es_space_source(spaces[m])->path);
    }
    es_text_add(&text, "\n\n");
    return print_text(&text, out, error);
}

/* ---- checkpoints ------------------------------------------------------------------------------
 */

static void place_columns(es_table *table, const char *title)
{
    char first[48];
    snprintf(first, sizeof first, "%s first", title);
    es_table_column(table, first, ES_ALIGN_RIGHT);
    es_table_column(table, "before", ES_ALIGN_RIGHT);
    es_table_column(table, "last", ES_ALIGN_RIGHT);
}

static es_status print_places(const char *const *names, const es_drift *drift,
                              const es_render_options *options, FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "checkpoint", ES_ALIGN_LEFT);
    es_table_column(&table, "mean cosine", ES_ALIGN_RIGHT);
    es_table_column(&table, "effective rank", ES_ALIGN_RIGHT);
    es_table_column(&table, "IsoScore", ES_ALIGN_RIGHT);
    char title[40];
    snprintf(title, sizeof title, "%lld nearest:", (long long)drift->k);
    place_columns(&table, title);
    for (int64_t m = 0; m < drift->count; m++) {
        const es_drift_checkpoint *here = &drift->checkpoints[m];
        label_cell(&table, names, drift->count, m);
        es_table_number(&table, here->mean_cosine, 4);
        es_table_number(&table, here->effective_rank, 1);
        es_table_number(&table, here->isoscore, 4);
        es_table_number(&table, here->first.mutual, 4);
        es_table_number(&table, here->previous.mutual, 4);
        es_table_number(&table, here->last.mutual, 4);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    fputs("\n", out);
    return status;
}

static es_status print_shapes(const char *const *names, const es_drift *drift,
                              const es_render_options *options, FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "checkpoint", ES_ALIGN_LEFT);
    place_columns(&table, "RSA:");
    place_columns(&table, "CKA:");
    place_columns(&table, "Procrustes:");
    for (int64_t m = 0; m < drift->count; m++) {
        const es_drift_checkpoint *here = &drift->checkpoints[m];
        const es_drift_measures *all[] = {&here->first, &here->previous, &here->last};
        label_cell(&table, names, drift->count, m);
        for (int a = 0; a < 3; a++) es_table_number(&table, all[a]->rsa, 4);
        for (int a = 0; a < 3; a++) es_table_number(&table, all[a]->cka, 4);
        for (int a = 0; a < 3; a++) es_table_number(&table, all[a]->procrustes_cosine, 4);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

/* ---- tokens -----------------------------------------------------------------------------------
 */

static void add_quoted(es_text *text, const es_space *space, int64_t id)
{
    es_bytes token = es_vocabulary_token(es_space_vocabulary(space), id);
    if (token.data)
        es_display_quoted(text, token.data, token.size);
    else
        es_text_printf(text, "#%lld", (long long)id);
}

static void take_cell(es_table *table, es_text *text)
{
    table->failed |= text->failed;
    es_table_cell(table, text->data ? text->data : "");
    es_text_release(text);
}

static void add_token(es_table *table, es_space *const *spaces, const char *const *names,
                      const es_drift *drift, const es_drift_token *token)
{
    es_text text = {0};
    int64_t end = drift->count - 1;
    add_quoted(&text, spaces[0], es_shared_id(&drift->shared, token->item, 0));
    take_cell(table, &text);
    es_table_number(table, token->stability, 3);
    if (end > 1 && end <= STEPS_SHOWN) {
        for (int64_t s = 0; s < end; s++)
            es_text_printf(&text, "%s%lld", s ? " " : "", (long long)token->common[s]);
        take_cell(table, &text);
    }
    if (end > 1) {
        es_drift_label(&text, names, drift->count, token->moved_most, LABEL);
        take_cell(table, &text);
    }
    for (int m = 0; m < 2; m++) {
        for (int64_t j = 0; j < LISTED && j < drift->k; j++) {
            if (j) es_text_add(&text, " ");
            add_quoted(&text, spaces[m ? end : 0],
                       es_shared_id(&drift->shared, token->neighbors[m][j], m ? end : 0));
        }
        take_cell(table, &text);
    }
}

static es_status print_tokens(es_space *const *spaces, const char *const *names,
                              const es_drift *drift, const es_drift_token *tokens,
                              const char *title, const es_render_options *options, FILE *out,
                              es_error *error)
{
    es_table table = {0};
    int64_t end = drift->count - 1;
    es_table_token_column(&table, title);
    es_table_column(&table, "kept", ES_ALIGN_RIGHT);
    if (end > 1 && end <= STEPS_SHOWN) es_table_column(&table, "by each step", ES_ALIGN_LEFT);
    if (end > 1) es_table_column(&table, "moved most to", ES_ALIGN_LEFT);
    es_table_token_column(&table, "nearest in the first");
    es_table_token_column(&table, "nearest in the last");
    for (int64_t i = 0; i < drift->shown; i++) add_token(&table, spaces, names, drift, &tokens[i]);
    fputs("\n", out);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

/* ---- for people -------------------------------------------------------------------------------
 */

static es_status print_remark(const es_drift *drift, const es_render_options *options, FILE *out,
                              es_error *error)
{
    es_text remark = {0};
    es_text_add(&remark,
                "\nfirst, before, last: against which checkpoint. nearest: the share of a token's "
                "nearest tokens that\nboth have; of lists drawn by lot ");
    es_text_fixed(&remark, drift->expected, 4);
    es_text_add(&remark,
                ". RSA, CKA (debiased): about 0 for unrelated spaces.\nProcrustes: mean cosine "
                "after the best rotation; of unrelated spaces no less than their own mean\ncosine. "
                "kept: the share of its nearest tokens that a token keeps at a step, mean over the "
                "steps:\n");
    es_text_fixed(&remark, drift->stability, 4);
    es_text_add(&remark, " of all tokens; ");
    es_text_count(&remark, drift->gone);
    es_text_add(&remark, " keep none at any step, ");
    es_text_count(&remark, drift->unchanged);
    es_text_add(&remark, " keep all at every step.");
    return es_render_remark(&remark, options, out, error);
}

static es_status print_drift(es_space *const *spaces, const char *const *names,
                             const es_drift *drift, const es_render_options *options, FILE *out,
                             es_error *error)
{
    ES_TRY(print_heading(spaces, drift, options, out, error));
    ES_TRY(print_places(names, drift, options, out, error));
    ES_TRY(print_shapes(names, drift, options, out, error));
    ES_TRY(print_tokens(spaces, names, drift, drift->stable, "most stable", options, out, error));
    ES_TRY(
        print_tokens(spaces, names, drift, drift->unstable, "least stable", options, out, error));
    return print_remark(drift, options, out, error);
}

es_status es_render_drift(es_space *const *spaces, const char *const *names, const es_drift *drift,
                          const es_render_options *options, FILE *out, es_error *error)
{
    switch (options->output) {
    case ES_OUTPUT_JSON: {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, spaces[0], "drift");
        es_render_drift_members(&json, spaces, names, drift);
        es_render_json_end(&json, options);
        break;
    }
    case ES_OUTPUT_CSV: drift_csv(names, drift, out); break;
    default: ES_TRY(print_drift(spaces, names, drift, options, out, error));
    }
    return es_render_finish(out, error);
}
