/* MODEL: from the command line, the common options and the environment to an open space. */
#ifndef CLI_MODEL_H
#define CLI_MODEL_H

#include "command.h"

/* Open call->arguments[0] as call->space, say the space's note, and refuse -o and --plot where they
 * would write over what the model is read from. */
es_status cli_model_open(cli_call *call);

/* Would `path` (NULL: nothing) write over a file that this command reads, or can it not be written?
 */
es_status cli_model_check_output(cli_call *call, const char *path);

/* Where the model "demo" and its data sets lie, in `out` (PATH_MAX); NULL: nowhere. */
const char *cli_model_demo_folder(char *out, size_t capacity);

#endif
