#include "base/utf8.h"
#include "test.h"

static void every_code_point_comes_back(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        char bytes[4];
        int length = es_utf8_encode(c, bytes);
        uint32_t back = ~c;
        if (length < 1 || length > 4 || es_utf8_decode(bytes, (size_t)length, &back) != length ||
            back != c)
            fail_msg("U+%04X", c);
        if (es_utf8_decode(bytes, (size_t)length - 1, &back) != 0)
            fail_msg("U+%04X, cut short, is taken", c);
    }
}

/* Ill-formed sequences (Unicode 15, table 3-7), and where the good part ends. */
static void refuses_what_is_ill_formed(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size, valid;
    } cases[] = {{"\x80", 1, 0},
                 {"\xC0\x80", 2, 0},
                 {"\xC1\xBF", 2, 0},
                 {"\xE0\x80\x80", 3, 0},
                 {"\xE0\x9F\xBF", 3, 0},
                 {"\xED\xA0\x80", 3, 0},
                 {"\xED\xBF\xBF", 3, 0},
                 {"\xF0\x80\x80\x80", 4, 0},
                 {"\xF0\x8F\xBF\xBF", 4, 0},
                 {"\xF4\x90\x80\x80", 4, 0},
                 {"\xF5\x80\x80\x80", 4, 0},
                 {"\xFF", 1, 0},
                 {"\xC3", 1, 0},
                 {"\xC3(", 2, 0},
                 {"\xE2\x82", 2, 0},
                 {"\xF0\x9F\x98", 3, 0},
                 {"abc\xC3", 4, 3},
                 {"abcdefgh\x80", 9, 8},
                 {"abcdefghij\xE2\x82", 12, 10},
                 {"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3", 9, 8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t valid = es_utf8_valid_prefix(cases[i].bytes, cases[i].size);
        if (valid != cases[i].valid) fail_msg("case %zu: valid to %zu", i, valid);
    }
    uint32_t c;
    assert_int_equal(es_utf8_decode("", 0, &c), 0);
    static const char good[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 and plain ASCII";
    assert_int_equal(es_utf8_valid_prefix(good, sizeof good - 1), sizeof good - 1);
    assert_int_equal(es_utf8_valid_prefix(good, 0), 0);
}

static void escapes_what_a_terminal_must_not_see(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {{"plain", "plain"},
                 {"caf\xC3\xA9 \xF0\x9F\x98\x80", "caf\xC3\xA9 \xF0\x9F\x98\x80"},
                 {"a\nb\tc\x1B[31m", "a\\x0Ab\\x09c\\x1B[31m"},
                 {"\x7F", "\\x7F"},
                 {"\xC2\x9B", "\\u{009B}"},
                 {"\xE2\x80\xAE", "\\u{202E}"},
                 {"\xE2\x81\xA6", "\\u{2066}"},
                 {"\xE2\x80\xA8", "\\u{2028}"},
                 {"a\xFF\xC3", "a\\xFF\\xC3"}};
    char out[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(es_utf8_escape(cases[i].from, strlen(cases[i].from), out, sizeof out));
        assert_string_equal(out, cases[i].to);
    }
    assert_true(es_utf8_escape("a\0b", 3, out, sizeof out));
    assert_string_equal(out, "a\\x00b");
    assert_false(es_utf8_is_unsafe('a') || es_utf8_is_unsafe(0xE9) || es_utf8_is_unsafe(0x1F600));
}

/* Cut on a character's boundary, always terminated, never written past the end. */
static void cuts_where_room_ends(void **state)
{
    (void)state;
    static const char text[] = "ab\xE2\x82\xAC\x01z";
    for (size_t capacity = 1; capacity < 16; capacity++) {
        char out[24];
        memset(out, '#', sizeof out);
        bool whole = es_utf8_escape(text, sizeof text - 1, out, capacity);
        assert_true(whole == (capacity > 10)); /* ab, three bytes, \x01, z and the end */
        size_t length = strlen(out);
        assert_true(length < capacity);
        assert_int_equal(es_utf8_valid_prefix(out, length), length);
        for (size_t i = capacity; i < sizeof out; i++) assert_int_equal(out[i], '#');
        assert_memory_equal(out, "ab\xE2\x82\xAC\\x01z", length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_comes_back),
        cmocka_unit_test(refuses_what_is_ill_formed),
        cmocka_unit_test(escapes_what_a_terminal_must_not_see),
        cmocka_unit_test(cuts_where_room_ends),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
