/* Which tokenizer.json files are read, and what is said of those that are not. */
#include "base/memory.h"
#include "space/vocabulary.h"
#include "space/vocabulary_read.h"
#include "test.h"

#define VOCAB  "\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"ab\":3,\"abc\":4,\"\\u0120\":5}"
#define MODEL  "\"model\":{\"type\":\"BPE\"," VOCAB ",\"merges\":[\"a b\",\"ab c\"]}"
#define LEVEL  "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"
#define PIECES "\"vocab\":{\"[UNK]\":0,\"a\":1,\"##b\":2}"
#define BERT   "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}"

static es_status read_text(const char *text, es_vocabulary **vocabulary, es_error *error)
{
    *vocabulary = NULL;
    es_document document = {"t.json", text, (int64_t)strlen(text)};
    return es_vocabulary_read_tokenizer(document, 8, vocabulary, error);
}

static void assert_encodes(const char *tokenizer, const char *text, const char *expected)
{
    es_vocabulary *vocabulary;
    es_error error = {0};
    es_ids ids = {0};
    assert_ok(read_text(tokenizer, &vocabulary, &error), error);
    assert_ok(es_vocabulary_encode(vocabulary, (es_bytes){text, strlen(text)}, true, &ids, &error),
              error);
    char shown[512] = "";
    for (int64_t i = 0; i < ids.count; i++)
        snprintf(shown + strlen(shown), 32, "%s%lld", i ? " " : "", (long long)ids.id[i]);
    assert_string_equal(shown, expected);
    es_ids_release(&ids);
    es_vocabulary_free(vocabulary);
}

