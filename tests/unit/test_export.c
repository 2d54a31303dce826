/* What is written is opened again by our own readers: the same bits, the same number of rows, keys
 * that are all found. NumPy reads the files in
 * tests/reference. */
#include "failing_allocation.h"
#include "models.h"
#include "space/space.h"

static const es_export_format all_formats[] = {
    ES_EXPORT_NPY,           ES_EXPORT_NPZ,   ES_EXPORT_SAFETENSORS, ES_EXPORT_WORD2VEC,
    ES_EXPORT_WORD2VEC_TEXT, ES_EXPORT_GLOVE, ES_EXPORT_PROJECTOR};
enum { FORMATS = sizeof all_formats / sizeof *all_formats };

static bool is_text(es_export_format format)
{
    return format == ES_EXPORT_WORD2VEC_TEXT || format == ES_EXPORT_GLOVE ||
           format == ES_EXPORT_PROJECTOR;
}

/* Export to scratch files named `name`, `name`1 ... */
static es_status export_to(es_space *space, const es_export_options *options, const char *name,
                           es_export *written, es_error *error)
{
    FILE *files[ES_EXPORT_FILES] = {0};
    for (int i = 0; es_export_file_name(options->format, i); i++) {
        char path[64];
        snprintf(path, sizeof path, i ? "%s%d" : "%s", name, i);
        files[i] = fopen(scratch_path(path), "wb");
        assert_non_null(files[i]);
    }
    es_status status = es_export_write(space, options, files, written, error);
    for (int i = 0; i < ES_EXPORT_FILES; i++)
        if (files[i]) assert_int_equal(fclose(files[i]), 0);
    return status;
}

static es_export export_ok(es_space *space, const es_export_options *options, const char *name)
{
    es_error error = {0};
    es_export written;
    assert_ok(export_to(space, options, name, &written, &error), error);
    assert_int_equal(written.format, options->format);
    return written;
}

static es_text content_of(const char *name)
{
    char *data;
    int64_t size;
    es_error error = {0};
    assert_ok(es_file_read_all(scratch_path(name), 1 << 28, &data, &size, &error), error);
    return (es_text){.data = data, .size = (size_t)size};
}

/* Every row as stored, (rows x columns) components; the caller's to free. */
static char *stored_rows(const es_space *space, size_t *size)
{
    int64_t rows = es_space_row_count(space);
    *size = (size_t)(rows * es_space_column_count(space)) * es_dtype_size(space->tensor->dtype);
    char *bytes = malloc(*size);
    es_error error = {0};
    assert_non_null(bytes);
    assert_ok(es_space_read_stored_rows(space, 0, rows, bytes, &error), error);
    return bytes;
}

/* 4 x 3 components of any bits: zeros of both signs, NaNs of both kinds, infinities, denormals. */
static es_space *open_odd_bits(const char *dtype)
{
    char bytes[12 * 8];
    es_random random = {7};
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)es_random_next(&random);
    int size = (int)dtype_bytes(dtype);
    for (int i = 0; i < size; i++) {
        bytes[i] = 0;                                                                      /* 0 */
        bytes[size + i] = i == size - 1 ? (char)0x80 : 0;                                  /* -0 */
        bytes[2 * size + i] = i == size - 1 ? (char)0xFF : i == size - 2 ? (char)0x81 : 1; /* NaN */
        bytes[3 * size + i] = i ? 0 : 1; /* the least there is */
    }
    if (strcmp(dtype, "F16") == 0) memcpy(bytes + 8, "\0\x7C", 2);
    const test_tensor tensor = {"wte.weight", dtype, 4, 3, bytes};
    return open_path(write_safetensors("odd.safetensors", &tensor, 1), NULL);
}

