/* What files of names may hold, and what is wrong with broken ones. */
#include "base/file.h"
#include "space/vocabulary.h"
#include "space/vocabulary_read.h"
#include "test.h"

static es_document text_of(const char *path, const char *text)
{
    return (es_document){path, text, (int64_t)strlen(text)};
}

static es_status read_bpe(const char *vocab, const char *merges, es_vocabulary **vocabulary,
                          es_error *error)
{
    *vocabulary = NULL;
    return es_vocabulary_read_bpe(text_of("vocab.json", vocab), text_of("merges.txt", merges), 8,
                                  vocabulary, error);
}

#define VOCAB "{\"a\":0,\"b\":1,\"\\u0120\":2,\"ab\":3,\"\\u0120ab\":4,\"<|endoftext|>\":5}"

static void assert_encodes(const es_vocabulary *vocabulary, const char *text, bool special,
                           const char *expected)
{
    es_ids ids = {0};
    es_error error = {0};
    assert_ok(
        es_vocabulary_encode(vocabulary, (es_bytes){text, strlen(text)}, special, &ids, &error),
        error);
    char shown[512] = "";
    for (int64_t i = 0; i < ids.count; i++)
        snprintf(shown + strlen(shown), 32, "%s%lld", i ? " " : "", (long long)ids.id[i]);
    assert_string_equal(shown, expected);
    es_ids_release(&ids);
}

static void merges_may_lack_a_version_line(void **state)
{
    (void)state;
    static const char *const good[] = {"#version: 0.2\na b\n\xC4\xA0 ab\n", "a b\n\xC4\xA0 ab",
                                       "#version: 0.2\r\na b\r\n\xC4\xA0 ab\r\n",
                                       "a b\n\xC4\xA0 ab\n\n"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        es_vocabulary *vocabulary;
        es_error error = {0};
        assert_ok(read_bpe(VOCAB, good[i], &vocabulary, &error), error);
        assert_encodes(vocabulary, "ab ab ba", false, "3 4 2 1 0");
        es_vocabulary_free(vocabulary);
    }
}

static void the_text_end_is_special(void **state)
{
    (void)state;
    es_vocabulary *vocabulary;
    es_error error = {0};
    assert_ok(read_bpe(VOCAB, "a b\n\xC4\xA0 ab\n", &vocabulary, &error), error);
    for (int64_t id = 0; id < 8; id++)
        assert_int_equal(es_vocabulary_is_special(vocabulary, id), id == 5);
    assert_encodes(vocabulary, "ab<|endoftext|> ab", true, "3 5 4");
    es_ids ids = {0};
    es_bytes text = {"ab<|endoftext|>", 15};
    assert_int_equal(es_vocabulary_encode(vocabulary, text, false, &ids, &error), ES_NOT_FOUND);
    assert_says(error, "byte 0x3C of the text has no token");
    assert_int_equal(ids.count, 0);
    es_ids_release(&ids);
    /* A space's key decodes; a row beyond the tokenizer has no text. */
    assert_int_equal(es_vocabulary_find(vocabulary, (es_bytes){" ab", 3}), 4);
    assert_null(es_vocabulary_token(vocabulary, 6).data);
    assert_null(es_vocabulary_token(vocabulary, -1).data);
    assert_null(es_vocabulary_token(vocabulary, 8).data);
    es_vocabulary_free(vocabulary);
}

static void of_a_merge_given_twice_the_later_counts(void **state)
{
    (void)state;
    es_vocabulary *vocabulary;
    es_error error = {0};
    static const char vocab[] = "{\"a\":0,\"b\":1,\"c\":2,\"ab\":3,\"bc\":4}";
    assert_ok(read_bpe(vocab, "a b\nb c\na b\n", &vocabulary, &error), error);
    assert_encodes(vocabulary, "abc", false, "0 4");
    es_vocabulary_free(vocabulary);
}

