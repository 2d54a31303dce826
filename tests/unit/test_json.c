#include "base/json.h"
#include "test.h"

static es_status skip_all(const char *text, es_error *error)
{
    es_json json;
    es_status status = es_json_open(&json, "t.json", text, (int64_t)strlen(text), 8, error);
    if (status == ES_OK) status = es_json_skip(&json);
    if (status == ES_OK) status = es_json_finish(&json);
    es_json_close(&json);
    return status;
}

static void accepts_what_json_is(void **state)
{
    (void)state;
    static const char *const good[] = {"{}",
                                       "[]",
                                       " [1, -2.5e3, true, false, null, \"x\\u00e9\\n\"] ",
                                       "{\"a\":{\"b\":[[[{}]]]}}",
                                       "0",
                                       "\"\\ud83d\\ude00\""};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        es_error error = {0};
        assert_ok(skip_all(good[i], &error), error);
    }
}

static void names_the_byte_of_a_fault(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "at byte 8: the JSON text ends"},
        {"[1,]", "at byte 11: ']' where a value"},
        {"[1 2]", "at byte 11: '2' where ',' or ']'"},
        {"{\"a\" 1}", "at byte 13: '1' where ':'"},
        {"{a:1}", "at byte 9: 'a' where a string"},
        {"[01]", "not a number"},
        {"[1.]", "not a number"},
        {"\"abc", "ends inside a string"},
        {"\"\\ud800\"", "half of a surrogate pair"},
        {"\"\\x\"", "an escape that JSON does not have"},
        {"[\"\x01\"]", "control character 0x01"},
        {"{} x", "more text after the end"},
        {"\"\xC3\x28\"", "at byte 9: not UTF-8 (byte 0xC3)"},
        {"tru", "not a JSON value"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        es_error error = {0};
        assert_int_equal(skip_all(bad[i].text, &error), ES_BAD_INPUT);
        assert_says(error, bad[i].says);
    }
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char deep[1001];
    memset(deep, '[', 1000);
    deep[1000] = '\0';
    es_error error = {0};
    assert_int_equal(skip_all(deep, &error), ES_BAD_INPUT);
    assert_says(error, "nested more than 128 deep");
}

static void pulls_members_in_order(void **state)
{
    (void)state;
    const char *text = "{\"n\": 42, \"sk\\u0069p\": [1,{\"x\":2}], \"name\": \"a\\tb\", \"list\": "
                       "[1,2,3], \"big\": 9223372036854775808}";
    es_error error = {0};
    es_json json;
    assert_ok(es_json_open(&json, "t.json", text, (int64_t)strlen(text), 0, &error), error);
    assert_ok(es_json_begin_object(&json), error);
    int64_t n = 0, sum = 0, value;
    int members = 0;
    for (es_bytes key; es_json_next_member(&json, &key); members++) {
        if (es_bytes_equal(key, "n")) {
            assert_ok(es_json_int(&json, &n), error);
        } else if (es_bytes_equal(key, "name")) {
            es_bytes name;
            assert_ok(es_json_string(&json, &name), error);
            assert_true(es_bytes_equal(name, "a\tb"));
        } else if (es_bytes_equal(key, "list")) {
            assert_ok(es_json_begin_array(&json), error);
            while (es_json_next_element(&json)) {
                assert_ok(es_json_int(&json, &value), error);
                sum += value;
            }
        } else if (es_bytes_equal(key, "skip")) {
            assert_ok(es_json_skip(&json), error);
        } else {
            assert_int_equal(es_json_int(&json, &value), ES_BAD_INPUT);
        }
    }
    assert_int_equal(n, 42);
    assert_int_equal(sum, 6);
    assert_int_equal(members, 5);
    assert_int_equal(es_json_finish(&json), ES_BAD_INPUT);
    assert_says(error, "does not fit in 64 bits");
    es_json_close(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_json_is),
        cmocka_unit_test(names_the_byte_of_a_fault),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(pulls_members_in_order),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
