/* ZIP, as much of it as model files use.
 *
 *     local header    "PK\3\4" version flags method time date crc packed size name-size extra-size
 *                     name extra            then the member's data, then perhaps a data descriptor
 *     directory       for each member "PK\1\2" made-by version flags method time date crc packed
 * size name-size extra-size comment-size disk attributes header-offset name extra comment ZIP64 end
 * "PK\6\6" ... and its locator "PK\6\7", where 32 bits are not enough end             "PK\5\6" disk
 * directory-disk entries-here entries directory-size directory-offset comment-size comment
 *
 * Nothing may follow the end record's comment; the directory ends where the end records begin. */
#include "format/zip.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "format/little_endian.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOCAL_SIZE = 30,
    ENTRY_SIZE = 46,
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR_SIZE = 20,
    LARGEST_COMMENT = 65535,
    LARGEST_RATIO = 1032,   /* deflate's own limit */
    MOST_MEMBERS = 1 << 16, /* each costs a few reads: more would take seconds */
    FLAG_ENCRYPTED = 1,
    FLAG_DESCRIPTOR = 1 << 3,                 /* sizes and CRC follow the data */
    FLAG_REFUSED = 1 << 5 | 1 << 6 | 1 << 13, /* patches, strong encryption, hidden headers */
    STORED = 0,
    DEFLATED = 8,
    INPUT_SIZE = 256 << 10
};

static const uint32_t saturated = 0xFFFFFFFF; /* "see ZIP64" */

/* Where the directory lies. */
typedef struct directory {
    int64_t offset, size, count;
    int64_t end; /* where it must end: at the (ZIP64) end record */
} directory;

static es_status fail_at(const es_file *file, int64_t at, es_error *error, const char *what)
{
    return es_fail(error, ES_BAD_INPUT, "%s: at byte %lld: %s", file->path, (long long)at, what);
}

static es_status fail_member(const es_file *file, int64_t at, const char *name, es_error *error,
                             const char *what)
{
    return es_fail(error, ES_BAD_INPUT, "%s: at byte %lld: member '%.200s' %s", file->path,
                   (long long)at, name, what);
}

static bool has_signature(const unsigned char *at, int low, int high)
{
    return at[0] == 'P' && at[1] == 'K' && at[2] == low && at[3] == high;
}

/* The one end record whose comment ends with the file. */
static es_status find_end(const es_file *file, int64_t *at, unsigned char end[END_SIZE],
                          es_error *error)
{
    int64_t size =
        file->size < END_SIZE + LARGEST_COMMENT ? file->size : END_SIZE + LARGEST_COMMENT;
    if (size < END_SIZE)
        return es_fail(error, ES_BAD_INPUT, "%s: %lld bytes; a ZIP archive has at least 22",
                       file->path, (long long)file->size);
    unsigned char *tail = malloc((size_t)size);
    if (!tail) return es_fail_memory(error, "the end of an archive", (size_t)size);
    es_status status = es_file_read(file, file->size - size, tail, size, error);
    int64_t found = -1, misfit = -1;
    for (int64_t i = size - END_SIZE; i >= 0 && status == ES_OK; i--) {
        if (!has_signature(tail + i, 5, 6)) continue;
        if (i + END_SIZE + es_load_u16(tail + i + 20) != size)
            misfit = i;
        else if (found < 0)
            found = i;
        else
            status = fail_at(file, file->size - size + i, error,
                             "two end records fit; the archive may be read in two ways");
    }
    if (status == ES_OK && found < 0)
        status = misfit < 0 ? es_fail(error, ES_BAD_INPUT,
                                      "%s: the ZIP archive has no end record (a truncated "
                                      "download?)",
                                      file->path)
                            : fail_at(file, file->size - size + misfit, error,
                                      "the end record's comment does not end with the file");
    if (status == ES_OK) {
        memcpy(end, tail + found, END_SIZE);
        *at = file->size - size + found;
    }
    free(tail);
    return status;
}

