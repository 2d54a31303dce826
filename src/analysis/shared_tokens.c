/* The tokens that several spaces have in common, under one rule of what makes two the same. */
#include "base/map.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "space/space.h"

#include <embscope/compare.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { MARKED_SHARE = 20 }; /* one key in so many bears a mark: then it marks the start of words */

static const char *const marks[] = {"\xE2\x96\x81" /* SentencePiece */, "\xC4\xA0" /* GPT-2's */};

const char *es_match_text(es_match match)
{
    static const char *const names[] = {"auto", "exact", "word", "lower", "rows"};
    return names[match];
}

void es_shared_tokens_release(es_shared_tokens *shared)
{
    free(shared->ids);
    free(shared->place);
    *shared = (es_shared_tokens){0};
}

/* ---- names ------------------------------------------------------------------------------------
 */

/* The names of one model's rows under the rule. */
typedef struct naming {
    const es_vocabulary *vocabulary;
    es_vocabulary_kind kind;
    int64_t rows;
    es_match match;
    const char *mark; /* of a word vocabulary whose words bear one, or NULL */
    char *memory;     /* of names in lower case */
    size_t used;
    es_map ids;
} naming;

static bool starts_with(es_bytes bytes, const char *with)
{
    size_t size = strlen(with);
    return bytes.size >= size && !memcmp(bytes.data, with, size);
}

static void find_mark(naming *names)
{
    if (names->kind != ES_VOCABULARY_WORDS) return;
    for (size_t m = 0; m < sizeof marks / sizeof *marks; m++) {
        int64_t marked = 0;
        for (int64_t i = 0; i < names->rows; i++)
            marked += starts_with(es_vocabulary_token(names->vocabulary, i), marks[m]);
        if (marked * MARKED_SHARE >= names->rows && marked) names->mark = marks[m];
    }
}

/* The whole word that a token stands for; size 0: it stands for none. */
static es_bytes word_of(const naming *names, int64_t id, es_bytes token)
{
    static const es_bytes none = {NULL, 0};
    if (es_vocabulary_is_special(names->vocabulary, id)) return none;
    const char *mark = names->kind == ES_VOCABULARY_BPE ? " " : names->mark;
    if (names->kind == ES_VOCABULARY_WORDPIECE && starts_with(token, "##") && token.size > 2)
        return none;
    if (!mark) return token;
    if (!starts_with(token, mark)) return none;
    size_t size = strlen(mark);
    es_bytes word = {token.data + size, token.size - size};
    return starts_with(word, mark) ? none : word; /* a run of spaces is no word */
}

/* Lower case by code point; bytes that are no UTF-8 stay. At most half as many bytes again. */
static size_t lower(es_bytes word, char *out)
{
    size_t used = 0;
    for (size_t at = 0; at < word.size;) {
        uint32_t code_point;
        int size = es_utf8_decode(word.data + at, word.size - at, &code_point);
        if (size > 0)
            used += (size_t)es_utf8_encode((uint32_t)utf8proc_tolower((utf8proc_int32_t)code_point),
                                           out + used);
        else
            out[used++] = word.data[at];
        at += size > 0 ? (size_t)size : 1;
    }
    return used;
}

static es_bytes name_of(naming *names, int64_t id)
{
    es_bytes token = es_vocabulary_token(names->vocabulary, id);
    if (names->match == ES_MATCH_EXACT || !token.data) return token;
    es_bytes word = word_of(names, id, token);
    if (names->match == ES_MATCH_WORD || !word.size) return word;
    es_bytes name = {names->memory + names->used, 0};
    name.size = lower(word, names->memory + names->used);
    names->used += name.size;
    return name;
}

/* Fill names->ids: of tokens of one name the lowest id has it. */
static es_status name_rows(naming *names, es_shared_of *of, es_error *error)
{
    size_t bytes = 0;
    find_mark(names);
    for (int64_t i = 0; i < names->rows; i++)
        bytes += es_vocabulary_token(names->vocabulary, i).size;
    if (names->match == ES_MATCH_LOWER && !(names->memory = malloc(2 * bytes + 8)))
        return es_fail_memory(error, "names", 2 * bytes);
    if (!es_map_reserve(&names->ids, names->rows))
        return es_fail_memory(error, "names", (size_t)names->rows * sizeof(es_map_slot));
    for (int64_t i = 0; i < names->rows; i++) {
        es_bytes name = name_of(names, i);
        if (!name.size) continue;
        es_map_put put = es_map_insert(&names->ids, name, i, NULL);
        if (put == ES_MAP_NO_MEMORY) return es_fail_memory(error, "names", bytes);
        of->collided += put == ES_MAP_EXISTS;
    }
    of->names = names->ids.count;
    return ES_OK;
}

