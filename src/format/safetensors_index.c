/* model.safetensors.index.json: a model in several safetensors files.
 *
 *     {"metadata": {"total_size": 13476831232},
 *      "weight_map": {"model.embed_tokens.weight": "model-00001-of-00002.safetensors", ...}}
 *
 * The names of shards are text from a stranger: each must be one relative path inside the index's
 * folder, and what is opened must lie there too once links are followed. */
#define _GNU_SOURCE /* realpath */
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "format/format.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    LARGEST_INDEX = 100000000,
    MOST_ENTRIES = 1 << 19, /* in all shards */
    MOST_SHARDS = 10000
};

typedef struct entry {
    char *tensor;
    int32_t shard;
} entry;

typedef struct index_reader {
    const char *path;
    char *folder;
    char *root; /* the folder, links followed */
    es_json json;
    entry *entries;
    int64_t entry_count, entry_capacity;
    char **shards;
    int64_t shard_count, shard_capacity;
    es_map tensor_names, shard_names;
    double total_size; /* < 0: not told */
} index_reader;

/* Why a shard's name is refused, or NULL. */
static const char *fault_of_name(es_bytes name)
{
    if (!name.size) return "is empty";
    if (memchr(name.data, '\0', name.size)) return "has a NUL in it";
    if (memchr(name.data, '\\', name.size)) return "has a backslash in it";
    if (name.data[0] == '/') return "is absolute";
    for (size_t at = 0; at <= name.size;) {
        const char *slash = at < name.size ? memchr(name.data + at, '/', name.size - at) : NULL;
        size_t end = slash ? (size_t)(slash - name.data) : name.size;
        if (end - at == 2 && memcmp(name.data + at, "..", 2) == 0)
            return "leads out of the model's folder";
        if (end == at || (end - at == 1 && name.data[at] == '.')) return "is not a plain path";
        at = end + 1;
    }
    return NULL;
}

static es_status find_shard(index_reader *reader, es_bytes name, int64_t at, int32_t *shard,
                            es_error *error)
{
    int64_t found = es_map_find(&reader->shard_names, name);
    if (found >= 0) {
        *shard = (int32_t)found;
        return ES_OK;
    }
    es_json_seek(&reader->json, at);
    const char *fault = fault_of_name(name);
    if (fault)
        return es_json_fail(&reader->json, "the shard name '%.*s' %s",
                            (int)(name.size < 200 ? name.size : 200), name.data, fault);
    if (reader->shard_count == MOST_SHARDS)
        return es_json_fail(&reader->json, "more than %d shards", MOST_SHARDS);
    void *shards = reader->shards;
    char *copy = es_copy_bytes(name.data, name.size);
    if (!copy || !es_grow(&shards, &reader->shard_capacity, reader->shard_count + 1,
                          sizeof *reader->shards)) {
        free(copy);
        return es_fail_memory(error, "the list of shards", name.size);
    }
    reader->shards = shards;
    reader->shards[reader->shard_count] = copy;
    *shard = (int32_t)reader->shard_count++;
    if (es_map_insert(&reader->shard_names, (es_bytes){copy, name.size}, *shard, NULL) !=
        ES_MAP_ADDED)
        return es_fail_memory(error, "the list of shards", name.size);
    return ES_OK;
}

static es_status add_entry(index_reader *reader, es_bytes tensor, es_error *error)
{
    es_json *json = &reader->json;
    if (reader->entry_count == MOST_ENTRIES)
        return es_json_fail(json, "more than %d tensors; at most so many are supported",
                            MOST_ENTRIES);
    void *entries = reader->entries;
    char *copy = es_copy_bytes(tensor.data, tensor.size);
    if (!copy || !es_grow(&entries, &reader->entry_capacity, reader->entry_count + 1,
                          sizeof *reader->entries)) {
        free(copy);
        return es_fail_memory(error, "the map of tensors", tensor.size);
    }
    reader->entries = entries;
    entry *entry = &reader->entries[reader->entry_count++];
    entry->tensor = copy;
    entry->shard = 0;
    switch (es_map_insert(&reader->tensor_names, (es_bytes){copy, tensor.size}, 0, NULL)) {
    case ES_MAP_ADDED: break;
    case ES_MAP_EXISTS: return es_json_fail(json, "tensor '%.200s' is there twice", copy);
    case ES_MAP_NO_MEMORY: return es_fail_memory(error, "the map of tensors", tensor.size);
    }
    int64_t at = es_json_tell(json), after;
    es_bytes shard;
    ES_TRY(es_json_string(json, &shard));
    after = es_json_tell(json);
    ES_TRY(find_shard(reader, shard, at, &entry->shard, error));
    es_json_seek(json, after);
    return ES_OK;
}