/* The ZIP64 end record before the end record at `end_at`, where there is one: *found. */
static es_status read_end64(const es_file *file, int64_t end_at, directory *directory, bool *found,
                            es_error *error)
{
    unsigned char locator[LOCATOR_SIZE], end[END64_SIZE];
    *found = false;
    if (end_at < LOCATOR_SIZE) return ES_OK;
    ES_TRY(es_file_read(file, end_at - LOCATOR_SIZE, locator, LOCATOR_SIZE, error));
    if (!has_signature(locator, 6, 7)) return ES_OK;
    int64_t locator_at = end_at - LOCATOR_SIZE;
    uint64_t at = es_load_u64(locator + 8);
    if (es_load_u32(locator + 4) != 0 || es_load_u32(locator + 16) > 1)
        return fail_at(file, locator_at, error, "an archive in several parts; join it first");
    if (locator_at < END64_SIZE || at > (uint64_t)(locator_at - END64_SIZE))
        return fail_at(file, locator_at, error, "the ZIP64 locator points outside the archive");
    ES_TRY(es_file_read(file, (int64_t)at, end, END64_SIZE, error));
    if (!has_signature(end, 6, 6) ||
        es_load_u64(end + 4) != (uint64_t)(locator_at - (int64_t)at - 12))
        return fail_at(file, (int64_t)at, error, "not a ZIP64 end record");
    if (es_load_u32(end + 16) != 0 || es_load_u32(end + 20) != 0 ||
        es_load_u64(end + 24) != es_load_u64(end + 32))
        return fail_at(file, (int64_t)at, error, "an archive in several parts; join it first");
    uint64_t count = es_load_u64(end + 32), size = es_load_u64(end + 40),
             offset = es_load_u64(end + 48);
    if (size > at || offset != at - size || count > size / ENTRY_SIZE)
        return fail_at(file, (int64_t)at, error,
                       "the ZIP64 end record does not fit the archive's directory");
    directory->count = (int64_t)count;
    directory->size = (int64_t)size;
    directory->offset = (int64_t)offset;
    directory->end = (int64_t)at;
    *found = true;
    return ES_OK;
}

static es_status find_directory(const es_file *file, directory *directory, es_error *error)
{
    int64_t at = 0;
    unsigned char end[END_SIZE] = {0};
    bool zip64 = false;
    ES_TRY(find_end(file, &at, end, error));
    ES_TRY(read_end64(file, at, directory, &zip64, error));
    uint16_t here = es_load_u16(end + 8), count = es_load_u16(end + 10);
    uint32_t size = es_load_u32(end + 12), offset = es_load_u32(end + 16);
    if (!zip64) {
        if (es_load_u16(end + 4) != 0 || es_load_u16(end + 6) != 0 || here != count)
            return fail_at(file, at, error, "an archive in several parts; join it first");
        if (size > at || offset != at - size || count > size / ENTRY_SIZE)
            return fail_at(file, at, error, "the end record does not fit the archive's directory");
        directory->count = count;
        directory->size = size;
        directory->offset = offset;
        directory->end = at;
        return ES_OK;
    }
    if ((count != 0xFFFF && count != directory->count) ||
        (size != saturated && size != directory->size) ||
        (offset != saturated && offset != directory->offset))
        return fail_at(file, at, error, "the two end records disagree");
    return ES_OK;
}

/* Replace the saturated 32-bit fields by those of the ZIP64 extra field, in its fixed order. */
static bool read_extra64(const unsigned char *extra, size_t size, int64_t *fields[], size_t count)
{
    while (size >= 4) {
        size_t id = es_load_u16(extra), length = es_load_u16(extra + 2);
        if (length > size - 4) return false;
        if (id == 1) {
            const unsigned char *at = extra + 4;
            for (size_t i = 0; i < count; i++) {
                if (*fields[i] != saturated) continue;
                if (at + 8 > extra + 4 + length) return false;
                uint64_t value = es_load_u64(at);
                if (value > INT64_MAX) return false;
                *fields[i] = (int64_t)value;
                at += 8;
            }
            return true;
        }
        extra += 4 + length;
        size -= 4 + length;
    }
    for (size_t i = 0; i < count; i++)
        if (*fields[i] == saturated) return false;
    return true;
}

/* Why a name is refused, or NULL. */
static const char *fault_of_name(const char *name, size_t size)
{
    if (!size) return "has an empty name";
    if (memchr(name, '\0', size)) return "has a NUL in its name";
    if (name[0] == '/' || name[0] == '\\' || (size > 1 && name[1] == ':'))
        return "has an absolute path";
    for (size_t at = 0; at < size;) {
        size_t end = at;
        while (end < size && name[end] != '/' && name[end] != '\\') end++;
        if (end - at == 2 && memcmp(name + at, "..", 2) == 0) return "has '..' in its path";
        at = end + 1;
    }
    return NULL;
}

