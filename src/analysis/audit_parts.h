/* What the files of the audit share. */
#ifndef ES_ANALYSIS_AUDIT_PARTS_H
#define ES_ANALYSIS_AUDIT_PARTS_H

#include "space/space.h"

#include <embscope/audit.h>

/* A growing list of findings. */
typedef struct es_findings {
    es_audit_finding *items;
    int64_t count, capacity;
} es_findings;
es_status es_findings_add(es_findings *findings, es_audit_finding finding, es_error *error);

/* What a token is by decoding and encoding it again: UNREACHABLE, UNDECODABLE, SPECIAL, NO_TOKEN
 * and NO_ROW, ascending by id within a block of ids. Needs the norms. */
es_status es_audit_round_trip(es_space *space, const es_audit_options *options,
                              es_findings *findings, es_error *error);

/* The mean of all defined rows and the first principal component of them, each (d), of rows times
 * `scale`; *component is left zero where it is not unique or d > 4096. */
es_status es_first_component(es_space *space, const int64_t *ids, int64_t count, double scale,
                             const es_audit_options *options, double *mean, double *component,
                             es_error *error);

/* Grow the untouched rows from what the findings of the round trip offer; members[i] becomes 1 for
 * row i. Fills audit->untouched and audit->indicators. Needs the norms. */
es_status es_untouched_find(es_space *space, const es_findings *findings,
                            const es_audit_options *options, es_audit *audit,
                            unsigned char *members, es_error *error);

/* Quantile of ascending values by linear interpolation between the two nearest ranks. */
double es_audit_quantile(const double *ascending, int64_t count, double q);

/* For qsort. */
int es_audit_compare(const void *a, const void *b);

#endif
