#include "space/bpe.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "space/decompose.h"
#include "space/vocabulary.h"
#include "space/vocabulary_parts.h"
#include "space/word_cache.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

es_bpe *es_bpe_create(void)
{
    es_bpe *bpe = es_alloc(1, sizeof *bpe);
    if (!bpe) return NULL;
    for (int b = 0; b < 256; b++) bpe->byte_id[b] = -1;
    bpe->unknown_id = -1;
    return bpe;
}

void es_bpe_free(es_bpe *bpe)
{
    if (!bpe) return;
    free(bpe->slots);
    free(bpe->pairs);
    free(bpe->results);
    es_pretokenizer_release(&bpe->pretokenizer);
    free(bpe);
}

/* The slot of a pair, or the free one where it would go. The table's address is mixed in, so that
 * no file can choose ids that collide. */
static int32_t *find_slot(const es_bpe *bpe, uint64_t pair)
{
    uint64_t hash = (pair ^ (uint64_t)(uintptr_t)bpe->slots) * 0xBF58476D1CE4E5B9u;
    hash = (hash ^ hash >> 31) * 0x94D049BB133111EBu;
    uint64_t mask = (uint64_t)bpe->slot_count - 1;
    for (uint64_t i = (hash >> 20) & mask;; i = (i + 1) & mask) {
        int32_t *slot = &bpe->slots[i];
        if (*slot < 0 || bpe->pairs[*slot] == pair) return slot;
    }
}

bool es_bpe_reserve(es_bpe *bpe, int64_t merges)
{
    if (merges > ES_TOKEN_ID_LIMIT ||
        !es_grow((void **)&bpe->results, &bpe->result_capacity, merges, sizeof *bpe->results) ||
        !es_grow((void **)&bpe->pairs, &bpe->pair_capacity, merges, sizeof *bpe->pairs))
        return false;
    int64_t count = bpe->slot_count ? bpe->slot_count : 16;
    while (count < 2 * merges) count *= 2;
    if (count == bpe->slot_count) return true;
    int32_t *slots = es_alloc_aligned(count, sizeof *slots);
    if (!slots) return false;
    memset(slots, 0xFF, (size_t)count * sizeof *slots);
    free(bpe->slots);
    bpe->slots = slots;
    bpe->slot_count = count;
    for (int64_t rank = 0; rank < bpe->rank_count; rank++)
        *find_slot(bpe, bpe->pairs[rank]) = (int32_t)rank;
    return true;
}

void es_bpe_add_merge(es_bpe *bpe, int64_t left, int64_t right, int64_t result)
{
    int64_t rank = bpe->rank_count++;
    bpe->pairs[rank] = (uint64_t)left << 32 | (uint64_t)right;
    bpe->results[rank] = (int32_t)result;
    *find_slot(bpe, bpe->pairs[rank]) = (int32_t)rank;
}

/* The byte that a character stands for, or -1. */
static int byte_of(uint32_t c)
{
    if ((c >= 33 && c <= 126) || (c >= 161 && c <= 172) || (c >= 174 && c <= 255)) return (int)c;
    if (c < 256 || c > 256 + 67) return -1;
    int n = (int)c - 256;
    return n <= 32 ? n : n <= 66 ? n + 94 : 173;
}

uint32_t es_bpe_letter(unsigned char byte)
{
    if (byte <= 32) return 256 + (uint32_t)byte;
    if (byte >= 127 && byte <= 160) return 256 - 94 + (uint32_t)byte;
    return byte == 173 ? 256 + 67 : byte;
}

int64_t es_bpe_decode_key(es_bytes key, char *out)
{
    int64_t size = 0;
    for (size_t at = 0; at < key.size;) {
        unsigned char lead = (unsigned char)key.data[at];
        uint32_t code_point = lead;
        int length = lead < 0x80 ? 1 : es_utf8_decode(key.data + at, key.size - at, &code_point);
        int byte = length ? byte_of(code_point) : -1;
        if (byte < 0) return -1;
        out[size++] = (char)byte;
        at += (size_t)length;
    }
    return size;
}

/* A symbol of the word that is being merged; `next` and `previous` are places, -1 at the ends. A
 * symbol that was swallowed by its left neighbour has id -1. */
