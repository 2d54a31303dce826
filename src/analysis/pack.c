#include "analysis/pack.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"

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

/* Keep `kept` of the ids, each choice as likely as any other, in their order. */
static void draw(int64_t *ids, int64_t count, int64_t kept, uint64_t seed)
{
    es_random random = {seed};
    for (int64_t i = 0, at = 0; at < kept; i++)
        if (es_random_below(&random, count - i) < kept - at) ids[at++] = ids[i];
}

es_status es_pack_sample(es_space *space, int64_t most, uint64_t seed, int threads,
                         es_packed_space *pack, es_error *error)
{
    *pack = (es_packed_space){0};
    ES_TRY(es_space_defined_rows(space, &pack->ids, &pack->defined, error));
    int64_t count = pack->defined < most ? pack->defined : most;
    if (count < pack->defined) draw(pack->ids, pack->defined, count, seed);
    es_status status = es_packed_init(&pack->packed, count, space->source.columns, error);
    pack_job job = {space, pack};
    if (status == ES_OK)
        status = es_parallel_for(threads, (count + ES_PANEL - 1) / ES_PANEL, pack_panel, &job, NULL,
                                 error);
    if (status != ES_OK) es_packed_space_release(pack);
    return status;
}

es_status es_pack_space(es_space *space, int threads, es_packed_space *pack, es_error *error)
{
    return es_pack_sample(space, INT64_MAX, 0, threads, pack, error);
}

void es_packed_space_release(es_packed_space *pack)
{
    es_packed_release(&pack->packed);
    free(pack->ids);
    *pack = (es_packed_space){0};
}
