#define _GNU_SOURCE /* memmem, strtok_r */
/* Byte for byte what the reference tokenizers answer: on random strings over the code points of
 * Unicode 13 (tools/golden/tokenizers_golden.py) and on the strings that come with real
 * vocabularies. */
#include "base/file.h"
#include "random_text.h"
#include "space/unicode.h"
#include "space/vocabulary.h"
#include "space/vocabulary_read.h"

/* FNV-1a, folded to 16 bits. */
static unsigned hash_bytes(const void *data, size_t size)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ ((const unsigned char *)data)[i]) * 16777619u;
    return (hash >> 16) ^ (hash & 0xFFFF);
}

/* Of the ids as 32-bit little-endian numbers. */
static unsigned hash16(const es_ids *ids)
{
    es_text bytes = {0};
    for (int64_t i = 0; i < ids->count; i++)
        for (int shift = 0; shift < 32; shift += 8)
            es_text_append(&bytes, (char[]){(char)(ids->id[i] >> shift & 0xFF)}, 1);
    unsigned hash = hash_bytes(bytes.data, bytes.size);
    es_text_release(&bytes);
    return hash;
}

static es_bytes read_file(const char *path)
{
    es_error error = {0};
    char *data;
    int64_t size;
    assert_ok(es_file_read_all(path, 1 << 28, &data, &size, &error), error);
    return (es_bytes){data, (size_t)size};
}

static es_document document_of(const char *path, es_bytes text)
{
    return (es_document){path, text.data, (int64_t)text.size};
}

static void show_ids(const es_ids *ids, char *out, size_t capacity)
{
    size_t used = 0;
    *out = '\0';
    for (int64_t i = 0; i < ids->count && used + 24 < capacity; i++)
        used += (size_t)snprintf(out + used, capacity - used, " %lld", (long long)ids->id[i]);
}

/* Encode `count` random strings and compare with the hashes, two bytes each. */
static void compare_random(const es_vocabulary *vocabulary, const char *name, bool special,
                           const char *hashes, int64_t count)
{
    random_text random;
    random_text_start(&random, 1);
    es_ids ids = {0};
    int64_t wrong = 0;
    for (int64_t i = 0; i < count; i++) {
        random_text_next(&random);
        es_error error = {0};
        ids.count = 0;
        es_bytes text = {random.text.data, random.text.size};
        assert_ok(es_vocabulary_encode(vocabulary, text, special, &ids, &error), error);
        unsigned expected = (unsigned char)hashes[2 * i] | (unsigned char)hashes[2 * i + 1] << 8;
        if (hash16(&ids) == expected) continue;
        char escaped[1024], shown[2048];
        es_utf8_escape(text.data, text.size, escaped, sizeof escaped);
        show_ids(&ids, shown, sizeof shown);
        if (wrong++ < 10)
            print_error("%s: string %lld differs: '%s' ->%s\n", name, (long long)i, escaped, shown);
    }
    es_ids_release(&ids);
    random_text_end(&random);
    if (wrong)
        fail_msg("%s: %lld of %lld strings differ", name, (long long)wrong, (long long)count);
}

static void compare_with_file(const es_vocabulary *vocabulary, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "tests/golden/tokens/%s.u16", name);
    es_bytes hashes = read_file(test_source_path(path));
    assert_int_equal(hashes.size, 40000);
    compare_random(vocabulary, name, false, hashes.data, (int64_t)hashes.size / 2);
    free((char *)hashes.data);
}

static void tiny_bpe_is_the_reference(void **state)
{
    (void)state;
    es_bytes vocab = read_file(test_source_path("tests/golden/tiny/vocab.json"));
    es_bytes merges = read_file(test_source_path("tests/golden/tiny/merges.txt"));
    es_vocabulary *vocabulary = NULL;
    es_error error = {0};
    assert_ok(es_vocabulary_read_bpe(document_of("vocab.json", vocab),
                                     document_of("merges.txt", merges), 1000, &vocabulary, &error),
              error);
    compare_with_file(vocabulary, "tiny-bpe");
    es_vocabulary_free(vocabulary);
    free((char *)vocab.data);
    free((char *)merges.data);
}

static void tiny_wordpiece_is_the_reference(void **state)
{
    (void)state;
    es_vocabulary *vocabulary = NULL;
    es_error error = {0};
    char *note = NULL;
    assert_ok(es_vocabulary_open_file(test_source_path("tests/golden/tiny/vocab.txt"), 1000,
                                      &vocabulary, &note, &error),
              error);
    assert_int_equal(es_vocabulary_get_kind(vocabulary), ES_VOCABULARY_WORDPIECE);
    compare_with_file(vocabulary, "tiny-wordpiece");
    es_vocabulary_free(vocabulary);
    free(note);
}

