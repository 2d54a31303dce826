/* The rows that an export writes, in any order and from any thread: those of a selection or all,
 * transformed, rotated, made unit. */
#ifndef ES_ANALYSIS_ROW_READER_H
#define ES_ANALYSIS_ROW_READER_H

#include "space/space.h"

#include <embscope/export.h>

typedef struct es_row_reader {
    es_space *space;
    const es_selection *selection; /* NULL: all rows */
    int64_t rows, columns;         /* what comes out */
    int64_t source_columns;
    double *rotation; /* (columns, source_columns), or NULL */
    bool unit;
    bool as_stored; /* the rows are those of the file, to the bit */
} es_row_reader;

/* `options` must outlive it, as must the space. Release with es_row_reader_release(). */
es_status es_row_reader_init(es_row_reader *reader, es_space *space,
                             const es_export_options *options, es_error *error);
void es_row_reader_release(es_row_reader *reader);

/* Rows first .. first+count-1 of those asked for: out is (count, columns); `scratch` holds
 * (count, source_columns) where there is a rotation. */
es_status es_row_reader_read(const es_row_reader *reader, int64_t first, int64_t count,
                             double *scratch, double *out, es_error *error);

/* The same rows as the file has them, in its dtype; only where they are as_stored. */
es_status es_row_reader_read_stored(const es_row_reader *reader, int64_t first, int64_t count,
                                    void *out, es_error *error);

/* The id of row i of those asked for; -1: the mean of several. */
int64_t es_row_reader_id(const es_row_reader *reader, int64_t i);

#endif
