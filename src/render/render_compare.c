/* A comparison, for people and as CSV. */
#include "render/csv.h"
#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <embscope/vocabulary.h>
#include <math.h>

enum { LISTED = 5 /* tokens and neighbours of each that a table has room for */ };

/* The token of an item in a model, or, where its rows have no names, in one that has them. */
static void add_quoted(es_text *text, es_space *const *spaces, const es_comparison *comparison,
                       int64_t item, int64_t model)
{
    int64_t named = model;
    for (int64_t m = 0; m < comparison->model_count; m++) {
        const es_vocabulary *own = es_space_vocabulary(spaces[named]);
        if (es_vocabulary_get_kind(own) == ES_VOCABULARY_NONE) named = m;
    }
    int64_t id = es_shared_id(&comparison->shared, item, named);
    es_bytes token = es_vocabulary_token(es_space_vocabulary(spaces[named]), id);
    if (token.data)
        es_display_quoted(text, token.data, token.size);
    else
        es_text_printf(text, "#%lld", (long long)id);
}

/* The first `most` neighbours, side by side. */
static void add_neighbors(es_text *text, es_space *const *spaces, const es_comparison *comparison,
                          const es_pair_comparison *pair, const es_moved_token *token, int m,
                          int64_t most)
{
    int64_t model = m ? pair->b : pair->a;
    for (int64_t j = 0; j < most && j < pair->overlap.k; j++) {
        if (j) es_text_add(text, " ");
        add_quoted(text, spaces, comparison, token->neighbors[m][j], model);
    }
}

/* ---- CSV --------------------------------------------------------------------------------------
 */

static void csv_tokens(es_csv *csv, es_space *const *spaces, const es_comparison *comparison,
                       const es_pair_comparison *pair, const char *list,
                       const es_moved_token *tokens)
{
    for (int64_t i = 0; i < pair->shown; i++) {
        int64_t id = es_shared_id(&comparison->shared, tokens[i].item, pair->a);
        es_bytes token = es_vocabulary_token(es_space_vocabulary(spaces[pair->a]), id);
        es_csv_int(csv, pair->a);
        es_csv_int(csv, pair->b);
        es_csv_text(csv, list);
        es_csv_int(csv, i + 1);
        es_csv_int(csv, id);
        es_csv_int(csv, es_shared_id(&comparison->shared, tokens[i].item, pair->b));
        es_csv_bytes(csv, token.data, token.size);
        es_csv_int(csv, tokens[i].common);
        es_csv_double(csv, tokens[i].drift);
        for (int m = 0; m < 2; m++) {
            es_text text = {0};
            add_neighbors(&text, spaces, comparison, pair, &tokens[i], m, pair->overlap.k);
            es_csv_bytes(csv, text.data, text.size);
            es_text_release(&text);
        }
        es_csv_end_line(csv);
    }
}

static void compare_csv(es_space *const *spaces, const es_comparison *comparison, FILE *out)
{
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv,
                  (const char *const[]){"a", "b", "list", "rank", "id_a", "id_b", "text", "common",
                                        "drift", "neighbors_a", "neighbors_b", NULL});
    for (int64_t p = 0; p < comparison->pair_count; p++) {
        const es_pair_comparison *pair = &comparison->pairs[p];
        csv_tokens(&csv, spaces, comparison, pair, "moved", pair->moved);
        csv_tokens(&csv, spaces, comparison, pair, "stable", pair->stable);
    }
}

/* ---- what is compared -------------------------------------------------------------------------
 */

static void letter(char out[2], int64_t model)
{
    out[0] = (char)('A' + model);
    out[1] = '\0';
}

static void say_match(es_text *text, const es_shared_tokens *shared)
{
    static const char *const rules[] = {"", "matched by their bytes", "matched as whole words",
                                        "matched as whole words in lower case",
                                        "matched by row number, as the tables name no rows"};
    es_text_count(text, shared->count);
    es_text_printf(text, " shared token%s, %s", shared->count == 1 ? "" : "s",
                   rules[shared->match]);
    if (shared->asked) {
        es_text_add(text, ", of ");
        es_text_count(text, shared->asked);
        es_text_add(text, " listed");
    }
    es_text_add(text, "\n");
}

