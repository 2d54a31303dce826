/* Every reader against what NumPy, safetensors and gensim read: tests/golden/formats.txt, made by
 * tools/golden/formats.py. Nothing is rounded on the way, so everything is equal to the bit. */
#include "scratch.h"

enum { FIELDS = 10 };

/* Split a line at tabs, in place. */
static int split(char *line, char *fields[FIELDS])
{
    int count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at && count < FIELDS; count++) fields[count] = strsep(&at, "\t");
    return count;
}

static void check_key(const char *path, es_bytes key, const char *hex)
{
    char text[256] = "";
    for (size_t i = 0; i < key.size && i < 100; i++)
        snprintf(text + 2 * i, 3, "%02x", (unsigned char)key.data[i]);
    if (strcmp(text, hex) != 0) fail_msg("%s: key %s, expected %s", path, text, hex);
}

static void check_components(const char *path, const es_container *container,
                             const es_tensor *tensor, char *fields[FIELDS])
{
    double *values = read_tensor_values(container, tensor);
    int64_t count = tensor->bytes / (int64_t)es_dtype_size(tensor->dtype);
    double sum = values[0];
    for (int64_t i = 1; i < count; i++) sum += values[i];
    double found[] = {sum, values[0], values[count - 1]};
    for (int i = 0; i < 3; i++)
        if (found[i] != strtod(fields[4 + i], NULL))
            fail_msg("%s: %a, expected %s", path, found[i], fields[4 + i]);
    free(values);
}

static void check_line(char *fields[FIELDS], int count, const char *folder)
{
    char path[4096], shape[128] = "";
    snprintf(path, sizeof path, "%s/%s", folder, fields[1]);
    es_container container;
    assert_opens(path, &container);
    const es_tensor *tensor = es_container_find(&container, fields[2]);
    if (!tensor) fail_msg("%s has no tensor '%s'", path, fields[2]);
    for (int i = 0; i < tensor->rank; i++) {
        size_t used = strlen(shape);
        snprintf(shape + used, sizeof shape - used, "%s%lld", i ? "x" : "",
                 (long long)tensor->shape[i]);
    }
    assert_string_equal(tensor->rank ? shape : "-", fields[3]);
    check_components(path, &container, tensor, fields);
    if (count == FIELDS) {
        size_t bytes = 0;
        for (int64_t i = 0; i < tensor->shape[0]; i++) bytes += container.keys[i].size;
        assert_int_equal(bytes, strtoul(fields[9], NULL, 10));
        check_key(path, container.keys[0], fields[7]);
        check_key(path, container.keys[tensor->shape[0] - 1], fields[8]);
    }
    es_container_release(&container);
}

/* The lines whose files lie under `root`; how many they were. */
static int check_all(const char *root, const char *folder)
{
    FILE *golden = fopen(test_source_path("tests/golden/formats.txt"), "r");
    assert_non_null(golden);
    char line[4096];
    int checked = 0;
    while (fgets(line, sizeof line, golden)) {
        char *fields[FIELDS];
        if (*line == '#') continue;
        int count = split(line, fields);
        assert_true(count == 7 || count == FIELDS);
        if (strcmp(fields[0], root) != 0) continue;
        check_line(fields, count, folder);
        checked++;
    }
    fclose(golden);
    return checked;
}

static void small_files_read_as_their_makers_read_them(void **state)
{
    (void)state;
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", test_source_path(""));
    assert_true(check_all("source", folder) > 20);
}

static void real_files_read_as_their_makers_read_them(void **state)
{
    (void)state;
    const char *folder = test_data_folder();
    if (!folder) {
        print_message("EMBSCOPE_TEST_DATA is not set: real files are not read\n");
        skip();
    }
    assert_true(check_all("data", folder) > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_files_read_as_their_makers_read_them),
        cmocka_unit_test(real_files_read_as_their_makers_read_them),
    };
    return cmocka_run_group_tests_name("golden_formats", tests, NULL, NULL);
}
