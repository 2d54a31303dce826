/* .npy: one array, as numpy.save writes it.
 *
 *     0    6 bytes   0x93 "NUMPY"
 *     6    2 bytes   version: 1 0, 2 0 or 3 0
 *     8    2 bytes   length of the header, little-endian (4 bytes from version 2 on)
 *     10   header    {'descr': '<f4', 'fortran_order': False, 'shape': (50257, 768), }  spaces, \n
 *     ...  the components, row-major (column-major where fortran_order is True)
 *
 * The header is a Python literal. NumPy evaluates it; here a parser reads the three keys and
 * nothing else. An array of objects ('|O') is a pickle, which is a program: it is refused. */
#include "format/npy.h"

#include "base/memory.h"
#include "format/little_endian.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* A Python literal and a place in it. The first fault sticks. */
typedef struct literal {
    const char *label;
    const char *text;
    int64_t size, at, origin;
    es_status status;
    es_error *error;
} literal;

static es_status fail_literal(literal *in, es_status status, const char *what)
{
    if (in->status == ES_OK)
        in->status = es_fail(in->error, status, "%s: at byte %lld: %s", in->label,
                             (long long)(in->origin + in->at), what);
    return in->status;
}

static int peek(literal *in)
{
    while (in->at < in->size && in->text[in->at] && strchr(" \t\r\n", in->text[in->at])) in->at++;
    return in->at < in->size ? (unsigned char)in->text[in->at] : -1;
}

/* Step over the character where it is next. */
static bool accept(literal *in, char wanted)
{
    if (peek(in) != wanted) return false;
    in->at++;
    return true;
}

static es_status expect(literal *in, char wanted, const char *what)
{
    return accept(in, wanted) ? ES_OK : fail_literal(in, ES_BAD_INPUT, what);
}

/* 'text' or "text", without escapes. */
static es_status read_text(literal *in, es_bytes *text)
{
    int quote = peek(in);
    if (quote != '\'' && quote != '"')
        return fail_literal(in, ES_BAD_INPUT, "a quoted text was expected in the array's header");
    const char *start = in->text + in->at + 1;
    const char *end = memchr(start, quote, (size_t)(in->size - in->at - 1));
    if (!end) return fail_literal(in, ES_BAD_INPUT, "the array's header ends inside a text");
    *text = (es_bytes){start, (size_t)(end - start)};
    in->at = end + 1 - in->text;
    return ES_OK;
}

static bool accept_word(literal *in, const char *word)
{
    size_t length = strlen(word);
    if (peek(in) < 0 || (size_t)(in->size - in->at) < length ||
        memcmp(in->text + in->at, word, length) != 0)
        return false;
    in->at += (int64_t)length;
    return true;
}

static es_status read_bool(literal *in, bool *value)
{
    *value = accept_word(in, "True");
    if (*value || accept_word(in, "False")) return ES_OK;
    return fail_literal(in, ES_BAD_INPUT, "fortran_order must be True or False");
}

/* A dimension: digits, perhaps with the L of Python 2's long integers. */
static es_status read_extent(literal *in, int64_t *value)
{
    int c = peek(in);
    if (c == '-') return fail_literal(in, ES_BAD_INPUT, "a negative dimension in the shape");
    if (c < '0' || c > '9')
        return fail_literal(in, ES_BAD_INPUT, "a dimension was expected in the shape");
    int64_t extent = 0;
    for (; in->at < in->size; in->at++) {
        int digit = in->text[in->at] - '0';
        if (digit < 0 || digit > 9) break;
        if (__builtin_mul_overflow(extent, 10, &extent) ||
            __builtin_add_overflow(extent, digit, &extent))
            return fail_literal(in, ES_BAD_INPUT, "a dimension that does not fit in 63 bits");
    }
    if (in->at < in->size && in->text[in->at] == 'L') in->at++;
    c = peek(in);
    if (c == '.' || c == 'e' || c == 'E')
        return fail_literal(in, ES_BAD_INPUT, "a dimension that is not an integer");
    *value = extent;
    return ES_OK;
}

