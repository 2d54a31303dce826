/* From the words of a data set to rows. */
#include "analysis/evaluate_parts.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "space/vocabulary.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { LOOK = 1024 }; /* words between two looks at the progress callback */

/* Text in lower case, code point by code point. */
static void add_lower(es_text *out, es_bytes text)
{
    for (size_t at = 0; at < text.size;) {
        uint32_t code_point;
        char encoded[4];
        int taken = es_utf8_decode(text.data + at, text.size - at, &code_point);
        int size = taken ? es_utf8_encode((uint32_t)utf8proc_tolower((utf8proc_int32_t)code_point),
                                          encoded)
                         : 0;
        es_text_append(out, taken ? encoded : text.data + at, taken ? (size_t)size : 1);
        at += taken ? (size_t)taken : 1;
    }
}

/* Unicode's full case folding; bytes that are no UTF-8 are kept. */
static void add_folded(es_text *out, es_bytes text)
{
    utf8proc_uint8_t *folded = NULL;
    bool plain = true;
    for (size_t i = 0; plain && i < text.size; i++) plain = !(text.data[i] & 0x80);
    if (plain) {
        add_lower(out, text);
        return;
    }
    utf8proc_ssize_t size = utf8proc_map((const utf8proc_uint8_t *)text.data,
                                         (utf8proc_ssize_t)text.size, &folded, UTF8PROC_CASEFOLD);
    if (size >= 0)
        es_text_append(out, (const char *)folded, (size_t)size);
    else if (size == UTF8PROC_ERROR_NOMEM)
        out->failed = true;
    else
        es_text_append(out, text.data, text.size);
    free(folded);
}

/* ---- keys without their case ------------------------------------------------------------------
 */

typedef struct folded_keys {
    es_text text;
    size_t *ends; /* (rows) of each folded key */
    es_map map;
} folded_keys;

static es_bytes folded_key(const folded_keys *keys, int64_t row)
{
    size_t from = row ? keys->ends[row - 1] : 0;
    return (es_bytes){keys->text.data + from, keys->ends[row] - from};
}

static es_status fold_keys(es_evaluating *work, folded_keys *keys)
{
    const es_vocabulary *vocabulary = es_space_vocabulary(work->space);
    int64_t rows = work->rows;
    keys->ends = es_alloc(rows, sizeof *keys->ends);
    work->same_key = es_alloc(rows, sizeof *work->same_key);
    work->next_same = es_alloc(rows, sizeof *work->next_same);
    int32_t *last = es_alloc(rows, sizeof *last); /* of the rows that share a first one */
    bool enough = keys->ends && work->same_key && work->next_same && last;
    es_text_append(&keys->text, "", 0);
    for (int64_t i = 0; enough && i < rows; i++) {
        add_folded(&keys->text, es_vocabulary_token(vocabulary, i));
        keys->ends[i] = keys->text.size;
        enough = !keys->text.failed;
    }
    for (int64_t i = 0; enough && i < rows; i++) {
        int64_t first = i;
        es_bytes key = folded_key(keys, i);
        if (!key.data) key.data = "";
        enough = es_map_insert(&keys->map, key, i, &first) != ES_MAP_NO_MEMORY;
        work->same_key[i] = (int32_t)first;
        work->next_same[i] = -1;
        if (first != i) work->next_same[last[first]] = (int32_t)i;
        last[first] = (int32_t)i;
    }
    free(last);
    return enough ? ES_OK : es_fail_memory(work->error, "keys", keys->text.size);
}

/* ---- one word ----------------------------------------------------------------------------------
 */

/* The key of a word vocabulary. */
static es_status find_key(es_evaluating *work, const folded_keys *keys, es_bytes word,
                          es_text *text)
{
    int64_t id;
    if (work->options->letter_case == ES_CASE_IGNORE) {
        add_folded(text, word);
        id = text->failed ? -1 : es_map_find(&keys->map, (es_bytes){text->data, text->size});
    } else {
        id = es_vocabulary_find(es_space_vocabulary(work->space), word);
    }
    return id < 0 ? ES_OK : es_ids_append(&work->pieces, id, work->error);
}

/* The tokens of a subword vocabulary. */
static es_status encode(es_evaluating *work, es_bytes word, es_text *text)
{
    const es_vocabulary *vocabulary = es_space_vocabulary(work->space);
    int64_t before = work->pieces.count;
    if (es_vocabulary_get_kind(vocabulary) == ES_VOCABULARY_BPE &&
        work->options->prefix != ES_PREFIX_NONE) {
        es_text_add(text, " ");
        es_text_append(text, word.data, word.size);
        if (text->failed) return es_fail_memory(work->error, "a word", word.size);
        word = (es_bytes){text->data, text->size};
        work->result->spaced++;
    }
    es_error unused;
    es_status status = es_vocabulary_encode(vocabulary, word, false, &work->pieces, &unused);
    if (status && status != ES_NOT_FOUND) {
        if (work->error) *work->error = unused;
        return status;
    }
    for (int64_t i = before; i < work->pieces.count; i++)
        if (es_vocabulary_is_special(vocabulary, work->pieces.id[i])) /* [UNK] */
            work->pieces.count = before;
    return ES_OK;
}

