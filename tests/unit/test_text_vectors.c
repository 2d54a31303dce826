#include "scratch.h"

#include <locale.h>
#include <math.h>
#include <unistd.h>
#include <zlib.h>

static const char *write_text(const char *name, const char *text)
{
    return scratch_write(name, text, strlen(text));
}

static void assert_key(const es_container *container, int64_t row, const char *key, size_t size)
{
    if (container->keys[row].size != size || memcmp(container->keys[row].data, key, size) != 0)
        fail_msg("row %lld has the key '%.*s', expected '%s'", (long long)row,
                 (int)container->keys[row].size, container->keys[row].data, key);
}

static void refuses_broken_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } broken[] = {
        {"0 0\n", "b.txt:1: '0 0' announces no rows"},
        {"3000000 -300\n", "b.txt:1: '3000000 -300' announces no rows"},
        {"-3 300\n", "announces no rows"},
        {"99999999999999999999 300\na 1\n", "announces more than the file can hold"},
        {"3000000 300\na 1 2\n", "announces more than the file can hold"},
        {"9223372036854775807 2\na 1 2\n", "announces more than the file can hold"},
        {"2 2\na 1.00 2.00\n", "b.txt:3: the file ends after 1 rows; line 1 announces 2"},
        {"1 2\na 1 2\nb 3 4\n", "b.txt:3: more lines than the 1 rows"},
        {"a 1 2 3\nb 1 2 3\nc 1 2 3\nd 1 2 3\ne 1 2\nf 1 2 3\n", "b.txt:5: 2 numbers, expected 3"},
        {"3 3\na 1 2 3\nb 1 2 3 4\nc 1 2 3\n", "b.txt:3: 4 numbers, expected 3"},
        {"a 1 2 3\nb 1 2 3 4 5\n", "b.txt:2: 5 numbers, expected 3"},
        {"a 1 2 3\n\nb 1 2 3\n", "b.txt:2: 0 numbers, expected 3"},
        {"a 1 2 3\n1 2 3\n", "b.txt:2: 2 numbers, expected 3"},
        {"a 1 2 3\nb 1 2,5 3\n", "b.txt:2:5: '2,5' is not a number"},
        {"a 1 2 3\nb 1 0x1p3 3\n", "b.txt:2:5: '0x1p3' is not a number"},
        {"a 1 2 3\nb 1 2 3x\n", "b.txt:2:7: '3x' is not a number"},
        {"a 1 2 3\nb 1 2 --3\n", "b.txt:2:7: '--3' is not a number"},
        {"a 1 1,5 3 4\n", "b.txt:1:5: '1,5' is not a number"},
        {"a 1 2 0x3\n", "b.txt:1:7: '0x3' is not a number"},
        {"only words here\n", "no numbers after the first word"},
        {"word\n", "no numbers after the first word"},
        {"\n\n\n", "b.txt:1: no numbers"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_refused(write_text("b.txt", broken[i].text), broken[i].says);
}

static void reads_every_form(void **state)
{
    (void)state;
    static const char *const good[] = {
        "3 2\na 1 -2.5\nb 3e1 .5\nc nan -inf\n",    /* word2vec */
        "a 1 -2.5\nb 3e1 .5\nc nan -inf",           /* GloVe, no last line end */
        "3 2\na 1 -2.5 \nb 30 0.5 \nc nan -inf \n", /* fastText */
        "3 2\r\na\t1\t-2.5\r\nb 30 0.5\r\nc nan -inf\r\n\r\n",
        "3 2\na 1  -2.5\nb 30 0.5\nc NaN -Infinity\n\n \n\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        es_container container;
        assert_opens(write_text("g.txt", good[i]), &container);
        assert_string_equal(container.format, "text vectors");
        const es_tensor *tensor = &container.tensors[0];
        assert_int_equal(tensor->dtype, ES_DTYPE_F32);
        assert_int_equal(tensor->shape[0], 3);
        assert_int_equal(tensor->shape[1], 2);
        const float *values = tensor->memory;
        assert_true(values[0] == 1 && values[1] == -2.5f && values[2] == 30 && values[3] == 0.5f);
        assert_true(isnan(values[4]) && values[5] == -INFINITY);
        assert_key(&container, 0, "a", 1);
        assert_key(&container, 2, "c", 1);
        es_container_release(&container);
    }
}

static void splits_from_the_right(void **state)
{
    (void)state;
    const char *text = "the 0.25 0.5\n"
                       ". . . 1 2\n"
                       "at name@domain.com 3 4\n"
                       " 5 6\n"
                       "\xC3\x28 7 8\n"
                       "the 9 1e999\n"
                       "nan 1 1\n";
    es_container container;
    assert_opens(write_text("s.txt", text), &container);
    assert_int_equal(container.tensors[0].shape[0], 7);
    assert_key(&container, 0, "the", 3);
    assert_key(&container, 1, ". . .", 5);
    assert_key(&container, 2, "at name@domain.com", 18);
    assert_key(&container, 3, "", 0);
    assert_key(&container, 4, "\xC3\x28", 2);
    assert_key(&container, 5, "the", 3); /* both rows stay */
    assert_key(&container, 6, "nan", 3);
    const float *values = container.tensors[0].memory;
    assert_true(values[2] == 1 && values[4] == 3 && values[6] == 5 && values[11] == INFINITY);
    es_container_release(&container);
}

static void keys_may_be_long_or_hold_nul(void **state)
{
    (void)state;
    es_text text = {0};
    for (int i = 0; i < 1 << 20; i++) es_text_add(&text, "x");
    es_text_add(&text, " 1 2\n");
    es_text_append(&text, "a\0b 3 4\n", 8);
    es_container container;
    assert_opens(scratch_write_text("l.vec", &text), &container);
    assert_int_equal(container.keys[0].size, 1 << 20);
    assert_key(&container, 1, "a\0b", 3);
    es_container_release(&container);
    es_text_release(&text);
}

static void the_number_of_threads_changes_nothing(void **state)
{
    (void)state;
    es_text text = {0};
    enum { ROWS = 60000 };
    for (int i = 0; i < ROWS; i++)
        es_text_printf(&text, i % 7 ? "w%d %d.25 -%d.5e-3 0.%d\n" : "w x%d %d.25 -%d.5e-3 0.%d\n",
                       i, i, i, i);
    const char *path = scratch_write_text("t.txt", &text);
    es_error error = {0};
    es_container one, seven;
    assert_ok(es_container_open(path, 1, &one, &error), error);
    assert_ok(es_container_open(path, 7, &seven, &error), error);
    assert_int_equal(one.tensors[0].shape[0], ROWS);
    assert_int_equal(one.tensors[0].bytes, seven.tensors[0].bytes);
    assert_memory_equal(one.tensors[0].memory, seven.tensors[0].memory,
                        (size_t)one.tensors[0].bytes);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(one.keys[i].size, seven.keys[i].size);
        assert_memory_equal(one.keys[i].data, seven.keys[i].data, one.keys[i].size);
    }
    es_container_release(&one);
    es_container_release(&seven);

    /* The first fault is told, whichever thread met one first. */
    text.data[text.size - 2] = 'x';
    text.data[strchr(text.data + text.size / 2, '\n') - text.data - 1] = 'y';
    path = scratch_write_text("t.txt", &text);
    es_error of_one = {0}, of_seven = {0};
    assert_int_equal(es_container_open(path, 1, &one, &of_one), ES_BAD_INPUT);
    assert_int_equal(es_container_open(path, 7, &seven, &of_seven), ES_BAD_INPUT);
    assert_string_equal(of_one.text, of_seven.text);
    assert_says(of_one, "y' is not a number");
    es_text_release(&text);
}

