#define _GNU_SOURCE /* open_memstream */
#include "render/csv.h"
#include "test.h"

#include <math.h>

static void quotes_what_needs_it(void **state)
{
    (void)state;
    char *data = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&data, &size);
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (const char *const[]){"id", "text, too", NULL});
    es_csv_int(&csv, -3);
    es_csv_text(&csv, "say \"hi\"");
    es_csv_text(&csv, " cat");
    es_csv_text(&csv, "two\r\nlines");
    es_csv_text(&csv, NULL);
    es_csv_text(&csv, "");
    es_csv_end_line(&csv);
    es_csv_double(&csv, NAN);
    es_csv_double(&csv, 0.1);
    es_csv_double(&csv, -INFINITY);
    es_csv_hex(&csv, "\x00\xFF", 2);
    es_csv_bytes(&csv, "a\xFF\0b", 4);
    es_csv_end_line(&csv);
    fclose(out);
    static const char expected[] = "id,\"text, too\"\r\n"
                                   "-3,\"say \"\"hi\"\"\",\" cat\",\"two\r\nlines\",,\"\"\r\n"
                                   ",0.1,,00ff,a\xEF\xBF\xBD\0b\r\n";
    assert_int_equal(size, sizeof expected - 1);
    assert_memory_equal(data, expected, size);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(quotes_what_needs_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
