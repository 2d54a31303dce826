/* Inside of an es_index: what one query and many at once share. */
#ifndef ES_ANALYSIS_QUERY_INDEX_H
#define ES_ANALYSIS_QUERY_INDEX_H

#include "analysis/near_list.h"
#include "kernel/nibbles.h"
#include "kernel/rotation.h"
#include "space/space.h"

#include <embscope/index.h>
#include <pthread.h>

typedef struct es_scored {
    double cosine;
    int64_t id;
} es_scored;

/* One caller's storage; idle ones wait in the index for the next query. */
typedef struct es_asker {
    struct es_asker *next;
    double *unit;          /* (d): the query as a unit vector */
    double *row, *scratch; /* (d) each */
    es_nibble_query query;
    float *upper;   /* (places): what each row's cosine may be at most */
    float *largest; /* (groups): the largest of each group's */
    float *ranked;  /* (places) */
    int32_t *found; /* (places) */
    es_near_list near;
    es_scored *scored;
    int64_t scored_capacity;
} es_asker;

struct es_index {
    es_space *space;
    int64_t d, count; /* rows of the index, by place, ascending ids */
    int64_t *ids;
    int threads;
    double *mean, mean_square;
    es_rotation rotation;
    es_nibbles pack;
    pthread_mutex_t lock; /* guards what follows */
    es_asker *idle;
};

es_status es_asker_take(es_index *index, es_asker **asker, es_error *error);
void es_asker_give_back(es_index *index, es_asker *asker);

/* asker->unit and asker->query of a vector. BAD_INPUT where it is zero or not finite. */
es_status es_index_prepare(const es_index *index, const double *vector, es_asker *asker,
                           es_error *error);

/* The place of an id, -1 where it is not in the index. */
int64_t es_index_place(const es_index *index, int64_t id);

/* The k <= index->count rows nearest to asker->unit and asker->query, by the excluded ids less:
 * one look at every row. */
es_status es_index_answer(const es_index *index, es_asker *asker, int64_t k,
                          const int64_t *excluded, int64_t excluded_count, int64_t *ids,
                          double *cosines, int64_t *count, es_error *error);

/* float64 decides among the candidates of `near` for asker->unit: at most k, in order. */
es_status es_index_decide(const es_index *index, es_asker *asker, es_near_list *near, int64_t k,
                          int64_t *ids, double *cosines, int64_t *count, es_error *error);

/* Progress of `total` rows or queries, told by a loop over fewer pieces. */
typedef struct es_scaled_progress {
    const es_progress *progress;
    int64_t total;
} es_scaled_progress;
bool es_report_scaled(void *context, int64_t done, int64_t total);

#endif
