/* Opening a space, whatever MODEL is; and its rows, norms and states. */
#include "models.h"

static void refuse(const char *model, const es_open_options *options, es_status wanted,
                   const char *says)
{
    es_error error = {0};
    es_space *space = NULL;
    es_status status = es_space_open(model, options, &space, &error);
    if (status != wanted) fail_msg("%s: status %d, '%s'", model, status, error.text);
    assert_says(error, says);
    assert_null(space);
    assert_int_equal(es_space_open(model, options, &space, NULL), wanted);
}

static void opens_a_folder(void **state)
{
    (void)state;
    const char *folder = write_model("model");
    es_space *space = open_path(folder, NULL);
    const es_source *source = es_space_source(space);
    assert_string_equal(source->tensor, "transformer.wte.weight");
    assert_string_equal(source->dtype, "F32");
    assert_string_equal(source->format, "safetensors");
    assert_string_equal(source->architecture, "gpt2");
    assert_string_equal(source->folder, scratch_path("model"));
    assert_string_equal(source->path, scratch_path("model/model.safetensors"));
    assert_int_equal(es_space_row_count(space), MODEL_ROWS);
    assert_int_equal(es_space_column_count(space), MODEL_COLUMNS);
    assert_int_equal(source->transform_count, 0);
    assert_null(es_space_note(space));
    const es_vocabulary *vocabulary = es_space_vocabulary(space);
    assert_int_equal(es_vocabulary_get_kind(vocabulary), ES_VOCABULARY_BPE);
    es_bytes cat = es_vocabulary_token(vocabulary, MODEL_SPACED_CAT);
    assert_int_equal(cat.size, 4);
    assert_memory_equal(cat.data, " cat", 4);
    float expected[MODEL_ROWS * MODEL_COLUMNS];
    memcpy(expected, model_rows(1), sizeof expected);
    double row[2 * MODEL_COLUMNS];
    es_error error = {0};
    for (int loaded = 0; loaded < 2; loaded++) {
        assert_ok(es_space_read_rows(space, 100, 2, row, &error), error);
        for (int k = 0; k < 2 * MODEL_COLUMNS; k++)
            assert_true(row[k] == (double)expected[100 * MODEL_COLUMNS + k]);
        assert_ok(es_space_load(space, &error), error);
    }
    es_space_free(space);
    es_space_free(NULL);
    /* the model's file by itself brings its folder's tokenizer along */
    space = open_path(scratch_path("model/model.safetensors"), NULL);
    assert_int_equal(es_vocabulary_get_kind(es_space_vocabulary(space)), ES_VOCABULARY_BPE);
    es_space_free(space);
    es_open_options load = {.load = true, .threads = 2};
    space = open_path(scratch_path("model/"), &load);
    es_space_free(space);
}

static void chooses_the_table(void **state)
{
    (void)state;
    write_model("choose");
    const char *folder = scratch_path("choose");
    es_open_options options = {.space = "position"};
    es_space *space = open_path(folder, &options);
    assert_string_equal(es_space_source(space)->tensor, "transformer.wpe.weight");
    assert_int_equal(es_vocabulary_get_kind(es_space_vocabulary(space)), ES_VOCABULARY_NONE);
    es_space_free(space);
    options.space = "output"; /* one table for both ends */
    space = open_path(folder, &options);
    assert_string_equal(es_space_source(space)->tensor, "transformer.wte.weight");
    es_space_free(space);
    options = (es_open_options){.tensor = "transformer.wpe.weight"};
    space = open_path(folder, &options);
    assert_int_equal(es_space_row_count(space), 10);
    es_space_free(space);
    options.tensor = "wte";
    refuse(folder, &options, ES_NOT_FOUND,
           "no tensor 'wte'; choose one with --tensor NAME among "
           "its 2-D tensors: transformer.wte.weight (267 x 6 F32)");
    options = (es_open_options){.space = "middle"};
    refuse(folder, &options, ES_BAD_ARGUMENT, "there are input, output and position");
    const test_tensor two[] = {{"a", "F32", 2, 3, model_rows(1)},
                               {"b", "F16", 3, 2, model_rows(1)}};
    const char *path = write_safetensors("two.safetensors", two, 2);
    refuse(path, NULL, ES_NOT_FOUND,
           "which tensor holds the embedding is not clear; choose one "
           "with --tensor NAME among its 2-D tensors: a (2 x 3 F32), "
           "b (3 x 2 F16)");
    options = (es_open_options){.space = "output"};
    refuse(path, &options, ES_NOT_FOUND, "no unembedding");
    options.space = "position";
    refuse(path, &options, ES_NOT_FOUND, "no position table");
    options = (es_open_options){.tensor = "b"};
    space = open_path(path, &options);
    assert_string_equal(es_space_source(space)->dtype, "F16");
    es_space_free(space);
    path = write_safetensors("one.safetensors", two, 1);
    space = open_path(path, NULL); /* the only one */
    assert_string_equal(es_space_source(space)->folder, "");
    es_space_free(space);
    refuse(write_table("empty.npy", "f4", 0, 3, NULL), NULL, ES_BAD_INPUT,
           "a space needs a row and a column");
}

