/* An archive of one member, in order (PKWARE's APPNOTE 6.3.10; all numbers little-endian):
 *
 *   local header   "PK\3\4", version, flags, method 0, time, date, CRC, sizes, name, extra field
 *   data           a .npy file: its header, then the components
 *   [descriptor    "PK\7\8", CRC, sizes: behind data whose CRC the local header could not know]
 *   directory      "PK\1\2" for each member: the same figures and where the local header is
 *   [ZIP64 end     "PK\6\6" and its locator "PK\6\7", where 32 or 16 bits are too few]
 *   end            "PK\5\6": how many members, where the directory is
 *
 * A size or place that 32 bits cannot hold is written as 0xFFFFFFFF there and in 64 bits in the
 * extra field 0x0001. */
#include "render/npz_writer.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "components are written as they lie");

enum {
    VERSION = 20,
    VERSION_ZIP64 = 45,
    FIRST_DATE = 1 << 5 | 1, /* 1 January 1980 */
    EXTRA_ZIP64 = 1,
    FLAG_DESCRIPTOR = 8,
    LOCAL_EXTRA = 4 + 16,
    END64_REST = 44, /* bytes of the ZIP64 end after its own length */
    CHUNK = 1 << 20  /* bytes that zlib is given at a time */
};

es_npz_writer es_npz_write_to(FILE *out)
{
    return (es_npz_writer){.out = out, .largest = UINT32_MAX - 1};
}

static void put(es_npz_writer *writer, const void *data, int64_t size)
{
    fwrite(data, 1, (size_t)size, writer->out);
    writer->at += size;
}

static void put_number(es_npz_writer *writer, uint64_t value, int bytes)
{
    unsigned char little[8];
    for (int i = 0; i < bytes; i++) little[i] = (unsigned char)(value >> 8 * i);
    put(writer, little, bytes);
}

static bool is_large(const es_npz_writer *writer, int64_t value)
{
    return value > writer->largest;
}

/* In 32 bits, or the mark that the extra field has it. */
static void put_short(es_npz_writer *writer, int64_t value)
{
    put_number(writer, is_large(writer, value) ? UINT32_MAX : (uint64_t)value, 4);
}

/* What the local header and the directory's entry share. */
static void put_figures(es_npz_writer *writer, const es_npz_member *member, bool zip64,
                        int extra_size)
{
    put_number(writer, zip64 ? VERSION_ZIP64 : VERSION, 2);
    put_number(writer, member->streamed ? FLAG_DESCRIPTOR : 0, 2);
    put_number(writer, 0, 2); /* stored */
    put_number(writer, 0, 2); /* midnight */
    put_number(writer, FIRST_DATE, 2);
    put_number(writer, member->crc, 4);
    put_short(writer, member->size);
    put_short(writer, member->size);
    put_number(writer, strlen(member->name), 2);
    put_number(writer, (uint64_t)extra_size, 2);
}

