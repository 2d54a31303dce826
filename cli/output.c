#define _GNU_SOURCE
#include "output.h"

#include "interrupt.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { BUFFER = 1 << 20 };

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

/* A size for people: "3.5 GiB". */
static void write_size(double bytes, char out[32])
{
    int unit = 0;
    for (; bytes >= 1024 && unit < 4; unit++) bytes /= 1024;
    snprintf(out, 32, unit ? "%.1f %ciB" : "%.0f bytes", bytes, " KMGT"[unit]);
}

es_status cli_output_room(const char *path, int64_t bytes, es_error *error)
{
    struct stat target;
    struct statvfs room;
    char folder[PATH_MAX], needed[32], there[32];
    if (!stat(path, &target) && !S_ISREG(target.st_mode) && !S_ISDIR(target.st_mode)) return ES_OK;
    if (!folder_of(path, folder, sizeof folder) || statvfs(folder, &room)) return ES_OK;
    double free_bytes = (double)room.f_bavail * (double)room.f_frsize;
    if ((double)bytes <= free_bytes) return ES_OK;
    write_size((double)bytes, needed);
    write_size(free_bytes, there);
    return cli_fail(error, ES_CANNOT_WRITE, "%s: needs %s, and %s are free there", path, needed,
                    there);
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

/* What a stream gives to its sink; the reason of a failure is kept. */
static ssize_t write_to_sink(void *cookie, const char *data, size_t size)
{
    cli_sink *sink = cookie;
    if (!sink->code) sink->code = write_all(sink->descriptor, data, size);
    return sink->code ? 0 : (ssize_t)size;
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

/* The temporary file of a sink, open; returns an errno. */
static int open_temporary(cli_sink *sink, const struct stat *old)
{
    char folder[PATH_MAX];
    if (!old || !realpath(sink->path, sink->target)) { /* a link stays a link: its target goes */
        if (strlen(sink->path) >= sizeof sink->target) return ENAMETOOLONG;
        memcpy(sink->target, sink->path, strlen(sink->path) + 1);
    }
    if (!folder_of(sink->target, folder, sizeof folder)) return ENAMETOOLONG;
    sink->descriptor = create_temporary(folder, sink->temporary, sizeof sink->temporary);
    if (sink->descriptor < 0) return errno;
    sink->replace = true;
    return old && fchmod(sink->descriptor, old->st_mode & 07777) ? errno : 0;
}

/* The descriptor behind a sink, open; returns an errno. */
static int open_descriptor(cli_sink *sink)
{
    struct stat old;
    bool exists = sink->path && !stat(sink->path, &old);
    if (!sink->path) {
        sink->descriptor = STDOUT_FILENO;
        return 0;
    }
    if (!exists || S_ISREG(old.st_mode)) return open_temporary(sink, exists ? &old : NULL);
    /* A device or pipe has no old content to keep. */
    sink->descriptor = open(sink->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return sink->descriptor < 0 ? errno : 0;
}

static void remove_temporary(cli_sink *sink)
{
    if (!sink->replace) return;
    unlink(sink->temporary);
    cli_interrupt_guard(NULL);
    sink->replace = false;
}

static es_status fail_write(const cli_sink *sink, int code, es_error *error)
{
    if (code == EPIPE && !sink->path) {
        /* `| head`: nobody wants the rest, and nothing needs saying */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    if (code == EINTR && cli_interrupted()) return cli_interrupt_check(error);
    return cli_fail_path(error, ES_CANNOT_WRITE, sink->path ? sink->path : "standard output", code);
}

/* Put a stream on the descriptor; `code` is what opening it said. */
static es_status open_stream(cli_sink *sink, int code, es_error *error)
{
    static const cookie_io_functions_t functions = {.write = write_to_sink};
    if (!code && !(sink->out = fopencookie(sink, "w", functions))) code = ENOMEM;
    if (!code) {
        setvbuf(sink->out, NULL, _IOFBF, BUFFER);
        return ES_OK;
    }
    if (sink->descriptor >= 0 && sink->path) close(sink->descriptor);
    remove_temporary(sink);
    return fail_write(sink, code, error);
}

es_status cli_sink_open(cli_sink *sink, const char *path, es_error *error)
{
    *sink = (cli_sink){.path = path, .descriptor = -1};
    return open_stream(sink, open_descriptor(sink), error);
}

es_status cli_sink_create(cli_sink *sink, const char *place, const char *path, es_error *error)
{
    *sink = (cli_sink){.path = path, .is_new = true};
    sink->descriptor = open(place, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return open_stream(sink, sink->descriptor < 0 ? errno : 0, error);
}

es_status cli_sink_close(cli_sink *sink, es_status status, es_error *error)
{
    fclose(sink->out);
    sink->out = NULL;
    int code = sink->code;
    bool lasting = sink->replace || sink->is_new;
    if (!code && !status && lasting && fsync(sink->descriptor)) code = errno;
    /* The last errors of a network file system are told at the close. */
    if (close(sink->descriptor) && !code) code = errno;
    if (!code && sink->replace && cli_interrupted()) code = EINTR;
    if (!code && !status && sink->replace && rename(sink->temporary, sink->target)) code = errno;
    if (!code && !status && sink->replace) {
        cli_interrupt_guard(NULL);
        sink->replace = false;
    }
    remove_temporary(sink);
    /* A renderer that saw its stream fail does not know why. */
    if (code && (!status || status == ES_CANNOT_WRITE)) return fail_write(sink, code, error);
    return status;
}

es_status cli_output_write(const char *path, const char *data, size_t size, es_error *error)
{
    cli_sink sink;
    es_status status = cli_sink_open(&sink, path, error);
    if (status) return status;
    fwrite(data, 1, size, sink.out);
    return cli_sink_close(&sink, ES_OK, error);
}

bool cli_names_npz(const char *path)
{
    size_t size = path ? strlen(path) : 0;
    return size > 4 && !strcmp(path + size - 4, ".npz");
}
