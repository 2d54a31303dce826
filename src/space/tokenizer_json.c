/* tokenizer.json, the one file of the "tokenizers" package:
 *
 *     { "added_tokens": [{"id", "content", "special", "single_word", "lstrip", "rstrip",
 *                         "normalized"}],
 *       "normalizer": null | {"type": "BertNormalizer" | "NFC" ...},
 *       "pre_tokenizer": {"type": "ByteLevel" | "Sequence" | "BertPreTokenizer" ...},
 *       "model": {"type": "BPE" | "WordPiece", "vocab": {"key": id}, "merges": ["a b"] |
 * [["a","b"]]}, "post_processor", "decoder", "truncation", "padding": of no concern here }
 *
 * in any order. The model is read on the way; where the other parts lie is noted and they are read
 * when it is known. What would change the answer and is not known is refused by its name. */
#include "base/memory.h"
#include "space/tokenizer_parts.h"
#include "space/vocabulary.h"
#include "space/vocabulary_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

es_status es_tokenizer_unsupported(es_json *json, const char *what, const char *name)
{
    if (json->status != ES_OK) return json->status;
    json->status = es_fail(json->error, ES_UNSUPPORTED,
                           "%s: at byte %lld: %s '%s' is not supported yet; name rows with --vocab",
                           json->path, (long long)(json->origin + json->at), what, name);
    return json->status;
}

es_status es_tokenizer_read_name(es_json *json, char name[ES_TOKENIZER_NAME])
{
    es_bytes value;
    int64_t start = es_json_tell(json);
    ES_TRY(es_json_string(json, &value));
    if (value.size < ES_TOKENIZER_NAME && !memchr(value.data, '\0', value.size)) {
        memcpy(name, value.data, value.size);
        name[value.size] = '\0';
        return ES_OK;
    }
    es_json_seek(json, start);
    return es_json_fail(json, "a name of %zu bytes; the names here are short", value.size);
}

es_status es_tokenizer_read_flag(es_json *json, bool *flag)
{
    return es_json_peek(json) == ES_JSON_BOOL ? es_json_bool(json, flag) : es_json_skip(json);
}

es_status es_tokenizer_enter(es_json *json, int64_t at)
{
    es_json_seek(json, at);
    return json->status;
}

/* --- the model --- */

typedef struct model {
    char type[ES_TOKENIZER_NAME];
    int64_t at, vocab, merges; /* where they lie, -1 for absent */
    bool vocab_read, merges_read;
    es_text unknown;
    bool has_unknown, fuse_unknown, ignore_merges, byte_fallback, has_maximum, has_prefix;
    char prefix[ES_TOKENIZER_NAME], suffix[ES_TOKENIZER_NAME];
    int64_t maximum;
    double dropout;
    int64_t rows;
    es_vocabulary *vocabulary; /* made once the type is known */
} model;

static bool is_bpe(const model *model)
{
    return !strcmp(model->type, "BPE");
}

static es_status read_unknown(es_json *json, model *model)
{
    if (es_json_peek(json) == ES_JSON_NULL) return es_json_skip(json);
    es_bytes value;
    ES_TRY(es_json_string(json, &value));
    model->unknown.size = 0;
    es_text_append(&model->unknown, value.data, value.size);
    model->has_unknown = true;
    return model->unknown.failed ? es_fail_memory(json->error, "a token", value.size) : ES_OK;
}

static es_status create_vocabulary(es_json *json, model *model)
{
    bool bpe = is_bpe(model);
    /* Every token's text and the prefix are parts of the file. */
    es_vocabulary *made = es_vocabulary_create(bpe ? ES_VOCABULARY_BPE : ES_VOCABULARY_WORDPIECE,
                                               model->rows, (size_t)json->size + ES_TOKENIZER_NAME);
    model->vocabulary = made;
    if (made && bpe) made->bpe = es_bpe_create();
    if (made && !bpe) made->wordpiece = es_wordpiece_create();
    if (made && (made->bpe || made->wordpiece)) return ES_OK;
    return json->status = es_fail_memory(json->error, "a vocabulary", (size_t)json->size);
}

