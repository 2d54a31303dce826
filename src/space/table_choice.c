/* Which of a model's tensors is meant. */
#include "base/memory.h"
#include "base/text.h"
#include "space/space.h"

#include <string.h>

/* What the tables are called, most telling first; a name fits whole or after a dot. */
static const char *const input_names[] = {
    "wte.weight",      "shared.weight",         "embed_tokens.weight",    "word_embeddings.weight",
    "embed_in.weight", "tok_embeddings.weight", "token_embedding.weight", NULL};
static const char *const output_names[] = {
    "lm_head.weight",         "embed_out.weight", "predictions.decoder.weight",
    "lm_head.decoder.weight", "output.weight",    NULL};
static const char *const position_names[] = {"wpe.weight", "position_embeddings.weight",
                                             "embed_positions.weight", NULL};

static bool is_table(const es_tensor *tensor)
{
    return tensor->rank == 2 && tensor->dtype != ES_DTYPE_OTHER;
}

static bool name_fits(const char *name, const char *wanted)
{
    size_t length = strlen(name), ending = strlen(wanted);
    if (length < ending || strcmp(name + length - ending, wanted) != 0) return false;
    return length == ending || name[length - ending - 1] == '.';
}

bool es_table_is_unembedding(const es_tensor *tensor)
{
    for (const char *const *name = output_names; *name; name++)
        if (name_fits(tensor->name, *name)) return true;
    return false;
}

/* The first table whose name fits the earliest possible of `names`; NULL where none does. */
static const es_tensor *find_by_names(const es_container *container, const char *const *names)
{
    for (; *names; names++)
        for (int64_t i = 0; i < container->tensor_count; i++)
            if (is_table(&container->tensors[i]) && name_fits(container->tensors[i].name, *names))
                return &container->tensors[i];
    return NULL;
}

/* "wte.weight (50257 x 768 F32), ..." of the tables there are, at most eight. */
static void list_tables(const es_container *container, es_text *list)
{
    int listed = 0;
    int64_t more = 0;
    for (int64_t i = 0; i < container->tensor_count; i++) {
        const es_tensor *tensor = &container->tensors[i];
        if (!is_table(tensor)) continue;
        if (listed++ >= 8) {
            more++;
            continue;
        }
        es_text_printf(list, "%s%s (%lld x %lld %s)", listed > 1 ? ", " : "", tensor->name,
                       (long long)tensor->shape[0], (long long)tensor->shape[1],
                       tensor->dtype_text);
    }
    if (more) es_text_printf(list, " and %lld more", (long long)more);
    if (!listed) es_text_add(list, "none");
}

static es_status fail_with_list(const es_container *container, const char *path, const char *what,
                                es_error *error)
{
    bool any = false;
    for (int64_t i = 0; i < container->tensor_count; i++)
        any = any || is_table(&container->tensors[i]);
    if (!any)
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: no table of floats in it; a space needs a tensor of 2 dimensions (rows "
                       "and columns) in F32, F16, BF16 or F64",
                       path);
    es_text list = {0};
    list_tables(container, &list);
    es_status status = es_fail(error, ES_NOT_FOUND,
                               "%s: %s; choose one with --tensor NAME among its 2-D tensors: %s",
                               path, what, list.data ? list.data : "?");
    es_text_release(&list);
    return status;
}

static es_status choose_named(const es_container *container, const char *path, const char *name,
                              const es_tensor **table, es_error *error)
{
    const es_tensor *found = es_container_find(container, name);
    if (!found) {
        es_text what = {0};
        es_text_printf(&what, "no tensor '%s'", name);
        es_status status = fail_with_list(container, path, what.data ? what.data : name, error);
        es_text_release(&what);
        return status;
    }
    if (found->rank != 2)
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: tensor '%s' has %d dimensions; a space needs 2 (rows and columns)",
                       path, name, found->rank);
    if (found->dtype == ES_DTYPE_OTHER)
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: tensor '%s' is %s; a space needs F32, F16, BF16 or F64", path, name,
                       found->dtype_text);
    *table = found;
    return ES_OK;
}

/* The only table of the container, or NULL. */
static const es_tensor *only_table(const es_container *container)
{
    const es_tensor *only = NULL;
    for (int64_t i = 0; i < container->tensor_count; i++) {
        if (!is_table(&container->tensors[i])) continue;
        if (only) return NULL;
        only = &container->tensors[i];
    }
    return only;
}

/* A matrix that says nothing of what it is: it is what the user says. Or NULL. */
static const es_tensor *bare_matrix(const es_container *container)
{
    return strcmp(container->format, es_format_npy.name) == 0 ? only_table(container) : NULL;
}

es_status es_table_choose(const es_container *container, const char *path, const es_config *config,
                          const es_open_options *options, const es_tensor **table,
                          const es_tensor **other, bool *tied, es_error *error)
{
    const es_tensor *input = find_by_names(container, input_names);
    const es_tensor *output = find_by_names(container, output_names);
    /* GPT-2's config does not say what is so of all its models; an encoder without an unembedding
     * has nothing to tie. */
    bool is_gpt2 = config->model_type && strcmp(config->model_type, "gpt2") == 0;
    *tied = input && !output && (config->has_tie ? config->tie : is_gpt2);
    *table = *other = NULL;
    const char *which = options->space ? options->space : "input";
    if (options->tensor) {
        ES_TRY(choose_named(container, path, options->tensor, table, error));
        *tied = *tied && *table == input;
        *other = *table == input ? output : *table == output ? input : NULL;
        return ES_OK;
    }
    if (strcmp(which, "output") == 0) {
        *table = output ? output : *tied ? input : NULL;
        *other = output ? input : NULL;
        if (*table) return ES_OK;
        return fail_with_list(container, path, "no unembedding (such as lm_head.weight) in it",
                              error);
    }
    if (strcmp(which, "position") == 0) {
        *table = find_by_names(container, position_names);
        if (!*table) *table = bare_matrix(container);
        *tied = false; /* said of the embedding and the unembedding alone */
        if (*table) return ES_OK;
        if (container->keys)
            return es_fail(error, ES_NOT_FOUND, "%s: no position table in it: its rows are words",
                           path);
        return fail_with_list(
            container, path,
            "no position table (such as wpe.weight) in it: rotary, ALiBi and relative "
            "positions have none",
            error);
    }
    if (strcmp(which, "input") != 0)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "'%s' is not a space; there are input, output and position", which);
    *table = input ? input : only_table(container);
    *other = input ? output : NULL;
    if (*table) return ES_OK;
    return fail_with_list(container, path, "which tensor holds the embedding is not clear", error);
}
