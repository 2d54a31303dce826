/* Vocabularies from bytes in memory; `path` names them in messages. */
#ifndef ES_SPACE_VOCABULARY_READ_H
#define ES_SPACE_VOCABULARY_READ_H

#include "base/json.h"
#include "base/status.h"
#include "space/vocabulary_parts.h"

/* A file that was read whole. */
typedef struct es_document {
    const char *path, *data;
    int64_t size;
} es_document;

/* Each makes *vocabulary, to be released with es_vocabulary_free(). */

/* vocab.json with merges.txt. A token that is neither a byte nor made by a merge is special: no
 * plain text encodes to it. */
es_status es_vocabulary_read_bpe(es_document vocab, es_document merges, int64_t rows,
                                 es_vocabulary **vocabulary, es_error *error);

/* vocab.json alone: its keys name the rows as words. */
es_status es_vocabulary_read_words_json(es_document vocab, int64_t rows, es_vocabulary **vocabulary,
                                        char **note, es_error *error);

/* A key per line. The number of the line, from 0, is the id; an empty line is a row without a name.
 * WordPiece where "[UNK]" is among the keys and `config` (BERT's tokenizer_config.json; data NULL
 * for none) says how text is cleaned, else words. */
es_status es_vocabulary_read_lines(es_document lines, es_document config, int64_t rows,
                                   es_vocabulary **vocabulary, char **note, es_error *error);

/* tokenizer.json. */
es_status es_vocabulary_read_tokenizer(es_document document, int64_t rows,
                                       es_vocabulary **vocabulary, es_error *error);

/* --- parts that they share --- */

/* What ids must be below: the rows, or what a file of that size may name, whichever is more. Names
 * take memory up to the largest id, so that a short file must not choose it freely. */
int64_t es_vocabulary_id_limit(const es_vocabulary *vocabulary, int64_t file_size);

/* The object {"key": id, ...} that is next in json: ids from 0, each given once; a gap is a row
 * without a name. Ids are below es_vocabulary_id_limit(). */
es_status es_vocabulary_read_keys(es_json *json, es_vocabulary *vocabulary);

/* After the keys of a BPE: the tokens of the single bytes. */
void es_vocabulary_find_bytes(es_vocabulary *vocabulary);

/* Add the next merge, of two keys. Returns NULL, or what is wrong with it; scratch->failed tells
 * lack of memory. */
const char *es_vocabulary_add_merge(es_vocabulary *vocabulary, es_bytes left, es_bytes right,
                                    es_text *scratch);

/* Split "left right" at its one space; false where there is not exactly one with text around it. */
bool es_merge_split(es_bytes line, es_bytes *left, es_bytes *right);

/* After the tokens of a WordPiece: the length of the longest one, and the unknown token. False
 * where there is none of that name. */
bool es_vocabulary_finish_wordpiece(es_vocabulary *vocabulary, es_bytes unknown);

#endif