static void members_may_stand_in_any_order(void **state)
{
    (void)state;
    static const char *const same[] = {
        "{" MODEL "," LEVEL "}",
        "{" LEVEL "," MODEL "}",
        "{\"version\":\"1.0\",\"x\":[{}],\"normalizer\":null," LEVEL ",\"added_tokens\":[]," MODEL
        "}",
        "{" LEVEL ",\"model\":{\"merges\":[\"a b\",\"ab c\"]," VOCAB ",\"type\":\"BPE\"}}",
        "{" LEVEL ",\"model\":{\"merges\":[[\"a\",\"b\"],[\"ab\",\"c\"]],\"type\":\"BPE\"," VOCAB
        "}}",
        "{\"model\":{" VOCAB ",\"merges\":[\"a b\",[\"a\\u0062\",\"\\u0063\"]]}," LEVEL "}",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_encodes(same[i], "abc abca", "4 5 4 0");
}

static void added_tokens_may_have_an_id_of_the_vocabulary(void **state)
{
    (void)state;
#define ADDED(list) "{\"added_tokens\":[" list "]," MODEL "," LEVEL "}"
    assert_encodes(ADDED("{\"id\":3,\"content\":\"ab\",\"special\":true}"), "abc", "3 2");
    assert_encodes(ADDED("{\"id\":7,\"content\":\"<e>\",\"special\":true}"), "ab<e>c", "3 7 2");
    assert_encodes(ADDED("{\"id\":7,\"content\":\"\",\"special\":true}"), "ab", "3");
    assert_encodes(ADDED("{\"id\":7,\"content\":\"bb\"},{\"id\":6,\"content\":\"bbb\"}"), "abbbb",
                   "0 6 1");
    /* Beyond the rows: the encoder knows it, the rows do not. */
    assert_encodes(ADDED("{\"id\":60,\"content\":\"<e>\"}"), "a<e>", "0 60");
    assert_encodes(ADDED("{\"id\":7,\"content\":\"b\\u0000\"}"), "ab", "3");
}

static void unknown_bytes_take_the_unknown_token(void **state)
{
    (void)state;
#define UNKNOWN(more)                                                                              \
    "{\"model\":{\"type\":\"BPE\",\"unk_token\":\"c\"" more "," VOCAB ",\"merges\":[]}," LEVEL "}"
    assert_encodes(UNKNOWN(""), "axyb", "0 2 2 1");
    assert_encodes(UNKNOWN(",\"fuse_unk\":true"), "axyb", "0 2 1");
}

static void wordpiece_members_count(void **state)
{
    (void)state;
#define PIECE(more) "{\"model\":{\"type\":\"WordPiece\"" more "," PIECES "}," BERT "}"
    assert_encodes(PIECE(""), "a aa ab", "1 0 1 2");
    assert_encodes(PIECE(",\"continuing_subword_prefix\":\"\""), "a aa ab", "1 1 1 0");
    assert_encodes(PIECE(",\"continuing_subword_prefix\":\"##\""), "a aa ab A", "1 0 1 2 0");
    assert_encodes(PIECE(",\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":2"),
                   "ab abb", "1 2 0");
    assert_encodes("{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"a\"," PIECES "}," BERT
                   ",\"normalizer\":{\"type\":\"BertNormalizer\"}}",
                   "A x", "1 1");
}

static const struct {
    const char *text;
    es_status status;
    const char *says;
} bad[] = {
    {"", ES_BAD_INPUT, "t.json: at byte 0: the JSON text ends"},
    {"{}", ES_BAD_INPUT, "a tokenizer without a model"},
    {"{" MODEL "," MODEL "}", ES_BAD_INPUT, "'model' is given twice"},
    {"{\"model\":{}}", ES_BAD_INPUT, "t.json: at byte 9: the tokenizer's model has no type"},
    {"{\"model\":3}", ES_BAD_INPUT, "t.json: at byte 9: '3' where an object"},
    {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",0.5]]}}", ES_UNSUPPORTED,
     "t.json: at byte 9: the SentencePiece tokenizer model 'Unigram' is not supported yet; name "
     "rows with --vocab"},
    {"{\"model\":{\"type\":\"WordLevel\",\"vocab\":{}}}", ES_UNSUPPORTED,
     "model 'WordLevel' is not"},
    {"{\"model\":{\"type\":\"BPE\",\"merges\":[]}}", ES_BAD_INPUT, "has no vocab"},
    {"{\"model\":{\"type\":\"BPE\",\"vocab\":{}}}", ES_BAD_INPUT, "has no merges"},
    {"{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true," VOCAB ",\"merges\":[]}}",
     ES_UNSUPPORTED, "'byte_fallback' is not supported"},
    {"{\"model\":{\"type\":\"BPE\",\"end_of_word_suffix\":\"</w>\"," VOCAB ",\"merges\":[]}}",
     ES_UNSUPPORTED, "'end_of_word_suffix'"},
    {"{\"model\":{\"type\":\"BPE\",\"dropout\":0.1," VOCAB ",\"merges\":[]}}", ES_UNSUPPORTED,
     "'dropout'"},
    {"{\"model\":{\"type\":\"BPE\"," VOCAB ",\"merges\":[\"ab\"]}," LEVEL "}", ES_BAD_INPUT,
     "a merge is two tokens"},
    {"{\"model\":{\"type\":\"BPE\"," VOCAB ",\"merges\":[[\"a\"]]}," LEVEL "}", ES_BAD_INPUT,
     "a merge is two tokens"},
    {"{\"model\":{\"type\":\"BPE\"," VOCAB ",\"merges\":[[\"a\",\"b\",\"c\"]]}," LEVEL "}",
     ES_BAD_INPUT, "a merge is two tokens"},
    {"{\"model\":{\"type\":\"BPE\"," VOCAB ",\"merges\":[\"a c\"]}," LEVEL "}", ES_BAD_INPUT,
     "t.json: at byte 87: what this merge makes is not in the vocabulary"},
    {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}", ES_BAD_INPUT,
     "token id 0 is given twice"},
    {"{" MODEL "}", ES_UNSUPPORTED, "does not end in 'ByteLevel'"},
    {"{" MODEL ",\"pre_tokenizer\":{\"type\":\"Metaspace\"}}", ES_UNSUPPORTED,
     "the pre-tokenizer 'Metaspace' is not supported yet"},
    {"{" MODEL ",\"pre_tokenizer\":{\"type\":\"Sequence\"}}", ES_BAD_INPUT,
     "without pretokenizers"},
    {"{" MODEL
     ",\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},"
     "{\"type\":\"Digits\"}]}}",
     ES_UNSUPPORTED, "after ByteLevel, the pre-tokenizer 'Digits'"},
    {"{" MODEL ",\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
     "\"pattern\":{\"Regex\":\"a(b\"},\"behavior\":\"Isolated\"},{\"type\":\"ByteLevel\"}]}}",
     ES_BAD_INPUT, "the pattern does not compile at its byte 3: missing closing parenthesis"},
    {"{" MODEL ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a\"},"
     "\"behavior\":\"Contiguous\"}}",
     ES_UNSUPPORTED, "the Split behavior 'Contiguous'"},
    {"{" MODEL ",\"pre_tokenizer\":{\"type\":\"Split\"}}", ES_BAD_INPUT, "Split without a pattern"},
    {"{" MODEL "," LEVEL ",\"normalizer\":{\"type\":\"Prepend\"}}", ES_UNSUPPORTED,
     "the normalizer 'Prepend'"},
    {"{" MODEL "," LEVEL ",\"added_tokens\":[{\"id\":1,\"content\":\"ab\"}]}", ES_BAD_INPUT,
     "the added token has id 1, but the vocabulary gives it id 3"},
    {"{" MODEL "," LEVEL ",\"added_tokens\":[{\"id\":1,\"content\":\"<x>\"}]}", ES_BAD_INPUT,
     "id 1 of the added token is another token's"},
    {"{" MODEL "," LEVEL ",\"added_tokens\":[{\"content\":\"<x>\"}]}", ES_BAD_INPUT,
     "an added token's id must be at least 0"},
    {"{" MODEL "," LEVEL ",\"added_tokens\":[{\"id\":99999999,\"content\":\"<x>\"}]}", ES_BAD_INPUT,
     "an added token's id must be at least 0 and below"},
    {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0}}," BERT "}", ES_BAD_INPUT,
     "t.json: at byte 37: the unknown token is not in the vocabulary"},
    {"{\"model\":{\"type\":\"WordPiece\"," PIECES ",\"max_input_chars_per_word\":-1}," BERT "}",
     ES_BAD_INPUT, "max_input_chars_per_word is -1"},
    {"{\"model\":{\"type\":\"WordPiece\"," PIECES "}}", ES_UNSUPPORTED, "of a WordPiece, 'null'"},
    {"{\"model\":{\"type\":\"WordPiece\"," PIECES "}," BERT ",\"normalizer\":{\"type\":\"NFC\"}}",
     ES_UNSUPPORTED, "the normalizer of a WordPiece, 'NFC'"},
};

