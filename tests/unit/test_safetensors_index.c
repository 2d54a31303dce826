#include "scratch.h"

#include <sys/stat.h>

/* A shard with one U8 tensor of four bytes for each letter. */
static void write_shard(const char *name, const char *letters)
{
    es_text header = {0}, file = {0};
    for (size_t i = 0; letters[i]; i++)
        es_text_printf(&header,
                       "%s\"%c\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[%zu,%zu]}",
                       i ? "," : "{", letters[i], 4 * i, 4 * i + 4);
    es_text_add(&header, "}");
    append_le(&file, header.size, 8);
    es_text_append(&file, header.data, header.size);
    for (size_t i = 0; letters[i]; i++) append_le(&file, (uint64_t)letters[i], 4);
    scratch_write_text(name, &file);
    es_text_release(&header);
    es_text_release(&file);
}

static const char *write_index(const char *json)
{
    return scratch_write("model.safetensors.index.json", json, strlen(json));
}

static void refuses_broken_indexes(void **state)
{
    (void)state;
    write_shard("one", "ab");
    write_shard("two", "c");
    write_shard("twin", "b");
    static const struct {
        const char *json, *says;
    } broken[] = {
        {"{}", "names no shards: its weight_map is missing"},
        {"{\"weight_map\":{}}", "names no shards: its weight_map is empty"},
        {"{\"weight_map\":[]}", "'[' where an object was expected"},
        {"{\"weight_map\":{\"a\":1}}", "where a string was expected"},
        {"{\"weight_map\":{\"a\":\"../one\"}}", "at byte 19: the shard name '../one' leads out"},
        {"{\"weight_map\":{\"a\":\"../../etc/passwd\"}}", "leads out of the model's folder"},
        {"{\"weight_map\":{\"a\":\"x/../../one\"}}", "leads out of the model's folder"},
        {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "'/etc/passwd' is absolute"},
        {"{\"weight_map\":{\"a\":\"one\\u0000.x\"}}", "has a NUL in it"},
        {"{\"weight_map\":{\"a\":\"..\\\\one\"}}", "has a backslash in it"},
        {"{\"weight_map\":{\"a\":\"\"}}", "is empty"},
        {"{\"weight_map\":{\"a\":\"./one\"}}", "is not a plain path"},
        {"{\"weight_map\":{\"a\":\"x//one\"}}", "is not a plain path"},
        {"{\"weight_map\":{\"a\":\"three\"}}", "the shard 'three' is missing"},
        {"{\"weight_map\":{\"a\":\"one\",\"a\":\"two\"}}", "tensor 'a' is there twice"},
        {"{\"weight_map\":{\"z\":\"one\"}}", "tensor 'z' should be in 'one', which lacks it"},
        {"{\"weight_map\":{\"a\":\"two\",\"b\":\"one\"}}", "'a' should be in 'two'"},
        {"{\"weight_map\":{\"a\":\"one\",\"b\":\"twin\"}}",
         "tensor 'b' is in two shards, 'one' and 'twin'"},
        {"{\"weight_map\":{\"a\":\"one\"}} x", "more text after"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        es_error error = {0};
        es_container container;
        const char *path = write_index(broken[i].json);
        if (es_safetensors_open_index(path, 1, &container, &error) == ES_OK)
            fail_msg("opened: %s", broken[i].json);
        assert_says(error, broken[i].says);
        assert_null(container.tensors);
    }
}

static void follows_no_link_out_of_the_model(void **state)
{
    (void)state;
    char outside[] = "/tmp/embscope-outside-XXXXXX";
    int descriptor = mkstemp(outside);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(symlink(outside, scratch_path("link")), 0);
    es_error error = {0};
    es_container container;
    const char *path = write_index("{\"weight_map\":{\"a\":\"link\"}}");
    assert_int_equal(es_safetensors_open_index(path, 1, &container, &error), ES_BAD_INPUT);
    assert_says(error, "outside the model's folder: refused");
    unlink(outside);
}

/* models--x/snapshots/REVISION/file -> ../../blobs/HASH, as the Hub's cache is laid out. */
static void follows_links_to_the_blobs_of_the_cache(void **state)
{
    (void)state;
    mkdir(scratch_path("blobs"), 0700);
    mkdir(scratch_path("snapshots"), 0700);
    mkdir(scratch_path("snapshots/r"), 0700);
    write_shard("blobs/h", "ab");
    assert_int_equal(symlink("../../blobs/h", scratch_path("snapshots/r/s")), 0);
    const char *json = "{\"weight_map\":{\"a\":\"s\",\"b\":\"s\"}}";
    es_error error = {0};
    es_container container;
    const char *path = scratch_write("snapshots/r/i.json", json, strlen(json));
    assert_ok(es_safetensors_open_index(path, 1, &container, &error), error);
    assert_int_equal(container.tensor_count, 2);
    es_container_release(&container);
}

static void joins_shards(void **state)
{
    (void)state;
    write_shard("one", "ab");
    write_shard("two", "c");
    es_error error = {0};
    es_container container;
    const char *path = write_index("{\"metadata\":{\"total_size\":12,\"other\":[1]},"
                                   "\"weight_map\":{\"a\":\"one\",\"c\":\"two\",\"b\":\"one\"}}");
    assert_ok(es_safetensors_open_index(path, 1, &container, &error), error);
    assert_string_equal(container.format, "safetensors");
    assert_int_equal(container.tensor_count, 3);
    assert_int_equal(container.file_count, 2);
    assert_null(container.note);
    const es_tensor *c = es_container_find(&container, "c");
    assert_non_null(c);
    char bytes[4];
    assert_ok(es_file_read(&container.files[c->file], c->offset, bytes, 4, &error), error);
    assert_int_equal(bytes[0], 'c');
    es_container_release(&container);

    path = write_index("{\"weight_map\":{\"c\":\"two\"},\"metadata\":{\"total_size\":13}}");
    assert_ok(es_safetensors_open_index(path, 1, &container, &error), error);
    assert_non_null(strstr(container.note, "total_size is 13, but the tensors have 4 bytes"));
    es_container_release(&container);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_broken_indexes),
        cmocka_unit_test(follows_no_link_out_of_the_model),
        cmocka_unit_test(follows_links_to_the_blobs_of_the_cache),
        cmocka_unit_test(joins_shards),
    };
    return cmocka_run_group_tests_name("safetensors_index", tests, scratch_setup, scratch_teardown);
}
