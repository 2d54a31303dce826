/* predict: what follows a prompt, and how much of it is angle and how much is norm. */
#include "command.h"
#include "message.h"
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    cli_common common;
    int64_t k;
    bool lens;
    const char *position, *prompts, *logits, *hidden, *attribute, *against;
} settings;

static const cli_example examples[] = {
    {"predict demo \"A cat is a kind of\"", "the ten likeliest next tokens, angle and norm apart"},
    {"predict demo \"The opposite of hot is\" --lens", "what each layer would answer"},
    {"predict demo \"A car has a wheel.\" --position all",
     "what each token of a text surprises by"},
    {"predict demo \"A cat is a kind of\" --plot logits.svg", "every token's logit and cosine"},
    {"predict demo \"A cat is a pet.\" --lens --position all --plot lens.svg",
     "a heat map: layers against tokens"},
    {"predict demo \"A cat is a kind of\" --attribute feline-animal",
     "what each part of the model adds to one logit, less another"},
    {"predict demo \"A cat is a kind of\" --attribute @top --plot p.svg",
     "the likeliest token's, as a map of layers and heads"},
    {"predict demo \"<|endoftext|>A cat\" --special -k 3 --json", "after a special token"},
    {0}};

static const char *const details[] = {
    "The model is run on PROMPT ('-': standard input, without its last line's end). The next "
    "token's logit is z = ||v|| ||h|| cos: the norm of the token's row of the unembedding, the "
    "norm "
    "of the hidden state behind the final LayerNorm, and the cosine of the two; softmax(z) is its "
    "probability. How far a token lies behind the first parts exactly into what the angles and "
    "what "
    "the norms make of it: ||h|| (||v1|| + ||v2||)/2 (cos1 - cos2) and ||h|| (cos1 + cos2)/2 "
    "(||v1|| - ||v2||).",
    "Nothing is put before the prompt. Models of this kind saw their training texts after "
    "<|endoftext|>: with --special it can be written out. Most tokens bring their leading space: "
    "end a prompt with a word, not with a space.",
    "--lens reads the state after the embedding (layer 0) and after every layer through the final "
    "LayerNorm, computed anew for each, and the unembedding: the logit lens. "
    "--position counts tokens from 0, or from -1, the last, backwards. With 'all' the text's own "
    "tokens are looked up: rank, probability, surprisal and the perplexity.",
    "--attribute parts one logit, exactly: what the embeddings, each attention head, each bias and "
    "each MLP write into the residual stream, through the final LayerNorm with its scale here, "
    "times "
    "the token's row. It is read after the same token as the prediction (the last one, with "
    "--position all). --csv is then a line for each part, and --plot draws them.",
    "--logits writes float64 (positions, rows), after the last layer; --hidden writes the residual "
    "streams, float32 (layers + 1, tokens, d), before the final LayerNorm.",
    "GPT-2 models can be run (config.json's model_type \"gpt2\").",
    NULL};

