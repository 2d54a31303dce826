#define _GNU_SOURCE /* truncate, symlink, mkdtemp */
#include "base/file.h"
#include "scratch.h"

#include <sys/stat.h>

static char *pattern(int64_t size)
{
    char *data = malloc((size_t)size);
    assert_non_null(data);
    for (int64_t i = 0; i < size; i++) data[i] = (char)(i * 2654435761u >> 13);
    return data;
}

static void reads_what_is_there(void **state)
{
    (void)state;
    enum { SIZE = (9 << 20) + 17 }; /* more than two chunks of the parallel read */
    char *data = pattern(SIZE), *out = malloc(SIZE);
    const char *path = scratch_write("data", data, SIZE);
    es_file file;
    es_error error = {0};
    assert_ok(es_file_open(&file, path, &error), error);
    assert_true(es_file_is_open(&file) && file.size == SIZE && file.inode != 0);
    assert_ok(es_file_read(&file, 5, out, 100, &error), error);
    assert_memory_equal(out, data + 5, 100);
    assert_ok(es_file_read(&file, SIZE, out, 0, &error), error);
    for (int threads = 1; threads <= 4; threads += 3) {
        memset(out, 0, SIZE);
        assert_ok(es_file_read_parallel(&file, 3, out, SIZE - 3, threads, &error), error);
        assert_memory_equal(out, data + 3, SIZE - 3);
    }
    assert_int_equal(es_file_read(&file, SIZE - 4, out, 5, &error), ES_BAD_INPUT);
    assert_says(error, "the file ends; 5 bytes from byte 9437197 were expected");
    assert_int_equal(truncate(path, 1000), 0);
    assert_int_equal(es_file_read_parallel(&file, 0, out, SIZE, 3, &error), ES_BAD_INPUT);
    assert_says(error, "became shorter while it was read (was 9437201 bytes, now 1000)");
    es_file_close(&file);
    assert_false(es_file_is_open(&file));
    es_file_close(&file);
    free(data);
    free(out);
}

/* What is no regular file is refused at once: a pipe without a writer must not hang. */
static void refuses_what_is_no_file(void **state)
{
    (void)state;
    es_file file;
    es_error error = {0};
    assert_int_equal(es_file_open(&file, scratch_path("absent"), &error), ES_NOT_FOUND);
    assert_says(error, "absent: cannot open: ");
    assert_int_equal(es_file_open(&file, scratch_folder, &error), ES_BAD_INPUT);
    assert_says(error, "is a folder; a regular file is needed");
    assert_int_equal(es_file_open(&file, "/dev/zero", &error), ES_BAD_INPUT);
    assert_says(error, "is a device");
    const char *pipe_path = scratch_path("pipe");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_int_equal(es_file_open(&file, pipe_path, &error), ES_BAD_INPUT);
    assert_says(error, "is a pipe");
    const char *loop = scratch_path("loop");
    assert_int_equal(symlink(loop, loop), 0);
    assert_int_equal(es_file_open(&file, loop, &error), ES_CANNOT_READ);
    assert_int_equal(es_file_open(&file, scratch_path("pipe/under"), &error), ES_NOT_FOUND);
    assert_false(es_file_is_open(&file));
    scratch_write("odd\n\x1B[1m\xFF", "", 0);
    assert_int_equal(es_file_open(&file, scratch_path("odd\n\x1B[1m\xFF/x"), &error), ES_NOT_FOUND);
    assert_says(error, "odd\\x0A\\x1B[1m\\xFF/x");
}

static void reads_the_whole(void **state)
{
    (void)state;
    const char *path = scratch_write("whole", "a\0bc", 4);
    char *data = NULL;
    int64_t size = 0;
    es_error error = {0};
    assert_ok(es_file_read_all(path, 4, &data, &size, &error), error);
    assert_int_equal(size, 4);
    assert_memory_equal(data, "a\0bc", 5);
    free(data);
    assert_int_equal(es_file_read_all(path, 3, &data, &size, &error), ES_BAD_INPUT);
    assert_says(error, "4 bytes; at most 3 are expected of such a file");
    path = scratch_write("nothing", "", 0);
    assert_ok(es_file_read_all(path, 3, &data, &size, &error), error);
    assert_true(size == 0 && data[0] == '\0');
    free(data);
    /* a sparse file of a terabyte is refused by its size, not read */
    assert_int_equal(truncate(path, INT64_C(1) << 40), 0);
    assert_int_equal(es_file_read_all(path, 1 << 20, &data, &size, &error), ES_BAD_INPUT);
    assert_int_equal(truncate(path, 0), 0);
}

static void paths(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "/b"}};
    for (size_t i = 0; i < 4; i++) {
        char *joined = es_path_join(cases[i][0], cases[i][1]);
        assert_string_equal(joined, cases[i][2]);
        free(joined);
    }
    assert_true(es_path_exists(scratch_folder) && es_path_is_folder(scratch_folder));
    const char *path = scratch_write("is", "x", 1);
    assert_true(es_path_exists(path) && !es_path_is_folder(path));
    assert_false(es_path_exists(scratch_path("is not")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_there),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(reads_the_whole),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests_name("file", tests, scratch_setup, scratch_teardown);
}
