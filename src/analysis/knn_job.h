/* What the parts of knn.c share: one run over all rows. */
#ifndef ES_ANALYSIS_KNN_JOB_H
#define ES_ANALYSIS_KNN_JOB_H

#include "analysis/knn_lists.h"
#include "kernel/bytes.h"
#include "kernel/halves.h"
#include "kernel/rotation.h"

#include <embscope/knn.h>

/* One thread's copy of what the rows of a tile ask for, so that the screen reads plain floats. */
typedef struct es_knn_snapshot {
    int64_t tile;
    float rows[ES_BYTE_BLOCK], columns[ES_BYTE_BLOCK];
} es_knn_snapshot;

typedef struct es_knn_job {
    es_space *space;
    int64_t d, k;
    int threads;
    /* The rows of the screen, by place, shuffled: ids[p]; class_of[p] is the place of the first
     * row of p's class. */
    int64_t count, *ids;
    int32_t *class_of;
    int64_t
        *place_of; /* (rows of the space): place of the first row of a row's class, -1 undefined */
    es_candidate_lists lists;
    int64_t *keep; /* es_lists_keep() of a row that has met 0, 1, ... blocks of rows */
    bool *closed;  /* (count) or NULL: rows whose list is known to be whole */
    es_knn_snapshot *snapshots;
    float allowance; /* what the screen's values may fall short of the truth */
    /* float32 screen */
    es_packed packed;
    /* 8-bit screen, and 16 bits for what passes it */
    es_halves halves;
    bool plain;     /* float32 rows of norms in range: float64 takes them where they lie */
    int32_t *order; /* (count) places, in the order in which they are decided */
    double *wide;   /* (count, d) unit rows in float64, where many are compared and there is room */
    double *mean, mean_square;
    es_rotation rotation;
    es_bytes_pack bytes;
    es_knn *knn;
} es_knn_job;

/* Fill count, ids, class_of and place_of from the defined rows, ascending, and duplicate_rows of
 * the answer. */
es_status es_knn_choose_places(es_knn_job *job, const int64_t *defined, int64_t count,
                               es_error *error);

/* es_rank_exactly of the lists; the context is the job. */
es_status es_knn_rank(void *context, int64_t row, int64_t keep, es_candidate *items, int32_t count,
                      double *last, es_error *error);

/* Turn the list of every class's first row into its best k + 1: ids, and float64 cosines rounded to
 * float32, in the order of the answer. */
es_status es_knn_decide(es_knn_job *job, es_error *error);

#endif
