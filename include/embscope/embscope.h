/* embscope: an instrument for the geometry of embedding spaces.
 *
 * A complete program (cc near.c $(pkg-config --cflags --libs embscope)):
 *
 *     #include <embscope/embscope.h>
 *     #include <stdio.h>
 *     int main(int argc, char **argv) {
 *         es_error error = {0};
 *         es_space *space = NULL;
 *         const char *words[] = {"cat", "dog", "banana"};
 *         es_selection chosen = {0};
 *         es_similarity answer = {0};
 *         if (argc != 2 || es_space_open(argv[1], NULL, &space, &error) ||
 *             es_selection_resolve(space, words, 3, NULL, &chosen, &error) ||
 *             es_similarity_compute(space, &chosen, &answer, &error))
 *             return fprintf(stderr, "%s\n", error.text), 1;
 *         for (int i = 0; i < 3; i++) printf("%+.4f\n", answer.pairs[i].cosine);
 *     }
 *
 * The headers in the order data flows: status (errors), space (a matrix and where it came from),
 * vocabulary (names of rows, text to ids), selection (what the user named), model (a GPT-2 that can
 * be run), the analyses (info, tying, similarity, neighbors, near_pairs, matrix, full_matrix,
 * distribution, spectrum, cluster, knn, audit, positions, predict, attribution, generate, unembed,
 * compare, drift, evaluate, report), index (many queries), export (rows to files), render and plot
 * (results to bytes).
 *
 * Ownership: inputs are borrowed for the call; a result has one _release() or _free(), legal on all
 * zero and NULL. Options are structs whose all-zero value is the default; NULL stands for it. An
 * es_space may be used by one thread at a time; different spaces are independent. */
#ifndef EMBSCOPE_EMBSCOPE_H
#define EMBSCOPE_EMBSCOPE_H

#include <embscope/attribution.h>
#include <embscope/audit.h>
#include <embscope/cluster.h>
#include <embscope/compare.h>
#include <embscope/dataset.h>
#include <embscope/distribution.h>
#include <embscope/drift.h>
#include <embscope/evaluate.h>
#include <embscope/export.h>
#include <embscope/full_matrix.h>
#include <embscope/generate.h>
#include <embscope/index.h>
#include <embscope/info.h>
#include <embscope/knn.h>
#include <embscope/matrix.h>
#include <embscope/model.h>
#include <embscope/near_pairs.h>
#include <embscope/neighbors.h>
#include <embscope/pair_report.h>
#include <embscope/plot.h>
#include <embscope/positions.h>
#include <embscope/predict.h>
#include <embscope/progress.h>
#include <embscope/prompt.h>
#include <embscope/render.h>
#include <embscope/report.h>
#include <embscope/selection.h>
#include <embscope/similarity.h>
#include <embscope/space.h>
#include <embscope/spectrum.h>
#include <embscope/status.h>
#include <embscope/tying.h>
#include <embscope/unembed.h>
#include <embscope/vocabulary.h>

ES_BEGIN_DECLARATIONS

/* The version as text, "0.1.0". */
const char *es_version(void);

ES_END_DECLARATIONS
#endif
