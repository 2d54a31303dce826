#define _GNU_SOURCE /* open_memstream */
#include "base/json.h"
#include "render/json_writer.h"
#include "test.h"

#include <locale.h>
#include <math.h>

/* What was written, closed, the caller's to free. */
static char *written(void (*write)(es_json_writer *))
{
    char *data = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&data, &size);
    assert_non_null(out);
    es_json_writer json = es_json_write_to(out);
    write(&json);
    assert_int_equal(json.depth, 0);
    assert_int_equal(fclose(out), 0);
    return data;
}

static void write_frame(es_json_writer *json)
{
    es_json_write_object(json);
    es_json_write_key(json, "a");
    es_json_write_int(json, INT64_MIN);
    es_json_write_key(json, "b");
    es_json_write_array(json);
    es_json_write_array(json);
    es_json_write_end(json);
    es_json_write_bool(json, true);
    es_json_write_null(json);
    es_json_write_object(json);
    es_json_write_key(json, "c");
    es_json_write_bool(json, false);
    es_json_write_key(json, "d");
    es_json_write_double(json, 0.5);
    es_json_write_end(json);
    es_json_write_end(json);
    es_json_write_key(json, "e");
    es_json_write_object(json);
    es_json_write_end(json);
    es_json_write_end(json);
}

static void lays_out(void **state)
{
    (void)state;
    char *data = written(write_frame);
    assert_string_equal(data, "{\n  \"a\": -9223372036854775808,\n"
                              "  \"b\": [[], true, null, {\"c\": false, \"d\": 0.5}],\n"
                              "  \"e\": {}\n}\n");
    free(data);
}

static void write_undefined(es_json_writer *json)
{
    const double values[] = {NAN, INFINITY, -INFINITY, 0, -0.25};
    const int64_t ids[] = {1, -2};
    es_json_write_array(json);
    es_json_write_doubles(json, values, 5);
    es_json_write_ints(json, ids, 2);
    es_json_write_text(json, NULL);
    es_json_write_bytes(json, NULL, 0);
    es_json_write_hex(json, NULL, 0);
    es_json_write_hex(json, "\xFF\0a", 3);
    es_json_write_end(json);
}

static void undefined_is_null(void **state)
{
    (void)state;
    char *data = written(write_undefined);
    assert_string_equal(data,
                        "[[null, null, null, 0, -0.25], [1, -2], null, null, null, \"ff0061\"]\n");
    free(data);
}

static void write_strings(es_json_writer *json)
{
    static const char bytes[] = "a\"\\\n\t\0\x1F\x7F\xC3\xA9";
    es_json_write_array(json);
    es_json_write_bytes(json, bytes, sizeof bytes - 1);
    es_json_write_text(json, "\xFF|\xC3|\xE2\x82|\xF0\x9F\x98|\xED\xA0\x80|\xC0\x80");
    es_json_write_text(json, "\xE2\x80\xAE\xF0\x9F\x98\x80"); /* right-to-left override, an emoji */
    es_json_write_text(json, "");
    es_json_write_end(json);
}

/* One U+FFFD per maximal subpart: a truncated sequence is one, a surrogate's three bytes are three,
 * as Python's errors="replace" has it. */
#define FFFD "\xEF\xBF\xBD"
static void strings_are_safe(void **state)
{
    (void)state;
    char *data = written(write_strings);
    assert_string_equal(data, "[\"a\\\"\\\\\\n\\t\\u0000\\u001f\\u007f\xC3\xA9\", \"" FFFD "|" FFFD
                              "|" FFFD "|" FFFD "|" FFFD FFFD FFFD "|" FFFD FFFD
                              "\", \"\\u202e\xF0\x9F\x98\x80\", \"\"]\n");
    es_json json;
    es_error error = {{0}};
    assert_ok(es_json_open(&json, "made", data, (int64_t)strlen(data), 0, &error), error);
    assert_ok(es_json_skip(&json), error);
    assert_ok(es_json_finish(&json), error);
    es_json_close(&json);
    free(data);
}

static void the_locale_does_not_matter(void **state)
{
    (void)state;
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "de_DE.utf8")) {
        printf("no locale with a decimal comma is installed\n");
        skip();
    }
    lays_out(state);
    undefined_is_null(state);
    setlocale(LC_ALL, "C");
}

static void a_full_disk_shows(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (!full) skip();
    es_json_writer json = es_json_write_to(full);
    write_frame(&json);
    assert_int_not_equal(fflush(full), 0);
    assert_true(ferror(full));
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lays_out),          cmocka_unit_test(undefined_is_null),
        cmocka_unit_test(strings_are_safe),  cmocka_unit_test(the_locale_does_not_matter),
        cmocka_unit_test(a_full_disk_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
