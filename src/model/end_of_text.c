#include "model/end_of_text.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/gpt2.h"
#include "space/vocabulary.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_LIMIT = 16 << 20 };

static es_status read_id(es_json *json, es_ids *ids)
{
    int64_t id;
    ES_TRY(es_json_int(json, &id));
    return es_ids_append(ids, id, json->error);
}

/* 50256, [50256, 50257] or null. */
static es_status read_ids(es_json *json, es_ids *ids)
{
    if (es_json_peek(json) == ES_JSON_NULL) return es_json_skip(json);
    if (es_json_peek(json) != ES_JSON_ARRAY) return read_id(json, ids);
    ES_TRY(es_json_begin_array(json));
    while (es_json_next_element(json)) ES_TRY(read_id(json, ids));
    return json->status;
}

static es_status read_config(const char *path, es_ids *ids, es_error *error)
{
    char *data;
    int64_t size;
    ES_TRY(es_file_read_all(path, CONFIG_LIMIT, &data, &size, error));
    es_json json;
    es_status status = es_json_open(&json, path, data, size, 0, error);
    if (status == ES_OK) status = es_json_begin_object(&json);
    for (es_bytes key; status == ES_OK && es_json_next_member(&json, &key);)
        status = es_bytes_equal(key, "eos_token_id") ? read_ids(&json, ids) : es_json_skip(&json);
    if (status == ES_OK) status = es_json_finish(&json);
    es_json_close(&json);
    free(data);
    return status;
}

es_status es_end_of_text_read(const es_model *model, es_ids *ids, es_error *error)
{
    static const char name[] = "<|endoftext|>";
    const char *folder = model->space->source.folder;
    char *path = es_path_join(folder, "config.json");
    if (!path) return es_fail_memory(error, "a path", strlen(folder));
    int64_t before = ids->count;
    es_status status = read_config(path, ids, error);
    free(path);
    if (status != ES_OK || ids->count > before) return status;
    const es_vocabulary *vocabulary = model->space->vocabulary;
    int64_t id = es_vocabulary_find(vocabulary, (es_bytes){name, strlen(name)});
    if (id < 0 || !es_vocabulary_is_special(vocabulary, id)) return ES_OK;
    return es_ids_append(ids, id, error);
}
