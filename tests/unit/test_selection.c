/* TOKEN: from what a user names to rows. */
#include "models.h"

static es_space *model; /* the BPE of models.h */
static es_space *words; /* word vectors: cat dog car bird kat catalogue */

enum { AT = 256, CAT, SPACED_CAT, OG, DOG, SPACED_DOG, AN, ANA, BAN, SPACED_BAN, SPACED_BANANA };

static int setup(void **state)
{
    scratch_setup(state);
    model = open_path(write_model("model"), NULL);
    static const char text[] = "6 2\ncat 1 0\ndog 0 1\ncar 1 1\nbird 2 1\nkat 1 3\ncatalogue 0 2\n";
    words = open_path(scratch_write("words.vec", text, sizeof text - 1), NULL);
    return 0;
}

static int teardown(void **state)
{
    es_space_free(model);
    es_space_free(words);
    return scratch_teardown(state);
}

static es_selection resolve(const es_space *space, const char *const *list, int64_t count,
                            const es_selection_options *options)
{
    es_selection chosen;
    es_error error = {0};
    assert_ok(es_selection_resolve(space, list, count, options, &chosen, &error), error);
    assert_int_equal(chosen.count, count);
    return chosen;
}

static void refuse(const es_space *space, const char *const *list, int64_t count,
                   const es_selection_options *options, es_status wanted, const char *text)
{
    es_selection chosen;
    es_error error = {0};
    es_status status = es_selection_resolve(space, list, count, options, &chosen, &error);
    if (status != wanted) fail_msg("%s ...: status %d, '%s'", list[0], status, error.text);
    assert_string_equal(error.text, text);
    assert_null(chosen.items);
    assert_null(chosen.note);
    assert_int_equal(es_selection_resolve(space, list, count, options, &chosen, NULL), wanted);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__})

static void assert_item(const es_item *item, int64_t id, const char *text)
{
    assert_int_equal(item->id, id);
    assert_int_equal(item->text_size, strlen(text));
    assert_string_equal(item->text, text);
    assert_int_equal(item->piece_count, 1);
    assert_int_equal(item->piece_ids[0], id);
}

static void ids(void **state)
{
    (void)state;
    es_selection chosen = resolve(model, LIST("@257", "@0", "@266"), 3, NULL);
    assert_item(&chosen.items[0], CAT, "cat");
    assert_int_equal(chosen.items[1].text_size, 1); /* the byte NUL */
    assert_int_equal(chosen.items[1].text[0], 0);
    assert_item(&chosen.items[2], SPACED_BANANA, " banana");
    assert_null(chosen.note);
    es_selection_release(&chosen);
    refuse(model, LIST("@267"), 1, NULL, ES_NOT_FOUND, "there is no row @267; ids are @0 to @266");
    refuse(model, LIST("@99999999999999999999"), 1, NULL, ES_NOT_FOUND,
           "there is no row @99999999999999999999; ids are @0 to @266");
    static const char *const wrong[] = {"@", "@x", "@-1", "@1x", "@ 1", "@0x1", "@1.5", "@+1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[128];
        snprintf(text, sizeof text,
                 "'%s' is not an id; ids are @0 to @266 (for the text itself: 'text:%s')", wrong[i],
                 wrong[i]);
        refuse(model, &wrong[i], 1, NULL, ES_BAD_ARGUMENT, text);
    }
}

static void bare_words_as_typed(void **state)
{
    (void)state;
    es_selection chosen = resolve(model, LIST("cat", "dog"), 2, NULL);
    assert_item(&chosen.items[0], CAT, "cat");
    assert_item(&chosen.items[1], DOG, "dog");
    /* both would be tokens with a space as well: the user hears which were taken */
    assert_string_equal(chosen.note,
                        "\"cat\" ...: as typed, without a leading space; running text has \" cat\","
                        " another token: --prefix space");
    es_selection_release(&chosen);
    chosen = resolve(model, LIST("ban"), 1, &(es_selection_options){.prefix = ES_PREFIX_NONE});
    assert_item(&chosen.items[0], BAN, "ban");
    assert_null(chosen.note);
    es_selection_release(&chosen);
    chosen = resolve(model, LIST("ana"), 1, NULL); /* " ana" is no token: nothing to say */
    assert_item(&chosen.items[0], ANA, "ana");
    assert_null(chosen.note);
    es_selection_release(&chosen);
    chosen = resolve(model, LIST("\xFF"), 1, NULL); /* bytes, not text */
    assert_item(&chosen.items[0], 0xFF, "\xFF");
    es_selection_release(&chosen);
}

