#include "models.h"

#include <embscope/tying.h>

/* A model's folder with these two tables, whose name is that of the unembedding's type. */
static es_space *open_two(int64_t n, int64_t d, const char *dtype, const void *embedding,
                          int64_t other_rows, const char *other_dtype, const void *unembedding,
                          const char *which)
{
    make_folder("two");
    const test_tensor tensors[] = {{"model.embed_tokens.weight", dtype, n, d, embedding},
                                   {"lm_head.weight", other_dtype, other_rows, d, unembedding}};
    write_safetensors("two/model.safetensors", tensors, 2);
    write_in("two", "config.json", "{\"model_type\": \"llama\"}");
    es_open_options options = {.space = which};
    return open_path(scratch_path("two"), &options);
}

static es_table_comparison compare(es_space *space)
{
    es_table_comparison comparison;
    es_error error = {0};
    assert_ok(es_space_compare_tables(space, &comparison, &error), error);
    return comparison;
}

static es_tying_geometry measure(es_space *space, int threads)
{
    es_tying_geometry geometry;
    es_error error = {0};
    es_tying_options options = {.threads = threads};
    assert_ok(es_tying_geometry_compute(space, &options, &geometry, &error), error);
    return geometry;
}

static void tells_how(void **state)
{
    (void)state;
    const float rows[] = {1, 2, -0.0F, 4, 5, 6}, changed[] = {1, 2, 0, 4, 5, 7};
    const double wide[] = {1, 2, 0, 4, 5, 6};
    for (int output = 0; output < 2; output++) {
        const char *which = output ? "output" : "input";
        es_space *space = open_two(3, 2, "F32", rows, 3, "F32", rows, which);
        es_table_comparison found = compare(space);
        assert_int_equal(found.how, ES_TYING_EQUAL_BYTES);
        assert_int_equal(found.tying, ES_TYING_TIED);
        assert_string_equal(found.tensors[0], "model.embed_tokens.weight");
        assert_string_equal(found.tensors[1], "lm_head.weight");
        assert_true(found.equal_rows == 3 && found.differing_rows == 0);
        es_space_free(space);
        space = open_two(3, 2, "F32", rows, 3, "F32", changed, which); /* -0 is not 0 by bytes */
        found = compare(space);
        assert_int_equal(found.how, ES_TYING_ROWS_DIFFER);
        assert_true(found.equal_rows == 1 && found.differing_rows == 2 && found.listed == 2);
        assert_true(found.first[0] == 1 && found.first[1] == 2);
        es_space_free(space);
        space = open_two(3, 2, "F32", rows, 3, "F64", wide, which); /* but by value it is */
        found = compare(space);
        assert_int_equal(found.how, ES_TYING_EQUAL_VALUES);
        assert_int_equal(found.tying, ES_TYING_TIED);
        assert_string_equal(found.dtypes[0], "F32");
        assert_string_equal(found.dtypes[1], "F64");
        es_space_free(space);
        space = open_two(2, 2, "F32", rows, 3, "F32", rows, which);
        found = compare(space);
        assert_int_equal(found.how, ES_TYING_ROWS_DIFFER);
        assert_true(found.equal_rows == 2 && found.differing_rows == 1 && found.first[0] == 2);
        assert_true(found.rows[0] == 2 && found.rows[1] == 3);
        es_space_free(space);
    }
    es_space *space = open_path(write_model("one"), NULL);
    assert_int_equal(compare(space).how, ES_TYING_ONE_TENSOR);
    es_space_free(space);
    space = open_drawn(4, 3, 1);
    assert_int_equal(compare(space).how, ES_TYING_ONE_TABLE);
    es_space_free(space);
}

/* More rows than a block of reading holds: the last one differs. */
static void reads_block_after_block(void **state)
{
    (void)state;
    enum { N = 70000, D = 8 }; /* 2.2 MB */
    float *rows = calloc(2 * N * D, sizeof *rows), *other = rows + N * D;
    for (int i = 0; i < N * D; i++) rows[i] = other[i] = (float)i;
    other[N * D - 1] += 100000;
    es_space *space = open_two(N, D, "F32", rows, N, "F32", other, NULL);
    es_table_comparison found = compare(space);
    assert_true(found.equal_rows == N - 1 && found.differing_rows == 1 && found.first[0] == N - 1);
    es_space_free(space);
    free(rows);
}

