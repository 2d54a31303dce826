/* The first byte chooses: 0 vocab.json and, after a NUL, merges.txt; 1 vocab.json alone; 2 lines
 * and, after a NUL, tokenizer_config.json. */
#include "fuzz_vocabulary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    const char *text = (const char *)data + 1, *nul = memchr(text, '\0', size - 1);
    size_t first = nul ? (size_t)(nul - text) : size - 1;
    es_document one = {"one", text, (int64_t)first};
    es_document two = {"two", nul ? nul + 1 : NULL, nul ? (int64_t)(size - 2 - first) : 0};
    es_vocabulary *vocabulary = NULL;
    es_error error = {0};
    char *note = NULL;
    es_status status;
    switch (data[0] % 3) {
    case 0: status = es_vocabulary_read_bpe(one, two, 16, &vocabulary, &error); break;
    case 1: status = es_vocabulary_read_words_json(one, 16, &vocabulary, &note, &error); break;
    default: status = es_vocabulary_read_lines(one, two, 16, &vocabulary, &note, &error); break;
    }
    if ((status == ES_OK) != (error.text[0] == '\0')) abort();
    if (status != ES_OK) return 0;
    fuzz_use(vocabulary, (es_bytes){text, first}, data[0] % 3 == 0);
    free(note);
    return 0;
}
