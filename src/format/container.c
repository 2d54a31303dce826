#include "format/format.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void es_container_release(es_container *container)
{
    for (int i = 0; i < container->file_count; i++) es_file_close(&container->files[i]);
    for (int64_t i = 0; i < container->tensor_count; i++) {
        free(container->tensors[i].name);
        free(container->tensors[i].memory);
    }
    free(container->files);
    free(container->tensors);
    free(container->keys);
    free(container->key_memory);
    free(container->note);
    *container = (es_container){0};
}

const es_tensor *es_container_find(const es_container *container, const char *name)
{
    for (int64_t i = 0; i < container->tensor_count; i++)
        if (strcmp(container->tensors[i].name, name) == 0) return &container->tensors[i];
    return NULL;
}

es_status es_container_add(es_container *container, es_bytes name, es_tensor **tensor,
                           es_error *error)
{
    void *tensors = container->tensors;
    char *copy = es_copy_bytes(name.data, name.size);
    if (!copy || !es_grow(&tensors, &container->tensor_capacity, container->tensor_count + 1,
                          sizeof *container->tensors)) {
        free(copy);
        return es_fail_memory(error, "the list of tensors",
                              sizeof **tensor * (size_t)(container->tensor_count + 1));
    }
    container->tensors = tensors;
    *tensor = &container->tensors[container->tensor_count++];
    **tensor = (es_tensor){.name = copy};
    return ES_OK;
}

es_status es_container_take_file(es_container *container, es_file *file, es_error *error)
{
    size_t size = sizeof *container->files * ((size_t)container->file_count + 1);
    es_file *files = realloc(container->files, size);
    if (!files) return es_fail_memory(error, "the list of files", size);
    container->files = files;
    files[container->file_count++] = *file;
    *file = (es_file){0};
    return ES_OK;
}

es_status es_container_add_note(es_container *container, es_error *error, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    char *before = container->note;
    char *note = before ? es_copy_format("%s\n%s", before, line) : es_copy_text(line);
    if (!note) return es_fail_memory(error, "a note", sizeof line);
    free(before);
    container->note = note;
    return ES_OK;
}

bool es_path_ends(const char *path, const char *ending)
{
    size_t length = strlen(path), end = strlen(ending);
    return length >= end && strcasecmp(path + length - end, ending) == 0;
}
