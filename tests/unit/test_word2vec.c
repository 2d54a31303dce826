#include "scratch.h"

#include <zlib.h>

/* `rows` rows of `columns` numbers 0.5, 1.5 ... under the keys key0, key1 ... */
static void build(es_text *text, const char *header, int rows, int columns, bool line_feeds)
{
    es_text_add(text, header);
    for (int row = 0; row < rows; row++) {
        es_text_printf(text, "key%d ", row);
        for (int i = 0; i < columns; i++) append_float(text, (float)(row * columns + i) + 0.5f);
        if (line_feeds) es_text_add(text, "\n");
    }
}

static void reads_both_layouts(void **state)
{
    (void)state;
    for (int line_feeds = 0; line_feeds < 2; line_feeds++) {
        es_text text = {0};
        build(&text, "5 3\n", 5, 3, line_feeds);
        es_container container;
        assert_opens(scratch_write_text("w.bin", &text), &container);
        assert_string_equal(container.format, "word2vec");
        assert_int_equal(container.tensors[0].shape[0], 5);
        assert_int_equal(container.tensors[0].shape[1], 3);
        double *values = read_tensor_values(&container, &container.tensors[0]);
        for (int i = 0; i < 15; i++) assert_true(values[i] == i + 0.5);
        assert_int_equal(container.keys[4].size, 4);
        assert_memory_equal(container.keys[4].data, "key4", 4);
        free(values);
        es_container_release(&container);

        const char *path = scratch_path("w.bin.gz");
        gzFile zipped = gzopen(path, "wb");
        assert_int_equal(gzwrite(zipped, text.data, (unsigned)text.size), text.size);
        gzclose(zipped);
        assert_opens(path, &container);
        assert_int_equal(container.tensors[0].shape[0], 5);
        assert_true(((float *)container.tensors[0].memory)[14] == 14.5f);
        es_container_release(&container);
        es_text_release(&text);
    }
}

static void keeps_keys_as_bytes(void **state)
{
    (void)state;
    es_text text = {0};
    es_text_add(&text, "4 1\n");
    const es_bytes keys[] = {{"\xC3", 1}, {"a\0b", 3}, {"", 0}, {"twice", 5}};
    for (int i = 0; i < 4; i++) {
        es_text_append(&text, keys[i].data, keys[i].size);
        es_text_add(&text, " ");
        append_float(&text, (float)i);
    }
    es_container container;
    assert_opens(scratch_write_text("k.bin", &text), &container);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(container.keys[i].size, keys[i].size);
        assert_memory_equal(container.keys[i].data, keys[i].data, keys[i].size);
    }
    es_container_release(&container);
    es_text_release(&text);
}

static void refuses_broken_files(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int rows, cut; /* bytes cut off the end, or added where negative */
        const char *says;
    } broken[] = {
        {"6 3\n", 5, 0, "the file ends inside row 6 of 6"},
        {"5 3\n", 5, 1, "the file ends inside row 5 of 5"},
        {"5 3\n", 5, 13, "the file ends inside row 5 of 5"},
        {"4 3\n", 5, 0, "more bytes after the 4 rows that line 1 announces"},
        {"5 3\n", 5, -1, "at byte 89: more bytes after the 5 rows"},
        {"3000000 3\n", 5, 0, ":1: '3000000 3' announces more than the file can hold"},
        {"5 3000000000\n", 5, 0, "announces more than the file can hold"},
        {"99999999999999999999 3\n", 5, 0, "announces more than the file can hold"},
        {"9223372036854775807 9223372036854775807\n", 5, 0, "announces more"},
        {"5 -3\n", 5, 0, "announces no rows"},
        {"-5 3\n", 5, 0, "announces no rows"},
        {"0 3\n", 5, 0, "announces no rows"},
        {"0 0\n", 0, 0, "announces no rows"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        es_text text = {0};
        build(&text, broken[i].header, broken[i].rows, 3, false);
        if (broken[i].cut > 0) text.size -= (size_t)broken[i].cut;
        if (broken[i].cut < 0) es_text_add(&text, "x");
        assert_refused(scratch_write_text("b.bin", &text), broken[i].says);
        es_text_release(&text);
    }
}

static void a_truncated_gzip_is_an_error(void **state)
{
    (void)state;
    es_text text = {0}, zipped = {0};
    build(&text, "500 3\n", 500, 3, false);
    const char *path = scratch_path("t.bin.gz");
    gzFile out = gzopen(path, "wb");
    gzwrite(out, text.data, (unsigned)text.size);
    gzclose(out);
    FILE *in = fopen(path, "rb");
    for (int c; (c = getc(in)) != EOF;) append_le(&zipped, (uint64_t)c, 1);
    fclose(in);
    assert_refused(scratch_write("c.bin.gz", zipped.data, zipped.size - 20), "ends too early");
    zipped.data[zipped.size - 6] ^= 1; /* in the CRC */
    assert_refused(scratch_write_text("c.bin.gz", &zipped), "damaged gzip data");
    zipped.data[zipped.size - 6] ^= 1;
    es_text_add(&zipped, "PK");
    assert_refused(scratch_write_text("c.bin.gz", &zipped), "more bytes after the gzip data");
    es_text_release(&text);
    es_text_release(&zipped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_layouts),
        cmocka_unit_test(keeps_keys_as_bytes),
        cmocka_unit_test(refuses_broken_files),
        cmocka_unit_test(a_truncated_gzip_is_an_error),
    };
    return cmocka_run_group_tests_name("word2vec", tests, scratch_setup, scratch_teardown);
}
