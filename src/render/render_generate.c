#include "base/utf8.h"
#include "render/csv.h"
#include "render/display.h"
#include "render/number_text.h"
#include "render/render_common.h"
#include "render/table.h"

#include <string.h>

/* ---- text as it comes -------------------------------------------------------------------------
 */

static void put(es_text_stream *stream, const char *data, size_t size)
{
    fwrite(data, 1, size, stream->out);
    stream->last = data[size - 1];
}

/* One code point; what must not reach a terminal is escaped, but for line ends and tabs. */
static void put_code_point(es_text_stream *stream, const char *data, size_t size, uint32_t point)
{
    char escaped[16];
    if (point == '\n' || point == '\t' || !es_utf8_is_unsafe(point)) {
        put(stream, data, size);
        return;
    }
    es_utf8_escape(data, size, escaped, sizeof escaped);
    put(stream, escaped, strlen(escaped));
}

/* Write what data[0..size) surely begins with; returns the bytes that may still become a
 * character. */
static size_t put_whole(es_text_stream *stream, const char *data, size_t size)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    size_t at = 0;
    while (at < size) {
        uint32_t point;
        int length = es_utf8_decode(data + at, size - at, &point);
        if (length) {
            put_code_point(stream, data + at, (size_t)length, point);
            at += (size_t)length;
            continue;
        }
        size_t ill = es_display_ill_formed(data + at, size - at);
        if (at + ill == size) break;
        put(stream, replacement, strlen(replacement));
        at += ill;
    }
    return size - at;
}

void es_text_stream_add(es_text_stream *stream, const char *data, size_t size)
{
    while (size) {
        /* A held start and what follows it are looked at together, some bytes at a time. */
        char both[64];
        size_t room = sizeof both - stream->held_size, taken = size < room ? size : room;
        memcpy(both, stream->held, stream->held_size);
        memcpy(both + stream->held_size, data, taken);
        size_t whole = stream->held_size + taken;
        stream->held_size = put_whole(stream, both, whole);
        memcpy(stream->held, both + whole - stream->held_size, stream->held_size);
        data += taken;
        size -= taken;
    }
}