static es_tying tying_of(es_space *space, int64_t *differing)
{
    es_tying tying;
    es_error error = {0};
    assert_ok(es_space_tying(space, &tying, differing, &error), error);
    es_space_free(space);
    return tying;
}

static void sees_tying(void **state)
{
    (void)state;
    int64_t differing;
    const char *folder = write_model("tied");
    assert_int_equal(tying_of(open_path(folder, NULL), &differing), ES_TYING_TIED);
    assert_int_equal(differing, 0);
    static float other[MODEL_ROWS * MODEL_COLUMNS];
    memcpy(other, model_rows(1), sizeof other);
    test_tensor tensors[] = {{"wte.weight", "F32", MODEL_ROWS, MODEL_COLUMNS, model_rows(1)},
                             {"lm_head.weight", "F32", MODEL_ROWS, MODEL_COLUMNS, other}};
    for (int changed = 0; changed < 3; changed++) {
        if (changed) other[(changed == 1 ? 0 : MODEL_ROWS - 1) * MODEL_COLUMNS] += 1;
        write_safetensors("tied/model.safetensors", tensors, 2);
        es_tying tying = tying_of(open_path(folder, NULL), &differing);
        assert_int_equal(tying, changed ? ES_TYING_UNTIED : ES_TYING_TIED);
        assert_int_equal(differing, changed);
        es_open_options output = {.space = "output"};
        es_space *space = open_path(folder, &output);
        assert_string_equal(es_space_source(space)->tensor, "lm_head.weight");
        assert_int_equal(tying_of(space, &differing), tying);
    }
    tensors[1].dtype = "F16";
    write_safetensors("tied/model.safetensors", tensors, 2);
    assert_int_equal(tying_of(open_path(folder, NULL), &differing), ES_TYING_UNTIED);
    write_in("tied", "config.json", "{\"model_type\": \"x\", \"tie_word_embeddings\": false}");
    write_safetensors("tied/model.safetensors", tensors, 1);
    assert_int_equal(tying_of(open_path(folder, NULL), &differing), ES_TYING_UNKNOWN);
    es_space *plain = open_drawn(4, 3, 1);
    assert_int_equal(tying_of(plain, &differing), ES_TYING_UNKNOWN);
}

static void write_snapshot(const char *repository, const char *commit, bool name_it)
{
    char path[512];
    snprintf(path, sizeof path, "%s/snapshots/%s", repository, commit);
    write_model(path);
    if (!name_it) return;
    snprintf(path, sizeof path, "%s/refs", repository);
    make_folder(path);
    snprintf(path, sizeof path, "%s\n", commit);
    write_in(repository, "refs/main", path);
}

static void looks_in_the_cache(void **state)
{
    (void)state;
    char cache[1024];
    snprintf(cache, sizeof cache, "%s", make_folder("hub"));
    es_open_options options = {.hub_cache = cache};
    refuse("gpt2", &options, ES_NOT_FOUND, "huggingface-cli download openai-community/gpt2");
    refuse("nobody/nothing", &options, ES_NOT_FOUND,
           "nobody/nothing: no such file or folder, and "
           "no such model in the Hugging Face cache");
    refuse("gpt2", NULL, ES_NOT_FOUND, "none is set");
    write_snapshot("hub/models--openai-community--gpt2", "0123abcd", true);
    static const char *const names[] = {"gpt2", "openai-community/gpt2", "hf://gpt2",
                                        "hf://openai-community/gpt2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        es_space *space = open_path(names[i], &options);
        assert_non_null(strstr(es_space_source(space)->path, "gpt2/snapshots/0123abcd/model"));
        es_space_free(space);
    }
    /* the old name in the cache answers to the new one; no refs, but one snapshot */
    write_snapshot("hub/models--distilgpt2", "feed", false);
    es_space_free(open_path("distilbert/distilgpt2", &options));
    es_space_free(open_path("distilgpt2", &options));
    /* two snapshots and no word which */
    write_snapshot("hub/models--me--two", "aaaa", false);
    write_snapshot("hub/models--me--two", "bbbb", false);
    refuse("me/two", &options, ES_NOT_FOUND, "no such model");
    write_in("hub/models--me--two", "refs", "");
    unlink(scratch_path("hub/models--me--two/refs"));
    make_folder("hub/models--me--two/refs");
    write_in("hub/models--me--two", "refs/main", "bbbb");
    es_space *space = open_path("me/two", &options);
    assert_non_null(strstr(es_space_source(space)->path, "snapshots/bbbb/"));
    es_space_free(space);
    write_in("hub/models--me--two", "refs/main", "../../evil"); /* no commit: no way out */
    refuse("me/two", &options, ES_NOT_FOUND, "no such model");
}

