/* The n-th allocation fails, for every n, while a space is opened and each analysis runs on it,
 * with one thread and with three: NO_MEMORY or a whole answer, never a crash; nothing leaks (the
 * sanitizers' build tells). */
#include "failing_allocation.h"
#include "models.h"

static const char *const tokens[] = {"cat", "dog", "banana", "@5"};

/* One run of something on a space, its answer released again. */
typedef es_status sweep_body(es_space *space, int threads, es_error *error);

static es_status choose(es_space *space, es_selection *chosen, es_error *error)
{
    return es_selection_resolve(space, tokens, 4, NULL, chosen, error);
}

static es_status run_open(es_space *space, int threads, es_error *error)
{
    (void)threads;
    return es_space_load(space, error);
}

static es_status run_selection(es_space *space, int threads, es_error *error)
{
    (void)threads;
    es_selection chosen;
    es_selection_options pooled = {.prefix = ES_PREFIX_NONE, .pool_mean = true};
    es_status status = es_selection_resolve(space, tokens, 4, &pooled, &chosen, error);
    if (status != ES_OK) return status;
    double vectors[4 * MODEL_COLUMNS];
    status = es_selection_vectors(space, &chosen, vectors, error);
    es_selection_release(&chosen);
    if (status == ES_OK) status = es_selection_random(space, 7, 1, &chosen, error);
    if (status == ES_OK) es_selection_release(&chosen);
    return status;
}

static es_status run_info(es_space *space, int threads, es_error *error)
{
    (void)threads;
    es_info info;
    return es_info_compute(space, &info, error);
}

static es_status run_similarity(es_space *space, int threads, es_error *error)
{
    (void)threads;
    es_selection chosen;
    es_similarity answer;
    es_status status = choose(space, &chosen, error);
    if (status != ES_OK) return status;
    status = es_similarity_compute(space, &chosen, &answer, error);
    if (status == ES_OK) es_similarity_release(&answer);
    es_selection_release(&chosen);
    return status;
}

static es_status near_terms(es_space *space, int threads, es_metric metric, es_error *error)
{
    es_selection chosen;
    es_neighbors answer;
    es_status status = choose(space, &chosen, error);
    if (status != ES_OK) return status;
    es_neighbors_options options = {
        .metric = metric, .threads = threads, .all = metric == ES_METRIC_DOT, .keep_scores = true};
    status = es_neighbors_of_terms(space, &chosen, (int[]){1, -1, 1, 1}, &options, &answer, error);
    if (status == ES_OK) es_neighbors_release(&answer);
    es_selection_release(&chosen);
    return status;
}

static es_status run_cosine(es_space *space, int threads, es_error *error)
{
    return near_terms(space, threads, ES_METRIC_COSINE, error);
}

static es_status run_dot(es_space *space, int threads, es_error *error)
{
    return near_terms(space, threads, ES_METRIC_DOT, error);
}

static es_status run_csls(es_space *space, int threads, es_error *error)
{
    return near_terms(space, threads, ES_METRIC_CSLS, error);
}

/* Enough questions for an index. */
static es_status run_many(es_space *space, int threads, es_error *error)
{
    enum { COUNT = 40 };
    es_selection chosen;
    es_query queries[COUNT];
    es_neighbors answers[COUNT];
    es_status status = choose(space, &chosen, error);
    if (status != ES_OK) return status;
    static const int signs[] = {1, -1, 1, 1};
    for (int q = 0; q < COUNT; q++) queries[q] = (es_query){chosen, signs};
    es_neighbors_options options = {.k = 3, .threads = threads};
    status = es_neighbors_of_queries(space, queries, COUNT, &options, answers, error);
    for (int q = 0; q < COUNT && status == ES_OK; q++) es_neighbors_release(&answers[q]);
    es_selection_release(&chosen);
    return status;
}

