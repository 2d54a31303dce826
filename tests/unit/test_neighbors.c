/* Who is near: the rules that hold for every table. tests/reference holds the numbers. */
#include "tables.h"

enum { N = 300, D = 24 };

static es_neighbors ask(es_space *space, const int64_t *ids, const int *signs, int64_t count,
                        const es_neighbors_options *options)
{
    es_selection terms = select_ids(space, ids, count);
    es_neighbors answer;
    es_error error = {0};
    assert_ok(es_neighbors_of_terms(space, &terms, signs, options, &answer, &error), error);
    es_selection_release(&terms);
    return answer;
}

static es_neighbors near_row(es_space *space, int64_t id, const es_neighbors_options *options)
{
    return ask(space, &id, (int[]){1}, 1, options);
}

static void assert_ordered(const es_neighbors *answer, bool larger_first)
{
    for (int64_t i = 1; i < answer->count; i++) {
        const es_neighbor *a = &answer->neighbors[i - 1], *b = &answer->neighbors[i];
        bool before = larger_first ? a->score > b->score : a->score < b->score;
        if (!before && !(a->score == b->score && a->id < b->id))
            fail_msg("place %lld: %.17g (%lld) before %.17g (%lld)", (long long)i, a->score,
                     (long long)a->id, b->score, (long long)b->id);
    }
}

/* top-k is the beginning of top-(k+1), to the bit, for every metric and both ends. */
static void shorter_is_a_prefix(void **state)
{
    (void)state;
    es_space *space = open_drawn(N, D, 1);
    for (es_metric metric = ES_METRIC_COSINE; metric <= ES_METRIC_CSLS; metric++)
        for (int farthest = 0; farthest < 2; farthest++) {
            es_neighbors_options options = {.k = 1, .metric = metric, .farthest = farthest};
            es_neighbors before = near_row(space, 7, &options);
            for (options.k = 2; options.k <= N + 5; options.k += options.k < 40 ? 1 : 45) {
                es_neighbors answer = near_row(space, 7, &options);
                assert_int_equal(answer.count, options.k < N - 1 ? options.k : N - 1);
                assert_memory_equal(answer.neighbors, before.neighbors,
                                    (size_t)before.count * sizeof *before.neighbors);
                assert_ordered(&answer, (metric != ES_METRIC_EUCLIDEAN) != farthest);
                es_neighbors_release(&before);
                before = answer;
            }
            es_neighbors_options all = {.all = true, .metric = metric, .farthest = farthest};
            es_neighbors whole = near_row(space, 7, &all);
            assert_int_equal(whole.count, N - 1);
            assert_memory_equal(whole.neighbors, before.neighbors,
                                (size_t)before.count * sizeof *before.neighbors);
            es_neighbors_release(&before);
            es_neighbors_release(&whole);
        }
    es_space_free(space);
}

/* The row itself is left out by id: its duplicates stay, at cosine 1, in order of id. */
static void duplicates_stay(void **state)
{
    (void)state;
    double *values = draw_table(N, D, 2);
    static const int64_t copies[] = {3, 50, 120, 299};
    for (size_t i = 1; i < 4; i++)
        memcpy(values + copies[i] * D, values + copies[0] * D, D * sizeof *values);
    for (int k = 0; k < D; k++) values[77 * D + k] = 8 * values[3 * D + k]; /* the same direction */
    es_space *space = open_values("f4", N, D, values);
    es_neighbors_options options = {.k = 6};
    for (size_t self = 0; self < 4; self++) {
        es_neighbors answer = near_row(space, copies[self], &options);
        static const int64_t five[] = {3, 50, 77, 120, 299};
        int64_t at = 0;
        for (size_t i = 0; i < 5; i++) {
            if (five[i] == copies[self]) continue;
            assert_int_equal(answer.neighbors[at].id, five[i]);
            assert_true(answer.neighbors[at].cosine == answer.neighbors[0].cosine);
            assert_near(answer.neighbors[at++].cosine, 1, 1e-15);
        }
        assert_true(answer.neighbors[4].cosine < 0.999);
        es_neighbors_release(&answer);
    }
    options.include_input = true;
    es_neighbors answer = near_row(space, 50, &options);
    assert_int_equal(answer.neighbors[0].id, 3);
    assert_int_equal(answer.neighbors[1].id, 50);
    es_neighbors_release(&answer);
    options = (es_neighbors_options){.k = 6, .metric = ES_METRIC_EUCLIDEAN};
    answer = near_row(space, 50, &options);
    assert_true(answer.neighbors[0].id == 3 && answer.neighbors[0].score == 0);
    assert_true(answer.neighbors[2].id == 299 && answer.neighbors[2].score == 0);
    es_neighbors_release(&answer);
    es_space_free(space);
    free(values);
}

