#include "analysis/dataset_layout.h"

#include "base/memory.h"
#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A line kept while others are looked at. */
typedef struct kept_line {
    int64_t number, count;
    es_bytes fields[ES_LINE_FIELDS];
} kept_line;

typedef struct finder {
    es_dataset_lines lines;
    const es_dataset_options *options;
    es_dataset_layout *layout;
    char *comment; /* the last one before any other line */
    size_t comment_size;
    int64_t comment_number;
    kept_line header, first, second; /* first and second line in columns; count 0: none */
} finder;

bool es_dataset_number(es_bytes field, double *value)
{
    size_t taken = field.size ? es_number_parse(field.data, field.size, value) : 0;
    return taken && taken == field.size && isfinite(*value);
}

/* Does it look like a number, be it one with a decimal comma? */
static bool looks_numeric(es_bytes field)
{
    double value;
    if (es_dataset_number(field, &value)) return true;
    bool digit = false, comma = false;
    for (size_t i = 0; i < field.size; i++) {
        char c = field.data[i];
        if (c >= '0' && c <= '9')
            digit = true;
        else if (c == ',' && digit && !comma)
            comma = true;
        else if ((c != '-' && c != '+') || i)
            return false;
    }
    return digit && comma;
}

/* "nan", "inf": a number that no score may be. */
static bool is_no_score(es_bytes field)
{
    double value;
    return field.size && es_number_parse(field.data, field.size, &value) == field.size &&
           !isfinite(value);
}

static es_status keep(finder *finder, kept_line *kept)
{
    finder->lines.separator = finder->layout->separator;
    ES_TRY(es_dataset_split(&finder->lines));
    kept->number = finder->lines.number;
    kept->count = finder->lines.field_count;
    memcpy(kept->fields, finder->lines.fields, sizeof kept->fields);
    return ES_OK;
}

/* The first two lines in columns; a section's line ends the look. */
static es_status look(finder *finder)
{
    es_dataset_lines *lines = &finder->lines;
    for (int seen = 0; seen < 2;) {
        ES_TRY(es_dataset_next_line(lines));
        if (!lines->line) return ES_OK;
        if (*lines->line == '#' && !seen) {
            finder->comment = lines->line;
            finder->comment_size = lines->size;
            finder->comment_number = lines->number;
        }
        if (*lines->line == '#') continue;
        bool section = *lines->line == ':';
        if (section && finder->layout->kind == ES_DATASET_AUTO && !seen)
            finder->layout->kind = ES_DATASET_ANALOGIES;
        if (section && finder->layout->kind == ES_DATASET_ANALOGIES) continue;
        if (!seen) finder->layout->separator = es_dataset_find_separator(lines);
        ES_TRY(keep(finder, seen++ ? &finder->second : &finder->first));
    }
    return ES_OK;
}

static int64_t first_number(const kept_line *line)
{
    for (int64_t i = 2; i < line->count; i++)
        if (looks_numeric(line->fields[i])) return i;
    return -1;
}

static es_status choose_kind(finder *finder)
{
    es_dataset_kind *kind = &finder->layout->kind;
    const kept_line *first = &finder->first;
    if (*kind != ES_DATASET_AUTO) return ES_OK;
    if (finder->options->score || first_number(first) >= 0 || first_number(&finder->second) >= 0 ||
        (first->count == 3 && is_no_score(first->fields[2]))) /* rather refused than misread */
        *kind = ES_DATASET_SIMILARITY;
    else if (first->count == 2)
        *kind = ES_DATASET_CATEGORIES;
    else if (first->count == 3 || first->count > 4)
        *kind = ES_DATASET_ODD_ONE_OUT;
    else if (first->count < 2)
        return es_fail(finder->lines.error, ES_BAD_INPUT,
                       "%s:%lld:1: a single column; expected 'word word score', a line ': section' "
                       "before analogies, three words or more, or 'word category'",
                       finder->lines.path, (long long)first->number);
    else
        return es_fail(finder->lines.error, ES_BAD_INPUT,
                       "%s:%lld:1: four words a line: say --kind analogies or --kind odd-one-out "
                       "(analogies are told by a line ': section' before them)",
                       finder->lines.path, (long long)first->number);
    return ES_OK;
}

static bool same_name(es_bytes field, const char *name)
{
    size_t size = strlen(name);
    bool same = field.size == size;
    for (size_t i = 0; same && i < size; i++) {
        char a = field.data[i], b = name[i];
        if (a >= 'A' && a <= 'Z') a = (char)(a + 32);
        if (b >= 'A' && b <= 'Z') b = (char)(b + 32);
        same = a == b;
    }
    return same;
}