static es_status run_distribution(es_space *space, int threads, es_error *error)
{
    es_distribution answer;
    es_distribution_options options = {.threads = threads, .per_row = true, .certified = true};
    es_status status = es_distribution_compute(space, &options, &answer, error);
    if (status == ES_OK) es_distribution_release(&answer);
    return status;
}

static es_status run_matrix(es_space *space, int threads, es_error *error)
{
    (void)threads;
    es_selection chosen;
    es_matrix answer;
    es_status status = choose(space, &chosen, error);
    if (status != ES_OK) return status;
    status = es_matrix_compute(space, &chosen, NULL, &answer, error);
    if (status == ES_OK) es_matrix_release(&answer);
    es_selection_release(&chosen);
    return status;
}

static es_status run_knn(es_space *space, int threads, es_error *error)
{
    es_knn answer;
    es_knn_options options = {.k = 5, .threads = threads};
    es_status status = es_knn_compute(space, &options, &answer, error);
    if (status == ES_OK) es_knn_release(&answer);
    return status;
}

static es_status run_spectrum(es_space *space, int threads, es_error *error)
{
    es_spectrum answer;
    es_spectrum_options options = {.threads = threads};
    es_status status = es_spectrum_compute(space, &options, &answer, error);
    if (status == ES_OK) es_spectrum_release(&answer);
    if (status == ES_OK) status = es_space_set_transform(space, "whiten", error);
    return status;
}

static es_status run_report(es_space *space, int threads, es_error *error)
{
    es_report answer;
    es_report_options options = {.words = tokens, .word_count = 4, .threads = threads};
    es_status status = es_report_compute(space, &options, &answer, error);
    if (status == ES_OK) es_report_release(&answer);
    return status;
}

static es_status run_unembed(es_space *space, int threads, es_error *error)
{
    es_selection chosen;
    es_unembedded answer;
    double vector[MODEL_COLUMNS];
    char *label = NULL;
    es_status status = choose(space, &chosen, error);
    if (status != ES_OK) return status;
    status = es_unembed_sum(space, &chosen, (int[]){1, -1, 1, 1}, vector, &label, error);
    es_unembed_options options = {.k = 3, .threads = threads};
    if (status == ES_OK)
        status = es_unembed_vectors(space, vector, (const char *const *)&label, 1, &options,
                                    &answer, error);
    if (status == ES_OK) es_unembedded_release(&answer);
    free(label);
    es_selection_release(&chosen);
    return status;
}

/* A model of its own, with two tables. */
static es_status run_tying(es_space *tied, int threads, es_error *error)
{
    (void)tied;
    es_tying_geometry geometry;
    es_space *space, *other = NULL;
    es_open_options options = {.threads = threads, .transform = "center"};
    es_status status = es_space_open(scratch_path("untied"), &options, &space, error);
    if (status != ES_OK) return status;
    es_tying_options how = {.threads = threads};
    status = es_tying_geometry_compute(space, &how, &geometry, error);
    if (status == ES_OK) es_tying_geometry_release(&geometry);
    if (status == ES_OK) status = es_unembedding_open(space, &other, error);
    es_space_free(other);
    es_space_free(space);
    return status;
}

static es_status run_vectors(es_space *space, int threads, es_error *error)
{
    (void)space, (void)threads;
    double *vectors = NULL;
    int64_t count;
    es_status status =
        es_vectors_read(scratch_path("vector.npy"), 3, NULL, 0, &vectors, &count, error);
    if (status == ES_OK) free(vectors);
    return status;
}

static es_status run_vector(es_space *space, int threads, es_error *error)
{
    (void)space, (void)threads;
    double *vector = NULL;
    es_status status = es_vector_read(scratch_path("vector.npy"), 3, &vector, error);
    if (status == ES_OK) free(vector);
    return status;
}