static es_status read_shape(literal *in, es_npy_header *header)
{
    ES_TRY(expect(in, '(', "the shape must be a tuple, '('"));
    bool comma = true;
    for (header->rank = 0; !accept(in, ')'); header->rank++) {
        if (!comma) return fail_literal(in, ES_BAD_INPUT, "',' or ')' was expected in the shape");
        if (header->rank == ES_MAX_RANK)
            return fail_literal(in, ES_BAD_INPUT,
                                "more than 8 dimensions; at most 8 are supported");
        ES_TRY(read_extent(in, &header->shape[header->rank]));
        comma = accept(in, ',');
    }
    if (header->rank == 1 && !comma)
        return fail_literal(in, ES_BAD_INPUT, "the shape is not a tuple: a comma is missing, (n,)");
    return ES_OK;
}

/* Sizes of the kinds that hold plain numbers, in bytes: zero ends a list. */
static const struct {
    char kind;
    unsigned char sizes[5];
} kinds[] = {{'f', {2, 4, 8, 16, 0}},
             {'i', {1, 2, 4, 8, 0}},
             {'u', {1, 2, 4, 8, 0}},
             {'c', {8, 16, 32, 0}},
             {'b', {1, 0}}};

static bool parse_type(const char *code, size_t size, es_npy_header *header)
{
    /* "<U12": strings, listed like any array of no use to us. */
    bool strings = size >= 3 && (code[1] == 'U' || code[1] == 'S');
    if (size < 3 || size > (strings ? 9 : 4) || !memchr("<>=|", code[0], 4)) return false;
    int width = 0;
    for (size_t i = 2; i < size; i++) {
        if (code[i] < '0' || code[i] > '9') return false;
        width = width * 10 + (code[i] - '0');
    }
    bool known = strings && width;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].kind == code[1] && width) known = strchr((char *)kinds[i].sizes, width);
    if (!known) return false;
    header->component_size = code[1] == 'U' ? 4 * width : width;
    header->big_endian = code[0] == '>';
    header->dtype = code[1] != 'f' ? ES_DTYPE_OTHER
                    : width == 2   ? ES_DTYPE_F16
                    : width == 4   ? ES_DTYPE_F32
                    : width == 8   ? ES_DTYPE_F64
                                   : ES_DTYPE_OTHER;
    return true;
}

static es_status read_type(literal *in, es_npy_header *header)
{
    if (peek(in) == '[')
        return fail_literal(in, ES_UNSUPPORTED,
                            "unsupported: a structured array; save one plain field of it");
    int64_t at = in->at;
    es_bytes code;
    ES_TRY(read_text(in, &code));
    in->at = at;
    if (code.size == 2 && code.data[1] == 'O')
        return fail_literal(in, ES_UNSUPPORTED,
                            "unsupported: an object array would run pickle; save numbers");
    if (!parse_type(code.data, code.size, header)) {
        char what[128];
        snprintf(what, sizeof what,
                 "unsupported type '%.*s'; float16, float32 and float64 are read",
                 (int)(code.size < 32 ? code.size : 32), code.data);
        return fail_literal(in, ES_UNSUPPORTED, what);
    }
    memcpy(header->dtype_text, code.data, code.size);
    header->dtype_text[code.size] = '\0';
    in->at = code.data + code.size + 1 - in->text;
    return ES_OK;
}