static es_status read_vocab(es_json *json, model *model)
{
    if (model->vocab_read) return es_json_fail(json, "'vocab' is given twice");
    model->vocab_read = true;
    ES_TRY(create_vocabulary(json, model));
    ES_TRY(es_vocabulary_read_keys(json, model->vocabulary));
    if (!is_bpe(model)) return ES_OK;
    es_vocabulary_find_bytes(model->vocabulary);
    if (es_bpe_reserve(model->vocabulary->bpe, model->vocabulary->named)) return ES_OK;
    return json->status = es_fail_memory(json->error, "merges", (size_t)json->size);
}

static es_status read_merge(es_json *json, es_vocabulary *vocabulary, es_text *copy,
                            es_text *scratch)
{
    static const char shape[] = "a merge is two tokens: \"left right\" or [\"left\", \"right\"]";
    int64_t start = es_json_tell(json);
    es_bytes left, right;
    if (es_json_peek(json) == ES_JSON_ARRAY) {
        ES_TRY(es_json_begin_array(json));
        if (!es_json_next_element(json)) return es_json_fail(json, shape);
        ES_TRY(es_json_string(json, &left));
        copy->size = 0; /* the next string may be decoded into the same place */
        es_text_append(copy, left.data, left.size);
        if (!es_json_next_element(json)) return es_json_fail(json, shape);
        ES_TRY(es_json_string(json, &right));
        if (es_json_next_element(json)) return es_json_fail(json, shape);
        ES_TRY(json->status);
        left = (es_bytes){copy->data, copy->size};
    } else {
        es_bytes both;
        ES_TRY(es_json_string(json, &both));
        if (!es_merge_split(both, &left, &right)) {
            es_json_seek(json, start);
            return es_json_fail(json, shape);
        }
    }
    if (copy->failed) return es_fail_memory(json->error, "a merge", left.size);
    const char *fault = es_vocabulary_add_merge(vocabulary, left, right, scratch);
    if (!fault) return ES_OK;
    if (scratch->failed) return es_fail_memory(json->error, "merges", (size_t)json->size);
    es_json_seek(json, start);
    return es_json_fail(json, "%s", fault);
}

static es_status read_merges(es_json *json, model *model)
{
    if (model->merges_read) return es_json_fail(json, "'merges' is given twice");
    model->merges_read = true;
    ES_TRY(es_json_begin_array(json));
    es_text copy = {0}, scratch = {0};
    es_status status = ES_OK;
    while (status == ES_OK && es_json_next_element(json))
        status = read_merge(json, model->vocabulary, &copy, &scratch);
    es_text_release(&copy);
    es_text_release(&scratch);
    return status == ES_OK ? json->status : status;
}

/* The large members are read on the way where what they need came before, as it does in files that
 * were written by the package; else their place is kept. */
static es_status read_model_member(es_json *json, es_bytes key, model *model)
{
    bool known = is_bpe(model) || !strcmp(model->type, "WordPiece");
    if (es_bytes_equal(key, "vocab")) {
        model->vocab = es_json_tell(json);
        return known ? read_vocab(json, model) : es_json_skip(json);
    }
    if (es_bytes_equal(key, "merges")) {
        model->merges = es_json_tell(json);
        return is_bpe(model) && model->vocab_read ? read_merges(json, model) : es_json_skip(json);
    }
    if (es_bytes_equal(key, "unk_token")) return read_unknown(json, model);
    if (es_bytes_equal(key, "fuse_unk")) return es_tokenizer_read_flag(json, &model->fuse_unknown);
    if (es_bytes_equal(key, "ignore_merges"))
        return es_tokenizer_read_flag(json, &model->ignore_merges);
    if (es_bytes_equal(key, "byte_fallback"))
        return es_tokenizer_read_flag(json, &model->byte_fallback);
    if (es_json_peek(json) == ES_JSON_NULL) return es_json_skip(json);
    if (es_bytes_equal(key, "type") && !*model->type)
        return es_tokenizer_read_name(json, model->type);
    if (es_bytes_equal(key, "continuing_subword_prefix")) {
        model->has_prefix = true;
        return es_tokenizer_read_name(json, model->prefix);
    }
    if (es_bytes_equal(key, "end_of_word_suffix"))
        return es_tokenizer_read_name(json, model->suffix);
    if (es_bytes_equal(key, "dropout")) return es_json_double(json, &model->dropout);
    if (es_bytes_equal(key, "max_input_chars_per_word")) {
        model->has_maximum = true;
        return es_json_int(json, &model->maximum);
    }
    return es_json_skip(json);
}

