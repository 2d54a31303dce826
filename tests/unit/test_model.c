/* GPT-2 against a naive one in float64, on models of made-up weights. */
#include "failing_allocation.h"
#include "model_runs.h"
#include "naive_gpt2.h"

/* What is asked is 2e-4 of the logits' spread; float32 does ten times better on these. */
static const double tolerance = 2e-5;

/* The largest |found - expected| over the spread (largest - smallest) of the expected, 0.1
 * where they are all but equal: the numbers here are of the size of 1. */
static double relative_error(const float *found, const double *expected, int64_t count)
{
    double least = INFINITY, most = -INFINITY, error = 0;
    for (int64_t i = 0; i < count; i++) {
        least = fmin(least, expected[i]);
        most = fmax(most, expected[i]);
        error = fmax(error, fabs(found[i] - expected[i]));
        if (isnan(found[i])) return INFINITY;
    }
    return error / fmax(most - least, 0.1);
}

static void assert_close(const char *what, const float *found, const double *expected,
                         int64_t count)
{
    double error = relative_error(found, expected, count);
    if (!(error <= tolerance)) fail_msg("%s is off by %g of its spread", what, error);
}

/* ---- against the naive one ----------------------------------------------------------------- */

static void compare_pass(es_model *model, const gpt2_tensors *all, int64_t T)
{
    const es_model_shape *shape = es_model_get_shape(model);
    int64_t d = shape->width, size = T * d, ids[256];
    draw_ids(ids, T, all->plan.rows);
    naive_pass naive = naive_gpt2(all, ids, T);
    es_trace trace = trace_room(shape, T);
    float *last = float_room(d);
    es_run *run = create_run(model, T);
    feed(run, ids, T, &trace, last);
    assert_int_equal(es_run_length(run), T);
    assert_close("the residual stream", trace.residual, naive.residual, (shape->layers + 1) * size);
    assert_close("attention", trace.attention, naive.attention, shape->layers * size);
    assert_close("the MLP", trace.mlp, naive.mlp, shape->layers * size);
    assert_close("the heads", trace.heads, naive.heads, shape->layers * size);
    const float *end = trace.residual + shape->layers * size;
    assert_memory_equal(last, end + size - d, (size_t)d * sizeof *last);
    double hidden[64], scale;
    assert_true(d <= 64);
    for (int64_t t = 0; t < T; t++) {
        es_model_final_norm(model, end + t * d, hidden, &scale);
        for (int64_t k = 0; k < d; k++)
            assert_near(hidden[k], naive.hidden[t * d + k], 10 * tolerance);
        assert_true(scale > 0);
    }
    float *logits = logits_of(model, &trace, T);
    assert_int_equal(naive.rows, shape->rows);
    for (int64_t t = 0; t < T; t++)
        assert_close("a logit", logits + t * shape->rows, naive.logits + t * naive.rows,
                     naive.rows);
    free(logits);
    free(last);
    es_run_free(run);
    release_trace(&trace);
    release_naive(&naive);
}

/* Sizes odd on purpose: blocks of tokens, queries and columns all have edges inside. */
static const gpt2_plan plans[] = {
    {1, 2, 4, 32, 128, 200, 61, "F32", "", "gelu_new", GPT2_TIED, 0, false, false},
    {2, 2, 2, 12, 40, 130, 50, "F32", "transformer.", NULL, GPT2_TIED, 0, false, false},
    {3, 1, 1, 7, 5, 3, 5, "F32", NULL, "gelu", GPT2_TIED, 0, false, false},
    {4, 3, 3, 24, 96, 66, 40, "F16", "transformer.", "relu", GPT2_TIED, 0, false, false},
    {5, 2, 5, 20, 33, 65, 40, "BF16", "", "gelu_pytorch_tanh", GPT2_TIED, 0, false, false},
    {6, 3, 2, 16, 64, 65, 40, "F32", "transformer.", NULL, GPT2_EQUAL_HEAD, 0, true, false},
    {7, 2, 2, 16, 300, 65, 40, "F32", "transformer.", NULL, GPT2_OTHER_HEAD, 0, false, true},
    {8, 2, 2, 64, 256, 140, 300, "F16", "", "gelu", GPT2_OTHER_HEAD, 55, false, false},
    {9, 8, 2, 8, 32, 12, 2100, "BF16", "", NULL, GPT2_EQUAL_HEAD, 0, true, true},
    {10, 1, 1, 1, 1, 9, 3, "F64", "", NULL, GPT2_TIED, 0, false, false},
};
enum { PLANS = sizeof plans / sizeof *plans };

