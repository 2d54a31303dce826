/* The random strings of the tokenizer tests; tools/golden/random_text.py makes the same ones. */
#ifndef ES_RANDOM_TEXT_H
#define ES_RANDOM_TEXT_H

#include "base/random.h"
#include "base/text.h"
#include "base/utf8.h"
#include "test.h"

typedef struct random_text {
    es_random random;
    uint32_t *points; /* assigned in Unicode 13 */
    int64_t count;
    unsigned char *assigned; /* (0x110000) */
    es_text text;            /* the last string */
} random_text;

static inline void random_text_start(random_text *r, uint64_t seed)
{
    *r = (random_text){.random = {seed}};
    r->points = calloc(0x110000, sizeof *r->points);
    r->assigned = calloc(0x110000, 1);
    FILE *file = fopen(test_source_path("tests/golden/unicode13.txt"), "r");
    assert_non_null(file);
    char line[128];
    unsigned first, last;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%X %X", &first, &last) != 2) continue;
        for (uint32_t point = first; point <= last && point < 0x110000; point++) {
            r->assigned[point] = 1;
            r->points[r->count++] = point;
        }
    }
    fclose(file);
    assert_true(r->count > 100000);
}

static inline void random_text_end(random_text *r)
{
    free(r->points);
    free(r->assigned);
    es_text_release(&r->text);
}

static inline int64_t random_text_below(random_text *r, int64_t bound)
{
    return es_random_below(&r->random, bound);
}

static inline void random_text_point(random_text *r, uint32_t point)
{
    char bytes[4];
    es_text_append(&r->text, bytes, (size_t)es_utf8_encode(point, bytes));
}

static inline void random_text_within(random_text *r, uint32_t first, int64_t count)
{
    uint32_t point = first + (uint32_t)random_text_below(r, count);
    random_text_point(r, r->assigned[point] ? point : '?');
}

#define RANDOM_TEXT_ONE_OF(r, list)                                                                \
    (list)[random_text_below(r, (int64_t)(sizeof(list) / sizeof *(list)))]

static inline void random_text_piece(random_text *r)
{
    static const char *const words[] = {"the",
                                        "The",
                                        "house",
                                        "HOUSES",
                                        " and",
                                        "embedding",
                                        "naïve",
                                        "Straße",
                                        "İstanbul",
                                        "don't",
                                        "<|endoftext|>",
                                        "[MASK]",
                                        "[CLS]",
                                        "[UNK]",
                                        "<both>",
                                        "<left>",
                                        "<right>",
                                        "word",
                                        "sub",
                                        "Éclair",
                                        "naïve ж",
                                        "ﬁne",
                                        "ｆｕｌｌ",
                                        "ΑΣ",
                                        "ꙮ",
                                        "👩‍👩‍👧",
                                        "🇪🇺",
                                        "각",
                                        "각",
                                        "é",
                                        "q̣̇"};
    static const char *const spaces[] = {"\t",     "\n",     "\r",     "\v",     "\f",
                                         "\xC2\x85", "\xC2\xA0", "\u1680", "\u2003", "\u2028",
                                         "\u202f", "\u3000", "\u180e", "\u200b"};
    static const char *const shorts[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d",
                                         "'S", "’s", "''",  "'",   "_",  "#"};
    int64_t kind = random_text_below(r, 16);
    if (kind < 4)
        random_text_point(r, (uint32_t) "etaoinshrdlucmfw"[random_text_below(r, 16)]);
    else if (kind == 4)
        random_text_point(r, 0x20 + (uint32_t)random_text_below(r, 95));
    else if (kind < 7)
        random_text_point(r, ' ');
    else if (kind == 7)
        es_text_add(&r->text, RANDOM_TEXT_ONE_OF(r, spaces));
    else if (kind == 8)
        es_text_add(&r->text, RANDOM_TEXT_ONE_OF(r, shorts));
    else if (kind < 11)
        es_text_add(&r->text, RANDOM_TEXT_ONE_OF(r, words));
    else if (kind == 11)
        random_text_point(r, '0' + (uint32_t)random_text_below(r, 10));
    else if (kind == 12)
        random_text_within(r, 0xC0, 0x500);
    else if (kind == 13)
        random_text_within(r, 0x300, 0x70);
    else if (kind == 14)
        random_text_within(r, 0x3040, 0xA000);
    else
        random_text_point(r, r->points[random_text_below(r, r->count)]);
}

/* The next string, in r->text. */
static inline void random_text_next(random_text *r)
{
    r->text.size = 0;
    es_text_append(&r->text, "", 0);
    for (int64_t pieces = random_text_below(r, 32); pieces; pieces--) random_text_piece(r);
}

#endif