static es_status read_members(literal *in, es_npy_header *header)
{
    static const char *const names[] = {"descr", "fortran_order", "shape"};
    bool seen[3] = {false, false, false};
    ES_TRY(expect(in, '{', "the array's header must be a dict, '{'"));
    bool comma = true;
    while (!accept(in, '}')) {
        if (!comma) return fail_literal(in, ES_BAD_INPUT, "',' or '}' was expected in the header");
        es_bytes key;
        int64_t at = in->at, which = 0;
        ES_TRY(read_text(in, &key));
        while (which < 3 &&
               !(key.size == strlen(names[which]) && memcmp(key.data, names[which], key.size) == 0))
            which++;
        if (which == 3 || seen[which]) {
            in->at = at;
            return fail_literal(in, ES_BAD_INPUT,
                                which == 3 ? "a key other than descr, fortran_order and shape"
                                           : "a key that is there twice");
        }
        seen[which] = true;
        ES_TRY(expect(in, ':', "':' was expected in the array's header"));
        ES_TRY(which == 0   ? read_type(in, header)
               : which == 1 ? read_bool(in, &header->fortran_order)
                            : read_shape(in, header));
        comma = accept(in, ',');
    }
    for (int i = 0; i < 3; i++)
        if (!seen[i])
            return fail_literal(in, ES_BAD_INPUT,
                                i == 0   ? "the header has no descr"
                                : i == 1 ? "the header has no fortran_order"
                                         : "the header has no shape");
    if (peek(in) >= 0) return fail_literal(in, ES_BAD_INPUT, "more text after the array's header");
    return ES_OK;
}

es_status es_npy_parse(const char *label, const unsigned char *head, int64_t head_size,
                       int64_t origin, es_npy_header *header, es_error *error)
{
    *header = (es_npy_header){0};
    if (!es_begins(head, (size_t)head_size, magic, sizeof magic))
        return es_fail(error, ES_BAD_INPUT, "%s: at byte %lld: not a NumPy array", label,
                       (long long)origin);
    if (head_size < 10 || (head[6] > 1 && head_size < ES_NPY_PREFIX))
        return es_fail(error, ES_BAD_INPUT, "%s: ends inside the array's header", label);
    if (head[6] < 1 || head[6] > 3 || head[7] != 0)
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: at byte %lld: version %d.%d of the format; 1.0, 2.0 and 3.0 are read",
                       label, (long long)origin + 6, head[6], head[7]);
    int64_t start = head[6] == 1 ? 10 : ES_NPY_PREFIX;
    int64_t length = head[6] == 1 ? es_load_u16(head + 8) : es_load_u32(head + 8);
    if (length > ES_NPY_LARGEST_HEADER)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: at byte %lld: a header of %lld bytes; at most %d are allowed", label,
                       (long long)origin + 8, (long long)length, ES_NPY_LARGEST_HEADER);
    if (length > head_size - start)
        return es_fail(error, ES_BAD_INPUT, "%s: ends inside the array's header", label);
    literal in = {.label = label,
                  .text = (const char *)head + start,
                  .size = length,
                  .origin = origin + start,
                  .error = error};
    ES_TRY(read_members(&in, header));
    header->data_offset = start + length;
    header->data_size = header->component_size;
    for (int i = 0; i < header->rank; i++)
        if (!es_multiply_counts(header->data_size, header->shape[i], &header->data_size))
            return es_fail(error, ES_BAD_INPUT,
                           "%s: at byte %lld: the dimensions overflow when multiplied", label,
                           (long long)in.origin);
    return ES_OK;
}

bool es_npy_is_plain(const es_npy_header *header)
{
    if (header->dtype == ES_DTYPE_OTHER) return true;
    return !header->big_endian && (!header->fortran_order || header->rank < 2);
}

/* 1-D and 0-D arrays have but one order; of others, the fastest dimension of the file comes first.
 * Both orders are walked together: `at` is the row-major index, `from` its place in the file. */
static void to_row_major(const es_npy_header *header, const char *source, char *out)
{
    int64_t step[ES_MAX_RANK], at[ES_MAX_RANK] = {0}, from = 0;
    int last = header->rank - 1;
    int64_t size = header->component_size;
    step[0] = 1;
    for (int i = 1; i <= last; i++) step[i] = step[i - 1] * header->shape[i - 1];
    for (int64_t done = 0; done < header->data_size / size; done++) {
        memcpy(out + done * size, source + from * size, (size_t)size);
        int i = last;
        for (; i >= 0; i--) {
            from += step[i];
            if (++at[i] < header->shape[i]) break;
            from -= step[i] * header->shape[i];
            at[i] = 0;
        }
    }
}

