#include "models.h"

#include "analysis/ranks.h"

#include <embscope/unembed.h>

static es_unembedded put(es_space *space, const double *vector, int64_t k, int threads)
{
    es_unembedded answer;
    es_error error = {0};
    es_unembed_options options = {.k = k, .threads = threads};
    assert_ok(es_unembed_vectors(space, vector, NULL, 1, &options, &answer, &error), error);
    return answer;
}

static void refuse(es_space *space, const double *vectors, int64_t count, int64_t k,
                   es_status wanted, const char *says)
{
    es_unembedded answers[2];
    es_error error = {0};
    es_unembed_options options = {.k = k};
    assert_int_equal(es_unembed_vectors(space, vectors, NULL, count, &options, answers, &error),
                     wanted);
    assert_says(error, says);
    for (int64_t i = 0; i < count; i++) assert_null(answers[i].by_logit);
}

/* Rows (3 4), (0 2), (1 0), (0 0) and the vector (0 1): logits 4, 2, 0, 0; cosines 0.8, 1, 0. */
static void by_hand(void **state)
{
    (void)state;
    const double rows[] = {3, 4, 0, 2, 1, 0, 0, 0}, vector[] = {0, 1};
    es_space *space = open_values("f4", 4, 2, rows);
    es_unembedded answer = put(space, vector, 0, 1);
    assert_string_equal(answer.query, "vector");
    assert_true(answer.norm == 1 && answer.rows == 4 && answer.zero_rows == 1);
    assert_true(answer.left_out == 0 && answer.count == 4 && answer.cosine_count == 3);
    double sum = exp(4) + exp(2) + 2, entropy = 0;
    const double logits[] = {4, 2, 0, 0}, cosines[] = {0.8, 1, 0, NAN}, norms[] = {5, 2, 1, 0};
    const int64_t cosine_ranks[] = {2, 1, 3, 0};
    for (int i = 0; i < 4; i++) {
        const es_unembed_token *token = &answer.by_logit[i];
        double p = exp(logits[i]) / sum;
        entropy -= p * log(p);
        assert_int_equal(token->id, i); /* 0 and 0: the lower id first */
        assert_true(token->logit == logits[i] && token->norm == norms[i]);
        assert_true(isnan(cosines[i]) ? isnan(token->cosine) : token->cosine == cosines[i]);
        assert_near(token->probability, p, 1e-15);
        assert_int_equal(token->rank_by_logit, i + 1);
        assert_int_equal(token->rank_by_cosine, cosine_ranks[i]);
    }
    assert_true(answer.by_cosine[0].id == 1 && answer.by_cosine[1].id == 0 &&
                answer.by_cosine[2].id == 2);
    assert_near(answer.entropy, entropy, 1e-14);
    assert_near(answer.rank_correlation, 0.5, 1e-15); /* of ranks 3 2 1 and 2 3 1 */
    assert_int_equal(answer.overlap, 3);
    es_unembedded_release(&answer);
    answer = put(space, vector, 1, 1);
    assert_int_equal(answer.overlap, 0);
    es_unembedded_release(&answer);
    es_unembedded_release(&answer); /* legal on all zero */
    es_space_free(space);
}

/* A list is a prefix of the next longer one; threads change nothing; equal rows by id. */
static void prefixes_and_threads(void **state)
{
    (void)state;
    enum { N = 700, D = 9 };
    double *values = draw_table(N, D, 3);
    for (int i = 0; i < 40; i++)
        memcpy(values + (N - 40 + i) * D, values + 7 * D, D * sizeof(double));
    es_space *space = open_values("f4", N, D, values);
    es_unembedded whole = put(space, values + 7 * D, N, 1);
    assert_int_equal(whole.by_cosine[0].id, 7);
    for (int i = 1; i < 41; i++) assert_int_equal(whole.by_cosine[i].id, N - 41 + i);
    double sum = 0;
    for (int i = 0; i < N; i++) {
        sum += whole.by_logit[i].probability;
        assert_int_equal(whole.by_logit[i].rank_by_logit, i + 1);
        assert_true(!i || whole.by_logit[i].logit <= whole.by_logit[i - 1].logit);
    }
    assert_near(sum, 1, 1e-13);
    for (int threads = 1; threads <= 7; threads += 3)
        for (int64_t k = 1; k < 100; k += 49) {
            es_unembedded some = put(space, values + 7 * D, k, threads);
            assert_memory_equal(some.by_logit, whole.by_logit, (size_t)k * sizeof *some.by_logit);
            assert_memory_equal(some.by_cosine, whole.by_cosine,
                                (size_t)k * sizeof *some.by_cosine);
            assert_true(some.entropy == whole.entropy &&
                        some.rank_correlation == whole.rank_correlation);
            es_unembedded_release(&some);
        }
    es_unembedded_release(&whole);
    es_space_free(space);
    free(values);
}