static void agrees_with_the_naive_one(void **state)
{
    (void)state;
    static const int64_t lengths[] = {1, 2, 3, 9, 63, 64, 65, 127, 128, 129, 200};
    for (int p = 0; p < PLANS; p++) {
        gpt2_tensors *all = draw_gpt2(&plans[p]);
        opened open = open_model(write_gpt2("model", all, NULL), 2);
        const es_model_shape *shape = es_model_get_shape(open.model);
        assert_int_equal(shape->layers, plans[p].layers);
        assert_int_equal(shape->heads, plans[p].heads);
        assert_int_equal(shape->inner, plans[p].inner);
        assert_int_equal(shape->context, plans[p].context);
        bool own = es_model_unembedding(open.model) == es_model_space(open.model);
        assert_int_equal(own, plans[p].head != GPT2_OTHER_HEAD);
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
            if (lengths[i] <= plans[p].context && (p == 0 || i % 3 == (size_t)p % 3))
                compare_pass(open.model, all, lengths[i]);
        close_model(&open);
        release_gpt2(all);
    }
}

/* What config.json may leave out has GPT-2's own value; the context is that of the table. */
static void a_short_config_will_do(void **state)
{
    (void)state;
    gpt2_plan plan = plans[0];
    gpt2_tensors *all = draw_gpt2(&plan);
    gpt2_fault fault = {.config = "{\"model_type\": \"gpt2\", \"num_hidden_layers\": 2, "
                                  "\"num_attention_heads\": 4, \"hidden_size\": 32, "
                                  "\"n_inner\": null, \"summary_type\": {\"a\": [1]}}"};
    opened open = open_model(write_gpt2("short", all, &fault), 1);
    assert_int_equal(es_model_get_shape(open.model)->context, 200);
    compare_pass(open.model, all, 70);
    close_model(&open);
    release_gpt2(all);
}

static void shards_are_one_model(void **state)
{
    (void)state;
    gpt2_tensors *all = draw_gpt2(&plans[1]);
    opened open = open_model(write_gpt2("shards", all, &(gpt2_fault){.sharded = true}), 2);
    compare_pass(open.model, all, 40);
    close_model(&open);
    release_gpt2(all);
}

/* ---- a text under way ------------------------------------------------------------------------ */

/* The parts are what was added, to the bit. */
static void parts_add_up(void **state)
{
    (void)state;
    gpt2_tensors *all = draw_gpt2(&plans[3]);
    opened open = open_model(write_gpt2("parts", all, NULL), 2);
    int64_t ids[50], size = 50 * 24;
    draw_ids(ids, 50, 40);
    es_trace trace = trace_room(es_model_get_shape(open.model), 50);
    es_run *run = create_run(open.model, 66);
    feed(run, ids, 50, &trace, NULL);
    for (int64_t i = 0; i < 3 * size; i++) {
        float sum = trace.residual[i] + trace.attention[i];
        sum += trace.mlp[i];
        assert_true(sum == trace.residual[i + size]);
    }
    for (int64_t i = 0; i < size; i++) {
        float token = (float)all->tensor[0].values[ids[i / 24] * 24 + i % 24];
        assert_true(trace.residual[i] == token + (float)all->tensor[1].values[i]);
    }
    es_run_free(run);
    release_trace(&trace);
    close_model(&open);
    release_gpt2(all);
}

