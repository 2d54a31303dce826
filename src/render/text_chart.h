/* Small drawings in characters: a histogram against the random law, a dendrogram. */
#ifndef ES_RENDER_TEXT_CHART_H
#define ES_RENDER_TEXT_CHART_H

#include <embscope/render.h>

/* A bar for each of at most 32 intervals of the cosine, its length the share of all pairs in it; a
 * mark where random directions would end. */
es_status es_text_histogram(const es_distribution *distribution, int64_t columns, bool color,
                            FILE *out, es_error *error);

/* The tree of a matrix, a line per token in leaf order, joined at their heights. */
es_status es_text_tree(const es_matrix *matrix, bool color, FILE *out, es_error *error);

#endif
