#define _GNU_SOURCE
#include "space/vocabulary.h"

#include "base/memory.h"
#include "base/random.h"
#include "test.h"

#include <time.h>
#include <unistd.h>

static es_bytes bytes_of(const char *text)
{
    return (es_bytes){text, strlen(text)};
}

/* A vocabulary of words; "" is a row without a name. */
static es_vocabulary *words_of(const char *const *list, int64_t count, char **note)
{
    es_bytes *keys = es_alloc(count, sizeof *keys);
    for (int64_t i = 0; i < count; i++)
        if (*list[i]) keys[i] = bytes_of(list[i]);
    es_vocabulary *vocabulary = NULL;
    es_error error = {0};
    assert_ok(es_vocabulary_create_words(keys, NULL, count, &vocabulary, note, &error), error);
    return vocabulary;
}

static void numbers_name_rows(void **state)
{
    (void)state;
    es_vocabulary *numbers;
    es_error error = {0};
    assert_ok(es_vocabulary_create_numbers(12345, &numbers, &error), error);
    assert_int_equal(es_vocabulary_size(numbers), 12345);
    static const int64_t some[] = {0, 9, 10, 11, 99, 100, 999, 1000, 9999, 10000, 12344};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "#%lld", (long long)some[i]);
        es_bytes token = es_vocabulary_token(numbers, some[i]);
        assert_int_equal(token.size, strlen(expected));
        assert_memory_equal(token.data, expected, token.size);
        assert_int_equal(es_vocabulary_find(numbers, token), some[i]);
    }
    static const char *const none[] = {"#12345", "#",   "12", "#01",
                                       "#-1",    "#1x", "",   "#99999999999999999999"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(es_vocabulary_find(numbers, bytes_of(none[i])), -1);
    assert_null(es_vocabulary_token(numbers, 12345).data);
    es_vocabulary_free(numbers);
    assert_ok(es_vocabulary_create_numbers(0, &numbers, &error), error);
    assert_null(es_vocabulary_token(numbers, 0).data);
    es_vocabulary_free(numbers);
}

static void a_word_is_looked_up_whole(void **state)
{
    (void)state;
    static const char *const list[] = {"cat", "dog", "", "cat", "New York"};
    char *note;
    es_vocabulary *words = words_of(list, 5, &note);
    assert_int_equal(es_vocabulary_duplicate_count(words), 1);
    free(note);
    es_ids ids = {0};
    es_error error = {0};
    assert_ok(es_vocabulary_encode(words, bytes_of("New York"), false, &ids, &error), error);
    assert_ok(es_vocabulary_encode(words, bytes_of("cat"), false, &ids, &error), error);
    assert_int_equal(ids.count, 2);
    assert_int_equal(ids.id[0], 4);
    assert_int_equal(ids.id[1], 0);
    assert_int_equal(es_vocabulary_encode(words, bytes_of("Cat\n"), false, &ids, &error),
                     ES_NOT_FOUND);
    assert_string_equal(error.text, "'Cat\\x0A' is not in the vocabulary");
    char *text;
    size_t size;
    assert_ok(es_vocabulary_decode(words, ids.id, ids.count, &text, &size, &error), error);
    assert_string_equal(text, "New York cat");
    free(text);
    static const int64_t none[] = {2, 5, -1};
    for (int i = 0; i < 3; i++)
        assert_int_equal(es_vocabulary_decode(words, &none[i], 1, &text, &size, &error),
                         ES_NOT_FOUND);
    es_ids_release(&ids);
    es_vocabulary_free(words);
}

static es_vocabulary *open_tiny(const char *name)
{
    char relative[64], *note;
    snprintf(relative, sizeof relative, "tests/golden/tiny/%s", name);
    es_vocabulary *vocabulary = NULL;
    es_error error = {0};
    assert_ok(es_vocabulary_open_file(test_source_path(relative), 1000, &vocabulary, &note, &error),
              error);
    free(note);
    return vocabulary;
}

static void assert_round_trip(const es_vocabulary *vocabulary, es_bytes text)
{
    es_ids ids = {0};
    es_error error = {0};
    char *back;
    size_t size;
    assert_ok(es_vocabulary_encode(vocabulary, text, false, &ids, &error), error);
    assert_ok(es_vocabulary_decode(vocabulary, ids.id, ids.count, &back, &size, &error), error);
    assert_int_equal(size, text.size);
    assert_memory_equal(back, text.data, size);
    assert_int_equal(back[size], '\0');
    free(back);
    es_ids_release(&ids);
}