static void names_that_are_no_ids(void **state)
{
    (void)state;
    es_open_options options = {.hub_cache = scratch_path("hub")};
    static const char *const names[] = {"../gpt2", "a/b/c",   "a--b/c", "/nowhere",   "a/",
                                        "a b",     ".hidden", "-dash",  "x/..",       "hf://",
                                        "hf://..", "a\nb",    "na\\me", "caf\xC3\xA9"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        refuse(names[i], &options, ES_NOT_FOUND, "no such file or folder");
    refuse("", NULL, ES_NOT_FOUND, "name is empty");
    refuse("demo", NULL, ES_NOT_FOUND, "EMBSCOPE_DATA");
    options.demo_folder = scratch_path("nosuchfolder");
    refuse("demo", &options, ES_NOT_FOUND, "nosuchfolder");
    options.demo_folder = write_model("demo-model");
    es_space_free(open_path("demo", &options));
    make_folder("hollow");
    refuse(scratch_path("hollow"), NULL, ES_NOT_FOUND, "a folder without model.safetensors");
    write_in("hollow", "pytorch_model.bin", "x");
    refuse(scratch_path("hollow"), NULL, ES_UNSUPPORTED, "pytorch_model.bin");
    make_folder("broken");
    write_in("broken", "config.json", "{\"model_type\": }");
    write_safetensors("broken/model.safetensors",
                      (test_tensor[]){{"wte.weight", "F32", 1, 1, model_rows(1)}}, 1);
    refuse(scratch_path("broken"), NULL, ES_BAD_INPUT, "config.json: at byte 15: ");
    write_in("broken", "config.json", "{\"vocab_size\": 1e3}");
    refuse(scratch_path("broken"), NULL, ES_BAD_INPUT, "config.json: at byte 15: not an integer");
}

/* Right to a rounding or two at every size: by the largest component, not by squares that vanish
 * or overflow. */
static void norms_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *dtype;
        double size;
    } cases[] = {{"f4", 1},      {"f4", 1e-30}, {"f4", 1e30},   {"f4", 1e-38},
                 {"f8", 1e-200}, {"f8", 1e200}, {"f8", 1e-300}, {"f8", 1e300}};
    enum { D = 768 };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double row[2 * D];
        es_random random = {c + 1};
        long double square = 0;
        int exponent;
        frexp(cases[c].size, &exponent);
        for (int k = 0; k < 2 * D; k++) {
            row[k] = cases[c].size * draw_uniform(&random);
            if (cases[c].dtype[1] == '4') row[k] = (float)row[k];
            long double scaled = ldexp(row[k], -exponent);
            if (k < D) square += scaled * scaled;
        }
        es_space *space = open_values(cases[c].dtype, 2, D, row);
        const double *norms;
        const unsigned char *states;
        es_error error = {0};
        assert_ok(es_space_norms(space, &norms, &error), error);
        assert_ok(es_space_row_states(space, &states, &error), error);
        double expected = ldexp((double)sqrtl(square), exponent);
        /* 48 sums a lane, four folded, half of their relative error after the root */
        if (!(fabs(norms[0] / expected - 1) <= 30 * 0x1p-53))
            fail_msg("%g: norm %.17g, expected %.17g", cases[c].size, norms[0], expected);
        assert_int_equal(states[0], ES_ROW_DEFINED);
        es_space_free(space);
    }
}

