#include "fuzz.h"

#include <embscope/dataset.h>
#include <math.h>

/* What a data set promises must be there. */
static void read_all(const es_dataset *set)
{
    if (set->kind == ES_DATASET_AUTO || set->count < 1 || set->first[0] != 0) abort();
    for (int64_t w = 0; w < set->word_count; w++) {
        if (!set->words[w].size) abort();
        (void)es_hash(set->words[w].data, set->words[w].size, 0);
    }
    for (int64_t q = 0; q < set->count; q++) {
        int64_t size = set->first[q + 1] - set->first[q];
        if (size < 2 || set->lines[q] < 1) abort();
        if (set->kind == ES_DATASET_ANALOGIES && size != 4) abort();
        if (set->odd && (set->odd[q] < 0 || set->odd[q] >= size || size < 3)) abort();
        if (set->scores && (size != 2 || !isfinite(set->scores[q]))) abort();
        for (int64_t i = set->first[q]; i < set->first[q + 1]; i++)
            if (set->members[i] < 0 || set->members[i] >= set->word_count) abort();
    }
    for (int64_t s = 0; s < set->section_count; s++) {
        const es_dataset_section *section = &set->sections[s];
        if (section->first < 0 || section->first + section->count > set->count) abort();
        (void)es_hash(section->name.data, section->name.size, 0);
    }
    (void)es_hash(set->score_name.data, set->score_name.size, 0);
}

/* The first byte says which kind and column are asked for. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const columns[] = {NULL, "3", "4", "score"};
    if (!size) return 0;
    es_dataset_options options = {.kind = (es_dataset_kind)(data[0] % 5),
                                  .score = columns[data[0] / 5 % 4]};
    es_dataset set;
    es_error error = {0};
    es_status status =
        es_dataset_parse("fuzz", (const char *)data + 1, size - 1, &options, &set, &error);
    if ((status == ES_OK) != (error.text[0] == '\0')) abort();
    if (status == ES_OK) read_all(&set);
    es_dataset_release(&set);
    return 0;
}
