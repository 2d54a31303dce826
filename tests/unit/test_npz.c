#include "scratch.h"

#include <zlib.h>

/* One member as a test wants it; what differs from the truth is said. */
typedef struct part {
    const char *name, *local_name; /* local_name NULL: the same */
    const char *data;
    size_t size;
    int method, local_method, flags; /* local_method 0: the same */
    uint32_t crc_change, size_change;
    bool descriptor; /* sizes and CRC after the data, zero in the local header */
    bool zip64;
} part;

/* The data as they lie in the file: raw deflate for method 8. */
static void pack(const part *part, es_text *packed)
{
    if (part->method != 8) {
        es_text_append(packed, part->data, part->size);
        return;
    }
    unsigned char out[4096];
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)part->data;
    z.avail_in = (unsigned)part->size;
    int code;
    do {
        z.next_out = out;
        z.avail_out = sizeof out;
        code = deflate(&z, Z_FINISH);
        es_text_append(packed, (char *)out, sizeof out - z.avail_out);
    } while (code == Z_OK);
    deflateEnd(&z);
}

static void append_local(es_text *zip, const part *part, uint32_t crc, size_t packed)
{
    const char *name = part->local_name ? part->local_name : part->name;
    es_text_append(zip, "PK\3\4", 4);
    append_le(zip, 20, 2);
    append_le(zip, (uint64_t)(part->flags | (part->descriptor ? 8 : 0)), 2);
    append_le(zip, (uint64_t)(part->local_method ? part->local_method : part->method), 2);
    append_le(zip, 0, 4);
    append_le(zip, part->descriptor ? 0 : crc, 4);
    append_le(zip, part->descriptor ? 0 : part->zip64 ? UINT32_MAX : packed, 4);
    append_le(zip, part->descriptor ? 0 : part->zip64 ? UINT32_MAX : part->size, 4);
    append_le(zip, strlen(name), 2);
    append_le(zip, part->zip64 ? 20 : 0, 2);
    es_text_add(zip, name);
    if (!part->zip64) return;
    append_le(zip, 1, 2);
    append_le(zip, 16, 2);
    append_le(zip, part->size, 8);
    append_le(zip, packed, 8);
}

static void append_entry(es_text *directory, const part *part, uint32_t crc, size_t packed,
                         size_t offset)
{
    es_text_append(directory, "PK\1\2", 4);
    append_le(directory, 20, 2);
    append_le(directory, 20, 2);
    append_le(directory, (uint64_t)part->flags, 2);
    append_le(directory, (uint64_t)part->method, 2);
    append_le(directory, 0, 4);
    append_le(directory, crc, 4);
    append_le(directory, part->zip64 ? UINT32_MAX : packed, 4);
    append_le(directory, part->zip64 ? UINT32_MAX : part->size + part->size_change, 4);
    append_le(directory, strlen(part->name), 2);
    append_le(directory, part->zip64 ? 28 : 0, 2);
    append_le(directory, 0, 8);
    append_le(directory, 0, 2);
    append_le(directory, part->zip64 ? UINT32_MAX : offset, 4);
    es_text_add(directory, part->name);
    if (!part->zip64) return;
    append_le(directory, 1, 2);
    append_le(directory, 24, 2);
    append_le(directory, part->size + part->size_change, 8);
    append_le(directory, packed, 8);
    append_le(directory, offset, 8);
}

static void append_end(es_text *zip, size_t count, size_t size, size_t offset)
{
    es_text_append(zip, "PK\5\6", 4);
    append_le(zip, 0, 4);
    append_le(zip, count, 2);
    append_le(zip, count, 2);
    append_le(zip, size, 4);
    append_le(zip, offset, 4);
    append_le(zip, 0, 2);
}