static const struct {
    const char *name, *transform;
    sweep_body *run;
} bodies[] = {{"open", NULL, run_open},
              {"open, transformed", "center,abtt:1,standardize,whiten", run_open},
              {"selection", NULL, run_selection},
              {"info", NULL, run_info},
              {"similarity", NULL, run_similarity},
              {"cosine", NULL, run_cosine},
              {"cosine, transformed", "center", run_cosine},
              {"dot", NULL, run_dot},
              {"csls", NULL, run_csls},
              {"many", NULL, run_many},
              {"distribution", NULL, run_distribution},
              {"matrix", NULL, run_matrix},
              {"knn", NULL, run_knn},
              {"spectrum", NULL, run_spectrum},
              {"report", NULL, run_report},
              {"unembed", NULL, run_unembed},
              {"tying", NULL, run_tying},
              {"vectors", NULL, run_vectors},
              {"vector", NULL, run_vector}};

/* Open, run, release, with the n-th allocation failing; was there one? */
static bool fails_at(const char *folder, size_t body, int threads, int64_t n)
{
    es_open_options options = {.threads = threads, .transform = bodies[body].transform};
    es_error error = {0};
    es_space *space = NULL;
    atomic_store(&failures, 0);
    atomic_store(&allocations_left, n);
    es_status status = es_space_open(folder, &options, &space, &error);
    if (status == ES_OK) status = bodies[body].run(space, threads, &error);
    atomic_store(&allocations_left, -1);
    bool failed = atomic_load(&failures) > 0;
    if (status != ES_OK && status != ES_NO_MEMORY)
        fail_msg("%s, %d threads, allocation %lld: status %d, %s", bodies[body].name, threads,
                 (long long)n, status, error.text);
    if (status == ES_NO_MEMORY && !failed) fail_msg("%s: %s", bodies[body].name, error.text);
    if (status == ES_NO_MEMORY) assert_says(error, "out of memory");
    es_space_free(space);
    return failed;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    write_table("vector.npy", "f8", 1, 3, (double[]){1, 2, 3});
    char folder[1024];
    const test_tensor tensors[] = {
        {"wte.weight", "F32", MODEL_ROWS, MODEL_COLUMNS, model_rows(1)},
        {"lm_head.weight", "F32", MODEL_ROWS, MODEL_COLUMNS, model_rows(2)}};
    write_model("untied");
    write_safetensors("untied/model.safetensors", tensors, 2);
    snprintf(folder, sizeof folder, "%s", write_model("model"));
    for (size_t body = 0; body < sizeof bodies / sizeof *bodies; body++)
        for (int threads = 1; threads <= 3; threads += 2) {
            int64_t n = 0;
            while (fails_at(folder, body, threads, n)) n++;
            assert_true(n > 20);
        }
}

/* The Hub's cache, a bare table, word vectors: opening alone. */
static void every_way_to_open(void **state)
{
    (void)state;
    char cache[1024], table[1024], words[1024];
    snprintf(cache, sizeof cache, "%s", make_folder("hub"));
    write_model("hub/models--me--it/snapshots/0123");
    double *values = draw_table(20, 5, 1);
    snprintf(table, sizeof table, "%s", write_table("table.npy", "f4", 20, 5, values));
    free(values);
    snprintf(words, sizeof words, "%s", scratch_write("w.vec", "2 2\na 1 2\nb 3 4\n", 16));
    const char *const models[] = {"me/it", table, words};
    es_open_options options = {.hub_cache = cache, .load = true, .threads = 1};
    for (int m = 0; m < 3; m++) {
        bool failed = true;
        for (int64_t n = 0; failed; n++) {
            es_error error = {0};
            es_space *space = NULL;
            atomic_store(&failures, 0);
            atomic_store(&allocations_left, n);
            es_status status = es_space_open(models[m], &options, &space, &error);
            atomic_store(&allocations_left, -1);
            failed = atomic_load(&failures) > 0;
            if (status != ES_OK && (status != ES_NO_MEMORY || !failed))
                fail_msg("%s, allocation %lld: status %d, %s", models[m], (long long)n, status,
                         error.text);
            es_space_free(space);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_way_to_open),
    };
    return cmocka_run_group_tests_name("analysis allocation", tests, scratch_setup,
                                       scratch_teardown);
}
