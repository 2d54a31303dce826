#include "base/memory.h"
#include "base/random.h"
#include "base/utf8.h"
#include "space/space.h"
#include "space/vocabulary.h"

#include <embscope/selection.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_WORDS = 4, SHOWN_PIECES = 8, SHOWN_TEXT = 48 };

/* One word on its way to a row. */
typedef struct word {
    const char *typed;
    bool is_id, is_literal; /* "@5"; "text:..." */
    es_bytes text;          /* what to encode, without prefix */
    int64_t id;             /* of "@5" */
    es_ids plain, spaced;   /* tokens as typed, and with a leading space (BPE only) */
} word;

typedef struct resolving {
    const es_space *space;
    const es_vocabulary *vocabulary;
    const es_selection_options *options;
    word *words;
    int64_t count;
    es_selection *selection;
    es_error *error;
} resolving;

void es_selection_release(es_selection *selection)
{
    for (int64_t i = 0; selection->items && i < selection->count; i++) {
        free(selection->items[i].text);
        free(selection->items[i].piece_ids);
    }
    free(selection->items);
    free(selection->note);
    *selection = (es_selection){0};
}

/* Text in double quotes, safe to print, cut where it is long. */
static void add_quoted(es_text *out, es_bytes text)
{
    char safe[4 * SHOWN_TEXT + 1];
    bool whole = es_utf8_escape(text.data ? text.data : "", text.size, safe, sizeof safe);
    es_text_printf(out, "\"%s%s\"", safe, whole ? "" : "...");
}

static void add_pieces(const resolving *work, es_text *out, const es_ids *ids)
{
    for (int64_t i = 0; i < ids->count && i < SHOWN_PIECES; i++) {
        if (i) es_text_add(out, " + ");
        es_bytes token = es_vocabulary_token(work->vocabulary, ids->id[i]);
        if (token.data)
            add_quoted(out, token);
        else
            es_text_printf(out, "@%lld", (long long)ids->id[i]);
    }
    if (ids->count > SHOWN_PIECES) es_text_add(out, " + ...");
}

static es_status parse_id(const resolving *work, word *word)
{
    char *end;
    int64_t rows = es_space_row_count(work->space);
    long long id = strtoll(word->typed + 1, &end, 10);
    if (word->typed[1] < '0' || word->typed[1] > '9' || *end)
        return es_fail(work->error, ES_BAD_ARGUMENT,
                       "'%s' is not an id; ids are @0 to @%lld (for the text itself: 'text:%s')",
                       word->typed, (long long)rows - 1, word->typed);
    if (id >= rows)
        return es_fail(work->error, ES_NOT_FOUND, "there is no row %s; ids are @0 to @%lld",
                       word->typed, (long long)rows - 1);
    word->id = id;
    return ES_OK;
}

/* A key that a word vocabulary lacks: up to three that look like it. */
static es_status fail_unknown(const resolving *work, es_bytes text)
{
    int64_t near[3];
    int64_t count = es_vocabulary_suggest(work->vocabulary, text, 3, near);
    es_text line = {0};
    add_quoted(&line, text);
    if (es_vocabulary_get_kind(work->vocabulary) == ES_VOCABULARY_NONE)
        es_text_printf(&line,
                       ": the rows have no names; use @0 to @%lld, or name them with --vocab FILE",
                       (long long)es_space_row_count(work->space) - 1);
    else
        es_text_add(&line, " is not in the vocabulary");
    for (int64_t i = 0; i < count; i++) {
        es_text_add(&line, i == 0 ? "; did you mean " : i + 1 < count ? ", " : " or ");
        add_quoted(&line, es_vocabulary_token(work->vocabulary, near[i]));
    }
    es_text_add(&line, count ? "?" : "");
    es_fail_lines(work->error, ES_NOT_FOUND, line.data ? line.data : "unknown word");
    es_text_release(&line);
    return ES_NOT_FOUND;
}

static es_status encode(const resolving *work, es_bytes text, bool space, es_ids *ids)
{
    if (!space)
        return es_vocabulary_encode(work->vocabulary, text, work->options->special, ids,
                                    work->error);
    es_text spaced = {0};
    es_text_add(&spaced, " ");
    es_text_append(&spaced, text.data, text.size);
    es_status status =
        spaced.failed ? es_fail_memory(work->error, "a word", text.size)
                      : es_vocabulary_encode(work->vocabulary, (es_bytes){spaced.data, spaced.size},
                                             work->options->special, ids, work->error);
    es_text_release(&spaced);
    return status;
}

