#define _GNU_SOURCE /* renameat2 */
#include "folder.h"

#include "interrupt.h"
#include "message.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what is there -----------------------------------------------------------------------------
 */

static bool is_ours(const cli_folder *folder, const char *name)
{
    for (const char *const *known = folder->names; *known; known++)
        if (!strcmp(*known, name)) return true;
    return false;
}

static es_status look_into(cli_folder *folder, bool force, es_error *error)
{
    DIR *open_folder = opendir(folder->target);
    if (!open_folder) return cli_fail_path(error, ES_CANNOT_WRITE, folder->target, errno);
    char other[NAME_MAX + 1] = "";
    for (struct dirent *entry; (entry = readdir(open_folder));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        folder->replaces = true;
        bool first = !*other || strcmp(entry->d_name, other) < 0;
        if (first && !is_ours(folder, entry->d_name))
            snprintf(other, sizeof other, "%s", entry->d_name);
    }
    closedir(open_folder);
    if (*other)
        return cli_fail(error, ES_CANNOT_WRITE,
                        "%s: a folder with another file in it, '%s'; name another folder",
                        folder->target, other);
    if (folder->replaces && !force)
        return cli_fail(error, ES_CANNOT_WRITE, "%s: holds an export already; --force replaces it",
                        folder->target);
    return ES_OK;
}

es_status cli_folder_check(cli_folder *folder, const char *path, const char *const *names,
                           bool force, es_error *error)
{
    *folder = (cli_folder){.names = names};
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') size--;
    if (size >= PATH_MAX - NAME_MAX - 1)
        return cli_fail_path(error, ES_CANNOT_WRITE, path, ENAMETOOLONG);
    memcpy(folder->target, path, size);
    struct stat state;
    if (stat(folder->target, &state)) return cli_output_check(folder->target, NULL, 0, error);
    if (!S_ISDIR(state.st_mode))
        return cli_fail(error, ES_CANNOT_WRITE, "%s: a file; this export is a folder",
                        folder->target);
    char real[PATH_MAX]; /* a link stays a link: its target goes */
    if (!realpath(folder->target, real))
        return cli_fail_path(error, ES_CANNOT_WRITE, folder->target, errno);
    if (strcmp(folder->target, ".") == 0 || strlen(real) >= PATH_MAX - NAME_MAX - 1)
        return cli_fail(error, ES_CANNOT_WRITE, "%s: name the folder from outside of it", path);
    if (!lstat(folder->target, &state) && S_ISLNK(state.st_mode))
        memcpy(folder->target, real, strlen(real) + 1);
    return look_into(folder, force, error);
}

/* ---- writing -----------------------------------------------------------------------------------
 */

/* A new folder beside the target, its name in folder->temporary; returns an errno. */
static int make_temporary(cli_folder *folder)
{
    const char *slash = strrchr(folder->target, '/');
    int parent = slash ? (int)(slash - folder->target) + 1 : 0;
    for (int attempt = 0; attempt < 100; attempt++) {
        int length =
            snprintf(folder->temporary, sizeof folder->temporary, "%.*s.embscope-%ld-%d.tmp",
                     parent, folder->target, (long)getpid(), attempt);
        if (length < 0 || (size_t)length >= sizeof folder->temporary) return ENAMETOOLONG;
        if (!mkdir(folder->temporary, 0777)) {
            folder->made = true;
            cli_interrupt_guard_folder(folder->temporary, folder->names);
            return 0;
        }
        if (errno != EEXIST) return errno;
    }
    return EEXIST;
}

/* The files of these names, and the folder itself. */
static void remove_temporary(cli_folder *folder)
{
    if (!folder->made) return;
    for (int i = 0; folder->names[i]; i++) {
        char place[PATH_MAX];
        int length = snprintf(place, sizeof place, "%s/%s", folder->temporary, folder->names[i]);
        if (length > 0 && (size_t)length < sizeof place) unlink(place);
    }
    rmdir(folder->temporary);
    cli_interrupt_guard_folder(NULL, NULL);
    folder->made = false;
}

es_status cli_folder_open(cli_folder *folder, es_error *error)
{
    int code = make_temporary(folder);
    if (code) return cli_fail_path(error, ES_CANNOT_WRITE, folder->target, code);
    es_status status = ES_OK;
    for (int i = 0; !status && folder->names[i]; i++) {
        int a = snprintf(folder->places[i], PATH_MAX, "%s/%s", folder->temporary, folder->names[i]);
        int b = snprintf(folder->shown[i], PATH_MAX, "%s/%s", folder->target, folder->names[i]);
        status =
            a < 0 || b < 0 || a >= PATH_MAX || b >= PATH_MAX
                ? cli_fail_path(error, ES_CANNOT_WRITE, folder->target, ENAMETOOLONG)
                : cli_sink_create(&folder->files[i], folder->places[i], folder->shown[i], error);
        folder->count += !status;
    }
    return status ? cli_folder_close(folder, status, error) : ES_OK;
}

/* The new folder into its place; the old one, where there was one, becomes the temporary. Returns
 * an errno. */
static int bring_into_place(const cli_folder *folder)
{
    if (!folder->replaces) return rename(folder->temporary, folder->target) ? errno : 0;
    if (!renameat2(AT_FDCWD, folder->temporary, AT_FDCWD, folder->target, RENAME_EXCHANGE))
        return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    /* A file system that cannot exchange two names: for a moment there is none. */
    char aside[PATH_MAX];
    int length = snprintf(aside, sizeof aside, "%s.old", folder->temporary);
    if (length < 0 || (size_t)length >= sizeof aside) return ENAMETOOLONG;
    if (rename(folder->target, aside)) return errno;
    int code = rename(folder->temporary, folder->target) ? errno : 0;
    if (rename(aside, code ? folder->target : folder->temporary) && !code) code = errno;
    return code;
}

es_status cli_folder_close(cli_folder *folder, es_status status, es_error *error)
{
    for (int i = 0; i < folder->count; i++)
        status = cli_sink_close(&folder->files[i], status, error);
    folder->count = 0;
    if (!status) status = cli_interrupt_check(error);
    int code = status ? 0 : bring_into_place(folder);
    if (code) status = cli_fail_path(error, ES_CANNOT_WRITE, folder->target, code);
    if (!status && !folder->replaces) {
        folder->made = false; /* it is the answer now */
        cli_interrupt_guard_folder(NULL, NULL);
    }
    remove_temporary(folder);
    return status;
}
