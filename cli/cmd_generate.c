/* generate: go on with a prompt. */
#define _GNU_SOURCE
#include "command.h"
#include "message.h"
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
    cli_common common;
    int64_t count, top_k;
    cli_number temperature, top_p, seed;
    bool past_end, table;
} settings;

static const cli_example examples[] = {
    {"generate demo 'A cat is a kind of'", "the most probable token, twenty times"},
    {"generate demo 'A cat is a kind of' -n 5 --table", "how probable each of them was"},
    {"generate demo 'A cat is' --temperature 0.8 --seed 7", "drawn by lot, the same every time"},
    {"generate demo 'A cat is' --top-k 40 --top-p 0.9 --json", "from the likeliest alone"},
    {"generate demo --special '<|endoftext|>'", "a text from its beginning"},
    {"generate demo < text.txt", "the prompt is standard input"},
    {0}};

static const char *const details[] = {
    "Runs the model (GPT-2 and its kin) on the prompt and goes on with one token after the other: "
    "the most probable one, of equal ones the lowest id; or, with --temperature, --top-k, --top-p "
    "or --seed, one drawn by lot. Without PROMPT, or with '-', it is standard input without its "
    "last line's end. Nothing is put before it.",
    "The text ends after -n tokens, at the token that ends a text (config.json's eos_token_id, or "
    "<|endoftext|>), or when the model's context is full: nothing old is dropped to go on.",
    "Standard output gets the prompt and what follows; on a terminal as it comes, with control "
    "characters escaped.",
    NULL};

static const cli_option own_options[] = {
    {.name = "count",
     .letter = 'n',
     .type = CLI_INTEGER,
     .value = "N",
     .help = "at most so many tokens (default 20)",
     .offset = offsetof(settings, count),
     .minimum = 1,
     .maximum = INT32_MAX},
    {.name = "temperature",
     .type = CLI_NUMBER,
     .value = "T",
     .help = "draw by lot, logits divided by T (default 1 where anything asks for the lot; 0: the "
             "most probable)",
     .offset = offsetof(settings, temperature)},
    {.name = "top-k",
     .type = CLI_INTEGER,
     .value = "K",
     .help = "draw from the K most probable tokens",
     .offset = offsetof(settings, top_k),
     .minimum = 1,
     .maximum = INT32_MAX},
    {.name = "top-p",
     .type = CLI_NUMBER,
     .value = "P",
     .help = "draw from the fewest most probable tokens that have P of the probability",
     .offset = offsetof(settings, top_p)},
    {.name = "seed",
     .type = CLI_NUMBER,
     .value = "S",
     .help = "which lot (default 0), a whole number; the same draws on every machine",
     .offset = offsetof(settings, seed)},
    {.name = "past-end",
     .type = CLI_FLAG,
     .help = "go on where the model ends the text",
     .offset = offsetof(settings, past_end)},
    {.name = "special",
     .type = CLI_FLAG,
     .help = "special tokens written out in the prompt, as <|endoftext|>, are those tokens",
     .offset = offsetof(settings, common.special)},
    {.name = "table",
     .type = CLI_FLAG,
     .help = "a table of the new tokens with probability and rank, instead of the text",
     .offset = offsetof(settings, table)},
    {0}};

static const cli_option_group groups[] = {{"Continuation", own_options},
                                          {"Model", cli_run_options},
                                          {"Output", cli_csv_options},
                                          {"Output", cli_output_options},
                                          {0}};

/* The PROMPT, or standard input without its last line's end; *text is the caller's to free. */
static es_status read_prompt(cli_call *call, char **text, size_t *size)
{
    const char *prompt = call->argument_count > 1 ? call->arguments[1] : "-";
    if (strcmp(prompt, "-") != 0) {
        *size = strlen(prompt);
        *text = strdup(prompt);
        return *text ? ES_OK : cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    }
    if (isatty(STDIN_FILENO))
        cli_call_note(call, "reading the prompt from the terminal; Ctrl-D ends it");
    es_status status = cli_read_all("-", text, size, &call->error);
    if (status) return status;
    if (*size && (*text)[*size - 1] == '\n') --*size;
    if (*size && (*text)[*size - 1] == '\r') --*size;
    return ES_OK;
}

static es_status encode_prompt(cli_call *call, const es_model *model, es_ids *ids)
{
    char *data = NULL;
    es_bytes text = {0};
    bool special = call->common->special;
    es_status status = read_prompt(call, &data, &text.size);
    text.data = data;
    if (!status) status = es_prompt_encode(model, "the prompt", text, special, ids, &call->error);
    const char *note = status ? NULL : es_prompt_note(model, text, special);
    if (note) cli_call_note(call, note);
    free(data);
    return status;
}

static es_status check_numbers(cli_call *call)
{
    const settings *chosen = call->settings;
    double seed = chosen->seed.value, top_p = chosen->top_p.value;
    if (!(seed >= 0 && seed < 0x1p53) || seed != (double)(int64_t)seed)
        return cli_call_usage(call, "--seed is a whole number from 0 to 9007199254740991");
    if (chosen->top_p.given && !(top_p > 0 && top_p <= 1))
        return cli_call_usage(call, "--top-p lies above 0 and up to 1");
    if (chosen->temperature.given && chosen->temperature.value < 0)
        return cli_call_usage(call, "--temperature is not below 0");
    if (chosen->table && (call->common->json || call->common->csv))
        return cli_call_usage(call, "--table and --%s exclude each other",
                              call->common->json ? "json" : "csv");
    return ES_OK;
}