static void states_are_told(void **state)
{
    (void)state;
    double rows[7 * 3] = {1,
                          2,
                          3,
                          0,
                          0,
                          0,
                          -0.0,
                          0,
                          -0.0,
                          NAN,
                          1,
                          1,
                          1,
                          -INFINITY,
                          1,
                          0,
                          0,
                          5e-324,
                          1.7976931348623157e308,
                          1.7976931348623157e308,
                          0};
    es_space *space = open_values("f8", 7, 3, rows);
    const double *norms;
    const unsigned char *states;
    es_error error = {0};
    assert_ok(es_space_row_states(space, &states, &error), error);
    assert_ok(es_space_norms(space, &norms, &error), error);
    static const es_row_state expected[] = {ES_ROW_DEFINED,    ES_ROW_ZERO,       ES_ROW_ZERO,
                                            ES_ROW_NON_FINITE, ES_ROW_NON_FINITE, ES_ROW_DEFINED,
                                            ES_ROW_DEFINED};
    for (int i = 0; i < 7; i++) {
        assert_int_equal(states[i], expected[i]);
        if (expected[i] != ES_ROW_DEFINED) assert_true(norms[i] == 0);
    }
    assert_true(norms[5] == 5e-324);
    es_space_free(space);
    /* F32 denormals are no zeros */
    double small[2] = {1e-45, 0};
    space = open_values("f4", 1, 2, small);
    assert_ok(es_space_norms(space, &norms, &error), error);
    assert_true(norms[0] == 0x1p-149);
    es_space_free(space);
}

/* Rows are read block by block, to the last one, in a table of more than one block. */
static void reads_every_row(void **state)
{
    (void)state;
    enum { N = 1000, D = 3 };
    double *values = draw_table(N, D, 9), *rows = malloc(N * D * sizeof *rows);
    es_error error = {0};
    for (int threads = 1; threads <= 7; threads += 3) {
        es_open_options options = {.threads = threads, .load = threads == 4};
        es_space *space = open_path(write_table("rows.npy", "f4", N, D, values), &options);
        assert_ok(es_space_read_rows(space, 0, N, rows, &error), error);
        assert_memory_equal(rows, values, N * D * sizeof *rows);
        const double *norms;
        assert_ok(es_space_norms(space, &norms, &error), error);
        for (int i = 0; i < N; i++) assert_true(norms[i] > 0);
        assert_ok(es_space_read_rows(space, N - 1, 1, rows, &error), error);
        assert_memory_equal(rows, values + (N - 1) * D, D * sizeof *rows);
        es_space_free(space);
    }
    free(values);
    free(rows);
}

/* A file that lost its end after it was opened is an error line. */
static void a_file_may_shrink(void **state)
{
    (void)state;
    double *values = draw_table(100, 10, 3);
    const char *path = write_table("shrink.npy", "f4", 100, 10, values);
    es_space *space = open_path(path, NULL);
    assert_int_equal(truncate(path, 2000), 0);
    es_error error = {0};
    assert_int_equal(es_space_load(space, &error), ES_BAD_INPUT);
    assert_says(error, "became shorter");
    const double *norms;
    assert_int_equal(es_space_norms(space, &norms, &error), ES_BAD_INPUT);
    double row[10];
    assert_int_equal(es_space_read_rows(space, 99, 1, row, &error), ES_BAD_INPUT);
    assert_ok(es_space_read_rows(space, 0, 1, row, &error), error);
    es_space_free(space);
    free(values);
}

static void vocabulary_may_be_given(void **state)
{
    (void)state;
    double values[6] = {1, 2, 3, 4, 5, 6};
    const char *path = write_table("named.npy", "f4", 3, 2, values);
    es_open_options options = {.vocabulary = scratch_write("names.txt", "one\ntwo\nthree\n", 14)};
    es_space *space = open_path(path, &options);
    es_bytes two = es_vocabulary_token(es_space_vocabulary(space), 1);
    assert_memory_equal(two.data, "two", 3);
    es_space_free(space);
    options.vocabulary = scratch_path("nosuchnames.txt");
    refuse(path, &options, ES_NOT_FOUND, "nosuchnames.txt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_a_folder),
        cmocka_unit_test(chooses_the_table),
        cmocka_unit_test(sees_tying),
        cmocka_unit_test(looks_in_the_cache),
        cmocka_unit_test(names_that_are_no_ids),
        cmocka_unit_test(norms_are_exact),
        cmocka_unit_test(states_are_told),
        cmocka_unit_test(reads_every_row),
        cmocka_unit_test(a_file_may_shrink),
        cmocka_unit_test(vocabulary_may_be_given),
    };
    return cmocka_run_group_tests_name("space", tests, scratch_setup, scratch_teardown);
}