static void arrays_keep_every_bit(void **state)
{
    (void)state;
    static const char *const dtypes[] = {"F32", "F16", "BF16", "F64"};
    static const char *const names[] = {"o.npy", "o.npz", "o.safetensors"};
    const int64_t order[] = {2, 0, 3};
    for (int d = 0; d < 4; d++)
        for (int f = 0; f < 3; f++) {
            es_space *space = open_odd_bits(dtypes[d]);
            es_export_options options = {.format = all_formats[f]};
            es_export written = export_ok(space, &options, names[f]);
            bool same = strcmp(dtypes[d], "BF16") != 0 || f == 2;
            assert_string_equal(written.dtype, same ? dtypes[d] : "F32");
            es_space *back = open_path(scratch_path(names[f]), NULL);
            assert_string_equal(es_space_source(back)->dtype, written.dtype);
            size_t size, back_size;
            char *bytes = stored_rows(space, &size), *found = stored_rows(back, &back_size);
            if (same) {
                assert_int_equal(size, back_size);
                assert_memory_equal(bytes, found, size);
            } else {
                double values[2][12];
                es_dtype_widen(ES_DTYPE_BF16, bytes, 12, values[0]);
                es_dtype_widen(ES_DTYPE_F32, found, 12, values[1]);
                for (int i = 0; i < 12; i++)
                    assert_true(values[0][i] == values[1][i] ||
                                (isnan(values[0][i]) && isnan(values[1][i])));
            }
            es_space_free(back);
            /* Some of the rows, in another order. */
            es_selection selection = select_ids(space, order, 3);
            options.rows = &selection;
            export_ok(space, &options, names[f]);
            back = open_path(scratch_path(names[f]), NULL);
            free(found);
            found = stored_rows(back, &back_size);
            for (int i = 0; i < 3 && same; i++)
                assert_memory_equal(found + (size_t)i * size / 4,
                                    bytes + (size_t)order[i] * size / 4, size / 4);
            es_selection_release(&selection);
            free(bytes);
            free(found);
            es_space_free(back);
            es_space_free(space);
        }
}

static void words_are_read_back(void **state)
{
    (void)state;
    static const char *const names[] = {"w.bin", "w.vec", "w.txt"};
    es_space *space = open_path(write_model("bpe"), NULL);
    for (int f = 0; f < 3; f++) {
        es_export_options options = {.format = all_formats[3 + f], .threads = 2};
        es_export written = export_ok(space, &options, names[f]);
        assert_true(written.has_keys && written.byte_level);
        assert_int_equal(written.renamed, 0);
        es_space *back = open_path(scratch_path(names[f]), NULL);
        assert_int_equal(es_space_row_count(back), MODEL_ROWS);
        assert_null(es_space_note(back));
        assert_int_equal(es_vocabulary_find(es_space_vocabulary(back), (es_bytes){"\xC4\xA0"
                                                                                  "cat",
                                                                                  5}),
                         MODEL_SPACED_CAT);
        size_t size, back_size;
        char *bytes = stored_rows(space, &size), *found = stored_rows(back, &back_size);
        assert_int_equal(size, back_size);
        assert_memory_equal(bytes, found, size);
        free(bytes);
        free(found);
        es_space_free(back);
    }
    es_space_free(space);
}

/* tests/golden/gensim.*: what gensim writes of one table, made by tools/golden/gensim_files.py. */
static void words_are_those_of_gensim(void **state)
{
    (void)state;
    static const char *const paths[] = {"tests/golden/gensim.bin", "tests/golden/gensim.vec"};
    for (int from = 0; from < 2; from++)
        for (int to = 0; to < 2; to++) {
            es_space *space = open_path(test_source_path(paths[from]), NULL);
            es_export_options options = {.format =
                                             to ? ES_EXPORT_WORD2VEC_TEXT : ES_EXPORT_WORD2VEC};
            export_ok(space, &options, "words");
            es_text ours = content_of("words");
            char *theirs;
            int64_t size;
            es_error error = {0};
            assert_ok(
                es_file_read_all(test_source_path(paths[to]), 1 << 20, &theirs, &size, &error),
                error);
            assert_int_equal(ours.size, size);
            assert_memory_equal(ours.data, theirs, ours.size);
            free(theirs);
            es_text_release(&ours);
            es_space_free(space);
        }
}

static void text_has_what_is_not_finite(void **state)
{
    (void)state;
    const double values[] = {NAN, INFINITY, -INFINITY, 1, 0, 0, 0, 0, 0.1f, -0.0, 1e-45f, 3.4e38f};
    es_space *space = open_values("f4", 3, 4, values);
    es_export_options options = {.format = ES_EXPORT_WORD2VEC_TEXT};
    es_export written = export_ok(space, &options, "odd.vec");
    assert_int_equal(written.zero_rows, 1);
    assert_int_equal(written.non_finite_rows, 1);
    assert_int_equal(written.left_out, 0);
    es_text text = content_of("odd.vec");
    assert_string_equal(text.data, "3 4\n#0 nan inf -inf 1\n#1 0 0 0 0\n"
                                   "#2 0.1 -0 1.4013e-45 3.4e+38\n");
    es_text_release(&text);
    es_space_free(space);
}