static void together_with_a_space(void **state)
{
    (void)state;
    es_selection chosen = resolve(model, LIST("cat", "dog", "banana"), 3, NULL);
    assert_item(&chosen.items[0], SPACED_CAT, " cat");
    assert_item(&chosen.items[1], SPACED_DOG, " dog");
    assert_item(&chosen.items[2], SPACED_BANANA, " banana");
    assert_string_equal(chosen.note,
                        "\" cat\" \" dog\" \" banana\": with their leading space; bare \"banana\" "
                        "is 2 tokens, \"ban\" + \"ana\"");
    es_selection_release(&chosen);
    /* an id and literal text say for themselves what they are, and decide nothing for others */
    chosen = resolve(model, LIST("@257", "text:cat", "banana", "text: dog"), 4, NULL);
    assert_item(&chosen.items[0], CAT, "cat");
    assert_item(&chosen.items[1], CAT, "cat");
    assert_item(&chosen.items[2], SPACED_BANANA, " banana");
    assert_item(&chosen.items[3], SPACED_DOG, " dog");
    assert_non_null(strstr(chosen.note, "\" banana\": with its leading space"));
    es_selection_release(&chosen);
    chosen = resolve(model, LIST("cat", "text:cat"), 2,
                     &(es_selection_options){.prefix = ES_PREFIX_SPACE});
    assert_item(&chosen.items[0], SPACED_CAT, " cat");
    assert_item(&chosen.items[1], CAT, "cat");
    assert_null(chosen.note);
    es_selection_release(&chosen);
}

static void several_tokens_are_refused(void **state)
{
    (void)state;
    es_selection_options none = {.prefix = ES_PREFIX_NONE};
    static const char advice[] = "\n  take the mean of a word's tokens with --pool mean, or name a "
                                 "token: @ID, or text:... with its exact bytes";
    char text[1024];
    snprintf(text, sizeof text,
             "1 of 2 words is not one token of this vocabulary\n"
             "  \"banana\" is 2 tokens: \"ban\" + \"ana\"%s",
             advice);
    refuse(model, LIST("cat", "banana"), 2, &none, ES_NOT_FOUND, text);
    snprintf(text, sizeof text,
             "the word is not one token of this vocabulary\n"
             "  \"ana\" is 2 tokens (with its leading space): \" \" + \"ana\"%s",
             advice);
    refuse(model, LIST("ana"), 1, &(es_selection_options){.prefix = ES_PREFIX_SPACE}, ES_NOT_FOUND,
           text);
    /* six lines at most, whatever is asked */
    const char *many[] = {"banana", "bananas", "cats", "x1\x1B[31m", "abcdefghijklmnop", "zz"};
    es_selection chosen;
    es_error error = {0};
    assert_int_equal(es_selection_resolve(model, many, 6, NULL, &chosen, &error), ES_NOT_FOUND);
    int lines = 1;
    for (const char *at = error.text; (at = strchr(at, '\n')); at++) lines++;
    assert_int_equal(lines, 6);
    assert_says(error, "6 of 6 words are not one token");
    assert_says(error, "\\x1B[31m");
    assert_null(strchr(error.text, '\x1B'));
    assert_int_equal(es_selection_resolve(model, many + 4, 1, NULL, &chosen, &error), ES_NOT_FOUND);
    assert_says(error, "is 16 tokens: \"a\" + \"b\" + \"c\" + \"d\" + \"e\" + \"f\" + \"g\" + "
                       "\"h\" + ...");
    /* ids are not counted as faults */
    assert_int_equal(
        es_selection_resolve(model, LIST("@5", "zz", "text:@5"), 3, NULL, &chosen, &error),
        ES_NOT_FOUND);
    assert_says(error, "2 of 3 words are not one token");
    refuse(model, LIST("cat", ""), 2, NULL, ES_BAD_ARGUMENT, "a word is empty");
    refuse(model, LIST("text:"), 1, NULL, ES_BAD_ARGUMENT, "a word is empty");
}

static void pooling(void **state)
{
    (void)state;
    es_selection_options options = {.prefix = ES_PREFIX_NONE, .pool_mean = true};
    es_selection chosen = resolve(model, LIST("banana", "cat"), 2, &options);
    const es_item *item = &chosen.items[0];
    assert_int_equal(item->id, -1);
    assert_int_equal(item->piece_count, 2);
    assert_int_equal(item->piece_ids[0], BAN);
    assert_int_equal(item->piece_ids[1], ANA);
    assert_string_equal(item->text, "banana");
    assert_item(&chosen.items[1], CAT, "cat");
    assert_string_equal(chosen.note,
                        "\"banana\" is the mean of the unit rows of 2 tokens: \"ban\" + \"ana\"\n"
                        "cosines of pooled words depend on how many tokens they have");
    double vectors[2 * MODEL_COLUMNS], rows[3 * MODEL_COLUMNS], norm[2] = {0};
    es_error error = {0};
    assert_ok(es_selection_vectors(model, &chosen, vectors, &error), error);
    assert_ok(es_space_read_rows(model, BAN, 1, rows, &error), error);
    assert_ok(es_space_read_rows(model, ANA, 1, rows + MODEL_COLUMNS, &error), error);
    assert_ok(es_space_read_rows(model, CAT, 1, rows + 2 * MODEL_COLUMNS, &error), error);
    for (int r = 0; r < 2; r++)
        for (int k = 0; k < MODEL_COLUMNS; k++)
            norm[r] += rows[r * MODEL_COLUMNS + k] * rows[r * MODEL_COLUMNS + k];
    for (int k = 0; k < MODEL_COLUMNS; k++) {
        double mean = (rows[k] / sqrt(norm[0]) + rows[MODEL_COLUMNS + k] / sqrt(norm[1])) / 2;
        assert_near(vectors[k], mean, 1e-15);
        assert_true(vectors[MODEL_COLUMNS + k] == rows[2 * MODEL_COLUMNS + k]);
    }
    es_selection_release(&chosen);
    /* by itself: words that are one token each need no pooling */
    options.prefix = ES_PREFIX_AUTO;
    chosen = resolve(model, LIST("banana", "cat"), 2, &options);
    assert_item(&chosen.items[0], SPACED_BANANA, " banana");
    assert_item(&chosen.items[1], SPACED_CAT, " cat");
    es_selection_release(&chosen);
    chosen = resolve(model, LIST("a1", "b2", "c3", "d4", "e5"), 5, &options);
    assert_non_null(strstr(chosen.note, "\n2 more words are pooled so\n"));
    es_selection_release(&chosen);
}

