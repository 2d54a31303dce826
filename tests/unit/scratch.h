/* A folder for the files a test makes, gone when the test ends, and the question every broken file
 * is asked: does opening it fail with these words? */
#ifndef ES_TEST_SCRATCH_H
#define ES_TEST_SCRATCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkdtemp; before any system header */
#endif

#include "base/text.h"
#include "format/format.h"
#include "test.h"

#include <dirent.h>
#include <unistd.h>

static char scratch_folder[256];

static inline int scratch_setup(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(scratch_folder, sizeof scratch_folder, "%s/embscope-XXXXXX",
             base && *base ? base : "/tmp");
    return mkdtemp(scratch_folder) ? 0 : -1;
}

static inline void scratch_remove(const char *folder)
{
    DIR *open_folder = opendir(folder);
    for (struct dirent *entry; open_folder && (entry = readdir(open_folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *path = es_path_join(folder, entry->d_name);
        assert_non_null(path);
        if (unlink(path) != 0) scratch_remove(path);
        free(path);
    }
    if (open_folder) closedir(open_folder);
    rmdir(folder);
}

static inline int scratch_teardown(void **state)
{
    (void)state;
    scratch_remove(scratch_folder);
    return 0;
}

/* The path of a file in the folder, in one of four static buffers. */
static inline const char *scratch_path(const char *name)
{
    static char paths[4][1024];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", scratch_folder, name);
    return path;
}

static inline const char *scratch_write(const char *name, const void *data, size_t size)
{
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline const char *scratch_write_text(const char *name, const es_text *text)
{
    assert_false(text->failed);
    return scratch_write(name, text->data, text->size);
}

/* Opening must fail, with one line that has `says` in it, and leave nothing behind. */
static inline void assert_refused(const char *path, const char *says)
{
    es_error error = {0};
    es_container container;
    es_status status = es_container_open(path, 2, &container, &error);
    if (status == ES_OK) fail_msg("%s was opened; expected: %s", path, says);
    if (!strstr(error.text, says)) fail_msg("expected '%s' in '%s'", says, error.text);
    assert_null(strchr(error.text, '\n'));
    assert_non_null(strstr(error.text, path));
    assert_null(container.files);
    assert_null(container.tensors);
    assert_int_equal(es_container_open(path, 1, &container, NULL), status);
}

static inline void assert_opens(const char *path, es_container *container)
{
    es_error error = {0};
    assert_ok(es_container_open(path, 2, container, &error), error);
}

/* All components of a tensor, the caller's to free. */
static inline double *read_tensor_values(const es_container *container, const es_tensor *tensor)
{
    size_t size = es_dtype_size(tensor->dtype);
    assert_true(size > 0);
    int64_t count = tensor->bytes / (int64_t)size;
    double *values = malloc((size_t)(count ? count : 1) * sizeof *values);
    void *raw = malloc((size_t)tensor->bytes + 1);
    assert_true(values && raw);
    es_error error = {0};
    if (tensor->memory)
        memcpy(raw, tensor->memory, (size_t)tensor->bytes);
    else
        assert_ok(es_file_read(&container->files[tensor->file], tensor->offset, raw, tensor->bytes,
                               &error),
                  error);
    es_dtype_widen(tensor->dtype, raw, count, values);
    free(raw);
    return values;
}

static inline void append_le(es_text *text, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) es_text_append(text, &(char){(char)(value >> 8 * i)}, 1);
}

static inline void append_zeros(es_text *text, size_t count)
{
    for (size_t i = 0; i < count; i++) es_text_append(text, "", 1);
}

static inline void append_float(es_text *text, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    append_le(text, bits, 4);
}

#endif
