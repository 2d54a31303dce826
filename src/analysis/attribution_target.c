/* "cat-dog" and what else a user may say: which logit is meant. */
#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"

#include <embscope/attribution.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES_SHOWN = 8 };

/* What a name stands for, or 0. */
static int64_t named(const char *word)
{
    if (strcmp(word, "@top") == 0) return ES_ATTRIBUTE_TOP;
    if (strcmp(word, "@second") == 0) return ES_ATTRIBUTE_SECOND;
    return 0;
}

static es_status fail_pieces(const es_space *space, const char *word, const es_item *item,
                             es_error *error)
{
    es_text pieces = {0};
    for (int64_t i = 0; i < item->piece_count && i < PIECES_SHOWN; i++) {
        es_bytes piece = es_vocabulary_token(es_space_vocabulary(space), item->piece_ids[i]);
        es_text_add(&pieces, i ? " + \"" : "\"");
        if (piece.data) es_text_append(&pieces, piece.data, piece.size);
        es_text_add(&pieces, "\"");
    }
    if (item->piece_count > PIECES_SHOWN) es_text_add(&pieces, " + ...");
    es_status status =
        pieces.failed || !pieces.data
            ? es_fail_memory(error, "a token", strlen(word))
            : es_fail(error, ES_NOT_FOUND,
                      "'%s' is %lld tokens, %s, and a logit is one token's; name one, as text or "
                      "as @ID",
                      word, (long long)item->piece_count, pieces.data);
    es_text_release(&pieces);
    return status;
}

/* Is every word one row? */
static es_status check_single(const es_space *space, const char *const *words,
                              const es_selection *selection, es_error *error)
{
    for (int64_t i = 0; i < selection->count; i++)
        if (selection->items[i].id < 0)
            return fail_pieces(space, words[i], &selection->items[i], error);
    return ES_OK;
}

/* Words to rows: those with names of their own, and the others together. */
static es_status resolve(const es_space *space, const char *const words[2], int count,
                         const es_selection_options *options, int64_t ids[2], char **note,
                         es_error *error)
{
    const char *plain[2];
    int64_t plain_count = 0, next = 0;
    es_selection selection = {0};
    for (int i = 0; i < count; i++)
        if (!named(words[i])) plain[plain_count++] = words[i];
    if (plain_count) {
        es_selection_options single = options ? *options : (es_selection_options){0};
        single.pool_mean = true; /* so that a word of several tokens is told of in our words */
        ES_TRY(es_selection_resolve(space, plain, plain_count, &single, &selection, error));
        es_status status = check_single(space, plain, &selection, error);
        if (status != ES_OK) {
            es_selection_release(&selection);
            return status;
        }
        *note = selection.note;
        selection.note = NULL;
    }
    for (int i = 0; i < count; i++)
        ids[i] = named(words[i]) ? named(words[i]) : selection.items[next++].id;
    es_selection_release(&selection);
    return ES_OK;
}

/* The parts around the minus at `at`. */
static es_status resolve_parted(const es_space *space, const char *word, size_t at,
                                const es_selection_options *options, int64_t ids[2], char **note,
                                es_error *error)
{
    char *first = es_copy_bytes(word, at), *second = es_copy_text(word + at + 1);
    es_status status = first && second ? resolve(space, (const char *const[]){first, second}, 2,
                                                 options, ids, note, error)
                                       : es_fail_memory(error, "a token", strlen(word));
    free(first);
    free(second);
    return status;
}

/* Every minus with something on either side is tried. */
static es_status resolve_difference(const es_space *space, const char *word,
                                    const es_selection_options *options, int64_t ids[2],
                                    char **note, bool *found, es_error *error)
{
    size_t size = strlen(word);
    *found = false;
    for (size_t at = 1; at + 1 < size; at++) {
        if (word[at] != '-') continue;
        int64_t tried[2];
        char *remark = NULL;
        es_status status = resolve_parted(space, word, at, options, tried, &remark, error);
        if (status == ES_NO_MEMORY) return status;
        if (status != ES_OK) continue;
        if (*found) {
            free(remark);
            free(*note);
            *note = NULL;
            return es_fail(error, ES_BAD_ARGUMENT,
                           "'%s' can be parted at more than one minus; name the second token by "
                           "itself (--against)",
                           word);
        }
        *found = true;
        *note = remark;
        memcpy(ids, tried, sizeof tried);
    }
    return ES_OK;
}

es_status es_attribution_target_resolve(const es_space *space, const char *token,
                                        const char *against, const es_selection_options *options,
                                        es_attribution_target *target, char **note, es_error *error)
{
    int64_t ids[2] = {ES_ATTRIBUTE_NONE, ES_ATTRIBUTE_NONE};
    const char *const words[2] = {token, against};
    *note = NULL;
    es_status status = resolve(space, words, against ? 2 : 1, options, ids, note, error);
    bool unknown = status == ES_NOT_FOUND || status == ES_BAD_ARGUMENT; /* "@7-@8" is no id */
    if (unknown && !against && strchr(token, '-')) {
        bool found;
        es_error parted = {0};
        es_status difference =
            resolve_difference(space, token, options, ids, note, &found, &parted);
        if (found || difference != ES_OK) {
            status = difference;
            if (error) *error = parted;
        }
    }
    if (status == ES_OK) *target = (es_attribution_target){ids[0], ids[1]};
    return status;
}