void es_npy_header_of_shape(const char *descr, const int64_t *shape, int dimensions,
                            char header[ES_NPY_HEADER])
{
    enum { MAGIC = 8, PREFIX = 10 };
    static const char magic[MAGIC] = "\x93NUMPY\x01"; /* version 1.0: the NUL that ends it */
    assert(dimensions >= 1 && dimensions <= 3);
    memset(header, ' ', ES_NPY_HEADER);
    memcpy(header, magic, MAGIC);
    header[MAGIC] = ES_NPY_HEADER - PREFIX;
    header[MAGIC + 1] = 0;
    char *text = header + PREFIX;
    size_t room = ES_NPY_HEADER - PREFIX;
    int length = snprintf(text, room, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (int i = 0; i < dimensions; i++)
        length += snprintf(text + length, room - (size_t)length, "%s%lld", i ? ", " : "",
                           (long long)shape[i]);
    length += snprintf(text + length, room - (size_t)length, "%s), }", dimensions == 1 ? "," : "");
    assert(length > 0 && (size_t)length < room);
    text[length] = ' ';
    header[ES_NPY_HEADER - 1] = '\n';
}

void es_npy_header_bytes(const char *descr, int64_t rows, int64_t columns,
                         char header[ES_NPY_HEADER])
{
    int64_t shape[2] = {rows, columns};
    es_npy_header_of_shape(descr, shape, columns ? 2 : 1, header);
}

static uint32_t crc_on(uint32_t crc, const char *data, int64_t size)
{
    uLong sum = crc;
    for (int64_t at = 0; at < size; at += CHUNK)
        sum = crc32(sum, (const Bytef *)data + at, (uInt)(size - at < CHUNK ? size - at : CHUNK));
    return (uint32_t)sum;
}

static es_npz_member *add_member(es_npz_writer *writer, const char *name, int64_t size)
{
    assert(writer->count < ES_NPZ_MEMBERS && strlen(name) + strlen(".npy") < ES_NPZ_NAME);
    es_npz_member *member = &writer->members[writer->count++];
    *member = (es_npz_member){.size = ES_NPY_HEADER + size, .header = writer->at};
    snprintf(member->name, sizeof member->name, "%s.npy", name);
    return member;
}

/* As the member says, or without what is not known yet. */
static void put_local_header(es_npz_writer *writer, const es_npz_member *member)
{
    es_npz_member shown = *member;
    bool zip64 = is_large(writer, member->size);
    if (member->streamed) {
        shown.crc = 0;
        shown.size = zip64 ? member->size : 0; /* the mark of 64 bits stays */
    }
    put(writer, "PK\3\4", 4);
    put_figures(writer, &shown, zip64, zip64 ? LOCAL_EXTRA : 0);
    put(writer, member->name, (int64_t)strlen(member->name));
    if (!zip64) return;
    uint64_t told = member->streamed ? 0 : (uint64_t)member->size;
    put_number(writer, EXTRA_ZIP64, 2);
    put_number(writer, LOCAL_EXTRA - 4, 2);
    put_number(writer, told, 8);
    put_number(writer, told, 8);
}

void es_npz_write_array(es_npz_writer *writer, const char *name, const char *descr,
                        const void *data, int64_t rows, int64_t columns)
{
    char header[ES_NPY_HEADER];
    es_npy_header_bytes(descr, rows, columns, header);
    int64_t size = rows * (columns ? columns : 1) * (descr[2] - '0');
    es_npz_member *member = add_member(writer, name, size);
    member->crc = crc_on(crc_on(0, header, ES_NPY_HEADER), data, size);
    put_local_header(writer, member);
    put(writer, header, ES_NPY_HEADER);
    put(writer, data, size);
}

void es_npz_begin_array(es_npz_writer *writer, const char *name, const char *descr, int component,
                        int64_t rows, int64_t columns)
{
    char header[ES_NPY_HEADER];
    es_npy_header_bytes(descr, rows, columns, header);
    es_npz_member *member = add_member(writer, name, rows * (columns ? columns : 1) * component);
    member->streamed = true;
    put_local_header(writer, member);
    es_npz_add(writer, header, ES_NPY_HEADER);
}

void es_npz_add(es_npz_writer *writer, const void *data, int64_t size)
{
    es_npz_member *member = &writer->members[writer->count - 1];
    member->crc = crc_on(member->crc, data, size);
    put(writer, data, size);
}

void es_npz_end_array(es_npz_writer *writer)
{
    const es_npz_member *member = &writer->members[writer->count - 1];
    int bytes = is_large(writer, member->size) ? 8 : 4;
    put(writer, "PK\7\10", 4);
    put_number(writer, member->crc, 4);
    put_number(writer, (uint64_t)member->size, bytes);
    put_number(writer, (uint64_t)member->size, bytes);
}

static void put_entry(es_npz_writer *writer, const es_npz_member *member)
{
    bool large = is_large(writer, member->size), far = is_large(writer, member->header);
    int fields = (large ? 16 : 0) + (far ? 8 : 0);
    put(writer, "PK\1\2", 4);
    put_number(writer, large || far ? VERSION_ZIP64 : VERSION, 2); /* made by */
    put_figures(writer, member, large || far, fields ? 4 + fields : 0);
    put_number(writer, 0, 2); /* comment */
    put_number(writer, 0, 2); /* disk */
    put_number(writer, 0, 2); /* attributes */
    put_number(writer, 0, 4);
    put_short(writer, member->header);
    put(writer, member->name, (int64_t)strlen(member->name));
    if (!fields) return;
    put_number(writer, EXTRA_ZIP64, 2);
    put_number(writer, (uint64_t)fields, 2);
    if (large) put_number(writer, (uint64_t)member->size, 8);
    if (large) put_number(writer, (uint64_t)member->size, 8);
    if (far) put_number(writer, (uint64_t)member->header, 8);
}

static void put_end64(es_npz_writer *writer, int64_t directory, int64_t size)
{
    int64_t here = writer->at;
    put(writer, "PK\6\6", 4);
    put_number(writer, END64_REST, 8);
    put_number(writer, VERSION_ZIP64, 2);
    put_number(writer, VERSION_ZIP64, 2);
    put_number(writer, 0, 4); /* this disk, the directory's disk */
    put_number(writer, 0, 4);
    put_number(writer, (uint64_t)writer->count, 8);
    put_number(writer, (uint64_t)writer->count, 8);
    put_number(writer, (uint64_t)size, 8);
    put_number(writer, (uint64_t)directory, 8);
    put(writer, "PK\6\7", 4);
    put_number(writer, 0, 4);
    put_number(writer, (uint64_t)here, 8);
    put_number(writer, 1, 4);
}

void es_npz_write_end(es_npz_writer *writer)
{
    int64_t directory = writer->at;
    for (int i = 0; i < writer->count; i++) put_entry(writer, &writer->members[i]);
    int64_t size = writer->at - directory;
    if (is_large(writer, directory)) put_end64(writer, directory, size);
    put(writer, "PK\5\6", 4);
    put_number(writer, 0, 4); /* disks */
    put_number(writer, (uint64_t)writer->count, 2);
    put_number(writer, (uint64_t)writer->count, 2);
    put_number(writer, (uint64_t)size, 4);
    put_short(writer, directory);
    put_number(writer, 0, 2); /* comment */
}