static const cli_option own_options[] = {
    {.name = "count",
     .letter = 'k',
     .type = CLI_INTEGER,
     .value = "K",
     .help = "how many candidates (default 10)",
     .offset = offsetof(settings, k),
     .minimum = 1,
     .maximum = INT32_MAX},
    {.name = "position",
     .type = CLI_TEXT,
     .value = "N|all",
     .help = "after which token of the prompt: 0 the first, -1 the last (default), or every one",
     .offset = offsetof(settings, position)},
    {.name = "lens",
     .type = CLI_FLAG,
     .help = "also after the embedding and after every layer",
     .offset = offsetof(settings, lens)},
    {.name = "prompts",
     .type = CLI_FILE,
     .value = "FILE",
     .help = "prompts, one a line, spaces kept ('-': standard input)",
     .offset = offsetof(settings, prompts)},
    {.name = "special",
     .type = CLI_FLAG,
     .help = "special tokens written out in the prompt, as <|endoftext|>, are those tokens",
     .offset = offsetof(settings, common.special)},
    {.name = "attribute",
     .type = CLI_TEXT,
     .value = "TOKEN",
     .help =
         "what each layer, head and MLP adds to the logit of TOKEN, or of '@top', the likeliest; "
         "'A-B': to the difference of two",
     .offset = offsetof(settings, attribute)},
    {.name = "against",
     .type = CLI_TEXT,
     .value = "TOKEN",
     .help = "with --attribute: less the logit of TOKEN, or of '@second', the second likeliest",
     .offset = offsetof(settings, against)},
    {.name = "logits",
     .type = CLI_FILE,
     .value = "FILE.npy",
     .help = "write the logits of every row, float64 (positions, rows)",
     .offset = offsetof(settings, logits)},
    {.name = "hidden",
     .type = CLI_FILE,
     .value = "FILE.npy",
     .help = "write the residual streams, float32 (layers + 1, tokens, d)",
     .offset = offsetof(settings, hidden)},
    {0}};

static const cli_option_group groups[] = {{"Prediction", own_options},
                                          {"Model", cli_run_options},
                                          {"Output", cli_plot_options},
                                          {"Output", cli_csv_options},
                                          {"Output", cli_jsonl_options},
                                          {"Output", cli_output_options},
                                          {0}};

/* What is asked, with all that it takes to answer. */
typedef struct question {
    cli_call *call;
    es_model *model;
    es_predict_options options;
    cli_words prompts;
    char *text; /* of standard input */
    size_t text_size;
    cli_sink sink; /* the logits' */
    bool sink_open;
    es_predictions *answers; /* (count) */
    int64_t count;
    es_attribution attribution; /* of the one answer */
} question;

static es_status parse_position(cli_call *call, es_predict_options *options)
{
    const char *text = ((const settings *)call->settings)->position;
    if (!text) return ES_OK;
    options->all_positions = !strcmp(text, "all");
    if (options->all_positions) return ES_OK;
    char *end = NULL;
    errno = 0;
    options->position = strtoll(text, &end, 10);
    options->has_position = true;
    if (errno || end == text || *end)
        return cli_call_usage(call, "--position takes a number or 'all', not '%s'", text);
    return ES_OK;
}

static es_status check_usage(cli_call *call)
{
    const settings *chosen = call->settings;
    bool listed = chosen->prompts != NULL;
    if (call->argument_count > 2)
        return cli_call_usage(call, "predict takes one PROMPT: put it between quotes");
    if (listed && call->argument_count == 2)
        return cli_call_usage(call, "--prompts and a PROMPT exclude each other");
    if (!listed && call->argument_count < 2)
        return cli_call_usage(call, "a PROMPT is missing: predict MODEL PROMPT");
    if (listed && (chosen->logits || chosen->hidden || call->common->plot || chosen->attribute))
        return cli_call_usage(call,
                              "--logits, --hidden, --attribute and --plot are for one prompt");
    if (chosen->against && !chosen->attribute)
        return cli_call_usage(call, "--against is for --attribute");
    const char *files[] = {call->common->output, call->common->plot, chosen->logits,
                           chosen->hidden};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            if (files[i] && files[j] && !strcmp(files[i], files[j]))
                return cli_call_usage(call, "two outputs name the same file, '%s'", files[i]);
    return ES_OK;
}

/* ---- one prompt -------------------------------------------------------------------------------
 */

static es_status open_logits(question *asked, int64_t tokens)
{
    cli_call *call = asked->call;
    const char *path = ((const settings *)call->settings)->logits;
    if (!path) return ES_OK;
    int64_t rows = es_model_get_shape(asked->model)->rows;
    int64_t positions = asked->options.all_positions ? tokens : 1;
    es_status status = cli_output_room(path, positions * rows * 8, &call->error);
    if (!status) status = cli_sink_open(&asked->sink, path, &call->error);
    if (status) return status;
    asked->sink_open = true;
    es_render_logits_header(positions, rows, asked->sink.out);
    return ES_OK;
}

