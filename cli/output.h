/* Where an answer goes: standard output, or a file that appears whole or not at all.
 *
 * A file is written beside its place, synced and renamed: one that cannot be finished leaves
 * nothing behind. A device or pipe is written to directly. Every write, the flush and the close are
 * checked. Most answers are rendered into memory first, so that standard output, too, gets all or
 * nothing; one too long for that is written to a cli_sink as it is made. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <embscope/status.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Before the work: can `path` be written? It must not be a folder, nor lie in one that is absent or
 * read-only, nor be one of the `count` files in `inputs` (NULL entries are passed over). NULL, the
 * standard output, is always fine. */
es_status cli_output_check(const char *path, const char *const *inputs, size_t count,
                           es_error *error);

/* Is there room for `bytes` more in the folder of `path`? CANNOT_WRITE where not. A device or pipe
 * has room. */
es_status cli_output_room(const char *path, int64_t bytes, es_error *error);

/* An answer on its way out. Renderers write to `out`. */
typedef struct cli_sink {
    FILE *out;
    const char *path; /* NULL: standard output */
    int descriptor;
    int code;     /* errno of the first write that failed */
    bool replace; /* the file `temporary` becomes `target` at the end */
    bool is_new;  /* a file of a folder that is not in its place yet: that one's owner removes it */
    char target[PATH_MAX], temporary[PATH_MAX];
} cli_sink;

/* Open `path`, or standard output where it is NULL. `path` must stay valid; so must *sink stay
 * where it is. */
es_status cli_sink_open(cli_sink *sink, const char *path, es_error *error);

/* A new file at `place`, of which messages say `path`; both must stay valid. For cli_folder. */
es_status cli_sink_create(cli_sink *sink, const char *place, const char *path, es_error *error);

/* End it, and return `status` where that is not ES_OK: the file then stays as it was. What a write
 * failed with is told with the path. When standard output's reader has left, the program ends as
 * SIGPIPE ends it. */
es_status cli_sink_close(cli_sink *sink, es_status status, es_error *error);

/* Does the path ask for a NumPy archive? NULL does not. */
bool cli_names_npz(const char *path);

/* `size` bytes at once. */
es_status cli_output_write(const char *path, const char *data, size_t size, es_error *error);

#endif