/* What was typed, told apart, and encoded in the forms that may be needed. */
static es_status read_word(const resolving *work, word *word)
{
    if (word->typed[0] == '@') {
        word->is_id = true;
        return parse_id(work, word);
    }
    word->is_literal = strncmp(word->typed, "text:", 5) == 0;
    const char *text = word->typed + (word->is_literal ? 5 : 0);
    word->text = (es_bytes){text, strlen(text)};
    if (!word->text.size) return es_fail(work->error, ES_BAD_ARGUMENT, "a word is empty");
    es_vocabulary_kind kind = es_vocabulary_get_kind(work->vocabulary);
    if (kind == ES_VOCABULARY_NONE || kind == ES_VOCABULARY_WORDS) {
        int64_t id = es_vocabulary_find(work->vocabulary, word->text);
        if (id < 0) return fail_unknown(work, word->text);
        return es_ids_append(&word->plain, id, work->error);
    }
    ES_TRY(encode(work, word->text, false, &word->plain));
    if (kind == ES_VOCABULARY_BPE && !word->is_literal)
        ES_TRY(encode(work, word->text, true, &word->spaced));
    return ES_OK;
}

/* Is every bare word one token in this form? */
static bool all_single(const resolving *work, bool spaced)
{
    for (int64_t i = 0; i < work->count; i++) {
        const word *word = &work->words[i];
        if (word->is_id || word->is_literal) continue;
        if ((spaced ? &word->spaced : &word->plain)->count != 1) return false;
    }
    return true;
}

static bool any_bare(const resolving *work)
{
    for (int64_t i = 0; i < work->count; i++)
        if (!work->words[i].is_id && !work->words[i].is_literal) return true;
    return false;
}

/* At most six lines: what is wrong, up to four words with their pieces, what to do. */
static es_status fail_pieces(const resolving *work, bool spaced)
{
    es_text lines = {0};
    int64_t several = 0;
    for (int64_t i = 0; i < work->count; i++) {
        const word *word = &work->words[i];
        const es_ids *ids = spaced && !word->is_literal ? &word->spaced : &word->plain;
        several += !word->is_id && ids->count != 1;
    }
    if (work->count == 1)
        es_text_add(&lines, "the word is");
    else
        es_text_printf(&lines, "%lld of %lld words %s", (long long)several, (long long)work->count,
                       several == 1 ? "is" : "are");
    es_text_add(&lines, " not one token of this vocabulary");
    int shown = 0;
    for (int64_t i = 0; i < work->count && shown < SHOWN_WORDS; i++) {
        const word *word = &work->words[i];
        const es_ids *ids = spaced && !word->is_literal ? &word->spaced : &word->plain;
        if (word->is_id || ids->count == 1) continue;
        shown++;
        es_text_add(&lines, "\n  ");
        add_quoted(&lines, word->text);
        if (!ids->count) {
            es_text_add(&lines, " gives no token at all");
            continue;
        }
        es_text_printf(&lines, " is %lld tokens%s: ", (long long)ids->count,
                       spaced && !word->is_literal ? " (with its leading space)" : "");
        add_pieces(work, &lines, ids);
    }
    es_text_add(&lines, "\n  take the mean of a word's tokens with --pool mean, or name a token: "
                        "@ID, or text:... with its exact bytes");
    es_fail_lines(work->error, ES_NOT_FOUND, lines.data ? lines.data : "not one token");
    es_text_release(&lines);
    return ES_NOT_FOUND;
}

static es_status fill_item(const resolving *work, const word *word, const es_ids *ids,
                           es_item *item)
{
    int64_t rows = es_space_row_count(work->space);
    const int64_t *id = word->is_id ? &word->id : ids->id;
    int64_t count = word->is_id ? 1 : ids->count;
    for (int64_t i = 0; i < count; i++)
        if (id[i] < 0 || id[i] >= rows)
            return es_fail(work->error, ES_NOT_FOUND,
                           "'%s': the tokenizer gives id %lld, but the table has %lld rows",
                           word->typed, (long long)id[i], (long long)rows);
    if (!(item->piece_ids = es_alloc(count, sizeof *id)))
        return es_fail_memory(work->error, "a word", (size_t)count * sizeof *id);
    memcpy(item->piece_ids, id, (size_t)count * sizeof *id);
    item->piece_count = count;
    item->id = count == 1 ? id[0] : -1;
    if (item->id >= 0)
        return es_space_row_text(work->space, item->id, &item->text, &item->text_size, work->error);
    item->text_size = word->text.size;
    item->text = es_copy_bytes(word->text.data, word->text.size);
    return item->text ? ES_OK : es_fail_memory(work->error, "a word", item->text_size);
}

