#include "format/stream.h"

#include "base/memory.h"

#include <stdlib.h>

enum {
    INPUT_SIZE = 256 << 10,
    /* Numbers as text deflate by 2 to 3 to one, a matrix of zeros by far more; beyond 64 to one
     * (and 64 MiB) it is a bomb. */
    DEFLATE_RATIO = 1032, /* the most that deflate makes of a byte */
    LARGEST_RATIO = 64,
    ALWAYS_ALLOWED = 64 << 20
};

bool es_is_gzip(const unsigned char *head, size_t size)
{
    return size >= 3 && head[0] == 0x1F && head[1] == 0x8B && head[2] == 8;
}

es_status es_stream_open(es_stream *stream, const es_file *file, int threads, es_error *error)
{
    *stream = (es_stream){.file = file, .threads = threads};
    unsigned char head[3];
    int64_t size = file->size < 3 ? file->size : 3;
    ES_TRY(es_file_read(file, 0, head, size, error));
    stream->gzip = es_is_gzip(head, (size_t)size);
    if (!stream->gzip) return ES_OK;
    stream->input = malloc(INPUT_SIZE);
    if (!stream->input) return es_fail_memory(error, "gzip input", INPUT_SIZE);
    if (inflateInit2(&stream->inflater, 15 + 16) != Z_OK)
        return es_fail_memory(error, "inflating", 64 << 10);
    stream->begun = true;
    return ES_OK;
}

static es_status refill(es_stream *stream, es_error *error)
{
    int64_t left = stream->file->size - stream->at;
    int64_t size = left < INPUT_SIZE ? left : INPUT_SIZE;
    ES_TRY(es_file_read(stream->file, stream->at, stream->input, size, error));
    stream->at += size;
    stream->inflater.next_in = stream->input;
    stream->inflater.avail_in = (unsigned)size;
    return ES_OK;
}

/* After the end of a gzip member: another member may follow, and zero bytes that only pad. */
static es_status next_member(es_stream *stream, es_error *error)
{
    z_stream *z = &stream->inflater;
    for (;;) {
        if (!z->avail_in && stream->at == stream->file->size) {
            stream->ended = true;
            return ES_OK;
        }
        if (!z->avail_in) ES_TRY(refill(stream, error));
        if (*z->next_in) break;
        z->next_in++;
        z->avail_in--;
    }
    if (*z->next_in != 0x1F)
        return es_fail(error, ES_BAD_INPUT, "%s: at byte %lld: more bytes after the gzip data",
                       stream->file->path, (long long)(stream->at - z->avail_in));
    return inflateReset(z) == Z_OK ? ES_OK : es_fail_memory(error, "inflating", 64 << 10);
}

/* Inflate once into the room that is set. */
static es_status inflate_some(es_stream *stream, es_error *error)
{
    z_stream *z = &stream->inflater;
    if (!z->avail_in) {
        if (stream->at == stream->file->size)
            return es_fail(error, ES_BAD_INPUT, "%s: at byte %lld: the gzip data ends too early",
                           stream->file->path, (long long)stream->at);
        ES_TRY(refill(stream, error));
    }
    int code = inflate(z, Z_NO_FLUSH);
    if (code == Z_STREAM_END) return next_member(stream, error);
    if (code == Z_MEM_ERROR) return es_fail_memory(error, "inflating", 64 << 10);
    if (code != Z_OK && code != Z_BUF_ERROR)
        return es_fail(error, ES_BAD_INPUT, "%s: at byte %lld: damaged gzip data (%s)",
                       stream->file->path, (long long)(stream->at - z->avail_in),
                       z->msg ? z->msg : "it needs a dictionary");
    return ES_OK;
}

static es_status read_gzip(es_stream *stream, unsigned char *out, int64_t size, int64_t *got,
                           es_error *error)
{
    int64_t limit = stream->file->size > INT64_MAX / LARGEST_RATIO - ALWAYS_ALLOWED
                        ? INT64_MAX
                        : stream->file->size * LARGEST_RATIO + ALWAYS_ALLOWED;
    *got = 0;
    while (*got < size && !stream->ended) {
        int64_t room = size - *got < (1 << 30) ? size - *got : 1 << 30;
        stream->inflater.next_out = out + *got;
        stream->inflater.avail_out = (unsigned)room;
        ES_TRY(inflate_some(stream, error));
        int64_t made = room - stream->inflater.avail_out;
        *got += made;
        stream->produced += made;
        if (stream->produced > limit)
            return es_fail(error, ES_BAD_INPUT,
                           "%s: inflates to more than %d times its size: not word vectors",
                           stream->file->path, LARGEST_RATIO);
    }
    return ES_OK;
}

es_status es_stream_read(es_stream *stream, void *out, int64_t size, int64_t *got, es_error *error)
{
    if (stream->gzip) return read_gzip(stream, out, size, got, error);
    int64_t left = stream->file->size - stream->at;
    *got = size < left ? size : left;
    ES_TRY(es_file_read_parallel(stream->file, stream->at, out, *got, stream->threads, error));
    stream->at += *got;
    stream->produced += *got;
    stream->ended = stream->at == stream->file->size;
    return ES_OK;
}

int64_t es_stream_bound(const es_stream *stream, int64_t limit)
{
    int64_t ratio = stream->gzip ? DEFLATE_RATIO : 1;
    return stream->file->size < limit / ratio ? stream->file->size * ratio : limit;
}

void es_stream_close(es_stream *stream)
{
    if (stream->begun) inflateEnd(&stream->inflater);
    free(stream->input);
    *stream = (es_stream){0};
}