/* One entry of the directory, at data[0..size); its length to *used. */
static es_status read_entry(es_zip *zip, const unsigned char *data, int64_t size, int64_t at,
                            int64_t *used, es_error *error)
{
    const es_file *file = zip->file;
    if (size < ENTRY_SIZE || !has_signature(data, 1, 2))
        return fail_at(file, at, error, "not an entry of the archive's directory");
    size_t name_size = es_load_u16(data + 28), extra_size = es_load_u16(data + 30);
    *used = ENTRY_SIZE + (int64_t)name_size + (int64_t)extra_size + es_load_u16(data + 32);
    if (*used > size) return fail_at(file, at, error, "an entry passes the directory's end");
    void *members = zip->members;
    char *name = es_copy_bytes((const char *)data + ENTRY_SIZE, name_size);
    if (!name || !es_grow(&members, &zip->capacity, zip->count + 1, sizeof *zip->members)) {
        free(name);
        return es_fail_memory(error, "an archive's directory", name_size);
    }
    zip->members = members;
    es_zip_member *member = &zip->members[zip->count++];
    unsigned flags = es_load_u16(data + 8), method = es_load_u16(data + 10);
    *member = (es_zip_member){.name = name,
                              .deflated = method == DEFLATED,
                              .crc = es_load_u32(data + 16),
                              .packed = es_load_u32(data + 20),
                              .size = es_load_u32(data + 24),
                              .header = es_load_u32(data + 42)};
    const char *fault = fault_of_name(name, name_size);
    if (fault) return fail_member(file, at, name, error, fault);
    if (flags & (FLAG_ENCRYPTED | FLAG_REFUSED))
        return fail_member(file, at, name, error, "is encrypted");
    if (method != STORED && method != DEFLATED)
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: at byte %lld: member '%.200s' is packed by method %u; stored (0) and "
                       "deflate (8) are read",
                       file->path, (long long)at, name, method);
    if (es_load_u16(data + 34) != 0)
        return fail_member(file, at, name, error, "lies in another part of the archive");
    int64_t *fields[] = {&member->size, &member->packed, &member->header};
    if (!read_extra64(data + ENTRY_SIZE + name_size, extra_size, fields, 3))
        return fail_member(file, at, name, error, "has a damaged ZIP64 field");
    if (member->deflated ? member->size / LARGEST_RATIO > member->packed
                         : member->size != member->packed)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: at byte %lld: member '%.200s' claims %lld bytes from %lld", file->path,
                       (long long)at, name, (long long)member->size, (long long)member->packed);
    return ES_OK;
}

static int by_header(const void *left, const void *right)
{
    const es_zip_member *a = left, *b = right;
    return a->header < b->header ? -1 : a->header > b->header;
}

/* The local header must tell of the same member; finds where the data begin. */
static es_status check_local(const es_zip *zip, es_zip_member *member, int64_t limit,
                             es_error *error)
{
    const es_file *file = zip->file;
    int64_t at = member->header;
    unsigned char local[LOCAL_SIZE];
    if (at > limit - LOCAL_SIZE)
        return fail_member(file, at, member->name, error, "begins past the archive's directory");
    ES_TRY(es_file_read(file, at, local, LOCAL_SIZE, error));
    if (!has_signature(local, 3, 4))
        return fail_member(file, at, member->name, error, "has no local header");
    unsigned flags = es_load_u16(local + 6), method = es_load_u16(local + 8);
    size_t name_size = es_load_u16(local + 26), extra_size = es_load_u16(local + 28);
    int64_t start = at + LOCAL_SIZE + (int64_t)name_size + (int64_t)extra_size;
    if (start > limit)
        return fail_member(file, at, member->name, error, "has a local header that is too long");
    char name[LARGEST_COMMENT];
    bool same = name_size == strlen(member->name);
    if (same) ES_TRY(es_file_read(file, at + LOCAL_SIZE, name, (int64_t)name_size, error));
    if (!same || memcmp(name, member->name, name_size) != 0)
        return fail_member(file, at, member->name, error, "has another name in its local header");
    if (method != (member->deflated ? DEFLATED : STORED) ||
        (flags & (FLAG_ENCRYPTED | FLAG_REFUSED)))
        return fail_member(file, at, member->name, error,
                           "is packed otherwise by its local header");
    uint32_t packed = es_load_u32(local + 18), size = es_load_u32(local + 22);
    if (!(flags & FLAG_DESCRIPTOR) && (es_load_u32(local + 14) != member->crc ||
                                       (packed != saturated && packed != member->packed) ||
                                       (size != saturated && size != member->size)))
        return fail_member(file, at, member->name, error,
                           "has another size or CRC in its local header");
    if (member->packed > limit - start)
        return fail_member(file, at, member->name, error, "passes the archive's directory");
    member->offset = start;
    return ES_OK;
}

