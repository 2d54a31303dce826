#include "space/vocabulary_parts.h"

#include <string.h>

/* "Did you mean": by edit distance (insert, delete, replace, swap of neighbours) of the first 64
 * bytes without regard to ASCII case, then by a shared beginning. One pass over all keys, a few
 * machine instructions per byte: three million keys take about a tenth of a second. */
enum { PATTERN = 64, LIMIT_MOST = 16 };

typedef struct pattern {
    unsigned char text[PATTERN];
    int size;
    uint64_t places[256]; /* bit i: text[i] is this byte */
} pattern;

static unsigned char fold(unsigned char byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

static void prepare(pattern *p, es_bytes text)
{
    *p = (pattern){.size = text.size < PATTERN ? (int)text.size : PATTERN};
    for (int i = 0; i < p->size; i++) {
        p->text[i] = fold((unsigned char)text.data[i]);
        p->places[p->text[i]] |= UINT64_C(1) << i;
    }
}

/* Hyyro 2003: the column of the dynamic programme as bits of what grows and what shrinks by one,
 * with his extension for transpositions. size of p >= 1. */
static int edit_distance(const pattern *p, const unsigned char *data, int size)
{
    uint64_t grows = ~UINT64_C(0), shrinks = 0, diagonal = 0, before = 0;
    uint64_t last = UINT64_C(1) << (p->size - 1);
    int distance = p->size;
    for (int j = 0; j < size; j++) {
        uint64_t match = p->places[fold(data[j])];
        uint64_t swapped = ((~diagonal & match) << 1) & before;
        diagonal = (((match & grows) + grows) ^ grows) | match | shrinks | swapped;
        uint64_t right_up = shrinks | ~(diagonal | grows);
        uint64_t right_down = diagonal & grows;
        distance += ((right_up & last) != 0) - ((right_down & last) != 0);
        right_up = right_up << 1 | 1;
        right_down <<= 1;
        grows = right_down | ~(diagonal | right_up);
        shrinks = diagonal & right_up;
        before = match;
    }
    return distance;
}

/* How unlike a key is, small is near; -1 where it is not worth a mention. */
static int unlikeness(const pattern *p, es_bytes text, es_bytes key)
{
    const unsigned char *data = (const unsigned char *)key.data;
    int size = key.size < PATTERN ? (int)key.size : PATTERN, space = 0;
    if (size > 1 && data[0] == ' ' && p->text[0] != ' ') {
        data++; /* " cat" is as near to "caat" as "cat" is, nearly */
        size--;
        space = 1;
    }
    int allowed = p->size > 4 ? 2 : p->size > 2 ? 1 : 0;
    int difference = size > p->size ? size - p->size : p->size - size;
    if (difference <= allowed) {
        int distance = edit_distance(p, data, size);
        bool same_case = !distance && key.size == text.size + (size_t)space &&
                         memcmp(data, text.data, (size_t)size) == 0;
        if (distance <= allowed) return 8 * distance + 4 * !same_case + 2 * space;
    }
    /* The one begins with the other, three bytes at least; a key that goes on where the text ends
     * is nearer than one two edits away. */
    int common = size < p->size ? size : p->size;
    if (common < 3 || difference > 8) return -1;
    for (int i = 0; i < common; i++)
        if (fold(data[i]) != p->text[i]) return -1;
    return (size > p->size ? 12 : 24) + difference + 2 * space;
}

int64_t es_vocabulary_suggest(const es_vocabulary *vocabulary, es_bytes text, int64_t limit,
                              int64_t *ids)
{
    if (!text.size || vocabulary->kind == ES_VOCABULARY_NONE) return 0;
    if (limit > LIMIT_MOST) limit = LIMIT_MOST;
    pattern p;
    prepare(&p, text);
    int scores[LIMIT_MOST];
    int64_t count = 0;
    int64_t rows = vocabulary->rows < vocabulary->count ? vocabulary->rows : vocabulary->count;
    for (int64_t id = 0; id < rows && limit > 0; id++) {
        es_bytes key = vocabulary->tokens[id];
        int score = key.size ? unlikeness(&p, text, key) : -1;
        if (score < 0 || (count == limit && score >= scores[count - 1])) continue;
        int64_t at = count < limit ? count++ : count - 1;
        for (; at && scores[at - 1] > score; at--) {
            scores[at] = scores[at - 1];
            ids[at] = ids[at - 1];
        }
        scores[at] = score;
        ids[at] = id;
    }
    return count;
}
