#include "space/added_tokens.h"

#include "base/memory.h"
#include "base/utf8.h"
#include "space/unicode.h"

#include <stdlib.h>
#include <string.h>

bool es_added_add(es_added *added, es_added_token token)
{
    if (!es_grow((void **)&added->tokens, &added->capacity, added->count + 1,
                 sizeof *added->tokens)) {
        if (token.owned) free((char *)token.content.data);
        return false;
    }
    added->tokens[added->count++] = token;
    return true;
}

static int compare_contents(const void *left, const void *right)
{
    es_bytes a = ((const es_added_token *)left)->content;
    es_bytes b = ((const es_added_token *)right)->content;
    size_t common = a.size < b.size ? a.size : b.size;
    int order = memcmp(a.data, b.data, common);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

void es_added_sort(es_added *added)
{
    if (added->count)
        qsort(added->tokens, (size_t)added->count, sizeof *added->tokens, compare_contents);
    memset(added->first, 0, sizeof added->first);
    for (int64_t i = 0; i < added->count; i++)
        added->first[(unsigned char)added->tokens[i].content.data[0] + 1]++;
    for (int b = 0; b < 256; b++) added->first[b + 1] += added->first[b];
}

void es_added_release(es_added *added)
{
    for (int64_t i = 0; i < added->count; i++)
        if (added->tokens[i].owned) free((char *)added->tokens[i].content.data);
    free(added->tokens);
    *added = (es_added){0};
}

/* Of tokens low ... high-1, which agree in their first `depth` bytes: the first one whose byte
 * there is at least `byte` (257 values: a token that ends there sorts before all). */
static int64_t lower_bound(const es_added *added, int64_t low, int64_t high, size_t depth, int byte)
{
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        es_bytes content = added->tokens[middle].content;
        int here = content.size > depth ? (unsigned char)content.data[depth] : -1;
        if (here < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The longest token that text starts with, or NULL. */
static const es_added_token *longest_at(const es_added *added, const char *text, size_t size)
{
    const es_added_token *longest = NULL;
    int64_t low = added->first[(unsigned char)text[0]];
    int64_t high = added->first[(unsigned char)text[0] + 1];
    for (size_t depth = 1; low < high; depth++) {
        if (added->tokens[low].content.size == depth) longest = &added->tokens[low];
        if (depth == size) break;
        int byte = (unsigned char)text[depth];
        low = lower_bound(added, low, high, depth, byte);
        high = lower_bound(added, low, high, depth, byte + 1);
    }
    return longest;
}

/* The code point that ends at text[end), U+FFFD where no well-formed one does. */
static uint32_t code_point_before(es_bytes text, size_t end, size_t *length)
{
    uint32_t code_point = 0;
    for (size_t back = 1; back <= 4 && back <= end; back++) {
        if (es_utf8_decode(text.data + end - back, back, &code_point) != (int)back) continue;
        *length = back;
        return code_point;
    }
    *length = 1;
    return 0xFFFD;
}

static uint32_t code_point_at(es_bytes text, size_t at, size_t *length)
{
    uint32_t code_point = 0xFFFD;
    int taken = es_utf8_decode(text.data + at, text.size - at, &code_point);
    *length = taken ? (size_t)taken : 1;
    return taken ? code_point : 0xFFFD;
}

static bool touches_word(es_bytes text, size_t start, size_t stop)
{
    size_t length;
    return (start && es_unicode_is_word(code_point_before(text, start, &length))) ||
           (stop < text.size && es_unicode_is_word(code_point_at(text, stop, &length)));
}

bool es_added_next(const es_added *added, es_bytes text, bool special, size_t from, size_t *search,
                   es_added_match *match)
{
    if (!added->count) return false;
    for (size_t at = *search; at < text.size; at++) {
        const es_added_token *token = longest_at(added, text.data + at, text.size - at);
        if (!token) continue;
        size_t start = at, stop = at + token->content.size, length;
        *search = stop;
        at = stop - 1; /* where this one is not wanted, the next is looked for after it */
        if (token->special && !special) continue;
        if (token->single_word && touches_word(text, start, stop)) continue;
        while (token->lstrip && start > from &&
               es_unicode_is_white_space(code_point_before(text, start, &length)))
            start -= length;
        while (token->rstrip && stop < text.size &&
               es_unicode_is_white_space(code_point_at(text, stop, &length)))
            stop += length;
        if (start < from) start = from;
        if (stop < start) stop = start;
        *match = (es_added_match){start, stop, token->id};
        return true;
    }
    *search = text.size;
    return false;
}
