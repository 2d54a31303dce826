/* A prompt gone on with: against the whole model run anew for every token, draws against
 * probabilities, the ways in which it ends. */
#include "failing_allocation.h"
#include "tiny_gpt2.h"

#include "analysis/logits.h"

static const int64_t prompt[] = {65, 258, 7};
enum { PROMPT = sizeof prompt / sizeof *prompt, ROOM = TINY_CONTEXT - PROMPT + 1 };

static es_generation go_on(es_model *model, const es_generate_options *options)
{
    es_error error = {0};
    es_generation generation;
    assert_ok(es_generate(model, prompt, PROMPT, options, &generation, &error), error);
    return generation;
}

/* Float64 logits after the whole text, fed at once. */
static void logits_after(es_model *model, const int64_t *ids, int64_t count, double *logits)
{
    es_error error = {0};
    es_run *run;
    float last[TINY_WIDTH];
    double hidden[TINY_WIDTH];
    assert_ok(es_run_create(model, count, &run, &error), error);
    assert_ok(es_run_feed(run, ids, count, NULL, last, NULL, &error), error);
    es_run_free(run);
    es_model_final_norm(model, last, hidden, NULL);
    assert_ok(es_logits_compute(es_model_unembedding(model), 1, hidden, 1, logits, NULL, &error),
              error);
}

