#include "render/csv.h"
#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/render_matrix_tables.h"
#include "render/table.h"
#include "render/text_chart.h"

#include <math.h>

enum { WIDEST_MATRIX = 12, LONGEST_TREE = 80, EIGENVALUES = 10 };

static void write_square(es_json_writer *json, const char *key, const double *values, int64_t n)
{
    es_json_write_key(json, key);
    es_json_write_array(json);
    for (int64_t i = 0; i < n; i++) es_json_write_doubles(json, values + i * n, n);
    es_json_write_end(json);
}

static void write_items(es_json_writer *json, const es_matrix *matrix)
{
    es_json_write_key(json, "tokens");
    es_json_write_array(json);
    for (int64_t i = 0; i < matrix->n; i++) {
        const es_item *item = &matrix->items[i];
        es_json_write_object(json);
        es_json_write_key(json, "id");
        if (item->id < 0)
            es_json_write_null(json);
        else
            es_json_write_int(json, item->id);
        es_json_write_key(json, "text");
        es_json_write_bytes(json, item->text, item->text_size);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

static void write_clusters(es_json_writer *json, const es_matrix *matrix)
{
    const es_flat_clusters *clusters = &matrix->clusters;
    es_json_write_key(json, "clusters");
    es_json_write_object(json);
    es_json_member_int(json, "count", clusters->count);
    es_json_write_key(json, "asked");
    if (clusters->asked)
        es_json_write_int(json, clusters->asked);
    else
        es_json_write_null(json);
    es_json_write_key(json, "labels");
    es_json_write_ints(json, clusters->labels, matrix->n);
    es_json_write_key(json, "sizes");
    es_json_write_ints(json, clusters->sizes, clusters->count);
    es_json_write_key(json, "candidates");
    es_json_write_array(json);
    for (int64_t c = 0; c < clusters->candidate_count; c++) {
        es_json_write_object(json);
        es_json_member_int(json, "count", c + 2);
        es_json_member_double(json, "silhouette", clusters->candidates[c]);
        es_json_write_end(json);
    }
    es_json_write_end(json);
    es_json_write_end(json);
    es_json_write_key(json, "silhouette");
    es_json_write_object(json);
    es_json_member_double(json, "mean", clusters->mean_silhouette);
    es_json_write_key(json, "tokens");
    es_json_write_doubles(json, clusters->silhouettes, matrix->n);
    es_json_write_key(json, "clusters");
    es_json_write_doubles(json, clusters->mean_by_cluster, clusters->count);
    es_json_write_end(json);
}

static void write_mds(es_json_writer *json, const es_matrix *matrix)
{
    es_json_write_key(json, "mds");
    es_json_write_object(json);
    es_json_write_key(json, "coordinates");
    es_json_write_array(json);
    for (int64_t i = 0; i < matrix->n; i++)
        es_json_write_doubles(json, matrix->coordinates + 2 * i, 2);
    es_json_write_end(json);
    es_json_write_key(json, "variance_share");
    es_json_write_doubles(json, matrix->mds_share, 2);
    es_json_write_end(json);
}

static void write_figure(es_json_writer *json, const char *key, const es_null_figure *figure)
{
    es_json_write_key(json, key);
    es_json_write_object(json);
    es_json_member_double(json, "observed", figure->observed);
    es_json_member_double(json, "mean", figure->mean);
    es_json_member_double(json, "standard_deviation", figure->deviation);
    es_json_write_key(json, "quantiles");
    es_json_write_doubles(json, (const double[]){figure->low, figure->high}, 2);
    es_json_member_double(json, "p", figure->p);
    es_json_write_end(json);
}

static void write_null(es_json_writer *json, const es_matrix *matrix)
{
    const es_null_sets *null = &matrix->null_sets;
    es_json_write_key(json, "random_sets");
    es_json_write_object(json);
    es_json_member_int(json, "count", null->count);
    write_figure(json, "leading_eigenvalue", &null->leading_eigenvalue);
    write_figure(json, "mean_cosine", &null->mean_cosine);
    write_figure(json, "silhouette", &null->silhouette);
    es_json_write_end(json);
}

static void write_categories(es_json_writer *json, const es_matrix *matrix)
{
    const es_contrast *contrast = matrix->categories;
    es_json_write_key(json, "categories");
    es_json_write_object(json);
    es_json_write_key(json, "list");
    es_json_write_array(json);
    for (int64_t c = 0; c < contrast->count; c++) {
        es_json_write_object(json);
        es_json_write_key(json, "name");
        es_json_write_text(json, contrast->list[c].name);
        es_json_member_int(json, "tokens", contrast->list[c].size);
        es_json_member_double(json, "within", contrast->list[c].within);
        es_json_write_end(json);
    }
    es_json_write_end(json);
    es_json_write_key(json, "labels");
    es_json_write_ints(json, contrast->labels, matrix->n);
    write_square(json, "means", contrast->means, contrast->count);
    es_json_member_int(json, "within_pairs", contrast->within_pairs);
    es_json_member_int(json, "between_pairs", contrast->between_pairs);
    es_json_member_double(json, "within", contrast->within);
    es_json_member_double(json, "between", contrast->between);
    es_json_member_double(json, "difference", contrast->difference);
    es_json_member_double(json, "cohens_d", contrast->cohens_d);
    es_json_member_double(json, "p", contrast->p);
    es_json_member_double(json, "p_floor", contrast->p_floor);
    es_json_member_double(json, "labelings", contrast->labelings);
    es_json_member_int(json, "permutations", contrast->permutations);
    es_json_write_end(json);
}

void es_render_matrix_members(es_json_writer *json, const es_matrix *matrix)
{
    int64_t n = matrix->n;
    write_items(json, matrix);
    write_square(json, "cosine", matrix->cosine, n);
    es_json_write_key(json, "eigenvalues");
    es_json_write_doubles(json, matrix->eigenvalues, n);
    write_square(json, "eigenvectors", matrix->eigenvectors, n);
    es_json_write_key(json, "random_edges");
    es_json_write_doubles(json, matrix->random_edges, 2);
    es_json_write_key(json, "order");
    es_json_write_ints(json, matrix->order, n);
    es_json_write_key(json, "linkage");
    es_json_write_array(json);
    for (int64_t r = 0; r < n - 1; r++) {
        const es_merge *merge = &matrix->linkage[r];
        es_json_write_array(json);
        es_json_write_int(json, merge->a);
        es_json_write_int(json, merge->b);
        es_json_write_double(json, merge->height);
        es_json_write_int(json, merge->size);
        es_json_write_end(json);
    }
    es_json_write_end(json);
    es_json_member_double(json, "residual", matrix->residual);
    es_json_member_double(json, "mean_cosine", matrix->mean_cosine);
    es_json_member_double(json, "cophenetic", matrix->cophenetic);
    write_clusters(json, matrix);
    write_mds(json, matrix);
    write_null(json, matrix);
    if (matrix->categories) write_categories(json, matrix);
}

static void matrix_csv(const es_matrix *matrix, FILE *out)
{
    int64_t n = matrix->n;
    es_csv csv = es_csv_to(out);
    es_csv_text(&csv, "id");
    es_csv_text(&csv, "text");
    for (int64_t j = 0; j < n; j++)
        es_csv_bytes(&csv, matrix->items[j].text, matrix->items[j].text_size);
    es_csv_end_line(&csv);
    for (int64_t i = 0; i < n; i++) {
        if (matrix->items[i].id < 0)
            es_csv_text(&csv, NULL);
        else
            es_csv_int(&csv, matrix->items[i].id);
        es_csv_bytes(&csv, matrix->items[i].text, matrix->items[i].text_size);
        for (int64_t j = 0; j < n; j++) es_csv_double(&csv, matrix->cosine[i * n + j]);
        es_csv_end_line(&csv);
    }
}

/* The matrix with rows and columns in leaf order. */
static es_status print_cosines(const es_matrix *matrix, const es_render_options *options, FILE *out,
                               es_error *error)
{
    int64_t n = matrix->n;
    es_table table = {0};
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "token");
    for (int64_t j = 0; j < n; j++) {
        const es_item *item = &matrix->items[matrix->order[j]];
        es_table_column_of(&table, item->text, item->text_size, ES_ALIGN_RIGHT);
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t row = matrix->order[i];
        es_table_id(&table, matrix->items[row].id);
        es_table_token(&table, matrix->items[row].text, matrix->items[row].text_size);
        for (int64_t j = 0; j < n; j++)
            es_table_number(&table, matrix->cosine[row * n + matrix->order[j]], 4);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

static es_status print_eigenvalues(const es_matrix *matrix, const es_render_options *options,
                                   FILE *out, es_error *error)
{
    int64_t n = matrix->n, shown = n < EIGENVALUES ? n : EIGENVALUES, above = 0;
    es_table table = {0};
    es_table_column(&table, "k", ES_ALIGN_RIGHT);
    es_table_column(&table, "eigenvalue", ES_ALIGN_RIGHT);
    es_table_column(&table, "share", ES_ALIGN_RIGHT);
    for (int64_t k = 0; k < shown; k++) {
        es_text share = {0};
        es_text_fixed(&share, 100 * matrix->eigenvalues[k] / (double)n, 1);
        es_text_add(&share, " %");
        table.failed |= share.failed;
        es_table_id(&table, k + 1);
        es_table_number(&table, matrix->eigenvalues[k], 6);
        es_table_cell(&table, share.data ? share.data : "");
        es_text_release(&share);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    if (status != ES_OK) return status;
    for (int64_t k = 0; k < n; k++) above += matrix->eigenvalues[k] > matrix->random_edges[1];
    es_text remark = {0};
    es_text_printf(&remark,
                   "\n%lld eigenvalues, sum %lld. %lld random directions would keep theirs "
                   "between about ",
                   (long long)n, (long long)n, (long long)n);
    es_text_fixed(&remark, matrix->random_edges[0], 3);
    es_text_add(&remark, " and ");
    es_text_fixed(&remark, matrix->random_edges[1], 3);
    es_text_printf(&remark, " (Marchenko-Pastur); above lie %lld.", (long long)above);
    return es_render_remark(&remark, options, out, error);
}

static es_status say_left_out(const es_matrix *matrix, const es_render_options *options, FILE *out,
                              es_error *error)
{
    es_text remark = {0};
    es_text_printf(&remark, "%lld tokens: ", (long long)matrix->n);
    if (matrix->n > LONGEST_TREE)
        es_text_printf(&remark, "the tree is shown of up to %d, the matrix", LONGEST_TREE);
    else
        es_text_add(&remark, "the matrix itself is shown");
    es_text_printf(&remark, " of up to %d; --csv and --json write it, --plot FILE draws it",
                   WIDEST_MATRIX);
    return es_render_remark(&remark, options, out, error);
}

es_status es_render_matrix_body(const es_matrix *matrix, const es_render_options *options,
                                FILE *out, es_error *error)
{
    if (matrix->n <= WIDEST_MATRIX)
        ES_TRY(print_cosines(matrix, options, out, error));
    else
        ES_TRY(say_left_out(matrix, options, out, error));
    fputc('\n', out);
    if (matrix->n <= LONGEST_TREE) {
        ES_TRY(es_text_tree(matrix, options->color, out, error));
        fprintf(out,
                "%stokens joined at the mean of 1 - cos between their groups (average linkage)%s"
                "\n\n",
                es_ink_code(ES_INK_DIM, options->color), es_ink_code(ES_INK_PLAIN, options->color));
    }
    ES_TRY(es_render_matrix_clusters(matrix, options, out, error));
    ES_TRY(es_render_matrix_categories(matrix, options, out, error));
    fputc('\n', out);
    ES_TRY(print_eigenvalues(matrix, options, out, error));
    return es_render_matrix_null(matrix, options, out, error);
}

es_status es_render_matrix(const es_space *space, const es_matrix *matrix,
                           const es_render_options *options, FILE *out, es_error *error)
{
    if (options->output == ES_OUTPUT_JSON) {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "matrix");
        es_render_matrix_members(&json, matrix);
        es_render_json_end(&json, options);
    } else if (options->output == ES_OUTPUT_CSV) {
        matrix_csv(matrix, out);
    } else {
        ES_TRY(es_render_heading(space, options, out, error));
        ES_TRY(es_render_matrix_body(matrix, options, out, error));
    }
    return es_render_finish(out, error);
}
