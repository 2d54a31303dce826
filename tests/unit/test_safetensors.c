#include "scratch.h"

#include <sys/stat.h>
#include <time.h>

/* A file with this header (its length told truly) and `data` zero bytes. */
static const char *write_safetensors(const char *name, const char *header, size_t header_size,
                                     size_t data)
{
    es_text text = {0};
    append_le(&text, header_size, 8);
    es_text_append(&text, header, header_size);
    append_zeros(&text, data);
    const char *path = scratch_write_text(name, &text);
    es_text_release(&text);
    return path;
}

#define ONE(dtype, shape, offsets)                                                                 \
    "{\"x\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TENSOR(name, begin, end)                                                                   \
    "\"" name "\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[" #begin "," #end "]}"

static void refuses_broken_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *says;
    } broken[] = {
        {"[]", 0, "at byte 8: the header must start with '{'"},
        {" {}", 0, "must start with '{'"},
        {"{", 0, "a header of 1 bytes; the shortest is {}"},
        {"{}}", 0, "at byte 10: more text after"},
        {"{\"x\":", 0, "where an object was expected"},
        {"{\"x\":{\"dtype\":\"F32\",\"sha", 0, "ends inside a string"},
        {"{\"\xC3\x28\":{}}", 0, "at byte 10: not UTF-8 (byte 0xC3)"},
        {"{\"x\":3}", 0, "'3' where an object was expected"},
        {"{\"x\":{}}", 0, "tensor 'x' has no dtype"},
        {"{\"x\":{\"dtype\":\"F32\"}}", 0, "tensor 'x' has no shape"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[]}}", 0, "tensor 'x' has no data_offsets"},
        {"{\"x\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 0, "has 'dtype' twice"},
        {"{" TENSOR("a", 0, 4) "," TENSOR("a", 4, 8) "}", 8,
         "at byte 60: two tensors have the name 'a'"},
        {"{\"__metadata__\":{\"epoch\":3}}", 0, "__metadata__ 'epoch' is not a string"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ is there twice"},
        {"{\"__metadata__\":[]}", 0, "'[' where an object was expected"},
        {ONE("\"F33\"", "[1]", "[0,4]"), 4, "unsupported dtype 'F33'"},
        {ONE("32", "[1]", "[0,4]"), 4, "'3' where a string was expected"},
        {ONE("\"F32\"", "[-1]", "[0,4]"), 4, "negative dimension, -1"},
        {ONE("\"F32\"", "[1.5]", "[0,4]"), 4, "not an integer"},
        {ONE("\"F32\"", "[1e400]", "[0,4]"), 4, "not an integer"},
        {ONE("\"F32\"", "[\"2\"]", "[0,4]"), 4, "'\"' where an integer was expected"},
        {ONE("\"F32\"", "[99999999999999999999]", "[0,4]"), 4, "does not fit in 64 bits"},
        {ONE("\"F32\"", "2", "[0,4]"), 4, "'2' where an array was expected"},
        {ONE("\"F32\"", "[4294967296,4294967296]", "[0,4]"), 4, "overflow when multiplied"},
        {ONE("\"F64\"", "[1152921504606846976]", "[0,4]"), 4, "overflows"},
        {ONE("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4,
         "tensor 'x' has 9 dimensions; at most 8 are supported"},
        {ONE("\"F32\"", "[2]", "[0,4]"), 4, "4 bytes by its offsets, 8 by its shape"},
        {ONE("\"F4\"", "[3]", "[0,2]"), 2, "does not end on a whole byte"},
        {ONE("\"F32\"", "[1]", "[4,0]"), 4, "ends (0) before it begins (4)"},
        {ONE("\"F32\"", "[1]", "[-4,0]"), 4, "negative offset"},
        {ONE("\"F32\"", "[1]", "[0]"), 4, "fewer than two data_offsets"},
        {ONE("\"F32\"", "[1]", "[0,4,8]"), 4, "more than two data_offsets"},
        {"{" TENSOR("a", 0, 4) "," TENSOR("b", 8, 12) "}", 12, "after a hole (by 4 bytes)"},
        {"{" TENSOR("a", 4, 8) "}", 8, "after a hole (by 4 bytes)"},
        {"{" TENSOR("a", 0, 4) "," TENSOR("b", 2, 6) "}", 6, "overlaps the one before"},
        {"{" TENSOR("a", 0, 4) "," TENSOR("b", 0, 4) "}", 4, "overlaps the one before"},
        {"{" TENSOR("a", 0, 4) "}", 5, "1 bytes after the last tensor"},
        {"{}", 1, "1 bytes after the last tensor"},
        {"{" TENSOR("a", 0, 4) "}", 1, "the file ends 3 bytes before tensor 'a' does"},
        {"{\"a\\u0000b\":{}}", 0, "NUL"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_refused(write_safetensors("b.safetensors", broken[i].header,
                                         strlen(broken[i].header), broken[i].data),
                       broken[i].says);
}

static void refuses_broken_lengths(void **state)
{
    (void)state;
    assert_refused(scratch_write("e.safetensors", "", 0),
                   "0 bytes; a safetensors file has at least 8");
    assert_refused(scratch_write("s.safetensors", "1234567", 7), "7 bytes; a safetensors file");
    assert_refused(scratch_write("l.safetensors", "\x01\xE1\xF5\x05\0\0\0\0{}", 10),
                   "a header of 100000001 bytes; at most 100000000");
    assert_refused(scratch_write("m.safetensors", "\0\0\0\0\0\0\0\x80{}", 10),
                   "a header of 9223372036854775808 bytes");
    assert_refused(scratch_write("t.safetensors", "\x04\0\0\0\0\0\0\0{}", 10),
                   "but the file ends 2 bytes earlier");
    assert_refused(scratch_write("z.safetensors", "\0\0\0\0\0\0\0\0{}", 10), "the shortest is {}");
}

static void depth_is_no_stack_overflow(void **state)
{
    (void)state;
    es_text text = {0};
    es_text_add(&text, "{\"x\":");
    for (int i = 0; i < 1000000; i++) es_text_add(&text, "[");
    assert_refused(write_safetensors("d.safetensors", text.data, text.size, 0),
                   "where an object was expected");
    text.size = 0;
    es_text_add(&text, "{\"x\":{\"y\":");
    for (int i = 0; i < 1000000; i++) es_text_add(&text, "[");
    assert_refused(write_safetensors("d.safetensors", text.data, text.size, 0), "nested more than");
    es_text_release(&text);
}

static void many_tensors_stay_in_bounds(void **state)
{
    (void)state;
    es_text text = {0};
    es_text_add(&text, "{");
    for (int i = 0; i <= ES_MAX_TENSORS; i++)
        es_text_printf(&text, "%s\"%x\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                       i ? "," : "", i);
    es_text_add(&text, "}");
    assert_refused(write_safetensors("n.safetensors", text.data, text.size, 0),
                   "more than 262144 tensors");
    es_text_release(&text);
}

static void opens_what_is_valid(void **state)
{
    (void)state;
    const char *header = "{\"__metadata__\":{\"format\":\"pt\"},"
                         "\"b\":{\"data_offsets\":[0,6],\"shape\":[1,3],\"dtype\":\"F16\"},"
                         "\"\\u00e9\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[6,10]},"
                         "\"empty\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[6,6],"
                         "\"later\":[{}]}}   ";
    const char *path = write_safetensors("good.bin", header, strlen(header), 10);
    es_container container;
    assert_opens(path, &container);
    assert_string_equal(container.format, "safetensors");
    assert_int_equal(container.tensor_count, 3);
    const es_tensor *b = es_container_find(&container, "b");
    assert_non_null(b);
    assert_int_equal(b->dtype, ES_DTYPE_F16);
    assert_int_equal(b->rank, 2);
    assert_int_equal(b->shape[1], 3);
    assert_int_equal(b->offset, 8 + (int64_t)strlen(header));
    assert_int_equal(b->bytes, 6);
    const es_tensor *scalar = es_container_find(&container, "\xC3\xA9");
    assert_non_null(scalar);
    assert_int_equal(scalar->rank, 0);
    assert_int_equal(scalar->bytes, 4);
    assert_int_equal(es_container_find(&container, "empty")->bytes, 0);
    assert_null(es_container_find(&container, "c"));
    es_container_release(&container);
}

static void a_file_that_shrinks_is_an_error(void **state)
{
    (void)state;
    const char *header = "{" TENSOR("a", 0, 4) "}";
    const char *path = write_safetensors("s.safetensors", header, strlen(header), 4);
    es_error error = {0};
    es_container container = {0};
    es_file file;
    assert_ok(es_file_open(&file, path, &error), error);
    assert_int_equal(truncate(path, 20), 0);
    assert_int_equal(es_format_safetensors.open(&file, 1, &container, &error), ES_BAD_INPUT);
    assert_says(error, "became shorter while it was read");
    es_container_release(&container);
    es_file_close(&file);
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(scratch_path("pipe"), 0600), 0);
    assert_refused(scratch_path("pipe"), "is a pipe");
    assert_refused(scratch_folder, "is a folder");
    assert_refused("/dev/zero", "is a device");
    assert_refused(scratch_path("absent"), "cannot open");
    assert_int_equal(symlink("loop", scratch_path("loop")), 0);
    assert_refused(scratch_path("loop"), "cannot open");
    /* A terabyte of nothing after a small header. */
    const char *header = "{" TENSOR("a", 0, 4) "}";
    const char *path = write_safetensors("sparse.safetensors", header, strlen(header), 4);
    if (truncate(path, (off_t)1 << 40) == 0) assert_refused(path, "after the last tensor");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_broken_headers),
        cmocka_unit_test(refuses_broken_lengths),
        cmocka_unit_test(depth_is_no_stack_overflow),
        cmocka_unit_test(many_tensors_stay_in_bounds),
        cmocka_unit_test(opens_what_is_valid),
        cmocka_unit_test(a_file_that_shrinks_is_an_error),
        cmocka_unit_test(refuses_what_is_no_file),
    };
    return cmocka_run_group_tests_name("safetensors", tests, scratch_setup, scratch_teardown);
}
