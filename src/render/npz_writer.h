/* A NumPy archive (.npz) to a stream, from front to back: nothing is sought, so a pipe will do.
 *
 * The arrays are stored, not deflated. The same arrays give the same bytes: every member's date is
 * the first that ZIP knows. ZIP64 where a member, its place or the directory is past 4 GiB. */
#ifndef ES_RENDER_NPZ_WRITER_H
#define ES_RENDER_NPZ_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { ES_NPZ_MEMBERS = 8, ES_NPZ_NAME = 32, ES_NPY_HEADER = 128 };

typedef struct es_npz_member {
    char name[ES_NPZ_NAME]; /* "ids.npy" */
    uint32_t crc;
    int64_t size, header; /* bytes of the member; where its local header begins */
    bool streamed;        /* its CRC stands behind the data */
} es_npz_member;

typedef struct es_npz_writer {
    FILE *out;
    int64_t at; /* bytes written so far */
    es_npz_member members[ES_NPZ_MEMBERS];
    int count;
    int64_t largest; /* what 32 bits may say; tests lower it */
} es_npz_writer;

es_npz_writer es_npz_write_to(FILE *out);

/* The array `name` (at most 27 bytes): (rows, columns), row-major, or (rows,) where `columns`
 * is 0, as NumPy's type `descr` ("<i4", "<f4"). A write that fails shows in ferror(out). */
void es_npz_write_array(es_npz_writer *writer, const char *name, const char *descr,
                        const void *data, int64_t rows, int64_t columns);

/* The same for an array that is not in memory as a whole: begin, then its components in order in
 * any number of pieces, then end. `component` is the size of one in bytes. The CRC, which is not
 * known before, follows the data. */
void es_npz_begin_array(es_npz_writer *writer, const char *name, const char *descr, int component,
                        int64_t rows, int64_t columns);
void es_npz_add(es_npz_writer *writer, const void *data, int64_t size);
void es_npz_end_array(es_npz_writer *writer);

/* The directory, last. */
void es_npz_write_end(es_npz_writer *writer);

/* The header of a .npy array of that shape, as it stands in a file of its own as well. */
void es_npy_header_bytes(const char *descr, int64_t rows, int64_t columns,
                         char header[ES_NPY_HEADER]);

/* The same for 1 to 3 dimensions. */
void es_npy_header_of_shape(const char *descr, const int64_t *shape, int dimensions,
                            char header[ES_NPY_HEADER]);

#endif
