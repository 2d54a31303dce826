/* matrix for people: its clusters, the random sets beside it, its categories. */
#include "render/render_matrix_tables.h"
#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <math.h>
#include <string.h>

enum {
    WIDEST_MEMBERS = 72,
    CLUSTERS_SHOWN = 40,
    WIDEST_MEANS = 12, /* categories whose table of means is printed */
};

/* ---- clusters ----------------------------------------------------------------------------------
 */

/* Tokens of a cluster in leaf order, as many as a line takes. */
static void add_members(es_table *table, const es_matrix *matrix, int64_t cluster)
{
    es_text text = {0};
    int64_t left = matrix->clusters.sizes[cluster];
    int width = 0;
    for (int64_t place = 0; place < matrix->n && left; place++) {
        int64_t i = matrix->order[place];
        if (matrix->clusters.labels[i] != cluster) continue;
        es_text quoted = {0};
        es_display_quoted(&quoted, matrix->items[i].text, matrix->items[i].text_size);
        int more = quoted.data ? es_display_width(quoted.data, quoted.size) + 1 : 0;
        table->failed |= quoted.failed;
        if (width && width + more > WIDEST_MEMBERS) {
            es_text_release(&quoted);
            break;
        }
        if (width) es_text_add(&text, " ");
        es_text_append(&text, quoted.data ? quoted.data : "", quoted.size);
        es_text_release(&quoted);
        width += more;
        left--;
    }
    if (left) es_text_printf(&text, " + %lld more", (long long)left);
    table->failed |= text.failed;
    es_table_cell(table, text.data ? text.data : "");
    es_text_release(&text);
}

static void say_how_many(es_text *remark, const es_flat_clusters *clusters)
{
    es_text_printf(remark, "\n%lld cluster%s", (long long)clusters->count,
                   clusters->count == 1 ? "" : "s");
    if (clusters->asked > clusters->count)
        es_text_printf(remark, " of %lld asked for: merges of one height stay together",
                       (long long)clusters->asked);
    else if (clusters->asked)
        es_text_add(remark, ", as asked for");
    else if (clusters->count > 1)
        es_text_printf(remark, ": of 2 to %lld the number with the best mean silhouette",
                       (long long)clusters->candidate_count + 1);
    else
        es_text_add(remark, ": there is no number of them to choose by silhouette");
    if (isnan(clusters->mean_silhouette)) {
        es_text_add(remark, ".");
        return;
    }
    es_text_add(remark, clusters->asked ? ", mean silhouette " : ", ");
    es_text_fixed(remark, clusters->mean_silhouette, 3);
    es_text_add(remark, " (1: far apart, 0: as near to another cluster as to its own).");
}

