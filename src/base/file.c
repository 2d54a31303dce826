#define _GNU_SOURCE /* O_CLOEXEC */
#include "base/file.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_CHUNK = 4 << 20 }; /* bytes a thread reads at a time */

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

es_status es_file_open(es_file *file, const char *path, es_error *error)
{
    *file = (es_file){0};
    /* O_NONBLOCK: opening a pipe without a writer must not hang; it means nothing for a regular
     * file. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        es_status status = errno == ENOENT || errno == ENOTDIR ? ES_NOT_FOUND : ES_CANNOT_READ;
        return es_fail(error, status, "%s: cannot open: %s", path, strerror(errno));
    }
    struct stat state;
    if (fstat(descriptor, &state) != 0) {
        int reason = errno;
        close(descriptor);
        return es_fail(error, ES_CANNOT_READ, "%s: cannot examine: %s", path, strerror(reason));
    }
    if (!S_ISREG(state.st_mode)) {
        close(descriptor);
        return es_fail(error, ES_BAD_INPUT, "%s: is %s; a regular file is needed", path,
                       kind_of(state.st_mode));
    }
    char *copy = es_copy_text(path);
    if (!copy) {
        close(descriptor);
        return es_fail_memory(error, "a path", strlen(path));
    }
    *file = (es_file){.path = copy,
                      .descriptor = descriptor,
                      .size = state.st_size,
                      .device = state.st_dev,
                      .inode = state.st_ino};
    return ES_OK;
}

void es_file_close(es_file *file)
{
    if (!es_file_is_open(file)) return;
    close(file->descriptor);
    free(file->path);
    *file = (es_file){0};
}

es_status es_file_read(const es_file *file, int64_t offset, void *out, int64_t size,
                       es_error *error)
{
    char *at = out;
    int64_t start = offset, wanted = size;
    while (size > 0) {
        ssize_t got = pread(file->descriptor, at, (size_t)size, offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return es_fail(error, ES_CANNOT_READ, "%s: at byte %lld: cannot read: %s", file->path,
                           (long long)offset, strerror(errno));
        if (got == 0) {
            struct stat state;
            long long now =
                fstat(file->descriptor, &state) == 0 ? (long long)state.st_size : (long long)offset;
            if (now < file->size)
                return es_fail(
                    error, ES_BAD_INPUT,
                    "%s: the file became shorter while it was read (was %lld bytes, now %lld)",
                    file->path, (long long)file->size, now);
            return es_fail(
                error, ES_BAD_INPUT,
                "%s: at byte %lld: the file ends; %lld bytes from byte %lld were expected",
                file->path, (long long)offset, (long long)wanted, (long long)start);
        }
        at += got;
        offset += got;
        size -= got;
    }
    return ES_OK;
}

typedef struct read_job {
    const es_file *file;
    int64_t offset, size;
    char *out;
} read_job;

static es_status read_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const read_job *job = context;
    int64_t from = index * READ_CHUNK;
    int64_t size = job->size - from < READ_CHUNK ? job->size - from : READ_CHUNK;
    return es_file_read(job->file, job->offset + from, job->out + from, size, error);
}

es_status es_file_read_parallel(const es_file *file, int64_t offset, void *out, int64_t size,
                                int threads, es_error *error)
{
    if (size <= 2 * (int64_t)READ_CHUNK) return es_file_read(file, offset, out, size, error);
    read_job job = {file, offset, size, out};
    return es_parallel_for(threads, (size + READ_CHUNK - 1) / READ_CHUNK, read_piece, &job, NULL,
                           error);
}

es_status es_file_read_all(const char *path, int64_t limit, char **data, int64_t *size,
                           es_error *error)
{
    es_file file;
    ES_TRY(es_file_open(&file, path, error));
    es_status status = ES_OK;
    char *bytes = NULL;
    if (file.size > limit) {
        status =
            es_fail(error, ES_BAD_INPUT, "%s: %lld bytes; at most %lld are expected of such a file",
                    path, (long long)file.size, (long long)limit);
    } else if (!(bytes = malloc((size_t)file.size + 1))) {
        status = es_fail_memory(error, path, (size_t)file.size + 1);
    } else {
        status = es_file_read(&file, 0, bytes, file.size, error);
    }
    if (status == ES_OK) {
        bytes[file.size] = '\0';
        *data = bytes;
        *size = file.size;
    } else {
        free(bytes);
    }
    es_file_close(&file);
    return status;
}

bool es_path_exists(const char *path)
{
    struct stat state;
    return stat(path, &state) == 0;
}

bool es_path_is_folder(const char *path)
{
    struct stat state;
    return stat(path, &state) == 0 && S_ISDIR(state.st_mode);
}

char *es_path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    return es_copy_format(length && folder[length - 1] == '/' ? "%s%s" : "%s/%s", folder, name);
}
