/* One export under way, and what a format does in it. */
#ifndef ES_RENDER_EXPORT_JOB_H
#define ES_RENDER_EXPORT_JOB_H

#include "render/npz_writer.h"
#include "render/row_stream.h"
#include "space/row_keys.h"

typedef struct es_export_job {
    es_space *space;
    const es_export_options *options;
    es_row_reader reader;
    es_row_keys keys; /* where the format names its rows */
    es_dtype dtype;
    bool as_stored; /* the bytes of the source's rows are those of the file */
    FILE *const *files;
    es_npz_writer npz;
    int64_t written; /* rows that are in the file, once all are */
} es_export_job;

/* begin and end may be NULL. put is es_export_put, unless bytes need more than to be written. */
typedef struct es_export_writer {
    bool has_keys;
    es_status (*begin)(es_export_job *job, es_error *error);
    es_status (*encode)(const void *job, es_row_piece *piece, es_error *error);
    es_status (*put)(void *job, const es_row_piece *piece, es_error *error);
    es_status (*end)(es_export_job *job, es_error *error);
} es_export_writer;

extern const es_export_writer es_export_npy, es_export_npz, es_export_safetensors,
    es_export_word2vec, es_export_word2vec_text, es_export_glove, es_export_projector;

/* piece->bytes[f] to files[f]. */
es_status es_export_put(void *job, const es_row_piece *piece, es_error *error);

/* Append the components of `count` rows from row i of the piece on: bytes, in the job's dtype. */
es_status es_export_add_rows(const es_export_job *job, es_row_piece *piece, int64_t i,
                             int64_t count, es_error *error);

#endif