static es_status take_logits(void *context, const double *logits, int64_t count, es_error *error)
{
    question *asked = context;
    int64_t rows = es_model_get_shape(asked->model)->rows;
    return es_render_logits(logits, count, rows, asked->sink.out, error);
}

static es_status write_hidden(question *asked, const es_predictions *answer)
{
    cli_call *call = asked->call;
    const char *path = ((const settings *)call->settings)->hidden;
    if (!path) return ES_OK;
    cli_sink sink;
    es_status status = cli_sink_open(&sink, path, &call->error);
    if (status) return status;
    status = es_render_hidden_npy(answer, sink.out, &call->error);
    return cli_sink_close(&sink, status, &call->error);
}

static es_status ask(question *asked, const char *name, es_bytes text, es_predictions *answer)
{
    cli_call *call = asked->call;
    bool special = call->common->special;
    es_ids ids = {0};
    es_status status = es_prompt_encode(asked->model, name, text, special, &ids, &call->error);
    if (!status) {
        const char *note = es_prompt_note(asked->model, text, special);
        if (note) cli_call_note(call, note);
        status = open_logits(asked, ids.count);
    }
    if (!status)
        status = es_predict_compute(asked->model, ids.id, ids.count, &asked->options, answer,
                                    &call->error);
    if (asked->sink_open) status = cli_sink_close(&asked->sink, status, &call->error);
    asked->sink_open = false;
    es_ids_release(&ids);
    return status ? status : write_hidden(asked, answer);
}