static es_word_state state_of(const es_evaluating *work, int64_t word)
{
    int64_t from = work->first_piece[word], to = work->first_piece[word + 1];
    es_word_state state = to - from > 1 ? ES_WORD_POOLED : ES_WORD_ROW;
    if (from == to) return ES_WORD_MISSING;
    for (int64_t i = from; i < to; i++) {
        if (work->pieces.id[i] >= work->rows) return ES_WORD_MISSING;
        if (work->row_states[work->pieces.id[i]] != ES_ROW_DEFINED) state = ES_WORD_UNDEFINED;
    }
    return state;
}

static es_status find_word(es_evaluating *work, const folded_keys *keys, int64_t w, es_text *text,
                           es_text *lower)
{
    es_evaluation *result = work->result;
    es_bytes word = work->set->words[w];
    text->size = lower->size = 0;
    if (work->options->letter_case == ES_CASE_LOWER) {
        add_lower(lower, word);
        if (lower->failed) return es_fail_memory(work->error, "a word", word.size);
        word = (es_bytes){lower->data, lower->size};
    }
    if (es_vocabulary_get_kind(es_space_vocabulary(work->space)) == ES_VOCABULARY_WORDS)
        ES_TRY(find_key(work, keys, word, text));
    else
        ES_TRY(encode(work, word, text));
    if (text->failed) return es_fail_memory(work->error, "a word", word.size);
    work->first_piece[w + 1] = work->pieces.count;
    es_word_state state = state_of(work, w);
    result->word_states[w] = (unsigned char)state;
    result->word_ids[w] = state == ES_WORD_ROW ? work->pieces.id[work->first_piece[w]] : -1;
    result->words[state]++;
    return ES_OK;
}

static es_status find_all(es_evaluating *work, folded_keys *keys)
{
    es_text text = {0}, lower = {0};
    int64_t count = work->set->word_count;
    es_evaluation *result = work->result;
    es_status status = ES_OK;
    result->word_states = es_alloc(count, sizeof *result->word_states);
    result->word_ids = es_alloc(count, sizeof *result->word_ids);
    work->first_piece = es_alloc(count + 1, sizeof *work->first_piece);
    if (!result->word_states || !result->word_ids || !work->first_piece)
        return es_fail_memory(work->error, "words", (size_t)count * sizeof(int64_t));
    if (work->options->letter_case == ES_CASE_IGNORE) ES_TRY(fold_keys(work, keys));
    for (int64_t w = 0; !status && w < count; w++) {
        status = find_word(work, keys, w, &text, &lower);
        if (!status && w % LOOK == LOOK - 1)
            status = es_progress_check(&work->options->progress, 0, 1, work->error);
    }
    es_text_release(&text);
    es_text_release(&lower);
    return status;
}

es_status es_evaluate_find_words(es_evaluating *work)
{
    es_vocabulary_kind kind = es_vocabulary_get_kind(es_space_vocabulary(work->space));
    if (kind == ES_VOCABULARY_NONE)
        return es_fail(
            work->error, ES_BAD_INPUT,
            "%s: the rows have no names to look words up by; name them with --vocab FILE",
            es_space_source(work->space)->path);
    if (kind != ES_VOCABULARY_WORDS && work->options->letter_case == ES_CASE_IGNORE)
        return es_fail(work->error, ES_BAD_ARGUMENT,
                       "--case ignore is for vocabularies of words; a tokenizer (%s) has its own "
                       "rule for case",
                       es_vocabulary_kind_text(kind));
    folded_keys keys = {.ends = NULL};
    es_status status = find_all(work, &keys);
    es_text_release(&keys.text);
    es_map_release(&keys.map);
    free(keys.ends);
    return status;
}

es_status es_evaluate_vector(const es_evaluating *work, int64_t word, double *scratch,
                             double *vector, bool *defined, es_error *error)
{
    int64_t from = work->first_piece[word], to = work->first_piece[word + 1], d = work->d;
    *defined = true;
    if (to - from == 1)
        return es_space_read_unit_rows(work->space, work->pieces.id[from], 1, vector, error);
    memset(vector, 0, (size_t)d * sizeof *vector);
    for (int64_t i = from; i < to; i++) {
        ES_TRY(es_space_read_unit_rows(work->space, work->pieces.id[i], 1, scratch, error));
        for (int64_t k = 0; k < d; k++) vector[k] += scratch[k];
    }
    es_row_state state;
    es_row_unit(work->space->kernel, vector, d, vector, &state);
    *defined = state == ES_ROW_DEFINED;
    return ES_OK;
}
