/* A space: a matrix of n rows and d columns, and the names of its rows.
 *
 * A space is opened from a model's folder, from one file, from an id in the Hugging Face cache, or
 * as "demo". Opening reads headers and names only; rows are read when they are asked for, or all at
 * once by es_space_load(). */
#ifndef EMBSCOPE_SPACE_H
#define EMBSCOPE_SPACE_H

#include <embscope/status.h>
#include <stdbool.h>
#include <stdint.h>

ES_BEGIN_DECLARATIONS

typedef struct es_space es_space;
typedef struct es_vocabulary es_vocabulary;

/* All zero is the default of each. Strings are borrowed for the call. */
typedef struct es_open_options {
    const char *space;  /* "input" (default), "output" or "position": which of a model's tables */
    const char *tensor; /* a 2-D tensor by name, instead of `space` */
    const char *vocabulary; /* file that names the rows, one key a line, or a tokenizer's file */
    const char *transform;  /* "center,abtt:7,standardize,whiten", applied in that order; NULL or
                               "raw": raw  rows */
    const char *hub_cache;  /* the Hugging Face cache (its "hub" folder), to look an id up in; NULL:
                               no look-up */
    const char *demo_folder; /* where the model "demo" lies; NULL: there is none. "demo@500" is its
                                token table at a step of its training, "checkpoints" in there */
    int threads;             /* 0: as many as the machine has */
    bool load;               /* read every row now, not one by one when asked */
} es_open_options;

/* Which vectors these are. Strings belong to the space. */
typedef struct es_source {
    const char *path;      /* the file the matrix was read from */
    const char *tensor;    /* its name there; "" where the format has none */
    const char *dtype;     /* as stored: "F32", "F16", "BF16" or "F64" */
    const char *format;    /* "safetensors", "npy", "npz", "word2vec", "text vectors" */
    int64_t rows, columns; /* n, d */
    int64_t transform_count;
    const char *const *transforms; /* each step, "abtt:7" with its number */
    const char *architecture;      /* config.json's model_type, "gpt2"; "" unknown */
    const char *folder;            /* the model's folder; "" for a single file */
} es_source;

/* What a row is good for. Undefined rows are counted, listed and left out of every statistic. */
typedef enum es_row_state {
    ES_ROW_DEFINED = 0,
    ES_ROW_ZERO = 1,
    ES_ROW_NON_FINITE = 2
} es_row_state;

/* Open MODEL. On success *space is the caller's, to be released with es_space_free().
 * Statuses: NOT_FOUND (no such file, id, tensor; the text says how to get or choose one), BAD_INPUT
 * (file, offset, fault), UNSUPPORTED, CANNOT_READ, NO_MEMORY, BAD_ARGUMENT (an unknown transform or
 * space). */
es_status es_space_open(const char *model, const es_open_options *options, es_space **space,
                        es_error *error);
void es_space_free(es_space *space); /* NULL is legal */

const es_source *es_space_source(const es_space *space);
const es_vocabulary *es_space_vocabulary(const es_space *space); /* belongs to the space */

/* What the user should hear about how the file was read (keys given twice, bytes after the data, a
 * tokenizer of another size): one or more lines, or NULL. Belongs to the space. */
const char *es_space_note(const es_space *space);

/* The same rows under another chain of transforms (NULL or "raw": raw rows), fitted anew; norms and
 * states are computed again when they are next asked for. BAD_ARGUMENT for a chain that does not
 * parse: the space is then as it was. After any other failure its rows are raw. */
es_status es_space_set_transform(es_space *space, const char *chain, es_error *error);

int64_t es_space_row_count(const es_space *space);
int64_t es_space_column_count(const es_space *space);

/* Read every row into memory, in parallel; analyses of the whole table call it by themselves. */
es_status es_space_load(es_space *space, es_error *error);

/* Give the memory of loaded rows back, where the file has them still: they are read again when
 * asked for. Norms, states and what a transform fitted stay. */
void es_space_unload(es_space *space);

/* Rows first .. first+count-1 as float64, transforms applied: out is (count, columns), row-major.
 * Exact: the stored value of each component, widened. 0 <= first, first+count <= rows (a caller's
 * mistake is an assert). */
es_status es_space_read_rows(es_space *space, int64_t first, int64_t count, double *out,
                             es_error *error);

/* Norms ||v_i|| of all rows after transforms, float64, computed on first use with each row scaled
 * by its largest component, so that rows of 1e-30 and 1e300 are exact. An undefined row has norm 0.
 * *norms is (rows), the space's own. */
es_status es_space_norms(es_space *space, const double **norms, es_error *error);

/* The state of every row, (rows), the space's own; computed together with the norms. */
es_status es_space_row_states(es_space *space, const unsigned char **states, es_error *error);

/* The other table of the same model: is the unembedding the embedding? */
typedef enum es_tying {
    ES_TYING_UNKNOWN = 0, /* a single table, nothing to compare with */
    ES_TYING_TIED = 1,    /* one tensor, or two with equal bytes or values */
    ES_TYING_UNTIED = 2,
} es_tying;

/* What was found, the stronger claim first. */
typedef enum es_tying_how {
    ES_TYING_ONE_TABLE = 0,    /* the file has one table, and nothing says that it serves as both */
    ES_TYING_ONE_TENSOR = 1,   /* one tensor serves as both */
    ES_TYING_EQUAL_BYTES = 2,  /* two tensors of one type with equal bytes */
    ES_TYING_EQUAL_VALUES = 3, /* two tensors of different types with equal values */
    ES_TYING_ROWS_DIFFER = 4,  /* some rows, or all, differ, or one table has more of them */
    ES_TYING_OTHER_COLUMNS = 5 /* tables of different widths */
} es_tying_how;

enum { ES_TYING_LISTED = 10 };

/* Rows are compared by their bytes where both tables are stored in one type, else by value (-0 is
 * 0, NaN is NaN). A row that only the longer table has differs. */
typedef struct es_table_comparison {
    es_tying tying;
    es_tying_how how;
    const char *tensors[2]; /* the embedding's name and the unembedding's; NULL: there is none. The
                               space's own */
    const char *dtypes[2];  /* "F32"; NULL as above */
    int64_t rows[2];
    int64_t equal_rows, differing_rows;
    int64_t first[ES_TYING_LISTED]; /* the first that differ */
    int64_t listed;
} es_table_comparison;
es_status es_space_compare_tables(es_space *space, es_table_comparison *comparison,
                                  es_error *error);

/* The gist of it. */
es_status es_space_tying(es_space *space, es_tying *tying, int64_t *differing_rows,
                         es_error *error);

ES_END_DECLARATIONS
#endif
