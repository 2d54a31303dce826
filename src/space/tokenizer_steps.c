/* The normalizer and the pre_tokenizer of a tokenizer.json. */
#include "base/status.h"
#include "space/tokenizer_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- normalizer --- */

static es_status set_form(es_json *json, const char *type, es_bpe *bpe)
{
    static const struct {
        const char *name;
        es_normal_form form;
    } forms[] = {{"NFC", ES_NORMAL_NFC},
                 {"NFD", ES_NORMAL_NFD},
                 {"NFKC", ES_NORMAL_NFKC},
                 {"NFKD", ES_NORMAL_NFKD}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(type, forms[i].name) != 0) continue;
        bpe->form = forms[i].form;
        return ES_OK;
    }
    return es_tokenizer_unsupported(json, "the normalizer", type);
}

es_status es_tokenizer_read_normalizer(es_json *json, int64_t at, es_vocabulary *vocabulary)
{
    es_wordpiece *wordpiece = vocabulary->wordpiece;
    char type[ES_TOKENIZER_NAME] = "";
    bool lower = true, accents = true, accents_given = false, clean = true, ideographs = true;
    if (at >= 0) ES_TRY(es_tokenizer_enter(json, at));
    if (at < 0 || es_json_peek(json) == ES_JSON_NULL) {
        if (wordpiece)
            wordpiece->clean_text = wordpiece->separate_ideographs = wordpiece->strip_accents =
                wordpiece->lower_case = false;
        return ES_OK;
    }
    ES_TRY(es_json_begin_object(json));
    for (es_bytes key; es_json_next_member(json, &key);) {
        bool ignored, *flag = &ignored;
        if (es_bytes_equal(key, "type")) {
            ES_TRY(es_tokenizer_read_name(json, type));
            continue;
        }
        if (es_bytes_equal(key, "clean_text")) flag = &clean;
        if (es_bytes_equal(key, "handle_chinese_chars")) flag = &ideographs;
        if (es_bytes_equal(key, "lowercase")) flag = &lower;
        if (es_bytes_equal(key, "strip_accents")) flag = &accents;
        accents_given |= flag == &accents && es_json_peek(json) == ES_JSON_BOOL;
        ES_TRY(es_tokenizer_read_flag(json, flag));
    }
    ES_TRY(json->status);
    es_json_seek(json, at);
    if (vocabulary->bpe) return set_form(json, type, vocabulary->bpe);
    if (strcmp(type, "BertNormalizer") != 0)
        return es_tokenizer_unsupported(json, "the normalizer of a WordPiece,", type);
    wordpiece->clean_text = clean;
    wordpiece->separate_ideographs = ideographs;
    wordpiece->lower_case = lower;
    wordpiece->strip_accents = accents_given ? accents : lower;
    return ES_OK;
}

/* --- pre_tokenizer --- */

typedef struct step {
    char type[ES_TOKENIZER_NAME], behavior[ES_TOKENIZER_NAME];
    bool add_prefix_space, use_regex, invert, individual_digits, literal, has_pattern;
    es_text pattern;
    int64_t members, at; /* of a Sequence's array; of the pattern, for messages */
} step;

/* {"Regex": "..."} or {"String": "..."}. */
static es_status read_pattern(es_json *json, step *step)
{
    ES_TRY(es_json_begin_object(json));
    for (es_bytes key, value; es_json_next_member(json, &key);) {
        bool literal = es_bytes_equal(key, "String");
        if ((!literal && !es_bytes_equal(key, "Regex")) || step->has_pattern)
            return es_json_fail(json, "a pattern is one Regex or one String");
        step->at = es_json_tell(json);
        ES_TRY(es_json_string(json, &value));
        step->pattern.size = 0;
        es_text_append(&step->pattern, value.data, value.size);
        if (step->pattern.failed) return es_fail_memory(json->error, "a pattern", value.size);
        step->literal = literal;
        step->has_pattern = true;
    }
    return json->status;
}

static es_status read_step_members(es_json *json, step *step)
{
    ES_TRY(es_json_begin_object(json));
    for (es_bytes key; es_json_next_member(json, &key);) {
        bool ignored, *flag = &ignored;
        if (es_bytes_equal(key, "type")) {
            ES_TRY(es_tokenizer_read_name(json, step->type));
        } else if (es_bytes_equal(key, "behavior")) {
            ES_TRY(es_tokenizer_read_name(json, step->behavior));
        } else if (es_bytes_equal(key, "pattern")) {
            ES_TRY(read_pattern(json, step));
        } else if (es_bytes_equal(key, "pretokenizers")) {
            step->members = es_json_tell(json);
            ES_TRY(es_json_skip(json));
        } else {
            if (es_bytes_equal(key, "add_prefix_space")) flag = &step->add_prefix_space;
            if (es_bytes_equal(key, "use_regex")) flag = &step->use_regex;
            if (es_bytes_equal(key, "invert")) flag = &step->invert;
            if (es_bytes_equal(key, "individual_digits")) flag = &step->individual_digits;
            ES_TRY(es_tokenizer_read_flag(json, flag));
        }
    }
    return json->status;
}

