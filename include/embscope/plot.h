/* Figures, drawn by gnuplot (looked for on PATH when one is drawn; UNSUPPORTED says how to get it
 * where it is absent).
 *
 * The ending of `path` chooses SVG, PNG or PDF. The file appears whole or not at all. Token text
 * goes to gnuplot as data, never as commands. */
#ifndef EMBSCOPE_PLOT_H
#define EMBSCOPE_PLOT_H

#include <embscope/cluster.h>
#include <embscope/distribution.h>
#include <embscope/matrix.h>
#include <embscope/neighbors.h>
#include <embscope/similarity.h>

ES_BEGIN_DECLARATIONS

/* Heat map of the cosine matrix in dendrogram order, the tree above it. */
es_status es_plot_matrix(const es_space *space, const es_matrix *matrix, const char *path,
                         es_error *error);

/* Histogram of all pairs over the density of random directions. */
es_status es_plot_distribution(const es_space *space, const es_distribution *distribution,
                               const char *path, es_error *error);

/* The query's cosine to every token against its id (needs keep_scores), the nearest ones named. */
es_status es_plot_neighbors(const es_space *space, const es_neighbors *neighbors, const char *path,
                            es_error *error);

/* Two embeddings against each other: a point per dimension, component of the first against that of
 * the second. vectors is (2, columns), the rows of the first two items of the selection. */
es_status es_plot_embeddings(const es_space *space, const es_selection *selection,
                             const double *vectors, const char *path, es_error *error);

/* Cluster map (needs map): the centres in the plane that shows most of them, as large as their
 * clusters, the largest named by their most central token. BAD_ARGUMENT for fewer than 3. */
es_status es_plot_clusters(const es_space *space, const es_clusters *clusters, const char *path,
                           es_error *error);

ES_END_DECLARATIONS
#endif
