/* tokenize: text to ids, and ids to text. */
#include "command.h"
#include "message.h"
#include "model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
    cli_common common;
    bool decode;
} settings;

static const cli_example examples[] = {
    {"tokenize demo 'a cat sat'", "the tokens of a text"},
    {"tokenize demo < text.txt", "the tokens of a file, its line ends included"},
    {"tokenize demo --decode 1023 1297", "the way back"},
    {0}};

static const char *const details[] = {
    "Encodes a text byte for byte as the model's own tokenizer does, adding nothing around it. "
    "Several TEXT arguments are joined by one space, as echo joins them. Without TEXT, or with "
    "'-', "
    "the text is standard input, all of its bytes.",
    "A word vocabulary looks the whole text up.",
    "With --decode the arguments are ids (\"1023\" or \"@1023\"), or standard input holds them, "
    "and the answer is the text they stand for.",
    NULL};

static const cli_option own_options[] = {{.name = "decode",
                                          .type = CLI_FLAG,
                                          .help = "the arguments are ids; write their text",
                                          .offset = offsetof(settings, decode)},
                                         {.name = "special",
                                          .type = CLI_FLAG,
                                          .help = "special tokens written out in the text, as "
                                                  "<|endoftext|>, are those tokens",
                                          .offset = offsetof(settings, common.special)},
                                         {0}};

static const cli_option_group groups[] = {{"Tokenizer", own_options},
                                          {"Model", cli_model_options},
                                          {"Output", cli_csv_options},
                                          {"Output", cli_output_options},
                                          {0}};

static bool wants_standard_input(const cli_call *call)
{
    return call->argument_count == 1 ||
           (call->argument_count == 2 && !strcmp(call->arguments[1], "-"));
}

/* The TEXT arguments with a space between, or all of standard input; the caller's to free. */
static es_status read_text(cli_call *call, char **text, size_t *size)
{
    if (wants_standard_input(call)) {
        if (isatty(STDIN_FILENO))
            cli_call_note(call, "reading the text from the terminal; Ctrl-D ends it");
        return cli_read_all("-", text, size, &call->error);
    }
    size_t total = 0;
    for (int64_t i = 1; i < call->argument_count; i++) total += strlen(call->arguments[i]) + 1;
    char *at = *text = malloc(total);
    if (!at) return cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
    for (int64_t i = 1; i < call->argument_count; i++) {
        size_t length = strlen(call->arguments[i]);
        memcpy(at, call->arguments[i], length);
        at += length;
        *at++ = ' ';
    }
    *--at = '\0'; /* over the last space */
    *size = total - 1;
    return ES_OK;
}

static es_status encode(cli_call *call)
{
    es_bytes text = {0};
    es_ids ids = {0};
    es_render_options options;
    char *data = NULL;
    es_status status = read_text(call, &data, &text.size);
    text.data = data;
    if (!status)
        status = es_vocabulary_encode(es_space_vocabulary(call->space), text, call->common->special,
                                      &ids, &call->error);
    if (!status) status = cli_call_render(call, &options);
    if (!status) status = es_render_tokens(call->space, &ids, &options, call->out, &call->error);
    es_ids_release(&ids);
    free(data);
    return status;
}

static es_status parse_ids(cli_call *call, const cli_words *words, int64_t *ids)
{
    for (int64_t i = 0; i < words->count; i++) {
        const char *word = words->word[i] + (words->word[i][0] == '@');
        size_t digits = strspn(word, "0123456789");
        if (!digits || word[digits] || digits > 18)
            return cli_call_usage(call, "'%s' is not an id", words->word[i]);
        ids[i] = strtoll(word, NULL, 10);
    }
    return ES_OK;
}

static es_status decode_ids(cli_call *call, const cli_words *words, es_ids *ids)
{
    es_bytes text = {0};
    es_render_options options;
    char *data = NULL;
    es_status status = parse_ids(call, words, ids->id);
    if (!status)
        status = es_vocabulary_decode(es_space_vocabulary(call->space), ids->id, ids->count, &data,
                                      &text.size, &call->error);
    text.data = data;
    if (!status) status = cli_call_render(call, &options);
    if (!status)
        status = es_render_decoded(call->space, ids, text, &options, call->out, &call->error);
    free(data);
    return status;
}

static es_status decode(cli_call *call)
{
    cli_words words = {0};
    es_status status = wants_standard_input(call) ? cli_words_read_fields(&words, "-", &call->error)
                                                  : cli_call_words(call, &words);
    if (!status) {
        es_ids ids = {.count = words.count, .capacity = words.count};
        ids.id = calloc((size_t)words.count + 1, sizeof *ids.id);
        status = ids.id ? decode_ids(call, &words, &ids)
                        : cli_fail(&call->error, ES_NO_MEMORY, "out of memory");
        free(ids.id);
    }
    cli_words_release(&words);
    return status;
}

static es_status run(cli_call *call)
{
    const settings *chosen = call->settings;
    if (chosen->decode && call->common->special)
        return cli_call_usage(call, "--special is for encoding, not for --decode");
    es_status status = cli_model_open(call);
    if (status) return status;
    return chosen->decode ? decode(call) : encode(call);
}

const cli_command cli_command_tokenize = {
    .name = "tokenize",
    .stage = "What is in a model",
    .summary = "the tokens of a text, and back",
    .arguments = "MODEL [TEXT...]",
    .examples = examples,
    .details = details,
    .options = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
