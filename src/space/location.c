/* From what the user wrote to the files it means: a folder, a file, an id in the Hugging Face
 * cache, or the model that ships, at the end of its training or at a step before. */
#include "base/json.h"
#include "base/memory.h"
#include "space/space.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_LIMIT = 16 << 20, STEPS_LISTED = 64, NAME_LIMIT = 32 };

void es_location_release(es_location *location)
{
    free(location->folder);
    free(location->file);
    *location = (es_location){0};
}

/* *path = folder/name if it exists, else NULL. */
static es_status find_existing(const char *folder, const char *name, char **path, es_error *error)
{
    *path = es_path_join(folder, name);
    if (!*path) return es_fail_memory(error, "a path", strlen(folder));
    if (es_path_exists(*path)) return ES_OK;
    free(*path);
    *path = NULL;
    return ES_OK;
}

static es_status find_in_folder(const char *folder, es_location *location, es_error *error)
{
    static const struct {
        const char *name;
        bool is_index;
    } candidates[] = {{"model.safetensors", false}, {"model.safetensors.index.json", true}};
    if (!(location->folder = es_copy_text(folder)))
        return es_fail_memory(error, "a path", strlen(folder));
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        ES_TRY(find_existing(folder, candidates[i].name, &location->file, error));
        location->is_index = candidates[i].is_index;
        if (location->file) return ES_OK;
    }
    char *torch;
    ES_TRY(find_existing(folder, "pytorch_model.bin", &torch, error));
    if (torch) {
        free(torch);
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: has pytorch_model.bin but no model.safetensors; this version does not "
                       "read PyTorch files: get the model's safetensors file",
                       folder);
    }
    return es_fail(error, ES_NOT_FOUND,
                   "%s: a folder without model.safetensors or model.safetensors.index.json; name "
                   "the file that holds the vectors",
                   folder);
}

/* "name" or "owner/name", of letters, digits and "-_.", no "..": the Hub's own rule. */
static bool is_hub_id(const char *id)
{
    size_t length = strlen(id);
    if (!length || length > 96 || strstr(id, "..") || strstr(id, "--")) return false;
    int slashes = 0;
    for (size_t i = 0; i < length; i++) {
        if (id[i] == '/')
            slashes++;
        else if (!isalnum((unsigned char)id[i]) && !strchr("-_.", id[i]))
            return false;
        if (id[i] == '/' && (i == 0 || i + 1 == length)) return false;
    }
    return slashes <= 1 && id[0] != '.' && id[0] != '-';
}

/* *commit = what `main` names, or NULL where no such file is good for anything. */
static es_status read_main(const char *repository, char **commit, es_error *error)
{
    int64_t size;
    *commit = NULL;
    char *path;
    ES_TRY(find_existing(repository, "refs/main", &path, error));
    if (!path) return ES_OK;
    es_status status = es_file_read_all(path, 256, commit, &size, error);
    free(path);
    if (status == ES_NO_MEMORY) return status;
    if (status != ES_OK) return ES_OK;
    size_t length = strspn(*commit, "0123456789abcdefABCDEF");
    (*commit)[length] = '\0';
    if (length) return ES_OK;
    free(*commit);
    *commit = NULL;
    return ES_OK;
}

/* *name = the only snapshot there is; NULL where there are none or several. */
static es_status only_snapshot(const char *repository, char **name, es_error *error)
{
    *name = NULL;
    char *snapshots = es_path_join(repository, "snapshots");
    if (!snapshots) return es_fail_memory(error, "a path", strlen(repository));
    DIR *folder = opendir(snapshots);
    es_status status = ES_OK;
    int count = 0;
    for (struct dirent *entry; folder && status == ES_OK && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.' || ++count > 1) continue;
        if (!(*name = es_copy_text(entry->d_name)))
            status = es_fail_memory(error, "a path", strlen(entry->d_name));
    }
    if (folder) closedir(folder);
    free(snapshots);
    if (count > 1) {
        free(*name);
        *name = NULL;
    }
    return status;
}

/* *folder = the snapshot folder of a Hub id in the cache, or NULL. */
static es_status find_in_cache(const char *cache, const char *id, char **folder, es_error *error)
{
    *folder = NULL;
    const char *slash = strchr(id, '/');
    char *repository =
        slash ? es_copy_format("%s/models--%.*s--%s", cache, (int)(slash - id), id, slash + 1)
              : es_copy_format("%s/models--%s", cache, id);
    if (!repository) return es_fail_memory(error, "a path", strlen(cache));
    char *commit = NULL;
    es_status status = read_main(repository, &commit, error);
    if (status == ES_OK && !commit) status = only_snapshot(repository, &commit, error);
    if (status == ES_OK && commit) {
        *folder = es_copy_format("%s/snapshots/%s", repository, commit);
        if (!*folder) status = es_fail_memory(error, "a path", strlen(repository));
    }
    free(commit);
    free(repository);
    if (*folder && !es_path_is_folder(*folder)) {
        free(*folder);
        *folder = NULL;
    }
    return status;
}

