#define PCRE2_CODE_UNIT_WIDTH 8
#include "space/split_pattern.h"

#include "base/text.h"

#include <pcre2.h>
#include <string.h>

/* Steps a single match may take before it is given up, and the heap it may use: a million is far
 * more than any pattern in use needs, and well under a tenth of a second. */
enum { MATCH_LIMIT = 1000000, HEAP_LIMIT_KIB = 64 << 10 };

/* Classes that Oniguruma reads wider or narrower than PCRE2: \s has U+180E there not, \w has marks.
 * Good inside brackets and, in brackets of their own, outside. */
#define WHITE_SPACE "\\p{White_Space}"
#define WORD        "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"

/* The rewriting of a pattern: where it is, and whether inside brackets. */
typedef struct rewriting {
    es_bytes pattern;
    size_t at;
    bool in_class;
    es_text out;
    const char *refused; /* what cannot be rewritten, or NULL */
} rewriting;

static void rewrite_escape(rewriting *r)
{
    char c = r->at + 1 < r->pattern.size ? r->pattern.data[r->at + 1] : '\0';
    switch (c) {
    case 's': es_text_add(&r->out, WHITE_SPACE); break;
    case 'S': es_text_add(&r->out, "\\P{White_Space}"); break;
    case 'w': es_text_add(&r->out, r->in_class ? WORD : "[" WORD "]"); break;
    case 'W':
        if (r->in_class) r->refused = "\\W inside brackets";
        es_text_add(&r->out, "[^" WORD "]");
        break;
    case 'h':
    case 'H': r->refused = "\\h (a hexadecimal digit)"; break;
    case 'b':
    case 'B': r->refused = "\\b"; break;
    case 'R':
    case 'X':
    case 'K':
    case 'g':
    case 'k':
    case 'G': r->refused = "\\R, \\X, \\K, \\g, \\k or \\G"; break;
    default: es_text_append(&r->out, r->pattern.data + r->at, c ? 2 : 1); break;
    }
    r->at += c ? 2 : 1;
}

static void rewrite_in_class(rewriting *r)
{
    const char *data = r->pattern.data + r->at;
    size_t left = r->pattern.size - r->at;
    if (data[0] == '[' && !(left > 1 && data[1] == ':')) r->refused = "brackets inside brackets";
    if (data[0] == '&' && left > 1 && data[1] == '&') r->refused = "&& inside brackets";
    if (data[0] == ']') r->in_class = false;
    size_t size = 1;
    if (data[0] == '[' && left > 1) { /* [:name:], to its end */
        const char *end = memchr(data + 1, ']', left - 1);
        size = end ? (size_t)(end - data) + 1 : left;
    }
    es_text_append(&r->out, data, size);
    r->at += size;
}

/* Rewrite until `until` bytes are out; returns where in the pattern that is. */
static size_t rewrite(rewriting *r, size_t until)
{
    while (r->at < r->pattern.size && r->out.size < until && !r->refused) {
        char c = r->pattern.data[r->at];
        if (c == '\\') {
            rewrite_escape(r);
        } else if (r->in_class) {
            rewrite_in_class(r);
        } else {
            es_text_append(&r->out, &c, 1);
            r->at++;
            if (c != '[') continue;
            r->in_class = true;
            /* A caret, and a bracket that closes nothing yet. */
            while (r->at < r->pattern.size &&
                   (r->pattern.data[r->at] == '^' || r->pattern.data[r->at] == ']')) {
                bool bracket = r->pattern.data[r->at] == ']';
                es_text_append(&r->out, r->pattern.data + r->at++, 1);
                if (bracket) break;
            }
        }
    }
    return r->at;
}

