/* What the forms of `evaluate` share. */
#ifndef ES_RENDER_RENDER_EVALUATE_H
#define ES_RENDER_RENDER_EVALUATE_H

#include "render/render_common.h"

#include <embscope/evaluate.h>

/* Text of question q's words from..to-1, parted by spaces. */
void es_evaluate_words_text(es_text *text, const es_dataset *set, int64_t q, int64_t from,
                            int64_t to);

/* How an answer was found, for people: "3CosAdd". */
const char *es_analogy_method_title(es_analogy_method method);

es_bytes es_evaluate_section(const es_dataset *set, int64_t section);

void es_render_evaluate_json(es_json_writer *json, const es_space *space,
                             const es_evaluation *evaluations, int64_t count, bool details);
void es_render_evaluate_csv(const es_evaluation *evaluations, int64_t count, FILE *out);
/* A line for each question and answer. */
es_status es_render_evaluate_details(const es_space *space, const es_evaluation *evaluations,
                                     int64_t count, FILE *out, es_error *error);

#endif