static void broken_files_say_where_and_what(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        es_vocabulary *vocabulary;
        es_error error = {0};
        es_status status = read_text(bad[i].text, &vocabulary, &error);
        assert_says(error, bad[i].says);
        assert_int_equal(status, bad[i].status);
        assert_null(vocabulary);
    }
}

static void no_beginning_of_a_file_is_a_file(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"added_tokens\":[{\"id\":7,\"content\":\"<e>\",\"special\":true}]," LEVEL "," MODEL "}";
    for (size_t size = 0; size < strlen(whole); size++) {
        /* A copy of that size, so that a sanitizer sees a read past its end. */
        char *part = es_copy_bytes(whole, size), *exact = malloc(size ? size : 1);
        memcpy(exact, part, size);
        es_vocabulary *vocabulary = NULL;
        es_error error = {0};
        es_document document = {"t.json", exact, (int64_t)size};
        assert_int_not_equal(es_vocabulary_read_tokenizer(document, 8, &vocabulary, &error), ES_OK);
        assert_says(error, "t.json: at byte ");
        free(part);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_may_stand_in_any_order),
        cmocka_unit_test(added_tokens_may_have_an_id_of_the_vocabulary),
        cmocka_unit_test(unknown_bytes_take_the_unknown_token),
        cmocka_unit_test(wordpiece_members_count),
        cmocka_unit_test(broken_files_say_where_and_what),
        cmocka_unit_test(no_beginning_of_a_file_is_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
