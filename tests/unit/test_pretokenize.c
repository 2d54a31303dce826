#define PCRE2_CODE_UNIT_WIDTH 8
#include "space/pretokenize.h"

#include "random_text.h"

#include <pcre2.h>

/* The pattern whose pieces es_gpt2_piece() cuts; \p{White_Space} because PCRE2's \s has U+180E. */
#define SPACE "\\p{White_Space}"
#define GPT2_PATTERN                                                                               \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" SPACE "\\p{L}\\p{N}]+|" SPACE               \
    "+(?!\\P{White_Space})|" SPACE "+"

static void pieces_are_those_of_the_pattern(void **state)
{
    (void)state;
    int fault;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)GPT2_PATTERN, PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_UCP, &fault, &offset, NULL);
    assert_non_null(code);
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    random_text random;
    random_text_start(&random, 7);
    for (int i = 0; i < 20000; i++) {
        random_text_next(&random);
        for (size_t at = 0; at < random.text.size;) {
            size_t size = es_gpt2_piece(random.text.data + at, random.text.size - at);
            int found = pcre2_match(code, (PCRE2_SPTR)random.text.data, random.text.size, at,
                                    PCRE2_ANCHORED, data, NULL);
            assert_true(found > 0);
            size_t end = pcre2_get_ovector_pointer(data)[1];
            if (at + size != end) {
                char escaped[1024];
                es_utf8_escape(random.text.data, random.text.size, escaped, sizeof escaped);
                fail_msg("string %d at byte %zu: %zu bytes, the pattern has %zu: '%s'", i, at, size,
                         end - at, escaped);
            }
            at = end;
        }
    }
    random_text_end(&random);
    pcre2_match_data_free(data);
    pcre2_code_free(code);
}

static void bytes_of_no_character_are_symbols(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t piece;
    } cases[] = {{"a\xFFz", 1},
                 {"\xFF\xFE!a", 3},
                 {" \xFF"
                  "a",
                  2},
                 {"\xC3", 1},
                 {"\xC3\xA9\xC3", 2},
                 {"  \xFF", 1},
                 {"\xED\xA0\x80", 3},
                 {"'\xFFs", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(es_gpt2_piece(cases[i].text, strlen(cases[i].text)), cases[i].piece);
}

typedef struct pieces {
    char text[256];
} pieces;

static es_status note_piece(void *context, es_bytes piece, es_error *error)
{
    (void)error;
    pieces *pieces = context;
    size_t used = strlen(pieces->text);
    snprintf(pieces->text + used, sizeof pieces->text - used, "[%.*s]", (int)piece.size,
             piece.data);
    return ES_OK;
}

static es_status split(const char *pattern, es_split_rule rule, const char *text, pieces *pieces,
                       es_error *error)
{
    es_pretokenizer pretokenizer = {0};
    *pieces = (struct pieces){0};
    es_status status = es_pretokenizer_add_split(
        &pretokenizer, (es_bytes){pattern, strlen(pattern)}, false, rule, "p", error);
    if (status == ES_OK)
        status = es_pretokenize(&pretokenizer, (es_bytes){text, strlen(text)}, note_piece, pieces,
                                error);
    es_pretokenizer_release(&pretokenizer);
    return status;
}

static void a_split_cuts_as_its_rule_says(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text, *pieces;
        es_split_rule rule;
    } cases[] = {
        {"b+", "abbcb", "[a][bb][c][b]", {0}},
        {"b+", "abbcb", "[a][c]", {.drop_matches = true}},
        {"b+", "abbcb", "[bb][b]", {.drop_others = true}},
        {"x*", "axxb", "[a][xx][b]", {0}},
        {"(?=b)", "abab", "[a][ba][b]", {0}},
        {"\\s",
         "a\xE1\xA0\x8E"
         "b",
         "[a\xE1\xA0\x8E"
         "b]",
         {0}},
        {"[\\s]+", "a \t b", "[a][ \t ][b]", {0}},
        {"\\w+", "e\xCC\x81_ -", "[e\xCC\x81_][ -]", {0}},
        {"[]a]+", "]ab", "[]a][b]", {0}},
        {"[^]a]+", "]ab", "[]a][b]", {0}},
        {"[[:alpha:]]+", "1ab2", "[1][ab][2]", {0}},
        {"\\[a\\]", "x[a]", "[x][[a]]", {0}},
        {"a",
         "ba\xFF"
         "ab",
         "[b][a][\xFF][a][b]",
         {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_error error = {0};
        pieces pieces;
        assert_ok(split(cases[i].pattern, cases[i].rule, cases[i].text, &pieces, &error), error);
        assert_string_equal(pieces.text, cases[i].pieces);
    }
}

static void patterns_that_cannot_be_run_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        es_status status;
        const char *says;
    } bad[] = {
        {"a(b", ES_BAD_INPUT, "p: the pattern does not compile at its byte 3: missing"},
        {"\\s\\s(b", ES_BAD_INPUT, "does not compile at its byte 6"},
        {"*a", ES_BAD_INPUT, "does not compile at its byte"},
        {"[a", ES_BAD_INPUT, "does not compile at its byte 2"},
        {"\\p{Nonsense}", ES_BAD_INPUT, "does not compile at its byte"},
        {"[a&&b]", ES_UNSUPPORTED, "p: at byte 3 of the pattern: && inside brackets"},
        {"[a[bc]]", ES_UNSUPPORTED, "brackets inside brackets"},
        {"\\h", ES_UNSUPPORTED, "\\h (a hexadecimal digit)"},
        {"\\ba", ES_UNSUPPORTED, "\\b is not supported"},
        {"\\", ES_BAD_INPUT, "does not compile"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        es_error error = {0};
        pieces pieces;
        assert_int_equal(split(bad[i].pattern, (es_split_rule){0}, "a", &pieces, &error),
                         bad[i].status);
        assert_says(error, bad[i].says);
    }
}

static void a_pattern_that_explodes_is_given_up(void **state)
{
    (void)state;
    es_error error = {0};
    pieces pieces;
    es_status status = split("(a+)+$", (es_split_rule){0}, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
                             &pieces, &error);
    assert_int_equal(status, ES_BAD_INPUT);
    assert_says(error, "the tokenizer's pattern gave up at byte 0 of the text: match limit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_those_of_the_pattern),
        cmocka_unit_test(bytes_of_no_character_are_symbols),
        cmocka_unit_test(a_split_cuts_as_its_rule_says),
        cmocka_unit_test(patterns_that_cannot_be_run_say_why),
        cmocka_unit_test(a_pattern_that_explodes_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
