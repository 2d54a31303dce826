#include "render/csv.h"
#include "render/display.h"
#include "render/npz_writer.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <math.h>

static es_bytes token_of(const es_space *space, int64_t id)
{
    return es_vocabulary_token(es_space_vocabulary(space), id);
}

/* ---- every row's cluster ----------------------------------------------------------------------
 */

es_status es_render_cluster_npz(const es_clusters *clusters, FILE *out, es_error *error)
{
    es_npz_writer writer = es_npz_write_to(out);
    es_npz_write_array(&writer, "labels", "<i4", clusters->labels, clusters->rows, 0);
    es_npz_write_array(&writer, "cosine", "<f8", clusters->cosines, clusters->rows, 0);
    es_npz_write_array(&writer, "centers", "<f4", clusters->centers, clusters->count,
                       clusters->columns);
    es_npz_write_array(&writer, "seeds", "<i8", clusters->seeds, clusters->seed_count, 0);
    es_npz_write_end(&writer);
    return es_render_finish(out, error);
}

/* {"id": 3797, "text": " cat", "cluster": 4, "cosine": 0.71} */
static void cluster_lines(const es_space *space, const es_clusters *clusters, FILE *out)
{
    for (int64_t i = 0; i < clusters->rows && !ferror(out); i++) {
        es_json_writer json = es_json_write_to(out);
        json.one_line = true;
        es_json_write_object(&json);
        es_json_write_key(&json, "id");
        es_json_write_int(&json, i);
        es_render_json_token(&json, space, i);
        es_json_write_key(&json, "cluster");
        if (clusters->labels[i] < 0)
            es_json_write_null(&json);
        else
            es_json_write_int(&json, clusters->labels[i]);
        es_json_write_key(&json, "cosine");
        es_json_write_double(&json, clusters->cosines[i]);
        es_json_write_end(&json);
    }
}

static void cluster_csv(const es_space *space, const es_clusters *clusters, FILE *out)
{
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (const char *const[]){"id", "text", "cluster", "cosine", NULL});
    for (int64_t i = 0; i < clusters->rows && !ferror(out); i++) {
        es_bytes text = token_of(space, i);
        es_csv_int(&csv, i);
        es_csv_bytes(&csv, text.data, text.size);
        if (clusters->labels[i] < 0)
            es_csv_bytes(&csv, NULL, 0);
        else
            es_csv_int(&csv, clusters->labels[i]);
        es_csv_double(&csv, clusters->cosines[i]);
        es_csv_end_line(&csv);
    }
}

/* ---- the clusters, for programs ---------------------------------------------------------------
 */

static void write_nearest(es_json_writer *json, const es_cluster *cluster)
{
    es_json_write_key(json, "separation");
    if (cluster->nearest < 0) {
        es_json_write_null(json);
        return;
    }
    es_json_write_object(json);
    es_json_member_int(json, "cluster", cluster->nearest);
    es_json_member_double(json, "cosine", cluster->separation);
    es_json_write_end(json);
}

static void write_cluster(es_json_writer *json, const es_space *space, const es_clusters *clusters,
                          int64_t c)
{
    const es_cluster *cluster = &clusters->clusters[c];
    es_json_write_object(json);
    es_json_member_int(json, "cluster", c);
    es_json_member_int(json, "size", cluster->size);
    es_json_member_int(json, "seed", cluster->seed);
    es_json_member_double(json, "cohesion", cluster->cohesion);
    write_nearest(json, cluster);
    es_json_member_double(json, "silhouette", cluster->silhouette);
    es_json_write_key(json, "tokens");
    es_json_write_array(json);
    for (int64_t i = 0; i < cluster->shown; i++) {
        es_json_write_object(json);
        es_json_member_int(json, "id", cluster->members[i].id);
        es_render_json_token(json, space, cluster->members[i].id);
        es_json_member_double(json, "cosine", cluster->members[i].cosine);
        es_json_write_end(json);
    }
    es_json_write_end(json);
    es_json_write_end(json);
}

/* Nothing is sampled: there is no error to state but 0. */
static void write_silhouette(es_json_writer *json, const es_clusters *clusters)
{
    bool defined = !isnan(clusters->silhouette);
    es_json_write_key(json, "silhouette");
    es_json_write_object(json);
    es_json_member_double(json, "mean", clusters->silhouette);
    es_json_member_double(json, "standard_error", defined ? 0 : NAN);
    es_json_member_int(json, "rows", defined ? clusters->rows - clusters->left_out : 0);
    es_json_write_end(json);
}

void es_render_cluster_members(es_json_writer *json, const es_space *space,
                               const es_clusters *clusters)
{
    es_json_member_int(json, "k", clusters->k);
    es_json_member_int(json, "rows", clusters->rows - clusters->left_out);
    es_json_member_int(json, "left_out", clusters->left_out);
    es_json_member_double(json, "objective", clusters->objective);
    es_json_member_int(json, "iterations", clusters->iterations);
    es_json_write_key(json, "converged");
    es_json_write_bool(json, clusters->converged);
    es_json_member_int(json, "moved", clusters->moved);
    es_json_member_int(json, "reseeded", clusters->reseeded);
    es_json_member_int(json, "restarts", clusters->restarts);
    es_json_member_int(json, "run", clusters->run);
    es_json_write_key(json, "history");
    es_json_write_doubles(json, clusters->history, clusters->history_count);
    es_json_write_key(json, "seeds");
    es_json_write_ints(json, clusters->seeds, clusters->seed_count);
    write_silhouette(json, clusters);
    es_json_write_key(json, "clusters");
    es_json_write_array(json);
    for (int64_t c = 0; c < clusters->count; c++) write_cluster(json, space, clusters, c);
    es_json_write_end(json);
}