es_status es_render_matrix_clusters(const es_matrix *matrix, const es_render_options *options,
                                    FILE *out, es_error *error)
{
    const es_flat_clusters *clusters = &matrix->clusters;
    es_table table = {0};
    es_text remark = {0};
    if (!clusters->labels) return ES_OK;
    es_table_column(&table, "cluster", ES_ALIGN_RIGHT);
    es_table_column(&table, "tokens", ES_ALIGN_RIGHT);
    es_table_column(&table, "silhouette", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "in leaf order");
    for (int64_t c = 0; c < clusters->count && c < CLUSTERS_SHOWN; c++) {
        es_table_id(&table, c + 1);
        es_table_count(&table, clusters->sizes[c]);
        es_table_number(&table, clusters->mean_by_cluster[c], 3);
        add_members(&table, matrix, c);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    if (status != ES_OK) return status;
    if (clusters->count > CLUSTERS_SHOWN)
        es_text_printf(&remark, "\n... and %lld clusters more",
                       (long long)clusters->count - CLUSTERS_SHOWN);
    say_how_many(&remark, clusters);
    if (!isnan(matrix->cophenetic)) {
        es_text_add(&remark, "\nThe tree keeps the distances with a cophenetic correlation of ");
        es_text_fixed(&remark, matrix->cophenetic, 3);
        es_text_add(&remark, ".");
    }
    if (!isnan(matrix->mds_share[0])) {
        es_text_add(&remark, "\nClassical scaling: one axis holds ");
        es_text_fixed(&remark, 100 * matrix->mds_share[0], 1);
        es_text_add(&remark, " % of the variance, the plane of two ");
        es_text_fixed(&remark, 100 * (matrix->mds_share[0] + matrix->mds_share[1]), 1);
        es_text_add(&remark, " % (coordinates: --json).");
    }
    return es_render_remark(&remark, options, out, error);
}

/* ---- random sets -------------------------------------------------------------------------------
 */

/* How many standard deviations off; NaN where the sets do not vary but for rounding. */
static double deviations_off(const es_null_figure *figure)
{
    bool vary = figure->deviation > 1e-12 * fmax(1, fabs(figure->mean));
    return vary ? (figure->observed - figure->mean) / figure->deviation : NAN;
}

static void add_figure(es_table *table, const char *name, const es_null_figure *figure)
{
    es_table_cell(table, name);
    es_table_number(table, figure->observed, 4);
    es_table_number(table, figure->mean, 4);
    es_table_number(table, figure->low, 4);
    es_table_number(table, figure->high, 4);
    es_table_number(table, deviations_off(figure), 1);
    es_table_number(table, figure->p, 4);
}

static void say_no_sets(es_text *remark, const es_matrix *matrix)
{
    if (matrix->null_sets.affordable < 20)
        es_text_printf(remark,
                       "\nNo random sets were drawn to compare with: sets of %lld tokens take "
                       "long. --null-sets 20 draws some.",
                       (long long)matrix->n);
    else
        es_text_add(remark, "\nNo random sets to compare with: the table has fewer different "
                            "tokens with a direction than were named.");
}

es_status es_render_matrix_null(const es_matrix *matrix, const es_render_options *options,
                                FILE *out, es_error *error)
{
    const es_null_sets *null = &matrix->null_sets;
    es_text remark = {0};
    if (!matrix->clusters.labels) return ES_OK;
    if (!null->count) {
        say_no_sets(&remark, matrix);
        return es_render_remark(&remark, options, out, error);
    }
    es_table table = {0};
    es_table_column(&table, "", ES_ALIGN_LEFT);
    es_table_column(&table, "these", ES_ALIGN_RIGHT);
    es_table_column(&table, "random sets", ES_ALIGN_RIGHT);
    es_table_column(&table, "2.5 %", ES_ALIGN_RIGHT);
    es_table_column(&table, "97.5 %", ES_ALIGN_RIGHT);
    es_table_column(&table, "sd off", ES_ALIGN_RIGHT);
    es_table_column(&table, "p", ES_ALIGN_RIGHT);
    add_figure(&table, "largest eigenvalue", &null->leading_eigenvalue);
    add_figure(&table, "mean cosine", &null->mean_cosine);
    if (!isnan(null->silhouette.observed)) add_figure(&table, "mean silhouette", &null->silhouette);
    fputc('\n', out);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    if (status != ES_OK) return status;
    es_text_printf(
        &remark,
        "\n%lld sets of %lld tokens drawn by lot from this table: their mean, where 95 %% "
        "of them lie, how many of\ntheir standard deviations these tokens are off, and "
        "p = (1 + sets that reach them) / (1 + sets).",
        (long long)null->count, (long long)matrix->n);
    return es_render_remark(&remark, options, out, error);
}

/* ---- categories --------------------------------------------------------------------------------
 */

static void add_category_name(es_table *table, const es_category *category)
{
    es_text text = {0};
    es_display_plain(&text, category->name, strlen(category->name));
    table->failed |= text.failed;
    es_table_cell(table, text.data ? text.data : "");
    es_text_release(&text);
}

/* Every category's own mean, and, of a few, the mean to each other. */
static es_status print_means(const es_contrast *contrast, const es_render_options *options,
                             FILE *out, es_error *error)
{
    bool all = contrast->count <= WIDEST_MEANS;
    es_table table = {0};
    es_table_column(&table, "category", ES_ALIGN_LEFT);
    es_table_column(&table, "tokens", ES_ALIGN_RIGHT);
    if (!all) es_table_column(&table, "within", ES_ALIGN_RIGHT);
    for (int64_t b = 0; all && b < contrast->count; b++) {
        es_text title = {0};
        es_display_plain(&title, contrast->list[b].name, strlen(contrast->list[b].name));
        table.failed |= title.failed;
        es_table_column(&table, title.data ? title.data : "", ES_ALIGN_RIGHT);
        es_text_release(&title);
    }
    for (int64_t a = 0; a < contrast->count; a++) {
        add_category_name(&table, &contrast->list[a]);
        es_table_count(&table, contrast->list[a].size);
        if (!all) es_table_number(&table, contrast->list[a].within, 4);
        for (int64_t b = 0; all && b < contrast->count; b++)
            es_table_number(&table, contrast->means[a * contrast->count + b], 4);
    }
    fputc('\n', out);
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

es_status es_render_matrix_categories(const es_matrix *matrix, const es_render_options *options,
                                      FILE *out, es_error *error)
{
    const es_contrast *contrast = matrix->categories;
    es_text remark = {0};
    if (!contrast) return ES_OK;
    ES_TRY(print_means(contrast, options, out, error));
    es_text_add(&remark, "\nMean cosine of ");
    es_text_count(&remark, contrast->within_pairs);
    es_text_add(&remark, contrast->within_pairs == 1 ? " pair within a category "
                                                     : " pairs within a category ");
    es_text_fixed(&remark, contrast->within, 4);
    es_text_add(&remark, ", of ");
    es_text_count(&remark, contrast->between_pairs);
    es_text_add(&remark, " pairs between two ");
    es_text_fixed(&remark, contrast->between, 4);
    es_text_add(&remark, ": difference ");
    es_text_fixed(&remark, contrast->difference, 4);
    es_text_add(&remark, ",\nCohen's d ");
    es_text_fixed(&remark, contrast->cohens_d, 2);
    es_text_add(&remark, " (pooled sd of the two kinds of pairs), p ");
    es_text_fixed(&remark, contrast->p, contrast->p < 1e-3 ? 6 : 4);
    es_text_add(&remark, ": labels permuted ");
    es_text_count(&remark, contrast->permutations);
    es_text_add(&remark, " times reach it that often (add one).");
    if (contrast->labelings <= (double)contrast->permutations) {
        es_text_add(&remark, "\nOnly ");
        es_text_count(&remark, (int64_t)contrast->labelings);
        es_text_add(&remark, " labelings differ: p cannot go below about ");
        es_text_fixed(&remark, contrast->p_floor, 4);
        es_text_add(&remark, ".");
    }
    return es_render_remark(&remark, options, out, error);
}