static es_status find_by_id(const char *model, const char *cache, es_location *location,
                            es_error *error)
{
    /* The Hub moved a few early models under their owners; caches hold both names. */
    static const char *const moved[][2] = {
        {"gpt2", "openai-community/gpt2"},
        {"gpt2-medium", "openai-community/gpt2-medium"},
        {"gpt2-large", "openai-community/gpt2-large"},
        {"gpt2-xl", "openai-community/gpt2-xl"},
        {"distilgpt2", "distilbert/distilgpt2"},
        {"bert-base-uncased", "google-bert/bert-base-uncased"},
        {"bert-base-cased", "google-bert/bert-base-cased"},
    };
    const char *id = strncmp(model, "hf://", 5) == 0 ? model + 5 : model;
    if (!is_hub_id(id)) return es_fail(error, ES_NOT_FOUND, "%s: no such file or folder", model);
    char *folder = NULL;
    const char *full = id;
    if (cache) ES_TRY(find_in_cache(cache, id, &folder, error));
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
        bool old = strcmp(id, moved[i][0]) == 0, new = strcmp(id, moved[i][1]) == 0;
        if (old) full = moved[i][1];
        if (!folder && cache && (old || new))
            ES_TRY(find_in_cache(cache, moved[i][old], &folder, error));
    }
    if (folder) {
        es_status status = find_in_folder(folder, location, error);
        free(folder);
        return status;
    }
    return es_fail(error, ES_NOT_FOUND,
                   "%s: no such file or folder, and no such model in the Hugging Face cache (%s); "
                   "get it with 'huggingface-cli download %s', or name the folder that holds its "
                   "files; the model 'demo' is always there",
                   model, cache ? cache : "none is set", full);
}

/* ---- the model that ships ---------------------------------------------------------------------
 */

/* The step of "step-00500.safetensors"; -1: another name. */
static int64_t step_of(const char *name)
{
    int64_t step = 0;
    if (strncmp(name, "step-", 5) != 0) return -1;
    size_t digits = strspn(name + 5, "0123456789");
    if (!digits || digits > 9 || strcmp(name + 5 + digits, ".safetensors") != 0) return -1;
    for (size_t i = 0; i < digits; i++) step = step * 10 + (name[5 + i] - '0');
    return step;
}

/* The steps whose files lie in the folder, ascending; *file, the name of the wanted one's, or "".
 */
static int list_steps(const char *folder, int64_t wanted, int64_t steps[STEPS_LISTED],
                      char file[NAME_LIMIT])
{
    int count = 0;
    DIR *open = opendir(folder);
    file[0] = '\0';
    for (struct dirent *entry; open && (entry = readdir(open));) {
        int64_t step = step_of(entry->d_name);
        if (step < 0) continue;
        if (step == wanted) memcpy(file, entry->d_name, strlen(entry->d_name) + 1);
        if (count == STEPS_LISTED) continue;
        int at = count++;
        for (; at && steps[at - 1] > step; at--) steps[at] = steps[at - 1];
        steps[at] = step;
    }
    if (open) closedir(open);
    return count;
}

static es_status fail_step(const char *model, const int64_t *steps, int count, es_error *error)
{
    es_text known = {0};
    for (int i = 0; i < count; i++)
        es_text_printf(&known, "%sdemo@%lld", i ? ", " : "", (long long)steps[i]);
    es_status status =
        known.failed
            ? es_fail_memory(error, "steps", 0)
            : es_fail(error, ES_NOT_FOUND,
                      "%s: no such step of the demo model's training was kept; there %s %s%sdemo, "
                      "its end",
                      model, count ? "are" : "is", count ? known.data : "",
                      count ? " and " : "only ");
    es_text_release(&known);
    return status;
}

/* "demo@500": the token table as it was then, with the demo's own tokenizer. */
static es_status find_step(const char *model, const char *demo, es_location *location,
                           es_error *error)
{
    const char *asked = model + sizeof "demo@" - 1;
    char name[NAME_LIMIT];
    int64_t steps[STEPS_LISTED], wanted = -1;
    size_t digits = strspn(asked, "0123456789");
    if (digits && digits <= 9 && !asked[digits])
        for (wanted = 0; *asked; asked++) wanted = wanted * 10 + (*asked - '0');
    char *folder = es_path_join(demo, "checkpoints");
    if (!folder) return es_fail_memory(error, "a path", strlen(demo));
    int count = list_steps(folder, wanted, steps, name);
    es_status status = *name ? ES_OK : fail_step(model, steps, count, error);
    if (status == ES_OK) {
        location->file = es_path_join(folder, name);
        location->folder = es_copy_text(demo);
        if (!location->file || !location->folder)
            status = es_fail_memory(error, "a path", strlen(demo));
    }
    free(folder);
    return status;
}

