/* Where an answer goes: standard output, or a file that appears whole or not at all.
 *
 * An answer is rendered into memory first, so that one that cannot be finished leaves nothing
 * behind, then written: every write, the flush and the close are checked. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <embscope/status.h>
#include <stddef.h>

/* Before the work: can `path` be written? It must not be a folder, nor lie in one that is absent or
 * read-only, nor be one of the `count` files in `inputs` (NULL entries are passed over). NULL, the
 * standard output, is always fine. */
es_status cli_output_check(const char *path, const char *const *inputs, size_t count,
                           es_error *error);

/* Write `size` bytes to `path`, or to standard output where it is NULL. A file is written beside
 * its place, synced and renamed; a device or pipe is written to directly. When standard output's
 * reader has left, the program ends as SIGPIPE ends it. */
es_status cli_output_write(const char *path, const char *data, size_t size, es_error *error);

#endif