/* `" cat" " dog": with their leading space; bare "banana" is 2 tokens, "ban" + "ana"`. */
static void note_spaces(const resolving *work, es_text *note)
{
    int64_t bare = 0;
    for (int64_t i = 0; i < work->count; i++) {
        const word *word = &work->words[i];
        if (word->is_id || word->is_literal) continue;
        if (++bare > SHOWN_PIECES) {
            es_text_add(note, " ...");
            break;
        }
        if (bare > 1) es_text_add(note, " ");
        add_quoted(note, es_vocabulary_token(work->vocabulary, word->spaced.id[0]));
    }
    es_text_add(note, bare == 1 ? ": with its leading space" : ": with their leading space");
    for (int64_t i = 0; i < work->count; i++) {
        const word *word = &work->words[i];
        if (word->is_id || word->is_literal || word->plain.count == 1) continue;
        es_text_add(note, "; bare ");
        add_quoted(note, word->text);
        es_text_printf(note, " is %lld tokens, ", (long long)word->plain.count);
        add_pieces(work, note, &word->plain);
        break;
    }
}

/* A word that is one token both with and without its space: which one was taken is worth a line,
 * since words in running text have the space. */
static void note_bare(const resolving *work, es_text *note)
{
    for (int64_t i = 0; i < work->count; i++) {
        const word *word = &work->words[i];
        if (word->is_id || word->is_literal) continue;
        add_quoted(note, word->text);
        es_text_printf(note, "%s: as typed, without a leading space; running text has ",
                       work->count > 1 ? " ..." : "");
        add_quoted(note, es_vocabulary_token(work->vocabulary, word->spaced.id[0]));
        es_text_add(note, ", another token: --prefix space");
        return;
    }
}

static void note_pooling(const resolving *work, bool spaced, es_text *note)
{
    int64_t pooled = 0;
    for (int64_t i = 0; i < work->count; i++) {
        const word *word = &work->words[i];
        const es_ids *ids = spaced && !word->is_literal ? &word->spaced : &word->plain;
        if (word->is_id || ids->count == 1) continue;
        if (++pooled > 3) continue;
        if (note->size) es_text_add(note, "\n");
        add_quoted(note, word->text);
        es_text_printf(note,
                       " is the mean of the unit rows of %lld tokens%s: ", (long long)ids->count,
                       spaced && !word->is_literal ? " (with its leading space)" : "");
        add_pieces(work, note, ids);
    }
    if (pooled > 3) es_text_printf(note, "\n%lld more words are pooled so", (long long)pooled - 3);
    if (pooled) es_text_add(note, "\ncosines of pooled words depend on how many tokens they have");
}

/* Decide on the form, then make the items. */
static es_status take_words(const resolving *work)
{
    const es_selection_options *options = work->options;
    bool bpe = es_vocabulary_get_kind(work->vocabulary) == ES_VOCABULARY_BPE;
    bool spaced = bpe && options->prefix == ES_PREFIX_SPACE;
    bool by_itself = false; /* the leading space was our idea: say so */
    if (bpe && options->prefix == ES_PREFIX_AUTO && any_bare(work) && !all_single(work, false))
        spaced = by_itself = all_single(work, true) || options->pool_mean;
    bool single = all_single(work, spaced);
    for (int64_t i = 0; i < work->count; i++) {
        const word *word = &work->words[i];
        const es_ids *ids = spaced && !word->is_literal ? &word->spaced : &word->plain;
        if (!word->is_id && (ids->count == 0 || (ids->count > 1 && !options->pool_mean)))
            return fail_pieces(work, spaced);
        ES_TRY(fill_item(work, word, ids, &work->selection->items[i]));
    }
    es_text note = {0};
    if (by_itself && single) note_spaces(work, &note);
    bool bare = bpe && options->prefix == ES_PREFIX_AUTO && !spaced && any_bare(work);
    if (bare && single && all_single(work, true)) note_bare(work, &note);
    note_pooling(work, spaced, &note);
    work->selection->note = note.data;
    return note.failed ? es_fail_memory(work->error, "a note", note.size) : ES_OK;
}