static void word_vectors(void **state)
{
    (void)state;
    es_selection chosen = resolve(words, LIST("cat", "@5", "text:dog"), 3, NULL);
    assert_item(&chosen.items[0], 0, "cat");
    assert_item(&chosen.items[1], 5, "catalogue");
    assert_item(&chosen.items[2], 1, "dog");
    assert_null(chosen.note);
    es_selection_release(&chosen);
    refuse(words, LIST("cat", "birdd"), 2, NULL, ES_NOT_FOUND,
           "\"birdd\" is not in the vocabulary; did you mean \"bird\"?");
    refuse(words, LIST("xyzzy"), 1, NULL, ES_NOT_FOUND, "\"xyzzy\" is not in the vocabulary");
    es_selection chosen_none;
    es_error error = {0};
    assert_int_equal(es_selection_resolve(words, LIST("cas"), 1, NULL, &chosen_none, &error),
                     ES_NOT_FOUND);
    assert_says(error, "\"cas\" is not in the vocabulary; did you mean \"cat\" or \"car\"?");
    refuse(words, LIST(" cat"), 1, NULL, ES_NOT_FOUND,
           "\" cat\" is not in the vocabulary; did you mean \"cat\"?");
}

static void rows_without_names(void **state)
{
    (void)state;
    es_space *space = open_drawn(12, 3, 1);
    es_selection chosen = resolve(space, LIST("@11", "#3"), 2, NULL);
    assert_item(&chosen.items[0], 11, "#11");
    assert_item(&chosen.items[1], 3, "#3");
    es_selection_release(&chosen);
    refuse(space, LIST("cat"), 1, NULL, ES_NOT_FOUND,
           "\"cat\": the rows have no names; use @0 to @11, or name them with --vocab FILE");
    es_space_free(space);
}

static void by_id_and_at_random(void **state)
{
    (void)state;
    enum { N = 50, BAD = 3, D = 4 };
    double *values = draw_table(N, D, 2);
    memset(values + 7 * D, 0, D * sizeof *values);
    values[8 * D] = NAN;
    values[49 * D + 1] = INFINITY;
    es_space *space = open_values("f4", N, D, values);
    es_error error = {0};
    es_selection chosen;
    bool seen[N] = {0};
    assert_ok(es_selection_random(space, N - BAD, 1, &chosen, &error), error);
    for (int64_t i = 0; i < chosen.count; i++) {
        int64_t id = chosen.items[i].id;
        assert_true(id >= 0 && id < N && !seen[id] && id != 7 && id != 8 && id != 49);
        seen[id] = true;
    }
    es_selection few;
    assert_ok(es_selection_random(space, 5, 1, &few, &error), error);
    for (int i = 0; i < 5; i++) assert_int_equal(few.items[i].id, chosen.items[i].id);
    es_selection_release(&few);
    es_selection_release(&chosen);
    assert_int_equal(es_selection_random(space, N - BAD + 1, 1, &chosen, &error), ES_BAD_ARGUMENT);
    assert_says(error, "48 random tokens asked of 47 usable rows");
    assert_ok(es_selection_random(space, 8, 7, &chosen, &error), error);
    /* what seed 7 draws of these, on every machine */
    static const int64_t expected[] = {31, 43, 40, 16, 22, 34, 5, 0};
    for (int i = 0; i < 8; i++) assert_int_equal(chosen.items[i].id, expected[i]);
    es_selection_release(&chosen);
    assert_ok(es_selection_from_ids(space, (int64_t[]){49, 0, 49}, 3, &chosen, &error), error);
    assert_item(&chosen.items[0], 49, "#49");
    assert_item(&chosen.items[2], 49, "#49");
    es_selection_release(&chosen);
    es_selection_release(&chosen); /* legal on all zero */
    es_space_free(space);
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids),
        cmocka_unit_test(bare_words_as_typed),
        cmocka_unit_test(together_with_a_space),
        cmocka_unit_test(several_tokens_are_refused),
        cmocka_unit_test(pooling),
        cmocka_unit_test(word_vectors),
        cmocka_unit_test(rows_without_names),
        cmocka_unit_test(by_id_and_at_random),
    };
    return cmocka_run_group_tests_name("selection", tests, setup, teardown);
}
