/* What a file is, told by its content. A name decides only where the content is broken beyond
 * recognition, so that the right reader may say what is wrong with it. */
#include "format/format.h"

#include "base/memory.h"
#include "format/little_endian.h"
#include "format/stream.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* In the order they are asked: word vectors as text come last, since nearly anything may be text.
 */
static const es_file_format *const formats[] = {&es_format_safetensors, &es_format_npy,
                                                &es_format_npz, &es_format_word2vec,
                                                &es_format_text_vectors};

typedef struct head {
    unsigned char data[ES_HEAD_SIZE];
    size_t size;
    bool gzip; /* data are what the file inflates to */
} head;

/* Files that are known and not for us. */
static const struct {
    const char *magic;
    size_t size, offset;
    const char *what;
} others[] = {
    {"GGUF", 4, 0, "a GGUF file, which is not supported yet; convert it to safetensors"},
    {"lmgg", 4, 0, "a GGML file, a format that is no longer used; convert the model again"},
    {"fmgg", 4, 0, "a GGMF file, a format that is no longer used; convert the model again"},
    {"tjgg", 4, 0, "a GGJT file, a format that is no longer used; convert the model again"},
    {"algg", 4, 0, "a GGLA file, a format that is no longer used; convert the model again"},
    {"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15, 0,
     "a PyTorch file, which is not supported yet; convert it to safetensors"},
    {"\x80\x02", 2, 0, "a Python pickle, which is a program; convert it to safetensors"},
    {"\x80\x03", 2, 0, "a Python pickle, which is a program; convert it to safetensors"},
    {"\x80\x04", 2, 0, "a Python pickle, which is a program; convert it to safetensors"},
    {"\x80\x05", 2, 0, "a Python pickle, which is a program; convert it to safetensors"},
    {"ustar", 5, 257,
     "a tar archive (PyTorch's oldest format?): refused; convert it to safetensors"},
    {"\xba\x16\x4f\x2f", 4, 0,
     "a fastText .bin model, which is not supported yet; use the .vec file beside it"},
    {"\x89HDF\r\n\x1a\n", 8, 0, "an HDF5 file; convert it to safetensors"},
    {"BZh", 3, 0, "a bzip2 file; unpack it first"},
    {"\xfd"
     "7zXZ",
     5, 0, "an xz file; unpack it first"},
    {"\x28\xb5\x2f\xfd", 4, 0, "a zstd file; unpack it first"},
};

/* Case does not matter: `with` is in lower case. */
static bool starts(const char *text, size_t size, const char *with)
{
    size_t length = strlen(with);
    return size >= length && strncasecmp(text, with, length) == 0;
}

static bool is_html(const char *text, size_t size)
{
    if (es_begins(text, size, "\xEF\xBB\xBF", 3)) text += 3, size -= 3;
    while (size && memchr(" \t\r\n", *text, 4)) text++, size--;
    return starts(text, size, "<!doctype html") || starts(text, size, "<html") ||
           starts(text, size, "<head") || starts(text, size, "<?xml");
}

/* The value of a line "name value" of a Git LFS pointer, as a borrowed text up to its line end. */
static es_bytes pointer_value(const char *text, size_t size, const char *name)
{
    const char *end = text + size;
    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop) stop = end;
        if (es_begins(line, (size_t)(stop - line), name, strlen(name))) {
            const char *value = line + strlen(name);
            return (es_bytes){value, (size_t)(stop - value)};
        }
        line = stop < end ? stop + 1 : end;
    }
    return (es_bytes){"?", 1};
}

static es_status refuse_others(const es_file *file, const head *head, es_error *error)
{
    const char *text = (const char *)head->data;
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1";
    if (is_html(text, head->size))
        return es_fail(error, ES_BAD_INPUT, "%s: looks like an HTML page (a failed download?)",
                       file->path);
    if (es_begins(text, head->size, pointer, sizeof pointer - 1)) {
        es_bytes sha = pointer_value(text, head->size, "oid sha256:");
        es_bytes size = pointer_value(text, head->size, "size ");
        return es_fail(
            error, ES_BAD_INPUT,
            "%s: a Git LFS pointer, not the data (sha256 %.*s, %.*s bytes); run 'git lfs "
            "pull'",
            file->path, (int)(sha.size < 64 ? sha.size : 64), sha.data,
            (int)(size.size < 20 ? size.size : 20), size.data);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (head->size >= others[i].offset + others[i].size &&
            memcmp(head->data + others[i].offset, others[i].magic, others[i].size) == 0)
            return es_fail(error, ES_UNSUPPORTED, "%s: is %s", file->path, others[i].what);
    return ES_OK;
}

static es_status fail_unknown(const es_file *file, const head *head, es_error *error)
{
    const char *first = (const char *)head->data;
    bool json = head->size && (*first == '{' || *first == '[');
    return es_fail(
        error, ES_BAD_INPUT,
        "%s: %s; safetensors, .npy, .npz and word vectors (word2vec, GloVe, fastText .vec) "
        "are read",
        file->path,
        head->gzip ? "gzip of something that is not word vectors"
        : json     ? "looks like JSON (for a model, name its folder)"
                   : "no format that is known here");
}

static es_status read_head(const es_file *file, head *head, es_error *error)
{
    head->size = (size_t)(file->size < ES_HEAD_SIZE ? file->size : ES_HEAD_SIZE);
    ES_TRY(es_file_read(file, 0, head->data, (int64_t)head->size, error));
    head->gzip = es_is_gzip(head->data, head->size);
    if (!head->gzip) return ES_OK;
    es_stream stream;
    int64_t got = 0;
    es_status status = es_stream_open(&stream, file, 1, error);
    if (status == ES_OK) status = es_stream_read(&stream, head->data, ES_HEAD_SIZE, &got, error);
    es_stream_close(&stream);
    head->size = (size_t)got;
    return status;
}

static es_status find_format(const es_file *file, const head *head, const es_file_format **format,
                             es_error *error)
{
    /* safetensors has no magic: its length may begin like a pickle, but its '{' tells. */
    bool named_safetensors = es_path_ends(file->path, ".safetensors");
    if (!head->gzip && (head->size > 8 || named_safetensors) &&
        (!named_safetensors || (head->size > 8 && head->data[8] == '{')) &&
        es_format_safetensors.recognise(head->data, head->size, file)) {
        *format = &es_format_safetensors;
        return ES_OK;
    }
    if (!file->size && !named_safetensors)
        return es_fail(error, ES_BAD_INPUT, "%s: the file is empty (0 bytes)", file->path);
    ES_TRY(refuse_others(file, head, error));
    size_t count = sizeof formats / sizeof *formats;
    for (size_t i = head->gzip ? count - 2 : 0; i < count; i++) {
        if (!formats[i]->recognise(head->data, head->size, file)) continue;
        *format = formats[i];
        return ES_OK;
    }
    return fail_unknown(file, head, error);
}

es_status es_container_open(const char *path, int threads, es_container *container, es_error *error)
{
    *container = (es_container){0};
    es_file file;
    ES_TRY(es_file_open(&file, path, error));
    head head = {.size = 0};
    const es_file_format *format = NULL;
    es_status status = read_head(&file, &head, error);
    if (status == ES_OK) status = find_format(&file, &head, &format, error);
    if (status == ES_OK) status = format->open(&file, threads, container, error);
    if (status != ES_OK) es_container_release(container);
    es_file_close(&file);
    return status;
}
