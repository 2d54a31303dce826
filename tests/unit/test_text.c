#include "base/text.h"
#include "test.h"

static void grows(void **state)
{
    (void)state;
    es_text text = {0};
    es_text_append(&text, NULL, 0);
    es_text_add(&text, "");
    for (int i = 0; i < 1000; i++) es_text_printf(&text, "%d,", i);
    assert_false(text.failed);
    assert_int_equal(text.size, 10 * 2 + 90 * 3 + 900 * 4);
    assert_int_equal(strlen(text.data), text.size);
    assert_memory_equal(text.data, "0,1,2,", 6);
    assert_string_equal(text.data + text.size - 4, "999,");
    es_text_release(&text);
    assert_null(text.data);
    es_text_release(&text);
}

static void holds_any_bytes(void **state)
{
    (void)state;
    es_text text = {0};
    es_text_append(&text, "a\0b", 3);
    es_text_printf(&text, "%s", "");
    es_text_append(&text, "\xFF", 1);
    assert_int_equal(text.size, 4);
    assert_memory_equal(text.data, "a\0b\xFF", 5);
    es_text_release(&text);
}

/* Lack of memory is remembered, what was there stays. */
static void remembers_failure(void **state)
{
    (void)state;
    es_text text = {0};
    es_text_add(&text, "kept");
    es_text_append(&text, "x", SIZE_MAX / 2);
    assert_true(text.failed);
    es_text_add(&text, "lost");
    assert_string_equal(text.data, "kept");
    assert_int_equal(text.size, 4);
    es_text_release(&text);
    assert_false(text.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows),
        cmocka_unit_test(holds_any_bytes),
        cmocka_unit_test(remembers_failure),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
