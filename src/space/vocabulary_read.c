#include "space/vocabulary_read.h"

#include "base/memory.h"
#include "space/vocabulary.h"

#include <stdlib.h>
#include <string.h>

/* Ids that no row has: as many as the file may name without a gap, a key and its id taking no less
 * than 8 bytes of it, and some more. */
enum { BYTES_A_KEY = 8, SPARE_IDS = 1 << 16, SPARE_LINES = 1 << 18 };

/* --- keys in JSON --- */

/* Keep a key's bytes and say whether the model may produce it. */
static es_bytes keep_key(es_vocabulary *vocabulary, es_bytes key, int *flags)
{
    *flags = ES_TOKEN_MODEL;
    es_bytes kept = es_vocabulary_keep(vocabulary, key.data, key.size);
    if (vocabulary->kind != ES_VOCABULARY_BPE) return kept;
    int64_t size = es_bpe_decode_key(key, (char *)kept.data);
    if (size >= 0) {
        vocabulary->memory_used -= key.size - (size_t)size;
        kept.size = (size_t)size;
    } else { /* decoding has written over the beginning */
        memcpy((char *)kept.data, key.data, key.size);
        *flags = 0;
    }
    return kept;
}

static es_status read_key(es_json *json, es_vocabulary *vocabulary, es_bytes key, int64_t limit)
{
    int64_t id, existing = -1;
    int64_t start = es_json_tell(json);
    ES_TRY(es_json_int(json, &id));
    int64_t end = es_json_tell(json);
    es_json_seek(json, start); /* faults are told where the id is */
    if (id < 0 || id >= limit)
        return es_json_fail(json, "token id %lld; an id is at least 0 and below %lld here",
                            (long long)id, (long long)limit);
    if (id < vocabulary->count && vocabulary->tokens[id].data)
        return es_json_fail(json, "token id %lld is given twice", (long long)id);
    int flags;
    es_bytes kept = keep_key(vocabulary, key, &flags);
    /* A literal key may have the bytes of another that is decoded; that one is found by them. */
    es_map_put put =
        flags ? es_map_insert(&vocabulary->by_bytes, kept, id, &existing) : ES_MAP_ADDED;
    if (put == ES_MAP_EXISTS)
        return es_json_fail(json, "a key is given twice, with ids %lld and %lld",
                            (long long)existing, (long long)id);
    if (put == ES_MAP_NO_MEMORY || !es_vocabulary_set(vocabulary, id, kept, flags))
        return json->status = es_fail_memory(json->error, "a vocabulary",
                                             (size_t)vocabulary->count * sizeof(es_map_slot));
    es_json_seek(json, end);
    return ES_OK;
}

int64_t es_vocabulary_id_limit(const es_vocabulary *vocabulary, int64_t file_size)
{
    int64_t limit = SPARE_IDS + file_size / BYTES_A_KEY;
    if (limit < vocabulary->rows) limit = vocabulary->rows;
    return limit < ES_TOKEN_ID_LIMIT ? limit : ES_TOKEN_ID_LIMIT;
}

es_status es_vocabulary_read_keys(es_json *json, es_vocabulary *vocabulary)
{
    int64_t limit = es_vocabulary_id_limit(vocabulary, json->size);
    /* A key takes 16 bytes of text and more: room for one in 32, the map grows where that is few.
     */
    bool enough = es_map_reserve(&vocabulary->by_bytes, (json->size - json->at) / 32);
    ES_TRY(es_json_begin_object(json));
    for (es_bytes key; enough && es_json_next_member(json, &key);)
        ES_TRY(read_key(json, vocabulary, key, limit));
    if (json->status != ES_OK) return json->status;
    enough = enough && es_vocabulary_cover_rows(vocabulary);
    for (int64_t id = 0; enough && id < vocabulary->count; id++)
        if (vocabulary->tokens[id].data && !vocabulary->flags[id])
            enough = es_map_insert(&vocabulary->by_bytes, vocabulary->tokens[id], id, NULL) !=
                     ES_MAP_NO_MEMORY;
    if (enough) return ES_OK;
    return json->status = es_fail_memory(json->error, "a vocabulary",
                                         (size_t)vocabulary->rows * sizeof(es_map_slot));
}

static es_status read_json_document(es_document document, es_vocabulary *vocabulary,
                                    es_error *error)
{
    es_json json;
    es_status status = es_json_open(&json, document.path, document.data, document.size, 0, error);
    if (status == ES_OK) status = es_vocabulary_read_keys(&json, vocabulary);
    if (status == ES_OK) status = es_json_finish(&json);
    es_json_close(&json);
    return status;
}

