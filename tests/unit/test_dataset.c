/* Data sets: what is taken from each kind of file, and what a broken one is told. */
#include "failing_allocation.h"
#include "test.h"

#include <embscope/dataset.h>

static es_dataset parsed(const char *text, const es_dataset_options *options)
{
    es_dataset set;
    es_error error = {0};
    assert_ok(es_dataset_parse("a/set.txt", text, strlen(text), options, &set, &error), error);
    assert_string_equal(set.name, "set.txt");
    return set;
}

static void assert_word(const es_dataset *set, int64_t question, int64_t place, const char *word)
{
    es_bytes found = set->words[set->members[set->first[question] + place]];
    assert_int_equal(found.size, strlen(word));
    assert_memory_equal(found.data, word, found.size);
}

static void assert_bytes(es_bytes found, const char *text)
{
    assert_int_equal(found.size, strlen(text));
    assert_memory_equal(found.data, text, found.size);
}

static void reads_pairs(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "cat\tdog\t7.5\nking\tcat\t-1e0\n",
        "\xEF\xBB\xBF# a comment\ncat;dog;7.5\n\n \nking;cat;-1",
        "cat,dog,7.5\r\n\"king\" , cat,-1.0,more,5\r\n",
        "  cat   dog  7.5 \n king\tcat -1",
        "word1\tword2\trating\ncat\tdog\t7.5\nking\tcat\t-1",
        "# Word 1\tWord 2\tHuman (mean)\ncat\tdog\t7.5\nking\tcat\t-1\n",
        "a,b,POS,SimLex999,conc\ncat,dog,N,7.5,1\nking,cat,N,-1,2",
        "n,word 1,word 2,sd,mean score\n1,cat,dog,3,7.5\n2,king,cat,4,-1\n",
    };
    static const int columns[] = {3, 3, 3, 3, 3, 3, 4, 5};
    static const char *const names[] = {"",          "",          "", "", "rating", "Human (mean)",
                                        "SimLex999", "mean score"};
    static const char separators[] = "\t;, \t\t,,";
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        es_dataset set = parsed(texts[i], NULL);
        assert_int_equal(set.kind, ES_DATASET_SIMILARITY);
        assert_int_equal(set.count, 2);
        assert_int_equal(set.word_count, 3);
        assert_word(&set, 0, 0, "cat");
        assert_word(&set, 1, 0, "king");
        assert_word(&set, 0, 1, "dog");
        assert_word(&set, 1, 1, "cat");
        assert_true(set.scores[0] == 7.5 && set.scores[1] == -1);
        assert_int_equal(set.score_column, columns[i]);
        assert_bytes(set.score_name, names[i]);
        assert_int_equal(set.separator, separators[i]);
        es_dataset_release(&set);
    }
}

static void takes_the_column_asked_for(void **state)
{
    (void)state;
    static const char text[] = "a\tb\tmean\tSD\nx\ty\t1\t2\n";
    es_error error = {0};
    es_dataset set = parsed(text, &(es_dataset_options){.score = "sd"});
    assert_true(set.scores[0] == 2 && set.score_column == 4);
    es_dataset_release(&set);
    set = parsed(text, &(es_dataset_options){.score = "4"});
    assert_true(set.scores[0] == 2);
    es_dataset_release(&set);
    static const char *const wrong[] = {"5", "0", "1.5", "variance", "nan", "1e300"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        es_dataset_options options = {.score = wrong[i]};
        assert_int_equal(es_dataset_parse("f", text, strlen(text), &options, &set, &error),
                         ES_BAD_ARGUMENT);
        assert_says(error, "there is no column");
    }
    es_dataset_options options = {.score = "2"};
    assert_int_equal(es_dataset_parse("f", text, strlen(text), &options, &set, &error),
                     ES_BAD_ARGUMENT);
    assert_says(error, "a word, not a score");
}

static void reads_analogies(void **state)
{
    (void)state;
    es_dataset set = parsed(": one two\na b c d\nb a d c\n# no\n:three\n:  four \na b d c\n", NULL);
    assert_int_equal(set.kind, ES_DATASET_ANALOGIES);
    assert_int_equal(set.count, 3);
    assert_int_equal(set.word_count, 4);
    assert_int_equal(set.section_count, 3);
    assert_bytes(set.sections[0].name, "one two");
    assert_bytes(set.sections[2].name, "four");
    assert_int_equal(set.sections[0].count, 2);
    assert_int_equal(set.sections[1].count, 0);
    assert_int_equal(set.sections[2].first, 2);
    assert_int_equal(set.lines[2], 7);
    assert_word(&set, 2, 3, "c");
    es_dataset_release(&set);
    set = parsed("a b c d\n", &(es_dataset_options){.kind = ES_DATASET_ANALOGIES});
    assert_int_equal(set.section_count, 1);
    assert_null(set.sections[0].name.data);
    es_dataset_release(&set);
}