static void release_names(naming *names, int64_t count)
{
    for (int64_t m = 0; m < count; m++) {
        es_map_release(&names[m].ids);
        free(names[m].memory);
    }
}

/* ---- the rule ---------------------------------------------------------------------------------
 */

static es_status choose_match(es_space *const *spaces, int64_t count, es_match *match,
                              es_error *error)
{
    bool same_kind = true, same_rows = true;
    const es_space *nameless = NULL;
    for (int64_t m = 0; m < count; m++) {
        es_vocabulary_kind kind = es_vocabulary_get_kind(spaces[m]->vocabulary);
        same_kind = same_kind && kind == es_vocabulary_get_kind(spaces[0]->vocabulary);
        same_rows = same_rows && spaces[m]->source.rows == spaces[0]->source.rows;
        if (kind == ES_VOCABULARY_NONE) nameless = spaces[m];
    }
    bool by_rows = *match == ES_MATCH_ROWS || (*match == ES_MATCH_AUTO && nameless);
    if (by_rows && !same_rows)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "%s: the tables have different numbers of rows%s; --vocab FILE names them",
                       (nameless ? nameless : spaces[0])->source.path,
                       nameless ? ", and these rows have no names" : "");
    if (!by_rows && nameless)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "%s: the rows have no names to match; --vocab FILE names them",
                       nameless->source.path);
    if (by_rows)
        *match = ES_MATCH_ROWS;
    else if (*match == ES_MATCH_AUTO)
        *match = same_kind ? ES_MATCH_EXACT : ES_MATCH_WORD;
    return ES_OK;
}

/* ---- matching ---------------------------------------------------------------------------------
 */

typedef struct matching {
    es_space *const *spaces;
    naming *names;
    es_shared_tokens *shared;
} matching;

/* Add the item of these rows unless one of them is undefined, or it is there. */
static void add_item(matching *work, const int64_t *ids)
{
    es_shared_tokens *shared = work->shared;
    bool defined = true;
    for (int64_t m = 0; m < shared->models; m++) {
        bool here = work->spaces[m]->states[ids[m]] == ES_ROW_DEFINED;
        shared->of[m].undefined += !here;
        defined = defined && here;
    }
    if (!defined) return;
    memcpy(shared->ids + shared->count * shared->models, ids, (size_t)shared->models * sizeof *ids);
    shared->count++;
}

/* The rows of a name in all models; false where one lacks it. */
static bool rows_of(const matching *work, es_bytes name, int64_t *ids)
{
    for (int64_t m = 0; m < work->shared->models; m++)
        if ((ids[m] = es_map_find(&work->names[m].ids, name)) < 0) return false;
    return true;
}

static void match_all(matching *work)
{
    int64_t ids[ES_SHARED_MODELS];
    naming *first = &work->names[0];
    first->used = 0; /* names in lower case are made once more, into the same bytes */
    for (int64_t i = 0; i < work->spaces[0]->source.rows; i++) {
        if (work->shared->match == ES_MATCH_ROWS) {
            for (int64_t m = 0; m < work->shared->models; m++) ids[m] = i;
            add_item(work, ids);
            continue;
        }
        es_bytes name = name_of(first, i);
        if (name.size && rows_of(work, name, ids) && ids[0] == i) add_item(work, ids);
    }
}

/* The name that a listed word asks for: as typed or after a space. scratch holds it. */
static es_bytes asked_name(const matching *work, const char *word, bool spaced, char *scratch)
{
    es_bytes typed = {word, strlen(word)};
    if (work->shared->match == ES_MATCH_LOWER) return (es_bytes){scratch, lower(typed, scratch)};
    if (!spaced) return typed;
    scratch[0] = ' ';
    memcpy(scratch + 1, word, typed.size);
    return (es_bytes){scratch, typed.size + 1};
}