static int64_t largest(const double *logits)
{
    int64_t best = 0;
    for (int64_t i = 1; i < MODEL_ROWS; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

static double probability(const double *logits, int64_t id, double temperature)
{
    double sum = 0;
    for (int64_t i = 0; i < MODEL_ROWS; i++) sum += exp((logits[i] - logits[id]) / temperature);
    return 1 / sum;
}

static void is_greedy(void **state)
{
    (void)state;
    for (int untied = 0; untied < 2; untied++)
        for (int threads = 1; threads <= 3; threads += 2) {
            es_model *model = open_tiny_gpt2(&(tiny_gpt2){.untied = untied}, threads);
            es_generation found = go_on(model, &(es_generate_options){.count = ROOM});
            int64_t ids[PROMPT + ROOM];
            double logits[MODEL_ROWS];
            assert_int_equal(found.count, ROOM);
            assert_int_equal(found.end, ES_GENERATION_COUNT);
            assert_false(found.sampled);
            memcpy(ids, prompt, sizeof prompt);
            for (int64_t i = 0; i < ROOM; i++) {
                const es_generated_token *token = &found.tokens[i];
                logits_after(model, ids, PROMPT + i, logits);
                assert_int_equal(token->id, largest(logits));
                assert_int_equal(token->rank, 1);
                assert_true(fabs(token->probability - probability(logits, token->id, 1)) < 1e-5);
                ids[PROMPT + i] = token->id;
            }
            es_generation_release(&found);
            close_tiny_gpt2(model);
        }
}

/* Ids up to a line's end or a colon; returns how many. */
static int64_t read_ids(char **at, int64_t *ids)
{
    int64_t count = 0;
    for (;;) {
        char *end;
        long long id = strtoll(*at, &end, 10);
        if (end == *at) break;
        assert_true(count < 64);
        ids[count++] = id;
        *at = end;
    }
    return count;
}

/* What Transformers generates in float64 on the model that ships (tools/golden/generate.py). */
static void is_transformers(void **state)
{
    (void)state;
    es_space *space = NULL;
    es_model *model = NULL;
    es_error error = {0};
    FILE *file = fopen(test_source_path("tests/golden/generate.txt"), "r");
    char line[1024];
    int64_t lines = 0;
    assert_non_null(file);
    assert_ok(es_space_open(test_source_path("models/demo"), NULL, &space, &error), error);
    assert_ok(es_model_create(space, 2, &model, &error), error);
    while (fgets(line, sizeof line, file)) {
        int64_t ids[64], expected[64];
        es_generation found;
        char *at = line;
        if (*line == '#') continue;
        int64_t count = read_ids(&at, ids);
        at += strspn(at, " :");
        int64_t expected_count = read_ids(&at, expected);
        assert_ok(
            es_generate(model, ids, count, &(es_generate_options){.count = 30}, &found, &error),
            error);
        assert_int_equal(found.count, expected_count);
        for (int64_t i = 0; i < expected_count; i++)
            assert_int_equal(found.tokens[i].id, expected[i]);
        es_generation_release(&found);
        lines++;
    }
    fclose(file);
    assert_true(lines >= 20);
    es_model_free(model);
    es_space_free(space);
}

/* Draw N times under the options, one token each, with as many seeds. */
enum { DRAWS = 8000 };
static void count_draws(es_model *model, es_generate_options options, int64_t *counts)
{
    memset(counts, 0, MODEL_ROWS * sizeof *counts);
    options.count = 1;
    options.sample = true;
    for (options.seed = 0; options.seed < DRAWS; options.seed++) {
        es_generation found = go_on(model, &options);
        counts[found.tokens[0].id]++;
        es_generation_release(&found);
    }
}

/* Chi-square of the counts against the share of each token, tokens of fewer than 8 expected draws
 * together; fails beyond five standard deviations (the seeds are fixed). */
static void check_draws(const int64_t *counts, const double *shares)
{
    double chi = 0, rest = 0, rest_count = 0, freedom = -1;
    for (int64_t i = 0; i < MODEL_ROWS; i++) {
        double expected = DRAWS * shares[i], count = (double)counts[i];
        if (shares[i] == 0) assert_int_equal(counts[i], 0);
        if (expected < 8) {
            rest += expected;
            rest_count += count;
            continue;
        }
        chi += (count - expected) * (count - expected) / expected;
        freedom++;
    }
    if (rest >= 8) {
        chi += (rest_count - rest) * (rest_count - rest) / rest;
        freedom++;
    }
    assert_true(freedom >= 1);
    assert_true(chi < freedom + 5 * sqrt(2 * freedom));
    assert_true(chi > freedom - 5 * sqrt(2 * freedom));
}

static void draws_by_probability(void **state)
{
    (void)state;
    es_model *model = open_tiny_gpt2(&(tiny_gpt2){0}, 1);
    double logits[MODEL_ROWS], shares[MODEL_ROWS];
    int64_t counts[MODEL_ROWS];
    logits_after(model, prompt, PROMPT, logits);
    const double temperatures[] = {1, 0.6, 2.5};
    for (int t = 0; t < 3; t++) {
        double temperature = temperatures[t];
        for (int64_t i = 0; i < MODEL_ROWS; i++) shares[i] = probability(logits, i, temperature);
        /* 0 stands for 1 */
        count_draws(model, (es_generate_options){.temperature = t ? temperature : 0}, counts);
        check_draws(counts, shares);
    }
    close_tiny_gpt2(model);
}

/* Leave to the most probable tokens what they have; `k` of them at most, `p` of the mass. */
static void keep(const double *logits, double temperature, int64_t k, double p, double *shares)
{
    double kept = 0, all = 0, reached = 0;
    bool taken[MODEL_ROWS] = {false};
    int64_t order[MODEL_ROWS];
    for (int64_t n = 0; n < MODEL_ROWS; n++) {
        int64_t best = -1;
        for (int64_t i = 0; i < MODEL_ROWS; i++)
            if (!taken[i] && (best < 0 || logits[i] > logits[best])) best = i;
        taken[best] = true;
        order[n] = best;
        shares[best] = 0;
    }
    for (int64_t n = 0; n < k; n++) all += probability(logits, order[n], temperature);
    for (int64_t n = 0; n < k && reached < p; n++) {
        shares[order[n]] = probability(logits, order[n], temperature);
        kept += shares[order[n]];
        reached = kept / all;
    }
    for (int64_t i = 0; i < MODEL_ROWS; i++) shares[i] /= kept;
}

static void draws_from_the_top_alone(void **state)
{
    (void)state;
    es_model *model = open_tiny_gpt2(&(tiny_gpt2){.untied = true}, 1);
    double logits[MODEL_ROWS], shares[MODEL_ROWS];
    int64_t counts[MODEL_ROWS];
    logits_after(model, prompt, PROMPT, logits);
    keep(logits, 1.5, 5, 1, shares);
    count_draws(model, (es_generate_options){.temperature = 1.5, .top_k = 5}, counts);
    check_draws(counts, shares);
    keep(logits, 1, MODEL_ROWS, 0.5, shares);
    count_draws(model, (es_generate_options){.top_p = 0.5}, counts);
    check_draws(counts, shares);
    keep(logits, 2, 12, 0.8, shares);
    count_draws(model, (es_generate_options){.temperature = 2, .top_k = 12, .top_p = 0.8}, counts);
    check_draws(counts, shares);
    close_tiny_gpt2(model);
}

/* The top token alone: by top_k 1, by a small top_p, by a cold temperature. */
static void narrow_lots_are_greedy(void **state)
{
    (void)state;
    es_model *model = open_tiny_gpt2(&(tiny_gpt2){0}, 1);
    es_generation greedy = go_on(model, &(es_generate_options){.count = 8});
    const es_generate_options narrow[] = {{.sample = true, .count = 8, .top_k = 1},
                                          {.sample = true, .count = 8, .top_p = 1e-9},
                                          {.sample = true, .count = 8, .temperature = 1e-6},
                                          {.sample = true, .count = 8, .temperature = 1e-300}};
    for (int i = 0; i < 4; i++) {
        es_generation found = go_on(model, &narrow[i]);
        for (int64_t n = 0; n < 8; n++) assert_int_equal(found.tokens[n].id, greedy.tokens[n].id);
        es_generation_release(&found);
    }
    es_generation_release(&greedy);
    close_tiny_gpt2(model);
}

static void seeds_decide(void **state)
{
    (void)state;
    es_model *model = open_tiny_gpt2(&(tiny_gpt2){0}, 1);
    int64_t differing = 0;
    for (uint64_t seed = 0; seed < 5; seed++) {
        es_generate_options options = {.count = 10, .sample = true, .seed = seed};
        es_generation first = go_on(model, &options), second = go_on(model, &options);
        options.seed = seed + 100;
        es_generation other = go_on(model, &options);
        for (int64_t i = 0; i < 10; i++) {
            assert_int_equal(first.tokens[i].id, second.tokens[i].id);
            differing += first.tokens[i].id != other.tokens[i].id;
        }
        es_generation_release(&first);
        es_generation_release(&second);
        es_generation_release(&other);
    }
    assert_true(differing > 10);
    close_tiny_gpt2(model);
}

/* ---- how it ends ------------------------------------------------------------------------------
 */

static void note_chosen(void *context, int64_t id)
{
    int64_t *seen = context;
    seen[++seen[0]] = id;
}

static void ends_where_the_model_says(void **state)
{
    (void)state;
    es_model *model = open_tiny_gpt2(&(tiny_gpt2){0}, 1);
    es_generation plain = go_on(model, &(es_generate_options){.count = 6});
    int64_t last = plain.tokens[3].id, place = 0;
    while (plain.tokens[place].id != last) place++;
    close_tiny_gpt2(model);
    static const char *const forms[] = {", \"eos_token_id\": %lld",
                                        ", \"eos_token_id\": [3, %lld]"};
    for (int form = 0; form < 2; form++) {
        char config[64];
        snprintf(config, sizeof config, forms[form], (long long)last);
        model = open_tiny_gpt2(&(tiny_gpt2){.config = config}, 1);
        int64_t seen[8] = {0};
        es_generation found = go_on(
            model, &(es_generate_options){.count = 6, .chosen = note_chosen, .context = seen});
        assert_int_equal(found.end, ES_GENERATION_TEXT);
        assert_int_equal(found.count, place + 1);
        assert_int_equal(found.tokens[place].id, last);
        assert_int_equal(seen[0], place);
        for (int64_t i = 0; i < place; i++) assert_int_equal(seen[i + 1], found.tokens[i].id);
        es_generation_release(&found);
        found = go_on(model, &(es_generate_options){.count = 6, .past_end = true});
        assert_int_equal(found.end, ES_GENERATION_COUNT);
        assert_int_equal(found.count, 6);
        es_generation_release(&found);
        close_tiny_gpt2(model);
    }
    es_generation_release(&plain);
}

static void ends_with_the_context(void **state)
{
    (void)state;
    es_model *model = open_tiny_gpt2(&(tiny_gpt2){.config = ", \"eos_token_id\": null"}, 1);
    es_generation found = go_on(model, &(es_generate_options){.count = ROOM + 1});
    assert_int_equal(found.end, ES_GENERATION_CONTEXT);
    assert_int_equal(found.count, ROOM);
    es_generation_release(&found);
    found = go_on(model, &(es_generate_options){.count = INT64_MAX});
    assert_int_equal(found.count, ROOM);
    es_generation_release(&found);
    int64_t full[TINY_CONTEXT + 1] = {0};
    es_error error = {0};
    assert_ok(es_generate(model, full, TINY_CONTEXT, NULL, &found, &error), error);
    assert_int_equal(found.end, ES_GENERATION_CONTEXT);
    assert_int_equal(found.count, 1);
    es_generation_release(&found);
    assert_int_equal(es_generate(model, full, TINY_CONTEXT + 1, NULL, &found, &error),
                     ES_BAD_INPUT);
    assert_says(error, "the prompt has 17 tokens: the model's context has 16");
    close_tiny_gpt2(model);
}

static bool stop_after(void *context, int64_t done, int64_t total)
{
    int64_t *left = context;
    assert_true(done >= 0 && done <= total);
    return --*left > 0;
}

static void refuses(void **state)
{
    (void)state;
    es_model *model = open_tiny_gpt2(&(tiny_gpt2){0}, 1);
    es_generation found;
    es_error error = {0};
    const es_generate_options wrong[] = {
        {.count = -1},  {.temperature = -1}, {.temperature = NAN}, {.temperature = INFINITY},
        {.top_p = 1.5}, {.top_p = NAN},      {.top_p = -0.5},      {.top_k = -1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(es_generate(model, prompt, PROMPT, &wrong[i], &found, &error),
                         ES_BAD_ARGUMENT);
    assert_int_equal(es_generate(model, prompt, 0, NULL, &found, &error), ES_BAD_INPUT);
    assert_says(error, "the prompt is empty");
    assert_int_equal(es_generate(model, &(int64_t){MODEL_ROWS}, 1, NULL, &found, &error),
                     ES_BAD_INPUT);
    for (int64_t calls = 1; calls < 12; calls += 2) {
        int64_t left = calls;
        es_generate_options options = {.count = 10, .progress = {stop_after, &left}};
        assert_int_equal(es_generate(model, prompt, PROMPT, &options, &found, &error),
                         ES_CANCELLED);
        assert_null(found.tokens);
    }
    close_tiny_gpt2(model);
    model = open_tiny_gpt2(&(tiny_gpt2){.size = 1e38, .untied = true}, 1);
    assert_int_equal(es_generate(model, prompt, PROMPT, NULL, &found, &error), ES_BAD_INPUT);
    assert_says(error, "overflow");
    es_attribution parts;
    assert_int_equal(es_attribution_compute(model, prompt, PROMPT, NULL, NULL, &parts, &error),
                     ES_BAD_INPUT);
    assert_says(error, "overflow");
    close_tiny_gpt2(model);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    es_model *model = open_tiny_gpt2(&(tiny_gpt2){.config = ", \"eos_token_id\": [3, 4]"}, 1);
    for (int64_t n = 0;; n++) {
        assert_true(n < 1000);
        es_generation found;
        allocations_left = n;
        es_status status =
            es_generate(model, prompt, PROMPT, &(es_generate_options){.count = 2, .sample = true},
                        &found, NULL);
        bool failed = allocations_left == -1;
        allocations_left = -1;
        if (status == ES_OK) es_generation_release(&found);
        if (status == ES_OK && !failed) break;
        assert_true(status == ES_OK || status == ES_NO_MEMORY);
    }
    close_tiny_gpt2(model);
}

/* ---- text as it comes -------------------------------------------------------------------------
 */

/* However the bytes are cut, the terminal gets the same. */
static void streams(const char *bytes, size_t size, const char *expected)
{
    for (size_t step = 1; step <= size + 1; step++) {
        char *out = NULL;
        size_t out_size = 0;
        es_text_stream stream = {.out = open_memstream(&out, &out_size)};
        for (size_t at = 0; at < size; at += step)
            es_text_stream_add(&stream, bytes + at, size - at < step ? size - at : step);
        es_text_stream_end(&stream);
        fclose(stream.out);
        assert_string_equal(out, expected);
        free(out);
    }
}

static void text_comes_in_pieces(void **state)
{
    (void)state;
    streams("", 0, "\n");
    streams("a cat\n", 6, "a cat\n");
    streams("caf\xC3\xA9 \xF0\x9F\x90\x88", 10, "caf\xC3\xA9 \xF0\x9F\x90\x88\n");
    streams("\xE1\xBB", 2, "\xEF\xBF\xBD\n");
    streams("\xFF\xE1\xBB\xE1\xBB\x87x", 7, "\xEF\xBF\xBD\xEF\xBF\xBD\xE1\xBB\x87x\n");
    streams("a\x1B[2J\tb\xC2\x9B", 9, "a\\x1B[2J\tb\\u{009B}\n");
    char many[300], shown[302];
    memset(many, 'x', sizeof many);
    memset(shown, 'x', sizeof many);
    strcpy(shown + sizeof many, "\n");
    streams(many, sizeof many, shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_greedy),
        cmocka_unit_test(is_transformers),
        cmocka_unit_test(draws_by_probability),
        cmocka_unit_test(draws_from_the_top_alone),
        cmocka_unit_test(narrow_lots_are_greedy),
        cmocka_unit_test(seeds_decide),
        cmocka_unit_test(ends_where_the_model_says),
        cmocka_unit_test(ends_with_the_context),
        cmocka_unit_test(refuses),
        cmocka_unit_test(survives_lack_of_memory),
        cmocka_unit_test(text_comes_in_pieces),
    };
    return cmocka_run_group_tests_name("generation", tests, scratch_setup, scratch_teardown);
}
