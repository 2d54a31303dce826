/* Rows to files, block after block: the rows of one block are read and made into bytes by many
 * threads while the bytes of the block before it are written, in order, by one. */
#ifndef ES_RENDER_ROW_STREAM_H
#define ES_RENDER_ROW_STREAM_H

#include "analysis/row_reader.h"
#include "base/text.h"

enum { ES_ROW_STREAM_FILES = 2 };

/* A few rows, and what becomes of them. */
typedef struct es_row_piece {
    int64_t first, count;
    const double *values;        /* (count, columns) */
    const unsigned char *states; /* (count) an es_row_state each */
    es_text bytes[ES_ROW_STREAM_FILES];
    int64_t overflowed; /* the encoder's count; the others are counted for it */
    int64_t zero_rows, non_finite_rows;
} es_row_piece;

typedef struct es_row_stream {
    const es_row_reader *reader;
    /* Append the rows' bytes to piece->bytes; called from any thread. */
    es_status (*encode)(const void *context, es_row_piece *piece, es_error *error);
    /* Write them; called for ascending rows without a gap, by one thread at a time. */
    es_status (*put)(void *context, const es_row_piece *piece, es_error *error);
    void *context;
    int threads;
    es_progress progress;
    /* What was seen. */
    int64_t zero_rows, non_finite_rows, overflowed;
} es_row_stream;

es_status es_row_stream_run(es_row_stream *stream, es_error *error);

#endif