/* Feed 200 tokens in steps of `step`; the logits after each step are those of the naive pass, and
 * the last state has the bits that it has when all are fed at once. */
static void feed_in_steps(es_model *model, const naive_pass *naive, const int64_t *ids,
                          int64_t step, const float *wanted)
{
    const es_model_shape *shape = es_model_get_shape(model);
    float *last = float_room(shape->width), *logits = float_room(shape->rows);
    es_run *run = create_run(model, naive->T);
    es_error error = {0};
    for (int64_t at = 0; at < naive->T; at += step) {
        int64_t count = naive->T - at < step ? naive->T - at : step;
        feed(run, ids + at, count, NULL, last);
        assert_ok(es_model_logits(model, last, logits, &error), error);
        assert_close("a logit", logits, naive->logits + (at + count - 1) * naive->rows,
                     naive->rows);
    }
    assert_memory_equal(last, wanted, (size_t)shape->width * sizeof *last);
    es_run_free(run);
    free(last);
    free(logits);
}

static void token_by_token_is_all_at_once(void **state)
{
    (void)state;
    gpt2_tensors *all = draw_gpt2(&plans[0]);
    opened open = open_model(write_gpt2("steps", all, NULL), 2);
    int64_t ids[200];
    draw_ids(ids, 200, all->plan.rows);
    naive_pass naive = naive_gpt2(all, ids, 200);
    float wanted[32];
    es_run *run = create_run(open.model, 200);
    feed(run, ids, 200, NULL, wanted);
    es_run_free(run);
    static const int64_t steps[] = {1, 2, 63, 65, 150};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        feed_in_steps(open.model, &naive, ids, steps[i], wanted);
    release_naive(&naive);
    close_model(&open);
    release_gpt2(all);
}

static void rewound_is_as_before(void **state)
{
    (void)state;
    gpt2_tensors *all = draw_gpt2(&plans[6]);
    opened open = open_model(write_gpt2("rewind", all, NULL), 2);
    int64_t ids[65];
    draw_ids(ids, 65, all->plan.rows);
    float first[16], again[16], other[16];
    es_run *run = create_run(open.model, 65);
    feed(run, ids, 30, NULL, NULL);
    feed(run, ids + 30, 1, NULL, first);
    es_run_rewind(run, 30);
    assert_int_equal(es_run_length(run), 30);
    feed(run, ids + 40, 20, NULL, other);
    es_run_rewind(run, 70); /* past the end: as it is */
    es_run_rewind(run, -1);
    assert_int_equal(es_run_length(run), 50);
    es_run_rewind(run, 30);
    feed(run, ids + 30, 1, NULL, again);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
    es_run_free(run);
    close_model(&open);
    release_gpt2(all);
}

/* One thread or seven: the same bits, of a long text and of single tokens. */
static void threads_change_nothing(void **state)
{
    (void)state;
    gpt2_plan plan = {11, 2, 4, 64, 700, 200, 4500, "F32", "", NULL, GPT2_TIED, 0, false, false};
    gpt2_tensors *all = draw_gpt2(&plan);
    const char *folder = write_gpt2("threads", all, NULL);
    int64_t ids[200], d = 64, size = 200 * d;
    draw_ids(ids, 200, plan.rows);
    float *kept[2] = {NULL, NULL}, *logits[2] = {NULL, NULL};
    static const int threads[] = {1, 2, 7};
    for (int i = 0; i < 3; i++) {
        opened open = open_model(folder, threads[i]);
        es_trace trace = {.residual = float_room(3 * size)};
        es_run *run = create_run(open.model, 200);
        feed(run, ids, 199, &trace, NULL);
        feed(run, ids + 199, 1, NULL, trace.residual); /* a token alone takes another way */
        kept[i > 0] = trace.residual;
        es_error error = {0};
        logits[i > 0] = float_room(plan.rows);
        assert_ok(es_model_logits(open.model, trace.residual, logits[i > 0], &error), error);
        if (i) {
            assert_memory_equal(kept[0], kept[1], (size_t)(3 * 199 * d) * sizeof(float));
            assert_memory_equal(logits[0], logits[1], (size_t)plan.rows * sizeof(float));
            free(kept[1]);
            free(logits[1]);
        }
        es_run_free(run);
        close_model(&open);
    }
    free(kept[0]);
    free(logits[0]);
    release_gpt2(all);
}