/* Can this model be read? Faults are told at its place. */
static es_status check_model(es_json *json, model *model)
{
    /* Files of old versions have no type. */
    if (!*model->type && model->merges >= 0) snprintf(model->type, sizeof model->type, "BPE");
    if (!*model->type && model->has_maximum) snprintf(model->type, sizeof model->type, "WordPiece");
    if (!*model->type) return es_json_fail(json, "the tokenizer's model has no type");
    if (!strcmp(model->type, "Unigram"))
        return es_tokenizer_unsupported(json, "the SentencePiece tokenizer model", "Unigram");
    bool bpe = is_bpe(model);
    if (!bpe && strcmp(model->type, "WordPiece") != 0)
        return es_tokenizer_unsupported(json, "the tokenizer model", model->type);
    if (model->vocab < 0) return es_json_fail(json, "the tokenizer's model has no vocab");
    if (bpe && model->merges < 0) return es_json_fail(json, "the tokenizer's model has no merges");
    if (bpe && model->byte_fallback)
        return es_tokenizer_unsupported(json, "the BPE option", "byte_fallback");
    if (bpe && *model->prefix)
        return es_tokenizer_unsupported(json, "the BPE option", "continuing_subword_prefix");
    if (bpe && *model->suffix)
        return es_tokenizer_unsupported(json, "the BPE option", "end_of_word_suffix");
    if (bpe && model->dropout != 0)
        return es_tokenizer_unsupported(json, "the BPE option", "dropout");
    if (!bpe && model->has_maximum && model->maximum < 0)
        return es_json_fail(json, "max_input_chars_per_word is %lld", (long long)model->maximum);
    return ES_OK;
}

static es_status finish_bpe(es_json *json, model *model)
{
    if (!model->merges_read) {
        ES_TRY(es_tokenizer_enter(json, model->merges));
        ES_TRY(read_merges(json, model));
    }
    es_bpe *bpe = model->vocabulary->bpe;
    bpe->ignore_merges = model->ignore_merges;
    bpe->fuse_unknown = model->fuse_unknown;
    es_bytes unknown = {model->unknown.data, model->unknown.size};
    if (model->has_unknown) bpe->unknown_id = es_map_find(&model->vocabulary->by_bytes, unknown);
    return ES_OK;
}

static es_status finish_wordpiece(es_json *json, const model *model)
{
    es_vocabulary *vocabulary = model->vocabulary;
    if (model->has_maximum) vocabulary->wordpiece->maximum = model->maximum;
    if (model->has_prefix)
        vocabulary->wordpiece->prefix =
            es_vocabulary_keep(vocabulary, model->prefix, strlen(model->prefix));
    es_bytes unknown = {"[UNK]", 5};
    if (model->has_unknown) unknown = (es_bytes){model->unknown.data, model->unknown.size};
    if (es_vocabulary_finish_wordpiece(vocabulary, unknown)) return ES_OK;
    es_json_seek(json, model->vocab);
    return es_json_fail(json, "the unknown token is not in the vocabulary");
}

static es_status read_model(es_json *json, model *model)
{
    model->at = es_json_tell(json);
    ES_TRY(es_json_begin_object(json));
    for (es_bytes key; es_json_next_member(json, &key);)
        ES_TRY(read_model_member(json, key, model));
    ES_TRY(json->status);
    int64_t end = es_json_tell(json);
    es_json_seek(json, model->at);
    ES_TRY(check_model(json, model));
    if (!model->vocab_read) {
        ES_TRY(es_tokenizer_enter(json, model->vocab));
        ES_TRY(read_vocab(json, model));
    }
    ES_TRY(is_bpe(model) ? finish_bpe(json, model) : finish_wordpiece(json, model));
    es_json_seek(json, end);
    return json->status;
}

/* --- added tokens --- */

typedef struct added_entry {
    es_added_token token;
    bool normalized, has_id, has_normalized;
} added_entry;