/* Does a column's title say that it is what people answered? */
static bool names_score(es_bytes field)
{
    static const char *const parts[] = {"score",       "mean",   "rating", "similarity",
                                        "relatedness", "simlex", "human"};
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        size_t size = strlen(parts[p]);
        for (size_t i = 0; i + size <= field.size; i++)
            if (same_name((es_bytes){field.data + i, size}, parts[p])) return true;
    }
    return false;
}

/* The header: the first line where only the second has a number, else the comment above it. */
static es_status find_header(finder *finder)
{
    const kept_line *first = &finder->first;
    int64_t number = first_number(&finder->second);
    if (first_number(first) < 0 && number >= 0 &&
        !(number < first->count && is_no_score(first->fields[number]))) {
        finder->header = *first;
        finder->first = finder->second;
        return ES_OK;
    }
    if (!finder->comment) return ES_OK;
    es_dataset_lines *lines = &finder->lines;
    lines->line = finder->comment + 1;
    lines->size = finder->comment_size - 1;
    lines->number = finder->comment_number;
    if (!lines->size) return ES_OK;
    ES_TRY(keep(finder, &finder->header));
    if (finder->header.count < 3) finder->header.count = 0;
    return ES_OK;
}

static es_status fail_column(const finder *finder, const char *what)
{
    return es_fail(
        finder->lines.error, ES_BAD_ARGUMENT,
        "%s: %s '%s' (--score takes a column's number from 1, or its name in the header)",
        finder->lines.path, what, finder->options->score);
}

static es_status asked_column(const finder *finder, int64_t *column)
{
    const char *asked = finder->options->score;
    for (int64_t i = 0; i < finder->header.count; i++)
        if (same_name(finder->header.fields[i], asked)) {
            *column = i;
            return ES_OK;
        }
    double number;
    es_bytes text = {asked, strlen(asked)};
    if (!es_dataset_number(text, &number) || number != floor(number))
        return fail_column(finder, "there is no column");
    if (number < 1 || number > (double)finder->first.count)
        return fail_column(finder, "there is no column");
    *column = (int64_t)number - 1;
    return ES_OK;
}

static es_status choose_columns(finder *finder)
{
    es_dataset_layout *layout = finder->layout;
    const kept_line *first = &finder->first, *header = &finder->header;
    ES_TRY(find_header(finder));
    if (header->count) layout->header_line = header->number;
    if (first->count >= 4 && looks_numeric(first->fields[0]) && !looks_numeric(first->fields[1]) &&
        !looks_numeric(first->fields[2]))
        layout->words_at = 1; /* a column that counts the lines */
    if (finder->options->score) {
        ES_TRY(asked_column(finder, &layout->score_at));
        if (layout->score_at >= layout->words_at && layout->score_at < layout->words_at + 2)
            return fail_column(finder, "a word, not a score, is in column");
        return ES_OK;
    }
    int64_t number = first_number(first);
    for (int64_t i = first->count - 1; i >= 2; i--) /* of a nan in the first line, too */
        if (number < 0 && is_no_score(first->fields[i])) number = i;
    for (int64_t i = number; i >= 0 && i < first->count && i < header->count; i++)
        if (looks_numeric(first->fields[i]) && names_score(header->fields[i])) {
            number = i;
            break;
        }
    if (number < 0)
        return es_fail(
            finder->lines.error, ES_BAD_INPUT,
            "%s:%lld:1: no column of numbers after two words; expected 'word word score'",
            finder->lines.path, (long long)first->number);
    layout->score_at = number;
    return ES_OK;
}

static es_status find_layout(finder *finder)
{
    ES_TRY(look(finder));
    if (!finder->first.count)
        return es_fail(finder->lines.error, ES_BAD_INPUT,
                       "%s:%lld:1: the file ends without a question", finder->lines.path,
                       (long long)finder->lines.number + !finder->lines.number);
    ES_TRY(choose_kind(finder));
    return finder->layout->kind == ES_DATASET_SIMILARITY ? choose_columns(finder) : ES_OK;
}

es_status es_dataset_find_layout(const char *path, char *data, size_t size,
                                 const es_dataset_options *options, es_dataset_layout *layout,
                                 es_error *error)
{
    *layout = (es_dataset_layout){.kind = options->kind, .separator = ' ', .score_at = -1};
    finder *finder = es_alloc(1, sizeof *finder);
    if (!finder) return es_fail_memory(error, path, sizeof *finder);
    finder->lines = es_dataset_lines_of(path, data, size, error);
    finder->options = options;
    finder->layout = layout;
    es_status status = find_layout(finder);
    free(finder);
    return status;
}