/* ---- for people -------------------------------------------------------------------------------
 */

static void add_tokens(es_table *table, const es_space *space, const es_cluster *cluster)
{
    es_text text = {0};
    for (int64_t i = 0; i < cluster->shown; i++) {
        es_bytes token = token_of(space, cluster->members[i].id);
        if (i) es_text_add(&text, " ");
        if (token.data)
            es_display_quoted(&text, token.data, token.size);
        else
            es_text_printf(&text, "#%lld", (long long)cluster->members[i].id);
    }
    table->failed |= text.failed;
    es_table_cell(table, text.data ? text.data : "");
    es_text_release(&text);
}

static es_status print_clusters(const es_space *space, const es_clusters *clusters,
                                const es_render_options *options, FILE *out, es_error *error)
{
    es_table table = {0};
    es_table_column(&table, "", ES_ALIGN_RIGHT);
    es_table_column(&table, "size", ES_ALIGN_RIGHT);
    es_table_column(&table, "cohesion", ES_ALIGN_RIGHT);
    es_table_column(&table, "nearest", ES_ALIGN_RIGHT);
    es_table_column(&table, "at", ES_ALIGN_RIGHT);
    es_table_column(&table, "silhouette", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "tokens nearest the center");
    for (int64_t c = 0; c < clusters->count; c++) {
        const es_cluster *cluster = &clusters->clusters[c];
        es_table_id(&table, c);
        es_table_count(&table, cluster->size);
        es_table_number(&table, cluster->cohesion, 4);
        es_table_id(&table, cluster->nearest);
        es_table_number(&table, cluster->separation, 4);
        es_table_number(&table, cluster->silhouette, 4);
        add_tokens(&table, space, cluster);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    return status;
}

static void say_how_it_ended(es_text *text, const es_clusters *clusters)
{
    if (clusters->converged) {
        es_text_add(text, "no row changed its cluster in step ");
        es_text_count(text, clusters->iterations);
        es_text_add(text, ": converged");
    } else {
        es_text_count(text, clusters->moved);
        es_text_add(text, clusters->moved == 1 ? " row" : " rows");
        es_text_add(text, " changed cluster in step ");
        es_text_count(text, clusters->iterations);
        es_text_add(text, ", the last one allowed: not converged");
    }
    if (clusters->restarts > 1)
        es_text_printf(text, "; run %lld of %lld, the best", (long long)clusters->run + 1,
                       (long long)clusters->restarts);
    es_text_add(text, "\n");
}

static es_status print_summary(const es_clusters *clusters, FILE *out, es_error *error)
{
    es_text text = {0};
    es_text_count(&text, clusters->count);
    es_text_add(&text, clusters->count == 1 ? " cluster of " : " clusters of ");
    es_text_count(&text, clusters->rows - clusters->left_out);
    es_text_add(&text, clusters->rows - clusters->left_out == 1 ? " row" : " rows");
    if (clusters->left_out) {
        es_text_add(&text, " (left out, zero or non-finite: ");
        es_text_count(&text, clusters->left_out);
        es_text_add(&text, ")");
    }
    es_text_add(&text, ", spherical k-means: mean cosine to the center ");
    es_text_fixed(&text, clusters->objective, 6);
    if (!isnan(clusters->silhouette)) {
        es_text_add(&text, ", silhouette ");
        es_text_fixed(&text, clusters->silhouette, 4);
    }
    es_text_add(&text, "\n");
    say_how_it_ended(&text, clusters);
    if (clusters->count < clusters->k) {
        es_text_count(&text, clusters->k);
        es_text_add(&text, " were asked for; no more directions differ\n");
    }
    es_text_add(&text, "\n");
    bool failed = text.failed;
    if (!failed) fputs(text.data, out);
    es_text_release(&text);
    return failed ? es_fail_memory(error, "a table", 0) : ES_OK;
}

es_status es_render_cluster_body(const es_space *space, const es_clusters *clusters,
                                 const es_render_options *options, FILE *out, es_error *error)
{
    es_text remark = {0};
    ES_TRY(print_summary(clusters, out, error));
    ES_TRY(print_clusters(space, clusters, options, out, error));
    es_text_add(&remark,
                "\ncohesion: mean cosine of a cluster's tokens to its center. nearest: the cluster "
                "with the\nnearest center, at that cosine. silhouette: from -1 to 1, how much "
                "nearer its own cluster\nis to a token than the next one, mean of 1 - cos; around "
                "0 clusters run into each other.");
    return es_render_remark(&remark, options, out, error);
}

es_status es_render_cluster(const es_space *space, const es_clusters *clusters,
                            const es_render_options *options, FILE *out, es_error *error)
{
    switch (options->output) {
    case ES_OUTPUT_JSON: {
        es_json_writer json = es_json_write_to(out);
        es_render_json_begin(&json, space, "cluster");
        es_render_cluster_members(&json, space, clusters);
        es_render_json_end(&json, options);
        break;
    }
    case ES_OUTPUT_JSONL: cluster_lines(space, clusters, out); break;
    case ES_OUTPUT_CSV: cluster_csv(space, clusters, out); break;
    default:
        ES_TRY(es_render_heading(space, options, out, error));
        ES_TRY(es_render_cluster_body(space, clusters, options, out, error));
    }
    return es_render_finish(out, error);
}
