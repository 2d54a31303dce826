#define _GNU_SOURCE /* O_CLOEXEC */
#include "base/memory.h"
#include "render/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES_TRIED = 100 };

static es_status fail_write(const char *path, int reason, es_error *error)
{
    return es_fail(error, ES_CANNOT_WRITE, "%s: cannot write: %s", path, strerror(reason));
}

/* 0, or the reason why not. */
static int write_all(int descriptor, const char *data, size_t size)
{
    while (size) {
        ssize_t written = write(descriptor, data, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

/* A pipe or a device cannot be replaced: it is written to. */
static es_status write_in_place(const char *path, const char *data, size_t size, es_error *error)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return fail_write(path, errno, error);
    int reason = write_all(descriptor, data, size);
    if (close(descriptor) != 0 && !reason) reason = errno;
    return reason ? fail_write(path, reason, error) : ES_OK;
}

es_status es_output_replace(const char *path, const char *data, size_t size, es_error *error)
{
    struct stat state;
    if (stat(path, &state) == 0 && !S_ISREG(state.st_mode)) {
        if (S_ISDIR(state.st_mode))
            return es_fail(error, ES_CANNOT_WRITE, "%s: is a folder; name a file", path);
        return write_in_place(path, data, size, error);
    }
    char *name = NULL;
    int descriptor = -1;
    for (int i = 0; i < NAMES_TRIED && descriptor < 0; i++) {
        free(name);
        name = es_copy_format("%s.%ld-%d.part", path, (long)getpid(), i);
        if (!name) return es_fail_memory(error, "a path", strlen(path) + 32);
        descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor < 0 && errno != EEXIST) break;
    }
    int reason = descriptor < 0 ? errno : write_all(descriptor, data, size);
    if (descriptor >= 0) {
        if (fsync(descriptor) != 0 && !reason) reason = errno;
        if (close(descriptor) != 0 && !reason) reason = errno;
        if (!reason && rename(name, path) != 0) reason = errno;
        if (reason) unlink(name);
    }
    free(name);
    return reason ? fail_write(path, reason, error) : ES_OK;
}
