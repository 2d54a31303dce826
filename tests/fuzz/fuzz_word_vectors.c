#include "fuzz.h"

/* Text, binary, either of them gzip: told by content. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_open(NULL, data, size);
    fuzz_open(&es_format_text_vectors, data, size);
    fuzz_open(&es_format_word2vec, data, size);
    return 0;
}
