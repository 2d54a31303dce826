/* What the table, the JSON object and the figure of a series share. */
#ifndef ES_RENDER_RENDER_DRIFT_H
#define ES_RENDER_RENDER_DRIFT_H

#include "base/text.h"
#include "render/json_writer.h"

#include <embscope/drift.h>

/* A checkpoint's name without the folders that all names start with and the ending that all share;
 * of one wider than `columns` its end. */
void es_drift_label(es_text *text, const char *const *names, int64_t count, int64_t m, int columns);

void es_render_drift_members(es_json_writer *json, es_space *const *spaces,
                             const char *const *names, const es_drift *drift);

#endif
