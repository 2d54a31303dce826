#include "base/json.h"

#include "base/number.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

es_status es_json_fail(es_json *json, const char *format, ...)
{
    if (json->status != ES_OK) return json->status;
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    json->status = es_fail(json->error, ES_BAD_INPUT, "%s: at byte %lld: %s", json->path,
                           (long long)(json->origin + json->at), what);
    return json->status;
}

es_status es_json_open(es_json *json, const char *path, const char *data, int64_t size,
                       int64_t origin, es_error *error)
{
    *json = (es_json){.path = path, .data = data, .size = size, .origin = origin, .error = error};
    json->at = (int64_t)es_utf8_valid_prefix(data, (size_t)size);
    if (json->at < size)
        return es_json_fail(json, "not UTF-8 (byte 0x%02X)", (unsigned char)data[json->at]);
    json->at = 0;
    return ES_OK;
}

void es_json_close(es_json *json)
{
    es_text_release(&json->key);
    es_text_release(&json->value);
}

static int peek_byte(es_json *json)
{
    while (json->at < json->size) {
        char c = json->data[json->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return (unsigned char)c;
        json->at++;
    }
    return -1;
}

static es_status unexpected(es_json *json, const char *wanted)
{
    int c = peek_byte(json);
    if (c < 0) return es_json_fail(json, "the JSON text ends where %s was expected", wanted);
    if (c < 0x20 || c >= 0x7F)
        return es_json_fail(json, "byte 0x%02X where %s was expected", c, wanted);
    return es_json_fail(json, "'%c' where %s was expected", c, wanted);
}

es_json_kind es_json_peek(es_json *json)
{
    if (json->status != ES_OK) return ES_JSON_END;
    int c = peek_byte(json);
    switch (c) {
    case '{': return ES_JSON_OBJECT;
    case '[': return ES_JSON_ARRAY;
    case '"': return ES_JSON_STRING;
    case 't':
    case 'f': return ES_JSON_BOOL;
    case 'n': return ES_JSON_NULL;
    default: return c == '-' || (c >= '0' && c <= '9') ? ES_JSON_NUMBER : ES_JSON_END;
    }
}

static es_status begin(es_json *json, char bracket, const char *what)
{
    if (json->status != ES_OK) return json->status;
    if (peek_byte(json) != bracket) return unexpected(json, what);
    if (json->depth == ES_JSON_DEPTH)
        return es_json_fail(json, "nested more than %d deep", ES_JSON_DEPTH);
    json->at++;
    json->first[json->depth++] = true;
    return ES_OK;
}

es_status es_json_begin_object(es_json *json)
{
    return begin(json, '{', "an object");
}

es_status es_json_begin_array(es_json *json)
{
    return begin(json, '[', "an array");
}

/* Step to the next member or element: true when there is one, false after the closing bracket or on
 * a fault. */
static bool step(es_json *json, char closing)
{
    if (json->status != ES_OK) return false;
    int c = peek_byte(json);
    bool *first = &json->first[json->depth - 1];
    if (c == closing) {
        json->at++;
        json->depth--;
        return false;
    }
    if (!*first) {
        if (c != ',') return unexpected(json, closing == '}' ? "',' or '}'" : "',' or ']'"), false;
        json->at++;
    }
    *first = false;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits at the current place. */
static bool read_hex4(es_json *json, uint32_t *value)
{
    if (json->size - json->at < 4) return false;
    *value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(json->data[json->at + i]);
        if (digit < 0) return false;
        *value = *value << 4 | (uint32_t)digit;
    }
    json->at += 4;
    return true;
}

/* The escape after a backslash, decoded into `out`. */
static es_status read_escape(es_json *json, es_text *out)
{
    if (json->at == json->size) return es_json_fail(json, "the JSON text ends inside a string");
    char c = json->data[json->at++];
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found = c ? strchr(from, c) : NULL;
    if (found) {
        es_text_append(out, &to[found - from], 1);
        return ES_OK;
    }
    uint32_t code_point, low;
    if (c != 'u' || !read_hex4(json, &code_point)) {
        json->at--;
        return es_json_fail(json, "an escape that JSON does not have");
    }
    if (code_point >= 0xD800 && code_point <= 0xDBFF) {
        bool pair = json->size - json->at >= 2 && json->data[json->at] == '\\' &&
                    json->data[json->at + 1] == 'u';
        if (pair) json->at += 2;
        if (!pair || !read_hex4(json, &low) || low < 0xDC00 || low > 0xDFFF)
            return es_json_fail(json, "half of a surrogate pair");
        code_point = 0x10000 + ((code_point - 0xD800) << 10) + (low - 0xDC00);
    } else if (code_point >= 0xDC00 && code_point <= 0xDFFF) {
        return es_json_fail(json, "half of a surrogate pair");
    }
    char bytes[4];
    es_text_append(out, bytes, (size_t)es_utf8_encode(code_point, bytes));
    return ES_OK;
}

/* A string; without escapes it points into the data, else into `scratch`. */
static es_status read_string(es_json *json, es_text *scratch, es_bytes *value)
{
    if (json->status != ES_OK) return json->status;
    if (peek_byte(json) != '"') return unexpected(json, "a string");
    int64_t start = ++json->at;
    bool copied = false;
    for (;;) {
        if (json->at == json->size) return es_json_fail(json, "the JSON text ends inside a string");
        unsigned char c = (unsigned char)json->data[json->at];
        if (c == '"') break;
        if (c < 0x20) return es_json_fail(json, "control character 0x%02X inside a string", c);
        if (c != '\\') {
            json->at++;
            continue;
        }
        if (!copied) scratch->size = 0;
        copied = true;
        es_text_append(scratch, json->data + start, (size_t)(json->at - start));
        json->at++;
        ES_TRY(read_escape(json, scratch));
        start = json->at;
    }
    if (copied) {
        es_text_append(scratch, json->data + start, (size_t)(json->at - start));
        if (scratch->failed)
            return json->status = es_fail_memory(json->error, "a JSON string", scratch->size);
        *value = (es_bytes){scratch->data, scratch->size};
    } else {
        *value = (es_bytes){json->data + start, (size_t)(json->at - start)};
    }
    json->at++;
    return ES_OK;
}

bool es_json_next_member(es_json *json, es_bytes *key)
{
    if (!step(json, '}')) return false;
    if (read_string(json, &json->key, key) != ES_OK) return false;
    if (peek_byte(json) != ':') return unexpected(json, "':'"), false;
    json->at++;
    return true;
}

bool es_json_next_element(es_json *json)
{
    return step(json, ']');
}

es_status es_json_string(es_json *json, es_bytes *value)
{
    return read_string(json, &json->value, value);
}

/* The end of the number at the current place, which it must be by the grammar; 0 where none is. */
static int64_t number_end(const es_json *json, bool *integer)
{
    const char *data = json->data;
    int64_t at = json->at, size = json->size;
    *integer = true;
    if (at < size && data[at] == '-') at++;
    if (at == size || data[at] < '0' || data[at] > '9') return 0;
    bool zero = data[at] == '0';
    int64_t digits = at;
    while (at < size && data[at] >= '0' && data[at] <= '9') at++;
    if (zero && at - digits > 1) return 0;
    if (at < size && data[at] == '.') {
        int64_t dot = ++at;
        while (at < size && data[at] >= '0' && data[at] <= '9') at++;
        if (at == dot) return 0;
        *integer = false;
    }
    if (at < size && (data[at] == 'e' || data[at] == 'E')) {
        at++;
        if (at < size && (data[at] == '+' || data[at] == '-')) at++;
        int64_t exponent = at;
        while (at < size && data[at] >= '0' && data[at] <= '9') at++;
        if (at == exponent) return 0;
        *integer = false;
    }
    return at;
}

es_status es_json_int(es_json *json, int64_t *value)
{
    if (json->status != ES_OK) return json->status;
    if (es_json_peek(json) != ES_JSON_NUMBER) return unexpected(json, "an integer");
    bool integer;
    int64_t end = number_end(json, &integer);
    if (!end || !integer) return es_json_fail(json, "not an integer");
    bool negative = json->data[json->at] == '-';
    int64_t total = 0;
    for (int64_t at = json->at + negative; at < end; at++) {
        int digit = json->data[at] - '0';
        if (__builtin_mul_overflow(total, 10, &total) ||
            __builtin_sub_overflow(total, digit, &total))
            return es_json_fail(json, "an integer that does not fit in 64 bits");
    }
    if (!negative && total == INT64_MIN)
        return es_json_fail(json, "an integer that does not fit in 64 bits");
    *value = negative ? total : -total;
    json->at = end;
    return ES_OK;
}

es_status es_json_double(es_json *json, double *value)
{
    if (json->status != ES_OK) return json->status;
    if (es_json_peek(json) != ES_JSON_NUMBER) return unexpected(json, "a number");
    bool integer;
    int64_t end = number_end(json, &integer);
    if (!end || es_number_parse(json->data + json->at, (size_t)(end - json->at), value) !=
                    (size_t)(end - json->at))
        return es_json_fail(json, "not a number");
    json->at = end;
    return ES_OK;
}

static es_status read_word(es_json *json, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(json->size - json->at) < length ||
        memcmp(json->data + json->at, word, length) != 0)
        return es_json_fail(json, "not a JSON value");
    json->at += (int64_t)length;
    return ES_OK;
}

