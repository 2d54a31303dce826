/* File formats: a file is recognised by its content and becomes a container of tensors.
 *
 * A format is one file, src/format/<name>.c, with its byte layout drawn in the top comment, and one
 * row in the table of formats (format.c). It reads headers by positioned reads; it never trusts a
 * number before holding it against the file's size; it allocates nothing larger than the file
 * justifies. */
#ifndef ES_FORMAT_FORMAT_H
#define ES_FORMAT_FORMAT_H

#include "base/file.h"
#include "base/status.h"

#include <embscope/vocabulary.h> /* es_bytes */
#include <stdbool.h>
#include <stdint.h>

/* Component types that a space can hold; others are listed as tensors but cannot be opened as a
 * space. */
typedef enum es_dtype {
    ES_DTYPE_F32,
    ES_DTYPE_F16,
    ES_DTYPE_BF16,
    ES_DTYPE_F64,
    ES_DTYPE_OTHER
} es_dtype;

enum {
    ES_MAX_RANK = 8,
    ES_HEAD_SIZE = 4096,      /* bytes of a file's start that tell its format */
    ES_MAX_TENSORS = 1 << 18, /* in one file: several times what the largest models have. Keeps a
                                 header of 100 MB with millions of empty tensors within bounds */
};

typedef struct es_tensor {
    char *name; /* owned; "" where the format has no names */
    es_dtype dtype;
    char dtype_text[16]; /* as the file spells it, "F32", "I64" */
    int rank;
    int64_t shape[ES_MAX_RANK];
    /* Row-major little-endian components: in `memory` when that is set (owned by the container,
     * malloc'ed, the bytes of the whole tensor), else `bytes` bytes at `offset` of files[file]. */
    int file;
    int64_t offset, bytes;
    void *memory;
} es_tensor;

/* An opened file, or a set of shards. All zero is empty. Release with es_container_release(). */
typedef struct es_container {
    const char *format; /* static: "safetensors", "npy", "npz", "word2vec", "text vectors" */
    es_file *files;
    int file_count;
    es_tensor *tensors;
    int64_t tensor_count, tensor_capacity;
    /* Keys of the rows, for formats that carry them (word vectors): as many as tensors[0] has rows.
     */
    es_bytes *keys;
    char *key_memory; /* what keys point into */
    char *note; /* something the user should hear (bytes after the data, a wrong total); NULL; owned
                 */
} es_container;

typedef struct es_file_format {
    const char *name;
    /* Could the file be of this format? head holds its first `size` bytes (up to ES_HEAD_SIZE), of
     * what it inflates to where the file is gzip. */
    bool (*recognise)(const unsigned char *head, size_t size, const es_file *file);
    /* Read it. `file` is open and stays the caller's; to keep it, the format moves it into
     * container->files and clears *file. `threads` as es_thread_count(). What a failed call leaves
     * in *container is released as usual. */
    es_status (*open)(es_file *file, int threads, es_container *container, es_error *error);
} es_file_format;

/* Open any supported file: known non-formats (HTML page, Git LFS pointer, PyTorch zip, GGUF ...)
 * get an error that says what they are. */
es_status es_container_open(const char *path, int threads, es_container *container,
                            es_error *error);

/* Open model.safetensors.index.json and the shards it names (each one relative path inside the
 * index's folder; a symbolic link may lead to ../../blobs of the same cache folder, nowhere else).
 * tensors[].file tells the shard. */
es_status es_safetensors_open_index(const char *index_path, int threads, es_container *container,
                                    es_error *error);

void es_container_release(es_container *container);

/* The tensor of that name, or NULL. */
const es_tensor *es_container_find(const es_container *container, const char *name);

/* For the formats: a new tensor at the end of container->tensors, all zero but for a copy of the
 * name, valid until the next one is added. */
es_status es_container_add(es_container *container, es_bytes name, es_tensor **tensor,
                           es_error *error);
/* Move *file into container->files; *file becomes no file. */
es_status es_container_take_file(es_container *container, es_file *file, es_error *error);
/* Add to the note. */
es_status es_container_add_note(es_container *container, es_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Does the path end in `ending` (".npy"), in any case? */
bool es_path_ends(const char *path, const char *ending);

size_t es_dtype_size(es_dtype dtype); /* 4, 2, 2, 8; 0 for OTHER */

/* One spelling for all formats, NumPy's "<f4" too: "F32", "F16", "BF16", "F64"; "other". */
const char *es_dtype_text(es_dtype dtype);

/* Widen `count` components of `dtype` to float64, exactly. The source need not be aligned. */
void es_dtype_widen(es_dtype dtype, const void *source, int64_t count, double *out);

/* The way back, to the nearest value of `dtype` (F32, F16 or F64), ties to even, little-endian; NaN
 * stays NaN. Returns how many finite components became infinite, past the type's range. `out` need
 * not be aligned. */
int64_t es_dtype_narrow(es_dtype dtype, const double *source, int64_t count, void *out);

extern const es_file_format es_format_safetensors, es_format_npy, es_format_npz, es_format_word2vec,
    es_format_text_vectors;

#endif
