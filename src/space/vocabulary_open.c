#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "space/vocabulary.h"
#include "space/vocabulary_read.h"

#include <stdlib.h>
#include <string.h>

/* The largest tokenizers have 40 MB, a list of three million words 50. */
static const int64_t largest = INT64_C(1) << 30;

/* A file of a folder, read whole. */
typedef struct loaded {
    char *path, *data;
    int64_t size;
} loaded;

static es_document document_of(const loaded *file)
{
    return (es_document){file->path, file->data, file->size};
}

static void unload(loaded *file)
{
    free(file->path);
    free(file->data);
    *file = (loaded){0};
}

static es_status load(const char *folder, const char *name, loaded *file, es_error *error)
{
    *file = (loaded){.path = folder ? es_path_join(folder, name) : es_copy_text(name)};
    if (!file->path) return es_fail_memory(error, "a path", strlen(name));
    return es_file_read_all(file->path, largest, &file->data, &file->size, error);
}

/* The same for a file that need not be there: data is NULL then. */
static es_status load_if_there(const char *folder, const char *name, loaded *file, es_error *error)
{
    *file = (loaded){.path = es_path_join(folder, name)};
    if (!file->path) return es_fail_memory(error, "a path", strlen(name));
    if (!es_path_exists(file->path)) return ES_OK;
    return es_file_read_all(file->path, largest, &file->data, &file->size, error);
}

static es_status open_tokenizer(const loaded *file, int64_t rows, es_vocabulary **vocabulary,
                                char **note, es_error *error)
{
    ES_TRY(es_vocabulary_read_tokenizer(document_of(file), rows, vocabulary, error));
    *note = es_vocabulary_note(*vocabulary, file->path);
    return ES_OK;
}

/* vocab.json, with the merges.txt of the same folder where there is one. */
static es_status open_vocab_json(const char *folder, const loaded *vocab, int64_t rows,
                                 es_vocabulary **vocabulary, char **note, es_error *error)
{
    loaded merges = {0};
    es_status status = load_if_there(folder, "merges.txt", &merges, error);
    if (status == ES_OK && merges.data) {
        status = es_vocabulary_read_bpe(document_of(vocab), document_of(&merges), rows, vocabulary,
                                        error);
        if (status == ES_OK) *note = es_vocabulary_note(*vocabulary, vocab->path);
    } else if (status == ES_OK) {
        status = es_vocabulary_read_words_json(document_of(vocab), rows, vocabulary, note, error);
    }
    unload(&merges);
    return status;
}

static es_status open_lines(const char *folder, const loaded *lines, int64_t rows,
                            es_vocabulary **vocabulary, char **note, es_error *error)
{
    loaded config = {0};
    es_status status = load_if_there(folder, "tokenizer_config.json", &config, error);
    if (status == ES_OK)
        status = es_vocabulary_read_lines(document_of(lines), document_of(&config), rows,
                                          vocabulary, note, error);
    unload(&config);
    return status;
}

static bool folder_has(const char *folder, const char *name)
{
    char *path = es_path_join(folder, name);
    bool there = path && es_path_exists(path);
    free(path);
    return there;
}

es_status es_vocabulary_open_folder(const char *folder, int64_t rows, es_vocabulary **vocabulary,
                                    char **note, es_error *error)
{
    *note = NULL;
    static const char *const names[] = {"tokenizer.json", "vocab.json", "vocab.txt"};
    int kind = 0;
    while (kind < 3 && !folder_has(folder, names[kind])) kind++;
    if (kind == 3) return es_vocabulary_create_numbers(rows, vocabulary, error);
    loaded file;
    es_status status = load(folder, names[kind], &file, error);
    if (status == ES_OK && kind == 0)
        status = open_tokenizer(&file, rows, vocabulary, note, error);
    else if (status == ES_OK && kind == 1)
        status = open_vocab_json(folder, &file, rows, vocabulary, note, error);
    else if (status == ES_OK)
        status = open_lines(folder, &file, rows, vocabulary, note, error);
    unload(&file);
    return status;
}

/* Does JSON text start here: an object with a member, or an empty one? */
static bool looks_like_json(const loaded *file)
{
    const char *at = file->data, *end = file->data + file->size;
    static const char white_space[] = " \t\r\n";
    while (at < end && strchr(white_space, *at) && *at) at++;
    if (at == end || *at++ != '{') return false;
    while (at < end && strchr(white_space, *at) && *at) at++;
    return at == end || *at == '"' || *at == '}';
}

/* Is it a tokenizer.json: has the object a member "model" that is no id? */
static es_status has_model(const loaded *file, bool *model, es_error *error)
{
    *model = false;
    es_json json;
    es_status status = es_json_open(&json, file->path, file->data, file->size, 0, error);
    if (status == ES_OK) status = es_json_begin_object(&json);
    for (es_bytes key; status == ES_OK && es_json_next_member(&json, &key);) {
        *model |= es_bytes_equal(key, "model") && es_json_peek(&json) == ES_JSON_OBJECT;
        status = es_json_skip(&json);
    }
    if (status == ES_OK) status = json.status;
    es_json_close(&json);
    return status;
}

/* "folder" of "folder/name", "." where there is none; malloc'ed. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return es_copy_text(".");
    return es_copy_bytes(path, slash == path ? 1 : (size_t)(slash - path));
}

es_status es_vocabulary_open_file(const char *path, int64_t rows, es_vocabulary **vocabulary,
                                  char **note, es_error *error)
{
    *note = NULL;
    loaded file;
    bool model = false, json = false;
    char *folder = folder_of(path);
    es_status status = load(NULL, path, &file, error);
    if (status == ES_OK && !folder) status = es_fail_memory(error, "a path", strlen(path));
    if (status == ES_OK && (json = looks_like_json(&file)))
        status = has_model(&file, &model, error);
    if (status == ES_OK && model)
        status = open_tokenizer(&file, rows, vocabulary, note, error);
    else if (status == ES_OK && json)
        status = open_vocab_json(folder, &file, rows, vocabulary, note, error);
    else if (status == ES_OK)
        status = open_lines(folder, &file, rows, vocabulary, note, error);
    free(folder);
    unload(&file);
    return status;
}