/* Local headers agree, and no two members share a byte. */
static es_status check_members(es_zip *zip, int64_t limit, es_error *error)
{
    if (zip->count) qsort(zip->members, (size_t)zip->count, sizeof *zip->members, by_header);
    int64_t end = 0;
    for (int64_t i = 0; i < zip->count; i++) {
        es_zip_member *member = &zip->members[i];
        if (member->header < end)
            return fail_member(zip->file, member->header, member->name, error,
                               "overlaps the one before");
        ES_TRY(check_local(zip, member, limit, error));
        end = member->offset + member->packed;
    }
    es_map names = {0};
    es_status status = ES_OK;
    for (int64_t i = 0; i < zip->count && status == ES_OK; i++) {
        const es_zip_member *member = &zip->members[i];
        es_bytes name = {member->name, strlen(member->name)};
        es_map_put put = es_map_insert(&names, name, i, NULL);
        if (put == ES_MAP_EXISTS)
            status = fail_member(zip->file, member->header, member->name, error, "is there twice");
        if (put == ES_MAP_NO_MEMORY) status = es_fail_memory(error, "member names", name.size);
    }
    es_map_release(&names);
    return status;
}

es_status es_zip_open(es_zip *zip, const es_file *file, es_error *error)
{
    *zip = (es_zip){.file = file};
    directory directory = {0};
    ES_TRY(find_directory(file, &directory, error));
    if (directory.count > MOST_MEMBERS)
        return es_fail(error, ES_UNSUPPORTED, "%s: %lld members; at most %d are supported",
                       file->path, (long long)directory.count, MOST_MEMBERS);
    unsigned char *data = malloc(directory.size ? (size_t)directory.size : 1);
    if (!data) return es_fail_memory(error, "an archive's directory", (size_t)directory.size);
    es_status status = es_file_read(file, directory.offset, data, directory.size, error);
    int64_t at = 0;
    for (int64_t i = 0; i < directory.count && status == ES_OK; i++) {
        int64_t used = 0;
        status =
            read_entry(zip, data + at, directory.size - at, directory.offset + at, &used, error);
        at += used;
    }
    free(data);
    if (status == ES_OK && at != directory.size)
        status = fail_at(file, directory.offset + at, error,
                         "the archive's directory has more bytes than entries");
    return status == ES_OK ? check_members(zip, directory.offset, error) : status;
}

void es_zip_release(es_zip *zip)
{
    for (int64_t i = 0; i < zip->count; i++) free(zip->members[i].name);
    free(zip->members);
    *zip = (es_zip){0};
}

es_status es_zip_stream_open(es_zip_stream *stream, const es_zip *zip, const es_zip_member *member,
                             es_error *error)
{
    *stream = (es_zip_stream){.zip = zip, .member = member, .crc = (uint32_t)crc32(0, NULL, 0)};
    if (!member->deflated) return ES_OK;
    stream->input = malloc(INPUT_SIZE);
    if (!stream->input || inflateInit2(&stream->inflater, -15) != Z_OK)
        return es_fail_memory(error, "inflating", INPUT_SIZE);
    stream->begun = true;
    return ES_OK;
}

/* Inflate until `room` bytes are made or the data end; *made tells. */
static es_status inflate_some(es_zip_stream *stream, unsigned char *out, int64_t room,
                              int64_t *made, bool *ended, es_error *error)
{
    z_stream *z = &stream->inflater;
    const es_zip_member *member = stream->member;
    const es_file *file = stream->zip->file;
    if (!z->avail_in) {
        int64_t left = member->packed - stream->at;
        int64_t size = left < INPUT_SIZE ? left : INPUT_SIZE;
        ES_TRY(es_file_read(file, member->offset + stream->at, stream->input, size, error));
        stream->at += size;
        z->next_in = stream->input;
        z->avail_in = (unsigned)size;
    }
    room = room < (1 << 30) ? room : 1 << 30;
    z->next_out = out;
    z->avail_out = (unsigned)room;
    int code = inflate(z, Z_NO_FLUSH);
    *made = room - z->avail_out;
    *ended = code == Z_STREAM_END;
    if (code == Z_MEM_ERROR) return es_fail_memory(error, "inflating", INPUT_SIZE);
    bool stuck = code == Z_BUF_ERROR && !z->avail_in && stream->at == member->packed;
    if ((code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) || stuck)
        return fail_member(file, member->offset + stream->at - z->avail_in, member->name, error,
                           stuck ? "ends too early" : "has damaged deflate data");
    return ES_OK;
}

