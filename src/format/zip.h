/* A bounded reader of ZIP archives: stored and deflated members, ZIP64, data descriptors.
 *
 * The central directory is the truth. Parsers that differ over an archive are an attack, so every
 * local header must agree with it, members must not overlap, and names must be plain relative
 * paths. */
#ifndef ES_FORMAT_ZIP_H
#define ES_FORMAT_ZIP_H

#include "base/file.h"

#include <zlib.h>

typedef struct es_zip_member {
    char *name; /* owned; no NUL, not absolute, no ".." */
    bool deflated;
    uint32_t crc;
    int64_t header; /* where its local header begins */
    int64_t offset; /* where its data begin */
    int64_t packed; /* bytes in the file */
    int64_t size;   /* bytes inflated: packed where it is stored */
} es_zip_member;

/* All zero is empty. */
typedef struct es_zip {
    const es_file *file; /* borrowed */
    es_zip_member *members;
    int64_t count, capacity;
} es_zip;

/* Read the directory and check every local header against it. Release in any case. */
es_status es_zip_open(es_zip *zip, const es_file *file, es_error *error);
void es_zip_release(es_zip *zip);

/* The bytes of one member from front to back. */
typedef struct es_zip_stream {
    const es_zip *zip;
    const es_zip_member *member;
    int64_t at;       /* next packed byte, from the member's start */
    int64_t produced; /* bytes handed out */
    uint32_t crc;
    bool begun;
    z_stream inflater;
    unsigned char *input;
} es_zip_stream;

es_status es_zip_stream_open(es_zip_stream *stream, const es_zip *zip, const es_zip_member *member,
                             es_error *error);
/* Exactly `size` bytes: BAD_INPUT where the member ends before. */
es_status es_zip_stream_read(es_zip_stream *stream, void *out, int64_t size, es_error *error);
/* The member must be at its end, and its CRC right. */
es_status es_zip_stream_finish(es_zip_stream *stream, es_error *error);
void es_zip_stream_close(es_zip_stream *stream);

/* Check the CRC of a stored member, which can then be read in place; spread over threads. */
es_status es_zip_check_stored(const es_zip *zip, const es_zip_member *member, int threads,
                              es_error *error);

#endif