/* The common case, a matrix: in blocks that stay in cache on both sides. */
static void transpose(const es_npy_header *header, const char *source, char *out)
{
    enum { BLOCK = 32 };
    int64_t rows = header->shape[0], columns = header->shape[1];
    size_t size = (size_t)header->component_size;
    for (int64_t row0 = 0; row0 < rows; row0 += BLOCK) {
        int64_t row_end = rows - row0 < BLOCK ? rows : row0 + BLOCK;
        for (int64_t column0 = 0; column0 < columns; column0 += BLOCK) {
            int64_t column_end = columns - column0 < BLOCK ? columns : column0 + BLOCK;
            for (int64_t row = row0; row < row_end; row++)
                for (int64_t column = column0; column < column_end; column++)
                    memcpy(out + (size_t)(row * columns + column) * size,
                           source + (size_t)(column * rows + row) * size, size);
        }
    }
}

static void swap_bytes(char *data, int64_t count, int size)
{
    for (int64_t i = 0; i < count; i++, data += size)
        for (int low = 0, high = size - 1; low < high; low++, high--) {
            char byte = data[low];
            data[low] = data[high];
            data[high] = byte;
        }
}

es_status es_npy_convert(const es_npy_header *header, void **memory, es_error *error)
{
    if (header->dtype == ES_DTYPE_OTHER) return ES_OK;
    if (header->big_endian)
        swap_bytes(*memory, header->data_size / header->component_size, header->component_size);
    if (!header->fortran_order || header->rank < 2 || header->data_size == 0) return ES_OK;
    void *turned = es_alloc_aligned(header->data_size, 1);
    if (!turned) return es_fail_memory(error, "an array", (size_t)header->data_size);
    if (header->rank == 2)
        transpose(header, *memory, turned);
    else
        to_row_major(header, *memory, turned);
    free(*memory);
    *memory = turned;
    return ES_OK;
}

void es_npy_describe(const es_npy_header *header, es_tensor *tensor)
{
    tensor->dtype = header->dtype;
    memcpy(tensor->dtype_text, header->dtype_text, sizeof tensor->dtype_text);
    tensor->rank = header->rank;
    memcpy(tensor->shape, header->shape, sizeof tensor->shape);
    tensor->bytes = header->data_size;
}

static bool recognise(const unsigned char *head, size_t size, const es_file *file)
{
    return es_begins(head, size, magic, sizeof magic) || es_path_ends(file->path, ".npy");
}

/* The components of an array that must be turned round, in memory. */
static es_status read_converted(const es_file *file, const es_npy_header *header, int threads,
                                es_tensor *tensor, es_error *error)
{
    tensor->memory = es_alloc_aligned(header->data_size, 1);
    if (!tensor->memory) return es_fail_memory(error, "an array", (size_t)header->data_size);
    ES_TRY(es_file_read_parallel(file, header->data_offset, tensor->memory, header->data_size,
                                 threads, error));
    return es_npy_convert(header, &tensor->memory, error);
}

static es_status open_file(es_file *file, int threads, es_container *container, es_error *error)
{
    unsigned char head[ES_NPY_HEAD];
    int64_t head_size = file->size < ES_NPY_HEAD ? file->size : ES_NPY_HEAD;
    es_npy_header header;
    ES_TRY(es_file_read(file, 0, head, head_size, error));
    ES_TRY(es_npy_parse(file->path, head, head_size, 0, &header, error));
    int64_t left = file->size - header.data_offset;
    if (header.data_size > left)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: at byte %lld: the file ends %lld bytes before its array does",
                       file->path, (long long)file->size, (long long)(header.data_size - left));
    es_tensor *tensor;
    ES_TRY(es_container_add(container, (es_bytes){"", 0}, &tensor, error));
    es_npy_describe(&header, tensor);
    tensor->offset = header.data_offset;
    if (!es_npy_is_plain(&header)) ES_TRY(read_converted(file, &header, threads, tensor, error));
    if (header.data_size < left)
        ES_TRY(es_container_add_note(container, error,
                                     "%.600s: %lld bytes after the array are ignored", file->path,
                                     (long long)(left - header.data_size)));
    container->format = es_format_npy.name;
    return es_container_take_file(container, file, error);
}

const es_file_format es_format_npy = {"npy", recognise, open_file};
