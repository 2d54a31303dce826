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

/* By trial, for every float. */
static void shortest_float_by_trial(float value, char out[ES_NUMBER_TEXT])
{
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(out, ES_NUMBER_TEXT, "%.*g", digits, (double)value);
        restore_point(out);
        double back = 0;
        if (es_number_parse(out, strlen(out), &back) && (float)back == value) return;
    }
}

/* 10^0 ... 10^22, every one a float64. */
static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The decimal digits of a float and the place of their point: magnitude = d.ddd * 10^exponent. */
typedef struct decimal {
    int64_t digits;
    int count, exponent;
} decimal;

/* The same digits as printf, by two float64 operations, for magnitudes whose power of ten is a
 * float64. `magnitude` times that power is off by 2^-53 of itself at most, below 1e-6: rounding it
 * to a whole number can only go wrong next to a half, and then this gives up. A whole number below
 * 2^53 over such a power is rounded once, as a reader does it. */
static bool find_decimal(float magnitude, decimal *found)
{
    double value = (double)magnitude;
    if (!(value >= 1e-13 && value < 1e9)) return false;
    uint32_t bits;
    memcpy(&bits, &magnitude, sizeof bits);
    /* 2^e <= value: floor(e log10 2) is the exponent or one less. */
    int exponent = (((int)(bits >> 23) - 127) * 1233) >> 12;
    if (exponent < -1 ? value * powers[-exponent - 1] >= 1 : value >= powers[exponent + 1])
        exponent++;
    for (int count = 6; count <= 9; count++) {
        int shift = count - 1 - exponent;
        double scaled = shift < 0 ? value / powers[-shift] : value * powers[shift];
        double whole = (double)(int64_t)scaled, rest = scaled - whole;
        if (fabs(rest - 0.5) < 1e-5) return false;
        whole += rest > 0.5;
        double back = shift < 0 ? whole * powers[-shift] : whole / powers[shift];
        if ((float)back != magnitude) continue;
        /* 9.9999999 rounds up to one digit more. */
        bool carried = whole >= powers[count];
        *found = (decimal){(int64_t)(carried ? whole / 10 : whole), count, exponent + carried};
        return true;
    }
    return false;
}

/* As %.*g lays them out: without zeros at the end, in the form with an exponent below 10^-4 and
 * from 10^count on. Returns the end. */
static char *lay_out(decimal number, char *out)
{
    char digits[16];
    int length = number.count;
    for (int i = length; i-- > 0; number.digits /= 10) digits[i] = (char)('0' + number.digits % 10);
    while (length > 1 && digits[length - 1] == '0') length--;
    int point = number.exponent + 1; /* digits before the point */
    bool scientific = number.exponent < -4 || number.exponent >= number.count;
    if (scientific) point = 1;
    if (point <= 0) {
        *out++ = '0';
        *out++ = '.';
        for (; point < 0; point++) *out++ = '0';
        point = -1;
    }
    for (int i = 0; i < length; i++) {
        if (i == point) *out++ = '.';
        *out++ = digits[i];
    }
    for (int i = length; i < point; i++) *out++ = '0';
    if (!scientific) return out;
    int size = number.exponent < 0 ? -number.exponent : number.exponent;
    *out++ = 'e';
    *out++ = number.exponent < 0 ? '-' : '+';
    *out++ = (char)('0' + size / 10);
    *out++ = (char)('0' + size % 10);
    return out;
}

int es_number_shortest_float(float value, char out[ES_NUMBER_TEXT])
{
    assert(isfinite(value));
    decimal found;
    char *at = out;
    if (find_decimal(fabsf(value), &found)) {
        if (value < 0) *at++ = '-';
        at = lay_out(found, at);
        *at = '\0';
    } else {
        shortest_float_by_trial(value, out);
        at += strlen(out);
    }
    return (int)(at - out);
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
