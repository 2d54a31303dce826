/* Parts of matrix' table. */
#ifndef ES_RENDER_MATRIX_TABLES_H
#define ES_RENDER_MATRIX_TABLES_H

#include "base/status.h"

#include <embscope/render.h>

es_status es_render_matrix_clusters(const es_matrix *matrix, const es_render_options *options,
                                    FILE *out, es_error *error);
es_status es_render_matrix_null(const es_matrix *matrix, const es_render_options *options,
                                FILE *out, es_error *error);
es_status es_render_matrix_categories(const es_matrix *matrix, const es_render_options *options,
                                      FILE *out, es_error *error);

#endif