es_status es_vocabulary_read_words_json(es_document vocab, int64_t rows, es_vocabulary **vocabulary,
                                        char **note, es_error *error)
{
    *note = NULL;
    es_vocabulary *made = es_vocabulary_create(ES_VOCABULARY_WORDS, rows, (size_t)vocab.size);
    if (!made) return es_fail_memory(error, "a vocabulary", (size_t)vocab.size);
    es_status status = read_json_document(vocab, made, error);
    if (status != ES_OK) {
        es_vocabulary_free(made);
        return status;
    }
    *note = es_vocabulary_note(made, vocab.path);
    *vocabulary = made;
    return ES_OK;
}

/* --- merges --- */

bool es_merge_split(es_bytes line, es_bytes *left, es_bytes *right)
{
    const char *space = line.size ? memchr(line.data, ' ', line.size) : NULL;
    if (!space) return false;
    *left = (es_bytes){line.data, (size_t)(space - line.data)};
    *right = (es_bytes){space + 1, line.size - left->size - 1};
    return left->size && right->size && !memchr(right->data, ' ', right->size);
}

/* Append the bytes of a key. */
static void append_decoded(es_text *text, es_bytes key)
{
    size_t start = text->size;
    es_text_append(text, key.data, key.size);
    if (text->failed) return;
    int64_t size = es_bpe_decode_key(key, text->data + start);
    if (size >= 0)
        text->size = start + (size_t)size;
    else
        memcpy(text->data + start, key.data, key.size);
}

/* The token that a merge makes. Tokens are numbered as the merges made them, as a rule: the one
 * after the last result is looked at first, which saves a third of the time. */
static int64_t find_result(const es_vocabulary *vocabulary, es_bytes bytes)
{
    const es_bpe *bpe = vocabulary->bpe;
    int64_t next = bpe->rank_count ? bpe->results[bpe->rank_count - 1] + INT64_C(1) : 256;
    if (next < vocabulary->count && (vocabulary->flags[next] & ES_TOKEN_MODEL) &&
        vocabulary->tokens[next].size == bytes.size &&
        memcmp(vocabulary->tokens[next].data, bytes.data, bytes.size) == 0)
        return next;
    return es_map_find(&vocabulary->by_bytes, bytes);
}

const char *es_vocabulary_add_merge(es_vocabulary *vocabulary, es_bytes left, es_bytes right,
                                    es_text *scratch)
{
    scratch->size = 0;
    append_decoded(scratch, left);
    size_t middle = scratch->size;
    append_decoded(scratch, right);
    if (!es_bpe_reserve(vocabulary->bpe, vocabulary->bpe->rank_count + 1)) scratch->failed = true;
    if (scratch->failed) return "out of memory";
    es_bytes whole = {scratch->data, scratch->size};
    es_bytes first = {scratch->data, middle};
    es_bytes second = {scratch->data + middle, scratch->size - middle};
    int64_t left_id = es_map_find(&vocabulary->by_bytes, first);
    if (left_id < 0) return "the first part of this merge is not in the vocabulary";
    int64_t right_id = es_map_find(&vocabulary->by_bytes, second);
    if (right_id < 0) return "the second part of this merge is not in the vocabulary";
    int64_t result = find_result(vocabulary, whole);
    if (result < 0) return "what this merge makes is not in the vocabulary";
    es_bpe_add_merge(vocabulary->bpe, left_id, right_id, result);
    return NULL;
}

void es_vocabulary_find_bytes(es_vocabulary *vocabulary)
{
    for (int b = 0; b < 256; b++) {
        char byte = (char)b;
        int64_t id = es_map_find(&vocabulary->by_bytes, (es_bytes){&byte, 1});
        bool model = id >= 0 && (vocabulary->flags[id] & ES_TOKEN_MODEL);
        vocabulary->bpe->byte_id[b] = model ? (int32_t)id : -1;
    }
}

/* The next line of what is left, without its end ("\n" or "\r\n"). False at the end of the text. */
static bool next_line(es_bytes *left, es_bytes *line)
{
    if (!left->size) return false;
    const char *end = memchr(left->data, '\n', left->size);
    size_t size = end ? (size_t)(end - left->data) : left->size;
    *line = (es_bytes){left->data, size};
    if (size && line->data[size - 1] == '\r') line->size--;
    size += end != NULL;
    left->data += size;
    left->size -= size;
    return true;
}

static int64_t count_lines(es_bytes text)
{
    int64_t count = 0;
    for (es_bytes line; next_line(&text, &line);) count++;
    return count;
}