static es_generate_options generate_options(cli_call *call)
{
    const settings *chosen = call->settings;
    bool lot = chosen->temperature.given
                   ? chosen->temperature.value > 0
                   : chosen->top_k || chosen->top_p.given || chosen->seed.given;
    return (es_generate_options){.count = chosen->count,
                                 .sample = lot,
                                 .temperature = chosen->temperature.value,
                                 .top_k = chosen->top_k,
                                 .top_p = chosen->top_p.value,
                                 .seed = (uint64_t)chosen->seed.value,
                                 .past_end = chosen->past_end,
                                 .progress = cli_call_progress(call)};
}

/* ---- on a terminal, as it comes ---------------------------------------------------------------
 */

typedef struct live {
    const es_vocabulary *vocabulary;
    const es_ids *prompt;
    bool begun; /* the prompt has been shown: not before the model has taken it */
    es_text_stream stream;
} live;

static void show(live *live, int64_t id)
{
    es_bytes token = es_vocabulary_token(live->vocabulary, id);
    es_text_stream_add(&live->stream, token.data, token.size);
}

static void begin(live *live)
{
    for (int64_t i = 0; i < live->prompt->count && !live->begun; i++)
        show(live, live->prompt->id[i]);
    live->begun = true;
}

static void show_chosen(void *context, int64_t id)
{
    live *live = context;
    begin(live);
    show(live, id);
    fflush(live->stream.out);
}

static es_status generate_live(cli_call *call, es_model *model, const es_ids *prompt,
                               es_generation *generation)
{
    cli_sink sink;
    es_render_options unused;
    es_status status = cli_call_stream(call, NULL, &sink, &unused);
    if (status) return status;
    live live = {.vocabulary = es_space_vocabulary(call->space),
                 .prompt = prompt,
                 .stream = {.out = sink.out}};
    es_generate_options options = generate_options(call);
    call->progress.enabled = false; /* the text itself shows how far it is */
    options.chosen = show_chosen;
    options.context = &live;
    status = es_generate(model, prompt->id, prompt->count, &options, generation, &call->error);
    if (!status) begin(&live);
    if (live.begun) es_text_stream_end(&live.stream);
    return cli_sink_close(&sink, status, &call->error);
}

/* ---- else, whole ------------------------------------------------------------------------------
 */

static es_status generate_whole(cli_call *call, es_model *model, const es_ids *prompt,
                                es_generation *generation)
{
    const settings *chosen = call->settings;
    es_generate_options options = generate_options(call);
    es_render_options render;
    es_status status =
        es_generate(model, prompt->id, prompt->count, &options, generation, &call->error);
    if (!status) status = cli_call_render(call, &render);
    if (status) return status;
    return chosen->table
               ? es_render_generation_table(call->space, generation, &render, call->out,
                                            &call->error)
               : es_render_generation(call->space, generation, &render, call->out, &call->error);
}

static void say_how_it_ended(const cli_call *call, const es_model *model,
                             const es_generation *generation)
{
    char text[160];
    long long count = (long long)generation->count;
    const char *plural = count == 1 ? "" : "s";
    if (generation->end == ES_GENERATION_COUNT) return;
    if (generation->end == ES_GENERATION_TEXT)
        snprintf(text, sizeof text,
                 "the model ended the text: its token %lld is the end-of-text token", count);
    else
        snprintf(text, sizeof text,
                 "stopped after %lld token%s: the model's context of %lld tokens is full", count,
                 plural, (long long)es_model_get_shape(model)->context);
    cli_call_note(call, text);
}

static es_status go_on(cli_call *call, es_model *model)
{
    const settings *chosen = call->settings;
    const cli_common *common = call->common;
    es_ids prompt = {0};
    es_generation generation = {0};
    bool is_text = !common->json && !common->csv && !common->output && !chosen->table;
    es_status status = encode_prompt(call, model, &prompt);
    if (!status)
        status = is_text && isatty(STDOUT_FILENO)
                     ? generate_live(call, model, &prompt, &generation)
                     : generate_whole(call, model, &prompt, &generation);
    if (!status) say_how_it_ended(call, model, &generation);
    es_generation_release(&generation);
    es_ids_release(&prompt);
    return status;
}

static es_status run(cli_call *call)
{
    es_model *model;
    if (call->argument_count > 2)
        return cli_call_usage(call, "generate takes one PROMPT: put it between quotes");
    es_status status = check_numbers(call);
    if (!status) status = cli_model_open(call);
    if (!status)
        status = es_model_create(call->space, (int)call->common->threads, &model, &call->error);
    if (status) return status;
    status = go_on(call, model);
    es_model_free(model);
    return status;
}

const cli_command cli_command_generate = {
    .name = "generate",
    .stage = "The model at work",
    .summary = "go on with a prompt",
    .arguments = "MODEL [PROMPT]",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
