#include "analysis/dataset_layout.h"
#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

enum { MEMBER_LIMIT = 1 << 23 }; /* of the sets that categories make: 32 MiB */

typedef struct reader {
    es_dataset *set;
    es_dataset_layout layout;
    es_dataset_lines lines;
    es_map words;
    int64_t word_capacity, member_count, member_capacity;
    int64_t first_capacity, line_capacity, score_capacity, odd_capacity, section_capacity;
    /* "word category" lines */
    int64_t entry_count, entry_capacity;
    struct entry {
        int32_t word, category, line;
    } * entries;
    es_map categories;
    es_error *error;
} reader;

const char *es_dataset_kind_text(es_dataset_kind kind)
{
    static const char *const names[] = {"auto", "similarity", "analogies", "odd-one-out",
                                        "categories"};
    return names[kind];
}

void es_dataset_release(es_dataset *set)
{
    free(set->path);
    free(set->name);
    free(set->words);
    free(set->first);
    free(set->members);
    free(set->lines);
    free(set->scores);
    free(set->odd);
    free(set->sections);
    free(set->memory);
    *set = (es_dataset){0};
}

/* ---- one line at a time -----------------------------------------------------------------------
 */

static es_status fail_memory(const reader *reader)
{
    return es_fail_memory(reader->error, reader->lines.path, 0);
}

static es_status find_word(reader *reader, es_bytes text, int32_t *word)
{
    es_dataset *set = reader->set;
    int64_t known = 0;
    if (!text.size) return es_dataset_fail(&reader->lines, text.data, "a word is empty");
    es_map_put put = es_map_insert(&reader->words, text, set->word_count, &known);
    if (put == ES_MAP_NO_MEMORY) return fail_memory(reader);
    *word = (int32_t)known;
    if (put == ES_MAP_EXISTS) return ES_OK;
    *word = (int32_t)set->word_count;
    if (!es_grow((void **)&set->words, &reader->word_capacity, set->word_count + 1,
                 sizeof *set->words))
        return fail_memory(reader);
    set->words[set->word_count++] = text;
    return ES_OK;
}

static es_status add_member(reader *reader, int32_t word)
{
    es_dataset *set = reader->set;
    if (!es_grow((void **)&set->members, &reader->member_capacity, reader->member_count + 1,
                 sizeof *set->members))
        return fail_memory(reader);
    set->members[reader->member_count++] = word;
    return ES_OK;
}

/* The members added since the last one are a question. */
static es_status end_question(reader *reader, int64_t line)
{
    es_dataset *set = reader->set;
    if (!es_grow((void **)&set->first, &reader->first_capacity, set->count + 2,
                 sizeof *set->first) ||
        !es_grow((void **)&set->lines, &reader->line_capacity, set->count + 1, sizeof *set->lines))
        return fail_memory(reader);
    if (!set->count) set->first[0] = 0;
    set->lines[set->count] = (int32_t)line;
    set->first[++set->count] = reader->member_count;
    if (set->kind == ES_DATASET_ANALOGIES) set->sections[set->section_count - 1].count++;
    return ES_OK;
}

static es_status add_words(reader *reader, int64_t from, int64_t count)
{
    for (int64_t i = from; i < from + count; i++) {
        int32_t word = 0;
        ES_TRY(find_word(reader, reader->lines.fields[i], &word));
        ES_TRY(add_member(reader, word));
    }
    return ES_OK;
}

static es_status fail_score(const reader *reader, es_bytes field)
{
    double value;
    bool number = es_number_parse(field.data, field.size, &value) == field.size;
    const char *why = number                                ? "; a score is finite"
                      : memchr(field.data, ',', field.size) ? "; decimals take a point"
                                                            : "";
    return es_dataset_fail(&reader->lines, field.data, "'%.*s' in column %lld is not a score%s",
                           (int)(field.size < 40 ? field.size : 40), field.data,
                           (long long)reader->layout.score_at + 1, why);
}

