/* Archives as our own bounded reader, and zlib, see them; NumPy reads them in tests/reference. */
#define _GNU_SOURCE /* open_memstream */
#include "render/npz_writer.h"
#include "scratch.h"

static const float cosines[6] = {0.5f, -1, 0, 1, 0.25f, 2};
static const int32_t ids[6] = {1, 2, 3, -1, 5, 6};

/* The archive of both arrays; `largest` as of the writer, 0 for what it is. */
static es_text make(int64_t largest)
{
    char *data = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&data, &size);
    assert_non_null(out);
    es_npz_writer writer = es_npz_write_to(out);
    if (largest) writer.largest = largest;
    es_npz_write_array(&writer, "ids", "<i4", ids, 2, 3);
    es_npz_write_array(&writer, "cosine", "<f4", cosines, 3, 2);
    es_npz_write_end(&writer);
    assert_int_equal(writer.at, ftell(out));
    assert_int_equal(fclose(out), 0);
    return (es_text){.data = data, .size = size};
}

static void check_archive(int64_t largest)
{
    es_text archive = make(largest);
    const char *path = scratch_write("made.npz", archive.data, archive.size);
    es_container container;
    assert_opens(path, &container);
    assert_int_equal(container.tensor_count, 2);
    const es_tensor *tensor = NULL;
    for (int64_t i = 0; i < container.tensor_count; i++)
        if (strcmp(container.tensors[i].name, "cosine") == 0) tensor = &container.tensors[i];
    assert_non_null(tensor);
    assert_int_equal(tensor->rank, 2);
    assert_int_equal(tensor->shape[0], 3);
    assert_int_equal(tensor->shape[1], 2);
    double *values = read_tensor_values(&container, tensor);
    for (int i = 0; i < 6; i++) assert_true(values[i] == cosines[i]);
    free(values);
    es_container_release(&container);
    es_text_release(&archive);
}

static void is_read_back(void **state)
{
    (void)state;
    check_archive(0);
}

/* As if 32 bits held less: every figure in its 64-bit place. */
static void is_read_back_from_zip64(void **state)
{
    (void)state;
    static const int64_t largest[] = {1, 150, 160, 250, 400};
    for (size_t i = 0; i < sizeof largest / sizeof *largest; i++) check_archive(largest[i]);
}

/* The same two arrays in pieces, their CRC behind them. */
static void check_streamed(int64_t largest)
{
    char *data = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&data, &size);
    assert_non_null(out);
    es_npz_writer writer = es_npz_write_to(out);
    if (largest) writer.largest = largest;
    es_npz_begin_array(&writer, "ids", "<i4", 4, 2, 3);
    es_npz_add(&writer, ids, sizeof ids);
    es_npz_end_array(&writer);
    es_npz_begin_array(&writer, "cosine", "<f4", 4, 6, 0);
    for (int i = 0; i < 6; i++) es_npz_add(&writer, &cosines[i], sizeof cosines[i]);
    es_npz_end_array(&writer);
    es_npz_write_end(&writer);
    assert_int_equal(fclose(out), 0);
    es_container container;
    assert_opens(scratch_write("streamed.npz", data, size), &container);
    const es_tensor *tensor = es_container_find(&container, "cosine");
    assert_non_null(tensor);
    assert_int_equal(tensor->rank, 1);
    double *values = read_tensor_values(&container, tensor);
    for (int i = 0; i < 6; i++) assert_true(values[i] == cosines[i]);
    free(values);
    es_container_release(&container);
    /* The CRC is the data's: one bit of them is enough. */
    char *place = memmem(data, size, cosines, sizeof cosines);
    assert_non_null(place);
    place[3] ^= 1;
    assert_refused(scratch_write("broken.npz", data, size), "CRC");
    free(data);
}

static void a_streamed_array_is_read_back(void **state)
{
    (void)state;
    static const int64_t largest[] = {0, 1, 150, 160, 250, 400};
    for (size_t i = 0; i < sizeof largest / sizeof *largest; i++) check_streamed(largest[i]);
}

static void has_the_same_bytes_always(void **state)
{
    (void)state;
    es_text one = make(0), two = make(0);
    assert_int_equal(one.size, two.size);
    assert_memory_equal(one.data, two.data, one.size);
    assert_memory_equal(one.data + 10, "\0\0\x21\0", 4); /* midnight, 1 January 1980 */
    es_text_release(&one);
    es_text_release(&two);
}

static void has_numpys_header(void **state)
{
    (void)state;
    char header[ES_NPY_HEADER];
    es_npy_header_bytes("<f4", INT64_MAX, INT64_MAX, header);
    assert_memory_equal(header, "\x93NUMPY\1\0\x76\0{'descr': '<f4', 'fortran_order': False, ", 51);
    assert_int_equal(header[ES_NPY_HEADER - 1], '\n');
    for (int i = 0; i < ES_NPY_HEADER; i++) assert_true(header[i] || i == 7 || i == 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read_back),
        cmocka_unit_test(is_read_back_from_zip64),
        cmocka_unit_test(a_streamed_array_is_read_back),
        cmocka_unit_test(has_the_same_bytes_always),
        cmocka_unit_test(has_numpys_header),
    };
    return cmocka_run_group_tests_name("npz_writer", tests, scratch_setup, scratch_teardown);
}