static void reads_odd_ones(void **state)
{
    (void)state;
    es_dataset set = parsed("cat dog banana\n*car cat dog\n* b c d\n", NULL);
    assert_int_equal(set.kind, ES_DATASET_ODD_ONE_OUT);
    assert_int_equal(set.odd[0], 2);
    assert_int_equal(set.odd[1], 0);
    assert_int_equal(set.odd[2], 3); /* a star alone is a word */
    assert_word(&set, 1, 0, "car");
    assert_word(&set, 2, 0, "*");
    es_dataset_release(&set);
    set =
        parsed("cat\tanimal\ndog\tanimal\ncar\tthing\nbus\tthing\nsun\tstar\ncat\tanimal\n", NULL);
    assert_int_equal(set.kind, ES_DATASET_CATEGORIES);
    assert_int_equal(set.count, 6); /* two and each of three outside, twice; a star is alone */
    assert_int_equal(set.section_count, 3);
    assert_int_equal(set.sections[0].count, 3);
    assert_int_equal(set.sections[1].first, 3);
    assert_int_equal(set.sections[2].count, 0);
    assert_word(&set, 0, 0, "cat");
    assert_word(&set, 0, 1, "dog");
    assert_word(&set, 0, 2, "car");
    assert_int_equal(set.odd[5], 2);
    assert_int_equal(set.lines[0], 3);
    es_dataset_release(&set);
}

typedef struct broken {
    const char *text;
    es_dataset_kind kind;
    const char *says;
} broken;