es_status es_json_bool(es_json *json, bool *value)
{
    if (json->status != ES_OK) return json->status;
    if (es_json_peek(json) != ES_JSON_BOOL) return unexpected(json, "true or false");
    *value = json->data[json->at] == 't';
    return read_word(json, *value ? "true" : "false");
}

static es_status skip_scalar(es_json *json)
{
    es_bytes text;
    bool flag;
    int64_t end;
    switch (es_json_peek(json)) {
    case ES_JSON_STRING: return es_json_string(json, &text);
    case ES_JSON_BOOL: return es_json_bool(json, &flag);
    case ES_JSON_NULL: return read_word(json, "null");
    case ES_JSON_NUMBER:
        if (!(end = number_end(json, &flag))) return es_json_fail(json, "not a number");
        json->at = end;
        return ES_OK;
    default: return unexpected(json, "a value");
    }
}

es_status es_json_skip(es_json *json)
{
    /* Not recursive: `object` remembers what each open level is, the reader's own depth bounds it.
     */
    bool object[ES_JSON_DEPTH + 1];
    int base = json->depth;
    do {
        if (json->depth > base) {
            es_bytes key;
            bool more =
                object[json->depth] ? es_json_next_member(json, &key) : es_json_next_element(json);
            if (json->status != ES_OK) return json->status;
            if (!more) continue;
        }
        es_json_kind kind = es_json_peek(json);
        if (kind == ES_JSON_OBJECT || kind == ES_JSON_ARRAY) {
            ES_TRY(kind == ES_JSON_OBJECT ? es_json_begin_object(json) : es_json_begin_array(json));
            object[json->depth] = kind == ES_JSON_OBJECT;
        } else {
            ES_TRY(skip_scalar(json));
        }
    } while (json->depth > base);
    return json->status;
}

es_status es_json_finish(es_json *json)
{
    if (json->status != ES_OK) return json->status;
    if (peek_byte(json) >= 0)
        return es_json_fail(json, "more text after the end of the JSON value");
    return ES_OK;
}

int64_t es_json_tell(es_json *json)
{
    (void)peek_byte(json);
    return json->at;
}

void es_json_seek(es_json *json, int64_t at)
{
    json->at = at;
}

bool es_bytes_equal(es_bytes bytes, const char *terminated)
{
    size_t length = strlen(terminated);
    return bytes.size == length && memcmp(bytes.data, terminated, length) == 0;
}