static es_status read_added_members(es_json *json, added_entry *entry, es_text *content)
{
    *entry = (added_entry){0};
    content->size = 0;
    ES_TRY(es_json_begin_object(json));
    for (es_bytes key, value; es_json_next_member(json, &key);) {
        bool ignored, *flag = &ignored;
        if (es_bytes_equal(key, "id")) {
            ES_TRY(es_json_int(json, &entry->token.id));
            entry->has_id = true;
            continue;
        }
        if (es_bytes_equal(key, "content")) {
            ES_TRY(es_json_string(json, &value));
            es_text_append(content, value.data, value.size);
            continue;
        }
        if (es_bytes_equal(key, "special")) flag = &entry->token.special;
        if (es_bytes_equal(key, "single_word")) flag = &entry->token.single_word;
        if (es_bytes_equal(key, "lstrip")) flag = &entry->token.lstrip;
        if (es_bytes_equal(key, "rstrip")) flag = &entry->token.rstrip;
        if (es_bytes_equal(key, "normalized")) flag = &entry->normalized;
        entry->has_normalized |= flag == &entry->normalized;
        ES_TRY(es_tokenizer_read_flag(json, flag));
    }
    if (!entry->has_normalized) entry->normalized = !entry->token.special;
    return content->failed ? es_fail_memory(json->error, "an added token", content->size)
                           : json->status;
}

/* The id of the token that has this key already, or -1. `literal`: the key as written is no
 * byte-level key, and one that decodes to the same bytes is another token. */
static int64_t find_key(const es_vocabulary *vocabulary, es_bytes content, es_text *scratch)
{
    if (vocabulary->kind != ES_VOCABULARY_BPE) return es_map_find(&vocabulary->by_bytes, content);
    scratch->size = 0;
    es_text_append(scratch, content.data, content.size);
    if (scratch->failed) return -1;
    int64_t size = es_bpe_decode_key(content, scratch->data);
    if (size >= 0) {
        int64_t id = es_map_find(&vocabulary->by_bytes, (es_bytes){scratch->data, (size_t)size});
        if (id >= 0 && (vocabulary->flags[id] & ES_TOKEN_MODEL)) return id;
    }
    int64_t id = es_map_find(&vocabulary->by_bytes, content);
    return id >= 0 && !(vocabulary->flags[id] & ES_TOKEN_MODEL) ? id : -1;
}

/* Where the text is normalised before it is searched, so is what is searched for. */
static es_status normalize_content(es_json *json, const es_vocabulary *vocabulary,
                                   es_added_token *token)
{
    es_bytes normal = token->content;
    if (vocabulary->bpe) {
        ES_TRY(es_bpe_normalize(vocabulary->bpe, token->content, &normal, json->error));
        token->owned = normal.data != token->content.data;
    } else {
        es_text text = {0};
        es_text_append(&text, "", 0);
        es_wordpiece_normalize(vocabulary->wordpiece, token->content, &text);
        if (text.failed) {
            es_text_release(&text);
            return es_fail_memory(json->error, "an added token", token->content.size);
        }
        normal = (es_bytes){text.data, text.size};
        token->owned = true;
    }
    token->content = normal;
    return ES_OK;
}

static es_status keep_added(es_json *json, es_vocabulary *vocabulary, added_entry *entry,
                            es_bytes content, es_text *scratch)
{
    es_added_token *token = &entry->token;
    int64_t limit = es_vocabulary_id_limit(vocabulary, json->size);
    if (!entry->has_id || token->id < 0 || token->id >= limit)
        return es_json_fail(json, "an added token's id must be at least 0 and below %lld",
                            (long long)limit);
    int64_t existing = find_key(vocabulary, content, scratch);
    if (existing >= 0 && existing != token->id)
        return es_json_fail(json,
                            "the added token has id %lld, but the vocabulary gives it id %lld",
                            (long long)token->id, (long long)existing);
    bool taken = token->id < vocabulary->count && vocabulary->tokens[token->id].data;
    if (existing < 0 && taken)
        return es_json_fail(json, "id %lld of the added token is another token's",
                            (long long)token->id);
    token->content = es_vocabulary_keep(vocabulary, content.data, content.size);
    bool enough = taken || es_vocabulary_set(vocabulary, token->id, token->content, 0);
    enough = enough && es_map_insert(&vocabulary->by_bytes, token->content, token->id, NULL) !=
                           ES_MAP_NO_MEMORY;
    if (!enough) return es_fail_memory(json->error, "an added token", content.size);
    vocabulary->tokens[token->id] = token->content; /* it stands for its own text */
    if (token->special) vocabulary->flags[token->id] |= ES_TOKEN_SPECIAL;
    if (entry->normalized) ES_TRY(normalize_content(json, vocabulary, token));
    if (!token->content.size) {
        if (token->owned) free((char *)token->content.data);
        return ES_OK; /* nothing is left that could be found */
    }
    if (es_added_add(entry->normalized ? &vocabulary->normal_added : &vocabulary->raw_added,
                     *token))
        return ES_OK;
    return es_fail_memory(json->error, "an added token", content.size);
}

