/* Inside of an es_space, for space/ and the analyses. */
#ifndef ES_SPACE_SPACE_H
#define ES_SPACE_SPACE_H

#include "base/status.h"
#include "base/text.h"
#include "format/format.h"
#include "kernel/kernel.h"
#include "space/transform.h"

#include <embscope/space.h>

struct es_space {
    es_container container;
    bool is_view;            /* container, vocabulary and texts are another space's */
    const es_tensor *tensor; /* the table, one of the container's */
    const es_tensor *other;  /* the other of embedding and unembedding, or NULL */
    bool tied_by_config;     /* the model has one table for both, by its config or its kind */
    es_source source;        /* its strings are below or the container's */
    char *path, *architecture, *folder;
    es_vocabulary *vocabulary;
    es_transform *transform; /* NULL: raw rows */
    bool transform_is_borrowed;
    char *note;
    int threads;
    const es_kernel *kernel;
    void *rows; /* every row as stored, once loaded (may be the tensor's own memory) */
    bool rows_are_borrowed;
    double *norms;         /* once computed */
    unsigned char *states; /* es_row_state each */
};

/* Another table of the space's file as a space of its own, raw, with the same names of rows; `base`
 * must outlive it. Release with es_space_free(). */
es_status es_space_create_view(const es_space *base, const es_tensor *tensor, es_space **view,
                               es_error *error);

/* The other of embedding and unembedding (there must be one) as a view under the same chain of
 * transforms, fitted to it. */
es_status es_space_open_other(const es_space *space, es_space **other, es_error *error);

/* Where a table of floats lies in memory as stored, without copying: F32, loaded, no transform. The
 * analyses' fast path; NULL where rows must be widened one by one. */
const float *es_space_plain_rows(const es_space *space);

/* Rows first .. first+count-1 as the file has them, in its dtype: (count, columns), the bytes. Only
 * of a space without a transform. */
es_status es_space_read_stored_rows(const es_space *space, int64_t first, int64_t count, void *out,
                                    es_error *error);

/* Unit rows first .. first+count-1 in float64, (count, columns); an undefined row becomes zeros.
 * Needs the norms. */
es_status es_space_read_unit_rows(es_space *space, int64_t first, int64_t count, double *out,
                                  es_error *error);

/* The ids of all defined rows, ascending, and how many: malloc'ed. */
es_status es_space_defined_rows(es_space *space, int64_t **ids, int64_t *count, es_error *error);

/* How to show a row: the token's bytes, or "#id" where it has none; malloc'ed and terminated. */
es_status es_space_row_text(const es_space *space, int64_t id, char **text, size_t *size,
                            es_error *error);

/* The norm of one row by the rule of es_space_norms(), and its state. */
double es_row_norm(const es_kernel *kernel, const double *row, int64_t count, es_row_state *state);

/* unit = row / ||row|| where it is defined (else unit is left alone); returns the norm. Right even
 * where the norm itself is denormal or past the largest double. unit may be row. */
double es_row_unit(const es_kernel *kernel, const double *row, int64_t count, double *unit,
                   es_row_state *state);

/* What MODEL means: where its files are. All zero is empty; release with es_location_release(). */
typedef struct es_location {
    char *folder; /* the model's folder, or NULL for a single file */
    char *file;   /* the file (or the index of shards) with the tensors */
    bool is_index;
} es_location;
es_status es_location_find(const char *model, const es_open_options *options, es_location *location,
                           es_error *error);
void es_location_release(es_location *location);

/* What config.json says; all zero where there is none. */
typedef struct es_config {
    char *model_type; /* owned, or NULL */
    bool has_tie, tie;
    int64_t vocab_size, hidden_size; /* 0: not said */
} es_config;
es_status es_config_read(const char *folder, es_config *config, es_error *error);
void es_config_release(es_config *config);

/* Which tensor of the container the options ask for; *other is the table on the other end of the
 * model, where there is one. */
es_status es_table_choose(const es_container *container, const char *path, const es_config *config,
                          const es_open_options *options, const es_tensor **table,
                          const es_tensor **other, bool *tied, es_error *error);

/* Does the name say unembedding? */
bool es_table_is_unembedding(const es_tensor *tensor);

#endif