static void build(es_text *zip, const part *parts, size_t count)
{
    es_text directory = {0};
    bool zip64 = false;
    for (size_t i = 0; i < count; i++) {
        const part *part = &parts[i];
        es_text packed = {0};
        size_t offset = zip->size;
        uint32_t crc = (uint32_t)crc32(0, (const unsigned char *)part->data, (unsigned)part->size) +
                       part->crc_change;
        pack(part, &packed);
        append_local(zip, part, crc, packed.size);
        es_text_append(zip, packed.data, packed.size);
        if (part->descriptor) {
            append_le(zip, crc, 4);
            append_le(zip, packed.size, 8);
            append_le(zip, part->size, 8);
        }
        append_entry(&directory, part, crc, packed.size, offset);
        es_text_release(&packed);
        zip64 |= part->zip64;
    }
    size_t offset = zip->size;
    es_text_append(zip, directory.data, directory.size);
    if (zip64) {
        size_t end64 = zip->size;
        es_text_append(zip, "PK\6\6", 4);
        append_le(zip, 44, 8);
        append_le(zip, 45 | 45 << 16, 4);
        append_le(zip, 0, 8);
        append_le(zip, count, 8);
        append_le(zip, count, 8);
        append_le(zip, directory.size, 8);
        append_le(zip, offset, 8);
        es_text_append(zip, "PK\6\7", 4);
        append_le(zip, 0, 4);
        append_le(zip, end64, 8);
        append_le(zip, 1, 4);
    }
    append_end(zip, count, directory.size, offset);
    es_text_release(&directory);
}

static const char array[] =
    "\x93NUMPY\x01\x00\x3E\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }  \n"
    "\0\0\x80\x3F\0\0\0\x40\0\0\x40\x40\0\0\x80\x40"; /* 1 2 3 4 */
enum { ARRAY_SIZE = sizeof array - 1 };
#define PART .data = array, .size = ARRAY_SIZE

static const char *write_zip(const char *name, const part *parts, size_t count)
{
    es_text zip = {0};
    build(&zip, parts, count);
    const char *path = scratch_write_text(name, &zip);
    es_text_release(&zip);
    return path;
}

