#include "lines.h"

#include "interrupt.h"
#include "message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 1 << 16, SIZE_LIMIT = 1 << 28 };

static es_status fail_memory(es_error *error)
{
    return cli_fail(error, ES_NO_MEMORY, "out of memory");
}

es_status cli_words_add(cli_words *words, const char *word, es_error *error)
{
    if (words->count == words->capacity) {
        int64_t capacity = words->capacity ? 2 * words->capacity : 16;
        const char **grown = realloc(words->word, (size_t)capacity * sizeof *grown);
        if (!grown) return fail_memory(error);
        words->word = grown;
        words->capacity = capacity;
    }
    words->word[words->count++] = word;
    return ES_OK;
}

void cli_words_release(cli_words *words)
{
    free(words->word);
    free(words->storage);
    *words = (cli_words){0};
}

static es_status read_stream(FILE *file, const char *shown, char **data, size_t *size,
                             es_error *error)
{
    size_t capacity = FIRST_CAPACITY;
    char *buffer = malloc(capacity);
    size_t used = 0;
    es_status status = buffer ? ES_OK : fail_memory(error);
    while (!status) {
        errno = 0;
        used += fread(buffer + used, 1, capacity - 1 - used, file);
        if (used < capacity - 1) {
            status = cli_interrupt_check(error);
            if (!status && ferror(file))
                status = cli_fail_path(error, ES_CANNOT_READ, shown, errno);
            break;
        }
        capacity *= 2;
        char *grown = capacity <= SIZE_LIMIT ? realloc(buffer, capacity) : NULL;
        if (!grown)
            status =
                cli_fail(error, ES_BAD_INPUT, "%s: larger than %d MiB", shown, SIZE_LIMIT >> 21);
        else
            buffer = grown;
    }
    if (status) {
        free(buffer);
        return status;
    }
    buffer[used] = '\0';
    *data = buffer;
    *size = used;
    return ES_OK;
}

es_status cli_read_all(const char *path, char **data, size_t *size, es_error *error)
{
    if (!strcmp(path, "-")) return read_stream(stdin, "standard input", data, size, error);
    FILE *file = fopen(path, "rb");
    if (!file)
        return cli_fail_path(error, errno == ENOENT ? ES_NOT_FOUND : ES_CANNOT_READ, path, errno);
    es_status status = read_stream(file, path, data, size, error);
    fclose(file);
    return status;
}

/* Read a file of text lines into words->storage. Words are C strings, so NUL has no place. */
static es_status read_text(cli_words *words, const char *path, es_error *error)
{
    size_t size = 0;
    if (words->storage)
        return cli_fail(error, ES_BAD_ARGUMENT, "%s: only one file of words at a time", path);
    es_status status = cli_read_all(path, &words->storage, &size, error);
    if (status) return status;
    const char *nul = memchr(words->storage, '\0', size);
    if (nul)
        return cli_fail(error, ES_BAD_INPUT, "%s: at byte %zu: a NUL byte; expected lines of text",
                        path, (size_t)(nul - words->storage));
    return ES_OK;
}

/* Cut the line at *at off and move past it; NULL at the end. A byte-order mark, or the CR of a CR
 * LF, is no part of any line. */
static char *next_line(char **at, int64_t *number)
{
    char *line = *at;
    if (!*line) return NULL;
    if (++*number == 1 && !strncmp(line, "\xEF\xBB\xBF", 3)) line += 3;
    size_t length = strcspn(line, "\n");
    *at = line + length + (line[length] == '\n');
    if (length && line[length - 1] == '\r') length--;
    line[length] = '\0';
    return line;
}

es_status cli_words_read_lines(cli_words *words, const char *path, es_error *error)
{
    es_status status = read_text(words, path, error);
    char *at = words->storage, *line = NULL;
    for (int64_t number = 0; !status && (line = next_line(&at, &number));)
        if (*line) status = cli_words_add(words, line, error);
    return status;
}

/* Part a line in two words, or return false. */
static bool part_line(char *line, char **first, char **second)
{
    const char *separators = strchr(line, '\t') ? "\t" : strchr(line, ',') ? "," : " ";
    bool spaces = *separators == ' ';
    if (spaces) line += strspn(line, " ");
    *first = line;
    line += strcspn(line, separators);
    if (!*line) return false;
    *line++ = '\0';
    if (spaces) line += strspn(line, " ");
    *second = line;
    line += strcspn(line, separators);
    if (spaces && *line) { /* spaces at the line's end */
        *line++ = '\0';
        line += strspn(line, " ");
    }
    return !*line && **first && **second;
}

static es_status read_twos(cli_words *words, const char *path, const char *what, es_error *error)
{
    es_status status = read_text(words, path, error);
    char *at = words->storage, *line = NULL;
    for (int64_t number = 0; !status && (line = next_line(&at, &number));) {
        char *first = NULL, *second = NULL;
        if (!*line) continue;
        if (!part_line(line, &first, &second))
            return cli_fail(error, ES_BAD_INPUT,
                            "%s:%lld:1: expected %s parted by a TAB, a comma or a space", path,
                            (long long)number, what);
        status = cli_words_add(words, first, error);
        if (!status) status = cli_words_add(words, second, error);
    }
    return status;
}

es_status cli_words_read_pairs(cli_words *words, const char *path, es_error *error)
{
    return read_twos(words, path, "two tokens", error);
}

es_status cli_words_read_categories(cli_words *words, const char *path, es_error *error)
{
    return read_twos(words, path, "a token and its category", error);
}

es_status cli_words_read_fields(cli_words *words, const char *path, es_error *error)
{
    es_status status = read_text(words, path, error);
    for (char *at = words->storage; !status && *(at += strspn(at, " \t\r\n"));) {
        char *word = at;
        at += strcspn(at, " \t\r\n");
        if (*at) *at++ = '\0';
        status = cli_words_add(words, word, error);
    }
    return status;
}
