#define _GNU_SOURCE /* open_memstream */
#include "render/display.h"
#include "render/table.h"
#include "test.h"

#include <math.h>

static char *printed(const es_table *table, bool color)
{
    char *data = NULL;
    size_t size = 0;
    es_error error = {{0}};
    FILE *out = open_memstream(&data, &size);
    assert_ok(es_table_print(table, out, color, &error), error);
    fclose(out);
    return data;
}

static es_table make_table(void)
{
    es_table table = {0};
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "token");
    es_table_column(&table, "cosine", ES_ALIGN_RIGHT);
    es_table_id(&table, 3797);
    es_table_token(&table, " cat", 4);
    es_table_number(&table, 0.5609, 4);
    es_table_id(&table, -1);
    es_table_token(&table, "日本", 6);
    es_table_number(&table, NAN, 4);
    es_table_id(&table, 7);
    es_table_token(&table, "e\xCC\x81\"\\\n\xFF", 7);
    es_table_number(&table, -1, 4);
    es_table_count(&table, 1234567);
    es_table_token(&table, NULL, 0);
    es_table_cell(&table, "");
    return table;
}

static void aligns_by_display_width(void **state)
{
    (void)state;
    es_table table = make_table();
    char *data = printed(&table, false);
    assert_string_equal(data, "       id  token             cosine\n"
                              "     3797  \" cat\"            0.5609\n"
                              "        -  \"日本\"                 -\n"
                              "        7  \"e\xCC\x81\\\"\\\\\\x0A\\xFF\"  -1.0000\n"
                              "1,234,567  (no token)\n");
    free(data);
    es_table_release(&table);
}

static void colour_changes_nothing_else(void **state)
{
    (void)state;
    es_table table = make_table();
    char *plain = printed(&table, false), *colored = printed(&table, true);
    assert_non_null(strstr(colored, "\033[36m\" cat\"\033[0m"));
    char *to = colored;
    for (const char *from = colored; *from;) {
        if (*from == '\033')
            from = strchr(from, 'm') + 1;
        else
            *to++ = *from++;
    }
    *to = '\0';
    assert_string_equal(colored, plain);
    free(plain);
    free(colored);
    es_table_release(&table);
}

static void long_titles_are_cut(void **state)
{
    (void)state;
    es_table table = {0};
    es_table_column_of(&table, "abcdefghijklmnopqrstuvwxyz", 26, ES_ALIGN_RIGHT);
    es_table_cell(&table, "1");
    char *data = printed(&table, false);
    assert_string_equal(data, "\"abcdefghijklmno…\n                1\n");
    free(data);
    es_table_release(&table);
}

static void widths(void **state)
{
    (void)state;
    assert_int_equal(es_display_width("", 0), 0);
    assert_int_equal(es_display_width("a", 1), 1);
    assert_int_equal(es_display_width("日", 3), 2);
    assert_int_equal(es_display_width("e\xCC\x81", 3), 1);
    assert_int_equal(es_display_prefix("日本", 6, 3), 3);
    assert_int_equal(es_display_prefix("e\xCC\x81x", 4, 1), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligns_by_display_width),
        cmocka_unit_test(colour_changes_nothing_else),
        cmocka_unit_test(long_titles_are_cut),
        cmocka_unit_test(widths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