/* Many rows tie at the k-th place: the smallest ids win. */
static void ties_go_by_id(void **state)
{
    (void)state;
    double values[40 * 2];
    for (int i = 0; i < 40; i++) {
        values[2 * i] = 1;
        values[2 * i + 1] = i % 4; /* four directions, ten rows each */
    }
    es_space *space = open_values("f4", 40, 2, values);
    es_neighbors_options options = {.k = 15};
    es_neighbors answer = near_row(space, 8, &options);
    static const int64_t expected[] = {0, 4, 12, 16, 20, 24, 28, 32, 36, 1, 5, 9, 13, 17, 21};
    for (int i = 0; i < 15; i++) assert_int_equal(answer.neighbors[i].id, expected[i]);
    es_neighbors_release(&answer);
    options.farthest = true;
    answer = near_row(space, 8, &options);
    for (int i = 0; i < 10; i++) assert_int_equal(answer.neighbors[i].id, 4 * i + 3);
    for (int i = 10; i < 15; i++) assert_int_equal(answer.neighbors[i].id, 4 * (i - 10) + 2);
    es_neighbors_release(&answer);
    es_space_free(space);
}

static void undefined_rows_are_no_neighbours(void **state)
{
    (void)state;
    double *values = draw_table(N, D, 3);
    memset(values + 10 * D, 0, D * sizeof *values);
    values[20 * D + 5] = NAN;
    values[30 * D] = INFINITY;
    es_space *space = open_values("f4", N, D, values);
    es_error error = {0};
    for (es_metric metric = ES_METRIC_COSINE; metric <= ES_METRIC_CSLS; metric++) {
        es_neighbors_options options = {.all = true, .metric = metric, .keep_scores = true};
        es_neighbors answer = near_row(space, 0, &options);
        assert_int_equal(answer.count, N - 4);
        assert_int_equal(answer.left_out, 3);
        for (int64_t i = 0; i < answer.count; i++) {
            int64_t id = answer.neighbors[i].id;
            assert_true(id != 0 && id != 10 && id != 20 && id != 30);
            assert_false(isnan(answer.neighbors[i].score));
        }
        assert_true(isnan(answer.cosines[10]) && isnan(answer.cosines[20]));
        assert_near(answer.cosines[0], 1, 1e-14);
        es_neighbors_release(&answer);
    }
    static const int64_t undefined[] = {10, 20, 30};
    for (int i = 0; i < 3; i++) {
        es_selection terms = select_ids(space, &undefined[i], 1);
        es_neighbors answer;
        assert_int_equal(es_neighbors_of_terms(space, &terms, (int[]){1}, NULL, &answer, &error),
                         ES_BAD_INPUT);
        assert_says(error, "zero or not finite");
        assert_null(answer.query);
        es_selection_release(&terms);
    }
    es_space_free(space);
    free(values);
}