static void may_be_cancelled(void **state)
{
    (void)state;
    gpt2_tensors *all = draw_gpt2(&plans[1]);
    opened open = open_model(write_gpt2("cancel", all, NULL), 2);
    int64_t ids[5] = {1, 2, 3, 4, 5}, asked = 0;
    es_run *run = create_run(open.model, 10);
    feed(run, ids, 2, NULL, NULL);
    es_progress progress = {stop_at_once, &asked};
    es_error error = {0};
    assert_int_equal(es_run_feed(run, ids, 5, NULL, NULL, &progress, &error), ES_CANCELLED);
    assert_true(asked >= 1);
    assert_int_equal(es_run_length(run), 2);
    feed(run, ids, 8 - 3, NULL, NULL);
    assert_int_equal(es_run_length(run), 7);
    es_run_free(run);
    close_model(&open);
    release_gpt2(all);
}

static void wrong_calls_are_told(void **state)
{
    (void)state;
    gpt2_tensors *all = draw_gpt2(&plans[1]); /* 50 rows, context 130 */
    opened open = open_model(write_gpt2("calls", all, NULL), 2);
    es_run *run = NULL;
    es_error error = {0};
    assert_int_equal(es_run_create(open.model, 131, &run, &error), ES_BAD_ARGUMENT);
    assert_says(error, "131 tokens: the model's context has 1 to 130");
    assert_int_equal(es_run_create(open.model, 0, &run, &error), ES_BAD_ARGUMENT);
    run = create_run(open.model, 4);
    int64_t ids[] = {1, 49, 50, -1, 2};
    assert_int_equal(es_run_feed(run, ids, 0, NULL, NULL, NULL, &error), ES_BAD_ARGUMENT);
    assert_says(error, "no token to go on with");
    assert_int_equal(es_run_feed(run, ids, 5, NULL, NULL, NULL, &error), ES_BAD_ARGUMENT);
    assert_says(error, "5 tokens after 0: there is room for 4 (the model's context is 130)");
    assert_int_equal(es_run_feed(run, ids, 3, NULL, NULL, NULL, &error), ES_BAD_INPUT);
    assert_says(error, "token @50 of the text has no row: the embedding has 50");
    assert_int_equal(es_run_feed(run, ids + 3, 1, NULL, NULL, NULL, &error), ES_BAD_INPUT);
    assert_int_equal(es_run_length(run), 0);
    feed(run, ids, 2, NULL, NULL);
    assert_int_equal(es_run_feed(run, ids, INT64_MAX, NULL, NULL, NULL, &error), ES_BAD_ARGUMENT);
    es_run_free(run);
    es_run_free(NULL);
    close_model(&open);
    es_model_free(NULL);
    release_gpt2(all);
}

/* ---- what cannot be run ------------------------------------------------------------------------
 */

/* Making a model of the folder must fail, in one line that has `says` in it. */
static void refuse(const gpt2_tensors *all, const gpt2_fault *fault, es_status wanted,
                   const char *says)
{
    const char *folder = write_gpt2("refused", all, fault);
    es_space *space = NULL;
    es_model *model = NULL;
    es_error error = {0};
    es_status status = es_space_open(folder, NULL, &space, &error);
    if (status == ES_OK) status = es_model_create(space, 2, &model, &error);
    if (status == ES_OK) fail_msg("taken; expected: %s", says);
    assert_says(error, says);
    assert_int_equal(status, wanted);
    assert_null(strchr(error.text, '\n'));
    assert_null(model);
    es_space_free(space);
    scratch_remove(folder);
}

