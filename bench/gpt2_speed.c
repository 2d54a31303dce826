/* How long a GPT-2 takes to load, to read a prompt, and to go on greedily.
 *
 *     gpt2_speed MODEL [PROMPT_TOKENS [NEW_TOKENS [THREADS]]]     default: 512 64 1
 *
 * Prints one JSON line, in seconds: {"threads": 2, "load": 0.3, "prompt": 0.5, "generate": 1.6,
 * "prompt_cpu": 0.9, "generate_cpu": 2.4, "ids": [...]}; the two of _cpu are what all threads
 * together were at work, which tells more on a busy machine. The prompt is ids of a formula, (7919
 * i + 11) mod rows, as peers take it. */
#define _GNU_SOURCE
#include <embscope/embscope.h>
#include <embscope/model.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The next token after a residual stream: of the largest logit, the first among equals. */
static es_status choose(es_model *model, const float *last, float *logits, int64_t *id,
                        es_error *error)
{
    es_status status = es_model_logits(model, last, logits, error);
    int64_t best = 0;
    for (int64_t i = 1; i < es_model_get_shape(model)->rows; i++)
        if (logits[i] > logits[best]) best = i;
    *id = best;
    return status;
}

/* ids (prompt + more): the prompt is given, the rest is written. */
static es_status go_on(es_model *model, int64_t *ids, int64_t prompt, int64_t more,
                       double seconds[4], es_error *error)
{
    const es_model_shape *shape = es_model_get_shape(model);
    es_run *run = NULL;
    float *last = calloc((size_t)shape->width, sizeof *last);
    float *logits = calloc((size_t)shape->rows, sizeof *logits);
    if (!last || !logits) abort();
    const clockid_t clocks[2] = {CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID};
    double begin[2] = {now(clocks[0]), now(clocks[1])};
    es_status status = es_run_create(model, prompt + more, &run, error);
    if (status == ES_OK) status = es_run_feed(run, ids, prompt, NULL, last, NULL, error);
    if (status == ES_OK) status = choose(model, last, logits, &ids[prompt], error);
    for (int i = 0; i < 2; i++) {
        double middle = now(clocks[i]);
        seconds[i] = middle - begin[i];
        begin[i] = middle;
    }
    for (int64_t i = prompt; i < prompt + more && status == ES_OK; i++) {
        status = es_run_feed(run, &ids[i], 1, NULL, last, NULL, error);
        if (status == ES_OK) status = choose(model, last, logits, &ids[i + 1], error);
    }
    for (int i = 0; i < 2; i++) seconds[2 + i] = now(clocks[i]) - begin[i];
    es_run_free(run);
    free(last);
    free(logits);
    return status;
}

static int fail(const es_error *error)
{
    fprintf(stderr, "%s\n", error->text);
    return 1;
}

int main(int count, char **words)
{
    if (count < 2) return fputs("gpt2_speed MODEL [PROMPT [NEW [THREADS]]]\n", stderr), 2;
    int64_t prompt = count > 2 ? atoll(words[2]) : 512, more = count > 3 ? atoll(words[3]) : 64;
    int threads = count > 4 ? atoi(words[4]) : 1;
    if (prompt < 1 || more < 0 || prompt > 1 << 20 || more > 1 << 20) return 2;
    es_error error = {0};
    es_space *space = NULL;
    es_model *model = NULL;
    double begin = now(CLOCK_MONOTONIC), seconds[4];
    if (es_space_open(words[1], &(es_open_options){.threads = threads}, &space, &error))
        return fail(&error);
    if (es_model_create(space, threads, &model, &error)) return fail(&error);
    double loaded = now(CLOCK_MONOTONIC) - begin;
    int64_t *ids = calloc((size_t)(prompt + more + 1), sizeof *ids);
    if (!ids) abort();
    for (int64_t i = 0; i < prompt; i++) ids[i] = (7919 * i + 11) % es_space_row_count(space);
    if (go_on(model, ids, prompt, more, seconds, &error)) return fail(&error);
    printf("{\"threads\": %d, \"load\": %.4f, \"prompt\": %.4f, \"generate\": %.4f, "
           "\"prompt_cpu\": %.4f, \"generate_cpu\": %.4f, \"ids\": [",
           threads, loaded, seconds[0], seconds[2], seconds[1], seconds[3]);
    for (int64_t i = prompt; i < prompt + more; i++)
        printf("%s%lld", i > prompt ? ", " : "", (long long)ids[i]);
    printf("]}\n");
    free(ids);
    es_model_free(model);
    es_space_free(space);
    return 0;
}
