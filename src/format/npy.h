/* The header of a NumPy array, shared by .npy files and the members of .npz archives. */
#ifndef ES_FORMAT_NPY_H
#define ES_FORMAT_NPY_H

#include "format/format.h"

enum {
    ES_NPY_LARGEST_HEADER = 10000, /* NumPy's own limit */
    ES_NPY_PREFIX = 12,            /* magic, version, length of the header */
    ES_NPY_HEAD = ES_NPY_PREFIX + ES_NPY_LARGEST_HEADER
};

typedef struct es_npy_header {
    es_dtype dtype;
    char dtype_text[16];
    int component_size; /* bytes */
    bool big_endian, fortran_order;
    int rank;
    int64_t shape[ES_MAX_RANK];
    int64_t data_offset; /* bytes from the magic to the first component */
    int64_t data_size;   /* bytes of all components */
} es_npy_header;

/* Parse what begins with the magic: `head` holds the first `head_size` bytes, ES_NPY_HEAD of them
 * or all there are. `label` names the array in messages, whose byte numbers count from `origin`.
 * UNSUPPORTED for arrays of objects and structures. */
es_status es_npy_parse(const char *label, const unsigned char *head, int64_t head_size,
                       int64_t origin, es_npy_header *header, es_error *error);

/* May the components be used where they lie: row-major and little-endian, or of no use to us? */
bool es_npy_is_plain(const es_npy_header *header);

/* Bring the components at *memory (data_size bytes, malloc'ed) into row-major little-endian order;
 * *memory may be replaced. */
es_status es_npy_convert(const es_npy_header *header, void **memory, es_error *error);

/* Copy dtype, shape and size into a tensor. */
void es_npy_describe(const es_npy_header *header, es_tensor *tensor);

#endif