typedef struct symbol {
    int32_t id, previous, next;
    int64_t rank; /* of the merge with the next one, -1 for none */
} symbol;

/* What one call needs. */
typedef struct encoder {
    const es_vocabulary *vocabulary;
    const es_bpe *bpe;
    es_ids *ids;
    es_word_cache cache;
    symbol *symbols;
    int64_t symbol_capacity;
    uint64_t *heap; /* rank << 31 | place, the smallest first: lowest rank, then leftmost */
    int64_t heap_size, heap_capacity;
} encoder;

enum { PLACE_BITS = 31 };

static bool heap_push(encoder *e, int64_t rank, int64_t place)
{
    if (!es_grow((void **)&e->heap, &e->heap_capacity, e->heap_size + 1, sizeof *e->heap))
        return false;
    uint64_t entry = (uint64_t)rank << PLACE_BITS | (uint64_t)place;
    int64_t at = e->heap_size++;
    for (; at && e->heap[(at - 1) / 2] > entry; at = (at - 1) / 2)
        e->heap[at] = e->heap[(at - 1) / 2];
    e->heap[at] = entry;
    return true;
}

static uint64_t heap_pop(encoder *e)
{
    uint64_t top = e->heap[0], moved = e->heap[--e->heap_size];
    int64_t at = 0;
    for (int64_t child; (child = 2 * at + 1) < e->heap_size; at = child) {
        if (child + 1 < e->heap_size && e->heap[child + 1] < e->heap[child]) child++;
        if (e->heap[child] >= moved) break;
        e->heap[at] = e->heap[child];
    }
    e->heap[at] = moved;
    return top;
}

/* Look up the merge of a place with its right neighbour and queue it. */
static bool queue_pair(encoder *e, int64_t place)
{
    symbol *left = &e->symbols[place];
    left->rank = -1;
    if (left->next < 0 || !e->bpe->slot_count) return true;
    uint64_t pair = (uint64_t)left->id << 32 | (uint64_t)e->symbols[left->next].id;
    left->rank = *find_slot(e->bpe, pair);
    return left->rank < 0 || heap_push(e, left->rank, place);
}

/* Merge until no pair of neighbours has a merge: n symbols cost O(n log n), a word of a megabyte
 * too. Entries of the queue that a merge has made void are told by the rank at their place. */
static bool merge_symbols(encoder *e, int64_t count)
{
    e->heap_size = 0;
    for (int64_t i = 0; i + 1 < count; i++)
        if (!queue_pair(e, i)) return false;
    if (count) e->symbols[count - 1].rank = -1;
    while (e->heap_size) {
        uint64_t top = heap_pop(e);
        int64_t place = (int64_t)(top & ((UINT64_C(1) << PLACE_BITS) - 1));
        int64_t rank = (int64_t)(top >> PLACE_BITS);
        symbol *left = &e->symbols[place];
        if (left->id < 0 || left->rank != rank) continue;
        symbol *right = &e->symbols[left->next];
        left->id = e->bpe->results[rank];
        left->next = right->next;
        right->id = -1;
        right->rank = -1;
        if (left->next >= 0) e->symbols[left->next].previous = (int32_t)place;
        if (!queue_pair(e, place)) return false;
        if (left->previous >= 0 && !queue_pair(e, left->previous)) return false;
    }
    return true;
}

/* The word as one symbol per byte. */
static es_status start_symbols(encoder *e, es_bytes word, int64_t *count, es_error *error)
{
    if (word.size >= (UINT64_C(1) << PLACE_BITS))
        return es_fail(error, ES_BAD_INPUT,
                       "a word of %zu bytes in the text; at most 2 GiB can be encoded", word.size);
    if (!es_grow((void **)&e->symbols, &e->symbol_capacity, (int64_t)word.size, sizeof *e->symbols))
        return es_fail_memory(error, "a word", word.size * sizeof *e->symbols);
    int64_t used = 0;
    bool unknown_before = false;
    for (size_t i = 0; i < word.size; i++) {
        unsigned char byte = (unsigned char)word.data[i];
        int64_t id = e->bpe->byte_id[byte];
        bool unknown = id < 0;
        if (unknown && e->bpe->unknown_id < 0)
            return es_fail(error, ES_NOT_FOUND,
                           "byte 0x%02X of the text has no token in this vocabulary", byte);
        if (unknown) id = e->bpe->unknown_id;
        if (!unknown || !unknown_before || !e->bpe->fuse_unknown) {
            e->symbols[used] = (symbol){(int32_t)id, (int32_t)used - 1, (int32_t)used + 1, -1};
            used++;
        }
        unknown_before = unknown;
    }
    if (used) e->symbols[used - 1].next = -1;
    *count = used;
    return ES_OK;
}

