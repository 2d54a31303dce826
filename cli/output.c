#define _GNU_SOURCE
#include "output.h"

#include "interrupt.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder that `path` lies in, in `folder`; returns false where it does not fit. */
static bool folder_of(const char *path, char *folder, size_t capacity)
{
    const char *slash = strrchr(path, '/');
    int length = !slash          ? snprintf(folder, capacity, ".")
                 : slash == path ? snprintf(folder, capacity, "/")
                                 : snprintf(folder, capacity, "%.*s", (int)(slash - path), path);
    return length >= 0 && (size_t)length < capacity;
}

es_status cli_output_check(const char *path, const char *const *inputs, size_t count,
                           es_error *error)
{
    if (!path) return ES_OK;
    struct stat target, input;
    bool exists = !stat(path, &target);
    if (exists && S_ISDIR(target.st_mode))
        return cli_fail(error, ES_CANNOT_WRITE, "%s: a folder; name a file", path);
    for (size_t i = 0; exists && i < count; i++)
        if (inputs[i] && !stat(inputs[i], &input) && input.st_dev == target.st_dev &&
            input.st_ino == target.st_ino)
            return cli_fail(error, ES_CANNOT_WRITE,
                            "%s: also an input of this command; write to another file", path);
    if (exists && !S_ISREG(target.st_mode)) return ES_OK; /* a device or pipe */
    if (!exists && !lstat(path, &target))
        return cli_fail(error, ES_CANNOT_WRITE, "%s: a symbolic link that leads nowhere", path);
    char folder[PATH_MAX];
    if (!folder_of(path, folder, sizeof folder))
        return cli_fail_path(error, ES_CANNOT_WRITE, path, ENAMETOOLONG);
    if (!stat(folder, &target) && !S_ISDIR(target.st_mode))
        return cli_fail_path(error, ES_CANNOT_WRITE, path, ENOTDIR);
    if (access(folder, W_OK | X_OK)) return cli_fail_path(error, ES_CANNOT_WRITE, folder, errno);
    return ES_OK;
}

/* Write all, or return the errno that stopped it. */
static int write_all(int descriptor, const char *data, size_t size)
{
    while (size) {
        ssize_t written = write(descriptor, data, size);
        if (written < 0) {
            if (errno == EINTR && !cli_interrupted()) continue;
            return errno;
        }
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

static es_status write_standard_output(const char *data, size_t size, es_error *error)
{
    int code = write_all(STDOUT_FILENO, data, size);
    if (code == EPIPE) { /* `| head`: nobody wants the rest, and nothing needs saying */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    if (code == EINTR) return cli_interrupt_check(error);
    /* The last errors of a network file system are told at the close. */
    if (!code && close(STDOUT_FILENO)) code = errno;
    return code ? cli_fail_path(error, ES_CANNOT_WRITE, "standard output", code) : ES_OK;
}

/* A device or pipe has no old content to keep. */
static es_status write_special(const char *path, const char *data, size_t size, es_error *error)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    int code = descriptor < 0 ? errno : write_all(descriptor, data, size);
    if (descriptor >= 0 && close(descriptor) && !code) code = errno;
    if (code == EINTR && cli_interrupted()) return cli_interrupt_check(error);
    return code ? cli_fail_path(error, ES_CANNOT_WRITE, path, code) : ES_OK;
}

/* A new file in `folder`, its name in `name`. Not mkstemp(): the mode is to be the user's. */
static int create_temporary(const char *folder, char *name, size_t capacity)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        int length =
            snprintf(name, capacity, "%s/.embscope-%ld-%d.tmp", folder, (long)getpid(), attempt);
        if (length < 0 || (size_t)length >= capacity) {
            errno = ENAMETOOLONG;
            return -1;
        }
        cli_interrupt_guard(name);
        int descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0) return descriptor;
        cli_interrupt_guard(NULL);
        if (errno != EEXIST) return -1;
    }
    return -1;
}

/* Write to the temporary file and rename it to `target`; returns an errno. */
static int replace_file(const char *target, const char *folder, const struct stat *old,
                        const char *data, size_t size)
{
    char name[PATH_MAX];
    int descriptor = create_temporary(folder, name, sizeof name);
    if (descriptor < 0) return errno;
    int code = old && fchmod(descriptor, old->st_mode & 07777) ? errno : 0;
    if (!code) code = write_all(descriptor, data, size);
    if (!code && fsync(descriptor)) code = errno;
    if (close(descriptor) && !code) code = errno;
    if (!code && cli_interrupted()) code = EINTR;
    if (!code && rename(name, target)) code = errno;
    if (code) unlink(name);
    cli_interrupt_guard(NULL);
    return code;
}

es_status cli_output_write(const char *path, const char *data, size_t size, es_error *error)
{
    if (!path) return write_standard_output(data, size, error);
    struct stat old;
    bool exists = !stat(path, &old);
    if (exists && !S_ISREG(old.st_mode)) return write_special(path, data, size, error);
    char target[PATH_MAX], folder[PATH_MAX];
    if (!exists || !realpath(path, target)) { /* a link stays a link: its target is replaced */
        if (strlen(path) >= sizeof target)
            return cli_fail_path(error, ES_CANNOT_WRITE, path, ENAMETOOLONG);
        memcpy(target, path, strlen(path) + 1);
    }
    if (!folder_of(target, folder, sizeof folder))
        return cli_fail_path(error, ES_CANNOT_WRITE, path, ENAMETOOLONG);
    int code = replace_file(target, folder, exists ? &old : NULL, data, size);
    if (code == EINTR && cli_interrupted()) return cli_interrupt_check(error);
    return code ? cli_fail_path(error, ES_CANNOT_WRITE, path, code) : ES_OK;
}