static void a_config_that_lies_is_refused(void **state)
{
    (void)state;
    gpt2_tensors *all = draw_gpt2(&plans[0]); /* 2 layers, 4 heads, 32, 128, 200, 61 rows */
    static const struct {
        const char *sizes, *says;
        es_status status;
    } cases[] = {
        {"\"n_layer\": 3, \"n_head\": 4, \"n_embd\": 32", "no tensor 'h.2.ln_1.weight'", 0},
        {"\"n_layer\": 2147483647, \"n_head\": 4, \"n_embd\": 32",
         "28 tensors, too few for the 2147483647 layers that config.json says", 0},
        {"\"n_layer\": 2147483648, \"n_head\": 4, \"n_embd\": 32",
         "n_layer is 2147483648; a size lies from 1 to 2147483647", 0},
        {"\"n_layer\": 0, \"n_head\": 4, \"n_embd\": 32", "n_layer is 0", 0},
        {"\"n_layer\": 2, \"n_head\": 0, \"n_embd\": 32", "n_head is 0", 0},
        {"\"n_layer\": 2, \"n_head\": -1, \"n_embd\": 32", "n_head is -1", 0},
        {"\"n_layer\": 2, \"n_head\": 5, \"n_embd\": 32", "n_embd 32 is not a multiple of n_head 5",
         0},
        {"\"n_layer\": 2, \"n_head\": 4, \"n_embd\": 64",
         "tensor 'wte.weight' is 61 x 32, not 61 x 64, as config.json says", 0},
        {"\"n_layer\": 2, \"n_head\": 4, \"n_embd\": 536870912", "more than any model's", 0},
        {"\"n_layer\": 2, \"n_head\": 4, \"n_embd\": 32, \"n_inner\": 2147483647",
         "tensor 'h.0.mlp.c_fc.bias' is 128; config.json asks for 2147483647 components", 0},
        {"\"n_layer\": 2, \"n_head\": 4, \"n_embd\": 32, \"n_positions\": 1024",
         "tensor 'wpe.weight' is 200 x 32, not 1024 x 32", 0},
        {"\"n_layer\": 2, \"n_head\": 4, \"n_embd\": 32, \"vocab_size\": 62",
         "tensor 'wte.weight' is 61 x 32, not 62 x 32", 0},
        {"\"n_head\": 4, \"n_embd\": 32", "no n_layer, which running the model takes", 0},
        {"\"n_layer\": 2, \"n_embd\": 32", "no n_head", 0},
        {"\"n_layer\": 2, \"n_head\": 4", "no n_embd", 0},
        {"\"n_layer\": \"2\"", "config.json", 0},
        {"\"n_layer\": 2, \"n_head\": 4, \"n_embd\": 32, \"activation_function\": \"silu\"",
         "activation_function is 'silu'; there are gelu_new, gelu and relu", ES_UNSUPPORTED},
        {"\"n_layer\": 2, \"n_head\": 4, \"n_embd\": 32, \"layer_norm_epsilon\": -1",
         "layer_norm_epsilon is -1", 0},
        {"\"n_layer\": 2, \"n_head\": 4, \"n_embd\": 32, \"tie_word_embeddings\": false",
         "no lm_head.weight, and config.json says that the unembedding is not the embedding", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char config[512];
        snprintf(config, sizeof config, "{\"model_type\": \"gpt2\", %s}", cases[i].sizes);
        refuse(all, &(gpt2_fault){.config = config},
               cases[i].status ? cases[i].status : ES_BAD_INPUT, cases[i].says);
    }
    static const char bert[] = "{\"model_type\": \"bert\", \"hidden_size\": 32}";
    refuse(all, &(gpt2_fault){.config = bert}, ES_UNSUPPORTED,
           "its architecture is 'bert'; only GPT-2 (model_type \"gpt2\") can be run");
    refuse(all, &(gpt2_fault){.config = "{}"}, ES_UNSUPPORTED, "its architecture is not said");
    release_gpt2(all);
}

static void tensors_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    gpt2_plan plan = plans[0];
    gpt2_tensors *all = draw_gpt2(&plan);
    static const struct {
        gpt2_fault fault;
        const char *says;
    } cases[] = {
        {{.missing = "wpe.weight"}, "no tensor 'wpe.weight', which a GPT-2"},
        {{.missing = "h.1.mlp.c_proj.bias"}, "no tensor 'h.1.mlp.c_proj.bias'"},
        {{.missing = "ln_f.bias"}, "no tensor 'ln_f.bias'"},
        {{.reshaped = "h.0.attn.c_attn.weight", .rows = 96, .columns = 32},
         "tensor 'h.0.attn.c_attn.weight' is 96 x 32, not 32 x 96"},
        {{.reshaped = "h.0.attn.c_attn.bias", .rows = 1, .columns = 96},
         "tensor 'h.0.attn.c_attn.bias' is 1 x 96; config.json asks for 96 components"},
        {{.reshaped = "wpe.weight", .rows = 0, .columns = 32},
         "tensor 'wpe.weight' is 0 x 32, not 200"},
        {{.poisoned = "h.1.ln_2.weight", .value = NAN},
         "component 31 of tensor 'h.1.ln_2.weight' is not a finite float32"},
        {{.poisoned = "wte.weight", .value = INFINITY},
         "component 1951 of tensor 'wte.weight' is not a finite float32"},
        {{.poisoned = "h.0.mlp.c_fc.weight", .value = 1e300, .dtype = "F64"},
         "component 4095 of tensor 'h.0.mlp.c_fc.weight' is not a finite float32"},
        {{.poisoned = "ln_f.weight", .dtype = "F16", .value = NAN},
         "component 31 of tensor 'ln_f.weight' is not a finite float32"},
        {{.sharded = true, .poisoned = "ln_f.weight", .value = -INFINITY}, "part1: at byte"},
        {{.sharded = true, .missing = "ln_f.weight"}, "ln_f.weight"},
        {{.cut = 1}, "model.safetensors"},
        {{.cut = 4000}, "model.safetensors"},
        {{.sharded = true, .cut = 8}, "part"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(all, &cases[i].fault, ES_BAD_INPUT, cases[i].says);
    release_gpt2(all);
    plan.head = GPT2_OTHER_HEAD;
    all = draw_gpt2(&plan);
    refuse(all, &(gpt2_fault){.reshaped = "lm_head.weight", .rows = 61, .columns = 33},
           ES_BAD_INPUT, "tensor 'lm_head.weight' is 61 x 33, not 61 x 32");
    refuse(all, &(gpt2_fault){.poisoned = "lm_head.weight", .value = NAN}, ES_BAD_INPUT,
           "component 1951 of tensor 'lm_head.weight'");
    refuse(all, &(gpt2_fault){.reshaped = "lm_head.weight", .rows = 0, .columns = 32}, ES_BAD_INPUT,
           "tensor 'lm_head.weight' has no row: there is no token to predict");
    release_gpt2(all);
}

/* Another table, a transform, one file alone. */
static void only_the_embedding_of_a_folder_is_run(void **state)
{
    (void)state;
    gpt2_tensors *all = draw_gpt2(&plans[0]);
    char folder[1100];
    snprintf(folder, sizeof folder, "%s", write_gpt2("whole", all, NULL));
    make_folder("bare"); /* no config.json beside it */
    write_gpt2_part("bare/alone.safetensors", all, &(gpt2_fault){0}, 0, all->count);
    const char *file = scratch_path("bare/alone.safetensors");
    const struct {
        const char *model;
        es_open_options options;
        es_status status;
        const char *says;
    } cases[] = {
        {folder, {.space = "position"}, ES_BAD_ARGUMENT, "not from 'wpe.weight'"},
        {folder, {.transform = "center"}, ES_BAD_ARGUMENT, "not under a transform"},
        {file, {.tensor = "wte.weight"}, ES_UNSUPPORTED, "one file alone cannot be run"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_space *space = open_path(cases[i].model, &cases[i].options);
        es_model *model = NULL;
        es_error error = {0};
        assert_int_equal(es_model_create(space, 1, &model, &error), cases[i].status);
        assert_says(error, cases[i].says);
        es_space_free(space);
    }
    release_gpt2(all);
}

/* Finite weights whose sums are not: one line, no NaN, and the run is as it was. */
static void overflow_is_told(void **state)
{
    (void)state;
    float last[32], logits[61];
    int64_t ids[] = {1, 2, 3};
    es_error error = {0};
    for (int of_logits = 0; of_logits < 2; of_logits++) {
        gpt2_tensors *all = draw_gpt2(&plans[0]);
        gpt2_tensor *first = &all->tensor[2]; /* the tensors of layer 0 */
        double *added[] = {first[11].values, first[GPT2_OF_A_LAYER + 11].values};
        double *bias = first[2 * GPT2_OF_A_LAYER + 1].values; /* of ln_f */
        for (int i = 0; i < 2 && !of_logits; i++) added[i][31] = 3e38F;
        if (of_logits) bias[31] = 3e38F, all->tensor[0].values[31] = 4;
        opened open = open_model(write_gpt2("huge", all, NULL), 2);
        es_run *run = create_run(open.model, 10);
        if (of_logits) {
            feed(run, ids, 3, NULL, last);
            assert_int_equal(es_model_logits(open.model, last, logits, &error), ES_BAD_INPUT);
            assert_says(error, "the logits overflow");
        } else {
            assert_int_equal(es_run_feed(run, ids, 3, NULL, last, NULL, &error), ES_BAD_INPUT);
            assert_says(error, "the states overflow at token 0 of the text");
            assert_int_equal(es_run_length(run), 0);
        }
        es_run_free(run);
        close_model(&open);
        release_gpt2(all);
    }
}

/* ---- memory ---------------------------------------------------------------------------------- */

static es_status run_once(es_space *space, es_error *error)
{
    es_model *model = NULL;
    es_run *run = NULL;
    int64_t ids[] = {1, 2, 3};
    float last[16], logits[40];
    ES_TRY(es_model_create(space, 1, &model, error));
    es_status status = es_run_create(model, 5, &run, error);
    if (status == ES_OK) status = es_run_feed(run, ids, 3, NULL, last, NULL, error);
    if (status == ES_OK) status = es_run_feed(run, ids, 1, NULL, last, NULL, error);
    if (status == ES_OK) status = es_model_logits(model, last, logits, error);
    es_run_free(run);
    es_model_free(model);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    gpt2_tensors *all = draw_gpt2(&plans[6]);
    const char *folder = write_gpt2("memory", all, NULL);
    int64_t n = 0;
    for (bool failed = true; failed; n++) {
        es_space *space = open_path(folder, &(es_open_options){.threads = 1});
        es_error error = {0};
        atomic_store(&failures, 0);
        atomic_store(&allocations_left, n);
        es_status status = run_once(space, &error);
        atomic_store(&allocations_left, -1);
        failed = atomic_load(&failures) > 0;
        if (status != ES_OK && status != ES_NO_MEMORY)
            fail_msg("allocation %lld: %s", (long long)n, error.text);
        assert_int_equal(status == ES_NO_MEMORY, failed);
        if (failed) assert_says(error, "out of memory");
        es_space_free(space);
    }
    assert_true(n > 30);
    release_gpt2(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_naive_one),
        cmocka_unit_test(a_short_config_will_do),
        cmocka_unit_test(shards_are_one_model),
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(token_by_token_is_all_at_once),
        cmocka_unit_test(rewound_is_as_before),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(may_be_cancelled),
        cmocka_unit_test(wrong_calls_are_told),
        cmocka_unit_test(a_config_that_lies_is_refused),
        cmocka_unit_test(tensors_that_do_not_fit_are_refused),
        cmocka_unit_test(only_the_embedding_of_a_folder_is_run),
        cmocka_unit_test(overflow_is_told),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("model", tests, scratch_setup, scratch_teardown);
}
