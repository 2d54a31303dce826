/* The n-th allocation fails, for every n, while a file of each format is opened: the answer is
 * NO_MEMORY, never a crash, and nothing leaks (the sanitizers' build tells).
 */
#include "failing_allocation.h"
#include "scratch.h"
#include "space/vocabulary.h"

#include <zlib.h>

typedef es_status opener(const char *path, int threads, es_container *container, es_error *error);

static void sweep(const char *path, opener *open_path)
{
    int64_t n = 0;
    for (bool failed = true; failed; n++) {
        es_error error = {0};
        es_container container = {0};
        atomic_store(&failures, 0);
        atomic_store(&allocations_left, n);
        es_status status = open_path(path, 1, &container, &error);
        atomic_store(&allocations_left, -1);
        failed = atomic_load(&failures) > 0;
        /* Giving memory back may fail without harm; nothing else may go unnoticed. */
        if (status != ES_OK && status != ES_NO_MEMORY)
            fail_msg("%s, allocation %lld: %s", path, (long long)n, error.text);
        if (status != ES_OK && !failed) fail_msg("%s: %s", path, error.text);
        if (status != ES_OK) assert_says(error, "out of memory");
        es_container_release(&container);
    }
    assert_true(n > 3); /* some did fail */
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static const char *const seeds[] = {"safetensors/three",
                                        "safetensors/escapes",
                                        "safetensors/metadata",
                                        "npy/f4",
                                        "npy/f4_fortran",
                                        "npy/f4_big",
                                        "npy/longer",
                                        "npz/stored",
                                        "npz/deflated",
                                        "npz/zip64",
                                        "npz/object",
                                        "word_vectors/glove",
                                        "word_vectors/fasttext",
                                        "word_vectors/gzip",
                                        "word_vectors/binary",
                                        "word_vectors/binary_gzip",
                                        "word_vectors/binary_lines"};
    char relative[256];
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        snprintf(relative, sizeof relative, "tests/fuzz/corpus/%s", seeds[i]);
        sweep(test_source_path(relative), es_container_open);
    }
}

static void every_allocation_of_an_index_may_fail(void **state)
{
    (void)state;
    es_text shard = {0};
    const char *header = "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}";
    const char *index = "{\"weight_map\":{\"a\":\"s\\u0031\"},\"metadata\":{\"total_size\":5}}";
    append_le(&shard, strlen(header), 8);
    es_text_add(&shard, header);
    append_zeros(&shard, 4);
    scratch_write_text("s1", &shard);
    es_text_release(&shard);
    sweep(scratch_write("index.json", index, strlen(index)), es_safetensors_open_index);
}

/* Open a vocabulary and use it. */
static es_status use_vocabulary(const char *path, es_error *error)
{
    es_vocabulary *vocabulary = NULL;
    char *note = NULL, *text = NULL;
    size_t size;
    es_ids ids = {0};
    static const char words[] = "The <both> vocabulary \xC3\x89 na\xC3\xAFve word sub, [MASK]";
    es_bytes bytes = {words, strlen(words)};
    es_status status = es_vocabulary_open_file(path, 1010, &vocabulary, &note, error);
    if (status == ES_OK && es_vocabulary_get_kind(vocabulary) != ES_VOCABULARY_WORDS)
        status = es_vocabulary_encode(vocabulary, bytes, true, &ids, error);
    if (status == ES_OK)
        status = es_vocabulary_decode(vocabulary, ids.id, ids.count, &text, &size, error);
    free(text);
    free(note);
    es_ids_release(&ids);
    es_vocabulary_free(vocabulary);
    return status;
}

static void every_allocation_of_a_vocabulary_may_fail(void **state)
{
    (void)state;
    static const char *const files[] = {
        "tests/golden/tiny/vocab.json",
        "tests/golden/tiny/vocab.txt",
        "tests/golden/tiny/merges.txt", /* as words */
        "tests/fuzz/corpus/tokenizer_json/bpe-added.json",
        "tests/fuzz/corpus/tokenizer_json/bpe-added-prefix.json",
        "tests/fuzz/corpus/tokenizer_json/bpe-nfkc.json",
        "tests/fuzz/corpus/tokenizer_json/bpe-split.json",
        "tests/fuzz/corpus/tokenizer_json/wordpiece-added.json",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        bool failed = true;
        int64_t n = 0;
        for (; failed; n++) {
            es_error error = {0};
            atomic_store(&failures, 0);
            atomic_store(&allocations_left, n);
            es_status status = use_vocabulary(test_source_path(files[i]), &error);
            atomic_store(&allocations_left, -1);
            failed = atomic_load(&failures) > 0;
            if (status != ES_OK && (status != ES_NO_MEMORY || !failed))
                fail_msg("%s, allocation %lld: %s", files[i], (long long)n, error.text);
        }
        assert_true(n > 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_allocation_of_an_index_may_fail),
        cmocka_unit_test(every_allocation_of_a_vocabulary_may_fail),
    };
    return cmocka_run_group_tests_name("allocation", tests, scratch_setup, scratch_teardown);
}
