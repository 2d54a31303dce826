#include "message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { NAME_LIMIT = 48 }; /* longer words are nobody's typing slip */

int cli_exit_code(es_status status)
{
    switch (status) {
    case ES_OK: return CLI_EXIT_DONE;
    case ES_BAD_ARGUMENT: return CLI_EXIT_USAGE;
    case ES_CANNOT_WRITE: return CLI_EXIT_OUTPUT;
    case ES_CANCELLED: return CLI_EXIT_INTERRUPTED;
    default: return CLI_EXIT_INPUT;
    }
}

/* Bytes of the UTF-8 character at text, 0 where there is none that may be shown: ill-formed bytes,
 * control characters, and the marks that reorder a line (U+200E, U+202A ... U+202E, U+2066 ...). */
static size_t printable_length(const unsigned char *text)
{
    if (text[0] < 0x80) return text[0] >= 0x20 && text[0] != 0x7F;
    size_t length = text[0] >= 0xF0 ? 4 : text[0] >= 0xE0 ? 3 : 2;
    uint32_t point = text[0] & (0xFFU >> (length + 1));
    for (size_t i = 1; i < length; i++) { /* the terminating NUL ends a cut character */
        if ((text[i] & 0xC0) != 0x80) return 0;
        point = point << 6 | (text[i] & 0x3FU);
    }
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (text[0] >= 0xF8 || point < smallest[length] || point > 0x10FFFF) return 0;
    if (point < 0xA0 || (point >= 0xD800 && point < 0xE000)) return 0;
    if (point == 0x061C || point == 0x200E || point == 0x200F || point == 0x2028 || point == 0x2029)
        return 0;
    return (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069) ? 0
                                                                                        : length;
}

/* Copy `raw` escaped; a text that does not fit ends in "...". */
static void escape(const char *raw, char *out, size_t capacity)
{
    size_t used = 0;
    for (const unsigned char *at = (const unsigned char *)raw; *at;) {
        char piece[8];
        size_t length = printable_length(at);
        size_t size = length ? length : 4;
        if (length) {
            memcpy(piece, at, length);
        } else {
            snprintf(piece, sizeof piece, "\\x%02X", *at);
            length = 1;
        }
        if (used + size + 4 > capacity) {
            memcpy(out + used, "...", 4);
            return;
        }
        memcpy(out + used, piece, size);
        used += size;
        at += length;
    }
    out[used] = '\0';
}

es_status cli_fail(es_error *error, es_status status, const char *format, ...)
{
    char raw[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    escape(raw, error->text, sizeof error->text);
    return status;
}

es_status cli_fail_path(es_error *error, es_status status, const char *path, int code)
{
    return cli_fail(error, status, "%s: %s", path, strerror(code));
}

void cli_print_error(const es_error *error)
{
    fprintf(stderr, "embscope: error: %s\n", error->text);
}

void cli_print_note(const char *text)
{
    while (text && *text) {
        size_t length = strcspn(text, "\n");
        if (length) fprintf(stderr, "embscope: note: %.*s\n", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Typing slips between two words: insertions, deletions, replacements and swaps of neighbours (the
 * restricted edit distance of Damerau and Levenshtein), by rows of the usual table. */
static size_t slips(const char *a, const char *b)
{
    size_t rows[3][NAME_LIMIT + 1];
    size_t a_size = strlen(a), b_size = strlen(b);
    if (a_size > NAME_LIMIT || b_size > NAME_LIMIT) return SIZE_MAX;
    for (size_t j = 0; j <= b_size; j++) rows[0][j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = smaller(row[j], smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a_size % 3][b_size];
}

const char *cli_nearest(const char *typed, size_t count,
                        const char *(*name)(const void *context, size_t index), const void *context)
{
    size_t typed_size = strlen(typed);
    size_t best = 1 + typed_size / 4; /* more slips than that, and it is another word */
    const char *nearest = NULL, *only_start = NULL;
    size_t starts = 0;
    for (size_t i = 0; i < count; i++) {
        const char *candidate = name(context, i);
        if (!candidate) continue;
        size_t distance = slips(typed, candidate);
        if (distance <= best && distance < strlen(candidate) && (!nearest || distance < best)) {
            best = distance;
            nearest = candidate;
        }
        if (typed_size >= 2 && !strncmp(typed, candidate, typed_size)) {
            starts++;
            only_start = candidate;
        }
    }
    return starts == 1 ? only_start : nearest;
}