static es_status read_pair(reader *reader)
{
    es_dataset *set = reader->set;
    const es_dataset_lines *lines = &reader->lines;
    int64_t column = reader->layout.score_at;
    if (lines->field_count <= column || lines->field_count < reader->layout.words_at + 2)
        return es_dataset_fail(lines, lines->line,
                               "%lld column%s; the score is expected in column %lld",
                               (long long)lines->field_count, lines->field_count == 1 ? "" : "s",
                               (long long)column + 1);
    if (!es_grow((void **)&set->scores, &reader->score_capacity, set->count + 1,
                 sizeof *set->scores))
        return fail_memory(reader);
    es_bytes field = lines->fields[column];
    if (!field.size) return es_dataset_fail(lines, field.data, "the score is empty");
    if (!es_dataset_number(field, &set->scores[set->count])) return fail_score(reader, field);
    ES_TRY(add_words(reader, reader->layout.words_at, 2));
    return end_question(reader, lines->number);
}

static es_status begin_section(reader *reader, es_bytes name)
{
    es_dataset *set = reader->set;
    if (!es_grow((void **)&set->sections, &reader->section_capacity, set->section_count + 1,
                 sizeof *set->sections))
        return fail_memory(reader);
    set->sections[set->section_count++] = (es_dataset_section){.name = name, .first = set->count};
    return ES_OK;
}

/* ": family" */
static es_status read_section(reader *reader)
{
    const char *from = reader->lines.line + 1, *end = reader->lines.line + reader->lines.size;
    while (from < end && (*from == ' ' || *from == '\t')) from++;
    if (from == end) return es_dataset_fail(&reader->lines, from, "a section without a name");
    return begin_section(reader, (es_bytes){from, (size_t)(end - from)});
}

static es_status read_analogy(reader *reader)
{
    const es_dataset_lines *lines = &reader->lines;
    if (lines->field_count != 4)
        return es_dataset_fail(lines, lines->line,
                               "%lld words; an analogy has four: a is to b as c is to d",
                               (long long)lines->field_count);
    if (!reader->set->section_count) ES_TRY(begin_section(reader, (es_bytes){0}));
    ES_TRY(add_words(reader, 0, 4));
    return end_question(reader, lines->number);
}

/* The odd one is marked "*word", or the last. */
static es_status read_odd(reader *reader)
{
    es_dataset *set = reader->set;
    es_dataset_lines *lines = &reader->lines;
    int64_t marked = -1;
    if (lines->field_count < 3)
        return es_dataset_fail(lines, lines->line,
                               "%lld word%s; an odd one is found among three or more",
                               (long long)lines->field_count, lines->field_count == 1 ? "" : "s");
    for (int64_t i = 0; i < lines->field_count; i++) {
        es_bytes *field = &lines->fields[i];
        if (field->size < 2 || *field->data != '*') continue;
        if (marked >= 0) return es_dataset_fail(lines, field->data, "a second word is marked odd");
        marked = i;
        *field = (es_bytes){field->data + 1, field->size - 1};
    }
    if (!es_grow((void **)&set->odd, &reader->odd_capacity, set->count + 1, sizeof *set->odd))
        return fail_memory(reader);
    set->odd[set->count] = (int32_t)(marked >= 0 ? marked : lines->field_count - 1);
    ES_TRY(add_words(reader, 0, lines->field_count));
    return end_question(reader, lines->number);
}

/* ---- categories -------------------------------------------------------------------------------
 */

static es_status read_entry(reader *reader)
{
    es_dataset *set = reader->set;
    const es_dataset_lines *lines = &reader->lines;
    int64_t category = 0;
    if (lines->field_count != 2 || !lines->fields[1].size)
        return es_dataset_fail(lines, lines->line, "expected a word and its category");
    es_map_put put =
        es_map_insert(&reader->categories, lines->fields[1], set->section_count, &category);
    if (put == ES_MAP_NO_MEMORY) return fail_memory(reader);
    if (put == ES_MAP_ADDED) {
        category = set->section_count;
        ES_TRY(begin_section(reader, lines->fields[1]));
    }
    if (!es_grow((void **)&reader->entries, &reader->entry_capacity, reader->entry_count + 1,
                 sizeof *reader->entries))
        return fail_memory(reader);
    struct entry *entry = &reader->entries[reader->entry_count++];
    *entry = (struct entry){.category = (int32_t)category, .line = (int32_t)lines->number};
    return find_word(reader, lines->fields[0], &entry->word);
}