es_status es_zip_stream_read(es_zip_stream *stream, void *out, int64_t size, es_error *error)
{
    const es_zip_member *member = stream->member;
    const es_file *file = stream->zip->file;
    unsigned char *to = out;
    if (size > member->size - stream->produced)
        return fail_member(file, member->offset, member->name, error, "is shorter than expected");
    for (int64_t got = 0, made; got < size; got += made) {
        bool ended = false;
        if (member->deflated) {
            ES_TRY(inflate_some(stream, to + got, size - got, &made, &ended, error));
        } else {
            made = size - got;
            ES_TRY(es_file_read(file, member->offset + stream->produced, to + got, made, error));
        }
        stream->crc = (uint32_t)crc32_z(stream->crc, to + got, (size_t)made);
        stream->produced += made;
        if (ended && got + made < size)
            return fail_member(file, member->offset, member->name, error,
                               "inflates to fewer bytes than its header says");
    }
    return ES_OK;
}

es_status es_zip_stream_finish(es_zip_stream *stream, es_error *error)
{
    const es_zip_member *member = stream->member;
    const es_file *file = stream->zip->file;
    if (member->deflated) {
        unsigned char more;
        int64_t made = 0;
        bool ended = false;
        while (!ended) {
            ES_TRY(inflate_some(stream, &more, 1, &made, &ended, error));
            if (made || stream->produced < member->size)
                return fail_member(file, member->offset, member->name, error,
                                   "inflates to more bytes than its header says");
        }
        if (stream->inflater.avail_in || stream->at < member->packed)
            return fail_member(file, member->offset, member->name, error,
                               "has bytes after its deflate data");
    }
    if (stream->crc != member->crc)
        return fail_member(file, member->offset, member->name, error,
                           "is damaged: its CRC is wrong");
    return ES_OK;
}

void es_zip_stream_close(es_zip_stream *stream)
{
    if (stream->begun) inflateEnd(&stream->inflater);
    free(stream->input);
    *stream = (es_zip_stream){0};
}

enum { CRC_PIECE = 4 << 20, CRC_BUFFER = 64 << 10 };

typedef struct crc_job {
    const es_file *file;
    const es_zip_member *member;
    uint32_t *crcs; /* of each piece */
} crc_job;

static int64_t piece_size(const es_zip_member *member, int64_t index)
{
    int64_t left = member->size - index * CRC_PIECE;
    return left < CRC_PIECE ? left : CRC_PIECE;
}

static es_status crc_piece(void *context, int64_t index, int worker, es_error *error)
{
    (void)worker;
    const crc_job *job = context;
    unsigned char buffer[CRC_BUFFER];
    int64_t at = job->member->offset + index * CRC_PIECE, left = piece_size(job->member, index);
    uint32_t crc = (uint32_t)crc32(0, NULL, 0);
    while (left > 0) {
        int64_t size = left < CRC_BUFFER ? left : CRC_BUFFER;
        ES_TRY(es_file_read(job->file, at, buffer, size, error));
        crc = (uint32_t)crc32_z(crc, buffer, (size_t)size);
        at += size;
        left -= size;
    }
    job->crcs[index] = crc;
    return ES_OK;
}

es_status es_zip_check_stored(const es_zip *zip, const es_zip_member *member, int threads,
                              es_error *error)
{
    int64_t pieces = member->size / CRC_PIECE + (member->size % CRC_PIECE != 0);
    crc_job job = {zip->file, member, es_alloc(pieces, sizeof *job.crcs)};
    if (!job.crcs) return es_fail_memory(error, "checksums", (size_t)pieces * sizeof *job.crcs);
    es_status status = es_parallel_for(threads, pieces, crc_piece, &job, NULL, error);
    uint32_t crc = (uint32_t)crc32(0, NULL, 0);
    for (int64_t i = 0; i < pieces && status == ES_OK; i++)
        crc = (uint32_t)crc32_combine(crc, job.crcs[i], (z_off_t)piece_size(member, i));
    free(job.crcs);
    if (status == ES_OK && crc != member->crc)
        status = fail_member(zip->file, member->offset, member->name, error,
                             "is damaged: its CRC is wrong");
    return status;
}
