/* GPT-2 against Transformers in float64 (tests/golden/gpt2.txt, by tools/golden/gpt2.py), on
 * made-up weights and on `demo`; and what the real one is known to say. */
#include "gpt2_models.h"
#include "model_runs.h"

#include "analysis/logits.h"
#include "space/vocabulary.h"

#include <unistd.h>

/* Of the logits' spread, or of a state's norm: 2e-4 is what is asked. */
static const double tolerance = 1e-5;

enum { MOST_TOKENS = 128, LINE = 4096, MOST_NUMBERS = 64 };

/* A model under test and one prompt's states. */
typedef struct subject {
    opened open;
    int64_t count, ids[MOST_TOKENS];
    es_trace trace;
    double *logits;     /* (layers + 1, count, rows): the lens, whose last is the model's own */
    double *over_rows;  /* (rows), what a digest multiplies by */
    double *over_width; /* (width) */
    double worst;       /* error of a logit seen so far, over the spread */
} subject;

static double *digest_numbers(int64_t count)
{
    es_random random = {77};
    double *numbers = malloc((size_t)count * sizeof *numbers);
    assert_non_null(numbers);
    for (int64_t i = 0; i < count; i++) numbers[i] = draw_uniform(&random);
    return numbers;
}

static void take(subject *subject, const char *folder)
{
    subject->open = open_model(folder, 2);
    const es_model_shape *shape = es_model_get_shape(subject->open.model);
    subject->over_rows = digest_numbers(shape->rows);
    subject->over_width = digest_numbers(shape->width);
}

static void forget_prompt(subject *subject)
{
    release_trace(&subject->trace);
    free(subject->logits);
    subject->trace = (es_trace){0};
    subject->logits = NULL;
}

static void put_down(subject *subject)
{
    forget_prompt(subject);
    close_model(&subject->open);
    free(subject->over_rows);
    free(subject->over_width);
    *subject = (struct subject){.worst = subject->worst};
}

/* "model seed layers heads width inner context rows activation head by_layer" */
static void take_made_up(subject *subject, const char *line)
{
    char activation[32];
    unsigned long long seed;
    long long n[6];
    int head, by_layer;
    assert_int_equal(sscanf(line, "model %llu %lld %lld %lld %lld %lld %lld %31s %d %d", &seed,
                            &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], activation, &head, &by_layer),
                     10);
    gpt2_plan plan = {.seed = seed,
                      .layers = n[0],
                      .heads = n[1],
                      .width = n[2],
                      .inner = n[3],
                      .context = n[4],
                      .rows = n[5],
                      .activation = activation,
                      .head = (gpt2_head)head,
                      .scale_by_layer = by_layer};
    gpt2_tensors *all = draw_gpt2(&plan);
    take(subject, write_gpt2("golden", all, NULL));
    release_gpt2(all);
}

/* The reference's tokens of a text must be our own. */
static void check_tokens(const subject *subject, const char *hex)
{
    char text[1024];
    size_t size = strlen(hex) / 2;
    assert_true(size < sizeof text);
    for (size_t i = 0; i < size; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        text[i] = (char)byte;
    }
    es_ids ids = {0};
    es_error error = {0};
    const es_vocabulary *vocabulary = es_space_vocabulary(subject->open.space);
    assert_ok(es_vocabulary_encode(vocabulary, (es_bytes){text, size}, false, &ids, &error), error);
    assert_int_equal(ids.count, subject->count);
    for (int64_t i = 0; i < ids.count; i++) assert_int_equal(ids.id[i], subject->ids[i]);
    es_ids_release(&ids);
}

/* "prompt HEX|- ids": run it, and make the logits of every layer. */
static void run_prompt(subject *subject, char *line)
{
    es_model *model = subject->open.model;
    const es_model_shape *shape = es_model_get_shape(model);
    forget_prompt(subject);
    char *rest = NULL, *hex = (strtok_r(line, " \n", &rest), strtok_r(NULL, " \n", &rest));
    subject->count = 0;
    for (char *word; (word = strtok_r(NULL, " \n", &rest));) {
        assert_true(subject->count < MOST_TOKENS);
        subject->ids[subject->count++] = atoll(word);
    }
    if (*hex != '-') check_tokens(subject, hex);
    int64_t states = (shape->layers + 1) * subject->count, d = shape->width;
    subject->trace = trace_room(shape, subject->count);
    es_run *run = create_run(model, subject->count);
    feed(run, subject->ids, subject->count, &subject->trace, NULL);
    es_run_free(run);
    double *hidden = malloc((size_t)(states * d) * sizeof *hidden);
    subject->logits = malloc((size_t)(states * shape->rows) * sizeof *subject->logits);
    assert_true(hidden && subject->logits);
    for (int64_t i = 0; i < states; i++)
        es_model_final_norm(model, subject->trace.residual + i * d, hidden + i * d, NULL);
    es_error error = {0};
    assert_ok(es_logits_compute(es_model_unembedding(model), states, hidden, 2, subject->logits,
                                NULL, &error),
              error);
    free(hidden);
}

static double log_sum_exp(const double *logits, int64_t count)
{
    double largest = logits[0], sum = 0;
    for (int64_t i = 1; i < count; i++) largest = fmax(largest, logits[i]);
    for (int64_t i = 0; i < count; i++) sum += exp(logits[i] - largest);
    return largest + log(sum);
}

static double dot_with(const double *numbers, const double *values, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += numbers[i] * values[i];
    return sum;
}

