/* Words and bytes from files and standard input ("-"). */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <embscope/status.h>
#include <stddef.h>
#include <stdint.h>

/* A list of words; they point into the program's arguments or into `storage`. All zero is empty;
 * release with cli_words_release(). */
typedef struct cli_words {
    const char **word;
    int64_t count, capacity;
    char *storage;
} cli_words;

es_status cli_words_add(cli_words *words, const char *word, es_error *error);

/* Append the lines of a file, as they are but for the line end; empty lines are passed over. */
es_status cli_words_read_lines(cli_words *words, const char *path, es_error *error);

/* Append the two words of each line, parted by a TAB, else by a comma, else by spaces. */
es_status cli_words_read_pairs(cli_words *words, const char *path, es_error *error);

/* The same for a token and its category. */
es_status cli_words_read_categories(cli_words *words, const char *path, es_error *error);

/* Append what white space parts. */
es_status cli_words_read_fields(cli_words *words, const char *path, es_error *error);

void cli_words_release(cli_words *words);

/* All bytes of a file: *data is the caller's to free, terminated beyond `size`. */
es_status cli_read_all(const char *path, char **data, size_t *size, es_error *error);

#endif
