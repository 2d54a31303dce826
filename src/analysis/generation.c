#include "analysis/stages.h"
#include "base/memory.h"
#include "base/random.h"
#include "model/end_of_text.h"

#include <embscope/generate.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A token that may be drawn. */
typedef struct candidate {
    float logit;
    int64_t id;
} candidate;

typedef struct job {
    es_model *model;
    es_generate_options options;
    int64_t rows;
    float *residual, *logits; /* (width), (rows) */
    candidate *candidates;    /* (rows) */
    double *weights;          /* (rows) */
    es_random random;
    es_ids ends;
    es_stages stages;
} job;

static es_status fill_in(es_generate_options *options, es_error *error)
{
    if (!options->count) options->count = 20;
    if (options->temperature == 0) options->temperature = 1;
    if (options->top_p == 0) options->top_p = 1;
    if (options->count < 0) return es_fail(error, ES_BAD_ARGUMENT, "fewer than no token");
    if (!(options->temperature > 0 && options->temperature < INFINITY))
        return es_fail(error, ES_BAD_ARGUMENT, "a temperature of %g; it is above 0",
                       options->temperature);
    if (!(options->top_p > 0 && options->top_p <= 1))
        return es_fail(error, ES_BAD_ARGUMENT, "a top-p of %g; it lies above 0 and up to 1",
                       options->top_p);
    if (options->top_k < 0) return es_fail(error, ES_BAD_ARGUMENT, "a top-k below 1");
    return ES_OK;
}

/* The first of the largest logits; -1 where one is not a number or infinite. */
static int64_t find_largest(const job *job)
{
    int64_t best = 0;
    for (int64_t i = 0; i < job->rows; i++) {
        if (!isfinite(job->logits[i])) return -1;
        if (job->logits[i] > job->logits[best]) best = i;
    }
    return best;
}

static es_generated_token measure(const job *job, int64_t id, float largest)
{
    float own = job->logits[id];
    es_generated_token token = {.id = id, .rank = 1};
    double sum = 0;
    for (int64_t i = 0; i < job->rows; i++) {
        sum += exp((double)job->logits[i] - (double)largest);
        token.rank += job->logits[i] > own || (job->logits[i] == own && i < id);
    }
    token.probability = exp((double)own - (double)largest) / sum;
    return token;
}

static int by_logit(const void *left, const void *right)
{
    const candidate *a = left, *b = right;
    if (a->logit != b->logit) return a->logit > b->logit ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* A number in [0, 1): 53 bits. */
static double draw(es_random *random)
{
    return (double)(es_random_next(random) >> 11) * 0x1p-53;
}

/* How many of the sorted candidates' weights reach the share of their sum. */
static int64_t reach(const double *weights, int64_t count, double share)
{
    double sum = 0, reached = 0;
    for (int64_t i = 0; i < count; i++) sum += weights[i];
    for (int64_t i = 0; i < count; i++) {
        reached += weights[i];
        if (reached >= share * sum) return i + 1;
    }
    return count;
}

static int64_t sample(job *job, float largest)
{
    const es_generate_options *options = &job->options;
    int64_t count = job->rows;
    for (int64_t i = 0; i < count; i++) job->candidates[i] = (candidate){job->logits[i], i};
    if (options->top_k || options->top_p < 1)
        qsort(job->candidates, (size_t)count, sizeof *job->candidates, by_logit);
    if (options->top_k && options->top_k < count) count = options->top_k;
    for (int64_t i = 0; i < count; i++)
        job->weights[i] =
            exp(((double)job->candidates[i].logit - (double)largest) / options->temperature);
    if (options->top_p < 1) count = reach(job->weights, count, options->top_p);
    double sum = 0, passed = 0;
    for (int64_t i = 0; i < count; i++) sum += job->weights[i];
    double place = draw(&job->random) * sum;
    int64_t last = 0; /* of a weight above 0: what rounding at the end leaves to it */
    for (int64_t i = 0; i < count; i++) {
        if (job->weights[i] > 0) last = i;
        passed += job->weights[i];
        if (place < passed) return job->candidates[i].id;
    }
    return job->candidates[last].id;
}

static es_status choose(job *job, int64_t after, es_generated_token *token, es_error *error)
{
    ES_TRY(es_model_logits(job->model, job->residual, job->logits, error));
    int64_t largest = find_largest(job);
    if (largest < 0)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: after %lld tokens a logit is not finite: the model's numbers overflow "
                       "float32",
                       es_space_source(es_model_space(job->model))->path, (long long)after);
    int64_t id = job->options.sample ? sample(job, job->logits[largest]) : largest;
    *token = measure(job, id, job->logits[largest]);
    return ES_OK;
}

static bool ends_text(const job *job, int64_t id)
{
    for (int64_t i = 0; i < job->ends.count; i++)
        if (job->ends.id[i] == id) return true;
    return false;
}