static void say_coverage(es_text *text, const es_comparison *comparison)
{
    for (int64_t m = 0; m < comparison->model_count; m++) {
        const es_shared_of *of = &comparison->shared.of[m];
        char name[2];
        letter(name, m);
        es_text_printf(text, "%s%s: ", m ? "; " : "  ", name);
        es_text_fixed(text, 100 * of->coverage, 1);
        es_text_add(text, " % of ");
        es_text_count(text, of->rows);
        es_text_add(text, " rows");
        if (of->undefined) {
            es_text_add(text, " (left out, zero or non-finite: ");
            es_text_count(text, of->undefined);
            es_text_add(text, ")");
        }
        if (of->collided) {
            es_text_add(text, " (set aside, their name taken: ");
            es_text_count(text, of->collided);
            es_text_add(text, ")");
        }
    }
    es_text_add(text, "\n\n");
}

static es_status print_text(es_text *text, FILE *out, es_error *error)
{
    bool failed = text->failed;
    if (!failed) fputs(text->data ? text->data : "", out);
    es_text_release(text);
    return failed ? es_fail_memory(error, "a table", 0) : ES_OK;
}

es_status es_render_compare_heading(es_space *const *spaces, const es_comparison *comparison,
                                    const es_render_options *options, FILE *out, es_error *error)
{
    es_text text = {0};
    es_text_add(&text, es_ink_code(ES_INK_BOLD, options->color));
    for (int64_t m = 0; m < comparison->model_count; m++) {
        char name[2];
        letter(name, m);
        es_text_printf(&text, "%s: ", name);
        es_source_line(&text, es_space_source(spaces[m]));
        es_text_add(&text, "\n");
    }
    es_text_add(&text, es_ink_code(ES_INK_PLAIN, options->color));
    es_text_add(&text, "\n");
    return print_text(&text, out, error);
}

/* ---- measures ---------------------------------------------------------------------------------
 */

static void measure_line(es_table *table, const char *name, double value, const es_chance *chance)
{
    es_table_cell(table, name);
    es_table_number(table, value, 4);
    es_table_number(table, chance ? chance->observed : NAN, 4);
    es_table_number(table, chance ? chance->mean : NAN, 4);
    es_table_number(table, chance ? chance->level : NAN, 4);
    es_table_number(table, chance ? chance->score : NAN, 4);
    es_table_number(table, chance ? chance->p : NAN, 4);
}

static void add_measures(es_table *table, const es_pair_comparison *pair)
{
    const es_rsa *rsa = &pair->rsa;
    const es_procrustes *procrustes = &pair->procrustes;
    char name[64];
    measure_line(table, "RSA, Pearson", rsa->pearson, &rsa->chance);
    if (!isnan(rsa->rank_error)) {
        measure_line(table, "  Spearman", rsa->spearman, NULL);
        measure_line(table, "  rho_a", rsa->rho_a, NULL);
        if (!isnan(rsa->kendall)) measure_line(table, "  Kendall tau_a", rsa->kendall, NULL);
    }
    measure_line(table, "CKA, debiased", pair->cka.debiased, &pair->cka.debiased_chance);
    measure_line(table, "  linear", pair->cka.linear, &pair->cka.linear_chance);
    measure_line(table, "Procrustes, mean cosine", procrustes->mean_cosine, &procrustes->chance);
    measure_line(table, "  held-out tokens", procrustes->test_cosine, NULL);
    measure_line(table, "  residual", procrustes->residual, NULL);
    snprintf(name, sizeof name, "%lld nearest in common", (long long)pair->overlap.k);
    measure_line(table, name, pair->overlap.mutual, &pair->overlap.chance);
    measure_line(table, "  Jaccard", pair->overlap.jaccard, NULL);
}

static void say_pair(es_text *text, const es_pair_comparison *pair)
{
    const es_rsa *rsa = &pair->rsa;
    es_text_add(text, "RSA over ");
    es_text_count(text, rsa->pairs);
    es_text_add(text, " pairs");
    if (!isnan(rsa->low)) {
        es_text_add(text, "; 95 % of ");
        es_text_count(text, rsa->resamples);
        es_text_add(text, " resamples of ");
        es_text_count(text, rsa->interval_items);
        es_text_add(text, " tokens lie from ");
        es_text_fixed(text, rsa->low, 4);
        es_text_add(text, " to ");
        es_text_fixed(text, rsa->high, 4);
    }
    es_text_add(text, "\n");
    if (rsa->rank_error > 0) {
        es_text_add(text, "Spearman and rho_a within ");
        es_text_fixed(text, rsa->rank_error, 6);
        es_text_add(text, "\n");
    }
    es_text_count(text, pair->overlap.disjoint);
    es_text_add(text, " tokens have no neighbor in common, ");
    es_text_count(text, pair->overlap.unchanged);
    es_text_add(text, " the same in both\n");
}

