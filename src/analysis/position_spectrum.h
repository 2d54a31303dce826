/* The leading directions of a table of positions and the waves in them. */
#ifndef ES_ANALYSIS_POSITION_SPECTRUM_H
#define ES_ANALYSIS_POSITION_SPECTRUM_H

#include "space/space.h"

#include <embscope/positions.h>

/* Fill what es_positions says of the spectrum, at most `components` directions of it. rows is
 * (positions->rows - positions->left_out, d), the defined ones as they are; it is overwritten. */
es_status es_position_spectrum(const es_kernel *kernel, double *rows, int64_t d, const int64_t *ids,
                               int64_t components, int threads, es_positions *positions,
                               const es_progress *progress, es_error *error);

#endif