static es_status compile(es_bytes pattern, es_bytes rewritten, bool literal, const char *where,
                         void **code, es_error *error)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context) return es_fail_memory(error, "a pattern", rewritten.size);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    uint32_t options =
        PCRE2_UTF |
        (literal ? PCRE2_LITERAL : PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C);
    int fault;
    PCRE2_SIZE offset;
    *code = pcre2_compile((PCRE2_SPTR)rewritten.data, rewritten.size, options, &fault, &offset,
                          context);
    pcre2_compile_context_free(context);
    if (*code) {
        /* Where the machine has no JIT the interpreter does the same, slower. */
        (void)pcre2_jit_compile(*code, PCRE2_JIT_COMPLETE);
        return ES_OK;
    }
    char reason[160] = "";
    pcre2_get_error_message(fault, (PCRE2_UCHAR *)reason, sizeof reason);
    rewriting again = {.pattern = pattern};
    size_t place = literal ? offset : rewrite(&again, offset);
    es_text_release(&again.out);
    return es_fail(error, ES_BAD_INPUT, "%s: the pattern does not compile at its byte %zu: %s",
                   where, place, reason);
}

es_status es_split_pattern_compile(es_bytes pattern, bool literal, const char *where, void **code,
                                   es_error *error)
{
    if (literal) return compile(pattern, pattern, true, where, code, error);
    rewriting r = {.pattern = pattern};
    rewrite(&r, SIZE_MAX);
    es_text_append(&r.out, "", 0);
    es_status status;
    if (r.refused)
        status =
            es_fail(error, ES_UNSUPPORTED, "%s: at byte %zu of the pattern: %s is not supported",
                    where, r.at, r.refused);
    else if (r.out.failed || !r.out.data)
        status = es_fail_memory(error, "a pattern", pattern.size);
    else
        status = compile(pattern, (es_bytes){r.out.data, r.out.size}, false, where, code, error);
    es_text_release(&r.out);
    return status;
}

/* The next match at or after `from`: 1 and its range, 0 for none, or an error. */
static int next_match(const pcre2_code *code, es_bytes text, size_t from, pcre2_match_data *data,
                      pcre2_match_context *context, size_t range[2])
{
    int found = pcre2_match(code, (PCRE2_SPTR)text.data, text.size, from, PCRE2_NO_UTF_CHECK, data,
                            context);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
        found = pcre2_match(code, (PCRE2_SPTR)text.data, text.size, from,
                            PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, context);
    if (found == PCRE2_ERROR_NOMATCH) return 0;
    if (found < 0) return found;
    range[0] = pcre2_get_ovector_pointer(data)[0];
    range[1] = pcre2_get_ovector_pointer(data)[1];
    return range[0] <= range[1] ? 1 : 0; /* \K in a look-ahead may turn a match round */
}

static size_t next_character(es_bytes text, size_t at)
{
    do at++;
    while (at < text.size && ((unsigned char)text.data[at] & 0xC0) == 0x80);
    return at;
}

static es_status apply(const pcre2_code *code, es_bytes text, pcre2_match_data *data,
                       pcre2_match_context *context, es_split_part *part, void *part_context,
                       es_error *error)
{
    size_t from = 0, end = 0, range[2]; /* end: of the match before */
    bool any = false;
    while (from <= text.size) {
        int found = next_match(code, text, from, data, context, range);
        if (!found) break;
        if (found < 0) {
            char reason[160] = "";
            pcre2_get_error_message(found, (PCRE2_UCHAR *)reason, sizeof reason);
            return es_fail(error, ES_BAD_INPUT,
                           "the tokenizer's pattern gave up at byte %zu of the text: %s", from,
                           reason);
        }
        if (range[0] == range[1] && any && range[0] == end) {
            from = next_character(text, from); /* an empty match right after a match is none */
            continue;
        }
        ES_TRY(part(part_context, (es_bytes){text.data + end, range[0] - end}, false));
        ES_TRY(part(part_context, (es_bytes){text.data + range[0], range[1] - range[0]}, true));
        from = end = range[1];
        any = true;
    }
    return part(part_context, (es_bytes){text.data + end, text.size - end}, false);
}

es_status es_split_pattern_apply(const void *code, es_bytes text, es_split_part *part,
                                 void *context, es_error *error)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    es_status status;
    if (data && limits) {
        pcre2_set_match_limit(limits, MATCH_LIMIT);
        pcre2_set_heap_limit(limits, HEAP_LIMIT_KIB);
        status = apply(code, text, data, limits, part, context, error);
    } else {
        status = es_fail_memory(error, "a match", sizeof(void *));
    }
    pcre2_match_context_free(limits);
    pcre2_match_data_free(data);
    return status;
}
