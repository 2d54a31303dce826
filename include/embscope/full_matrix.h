/* The whole similarity matrix S, (n, n): too large for memory, so it is handed out in blocks of
 * rows and never held. */
#ifndef EMBSCOPE_FULL_MATRIX_H
#define EMBSCOPE_FULL_MATRIX_H

#include <embscope/progress.h>
#include <embscope/space.h>

ES_BEGIN_DECLARATIONS

typedef enum es_matrix_dtype {
    ES_MATRIX_F32 = 0,
    ES_MATRIX_F16 = 1, /* the float32 value rounded to the nearest float16, ties to even */
} es_matrix_dtype;

typedef struct es_full_matrix_options {
    es_matrix_dtype dtype;
    int64_t block_bytes; /* 0: 32 MiB; two blocks of about this size are held besides the rows */
    int threads;         /* 0: as many as the machine has */
    es_progress progress;
} es_full_matrix_options;

/* Rows first ... first + count - 1 of S, (count, n), row-major, in options.dtype, little-endian.
 * Called for ascending rows without a gap, by one thread at a time, not always the same. */
typedef es_status es_take_rows(void *context, const void *values, int64_t first, int64_t count,
                               es_error *error);

/* Hand all rows of S to `take`; what it fails with ends the call. S_ij is the float32 tile product
 * of the unit rows, |S_ij - u_i . u_j| <= (132 + d/128) 2^-24, the same bits as S_ji, for any
 * number of threads and any kernel; S_ii is 1; row and column of an undefined row are NaN. Holds
 * the table and one float32 copy of it. */
es_status es_full_matrix_run(es_space *space, const es_full_matrix_options *options,
                             es_take_rows *take, void *context, es_error *error);

ES_END_DECLARATIONS
#endif
