/* Growing lists of candidates, one a row, each with the level that a newcomer must reach. */
#ifndef ES_ANALYSIS_KNN_LISTS_H
#define ES_ANALYSIS_KNN_LISTS_H

#include "space/space.h"

#include <stdatomic.h>

typedef struct es_candidate {
    int32_t place; /* packed place */
    float cosine;  /* within `bound` of the exact one */
} es_candidate;

/* Half a cache line, so that a push touches one line and its items. */
typedef struct es_candidate_list {
    es_candidate *items;
    int32_t count, capacity;
    _Atomic float least; /* the exact cosine of a newcomer must not be below this */
    float assumed;       /* rows up to this exact cosine may have been dropped on an assumption */
    atomic_flag lock;
} es_candidate_list;

/* Put the best `keep` of a row's candidates first, in the order of the answer: by the float64
 * cosines that decide, the smaller id first where they are equal. *last is no less than the cosine
 * of the last of them, and more by twice ES_RANK_ERROR at most. Any thread may ask. */
#define ES_RANK_ERROR 1e-11
typedef es_status es_rank_exactly(void *context, int64_t row, int64_t keep, es_candidate *items,
                                  int32_t count, double *last, es_error *error);

typedef struct es_candidate_lists {
    int64_t most_ties;     /* a list holds so many more than twice what it must keep, at most */
    int64_t rows, keep;    /* how many of the best a row keeps in the end */
    es_rank_exactly *rank; /* asked where more rows are near the keep-th best than may be kept */
    void *context;
    double bound; /* |cosine of a candidate - exact| */
    es_candidate_list *lists;
} es_candidate_lists;

es_status es_lists_init(es_candidate_lists *lists, int64_t rows, int64_t keep, double bound,
                        es_error *error);
void es_lists_release(es_candidate_lists *lists);

/* What a newcomer to row `row` must reach now. It only rises. */
static inline float es_lists_least(const es_candidate_lists *lists, int64_t row)
{
    return atomic_load_explicit(&lists->lists[row].least, memory_order_relaxed);
}

/* Offer `place` to row `row`; `cosine` is within the bound of the exact one. Any thread may call
 * it.
 *
 * `keep` is how many of the rows offered so far the list must hold: lists->keep, or fewer while
 * only a part of all rows, drawn by lot, has been offered (es_lists_keep). That is an assumption
 * which es_lists_finish() holds against the end. */
es_status es_lists_push(es_candidate_lists *lists, int64_t row, int64_t place, float cosine,
                        int64_t keep, es_error *error);

/* How many of the best a row must keep when a share of all rows has been offered to it: of the
 * `keep` best of all, more than that are in the share less than once in 10^8. The row itself is
 * always there. */
int64_t es_lists_keep(int64_t keep, double share);

/* Keep what could be among the best lists->keep of the row, by the bound; *whole is false where the
 * assumption of a push was wrong, so that some may be missing. Where the bound alone cannot tell,
 * lists->rank does. */
es_status es_lists_finish(es_candidate_lists *lists, int64_t row, bool *whole, es_error *error);

/* Begin a row's list again, empty. */
void es_lists_clear(es_candidate_lists *lists, int64_t row);

#endif