static int64_t count_found(const matching *work, const es_shared_options *options, bool spaced,
                           char *scratch)
{
    int64_t found = 0, ids[ES_SHARED_MODELS];
    for (int64_t i = 0; i < options->token_count; i++)
        found += rows_of(work, asked_name(work, options->tokens[i], spaced, scratch), ids);
    return found;
}

/* All words as typed or all with a leading space, whichever finds more: never a mixture. */
static es_status match_listed(matching *work, const es_shared_options *options, es_error *error)
{
    es_shared_tokens *shared = work->shared;
    size_t longest = 0;
    for (int64_t i = 0; i < options->token_count; i++) {
        size_t size = strlen(options->tokens[i]);
        if (size > longest) longest = size;
    }
    char *scratch = malloc(2 * longest + 8);
    unsigned char *taken = es_alloc(work->spaces[0]->source.rows, 1);
    es_status status = ES_OK;
    if (!scratch || !taken) status = es_fail_memory(error, "words", longest);
    bool spaced =
        status == ES_OK && shared->match == ES_MATCH_EXACT &&
        count_found(work, options, true, scratch) > count_found(work, options, false, scratch);
    for (int64_t i = 0; status == ES_OK && i < options->token_count; i++) {
        int64_t ids[ES_SHARED_MODELS], before = shared->count;
        bool found = rows_of(work, asked_name(work, options->tokens[i], spaced, scratch), ids);
        if (found && taken[ids[0]]) continue;
        shared->asked++;
        if (found) {
            taken[ids[0]] = 1;
            add_item(work, ids);
        }
        if (shared->count > before)
            shared->place[before] = i;
        else
            shared->missing++;
    }
    free(scratch);
    free(taken);
    return status;
}

static es_status match(matching *work, const es_shared_options *options, es_error *error)
{
    es_shared_tokens *shared = work->shared;
    int64_t room = work->spaces[0]->source.rows;
    for (int64_t m = 0; m < shared->models; m++) {
        const unsigned char *states;
        es_space *space = work->spaces[m];
        ES_TRY(es_space_row_states(space, &states, error));
        shared->of[m].rows = space->source.rows;
        work->names[m] = (naming){.vocabulary = space->vocabulary,
                                  .kind = es_vocabulary_get_kind(space->vocabulary),
                                  .rows = space->source.rows,
                                  .match = shared->match};
        if (shared->match != ES_MATCH_ROWS)
            ES_TRY(name_rows(&work->names[m], &shared->of[m], error));
    }
    if (options->tokens && options->token_count < room) room = options->token_count;
    shared->ids = es_alloc(room, (size_t)shared->models * sizeof *shared->ids);
    if (options->tokens) shared->place = es_alloc(room, sizeof *shared->place);
    if (!shared->ids || (options->tokens && !shared->place))
        return es_fail_memory(error, "shared tokens", (size_t)room * sizeof *shared->ids);
    if (options->tokens) return match_listed(work, options, error);
    match_all(work);
    return ES_OK;
}

es_status es_shared_tokens_find(es_space *const *spaces, int64_t count,
                                const es_shared_options *options, es_shared_tokens *shared,
                                es_error *error)
{
    static const es_shared_options defaults;
    if (!options) options = &defaults;
    *shared = (es_shared_tokens){.match = options->match, .models = count};
    ES_TRY(choose_match(spaces, count, &shared->match, error));
    if (shared->match == ES_MATCH_ROWS && options->tokens)
        return es_fail(error, ES_BAD_ARGUMENT,
                       "%s: a list of tokens needs rows with names; --vocab FILE names them",
                       spaces[0]->source.path);
    naming names[ES_SHARED_MODELS] = {{0}};
    matching work = {spaces, names, shared};
    es_status status = match(&work, options, error);
    release_names(names, count);
    if (status == ES_OK && !shared->count)
        status =
            es_fail(error, ES_BAD_INPUT, "%s: no token of %s is in all models, by the rule '%s'",
                    spaces[0]->source.path, options->tokens ? "the list" : "the first model",
                    es_match_text(shared->match));
    for (int64_t m = 0; m < count; m++)
        shared->of[m].coverage = (double)shared->count / (double)spaces[m]->source.rows;
    if (status != ES_OK) es_shared_tokens_release(shared);
    return status;
}

int64_t es_shared_id(const es_shared_tokens *shared, int64_t item, int64_t model)
{
    return shared->ids[item * shared->models + model];
}