static void what_is_refused(void **state)
{
    (void)state;
    const double rows[] = {1e300, 1, 2, 1e300}, huge[] = {1e300, 0}, zero[4] = {1, 2, 0, 0};
    es_space *space = open_values("f8", 2, 2, rows);
    refuse(space, huge, 1, 1, ES_BAD_INPUT, "past the largest float64");
    refuse(space, zero + 2, 1, 1, ES_BAD_INPUT, "zero or not finite");
    refuse(space, zero, 2, 1, ES_BAD_INPUT, "zero or not finite"); /* the second: none is left */
    refuse(space, (double[]){NAN, 1}, 1, 1, ES_BAD_INPUT, "zero or not finite");
    refuse(space, zero, 1, -1, ES_BAD_ARGUMENT, "k must be 1 or more");
    int64_t asked = 0;
    es_unembedded answer;
    es_error error = {0};
    es_unembed_options options = {.threads = 1, .progress = {stop_at_once, &asked}};
    assert_int_equal(es_unembed_vectors(space, zero, NULL, 1, &options, &answer, &error),
                     ES_CANCELLED);
    assert_true(asked > 0);
    es_space_free(space);
    const double broken[] = {NAN, 1, INFINITY, 0};
    space = open_values("f4", 2, 2, broken);
    refuse(space, zero, 1, 1, ES_BAD_INPUT, "no row is finite");
    es_space_free(space);
}

/* Signs, raw rows, and a word of two tokens: the mean of its raw rows. */
static void sums_are_raw(void **state)
{
    (void)state;
    es_space *space = open_path(write_model("sums"), NULL);
    const char *const words[] = {"@5", "@9"}, *const pooled[] = {"banana"};
    double rows[3 * MODEL_COLUMNS], sum[MODEL_COLUMNS];
    es_error error = {0};
    es_selection chosen;
    char *label = NULL;
    assert_ok(es_space_read_rows(space, 5, 1, rows, &error), error);
    assert_ok(es_space_read_rows(space, 9, 1, rows + MODEL_COLUMNS, &error), error);
    assert_ok(es_selection_resolve(space, words, 2, NULL, &chosen, &error), error);
    assert_ok(es_unembed_sum(space, &chosen, (int[]){-1, 1}, sum, &label, &error), error);
    for (int k = 0; k < MODEL_COLUMNS; k++)
        assert_true(sum[k] == rows[MODEL_COLUMNS + k] - rows[k]);
    assert_true(strncmp(label, "- \"", 3) == 0);
    free(label);
    es_selection_release(&chosen);
    es_selection_options options = {.prefix = ES_PREFIX_NONE, .pool_mean = true};
    assert_ok(es_selection_resolve(space, pooled, 1, &options, &chosen, &error), error);
    assert_int_equal(chosen.items[0].piece_count, 2);
    for (int i = 0; i < 2; i++)
        assert_ok(es_space_read_rows(space, chosen.items[0].piece_ids[i], 1,
                                     rows + i * MODEL_COLUMNS, &error),
                  error);
    assert_ok(es_unembed_sum(space, &chosen, (int[]){1}, sum, &label, &error), error);
    for (int k = 0; k < MODEL_COLUMNS; k++)
        assert_near(sum[k], (rows[k] + rows[MODEL_COLUMNS + k]) / 2, 1e-16);
    assert_string_equal(label, "banana");
    free(label);
    es_selection_release(&chosen);
    es_space_free(space);
}

