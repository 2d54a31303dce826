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

__extension__ typedef unsigned __int128 wide;

/* Exact powers of ten: 10^22 is the largest that a double holds. */
static const double power_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

enum {
    MOST_DIGITS = 19, /* 10^19 - 1 fits in 64 bits */
    LEAST_POWER = -27 /* 5^27 fits in 63 bits */
};

/* 5^n, 0 <= n <= 27. */
static const uint64_t power_of_five[] = {1,
                                         5,
                                         25,
                                         125,
                                         625,
                                         3125,
                                         15625,
                                         78125,
                                         390625,
                                         1953125,
                                         9765625,
                                         48828125,
                                         244140625,
                                         1220703125,
                                         6103515625,
                                         30517578125,
                                         152587890625,
                                         762939453125,
                                         3814697265625,
                                         19073486328125,
                                         95367431640625,
                                         476837158203125,
                                         2384185791015625,
                                         11920928955078125,
                                         59604644775390625,
                                         298023223876953125,
                                         1490116119384765625,
                                         7450580596923828125};

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The rare number that the exact ways below do not cover: the C library's strtod, in the C locale,
 * on a terminated copy. */
static bool parse_slowly(const char *data, size_t size, double *value)
{
    char small[128];
    char *copy = size < sizeof small ? small : malloc(size + 1);
    if (!copy) return false;
    memcpy(copy, data, size);
    copy[size] = '\0';
    pthread_once(&c_locale_once, make_c_locale);
    if (c_locale) *value = strtod_l(copy, NULL, c_locale);
    if (copy != small) free(copy);
    return c_locale != (locale_t)0;
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

/* digits / 10^places, rounded once: an integer division by 5^places that keeps the remainder, so
 * that halves are told from almost-halves. digits > 0, places 1 ... 27; nothing here is subnormal.
 */
static double divide_exactly(uint64_t digits, int places)
{
    uint64_t divisor = power_of_five[places];
    /* Both shifted to the top of their word: the quotient of 2^63 * digits by divisor then has 63
     * or 64 bits. */
    int up = __builtin_clzll(digits), down = __builtin_clzll(divisor);
    wide dividend = (wide)(digits << up) << 63;
    divisor <<= down;
    uint64_t quotient = (uint64_t)(dividend / divisor);
    bool inexact = (wide)quotient * divisor != dividend;
    int spare = 11 - __builtin_clzll(quotient); /* bits beyond the 53 that stay */
    uint64_t mantissa = quotient >> spare;
    uint64_t rest = quotient & ((UINT64_C(1) << spare) - 1), half = UINT64_C(1) << (spare - 1);
    if (rest > half || (rest == half && (inexact || (mantissa & 1)))) mantissa++;
    uint64_t scale_bits = (uint64_t)(1023 + spare - 63 + down - up - places) << 52;
    double scale; /* a power of two */
    memcpy(&scale, &scale_bits, sizeof scale);
    return (double)mantissa * scale;
}

/* Take the digits at *at into *digits (modulo 2^64); returns how many there are. */
static int64_t take_digits(const char **at, const char *end, uint64_t *digits)
{
    const char *start = *at, *here = start;
    uint64_t value = *digits;
    for (; here < end; here++) {
        unsigned digit = (unsigned)(unsigned char)*here - '0';
        if (digit > 9) break;
        value = value * 10 + digit;
    }
    *digits = value;
    *at = here;
    return here - start;
}

/* "e-5" at *at, where it is whole; returns the power. */
static int64_t take_exponent(const char **at, const char *end)
{
    const char *here = *at + 1;
    bool down = false;
    if (here < end && (*here == '-' || *here == '+')) down = *here++ == '-';
    const char *start = here;
    int64_t power = 0;
    for (; here < end && *here >= '0' && *here <= '9'; here++)
        if (power < 100000) power = power * 10 + (*here - '0');
    if (here == start) return 0;
    *at = here;
    return down ? -power : power;
}

/* Digits that count: `text` holds digits and perhaps a point; leading zeros are nothing. */
static bool has_too_many_digits(const char *text, const char *end, int64_t written)
{
    if (written <= MOST_DIGITS) return false;
    while (text < end && (*text == '0' || *text == '.')) written -= *text++ == '0';
    return written > MOST_DIGITS;
}

size_t es_number_parse(const char *data, size_t size, double *value)
{
    const char *at = data, *end = data + size;
    bool negative = false;
    if (size && (*at == '-' || *at == '+')) negative = *at++ == '-';
    const char *first = at;
    uint64_t digits = 0;
    int64_t written = take_digits(&at, end, &digits), places = 0;
    if (at < end && *at == '.') {
        at++;
        places = take_digits(&at, end, &digits);
        written += places;
    }
    if (!written) {
        size_t length = parse_word(first, (size_t)(end - first), negative, value);
        return length ? (size_t)(first - data) + length : 0;
    }
    const char *digits_end = at;
    int64_t exponent = -places;
    if (at < end && (*at == 'e' || *at == 'E')) exponent += take_exponent(&at, end);
    double result;
    bool exact = !has_too_many_digits(first, digits_end, written);
    if (exact && digits <= (UINT64_C(1) << 53) && exponent >= -22 && exponent <= 22)
        /* Clinger's fast path: digits and power are both exact in a double, so one operation rounds
         * once. */
        result = exponent < 0 ? (double)digits / power_of_ten[-exponent]
                              : (double)digits * power_of_ten[exponent];
    else if (exact && digits && exponent < 0 && exponent >= LEAST_POWER)
        result = divide_exactly(digits, (int)-exponent);
    else if (!parse_slowly(first, (size_t)(at - first), &result))
        return 0;
    *value = negative ? -result : result;
    return (size_t)(at - data);
}
