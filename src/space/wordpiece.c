#define _GNU_SOURCE /* memmem */
#include "space/wordpiece.h"

#include "base/memory.h"
#include "base/utf8.h"
#include "space/decompose.h"
#include "space/unicode.h"
#include "space/vocabulary.h"
#include "space/vocabulary_parts.h"
#include "space/word_cache.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

es_wordpiece *es_wordpiece_create(void)
{
    es_wordpiece *wordpiece = es_alloc(1, sizeof *wordpiece);
    if (!wordpiece) return NULL;
    *wordpiece = (es_wordpiece){.clean_text = true,
                                .separate_ideographs = true,
                                .strip_accents = true,
                                .lower_case = true,
                                .prefix = {"##", 2},
                                .maximum = 100,
                                .unknown_id = -1};
    return wordpiece;
}

/* --- what is done to the text first --- */

static void append_code_point(es_text *out, uint32_t code_point)
{
    char bytes[4];
    es_text_append(out, bytes, (size_t)es_utf8_encode(code_point, bytes));
}

static void append_cased(const es_wordpiece *wordpiece, es_text *out, uint32_t code_point)
{
    if (!wordpiece->lower_case) {
        append_code_point(out, code_point);
    } else if (code_point == 0x130) {
        es_text_add(out, "i\xCC\x87"); /* the one lower case of two characters: i and a dot above */
    } else {
        append_code_point(out, (uint32_t)utf8proc_tolower((utf8proc_int32_t)code_point));
    }
}

/* The characters at the start of text up to the next ASCII one, cleaned and set apart. */
static size_t clean_run(const es_wordpiece *wordpiece, es_bytes text, es_text *out)
{
    size_t at = 0;
    while (at < text.size && (text.data[at] & 0x80)) {
        uint32_t c = 0xFFFD;
        int length = es_utf8_decode(text.data + at, text.size - at, &c);
        if (!length) c = 0xFFFD;
        at += length ? (size_t)length : 1;
        if (wordpiece->clean_text) {
            if (c == 0xFFFD || es_unicode_is_bert_control(c)) continue;
            if (es_unicode_is_white_space(c)) c = ' ';
        }
        bool apart = wordpiece->separate_ideographs && es_unicode_is_bert_ideograph(c);
        if (apart) es_text_append(out, " ", 1);
        append_code_point(out, c);
        if (apart) es_text_append(out, " ", 1);
    }
    return at;
}

/* Canonical decomposition of a run, in canonical order, without marks. */
static void append_decomposed(const es_wordpiece *wordpiece, es_bytes run, es_text *out)
{
    int32_t *points;
    int64_t count = es_decompose(run, UTF8PROC_DECOMPOSE | UTF8PROC_STABLE, &points);
    if (count < 0) out->failed = true;
    for (int64_t i = 0; i < count; i++)
        if (!es_unicode_is_bert_mark((uint32_t)points[i]))
            append_cased(wordpiece, out, (uint32_t)points[i]);
    free(points);
}

/* The same as the reference does it, whose tables of decompositions are older than the one that
 * Unicode 13 brought: U+11938 stays whole. No mark changes places across it. */
static void append_stripped(const es_wordpiece *wordpiece, es_bytes run, es_text *out)
{
    static const char whole[] = "\xF0\x91\xA4\xB8";
    while (run.size) {
        const char *found = memmem(run.data, run.size, whole, strlen(whole));
        size_t before = found ? (size_t)(found - run.data) : run.size;
        if (before) append_decomposed(wordpiece, (es_bytes){run.data, before}, out);
        if (found) es_text_add(out, whole);
        if (found) before += strlen(whole);
        run.data += before;
        run.size -= before;
    }
}

static void append_ascii(const es_wordpiece *wordpiece, es_bytes run, es_text *out)
{
    size_t start = out->size;
    es_text_append(out, run.data, run.size);
    if (out->failed) return;
    char *to = out->data + start;
    for (size_t i = 0; i < run.size; i++) {
        char c = run.data[i];
        if (wordpiece->clean_text) {
            if (c == '\t' || c == '\n' || c == '\r') c = ' ';
            if ((unsigned char)c < ' ' || c == 0x7F) continue;
        }
        if (wordpiece->lower_case && c >= 'A' && c <= 'Z') c |= 0x20;
        *to++ = c;
    }
    out->size = (size_t)(to - out->data);
    *to = '\0';
}

void es_wordpiece_normalize(const es_wordpiece *wordpiece, es_bytes text, es_text *out)
{
    es_text cleaned = {0};
    while (text.size && !out->failed) {
        /* ASCII decomposes to itself and is no mark: runs of it need no tables, and no run of
         * others changes across it. */
        size_t ascii = 0;
        while (ascii < text.size && !(text.data[ascii] & 0x80)) ascii++;
        append_ascii(wordpiece, (es_bytes){text.data, ascii}, out);
        text.data += ascii;
        text.size -= ascii;
        cleaned.size = 0;
        size_t taken = clean_run(wordpiece, text, &cleaned);
        text.data += taken;
        text.size -= taken;
        out->failed |= cleaned.failed;
        es_bytes run = {cleaned.data, cleaned.size};
        if (!cleaned.size || cleaned.failed) continue;
        if (wordpiece->strip_accents) {
            append_stripped(wordpiece, run, out);
            continue;
        }
        for (size_t at = 0; at < run.size;) {
            uint32_t c = 0;
            at += (size_t)es_utf8_decode(run.data + at, run.size - at, &c);
            append_cased(wordpiece, out, c);
        }
    }
    es_text_release(&cleaned);
}

