/* The one place that starts threads.
 *
 * Work is a count of pieces. Each worker takes the next piece; a piece writes only its own slot, so
 * that no result depends on how many threads there are. */
#ifndef ES_BASE_PARALLEL_H
#define ES_BASE_PARALLEL_H

#include "base/status.h"

#include <embscope/progress.h>
#include <stdint.h>

enum { ES_MAX_THREADS = 1024 };

/* Do piece `index`; `worker` (0 ... threads-1) names per-worker scratch. An error ends the whole
 * loop. */
typedef es_status es_piece(void *context, int64_t index, int worker, es_error *error);

/* How many threads to use: `asked`, or as many as this process may run on when that is 0. At
 * least 1. */
int es_thread_count(int asked);

/* Run all `count` pieces on at most `threads` (0: all) threads and wait. Returns the status of the
 * lowest-numbered piece that failed, or ES_CANCELLED. `progress` may be NULL; it is called by the
 * calling thread alone, and a last time when all is done, if nothing failed. When no thread can be
 * started, the calling thread does all the work. */
es_status es_parallel_for(int threads, int64_t count, es_piece *piece, void *context,
                          const es_progress *progress, es_error *error);

/* Threads that stay for many short loops, one after another: between two of them a thread looks out
 * for the next for some microseconds, then sleeps. Starting a loop costs a few microseconds where
 * es_parallel_for() costs a few tens a thread. NO_MEMORY; where fewer threads can be started, there
 * are fewer. The crew belongs to one calling thread at a time; es_crew_free() ends its threads. */
typedef struct es_crew es_crew;
es_status es_crew_create(int threads, es_crew **crew, es_error *error);
void es_crew_free(es_crew *crew); /* NULL is legal */

/* One loop, with the promises of es_parallel_for(). */
es_status es_crew_run(es_crew *crew, int64_t count, es_piece *piece, void *context,
                      const es_progress *progress, es_error *error);

#endif
