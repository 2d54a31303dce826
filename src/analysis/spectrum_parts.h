/* What the parts of the spectrum share: the rows that take part, and how far the work is. */
#ifndef ES_ANALYSIS_SPECTRUM_PARTS_H
#define ES_ANALYSIS_SPECTRUM_PARTS_H

#include "analysis/stages.h"
#include "analysis/sums.h"
#include "base/random.h"

#include <embscope/spectrum.h>

typedef struct es_spectrum_job {
    es_space *space;
    const int64_t *ids; /* (n) rows that take part */
    int64_t n, d;
    const double *norms; /* (rows of the space) */
    int scale;           /* stored rows are taken times 2^-scale: squares stay in range */
    int threads;
    uint64_t seed;
    es_stages stages; /* weights in rows read */
} es_spectrum_job;

/* Progress of a phase that takes about as long as `readings` readings of the table. */
es_progress es_spectrum_phase(es_spectrum_job *job, double readings);

/* es_read_summands of an es_spectrum_job. */
es_status es_spectrum_read_unit(void *job, int64_t first, int64_t count, double *out,
                                es_error *error);
es_status es_spectrum_read_stored(void *job, int64_t first, int64_t count, double *out,
                                  es_error *error);

/* Sums of all rows about a point near their mean, which is left in shift (d). */
es_status es_spectrum_sums(es_spectrum_job *job, es_read_summands *read, double *shift,
                           es_sums *sums, es_error *error);

/* Seeds of `count` independent streams. */
void es_spectrum_seeds(uint64_t seed, int64_t count, uint64_t *seeds);

/* In [0, bound) without bias (Lemire 2019): one multiplication instead of divisions. */
static inline uint64_t es_random_bounded(es_random *random, uint64_t bound)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)es_random_next(random) * bound;
    if ((uint64_t)product < bound)
        for (uint64_t least = -bound % bound; (uint64_t)product < least;)
            product = (wide)es_random_next(random) * bound;
    return (uint64_t)(product >> 64);
}

/* values[0..d) from LAPACK: what is rounding becomes 0, and what is no larger than `floor`; `count`
 * of them are kept. */
es_status es_spectrum_describe(const double *values, int64_t d, int64_t count, double floor,
                               es_eigenvalues *described, es_error *error);

/* Adds the eigenvalues of `tables` shuffled tables' covariances to values (d), then divides. */
es_status es_spectrum_null(es_spectrum_job *job, const double *mean, int64_t tables, double *values,
                           es_error *error);

/* IsoScore of a covariance (d, d): NaN for d = 1 or where it is zero. */
double es_isoscore(const double *covariance, int64_t d);

/* IsoScore and partition function of the stored rows, uniformity of the unit rows. */
es_status es_spectrum_isotropy(es_spectrum_job *job, es_isotropy *isotropy, es_error *error);

/* Fill spectrum->directions from its vectors. */
es_status es_spectrum_directions(es_spectrum_job *job, es_spectrum *spectrum, es_error *error);

#endif
