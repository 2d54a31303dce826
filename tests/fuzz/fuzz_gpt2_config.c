#include "model/gpt2.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken must hold together: sizes of at least 1, whole heads. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    es_gpt2_config config;
    es_error error = {0};
    es_status status =
        es_gpt2_config_parse("fuzz", (const char *)data, (int64_t)size, &config, &error);
    if ((status == ES_OK) != (error.text[0] == '\0')) abort();
    if (status != ES_OK) return 0;
    if (config.layers < 1 || config.heads < 1 || config.width < 1 || config.inner < 1) abort();
    if (config.width % config.heads || config.context < 0 || config.vocabulary < 0) abort();
    if (!(config.epsilon >= 0 && config.epsilon < 1)) abort();
    return 0;
}