static es_status encode_symbols(encoder *e, es_bytes word, es_error *error)
{
    int64_t count = 0;
    ES_TRY(start_symbols(e, word, &count, error));
    if (!merge_symbols(e, count))
        return es_fail_memory(error, "a word", word.size * sizeof *e->heap);
    for (int64_t at = count ? 0 : -1; at >= 0; at = e->symbols[at].next)
        ES_TRY(es_ids_append(e->ids, e->symbols[at].id, error));
    return ES_OK;
}

static es_status encode_word(void *context, es_bytes word, es_error *error)
{
    encoder *e = context;
    es_word_entry *entry = es_word_cache_slot(&e->cache, word);
    if (entry && es_word_entry_holds(entry, word)) {
        for (uint32_t i = 0; i < entry->count; i++)
            ES_TRY(es_ids_append(e->ids, e->ids->id[entry->at + i], error));
        return ES_OK;
    }
    int64_t start = e->ids->count, whole = -1;
    if (e->bpe->ignore_merges) {
        whole = es_map_find(&e->vocabulary->by_bytes, word);
        if (whole >= 0 && !(e->vocabulary->flags[whole] & ES_TOKEN_MODEL)) whole = -1;
    }
    if (whole >= 0)
        ES_TRY(es_ids_append(e->ids, whole, error));
    else
        ES_TRY(encode_symbols(e, word, error));
    if (entry) es_word_entry_fill(entry, word, start, e->ids->count - start);
    return ES_OK;
}

es_status es_bpe_encode(const es_vocabulary *vocabulary, es_bytes text, es_ids *ids,
                        es_error *error)
{
    encoder e = {.vocabulary = vocabulary, .bpe = vocabulary->bpe, .ids = ids};
    es_word_cache_start(&e.cache, text.size);
    es_status status = es_pretokenize(&e.bpe->pretokenizer, text, encode_word, &e, error);
    free(e.cache.entries);
    free(e.symbols);
    free(e.heap);
    return status;
}

static utf8proc_option_t form_options(es_normal_form form)
{
    switch (form) {
    case ES_NORMAL_NFC: return UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    case ES_NORMAL_NFD: return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
    case ES_NORMAL_NFKC: return UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
    default: return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT;
    }
}

es_status es_bpe_normalize(const es_bpe *bpe, es_bytes text, es_bytes *out, es_error *error)
{
    *out = text;
    if (bpe->form == ES_NORMAL_NONE) return ES_OK;
    es_text result = {0};
    es_status status = ES_OK;
    for (size_t at = 0; status == ES_OK && at < text.size;) {
        size_t valid = es_utf8_valid_prefix(text.data + at, text.size - at);
        utf8proc_option_t options = form_options(bpe->form);
        int32_t *points = NULL;
        int64_t count = es_decompose((es_bytes){text.data + at, valid}, options, &points);
        /* In place: UTF-8 takes no more than four bytes a code point. */
        utf8proc_ssize_t size = count > 0 ? utf8proc_reencode(points, count, options) : count;
        if (size < 0)
            status = es_fail_memory(error, "a normalised text", valid);
        else
            es_text_append(&result, (const char *)points, (size_t)size);
        free(points);
        at += valid;
        if (at < text.size) es_text_append(&result, text.data + at++, 1);
    }
    if (status == ES_OK && (result.failed || !result.data))
        status = text.size ? es_fail_memory(error, "a normalised text", text.size) : ES_OK;
    if (status == ES_OK && text.size)
        *out = (es_bytes){result.data, result.size};
    else
        es_text_release(&result);
    return status;
}