/* Scratch of ask_categories(). */
typedef struct asking {
    int32_t *mark;   /* (words) the last category, from 1, that a word was found in */
    int32_t *line;   /* (words) where a word was said first */
    int32_t *inside; /* (entries) the words of the present category */
    int32_t *sorted; /* (entries) the words by category, as said */
    int64_t *end;    /* (categories + 1) of each in `sorted`; the first is 0 */
} asking;

static es_status add_set(reader *reader, const asking *work, int64_t size, int32_t outsider)
{
    es_dataset *set = reader->set;
    if (reader->member_count + size >= MEMBER_LIMIT)
        return es_fail(reader->error, ES_BAD_INPUT,
                       "%s: %lld words in %lld categories make too many sets; give fewer",
                       reader->lines.path, (long long)reader->entry_count,
                       (long long)set->section_count);
    if (!es_grow((void **)&set->odd, &reader->odd_capacity, set->count + 1, sizeof *set->odd))
        return fail_memory(reader);
    set->odd[set->count] = (int32_t)size;
    for (int64_t i = 0; i < size; i++) ES_TRY(add_member(reader, work->inside[i]));
    ES_TRY(add_member(reader, outsider));
    return end_question(reader, work->line[outsider]);
}

/* Words are numbered as they are first said, so that outsiders come in the file's order. */
static es_status ask_category(reader *reader, int32_t category, const asking *work)
{
    es_dataset *set = reader->set;
    int64_t size = 0;
    for (int64_t i = work->end[category]; i < work->end[category + 1]; i++) {
        int32_t word = work->sorted[i];
        if (work->mark[word] == category + 1) continue;
        work->mark[word] = category + 1; /* a word said twice counts once */
        work->inside[size++] = word;
    }
    set->sections[category].first = set->count;
    for (int32_t word = 0; size >= 2 && word < set->word_count; word++)
        if (work->mark[word] != category + 1) ES_TRY(add_set(reader, work, size, word));
    set->sections[category].count = set->count - set->sections[category].first;
    return ES_OK;
}

/* By counting: a million categories of a word each must not be searched a million times. */
static void sort_entries(const reader *reader, const asking *work)
{
    int64_t *end = work->end, categories = reader->set->section_count;
    for (int64_t i = reader->entry_count - 1; i >= 0; i--) {
        const struct entry *entry = &reader->entries[i];
        work->line[entry->word] = entry->line;
        if (entry->category + 1 < categories) end[entry->category + 2]++;
    }
    for (int64_t c = 2; c <= categories; c++) end[c] += end[c - 1];
    for (int64_t i = 0; i < reader->entry_count; i++)
        work->sorted[end[reader->entries[i].category + 1]++] = reader->entries[i].word;
}

