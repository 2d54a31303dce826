/* What every answer shares: the line that names its vectors, the frame of its JSON, the end. */
#ifndef ES_RENDER_COMMON_H
#define ES_RENDER_COMMON_H

#include "base/status.h"
#include "base/text.h"
#include "render/json_writer.h"

#include <embscope/render.h>

/* "wte.weight of PATH, 50257 x 768 F32, raw rows" */
void es_source_line(es_text *text, const es_source *source);

/* The same with the folder and name of the file alone, for a figure. */
void es_source_caption(es_text *text, const es_source *source);

/* That line, bold, and an empty one. */
es_status es_render_heading(const es_space *space, const es_render_options *options, FILE *out,
                            es_error *error);

/* What was asked, between quotes, `size` bytes of it: a token's text or a label, or a sum, whose
 * terms have quotes of their own. */
void es_display_query(es_text *text, const es_neighbors *neighbors, size_t size);

/* Whether embedding and unembedding are one, in a line. */
void es_render_tying_line(es_text *text, const es_space *space, const es_table_comparison *tables);

/* A line for each part. */
void es_render_attribution_csv(const es_attribution *attribution, FILE *out);

/* "the logit of " cat" less that of " dog", 1.2345" */
void es_attribution_title(es_text *text, const es_space *space, const es_attribution *attribution);

/* A line of closing words, dim. Takes over the text. */
es_status es_render_remark(es_text *text, const es_render_options *options, FILE *out,
                           es_error *error);

/* {"embscope": ..., "command": ..., "source": {...} - and "elapsed_seconds": ...} */
void es_render_json_begin(es_json_writer *json, const es_space *space, const char *command);
void es_render_json_end(es_json_writer *json, const es_render_options *options);

/* What says which vectors these are: path, tensor, rows, columns, dtype, transforms. */
void es_render_json_source_members(es_json_writer *json, const es_source *source);

/* Token `id` as `text` member: null for a row without a token. */
void es_render_json_token(es_json_writer *json, const es_space *space, int64_t id);

/* Was everything written? */
es_status es_render_finish(FILE *out, es_error *error);

/* The members that an answer's object has besides the frame; the report nests them. */
void es_render_info_members(es_json_writer *json, const es_space *space, const es_info *info);
void es_render_tying_members(es_json_writer *json, const es_table_comparison *tables);
/* As member `key`; null for NULL. */
void es_render_tying_geometry(es_json_writer *json, const char *key, const es_space *space,
                              const es_tying_geometry *geometry);
void es_render_similarity_members(es_json_writer *json, const es_similarity *similarity);
void es_render_neighbors_members(es_json_writer *json, const es_neighbors *neighbors);
void es_render_distribution_members(es_json_writer *json, const es_distribution *distribution);
void es_render_spectrum_members(es_json_writer *json, const es_space *space,
                                const es_spectrum *spectrum);
void es_render_knn_members(es_json_writer *json, const es_space *space, const es_knn *knn);
void es_render_audit_members(es_json_writer *json, const es_space *space, const es_audit *audit);
void es_render_positions_members(es_json_writer *json, const es_positions *positions);
void es_render_cluster_members(es_json_writer *json, const es_space *space,
                               const es_clusters *clusters);
void es_render_predict_members(es_json_writer *json, const es_space *space,
                               const es_predictions *predictions);
void es_render_matrix_members(es_json_writer *json, const es_matrix *matrix);
/* Its own member, `attribution`. */
void es_render_attribution_members(es_json_writer *json, const es_space *space,
                                   const es_attribution *attribution);
/* `key`: the `k` shared items nearest to one, with their ids and texts in a model. */
void es_render_json_neighbors(es_json_writer *json, const char *key, es_space *const *spaces,
                              const es_shared_tokens *shared, int64_t model, const int32_t *items,
                              const float *cosines, int64_t k);

void es_render_compare_members(es_json_writer *json, es_space *const *spaces,
                               const es_comparison *comparison);

/* The tables without the heading; the report shows them under its own. */
es_status es_render_info_body(const es_space *space, const es_info *info,
                              const es_render_options *options, FILE *out, es_error *error);
es_status es_render_similarity_body(const es_space *space, const es_similarity *similarity,
                                    const es_render_options *options, FILE *out, es_error *error);
es_status es_render_neighbors_body(const es_space *space, const es_neighbors *neighbors,
                                   const es_render_options *options, FILE *out, es_error *error);
es_status es_render_distribution_body(const es_space *space, const es_distribution *distribution,
                                      const es_render_options *options, FILE *out, es_error *error);
es_status es_render_spectrum_body(const es_space *space, const es_spectrum *spectrum,
                                  const es_render_options *options, FILE *out, es_error *error);
es_status es_render_compare_body(es_space *const *spaces, const es_comparison *comparison,
                                 const es_render_options *options, FILE *out, es_error *error);
/* The lines that say which model is A, and which B. */
es_status es_render_compare_heading(es_space *const *spaces, const es_comparison *comparison,
                                    const es_render_options *options, FILE *out, es_error *error);
es_status es_render_knn_body(const es_space *space, const es_knn *knn,
                             const es_render_options *options, FILE *out, es_error *error);
/* At most `most` findings of each kind. */
es_status es_render_audit_body(const es_space *space, const es_audit *audit, int64_t most,
                               const es_render_options *options, FILE *out, es_error *error);
es_status es_render_positions_body(const es_positions *positions, const es_render_options *options,
                                   FILE *out, es_error *error);
es_status es_render_cluster_body(const es_space *space, const es_clusters *clusters,
                                 const es_render_options *options, FILE *out, es_error *error);
es_status es_render_predict_body(const es_space *space, const es_predictions *predictions,
                                 const es_render_options *options, FILE *out, es_error *error);
es_status es_render_attribution_body(const es_space *space, const es_attribution *attribution,
                                     const es_render_options *options, FILE *out, es_error *error);
es_status es_render_matrix_body(const es_matrix *matrix, const es_render_options *options,
                                FILE *out, es_error *error);

#endif
