#include "analysis/pack.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <stdlib.h>

typedef struct pack_job {
    es_space *space;
    es_packed_space *pack;
} pack_job;

static es_status pack_panel(void *context, int64_t panel, int worker, es_error *error)
{
    (void)worker;
    const pack_job *job = context;
    es_packed_space *pack = job->pack;
    int64_t d = pack->packed.depth, first = panel * ES_PANEL;
    int64_t end = first + ES_PANEL < pack->packed.rows ? first + ES_PANEL : pack->packed.rows;
    double *row = es_alloc(d, sizeof *row);
    if (!row) return es_fail_memory(error, "a row", (size_t)d * sizeof *row);
    es_status status = ES_OK;
    for (int64_t i = first; i < end && status == ES_OK; i++) {
        status = es_space_read_unit_rows(job->space, pack->ids[i], 1, row, error);
        if (status == ES_OK) es_packed_put(&pack->packed, i, row);
    }
    free(row);
    return status;
}

es_status es_pack_space(es_space *space, int threads, es_packed_space *pack, es_error *error)
{
    *pack = (es_packed_space){0};
    int64_t count;
    ES_TRY(es_space_defined_rows(space, &pack->ids, &count, error));
    es_status status = es_packed_init(&pack->packed, count, space->source.columns, error);
    pack_job job = {space, pack};
    if (status == ES_OK)
        status = es_parallel_for(threads, (count + ES_PANEL - 1) / ES_PANEL, pack_panel, &job, NULL,
                                 error);
    if (status != ES_OK) es_packed_space_release(pack);
    return status;
}

void es_packed_space_release(es_packed_space *pack)
{
    es_packed_release(&pack->packed);
    free(pack->ids);
    *pack = (es_packed_space){0};
}