/* Each category with each word outside. */
static es_status ask_categories(reader *reader)
{
    es_dataset *set = reader->set;
    asking work = {.mark = es_alloc(set->word_count, sizeof *work.mark),
                   .line = es_alloc(set->word_count, sizeof *work.line),
                   .inside = es_alloc(reader->entry_count, sizeof *work.inside),
                   .sorted = es_alloc(reader->entry_count, sizeof *work.sorted),
                   .end = es_alloc(set->section_count + 1, sizeof *work.end)};
    bool made = work.mark && work.line && work.inside && work.sorted && work.end;
    es_status status = made ? ES_OK : fail_memory(reader);
    if (!status) sort_entries(reader, &work);
    for (int64_t c = 0; !status && c < set->section_count; c++)
        status = ask_category(reader, (int32_t)c, &work);
    free(work.mark);
    free(work.line);
    free(work.inside);
    free(work.sorted);
    free(work.end);
    if (status || set->count) return status;
    return es_fail(reader->error, ES_BAD_INPUT,
                   "%s: no category has two words beside words of another; expected 'word "
                   "category' a line",
                   reader->lines.path);
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

static es_status read_line(reader *reader)
{
    ES_TRY(es_dataset_split(&reader->lines));
    switch (reader->layout.kind) {
    case ES_DATASET_SIMILARITY: return read_pair(reader);
    case ES_DATASET_ANALOGIES: return read_analogy(reader);
    case ES_DATASET_CATEGORIES: return read_entry(reader);
    default: return read_odd(reader);
    }
}

/* The line that names the columns, behind its '#'. */
static es_status read_header(reader *reader)
{
    es_dataset_lines *lines = &reader->lines;
    if (*lines->line == '#') {
        lines->line++;
        lines->size--;
    }
    ES_TRY(es_dataset_split(lines));
    if (reader->layout.score_at < lines->field_count)
        reader->set->score_name = lines->fields[reader->layout.score_at];
    return ES_OK;
}

static es_status read_lines(reader *reader)
{
    es_dataset_lines *lines = &reader->lines;
    for (;;) {
        ES_TRY(es_dataset_next_line(lines));
        if (!lines->line) break;
        if (lines->number == reader->layout.header_line)
            ES_TRY(read_header(reader));
        else if (*lines->line == ':' && reader->layout.kind == ES_DATASET_ANALOGIES)
            ES_TRY(read_section(reader));
        else if (*lines->line != '#')
            ES_TRY(read_line(reader));
    }
    return reader->layout.kind == ES_DATASET_CATEGORIES ? ask_categories(reader) : ES_OK;
}

static es_status read_all(reader *reader, const es_dataset_options *options, size_t size)
{
    es_dataset *set = reader->set;
    char *copy = es_copy_bytes(set->memory, size);
    if (!copy) return es_fail_memory(reader->error, set->path, size);
    es_status status =
        es_dataset_find_layout(set->path, copy, size, options, &reader->layout, reader->error);
    free(copy);
    ES_TRY(status);
    set->kind = reader->layout.kind;
    set->separator = reader->lines.separator = reader->layout.separator;
    set->score_column = reader->layout.score_at + 1;
    return read_lines(reader);
}

static char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return es_copy_text(slash && slash[1] ? slash + 1 : path);
}

/* Takes over `data`. */
static es_status parse(const char *path, char *data, size_t size, const es_dataset_options *options,
                       es_dataset *set, es_error *error)
{
    static const es_dataset_options defaults;
    *set = (es_dataset){.memory = data, .path = es_copy_text(path), .name = last_part(path)};
    reader reader = {.set = set, .error = error};
    es_status status =
        set->path && set->name ? ES_OK : es_fail_memory(error, path, strlen(path) + 1);
    if (!status) {
        reader.lines = es_dataset_lines_of(set->path, data, size, error);
        status = read_all(&reader, options ? options : &defaults, size);
    }
    es_map_release(&reader.words);
    es_map_release(&reader.categories);
    free(reader.entries);
    if (status) es_dataset_release(set);
    return status;
}

es_status es_dataset_parse(const char *path, const char *data, size_t size,
                           const es_dataset_options *options, es_dataset *set, es_error *error)
{
    *set = (es_dataset){0};
    if (size > ES_DATASET_BYTES)
        return es_fail(error, ES_BAD_INPUT, "%s: %zu bytes; a data set has at most %d", path, size,
                       ES_DATASET_BYTES);
    char *copy = es_copy_bytes(data, size);
    if (!copy) return es_fail_memory(error, path, size + 1);
    return parse(path, copy, size, options, set, error);
}

es_status es_dataset_read(const char *path, const es_dataset_options *options, es_dataset *set,
                          es_error *error)
{
    char *data = NULL;
    int64_t size = 0;
    *set = (es_dataset){0};
    ES_TRY(es_file_read_all(path, ES_DATASET_BYTES, &data, &size, error));
    return parse(path, data, (size_t)size, options, set, error);
}
