#include "render/number_text.h"

#include "base/number.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* printf writes the locale's decimal point, which may be several bytes: whatever stands between two
 * digits and belongs to no number is made a point. Changing the locale around the call instead
 * would be seen by the host's other threads. */
static void restore_point(char *text)
{
    char *from = text, *to = text;
    while (*from) {
        if (strchr("0123456789+-eE", *from)) {
            *to++ = *from++;
            continue;
        }
        *to++ = '.';
        while (*from && !strchr("0123456789+-eE", *from)) from++;
    }
    *to = '\0';
}

void es_number_shortest(double value, char out[ES_NUMBER_TEXT])
{
    assert(isfinite(value));
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, ES_NUMBER_TEXT, "%.*g", digits, value);
        restore_point(out);
        double back = 0;
        if (es_number_parse(out, strlen(out), &back) && back == value) return;
    }
}

void es_number_shortest_float(float value, char out[ES_NUMBER_TEXT])
{
    assert(isfinite(value));
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(out, ES_NUMBER_TEXT, "%.*g", digits, (double)value);
        restore_point(out);
        double back = 0;
        if (es_number_parse(out, strlen(out), &back) && (float)back == value) return;
    }
}

void es_number_fixed(double value, int decimals, char out[ES_NUMBER_TEXT])
{
    assert(decimals >= 0 && decimals <= 20);
    if (isnan(value)) {
        memcpy(out, "-", 2);
        return;
    }
    if (isinf(value)) {
        memcpy(out, value < 0 ? "-inf" : "inf", value < 0 ? 5 : 4);
        return;
    }
    bool large = fabs(value) >= 1e9;
    snprintf(out, ES_NUMBER_TEXT, large ? "%.*e" : "%.*f", large ? 3 : decimals, value);
    restore_point(out);
    if (out[0] == '-' && !strpbrk(out, "123456789")) memmove(out, out + 1, strlen(out));
}

void es_number_count(int64_t count, char out[ES_NUMBER_TEXT])
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)count);
    int first = digits[0] == '-';
    char *to = out;
    for (int i = 0; i < length; i++) {
        if (i > first && (length - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
}

void es_text_fixed(es_text *text, double value, int decimals)
{
    char number[ES_NUMBER_TEXT];
    es_number_fixed(value, decimals, number);
    es_text_add(text, number);
}

void es_text_count(es_text *text, int64_t count)
{
    char number[ES_NUMBER_TEXT];
    es_number_count(count, number);
    es_text_add(text, number);
}

void es_text_shortest(es_text *text, double value)
{
    char number[ES_NUMBER_TEXT];
    es_number_shortest(value, number);
    es_text_add(text, number);
}