static void doubles_stay_doubles_as_text(void **state)
{
    (void)state;
    const double values[] = {0.1, 1.0 / 3, 1e300, -5e-324};
    es_space *space = open_values("f8", 2, 2, values);
    es_export_options options = {.format = ES_EXPORT_GLOVE};
    assert_string_equal(export_ok(space, &options, "d.txt").dtype, "F64");
    es_text text = content_of("d.txt");
    assert_string_equal(text.data, "#0 0.1 0.3333333333333333\n#1 1e+300 -4.94065645841247e-324\n");
    es_text_release(&text);
    options.dtype = ES_EXPORT_F32;
    es_export written = export_ok(space, &options, "d.txt");
    assert_int_equal(written.overflowed, 1);
    text = content_of("d.txt");
    assert_string_equal(text.data, "#0 0.1 0.33333334\n#1 inf -0\n");
    es_text_release(&text);
    options.dtype = ES_EXPORT_F16;
    written = export_ok(space, &options, "d.txt");
    assert_int_equal(written.overflowed, 1);
    text = content_of("d.txt");
    assert_string_equal(text.data, "#0 0.099975586 0.33325195\n#1 inf -0\n");
    es_text_release(&text);
    es_space_free(space);
}

static void rotates_then_makes_unit(void **state)
{
    (void)state;
    const double values[] = {3, 4, 0, 0, 0, 0, 0, 5, 12};
    const double rotation[] = {0, 2, 1, 0, 0, 1}; /* (3, 2): v -> (v1, 2 v0 + v2) */
    es_space *space = open_values("f4", 3, 3, values);
    es_export_options options = {
        .rotation = rotation, .rotation_columns = 2, .dtype = ES_EXPORT_F64};
    es_export written = export_ok(space, &options, "r.npy");
    assert_int_equal(written.columns, 2);
    es_space *back = open_path(scratch_path("r.npy"), NULL);
    double rows[6];
    es_error error = {0};
    assert_ok(es_space_read_rows(back, 0, 3, rows, &error), error);
    const double expected[] = {4, 6, 0, 0, 5, 12};
    for (int i = 0; i < 6; i++) assert_true(rows[i] == expected[i]);
    es_space_free(back);
    options.unit = true;
    written = export_ok(space, &options, "r.npy");
    assert_int_equal(written.zero_rows, 1);
    back = open_path(scratch_path("r.npy"), NULL);
    assert_ok(es_space_read_rows(back, 0, 3, rows, &error), error);
    assert_near(rows[0], 4 / sqrt(52), 1e-15);
    assert_true(rows[2] == 0 && rows[4] == 5.0 / 13 && rows[5] == 12.0 / 13);
    es_space_free(back);
    es_space_free(space);
}

static void a_transform_is_applied(void **state)
{
    (void)state;
    double *drawn = draw_table(40, 5, 3);
    es_space *space = open_values("f8", 40, 5, drawn);
    free(drawn);
    es_error error = {0};
    assert_ok(es_space_set_transform(space, "center,abtt:1", &error), error);
    es_export_options options = {.format = ES_EXPORT_SAFETENSORS};
    assert_string_equal(export_ok(space, &options, "t.safetensors").dtype, "F32");
    es_space *back = open_path(scratch_path("t.safetensors"), NULL);
    double rows[2][200];
    assert_ok(es_space_read_rows(space, 0, 40, rows[0], &error), error);
    assert_ok(es_space_read_rows(back, 0, 40, rows[1], &error), error);
    for (int i = 0; i < 200; i++) assert_true((double)(float)rows[0][i] == rows[1][i]);
    es_text text = content_of("t.safetensors");
    assert_non_null(strstr(text.data + 8, "\"transforms\": \"center,abtt:1\""));
    assert_int_equal((unsigned char)text.data[0] % 8, 0);
    es_text_release(&text);
    es_space_free(back);
    es_space_free(space);
}