static void faults_of_a_vocabulary_name_file_and_place(void **state)
{
    (void)state;
    static const struct {
        const char *vocab, *merges, *says;
    } bad[] = {
        {"", "", "vocab.json: at byte 0: the JSON text ends where an object"},
        {"[]", "", "vocab.json: at byte 0: '[' where an object"},
        {"{\"a\":-1}", "", "vocab.json: at byte 5: token id -1"},
        {"{\"a\":1099511627776}", "", "vocab.json: at byte 5: token id 1099511627776"},
        {"{\"a\":9999999999999999999}", "", "vocab.json: at byte 5: an integer that does not fit"},
        {"{\"a\":1.5}", "", "vocab.json: at byte 5: not an integer"},
        {"{\"a\":\"1\"}", "", "vocab.json: at byte 5: '\"' where an integer"},
        {"{\"a\":1,\"b\":1}", "", "vocab.json: at byte 11: token id 1 is given twice"},
        {"{\"a\":1,\"a\":2}", "", "vocab.json: at byte 11: a key is given twice, with ids 1 and 2"},
        {"{\"a\":1} x", "", "vocab.json: at byte 8: more text"},
        {"{\"a\":1", "", "vocab.json: at byte 6: the JSON text ends"},
        {"{\"\xFF\":1}", "", "vocab.json: at byte 2: not UTF-8"},
        {VOCAB, "a b\na b c\n", "merges.txt:2: a merge is two tokens with one space"},
        {VOCAB, "ab\n", "merges.txt:1: a merge is two tokens"},
        {VOCAB, "a \n", "merges.txt:1: a merge is two tokens"},
        {VOCAB, "a b\n\na b\n", "merges.txt:2: a merge is two tokens"},
        {VOCAB, "x b\n",
         "merges.txt:1: the first part of this merge is not in the vocabulary: 'x b'"},
        {VOCAB, "a x\n", "merges.txt:1: the second part of this merge is not"},
        {VOCAB, "#version\nb a\n", "merges.txt:2: what this merge makes is not in the vocabulary"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        es_vocabulary *vocabulary;
        es_error error = {0};
        assert_int_equal(read_bpe(bad[i].vocab, bad[i].merges, &vocabulary, &error), ES_BAD_INPUT);
        assert_says(error, bad[i].says);
        assert_null(vocabulary);
    }
}

static void a_gap_is_a_row_without_a_name(void **state)
{
    (void)state;
    es_vocabulary *vocabulary;
    es_error error = {0};
    char *note;
    es_document vocab = text_of("vocab.json", "{\"x\":3,\"y\":0,\"z\":9}");
    assert_ok(es_vocabulary_read_words_json(vocab, 5, &vocabulary, &note, &error), error);
    assert_int_equal(es_vocabulary_size(vocabulary), 5);
    assert_null(es_vocabulary_token(vocabulary, 1).data);
    assert_int_equal(es_vocabulary_find(vocabulary, (es_bytes){"x", 1}), 3);
    /* z lies beyond the rows. */
    assert_int_equal(es_vocabulary_find(vocabulary, (es_bytes){"z", 1}), -1);
    assert_non_null(strstr(note, "names 2 of 5 rows"));
    assert_non_null(strstr(note, "1 tokens beyond the last of 5 rows"));
    free(note);
    es_vocabulary_free(vocabulary);
}

static es_vocabulary *read_lines(const char *lines, const char *config, int64_t rows, char **note)
{
    es_vocabulary *vocabulary = NULL;
    es_error error = {0};
    es_document settings = config ? text_of("tokenizer_config.json", config) : (es_document){0};
    assert_ok(es_vocabulary_read_lines(text_of("vocab.txt", lines), settings, rows, &vocabulary,
                                       note, &error),
              error);
    return vocabulary;
}

static void lines_are_keys(void **state)
{
    (void)state;
    char *note;
    es_vocabulary *words = read_lines("cat\r\n\r\ndog\ncat\n", NULL, 4, &note);
    assert_int_equal(es_vocabulary_get_kind(words), ES_VOCABULARY_WORDS);
    assert_null(es_vocabulary_token(words, 1).data);
    assert_encodes(words, "dog", false, "2");
    assert_encodes(words, "cat", false, "0");
    assert_int_equal(es_vocabulary_duplicate_count(words), 1);
    assert_non_null(strstr(note, "names 3 of 4 rows"));
    assert_non_null(strstr(note, "1 keys are there more than once; the first"));
    free(note);
    es_vocabulary_free(words);
    words = read_lines("cat\ndog\ncow", NULL, 2, &note);
    assert_non_null(strstr(note, "3 keys for 2 rows; the last 1 are left out"));
    assert_int_equal(es_vocabulary_find(words, (es_bytes){"cow", 3}), -1);
    free(note);
    es_vocabulary_free(words);
    words = read_lines("", NULL, 0, &note);
    assert_int_equal(es_vocabulary_size(words), 0);
    free(note);
    es_vocabulary_free(words);
}

#define BERT "[PAD]\n[UNK]\n\nthe\nca\n##t\nT\n\xC3\xA9\ne\nca\n"

static void wordpiece_lines_follow_their_settings(void **state)
{
    (void)state;
    char *note;
    es_vocabulary *bert = read_lines(BERT, NULL, 10, &note);
    assert_int_equal(es_vocabulary_get_kind(bert), ES_VOCABULARY_WORDPIECE);
    free(note);
    /* The last of keys given twice counts, as in the reference; id 2 is the blank line. */
    assert_encodes(bert, "The CAT \xC3\xA9 x [PAD]", false, "3 9 5 8 1 1 1 1");
    assert_encodes(bert, "the[PAD][PAD]", true, "3 0 0");
    assert_true(es_vocabulary_is_special(bert, 0));
    assert_null(es_vocabulary_token(bert, 2).data);
    es_vocabulary_free(bert);
    bert = read_lines(BERT, "{\"do_lower_case\":false,\"x\":[1]}", 10, &note);
    assert_encodes(bert, "T \xC3\xA9 The", false, "6 7 1");
    free(note);
    es_vocabulary_free(bert);
    bert = read_lines(BERT, "{\"strip_accents\":false}", 10, &note);
    assert_encodes(bert, "THE \xC3\x89", false, "3 7");
    free(note);
    es_vocabulary_free(bert);
    es_vocabulary *none = NULL;
    es_error error = {0};
    es_status status =
        es_vocabulary_read_lines(text_of("vocab.txt", BERT), text_of("tokenizer_config.json", "{"),
                                 10, &none, &note, &error);
    assert_int_equal(status, ES_BAD_INPUT);
    assert_says(error, "tokenizer_config.json: at byte 1: the JSON text ends");
}

static void a_long_word_is_unknown(void **state)
{
    (void)state;
    char *note, text[128];
    es_vocabulary *bert = read_lines("[UNK]\na\n##a\n", NULL, 3, &note);
    memset(text, 'a', sizeof text);
    es_ids ids = {0};
    es_error error = {0};
    assert_ok(es_vocabulary_encode(bert, (es_bytes){text, 100}, false, &ids, &error), error);
    assert_int_equal(ids.count, 100);
    ids.count = 0;
    assert_ok(es_vocabulary_encode(bert, (es_bytes){text, 101}, false, &ids, &error), error);
    assert_int_equal(ids.count, 1);
    es_ids_release(&ids);
    free(note);
    es_vocabulary_free(bert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_may_lack_a_version_line),
        cmocka_unit_test(the_text_end_is_special),
        cmocka_unit_test(of_a_merge_given_twice_the_later_counts),
        cmocka_unit_test(faults_of_a_vocabulary_name_file_and_place),
        cmocka_unit_test(a_gap_is_a_row_without_a_name),
        cmocka_unit_test(lines_are_keys),
        cmocka_unit_test(wordpiece_lines_follow_their_settings),
        cmocka_unit_test(a_long_word_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