static es_status print_measures(const es_pair_comparison *pair, const es_render_options *options,
                                FILE *out, es_error *error)
{
    es_table table = {0};
    es_text text = {0};
    es_table_column(&table, "", ES_ALIGN_LEFT);
    es_table_column(&table, "all", ES_ALIGN_RIGHT);
    es_table_column(&table, "sample", ES_ALIGN_RIGHT);
    es_table_column(&table, "permuted", ES_ALIGN_RIGHT);
    es_table_column(&table, "95 % level", ES_ALIGN_RIGHT);
    es_table_column(&table, "score", ES_ALIGN_RIGHT);
    es_table_column(&table, "p", ES_ALIGN_RIGHT);
    add_measures(&table, pair);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    es_text_add(&text, "\n");
    say_pair(&text, pair);
    es_status said = print_text(&text, out, error);
    return status ? status : said;
}

/* ---- spectra ----------------------------------------------------------------------------------
 */

static void add_model(es_table *table, const es_comparison *comparison, int64_t m)
{
    const es_compared_model *model = &comparison->models[m];
    char name[2];
    letter(name, m);
    es_table_cell(table, name);
    es_table_count(table, model->columns);
    es_table_number(table, model->mean_cosine, 4);
    es_table_number(table, model->deviation, 4);
    es_table_number(table, model->effective_rank, 1);
    es_table_number(table, model->participation_ratio, 1);
    for (int k = 0; k < 3; k++)
        es_table_number(table, k < model->share_count ? 100 * model->shares[k] : NAN, 1);
    if (model->has_categories) {
        es_table_number(table, model->within, 4);
        es_table_number(table, model->between, 4);
        es_table_number(table, model->cohens_d, 2);
        es_table_number(table, model->category_p, 4);
    }
    if (comparison->model_count > 2) {
        es_table_number(table, model->ceiling_lower, 4);
        es_table_number(table, model->ceiling_upper, 4);
    }
}

static es_status print_spectra(const es_comparison *comparison, const es_render_options *options,
                               FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "", ES_ALIGN_LEFT);
    static const char *const titles[] = {"columns",        "mean cosine", "deviation",
                                         "effective rank", "part. ratio", "1st %",
                                         "2nd %",          "3rd %"};
    static const char *const kinds[] = {"within", "between", "Cohen's d", "p"};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        es_table_column(&table, titles[i], ES_ALIGN_RIGHT);
    for (size_t i = 0; comparison->models[0].has_categories && i < 4; i++)
        es_table_column(&table, kinds[i], ES_ALIGN_RIGHT);
    if (comparison->model_count > 2) {
        es_table_column(&table, "RSA with the others' mean", ES_ALIGN_RIGHT);
        es_table_column(&table, "with all", ES_ALIGN_RIGHT);
    }
    for (int64_t m = 0; m < comparison->model_count; m++) add_model(&table, comparison, m);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    if (comparison->model_count < 3 || status != ES_OK) return status;
    es_text text = {0};
    es_text_add(&text, "\nnoise ceiling: no model of this spread can be expected to agree with the "
                       "others better than ");
    es_text_fixed(&text, comparison->ceiling_upper, 4);
    es_text_add(&text, ",\nand each does with ");
    es_text_fixed(&text, comparison->ceiling_lower, 4);
    es_text_add(&text, " on average\n");
    return print_text(&text, out, error);
}

/* ---- tokens -----------------------------------------------------------------------------------
 */