static void compare(subject *subject, const char *what, int64_t t, double found, double expected,
                    double scale)
{
    double error = fabs(found - expected) / scale;
    if (!(error <= tolerance))
        fail_msg("%s at %lld: %.9g, expected %.9g: off by %g of %g", what, (long long)t, found,
                 expected, error, scale);
    subject->worst = fmax(subject->worst, error);
}

/* "at T ..." against the prompt's states. */
static void compare_position(subject *subject, const char *line)
{
    const es_model_shape *shape = es_model_get_shape(subject->open.model);
    int64_t n = shape->rows, d = shape->width, layers = shape->layers, count = subject->count;
    double wanted[MOST_NUMBERS];
    int used = 0, size = 0;
    long long t;
    assert_int_equal(sscanf(line, "at %lld%n", &t, &used), 1);
    for (char *end; size < MOST_NUMBERS; size++, used += (int)(end - (line + used))) {
        wanted[size] = strtod(line + used, &end);
        if (end == line + used) break;
    }
    assert_int_equal(size, 7 + 2 * (layers + 1));
    const double *own = subject->logits + (layers * count + t) * n;
    double least = own[0], largest = own[0];
    for (int64_t i = 1; i < n; i++) least = fmin(least, own[i]), largest = fmax(largest, own[i]);
    double spread = largest - least;
    const int64_t ids[] = {0, 1, n / 2, n - 1};
    compare(subject, "the largest logit", t, largest, wanted[0], spread);
    compare(subject, "log sum exp", t, log_sum_exp(own, n), wanted[1], spread);
    compare(subject, "the digest of all logits", t, dot_with(subject->over_rows, own, n), wanted[2],
            spread * sqrt((double)n));
    for (int i = 0; i < 4; i++) compare(subject, "a logit", t, own[ids[i]], wanted[3 + i], spread);
    for (int64_t l = 0; l <= layers; l++) {
        const float *x = subject->trace.residual + (l * count + t) * d;
        double sum = 0, square = 0;
        for (int64_t k = 0; k < d; k++) sum += subject->over_width[k] * x[k], square += x[k] * x[k];
        compare(subject, "a layer's digest", t, sum, wanted[7 + 2 * l], sqrt(square));
        const double *lens = subject->logits + (l * count + t) * n;
        compare(subject, "a layer's log sum exp", t, log_sum_exp(lens, n), wanted[8 + 2 * l],
                spread);
    }
}

static void agrees_with_transformers(void **state)
{
    (void)state;
    FILE *file = fopen(test_source_path("tests/golden/gpt2.txt"), "r");
    assert_non_null(file);
    char line[LINE];
    subject subject = {0};
    int models = 0, prompts = 0, positions = 0;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "model", 5) == 0 || strncmp(line, "demo", 4) == 0) {
            if (models++) put_down(&subject);
            if (*line == 'm')
                take_made_up(&subject, line);
            else
                take(&subject, test_source_path("models/demo"));
        } else if (strncmp(line, "prompt", 6) == 0) {
            run_prompt(&subject, line);
            prompts++;
        } else if (strncmp(line, "at", 2) == 0) {
            compare_position(&subject, line);
            positions++;
        }
    }
    fclose(file);
    put_down(&subject);
    assert_int_equal(models, 4);
    assert_int_equal(prompts, 29);
    assert_true(positions > 500);
    print_message("%d positions, the worst off by %.2g\n", positions, subject.worst);
}

/* ---- GPT-2 itself ------------------------------------------------------------------------------
 */

/* The greedy continuation that OpenAI's weights are known for. */
static void real_gpt2_goes_on(void **state)
{
    (void)state;
    static const char prompt[] = "Alan Turing theorized that computers would one day become";
    static const char wanted[] = " the most powerful machines on the planet.";
    const char *folder = test_data_folder();
    char path[1024] = "", weights[1100];
    if (folder) snprintf(path, sizeof path, "%s/gpt2", folder);
    snprintf(weights, sizeof weights, "%s/model.safetensors", path);
    if (!folder || access(weights, R_OK) != 0) {
        print_message("skipped: needs GPT-2's config.json, model.safetensors, vocab.json and "
                      "merges.txt in $EMBSCOPE_TEST_DATA/gpt2\n");
        skip();
    }
    opened open = open_model(path, 0);
    const es_model_shape *shape = es_model_get_shape(open.model);
    const es_vocabulary *vocabulary = es_space_vocabulary(open.space);
    es_ids ids = {0};
    es_error error = {0};
    assert_ok(
        es_vocabulary_encode(vocabulary, (es_bytes){prompt, strlen(prompt)}, false, &ids, &error),
        error);
    float *last = float_room(shape->width), *logits = float_room(shape->rows);
    int64_t written[8];
    es_run *run = create_run(open.model, ids.count + 8);
    feed(run, ids.id, ids.count, NULL, last);
    for (int i = 0; i < 8; i++) {
        assert_ok(es_model_logits(open.model, last, logits, &error), error);
        written[i] = 0;
        for (int64_t j = 1; j < shape->rows; j++)
            if (logits[j] > logits[written[i]]) written[i] = j;
        feed(run, &written[i], 1, NULL, last);
    }
    char *text = NULL;
    size_t size;
    assert_ok(es_vocabulary_decode(vocabulary, written, 8, &text, &size, &error), error);
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(text, wanted, size);
    free(text);
    free(last);
    free(logits);
    es_ids_release(&ids);
    es_run_free(run);
    close_model(&open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_transformers),
        cmocka_unit_test(real_gpt2_goes_on),
    };
    return cmocka_run_group_tests_name("model_golden", tests, scratch_setup, scratch_teardown);
}