static void refuses_broken_members(void **state)
{
    (void)state;
    static const struct {
        part parts[2];
        size_t count;
        const char *says;
    } broken[] = {
        {{{.name = "../x.npy", PART}}, 1, "has '..' in its path"},
        {{{.name = "a/../../x.npy", PART}}, 1, "has '..' in its path"},
        {{{.name = "a\\..\\x.npy", PART}}, 1, "has '..' in its path"},
        {{{.name = "/x.npy", PART}}, 1, "has an absolute path"},
        {{{.name = "C:\\x.npy", PART}}, 1, "has an absolute path"},
        {{{.name = "", PART}}, 1, "has an empty name"},
        {{{.name = "x.npy", PART, .flags = 1}}, 1, "is encrypted"},
        {{{.name = "x.npy", PART, .flags = 1 << 6}}, 1, "is encrypted"},
        {{{.name = "x.npy", PART, .method = 99}}, 1, "packed by method 99"},
        {{{.name = "x.npy", PART, .local_method = 8}}, 1, "packed otherwise by its local header"},
        {{{.name = "x.npy", PART, .local_name = "y.npy"}}, 1, "another name in its local header"},
        {{{.name = "x.npy", PART, .local_name = "longer.npy"}}, 1, "another name"},
        {{{.name = "x.npy", PART}, {.name = "x.npy", PART}}, 2, "is there twice"},
        {{{.name = "x.npy", PART, .crc_change = 1}}, 1, "its CRC is wrong"},
        {{{.name = "x.npy", PART, .method = 8, .crc_change = 1}}, 1, "its CRC is wrong"},
        {{{.name = "x.npy", PART, .size_change = 4}}, 1, "claims 92 bytes from 88"},
        {{{.name = "x.npy", PART, .method = 8, .descriptor = true, .size_change = 100}},
         1,
         "inflates to fewer bytes"},
        {{{.name = "x.npy", PART, .method = 8, .descriptor = true, .size_change = -4u}},
         1,
         "holds 12 bytes of components"},
        {{{.name = "x.npy", PART, .method = 8, .descriptor = true, .size_change = 1u << 30}},
         1,
         "claims 1073741912 bytes from"},
        {{{.name = "a/data.pkl", PART}}, 1, "a PyTorch file, which is not supported yet"},
        {{{.name = "a/constants.pkl", PART}, {.name = "a/code/x.py", PART}}, 2, "TorchScript"},
        {{{.name = "x.txt", PART}}, 1, "a ZIP archive without .npy arrays"},
        {{{.name = "x.npy", .data = "junk", .size = 4}}, 1, "'x.npy': at byte 0: not a NumPy"},
        {{{.name = "x.npy", .data = array, .size = ARRAY_SIZE - 1}},
         1,
         "holds 15 bytes of components; its shape needs 16"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_refused(write_zip("b.npz", broken[i].parts, broken[i].count), broken[i].says);
}

/* The archive with `size` bytes at `at` (from the end where negative) replaced. */
static const char *write_patched(const es_text *zip, int64_t at, const char *bytes, size_t size)
{
    es_text copy = {0};
    es_text_append(&copy, zip->data, zip->size);
    memcpy(copy.data + (at < 0 ? (int64_t)zip->size + at : at), bytes, size);
    const char *path = scratch_write_text("p.npz", &copy);
    es_text_release(&copy);
    return path;
}

static void refuses_broken_archives(void **state)
{
    (void)state;
    const part parts[] = {{.name = "x.npy", PART}, {.name = "y.npy", PART}};
    es_text zip = {0};
    build(&zip, parts, 2);
    int64_t entry = -22 - 2 * 51; /* the first of two entries */
    assert_refused(scratch_write("t.npz", zip.data, zip.size - 22), "no end record");
    assert_refused(scratch_write("t.npz", "PK\3\4", 4), "a ZIP archive has at least 22");
    assert_refused(scratch_write("n.npz", "this is no archive at all", 25), "no end record");
    assert_refused(write_patched(&zip, -2, "\1", 1), "comment does not end with the file");
    assert_refused(write_patched(&zip, -18, "\1", 1), "several parts");
    assert_refused(write_patched(&zip, -14, "\3\0\3", 3), "does not fit the archive");
    assert_refused(write_patched(&zip, entry, "X", 1), "not an entry of the archive's directory");
    assert_refused(write_patched(&zip, -14, "\1\0\1", 3), "more bytes than entries");
    assert_refused(write_patched(&zip, -14, "\xFF\xFF\xFF\xFF", 4), "does not fit the archive");
    assert_refused(write_patched(&zip, -10, "\xFF\xFF\xFF\x7F", 4), "does not fit the archive");
    assert_refused(write_patched(&zip, -6, "\0\0\0\0", 4), "does not fit the archive");
    assert_refused(write_patched(&zip, entry + 42, "\xFF\xFF\xFF\x7F", 4), "begins past");
    assert_refused(write_patched(&zip, entry + 42, "\1", 1), "no local header");
    assert_refused(write_patched(&zip, entry + 51 + 42, "\0", 1), "overlaps the one before");
    assert_refused(write_patched(&zip, entry + 20, "\x58\2\0\0\x58\2\0\0", 8), "another size");
    assert_refused(write_patched(&zip, entry + 34, "\1", 1), "another part of the archive");
    assert_refused(write_patched(&zip, entry + 46, "\0", 1), "a NUL in its name");
    assert_refused(write_patched(&zip, 28, "\xFF\xFF", 2), "a local header that is too long");

    /* A second end record in the comment of the first: both fit. */
    es_text two = {0};
    es_text_append(&two, zip.data, zip.size);
    two.data[two.size - 2] = 22;
    append_end(&two, 0, 0, two.size);
    assert_refused(scratch_write_text("2.npz", &two), "two end records fit");
    two.size = 0;
    append_end(&two, 0, 0, 0);
    assert_refused(scratch_write_text("0.npz", &two), "an empty ZIP archive");
    es_text_release(&two);
    es_text_release(&zip);
}

static void refuses_broken_zip64(void **state)
{
    (void)state;
    const part parts[] = {{.name = "x.npy", PART, .zip64 = true}};
    es_text zip = {0};
    build(&zip, parts, 1);
    assert_refused(write_patched(&zip, -42 + 8, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 8),
                   "the ZIP64 locator points outside");
    assert_refused(write_patched(&zip, -42 + 8, "\1", 1), "not a ZIP64 end record");
    assert_refused(write_patched(&zip, -42 + 16, "\2", 1), "several parts");
    assert_refused(write_patched(&zip, -98 + 32, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 8),
                   "several parts");
    assert_refused(write_patched(&zip, -98 + 40, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 8),
                   "the ZIP64 end record does not fit");
    assert_refused(write_patched(&zip, -14, "\2\0\2", 3), "the two end records disagree");
    assert_refused(write_patched(&zip, -98 - 28 + 2, "\x10", 1), "a damaged ZIP64 field");
    es_text_release(&zip);
}

/* Zeros at deflate's best, declared as 1 GiB: the declared size is refused by the ratio. */
static void a_bomb_is_refused_by_its_ratio(void **state)
{
    (void)state;
    char *zeros = calloc(1 << 20, 1);
    assert_non_null(zeros);
    const part bomb = {.name = "x.npy",
                       .data = zeros,
                       .size = 1 << 20,
                       .method = 8,
                       .descriptor = true,
                       .size_change = (1u << 30) - (1u << 20)};
    assert_refused(write_zip("bomb.npz", &bomb, 1), "claims 1073741824 bytes");
    const part lie = {.name = "x.npy",
                      .data = zeros,
                      .size = 1 << 20,
                      .method = 8,
                      .descriptor = true,
                      .size_change = -(1u << 20) + 88};
    assert_refused(write_zip("lie.npz", &lie, 1), "not a NumPy array");
    free(zeros);
}

static void reads_every_kind_of_member(void **state)
{
    (void)state;
    const part parts[] = {
        {.name = "stored.npy", PART},
        {.name = "deflated.npy", PART, .method = 8},
        {.name = "described.npy", PART, .method = 8, .descriptor = true},
        {.name = "wide.npy", PART, .zip64 = true},
        {.name = "wide-described.npy", PART, .zip64 = true, .descriptor = true},
        {.name = "folder/in.npy", PART},
        {.name = "readme.txt", .data = "hello", .size = 5},
    };
    es_container container;
    assert_opens(write_zip("good.npz", parts, 7), &container);
    assert_string_equal(container.format, "npz");
    assert_int_equal(container.tensor_count, 6);
    for (int64_t i = 0; i < container.tensor_count; i++) {
        double *values = read_tensor_values(&container, &container.tensors[i]);
        for (int k = 0; k < 4; k++) assert_true(values[k] == k + 1);
        free(values);
    }
    assert_non_null(es_container_find(&container, "folder/in"));
    assert_null(es_container_find(&container, "stored")->memory);
    es_container_release(&container);
}

static void leaves_objects_out_with_a_note(void **state)
{
    (void)state;
    static const char object[] =
        "\x93NUMPY\x01\x00\x3E\x00{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }   \n";
    const part parts[] = {{.name = "x.npy", PART},
                          {.name = "o.npy", .data = object, .size = sizeof object - 1}};
    es_container container;
    assert_opens(write_zip("o.npz", parts, 2), &container);
    assert_int_equal(container.tensor_count, 1);
    assert_non_null(strstr(container.note, "1 arrays left out"));
    assert_non_null(strstr(container.note, "would run pickle"));
    es_container_release(&container);
    assert_refused(write_zip("o.npz", parts + 1, 1), "would run pickle");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_broken_members),
        cmocka_unit_test(refuses_broken_archives),
        cmocka_unit_test(refuses_broken_zip64),
        cmocka_unit_test(a_bomb_is_refused_by_its_ratio),
        cmocka_unit_test(reads_every_kind_of_member),
        cmocka_unit_test(leaves_objects_out_with_a_note),
    };
    return cmocka_run_group_tests_name("npz", tests, scratch_setup, scratch_teardown);
}