/* The run holds all but the last token of the text. */
static es_status go_on(job *job, es_run *run, es_generation *generation, es_error *error)
{
    const es_generate_options *options = &job->options;
    int64_t context = es_model_get_shape(job->model)->context;
    for (;;) {
        int64_t length = es_run_length(run);
        es_generated_token *token = &generation->tokens[generation->count];
        ES_TRY(choose(job, length, token, error));
        generation->count++;
        generation->end = ES_GENERATION_TEXT;
        if (!options->past_end && ends_text(job, token->id)) return ES_OK;
        if (options->chosen) options->chosen(options->context, token->id);
        generation->end = ES_GENERATION_COUNT;
        if (generation->count == options->count) return ES_OK;
        generation->end = ES_GENERATION_CONTEXT;
        if (length == context) return ES_OK;
        es_progress progress = es_stages_next(&job->stages, 1);
        ES_TRY(es_run_feed(run, &token->id, 1, NULL, job->residual, &progress, error));
    }
}

static es_status run_job(job *job, es_generation *generation, es_error *error)
{
    int64_t context = es_model_get_shape(job->model)->context;
    int64_t prompt = generation->prompt_count, count = job->options.count;
    /* The last token is not fed. */
    int64_t capacity = count > context - prompt ? context : prompt + count - 1;
    es_run *run;
    ES_TRY(es_run_create(job->model, capacity, &run, error));
    job->stages = (es_stages){.outer = job->options.progress, .total = (double)(capacity)};
    es_progress progress = es_stages_next(&job->stages, (double)prompt);
    es_status status =
        es_run_feed(run, generation->prompt, prompt, NULL, job->residual, &progress, error);
    if (status == ES_OK) status = go_on(job, run, generation, error);
    es_run_free(run);
    return status;
}

static es_status check_prompt(const es_model *model, int64_t count, es_error *error)
{
    int64_t context = es_model_get_shape(model)->context;
    if (count < 1)
        return es_fail(error, ES_BAD_INPUT,
                       "the prompt is empty: a model needs a token to go on from, if only the one "
                       "that texts begin with (\"<|endoftext|>\", read as a special token)");
    if (count > context)
        return es_fail(error, ES_BAD_INPUT,
                       "the prompt has %lld tokens: the model's context has %lld", (long long)count,
                       (long long)context);
    return ES_OK;
}

static es_status allocate(job *job, es_generation *generation, const int64_t *prompt,
                          es_error *error)
{
    const es_model_shape *shape = es_model_get_shape(job->model);
    int64_t rows = shape->rows, room = shape->context - generation->prompt_count + 1;
    job->rows = rows;
    job->residual = es_alloc(shape->width, sizeof *job->residual);
    job->logits = es_alloc(rows, sizeof *job->logits);
    job->candidates = es_alloc(job->options.sample ? rows : 0, sizeof *job->candidates);
    job->weights = es_alloc(job->options.sample ? rows : 0, sizeof *job->weights);
    if (job->options.count < room) room = job->options.count;
    generation->tokens = es_alloc(room, sizeof *generation->tokens);
    generation->prompt = es_alloc(generation->prompt_count, sizeof *prompt);
    if (!job->residual || !job->logits || !job->candidates || !job->weights ||
        !generation->tokens || !generation->prompt)
        return es_fail_memory(error, "logits", (size_t)rows * sizeof *job->logits);
    memcpy(generation->prompt, prompt, (size_t)generation->prompt_count * sizeof *prompt);
    return ES_OK;
}

es_status es_generate(es_model *model, const int64_t *prompt, int64_t prompt_count,
                      const es_generate_options *options, es_generation *generation,
                      es_error *error)
{
    *generation = (es_generation){.prompt_count = prompt_count};
    job job = {.model = model};
    if (options) job.options = *options;
    job.random.state = job.options.seed;
    ES_TRY(fill_in(&job.options, error));
    ES_TRY(check_prompt(model, prompt_count, error));
    generation->sampled = job.options.sample;
    generation->temperature = job.options.temperature;
    generation->top_k = job.options.top_k;
    generation->top_p = job.options.top_p;
    generation->seed = job.options.seed;
    es_status status = allocate(&job, generation, prompt, error);
    if (status == ES_OK) status = es_end_of_text_read(model, &job.ends, error);
    if (status == ES_OK) status = run_job(&job, generation, error);
    es_ids_release(&job.ends);
    free(job.residual);
    free(job.logits);
    free(job.candidates);
    free(job.weights);
    if (status != ES_OK) es_generation_release(generation);
    return status;
}

void es_generation_release(es_generation *generation)
{
    free(generation->prompt);
    free(generation->tokens);
    *generation = (es_generation){0};
}
