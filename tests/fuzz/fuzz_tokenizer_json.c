#include "fuzz_vocabulary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    es_document document = {"fuzz", (const char *)data, (int64_t)size};
    es_vocabulary *vocabulary = NULL;
    es_error error = {0};
    es_status status = es_vocabulary_read_tokenizer(document, 16, &vocabulary, &error);
    if ((status == ES_OK) != (error.text[0] == '\0')) abort();
    if (status != ES_OK) return 0;
    fuzz_use(vocabulary, (es_bytes){document.data, size}, false);
    return 0;
}