static es_status read_metadata(index_reader *reader)
{
    es_json *json = &reader->json;
    if (es_json_peek(json) != ES_JSON_OBJECT) return es_json_skip(json);
    ES_TRY(es_json_begin_object(json));
    for (es_bytes key; es_json_next_member(json, &key);) {
        if (es_bytes_equal(key, "total_size") && es_json_peek(json) == ES_JSON_NUMBER)
            ES_TRY(es_json_double(json, &reader->total_size));
        else
            ES_TRY(es_json_skip(json));
    }
    return json->status;
}

static es_status read_index(index_reader *reader, es_error *error)
{
    es_json *json = &reader->json;
    bool mapped = false;
    ES_TRY(es_json_begin_object(json));
    for (es_bytes key; es_json_next_member(json, &key);) {
        if (es_bytes_equal(key, "metadata")) {
            ES_TRY(read_metadata(reader));
        } else if (es_bytes_equal(key, "weight_map")) {
            if (mapped) return es_json_fail(json, "weight_map is there twice");
            mapped = true;
            ES_TRY(es_json_begin_object(json));
            for (es_bytes tensor; es_json_next_member(json, &tensor);)
                ES_TRY(add_entry(reader, tensor, error));
            ES_TRY(json->status);
        } else {
            ES_TRY(es_json_skip(json));
        }
    }
    ES_TRY(es_json_finish(json));
    if (!reader->shard_count)
        return es_fail(error, ES_BAD_INPUT, "%s: names no shards: its weight_map is %s",
                       reader->path, mapped ? "empty" : "missing");
    return ES_OK;
}

static bool lies_in(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 &&
           (path[length] == '/' || (length && folder[length - 1] == '/'));
}

/* The folder "blobs" of a Hugging Face cache whose snapshots/REVISION is `root`, or NULL. */
static char *blobs_of(const char *root)
{
    char *copy = es_copy_text(root);
    if (!copy) return NULL;
    char *blobs = NULL;
    char *revision = strrchr(copy, '/');
    if (revision) *revision = '\0';
    char *snapshots = strrchr(copy, '/');
    if (snapshots && strcmp(snapshots + 1, "snapshots") == 0) {
        *snapshots = '\0';
        blobs = es_path_join(copy, "blobs");
    }
    free(copy);
    return blobs;
}

/* What was opened must be in the model's folder, or in the blobs of its cache folder, once links
 * are followed. */
static es_status check_place(const index_reader *reader, const es_file *file, es_error *error)
{
    char real[PATH_MAX];
    struct stat state;
    bool same = realpath(file->path, real) && stat(real, &state) == 0 &&
                (uint64_t)state.st_dev == file->device && (uint64_t)state.st_ino == file->inode;
    if (!same) return es_fail(error, ES_CANNOT_READ, "%s: changed while it was opened", file->path);
    if (lies_in(real, reader->root)) return ES_OK;
    char *blobs = blobs_of(reader->root);
    bool cached = blobs && lies_in(real, blobs);
    free(blobs);
    if (cached) return ES_OK;
    return es_fail(error, ES_BAD_INPUT, "%s: is a link to %s, outside the model's folder: refused",
                   file->path, real);
}

/* Open one shard and move its tensors to the end of *all. */
static es_status add_shard(index_reader *reader, int64_t shard, int threads, es_container *all,
                           es_error *error)
{
    char *path = es_path_join(reader->folder, reader->shards[shard]);
    if (!path) return es_fail_memory(error, "a path", strlen(reader->shards[shard]));
    es_file file = {0};
    es_container one = {0};
    es_status status = es_file_open(&file, path, error);
    if (status == ES_NOT_FOUND)
        es_fail(error, status, "%s: the shard '%.200s' is missing from %.400s", reader->path,
                reader->shards[shard], reader->folder);
    if (status == ES_OK) status = check_place(reader, &file, error);
    if (status == ES_OK) status = es_format_safetensors.open(&file, threads, &one, error);
    if (status == ES_OK) status = es_container_take_file(all, &one.files[0], error);
    if (status == ES_OK) {
        int64_t count = all->tensor_count + one.tensor_count;
        void *tensors = all->tensors;
        if (es_grow(&tensors, &all->tensor_capacity, count, sizeof *all->tensors)) {
            all->tensors = tensors;
            for (int64_t i = 0; i < one.tensor_count; i++) {
                es_tensor *tensor = &all->tensors[all->tensor_count++];
                *tensor = one.tensors[i];
                tensor->file = (int)shard;
            }
            one.tensor_count = 0; /* moved */
        } else {
            status = es_fail_memory(error, "the list of tensors", sizeof(es_tensor));
        }
    }
    es_container_release(&one);
    es_file_close(&file);
    free(path);
    return status;
}