static es_status read_added(es_json *json, int64_t at, es_vocabulary *vocabulary)
{
    ES_TRY(es_tokenizer_enter(json, at));
    if (es_json_peek(json) == ES_JSON_NULL) return ES_OK;
    ES_TRY(es_json_begin_array(json));
    es_text content = {0}, scratch = {0};
    es_status status = ES_OK;
    while (status == ES_OK && es_json_next_element(json)) {
        added_entry entry;
        int64_t start = es_json_tell(json);
        status = read_added_members(json, &entry, &content);
        if (status != ES_OK || !content.size) continue;
        int64_t end = es_json_tell(json);
        es_json_seek(json, start);
        status =
            keep_added(json, vocabulary, &entry, (es_bytes){content.data, content.size}, &scratch);
        es_json_seek(json, end);
    }
    es_text_release(&content);
    es_text_release(&scratch);
    return status == ES_OK ? json->status : status;
}

/* --- the whole --- */

typedef struct places {
    int64_t normalizer, pre_tokenizer, added_tokens; /* -1 for absent */
} places;

static es_status read_members(es_json *json, places *places, model *model)
{
    ES_TRY(es_json_begin_object(json));
    for (es_bytes key; es_json_next_member(json, &key);) {
        int64_t *place = NULL;
        if (es_bytes_equal(key, "model")) place = &model->at;
        if (es_bytes_equal(key, "normalizer")) place = &places->normalizer;
        if (es_bytes_equal(key, "pre_tokenizer")) place = &places->pre_tokenizer;
        if (es_bytes_equal(key, "added_tokens")) place = &places->added_tokens;
        if (place && *place >= 0)
            return es_json_fail(json, "'%.*s' is given twice", (int)key.size, key.data);
        if (place) *place = es_json_tell(json);
        ES_TRY(place == &model->at ? read_model(json, model) : es_json_skip(json));
    }
    ES_TRY(es_json_finish(json));
    return model->at >= 0 ? ES_OK : es_json_fail(json, "a tokenizer without a model");
}

static es_status read_tokenizer(es_json *json, model *model)
{
    places places = {-1, -1, -1};
    ES_TRY(read_members(json, &places, model));
    es_vocabulary *vocabulary = model->vocabulary;
    ES_TRY(es_tokenizer_read_normalizer(json, places.normalizer, vocabulary));
    ES_TRY(es_tokenizer_read_pre_tokenizer(json, places.pre_tokenizer, vocabulary));
    if (places.added_tokens >= 0) ES_TRY(read_added(json, places.added_tokens, vocabulary));
    es_added_sort(&vocabulary->raw_added);
    es_added_sort(&vocabulary->normal_added);
    return ES_OK;
}

es_status es_vocabulary_read_tokenizer(es_document document, int64_t rows,
                                       es_vocabulary **vocabulary, es_error *error)
{
    es_json json;
    model model = {.at = -1, .vocab = -1, .merges = -1, .rows = rows};
    es_status status = es_json_open(&json, document.path, document.data, document.size, 0, error);
    if (status == ES_OK) status = read_tokenizer(&json, &model);
    es_text_release(&model.unknown);
    es_json_close(&json);
    if (status == ES_OK)
        *vocabulary = model.vocabulary;
    else
        es_vocabulary_free(model.vocabulary);
    return status;
}