/* A .npy file of any shape. */
static const char *write_cube(const char *shape, int64_t count)
{
    es_text text = {0}, header = {0};
    es_text_printf(&header, "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shape);
    while ((10 + header.size + 1) % 64) es_text_add(&header, " ");
    es_text_add(&header, "\n");
    es_text_append(&text, "\x93NUMPY\x01", 7);
    append_le(&text, 0, 1);
    append_le(&text, header.size, 2);
    es_text_append(&text, header.data, header.size);
    for (int64_t i = 0; i < count; i++) append_float(&text, (float)i);
    const char *path = scratch_write_text("cube.npy", &text);
    es_text_release(&text);
    es_text_release(&header);
    return path;
}

static void reads_files(void **state)
{
    (void)state;
    static const struct {
        const char *shape;
        int64_t components, at[2];
        int at_count;
        int64_t count, first; /* vectors of 3, and the first component; count 0: refused */
        const char *says;
    } cases[] = {
        {"(3,)", 3, {0}, 0, 1, 0, NULL},
        {"(1, 3)", 3, {0}, 0, 1, 0, NULL},
        {"(3, 1)", 3, {0}, 0, 1, 0, NULL},
        {"(4, 3)", 12, {0}, 0, 4, 0, NULL},
        {"(4, 3)", 12, {2}, 1, 1, 6, NULL},
        {"(2, 4, 3)", 24, {1, 2}, 2, 1, 18, NULL},
        {"(2, 4, 3)", 24, {0}, 0, 0, 0, "its shape is 2 x 4 x 3; choose a vector of it with --at"},
        {"(2, 4, 3)", 24, {1}, 1, 0, 0, "a place in it is I,J"},
        {"(2, 4, 3)", 24, {1, 4}, 2, 0, 0, "there is no place 4 among 4"},
        {"(4, 3)", 12, {4}, 1, 0, 0, "there is no place 4 among 4"},
        {"(4, 3)", 12, {-1}, 1, 0, 0, "there is no place -1"},
        {"(4, 3)", 12, {1, 1}, 2, 0, 0, "a place in it is one number"},
        {"(3,)", 3, {0}, 1, 0, 0, "it is one vector"},
        {"(3, 4)", 12, {0}, 0, 0, 0, "must have the table's 3 components"},
        {"(1, 1, 2, 3)", 6, {0}, 0, 0, 0, "vectors are floats of 1, 2 or 3 axes"},
        {"()", 1, {0}, 0, 0, 0, "its shape is one number"},
        {"(0, 3)", 0, {0}, 0, 0, 0, "there is no vector in it"},
        {"(10001, 3)", 30003, {0}, 0, 0, 0, "at most 10000"},
        {"(10001, 3)", 30003, {10000}, 1, 1, 30000, NULL},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const char *path = write_cube(cases[c].shape, cases[c].components);
        double *vectors = NULL;
        int64_t count = 0;
        es_error error = {0};
        es_status status =
            es_vectors_read(path, 3, cases[c].at, cases[c].at_count, &vectors, &count, &error);
        if (!cases[c].count) {
            assert_int_not_equal(status, ES_OK);
            assert_says(error, cases[c].says);
            assert_null(vectors);
            continue;
        }
        assert_ok(status, error);
        assert_int_equal(count, cases[c].count);
        for (int64_t i = 0; i < 3 * count; i++)
            assert_true(vectors[i] == (double)(cases[c].first + i));
        free(vectors);
    }
}

/* The other table answers, under the same transforms; a tied model answers by itself. */
static void finds_the_unembedding(void **state)
{
    (void)state;
    es_error error = {0};
    es_space *space = open_path(write_model("tied"), NULL), *out = space;
    assert_ok(es_unembedding_open(space, &out, &error), error);
    assert_null(out);
    es_space_free(space);
    const test_tensor tensors[] = {
        {"wte.weight", "F32", MODEL_ROWS, MODEL_COLUMNS, model_rows(1)},
        {"lm_head.weight", "F32", MODEL_ROWS, MODEL_COLUMNS, model_rows(2)}};
    write_safetensors("tied/model.safetensors", tensors, 2);
    es_open_options centred = {.transform = "center,abtt:1"}, output = {.space = "output"};
    space = open_path(scratch_path("tied"), &centred);
    assert_ok(es_unembedding_open(space, &out, &error), error);
    assert_string_equal(es_space_source(out)->tensor, "lm_head.weight");
    assert_int_equal(es_space_source(out)->transform_count, 2);
    double mean[MODEL_COLUMNS] = {0}, row[MODEL_COLUMNS];
    for (int i = 0; i < MODEL_ROWS; i++) {
        assert_ok(es_space_read_rows(out, i, 1, row, &error), error);
        for (int k = 0; k < MODEL_COLUMNS; k++) mean[k] += row[k] / MODEL_ROWS;
    }
    for (int k = 0; k < MODEL_COLUMNS; k++) assert_near(mean[k], 0, 1e-14); /* its own mean */
    es_space_free(out);
    es_space_free(space);
    space = open_path(scratch_path("tied"), &output);
    assert_ok(es_unembedding_open(space, &out, &error), error);
    assert_null(out);
    assert_int_equal(es_unembed_final_norm(space, 1, 1, row, &error), ES_BAD_ARGUMENT);
    es_space_free(space);
}

static void ranks(void **state)
{
    (void)state;
    const double values[] = {2, 7, 2, -1, 7, 7}, wanted[] = {2.5, 5, 2.5, 1, 5, 5};
    const int64_t order_wanted[] = {1, 4, 5, 0, 2, 3};
    es_ranked order[6];
    double found[6];
    es_order_descending(values, 6, order);
    es_ranks_of(order, 6, found); /* the smallest value has rank 1 */
    for (int i = 0; i < 6; i++) {
        assert_int_equal(order[i].place, order_wanted[i]);
        assert_true(found[i] == wanted[i]);
    }
    assert_near(es_correlate(values, wanted, 6), 1, 1e-15); /* on a line */
    assert_near(es_correlate((double[]){1, 2, 3}, (double[]){1, 3, 2}, 3), 0.5, 1e-15);
    const double large[] = {2e200, 7e200, 3e200}, small[] = {2e-200, 7e-200, 3e-200};
    assert_near(es_correlate(large, small, 3), 1, 1e-14);
    const double same[] = {0.1, 0.1, 0.1};
    assert_true(isnan(es_correlate(same, large, 3)) && isnan(es_correlate(large, same, 3)));
    assert_true(isnan(es_correlate(large, small, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),      cmocka_unit_test(prefixes_and_threads),
        cmocka_unit_test(sums_are_raw), cmocka_unit_test(what_is_refused),
        cmocka_unit_test(reads_files),  cmocka_unit_test(finds_the_unembedding),
        cmocka_unit_test(ranks),
    };
    return cmocka_run_group_tests_name("unembed", tests, scratch_setup, scratch_teardown);
}