void es_text_stream_end(es_text_stream *stream)
{
    if (stream->held_size) put(stream, "\xEF\xBF\xBD", 3);
    stream->held_size = 0;
    if (stream->last != '\n') put(stream, "\n", 1);
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static es_bytes token_of(const es_space *space, int64_t id)
{
    return es_vocabulary_token(es_space_vocabulary(space), id);
}

/* The bytes of prompt and continuation; a token that ended the text is not of it. */
static void join(es_text *text, const es_space *space, const es_generation *generation)
{
    int64_t shown = generation->count - (generation->end == ES_GENERATION_TEXT);
    for (int64_t i = 0; i < generation->prompt_count + shown; i++) {
        int64_t next = i - generation->prompt_count;
        es_bytes token =
            token_of(space, next < 0 ? generation->prompt[i] : generation->tokens[next].id);
        es_text_append(text, token.data ? token.data : "", token.size);
    }
}

static void write_sampling(es_json_writer *json, const es_generation *generation)
{
    es_json_write_key(json, "sampling");
    if (!generation->sampled) {
        es_json_write_null(json);
        return;
    }
    es_json_write_object(json);
    es_json_member_double(json, "temperature", generation->temperature);
    es_json_write_key(json, "top_k");
    if (generation->top_k)
        es_json_write_int(json, generation->top_k);
    else
        es_json_write_null(json);
    es_json_member_double(json, "top_p", generation->top_p);
    es_json_member_int(json, "seed", (int64_t)generation->seed);
    es_json_write_end(json);
}

static void write_tokens(es_json_writer *json, const es_space *space,
                         const es_generation *generation)
{
    es_json_write_key(json, "prompt");
    es_json_write_array(json);
    for (int64_t i = 0; i < generation->prompt_count; i++) {
        es_json_write_object(json);
        es_json_member_int(json, "id", generation->prompt[i]);
        es_render_json_token(json, space, generation->prompt[i]);
        es_json_write_end(json);
    }
    es_json_write_end(json);
    es_json_write_key(json, "generated");
    es_json_write_array(json);
    for (int64_t i = 0; i < generation->count; i++) {
        const es_generated_token *token = &generation->tokens[i];
        es_json_write_object(json);
        es_json_member_int(json, "id", token->id);
        es_render_json_token(json, space, token->id);
        es_json_member_double(json, "probability", token->probability);
        es_json_member_int(json, "rank", token->rank);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

static es_status generation_json(const es_space *space, const es_generation *generation,
                                 const es_render_options *options, FILE *out, es_error *error)
{
    static const char *const ends[] = {"count", "end_of_text", "context"};
    es_text text = {0};
    join(&text, space, generation);
    es_json_writer json = es_json_write_to(out);
    es_render_json_begin(&json, space, "generate");
    write_tokens(&json, space, generation);
    es_json_write_key(&json, "text");
    es_json_write_bytes(&json, text.data ? text.data : "", text.size);
    es_json_write_key(&json, "end");
    es_json_write_text(&json, ends[generation->end]);
    write_sampling(&json, generation);
    es_render_json_end(&json, options);
    bool failed = text.failed;
    es_text_release(&text);
    return failed ? es_fail_memory(error, "a text", 0) : ES_OK;
}

static void generation_csv(const es_space *space, const es_generation *generation, FILE *out)
{
    es_csv csv = es_csv_to(out);
    es_csv_header(&csv, (const char *const[]){"id", "text", "probability", "rank", NULL});
    for (int64_t i = 0; i < generation->count; i++) {
        const es_generated_token *token = &generation->tokens[i];
        es_bytes text = token_of(space, token->id);
        es_csv_int(&csv, token->id);
        es_csv_bytes(&csv, text.data, text.size);
        es_csv_double(&csv, token->probability);
        es_csv_int(&csv, token->rank);
        es_csv_end_line(&csv);
    }
}

es_status es_render_generation_table(const es_space *space, const es_generation *generation,
                                     const es_render_options *options, FILE *out, es_error *error)
{
    es_table table = {0};
    ES_TRY(es_render_heading(space, options, out, error));
    es_table_column(&table, "id", ES_ALIGN_RIGHT);
    es_table_column(&table, "probability", ES_ALIGN_RIGHT);
    es_table_column(&table, "rank", ES_ALIGN_RIGHT);
    es_table_token_column(&table, "token");
    for (int64_t i = 0; i < generation->count; i++) {
        const es_generated_token *token = &generation->tokens[i];
        es_bytes text = token_of(space, token->id);
        es_table_id(&table, token->id);
        es_table_number(&table, token->probability, 6);
        es_table_count(&table, token->rank);
        es_table_token(&table, text.data, text.size);
    }
    es_status status = es_table_print(&table, out, options->color, error);
    es_table_release(&table);
    if (status != ES_OK) return status;
    es_text remark = {0};
    es_text_printf(&remark,
                   "\nprobability: softmax of all logits after the %lld tokens of the prompt and "
                   "the tokens\nabove. rank: 1 is the token that the model finds most probable.",
                   (long long)generation->prompt_count);
    ES_TRY(es_render_remark(&remark, options, out, error));
    return es_render_finish(out, error);
}

es_status es_render_generation(const es_space *space, const es_generation *generation,
                               const es_render_options *options, FILE *out, es_error *error)
{
    if (options->output == ES_OUTPUT_JSON) {
        ES_TRY(generation_json(space, generation, options, out, error));
    } else if (options->output == ES_OUTPUT_CSV) {
        generation_csv(space, generation, out);
    } else {
        es_text text = {0};
        join(&text, space, generation);
        /* The bytes themselves, as `tokenize --decode` has them. */
        if (text.size) fwrite(text.data, 1, text.size, out);
        if (!text.size || text.data[text.size - 1] != '\n') fputc('\n', out);
        bool failed = text.failed;
        es_text_release(&text);
        if (failed) return es_fail_memory(error, "a text", 0);
    }
    return es_render_finish(out, error);
}