/* E: (1 0) (0 1) (1 1) (0 -2); W: (2 0) (1 1) (0 3) (0 -1). */
static void by_hand(void **state)
{
    (void)state;
    const float e[] = {1, 0, 0, 1, 1, 1, 0, -2}, w[] = {2, 0, 1, 1, 0, 3, 0, -1};
    const double h = sqrt(0.5), cosines[] = {1, h, h, 1}, mean = (2 + 2 * h) / 4;
    es_space *space = open_two(4, 2, "F32", e, 4, "F32", w, NULL);
    es_tying_geometry found = measure(space, 1);
    assert_true(found.rows == 4 && found.left_out == 0 && found.pairs == 6 && found.ids == 4);
    for (int i = 0; i < 4; i++) assert_near(found.cosines[i], cosines[i], 1e-15);
    assert_near(found.cosine.mean, mean, 1e-15);
    assert_near(found.cosine.standard_deviation, (1 - h) / 2, 1e-15);
    assert_near(found.cosine.median, mean, 1e-15);
    assert_near(found.cosine.minimum, h, 1e-15);
    assert_true(found.listed == 4 && found.highest[0].id == 0 && found.highest[1].id == 3);
    assert_true(found.lowest[0].id == 1 && found.lowest[1].id == 2 && found.lowest[3].id == 3);
    assert_true(found.highest[1].embedding_norm == 2 && found.highest[1].unembedding_norm == 1);
    assert_near(found.norm_mean[0], (4 + sqrt(2)) / 4, 1e-15);
    /* Cosines of the pairs 01 02 03 12 13 23: E 0 h 0 h -1 -h, W h 0 0 h -h -1. */
    const double s[] = {0, h, 0, h, -1, -h}, t[] = {h, 0, 0, h, -h, -1};
    double ms = 0, mt = 0, st = 0, ss = 0, tt = 0;
    for (int p = 0; p < 6; p++) ms += s[p] / 6, mt += t[p] / 6;
    for (int p = 0; p < 6; p++)
        st += (s[p] - ms) * (t[p] - mt), ss += (s[p] - ms) * (s[p] - ms),
            tt += (t[p] - mt) * (t[p] - mt);
    assert_near(found.mean_cosine[0], ms, 1e-15);
    assert_near(found.mean_cosine[1], mt, 1e-15);
    assert_near(found.rsa_pearson, st / sqrt(ss * tt), 1e-14);
    /* Tokens 1 and 2 have each other's direction: only 0 and 3 are at home, either way. */
    assert_true(found.own_nearest[0] == 2 && found.own_nearest[1] == 2);
    es_tying_geometry_release(&found);
    es_tying_geometry_release(&found); /* legal on all zero */
    es_space_free(space);
}

/* From either end, with any number of threads: the same. */
static void same_everywhere(void **state)
{
    (void)state;
    enum { N = 5000, D = 20 }; /* more than a block of queries */
    float *e = calloc(2 * N * D, sizeof *e), *w = e + N * D;
    es_random random = {5};
    for (int i = 0; i < N * D; i++) {
        e[i] = (float)draw_normal(&random);
        w[i] = e[i] + (float)draw_normal(&random);
    }
    e[3] = NAN;
    memset(w + 9 * D, 0, D * sizeof *w);
    es_space *space = open_two(N, D, "F32", e, N - 6, "F32", w, NULL);
    es_tying_geometry first = measure(space, 1);
    assert_true(first.rows == N - 8 && first.left_out == 8);
    assert_true(isnan(first.cosines[0]) && isnan(first.norms[1][9]) && isnan(first.cosines[N - 1]));
    assert_true(first.own_nearest[0] > N / 4 && first.own_nearest[0] < N);
    for (int way = 0; way < 3; way++) {
        es_space *other = way ? NULL : open_two(N, D, "F32", e, N - 6, "F32", w, "output");
        es_tying_geometry again = measure(other ? other : space, 1 + 3 * way);
        assert_memory_equal(&again.cosine, &first.cosine, sizeof first.cosine);
        assert_memory_equal(again.lowest, first.lowest, sizeof first.lowest);
        assert_memory_equal(again.cosines, first.cosines, N * sizeof(double));
        assert_true(again.rsa_pearson == first.rsa_pearson &&
                    again.norm_spearman == first.norm_spearman);
        assert_true(again.own_nearest[0] == first.own_nearest[0] &&
                    again.own_nearest[1] == first.own_nearest[1]);
        es_tying_geometry_release(&again);
        es_space_free(other);
    }
    es_tying_geometry_release(&first);
    es_space_free(space);
    free(e);
}

static void refuse(es_space *space, const es_tying_options *options, es_status wanted,
                   const char *says)
{
    es_tying_geometry geometry;
    es_error error = {0};
    assert_int_equal(es_tying_geometry_compute(space, options, &geometry, &error), wanted);
    assert_says(error, says);
    assert_null(geometry.cosines);
    es_space_free(space);
}

static void what_is_refused(void **state)
{
    (void)state;
    const float rows[] = {1, 2, 3, 4, 5, 6}, zero[] = {0, 0, 0, 0, 1, 2};
    refuse(open_path(write_model("one"), NULL), NULL, ES_UNSUPPORTED, "there are no two");
    refuse(open_drawn(4, 3, 1), NULL, ES_UNSUPPORTED, "no embedding with an unembedding");
    refuse(open_two(3, 2, "F32", rows, 3, "F32", zero, NULL), NULL, ES_BAD_INPUT,
           "1 token has a defined row in both");
    const test_tensor tensors[] = {{"model.embed_tokens.weight", "F32", 3, 2, rows},
                                   {"lm_head.weight", "F32", 2, 3, rows}};
    write_safetensors("two/model.safetensors", tensors, 2);
    es_space *space = open_path(scratch_path("two"), NULL);
    es_table_comparison found = compare(space);
    assert_true(found.how == ES_TYING_OTHER_COLUMNS && found.differing_rows == 3);
    refuse(space, NULL, ES_UNSUPPORTED, "no cosine between them");
    int64_t asked = 0;
    es_tying_options stop = {.threads = 1, .progress = {stop_at_once, &asked}};
    refuse(open_two(3, 2, "F32", rows, 3, "F32", rows, NULL), &stop, ES_CANCELLED, "");
    assert_true(asked > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_how),       cmocka_unit_test(reads_block_after_block),
        cmocka_unit_test(by_hand),         cmocka_unit_test(same_everywhere),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests_name("tying", tests, scratch_setup, scratch_teardown);
}