static void tells_what_is_wrong_and_where(void **state)
{
    (void)state;
    static const broken files[] = {
        {"", 0, "f:1:1: the file ends without a question"},
        {"\n\n# x\n", 0, "f:3:1: the file ends without a question"},
        {": a\n: b\n", 0, "the file ends without a question"},
        {"cat\ndog\n", 0, "f:1:1: a single column"},
        {"a b c d\n", 0, "f:1:1: four words a line: say --kind"},
        {"a\tb\t1\nc\td\n", 0, "f:2:1: 2 columns; the score is expected in column 3"},
        {"a\tb\t1\nc\td\t\n", 0, "f:2:1: 2 columns"},
        {"a\tb\tc\t1\nc\td\t\t5,5\n", 0, "f:2:6: '5,5' in column 4 is not a score; decimals take"},
        {"a\tb\t3,5\n", 0, "f:1:5: '3,5' in column 3 is not a score; decimals take a point"},
        {"a\tb\tnan\nc\td\t1\n", 0, "f:1:5: 'nan' in column 3 is not a score; a score is finite"},
        {"a\tb\t1\nc\td\tinf\n", 0, "f:2:5: 'inf' in column 3 is not a score; a score is finite"},
        {"a\tb\t1\nc\td\t1e999\n", 0, "'1e999' in column 3 is not a score; a score is finite"},
        {"a\tb\t1\nc\td\tfive\n", 0, "f:2:5: 'five' in column 3 is not a score"},
        {"a\tb\t1\n\td\t1\n", 0, "f:2:1: a word is empty"},
        {"a,b,1\n\"c,d,1\n", 0, "f:2:1: a quote that is not closed"},
        {"a,b,1\n\"c\"x,d,1\n", 0, "f:2:4: text after a closing quote"},
        {"a b c\n", ES_DATASET_SIMILARITY, "f:1:1: no column of numbers after two words"},
        {": s\na b c\n", 0, "f:2:1: 3 words; an analogy has four"},
        {": s\na b c d e\n", 0, "f:2:1: 5 words; an analogy has four"},
        {": s\na b c d\n:\n", 0, "f:3:2: a section without a name"},
        {"a b c\nd e\n", 0, "f:2:1: 2 words; an odd one is found among three"},
        {"a *b *c\n", 0, "f:1:6: a second word is marked odd"},
        {"a x\nb y\n", 0, "f: no category has two words"},
        {"a x\nb y z\n", 0, "f:2:1: expected a word and its category"},
        {"a\tb\t1\ncaf\xE9\td\t1\n", 0, "f:2:4: byte 0xE9 is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        es_error error = {0};
        es_dataset set;
        es_dataset_options options = {.kind = files[i].kind};
        assert_int_equal(
            es_dataset_parse("f", files[i].text, strlen(files[i].text), &options, &set, &error),
            ES_BAD_INPUT);
        assert_says(error, files[i].says);
        assert_null(set.memory);
    }
}

static void refuses_bytes_and_sizes(void **state)
{
    (void)state;
    es_error error = {0};
    es_dataset set;
    assert_int_equal(es_dataset_parse("f", "a b 1\nc\0d 1\n", 12, NULL, &set, &error),
                     ES_BAD_INPUT);
    assert_says(error, "f:2:2: a NUL byte");
    size_t size = ES_DATASET_BYTES + 1;
    char *data = malloc(size);
    assert_non_null(data);
    memset(data, 'a', size);
    assert_int_equal(es_dataset_parse("f", data, size, NULL, &set, &error), ES_BAD_INPUT);
    assert_says(error, "f: 16777217 bytes; a data set has at most 16777216");
    assert_int_equal(es_dataset_parse("f", data, size - 1, NULL, &set, &error), ES_BAD_INPUT);
    assert_says(error, "f:1:1: a line of 16777216 bytes");
    for (int i = 0; i < 600; i++) data[i] = i % 2 ? ' ' : 'a';
    assert_int_equal(es_dataset_parse("f", data, 600, NULL, &set, &error), ES_BAD_INPUT);
    assert_says(error, "f:1:513: more than 256 columns");
    /* As many sets as there is no room for. */
    size_t at = 0;
    for (int i = 0; i < 6000; i++)
        at += (size_t)snprintf(data + at, size - at, "w%d c%d\n", i, i % 2);
    assert_int_equal(es_dataset_parse("f", data, at, NULL, &set, &error), ES_BAD_INPUT);
    assert_says(error, "6000 words in 2 categories make too many sets");
    /* As many categories as fit, of one word and of the same two: no search of all for each. */
    for (int share = 1; share <= 2; share++) {
        at = 0;
        for (int i = 0; i < 1000000; i++)
            at += (size_t)snprintf(data + at, size - at, "%d c%d\n", i % share, i / share);
        assert_int_equal(es_dataset_parse("f", data, at, NULL, &set, &error), ES_BAD_INPUT);
        assert_says(error, "no category has two words beside words of another");
    }
    free(data);
    assert_int_equal(es_dataset_read("missing.txt", NULL, &set, &error), ES_NOT_FOUND);
    assert_int_equal(es_dataset_read("/", NULL, &set, &error), ES_BAD_INPUT);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static const char *const texts[] = {"# a\tb\tscore\na\tb\t1\nc\td\t2\n",
                                        ": s\na b c d\ne f g h\n", "a b c\nd e f\n",
                                        "a x\nb x\nc y\nd y\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t n = 0;
        for (bool failed = true; failed; n++) {
            es_error error = {0};
            es_dataset set;
            atomic_store(&failures, 0);
            atomic_store(&allocations_left, n);
            es_status status =
                es_dataset_parse("f", texts[i], strlen(texts[i]), NULL, &set, &error);
            atomic_store(&allocations_left, -1);
            failed = atomic_load(&failures) > 0;
            if (status != ES_OK && (status != ES_NO_MEMORY || !failed))
                fail_msg("allocation %lld: %s", (long long)n, error.text);
            es_dataset_release(&set);
        }
        assert_true(n > 8);
    }
}

static void reads_the_real_ones(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        es_dataset_kind kind;
        int64_t count, words;
    } files[] = {{"wordsim353.tsv", ES_DATASET_SIMILARITY, 353, 437},
                 {"simlex999.txt", ES_DATASET_SIMILARITY, 999, 1028},
                 {"EN-MEN-TR-3k.txt", ES_DATASET_SIMILARITY, 3000, 751},
                 {"EN-RG-65.txt", ES_DATASET_SIMILARITY, 65, 49},
                 {"questions-words.txt", ES_DATASET_ANALOGIES, 19544, 905}};
    if (!test_data_folder()) {
        print_message("EMBSCOPE_TEST_DATA is not set\n");
        skip();
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[4096];
        es_error error = {0};
        es_dataset set;
        snprintf(path, sizeof path, "%s/evaluation/%s", test_data_folder(), files[i].name);
        assert_ok(es_dataset_read(path, NULL, &set, &error), error);
        assert_int_equal(set.kind, files[i].kind);
        assert_int_equal(set.count, files[i].count);
        assert_int_equal(set.word_count, files[i].words);
        assert_string_equal(set.name, files[i].name);
        es_dataset_release(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_pairs),
        cmocka_unit_test(takes_the_column_asked_for),
        cmocka_unit_test(reads_analogies),
        cmocka_unit_test(reads_odd_ones),
        cmocka_unit_test(tells_what_is_wrong_and_where),
        cmocka_unit_test(refuses_bytes_and_sizes),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(reads_the_real_ones),
    };
    return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}
