#include "space/unicode.h"

#include <stddef.h>
#include <utf8proc.h>

bool es_unicode_is_white_space(uint32_t c)
{
    if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static utf8proc_category_t category(uint32_t code_point)
{
    return utf8proc_category((utf8proc_int32_t)code_point);
}

bool es_unicode_is_letter(uint32_t code_point)
{
    utf8proc_category_t c = category(code_point);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool es_unicode_is_number(uint32_t code_point)
{
    utf8proc_category_t c = category(code_point);
    return c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO;
}

bool es_unicode_is_word(uint32_t code_point)
{
    utf8proc_category_t c = category(code_point);
    return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_ND) || c == UTF8PROC_CATEGORY_PC;
}

typedef struct range {
    uint32_t first, last;
} range;

static bool within(const range *ranges, size_t count, uint32_t code_point)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (ranges[middle].last < code_point)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && ranges[low].first <= code_point;
}

#define WITHIN(ranges, code_point) within(ranges, sizeof(ranges) / sizeof *(ranges), code_point)

/* The three tables below span code points that became marks, punctuation or format characters after
 * Unicode 8 and nothing that was one then; tools/golden/unicode_tables.py derives them. */
bool es_unicode_is_bert_mark(uint32_t code_point)
{
    static const range newer[] = {
        {0x7FD, 0x7FD},     {0x898, 0x8E1},     {0x9FE, 0x9FE},     {0xAFA, 0xAFF},
        {0xB55, 0xB55},     {0xC04, 0xC3C},     {0xD00, 0xD00},     {0xD3B, 0xD3C},
        {0xD81, 0xD81},     {0xEBA, 0xEBA},     {0x180F, 0x1886},   {0x1ABF, 0x1ACE},
        {0x1DF6, 0x1DFB},   {0xA82C, 0xA82C},   {0xA8C5, 0xA8C5},   {0xA8FF, 0xA8FF},
        {0xA9BD, 0xA9BD},   {0x10D24, 0x10F85}, {0x11070, 0x11074}, {0x110C2, 0x110C2},
        {0x111C9, 0x111C9}, {0x111CF, 0x111CF}, {0x1123E, 0x1123E}, {0x1133B, 0x1133B},
        {0x11438, 0x1145E}, {0x1182F, 0x11EF4}, {0x16F4F, 0x16F4F}, {0x16FE4, 0x16FE4},
        {0x1CF00, 0x1CF46}, {0x1E000, 0x1E2EF}, {0x1E944, 0x1E94A}};
    if (code_point == 0x1734) return true; /* was Mn then, is Mc now */
    return category(code_point) == UTF8PROC_CATEGORY_MN && !WITHIN(newer, code_point);
}

bool es_unicode_is_bert_punctuation(uint32_t code_point)
{
    static const range newer[] = {{0x61D, 0x61D},     {0x9FD, 0xA76},     {0xC77, 0xC84},
                                  {0x1B7D, 0x1B7E},   {0x2E43, 0x2E5D},   {0x10EAD, 0x10F89},
                                  {0x1144B, 0x1145D}, {0x11660, 0x116B9}, {0x1183B, 0x11FFF},
                                  {0x12FF1, 0x12FF2}, {0x16E97, 0x16FE2}, {0x1E95E, 0x1E95F}};
    if (code_point < 0x80) {
        uint32_t letter = code_point | 0x20;
        return code_point > ' ' && code_point < 0x7F && !(letter >= 'a' && letter <= 'z') &&
               !(code_point >= '0' && code_point <= '9');
    }
    if (code_point == 0x166D || code_point == 0x111C9) return true; /* were P then */
    utf8proc_category_t c = category(code_point);
    return c >= UTF8PROC_CATEGORY_PC && c <= UTF8PROC_CATEGORY_PO && !WITHIN(newer, code_point);
}

bool es_unicode_is_bert_control(uint32_t code_point)
{
    static const range newer[] = {{0x890, 0x8E2}, {0x110CD, 0x1343F}};
    if (code_point == '\t' || code_point == '\n' || code_point == '\r') return false;
    utf8proc_category_t c = category(code_point);
    return (c == UTF8PROC_CATEGORY_CC || c == UTF8PROC_CATEGORY_CF || c == UTF8PROC_CATEGORY_CO) &&
           !WITHIN(newer, code_point);
}

bool es_unicode_is_bert_ideograph(uint32_t code_point)
{
    /* 2B820 ... 2B91F are not among them in the reference. */
    static const range ideographs[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                       {0x20000, 0x2A6DF}, {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF},
                                       {0x2F800, 0x2FA1F}};
    return code_point >= 0x3400 && WITHIN(ideographs, code_point);
}