static void minimum_is_kept(void **state)
{
    (void)state;
    es_space *space = open_drawn(N, D, 4);
    for (es_metric metric = ES_METRIC_COSINE; metric <= ES_METRIC_CSLS; metric++)
        for (int farthest = 0; farthest < 2; farthest++) {
            es_neighbors_options all = {.all = true, .metric = metric, .farthest = farthest};
            es_neighbors whole = near_row(space, 5, &all);
            es_neighbors_options some = all;
            some.has_minimum = true;
            double least = (whole.neighbors[100].score + whole.neighbors[101].score) / 2;
            some.minimum = least;
            es_neighbors kept = near_row(space, 5, &some);
            int64_t at = 0;
            for (int64_t i = 0; i < whole.count; i++) {
                double score = whole.neighbors[i].score;
                if (metric == ES_METRIC_EUCLIDEAN ? score > least : score < least) continue;
                assert_true(at < kept.count && kept.neighbors[at].id == whole.neighbors[i].id);
                at++;
            }
            assert_int_equal(at, kept.count);
            assert_int_equal(at, farthest ? whole.count - 101 : 101);
            some.all = false; /* and no more than k of them */
            some.k = 4;
            es_neighbors few = near_row(space, 5, &some);
            assert_int_equal(few.count, at < 4 ? at : 4);
            assert_memory_equal(few.neighbors, kept.neighbors,
                                (size_t)few.count * sizeof *few.neighbors);
            /* a score that is met exactly passes */
            some.minimum = whole.neighbors[10].score;
            some.all = true;
            es_neighbors edge = near_row(space, 5, &some);
            bool found = false;
            for (int64_t i = 0; i < edge.count; i++)
                found = found || edge.neighbors[i].id == whole.neighbors[10].id;
            assert_true(found);
            es_neighbors_release(&whole);
            es_neighbors_release(&kept);
            es_neighbors_release(&few);
            es_neighbors_release(&edge);
        }
    es_space_free(space);
}

static void sums_add_unit_rows(void **state)
{
    (void)state;
    double *values = draw_table(N, D, 5), query[D] = {0};
    es_space *space = open_values("f4", N, D, values);
    static const int64_t ids[] = {3, 8, 15};
    static const int signs[] = {1, -1, 1};
    for (int t = 0; t < 3; t++) {
        double square = 0;
        for (int k = 0; k < D; k++) square += values[ids[t] * D + k] * values[ids[t] * D + k];
        for (int k = 0; k < D; k++) query[k] += signs[t] * values[ids[t] * D + k] / sqrt(square);
    }
    es_neighbors_options options = {.all = true};
    es_neighbors answer = ask(space, ids, signs, 3, &options);
    assert_int_equal(answer.count, N - 3);
    assert_string_equal(answer.query, "\"#3\" - \"#8\" + \"#15\"");
    for (int64_t i = 0; i < answer.count; i++)
        assert_near(answer.neighbors[i].cosine,
                    plain_cosine(query, values + answer.neighbors[i].id * D, D), 1e-14);
    es_error error = {0};
    es_neighbors by_vector;
    assert_ok(es_neighbors_of_vector(space, query, NULL, &options, &by_vector, &error), error);
    assert_int_equal(by_vector.count, N); /* nothing is the vector's own */
    es_neighbors_release(&answer);
    es_neighbors_release(&by_vector);
    /* a single negative term: the far end of it */
    answer = ask(space, ids, (int[]){-1}, 1, &options);
    assert_string_equal(answer.query, "- \"#3\"");
    options.farthest = true;
    es_neighbors far = near_row(space, 3, &options);
    assert_int_equal(answer.neighbors[0].id, far.neighbors[0].id);
    assert_near(answer.neighbors[0].cosine, -far.neighbors[0].cosine, 1e-15);
    es_neighbors_release(&answer);
    es_neighbors_release(&far);
    /* a sum that is zero has no direction */
    es_selection terms = select_ids(space, (int64_t[]){4, 4}, 2);
    assert_int_equal(es_neighbors_of_terms(space, &terms, (int[]){1, -1}, NULL, &answer, &error),
                     ES_BAD_INPUT);
    es_selection_release(&terms);
    terms = (es_selection){0};
    assert_int_equal(es_neighbors_of_terms(space, &terms, NULL, NULL, &answer, &error),
                     ES_BAD_ARGUMENT);
    es_space_free(space);
    free(values);
}

