/* The bytes of a file in order, inflated on the way where it is gzip. Formats that are read from
 * front to back (word vectors) read through this. */
#ifndef ES_FORMAT_STREAM_H
#define ES_FORMAT_STREAM_H

#include "base/file.h"

#include <zlib.h>

typedef struct es_stream {
    const es_file *file; /* borrowed */
    int threads;
    int64_t at;       /* next byte of the file */
    int64_t produced; /* bytes handed out */
    bool gzip, ended;
    bool begun; /* inflater is to be ended */
    z_stream inflater;
    unsigned char *input;
} es_stream;

/* Does a file that begins with these bytes hold gzip? */
bool es_is_gzip(const unsigned char *head, size_t size);

/* Start at the file's first byte. Close in any case. */
es_status es_stream_open(es_stream *stream, const es_file *file, int threads, es_error *error);

/* Read `size` bytes, fewer only at the end: *got tells. BAD_INPUT for gzip data that is damaged,
 * ends too early, or inflates to more than any word vectors do. */
es_status es_stream_read(es_stream *stream, void *out, int64_t size, int64_t *got, es_error *error);

/* The most bytes that a stream can give, held below `limit`: how much room a small file needs. */
int64_t es_stream_bound(const es_stream *stream, int64_t limit);

void es_stream_close(es_stream *stream);

#endif