/* "NAME JSON" with a model put in: a whole tokenizer.json. */
static es_vocabulary *read_variant(const char *name, const char *parts)
{
    es_bytes model = read_file(test_source_path(strncmp(name, "bpe", 3)
                                                    ? "tests/golden/tiny/wordpiece.model.json"
                                                    : "tests/golden/tiny/bpe.model.json"));
    if (!strcmp(name, "bpe-ignore-merges")) {
        char *flag = strstr(model.data, "\"ignore_merges\":false");
        assert_non_null(flag);
        memcpy(flag, "\"ignore_merges\":true ", 21);
    }
    es_text text = {0};
    es_text_append(&text, parts, strlen(parts) - 1); /* without its closing brace */
    es_text_printf(&text, ",\"model\":%s}", model.data);
    es_document document = {name, text.data, (int64_t)text.size};
    es_vocabulary *vocabulary = NULL;
    es_error error = {0};
    assert_ok(es_vocabulary_read_tokenizer(document, 1010, &vocabulary, &error), error);
    es_text_release(&text);
    free((char *)model.data);
    return vocabulary;
}

static void every_tokenizer_json_is_the_reference(void **state)
{
    (void)state;
    es_bytes variants = read_file(test_source_path("tests/golden/variants.txt"));
    es_bytes hashes = read_file(test_source_path("tests/golden/tokens/variants.u16"));
    size_t at = 0;
    char *rest = NULL;
    for (char *line = strtok_r((char *)variants.data, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        char *parts = strchr(line, ' ');
        assert_non_null(parts);
        *parts++ = '\0';
        es_vocabulary *vocabulary = read_variant(line, parts);
        assert_true(at + 6000 <= hashes.size);
        compare_random(vocabulary, line, true, hashes.data + at, 2000);
        compare_random(vocabulary, line, false, hashes.data + at + 4000, 1000);
        at += 6000;
        es_vocabulary_free(vocabulary);
    }
    assert_int_equal(at, hashes.size);
    free((char *)variants.data);
    free((char *)hashes.data);
}

/* What the reference makes of one character; see write_characters() in the script. */
static void append_character(es_text *out, uint32_t point, const es_wordpiece *bert,
                             const es_wordpiece *lower)
{
    char text[8] = "a";
    size_t size = 1 + (size_t)es_utf8_encode(point, text + 1);
    text[size++] = 'b';
    es_wordpiece_normalize(bert, (es_bytes){text, size}, out);
    es_text_append(out, "|", 1);
    es_wordpiece_normalize(lower, (es_bytes){text + 1, size - 2}, out);
    int flags = es_unicode_is_letter(point) | es_unicode_is_number(point) << 1 |
                es_unicode_is_white_space(point) << 2 | es_unicode_is_bert_punctuation(point) << 3;
    es_text_append(out, (char[]){(char)flags}, 1);
}

static void every_character_is_the_reference(void **state)
{
    (void)state;
    random_text unicode;
    random_text_start(&unicode, 1);
    es_bytes hashes = read_file(test_source_path("tests/golden/tokens/characters.u16"));
    assert_int_equal(hashes.size, 2 * (0xF0000 >> 8));
    es_wordpiece *bert = es_wordpiece_create();
    es_wordpiece lower = {.lower_case = true};
    es_text block = {0};
    int wrong = 0;
    for (uint32_t first = 0; first < 0xF0000; first += 256) {
        block.size = 0;
        for (uint32_t point = first; point < first + 256; point++)
            if (unicode.assigned[point]) append_character(&block, point, bert, &lower);
        const unsigned char *hash = (const unsigned char *)hashes.data + 2 * (first >> 8);
        if (hash_bytes(block.data, block.size) == (hash[0] | (unsigned)hash[1] << 8)) continue;
        print_error("the characters U+%04X ... U+%04X differ\n", first, first + 255);
        wrong++;
    }
    es_text_release(&block);
    free(bert);
    free((char *)hashes.data);
    random_text_end(&unicode);
    assert_int_equal(wrong, 0);
}

/* A path below the folder of real data; skips the test without one. */
static const char *data_path(const char *relative, char path[4096])
{
    const char *folder = test_data_folder();
    if (!folder) {
        print_message("EMBSCOPE_TEST_DATA is not set: no real vocabulary to test with\n");
        skip();
    }
    snprintf(path, 4096, "%s/%s", folder, relative);
    return path;
}

/* The strings of PATH.inp, and the ids expected of each as a line of PATH.out. */
static void compare_listed(const es_vocabulary *vocabulary, const char *path)
{
    char name[4200];
    snprintf(name, sizeof name, "%s.inp", path);
    es_bytes input = read_file(name);
    snprintf(name, sizeof name, "%s.out", path);
    es_bytes output = read_file(name);
    static const char separator[] = "\n__ggml_vocab_test__\n";
    const char *text = input.data, *line = output.data;
    int count = 0;
    while (text) {
        const char *end = strstr(text, separator);
        /* The last string ends with a separator and a line end, or with the file. */
        size_t size = end ? (size_t)(end - text) : strlen(text);
        if (!end && (!size || (size == 1 && *text == '\n'))) break;
        es_ids ids = {0};
        es_error error = {0};
        assert_ok(es_vocabulary_encode(vocabulary, (es_bytes){text, size}, false, &ids, &error),
                  error);
        char shown[4096], expected[4096];
        show_ids(&ids, shown, sizeof shown);
        size_t length = strcspn(line, "\n");
        snprintf(expected, sizeof expected, "%.*s", (int)length, line);
        assert_string_equal(shown, expected);
        es_ids_release(&ids);
        line += length + (line[length] == '\n');
        text = end ? end + strlen(separator) : NULL;
        count++;
    }
    assert_int_equal(count, 46);
    assert_int_equal(*line, '\0');
    free((char *)input.data);
    free((char *)output.data);
}

static void gpt2_is_the_reference(void **state)
{
    (void)state;
    char path[4096];
    es_vocabulary *vocabulary = NULL;
    es_error error = {0};
    char *note = NULL;
    assert_ok(es_vocabulary_open_folder(data_path("gpt2", path), 50257, &vocabulary, &note, &error),
              error);
    assert_null(note);
    compare_with_file(vocabulary, "gpt2");
    compare_listed(vocabulary, data_path("gpt2/ggml-vocab-gpt-2.gguf", path));
    assert_true(es_vocabulary_is_special(vocabulary, 50256));
    int64_t special = 0;
    for (int64_t id = 0; id < 50257; id++) special += es_vocabulary_is_special(vocabulary, id);
    assert_int_equal(special, 1);
    es_bytes token = es_vocabulary_token(vocabulary, 3797);
    assert_int_equal(token.size, 4);
    assert_memory_equal(token.data, " cat", 4);
    es_vocabulary_free(vocabulary);
}

static uint64_t number_at(es_bytes data, size_t at)
{
    uint64_t value;
    assert_true(at + 8 <= data.size);
    memcpy(&value, data.data + at, 8);
    return value;
}

/* The keys in a GGUF file as a vocab.txt: there a key that starts a word has U+2581 before it and
 * one that continues a word has nothing. */
static void write_bert_lines(const char *path, es_text *lines)
{
    static const char name[] = "tokenizer.ggml.tokens", start[] = "\xE2\x96\x81";
    es_bytes data = read_file(path);
    const char *found = memmem(data.data, data.size, name, strlen(name));
    assert_non_null(found);
    size_t at = (size_t)(found - data.data) + strlen(name) + 8;
    uint64_t count = number_at(data, at);
    at += 8;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t size = number_at(data, at);
        const char *key = data.data + at + 8;
        at += 8 + size;
        assert_true(at <= data.size);
        bool word = size >= 3 && !memcmp(key, start, 3);
        bool special = size > 2 && key[0] == '[' && key[size - 1] == ']';
        if (!word && !special) es_text_add(lines, "##");
        es_text_append(lines, key + (word ? 3 : 0), size - (word ? 3 : 0));
        es_text_add(lines, "\n");
    }
    free((char *)data.data);
}

static void bert_is_the_reference(void **state)
{
    (void)state;
    char path[4096];
    es_text lines = {0};
    write_bert_lines(data_path("bert/ggml-vocab-bert-bge.gguf", path), &lines);
    es_vocabulary *vocabulary = NULL;
    es_error error = {0};
    char *note = NULL;
    es_document document = {"vocab.txt", lines.data, (int64_t)lines.size}, none = {0};
    assert_ok(es_vocabulary_read_lines(document, none, 30522, &vocabulary, &note, &error), error);
    compare_with_file(vocabulary, "bert");
    compare_listed(vocabulary, path);
    es_vocabulary_free(vocabulary);
    es_text_release(&lines);
    free(note);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_bpe_is_the_reference),
        cmocka_unit_test(tiny_wordpiece_is_the_reference),
        cmocka_unit_test(every_tokenizer_json_is_the_reference),
        cmocka_unit_test(every_character_is_the_reference),
        cmocka_unit_test(gpt2_is_the_reference),
        cmocka_unit_test(bert_is_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