/* The query's scale and, to rounding, a rotation of everything change nothing; cosines of rows far
 * out of float32's range are right. */
static void scale_does_not_matter(void **state)
{
    (void)state;
    double *values = draw_table(N, D, 6), *scaled = malloc(N * D * sizeof *scaled);
    for (int i = 0; i < N * D; i++) scaled[i] = ldexp(values[i], i / D % 7 * 150 - 450);
    es_space *plain = open_values("f8", N, D, values);
    es_space *other = open_path(write_table("other.npy", "f8", N, D, scaled), NULL);
    for (int round = 0; round < 2; round++) {
        es_neighbors_options options = {.k = 50, .metric = round ? ES_METRIC_CSLS : 0};
        es_neighbors a = near_row(plain, 9, &options), b = near_row(other, 9, &options);
        for (int i = 0; i < 50; i++) {
            assert_int_equal(a.neighbors[i].id, b.neighbors[i].id);
            assert_memory_equal(&a.neighbors[i].score, &b.neighbors[i].score, sizeof(double));
        }
        es_neighbors_release(&a);
        es_neighbors_release(&b);
    }
    es_space_free(plain);
    es_space_free(other);
    free(values);
    free(scaled);
}

static void small_spaces(void **state)
{
    (void)state;
    static const double rows[] = {1, 0, 0, 1};
    for (es_metric metric = ES_METRIC_COSINE; metric <= ES_METRIC_CSLS; metric++) {
        es_neighbors_options options = {.k = 5, .metric = metric};
        es_space *one = open_values("f4", 1, 2, rows);
        es_neighbors answer = near_row(one, 0, &options);
        assert_int_equal(answer.count, 0);
        es_neighbors_release(&answer);
        es_space_free(one);
        es_space *two = open_values("f4", 2, 2, rows);
        answer = near_row(two, 0, &options);
        assert_int_equal(answer.count, 1);
        assert_true(answer.neighbors[0].id == 1 && answer.neighbors[0].cosine == 0);
        assert_memory_equal(answer.neighbors[0].text.data ? "" : "", "", 1);
        es_neighbors_release(&answer);
        es_space_free(two);
    }
}

static void arguments_are_checked(void **state)
{
    (void)state;
    es_space *space = open_drawn(30, 4, 7);
    es_selection terms = select_ids(space, (int64_t[]){1}, 1);
    es_neighbors answer;
    es_error error = {0};
    es_neighbors_options options = {.k = -1};
    assert_int_equal(es_neighbors_of_terms(space, &terms, (int[]){1}, &options, &answer, &error),
                     ES_BAD_ARGUMENT);
    assert_says(error, "k must be 1 or more");
    es_metric metric;
    assert_ok(es_metric_parse("csls", &metric, &error), error);
    assert_int_equal(metric, ES_METRIC_CSLS);
    assert_string_equal(es_metric_text(ES_METRIC_EUCLIDEAN), "euclidean");
    assert_int_equal(es_metric_parse("manhattan", &metric, &error), ES_BAD_ARGUMENT);
    assert_says(error, "'manhattan' is not a metric; there are cosine, dot, euclidean and csls");
    es_selection_release(&terms);
    es_space_free(space);
}

static void vectors_are_read(void **state)
{
    (void)state;
    static const double values[] = {1, -2, 0.5};
    es_error error = {0};
    static const struct {
        int64_t rows, columns;
    } shapes[] = {{1, 3}, {3, 1}};
    for (size_t i = 0; i < 2; i++) {
        double *vector = NULL;
        const char *path =
            write_table("v.npy", i ? "f4" : "f8", shapes[i].rows, shapes[i].columns, values);
        assert_ok(es_vector_read(path, 3, &vector, &error), error);
        assert_memory_equal(vector, values, sizeof values);
        free(vector);
        assert_int_equal(es_vector_read(path, 4, &vector, &error), ES_BAD_INPUT);
        assert_says(error, "3 components, but the space has 4 columns");
    }
    double *vector = NULL;
    const char *path = write_table("m.npy", "f8", 2, 2, (double[]){1, 2, 3, 4});
    assert_int_equal(es_vector_read(path, 4, &vector, &error), ES_BAD_INPUT);
    assert_says(error, "not one vector");
    assert_int_equal(es_vector_read("nowhere.npy", 4, &vector, &error), ES_NOT_FOUND);
}