static void the_projector_has_finite_rows(void **state)
{
    (void)state;
    const double values[] = {1, 2, INFINITY, 3, 4, 5, 6, 7};
    es_open_options open = {.vocabulary = scratch_write("names", "a\tb\nx\n c\n", 9)};
    es_space *space = open_path(write_table("p.npy", "f4", 4, 2, values), &open);
    es_export_options options = {.format = ES_EXPORT_PROJECTOR};
    es_export written = export_ok(space, &options, "p");
    assert_int_equal(written.rows, 3);
    assert_int_equal(written.left_out, 1);
    static const char *const expected[] = {
        "1\t2\n4\t5\n6\t7\n", "id\ttoken\n0\ta\\x09b\n2\t c\n3\t#3\n",
        "{\n  \"embeddings\": [{\"tensorName\": \"vectors\", \"tensorShape\": [3, 2], "
        "\"tensorPath\": \"tensors.tsv\", \"metadataPath\": \"metadata.tsv\"}]\n}\n",
        "embeddings {\n  tensor_name: \"vectors\"\n  tensor_path: \"tensors.tsv\"\n"
        "  metadata_path: \"metadata.tsv\"\n}\n"};
    static const char *const names[] = {"p", "p1", "p2", "p3"};
    for (int i = 0; i < 4; i++) {
        es_text text = content_of(names[i]);
        assert_string_equal(text.data, expected[i]);
        es_text_release(&text);
    }
    es_space_free(space);
    const double none[] = {NAN, 1};
    space = open_values("f4", 1, 2, none);
    es_error error = {0};
    assert_int_equal(export_to(space, &options, "p", &written, &error), ES_BAD_INPUT);
    assert_says(error, "no row is finite");
    es_space_free(space);
}

static void pooled_words_are_means(void **state)
{
    (void)state;
    es_space *space = open_path(write_model("bpe"), NULL);
    es_error error = {0};
    es_selection selection;
    es_selection_options pool = {.prefix = ES_PREFIX_NONE, .pool_mean = true};
    const char *words[] = {"cat", "banana"};
    assert_ok(es_selection_resolve(space, words, 2, &pool, &selection, &error), error);
    assert_true(selection.items[1].id < 0);
    es_export_options options = {.format = ES_EXPORT_WORD2VEC, .rows = &selection};
    export_ok(space, &options, "pooled.bin");
    double vectors[2 * MODEL_COLUMNS], found[2 * MODEL_COLUMNS];
    assert_ok(es_selection_vectors(space, &selection, vectors, &error), error);
    es_space *back = open_path(scratch_path("pooled.bin"), NULL);
    assert_ok(es_space_read_rows(back, 0, 2, found, &error), error);
    for (int i = 0; i < 2 * MODEL_COLUMNS; i++) assert_true(found[i] == (double)(float)vectors[i]);
    assert_int_equal(es_vocabulary_find(es_space_vocabulary(back), (es_bytes){"banana", 6}), 1);
    options.format = ES_EXPORT_PROJECTOR;
    export_ok(space, &options, "p");
    es_text text = content_of("p1");
    assert_string_equal(text.data, "id\ttoken\n257\tcat\n-\tbanana\n");
    es_text_release(&text);
    es_selection_release(&selection);
    es_space_free(back);
    es_space_free(space);
}

/* Several blocks of rows: 16 rows a piece, 64 pieces a block. */
static void threads_change_nothing(void **state)
{
    (void)state;
    enum { ROWS = 2101, COLUMNS = 2000 };
    es_space *space = open_drawn(ROWS, COLUMNS, 5);
    for (int f = 0; f < FORMATS; f++) {
        if (is_text(all_formats[f]) && all_formats[f] != ES_EXPORT_GLOVE) continue;
        es_export_options options = {.format = all_formats[f], .threads = 1};
        export_ok(space, &options, "one");
        options.threads = 7;
        export_ok(space, &options, "seven");
        es_text one = content_of("one"), seven = content_of("seven");
        assert_int_equal(one.size, seven.size);
        assert_memory_equal(one.data, seven.data, one.size);
        assert_true((int64_t)one.size >= es_export_least_bytes(space, &options));
        es_text_release(&seven);
        if (all_formats[f] == ES_EXPORT_NPY) {
            size_t size;
            char *bytes = stored_rows(space, &size);
            assert_memory_equal(one.data + one.size - size, bytes, size);
            free(bytes);
        }
        es_text_release(&one);
    }
    es_space_free(space);
}