static es_status read_merges(es_document merges, es_vocabulary *vocabulary, es_error *error)
{
    es_bytes left = {merges.data, (size_t)merges.size}, line, first, second;
    if (!es_bpe_reserve(vocabulary->bpe, count_lines(left)))
        return es_fail_memory(error, "merges", (size_t)merges.size);
    es_text scratch = {0};
    es_status status = ES_OK;
    for (int64_t number = 1; status == ES_OK && next_line(&left, &line); number++) {
        bool version = number == 1 && line.size >= 8 && !memcmp(line.data, "#version", 8);
        if (version || (!line.size && !left.size)) continue;
        const char *fault = "a merge is two tokens with one space between them";
        if (es_merge_split(line, &first, &second))
            fault = es_vocabulary_add_merge(vocabulary, first, second, &scratch);
        if (!fault) continue;
        if (scratch.failed) {
            status = es_fail_memory(error, "merges", (size_t)merges.size);
            break;
        }
        int shown = line.size < 80 ? (int)line.size : 80;
        status = es_fail(error, ES_BAD_INPUT, "%s:%lld: %s: '%.*s'", merges.path, (long long)number,
                         fault, shown, line.data);
    }
    es_text_release(&scratch);
    return status;
}

/* Tokens that are no byte and that no merge makes are special. */
static bool find_unreachable(es_vocabulary *vocabulary)
{
    const es_bpe *bpe = vocabulary->bpe;
    for (int64_t id = 0; id < vocabulary->count; id++)
        if (vocabulary->tokens[id].size) vocabulary->flags[id] |= ES_TOKEN_SPECIAL;
    for (int b = 0; b < 256; b++)
        if (bpe->byte_id[b] >= 0)
            vocabulary->flags[bpe->byte_id[b]] &= (unsigned char)~ES_TOKEN_SPECIAL;
    for (int64_t rank = 0; rank < bpe->rank_count; rank++)
        vocabulary->flags[bpe->results[rank]] &= (unsigned char)~ES_TOKEN_SPECIAL;
    for (int64_t id = 0; id < vocabulary->count; id++) {
        es_added_token token = {.content = vocabulary->tokens[id], .id = id, .special = true};
        if ((vocabulary->flags[id] & ES_TOKEN_SPECIAL) &&
            !es_added_add(&vocabulary->raw_added, token))
            return false;
    }
    es_added_sort(&vocabulary->raw_added);
    return true;
}

es_status es_vocabulary_read_bpe(es_document vocab, es_document merges, int64_t rows,
                                 es_vocabulary **vocabulary, es_error *error)
{
    es_vocabulary *made = es_vocabulary_create(ES_VOCABULARY_BPE, rows, (size_t)vocab.size);
    if (made) made->bpe = es_bpe_create();
    es_status status = ES_OK;
    if (!made || !made->bpe || !es_pretokenizer_add(&made->bpe->pretokenizer, ES_STEP_GPT2))
        status = es_fail_memory(error, "a vocabulary", (size_t)vocab.size);
    if (status == ES_OK) status = read_json_document(vocab, made, error);
    if (status == ES_OK) {
        es_vocabulary_find_bytes(made);
        status = read_merges(merges, made, error);
    }
    if (status == ES_OK && !find_unreachable(made))
        status = es_fail_memory(error, "special tokens", (size_t)made->count);
    if (status == ES_OK)
        *vocabulary = made;
    else
        es_vocabulary_free(made);
    return status;
}

/* --- a key per line --- */

bool es_vocabulary_finish_wordpiece(es_vocabulary *vocabulary, es_bytes unknown)
{
    es_wordpiece *wordpiece = vocabulary->wordpiece;
    for (int64_t id = 0; id < vocabulary->count; id++)
        if ((vocabulary->flags[id] & ES_TOKEN_MODEL) &&
            vocabulary->tokens[id].size > wordpiece->longest)
            wordpiece->longest = vocabulary->tokens[id].size;
    wordpiece->unknown_id = es_map_find(&vocabulary->by_bytes, unknown);
    return wordpiece->unknown_id >= 0;
}

/* BERT's settings; a member that is null or absent keeps its default. */
static es_status read_config(es_document config, es_wordpiece *wordpiece, es_error *error)
{
    if (!config.data) return ES_OK;
    es_json json;
    bool accents_given = false;
    es_status status = es_json_open(&json, config.path, config.data, config.size, 0, error);
    if (status == ES_OK) status = es_json_begin_object(&json);
    for (es_bytes key; status == ES_OK && es_json_next_member(&json, &key);) {
        bool *flag = NULL;
        if (es_bytes_equal(key, "do_lower_case")) flag = &wordpiece->lower_case;
        if (es_bytes_equal(key, "tokenize_chinese_chars")) flag = &wordpiece->separate_ideographs;
        if (es_bytes_equal(key, "strip_accents")) flag = &wordpiece->strip_accents;
        if (!flag || es_json_peek(&json) != ES_JSON_BOOL) {
            status = es_json_skip(&json);
            continue;
        }
        accents_given |= flag == &wordpiece->strip_accents;
        status = es_json_bool(&json, flag);
    }
    if (status == ES_OK) status = es_json_finish(&json);
    es_json_close(&json);
    if (!accents_given) wordpiece->strip_accents = wordpiece->lower_case;
    return status;
}

