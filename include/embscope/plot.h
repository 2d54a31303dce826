/* Figures, drawn by gnuplot (looked for on PATH when one is drawn; UNSUPPORTED says how to get it
 * where it is absent).
 *
 * The ending of `path` chooses SVG, PNG or PDF. The file appears whole or not at all. Token text
 * goes to gnuplot as data, never as commands. */
#ifndef EMBSCOPE_PLOT_H
#define EMBSCOPE_PLOT_H

#include <embscope/attribution.h>
#include <embscope/audit.h>
#include <embscope/cluster.h>
#include <embscope/compare.h>
#include <embscope/distribution.h>
#include <embscope/drift.h>
#include <embscope/evaluate.h>
#include <embscope/knn.h>
#include <embscope/matrix.h>
#include <embscope/neighbors.h>
#include <embscope/positions.h>
#include <embscope/predict.h>
#include <embscope/similarity.h>
#include <embscope/spectrum.h>
#include <embscope/tying.h>

ES_BEGIN_DECLARATIONS

/* Heat map of the cosine matrix in dendrogram order, the tree above it. */
es_status es_plot_matrix(const es_space *space, const es_matrix *matrix, const char *path,
                         es_error *error);

/* Histogram of all pairs over the density of random directions. */
es_status es_plot_distribution(const es_space *space, const es_distribution *distribution,
                               const char *path, es_error *error);

/* Scree plot, both scales logarithmic: eigenvalues of S over n and of the covariance, those of the
 * shuffled table, and the edge of random rows. */
es_status es_plot_spectrum(const es_space *space, const es_spectrum *spectrum, const char *path,
                           es_error *error);

/* The query's cosine to every token against its id (needs keep_scores), the nearest ones named. */
es_status es_plot_neighbors(const es_space *space, const es_neighbors *neighbors, const char *path,
                            es_error *error);

/* Two embeddings against each other: a point per dimension, component of the first against that of
 * the second. vectors is (2, columns), the rows of the first two items of the selection. */
es_status es_plot_embeddings(const es_space *space, const es_selection *selection,
                             const double *vectors, const char *path, es_error *error);

/* In how many lists of the k nearest a token stands: the share of tokens at each number, over that
 * of lists drawn by lot. */
es_status es_plot_hubness(const es_space *space, const es_knn *knn, const char *path,
                          es_error *error);

/* The cosine matrix of a position table, the mean cosine at each distance, the leading directions
 * along the positions. */
es_status es_plot_positions(const es_space *space, const es_positions *positions, const char *path,
                            es_error *error);
/* Every row against its id: its distance from the untouched rows, or its norm where none were
 * found.
 */
es_status es_plot_audit(const es_space *space, const es_audit *audit, const char *path,
                        es_error *error);
/* Embedding and unembedding: a token's norm in the one against that in the other, and the histogram
 * of the cosines of tokens' two rows. */
es_status es_plot_tying(const es_space *space, const es_tying_geometry *geometry, const char *path,
                        es_error *error);
/* Cluster map (needs map): the centres in the plane that shows most of them, as large as their
 * clusters, the largest named by their most central token. BAD_ARGUMENT for fewer than 3. */
es_status es_plot_clusters(const es_space *space, const es_clusters *clusters, const char *path,
                           es_error *error);
/* Word similarity: people's scores against cosines; analogies: accuracy by section; odd one out: by
 * how much the odd one is farther off, question by question. */
es_status es_plot_evaluation(const es_space *space, const es_evaluation *evaluation,
                             const char *path, es_error *error);

/* One of three. After one token: the logit of every row against its cosine, coloured by norm, the
 * first ones named (needs keep_rows). With the lens: a heat map of the first candidates after each
 * layer, of that token or along the prompt. Along the prompt without the lens: the surprisal of
 * each token (BAD_ARGUMENT for a prompt of one). */
es_status es_plot_predict(const es_space *space, const es_predictions *predictions,
                          const char *path, es_error *error);

/* Layers by heads (and the attention's bias and the MLP): what each adds to the logit, blue to red
 * around 0; beside it the logit on its way through the layers. */
es_status es_plot_attribution(const es_space *space, const es_attribution *attribution,
                              const char *path, es_error *error);

/* The first two models compared (needs figures): up to ES_COMPARE_MATRIX tokens, their
 * dissimilarity matrices side by side, in one order; of more, one cosine against the other as a
 * density, and the tokens that moved most on a map of the first model. */
es_status es_plot_compare(es_space *const *spaces, const es_comparison *comparison,
                          const char *path, es_error *error);
/* Curves along a series: overlap, RSA, CKA and Procrustes cosine with the first checkpoint, the one
 * before and the last; isotropy beneath. */
es_status es_plot_drift(es_space *const *spaces, const char *const *names, const es_drift *drift,
                        const char *path, es_error *error);

ES_END_DECLARATIONS
#endif