static void one_row_of_a_hundred_thousand(void **state)
{
    (void)state;
    enum { COLUMNS = 100000 };
    es_space *space = open_drawn(3, COLUMNS, 5);
    es_export_options options = {.format = ES_EXPORT_WORD2VEC_TEXT};
    export_ok(space, &options, "wide.vec");
    es_space *back = open_path(scratch_path("wide.vec"), NULL);
    size_t size, back_size;
    char *bytes = stored_rows(space, &size), *found = stored_rows(back, &back_size);
    assert_int_equal(size, back_size);
    assert_memory_equal(bytes, found, size);
    free(bytes);
    free(found);
    es_space_free(back);
    es_space_free(space);
}

static void word2vec_holds_float32(void **state)
{
    (void)state;
    es_space *space = open_drawn(3, 2, 1);
    es_export_options options = {.format = ES_EXPORT_WORD2VEC, .dtype = ES_EXPORT_F64};
    es_error error = {0};
    es_export written;
    assert_int_equal(export_to(space, &options, "x", &written, &error), ES_BAD_ARGUMENT);
    assert_says(error, "float32 alone");
    es_space_free(space);
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    es_space *space = open_drawn(3000, 20, 1);
    for (int f = 0; f < FORMATS; f++) {
        FILE *full = fopen("/dev/full", "wb"), *files[ES_EXPORT_FILES] = {full, full, full, full};
        if (!full) skip();
        setvbuf(full, NULL, _IONBF, 0);
        es_error error = {0};
        es_export written;
        es_export_options options = {.format = all_formats[f]};
        assert_int_equal(es_export_write(space, &options, files, &written, &error),
                         ES_CANNOT_WRITE);
        fclose(full);
    }
    es_space_free(space);
}

static void can_be_cancelled(void **state)
{
    (void)state;
    es_space *space = open_drawn(300, 20, 1);
    int64_t asked = 0;
    es_export_options options = {.progress = {stop_at_once, &asked}};
    es_error error = {0};
    es_export written;
    assert_int_equal(export_to(space, &options, "x", &written, &error), ES_CANCELLED);
    assert_true(asked > 0);
    es_space_free(space);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    const char *path = write_model("bpe");
    const int64_t ids[] = {3, MODEL_CAT, MODEL_CAT};
    const double rotation[MODEL_COLUMNS * 2] = {1, 2, 3};
    for (int f = 0; f < FORMATS; f++) {
        bool failed = true;
        int64_t n = 0;
        for (; failed; n++) {
            es_space *space = open_path(path, NULL);
            es_selection selection = select_ids(space, ids, 3);
            es_export_options options = {.format = all_formats[f],
                                         .rows = &selection,
                                         .rotation = rotation,
                                         .rotation_columns = 2,
                                         .threads = 1};
            FILE *out[ES_EXPORT_FILES];
            for (int i = 0; i < ES_EXPORT_FILES; i++) out[i] = fopen("/dev/null", "wb");
            es_error error = {0};
            es_export written;
            atomic_store(&failures, 0);
            atomic_store(&allocations_left, n);
            es_status status = es_export_write(space, &options, out, &written, &error);
            atomic_store(&allocations_left, -1);
            failed = atomic_load(&failures) > 0;
            if (failed ? status != ES_NO_MEMORY : status != ES_OK)
                fail_msg("allocation %lld: %s", (long long)n, error.text);
            for (int i = 0; i < ES_EXPORT_FILES; i++) fclose(out[i]);
            es_selection_release(&selection);
            es_space_free(space);
        }
        assert_true(n > 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_keep_every_bit),
        cmocka_unit_test(words_are_read_back),
        cmocka_unit_test(words_are_those_of_gensim),
        cmocka_unit_test(text_has_what_is_not_finite),
        cmocka_unit_test(doubles_stay_doubles_as_text),
        cmocka_unit_test(rotates_then_makes_unit),
        cmocka_unit_test(a_transform_is_applied),
        cmocka_unit_test(the_projector_has_finite_rows),
        cmocka_unit_test(pooled_words_are_means),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(one_row_of_a_hundred_thousand),
        cmocka_unit_test(word2vec_holds_float32),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(can_be_cancelled),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("export", tests, scratch_setup, scratch_teardown);
}