/* More than one window of 16 MiB, plain and gzip. */
static void windows_join_without_a_seam(void **state)
{
    (void)state;
    enum { ROWS = 1500000 };
    es_text text = {0};
    for (int i = 0; i < ROWS; i++) es_text_printf(&text, "w%d %d 0.5\n", i, i);
    assert_true(text.size > (17 << 20));
    const char *paths[] = {scratch_write_text("w.txt", &text), scratch_path("w.txt.gz")};
    gzFile zipped = gzopen(paths[1], "wb1");
    gzwrite(zipped, text.data, (unsigned)text.size);
    gzclose(zipped);
    es_text_release(&text);
    for (int form = 0; form < 2; form++) {
        es_container container;
        assert_opens(paths[form], &container);
        assert_int_equal(container.tensors[0].shape[0], ROWS);
        const float *values = container.tensors[0].memory;
        for (int i = 0; i < ROWS; i++)
            if (values[2 * i] != (float)i || values[2 * i + 1] != 0.5f)
                fail_msg("row %d is %g %g", i, values[2 * i], values[2 * i + 1]);
        assert_key(&container, ROWS - 1, "w1499999", 8);
        es_container_release(&container);
    }
}

static void a_gzip_bomb_is_refused(void **state)
{
    (void)state;
    const char *path = scratch_path("bomb.txt.gz");
    gzFile zipped = gzopen(path, "wb9");
    char lines[12000];
    for (int i = 0; i < 2000; i++) memcpy(lines + 6 * i, "a 0 0\n", 6);
    for (int i = 0; i < 8000; i++) gzwrite(zipped, lines, sizeof lines);
    gzclose(zipped);
    assert_refused(path, "inflates to more than 64 times its size");
}

static void a_terabyte_of_nothing_ends_soon(void **state)
{
    (void)state;
    const char *path = write_text("sparse.txt", "1 2\na 1 2\n");
    if (truncate(path, (off_t)1 << 40) == 0) assert_refused(path, "3: a line longer than 16 MiB");
}

static void the_locale_does_not_matter(void **state)
{
    (void)state;
    /* Where the machine has none with a decimal comma, the C locale has to do. */
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    for (int i = 0; i < 3 && !setlocale(LC_ALL, names[i]); i++) {
    }
    es_container container;
    assert_opens(write_text("d.txt", "a 1.5 0.1234567890123456789012345\n"), &container);
    const float *values = container.tensors[0].memory;
    assert_true(values[0] == 1.5f && values[1] == 0.12345679f);
    es_container_release(&container);
    assert_refused(write_text("d.txt", "a 1.5 1.5\nb 1,5 1.5\n"), ":2:3: '1,5' is not a number");
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_broken_lines),
        cmocka_unit_test(reads_every_form),
        cmocka_unit_test(splits_from_the_right),
        cmocka_unit_test(keys_may_be_long_or_hold_nul),
        cmocka_unit_test(the_number_of_threads_changes_nothing),
        cmocka_unit_test(windows_join_without_a_seam),
        cmocka_unit_test(a_gzip_bomb_is_refused),
        cmocka_unit_test(a_terabyte_of_nothing_ends_soon),
        cmocka_unit_test(the_locale_does_not_matter),
    };
    return cmocka_run_group_tests_name("text_vectors", tests, scratch_setup, scratch_teardown);
}