static void decode_undoes_encode(void **state)
{
    (void)state;
    es_vocabulary *vocabulary = open_tiny("vocab.json");
    assert_int_equal(es_vocabulary_get_kind(vocabulary), ES_VOCABULARY_BPE);
    es_random random = {3};
    char text[8192];
    for (int i = 0; i < 3000; i++) {
        int64_t size = es_random_below(&random, i % 100 ? 64 : (int64_t)sizeof text);
        /* Any bytes, or few different ones, so that merges and the cache of words have work. */
        int64_t kinds = i % 3 ? 256 : 8;
        for (int64_t k = 0; k < size; k++)
            text[k] = (char)(es_random_below(&random, kinds) + (kinds == 8 ? 'a' - 1 : 0));
        if (kinds == 8)
            for (int64_t k = 0; k < size; k++)
                if (text[k] == 'a' - 1) text[k] = ' ';
        assert_round_trip(vocabulary, (es_bytes){text, (size_t)size});
    }
    assert_round_trip(vocabulary, (es_bytes){NULL, 0});
    es_vocabulary_free(vocabulary);
}

static void a_word_of_a_megabyte_is_not_quadratic(void **state)
{
    (void)state;
    es_vocabulary *vocabulary = open_tiny("vocab.json");
    size_t size = 1 << 20;
    char *text = malloc(size);
    static const char pattern[] = "etaoinsh";
    es_random random = {1};
    for (size_t i = 0; i < size; i++) text[i] = pattern[es_random_below(&random, 8)];
    clock_t start = clock();
    assert_round_trip(vocabulary, (es_bytes){text, size});
    memset(text, 'e', size);
    assert_round_trip(vocabulary, (es_bytes){text, size});
    memset(text, ' ', size);
    assert_round_trip(vocabulary, (es_bytes){text, size});
    /* About a second under sanitizers; hours if it were quadratic. */
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 30);
    free(text);
    es_vocabulary_free(vocabulary);
}

static void pieces_join_without_their_prefix(void **state)
{
    (void)state;
    es_vocabulary *bert = open_tiny("vocab.txt");
    es_ids ids = {0};
    es_error error = {0};
    char *text;
    size_t size;
    assert_ok(es_vocabulary_encode(bert, bytes_of("The Vocabulary, it's."), false, &ids, &error),
              error);
    assert_ok(es_vocabulary_decode(bert, ids.id, ids.count, &text, &size, &error), error);
    assert_string_equal(text, "the vocabulary , it ' s .");
    free(text);
    es_ids_release(&ids);
    es_vocabulary_free(bert);
}

static void suggestions_are_near(void **state)
{
    (void)state;
    static const char *const list[] = {"banana", "Banana", " banana", "cabana",   "bandanas", "xyz",
                                       "cat",    "cart",   "act",     "category", "dog",      ""};
    char *note;
    es_vocabulary *words = words_of(list, 12, &note);
    free(note);
    static const struct {
        const char *text;
        int64_t count, ids[3];
    } cases[] = {
        {"banan", 3, {0, 1, 2}},  /* one byte missing */
        {"bnaana", 3, {0, 1, 2}}, /* two swapped */
        {"BANANA", 3, {0, 1, 2}},
        {"Banana", 3, {1, 0, 2}},
        {"caet", 2, {6, 7}},
        {"categ", 2, {9, 6}},
        {"q", 0, {0}},
        {"", 0, {0}},
        {"zzzzzz", 0, {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ids[3];
        int64_t count = es_vocabulary_suggest(words, bytes_of(cases[i].text), 3, ids);
        assert_int_equal(count, cases[i].count);
        for (int64_t k = 0; k < count; k++) assert_int_equal(ids[k], cases[i].ids[k]);
    }
    es_vocabulary_free(words);
}

static void folders_without_a_tokenizer_have_numbers(void **state)
{
    (void)state;
    char folder[] = "/tmp/es-vocabulary-XXXXXX", *note;
    assert_non_null(mkdtemp(folder));
    es_vocabulary *vocabulary = NULL;
    es_error error = {0};
    assert_ok(es_vocabulary_open_folder(folder, 7, &vocabulary, &note, &error), error);
    assert_int_equal(es_vocabulary_get_kind(vocabulary), ES_VOCABULARY_NONE);
    assert_null(note);
    es_vocabulary_free(vocabulary);
    char path[128];
    snprintf(path, sizeof path, "%s/vocab.json", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("{\"b\":1,\"a\":0}", file);
    fclose(file);
    assert_ok(es_vocabulary_open_folder(folder, 2, &vocabulary, &note, &error), error);
    assert_int_equal(es_vocabulary_get_kind(vocabulary), ES_VOCABULARY_WORDS);
    assert_int_equal(es_vocabulary_find(vocabulary, bytes_of("b")), 1);
    es_vocabulary_free(vocabulary);
    free(note);
    unlink(path);
    assert_int_equal(es_vocabulary_open_file(path, 2, &vocabulary, &note, &error), ES_NOT_FOUND);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_name_rows),
        cmocka_unit_test(a_word_is_looked_up_whole),
        cmocka_unit_test(decode_undoes_encode),
        cmocka_unit_test(a_word_of_a_megabyte_is_not_quadratic),
        cmocka_unit_test(pieces_join_without_their_prefix),
        cmocka_unit_test(suggestions_are_near),
        cmocka_unit_test(folders_without_a_tokenizer_have_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
