/* What the fuzz targets of vocabularies share: one that opened is asked everything. */
#ifndef ES_FUZZ_VOCABULARY_H
#define ES_FUZZ_VOCABULARY_H

#include "space/vocabulary.h"
#include "space/vocabulary_read.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Encode and decode; a plain byte-level BPE must give back what it took. */
static inline void fuzz_encode(const es_vocabulary *vocabulary, es_bytes text, bool special,
                               bool exact)
{
    es_ids ids = {0};
    es_error error = {0};
    es_status status = es_vocabulary_encode(vocabulary, text, special, &ids, &error);
    if ((status == ES_OK) != (error.text[0] == '\0')) abort();
    char *back = NULL;
    size_t size;
    if (status == ES_OK) {
        if (es_vocabulary_decode(vocabulary, ids.id, ids.count, &back, &size, &error)) abort();
        if (exact && (size != text.size || memcmp(back, text.data, size) != 0)) abort();
    }
    free(back);
    es_ids_release(&ids);
}

static inline void fuzz_use(es_vocabulary *vocabulary, es_bytes text, bool exact)
{
    static const char fixed[] = "The cat\t's 12 \xC3\xA9\xE4\xB8\xAD \xFF<|endoftext|>[MASK]  ab\n";
    fuzz_encode(vocabulary, (es_bytes){fixed, strlen(fixed)}, false, exact);
    fuzz_encode(vocabulary, (es_bytes){fixed, strlen(fixed)}, true, exact);
    if (text.size > 4096) text.size = 4096;
    fuzz_encode(vocabulary, text, true, exact);
    int64_t near[3];
    (void)es_vocabulary_suggest(vocabulary, text, 3, near);
    for (int64_t id = 0; id < es_vocabulary_size(vocabulary); id++) {
        es_bytes token = es_vocabulary_token(vocabulary, id);
        int64_t found = es_vocabulary_find(vocabulary, token);
        es_bytes again = es_vocabulary_token(vocabulary, found);
        if (found >= 0 && (again.size != token.size ||
                           (token.size && memcmp(again.data, token.data, token.size) != 0)))
            abort();
        (void)es_vocabulary_is_special(vocabulary, id);
    }
    es_vocabulary_free(vocabulary);
}

#endif
