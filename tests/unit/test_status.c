#include "base/status.h"
#include "base/utf8.h"
#include "test.h"

#include <embscope/embscope.h>

static void says_what_is_wrong(void **state)
{
    (void)state;
    es_error error = {0};
    assert_int_equal(es_fail(&error, ES_BAD_INPUT, "%s: at byte %d: odd", "file", 7), ES_BAD_INPUT);
    assert_string_equal(error.text, "file: at byte 7: odd");
    assert_int_equal(es_fail(NULL, ES_NOT_FOUND, "%s", "nobody hears"), ES_NOT_FOUND);
    es_fail(&error, ES_BAD_INPUT, "%s", "a\nb\x1B[31m\xFF\xE2\x80\xAE caf\xC3\xA9");
    assert_string_equal(error.text, "a\\x0Ab\\x1B[31m\\xFF\\u{202E} caf\xC3\xA9");
    assert_int_equal(es_fail_memory(&error, "a thing", 42), ES_NO_MEMORY);
    assert_string_equal(error.text, "out of memory (42 bytes for a thing)");
    assert_int_equal(es_fail_lines(&error, ES_NOT_FOUND, "one\ntwo"), ES_NOT_FOUND);
    assert_string_equal(error.text, "one\ntwo");
}

/* Longer text is cut at a character and ends in dots, whatever its bytes. */
static void cuts_long_text(void **state)
{
    (void)state;
    static const char *const units[] = {"x", "\xC3\xA9", "\xF0\x9F\x98\x80", "\xFF", "\n"};
    for (size_t u = 0; u < sizeof units / sizeof *units; u++)
        for (int shift = 0; shift < 4; shift++)
            for (int lines = 0; lines < 2; lines++) {
                char text[8192];
                size_t size = (size_t)shift;
                memset(text, 'a', size);
                while (size + 8 < sizeof text) size += strlen(strcpy(text + size, units[u]));
                es_error error;
                memset(&error, '#', sizeof error);
                if (lines)
                    es_fail_lines(&error, ES_BAD_INPUT, text);
                else
                    es_fail(&error, ES_BAD_INPUT, "%s", text);
                size_t length = strlen(error.text);
                assert_true(length > 1000 && length < sizeof error.text);
                assert_string_equal(error.text + length - 3, "...");
                /* es_fail_lines() takes text that is safe already: only then is it UTF-8 */
                if (!lines || u != 3)
                    assert_int_equal(es_utf8_valid_prefix(error.text, length), length);
            }
    es_error error = {0};
    char fits[sizeof error.text];
    memset(fits, 'y', sizeof fits);
    fits[sizeof fits - 1] = '\0';
    es_fail(&error, ES_BAD_INPUT, "%s", fits);
    assert_string_equal(error.text, fits); /* what just fits is whole */
}

static void names_statuses(void **state)
{
    (void)state;
    assert_string_equal(es_status_text(ES_OK), "done");
    assert_string_equal(es_status_text(ES_INTERNAL), "internal error");
    assert_string_equal(es_status_text((es_status)99), "unknown status");
    assert_string_equal(es_status_text((es_status)-1), "unknown status");
    assert_string_equal(es_version(), ES_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(cuts_long_text),
        cmocka_unit_test(names_statuses),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