static es_status find_demo(const char *model, const char *demo, es_location *location,
                           es_error *error)
{
    if (!demo || !es_path_is_folder(demo))
        return es_fail(error, ES_NOT_FOUND,
                       "%s: the model that ships with embscope is not %s%s; set EMBSCOPE_DATA to "
                       "the folder that holds models/demo",
                       model, demo ? "in " : "beside the program, where it should be",
                       demo ? demo : "");
    return model[4] ? find_step(model, demo, location, error)
                    : find_in_folder(demo, location, error);
}

es_status es_location_find(const char *model, const es_open_options *options, es_location *location,
                           es_error *error)
{
    *location = (es_location){0};
    es_status status;
    if (!*model) return es_fail(error, ES_NOT_FOUND, "the model's name is empty");
    if (es_path_is_folder(model)) {
        status = find_in_folder(model, location, error);
    } else if (es_path_exists(model)) {
        static const char index_ending[] = ".safetensors.index.json";
        size_t length = strlen(model), ending = sizeof index_ending - 1;
        location->is_index = length >= ending && strcmp(model + length - ending, index_ending) == 0;
        const char *slash = strrchr(model, '/');
        char *folder = slash ? es_copy_bytes(model, (size_t)(slash - model) + (slash == model))
                             : es_copy_text(".");
        location->file = es_copy_text(model);
        status = folder && location->file ? ES_OK : es_fail_memory(error, "a path", length);
        /* A model's own file inside its folder brings its tokenizer along. */
        char *config = NULL;
        if (status == ES_OK) status = find_existing(folder, "config.json", &config, error);
        if (config)
            location->folder = folder;
        else
            free(folder);
        free(config);
    } else if (strcmp(model, "demo") == 0 || strncmp(model, "demo@", 5) == 0) {
        status = find_demo(model, options->demo_folder, location, error);
    } else {
        status = find_by_id(model, options->hub_cache, location, error);
    }
    if (status != ES_OK) es_location_release(location);
    return status;
}

void es_config_release(es_config *config)
{
    free(config->model_type);
    *config = (es_config){0};
}

static es_status read_config_member(es_json *json, es_bytes key, es_config *config, es_error *error)
{
    es_json_kind kind = es_json_peek(json);
    es_bytes text;
    if (es_bytes_equal(key, "model_type") && kind == ES_JSON_STRING) {
        ES_TRY(es_json_string(json, &text));
        free(config->model_type);
        if (!(config->model_type = es_copy_bytes(text.data, text.size)))
            return json->status = es_fail_memory(error, "config.json", text.size);
    } else if (es_bytes_equal(key, "tie_word_embeddings") && kind == ES_JSON_BOOL) {
        config->has_tie = true;
        ES_TRY(es_json_bool(json, &config->tie));
    } else if (es_bytes_equal(key, "vocab_size") && kind == ES_JSON_NUMBER) {
        ES_TRY(es_json_int(json, &config->vocab_size));
    } else if ((es_bytes_equal(key, "n_embd") || es_bytes_equal(key, "hidden_size")) &&
               kind == ES_JSON_NUMBER) {
        ES_TRY(es_json_int(json, &config->hidden_size));
    } else {
        ES_TRY(es_json_skip(json));
    }
    return ES_OK;
}

es_status es_config_read(const char *folder, es_config *config, es_error *error)
{
    *config = (es_config){0};
    char *path = es_path_join(folder, "config.json"), *data = NULL;
    if (!path) return es_fail_memory(error, "a path", strlen(folder));
    if (!es_path_exists(path)) {
        free(path);
        return ES_OK;
    }
    int64_t size;
    es_status status = es_file_read_all(path, CONFIG_LIMIT, &data, &size, error);
    if (status == ES_OK) {
        es_json json;
        status = es_json_open(&json, path, data, size, 0, error);
        if (status == ES_OK) status = es_json_begin_object(&json);
        for (es_bytes key; status == ES_OK && es_json_next_member(&json, &key);)
            status = read_config_member(&json, key, config, error);
        if (status == ES_OK) status = es_json_finish(&json);
        es_json_close(&json);
    }
    free(data);
    free(path);
    if (status != ES_OK) es_config_release(config);
    return status;
}