static void assert_same_answers(es_space *space, const es_query *queries, int64_t count,
                                const es_neighbors_options *options)
{
    es_neighbors *answers = calloc((size_t)count, sizeof *answers);
    es_error error = {0};
    assert_non_null(answers);
    assert_ok(es_neighbors_of_queries(space, queries, count, options, answers, &error), error);
    for (int64_t q = 0; q < count; q++) {
        es_neighbors alone;
        assert_ok(es_neighbors_of_terms(space, &queries[q].terms, queries[q].signs, options, &alone,
                                        &error),
                  error);
        assert_int_equal(answers[q].count, alone.count);
        if (alone.count)
            assert_memory_equal(answers[q].neighbors, alone.neighbors,
                                (size_t)alone.count * sizeof *alone.neighbors);
        assert_string_equal(answers[q].query, alone.query);
        assert_true(answers[q].query_norm == alone.query_norm);
        assert_int_equal(answers[q].left_out, alone.left_out);
        es_neighbors_release(&alone);
        es_neighbors_release(&answers[q]);
    }
    free(answers);
}

/* A hundred questions go through an index, one does not: the same bits. */
static void many_questions_are_answered_as_one(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    double *values = draw_table(N, D, 9);
    memset(values + 5 * D, 0, D * sizeof *values);
    values[6 * D] = NAN;
    for (int i = 10; i < 90; i++) memcpy(values + i * D, values + (i % 3) * D, D * sizeof *values);
    es_space *space = open_values("f4", N, D, values);
    es_query queries[COUNT];
    static const int signs[] = {1, -1, 1};
    for (int q = 0; q < COUNT; q++) {
        int64_t ids[] = {7 + q, 200 + q % 50, 150 - q % 50};
        queries[q] = (es_query){select_ids(space, ids, q % 4 ? 1 : 3), signs};
    }
    for (int64_t k = 1; k <= 2 * N; k = 3 * k + 1)
        for (int variant = 0; variant < 4; variant++) {
            es_neighbors_options options = {.k = k,
                                            .include_input = variant & 1,
                                            .has_minimum = variant & 2,
                                            .minimum = 0.3,
                                            .threads = 1 + variant};
            assert_same_answers(space, queries, COUNT, &options);
        }
    es_neighbors answers[COUNT];
    es_error error = {0};
    es_neighbors_options stopped = {.progress = {stop_at_once, NULL}};
    assert_int_equal(es_neighbors_of_queries(space, queries, COUNT, &stopped, answers, &error),
                     ES_CANCELLED);
    es_selection_release(&queries[9].terms);
    queries[9].terms = select_ids(space, (int64_t[]){5}, 1);
    assert_int_equal(es_neighbors_of_queries(space, queries, COUNT, NULL, answers, &error),
                     ES_BAD_INPUT);
    assert_says(error, "the query #5 is zero or not finite");
    for (int q = 0; q < COUNT; q++) es_selection_release(&queries[q].terms);
    es_space_free(space);
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shorter_is_a_prefix),
        cmocka_unit_test(duplicates_stay),
        cmocka_unit_test(ties_go_by_id),
        cmocka_unit_test(undefined_rows_are_no_neighbours),
        cmocka_unit_test(minimum_is_kept),
        cmocka_unit_test(sums_add_unit_rows),
        cmocka_unit_test(scale_does_not_matter),
        cmocka_unit_test(small_spaces),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(vectors_are_read),
        cmocka_unit_test(many_questions_are_answered_as_one),
    };
    return cmocka_run_group_tests_name("neighbors", tests, scratch_setup, scratch_teardown);
}