/* --- words to pieces --- */

typedef struct encoder {
    const es_vocabulary *vocabulary;
    const es_wordpiece *wordpiece;
    es_ids *ids;
    es_word_cache cache;
    es_text buffer; /* room for a prefix, then the word */
} encoder;

/* Where the character before text[end) starts. */
static size_t step_back(const char *text, size_t end)
{
    do end--;
    while (end && ((unsigned char)text[end] & 0xC0) == 0x80);
    return end;
}

/* The longest token that word[start ...) begins with: its id and end, or -1. The prefix is written
 * over what lies before `start`, which is spent. */
static int64_t longest_match(encoder *e, size_t start, size_t size, size_t *end)
{
    size_t room = e->wordpiece->prefix.size, prefix = start ? room : 0;
    char *word = e->buffer.data + room;
    memcpy(word + start - prefix, e->wordpiece->prefix.data, prefix);
    size_t stop = size;
    if (stop - start + prefix > e->wordpiece->longest) {
        stop = start + (e->wordpiece->longest > prefix ? e->wordpiece->longest - prefix : 0);
        while (stop > start && ((unsigned char)word[stop] & 0xC0) == 0x80) stop--;
    }
    for (; stop > start; stop = step_back(word, stop)) {
        es_bytes piece = {word + start - prefix, stop - start + prefix};
        int64_t id = es_map_find(&e->vocabulary->by_bytes, piece);
        if (id < 0 || !(e->vocabulary->flags[id] & ES_TOKEN_MODEL)) continue;
        *end = stop;
        return id;
    }
    return -1;
}

static bool too_long(const encoder *e, es_bytes word)
{
    if (word.size <= (size_t)e->wordpiece->maximum) return false;
    int64_t characters = 0;
    for (size_t i = 0; i < word.size; i++)
        characters += ((unsigned char)word.data[i] & 0xC0) != 0x80;
    return characters > e->wordpiece->maximum;
}

static es_status match_word(encoder *e, es_bytes word, es_error *error)
{
    int64_t first = e->ids->count;
    if (too_long(e, word)) return es_ids_append(e->ids, e->wordpiece->unknown_id, error);
    e->buffer.size = 0;
    es_text_append(&e->buffer, e->wordpiece->prefix.data, e->wordpiece->prefix.size);
    es_text_append(&e->buffer, word.data, word.size);
    if (e->buffer.failed) return es_fail_memory(error, "a word", word.size);
    for (size_t start = 0; start < word.size;) {
        size_t end = start;
        int64_t id = longest_match(e, start, word.size, &end);
        if (id < 0) { /* one part unknown: the whole word is */
            e->ids->count = first;
            return es_ids_append(e->ids, e->wordpiece->unknown_id, error);
        }
        ES_TRY(es_ids_append(e->ids, id, error));
        start = end;
    }
    return ES_OK;
}

static es_status encode_word(encoder *e, es_bytes word, es_error *error)
{
    es_word_entry *entry = es_word_cache_slot(&e->cache, word);
    if (entry && es_word_entry_holds(entry, word)) {
        for (uint32_t i = 0; i < entry->count; i++)
            ES_TRY(es_ids_append(e->ids, e->ids->id[entry->at + i], error));
        return ES_OK;
    }
    int64_t start = e->ids->count;
    ES_TRY(match_word(e, word, error));
    if (entry) es_word_entry_fill(entry, word, start, e->ids->count - start);
    return ES_OK;
}

typedef enum character_class { WORD, SPACE, PUNCTUATION } character_class;

static character_class classify(const char *data, size_t size, size_t *length)
{
    uint32_t c = (unsigned char)data[0];
    int taken = c < 0x80 ? 1 : es_utf8_decode(data, size, &c);
    *length = taken ? (size_t)taken : 1;
    if (!taken) return WORD;
    if (es_unicode_is_white_space(c)) return SPACE;
    return es_unicode_is_bert_punctuation(c) ? PUNCTUATION : WORD;
}

static es_status encode_words(encoder *e, es_bytes text, es_error *error)
{
    for (size_t at = 0, length; at < text.size; at += length) {
        size_t start = at;
        character_class class = classify(text.data + at, text.size - at, &length);
        if (class == SPACE) continue;
        while (class == WORD) {
            at += length;
            if (at == text.size) break;
            class = classify(text.data + at, text.size - at, &length);
        }
        if (at > start) ES_TRY(encode_word(e, (es_bytes){text.data + start, at - start}, error));
        if (at == text.size) break;
        if (class == PUNCTUATION) ES_TRY(encode_word(e, (es_bytes){text.data + at, length}, error));
    }
    return ES_OK;
}

es_status es_wordpiece_encode(const es_vocabulary *vocabulary, es_bytes text, es_ids *ids,
                              es_error *error)
{
    encoder e = {.vocabulary = vocabulary, .wordpiece = vocabulary->wordpiece, .ids = ids};
    es_word_cache_start(&e.cache, text.size);
    es_status status = encode_words(&e, text, error);
    free(e.cache.entries);
    es_text_release(&e.buffer);
    return status;
}
