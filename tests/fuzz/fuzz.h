/* What the fuzz targets share: bytes become a file that only memory holds, and whatever opens is
 * read to its last byte. */
#ifndef ES_FUZZ_H
#define ES_FUZZ_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif

#include "base/map.h"
#include "format/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as a file; its path goes to path[64]. */
static inline int fuzz_file(const uint8_t *data, size_t size, char *path)
{
    int descriptor = memfd_create("fuzz", MFD_CLOEXEC);
    if (descriptor < 0) abort();
    for (size_t done = 0; done < size;) {
        ssize_t wrote = write(descriptor, data + done, size - done);
        if (wrote <= 0) abort();
        done += (size_t)wrote;
    }
    snprintf(path, 64, "/proc/self/fd/%d", descriptor);
    return descriptor;
}

/* Every component, widened; every key's bytes. What a reader promises must be there. */
static inline void fuzz_read_all(const es_container *container)
{
    for (int64_t i = 0; i < container->tensor_count; i++) {
        const es_tensor *tensor = &container->tensors[i];
        int64_t size = (int64_t)es_dtype_size(tensor->dtype), count = 1;
        if (tensor->rank > ES_MAX_RANK || strlen(tensor->dtype_text) >= 16) abort();
        if (!size) continue;
        for (int k = 0; k < tensor->rank; k++) count *= tensor->shape[k];
        if (count * size != tensor->bytes) abort();
        char *raw = malloc((size_t)tensor->bytes + 1);
        double *out = malloc((size_t)count * sizeof *out + 1);
        if (!raw || !out) abort();
        if (tensor->memory)
            memcpy(raw, tensor->memory, (size_t)tensor->bytes);
        else if (es_file_read(&container->files[tensor->file], tensor->offset, raw, tensor->bytes,
                              NULL) != ES_OK)
            abort();
        es_dtype_widen(tensor->dtype, raw, count, out);
        free(raw);
        free(out);
    }
    if (!container->keys) return;
    for (int64_t i = 0; i < container->tensors[0].shape[0]; i++)
        (void)es_hash(container->keys[i].data, container->keys[i].size, 0);
}

/* Read the bytes as this format; NULL: as whatever they are. */
static inline void fuzz_open(const es_file_format *format, const uint8_t *data, size_t size)
{
    char path[64];
    int descriptor = fuzz_file(data, size, path);
    es_container container = {0};
    es_error error = {0};
    es_status status;
    if (format) {
        es_file file;
        if (es_file_open(&file, path, &error) != ES_OK) abort();
        status = format->open(&file, 1, &container, &error);
        es_file_close(&file);
    } else {
        status = es_container_open(path, 1, &container, &error);
    }
    if ((status == ES_OK) != (error.text[0] == '\0')) abort();
    if (status == ES_OK) fuzz_read_all(&container);
    es_container_release(&container);
    close(descriptor);
}

#endif
