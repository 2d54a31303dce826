#include "scratch.h"

/* Version 1.0 with this header and `size` bytes of data. */
static const char *write_npy(const char *name, const char *header, const void *data, size_t size)
{
    es_text text = {0};
    es_text_append(&text, "\x93NUMPY\x01\x00", 8);
    append_le(&text, strlen(header), 2);
    es_text_add(&text, header);
    es_text_append(&text, data, size);
    const char *path = scratch_write_text(name, &text);
    es_text_release(&text);
    return path;
}

#define HEADER(descr, fortran, shape)                                                              \
    "{'descr': " descr ", 'fortran_order': " fortran ", 'shape': " shape ", }   \n"

static void refuses_broken_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header, *says;
    } broken[] = {
        {HEADER("'|O'", "False", "(2,)"), "an object array would run pickle"},
        {HEADER("[('a', '<f4')]", "False", "(2,)"), "a structured array"},
        {HEADER("'<f3'", "False", "(2,)"), "unsupported type '<f3'"},
        {HEADER("'float32'", "False", "(2,)"), "unsupported type 'float32'"},
        {HEADER("'f4'", "False", "(2,)"), "unsupported type 'f4'"},
        {HEADER("'<f44'", "False", "(2,)"), "unsupported type '<f44'"},
        {HEADER("'<M8[ns]'", "False", "(2,)"), "unsupported type '<M8[ns]'"},
        {HEADER("''", "False", "(2,)"), "unsupported type ''"},
        {HEADER("4", "False", "(2,)"), "a quoted text was expected"},
        {HEADER("'<f4'", "1", "(2,)"), "must be True or False"},
        {HEADER("'<f4'", "False", "(9223372036854775808,)"), "does not fit in 63 bits"},
        {HEADER("'<f4'", "False", "(9223372036854775807,)"), "overflow when multiplied"},
        {HEADER("'<f4'", "False", "(4294967296, 4294967296)"), "overflow when multiplied"},
        {HEADER("'<f4'", "False", "(-1,)"), "a negative dimension"},
        {HEADER("'<f4'", "False", "(2.0,)"), "not an integer"},
        {HEADER("'<f4'", "False", "(2)"), "a comma is missing"},
        {HEADER("'<f4'", "False", "(2 2,)"), "',' or ')' was expected"},
        {HEADER("'<f4'", "False", "[2]"), "the shape must be a tuple"},
        {HEADER("'<f4'", "False", "('2',)"), "a dimension was expected"},
        {HEADER("'<f4'", "False", "(1,1,1,1,1,1,1,1,1)"), "at most 8 are supported"},
        {HEADER("'<f4'", "False", "(2"), "was expected in the shape"},
        {"{'descr': '<f4', 'shape': (2,)}", "no fortran_order"},
        {"{'descr': '<f4', 'fortran_order': False}", "no shape"},
        {"{'shape': (2,), 'fortran_order': False}", "no descr"},
        {"{'descr': '<f4', 'descr': '<f4'}", "a key that is there twice"},
        {"{'descr': '<f4', 'x': 1}", "a key other than"},
        {"{'descr' '<f4'}", "':' was expected"},
        {"{'descr': '<f4' 'shape': (2,)}", "',' or '}' was expected"},
        {"{'descr': '<f4", "ends inside a text"},
        {"('descr', '<f4')", "must be a dict"},
        {HEADER("'<f4'", "False", "(2,)") "{}", "more text after the array's header"},
        {HEADER("'<f4'", "False", "(3,)"), "the file ends 4 bytes before its array does"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_refused(write_npy("b.npy", broken[i].header, "12345678", 8), broken[i].says);
}

static void refuses_broken_beginnings(void **state)
{
    (void)state;
    assert_refused(scratch_write("a.npy", "abc", 3), "not a NumPy array");
    assert_refused(scratch_write("b.npy", "\x93NUMPY\x01", 7), "ends inside the array's header");
    assert_refused(scratch_write("c.npy", "\x93NUMPY\x04\x00\x02\x00{}", 12), "version 4.0");
    assert_refused(scratch_write("d.npy", "\x93NUMPY\x01\x00\xFF\xFF{}", 12),
                   "a header of 65535 bytes; at most 10000");
    assert_refused(scratch_write("e.npy", "\x93NUMPY\x02\x00\xFF\xFF\xFF\xFF{}", 14),
                   "a header of 4294967295 bytes");
    assert_refused(scratch_write("f.npy", "\x93NUMPY\x01\x00\x10\x27{}", 12),
                   "ends inside the array's header");
}

static void notes_bytes_after_the_array(void **state)
{
    (void)state;
    es_container container;
    assert_opens(write_npy("n.npy", HEADER("'<f4'", "False", "(1,)"), "12345678", 8), &container);
    assert_non_null(strstr(container.note, "4 bytes after the array are ignored"));
    es_container_release(&container);
}

/* 0 1 2 ... 23 as the file would hold them, and what must come out of it, row by row. */
static void check_order(const char *descr, const char *fortran, const char *shape,
                        const double *expected, const void *data, size_t size)
{
    char header[256];
    snprintf(header, sizeof header, "{\"descr\": \"%s\", \"fortran_order\": %s, \"shape\": %s}\n",
             descr, fortran, shape);
    es_container container;
    assert_opens(write_npy("o.npy", header, data, size), &container);
    const es_tensor *tensor = &container.tensors[0];
    assert_int_equal(tensor->bytes, size);
    double *values = read_tensor_values(&container, tensor);
    for (size_t i = 0; i < size / es_dtype_size(tensor->dtype); i++)
        if (values[i] != expected[i])
            fail_msg("%s %s %s: component %zu is %g, expected %g", descr, fortran, shape, i,
                     values[i], expected[i]);
    free(values);
    es_container_release(&container);
}

static void reads_every_order(void **state)
{
    (void)state;
    double plain[24], turned[24], cube[24];
    es_text f4 = {0}, f4_big = {0}, f8 = {0}, f8_big = {0}, f2 = {0}, f2_big = {0};
    for (int i = 0; i < 24; i++) {
        float single = (float)i;
        double wide = i;
        uint32_t single_bits;
        uint64_t wide_bits;
        memcpy(&single_bits, &single, 4);
        memcpy(&wide_bits, &wide, 8);
        append_le(&f4, single_bits, 4);
        append_le(&f4_big, __builtin_bswap32(single_bits), 4);
        append_le(&f8, wide_bits, 8);
        append_le(&f8_big, __builtin_bswap64(wide_bits), 8);
        /* A whole number below 2048 in float16: the upper bits of float32, bias 127 -> 15. */
        uint16_t half = i ? (uint16_t)((single_bits >> 13) - (112 << 10)) : 0;
        append_le(&f2, half, 2);
        append_le(&f2_big, __builtin_bswap16(half), 2);
        plain[i] = i;
        turned[i] = i % 6 * 4 + i / 6;                              /* (4, 6) */
        cube[i] = i / 12 + 2 * (i / 4 % 3) + (double)(6 * (i % 4)); /* (2, 3, 4) */
    }
    check_order("<f4", "False", "(4, 6)", plain, f4.data, f4.size);
    check_order("=f4", "False", "(4L, 6L)", plain, f4.data, f4.size);
    check_order(">f4", "False", "(4, 6,)", plain, f4_big.data, f4_big.size);
    check_order("<f4", "True", "(4, 6)", turned, f4.data, f4.size);
    check_order(">f4", "True", "(4, 6)", turned, f4_big.data, f4_big.size);
    check_order("<f4", "True", "(24,)", plain, f4.data, f4.size);
    check_order("<f4", "True", "(2, 3, 4)", cube, f4.data, f4.size);
    check_order("<f8", "False", "(24, 1)", plain, f8.data, f8.size);
    check_order("<f8", "True", "(4, 6)", turned, f8.data, f8.size);
    check_order(">f8", "True", "(2, 3, 4)", cube, f8_big.data, f8_big.size);
    check_order("<f2", "True", "(4, 6)", turned, f2.data, f2.size);
    check_order(">f2", "False", "(24,)", plain, f2_big.data, f2_big.size);
    check_order("<f4", "True", "()", plain, f4.data, 4);
    check_order("<f4", "True", "(0, 5)", plain, f4.data, 0);
    es_text *all[] = {&f4, &f4_big, &f8, &f8_big, &f2, &f2_big};
    for (size_t i = 0; i < 6; i++) es_text_release(all[i]);
}

static void lists_other_types(void **state)
{
    (void)state;
    es_container container;
    assert_opens(write_npy("i.npy", HEADER("'<i4'", "False", "(2,)"), "12345678", 8), &container);
    assert_int_equal(container.tensors[0].dtype, ES_DTYPE_OTHER);
    assert_string_equal(container.tensors[0].dtype_text, "<i4");
    es_container_release(&container);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_broken_headers),      cmocka_unit_test(refuses_broken_beginnings),
        cmocka_unit_test(notes_bytes_after_the_array), cmocka_unit_test(reads_every_order),
        cmocka_unit_test(lists_other_types),
    };
    return cmocka_run_group_tests_name("npy", tests, scratch_setup, scratch_teardown);
}
