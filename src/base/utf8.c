#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

int es_utf8_decode(const char *data, size_t size, uint32_t *code_point)
{
    if (!size) return 0;
    const unsigned char *byte = (const unsigned char *)data;
    if (byte[0] < 0x80) {
        *code_point = byte[0];
        return 1;
    }
    int length = byte[0] >= 0xF0 ? 4 : byte[0] >= 0xE0 ? 3 : 2;
    if (byte[0] < 0xC2 || byte[0] > 0xF4 || size < (size_t)length) return 0;
    uint32_t value = byte[0] & (0x7Fu >> length);
    for (int i = 1; i < length; i++) {
        if ((byte[i] & 0xC0) != 0x80) return 0;
        value = value << 6 | (byte[i] & 0x3Fu);
    }
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < smallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *code_point = value;
    return length;
}

int es_utf8_encode(uint32_t code_point, char out[4])
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    int length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(lead[length] | code_point);
    return length;
}

size_t es_utf8_valid_prefix(const char *data, size_t size)
{
    size_t at = 0;
    while (at < size) {
        /* Eight ASCII bytes at a time: most of every header is ASCII. */
        uint64_t word;
        while (size - at >= sizeof word) {
            memcpy(&word, data + at, sizeof word);
            if (word & 0x8080808080808080u) break;
            at += sizeof word;
        }
        if (at == size) break;
        uint32_t code_point;
        int length = es_utf8_decode(data + at, size - at, &code_point);
        if (!length) return at;
        at += (size_t)length;
    }
    return size;
}

bool es_utf8_is_unsafe(uint32_t code_point)
{
    if (code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0)) return true;
    return code_point == 0x061C || code_point == 0x200E || code_point == 0x200F ||
           code_point == 0x2028 || code_point == 0x2029 ||
           (code_point >= 0x202A && code_point <= 0x202E) ||
           (code_point >= 0x2066 && code_point <= 0x2069);
}

bool es_utf8_escape(const char *data, size_t size, char *out, size_t capacity)
{
    size_t used = 0;
    for (size_t at = 0; at < size;) {
        uint32_t code_point = 0;
        int length = es_utf8_decode(data + at, size - at, &code_point);
        char piece[16];
        int piece_size = length;
        if (!length) {
            piece_size = snprintf(piece, sizeof piece, "\\x%02X", (unsigned char)data[at]);
            length = 1;
        } else if (es_utf8_is_unsafe(code_point)) {
            piece_size = snprintf(piece, sizeof piece, code_point < 0x80 ? "\\x%02X" : "\\u{%04X}",
                                  (unsigned)code_point);
        } else {
            memcpy(piece, data + at, (size_t)length);
        }
        if (used + (size_t)piece_size >= capacity) {
            out[used] = '\0';
            return false;
        }
        memcpy(out + used, piece, (size_t)piece_size);
        used += (size_t)piece_size;
        at += (size_t)length;
    }
    out[used] = '\0';
    return true;
}
