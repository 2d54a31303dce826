/* What needs no pass over pairs: the mean and the second moment of all cosines, in float64.
 *
 *   sum over i, j of u_i . u_j      = ||sum of u||^2
 *   sum over i, j of (u_i . u_j)^2  = ||U'U||_F^2
 *
 * less the terms i = j, over n (n - 1). The d x d Gram matrix U'U is kept: the spectrum of S is its
 * spectrum. */
#ifndef ES_ANALYSIS_CLOSED_FORMS_H
#define ES_ANALYSIS_CLOSED_FORMS_H

#include "space/space.h"

typedef struct es_closed_forms {
    double *sum;     /* (d): sum of the unit rows */
    double *gram;    /* (d, d), the upper triangle; NULL for d > ES_GRAM_COLUMNS */
    double mean;     /* E[cos] over pairs i < j */
    bool has_second; /* is there a Gram matrix, and so `second`? */
    double second;   /* E[cos^2] over pairs i < j */
} es_closed_forms;

enum { ES_GRAM_COLUMNS = 4096 }; /* 128 MiB of it; beyond, bounded memory comes first */

/* Over the unit rows of the given defined rows (count >= 2). The same bits for any thread count. */
es_status es_closed_forms_compute(es_space *space, const int64_t *ids, int64_t count, int threads,
                                  es_closed_forms *forms, es_error *error);
void es_closed_forms_release(es_closed_forms *forms);

#endif
