/* Internal side of embscope/vocabulary.h: where a vocabulary comes from. */
#ifndef ES_SPACE_VOCABULARY_H
#define ES_SPACE_VOCABULARY_H

#include "base/status.h"

#include <embscope/vocabulary.h>

/* Each makes *vocabulary, to be released with es_vocabulary_free(). `rows` is the table's; a
 * vocabulary has exactly that size: rows beyond the tokenizer have no text, tokens beyond the rows
 * are known to the encoder only. *note becomes a malloc'ed line for the user where the two counts
 * differ or keys repeat, else NULL. */

/* "#0", "#1" ... */
es_status es_vocabulary_create_numbers(int64_t rows, es_vocabulary **vocabulary, es_error *error);

/* A key per row; takes over `keys` and `memory` (free()d with the vocabulary, also on failure). */
es_status es_vocabulary_create_words(es_bytes *keys, char *memory, int64_t rows,
                                     es_vocabulary **vocabulary, char **note, es_error *error);

/* A model's folder: tokenizer.json, or vocab.json with merges.txt, or vocab.txt, in this order;
 * numbers where it has none. */
es_status es_vocabulary_open_folder(const char *folder, int64_t rows, es_vocabulary **vocabulary,
                                    char **note, es_error *error);

/* --vocab FILE: tokenizer.json or vocab.json (told by content; merges.txt beside the latter where
 * there is one, else its keys name the rows as words), or a key per line ("vocab.txt" with "[UNK]"
 * in it is WordPiece). */
es_status es_vocabulary_open_file(const char *path, int64_t rows, es_vocabulary **vocabulary,
                                  char **note, es_error *error);

void es_vocabulary_free(es_vocabulary *vocabulary);

/* Append one id. */
es_status es_ids_append(es_ids *ids, int64_t id, es_error *error);

#endif