/* Split the text of `memory` into an array of keys; lines beyond the array's end are left out. */
static void split_lines(es_bytes text, es_bytes *keys, int64_t count)
{
    es_bytes line;
    for (int64_t i = 0; i < count && next_line(&text, &line); i++)
        keys[i] = line.size ? line : (es_bytes){0};
}

static es_status finish_lines(es_vocabulary *made, const es_bytes *keys, int64_t count,
                              const char *path, es_error *error)
{
    bool enough = es_vocabulary_cover_rows(made) && es_map_reserve(&made->by_bytes, count);
    /* From the last to the first: of keys given twice the last counts, as in the reference. */
    for (int64_t id = count - 1; enough && id >= 0; id--) {
        if (!keys[id].data) continue;
        es_bytes kept = es_vocabulary_keep(made, keys[id].data, keys[id].size);
        es_map_put put = es_map_insert(&made->by_bytes, kept, id, NULL);
        made->duplicates += put == ES_MAP_EXISTS;
        enough = put != ES_MAP_NO_MEMORY && es_vocabulary_set(made, id, kept, ES_TOKEN_MODEL);
    }
    static const char *const special[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    for (size_t i = 0; enough && i < sizeof special / sizeof *special; i++) {
        es_bytes name = {special[i], strlen(special[i])};
        int64_t id = es_map_find(&made->by_bytes, name);
        if (id < 0) continue;
        made->flags[id] |= ES_TOKEN_SPECIAL;
        es_added_token token = {.content = made->tokens[id], .id = id, .special = true};
        enough = es_added_add(&made->raw_added, token);
    }
    if (!enough) return es_fail_memory(error, "a vocabulary", (size_t)count * sizeof(es_map_slot));
    es_added_sort(&made->raw_added);
    if (!es_vocabulary_finish_wordpiece(made, (es_bytes){"[UNK]", 5}))
        return es_fail(error, ES_INTERNAL, "%s: [UNK] was there and is not", path);
    return ES_OK;
}

static es_status read_wordpiece_lines(es_document lines, es_document config, int64_t rows,
                                      const es_bytes *keys, int64_t count,
                                      es_vocabulary **vocabulary, es_error *error)
{
    es_vocabulary *made = es_vocabulary_create(ES_VOCABULARY_WORDPIECE, rows, (size_t)lines.size);
    if (made) made->wordpiece = es_wordpiece_create();
    es_status status = made && made->wordpiece
                           ? read_config(config, made->wordpiece, error)
                           : es_fail_memory(error, "a vocabulary", (size_t)lines.size);
    if (status == ES_OK) status = finish_lines(made, keys, count, lines.path, error);
    if (status == ES_OK)
        *vocabulary = made;
    else
        es_vocabulary_free(made);
    return status;
}

es_status es_vocabulary_read_lines(es_document lines, es_document config, int64_t rows,
                                   es_vocabulary **vocabulary, char **note, es_error *error)
{
    *note = NULL;
    es_bytes text = {lines.data, (size_t)lines.size};
    int64_t count = 0;
    bool wordpiece = false;
    for (es_bytes left = text, line; next_line(&left, &line); count++)
        wordpiece = wordpiece || es_bytes_equal(line, "[UNK]");
    /* Of words, those without a row are left out. A WordPiece's keys may be pieces of text all the
     * same, but it has never many of them. */
    if (wordpiece && count > rows + SPARE_LINES)
        return es_fail(error, ES_BAD_INPUT,
                       "%s:%lld: %lld keys for %lld rows: not the keys of this table", lines.path,
                       (long long)count, (long long)count, (long long)rows);
    int64_t kept = wordpiece && count > rows ? count : rows;
    es_bytes *keys = es_alloc(kept, sizeof *keys);
    if (!keys) return es_fail_memory(error, "keys", (size_t)kept * sizeof *keys);
    if (wordpiece) {
        split_lines(text, keys, count);
        es_status status =
            read_wordpiece_lines(lines, config, rows, keys, count, vocabulary, error);
        free(keys);
        if (status == ES_OK) *note = es_vocabulary_note(*vocabulary, lines.path);
        return status;
    }
    char *copy = es_copy_bytes(lines.data, (size_t)lines.size);
    if (!copy) {
        free(keys);
        return es_fail_memory(error, lines.path, (size_t)lines.size);
    }
    split_lines((es_bytes){copy, (size_t)lines.size}, keys, count < rows ? count : rows);
    ES_TRY(es_vocabulary_create_words(keys, copy, rows, vocabulary, note, error));
    if (count > rows) {
        free(*note);
        *note =
            es_copy_format("%s has %lld keys for %lld rows; the last %lld are left out", lines.path,
                           (long long)count, (long long)rows, (long long)(count - rows));
    }
    return ES_OK;
}