static es_status print_tokens(es_space *const *spaces, const es_comparison *comparison,
                              const es_pair_comparison *pair, const es_moved_token *tokens,
                              const char *title, const es_render_options *options, FILE *out,
                              es_error *error)
{
    es_table table = {0};
    char near_a[] = "nearest in A", near_b[] = "nearest in B";
    near_a[sizeof near_a - 2] = (char)('A' + pair->a);
    near_b[sizeof near_b - 2] = (char)('A' + pair->b);
    es_table_token_column(&table, title);
    es_table_column(&table, "common", ES_ALIGN_RIGHT);
    es_table_column(&table, "drift", ES_ALIGN_RIGHT);
    es_table_token_column(&table, near_a);
    es_table_token_column(&table, near_b);
    for (int64_t i = 0; i < pair->shown; i++) {
        es_text text = {0};
        add_quoted(&text, spaces, comparison, tokens[i].item, pair->a);
        es_table_cell(&table, text.data ? text.data : "");
        es_table_count(&table, tokens[i].common);
        es_table_number(&table, tokens[i].drift, 4);
        table.failed |= text.failed;
        es_text_release(&text);
        for (int m = 0; m < 2; m++) {
            add_neighbors(&text, spaces, comparison, pair, &tokens[i], m, LISTED);
            es_table_cell(&table, text.data ? text.data : "");
            table.failed |= text.failed;
            es_text_release(&text);
        }
    }
    fputs("\n", out);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

static es_status print_remark(const es_pair_comparison *pair, const es_render_options *options,
                              FILE *out, es_error *error)
{
    es_text remark = {0};
    es_text_add(&remark, "\nNo measure looks at the axes: a rotated space is the same space, and "
                         "each is 1 for it. all: over all\nshared tokens; sample: over ");
    bool whole = pair->rsa.chance.items > pair->cka.linear_chance.items;
    es_text_count(&remark, pair->cka.linear_chance.items);
    es_text_add(&remark, whole ? " of them (RSA, neighbors: all)" : " of them (neighbors: all)");
    es_text_add(&remark, ", where the tokens of one model were\npermuted ");
    es_text_count(&remark, pair->cka.linear_chance.permutations);
    es_text_add(&remark, " times (");
    if (whole) {
        es_text_add(&remark, "RSA: ");
        es_text_count(&remark, pair->rsa.chance.permutations);
        es_text_add(&remark, "; ");
    }
    es_text_add(&remark, "Procrustes: ");
    es_text_count(&remark, pair->procrustes.chance.permutations);
    es_text_add(&remark, "; neighbors: ");
    es_text_count(&remark, pair->overlap.chance.permutations);
    es_text_add(&remark, "). permuted: the mean then; score: how far the sample\nlies between the "
                         "95 % level of chance (0) and a perfect match (1). drift: how much nearer "
                         "a token's own\nneighbors are than those it has in the other model.");
    return es_render_remark(&remark, options, out, error);
}

es_status es_render_compare_body(es_space *const *spaces, const es_comparison *comparison,
                                 const es_render_options *options, FILE *out, es_error *error)
{
    es_text text = {0};
    say_match(&text, &comparison->shared);
    say_coverage(&text, comparison);
    ES_TRY(print_text(&text, out, error));
    ES_TRY(print_spectra(comparison, options, out, error));
    for (int64_t p = 0; p < comparison->pair_count; p++) {
        const es_pair_comparison *pair = &comparison->pairs[p];
        if (comparison->pair_count > 1)
            fprintf(out, "\n%s%c and %c%s\n", es_ink_code(ES_INK_BOLD, options->color),
                    (char)('A' + pair->a), (char)('A' + pair->b),
                    es_ink_code(ES_INK_PLAIN, options->color));
        fputs("\n", out);
        ES_TRY(print_measures(pair, options, out, error));
        ES_TRY(
            print_tokens(spaces, comparison, pair, pair->moved, "moved most", options, out, error));
        ES_TRY(print_tokens(spaces, comparison, pair, pair->stable, "moved least", options, out,
                            error));
    }
    return print_remark(&comparison->pairs[0], options, out, error);
}

es_status es_render_compare(es_space *const *spaces, const es_comparison *comparison,
                            const es_render_options *options, FILE *out, es_error *error)
{
    switch (options->output) {
    case ES_OUTPUT_JSON: {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, spaces[0], "compare");
        es_render_compare_members(&json, spaces, comparison);
        es_render_json_end(&json, options);
        break;
    }
    case ES_OUTPUT_CSV: compare_csv(spaces, comparison, out); break;
    default:
        ES_TRY(es_render_compare_heading(spaces, comparison, options, out, error));
        ES_TRY(es_render_compare_body(spaces, comparison, options, out, error));
    }
    return es_render_finish(out, error);
}