static es_status add_step(es_json *json, es_pretokenizer *pretokenizer, es_step_kind kind)
{
    if (es_pretokenizer_add(pretokenizer, kind)) return ES_OK;
    return es_json_fail(json, "more than %d pre-tokenizers in a row", ES_MAX_STEPS);
}

static es_status add_split(es_json *json, es_pretokenizer *pretokenizer, const step *step)
{
    es_split_rule rule = {0};
    if (!strcmp(step->type, "Digits")) {
        const char *pattern = step->individual_digits ? "\\p{N}" : "\\p{N}+";
        return es_pretokenizer_add_split(pretokenizer, (es_bytes){pattern, strlen(pattern)}, false,
                                         rule, json->path, json->error);
    }
    if (!step->has_pattern) return es_json_fail(json, "a Split without a pattern");
    if (!strcmp(step->behavior, "Removed")) {
        rule.drop_matches = !step->invert;
        rule.drop_others = step->invert;
    } else if (strcmp(step->behavior, "Isolated") != 0) {
        return es_tokenizer_unsupported(json, "the Split behavior", step->behavior);
    }
    char where[512];
    snprintf(where, sizeof where, "%s: at byte %lld", json->path,
             (long long)(json->origin + step->at));
    es_bytes pattern = {step->pattern.data, step->pattern.size};
    if (!pattern.size) return es_json_fail(json, "a Split with an empty pattern");
    return es_pretokenizer_add_split(pretokenizer, pattern, step->literal, rule, where,
                                     json->error);
}

static es_status read_step(es_json *json, es_pretokenizer *pretokenizer, bool *byte_level);

static es_status read_sequence(es_json *json, int64_t members, es_pretokenizer *pretokenizer,
                               bool *byte_level)
{
    int64_t end = es_json_tell(json);
    if (members < 0) return es_json_fail(json, "a Sequence without pretokenizers");
    ES_TRY(es_tokenizer_enter(json, members));
    ES_TRY(es_json_begin_array(json));
    while (es_json_next_element(json)) ES_TRY(read_step(json, pretokenizer, byte_level));
    ES_TRY(json->status);
    es_json_seek(json, end);
    return ES_OK;
}

/* Not nested deeper than the JSON reader allows. */
static es_status read_step(es_json *json, es_pretokenizer *pretokenizer, bool *byte_level)
{
    step step = {.use_regex = true, .members = -1};
    int64_t start = es_json_tell(json);
    es_status status = read_step_members(json, &step);
    int64_t end = es_json_tell(json);
    if (status == ES_OK && !strcmp(step.type, "Sequence")) {
        es_text_release(&step.pattern);
        return read_sequence(json, step.members, pretokenizer, byte_level);
    }
    if (status == ES_OK) es_json_seek(json, start);
    if (status != ES_OK) {
        /* told already */
    } else if (*byte_level) {
        /* What follows would cut the characters that stand for bytes. */
        status = es_tokenizer_unsupported(json, "after ByteLevel, the pre-tokenizer", step.type);
    } else if (!strcmp(step.type, "ByteLevel")) {
        *byte_level = true;
        if (step.add_prefix_space) status = add_step(json, pretokenizer, ES_STEP_PREFIX_SPACE);
        if (status == ES_OK && step.use_regex) status = add_step(json, pretokenizer, ES_STEP_GPT2);
    } else if (!strcmp(step.type, "Split") || !strcmp(step.type, "Digits")) {
        status = add_split(json, pretokenizer, &step);
    } else {
        status = es_tokenizer_unsupported(json, "the pre-tokenizer", step.type);
    }
    es_text_release(&step.pattern);
    if (status == ES_OK) es_json_seek(json, end);
    return status;
}

es_status es_tokenizer_read_pre_tokenizer(es_json *json, int64_t at, es_vocabulary *vocabulary)
{
    if (at >= 0) ES_TRY(es_tokenizer_enter(json, at));
    bool absent = at < 0 || es_json_peek(json) == ES_JSON_NULL;
    if (vocabulary->wordpiece) {
        step step = {.members = -1};
        es_status status = absent ? ES_OK : read_step_members(json, &step);
        es_text_release(&step.pattern);
        ES_TRY(status);
        if (at >= 0) es_json_seek(json, at);
        if (!strcmp(step.type, "BertPreTokenizer")) return ES_OK;
        return es_tokenizer_unsupported(json, "the pre-tokenizer of a WordPiece,",
                                        absent ? "null" : step.type);
    }
    bool byte_level = false;
    if (!absent) ES_TRY(read_step(json, &vocabulary->bpe->pretokenizer, &byte_level));
    if (byte_level) return ES_OK;
    if (at >= 0) es_json_seek(json, at);
    return es_tokenizer_unsupported(json, "a BPE whose pre-tokenizer does not end in", "ByteLevel");
}