es_status es_selection_resolve(const es_space *space, const char *const *words, int64_t count,
                               const es_selection_options *options, es_selection *selection,
                               es_error *error)
{
    static const es_selection_options defaults;
    *selection = (es_selection){.count = count, .items = es_alloc(count, sizeof(es_item))};
    resolving work = {.space = space,
                      .vocabulary = es_space_vocabulary(space),
                      .options = options ? options : &defaults,
                      .words = es_alloc(count, sizeof(word)),
                      .count = count,
                      .selection = selection,
                      .error = error};
    es_status status = ES_OK;
    if (!work.words || !selection->items)
        status = es_fail_memory(error, "words", (size_t)count * sizeof(word));
    for (int64_t i = 0; i < count && status == ES_OK; i++) {
        work.words[i].typed = words[i];
        status = read_word(&work, &work.words[i]);
    }
    if (status == ES_OK) status = take_words(&work);
    for (int64_t i = 0; i < count && work.words; i++) {
        es_ids_release(&work.words[i].plain);
        es_ids_release(&work.words[i].spaced);
    }
    free(work.words);
    if (status != ES_OK) es_selection_release(selection);
    return status;
}

es_status es_selection_from_ids(const es_space *space, const int64_t *ids, int64_t count,
                                es_selection *selection, es_error *error)
{
    *selection = (es_selection){.count = count, .items = es_alloc(count, sizeof(es_item))};
    es_status status = selection->items ? ES_OK : es_fail_memory(error, "items", 0);
    for (int64_t i = 0; i < count && status == ES_OK; i++) {
        es_item *item = &selection->items[i];
        if (!(item->piece_ids = es_alloc(1, sizeof(int64_t)))) {
            status = es_fail_memory(error, "items", 0);
            break;
        }
        item->id = item->piece_ids[0] = ids[i];
        item->piece_count = 1;
        status = es_space_row_text(space, ids[i], &item->text, &item->text_size, error);
    }
    if (status != ES_OK) es_selection_release(selection);
    return status;
}

es_status es_selection_random(es_space *space, int64_t count, uint64_t seed,
                              es_selection *selection, es_error *error)
{
    int64_t *ids, defined;
    ES_TRY(es_space_defined_rows(space, &ids, &defined, error));
    es_status status = ES_OK;
    if (count > defined)
        status = es_fail(error, ES_BAD_ARGUMENT, "%lld random tokens asked of %lld usable rows",
                         (long long)count, (long long)defined);
    es_random random = {seed};
    for (int64_t i = 0; i < count && status == ES_OK;
         i++) { /* Fisher and Yates, as far as needed */
        int64_t j = i + es_random_below(&random, defined - i), held = ids[i];
        ids[i] = ids[j];
        ids[j] = held;
    }
    if (status == ES_OK) status = es_selection_from_ids(space, ids, count, selection, error);
    free(ids);
    return status;
}

/* The mean of the unit rows of a pooled item; rows that are undefined are left out of it. */
static es_status pool(es_space *space, const es_item *item, double *row, double *vector,
                      es_error *error)
{
    int64_t d = es_space_column_count(space), used = 0;
    memset(vector, 0, (size_t)d * sizeof *vector);
    for (int64_t i = 0; i < item->piece_count; i++) {
        es_row_state state;
        ES_TRY(es_space_read_rows(space, item->piece_ids[i], 1, row, error));
        es_row_unit(space->kernel, row, d, row, &state);
        if (state != ES_ROW_DEFINED) continue;
        for (int64_t k = 0; k < d; k++) vector[k] += row[k];
        used++;
    }
    for (int64_t k = 0; used && k < d; k++) vector[k] /= (double)used;
    return ES_OK;
}

es_status es_selection_vectors(es_space *space, const es_selection *selection, double *vectors,
                               es_error *error)
{
    int64_t d = es_space_column_count(space);
    double *row = es_alloc(d, sizeof *row);
    if (!row) return es_fail_memory(error, "a row", (size_t)d * sizeof *row);
    es_status status = ES_OK;
    for (int64_t i = 0; i < selection->count && status == ES_OK; i++) {
        const es_item *item = &selection->items[i];
        status = item->id >= 0 ? es_space_read_rows(space, item->id, 1, vectors + i * d, error)
                               : pool(space, item, row, vectors + i * d, error);
    }
    free(row);
    return status;
}
