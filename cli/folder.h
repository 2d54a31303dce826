/* An answer of several files: a folder that appears whole or not at all.
 *
 * The files are written to a folder beside its place, synced, and the folder is renamed. One that
 * is there already is left as it is until then, and only replaced where it holds nothing but files
 * of these names: nobody else's file is ever removed. */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

#include "output.h"

enum { CLI_FOLDER_FILES = 4 };

typedef struct cli_folder {
    const char *const *names; /* NULL-ended, at most CLI_FOLDER_FILES */
    cli_sink files[CLI_FOLDER_FILES];
    int count; /* files that are open */
    bool made, replaces;
    char target[PATH_MAX], temporary[PATH_MAX];
    char places[CLI_FOLDER_FILES][PATH_MAX], shown[CLI_FOLDER_FILES][PATH_MAX];
} cli_folder;

/* Before the work: is `path` free, empty, or (with `force`) full of such files alone? The target,
 * without slashes at the end or links, goes to folder->target. */
es_status cli_folder_check(cli_folder *folder, const char *path, const char *const *names,
                           bool force, es_error *error);

/* Open all files, of a folder that was checked. *folder must stay where it is. */
es_status cli_folder_open(cli_folder *folder, es_error *error);

/* End it, and return `status` where that is not ES_OK: the place then stays as it was. */
es_status cli_folder_close(cli_folder *folder, es_status status, es_error *error);

#endif
