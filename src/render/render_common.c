#include "render/render_common.h"

#include "render/display.h"
#include "render/table.h"

#include <embscope/embscope.h>
#include <errno.h>
#include <string.h>

void es_source_line(es_text *text, const es_source *source)
{
    if (source->tensor && *source->tensor) {
        es_display_plain(text, source->tensor, strlen(source->tensor));
        es_text_add(text, " of ");
    }
    es_display_plain(text, source->path, strlen(source->path));
    es_text_printf(text, ", %lld x %lld %s, ", (long long)source->rows, (long long)source->columns,
                   source->dtype);
    if (!source->transform_count) es_text_add(text, "raw rows");
    for (int64_t i = 0; i < source->transform_count; i++) {
        if (i) es_text_add(text, ", ");
        es_display_plain(text, source->transforms[i], strlen(source->transforms[i]));
    }
}

void es_source_caption(es_text *text, const es_source *source)
{
    es_source shown = *source;
    int slashes = 0;
    for (const char *at = source->path + strlen(source->path); at > source->path; at--)
        if (at[-1] == '/' && ++slashes == 2) {
            shown.path = at;
            break;
        }
    es_source_line(text, &shown);
}

void es_display_query(es_text *text, const es_neighbors *neighbors, size_t size)
{
    if (neighbors->is_sum)
        es_display_plain(text, neighbors->query, size);
    else
        es_display_quoted(text, neighbors->query, size);
}

es_status es_render_heading(const es_space *space, const es_render_options *options, FILE *out,
                            es_error *error)
{
    es_text line = {0};
    es_source_line(&line, es_space_source(space));
    es_status status = line.failed ? es_fail_memory(error, "a heading", line.size) : ES_OK;
    if (status == ES_OK)
        fprintf(out, "%s%s%s\n\n", es_ink_code(ES_INK_BOLD, options->color), line.data,
                es_ink_code(ES_INK_PLAIN, options->color));
    es_text_release(&line);
    return status;
}

es_status es_render_remark(es_text *text, const es_render_options *options, FILE *out,
                           es_error *error)
{
    es_status status = text->failed ? es_fail_memory(error, "a remark", text->size) : ES_OK;
    if (status == ES_OK)
        fprintf(out, "%s%s%s\n", es_ink_code(ES_INK_DIM, options->color), text->data,
                es_ink_code(ES_INK_PLAIN, options->color));
    es_text_release(text);
    return status;
}

void es_render_json_source_members(es_json_writer *json, const es_source *source)
{
    es_json_write_key(json, "path");
    es_json_write_text(json, source->path);
    es_json_write_key(json, "tensor");
    es_json_write_text(json, source->tensor && *source->tensor ? source->tensor : NULL);
    es_json_write_key(json, "rows");
    es_json_write_int(json, source->rows);
    es_json_write_key(json, "columns");
    es_json_write_int(json, source->columns);
    es_json_write_key(json, "dtype");
    es_json_write_text(json, source->dtype);
    es_json_write_key(json, "transforms");
    es_json_write_array(json);
    for (int64_t i = 0; i < source->transform_count; i++)
        es_json_write_text(json, source->transforms[i]);
    es_json_write_end(json);
}

void es_render_json_begin(es_json_writer *json, const es_space *space, const char *command)
{
    es_json_write_object(json);
    es_json_write_key(json, "embscope");
    es_json_write_text(json, es_version());
    es_json_write_key(json, "command");
    es_json_write_text(json, command);
    es_json_write_key(json, "source");
    es_json_write_object(json);
    es_render_json_source_members(json, es_space_source(space));
    es_json_write_end(json);
}

void es_render_json_end(es_json_writer *json, const es_render_options *options)
{
    es_json_write_key(json, "elapsed_seconds");
    es_json_write_double(json, options->elapsed_seconds);
    es_json_write_end(json);
}

void es_render_json_token(es_json_writer *json, const es_space *space, int64_t id)
{
    es_bytes token = es_vocabulary_token(es_space_vocabulary(space), id);
    es_json_write_key(json, "text");
    es_json_write_bytes(json, token.data, token.size);
}

es_status es_render_finish(FILE *out, es_error *error)
{
    if (!ferror(out)) return ES_OK;
    return es_fail(error, ES_CANNOT_WRITE, "cannot write the output: %s",
                   errno ? strerror(errno) : "the stream failed");
}
