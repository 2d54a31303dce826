#define _GNU_SOURCE /* strtod_l */
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Exact powers of ten: 10^22 is the largest that a double holds. */
static const double power_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The rare number that needs more than 53 bits on the way: the C library's strtod, in the C locale,
 * on a terminated copy. */
static bool parse_slowly(const char *data, size_t size, double *value)
{
    char small[128];
    char *copy = size < sizeof small ? small : malloc(size + 1);
    if (!copy) return false;
    memcpy(copy, data, size);
    copy[size] = '\0';
    pthread_once(&c_locale_once, make_c_locale);
    *value = c_locale ? strtod_l(copy, NULL, c_locale) : strtod(copy, NULL);
    if (copy != small) free(copy);
    return true;
}

static size_t parse_word(const char *data, size_t size, bool negative, double *value)
{
    static const struct {
        const char *text;
        size_t length;
        double value;
    } words[] = {{"infinity", 8, INFINITY}, {"inf", 3, INFINITY}, {"nan", 3, NAN}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (size >= words[i].length && strncasecmp(data, words[i].text, words[i].length) == 0) {
            *value = negative ? -words[i].value : words[i].value;
            return words[i].length;
        }
    }
    return 0;
}

size_t es_number_parse(const char *data, size_t size, double *value)
{
    size_t at = 0;
    bool negative = false;
    if (size && (data[0] == '-' || data[0] == '+')) negative = data[at++] == '-';
    uint64_t digits = 0;
    int significant = 0; /* digits taken into `digits`, leading zeros not counted */
    int64_t exponent = 0;
    bool exact = true, any = false;
    for (; at < size && data[at] >= '0' && data[at] <= '9'; at++) {
        any = true;
        if (significant < 19) {
            digits = digits * 10 + (uint64_t)(data[at] - '0');
            significant += digits != 0;
        } else {
            exact = false;
        }
    }
    if (at < size && data[at] == '.') {
        size_t dot = at++;
        for (; at < size && data[at] >= '0' && data[at] <= '9'; at++) {
            any = true;
            if (significant < 19) {
                digits = digits * 10 + (uint64_t)(data[at] - '0');
                significant += digits != 0;
                exponent--;
            } else {
                exact = false;
            }
        }
        if (!any) at = dot;
    }
    if (!any) {
        size_t length = parse_word(data + at, size - at, negative, value);
        return length ? at + length : 0;
    }
    if (at < size && (data[at] == 'e' || data[at] == 'E')) {
        size_t mark = at++;
        bool down = false;
        if (at < size && (data[at] == '-' || data[at] == '+')) down = data[at++] == '-';
        int64_t power = 0;
        size_t start = at;
        for (; at < size && data[at] >= '0' && data[at] <= '9'; at++)
            if (power < 100000) power = power * 10 + (data[at] - '0');
        if (at == start)
            at = mark;
        else
            exponent += down ? -power : power;
    }
    /* Clinger's fast path: digits and power are both exact in a double, so one operation rounds
     * once. */
    if (exact && digits <= (UINT64_C(1) << 53) && exponent >= -22 && exponent <= 22) {
        double result = (double)digits;
        result = exponent < 0 ? result / power_of_ten[-exponent] : result * power_of_ten[exponent];
        *value = negative ? -result : result;
        return at;
    }
    return parse_slowly(data, at, value) ? at : 0;
}
