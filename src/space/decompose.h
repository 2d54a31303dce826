/* Unicode decomposition in time proportional to the text. */
#ifndef ES_SPACE_DECOMPOSE_H
#define ES_SPACE_DECOMPOSE_H

#include <embscope/vocabulary.h> /* es_bytes */

/* The code points of `text` (well-formed UTF-8), decomposed as utf8proc's `options` say and in
 * canonical order. utf8proc_decompose() gives the same, but puts marks in order by exchanging
 * neighbours: a file with a million marks on one letter would keep it busy for minutes.
 *
 * Returns how many there are, and in *points an array of theirs, to be freed, with room for one
 * more; -1 for lack of memory. */
int64_t es_decompose(es_bytes text, int options, int32_t **points);

#endif
