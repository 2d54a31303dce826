/* How long work is going, and whether it should go on. */
#ifndef EMBSCOPE_PROGRESS_H
#define EMBSCOPE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Called now and then from one thread at a time with work done so far, in pairs or rows. Return
 * false to cancel: the call then ends with ES_CANCELLED within a second. `report` may be NULL. */
typedef struct es_progress {
    bool (*report)(void *context, int64_t done, int64_t total);
    void *context;
} es_progress;

#endif
