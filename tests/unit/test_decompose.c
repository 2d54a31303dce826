/* Decomposition: what utf8proc makes of short texts; of long runs of marks in bounded time. */
#include "base/random.h"
#include "base/text.h"
#include "base/utf8.h"
#include "space/decompose.h"
#include "test.h"

#include <time.h>
#include <utf8proc.h>

static const int every_form[] = {UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
                                 UTF8PROC_STABLE | UTF8PROC_COMPOSE,
                                 UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT,
                                 UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT};

static void assert_as_utf8proc(es_bytes text, int options)
{
    static utf8proc_int32_t expected[40000];
    utf8proc_ssize_t wanted =
        utf8proc_decompose((const utf8proc_uint8_t *)text.data, (utf8proc_ssize_t)text.size,
                           expected, 40000, (utf8proc_option_t)options);
    int32_t *points;
    int64_t count = es_decompose(text, options, &points);
    assert_int_equal(count, wanted);
    assert_memory_equal(points, expected, (size_t)count * sizeof *points);
    free(points);
}

static void every_character_alone(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        char bytes[4];
        size_t size = (size_t)es_utf8_encode(c, bytes);
        for (size_t i = 0; i < 4; i++) assert_as_utf8proc((es_bytes){bytes, size}, every_form[i]);
    }
    assert_as_utf8proc((es_bytes){"", 0}, every_form[0]);
}

/* Letters with 0 to 99 marks of many classes, and characters that decompose into marks. */
static void runs_of_marks(void **state)
{
    (void)state;
    static const uint32_t some[] = {0x300, 0x316, 0x323, 0x345, 0x344,   0xF73,
                                    0x5B0, 0x64B, 0x93C, 0x31,  0x1D15E, 0x1E69};
    es_random random = {7};
    for (int round = 0; round < 300; round++) {
        es_text text = {0};
        es_text_add(&text, "q");
        for (int64_t left = es_random_below(&random, 100); left; left--) {
            char bytes[4];
            uint32_t c = some[es_random_below(&random, (int64_t)(sizeof some / sizeof *some))];
            es_text_append(&text, bytes, (size_t)es_utf8_encode(c, bytes));
        }
        for (size_t i = 0; i < 4; i++)
            assert_as_utf8proc((es_bytes){text.data, text.size}, every_form[i]);
        es_text_release(&text);
    }
}

static void a_million_marks_take_no_minutes(void **state)
{
    (void)state;
    enum { MARKS = 1000000 };
    es_text text = {0};
    for (int i = 0; i < MARKS / 2; i++) es_text_add(&text, "\xCC\x96\xCC\x81"); /* 220, 230 */
    clock_t start = clock();
    int32_t *points;
    assert_int_equal(es_decompose((es_bytes){text.data, text.size}, every_form[0], &points), MARKS);
    assert_true(clock() - start < 5 * CLOCKS_PER_SEC); /* by exchanges: some minutes */
    for (int i = 0; i < MARKS; i++) assert_int_equal(points[i], i < MARKS / 2 ? 0x316 : 0x301);
    free(points);
    es_text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_alone),
        cmocka_unit_test(runs_of_marks),
        cmocka_unit_test(a_million_marks_take_no_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
