/* Files by positioned reads. A file that shrinks while it is read is an error line, never a signal:
 * nothing is mapped. */
#ifndef ES_BASE_FILE_H
#define ES_BASE_FILE_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* A regular file, open for reading. `size` is what it was when opened. All zero is no file (see
 * es_file_is_open). */
typedef struct es_file {
    char *path; /* as the user gave it; owned */
    int descriptor;
    int64_t size;
    uint64_t device, inode;
} es_file;

/* Open a regular file. NOT_FOUND where there is none; BAD_INPUT for a folder, a FIFO or a device;
 * CANNOT_READ. */
es_status es_file_open(es_file *file, const char *path, es_error *error);
void es_file_close(es_file *file); /* legal on all zero */
static inline bool es_file_is_open(const es_file *file)
{
    return file->path != NULL;
}

/* Read exactly `size` bytes at `offset` into `out`. BAD_INPUT when the file ends before (it "became
 * shorter"). */
es_status es_file_read(const es_file *file, int64_t offset, void *out, int64_t size,
                       es_error *error);

/* The same, spread over `threads` threads where it is large. */
es_status es_file_read_parallel(const es_file *file, int64_t offset, void *out, int64_t size,
                                int threads, es_error *error);

/* The whole file, terminated, the caller's to free. BAD_INPUT when it has more than `limit` bytes.
 */
es_status es_file_read_all(const char *path, int64_t limit, char **data, int64_t *size,
                           es_error *error);

/* Does a path exist, and is it a folder? */
bool es_path_exists(const char *path);
bool es_path_is_folder(const char *path);

/* "folder/name", malloc'ed; NULL when memory is short. */
char *es_path_join(const char *folder, const char *name);

#endif