static es_status attribute(question *asked, es_predictions *answer)
{
    cli_call *call = asked->call;
    const settings *chosen = call->settings;
    es_selection_options selection = cli_call_selection_options(call);
    es_attribution_target target;
    char *note = NULL;
    es_status status = es_attribution_target_resolve(
        call->space, chosen->attribute, chosen->against, &selection, &target, &note, &call->error);
    if (status) return status;
    if (note) cli_call_note(call, note);
    free(note);
    es_progress progress = cli_call_progress(call);
    int64_t count = es_predict_final(answer)->position + 1;
    status = es_attribution_compute(asked->model, answer->tokens, count, &target, &progress,
                                    &asked->attribution, &call->error);
    if (!status) answer->attribution = &asked->attribution;
    return status;
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static es_bytes bytes_of(const char *text)
{
    return (es_bytes){text, strlen(text)};
}

static es_status ask_list(question *asked)
{
    cli_call *call = asked->call;
    const char *path = ((const settings *)call->settings)->prompts;
    es_status status = ES_OK;
    for (int64_t i = 0; !status && i < asked->prompts.count; i++) {
        char name[512];
        snprintf(name, sizeof name, "%.400s: prompt %lld",
                 strcmp(path, "-") ? path : "standard input", (long long)i + 1);
        status = ask(asked, name, bytes_of(asked->prompts.word[i]), &asked->answers[i]);
        if (!status) asked->count++;
    }
    return status;
}

/* Standard input ends with a line's end that is no part of the prompt. */
static es_status ask_one(question *asked)
{
    cli_call *call = asked->call;
    const char *prompt = call->arguments[1];
    es_bytes text = bytes_of(prompt);
    es_status status = ES_OK;
    if (!strcmp(prompt, "-")) {
        status = cli_read_all("-", &asked->text, &asked->text_size, &call->error);
        if (status) return status;
        text = (es_bytes){asked->text, asked->text_size};
        if (text.size && text.data[text.size - 1] == '\n') text.size--;
        if (text.size && text.data[text.size - 1] == '\r') text.size--;
    }
    status = ask(asked, "the prompt", text, asked->answers);
    if (status) return status;
    asked->count = 1;
    return ((const settings *)call->settings)->attribute ? attribute(asked, asked->answers) : ES_OK;
}

static es_status read_prompts(question *asked)
{
    cli_call *call = asked->call;
    const char *path = ((const settings *)call->settings)->prompts;
    int64_t count = 1;
    if (path) {
        es_status status = cli_words_read_lines(&asked->prompts, path, &call->error);
        if (status) return status;
        count = asked->prompts.count;
        if (!count) return cli_fail(&call->error, ES_BAD_INPUT, "%s: no line with a prompt", path);
    }
    asked->answers = calloc((size_t)count, sizeof *asked->answers);
    return asked->answers ? ES_OK : cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
}

static es_status plot_answer(question *asked)
{
    cli_call *call = asked->call;
    const char *path = call->common->plot;
    const es_space *space = es_model_unembedding(asked->model);
    if (!path) return ES_OK;
    return asked->answers->attribution
               ? es_plot_attribution(space, &asked->attribution, path, &call->error)
               : es_plot_predict(space, asked->answers, path, &call->error);
}

static es_status render_to(question *asked, const es_render_options *render, FILE *out)
{
    cli_call *call = asked->call;
    const es_space *space = es_model_unembedding(asked->model);
    return ((const settings *)call->settings)->prompts
               ? es_render_predict_list(space, asked->answers, asked->count, render, out,
                                        &call->error)
               : es_render_predict(space, asked->answers, render, out, &call->error);
}

/* What is said of every position after every layer may be too long for memory. */
static es_status stream_answers(question *asked)
{
    cli_call *call = asked->call;
    cli_sink sink;
    es_render_options render;
    es_status status = cli_call_stream(call, call->common->output, &sink, &render);
    if (status) return status;
    return cli_sink_close(&sink, render_to(asked, &render, sink.out), &call->error);
}

static es_status render_answers(question *asked)
{
    cli_call *call = asked->call;
    es_render_options render;
    es_status status = plot_answer(asked);
    if (status) return status;
    if (asked->options.all_positions) return stream_answers(asked);
    status = cli_call_render(call, &render);
    return status ? status : render_to(asked, &render, call->out);
}

static es_status answer(question *asked)
{
    cli_call *call = asked->call;
    const settings *chosen = call->settings;
    int threads = (int)call->common->threads;
    es_status status = read_prompts(asked);
    if (!status) status = cli_model_open(call);
    if (!status) status = cli_model_check_output(call, chosen->logits);
    if (!status) status = cli_model_check_output(call, chosen->hidden);
    if (!status) status = es_model_create(call->space, threads, &asked->model, &call->error);
    if (status) return status;
    es_predict_options *options = &asked->options;
    options->k = chosen->k;
    options->lens = chosen->lens;
    options->keep_rows = call->common->plot && !chosen->attribute;
    options->keep_hidden = chosen->hidden != NULL;
    options->threads = threads;
    options->progress = cli_call_progress(call);
    if (chosen->logits) {
        options->take_logits = take_logits;
        options->take_context = asked;
    }
    status = chosen->prompts ? ask_list(asked) : ask_one(asked);
    return status ? status : render_answers(asked);
}

static es_status run(cli_call *call)
{
    const settings *chosen = call->settings;
    question asked = {.call = call};
    call->input = chosen->prompts;
    es_status status = check_usage(call);
    if (!status) status = parse_position(call, &asked.options);
    if (!status) status = answer(&asked);
    for (int64_t i = 0; i < asked.count; i++) es_predict_release(&asked.answers[i]);
    free(asked.answers);
    free(asked.text);
    cli_words_release(&asked.prompts);
    es_attribution_release(&asked.attribution);
    es_model_free(asked.model);
    return status;
}

const cli_command cli_command_predict = {
    .name = "predict",
    .stage = "The model at work",
    .summary = "the next token of a prompt: what is angle, what is norm",
    .arguments = "MODEL [PROMPT]",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
