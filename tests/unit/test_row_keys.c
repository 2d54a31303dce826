#include "models.h"

#include "base/memory.h"
#include "space/bpe.h"
#include "space/row_keys.h"

/* Every byte's letter is the one the tokenizers' own keys are read by. */
static void letters_are_read_back(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char letter[4], back = 0;
        int size = es_utf8_encode(es_bpe_letter((unsigned char)byte), letter);
        assert_int_equal(es_bpe_decode_key((es_bytes){letter, (size_t)size}, &back), 1);
        assert_int_equal((unsigned char)back, byte);
        assert_true(es_bpe_letter((unsigned char)byte) > ' ');
    }
    assert_int_equal(es_bpe_letter(' '), 0x120);
    assert_int_equal(es_bpe_letter('\n'), 0x10A);
    assert_int_equal(es_bpe_letter('c'), 'c');
}

/* A space whose rows a text file of word vectors names. */
static es_space *open_words(const char *text, size_t size)
{
    return open_path(scratch_write("words.txt", text, size), NULL);
}

static void check_keys(const es_space *space, const es_selection *selection,
                       const char *const *expected, int64_t count, int64_t respelled,
                       int64_t renamed)
{
    es_error error = {0};
    es_row_keys keys;
    assert_ok(es_row_keys_make(space, selection, &keys, &error), error);
    assert_int_equal(keys.count, count);
    for (int64_t i = 0; i < count; i++) {
        char *key = es_copy_bytes(keys.key[i].data, keys.key[i].size);
        assert_string_equal(key, expected[i]);
        free(key);
    }
    assert_int_equal(keys.respelled, respelled);
    assert_int_equal(keys.renamed, renamed);
    es_row_keys_release(&keys);
}

static void a_byte_level_vocabulary_is_spelled_as_its_file(void **state)
{
    (void)state;
    es_space *space = open_path(write_model("bpe"), NULL);
    const int64_t ids[] = {MODEL_CAT, MODEL_SPACED_CAT, '\n', 0, 0xFF};
    es_selection selection = select_ids(space, ids, 5);
    const char *const expected[] = {"cat",
                                    "\xC4\xA0"
                                    "cat",
                                    "\xC4\x8A", "\xC4\x80", "\xC3\xBF"};
    check_keys(space, &selection, expected, 5, 4, 0);
    es_selection_release(&selection);
    es_row_keys keys;
    es_error error = {0};
    assert_ok(es_row_keys_make(space, NULL, &keys, &error), error);
    assert_int_equal(keys.count, MODEL_ROWS);
    assert_int_equal(keys.renamed, 0);
    es_row_keys_release(&keys);
    es_space_free(space);
}

static void what_a_file_cannot_hold_is_spelled(void **state)
{
    (void)state;
    /* A key with a space, one that looks like its spelling, one that is no UTF-8, one twice and one
     * that looks like the name the second would get. */
    static const char text[] = "at name 1 2\nat\xC4\xA0name 3 4\n\xE9t\xC3\xA9 5 6\nb 7 8\nb 9 1\n"
                               "b#4 2 3\n##ing 4 5\n";
    es_space *space = open_words(text, sizeof text - 1);
    const char *const expected[] = {
        "at\xC4\xA0name", "at\xC4\xA0name#1", "\xC3\xA9t\xC3\xA9", "b", "b#4.4", "b#4", "##ing"};
    check_keys(space, NULL, expected, 7, 4, 2);
    es_space_free(space);
}

static void rows_without_a_token_have_their_number(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, 4, 5, 6};
    es_space *space = open_values("f4", 3, 2, values);
    check_keys(space, NULL, (const char *const[]){"#0", "#1", "#2"}, 3, 0, 0);
    es_space_free(space);
    /* More rows than lines that name them. */
    es_open_options options = {.vocabulary = scratch_write("names", "one\ntwo\n", 8)};
    space = open_path(write_table("three.npy", "f4", 3, 2, values), &options);
    check_keys(space, NULL, (const char *const[]){"one", "two", "#2"}, 3, 1, 0);
    es_space_free(space);
}

static void a_row_may_be_asked_for_twice(void **state)
{
    (void)state;
    es_space *space = open_path(write_model("bpe"), NULL);
    const int64_t ids[] = {MODEL_CAT, MODEL_CAT, MODEL_CAT};
    es_selection selection = select_ids(space, ids, 3);
    check_keys(space, &selection, (const char *const[]){"cat", "cat#257", "cat#257.2"}, 3, 2, 2);
    es_selection_release(&selection);
    es_space_free(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_are_read_back),
        cmocka_unit_test(a_byte_level_vocabulary_is_spelled_as_its_file),
        cmocka_unit_test(what_a_file_cannot_hold_is_spelled),
        cmocka_unit_test(rows_without_a_token_have_their_number),
        cmocka_unit_test(a_row_may_be_asked_for_twice),
    };
    return cmocka_run_group_tests_name("row_keys", tests, scratch_setup, scratch_teardown);
}
