/* The rows of a space in a file that other programs read. */
#ifndef EMBSCOPE_EXPORT_H
#define EMBSCOPE_EXPORT_H

#include <embscope/progress.h>
#include <embscope/selection.h>
#include <embscope/space.h>
#include <stdio.h>

ES_BEGIN_DECLARATIONS

typedef enum es_export_format {
    ES_EXPORT_NPY = 0,           /* NumPy: the matrix alone */
    ES_EXPORT_NPZ = 1,           /* `vectors` (n, d), `ids` int64 (n), `tokens` (n) their keys */
    ES_EXPORT_SAFETENSORS = 2,   /* one tensor, "vectors" */
    ES_EXPORT_WORD2VEC = 3,      /* its binary form: float32 alone */
    ES_EXPORT_WORD2VEC_TEXT = 4, /* as gensim, fastText and many others read it */
    ES_EXPORT_GLOVE = 5,         /* the same without the line of counts */
    ES_EXPORT_PROJECTOR = 6,     /* TensorBoard's embedding projector: a folder of four files */
} es_export_format;

typedef enum es_export_dtype {
    ES_EXPORT_DEFAULT = 0, /* as stored where the rows are, else F32. BF16 is kept in safetensors
                              and is F32 (exactly) elsewhere */
    ES_EXPORT_F32 = 1,
    ES_EXPORT_F16 = 2,
    ES_EXPORT_F64 = 3,
} es_export_dtype;

/* All zero is every row as stored, as .npy. */
typedef struct es_export_options {
    es_export_format format;
    es_export_dtype dtype;    /* every number is rounded once, from float64 to nearest, ties to
                                 even; text has the shortest decimal that reads back the same */
    const es_selection *rows; /* which ones, in that order; NULL: all */
    const double *rotation;   /* (columns, rotation_columns), row-major: a row v becomes v times
                                 it, after the space's transform; NULL: none */
    int64_t rotation_columns; /* 0: as many as the space has */
    bool unit;                /* divide each row by its norm, last; undefined rows stay */
    int threads;              /* 0: as many as the machine has */
    es_progress progress;     /* in rows */
} es_export_options;

/* What was written. Strings are static. */
typedef struct es_export {
    es_export_format format;
    const char *dtype; /* "F32", "F16", "BF16" or "F64": what the numbers were rounded to */
    bool unit;         /* rows were divided by their norms */
    int64_t rows, columns;
    int64_t zero_rows, non_finite_rows; /* among those asked for */
    int64_t left_out;   /* non-finite rows that are not in the file: those of the projector, which
                           cannot show them. NumPy's formats, safetensors and word2vec's have "nan"
                           and "inf" */
    int64_t overflowed; /* finite numbers past the range of `dtype`: infinite in the file */
    bool has_keys;      /* does the format name its rows? Then: */
    bool byte_level;    /* keys are spelled as GPT-2's vocab.json spells tokens */
    int64_t respelled;  /* keys that are not the bytes of their token */
    int64_t renamed;    /* of them, those that were taken and have the row's id after them */
} es_export;

enum { ES_EXPORT_FILES = 4 };

/* "npy", "npz", "safetensors", "word2vec", "word2vec-text", "glove", "projector". */
const char *es_export_format_text(es_export_format format);

/* The name of file `i` in the folder that the projector's files lie in, NULL from the last one on.
 * Of the other formats, which are one file, file 0 is "". */
const char *es_export_file_name(es_export_format format, int i);

/* Write the rows: each file from front to back, to a stream of its own. No more than a block of
 * rows is held, and the keys.
 *
 * Keys are not empty, valid UTF-8 without white space or control characters, and no two are alike,
 * so that every reader finds as many rows as were written: tokens of a byte-level BPE are spelled
 * as vocab.json spells them (" cat" is "Gcat" with U+0120 for its G); elsewhere only what could not
 * stand in the file is spelled so. A row without a token is "#ID"; where a key is there twice, the
 * later one has "#ID" after it.
 *
 * The same bytes for any number of threads and any kernel. BAD_ARGUMENT: a dtype that the format
 * cannot hold. CANNOT_WRITE, CANCELLED, NO_MEMORY; BAD_INPUT where there is no row to write. */
es_status es_export_write(es_space *space, const es_export_options *options,
                          FILE *const files[ES_EXPORT_FILES], es_export *result, es_error *error);

/* No fewer bytes than this will be written, in all. */
int64_t es_export_least_bytes(const es_space *space, const es_export_options *options);

ES_END_DECLARATIONS
#endif
