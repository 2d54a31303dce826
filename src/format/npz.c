/* .npz: a ZIP archive whose members are .npy arrays, as numpy.savez and savez_compressed write it.
 *
 * Stored arrays in row-major little-endian order stay in the file; deflated and turned ones are
 * brought into memory. Arrays that cannot be read (objects, structures) are left out with a note.
 */
#include "base/memory.h"
#include "format/little_endian.h"
#include "format/npy.h"
#include "format/zip.h"

#include <stdlib.h>
#include <string.h>

typedef struct npz_reader {
    es_zip zip;
    int threads;
    es_container *container;
    int64_t left_out;
    es_error reason; /* why the last array was left out */
} npz_reader;

static bool recognise(const unsigned char *head, size_t size, const es_file *file)
{
    return es_begins(head, size, "PK\3\4", 4) || es_begins(head, size, "PK\5\6", 4) ||
           es_path_ends(file->path, ".npz");
}

static bool has_member(const es_zip *zip, const char *ending)
{
    for (int64_t i = 0; i < zip->count; i++)
        if (es_path_ends(zip->members[i].name, ending)) return true;
    return false;
}

static bool has_folder(const es_zip *zip, const char *folder)
{
    for (int64_t i = 0; i < zip->count; i++)
        if (strstr(zip->members[i].name, folder)) return true;
    return false;
}

/* Archives that are something else say what they are. */
static es_status refuse_others(const es_zip *zip, es_error *error)
{
    const char *path = zip->file->path;
    if (has_member(zip, "/constants.pkl") || has_folder(zip, "/code/"))
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: TorchScript, not a state dict; save the model's "
                       "weights as safetensors",
                       path);
    if (has_member(zip, "/data.pkl") || has_member(zip, "data.pkl"))
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: a PyTorch file, which is not supported yet; convert it to safetensors",
                       path);
    if (!zip->count) return es_fail(error, ES_BAD_INPUT, "%s: an empty ZIP archive", path);
    if (!has_member(zip, ".npy"))
        return es_fail(error, ES_UNSUPPORTED,
                       "%s: a ZIP archive without .npy arrays; unpack it first", path);
    return ES_OK;
}

/* What follows the array's header, into memory. */
static es_status read_memory(es_zip_stream *stream, const es_npy_header *header,
                             const unsigned char *head, int64_t head_size, es_tensor *tensor,
                             es_error *error)
{
    tensor->memory = es_alloc_aligned(header->data_size, 1);
    if (!tensor->memory) return es_fail_memory(error, "an array", (size_t)header->data_size);
    int64_t ahead = head_size - header->data_offset; /* components that came with the header */
    if (ahead > header->data_size) ahead = header->data_size;
    if (ahead) memcpy(tensor->memory, head + header->data_offset, (size_t)ahead);
    ES_TRY(es_zip_stream_read(stream, (char *)tensor->memory + ahead, header->data_size - ahead,
                              error));
    ES_TRY(es_zip_stream_finish(stream, error));
    return es_npy_convert(header, &tensor->memory, error);
}

/* The name an array was saved under: the member's without ".npy". */
static es_bytes array_name(const es_zip_member *member)
{
    return (es_bytes){member->name, strlen(member->name) - strlen(".npy")};
}

static es_status add_array(npz_reader *reader, es_zip_stream *stream, const char *label,
                           es_error *error)
{
    const es_zip_member *member = stream->member;
    unsigned char head[ES_NPY_HEAD];
    int64_t head_size = member->size < ES_NPY_HEAD ? member->size : ES_NPY_HEAD;
    ES_TRY(es_zip_stream_read(stream, head, head_size, error));
    es_npy_header header;
    es_status status = es_npy_parse(label, head, head_size, 0, &header, error);
    if (status == ES_UNSUPPORTED) {
        reader->left_out++;
        if (error) reader->reason = *error;
        return ES_OK;
    }
    ES_TRY(status);
    int64_t left = member->size - header.data_offset;
    if (header.data_size != left)
        return es_fail(error, ES_BAD_INPUT,
                       "%s: holds %lld bytes of components; its shape needs %lld", label,
                       (long long)left, (long long)header.data_size);
    es_tensor *tensor;
    ES_TRY(es_container_add(reader->container, array_name(member), &tensor, error));
    es_npy_describe(&header, tensor);
    tensor->offset = member->offset + header.data_offset;
    if (header.dtype == ES_DTYPE_OTHER) return ES_OK; /* listed; never read */
    if (!member->deflated && es_npy_is_plain(&header))
        return es_zip_check_stored(&reader->zip, member, reader->threads, error);
    return read_memory(stream, &header, head, head_size, tensor, error);
}

static es_status add_member(npz_reader *reader, const es_zip_member *member, es_error *error)
{
    if (!es_path_ends(member->name, ".npy")) return ES_OK;
    char *label = es_copy_format("%s: member '%.200s'", reader->zip.file->path, member->name);
    if (!label) return es_fail_memory(error, "a name", strlen(member->name));
    es_zip_stream stream;
    es_status status = es_zip_stream_open(&stream, &reader->zip, member, error);
    if (status == ES_OK) status = add_array(reader, &stream, label, error);
    es_zip_stream_close(&stream);
    free(label);
    return status;
}

static es_status read_members(npz_reader *reader, es_error *error)
{
    const es_file *file = reader->zip.file;
    ES_TRY(refuse_others(&reader->zip, error));
    for (int64_t i = 0; i < reader->zip.count; i++)
        ES_TRY(add_member(reader, &reader->zip.members[i], error));
    if (!reader->left_out) return ES_OK;
    if (!reader->container->tensor_count) {
        if (error) *error = reader->reason;
        return ES_UNSUPPORTED;
    }
    if (error) error->text[0] = '\0';
    return es_container_add_note(reader->container, error, "%.400s: %lld arrays left out: %.400s",
                                 file->path, (long long)reader->left_out, reader->reason.text);
}

static es_status open_file(es_file *file, int threads, es_container *container, es_error *error)
{
    npz_reader reader = {.threads = threads, .container = container};
    es_error local = {0}; /* the reason is needed even when the caller wants no text */
    if (!error) error = &local;
    es_status status = es_zip_open(&reader.zip, file, error);
    if (status == ES_OK) status = read_members(&reader, error);
    es_zip_release(&reader.zip);
    if (status != ES_OK) return status;
    container->format = es_format_npz.name;
    return es_container_take_file(container, file, error);
}

const es_file_format es_format_npz = {"npz", recognise, open_file};
