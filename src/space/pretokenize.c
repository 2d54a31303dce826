#define PCRE2_CODE_UNIT_WIDTH 8
#include "space/pretokenize.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "space/split_pattern.h"
#include "space/unicode.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

typedef enum character_class { OTHER, LETTER, NUMBER, SPACE } character_class;

/* The class of the character at data[0], size >= 1, and its length. */
static character_class classify(const char *data, size_t size, size_t *length)
{
    unsigned char byte = (unsigned char)data[0];
    *length = 1;
    if (byte < 0x80) {
        unsigned char letter = byte | 0x20;
        if (letter >= 'a' && letter <= 'z') return LETTER;
        if (byte >= '0' && byte <= '9') return NUMBER;
        return byte == ' ' || (byte >= 9 && byte <= 13) ? SPACE : OTHER;
    }
    uint32_t code_point;
    int taken = es_utf8_decode(data, size, &code_point);
    if (!taken) return OTHER;
    *length = (size_t)taken;
    if (es_unicode_is_letter(code_point)) return LETTER;
    if (es_unicode_is_number(code_point)) return NUMBER;
    return es_unicode_is_white_space(code_point) ? SPACE : OTHER;
}

/* "'s", "'t", "'re" ...: the size of the one at data, or 0. */
static size_t contraction(const char *data, size_t size)
{
    if (size < 2 || data[0] != '\'') return 0;
    switch (data[1]) {
    case 's':
    case 't':
    case 'm':
    case 'd': return 2;
    case 'r':
    case 'v': return size > 2 && data[2] == 'e' ? 3 : 0;
    case 'l': return size > 2 && data[2] == 'l' ? 3 : 0;
    default: return 0;
    }
}

size_t es_gpt2_piece(const char *data, size_t size)
{
    size_t at = contraction(data, size);
    if (at) return at;
    at = data[0] == ' ' && size > 1;
    size_t length, last;
    character_class class = classify(data + at, size - at, &length);
    if (class == SPACE) {
        at = 0;
        class = classify(data, size, &length);
    }
    do {
        last = at;
        at += length;
    } while (at < size && classify(data + at, size - at, &length) == class);
    /* \s+(?!\S): before a visible character the last white space is left for the next piece, unless
     * it is all there is. */
    return class == SPACE && at < size && last ? last : at;
}

void es_pretokenizer_release(es_pretokenizer *pretokenizer)
{
    for (int i = 0; i < pretokenizer->count; i++) pcre2_code_free(pretokenizer->steps[i].code);
    *pretokenizer = (es_pretokenizer){0};
}

bool es_pretokenizer_add(es_pretokenizer *pretokenizer, es_step_kind kind)
{
    if (pretokenizer->count == ES_MAX_STEPS) return false;
    pretokenizer->steps[pretokenizer->count++] = (es_step){.kind = kind};
    return true;
}

es_status es_pretokenizer_add_split(es_pretokenizer *pretokenizer, es_bytes pattern, bool literal,
                                    es_split_rule rule, const char *where, es_error *error)
{
    if (pretokenizer->count == ES_MAX_STEPS)
        return es_fail(error, ES_UNSUPPORTED, "%s: more than %d pre-tokenizers in a row", where,
                       ES_MAX_STEPS);
    void *code;
    ES_TRY(es_split_pattern_compile(pattern, literal, where, &code, error));
    pretokenizer->steps[pretokenizer->count++] =
        (es_step){.kind = ES_STEP_SPLIT, .code = code, .rule = rule};
    return ES_OK;
}

typedef struct run {
    const es_pretokenizer *pretokenizer;
    es_piece_found *found;
    void *context;
    es_error *error;
} run;

static es_status run_step(const run *run, int index, es_bytes piece);

static es_status run_gpt2(const run *run, int index, es_bytes text)
{
    while (text.size) {
        size_t size = es_gpt2_piece(text.data, text.size);
        ES_TRY(run_step(run, index + 1, (es_bytes){text.data, size}));
        text.data += size;
        text.size -= size;
    }
    return ES_OK;
}

static es_status run_prefix_space(const run *run, int index, es_bytes text)
{
    if (text.data[0] == ' ') return run_step(run, index + 1, text);
    es_text spaced = {0};
    es_text_append(&spaced, " ", 1);
    es_text_append(&spaced, text.data, text.size);
    es_status status = spaced.failed
                           ? es_fail_memory(run->error, "a text", text.size + 1)
                           : run_step(run, index + 1, (es_bytes){spaced.data, spaced.size});
    es_text_release(&spaced);
    return status;
}

typedef struct split_target {
    const run *run;
    int index;
    es_split_rule rule;
} split_target;

static es_status split_part(void *context, es_bytes part, bool matched)
{
    const split_target *target = context;
    if (!part.size || (matched ? target->rule.drop_matches : target->rule.drop_others))
        return ES_OK;
    return run_step(target->run, target->index + 1, part);
}

static es_status run_split(const run *run, int index, es_bytes text)
{
    const es_step *step = &run->pretokenizer->steps[index];
    split_target target = {run, index, step->rule};
    while (text.size) {
        size_t valid = es_utf8_valid_prefix(text.data, text.size);
        if (valid)
            ES_TRY(es_split_pattern_apply(step->code, (es_bytes){text.data, valid}, split_part,
                                          &target, run->error));
        if (valid == text.size) break;
        ES_TRY(run_step(run, index + 1, (es_bytes){text.data + valid, 1}));
        text.data += valid + 1;
        text.size -= valid + 1;
    }
    return ES_OK;
}

static es_status run_step(const run *run, int index, es_bytes piece)
{
    if (index == run->pretokenizer->count) return run->found(run->context, piece, run->error);
    switch (run->pretokenizer->steps[index].kind) {
    case ES_STEP_GPT2: return run_gpt2(run, index, piece);
    case ES_STEP_PREFIX_SPACE: return run_prefix_space(run, index, piece);
    default: return run_split(run, index, piece);
    }
}

es_status es_pretokenize(const es_pretokenizer *pretokenizer, es_bytes text, es_piece_found *found,
                         void *context, es_error *error)
{
    run run = {pretokenizer, found, context, error};
    return text.size ? run_step(&run, 0, text) : ES_OK;
}
