/* The parts of es_matrix_compute() that stand in files of their own. */
#ifndef ES_ANALYSIS_MATRIX_PARTS_H
#define ES_ANALYSIS_MATRIX_PARTS_H

#include "space/space.h"

#include <embscope/matrix.h>

/* Cosines (n, n) of unit rows (n, d), the diagonal exactly 1. */
es_status es_unit_cosines(const es_kernel *kernel, int64_t n, int64_t d, const double *rows,
                          int threads, const es_progress *progress, double *cosine,
                          es_error *error);

/* Mean over pairs i < j. */
double es_mean_off_diagonal(int64_t n, const double *cosine);

/* 1 - cos, what rounding makes negative set to 0. */
void es_cosine_distances(int64_t n, const double *cosine, double *distance);

/* How many sets the options ask for, and their weight against es_progress: multiply-adds. */
int64_t es_null_sets_wanted(const es_matrix_options *options, int64_t n, int64_t d,
                            int64_t *affordable);
double es_null_sets_work(int64_t sets, int64_t n, int64_t d);

/* Draw matrix->null_sets.count sets of matrix->n rows and stand the matrix' figures (its clusters
 * already made) beside theirs. A table of fewer defined rows than n: none is drawn. */
es_status es_null_sets_draw(es_space *space, const es_matrix_options *options,
                            const es_progress *progress, es_matrix *matrix, es_error *error);

/* From the names of categories (n) to matrix->categories: names and labels, and that there is a
 * contrast to be had. Before the work, so that its faults are told at once. */
es_status es_contrast_prepare(const es_matrix_options *options, es_matrix *matrix, es_error *error);
/* Its figures. Work: multiply-adds, as above. */
double es_contrast_work(const es_matrix *matrix);
es_status es_contrast_compute(const es_matrix_options *options, const es_progress *progress,
                              es_matrix *matrix, es_error *error);
void es_contrast_free(es_contrast *contrast); /* NULL is legal */

/* Classical scaling from the cosines or, where d < n, from the unit rows (n, d), which are centred
 * in place. */
es_status es_mds_compute(const es_kernel *kernel, int64_t d, double *rows, es_matrix *matrix,
                         es_error *error);

/* A generator for draw number `index` under `seed`, the same whoever draws. */
uint64_t es_draw_seed(uint64_t seed, int64_t index);

#endif