/* Every tensor once, and where the index says it is. */
static es_status check_tensors(const index_reader *reader, es_container *all, es_error *error)
{
    es_map found = {0};
    es_status status = ES_OK;
    double total = 0;
    for (int64_t i = 0; i < all->tensor_count && status == ES_OK; i++) {
        es_tensor *tensor = &all->tensors[i];
        int64_t earlier;
        total += (double)tensor->bytes;
        switch (
            es_map_insert(&found, (es_bytes){tensor->name, strlen(tensor->name)}, i, &earlier)) {
        case ES_MAP_ADDED: break;
        case ES_MAP_NO_MEMORY: status = es_fail_memory(error, "the names of tensors", 0); break;
        case ES_MAP_EXISTS:
            status = es_fail(error, ES_BAD_INPUT,
                             "%s: tensor '%.200s' is in two shards, '%.200s' and '%.200s'",
                             reader->path, tensor->name, reader->shards[all->tensors[earlier].file],
                             reader->shards[tensor->file]);
        }
    }
    for (int64_t i = 0; i < reader->entry_count && status == ES_OK; i++) {
        const entry *entry = &reader->entries[i];
        int64_t at = es_map_find(&found, (es_bytes){entry->tensor, strlen(entry->tensor)});
        if (at < 0 || all->tensors[at].file != entry->shard)
            status = es_fail(error, ES_BAD_INPUT,
                             "%s: tensor '%.200s' should be in '%.200s', which lacks it",
                             reader->path, entry->tensor, reader->shards[entry->shard]);
    }
    es_map_release(&found);
    if (status == ES_OK && reader->total_size >= 0 && reader->total_size != total)
        status = es_container_add_note(
            all, error, "%.600s: total_size is %.0f, but the tensors have %.0f bytes", reader->path,
            reader->total_size, total);
    return status;
}

static es_status find_folder(index_reader *reader, es_error *error)
{
    const char *slash = strrchr(reader->path, '/');
    reader->folder = !slash ? es_copy_text(".")
                     : slash == reader->path
                         ? es_copy_text("/")
                         : es_copy_bytes(reader->path, (size_t)(slash - reader->path));
    char *root = reader->folder ? malloc(PATH_MAX) : NULL;
    if (!root) return es_fail_memory(error, "a path", PATH_MAX);
    reader->root = root;
    if (!realpath(reader->folder, root))
        return es_fail(error, ES_CANNOT_READ, "%s: cannot find its folder", reader->path);
    return ES_OK;
}

static es_status open_shards(index_reader *reader, int threads, es_container *container,
                             es_error *error)
{
    for (int64_t i = 0; i < reader->shard_count; i++)
        ES_TRY(add_shard(reader, i, threads, container, error));
    return check_tensors(reader, container, error);
}

es_status es_safetensors_open_index(const char *index_path, int threads, es_container *container,
                                    es_error *error)
{
    *container = (es_container){0};
    char *data = NULL;
    int64_t size = 0;
    ES_TRY(es_file_read_all(index_path, LARGEST_INDEX, &data, &size, error));
    index_reader reader = {.path = index_path, .total_size = -1};
    es_status status = find_folder(&reader, error);
    if (status == ES_OK) status = es_json_open(&reader.json, index_path, data, size, 0, error);
    if (status == ES_OK) status = read_index(&reader, error);
    es_json_close(&reader.json);
    free(data);
    if (status == ES_OK) status = open_shards(&reader, threads, container, error);
    if (status == ES_OK) container->format = es_format_safetensors.name;
    if (status != ES_OK) es_container_release(container);
    es_map_release(&reader.tensor_names);
    es_map_release(&reader.shard_names);
    for (int64_t i = 0; i < reader.entry_count; i++) free(reader.entries[i].tensor);
    for (int64_t i = 0; i < reader.shard_count; i++) free(reader.shards[i]);
    free(reader.entries);
    free(reader.shards);
    free(reader.folder);
    free(reader.root);
    return status;
}
