#include "base/status.h"

#include <embscope/prompt.h>
#include <string.h>

static es_status check_tokens(const es_model *model, const char *name, const es_ids *ids,
                              es_error *error)
{
    const es_model_shape *shape = es_model_get_shape(model);
    int64_t rows = es_space_row_count(es_model_space(model));
    if (!ids->count)
        return es_fail(error, ES_BAD_INPUT,
                       "%s is empty: a model needs a token to go on from, if only the one that "
                       "texts begin with (\"<|endoftext|>\", read as a special token)",
                       name);
    if (ids->count > shape->context)
        return es_fail(error, ES_BAD_INPUT,
                       "%s has %lld tokens, and the model's context has room for %lld; shorten it",
                       name, (long long)ids->count, (long long)shape->context);
    for (int64_t i = 0; i < ids->count; i++)
        if (ids->id[i] < 0 || ids->id[i] >= rows)
            return es_fail(error, ES_BAD_INPUT,
                           "%s: its token @%lld (number %lld) has no row, the embedding has %lld: "
                           "this tokenizer is not the model's",
                           name, (long long)ids->id[i], (long long)i, (long long)rows);
    return ES_OK;
}

es_status es_prompt_encode(const es_model *model, const char *name, es_bytes text, bool special,
                           es_ids *ids, es_error *error)
{
    const es_vocabulary *vocabulary = es_space_vocabulary(es_model_space(model));
    *ids = (es_ids){0};
    if (es_vocabulary_get_kind(vocabulary) == ES_VOCABULARY_NONE)
        return es_fail(error, ES_NOT_FOUND,
                       "%s: no tokenizer to read a prompt with; put tokenizer.json, or vocab.json "
                       "and merges.txt, beside the weights, or name a file with --vocab",
                       es_space_source(es_model_space(model))->folder);
    es_status status = ES_OK;
    if (text.size) status = es_vocabulary_encode(vocabulary, text, special, ids, error);
    if (status == ES_OK) status = check_tokens(model, name, ids, error);
    if (status != ES_OK) {
        es_ids_release(ids);
        *ids = (es_ids){0};
    }
    return status;
}

/* Does `special` make other tokens of the text? */
static bool special_matters(const es_vocabulary *vocabulary, es_bytes text)
{
    es_ids plain = {0}, read = {0};
    bool differs = es_vocabulary_encode(vocabulary, text, false, &plain, NULL) == ES_OK &&
                   es_vocabulary_encode(vocabulary, text, true, &read, NULL) == ES_OK &&
                   plain.count != read.count;
    es_ids_release(&plain);
    es_ids_release(&read);
    return differs;
}

const char *es_prompt_note(const es_model *model, es_bytes text, bool special)
{
    const es_vocabulary *vocabulary = es_space_vocabulary(es_model_space(model));
    if (es_vocabulary_get_kind(vocabulary) == ES_VOCABULARY_BPE && text.size &&
        text.data[text.size - 1] == ' ')
        return "the prompt ends in a space, and tokens bring their own, as \" cat\" does: what "
               "follows will look odd; leave the space out";
    if (!special && special_matters(vocabulary, text))
        return "a special token in the prompt was read as the text it is written with; --special "
               "reads it as one token";
    return NULL;
}
